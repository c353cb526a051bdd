"""A long query result, taken run by run of journeys."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from reconstruct.store.database import Store

BATCH_ROWS = 16_384


class Runs:
    """Rows sorted by ``owner``: columns at hand, and beside them those of a query in the same order, never whole in memory."""

    def __init__(self, store: Store, sql: str, narrow: pa.Table) -> None:
        self._narrow = narrow
        self._owner = narrow.column("owner").to_numpy()
        self._batches = store.batches(sql, BATCH_ROWS)
        # Sorting takes its time, so it begins now, beside whatever else there is to do before the first run is asked for.
        with_first = ThreadPoolExecutor(1)
        self._first: Future[pa.RecordBatch | None] | None = with_first.submit(next, self._batches, None)
        with_first.shutdown(wait=False)
        self._left: list[pa.RecordBatch] = []
        self._given = 0

    def until(self, owner: int) -> pa.Table:
        """All further rows whose owner is below ``owner``."""
        stop = int(np.searchsorted(self._owner, owner))
        wanted, taken = stop - self._given, []
        while wanted:
            batch = self._left.pop() if self._left else self._next()
            assert batch is not None  # the query gives a row for each that is at hand
            taken.append(batch.slice(0, wanted))
            if batch.num_rows > wanted:
                self._left.append(batch.slice(wanted))
            wanted -= taken[-1].num_rows
        table = self._narrow.slice(self._given, stop - self._given)
        if taken:
            for name, column in zip(taken[0].schema.names, pa.Table.from_batches(taken).columns, strict=True):
                table = table.append_column(name, column)
        self._given = stop
        return table

    def _next(self) -> pa.RecordBatch | None:
        if self._first is not None:
            first, self._first = self._first, None
            return first.result()
        return next(self._batches, None)
