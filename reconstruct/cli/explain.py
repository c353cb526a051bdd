"""``reconstruct explain FILE[:LINE]``: how lines are read, why other formats do not fit, what the line belongs to."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.cli.output import clean
from reconstruct.engines.session_rows import VIA_VALUE
from reconstruct.errors import EXIT_OK, ReconstructError, UsageError
from reconstruct.events.scan import Scan, scan_chunk
from reconstruct.events.source_profile import SourceProfile, profile_source
from reconstruct.grammar.definition import Definition
from reconstruct.grammar.plans import MatchPlan, load_plans, plans_of
from reconstruct.grammar.timestamps import format_time
from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.sources import Source, discover, read_chunks
from reconstruct.store.database import EID_SHIFT

NEAR_MISSES = 5
"""Formats shown that came furthest without matching."""

HIDDEN = frozenset({"source", "offset", "length", "zoned", "time_ns", "line", "lines", "format"})

LINKS_SHOWN = 5


def run(arguments: argparse.Namespace) -> int:
    """Explain a file or one of its lines. Raises UsageError when there is no such line."""
    path, number = _place(arguments.place)
    source = discover([path]).sources[0]
    within = Path(arguments.within) if arguments.within else path.parent
    local = plans_of(_formats_within(within))
    if number is None:
        _explain_file(source, local)
        return EXIT_OK
    profile, scan, before, text = _scan_around(source, number, local)
    _explain_line(profile, scan, number - before, text)
    if not arguments.no_links:
        _explain_links(path, number, within)
    return EXIT_OK


def _formats_within(directory: Path) -> tuple[Definition, ...]:
    """The formats that configuration files among the logs define."""
    try:
        return discover([directory]).formats
    except ReconstructError:
        return ()


def _place(text: str) -> tuple[Path, int | None]:
    path, _, number = text.rpartition(":")
    if path and number.isdigit() and not Path(text).exists():
        return Path(path), int(number)
    return Path(text), None


def _explain_file(source: Source, local: Sequence[MatchPlan]) -> None:
    formats: dict[str, int] = {}
    counts = {"lines": 0, "events": 0, "continuations": 0, "directives": 0, "blank": 0, "unparsed": 0}
    samples: list[tuple[int, str]] = []
    profile: SourceProfile | None = None
    before = 0
    for chunk in read_chunks(source):
        profile = profile or profile_source(chunk.data, source, local=local)
        scan = scan_chunk(chunk, profile)
        for name, n in scan.formats.items():
            formats[name] = formats.get(name, 0) + n
        for name in counts:
            counts[name] += getattr(scan.account, name)
        samples += [(each.line + before, each.text) for each in scan.samples]
        before += scan.n_lines
    print(f"{clean(source.path)}: {source.encoding}, {source.compression or 'not compressed'}, family {source.family}")
    print("  " + ", ".join(f"{n:,} {name}" for name, n in counts.items()))
    for name, n in sorted(formats.items(), key=lambda item: -item[1]):
        print(f"  {name}: {n:,} events")
    for line, text in samples[:NEAR_MISSES]:
        print(f"  unparsed {line}: {clean(text[:120])}")
    if samples:
        print(f"  reconstruct explain {source.path}:{samples[0][0]} says why")


def _scan_around(source: Source, number: int, local: Sequence[MatchPlan]) -> tuple[SourceProfile, Scan, int, str]:
    """The scan of the chunk that holds a line, the lines before it, and the line."""
    profile: SourceProfile | None = None
    before = 0
    for chunk in read_chunks(source):
        profile = profile or profile_source(chunk.data, source, local=local)
        scan = scan_chunk(chunk, profile)
        if number <= before + scan.n_lines:
            text = chunk.data.split(b"\n")[number - before - 1][:4096].decode("utf-8", "replace").rstrip("\r")
            return profile, scan, before, text
        before += scan.n_lines
    raise UsageError(f"{source.path} has {before:,} lines", hint=f"a line between 1 and {before}")


def _explain_line(profile: SourceProfile, scan: Scan, row: int, text: str) -> None:
    print(clean(text))
    lines, spans = scan.events.column("line"), scan.events.column("lines")
    inside = pc.and_(pc.less_equal(lines, row), pc.greater(pc.add(lines, spans), row))
    found = pa.Table.from_batches([scan.events]).filter(inside)
    if not found.num_rows:
        print("\nnot an event: no format reads it, and no entry above it continues here")
    else:
        event = found.slice(0, 1).to_pylist()[0]
        first = event["line"]
        print(
            f"\nformat {event['format']}" + ("" if first == row else f", continues the entry {row - first} lines above")
        )
        if event["time_ns"] is not None:
            zone = "" if event["zoned"] else " (the stamp names no zone; read as UTC here)"
            print(f"  {'time':<16}{format_time(event['time_ns'])}{zone}")
        for name, value in event.items():
            if name not in HIDDEN and name != "attributes" and value is not None:
                print(f"  {name:<16}{clean(str(value))[:200]}")
        for name, value in orjson.loads(event["attributes"] or "{}").items():
            print(f"  {clean(name):<16}{clean(str(value))[:200]}  (attribute)")
        mentions = pa.Table.from_batches([scan.mentions])
        at = pc.index(pc.and_(inside, True), pa.scalar(True)).as_py()
        for mention in mentions.filter(pc.equal(mentions["event"], at)).to_pylist():
            print(clean(f"  identifier?     {mention['value']}  at {mention['slot']}"))
    _explain_misses(profile, text, found.column("format").to_pylist()[0] if found.num_rows else "")


def _explain_misses(profile: SourceProfile, text: str, taken: str) -> None:
    """How far the formats got that did not take the line: those the file has, then those that came furthest."""
    from reconstruct.grammar.lark_engine import explain_line

    taken_id = taken.rpartition("/")[2]
    reached = []
    for name, plan in {**load_plans(), **{plan.id: plan for plan in profile.local}}.items():
        if name == taken_id:
            continue
        why = explain_line(plan, text)
        if why.fields is None and why.column > 1:
            reached.append((name in profile.layer.formats, why.column, name, why))
    if reached:
        print("\nother formats came this far:")
    for _, _, name, why in sorted(reached, key=lambda each: (not each[0], -each[1], each[2]))[:NEAR_MISSES]:
        print(f"  {name}, column {why.column}: expected {', '.join(why.expected[:4])}")
        start = max(0, why.column - 30)
        print(f"    {clean(text[start : why.column + 30])}")
        print(f"    {' ' * (why.column - 1 - start)}^")


def _explain_links(path: Path, number: int, within: Path) -> None:
    try:
        results = open_paths([within], Options())
    except ReconstructError as error:
        print(f"\nnot looked for in journeys: {error.message}")
        return
    resolved = path.resolve()
    source = next((each.id for each in results.discovery.sources if each.file.resolve() == resolved), None)
    if source is None:
        print(f"\n{path} is not among the logs in {within}")
        return
    eid = source << EID_SHIFT | number
    row = results.store.rows(
        f"SELECT j.id, v.rule, coalesce(k.name, v.via_type), {VIA_VALUE}, v.confidence"
        " FROM event_visit v JOIN numbered j USING (visit) JOIN events e USING (eid)"
        " LEFT JOIN type_names k ON k.number = v.via_type WHERE v.eid = ?",
        [eid],
    )
    print(f"\nin the logs of {within} (--in DIR looks in others):")
    for id, rule, kind, value, confidence in row:
        print(f"  journey {id} by rule “{rule}”{_via(kind, value)}, confidence {confidence:.3f}")
    things = results.store.rows(
        "SELECT n.name, t.value, l.rule, coalesce(k.name, l.via_type), l.via_value, l.confidence FROM thing_links l JOIN things t USING (object)"
        " JOIN type_names n ON n.number = t.type::VARCHAR LEFT JOIN type_names k ON k.number = l.via_type WHERE l.eid = ? ORDER BY ALL LIMIT ?",
        [eid, LINKS_SHOWN],
    )
    for name, value, rule, kind, via, confidence in things:
        print(f"  {name} {clean(str(value))} by rule “{rule}”{_via(kind, via)}, confidence {confidence:.3f}")
    if not row and not things:
        print("  in no journey and of no business object")


def _via(kind: str | None, value: str | None) -> str:
    return "" if value is None else f" through {clean(str(kind))} {clean(str(value))[:120]}"
