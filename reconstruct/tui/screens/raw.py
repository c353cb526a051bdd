"""View 4: the raw lines of the journey, and each among the lines around it, in all logs or in its own file."""

from __future__ import annotations

from collections.abc import Iterable

from textual.timer import Timer
from textual.widget import Widget

from reconstruct.journeys.moments import Ref, Story
from reconstruct.tui.elsewhere import copy_text, edit_file
from reconstruct.tui.fetch import start
from reconstruct.tui.messages import Remark, RowPointed
from reconstruct.tui.screens.view import View
from reconstruct.tui.widgets.detail import Position, positions_of
from reconstruct.tui.widgets.header import JourneyHeader
from reconstruct.tui.widgets.merged_view import MergedLines
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.raw_view import CONTEXT, PAGE, FileLines, JourneyLines, LineList, matches
from reconstruct.tui.widgets.rule import Rule

CONTEXT_PAUSE_S = 0.05
"""A rest of the cursor before the lines around it are read."""


class RawView(View):
    """Two lists of lines: the journey's, and those around the chosen one."""

    NAME = "raw"

    def body(self) -> Iterable[Widget]:
        yield JourneyHeader()
        yield JourneyLines(self.reconstruct.reader, self.reconstruct.fetcher, id="lines")
        yield Rule(id="place")
        yield MergedLines(id="merged")
        yield FileLines(id="file")
        yield Prompt(id="search")

    def __init__(self) -> None:
        super().__init__()
        self.shown: Story | None = None
        self.at: Position | None = None
        self.more_at: Position | None = None
        """the entry that more lines were asked for around"""
        self.is_merged = True
        self.lit: set[Position] = set()
        self.timer: Timer | None = None
        self.searched: LineList | None = None
        """the list the search box was opened from"""

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(FileLines).display = False
        self.lines.focus()

    @property
    def lines(self) -> JourneyLines:
        return self.query_one(JourneyLines)

    @property
    def around(self) -> MergedLines | FileLines:
        """The list below."""
        return self.query_one(MergedLines) if self.is_merged else self.query_one(FileLines)

    @property
    def active(self) -> LineList:
        """The list keys go to."""
        return self.lines if self.focused is self.lines else self.around

    def results_changed(self) -> None:
        self.lines.refresh()

    def journey_changed(self) -> None:
        story = self.reconstruct.story
        if story is not self.shown:
            self.shown = story
            self.query_one(JourneyHeader).show(story)
            self.lines.show(story, self.reconstruct.paths)
            self.lit = {line[1] for line in self.lines.lines}
            self.at = None
        pointed, self.reconstruct.pointed = self.reconstruct.pointed, None
        if pointed is not None:
            place = self._place_of(pointed)
            if place is not None:
                self.lines.point(place)
        self._follow()

    def _place_of(self, pointed: Ref) -> int | None:
        """The line to begin with: the first of what was pointed at; of a step that never came, the last that is known of its object."""
        lines = self.lines.lines
        if pointed.kind in ("touchpoint", "step"):
            return next((place for place, line in enumerate(lines) if line[2] == pointed), None)
        rows = self.shown.rows if self.shown else {}
        # A line that a touchpoint and a step share is listed once, as the touchpoint's: by its place in its file it is found.
        steps = [ref for ref in rows if ref.kind == "step" and ref.business == pointed.business]
        wanted = {position for ref in steps for position in positions_of(rows[ref])}
        own = [place for place, line in enumerate(lines) if line[1] in wanted]
        if not own:
            return None
        return own[-1] if pointed.kind == "missing" else own[0]

    def pen_changed(self) -> None:
        """ASCII or not."""
        self.refresh(layout=True)

    def on_row_pointed(self, event: RowPointed) -> None:
        if self.focused is self.lines:
            if self.timer:
                self.timer.stop()
            self.timer = self.set_timer(CONTEXT_PAUSE_S, self._follow)
        elif self.is_merged:
            merged = self.query_one(MergedLines)
            self._say_place()
            wanted = merged.wants_more
            if wanted is not None and wanted != self.more_at:
                self.more_at = wanted
                start(self, "context", self._read_more, wanted)

    # --- the lines around

    def _follow(self) -> None:
        lines = self.lines
        if not lines.lines:
            self.query_one(MergedLines).show([], (), {}, (0, 0), row=-1)
            self.query_one(FileLines).show([], set(), 0)
            self.query_one(Rule).say("")
            return
        position = lines.lines[lines.cursor][1]
        if position != self.at:
            self.at = position
            start(self, "context", self._read, position)

    async def _read(self, position: Position) -> None:
        app = self.reconstruct
        if self.is_merged:
            around = await app.fetcher.ask(app.reader.raw_around, *position, CONTEXT, CONTEXT)
            if self.at == position:
                self.more_at = position
                self.query_one(MergedLines).show(around, self.lit, app.paths, position, row=-1)
        else:
            rows = await app.fetcher.ask(app.reader.raw, *position, CONTEXT, CONTEXT)
            if self.at == position:
                lit = {line for source, line in self.lit if source == position[0]}
                self.query_one(FileLines).show(rows, lit, position[1])
        self._say_place()

    async def _read_more(self, entry: Position) -> None:
        """Read on around the cursor, which stays where it is on screen."""
        app = self.reconstruct
        around = await app.fetcher.ask(app.reader.raw_around, *entry, CONTEXT, CONTEXT)
        merged = self.query_one(MergedLines)
        here = merged.position(merged.cursor) if merged.lines else None
        if here is not None and self.more_at == entry:
            merged.show(around, self.lit, app.paths, here, row=merged.row_on_screen)

    def _say_place(self) -> None:
        app, around = self.reconstruct, self.around
        place = around.position(around.cursor) if around.n_lines else None
        words = f"{app.pen.clean(app.paths.get(place[0], ''))}:{place[1]}" if place else ""
        self.query_one(Rule).say(words, "all logs by corrected time" if self.is_merged else "this file")

    def action_merged(self) -> None:
        """All logs in the order of time, or the file alone."""
        had_focus = self.focused is self.around
        self.is_merged = not self.is_merged
        self.query_one(MergedLines).display = self.is_merged
        self.query_one(FileLines).display = not self.is_merged
        if had_focus:
            self.around.focus()
        self.at = None
        self._follow()

    # --- keys of both lists

    def action_journey_line(self, direction: int) -> None:
        """To the journey's next line, whichever list has the focus."""
        self.lines.point(self.lines.cursor + direction)
        self._follow()

    def action_copy(self) -> None:
        """The line under the cursor to the clipboard."""
        active = self.active
        text = active.line_text(active.cursor) if active.n_lines else None
        if text is not None:
            copy_text(self.reconstruct, text, "the line")

    def action_edit(self) -> None:
        """The file under the cursor in the user's editor."""
        active = self.active
        place = active.position(active.cursor) if active.n_lines else None
        if place is not None:
            start(self, "edit", edit_file, self.reconstruct, *place)

    # --- search

    def action_search(self) -> None:
        self.searched = self.active
        self.query_one(Prompt).ask("search", self.lines.query_text)

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        self.query_one(Prompt).display = False
        for part in self.query(LineList):
            part.query_text = event.text
            part.refresh()
        part = self.searched or self.lines
        part.focus()
        self._begin_search(part, 1)

    def on_prompt_left(self) -> None:
        (self.searched or self.lines).focus()

    def action_search_next(self, direction: int) -> None:
        self._begin_search(self.active, direction)

    def _begin_search(self, part: LineList, direction: int) -> None:
        if part.query_text:
            start(self, "search", self._search, part, direction)

    async def _search(self, part: LineList, direction: int) -> None:
        """To the next line that holds the text; lines that were never seen are read for it."""
        index = part.cursor + direction
        while 0 <= index < part.n_lines:
            if isinstance(part, JourneyLines):
                await self._know(part, index, direction)
            if matches(part.line_text(index) or "", part.query_text):
                part.point(index)
                return
            index += direction
        self.post_message(Remark("No further match"))

    async def _know(self, part: JourneyLines, index: int, direction: int) -> None:
        """Read the lines from an index on, if that one is not known."""
        if part.lines[index][1] in part.texts:
            return
        begin = index if direction > 0 else max(0, index - PAGE + 1)
        await part.fetch([line[1] for line in part.lines[begin : begin + PAGE]])
