"""Drawing one line of cells, and the named inks it is drawn with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol, cast

from rich.cells import get_character_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from reconstruct.tui.glyphs import Pen
from reconstruct.tui.inks import lit_ink, mix_ink

EMPTY = Style.null()


class Span(NamedTuple):
    """A piece of text in one ink."""

    text: str
    ink: str = "text"


Line = list[Span]
"""One line on screen, or one paragraph when it will be wrapped."""


class Row:
    """Cells of one line being drawn; later strokes cover earlier ones, wide characters are never split."""

    __slots__ = ("cells", "styles", "width")

    def __init__(self, width: int, style: Style = EMPTY) -> None:
        self.width = max(0, width)
        self.cells = [" "] * self.width
        self.styles = [style] * self.width

    def put(self, column: int, text: str, style: Style = EMPTY) -> int:
        """Write clean text from a column on, clipped to the row; gives the column after it."""
        if text.isascii():
            begin, end = max(0, column), min(self.width, column + len(text))
            if begin < end:
                self._free(begin, end)
                self.cells[begin:end] = text[begin - column : end - column]
                self.styles[begin:end] = [style] * (end - begin)
            return column + len(text)
        for character in text:
            cells = get_character_cell_size(character)
            if not cells:
                if 0 < column <= self.width and self.cells[column - 1]:
                    self.cells[column - 1] += character
                continue
            if column >= 0 and column + cells <= self.width:
                self._free(column, column + cells)
                self.cells[column] = character
                self.styles[column] = style
                if cells == 2:
                    self.cells[column + 1] = ""
                    self.styles[column + 1] = style
            column += cells
        return column

    def _free(self, begin: int, end: int) -> None:
        """Blank the halves of wide characters that a stroke would leave standing."""
        if self.cells[begin] == "" and begin:
            self.cells[begin - 1] = " "
        if end < self.width and self.cells[end] == "":
            self.cells[end] = " "

    def is_blank_or(self, column: int, signs: str) -> bool:
        """Whether a cell is empty, or holds one of the signs that may be drawn over."""
        return 0 <= column < self.width and self.cells[column] != "" and self.cells[column] in " " + signs

    def tint(self, begin: int, end: int, style: Style) -> None:
        """Lay a style over cells already drawn."""
        for column in range(max(0, begin), min(self.width, end)):
            self.styles[column] = self.styles[column] + style

    def strip(self) -> Strip:
        """The finished line."""
        segments: list[Segment] = []
        begin = 0
        styles = self.styles
        for column in range(1, self.width + 1):
            if column == self.width or (styles[column] is not styles[begin] and styles[column] != styles[begin]):
                segments.append(Segment("".join(self.cells[begin:column]), styles[begin]))
                begin = column
        return Strip(segments, self.width)


class Drawer(Protocol):
    """Whatever has a pen and inks."""

    @property
    def pen(self) -> Pen: ...

    def ink(self, name: str) -> Style: ...


class Inked(Widget):
    """A widget drawn line by line with named inks and the app's pen."""

    @property
    def pen(self) -> Pen:
        return cast(Pen, getattr(self.app, "pen", Pen()))

    def ink(self, name: str) -> Style:
        """The style of an ink, without background unless it has one of its own."""
        inks = self.__dict__.setdefault("_inks", {})
        if name not in inks:
            inks[name] = mix_ink(
                name, self.app.theme_variables, self.background_colors[1], colourless=self.app.no_color
            )
        return cast(Style, inks[name])

    def ink_on(self, base: str, name: str) -> Style:
        """The style of an ink on the widget's ground, or on an ink that lights it; empty names where there is none."""
        inks = self.__dict__.setdefault("_inks_on", {})
        if (base, name) not in inks:
            style = self.ground + (self.ink(base) if base else EMPTY)
            inks[base, name] = style + self.ink(lit_ink(name) if base == "cursor" else name) if name else style
        return cast(Style, inks[base, name])

    def draw_line(self, y: int) -> Strip:
        """One line of the widget; blank where nothing is drawn."""
        return Strip.blank(self.size.width)

    def render_line(self, y: int) -> Strip:
        return self.draw_line(y).apply_style(self.ground)

    @property
    def ground(self) -> Style:
        """The widget's own background and text colour, under every stroke."""
        inks = self.__dict__.setdefault("_inks", {})
        if "" not in inks:
            _, _, background, colour = self.colors
            inks[""] = Style(color=colour.rich_color, bgcolor=background.rich_color)
        return cast(Style, inks[""])

    def line_of(self, spans: Iterable[Span], width: int, base: Style = EMPTY) -> Strip:
        """Spans of clean text side by side, cut at the width."""
        row = Row(width, base)
        column = 0
        for text, ink in spans:
            column = row.put(column, text, base + self.ink(ink))
            if column >= width:
                break
        return row.strip()

    def notify_style_update(self) -> None:
        """Styles were worked out anew, as at every change of the view: only other colours are a reason to draw again."""
        super().notify_style_update()
        colours = (self.app.theme, self.background_colors, self.colors) if self.is_attached else None
        known = self.__dict__  # a plain attribute would not be there yet when styles are first applied
        if colours is None or known.get("_colours") != colours:
            known["_colours"] = colours
            known.pop("_inks_on", None)
            known.pop("_inks", None)
            self.colours_changed()
            self.refresh()

    def colours_changed(self) -> None:
        """Whatever was drawn has colours that are no longer right. May come before the widget is made."""


class LineView(ScrollView, Inked, can_focus=True):
    """A scrolling widget whose lines are drawn when they are seen, and only then."""

    def resize_content(self, width: int, height: int) -> None:
        """Say how large the whole is; scrollbars and limits follow."""
        if self.virtual_size != Size(width, height):
            self.virtual_size = Size(width, height)

    def reveal(self, line: int, margin: int = 0) -> None:
        """Scroll just so far that a line is seen."""
        height = max(1, self.size.height)
        margin = min(margin, (height - 1) // 2)
        top = round(self.scroll_y)
        if line < top + margin:
            self.scroll_to(y=max(0, line - margin), animate=False, immediate=True)
        elif line >= top + height - margin:
            self.scroll_to(y=line - height + 1 + margin, animate=False, immediate=True)
