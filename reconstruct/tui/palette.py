"""Every action by name: what the command palette offers, and how it is done from anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from textual.app import SystemCommand
from textual.binding import Binding

from reconstruct.tui.bindings import GROUPS, PLACES, remap
from reconstruct.tui.screens.paged import PagedView
from reconstruct.tui.widgets.strips import say_key

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp


def list_commands(app: ReconstructApp) -> Iterator[SystemCommand]:
    """The actions of all views, with their keys, ids and where they work."""
    for title, bindings in GROUPS:
        for binding in remap(bindings, app.keymap):
            if binding.id != "palette.open" and binding.key:
                words = f"{say_key(binding)}   {binding.id}   {title}"
                yield SystemCommand(binding.description, words, _presser(app, binding, title))


def _presser(app: ReconstructApp, binding: Binding, title: str) -> Callable[[], None]:
    """What presses a key of a group: in its view, after going there."""
    name, page = PLACES.get(title, ("", ""))

    def press() -> None:
        view = app.view
        if page and isinstance(view, PagedView):
            view.action_show_page(page)
        if name and view is not None and view.focus_chain:
            view.set_focus(view.focus_chain[0])  # a key of the view may mean nothing in its detail pane
        app.simulate_key(binding.key.split(",")[0])

    def go() -> None:
        if name:
            app.action_view(name)
        app.call_after_refresh(press)

    return go
