"""Pass 1: one thing, two spellings: ``ORD-2026-000123`` in the back office, ``/orders/123`` in the address bar.

A place of bare numbers and a place of prefixed ones hold the same kind of identifier when most of the numbers are those of exactly
one prefixed value, and the two agree where they meet, on one line or beside one request identifier. Where they do not meet, they must
be called the same, or each number of a URL must come up when its prefixed value does (``/checkout/thanks/123``).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from reconstruct.correlate.profile import TOGETHER_NS, URL_PLACES, Slot
from reconstruct.correlate.types import AGREEMENT, GENERIC_NOUNS, LEAST_MET, LEAST_SHARED
from reconstruct.store.listing import sql_list

CONTAINED = 0.5
"""Share of the bare numbers that must be of a prefixed value. Numbers that count from one overlap with any others that do, so this is
more than equal texts must share; the prefixed side may be the larger, as not everything is looked at."""

ONE_PREFIX = 0.9
"""Share of a place's values that must have a prefix: a word, then what is left is a number."""

MOST_LINES = 50
"""Lines with one long identifier beyond which it is no request's, and what stands beside it no meeting."""

NUMBERS, CODES = "integer", "code"
"""Shapes of the values of places that are looked at."""

BARE, PREFIXED = r"^\d{1,18}$", r"^[A-Za-z][A-Za-z0-9]{0,15}[-_#/.:](?:\d{2,8}[-_#/.:])?0*(\d{1,18})$"
"""``123``; ``ORD-123``, ``ORD-000123``, ``INV-2026-000123``."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """Values of slot ``bare`` are the numbers of values of slot ``prefixed``."""

    bare: int
    prefixed: int


def find_spellings(db: duckdb.DuckDBPyConnection, slots: list[Slot]) -> list[Spelling]:
    """Pairs of slots that spell one kind of identifier in two ways, by slot.

    Makes ``spellings(slot, value, meant)``: for bare numbers of such slots the prefixed value of that number.
    """
    db.execute("CREATE OR REPLACE TEMP TABLE spellings (slot INTEGER, value VARCHAR, meant VARCHAR)")
    numbers, codes = ([slot for slot in slots if slot.shape == shape] for shape in (NUMBERS, CODES))
    if not numbers or not codes:
        return []
    _tabulate_spelled(db, numbers + codes)
    nearly = _tabulate_nearly(db)
    if not nearly:
        return []
    strong = [slot.id for slot in slots if slot.strong and slot.shape != CODES]
    _tabulate_meetings(db, strong, nearly)
    in_urls = sql_list(slot.id for slot in numbers if slot.name.startswith(URL_PLACES))
    rows = db.execute(
        f"""
        SELECT bare, prefixed FROM nearly s LEFT JOIN meetings m USING (bare, prefixed)
        WHERE CASE WHEN m.times >= {LEAST_MET} THEN m.agree >= {AGREEMENT} * m.times
                   ELSE alike OR bare IN {in_urls} AND s.n >= {LEAST_MET} AND s.together >= {AGREEMENT} * s.n END
        ORDER BY bare, s.n DESC, prefixed
        """
    ).fetchall()
    first: dict[int, int] = dict(reversed(rows))  # the best of each bare slot stands first
    for pair in first.items():
        db.execute(
            """
            INSERT INTO spellings
            SELECT b.slot, b.value, min(p.value) FROM spelled b JOIN spelled p USING (number)
            WHERE b.slot = ? AND p.slot = ? GROUP BY ALL HAVING count(*) = 1
            """,
            pair,
        )
    return [Spelling(bare, prefixed) for bare, prefixed in sorted(first.items())]


def _tabulate_spelled(db: duckdb.DuckDBPyConnection, slots: list[Slot]) -> None:
    """Make ``spelled(slot, noun, generic, value, first, bare, number)``: distinct values of slots of bare or of prefixed numbers."""
    table = pa.table(
        {
            "slot": pa.array([slot.id for slot in slots], pa.int32()),
            "noun": pa.array([slot.noun for slot in slots], pa.string()),
            "generic": pa.array([slot.noun in GENERIC_NOUNS for slot in slots], pa.bool_()),
        }
    )
    db.register("named_in", table)
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE spelled AS
        WITH held AS (SELECT n.slot, n.noun, n.generic, m.value, min(t.t) AS first
                      FROM told m JOIN named_in n USING (slot) JOIN timeline t USING (eid) GROUP BY ALL),
             shaped AS (SELECT *, regexp_matches(value, '{BARE}') AS bare, regexp_extract(value, '{PREFIXED}', 1) AS digits FROM held),
             kinds AS (SELECT slot, bool_and(bare) AS bare, avg((digits <> '')::INT) >= {ONE_PREFIX} AS prefixed FROM shaped GROUP BY slot)
        SELECT s.slot, s.noun, s.generic, s.value, s.first, k.bare, (CASE WHEN k.bare THEN s.value ELSE s.digits END)::BIGINT AS number
        FROM shaped s JOIN kinds k USING (slot) WHERE k.bare OR k.prefixed AND s.digits <> ''
        """
    )
    db.unregister("named_in")


def _tabulate_nearly(db: duckdb.DuckDBPyConnection) -> set[int]:
    """Make ``nearly(bare, prefixed, alike, n, together)``: places of bare numbers nearly all of which a place of prefixed ones has, too.
    The slots of both."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE nearly AS
        WITH meant AS (SELECT slot, noun, number, min(first) AS first FROM spelled WHERE NOT bare GROUP BY ALL HAVING count(*) = 1),
             shared AS (SELECT b.slot AS bare, p.slot AS prefixed, b.noun = p.noun AND NOT b.generic AS alike, count(*) AS n,
                               count(*) FILTER (abs(b.first - p.first) <= {TOGETHER_NS}) AS together
                        FROM spelled b JOIN meant p USING (number) WHERE b.bare GROUP BY ALL),
             sizes AS (SELECT slot, count(*) AS n FROM spelled GROUP BY slot)
        SELECT s.* FROM shared s JOIN sizes ON sizes.slot = bare WHERE s.n >= {LEAST_SHARED} AND s.n >= {CONTAINED} * sizes.n
        """
    )
    return {slot for pair in db.execute("SELECT bare, prefixed FROM nearly").fetchall() for slot in pair}


def _tabulate_meetings(db: duckdb.DuckDBPyConnection, strong: list[int], slots: set[int]) -> None:
    """Make ``meetings(bare, prefixed, times, agree)`` of some slots: how often the two stood on one line or beside the same long
    identifier, and how often one of the numbers was then the same."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE meetings AS
        WITH held AS (SELECT m.eid, s.slot, s.bare, s.number FROM told m JOIN spelled s ON s.slot = m.slot AND s.value = m.value
                      WHERE NOT m.multi AND m.slot IN {sql_list(slots)}),
             keys AS (SELECT DISTINCT hash(value) AS key, eid FROM told WHERE slot IN {sql_list(strong)} AND eid IN (SELECT eid FROM held)
                      UNION ALL SELECT DISTINCT hash(eid), eid FROM held),
             few AS (SELECT key FROM keys GROUP BY key HAVING count(*) <= {MOST_LINES}),
             beside AS (SELECT DISTINCT key, slot, bare, number FROM keys SEMI JOIN few USING (key) JOIN held USING (eid)),
             met AS (SELECT key, b.slot AS bare, p.slot AS prefixed, bool_or(b.number = p.number) AS equal
                     FROM beside b JOIN beside p USING (key) WHERE b.bare AND NOT p.bare GROUP BY ALL)
        SELECT bare, prefixed, count(*) AS times, count(*) FILTER (equal) AS agree FROM met GROUP BY ALL
        """
    )
