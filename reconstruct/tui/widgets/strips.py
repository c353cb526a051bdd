"""The one-line strips around a view: where one is, how far reading has come, which keys matter."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.style import Style
from textual.binding import Binding
from textual.strip import Strip
from textual.timer import Timer

from reconstruct.journeys.moments import mapping_of, number_of
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import PROGRAMS, Document, Following, Progress
from reconstruct.tui.sanitise import measure
from reconstruct.tui.widgets.paint import Inked, Row, Span

VIEWS = (
    ("1", "journeys", "Journeys"),
    ("2", "timeline", "Timeline"),
    ("3", "funnel", "Funnel"),
    ("4", "raw", "Raw"),
    ("5", "quality", "Quality"),
    ("6", "identifiers", "Ids"),
    ("7", "compare", "Compare"),
)


class SummaryBar(Inked):
    """The views by number, and what was found."""

    def __init__(self, view: str) -> None:
        super().__init__()
        self.view = view
        self.summary: Document = {}

    def show(self, summary: Document) -> None:
        """Other results."""
        if summary is not self.summary:
            self.summary = summary
            self.refresh()

    def draw_line(self, y: int) -> Strip:
        width = self.size.width
        row = Row(width, self.ink("head"))
        facts = say_summary(self.summary, self.pen)
        roomy = sum(len(title) + 4 for _, _, title in VIEWS) + sum(measure(fact.text) + 3 for fact in facts) + 2
        long = sum(len(title) + 3 for _, _, title in VIEWS) + 2
        column, behind = 1, self.ink("head")
        air = " " if width >= roomy else ""
        for number, name, title in VIEWS:
            click = Style(meta={"@click": f"app.view({name!r})"})
            here = name == self.view
            base = self.ink("lit") if here else self.ink("head")
            words = f" {title}{air}" if here or width >= long else air
            column = row.put(column, " ", base if here else behind)
            column = row.put(column, number, base + click + (base if here else self.ink("key")))
            column = row.put(column, words, base + click)
            behind = base if here and not air else self.ink("head")
        row.put(column, " ", behind)
        used = column
        room = width - used - 2
        while facts and sum(measure(fact.text) for fact in facts) + 3 * (len(facts) - 1) > room:
            facts.pop()
        column = width - 1 - sum(measure(fact.text) for fact in facts) - 3 * (len(facts) - 1)
        for index, fact in enumerate(facts):
            if index:
                column = row.put(column, f" {self.pen.signs.dot} ", self.ink("head"))
            column = row.put(column, fact.text, self.ink("head") + self.ink(fact.ink))
        return row.strip()


def say_summary(summary: Document, pen: Pen) -> list[Span]:
    """The main counts of a summary, most telling first."""
    facts = []
    for key, one, many in (
        ("journeys", "journey", "journeys"),
        ("customers", "customer", "customers"),
        ("business_journeys", "business journey", "business journeys"),
    ):
        count = int(number_of(summary.get(key)))
        if count or (key == "journeys" and key in summary):
            facts.append(Span(f"{count:,} {one if count == 1 else many}", "strong" if key == "journeys" else "text"))
    agents = mapping_of(summary.get("agents"))
    robots = int(sum(number_of(agents.get(kind)) for kind in PROGRAMS))
    if robots and facts:
        facts.insert(1, Span(f"{robots:,} by robots", "dim"))
    if "conversion" in summary and facts and number_of(summary.get("journeys")):
        facts.insert(1, Span(f"{number_of(summary['conversion']):.1%} reach their goal", "good"))
    return facts


PHASE_CELLS = 32
"""Room for what is being done, in words: as much as the longest needs."""


class ProgressStrip(Inked):
    """A bar, bytes and lines while the logs are still being read; gone when they are."""

    def __init__(self) -> None:
        super().__init__()
        self.progress: Progress | None = None
        self.parts: list[Span] = []
        """what is said of following"""

    def show(self, progress: Progress, following: Following | None = None) -> None:
        """Another state; hides itself at the end unless there is something to say. While logs are followed it stays, so that
        nothing below it jumps."""
        parts = say_following(following, self.pen, time.monotonic()) if following and progress.finished else []
        if parts and parts == self.parts and progress == self.progress:
            return
        self.progress, self.parts = progress, parts
        self.display = not progress.finished or bool(progress.note) or bool(parts)
        self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width)
        progress = self.progress
        if progress is None:
            return row.strip()
        pen = self.pen
        if progress.finished and self.parts:
            column = 1
            said = [*self.parts, *([Span(pen.clean(progress.note), "warn")] if progress.note else [])]
            for index, (text, ink) in enumerate(said):
                if index:
                    column = row.put(column, f" {pen.signs.dot} ", self.ink("faint"))
                column = row.put(column, pen.cut(text, max(0, row.width - column - 1)), self.ink(ink))
            return row.strip()
        if progress.finished:
            row.put(1, pen.cut(pen.clean(progress.note), row.width - 2), self.ink("warn"))
            return row.strip()
        share = progress.bytes_done / progress.bytes_total if progress.bytes_total > 0 else 0.0
        cells = max(8, min(40, row.width // 4))
        phase = pen.cut(pen.clean(progress.phase), PHASE_CELLS)
        column = row.put(1, phase, self.ink("accent")) + 1
        if progress.bytes_total <= 0:  # how much there is is not known yet
            words = [f"{progress.lines:,} lines"] if progress.lines else []
            words += [pen.clean(progress.note)] if progress.note else []
            text = "".join(f"{pen.signs.dot} {word} " for word in words) or pen.signs.dots
            row.put(column, pen.cut(text, max(0, row.width - column - 2)), self.ink("dim"))
            return row.strip()
        row.put(column, pen.signs.bar_empty * cells, self.ink("faint"))
        row.put(column, pen.bar(share, cells).rstrip(), self.ink("accent"))
        parts = [f"{min(1.0, share):.0%}", f"{say_bytes(progress.bytes_done)} of {say_bytes(progress.bytes_total)}"]
        parts.append(f"{progress.lines:,} lines")
        if progress.note:
            parts.append(pen.clean(progress.note))
        text = f" {pen.signs.dot} ".join(parts)
        row.put(column + cells + 1, pen.cut(text, max(0, row.width - column - cells - 2)), self.ink("dim"))
        return row.strip()


def say_following(following: Following, pen: Pen, now: float) -> list[Span]:
    """Whether logs are followed, what came last, and when. ``now``: of ``time.monotonic``."""
    note = pen.clean(following.note, 300)
    if not following.is_on:
        return [Span(note, "warn")] if note else []
    said = [Span(f"{pen.signs.running} following", "running")]
    if following.updated_at is None:
        said.append(Span("nothing new yet", "dim"))
    else:
        n_new, n_changed = following.n_new, following.n_changed
        words = f"{n_new:,} new {'journey' if n_new == 1 else 'journeys'}"
        said.append(
            Span(f"{words}, {n_changed:,} changed" if n_changed else words, "strong" if n_new or n_changed else "text")
        )
        said.append(Span(f"updated {say_age(now - following.updated_at)} ago", "dim"))
        if following.n_since > n_new:
            said.append(Span(f"{following.n_since:,} new since it began", "dim"))
    if following.phase:
        said.append(Span(pen.clean(following.phase, 40), "accent"))
    if note:
        said.append(Span(note, "warn"))
    return said


def say_age(seconds: float) -> str:
    """How long ago, in one unit.

    >>> say_age(2.7), say_age(90), say_age(7_300)
    ('2 s', '1 min', '2 h')
    """
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def say_bytes(count: int) -> str:
    """Bytes for people, in decimal units.

    >>> say_bytes(512), say_bytes(270_400_000)
    ('512 B', '270 MB')
    """
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if size >= 100 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


KEY_NAMES = {
    "question_mark": "?", "slash": "/", "plus": "+", "minus": "-", "tab": "Tab", "escape": "Esc", "enter": "Enter",
    "space": "Space", "backspace": "Bksp", "equals_sign": "=", "full_stop": ".", "comma": ",", "pagedown": "PgDn",
    "pageup": "PgUp", "home": "Home", "end": "End", "up": "Up", "down": "Down", "left": "Left", "right": "Right",
    "f1": "F1", "left_curly_bracket": "{", "right_curly_bracket": "}", "left_square_bracket": "[",
    "right_square_bracket": "]",
}  # fmt: skip


def name_key(key: str) -> str:
    """One key as people write it.

    >>> name_key("ctrl+d"), name_key("shift+tab"), name_key("full_stop")
    ('^d', 'S-Tab', '.')
    """
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+')}"
    if key.startswith("shift+"):
        return f"S-{name_key(key.removeprefix('shift+'))}"
    return KEY_NAMES.get(key, key)


def say_key(binding: Binding) -> str:
    """How a binding's key is written where there is room for one."""
    return binding.key_display or name_key(binding.key.split(",")[0])


REMARK_S = 2.0
"""How long a remark stands: time to read five words."""


class KeyStrip(Inked):
    """The keys that matter here, as many as fit; ``?`` lists them all."""

    def __init__(self) -> None:
        super().__init__()
        self.bindings: Sequence[Binding] = ()
        self.words = ""
        self._timer: Timer | None = None

    def remark(self, words: str) -> None:
        """Something to say in place of the keys, for a moment."""
        self.words = words
        self.refresh()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(REMARK_S, self._forget) if words else None

    def _forget(self) -> None:
        self.words = ""
        self.refresh()

    def show(self, bindings: Sequence[Binding]) -> None:
        """Other keys."""
        if bindings != self.bindings:
            self.bindings = bindings
            self.refresh()

    def draw_line(self, y: int) -> Strip:
        row = Row(self.size.width, self.ink("head"))
        if self.words:
            row.put(1, self.pen.cut(self.pen.clean(self.words), row.width - 2), self.ink("warn"))
            return row.strip()
        shown: list[tuple[str, str, str]] = []
        for binding in self.bindings:
            if binding.show and say_key(binding) not in [name for name, *_ in shown]:
                shown.append((say_key(binding), short_words(binding.description), binding.key.split(",")[0]))
        column = 1
        tail = next((entry for entry in shown if entry[0] == "?"), None)
        reserved = len("? Keys") + 3 if tail else 0
        for entry in [*[entry for entry in shown if entry is not tail], *([tail] if tail else [])]:
            name, words, pressed = entry
            need = measure(name) + 1 + measure(words) + 2
            if column + need > row.width - (0 if entry is tail else reserved):
                continue
            click = Style(meta={"@click": f"app.press({pressed!r})"})
            column = row.put(column, name, self.ink("head") + self.ink("key") + click)
            column = row.put(column + 1, words, self.ink("head") + click) + 2
        return row.strip()


SHORT_WORDS = {
    "Next event in this lane": "next", "Previous event in this lane": "previous",
    "Event in the lane below": "lane down", "Event in the lane above": "lane up",
    "Axis: compressed, linear, ordinal": "axis", "Every step, or milestones": "level",
    "Raw lines of this event": "raw lines", "Back, or quit": "back",
    "Next slow step": "slow", "Next error": "error", "Detail pane": "detail", "Sort by column": "sort",
    "Next line of this journey": "next line", "Next page of this view": "page",
    "Whose ways: customers, or a business object": "whose ways", "Arrange by customer, object, variant …": "arrange",
    "Columns to show": "columns", "All logs merged, or this file": "merged",
    "Whole customer, or this session": "customer", "Open in $EDITOR": "edit",
}  # fmt: skip


def short_words(description: str) -> str:
    """A description in the few words the strip has room for."""
    return SHORT_WORDS.get(description, description).lower()
