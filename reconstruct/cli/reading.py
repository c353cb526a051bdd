"""What was read, as what, and what was not, as lines of the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from reconstruct.journeys.axis import say_share
from reconstruct.sources.copies import BEGINNING, COMPRESSED_COPY, COPY

FORMATS_SHOWN = 8
REMARKS_SHOWN = 8
READ = {"parsed": "read", "generic": "known by their moment only", "unparsed": "not read"}


def say_sources(sources: list[dict[str, Any]]) -> list[str]:
    """How many lines there are, what of them is what, and from when to when they are."""
    counted = {
        name: sum(source[name] for source in sources)
        for name in ("events", "continuations", "unparsed", "duplicates", "blank", "directives")
    }
    n_lines, other = sum(counted.values()), counted["blank"] + counted["directives"]
    lines = [
        f"{len(sources):,} source{'' if len(sources) == 1 else 's'}, {n_lines:,} lines: {counted['events']:,} events, "
        f"{counted['continuations']:,} continuation lines, {counted['unparsed']:,} unparsed, {other:,} blank or directives"
        + (f", {counted['duplicates']:,} there twice" if counted["duplicates"] else "")
    ]
    first = min((source["first_at"] for source in sources if source["first_at"]), default=None)
    last = max((source["last_at"] for source in sources if source["last_at"]), default=None)
    if first and last:
        lines.append(f"from {first[:19].replace('T', ' ')} to {last[:19].replace('T', ' ')} UTC")
    return lines


def say_reading(figures: dict[str, Any], sources: list[dict[str, Any]]) -> list[str]:
    """The same with the formats, and what is worth a remark."""
    quality = figures["quality"]
    counts, *period = say_sources(sources)
    understood = ", ".join(f"{say_share(quality[f'{name}_share'])} {words}" for name, words in READ.items())
    lines = [counts, f"understood: {understood}", *period]
    formats: dict[str, int] = {}
    for source in sources:
        for name, n in source["formats"].items():
            formats[name] = formats.get(name, 0) + n
    ranked = sorted(formats.items(), key=lambda item: (-item[1], item[0]))
    lines.append(
        "formats: "
        + ", ".join(f"{name} {n:,}" for name, n in ranked[:FORMATS_SHOWN])
        + (" …" if len(ranked) > FORMATS_SHOWN else "")
    )
    skipped = _gather((each["reason"], each["path"], 0) for each in figures["skipped"])
    copies = [reason for reason in skipped if reason.startswith((COPY, BEGINNING, COMPRESSED_COPY))]
    remarks = [f"not read: {_name_first(skipped[reason][0])} ({reason})" for reason in skipped if reason not in copies]
    if copies:  # each names another log
        paths = [path for reason in copies for path in skipped[reason][0]]
        more = " …" if len(paths) > 1 else ""
        remarks.append(f"not read, as other logs hold it: {_name_first(paths)} ({copies[0]}{more})")
    notes = _gather((note, source["path"], n) for source in sources for note, n in source["notes"].items())
    remarks += [
        f"{_name_first(paths)}: {note}" + (f" ({n:,} lines)" if n > 1 else "") for note, (paths, n) in notes.items()
    ]
    unread = sorted((source for source in sources if source["unparsed"]), key=lambda source: -source["unparsed"])
    remarks += [f"{source['path']}: {source['unparsed']:,} unparsed{_first_sample(source, False)}" for source in unread]
    vague = sorted((source for source in sources if source["quality"]["generic"]), key=lambda source: -source["events"])
    remarks += [
        f"{source['path']}: {say_share(source['quality']['generic'])} known by their moment only{_first_sample(source, True)}"
        for source in vague
    ]
    remarks += _assumed_zones(sources)
    lines += remarks[:REMARKS_SHOWN]
    if len(remarks) > REMARKS_SHOWN:
        lines.append(f"… and {len(remarks) - REMARKS_SHOWN:,} more remarks: see the quality view")
    return lines


def _first_sample(source: dict[str, Any], generic: bool) -> str:
    """Where the first line is that nothing reads, or that is known by its moment only, and how near it came."""
    samples = [sample for sample in source["quality"]["samples"] if sample["generic"] == generic]
    if not samples:
        return ""
    nearest = samples[0]["nearest"]
    near = f"; {nearest['format']} came to column {nearest['column']}" if nearest else ""
    return f", the first is line {samples[0]['line']}{near}"


def _assumed_zones(sources: list[dict[str, Any]]) -> list[str]:
    """Zones that nothing tells, one remark for all sources of which the same is assumed."""
    assumed = _gather(
        (f"zone {source['timezone']} assumed ({source['quality']['timezone_why']})", source["path"], 0)
        for source in sources
        if source["timezone_from"] == "assumed" and source["events"] and source["first_at"]
    )
    return [f"{_name_first(paths)}: {zone}; --timezone gives it" for zone, (paths, _) in assumed.items()]


def _gather(remarks: Iterable[tuple[str, str, int]]) -> dict[str, tuple[list[str], int]]:
    """What is said of several files, the files, and the sum of the lines; ``remarks``: what, of which file, lines."""
    paths: dict[str, list[str]] = {}
    total: Counter[str] = Counter()
    for what, path, lines in remarks:
        paths.setdefault(what, []).append(path)
        total[what] += lines
    return {what: (found, total[what]) for what, found in paths.items()}


def _name_first(paths: Sequence[str]) -> str:
    return f"{paths[0]} and {len(paths) - 1:,} more" if len(paths) > 1 else paths[0]
