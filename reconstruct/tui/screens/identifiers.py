"""View 6: which values identify things, what role they play, whose they are, and why we think so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.widget import Widget

from reconstruct.amending import Change, forget_type, ignore_slots, rename_type, set_owner, set_role
from reconstruct.journeys.moments import number_of, text_of
from reconstruct.options import ROLES
from reconstruct.tui.fetch import start
from reconstruct.tui.glyphs import Pen
from reconstruct.tui.reader import Document
from reconstruct.tui.screens.facts import FactsView
from reconstruct.tui.screens.menu import Menu, letters_for
from reconstruct.tui.widgets.columns import Column
from reconstruct.tui.widgets.paint import Line, Span
from reconstruct.tui.widgets.prompt import Prompt
from reconstruct.tui.widgets.rule import Rule
from reconstruct.tui.widgets.sheet import Paragraph, Sheet
from reconstruct.tui.widgets.table import FactTable

TELLING = ("session", "customer", "object", "sub-object")
"""Roles that journeys are made of."""
TO_ASCII = str.maketrans("└├│╴", "`||-")
ROLE_INKS = {"session": "customer", "customer": "customer", "object": "accent", "request": "service-2"}


def _words(value: object) -> list[str]:
    return [text_of(item) for item in value if text_of(item)] if isinstance(value, list | tuple) else []


def _type(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(_label(row), 100), "strong")


def _paint_type(row: Document, pen: Pen, cells: int) -> Line:
    """A type in the tree of owners: what belongs to it hangs below it."""
    branches = text_of(row.get("branches"))
    if pen.ascii:
        branches = branches.translate(TO_ASCII)
    ink = "strong" if text_of(row.get("role")) in TELLING else "text"
    label = pen.cut_middle(_type(row, pen).text, max(0, cells - len(branches)))
    return [Span(branches, "faint"), Span(label, ink)]


def _label(row: Document) -> str:
    """What a type is called in words of the logs."""
    return text_of(row.get("label")) or text_of(row.get("type"), "?")


def _name(row: Document) -> str:
    """The same, with the name it has in queries and in reconstruct.toml where that is another."""
    label, name = _label(row), text_of(row.get("type"), "?")
    return label if label == name else f"{label} ({name})"


def grow_tree(rows: list[Document]) -> list[Document]:
    """Types in the order of the tree of owners, each with the ``branches`` drawn before it. What owns nothing and is owned by
    nothing comes last, in the order given; a circle of owners is cut where it was entered."""
    labels = {text_of(row.get("type")): _label(row) for row in rows}
    rows = [{**row, "owner_label": labels.get(text_of(row.get("owner")))} for row in rows]
    names = set(labels)
    of_role = {text_of(row.get("role")): text_of(row.get("type")) for row in reversed(rows)}
    below: dict[str, list[Document]] = {}
    for row in rows:
        owner = text_of(row.get("owner"))
        owner = owner if owner in names else of_role.get(owner, "")
        below.setdefault(owner if owner != text_of(row.get("type")) else "", []).append(row)
    tops = below.get("", [])
    found: list[Document] = []
    seen: set[str] = set()

    def hang(row: Document, before: str, own: str, deeper: str) -> None:
        name = text_of(row.get("type"))
        if name in seen:
            return
        seen.add(name)
        found.append({**row, "branches": before + own})
        children = below.get(name, [])
        for place, child in enumerate(children):
            last = place == len(children) - 1
            hang(child, before + deeper, "└╴" if last else "├╴", "  " if last else "│ ")

    for row in sorted(tops, key=lambda row: text_of(row.get("type")) not in below):
        hang(row, "", "", "")
    for row in rows:
        hang(row, "", "", "")
    return found


def _role(row: Document, pen: Pen) -> Span:
    role = text_of(row.get("role"), "?")
    return Span(pen.clean(role, 60), ROLE_INKS.get(role, "text"))


def _distinct(row: Document, pen: Pen) -> Span:
    return Span(f"{int(number_of(row.get('distinct'))):,}", "text")


def _owner(row: Document, pen: Pen) -> Span:
    owner = pen.clean(text_of(row.get("owner_label")) or text_of(row.get("owner")), 100)
    return Span(f"{pen.signs.arrow} {owner}" if owner else pen.signs.unknown, "dim" if not owner else "text")


def _slots(row: Document, pen: Pen) -> Span:
    return Span(pen.clean(", ".join(_words(row.get("slots"))), 400), "dim")


COLUMNS = (
    Column("type", "Type", 18, _type, 0, grows=1, most=30, paint=_paint_type),
    Column("role", "Role", 10, _role, 0),
    Column("owner", "Owner", 12, _owner, 0, grows=1, most=24),
    Column("distinct", "Values", 9, _distinct, 0, align="right"),
    Column("slots", "Found in", 20, _slots, 1, grows=4),
)


DECISIONS = (
    ("r", "its role …", "role"), ("w", "whose it is …", "owner"), ("c", "call it …", "name"),
    ("i", "ignore it: it identifies nothing", "ignore"), ("u", "undo what I said: measure it", "forget"),
)  # fmt: skip
NOTHING = "-"


class IdentifiersView(FactsView):
    """Types as a table, the reasons of the chosen one below."""

    NAME = "identifiers"

    def body(self) -> Iterable[Widget]:
        yield FactTable(COLUMNS, on_open=self._decide, id="identifiers")
        yield Rule("Why", id="seam")
        yield Sheet(id="detail")
        yield Prompt(id="rename")

    def __init__(self) -> None:
        super().__init__()
        self.renamed: Document = {}
        """the type a new name is asked for"""

    def results_changed(self) -> None:
        start(self, "identifiers", self._read)

    async def _read(self) -> None:
        app = self.reconstruct
        self.query_one(FactTable).fill(grow_tree(await app.fetcher.ask(app.reader.identifiers)), "type")
        self.show_detail()

    # --- decisions

    def _decide(self, row: Document) -> None:
        """Ask what is to be said of a type."""
        self._choose(f"{_name(row)}: say what it is", DECISIONS, "", lambda answer: self._go_on(answer, row))

    def _go_on(self, decision: str, row: Document) -> None:
        type, slots = text_of(row.get("type")), _words(row.get("slots"))
        types = [text_of(each.get("type")) for each in self.query_one(FactTable).rows]
        if decision == "role":
            choices = [(letter, name, name) for letter, name in letters_for(ROLES)]
            self._choose(
                f"What does {type} identify?",
                choices,
                text_of(row.get("role")),
                lambda role: self._write(set_role(type, role)),
            )
        elif decision == "owner":
            named = [
                (letter, name, name) for letter, name in letters_for([each for each in types if each != type], "q0")
            ]
            choices = [("0", "nothing", NOTHING), *named]
            self._choose(
                f"What does {type} belong to?", choices, text_of(row.get("owner")),
                lambda owner: self._write(set_owner(type, "" if owner == NOTHING else owner)),
            )  # fmt: skip
        elif decision == "name":
            self.query_one(Prompt).ask("rename", type)
            self.renamed = row
        elif decision == "ignore":
            self._write(ignore_slots(slots))
        elif decision == "forget":
            self._write(forget_type(type, slots))

    def _choose(
        self, title: str, choices: Sequence[tuple[str, str, str]], current: str, then: Callable[[str], None]
    ) -> None:
        pen = self.reconstruct.pen
        shown = [(letter, pen.clean(words, 60), value) for letter, words, value in choices]
        self.app.push_screen(
            Menu(pen.clean(title, 60), shown, current), lambda answer: then(answer) if answer else None
        )

    def on_prompt_answered(self, event: Prompt.Answered) -> None:
        self.query_one(Prompt).display = False
        self.query_one(FactTable).focus()
        row, name = self.renamed, event.text.strip()
        if name and name != text_of(row.get("type")):
            self._write(rename_type(text_of(row.get("type")), name, _words(row.get("slots"))))

    def on_prompt_left(self) -> None:
        self.query_one(Prompt).display = False
        self.query_one(FactTable).focus()

    def _write(self, change: Change) -> None:
        start(self, "decide", self._amend, change)

    async def _amend(self, change: Change) -> None:
        app = self.reconstruct
        path = await app.fetcher.ask(app.reader.amend, change)
        app.notify(app.pen.clean(f"Written to {path}; correlating anew"), markup=False)

    def describe(self, row: Document, pen: Pen, width: int) -> list[Paragraph]:
        return describe_identifier(row, pen)


def describe_identifier(row: Document, pen: Pen) -> list[Paragraph]:
    """One type in full."""
    if not row:
        return [Paragraph([Span("No identifiers yet", "dim")])]
    owner = text_of(row.get("owner"))
    title = [Span(pen.clean(_label(row)), "title"), Span("  role ", "dim")]
    title.append(Span(pen.clean(text_of(row.get("role"), "?")), "accent"))
    if owner:
        title += [Span(", belongs to one ", "dim"), Span(pen.clean(text_of(row.get("owner_label")) or owner), "accent")]
    if _label(row) != text_of(row.get("type")):
        title += [
            Span(", in queries and reconstruct.toml ", "dim"),
            Span(pen.clean(text_of(row.get("type"))), "accent"),
        ]
    lines = [Paragraph(title, 2), Paragraph()]
    lines += [Paragraph([Span(f"  {pen.signs.dot} "), Span(pen.clean(reason))], 4) for reason in _words(row.get("why"))]
    slots = _words(row.get("slots"))
    if slots:
        lines += [Paragraph(), Paragraph([Span("Found in", "section")])]
        lines += [Paragraph([Span("  "), Span(pen.clean(slot), "text")], 4) for slot in slots]
    return lines
