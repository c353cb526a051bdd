"""Raw lines: those of the journey in time order, and those around one of them in its file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events as ui_events
from textual.binding import BindingType
from textual.strip import Strip

from reconstruct.journeys.axis import SECOND, to_datetime
from reconstruct.journeys.moments import Moment, Ref, Story
from reconstruct.tui.bindings import MOVE, RAW
from reconstruct.tui.fetch import Fetcher, start_beside
from reconstruct.tui.messages import RowPointed
from reconstruct.tui.reader import RawLine, Reader
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.detail import Position, positions_of
from reconstruct.tui.widgets.paint import EMPTY, LineView, Row

CONTEXT = 200
"""Lines of the file fetched on either side of the chosen one."""
LINE_CAP = 16_384
"""Characters of a raw line that can be scrolled to; longer lines say how much more there is."""
KEPT = 20_000
"""Lines remembered by the list."""
PAGE = 200
"""Lines read at a time: several screens."""
PLACE_LEAST, PLACE_MOST, PLACE_SHARE = 16, 40, 5
"""Cells for file and line number: one in five, within limits."""


def journey_lines(story: Story) -> list[tuple[int, Position, Ref]]:
    """Every line of a journey once, in the order of the moments it belongs to: (time, position, moment)."""
    moments: list[Moment] = [*story.touchpoints, *(moment for steps in story.businesses for _, moment in steps)]
    moments.sort(key=lambda moment: (moment.at_ns, moment.ref.business, moment.ref.place))
    # What a touchpoint set off, hours later, is listed where it happened.
    later = {
        position: moment.at_ns
        for moment in moments
        if moment.ref.kind == "step"
        for position in positions_of(story.rows.get(moment.ref, {}))
    }
    seen: set[Position] = set()
    lines = []
    for moment in moments:
        if moment.ref.kind not in ("touchpoint", "step"):
            continue
        for position in positions_of(story.rows.get(moment.ref, {})):
            if moment.ref.kind == "touchpoint" and later.get(position, 0) > moment.end_ns + SECOND:
                continue
            if position not in seen:
                seen.add(position)
                lines.append((moment.at_ns, position, moment.ref))
    return lines


def matches(text: str, query: str) -> list[tuple[int, int]]:
    """Where a text occurs in another, case aside; no two overlap."""
    return [found.span() for found in re.finditer(re.escape(query), text, re.IGNORECASE)]


def say_clock_ms(time_ns: int) -> str:
    """Time of day (UTC) in twelve cells."""
    moment = to_datetime(time_ns)
    return f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}"


def place_cells(width: int) -> int:
    """Cells for file and line number."""
    return max(PLACE_LEAST, min(PLACE_MOST, width // PLACE_SHARE))


class LineList(LineView):
    """Lines with a cursor; what they say is fetched when they are seen."""

    BINDINGS: ClassVar[list[BindingType]] = [*MOVE, *RAW]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.cursor = 0
        self.shift = 0
        self.query_text = ""

    @property
    def n_lines(self) -> int:
        raise NotImplementedError

    def line_text(self, index: int) -> str | None:
        """Raw text of a line; None while it is being fetched."""
        raise NotImplementedError

    def position(self, index: int) -> Position | None:
        """Where a line is."""
        raise NotImplementedError

    def draw(self, index: int, row: Row) -> None:
        """Draw one line."""
        raise NotImplementedError

    def lines_changed(self) -> None:
        """Call after the number of lines changed."""
        self.cursor = max(0, min(self.cursor, self.n_lines - 1))
        self.resize_content(self.size.width, self.n_lines)
        self.reveal(self.cursor)
        self.refresh()

    def on_resize(self, _event: ui_events.Resize) -> None:
        self.lines_changed()

    def draw_line(self, y: int) -> Strip:
        index = y + round(self.scroll_y)
        here = index == self.cursor and index < self.n_lines
        base = (self.ink("cursor") if self.has_focus else self.ink("current")) if here else EMPTY
        row = Row(self.size.width, base)
        if index < self.n_lines:
            self.draw(index, row)
            if here:
                row.tint(0, row.width, base)
        return row.strip()

    def point(self, index: int) -> None:
        """Put the cursor on a line."""
        self.cursor = max(0, min(index, self.n_lines - 1))
        self.reveal(self.cursor)
        self.refresh()
        self.post_message(RowPointed(self.cursor))

    def action_move(self, rows: int) -> None:
        self.point(self.cursor + rows)

    def action_move_page(self, pages: float) -> None:
        self.point(self.cursor + int(pages * max(2, self.size.height)))

    def action_move_to(self, end: int) -> None:
        self.point(0 if end == 0 else self.n_lines - 1)

    def action_shift(self, cells: int) -> None:
        self.shift = max(0, min(LINE_CAP, self.shift + cells))
        self.refresh()

    def on_click(self, event: ui_events.Click) -> None:
        self.point(event.y + round(self.scroll_y))

    def put_text(self, row: Row, column: int, text: str, ink: str, query: str) -> None:
        """A raw line's text from the horizontal scroll position on, with matches marked."""
        shown = self.pen.clean(text, LINE_CAP)
        row.put(
            column, shown[self.shift : self.shift + row.width], row.styles[0] + self.ink(ink) if row.width else EMPTY
        )
        if query:
            seen = shown[self.shift : self.shift + row.width]
            for begin, end in matches(seen, query):
                place = column + measure(seen[:begin])
                row.tint(place, place + measure(seen[begin:end]), self.ink("mark"))


class JourneyLines(LineList):
    """The lines of one journey, from all its files, in time order."""

    def __init__(self, reader: Reader, fetcher: Fetcher, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.reader = reader
        self.fetcher = fetcher
        self.lines: list[tuple[int, Position, Ref]] = []
        self.texts: dict[Position, str] = {}
        self.asked: set[Position] = set()
        self.paths: Mapping[int, str] = {}

    def show(self, story: Story | None, paths: Mapping[int, str]) -> None:
        """Another journey."""
        self.lines = journey_lines(story) if story else []
        self.paths = paths
        self.cursor = 0
        self.lines_changed()

    @property
    def n_lines(self) -> int:
        return len(self.lines)

    def position(self, index: int) -> Position | None:
        return self.lines[index][1]

    def line_text(self, index: int) -> str | None:
        position = self.lines[index][1]
        if position not in self.texts and position not in self.asked:
            page = [line[1] for line in self.lines[max(0, index - PAGE // 4) : index + PAGE]]
            wanted = [each for each in page if each not in self.texts and each not in self.asked]
            self.asked.update(wanted)
            start_beside(self, "raw", self.fetch, wanted)
        return self.texts.get(position)

    async def fetch(self, positions: Sequence[Position]) -> None:
        """Read entries, so that ``line_text`` knows them."""
        found = await self.fetcher.ask(self.reader.raw_texts, positions)
        if len(self.texts) > KEPT:
            self.texts.clear()
            self.asked.clear()
        for position, text in zip(positions, found, strict=True):
            self.texts[position] = text[: LINE_CAP * 2]
        self.asked.difference_update(positions)
        self.refresh()

    def draw(self, index: int, row: Row) -> None:
        at, position, ref = self.lines[index]
        clock = say_clock_ms(at)
        row.put(1, clock, self.ink("dim"))
        path = self.pen.clean(self.paths.get(position[0], f"source {position[0]}"))
        column = 1 + len(clock) + 2
        cells = place_cells(row.width)
        number = f":{position[1]}"
        ink = self.ink("customer" if ref.business < 0 else "accent")
        row.put(column, self.pen.fit(self.pen.cut_middle(path, cells - len(number)) + number, cells), ink)
        text = self.line_text(index)
        self.put_text(
            row, column + cells + 1, text if text is not None else self.pen.signs.unknown, "text", self.query_text
        )


L = TypeVar("L", bound=RawLine)


class Stretch(LineList, Generic[L]):
    """Lines that are all here, one after the other."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lines: Sequence[L] = []

    @property
    def n_lines(self) -> int:
        return len(self.lines)

    def line_text(self, index: int) -> str | None:
        return self.lines[index].text

    def position(self, index: int) -> Position | None:
        return self.lines[index].source, self.lines[index].line


class FileLines(Stretch[RawLine]):
    """A stretch of one file: the journey's lines lit, the others dim."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.lit: set[int] = set()

    def show(self, lines: Sequence[RawLine], lit: set[int], line: int) -> None:
        """Another stretch, with the cursor on a line of it."""
        self.lines = lines
        self.lit = lit
        self.cursor = next((index for index, row in enumerate(lines) if row.line == line), 0)
        self.lines_changed()
        self.call_after_refresh(self._centre)

    def on_resize(self, event: ui_events.Resize) -> None:
        super().on_resize(event)
        self.call_after_refresh(self._centre)

    def _centre(self) -> None:
        """The chosen line in the middle; once there is room to scroll in."""
        self.scroll_to(y=max(0, self.cursor - self.size.height // 2), animate=False, immediate=True)

    def draw(self, index: int, row: Row) -> None:
        line = self.lines[index]
        lit = line.line in self.lit
        row.put(0, self.pen.signs.pointer if lit else " ", self.ink("accent"))
        row.put(1, f"{line.line:>7}", self.ink("accent" if lit else "faint"))
        row.put(9, " " if line.is_entry_start else self.pen.signs.dots, self.ink("faint"))
        self.put_text(row, 11, line.text, "strong" if lit else "dim", self.query_text)
