"""A view with a box for queries: it completes, says where one is wrong, and offers those used before."""

from __future__ import annotations

from typing import ClassVar

from textual.widgets import Input

from reconstruct.errors import QueryError
from reconstruct.tui.fetch import start
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.suggestions import Suggestion, Suggestions

EARLIER = 3
"""Filters used before among other suggestions; of an empty box as many as fit."""
FILTER_PAUSE_S = 0.15
"""A pause in typing before the list follows, so that it is not asked for every letter."""


class AskingView(View):
    """Subclasses have a ``Prompt`` and ``Suggestions`` in their body, and say what a query is for."""

    PURPOSE: ClassVar[str] = "filter"

    def typed(self, text: str) -> None:
        """What stands in the box is a query, and may be typed on."""

    def answered(self, text: str) -> None:
        """A query was given."""
        raise NotImplementedError

    def ask_query(self, text: str = "") -> None:
        """Open the box."""
        self.query_one(Prompt).ask(self.PURPOSE, text)
        start(self, "preview", self._preview, text)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value
        self.set_timer(FILTER_PAUSE_S, lambda: self._follow(text))

    def _follow(self, text: str) -> None:
        prompt = self.query_one(Prompt)
        if prompt.is_open and prompt.purpose == self.PURPOSE and prompt.value == text:
            start(self, "preview", self._preview, text)

    async def _preview(self, text: str) -> None:
        """Count what a filter that is being typed finds, follow it with the list, and say what could come next."""
        app, prompt, shown = self.reconstruct, self.query_one(Prompt), self.query_one(Suggestions)
        found = await app.fetcher.ask(app.reader.completions, text, prompt.cursor)
        entries = [Suggestion(each.text, each.start, each.end, each.help) for each in found]
        entries = [entry for entry in entries if entry.text != text[entry.start : entry.end]]
        earlier = [each for each in app.filters if text.strip() in each and each != text]
        entries[:0] = [
            Suggestion(each, 0, len(text), "used before") for each in earlier[: EARLIER if text else len(earlier)]
        ]
        error = await self._check(text)
        if not prompt.is_open or prompt.value != text:
            return
        if error is None:
            self.typed(text)
            shown.show(entries)
            return
        prompt.say("")
        shown.show(
            entries, f"{error.reason}; {error.hint}" if error.hint else error.reason, prompt.column_of(error.column - 1)
        )

    async def _check(self, text: str) -> QueryError | None:
        app = self.reconstruct
        try:
            await app.fetcher.ask(app.reader.count_journeys, text)
        except QueryError as error:
            return error
        return None

    def on_prompt_suggested(self, event: Prompt.Suggested) -> None:
        shown = self.query_one(Suggestions)
        if event.direction:
            shown.move(event.direction)
        else:
            self.action_take_suggestion(-1)

    def action_take_suggestion(self, place: int) -> None:
        """Put a suggestion into the box; -1: the lit one."""
        shown, prompt = self.query_one(Suggestions), self.query_one(Prompt)
        if place >= 0:
            shown.lit = place
        entry = shown.chosen
        if entry and prompt.is_open:
            prompt.put(entry.text, entry.start, entry.end)
            shown.show([])  # others come when the box has been looked at again

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        shown = self.query_one(Suggestions)
        if shown.lit >= 0:
            self.query_one(Prompt).is_open = True
            self.action_take_suggestion(shown.lit)
        else:
            start(self, "preview", self._answer, event.text)

    async def _answer(self, text: str) -> None:
        if await self._check(text) is None:
            self.answered(text)
            return
        self.query_one(Prompt).ask(self.PURPOSE, text)
        await self._preview(text)
