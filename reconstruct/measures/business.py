"""What came of business journeys: completion by type of object, money by currency, and times to the outcome.

A try in vain whose object a later visit brought about (``order:1001~1``) is told in both visits but is one order: only
the later one counts here.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import ceil

import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.intervals import order_statistics
from reconstruct.measures.chosen import (
    PEOPLE,
    PERSON,
    Chosen,
    Document,
    known,
    named,
    say_share,
    unknown,
    within,
)
from reconstruct.query.syntax import And, Node, Not, Or

COUNTED = "id = type || ':' || object"
"""What ``retried:no`` means."""
ONCE = named("retried", "no")

BEGUN = named("begun", "yes")

OPEN = "in_progress"
"""The outcome that is none yet: such a business journey counts for nothing but itself."""

LATE = "number IN (SELECT business FROM deviations WHERE kind = 'late')"

_IN_TIME = Not(named("deviation", "late"))
_OVERDUE = named("deviation", "late")

FATES: dict[str, tuple[Node, ...]] = {
    "fulfilled": (named("outcome", "fulfilled"),),
    "open": (named("outcome", OPEN), _IN_TIME),
    "at_risk": (Or((named("outcome", "stuck", "failed"), And((named("outcome", OPEN), _OVERDUE)))),),
    "lost": (named("outcome", "cancelled", "returned"),),
    "stuck": (named("outcome", "stuck"),),
    "failed": (named("outcome", "failed"),),
    "late": (named("outcome", OPEN), _OVERDUE),
}
"""What may have become of money → conditions on the business journey it belongs to."""

LISTED = 20
"""Types and currencies listed, most frequent first: no business has more."""

AT_RISK = ("stuck", "failed", "late")
"""Money that was promised and may not come, or not in time."""

FOLLOWED = 0.9
"""Share of the priced objects of a type that begin behind one of another type in the same visit, for these to be what it comes of."""

FOLLOWED_LEAST = 5
"""Visits below which nothing is said to come of something."""

EXACT_DIGITS = 200
"""Significant digits of sums of money: more than any sum of what a log may hold."""


def measure_business(chosen: Chosen) -> Document:
    """``completion``, ``revenue`` and ``times`` of the summary (docs/json.md)."""
    return {"completion": _completion(chosen), "revenue": _revenue(chosen), "times": _times(chosen)}


def _completion(chosen: Chosen) -> list[Document]:
    """Per type of object: of those that are over, or should be, the share that was fulfilled."""
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for type_, outcome, n, journeys in chosen.rows(
        "business",
        "listed",
        "type, outcome, count(*), count(DISTINCT listed)",
        f"AND {COUNTED} GROUP BY ALL ORDER BY ALL",
    ):
        found.setdefault(type_, {})[outcome] = (n, journeys)
    rows: list[Document] = []
    for type_, outcomes in found.items():
        n = sum(count for count, _ in outcomes.values())
        over = n - outcomes.get(OPEN, (0, 0))[0]
        fulfilled = outcomes.get("fulfilled", (0, 0))
        rows.append({
            "type": type_,
            "business_journeys": n,
            "fulfilled": say_share(fulfilled[0], over, _business(chosen, type_, "fulfilled"), fulfilled[1]),
            "outcomes": [
                {"outcome": outcome, "n": count, "journeys": journeys, "query": _business(chosen, type_, outcome)}
                for outcome, (count, journeys) in sorted(outcomes.items(), key=lambda each: (-each[1][0], each[0]))
            ],
        })  # fmt: skip
    return sorted(rows, key=lambda row: (-row["business_journeys"], row["type"]))[:LISTED]


def _business(chosen: Chosen, type_: str, outcome: str, *more: Node) -> str | None:
    return chosen.query(within("business", [named("type", type_), named("outcome", outcome), ONCE, *more]))


def _revenue(chosen: Chosen) -> list[Document]:
    """Per currency what is fulfilled, on its way, at risk and lost: the four add up to all that has a price."""
    fate = (
        f"CASE WHEN outcome = '{OPEN}' THEN if({LATE}, 'late', 'open')"
        " WHEN outcome IN ('cancelled', 'returned') THEN 'lost' ELSE outcome END"
    )
    drafts = _list_drafts(chosen)
    left_out = ", ".join("'" + type_.replace("'", "''") + "'" for type_ in drafts)
    counted = f"amount IS NOT NULL AND {COUNTED}" + (f" AND type NOT IN ({left_out})" if drafts else "")
    others = [Not(named("type", *drafts))] if drafts else []
    priced = f"(SELECT *, upper(currency) AS code, {fate} AS fate FROM business WHERE {counted})"
    both = ("fate", f"if(fate IN {AT_RISK}, 'at_risk', NULL)")
    sums: dict[str | None, dict[str, Decimal]] = {}
    counts: dict[str | None, dict[str, tuple[int, int]]] = {}
    with localcontext() as exact:
        exact.prec = EXACT_DIGITS
        for code, name, amount, n in chosen.rows(priced, "listed", "code, fate, amount, count(*)", "GROUP BY ALL"):
            of = sums.setdefault(code, {})
            for each in (name, "at_risk") if name in AT_RISK else (name,):
                of[each] = of.get(each, Decimal(0)) + Decimal(amount) * n
    for column in both:
        for code, name, n, journeys in chosen.rows(
            priced, "listed", f"code, {column} AS said, count(*), count(DISTINCT listed)", "GROUP BY ALL"
        ):
            counts.setdefault(code, {})[name] = (n, journeys)
    rows = []
    for code in sorted(sums, key=lambda each: (-sum(n for n, _ in counts[each].values()), each or ""))[:LISTED]:
        currency = unknown("currency") if code is None else named("currency", code)
        money = {
            name: {
                "amount": f"{sums[code].get(name, Decimal(0)):f}",
                "n": counts[code].get(name, (0, 0))[0],
                "journeys": counts[code].get(name, (0, 0))[1],
                "query": chosen.query(within("business", [currency, known("value"), ONCE, *others, *conditions])),
            }
            for name, conditions in FATES.items()
        }
        rows.append({"currency": code, "without": drafts, **{name: money[name] for name in FATES}})
    return rows


def _list_drafts(chosen: Chosen) -> list[str]:
    """Types of objects with a price that are only what others come of: baskets, offers. Their money is that of the order, once more.

    None of them is ever fulfilled, and behind one of them, in the same visit, begins nearly every one of a type that is. Of all logs,
    whatever is selected.
    """
    rows = chosen.ask(
        f"""
        WITH priced AS (SELECT journey, type, min(started_at) AS began, bool_or(outcome = 'fulfilled') AS done FROM business
                        WHERE amount IS NOT NULL AND journey IS NOT NULL AND {COUNTED} GROUP BY ALL),
             types AS (SELECT type, count(*) AS n, bool_or(done) AS done FROM priced GROUP BY type),
             followed AS (SELECT a.type, b.type AS by, count(*) AS n FROM priced a JOIN priced b USING (journey)
                          WHERE a.type <> b.type AND a.began <= b.began GROUP BY ALL)
        SELECT DISTINCT f.type FROM followed f JOIN types t ON t.type = f.type JOIN types o ON o.type = f.by
        WHERE NOT t.done AND o.done AND f.n >= greatest({FOLLOWED_LEAST}, {FOLLOWED} * o.n) ORDER BY 1
        """
    )
    return [type_ for (type_,) in rows]


def list_goal_times(chosen: Chosen) -> pa.Table:
    """``type`` (null), ``ms`` from the begin of a journey to its goal, ``listed``; sorted by ``ms``."""
    return chosen.arrow(
        "journeys LEFT JOIN touchpoints t ON t.journey = seq AND t.position = outcome_at",
        "seq",
        """NULL::VARCHAR AS type, seq AS listed,
        date_diff('millisecond', CAST(started_at AS TIMESTAMP), coalesce(t."at", CAST(ended_at AS TIMESTAMP))) AS ms""",
        f"AND {PEOPLE} AND outcome = 'achieved' ORDER BY ms",
    )


def list_fulfilled_times(chosen: Chosen) -> pa.Table:
    """``type``, ``ms`` from first to last step, ``listed``, of fulfilled business journeys whose beginning is in the logs; sorted by
    ``type`` and ``ms``."""
    which = f"AND outcome = 'fulfilled' AND {COUNTED} AND number IN (SELECT number FROM begun) ORDER BY type, ms"
    return chosen.arrow("business", "listed", "type, duration_ms AS ms, listed", which)


def _times(chosen: Chosen) -> list[Document]:
    """How long it took: people to their goal, the business to fulfil, by type of object: what was begun before the logs took longer than they
    tell."""
    goal, business = list_goal_times(chosen), list_fulfilled_times(chosen)
    rows = [_time("goal", None, goal, chosen.query(PERSON, named("outcome", "achieved")))] if goal.num_rows else []
    for type_ in pc.unique(business.column("type")).to_pylist():
        of_type = business.filter(pc.equal(business.column("type"), type_))
        rows.append(_time("fulfilled", type_, of_type, _business(chosen, type_, "fulfilled", BEGUN)))
    return rows


def _time(outcome: str, type_: str | None, rows: pa.Table, query: str | None) -> Document:
    """One row; ``rows`` are sorted by ``ms``."""
    sample = rows.column("ms").to_numpy()
    median = order_statistics(sample)
    return {
        "outcome": outcome,
        "type": type_,
        "n": len(sample),
        "p50_ms": whole(median.value),
        "low_ms": whole(median.low),
        "high_ms": whole(median.high),
        "p95_ms": whole(sample[ceil(0.95 * len(sample)) - 1]),
        "journeys": len(pc.unique(rows.column("listed"))),
        "query": query,
    }


def whole(value: float | None) -> int | None:
    """Milliseconds as documents hold them."""
    return None if value is None else int(value)
