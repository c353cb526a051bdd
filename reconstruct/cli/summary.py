"""``reconstruct summary``: what was found, in a screenful."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from reconstruct.cli.chosen import tell_chosen, tell_none
from reconstruct.cli.inputs import select
from reconstruct.cli.output import clean
from reconstruct.errors import EXIT_OK
from reconstruct.journeys.axis import say_share
from reconstruct.results import Reconstruction
from reconstruct.sources.copies import BEGINNING, COMPRESSED_COPY, COPY
from reconstruct.wording import (
    FEW,
    own_query,
    say_median,
    say_money,
    say_ms,
    say_part,
    say_points,
    say_range,
    table,
)

FORMATS_SHOWN = 8

RULES_SHOWN = 6
REMARKS_SHOWN = 8
FRICTION_SHOWN = 4
TYPES_SHOWN = 3
BAR = 20
ALL_WORDS = frozenset(range(5))
FATES = {"fulfilled": "fulfilled", "open": "on the way", "at_risk": "at risk", "lost": "cancelled or returned"}
RISKS = ("stuck", "failed", "late")
CURRENCIES_SHOWN = 3


def run(arguments: argparse.Namespace) -> int:
    """Print the summary."""
    results = select(arguments)
    if arguments.json:
        figures = results.summary()
        sys.stdout.write(
            orjson.dumps(figures["by"][arguments.by] if arguments.by else figures, option=orjson.OPT_INDENT_2).decode()
            + "\n"
        )
    elif arguments.by and not results.count_journeys():
        print("\n".join(map(clean, tell_none(results))))
    elif arguments.by:
        print("\n".join(map(clean, render_by(results.summary(), arguments.by))))
    else:
        print("\n".join(map(clean, render(results))))
    results.close()
    return EXIT_OK


def render(results: Reconstruction) -> list[str]:
    """The lines of the summary."""
    figures, sources = results.summary(), results.sources()
    counted = {
        name: sum(source[name] for source in sources)
        for name in ("events", "continuations", "unparsed", "duplicates", "blank", "directives")
    }
    n_lines, other = sum(counted.values()), counted["blank"] + counted["directives"]
    first = min((source["first_at"] for source in sources if source["first_at"]), default=None)
    last = max((source["last_at"] for source in sources if source["last_at"]), default=None)
    quality = figures["quality"]
    lines = [
        f"{_plural(len(sources), 'source')}, {n_lines:,} lines: {counted['events']:,} events, "
        f"{counted['continuations']:,} continuation lines, {counted['unparsed']:,} unparsed, {other:,} blank or directives"
        + (f", {counted['duplicates']:,} there twice" if counted["duplicates"] else ""),
        "understood: "
        + ", ".join(f"{say_share(quality[f'{name}_share'])} {name}" for name in ("parsed", "generic", "unparsed")),
    ]
    if first and last:
        lines.append(f"from {first[:19].replace('T', ' ')} to {last[:19].replace('T', ' ')} UTC")
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
    if "where" in figures:
        if not results.count_journeys():
            return [*lines, "", f"of the journeys where {figures['where']}:", "", *tell_none(results)]
        lines += ["", f"of the journeys where {figures['where']}:", *tell_chosen(results)]
    lines += ["", *_journeys(figures), "", *_business(figures), "", *_identifiers(results.identifiers())]
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


def _journeys(figures: dict[str, Any]) -> list[str]:
    agents = figures["agents"]
    if not figures["journeys"] and not any(agents.values()):
        why = (
            "no visit is known that they began in"
            if "where" in figures
            else "nothing here is a visitor's request, as an access log has them"
        )
        return [f"no visits: {why}", *_joins(figures)]
    machines = ", ".join(f"{agents[kind]:,} by {kind}s" for kind in ("bot", "monitor") if agents.get(kind))
    lines = [
        f"{_plural(figures['journeys'], 'journey')} of {_plural(figures['customers'], 'known customer')}"
        + (f" (and {machines}, left out of the figures)" if machines else "")
    ]
    where = figures.get("where", "")
    for row in figures["funnel"]:
        dropped = row["dropped"]
        line = f"  {row['stage']:<14}{row['n']:>8,}  {row['share']:>4.0%}  {'█' * round(row['share'] * BAR):<{BAR}}"
        if dropped and dropped["n"]:
            share = f", {say_share(dropped['share'])} ({say_range(dropped)})" if dropped["of"] >= FEW else ""
            line += f"  {dropped['n']:,} dropped here{share}  {own_query(dropped['query'], where)}"
        lines.append(line.rstrip())
    outcomes = ", ".join(f"{n:,} {name}" for name, n in sorted(figures["outcomes"].items(), key=lambda item: -item[1]))
    achieved = figures["achieved"]
    lines.append(
        f"  outcomes: {outcomes or 'none'}; conversion {say_part(achieved)}  {own_query(achieved['query'], where)}"
    )
    lines += [
        f"  to the goal: half within {say_median(row)}, 95% within {say_ms(row['p95_ms'])}"
        for row in figures["times"]
        if row["outcome"] == "goal"
    ]
    lines += _friction(figures, where)
    if figures["experience"] is not None:
        lines.append(f"  mean experience score {figures['experience']} of 100")
    return [*lines, *_joins(figures)]


def _friction(figures: dict[str, Any], where: str) -> list[str]:
    """Conversion with and without each sign; what goes together need not be the cause."""
    found = figures["friction_cost"]
    if not found:
        return []
    rows = [
        [
            row["kind"],
            f"{say_part(row['with']['achieved'])},",
            f"without {say_part(row['without']['achieved'])}:",
            say_points(row["difference"]),
            own_query(row["with"]["query"], where),
        ]
        for row in found[:FRICTION_SHOWN]
    ]
    more = f", {len(found) - FRICTION_SHOWN} more in --json" if len(found) > FRICTION_SHOWN else ""
    return [
        f"  conversion of journeys with a sign of friction{more}; not its effect",
        *("  " + line for line in table(rows, ALL_WORDS)),
    ]


def _joins(figures: dict[str, Any]) -> list[str]:
    """How much of the logs the journeys rest on, and by what rules."""
    rules = figures["joins"]["session"]
    placed = figures["events_in_journeys"]
    left_out = [] if "where" in figures else _abstained(figures["reconstruction"]["abstained"])
    if not placed:
        return left_out
    sure = sum(rule["sure"] for rule in rules.values())
    most = sorted(rules.items(), key=lambda item: (-item[1]["events"], item[0]))[:RULES_SHOWN]
    by = ", ".join(f"{name} {rule['events']:,} ({rule['confidence']:.2f})" for name, rule in most)
    return [
        f"  {placed:,} of {figures['events']:,} events are in journeys ({placed / figures['events']:.1%}), {sure / placed:.1%} of them for sure",
        f"  by {by}" + (" …" if len(rules) > RULES_SHOWN else ""),
        *left_out,
    ]


def _abstained(reasons: dict[str, int]) -> list[str]:
    """What was left out rather than guessed."""
    if not reasons:
        return []
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ["  left out rather than guessed: " + ", ".join(f"{n:,} where {reason}" for reason, n in most)]


def _business(figures: dict[str, Any]) -> list[str]:
    outcomes = ", ".join(
        f"{n:,} {name.replace('_', ' ')}"
        for name, n in sorted(figures["business_outcomes"].items(), key=lambda item: -item[1])
    )
    n = figures["business_journeys"]
    if not n:
        return ["no business objects found"]
    return [
        f"{_plural(n, 'business journey')}, {figures['business_journeys_in_sessions']:,} of them begun in a known session",
        f"  {outcomes}",
        *_completion(figures),
        *_revenue(figures),
    ]


def _completion(figures: dict[str, Any]) -> list[str]:
    """What share of those that are over was fulfilled, and how long that took."""
    where = figures.get("where", "")
    times = {row["type"]: row for row in figures["times"] if row["outcome"] == "fulfilled"}
    lines = []
    for row in figures["completion"][:TYPES_SHOWN]:
        if not row["fulfilled"]["of"]:
            lines.append(f"  {row['type']}: none of {row['business_journeys']:,} is over yet")
            continue
        took = times.get(row["type"])
        within = f"half within {say_median(took)}, 95% within {say_ms(took['p95_ms'])}" if took else ""
        fulfilled = f"  {row['type']}: fulfilled {say_part(row['fulfilled'])} that are over"
        query = f"    {own_query(row['fulfilled']['query'], where)}"
        if took and took["n"] != row["fulfilled"]["n"]:  # some were begun before the logs
            lines += [fulfilled, query, f"    {within}  {own_query(took['query'], where)}"]
        else:
            lines += [f"{fulfilled}; {within}" if took else fulfilled, query]
    return lines


def _revenue(figures: dict[str, Any]) -> list[str]:
    """What came in, what is to come, what may not."""
    where = figures.get("where", "")
    lines = []
    for row in figures["revenue"][:CURRENCIES_SHOWN]:
        said = [
            f"{say_money(row[name]['amount'], row['currency'])} {words} ({row[name]['n']:,})"
            for name, words in FATES.items()
        ]
        risks = [
            f"{name} {say_money(row[name]['amount'], None)} ({row[name]['n']:,})" for name in RISKS if row[name]["n"]
        ]
        lines.append(f"  {', '.join(said)}")
        if risks:
            lines.append(f"    at risk: {', '.join(risks)}  {own_query(row['at_risk']['query'], where)}")
    return lines


def render_by(figures: dict[str, Any], name: str) -> list[str]:
    """Conversion by what journeys have in common, as a table."""
    where = figures.get("where", "")
    rows = [[name, "journeys", "achieved", "share", "95%", "query"]]
    for row in figures["by"][name]:
        achieved = row["achieved"]
        told = [say_share(achieved["share"]), say_range(achieved)] if row["journeys"] >= FEW else ["", ""]
        value = "not known" if row["value"] is None else row["value"]
        rows.append([value, f"{row['journeys']:,}", f"{achieved['n']:,}", *told, own_query(row["query"], where)])
    whole = f"conversion by {name}; of all {say_part(figures['achieved'])}" + (f", where {where}" if where else "")
    return [whole, *table(rows, frozenset({0, 5}))]


def _identifiers(rows: list[dict[str, Any]]) -> list[str]:
    telling = [row for row in rows if row["role"] in ("object", "sub-object", "session", "customer", "request")]
    found = ", ".join(f"{row['type']} ({row['role']}, {row['distinct']:,})" for row in telling[:8])
    return [f"identifiers: {found or 'none'}", "  reconstruct plan says why"]


def _plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
