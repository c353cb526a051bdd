"""``reconstruct summary``: what was found, in a screenful."""

from __future__ import annotations

import argparse
import sys
from typing import Any

import orjson

from reconstruct.cli.chosen import FEW_CHOSEN, tell_chosen, tell_none
from reconstruct.cli.failing import render_failures
from reconstruct.cli.inputs import select
from reconstruct.cli.output import clean
from reconstruct.cli.reading import say_reading, say_sources
from reconstruct.errors import EXIT_OK
from reconstruct.journeys.axis import say_share
from reconstruct.results import Reconstruction
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

RULES_SHOWN = 6
FRICTION_SHOWN = 4
TYPES_SHOWN = 3
TYPES_NAMED = 8
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
    if "where" in figures:
        lines = [*say_sources(sources), "", f"of the journeys where {figures['where']}:"]
        if not results.count_journeys():
            return [*lines, "", *tell_none(results)]
        told = tell_chosen(results)
        if not told:
            lines.append(
                f"  more than {FEW_CHOSEN}, so not one by one: reconstruct export … -o FILE.jsonl writes them all"
            )
        if told:
            return [*lines, *told, "", *_count_few(figures)]
    else:
        lines = say_reading(figures, sources)
    lines += ["", *_journeys(figures), "", *render_business(figures, results.labels)]
    failing = render_failures(figures, {source["id"]: source["path"] for source in sources})
    lines += ["", *failing] if failing else []
    return lines if "where" in figures else [*lines, "", *_identifiers(results.identifiers())]


def _count_few(figures: dict[str, Any]) -> list[str]:
    """Of journeys that were told one by one only how many came to what: shares of so few would say nothing."""
    lines = []
    if figures["journeys"]:
        lines.append(f"{_say_visits(figures)}: {_ranked(figures['outcomes'])}")
    if figures["business_journeys"]:
        lines.append(
            f"{_plural(figures['business_journeys'], 'business journey')}: {_ranked(figures['business_outcomes'])}"
        )
    return [*lines, "reconstruct explain FILE:LINE --in DIR says how a line was read, and why it belongs there"]


def _say_visits(figures: dict[str, Any]) -> str:
    return f"{_plural(figures['journeys'], 'journey')} of {_plural(figures['customers'], 'known customer')}"


def _ranked(counts: dict[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in ranked)


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
    lines = [_say_visits(figures) + (f" (and {machines}, left out of the figures)" if machines else "")]
    where = figures.get("where", "")
    for row in figures["funnel"]:
        dropped = row["dropped"]
        line = f"  {row['stage']:<14}{row['n']:>8,}  {row['share']:>4.0%}  {'█' * round(row['share'] * BAR):<{BAR}}"
        if dropped and dropped["n"]:
            share = f", {say_share(dropped['share'])} ({say_range(dropped)})" if dropped["of"] >= FEW else ""
            line += f"  {dropped['n']:,} dropped here{share}  {own_query(dropped['query'], where)}"
        lines.append(line.rstrip())
    outcomes = _ranked(figures["outcomes"])
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
            row["kind"].replace("_", " "),
            f"{say_part(row['with']['achieved'])},",
            f"without {say_part(row['without']['achieved'])}:",
            say_points(row["difference"]),
            own_query(row["with"]["query"], where),
        ]
        for row in found[:FRICTION_SHOWN]
    ]
    more = f"; {len(found) - FRICTION_SHOWN} more signs: --json" if len(found) > FRICTION_SHOWN else ""
    return [
        f"  conversion of journeys with a sign of friction, and of those without it (what goes together need not be the cause){more}",
        *("  " + line for line in table(rows, ALL_WORDS)),
    ]


def _joins(figures: dict[str, Any]) -> list[str]:
    """How much of the logs the journeys rest on, and by what rules."""
    rules = figures["joins"]["session"]
    placed = figures["events_in_journeys"]
    left_out = (
        []
        if "where" in figures
        else [*_proxied(figures["visits"]), *_abstained(figures["reconstruction"]["abstained"])]
    )
    if not placed:
        return left_out
    sure = sum(rule["sure"] for rule in rules.values())
    most = sorted(rules.items(), key=lambda item: (-item[1]["events"], item[0]))[:RULES_SHOWN]
    by = ", ".join(f"{name} {rule['events']:,} ({rule['confidence']:.2f})" for name, rule in most)
    return [
        f"  {placed:,} of {figures['events']:,} events are in journeys ({placed / figures['events']:.1%}), {sure / placed:.1%} of them for sure",
        f"  joined by (confidence) {by}" + (" …" if len(rules) > RULES_SHOWN else ""),
        *left_out,
    ]


def _proxied(visits: dict[str, Any]) -> list[str]:
    """Logs in which visitors are not known by their address."""
    logs = visits.get("without_address", ())
    return (
        [f"  addresses in {', '.join(logs)} change within a visit: those of a proxy in front, not of visitors"]
        if logs
        else []
    )


def _abstained(reasons: dict[str, int]) -> list[str]:
    """What was left out rather than guessed."""
    if not reasons:
        return []
    most = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return ["  left out rather than guessed: " + ", ".join(f"{n:,} where {reason}" for reason, n in most)]


def render_business(figures: dict[str, Any], labels: dict[str, str]) -> list[str]:
    """What came of business journeys, and of the money in them."""
    outcomes = _ranked(figures["business_outcomes"])
    n = figures["business_journeys"]
    if not n:
        return ["no business objects found"]
    return [
        f"{_plural(n, 'business journey')}, {figures['business_journeys_in_sessions']:,} of them begun in a known session",
        f"  {outcomes}",
        *_completion(figures, labels),
        *_revenue(figures),
    ]


def _completion(figures: dict[str, Any], labels: dict[str, str]) -> list[str]:
    """What share of those that are over was fulfilled, and how long that took."""
    where = figures.get("where", "")
    times = {row["type"]: row for row in figures["times"] if row["outcome"] == "fulfilled"}
    drafts = {type_ for row in figures["revenue"] for type_ in row["without"]}
    lines = []
    for row in figures["completion"][:TYPES_SHOWN]:
        label, n, over = labels.get(row["type"], row["type"]), row["business_journeys"], row["fulfilled"]["of"]
        if row["type"] in drafts:
            lines.append(f"  {label}: {n:,}, of which others come; none is fulfilled itself")
        elif not over:
            lines.append(f"  {label}: none of {n:,} is over yet")
        elif not row["fulfilled"]["n"]:  # a share would say of the shop what may be true of its logs alone
            lines.append(f"  {label}: these logs tell of none that was fulfilled; {over:,} of {n:,} ended otherwise")
        else:
            lines += _fulfilled(label, row["fulfilled"], times.get(row["type"]), where)
        lines += [
            f"    {each['n']:,} stuck  {own_query(each['query'], where)}"
            for each in row["outcomes"]
            if each["outcome"] == "stuck"
        ]
    return lines


def _fulfilled(label: str, found: dict[str, Any], took: dict[str, Any] | None, where: str) -> list[str]:
    """The share of one type, how long it took, and the query of those counted."""
    within = f"half within {say_median(took)}, 95% within {say_ms(took['p95_ms'])}" if took else ""
    said, query = f"  {label}: fulfilled {say_part(found)} that are over", f"    {own_query(found['query'], where)}"
    if took and took["n"] != found["n"]:  # some were begun before the logs
        return [said, query, f"    {within}  {own_query(took['query'], where)}"]
    return [f"{said}; {within}" if took else said, query]


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
        without = f"; not counted: {' and '.join(row['without'])}, of which others come" if row["without"] else ""
        lines.append(f"  {', '.join(said)}{without}")
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
    """What identifies things, in words of the logs; of parts, what they are parts of."""
    labels = {row["type"]: row["label"] for row in rows}
    telling = [row for row in rows if row["role"] in ("object", "sub-object", "session", "customer", "request")]
    found = ", ".join(
        f"{row['label']} ({_say_role(row, labels)}, {row['distinct']:,})" for row in telling[:TYPES_NAMED]
    )
    more = f" and {len(telling) - TYPES_NAMED} more" if len(telling) > TYPES_NAMED else ""
    return [
        f"identifiers: {found or 'none'}{more}",
        "  reconstruct plan says where each was seen, and why it is taken for that",
    ]


def _say_role(row: dict[str, Any], labels: dict[str, str]) -> str:
    if row["role"] != "sub-object" or not row["owner"]:
        return str(row["role"])
    return f"part of {labels.get(row['owner'], row['owner'])}"


def _plural(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
