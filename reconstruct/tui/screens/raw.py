"""View 4: the raw lines of the journey, and each in its file."""

from __future__ import annotations

from collections.abc import Iterable

from textual.timer import Timer
from textual.widget import Widget

from reconstruct.journeys.moments import Story
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import Remark, RowPointed
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.detail import Position
from reconstruct.tui.widgets.header import JourneyHeader
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.raw_view import CONTEXT, FileLines, JourneyLines, LineList
from reconstruct.tui.widgets.rule import Rule

CONTEXT_PAUSE_S = 0.05
"""A rest of the cursor before the file around it is read."""


class RawView(View):
    """Two lists of lines: the journey's, and the file's."""

    NAME = "raw"

    def body(self) -> Iterable[Widget]:
        yield JourneyHeader()
        yield JourneyLines(self.reconstruct.reader, self.reconstruct.fetcher, id="lines")
        yield Rule(id="place")
        yield FileLines(id="file")
        yield Prompt(id="search")

    def __init__(self) -> None:
        super().__init__()
        self.shown: Story | None = None
        self.at: Position | None = None
        self.timer: Timer | None = None

    def on_mount(self) -> None:
        super().on_mount()
        self.lines.focus()

    @property
    def lines(self) -> JourneyLines:
        return self.query_one(JourneyLines)

    def results_changed(self) -> None:
        self.lines.refresh()

    def journey_changed(self) -> None:
        story = self.reconstruct.story
        if story is not self.shown:
            self.shown = story
            self.query_one(JourneyHeader).show(story)
            self.lines.show(story, self.reconstruct.paths)
            self.at = None
        pointed, self.reconstruct.pointed = self.reconstruct.pointed, None
        if pointed is not None:
            place = next((index for index, line in enumerate(self.lines.lines) if line[2] == pointed), None)
            if place is not None:
                self.lines.point(place)
        self._follow()

    def pen_changed(self) -> None:
        """ASCII or not."""
        self.refresh(layout=True)

    def on_row_pointed(self, event: RowPointed) -> None:
        if self.focused is self.lines:
            if self.timer:
                self.timer.stop()
            self.timer = self.set_timer(CONTEXT_PAUSE_S, self._follow)

    def _follow(self) -> None:
        lines = self.lines
        if not lines.lines:
            self.query_one(FileLines).show([], set(), 0)
            self.query_one(Rule).say("")
            return
        position = lines.lines[lines.cursor][1]
        if position != self.at:
            self.at = position
            start(self, "context", self._read, position)

    async def _read(self, position: Position) -> None:
        app = self.reconstruct
        rows = await app.fetcher.ask(app.reader.raw, position[0], position[1], CONTEXT, CONTEXT)
        if self.at != position:
            return
        lit = {line[1][1] for line in self.lines.lines if line[1][0] == position[0]}
        self.query_one(FileLines).show(rows, lit, position[1])
        self.query_one(Rule).say(f"{app.pen.clean(app.paths.get(position[0], ''))}:{position[1]}")

    # --- keys of both lists

    def action_journey_line(self, direction: int) -> None:
        """To the journey's next line, whichever list has the focus."""
        self.lines.point(self.lines.cursor + direction)
        self._follow()

    def action_search(self) -> None:
        self.query_one(Prompt).ask("search", self.lines.query_text)

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        self.query_one(Prompt).display = False
        for part in (self.lines, self.query_one(FileLines)):
            part.query_text = event.text
            part.refresh()
        self.query_one(FileLines).focus()
        self.action_search_next(1)

    def on_prompt_left(self) -> None:
        self.lines.focus()

    def action_search_next(self, direction: int) -> None:
        part: LineList = self.query_one(FileLines)
        if self.focused is self.lines:
            part = self.lines
        wanted = self.lines.query_text.casefold()
        index = part.cursor + direction
        while wanted and 0 <= index < part.n_lines:
            if wanted in (part.line_text(index) or "").casefold():
                part.point(index)
                return
            index += direction
        if wanted:
            self.post_message(Remark("No further match"))
