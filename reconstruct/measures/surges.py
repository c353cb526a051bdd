"""Failures that come all at once: whether a kind does, when, and how people fared meanwhile.

A *surge* is a stretch of time that holds more of a kind than chance would put there, given how much was going on: of the journeys hit,
its share, at the lower end of an interval that is made as wide as it takes for all kinds and slices to hold together, is twice its share
of everything that people and business did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconstruct.intervals import wilson
from reconstruct.measures.chosen import PEOPLE, PERSON, Chosen, Document, named, say_difference, say_share, within
from reconstruct.measures.slices import REQUESTS, Slices
from reconstruct.query.selection import join
from reconstruct.query.syntax import Node, Not

Stretch = tuple[int, int]
"""The first and the last of some slices of time."""

LEAST = 5
"""Journeys that a kind of failure hits in a slice below which nothing is a surge."""

TIMES_USUAL = 2.0
"""How many times its share of what was going on a slice must surely hold of a kind. Less is seen, and is no incident."""


def find_surge(failed: Sequence[int], going_on: Sequence[int], z: float) -> Stretch | None:
    """The stretch of slices, first and last, with most failures of those that hold surely more than is usual; None where none does."""
    total, everything = sum(failed), sum(going_on)
    is_sure = [
        n >= LEAST and (wilson(n, total, z).low or 0.0) > TIMES_USUAL * (busy / everything if everything else 1 / len(failed))
        for n, busy in zip(failed, going_on, strict=True)
    ]  # fmt: skip
    stretches: list[Stretch] = []
    for number, sure in enumerate(is_sure):
        if sure and stretches and stretches[-1][1] == number - 1:
            stretches[-1] = (stretches[-1][0], number)
        elif sure:
            stretches.append((number, number))
    return max(stretches, key=lambda each: (sum(failed[each[0] : each[1] + 1]), -each[0]), default=None)


def say_surge(counts: Sequence[int], going_on: Sequence[int], surge: Stretch, slices: Slices) -> Document:
    """When, how many, and how many there would be if they were as frequent as at other times. ``counts``: failures in each slice."""
    n, busy = (sum(each[surge[0] : surge[1] + 1]) for each in (counts, going_on))
    others = sum(going_on) - busy
    return {
        "from_at": slices.begin(surge[0]), "until_at": slices.begin(surge[1] + 1), "times": n,
        "usual": round((sum(counts) - n) * busy / others, 1) if others else None,
    }  # fmt: skip


def describe_surge(chosen: Chosen, kinds: Sequence[Sequence[int]], surge: Stretch, slices: Slices) -> Document:
    """A stretch of time in which kinds of failures came all at once: what share of requests failed then and of others, how many of
    those who came then reached their goal and of others, and how many business journeys were begun. ``kinds``: failures in each slice."""
    begin, end = (slices.begin(number) for number in (surge[0], surge[1] + 1))

    def count(table: str, key: str, moment: str, columns: str, more: str = "") -> tuple[list[int], list[int]]:
        """Some counts of then, and of other times."""
        is_then = f"{moment} >= TIMESTAMP '{begin[:-1]}' AND {moment} < TIMESTAMP '{end[:-1]}'"
        rows = chosen.rows(table, key, f"{is_then} AS is_then, {columns}", f"{more} GROUP BY 1")
        found = {then: counts for then, *counts in rows}
        nothing = [0] * columns.count("count(")
        return found.get(True, nothing), found.get(False, nothing)

    failed, others = count(
        REQUESTS, "seq", '"at"', "count(*) FILTER (NOT ok), count(*), count(DISTINCT seq) FILTER (NOT ok)"
    )
    started = "CAST(started_at AS TIMESTAMP)"
    visits, later = count(
        "journeys", "seq", started, "count(*) FILTER (outcome = 'achieved'), count(*)", f"AND {PEOPLE}"
    )
    (begun,), (begun_else,) = count("business", "listed", started, "count(*)")

    def then(name: str) -> Node:
        found = join([named(name, f"{at[:19]}Z", operator=sign) for at, sign in ((begin, ">="), (end, "<"))])
        assert found is not None
        return found

    def else_(name: str) -> Node:
        return Not(then(name))

    def met(when: Callable[[str], Node]) -> str | None:
        return chosen.query(PERSON, within("touchpoint", [when("at"), named("ok", "no")]))

    def reached(when: Callable[[str], Node]) -> str | None:
        return chosen.query(PERSON, when("started"), named("outcome", "achieved"))

    return {
        "from_at": begin, "until_at": end, "kinds": len(kinds), "times": sum(sum(each[surge[0] : surge[1] + 1]) for each in kinds),
        "failed": say_share(failed[0], failed[1], met(then), failed[2]),
        "failed_else": say_share(others[0], others[1], met(else_), others[2]),
        "failed_difference": say_difference((others[0], others[1]), (failed[0], failed[1])),
        "achieved": say_share(visits[0], visits[1], reached(then)),
        "achieved_else": say_share(later[0], later[1], reached(else_)),
        "achieved_difference": say_difference((later[0], later[1]), (visits[0], visits[1])),
        "begun": begun, "begun_usual": round(begun_else * visits[1] / later[1], 1) if later[1] else None,
    }  # fmt: skip
