"""Pass 1: codes that a message does not name: ``charging 56.17 EUR for R-MH2EWX``, and ``JDEJJS`` among ``K7QX2P`` and ``9BWZ4F``.

In a message a candidate needs a noun or has to be long, and a digit, or every word would be one; so has a part of a path. Where fields,
routes and other messages show that a kind of identifier is a code of capitals and digits, or a long token
(``sub_fkQkSscHbBHnkLWUvjexBpft``), its values are known from there, and looked up in the messages and paths.
"""

from __future__ import annotations

import duckdb

from reconstruct.correlate.slices import slice_events

SHORT = r"(?:[A-Z]{1,4}-)?[A-Z0-9]{5,12}"
"""Booking references have six characters; four letters are too many words."""

CODE = rf"{SHORT}|[A-Za-z0-9_]{{16,64}}|[a-z]{{2,5}}_[A-Za-z0-9]{{8,}}"
LETTERS = r"(?:[A-Z]{1,4}-)?[A-Z]{5,12}|[A-Za-z_]{16,64}|[a-z]{2,5}_[A-Za-z]{8,}"
"""Lower case ones of less than sixteen characters are too many words as well, but for those behind a prefix (``tr_JSxrzbiHEI``)."""

LEAST_CODES = 20
"""Values of a type before its shape is believed."""

CODES_SHARE = 0.9
"""Share of the values that must be codes."""

MOST_LETTERS = 0.5
"""Share of the values beyond which they are words: of six drawn from 24 letters and 8 digits a sixth have no digit, of five drawn from
26 and 10 a fifth; of tokens of 24 one in seventy."""


def find_lettered(db: duckdb.DuckDBPyConnection) -> int:
    """Add to ``typed`` the mentions of such codes in messages and paths; gives how many. Needs ``typed``, ``sightings`` and ``events``."""
    db.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE lettered AS
        WITH held AS (SELECT type, value FROM sightings GROUP BY ALL HAVING sum(multi) < sum(mentions)),
             codes AS (
                SELECT type FROM held GROUP BY type
                HAVING count(*) >= {LEAST_CODES}
                   AND avg((regexp_full_match(value, '{CODE}') AND regexp_matches(value, '[A-Za-z]'))::INT) >= {CODES_SHARE}
                   AND avg(regexp_full_match(value, '{LETTERS}')::INT) < {MOST_LETTERS} AND bool_or(regexp_matches(value, '[0-9]')))
        SELECT min(type) AS type, value FROM held SEMI JOIN codes USING (type)
        WHERE regexp_full_match(value, '{LETTERS}') OR regexp_full_match(value, '{SHORT}') AND regexp_matches(value, '[A-Z]')
        GROUP BY value HAVING count(*) = 1
        """
    )
    ((known,),) = db.execute("SELECT count(*) FROM lettered").fetchall()
    found = 0
    for first, last in slice_events(db) if known else []:
        ((added,),) = db.execute(
            f"""
            INSERT INTO typed
            WITH told AS (SELECT eid, message, path FROM events WHERE eid BETWEEN {first} AND {last}),
                 paths AS (SELECT path, unnest(regexp_extract_all(path, '\\b(?:{CODE})\\b')) AS value FROM (SELECT DISTINCT path FROM told)),
                 words AS (
                SELECT eid, unnest(regexp_extract_all(message, '\\b(?:{CODE})\\b')) AS value FROM told
                UNION SELECT eid, value FROM told JOIN (SELECT * FROM paths SEMI JOIN lettered USING (value)) USING (path)),
                 new AS (SELECT eid, type, value FROM words JOIN lettered USING (value) ANTI JOIN typed USING (eid, type, value))
            SELECT eid, type, value, count(*) OVER (PARTITION BY eid, type) > 1 FROM new
            """
        ).fetchall()
        found += added
    return found
