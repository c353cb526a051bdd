"""Gathers where the user is, keeps it now and then, and goes back there at the next start."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reconstruct.journeys.axis import MODES
from reconstruct.journeys.moments import Level, Ref
from reconstruct.tui.screens.compare import CompareView
from reconstruct.tui.screens.funnel import FunnelView
from reconstruct.tui.screens.groups import ARRANGEMENTS
from reconstruct.tui.screens.journeys import JourneysView
from reconstruct.tui.screens.timeline import TimelineView
from reconstruct.tui.state import State, load_state, save_state

if TYPE_CHECKING:
    from reconstruct.tui.app import ReconstructApp

KEEP_EVERY_S = 5.0
"""A lost connection costs at most this much of where one was."""
LEVELS = ("user", "customer")


class Memory:
    """The state of one app. Without a path nothing is read or written."""

    def __init__(self, app: ReconstructApp, path: Path | None) -> None:
        self.app = app
        self.path = path
        self.pending: State | None = None
        """what is still to be restored"""
        self.kept = State()
        self._kept_at = 0.0

    # --- keeping

    def gather(self) -> State:
        """Where the user is."""
        app, pending = self.app, self.pending
        if pending is not None or not app._screen_stack:
            return pending or self.kept
        state = State(view=app.trail.here, journey=app.journey_id or "", whole_customer=app.whole_customer)
        journeys, timeline = app.get_screen("journeys"), app.get_screen("timeline")
        if isinstance(journeys, JourneysView) and journeys.is_mounted:
            table = journeys.table
            state.filter, state.order_by, state.descending = table.filter_text, table.order_by, table.descending
            state.row, state.row_id = table.cursor, table.pointed_id or ""
            state.arranged = journeys.arranged
        if isinstance(timeline, TimelineView) and timeline.is_mounted:
            view = timeline.timeline
            state.mode, state.level, state.by_stage, state.zoom = view.mode, view.level, view.by_stage, view.zoom
            state.cursor = " ".join(map(str, view.cursor)) if view.cursor else ""
        funnel, compare = app.get_screen("funnel"), app.get_screen("compare")
        if isinstance(funnel, FunnelView):
            state.counted, state.subject = funnel.page, funnel.subject
        if isinstance(compare, CompareView):
            state.compared, (state.first, state.second) = compare.page, compare.pair
            state.compares_queries = compare.sets is not None
            state.first_query, state.second_query = compare.sets or ("", "")
        return state

    def keep(self) -> None:
        """Write it down."""
        self._kept_at = time.monotonic()
        try:
            state = self.gather()
        except Exception:  # the interface may be in pieces: then what was kept before stands
            return
        if self.path is not None and state != self.kept:
            save_state(self.path, state)
        self.kept = state

    def keep_sometimes(self) -> None:
        """The same, when it is time again."""
        if time.monotonic() - self._kept_at >= KEEP_EVERY_S:
            self.keep()

    # --- going back

    def begin(self) -> None:
        """Read what was kept; what needs no results is restored at once."""
        if self.path is None:
            return
        self._kept_at = time.monotonic()
        state = self.kept = load_state(self.path)
        if state == State():
            return
        self.pending = state
        self._restore_pages(state)
        self.app.whole_customer = state.whole_customer
        self.app.call_after_refresh(self._restore_list, state)

    def _restore_list(self, state: State) -> None:
        screen = self.app.get_screen("journeys")
        if isinstance(screen, JourneysView) and screen.is_mounted:
            table = screen.table
            table.order_by, table.descending = state.order_by, state.descending
            if state.filter:
                screen.set_filter(state.filter)  # at once: the row is looked for in what matches
            table.cursor, table.pointed_id = max(0, state.row), state.row_id or None
            table.is_placed = table.pointed_id is not None
            if state.arranged in {by for *_, by in ARRANGEMENTS}:
                screen.show_by(state.arranged)

    def _restore_pages(self, state: State) -> None:
        """What the other views show when they come up."""
        funnel, compare = self.app.get_screen("funnel"), self.app.get_screen("compare")
        if isinstance(funnel, FunnelView) and state.counted in dict(funnel.PAGES):
            funnel.page, funnel.subject = state.counted, state.subject
        if isinstance(compare, CompareView) and state.compared in dict(compare.PAGES):
            compare.page, compare.pair = state.compared, (state.first, state.second)
            compare.sets = (state.first_query, state.second_query) if state.compares_queries else None

    async def restore(self) -> None:
        """The open journey and the view, as soon as the results have them; unless the user went elsewhere meanwhile."""
        state, app = self.pending, self.app
        if state is None:
            return
        if len(app.trail.names) > 1 or app.journey_id is not None:
            self.pending = None
            return
        if state.journey:
            await app.load_journey(state.journey, quietly=True)
        found = app.journey_id is not None
        if not found and state.journey and not app.reader.progress().finished:
            return  # it may be in what is still being read
        self.pending = None
        if state.view in app.SCREENS and (found or state.view not in ("timeline", "raw")):
            app.action_view(state.view)
        if found:
            app.call_after_refresh(self._restore_timeline, state)

    def _restore_timeline(self, state: State) -> None:
        screen = self.app.get_screen("timeline")
        if not isinstance(screen, TimelineView) or not screen.is_mounted:
            return
        timeline = screen.timeline
        timeline.mode = state.mode if state.mode in MODES else "compressed"
        timeline.level = cast(Level, state.level) if state.level in LEVELS else "user"
        timeline.by_stage, timeline.zoom = state.by_stage, max(1.0, state.zoom)
        timeline.lay_again()
        ref = read_ref(state.cursor)
        if ref in timeline.moments:
            timeline.point(ref)


def read_ref(text: str) -> Ref | None:
    """A moment's address from three words.

    >>> read_ref("step 0 3")
    Ref(kind='step', business=0, place=3)
    """
    words = text.split()
    try:
        return Ref(words[0], int(words[1]), int(words[2])) if len(words) == 3 else None  # type: ignore[arg-type]
    except ValueError:
        return None
