"""A layout's meaning to the text of a format: what a person who knows the layout would write into a ``.lark`` file.

The one question is where a value ends. A field of a type that stops by itself is written as it is; text ends where what
follows in the layout begins. So the grammar has a proof like any other: each next character decides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconstruct.errors import GrammarError
from reconstruct.layouts.common import common_names, find_imports, is_type
from reconstruct.layouts.expressions import (
    LOOK,
    OPEN_TYPES,
    REST,
    TEXT,
    TOKEN,
    find_missed,
    quote,
    regexp,
    until,
)
from reconstruct.layouts.languages import Language, load_types
from reconstruct.layouts.meaning import Element, Field, Literal, Optional, Rule
from reconstruct.layouts.naming import all_fields, name_apart, spread_quotes, take_quotes
from reconstruct.layouts.stamps import escape_text

TELLING_FIELDS = 4
"""Fields from which on a layout says more of its lines than a format that reads many."""

SHORT_LEVEL = 8
"""Letters below which a level may have been cut: no level is longer."""

Followers = tuple[str | None, ...]
"""Texts that may stand behind a value: "" is the end of the line, None a value."""


@dataclass(frozen=True, slots=True)
class Written:
    """A format, written."""

    text: str
    remarks: tuple[str, ...]


def write_format(
    elements: Sequence[Element],
    language: Language,
    *,
    title: str,
    about: Sequence[str] = (),
    zone: str = "",
    empty: bool = False,
    raw: bool = False,
) -> Written:
    """The ``.lark`` text of a layout.

    ``title``, ``about`` and ``zone`` go into its head. ``empty``: any value may be missing altogether. ``raw``: values are not escaped.
    Raises: GrammarError when a layout has no value at all.
    """
    writer = _Writer(empty, raw)
    start = writer.write(elements)
    names = [name for name in writer.terminals if not name.startswith("_")]
    head = [f"// title: {_one_line(title)}", f"// kind: {language.kind}", f"// docs: {language.docs}"]
    if len(names) >= TELLING_FIELDS and language.wins_over:
        head.append(f"// wins_over: {', '.join(language.wins_over)}")
    head += ["//", *(f"// | {_one_line(line)}" for line in about)] if about else []
    head[3:3] = [f"// zone: {zone}"] if zone else []
    lines = [*head, f"start: {start}", ""]
    lines += [f"{name}: {body}" for name, body in writer.rules.items()]
    lines += [""] * bool(writer.rules)
    lines += [f"{name}: {kind}" for name, kind in writer.terminals.items()]
    imports = find_imports("\n".join(lines))
    if imports:
        lines += ["", f"%import common ({', '.join(imports)})"]
    return Written("\n".join(lines) + "\n", tuple(writer.remarks))


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split(" ")).rstrip()


class _Writer:
    """One format being written."""

    def __init__(self, empty: bool, raw: bool) -> None:
        self.empty = empty
        self.raw = raw
        self.terminals: dict[str, str] = {}
        self.rules: dict[str, str] = {}
        self.remarks: list[str] = []
        self._required: Field | None = None
        self._later: list[str] = []
        """the texts behind the one that follows the value being written"""
        self._held = False
        """the blank in front of the last value is written with it: editors and shippers trim blanks at the end of a line"""

    def write(self, elements: Sequence[Element]) -> str:
        """The right side of ``start``; fills ``terminals`` and ``rules``."""
        settled = self._merge(spread_quotes(elements))
        settled = name_apart(settled)
        settled = settled if self.raw else take_quotes(settled)
        fields = list(all_fields(settled))
        if not fields:
            raise GrammarError(
                "the layout has no value, so its lines say nothing", path="layout", hint="it must have a directive"
            )
        self._choose_required(settled)
        return " ".join(self._emit(settled, ("",)))

    def _choose_required(self, elements: Sequence[Element]) -> None:
        """Where every value may be missing, one must be there for a line to be told from an empty one."""
        own = [each for each in elements if isinstance(each, Field) and each.name and each.name[0] != "_"]
        if not any(each.type not in OPEN_TYPES and not each.may_miss and not self.empty for each in own):
            # Text at the end of a line is the last to be missing, but what stands in front of it may be.
            self._required = next((each for each in own if each.type == REST), own[0] if own else None)

    def _merge(self, elements: Sequence[Element]) -> list[Element]:
        """The elements, with values made one that nothing separates."""
        merged: list[Element] = []
        for element in elements:
            if isinstance(element, Optional):
                element = Optional(tuple(self._merge(element.elements)))
            before = merged[-1] if merged else None
            if isinstance(before, Field) and isinstance(element, (Field, Rule)) and not _is_separable(before, element):
                self.remarks.append(
                    f"nothing stands between {before.source} and {element.source}: they are read as one"
                )
                kind = element.type if isinstance(element, Field) else TEXT
                both = {before.type, kind}
                joined = REST if REST in both else TEXT if TEXT in both else TOKEN
                right = element.right if isinstance(element, Field) else False
                merged[-1] = replace(before, type=joined, right=right, stamp=None)
                continue
            merged.append(element)
        return merged

    def _emit(self, elements: Sequence[Element], after: Followers) -> list[str]:
        items: list[str] = []
        eaten = ""  # what stood at the head of the next text and was written already
        for at, element in enumerate(elements):
            before = elements[at - 1] if at else None
            following = elements[at + 1] if at + 1 < len(elements) else None
            if isinstance(element, Literal):
                last = at + 2 == len(elements) and after == ("",)
                items += self._emit_text(element.text.removeprefix(eaten), before, following, last)
                eaten = ""
                continue
            if isinstance(element, Optional):
                items.append(f"[{' '.join(self._emit(element.elements, self._followers(elements, at, after)))}]")
                continue
            followers = self._followers(elements, at, after)
            opened = isinstance(before, Literal) and before.text.endswith('"')
            in_quotes = opened and isinstance(following, Literal) and following.text.startswith('"')
            if isinstance(element, Rule):
                items += self._emit_rule(element, followers, in_quotes, before)
                continue
            if not element.name:
                items += ["[_SP]"] if following is None else []
                continue
            if element.left and not isinstance(before, Literal):
                items.append("[_SP]" if before is None else "_SP")
            elif isinstance(before, Field) and before.right:
                items.append("_SP")
            self._later = [each.text for each in elements[at + 2 :] if isinstance(each, Literal)]
            own = self._declare(
                element, followers, in_quotes, self._find_ahead(elements, at), find_missed(elements, at)
            )
            if self._is_optional(element):
                blank = isinstance(following, Literal) and following.text.startswith(" ")
                # A missing value that is padded in front is all blanks, and they were taken with those before it.
                eaten = " " if element.left and blank else ""
                if self._held:
                    items.append(f'[" " [{own}]]')
                else:
                    items.append(f'[{own} " "]' if eaten else f"[{own}]")
            else:
                items.append(own)
            if element.right and following is None:
                items.append("[_SP]")
        return items

    def _emit_text(self, text: str, before: Element | None, following: Element | None, last: bool) -> list[str]:
        """Text between values, with the blanks that padding makes many."""
        items: list[str] = []
        self._held = False
        if isinstance(before, Rule) and before.takes_quotes:
            text = text[1:]
        if isinstance(before, Field) and before.right:
            items.append("_SP" if text.startswith(" ") else "[_SP]")
            text = text.lstrip(" ")
            if not text:
                return items
        padded = isinstance(following, Field) and following.left
        if padded and text.endswith(" "):
            text = text.rstrip(" ")
            return [*items, *([quote(text)] if text else []), "_SP"]
        if isinstance(following, Rule) and following.takes_quotes:
            text = text[:-1]
        if isinstance(following, Rule) and following.absent:
            text = text.removesuffix(" ")
        if last and isinstance(following, Field) and self._is_optional(following) and not following.left:
            self._held = text.endswith(" ")
            text = text.removesuffix(" ")
        if text:
            items.append(quote(text))
        return [*items, "[_SP]"] if padded else items

    def _emit_rule(self, rule: Rule, followers: Followers, in_quotes: bool, before: Element | None) -> list[str]:
        if rule.takes_quotes:
            return [rule.quoted]
        for name, kind in rule.fields.items():
            ends: Followers = (*rule.ends.get(name, ()), *followers)
            field = Field(name, kind, rule.source)
            self._declare(field, ends, in_quotes and kind == TEXT, "")
        name = f"{rule.name}_line" if rule.name in common_names() else rule.name
        self.rules[name] = rule.body
        if not rule.absent:
            return [name]
        blank = isinstance(before, Literal) and before.text.endswith(" ")
        return [f'[" " {name}]' if blank else f"[{name}]"]

    def _is_optional(self, field: Field) -> bool:
        if field is self._required or field.filled:
            return False
        return field.may_miss or self.empty or field.type in OPEN_TYPES

    def _followers(self, elements: Sequence[Element], at: int, after: Followers) -> Followers:
        """The texts that may stand behind the element."""
        if at + 1 >= len(elements):
            return after
        following = elements[at + 1]
        if isinstance(following, Literal):
            text = following.text
            beyond = elements[at + 2] if at + 2 < len(elements) else None
            if isinstance(beyond, Rule) and beyond.absent and text == " ":
                return (f"{text}{{", *self._followers(elements, at + 2, after))
            if beyond is None and "" not in after and None not in after:
                return tuple(text + (each or "") for each in after)
            return (text,)
        if isinstance(following, Optional):
            inside = self._followers(following.elements, -1, ())
            return (*inside, *self._followers(elements, at + 1, after))
        if isinstance(following, Field) and self._is_optional(following) and following.type not in OPEN_TYPES:
            return (None, *self._followers(elements, at + 1, after))
        begins = load_types().begins.get(_base(following.type), "") if isinstance(following, Field) else ""
        return (begins,) if len(begins) == 1 else (None,)

    def _find_ahead(self, elements: Sequence[Element], at: int) -> str:
        """What is known to stand behind the text that follows the element, as a regular expression: a number and what ends
        it, so that the colon before a port is told from those of an address."""
        beyond = elements[at + 2 : at + 4]
        following = beyond[0] if beyond else None
        begins = load_types().begins.get(_base(following.type), "") if isinstance(following, Field) else ""
        if begins != r"\d":
            return ""
        if len(beyond) == 1:
            return f"{begins}{{1,{LOOK}}}$"
        return f"{begins}{{1,{LOOK}}}{escape_text(beyond[1].text[0])}" if isinstance(beyond[1], Literal) else begins

    def _declare(
        self, field: Field, followers: Followers, in_quotes: bool, ahead: str, missed: Sequence[str] = ()
    ) -> str:
        """The terminal of a field; declared where it is new. ``missed``: expressions of what it must not begin like."""
        kind = self._write_type(field, followers, in_quotes, ahead)
        if missed and field.type in OPEN_TYPES:
            kind = regexp(f"(?!{'|'.join(missed)}){'.+' if kind == REST else kind[1:-1]}")
        name = field.name
        if is_type(name):  # the variant of a name fills the field of the name
            name = f"{name}__VALUE"
        count = 2
        wanted = name
        while self.terminals.get(name, kind) != kind:
            name = f"{wanted}_{count}"
            count += 1
        self.terminals[name] = kind
        return name

    def _write_type(self, field: Field, followers: Followers, in_quotes: bool, ahead: str) -> str:
        kind = field.type
        texts = [each for each in followers if each]
        if kind == REST:
            if "" in followers or not texts:
                return REST
            if any(text in later for text in texts for later in self._later):  # it stands last elsewhere
                return regexp(until(texts, blanks=True, padded=False))
            return regexp(f".+(?={'|'.join(escape_text(text[:LOOK]) for text in texts)})")
        if kind in OPEN_TYPES:
            if in_quotes and not self.raw and kind != REST:
                return "UNTIL_QUOTE"
            if "" in followers and not texts and kind == TEXT:
                return REST
            return regexp(until(texts, blanks=kind == TEXT, padded=field.right))
        if kind == "LOG_LEVEL" and 0 < field.cut < SHORT_LEVEL:
            return "LEVEL_LETTER" if field.cut == 1 else regexp(f"[A-Za-z]{{1,{field.cut}}}")
        characters = load_types().characters.get(_base(kind))
        if characters and any(re.match(characters, text[0]) for text in texts):
            begins = load_types().begins.get(_base(kind), "(?!)")
            if characters.startswith(("[^", "\\S")) and not any(re.match(begins, text[0]) for text in texts):
                return regexp(until(texts, blanks=False, padded=False))
            ends = "|".join(escape_text(text[:LOOK]) + (ahead if len(text) <= LOOK else "") for text in texts)
            plain = "|".join(escape_text(text[:LOOK]) for text in texts)
            first = f"{load_types().first[_base(kind)]}(?={plain})|" if _base(kind) in load_types().first else ""
            return regexp(f"{first}{characters}+(?={ends})" + ("|-" if '"-"' in kind else ""))
        if kind.startswith("/"):
            return regexp(kind[1:-1])
        return kind


def _base(kind: str) -> str:
    """The type of a right side: ``PORT | "-"`` is PORT."""
    return kind.partition(" | ")[0]


def _is_separable(before: Field, element: Field | Rule) -> bool:
    """Whether a value ends by itself where another one follows at once."""
    if before.right or (isinstance(element, Field) and element.left):
        return True
    types = load_types()
    characters = types.characters.get(_base(before.type))
    begins = types.begins.get(_base(element.type)) if isinstance(element, Field) else None
    if before.type in OPEN_TYPES:
        return begins is not None and len(begins) == 1
    if characters is None or begins is None:
        return True
    return not any(re.match(characters, char) and re.match(begins, char) for char in "/0aA")
