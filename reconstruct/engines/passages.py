"""Each journey in a line and in a word, written when all facts are stored.

A *course* is a journey in one character per touchpoint and step, for a picture a cell high. A *way* is its touchpoints that
reach a stage (of a business journey: its steps), a repetition told once; journeys of the same way are one *variant*.
"""

from __future__ import annotations

from reconstruct.journeys.models import STAGES
from reconstruct.journeys.moments import OPEN_OUTCOMES
from reconstruct.store.database import Store

STAGE_LETTERS = dict(zip(STAGES, "aicps", strict=True))
"""A touchpoint in a course; a capital where it is a milestone."""
FAILED, GAP, BUSINESS, STEP, FAILED_STEP, MISSING, OPEN = "!", "_", "|", ".", "x", "?", ">"
COURSE_CAP = 400
"""Characters of a course: more than any screen is wide."""
GAP_MS = 30_000
GAP_FACTOR = 8
"""A pause is drawn when it is longer than half a minute and than so many times the journey's usual one: as on the axis."""
VARIANT_DIGITS = 8


def summarise_passages(store: Store) -> None:
    """Fill ``course``, ``way`` and ``variant`` of ``journeys`` and ``business``."""
    letters = " ".join(f"WHEN '{stage}' THEN '{letter}'" for stage, letter in STAGE_LETTERS.items())
    open_outcomes = ", ".join(f"'{each}'" for each in sorted(OPEN_OUTCOMES))
    db = store.connection
    _write_ways(store, "journeys", "seq", "journey", "touchpoints", "milestone")
    _write_ways(store, "business", "number", "business", "steps", "TRUE")
    db.execute(
        f"""
        UPDATE journeys SET course = whole.course FROM (
            WITH paused AS (
                SELECT journey, position, CASE stage {letters} ELSE 'a' END AS letter, milestone, ok,
                       dwell_ms > greatest({GAP_MS}, {GAP_FACTOR} * median(coalesce(dwell_ms, 0)) OVER (PARTITION BY journey)) AS pauses
                FROM touchpoints),
            customers AS (
                SELECT journey, string_agg(
                    CASE WHEN NOT ok THEN '{FAILED}' WHEN milestone THEN upper(letter) ELSE letter END
                    || CASE WHEN pauses THEN '{GAP}' ELSE '' END, '' ORDER BY position) AS course
                FROM paused GROUP BY journey),
            stepped AS (
                SELECT business, string_agg(CASE status WHEN 'failed' THEN '{FAILED_STEP}' ELSE '{STEP}' END, '' ORDER BY position) AS course
                FROM steps GROUP BY business),
            lacking AS (SELECT business, repeat('{MISSING}', count(*)) AS course FROM deviations WHERE kind = 'missing' GROUP BY business),
            businesses AS (
                SELECT b.journey, string_agg('{BUSINESS}' || coalesce(s.course, '') || coalesce(l.course, '')
                    || CASE WHEN b.outcome IN ({open_outcomes}) THEN '{OPEN}' ELSE '' END, '' ORDER BY b.number) AS course
                FROM business b LEFT JOIN stepped s ON s.business = b.number LEFT JOIN lacking l ON l.business = b.number
                WHERE b.journey IS NOT NULL GROUP BY b.journey)
            SELECT journey, left(coalesce(c.course, '') || coalesce(b.course, ''), {COURSE_CAP}) AS course
            FROM customers c FULL JOIN businesses b USING (journey)
        ) AS whole WHERE whole.journey = journeys.seq
        """
    )


def _write_ways(store: Store, table: str, key: str, owner: str, parts: str, counts: str) -> None:
    store.connection.execute(
        f"""
        UPDATE {table} SET way = found.way, variant = left(md5(array_to_string(found.way, chr(10))), {VARIANT_DIGITS}) FROM (
            SELECT {owner} AS owner, list(name ORDER BY position) FILTER (before IS DISTINCT FROM name) AS way FROM (
                SELECT {owner}, position, name, lag(name) OVER (PARTITION BY {owner} ORDER BY position) AS before
                FROM (SELECT {owner}, position, name_activity(activity) AS name FROM {parts} WHERE {counts} AND activity IS NOT NULL))
            GROUP BY owner
        ) AS found WHERE found.owner = {table}.{key}
        """
    )
