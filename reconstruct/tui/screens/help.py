"""The sheet of keys, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from reconstruct.tui.bindings import ABOUT, GROUPS, remap
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.paint import Span
from reconstruct.tui.widgets.sheet import Paragraph, Sheet
from reconstruct.tui.widgets.strips import name_key

LEGEND = (
    ("instant", "an event"), ("milestone", "a milestone"), ("failure", "a failure"),
    ("missing", "expected, not seen"), ("in_flight", "still going on"),
)  # fmt: skip
KEY_CELLS = 12
COLUMN_CELLS = 48


def write_help(width: int, pen: Pen, view: str = "", keymap: Mapping[str, str] | None = None) -> list[Paragraph]:
    """What one sees on a view, its keys and then all others, in as many columns as fit, and what the signs mean.

    ``keymap``: keys by id, where the user gave others.
    """
    lines: list[Paragraph] = []
    title, words = ABOUT.get(view, ("", ""))
    if words:
        lines += [Paragraph([Span(title, "section")]), Paragraph([Span(pen.clean(words, 1000))]), Paragraph()]
    number = title[:1] or " "
    groups = sorted(GROUPS, key=lambda group: not group[0].startswith(number))
    columns = max(1, min(3, width // COLUMN_CELLS))
    cells = width // columns
    for title, given in groups:
        bindings = remap(given, keymap or {})
        lines += [Paragraph([Span(title, "section")])]
        rows = -(-len(bindings) // columns)
        for index in range(rows):
            spans: list[Span] = []
            for column in range(columns):
                place = column * rows + index
                if place < len(bindings):
                    binding = bindings[place]
                    spans.append(Span(pen.fit(say_keys(binding), KEY_CELLS, "right") + "  ", "key"))
                    words = pen.fit(pen.clean(binding.description), cells - KEY_CELLS - 3)
                    spans.append(Span(words + " ", "text"))
            lines.append(Paragraph(spans))
        lines.append(Paragraph())
    lines.append(Paragraph([Span("Signs", "section")]))
    for glyph, words in LEGEND:
        sign = next(sign for mark, sign in pen.signs.marks.items() if mark == glyph)
        lines.append(Paragraph([Span(sign.rjust(KEY_CELLS) + "  ", "accent"), Span(words)]))
    first = pen.signs.marks
    cluster = next(iter(first.values())) + "5"
    for sign, words in (
        (cluster, "five events too close to tell apart: zoom in with +"),
        (pen.signs.dots * 3, "idle time left out, at the same columns in every lane"),
        (pen.signs.line, "hand-off from customer to business, with what joins them and how sure"),
        (pen.signs.dashed, "the same, inferred: confidence below .9"),
        ("!", "later than usual"),
    ):
        lines.append(Paragraph([Span(" " * max(0, KEY_CELLS - measure(sign)) + sign + "  ", "accent"), Span(words)], 9))
    return lines


def say_keys(binding: Binding) -> str:
    """All keys of a binding."""
    return " ".join(name_key(key) for key in binding.key.split(","))


class HelpSheet(ModalScreen[None]):
    """Closed by Esc, q or ?."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", id="help.close"),
    ]

    def compose(self) -> ComposeResult:
        yield Sheet(id="help")

    def on_mount(self) -> None:
        pen: Pen = getattr(self.app, "pen", Pen())
        sheet = self.query_one(Sheet)
        view = getattr(getattr(self.app, "view", None), "NAME", "")
        keymap: dict[str, str] = getattr(self.app, "keymap", {})
        sheet.show(lambda width: write_help(width, pen, view, keymap))
        sheet.focus()
