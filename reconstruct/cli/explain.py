"""``reconstruct explain FILE[:LINE]``: how lines are read, why other formats do not fit, what the line belongs to."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.cli.formats import BUILT_IN_KINDS
from reconstruct.cli.inputs import options_of, warn
from reconstruct.cli.output import clean
from reconstruct.engines.ingest import COUNTED
from reconstruct.engines.local import Scanned, scan_sources
from reconstruct.engines.session_rows import VIA_VALUE
from reconstruct.errors import EXIT_OK, ReconstructError, UsageError
from reconstruct.events.explanation import (
    Level,
    find_below,
    find_misses,
    find_rivals,
    innermost,
    is_telling,
    peel_levels,
)
from reconstruct.events.formats import Formats, known_formats
from reconstruct.events.reading import Layer
from reconstruct.events.source_profile import SourceProfile
from reconstruct.grammar.definition import Definition
from reconstruct.grammar.lark_engine import Part
from reconstruct.grammar.plans import MatchPlan, plans_of
from reconstruct.grammar.timestamps import format_time
from reconstruct.options import Options
from reconstruct.pipeline import find_sources, open_paths
from reconstruct.sources import CHUNK_BYTES, Chunk, Source, discover, read_chunks
from reconstruct.store.database import EID_SHIFT

MISSES_SHOWN = 3
"""Formats shown that came furthest without reading a line; more than a few say nothing."""

SAMPLES_SHOWN = 5

CONTEXT = 40
"""Characters shown on either side of the place where a format gave up."""

NAME_WIDTH, VALUE_WIDTH = 24, 200

HIDDEN = frozenset({"source", "offset", "length", "zoned", "time_ns", "line", "lines", "format", "attributes"})

LINKS_SHOWN = 5


def run(arguments: argparse.Namespace) -> int:
    """Explain a file or one of its lines. Raises UsageError when there is no such line."""
    place, number = _place(arguments.place)
    path = _file_of(place)
    within = Path(arguments.within) if arguments.within else path.parent
    arguments.paths = [within]
    options = options_of(arguments)
    # patterns are those of the whole: this file goes by the name it has among the others, and is looked at though vetoed
    named = replace(options, exclude=(), grammars=(*options.grammars, within, path.parent))
    root = _root_of(path, arguments.within, options)
    discovery = find_sources([path], named, root, _formats_within(within, options, root))
    source = _source_of(place, path, discovery.sources)
    warn(named, discovery)
    local = plans_of(discovery.formats)
    if number is None:
        _explain_file(source, local)
        return EXIT_OK
    _explain_line(_find(source, number, local), every=arguments.all)
    if not arguments.no_links:
        _explain_links(source, number, within, options)
    return EXIT_OK


def _file_of(place: Path) -> Path:
    """The file that is meant: of a member of an archive (``logs.tar/app.log``) the archive."""
    return next((each for each in (place, *place.parents) if each.is_file()), place)


def _source_of(place: Path, path: Path, sources: Sequence[Source]) -> Source:
    """The log that is meant. Raises UsageError when it is none of those in the archive, or an archive of several."""
    member = place.relative_to(path).as_posix()
    found = [each for each in sources if member == "." or each.path.endswith(f"{path.name}/{member}")]
    if len(found) == 1:
        return found[0]
    names = [each.path.partition(f"{path.name}/")[2] for each in sources]
    near = get_close_matches(member, names, 1) or names[:1]
    what = f"{path} holds {len(sources)} logs" if member == "." else f"no log {member} in {path}"
    raise UsageError(what, hint=f"name one of them, as in: reconstruct explain {path / near[0]}")


def _root_of(path: Path, within: str | None, options: Options) -> Path | None:
    """The directory that patterns mean a file from: that of all logs, of the settings, or the current one."""
    places = [*([Path(within)] if within else []), *options.grammars, Path()]
    return next((place.resolve() for place in places if path.resolve().is_relative_to(place.resolve())), None)


def _formats_within(directory: Path, options: Options, root: Path | None) -> tuple[Definition, ...]:
    """The formats that configuration files among the logs define."""
    try:
        return discover([directory], exclude=options.exclude, root=root).formats
    except ReconstructError:
        return ()


def _place(text: str) -> tuple[Path, int | None]:
    path, _, number = text.rpartition(":")
    if path and number.isdigit() and not Path(text).exists():
        return Path(path), int(number)
    return Path(text), None


def _scan(source: Source, local: Sequence[MatchPlan]) -> Iterator[tuple[Scanned, Chunk]]:
    """Every chunk as it is read anywhere else, with its bytes."""
    scanned = scan_sources([replace(source, id=0)], chunk_bytes=CHUNK_BYTES, pool=None, local=local)
    return zip(scanned, read_chunks(source, CHUNK_BYTES), strict=True)


# -- a file --------------------------------------------------------------------------------------------------------


def _formats_for(profile: SourceProfile, local: Sequence[MatchPlan]) -> Formats:
    """The formats that may read lines of a source: those its own lines told the layout of are its own."""
    ids = {plan.id for plan in local}
    return known_formats(profile.grammars, (*local, *(plan for plan in profile.local if plan.id not in ids)))


def _explain_file(source: Source, local: Sequence[MatchPlan]) -> None:
    counted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    samples: list[tuple[int, str]] = []
    generic = 0
    layer, formats = Layer(), known_formats(source.grammars, local)
    for scanned, _ in _scan(source, local):
        layer, formats = scanned.profile.layer, _formats_for(scanned.profile, local)
        found.update(scanned.scan.formats)
        notes.update(scanned.scan.notes)
        counted.update(asdict(scanned.scan.account))
        for each in scanned.scan.samples:
            line = each.line + scanned.first_line
            if each.generic:
                generic = generic or line
            else:
                samples.append((line, each.text))
    print(clean(f"{source.path}: {source.encoding}, {source.compression or 'not compressed'}, family {source.family}"))
    print("  " + ", ".join(f"{counted[name]:,} {name}" for name in COUNTED if counted[name] or name == "unparsed"))
    if source.forced:
        print(clean(f"  read as {source.forced} because the user says so"))
    for name, n in sorted(found.items(), key=lambda item: (-item[1], item[0])):
        print(clean(f"  {name}: {n:,} events, {n / max(1, counted['events']):.0%}{_weight(formats, name)}"))
        plan = formats.plan(name.rpartition("/")[2])
        if plan is not None and plan.id in formats.local:
            print(clean(f"    {plan.title}"))
    tried = _tried(layer)
    if len(tried) > 1:
        print(clean(f"  each line is given to the first that reads it: {', '.join(tried)}"))
    for note, n in notes.items():
        print(clean(f"  {n:,} lines: {note}"))
    for line, text in samples[:SAMPLES_SHOWN]:
        print(clean(f"  unparsed {line}: {text[:120]}"))
    if samples or generic:
        print(
            clean(
                f"  reconstruct explain {source.file}:{samples[0][0] if samples else generic} says why no format reads it"
            )
        )


def _weight(formats: Formats, path: str) -> str:
    plan = formats.plan(path.rpartition("/")[2])
    return f"; a line of it says {plan.specificity:.0f} bits at least" if plan else ""


def _tried(layer: Layer) -> list[str]:
    """Formats in the order in which they are tried, with their envelopes."""
    inside = [f"{name}/{each}" for name, inner in layer.envelopes for each in _tried(inner)]
    return [*inside, *layer.formats]


# -- a line --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Found:
    """A line, and the event it belongs to."""

    number: int
    text: str
    layer: Layer
    event: dict[str, Any] | None
    first_text: str
    """the first line of the event"""
    mentions: list[dict[str, Any]]
    formats: Formats


def _find(source: Source, number: int, local: Sequence[MatchPlan]) -> _Found:
    last = 0
    for scanned, chunk in _scan(source, local):
        last = scanned.first_line + scanned.scan.n_lines
        if number > last:
            continue
        raw = chunk.data.split(b"\n")

        def text_of(line: int, raw: list[bytes] = raw, first: int = scanned.first_line) -> str:
            at = line - first - 1
            return raw[at][:65536].decode("utf-8", "replace").rstrip("\r") if 0 <= at < len(raw) else ""

        events = scanned.scan.events
        lines, spans = events.column("line"), events.column("lines")
        inside = pc.and_(pc.less_equal(lines, number), pc.greater(pc.add(lines, spans), number))
        found = pa.Table.from_batches([events]).filter(inside)
        layer, formats = scanned.profile.layer_at(chunk.offset), _formats_for(scanned.profile, local)
        if not number or not found.num_rows:
            return _Found(number, text_of(number), layer, None, "", [], formats)
        event = found.slice(0, 1).to_pylist()[0]
        at = pc.index(inside, pa.scalar(True)).as_py()
        mentions = pa.Table.from_batches([scanned.scan.mentions])
        return _Found(
            number,
            text_of(number),
            layer,
            event,
            text_of(event["line"]),
            mentions.filter(pc.equal(mentions["event"], at)).to_pylist(),
            formats,
        )
    raise UsageError(f"{source.path} has {last:,} lines", hint=f"a line between 1 and {last}")


def _explain_line(found: _Found, *, every: bool) -> None:
    formats = found.formats
    print(clean(found.text[:4096]))
    print()
    if found.event is None:
        if not found.text.strip():
            print("a blank line")
            return
        print("not an event: no format reads it, and no entry above it continues here")
        text, layer = innermost(formats, found.layer, found.text)
        _explain_misses(formats, layer, text, every=every)
        return
    event = found.event
    above = found.number - event["line"]
    text = found.first_text
    print(clean(f"format {event['format']}") + (f", continues the entry {above} lines above" if above else ""))
    below = find_below(formats, found.layer, event["format"], found.text) if above else None
    if below is not None:
        print("what the line says more of it")
        _print_levels([below])
        print("the entry")
    levels = peel_levels(formats, found.layer, event["format"], text)
    _print_levels(levels)
    _print_event(event, found.mentions)
    if not levels:
        return
    name = levels[-1].name
    is_format = levels[-1].plan is not None or name in BUILT_IN_KINDS
    rivals = find_rivals(formats, name, levels[-1].text, found.layer.headers) if is_format else []
    if found.layer.closed:
        print(clean(f"\n{name} because the user says so"))
    if rivals:
        print("\nothers read the line too, and were not asked:")
        for other, why in rivals if every else rivals[:MISSES_SHOWN]:
            print(clean(f"  {other}: {why}"))
        if not every and len(rivals) > MISSES_SHOWN:
            print(f"  and {len(rivals) - MISSES_SHOWN} more (--all)")
    if every or not is_telling(formats, event["format"]):
        _explain_misses(formats, found.layer, levels[-1].text, every=every)


def _print_levels(levels: list[Level]) -> None:
    """Envelope over format over fields, each further in than the one above."""
    for depth, level in enumerate(levels):
        title = level.plan.title if level.plan else BUILT_IN_KINDS.get(level.name, "envelope")
        indent = "  " * (depth + 1)
        print(clean(f"{indent}{level.name}  ({title})"))
        decoders = level.plan.decoders if level.plan else {}
        for line in _draw(level.parts, decoders, indent + "  "):
            print(clean(line))


def _draw(parts: Iterable[Part], decoders: dict[str, str], indent: str) -> Iterator[str]:
    width = max(8, NAME_WIDTH - len(indent))
    for part in parts:
        if part.parts:
            yield f"{indent}{part.name}"
            yield from _draw(part.parts, decoders, indent + "  ")
        else:
            kind = decoders.get(part.name, "")
            yield f"{indent}{part.name:<{width}}{_shorten(part.text)}" + (f"  ({kind})" if kind else "")


def _shorten(text: str) -> str:
    return text if len(text) <= VALUE_WIDTH else f"{text[: VALUE_WIDTH - 1]}…"


def _print_event(event: dict[str, Any], mentions: list[dict[str, Any]]) -> None:
    print("as an event")
    if event["time_ns"] is not None:
        zone = "" if event["zoned"] else "  (the stamp names no zone; read as UTC here)"
        print(f"  {'time':<{NAME_WIDTH - 2}}{format_time(event['time_ns'])}{zone}")
    for name, value in event.items():
        if name not in HIDDEN and value is not None:
            print(clean(f"  {name:<{NAME_WIDTH - 2}}{_shorten(str(value))}"))
    for name, value in orjson.loads(event["attributes"] or "{}").items():
        print(clean(f"  {name:<{NAME_WIDTH - 2}}{_shorten(str(value))}  (attribute)"))
    for mention in mentions:
        print(clean(f"  {'identifier?':<{NAME_WIDTH - 2}}{mention['value']}  at {mention['slot']}"))


def _explain_misses(formats: Formats, layer: Layer, text: str, *, every: bool) -> None:
    misses = find_misses(formats, layer.formats, text, every=every)
    if not misses:
        print("\nno other format comes far enough to tell anything" + ("" if every else " (--all shows them all)"))
        return
    print("\nformats that came furthest:")
    for miss in misses if every else misses[:MISSES_SHOWN]:
        expected = "; or ".join(miss.expected[:4]) + ("; or …" if len(miss.expected) > 4 else "")
        print(clean(f"  {miss.name}, column {miss.column}: expected {expected}"))
        start = max(0, miss.column - 1 - CONTEXT)
        shown = clean(text[start : miss.column - 1])
        print(f"    {shown}{clean(text[miss.column - 1 : miss.column + CONTEXT])}")
        print(f"    {' ' * len(shown)}^")


# -- links ---------------------------------------------------------------------------------------------------------


def _explain_links(explained: Source, number: int, within: Path, options: Options) -> None:
    try:
        results = open_paths([within], options)
    except ReconstructError as error:
        print(f"\nnot looked for in journeys: {error.message}")
        return
    file = explained.file.resolve()
    source = next((each.id for each in results.discovery.sources if each.file.resolve() == file), None)
    if source is None:
        print(clean(f"\n{explained.path} is not among the logs in {within}"))
        return
    eid = source << EID_SHIFT | number
    row = results.store.rows(
        f"SELECT j.id, v.rule, coalesce(k.name, v.via_type), {VIA_VALUE}, v.confidence"
        " FROM event_visit v JOIN numbered j USING (visit) JOIN events e USING (eid)"
        " LEFT JOIN type_names k ON k.number = v.via_type WHERE v.eid = ?",
        [eid],
    )
    labels = results.labels
    print(f"\nin the logs of {within} (--in DIR looks in others):")
    for id, rule, kind, value, confidence in row:
        print(f"  journey {id} by rule “{rule}”{_via(labels.get(kind, kind), value)}, confidence {confidence:.3f}")
    things = results.store.rows(
        f"SELECT n.name, t.value, v.rule, coalesce(k.name, v.via_type), {VIA_VALUE}, v.confidence FROM thing_links v JOIN things t USING (object)"
        " JOIN events e USING (eid) JOIN type_names n ON n.number = t.type::VARCHAR LEFT JOIN type_names k ON k.number = v.via_type"
        " WHERE v.eid = ? ORDER BY ALL LIMIT ?",
        [eid, LINKS_SHOWN],
    )
    for name, value, rule, kind, via, confidence in things:
        said = f"{clean(labels.get(name, name))} {clean(str(value))}"
        print(f"  {said} by rule “{rule}”{_via(labels.get(kind, kind), via)}, confidence {confidence:.3f}")
    if not row and not things:
        print("  in no journey and of no business object")
    refused = results.alternatives(source, number)
    if refused:
        print("\nwhere else it might have belonged, and why it does not:")
    for each in refused:
        place = f"journey {each['journey']}" if "journey" in each else each["to"]
        print(clean(f"  {place}: {each['why']}"))


def _via(kind: str | None, value: str | None) -> str:
    return "" if value is None else f" through {clean(str(kind))} {clean(str(value))[:120]}"
