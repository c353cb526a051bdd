"""The embedded store: a DuckDB file that holds what was read and what was found.

Events come in as Arrow batches and are never touched row by row. ``eid = source << 32 | line`` names an event the same
way whatever the chunking, so results do not depend on how the work was cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from reconstruct.errors import StoreError
from reconstruct.events.schema import EVENTS, LABEL
from reconstruct.store.naming import naming_macro

EID_SHIFT = 32
"""Bits of an eid that hold the line: four thousand million lines a source."""

COLUMN_SLOTS = ("user", "request_id", "trace_id", "span_id", "session_id")
"""Event columns that are identifier candidates in their own right; the scanner does not repeat them as mentions."""

EVENT_BATCH_ROWS = 1 << 16
"""Rows handed to DuckDB at once: few enough to write them while the next ones are read, and an insert costs a millisecond."""

COMMIT_ROWS = 1 << 20
"""Rows of one transaction: the database keeps 200 bytes and more for each outside of its memory limit until it is over."""

ALWAYS_STORED = tuple(field.name for field in EVENTS if not field.nullable or field.name == "time_ns")
"""Event columns that the table always has. A column without any value costs as much as one with values, and an access log
leaves sixteen of them empty: so others join the table when a value turns up. The view ``events`` has them all."""

_SQL_TYPES = {
    pa.string(): "VARCHAR", LABEL: "VARCHAR", pa.int32(): "INTEGER", pa.int64(): "BIGINT", pa.float64(): "DOUBLE", pa.bool_(): "BOOLEAN",
}  # fmt: skip

ALONE = "SET threads = 1"
"""For while workers are busy: a second thread of the database would only take a third more processor time."""

WRITING_THREADS = 2
"""Tables written at a time."""

SCHEMA = Path(__file__).with_name("schema.sql")


@dataclass(frozen=True, slots=True)
class Span:
    """Events of another store that follow each other, and how far their sources have moved."""

    first: int
    last: int
    """eids in the other store, both included"""
    shift: int
    """number of their source here less the one there"""
    is_whole: bool
    """whether they are all events of their sources"""


class Store:
    """One DuckDB database. Reading is safe from any thread; ``add`` and what follows it are for one thread.

    Events are written by a thread of the store's own, while the next ones are being read, COMMIT_ROWS to a transaction: a commit
    takes 0.2 s whatever its size.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None, threads: int = 1) -> None:
        self.connection = connection
        self.path = path
        self._threads = threads
        self._slots: dict[str, int] = {}
        self._pending: list[pa.RecordBatch] = []
        self._pending_rows = 0
        self._mentions: list[pa.Table] = []
        self._columns: set[str] = set()
        self._uncommitted = 0
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._writing: Future[None] | None = None

    @classmethod
    def create(cls, path: Path | None, *, threads: int, memory_limit: str) -> Store:
        """Make an empty store, in memory when ``path`` is None. Raises StoreError when the place cannot be written."""
        try:
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
            connection = duckdb.connect(str(path) if path else ":memory:")
        except (duckdb.Error, OSError) as error:
            raise StoreError(
                f"cannot write the store: {error}",
                path=path or "memory",
                hint="give another place with --store FILE, or use --no-cache",
            ) from None
        connection.execute(ALONE)
        connection.execute(f"SET memory_limit = '{memory_limit}'")
        connection.execute("SET preserve_insertion_order = true")
        # Every statement would wait for the disk. Until a store is whole nobody keeps it; then the pipeline waits, once.
        connection.execute("SET fsync_mode = 'NONE'")
        connection.execute(SCHEMA.read_text(encoding="utf-8"))
        connection.execute(naming_macro())
        return cls(connection, path, threads)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open a finished store for reading; several processes may. Raises StoreError when it is not one."""
        try:
            store = cls(duckdb.connect(str(path), read_only=True), path)
            store.meta("key")
        except duckdb.Error as error:
            raise StoreError(
                f"{path} is not a store of reconstruct: {str(error).splitlines()[0]}",
                path=path,
                hint="name another file with --store; this one is left as it is",
            ) from None
        return store

    def close(self) -> None:
        self._writer.shutdown()
        self.connection.close()

    # -- writing ---------------------------------------------------------------------------------------------------

    def add(self, events: pa.RecordBatch, mentions: pa.RecordBatch) -> None:
        """Take one scanned chunk. ``events.line`` is final here; ``mentions.event`` indexes rows of ``events``."""
        if not events.num_rows:
            return
        if mentions.num_rows:
            self._mentions.append(self._mention_rows(events, mentions))
        self._pending.append(events)
        self._pending_rows += events.num_rows
        if self._pending_rows >= EVENT_BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Hand what ``add`` has gathered to the writing thread, once it is done with what it was given before."""
        self._wait()
        pending, mentions = self._pending, self._mentions
        self._pending, self._pending_rows, self._mentions = [], 0, []
        self._writing = self._writer.submit(self._write_gathered, pending, mentions)

    def _write_gathered(self, events: list[pa.RecordBatch], mentions: list[pa.Table]) -> None:
        rows = pa.Table.from_batches(events, schema=EVENTS)
        found = [name for name in EVENTS.names if name in ALWAYS_STORED or rows[name].null_count < len(rows)]
        if self._uncommitted >= COMMIT_ROWS:
            self.connection.execute("COMMIT")
            self.connection.execute("BEGIN")
            self._uncommitted = 0
        self._provide(found)
        self._uncommitted += len(rows)
        if events:
            select = f"SELECT (source::BIGINT << {EID_SHIFT}) | line AS eid, * FROM incoming"
            self._write("event_rows", select, rows.select(found))
        if mentions:
            self._write("mentions", "SELECT * FROM incoming", pa.concat_tables(mentions))

    def _provide(self, found: Sequence[str]) -> None:
        """Make the table of events, or the columns it lacks."""
        fresh = [f'"{name}" {_sql_type(name)}' for name in found if name not in self._columns]
        if not self._columns:
            self.connection.execute("BEGIN")
            self.connection.execute(f"CREATE TABLE event_rows (eid BIGINT, {', '.join(fresh)})")
        else:
            for column in fresh:
                self.connection.execute(f"ALTER TABLE event_rows ADD COLUMN {column}")
        self._columns.update(found)

    def _wait(self) -> None:
        """Until the writing thread has nothing to do; raises what it raised."""
        if self._writing is not None:
            writing, self._writing = self._writing, None
            writing.result()

    def finish_events(self) -> None:
        """Write the rest, and the slots; identifiers that have an event column join the mentions."""
        self.flush()
        self._wait()
        self.connection.execute("COMMIT")
        self.connection.execute(f"SET threads = {self._threads}")
        self._show_every_column()
        for column in COLUMN_SLOTS:
            slot = self._slot(f"column:{column}")
            if column in self._columns:
                self.connection.execute(
                    f'INSERT INTO mentions SELECT eid, {slot}, "{column}", false FROM event_rows WHERE "{column}" IS NOT NULL'
                )
        self.insert(
            "slots", pa.table({"slot": pa.array(self._slots.values(), pa.int32()), "name": pa.array(self._slots)})
        )

    def _show_every_column(self) -> None:
        """Make the view ``events``: the table has only columns with values."""
        columns = (
            f'"{name}"' if name in self._columns else f'NULL::{_sql_type(name)} AS "{name}"' for name in EVENTS.names
        )
        self.connection.execute(f"CREATE VIEW events AS SELECT eid, {', '.join(columns)} FROM event_rows")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While workers are busy the database keeps to one thread."""
        self.connection.execute(ALONE)
        try:
            yield
        finally:
            self.connection.execute(f"SET threads = {self._threads}")

    def take_over(self, read: Path) -> None:
        """Copy what another store was told of the logs themselves: events, mentions, sources."""
        self.connection.execute(f"SET threads = {self._threads}")
        self.attach(read)
        try:
            self.connection.execute("CREATE TABLE event_rows AS SELECT * FROM old.event_rows")
            self._columns = set(self._columns_of("main"))
            self._show_every_column()
            for table in ("mentions", "slots", "sources"):
                self.connection.execute(f"INSERT INTO {table} SELECT * FROM old.{table}")
        finally:
            self.detach()

    def attach(self, read: Path) -> None:
        """Have another store at hand, to take from."""
        quoted = str(read).replace("'", "''")
        self.connection.execute(f"ATTACH '{quoted}' AS old (READ_ONLY)")

    def detach(self) -> None:
        """Let go of it, once what was taken is written."""
        self.connection.execute("DETACH old")

    def take_spans(self, spans: Sequence[Span], slots: Sequence[str]) -> None:
        """Copy events and mentions of the attached store behind those that are here. ``slots``: names of theirs, in the order in
        which reading them would have met them."""
        self.flush()
        self._wait()
        for name in slots:
            self._slot(name)
        stored = [name for name in self._columns_of("old") if name != "source"]
        self._provide(stored)
        theirs = dict(self.connection.execute("SELECT slot, name FROM old.slots").fetchall())
        numbers = [self._slots.get(theirs.get(slot, ""), -1) for slot in range(max(theirs, default=-1) + 1)]
        columns = ", ".join(f'"{name}"' for name in stored)
        for span in spans:
            moved = {"first": span.first, "last": span.last, "shift": span.shift}
            eid = f"eid + $shift::BIGINT * {1 << EID_SHIFT} AS eid"
            within = "eid BETWEEN $first AND $last"
            self.connection.execute(
                f"INSERT INTO event_rows BY NAME SELECT {eid}, source + $shift::INTEGER AS source, {columns}"
                f" FROM old.event_rows WHERE {within}",
                moved,
            )
            self.connection.execute(
                f"INSERT INTO mentions SELECT {eid}, $numbers[slot + 1] AS slot, value, multi FROM old.mentions"
                f" WHERE {within} AND $numbers[slot + 1] >= 0",
                moved | {"numbers": numbers},
            )
        self._uncommitted = COMMIT_ROWS

    def _columns_of(self, database: str) -> list[str]:
        """Columns of the events in this store (``main``) or the attached one (``old``)."""
        where = "database_name = 'old'" if database == "old" else "database_name <> 'old'"
        rows = self.connection.execute(
            f"SELECT column_name FROM duckdb_columns() WHERE table_name = 'event_rows' AND {where} ORDER BY column_index"
        )
        return [name for (name,) in rows.fetchall() if name != "eid"]

    def insert(self, table: str, rows: pa.Table) -> None:
        """Append Arrow rows to a table by column name."""
        if rows.num_rows:
            self._write(table, "SELECT * FROM incoming", rows)

    def insert_all(self, tables: Mapping[str, pa.Table]) -> None:
        """The same for several tables, some at a time: to write one takes one processor."""
        with ThreadPoolExecutor(WRITING_THREADS) as threads:
            list(threads.map(self._insert_beside, tables, tables.values()))

    def _insert_beside(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows:
            with self.connection.cursor() as own:
                own.register("incoming", rows)
                own.execute(f"INSERT INTO {table} BY NAME SELECT * FROM incoming")

    def set_meta(self, key: str, value: str) -> None:
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", [key, value])

    # -- reading ---------------------------------------------------------------------------------------------------

    def meta(self, key: str) -> str | None:
        found = self.rows("SELECT value FROM meta WHERE key = ?", [key])
        return str(found[0][0]) if found else None

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Run a query on its own cursor and give all rows: safe from any thread."""
        return self.connection.cursor().execute(sql, list(parameters)).fetchall()

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run a query and give an Arrow table."""
        return self.connection.cursor().sql(sql, params=list(parameters)).to_arrow_table()

    def batches(self, sql: str, rows_per_batch: int, parameters: Sequence[object] = ()) -> Iterator[pa.RecordBatch]:
        """Run a query and give its result in pieces, so that a large one is never whole in memory."""
        yield from self.connection.cursor().sql(sql, params=list(parameters)).to_arrow_reader(rows_per_batch)

    # -- inside ----------------------------------------------------------------------------------------------------

    def _slot(self, name: str) -> int:
        return self._slots.setdefault(name, len(self._slots))

    def _mention_rows(self, events: pa.RecordBatch, mentions: pa.RecordBatch) -> pa.Table:
        source = events.column("source").take(mentions.column("event")).to_numpy().astype("int64")
        line = events.column("line").take(mentions.column("event")).to_numpy().astype("int64")
        slots = mentions.column("slot")
        known = pa.array([self._slot(name) for name in slots.dictionary.to_pylist()], pa.int32())
        return pa.table(
            {
                "eid": (source << EID_SHIFT) | line,
                "slot": known.take(slots.indices),
                "value": mentions.column("value"),
                "multi": mentions.column("multi"),
            }
        )

    def _write(self, table: str, select: str, rows: pa.Table) -> None:
        self.connection.register("incoming", rows)
        try:
            self.connection.execute(f"INSERT INTO {table} BY NAME {select}")
        finally:
            self.connection.unregister("incoming")


def _sql_type(column: str) -> str:
    """How DuckDB calls the type of an event column."""
    return _SQL_TYPES[EVENTS.field(column).type]
