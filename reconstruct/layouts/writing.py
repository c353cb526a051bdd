"""A layout's meaning to the text of a format: what a person who knows the layout would write into a ``.lark`` file.

The one question is where a value ends. A field of a type that stops by itself is written as it is; text ends where what
follows in the layout begins. So the grammar has a proof like any other: each next character decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from reconstruct.errors import GrammarError
from reconstruct.grammar.definition import Declaration, read_declarations
from reconstruct.layouts.languages import Language, load_types
from reconstruct.layouts.meaning import Element, Field, Literal, Optional, Rule, field_name
from reconstruct.layouts.stamps import FRACTION, escape_text
from reconstruct.resources import grammars_directory

TEXT, TOKEN, REST = "TEXT", "TOKEN", "REST"
OPEN_TYPES = (TEXT, TOKEN, REST)
"""Types that end where what follows begins."""

LOOK = 20
"""Characters of the text that follows by which the end of a value is known: a look-ahead must be short."""

PADDING = 60
"""Blanks looked over behind a padded value."""

TELLING_FIELDS = 4
"""Fields from which on a layout says more of its lines than a format that reads many."""

SHORT_LEVEL = 8
"""Letters below which a level may have been cut: no level is longer."""

UNITS = ("ns", "us", "ms", "s")

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
    imports = _imports("\n".join(lines))
    if imports:
        lines += ["", f"%import common ({', '.join(imports)})"]
    return Written("\n".join(lines) + "\n", tuple(writer.remarks))


@lru_cache(maxsize=1)
def _common() -> frozenset[str]:
    """The names of ``common.lark``."""
    return frozenset(_read_common())


@lru_cache(maxsize=1)
def _read_common() -> dict[str, Declaration]:
    return read_declarations((grammars_directory() / "common.lark").read_text(encoding="utf-8"))


def _is_type(name: str) -> bool:
    """Whether it names a type of ``common.lark``, not one of the fields declared there: those are declared by a type."""
    declaration = _read_common().get(name)
    return declaration is not None and not any(each in _common() for each in declaration.mentions)


def _imports(text: str) -> list[str]:
    """What of ``common.lark`` a grammar text uses."""
    declared = read_declarations(text)
    used = {name for one in declared.values() for name in one.mentions}
    return sorted((used & _common()) - declared.keys())


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
        settled = self._merge(_spread_quotes(elements))
        settled = _name_apart(settled)
        settled = settled if self.raw else _take_quotes(settled)
        fields = list(_all_fields(settled))
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
                element, followers, in_quotes, self._find_ahead(elements, at), _find_missed(elements, at)
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
        name = f"{rule.name}_line" if rule.name in _common() else rule.name
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
            kind = _regexp(f"(?!{'|'.join(missed)}){'.+' if kind == REST else kind[1:-1]}")
        name = field.name
        if _is_type(name):  # the variant of a name fills the field of the name
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
                return _regexp(_until(texts, blanks=True, padded=False))
            return _regexp(f".+(?={'|'.join(escape_text(text[:LOOK]) for text in texts)})")
        if kind in OPEN_TYPES:
            if in_quotes and not self.raw and kind != REST:
                return "UNTIL_QUOTE"
            if "" in followers and not texts and kind == TEXT:
                return REST
            return _regexp(_until(texts, blanks=kind == TEXT, padded=field.right))
        if kind == "LOG_LEVEL" and 0 < field.cut < SHORT_LEVEL:
            return "LEVEL_LETTER" if field.cut == 1 else _regexp(f"[A-Za-z]{{1,{field.cut}}}")
        characters = load_types().characters.get(_base(kind))
        if characters and any(re.match(characters, text[0]) for text in texts):
            begins = load_types().begins.get(_base(kind), "(?!)")
            if characters.startswith(("[^", "\\S")) and not any(re.match(begins, text[0]) for text in texts):
                return _regexp(_until(texts, blanks=False, padded=False))
            ends = "|".join(escape_text(text[:LOOK]) + (ahead if len(text) <= LOOK else "") for text in texts)
            plain = "|".join(escape_text(text[:LOOK]) for text in texts)
            first = f"{load_types().first[_base(kind)]}(?={plain})|" if _base(kind) in load_types().first else ""
            return _regexp(f"{first}{characters}+(?={ends})" + ("|-" if '"-"' in kind else ""))
        if kind.startswith("/"):
            return _regexp(kind[1:-1])
        return kind


def _spread_quotes(elements: Iterable[Element]) -> list[Element]:
    """The elements with the quotes that directives write themselves as text."""
    spread: list[Element] = []

    def add(element: Element) -> None:
        if isinstance(element, Literal) and spread and isinstance(spread[-1], Literal):
            spread[-1] = Literal(spread[-1].text + element.text)
        else:
            spread.append(element)

    for element in elements:
        if isinstance(element, Optional):
            add(Optional(tuple(_spread_quotes(element.elements))))
        elif (isinstance(element, Field) and element.quoted) or (isinstance(element, Rule) and element.in_quotes):
            add(Literal('"'))
            add(replace(element, quoted=False) if isinstance(element, Field) else replace(element, in_quotes=False))
            add(Literal('"'))
        else:
            add(element)
    return spread


def _take_quotes(elements: Sequence[Element]) -> list[Element]:
    """The elements, with the rules marked that take the quotes around them too."""
    taken = list(elements)
    for at in range(1, len(taken) - 1):
        rule, before, following = taken[at], taken[at - 1], taken[at + 1]
        if isinstance(rule, Rule) and rule.quoted and isinstance(before, Literal) and isinstance(following, Literal):
            taken[at] = replace(rule, takes_quotes=before.text.endswith('"') and following.text.startswith('"'))
    return taken


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


def _all_fields(elements: Iterable[Element]) -> Iterable[Field | Rule]:
    for element in elements:
        if isinstance(element, Optional):
            yield from _all_fields(element.elements)
        elif isinstance(element, Rule) or (isinstance(element, Field) and element.name):
            yield element


def _name_apart(elements: Sequence[Element]) -> list[Element]:
    """The elements with a name of its own for each value: of two moments the finer is the time, of two durations the finer
    the duration, a directive's second value is dropped."""
    fields = list(_all_fields(elements))
    moments = [each for each in fields if isinstance(each, Field) and each.name == "TIME"]
    time = next((each for each in moments if _is_fine(each)), moments[0] if moments else None)
    units = {each.name.removeprefix("DURATION_").lower() for each in fields if each.name.startswith("DURATION_")}
    finest = next((unit for unit in UNITS if unit in units), "")
    taken = {name for each in fields if isinstance(each, Rule) for name in each.fields}
    sources: set[str] = set()
    rules: set[str] = set()

    def name(element: Element) -> Element:
        if isinstance(element, Optional):
            return Optional(tuple(map(name, element.elements)))
        if isinstance(element, Rule):
            if element.name in rules:
                return Field(f"_{field_name(element.source)}_AGAIN", TEXT, element.source)
            rules.add(element.name)
            return element
        if not isinstance(element, Field) or element.name[:1] in ("", "_"):
            return element
        wanted = element.name
        if wanted == "TIME" and element is not time:
            wanted = field_name(element.source) if len(element.source) > 2 else "OTHER_TIME"
        elif wanted.startswith("DURATION_") and wanted != f"DURATION_{finest.upper()}":
            wanted = f"TOOK_{wanted.removeprefix('DURATION_')}"
        if element.source in sources and (wanted in taken or wanted != element.name):
            return replace(element, name=f"_{wanted}_AGAIN")
        sources.add(element.source)
        if wanted in taken:
            wanted = field_name(element.source)
        base, count = wanted, 2
        while wanted in taken:
            wanted = f"{base}_{count}"
            count += 1
        taken.add(wanted)
        return replace(element, name=wanted)

    return [name(element) for element in elements]


def _is_fine(field: Field) -> bool:
    """Whether a moment says parts of a second."""
    return FRACTION in field.stamp.tells if field.stamp else field.type.startswith("EPOCH_")


def _until(texts: Sequence[str], *, blanks: bool, padded: bool) -> str:
    """Characters up to the first place where one of the texts stands. ``blanks``: they are part of a value. ``padded``: blanks
    may stand between the value and the text."""
    rests: dict[str, list[str]] = {}
    for text in texts:
        if padded:
            text = text.lstrip(" ")
            if not text:
                return r"\S+"
            rests.setdefault(" ", []).append(f" {{0,{PADDING}}}{escape_text(text[:LOOK])}")
        rests.setdefault(text[0], []).append(escape_text(text[1:LOOK]))
    if not rests:
        return ".+" if blanks else r"\S+"
    firsts = "".join(_in_class(char) for char in sorted(rests) if blanks or not char.isspace())
    other = f"[^{firsts}]" if blanks else f"[^\\s{firsts}]" if firsts else r"\S"
    going = [
        f"{escape_text(char)}(?!{'|'.join(some)})"
        for char, some in sorted(rests.items())
        if all(some) and (blanks or not char.isspace())
    ]
    return f"{other}+" if not going else f"{other}(?:{'|'.join([other, *going])})*"


def _find_missed(elements: Sequence[Element], at: int) -> list[str]:
    """What may be missing right in front of a value, as regular expressions: a value that begins so would have two readings."""
    before = elements[at - 1] if at else None
    gap = before.text if isinstance(before, Literal) else ""
    end = at - 1 if gap else at
    missed: list[str] = []
    while end and isinstance(part := elements[end - 1], Optional):
        missed.append(_expression(part.elements).removeprefix(escape_text(gap)))
        end -= 1
    return [each for each in missed if each]


def _expression(elements: Sequence[Element]) -> str:
    """What elements write, as a regular expression, as far as values end by themselves or by the text behind them."""
    found = ""
    for element, following in pairwise((*elements, None)):
        if isinstance(element, Literal):
            found += escape_text(element.text)
        elif isinstance(element, Field) and element.type.startswith("/"):
            found += element.type[1:-1]
        elif isinstance(element, Field) and element.type in OPEN_TYPES and isinstance(following, Literal):
            found += _until([following.text], blanks=element.type != TOKEN, padded=False)
        else:
            break
    return found


def _in_class(char: str) -> str:
    return {"\t": r"\t"}.get(char, f"\\{char}" if char in r"\]^-[" else char)


def _regexp(pattern: str) -> str:
    """A pattern between slashes, as Lark wants it."""
    return "/" + re.sub(r"(\\.)|/", lambda found: found[1] or r"\/", pattern) + "/"


def quote(text: str) -> str:
    """Text as a literal of Lark."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escaped(char) for char in shown) + '"'


def _escaped(char: str) -> str:
    return "\\t" if char == "\t" else f"\\x{ord(char):02x}" if ord(char) < 256 else f"\\u{ord(char):04x}"
