"""The wording of every log line: its message with what varies taken out, as a number. Made once, asked for by several rules."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.templates import skeletons

BATCH_ROWS = 262_144
"""Messages in memory at a time. Messages of other alphabets take 15 ms a batch before the first."""

PAIRS = """translate(attributes, ':,"', '= ')"""
"""The pairs of an entry, which are kept as JSON, as text: without the quotes, what varies among them is masked as in any message."""

SAID = f"coalesce(message, {PAIRS})"
"""What an entry says. One of pairs alone (``method=GetUsers id=57a98d98 took=1.2ms``) has no message, and is worded by its pairs."""


def tabulate_wordings(db: duckdb.DuckDBPyConnection) -> None:
    """Make ``worded(eid, wording)``, a row for each event without a method, and ``wordings(wording, text)``.

    Wordings are numbered in the order of their texts, so that comparing numbers is comparing texts; 0 is the empty one.
    ``wording`` is null where there is neither message nor attribute.
    """
    reader = db.sql(f"SELECT eid, {SAID} AS said FROM events WHERE method IS NULL").to_arrow_reader(BATCH_ROWS)
    found = [(batch["eid"], skeletons(batch["said"])) for batch in reader if batch.num_rows]
    texts = pa.concat_arrays([pa.array([""]), *(coded.dictionary for _, coded in found)]).unique().drop_null()
    texts = texts.take(pc.sort_indices(texts))
    codes = [pc.index_in(coded.dictionary, texts).take(coded.indices) for _, coded in found]
    lines = {
        "eid": pa.chunked_array([eid for eid, _ in found], pa.int64()),
        "wording": pa.chunked_array(codes, pa.int32()),
    }
    for name, columns in (
        ("worded", lines),
        ("wordings", {"wording": pa.array(range(len(texts)), pa.int32()), "text": texts}),
    ):
        db.register("worded_in", pa.table(columns))
        db.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM worded_in")
        db.unregister("worded_in")
