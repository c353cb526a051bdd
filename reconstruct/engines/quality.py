"""How near the lines nothing reads are to known formats: asked once, when everything has been read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reconstruct.events.formats import Formats, known_formats
from reconstruct.events.lines import line_shape
from reconstruct.grammar.definition import Definition
from reconstruct.grammar.plans import plans_of

EXPLAINED = 12
"""Kinds of unparsed lines that are explained, over all sources: 30 ms for each format that is tried. Lines of one shape share a reason."""

EXPECTED_KEPT = 4
"""Things that could have stood where a format gave up, as many as can be read at a glance."""


def explain_samples(
    samples: Sequence[tuple[dict[str, Any], Iterable[str]]],
    grammars: tuple[str, ...],
    local: Sequence[Definition] = (),
) -> None:
    """Fill in ``nearest`` of unparsed lines, each with the formats its source has: the format that came furthest, up to
    which column, and what was expected there; None where none came far enough to tell anything."""
    if not samples:
        return
    from reconstruct.events.explanation import find_misses  # imports lark: 80 ms that logs read whole do without

    formats = known_formats(grammars, plans_of(local))
    reasons: dict[tuple[object, ...], dict[str, Any] | None] = {}
    for sample, names in samples:
        known = _known(formats, names)
        kind = (known, line_shape(sample["text"]))
        if kind not in reasons and len(reasons) < EXPLAINED:
            misses = find_misses(formats, known, sample["text"], few=True)
            reasons[kind] = (
                {
                    "format": misses[0].name,
                    "column": misses[0].column,
                    "expected": list(misses[0].expected[:EXPECTED_KEPT]),
                }
                if misses
                else None
            )
        sample["nearest"] = reasons.get(kind)


def _known(formats: Formats, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name.rpartition("/")[2] for name in names} & formats.ids))
