"""What a layout's parts mean: text, fields with their types, stamps, rules. By the language's table alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconstruct.layouts.languages import Language
from reconstruct.layouts.parts import Directive, Part, Text, read_parts
from reconstruct.layouts.stamps import ZONE, Stamp, find_zone, read_stamp, read_zone

JOINED_TEXT = 3
"""Characters between two directives that write one moment together: ``.``, `` `` or ``] [`` at most."""

NAME_CAP = 60
"""Characters of a field's name; a header or key longer than that is cut."""


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that every line has."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A value."""

    name: str
    """of its terminal; empty for nothing but the blanks that pad a group"""
    type: str
    """right side of the terminal; TEXT, TOKEN and REST end where what follows begins"""
    source: str
    """the directive, to name it apart where its field is taken"""
    left: bool = False
    """blanks may stand in front: it is padded"""
    right: bool = False
    """blanks may stand behind"""
    cut: int = 0
    """characters it is cut to; 0 for as many as it has"""
    quoted: bool = False
    """the directive puts it between double quotes itself"""
    may_miss: bool = False
    """nothing at all may stand in its place, though its type is never empty"""
    filled: bool = False
    """something always stands in its place, though its type may be empty: what it is part of is left out otherwise"""
    stamp: Stamp | None = None
    """of a moment"""


@dataclass(frozen=True, slots=True)
class Rule:
    """Several fields in one directive."""

    name: str
    body: str
    fields: Mapping[str, str]
    """terminal → type"""
    ends: Mapping[str, Sequence[str]]
    """terminal → texts that end it, beside what follows the rule"""
    source: str
    quoted: str = ""
    """the rule of ``common.lark`` that takes it together with double quotes around it"""
    in_quotes: bool = False
    """the directive writes the quotes itself"""
    takes_quotes: bool = False
    """the quotes around it are read by it"""
    absent: bool = False
    """it may be left out, and the blank in front of it"""


@dataclass(frozen=True, slots=True)
class Optional:
    """Parts that are there together or not at all."""

    elements: tuple[Element, ...]


Element = Literal | Field | Rule | Optional


@dataclass(frozen=True, slots=True)
class Meaning:
    """A layout, understood."""

    elements: tuple[Element, ...]
    """of the first line of an entry"""
    remarks: tuple[str, ...]
    """what the user should know"""
    known: int
    """different directives that the language's table has"""
    unknown: int
    zone: str
    """of its stamps, where only the layout says it"""


def read_meaning(language: Language, layout: str, options: Mapping[str, str], place: str) -> Meaning:
    """What a layout means.

    ``options``: what stands beside it in its configuration (``datefmt``, ``escape``). ``place``: where it stands, for errors.
    Raises: GrammarError with a caret when it is not of the language.
    """
    reading = _Reading(language, layout, options, place)
    parts = reading.parts(layout)
    elements = reading.read_blocks(parts) if language.always else reading.read(parts)
    if language.single_blanks:
        elements = _squeeze(elements)
    first = _first_line(elements, reading.remarks)
    return Meaning(
        _join_text(_settle_stamps(first, reading)),
        tuple(reading.remarks),
        len(reading.seen),
        reading.unknown,
        reading.zone,
    )


class _Reading:
    """One layout on its way to a meaning."""

    def __init__(self, language: Language, layout: str, options: Mapping[str, str], place: str) -> None:
        self.language = language
        self.layout = layout
        self.options = options
        self.place = place
        self.remarks: list[str] = []
        self.seen: set[str] = set()
        self.unknown = 0
        self.zone = ""
        self._flags = ""

    def parts(self, layout: str) -> tuple[Part, ...]:
        return read_parts(self.language.grammar, layout, self.place)

    def read(self, parts: Sequence[Part]) -> list[Element]:
        elements: list[Element] = []
        for part in self._together(parts):
            if isinstance(part, Text):
                elements.append(Literal(self._unescape(part)))
            elif isinstance(part, Directive):
                elements += self._read_directive(part)
            else:
                elements.append(part)
        return elements

    def read_blocks(self, parts: Sequence[Part]) -> list[Element]:
        """The elements of blocks between blanks; where a value may have nothing to write, its block and the blank in front
        of it may be missing."""
        elements: list[Element] = []
        block: list[Part] = []
        gap = ""
        for part in [*parts, Text(" ", 0)]:
            if not isinstance(part, Text) or part.text != ("% " if part.escape else " "):
                block.append(part)
                continue
            read = (replace(each, filled=True) if isinstance(each, Field) else each for each in self.read(block))
            inside = (Literal(gap), *read)
            told = [each for each in block if isinstance(each, Directive) and "-" not in each.flags]
            sure = all(each.name in self.language.always for each in told)
            elements += inside if sure else [Optional(inside)]
            block, gap = [], "" if part.escape else " "
        if isinstance(first := elements[0], Optional) and not any(isinstance(each, (Field, Rule)) for each in elements):
            return [*first.elements, *elements[1:]]  # a line without any of them could not be told from an empty one
        return elements

    def _together(self, parts: Sequence[Part]) -> list[Part | Field]:
        """The parts, with those that are one thing made one."""
        found: list[Part | Field] = []
        at = 0
        while at < len(parts):
            for names, meaning in self.language.together:
                here = parts[at : at + len(names)]
                if [_plain(part) for part in here] == list(names):
                    self.seen |= {part.name for part in here if isinstance(part, Directive)}
                    name, _, kind = meaning.partition(": ")
                    found.append(Field(name, kind, "_".join(name for name in names if name.isidentifier())))
                    at += len(names)
                    break
            else:
                found.append(parts[at])
                at += 1
        return found

    def _unescape(self, text: Text) -> str:
        if not text.escape:
            return text.text
        return self.language.escapes.get(text.text, text.text[-1])

    def _read_directive(self, part: Directive) -> list[Element]:
        language = self.language
        name, rest = self._split_word(part)
        if rest:
            return [*self._read_directive(replace(part, name=name)), Literal(rest)]
        if name == language.sticky and language.sticky:
            self._flags = part.flags
            return []
        if part.inside is not None:
            inside = self.read(part.inside)
            if name and name not in language.wrappers.get("group", ()):
                return [*self._read_directive(replace(part, inside=None)), Literal("("), *inside, Literal(")")]
            return _pad_group(inside, part.padding)
        if name in language.line_end:
            return [Literal("\n")]
        if name in language.nothing:
            return []
        if name in language.wrappers.get("pattern", ()) and part.arguments:
            return _pad_group(self.read(self.parts(part.arguments[0])), part.padding)
        if name in language.wrappers.get("optional", ()) and part.arguments:
            return [Optional(tuple(self.read(self.parts(part.arguments[0]))))]
        if name in language.stamps:
            return self._read_stamp(part)
        return [self._read_field(part)]

    def _split_word(self, part: Directive) -> tuple[str, str]:
        """The word a directive begins with, and the letters behind it that are text."""
        if not self.language.prefix_words:
            return part.name, ""
        for length in range(len(part.name), 0, -1):
            if self._is_known(part.name[:length]):
                return part.name[:length], part.name[length:]
        return part.name, ""

    def _is_known(self, name: str) -> bool:
        language = self.language
        words = (language.stamps, language.fields, language.nothing, language.line_end, *language.wrappers.values())
        return any(name in some for some in words) or f"{name}(*)" in language.fields

    def _read_stamp(self, part: Directive) -> list[Element]:
        use = self.language.stamps[part.name]
        pattern = self.options.get(use.option) if use.option else part.arguments[0] if part.arguments else None
        stamp = read_stamp(use, pattern or None, self.place)
        if use.dialect == "java_date":
            stamp = replace(stamp, zone=find_zone(part.arguments))
        self.seen.add(part.name)
        left, right = _paddings(part.padding)
        source = " ".join([part.name, *part.arguments[:1]])
        return [Field("TIME", use.alone, source, left, right, stamp=stamp)]

    def _read_field(self, part: Directive) -> Element:
        argument = part.arguments[0].partition(":-")[0] if part.arguments else ""
        if part.name == "sample":
            argument = _first_step(argument)
        source = f"{part.name} {argument}" if argument and part.name != "sample" else argument or part.name
        meaning, star = self._find(part.name, argument)
        if meaning is None:
            self.unknown += 1
            self.remarks.append(
                f"{self._spoken(part)} is not known; it becomes the attribute {field_name(source).lower()}"
            )
            meaning, star = "*: TEXT", source
        else:
            self.seen.add(source)
        flags = part.flags or self._flags
        quoted = bool(self.language.quote_flag) and self.language.quote_flag in flags
        if ": " not in meaning:
            rule = self.language.rules[meaning]
            fields = {name: kind for name, kind in rule.items() if name.isupper()}
            common = self.language.quoted.get(part.name, "")
            return Rule(
                meaning,
                rule["rule"],
                fields,
                rule.get("ends", {}),
                source,
                common,
                quoted,
                absent=rule.get("absent", False),
            )
        name, _, kind = meaning.partition(": ")
        left, right = (False, False) if self.language.always else _spec_paddings(part.flags)
        if part.padding:
            left, right = _paddings(part.padding)
        cut = re.search(r"\.-?(\d+)", part.padding) or re.fullmatch(r"length=(\d+)", argument)
        may_miss = name.startswith("[")
        name = name.strip("[]")
        name = name if "*" not in name else field_name(name.replace("*", star))
        return Field(name, kind, source, left, right, int(cut[1]) if cut else 0, quoted, may_miss)

    def _find(self, name: str, argument: str) -> tuple[str | None, str]:
        """The meaning of a directive, and what a star in it stands for."""
        fields = self.language.fields
        if argument:
            lowered = {key.lower(): value for key, value in fields.items() if "(" in key and key.startswith(f"{name}(")}
            for one in [*argument.split("?"), argument]:
                if found := lowered.get(f"{name}({one})".lower()):
                    return found, one
            if f"{name}(*)" in fields:
                return fields[f"{name}(*)"], argument.partition("?")[0]
        if name in fields:
            return fields[name], ""
        for key, value in fields.items():
            if key.endswith("_*") and name.startswith(key[:-1]) and len(name) >= len(key):
                return value, name[len(key) - 1 :]
        return None, ""

    def _spoken(self, part: Directive) -> str:
        start = self.layout.find(part.name)
        return self.layout[max(0, start - 1) : start] + part.name if start > 0 else part.name


def _squeeze(elements: Sequence[Element]) -> list[Element]:
    """The elements with one blank where texts have several, and none in front: what writes nothing leaves no gap."""
    squeezed: list[Element] = []
    for element in _join_text(elements):
        if isinstance(element, Literal):
            text = re.sub(" +", " ", element.text)
            element = Literal(text if squeezed else text.lstrip(" "))
        squeezed.append(element)
    return squeezed


def _plain(part: Part) -> str:
    """A directive's name, or text as it stands; empty for anything that has more to it."""
    if isinstance(part, Text):
        return part.text
    return part.name if not (part.arguments or part.padding or part.flags or part.inside) else ""


def _first_step(expression: str) -> str:
    """A sample expression of HAProxy without its converters: ``hdr(a,1),lower`` → ``hdr(a,1)``."""
    depth = 0
    for at, char in enumerate(expression):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            return expression[:at]
    return expression


def field_name(text: str) -> str:
    """A terminal's name out of what a layout calls a value.

    >>> field_name("X-Request-Id"), field_name("orderNumber")
    ('X_REQUEST_ID', 'ORDER_NUMBER')
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()[:NAME_CAP].rstrip("_")
    if not name or not name[0].isalpha():
        name = f"FIELD_{name}".rstrip("_")
    return f"{name}_FIELD" if name in ("KEY", "VALUE") else name  # these two make pairs


def _paddings(padding: str) -> tuple[bool, bool]:
    """Whether blanks may stand in front, and behind. ``-8`` pads behind, ``8`` in front, ``03`` with zeros."""
    width = re.match(r"([#0 +-]*)(\d*)", padding)
    if not width or not width[2] or int(width[2]) == 0:
        return False, False
    if "-" in width[1]:
        return False, True
    return "0" not in width[1], False


def _spec_paddings(spec: str) -> tuple[bool, bool]:
    """The same for a format specification of Python. Without a sign, text is padded behind and numbers in front."""
    found = re.match(r"(?:(.)?([<>^=]))?[-+ ]?#?(0?)(\d+)", spec)
    if not found or found[3] or (found[1] or " ") != " ":
        return False, False
    align = found[2] or "^"
    return align in ">^=", align in "<^"


def _pad_group(elements: list[Element], padding: str) -> list[Element]:
    """A group that is padded as a whole: what it begins or ends with is."""
    left, right = _paddings(padding)
    if left and elements and isinstance(elements[0], Field):
        elements[0] = replace(elements[0], left=True)
    if right and elements:
        last = elements[-1]
        if isinstance(last, Field):
            elements[-1] = replace(last, right=True)
        else:
            elements.append(Field("", "", "", right=True))
    return elements


def _first_line(elements: Sequence[Element], remarks: list[str]) -> list[Element]:
    """The elements of an entry's first line that is not empty; what is on the others continues the entry."""
    line: list[Element] = []
    for at, element in enumerate(elements):
        if not (isinstance(element, Literal) and "\n" in element.text):
            line.append(element)
            continue
        pieces = element.text.split("\n")
        if pieces[0]:
            line.append(Literal(pieces[0]))
        if line:
            rest = [Literal(pieces[-1]), *elements[at + 1 :]]
            if any(isinstance(each, (Field, Rule)) for each in rest):
                remarks.append("an entry has several lines; the first is described, the others continue it")
            break
        line = [Literal(pieces[-1])] if pieces[-1] else []
    if line and isinstance(line[-1], Literal):
        line[-1] = Literal(line[-1].text.rstrip("\r"))
    return line


def _settle_stamps(elements: Sequence[Element], reading: _Reading) -> list[Element]:
    """Stamps that complete each other made one, and each given a name and a pattern."""
    merged: list[Element] = []
    for element in elements:
        if isinstance(element, Optional):
            element = Optional(tuple(_settle_stamps(element.elements, reading)))
        if isinstance(element, Literal) and merged and isinstance(merged[-1], Field) and merged[-1].stamp:
            stamp = merged[-1].stamp
            if not stamp.after:  # "%d UTC"
                longer = stamp.with_text(element.text)
                merged[-1] = replace(merged[-1], stamp=replace(longer, after=""))
                element = Literal(longer.after)
                if not element.text:
                    continue
        merged.append(element)
        while (joined := _join_stamps(merged)) is not None:
            merged[-3 if isinstance(merged[-2], Literal) else -2 :] = [joined]
    settled: list[Element] = []
    for element in merged:
        settled += _settle(element, reading) if isinstance(element, Field) and element.stamp else [element]
    return settled


def _join_stamps(elements: Sequence[Element]) -> Field | None:
    """The last two stamps as one, where they are parts of one moment."""
    if len(elements) < 2 or not isinstance(elements[-1], Field) or elements[-1].stamp is None:
        return None
    between = elements[-2]
    text = between.text if isinstance(between, Literal) else ""
    before = elements[-3] if isinstance(between, Literal) and len(elements) > 2 else between
    if not isinstance(before, Field) or before.stamp is None or len(text) > JOINED_TEXT:
        return None
    if before.stamp.tells & elements[-1].stamp.tells:
        return None
    return replace(before, stamp=before.stamp.joined(text, elements[-1].stamp), right=elements[-1].right)


def _settle(element: Field, reading: _Reading) -> list[Element]:
    stamp = element.stamp
    assert stamp is not None
    moments: list[Element]
    if stamp.is_moment:
        if stamp.zone and ZONE not in stamp.tells:
            reading.zone = read_zone(stamp.zone) if stamp.is_whole else ""
            if not reading.zone:
                why = "is not known here" if stamp.is_whole else "is not taken over, since the stamps lack the year"
                reading.remarks.append(f"the zone {stamp.zone} {why}; --timezone says it")
        moments = [replace(element, name="TIME", type=stamp.type)]
    elif element.type:  # milliseconds without a stamp in front of them
        name, _, kind = element.type.partition(": ")
        moments = [replace(element, name=name, type=kind, stamp=None)]
    elif (halves := stamp.halved()) is not None and halves[0].is_moment:
        clock, text, date = halves
        moments = [
            replace(element, name="TIME", type=f"/{clock.pattern}/", stamp=clock, right=False),
            Literal(text),
            replace(element, name="DATE", type=f"/{date.pattern}/", stamp=None, left=False),
        ]
    elif stamp.pieces:
        name = "DATE" if "date" in stamp.tells else field_name(element.source)
        if "clock" in stamp.tells:
            reading.remarks.append(
                f"a stamp like {stamp.example} has no shape that is read as a moment; its text is kept"
            )
            name = "STAMP"
        moments = [replace(element, name=name, type=f"/{stamp.pattern}/", stamp=None)]
    else:
        moments = []
    return [Literal(stamp.before), *moments, Literal(stamp.after)]


def _join_text(elements: Sequence[Element]) -> tuple[Element, ...]:
    """Texts side by side made one, empty ones dropped."""
    joined: list[Element] = []
    for element in elements:
        if isinstance(element, Optional):
            element = Optional(_join_text(element.elements))
            if not element.elements:
                continue
        if isinstance(element, Literal):
            if not element.text:
                continue
            if joined and isinstance(joined[-1], Literal):
                joined[-1] = Literal(joined[-1].text + element.text)
                continue
        joined.append(element)
    return tuple(joined)
