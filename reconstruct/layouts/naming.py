"""The elements of a layout made ready to be written: quotes as text, a name of its own for each value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reconstruct.layouts.expressions import TEXT
from reconstruct.layouts.meaning import Element, Field, Literal, Optional, Rule, field_name
from reconstruct.layouts.stamps import FRACTION

UNITS = ("ns", "us", "ms", "s")


def spread_quotes(elements: Iterable[Element]) -> list[Element]:
    """The elements with the quotes that directives write themselves as text."""
    spread: list[Element] = []

    def add(element: Element) -> None:
        if isinstance(element, Literal) and spread and isinstance(spread[-1], Literal):
            spread[-1] = Literal(spread[-1].text + element.text)
        else:
            spread.append(element)

    for element in elements:
        if isinstance(element, Optional):
            add(Optional(tuple(spread_quotes(element.elements))))
        elif (isinstance(element, Field) and element.quoted) or (isinstance(element, Rule) and element.in_quotes):
            add(Literal('"'))
            add(replace(element, quoted=False) if isinstance(element, Field) else replace(element, in_quotes=False))
            add(Literal('"'))
        else:
            add(element)
    return spread


def take_quotes(elements: Sequence[Element]) -> list[Element]:
    """The elements, with the rules marked that take the quotes around them too."""
    taken = list(elements)
    for at in range(1, len(taken) - 1):
        rule, before, following = taken[at], taken[at - 1], taken[at + 1]
        if isinstance(rule, Rule) and rule.quoted and isinstance(before, Literal) and isinstance(following, Literal):
            taken[at] = replace(rule, takes_quotes=before.text.endswith('"') and following.text.startswith('"'))
    return taken


def all_fields(elements: Iterable[Element]) -> Iterable[Field | Rule]:
    """What has a value, in order, also where it may be missing."""
    for element in elements:
        if isinstance(element, Optional):
            yield from all_fields(element.elements)
        elif isinstance(element, Rule) or (isinstance(element, Field) and element.name):
            yield element


def name_apart(elements: Sequence[Element]) -> list[Element]:
    """The elements with a name of its own for each value: of two moments the finer is the time, of two durations the finer
    the duration, a directive's second value is dropped."""
    fields = list(all_fields(elements))
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
