"""Links of events as JSON text, for all rows of a table at once: there are as many as there are lines in the logs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.grammar.text_columns import text_scalar
from reconstruct.store.codes import Codes

EVIDENCE_COLUMNS = ("rule", "via_type", "via_value", "confidence", "refused")
"""``refused`` is a JSON array, of links that are not sure"""

CONFIDENCE_DIGITS = 4

COMMA, END, EMPTY = map(text_scalar, (",", "]", ""))
TEXT = pa.large_string()
NOTHING = pa.scalar("", TEXT)


@dataclass(slots=True)
class Evidence:
    """What the lines of a table's rows rest on."""

    distinct: pa.Table
    """EVIDENCE_COLUMNS; each that occurs, once"""
    own: Codes
    """per row: which of those"""
    more: Codes
    """the same of the lines folded into rows, in their order"""


def list_events(rows: pa.Table) -> pa.Array:
    """The events that each row stands for, as ``journeys.rows.Row`` has them. ``rows`` as for Links."""
    source, line, more = (rows[name].combine_chunks() for name in ("source", "line", "more"))
    heads = pa.array([f"[{each}," for each in range((pc.max(source).as_py() or 0) + 1)], pa.string())
    own = _join(heads.take(source), line.cast(pa.string()), END)
    if more.null_count < len(more):
        further = _join(heads.take(source.take(pc.list_parent_indices(more))), more.flatten().cast(pa.string()), END)
        ends = pc.subtract(more.offsets, more.offsets[0])  # of a slice they count from where it was cut
        listed = pc.binary_join(pa.ListArray.from_arrays(ends, further, mask=more.is_null()), COMMA)
        own = pc.coalesce(_join(own, COMMA, listed), own)
    return own.cast(pa.binary())


def _join(*texts: pa.Array | pa.Scalar) -> pa.Array:
    return pc.binary_join_element_wise(*texts, EMPTY)


class Links:
    """The links of a table's rows, in order; each row's own, then those of the lines folded into it."""

    def __init__(self, rows: pa.Table, evidence: Evidence, to: Iterable[str]) -> None:
        """``rows`` have ``source``, ``line`` and ``more``; ``to``: what each distinct evidence links to."""
        more = rows.column("more").combine_chunks()
        count = 1 + pc.fill_null(pc.list_value_length(more), 0).to_numpy().astype(np.int64)
        self._first = np.concatenate([[0], np.cumsum(count)])
        of_row = np.repeat(np.arange(rows.num_rows), count)
        own = np.zeros(len(of_row), np.bool_)
        own[self._first[:-1]] = True
        line, code = np.zeros(len(of_row), np.int32), np.zeros(len(of_row), np.int64)
        line[own], line[~own] = rows.column("line").to_numpy(), more.flatten().to_numpy()
        code[own], code[~own] = evidence.own, evidence.more
        sources, source = np.unique(rows.column("source").to_numpy(), return_inverse=True)
        heads = pa.array([f'{{"event":[{each},' for each in sources.tolist()], TEXT)
        head, tail = (
            heads.take(pa.array(source[of_row])),
            pa.array(_render_tails(to, evidence.distinct), TEXT).take(pa.array(code)),
        )
        text = pc.binary_join_element_wise(head, pa.array(line).cast(TEXT), tail, NOTHING)
        self._ends = np.frombuffer(text.buffers()[1], np.int64) if len(text) else np.zeros(1, np.int64)
        self._text = memoryview(text.buffers()[2] or b"")

    def between(self, bounds: Sequence[int]) -> Iterator[tuple[int, memoryview]]:
        """Of the rows from each bound to the next: how many events they stand for, and their links, separated by commas."""
        events = self._first[np.asarray(bounds)]
        for n, (start, stop) in zip(np.diff(events).tolist(), pairwise(self._ends[events].tolist()), strict=True):
            yield n, self._text[start : max(start, stop - 1)]


def _render_tails(to: Iterable[str], evidence: pa.Table) -> list[str]:
    """What follows the line in a link, a comma behind it, once per distinct evidence."""
    tails = []
    around: dict[tuple[object, ...], tuple[str, str, str]] = {}  # a few dozen: only values are many
    columns = (evidence.column(name).to_pylist() for name in EVIDENCE_COLUMNS)
    for target, rule, via_type, via_value, confidence, refused in zip(to, *columns, strict=True):
        key = (target, rule, via_type, confidence, refused)
        known = around.get(key)
        if known is None:
            known = around[key] = _render_around(*key)
        before, kind, after = known
        tails.append(
            f"{before}{after}" if via_value is None else f"{before}{kind}{orjson.dumps(via_value).decode()}}}{after}"
        )
    return tails


def _render_around(
    target: str, rule: str, via_type: str | None, confidence: float, refused: str | None
) -> tuple[str, str, str]:
    """A tail up to what the link went by, that up to its value, and the rest of the tail."""
    before = orjson.dumps({"to": target, "rule": rule})[1:-1].decode()
    kind = orjson.dumps({"type": via_type})[:-1].decode()
    after: dict[str, object] = {"confidence": round(confidence, CONFIDENCE_DIGITS)}
    if refused is not None:
        after["refused"] = orjson.Fragment(refused)
    return f'],{before},"via":[', f'{kind},"value":', f"],{orjson.dumps(after)[1:].decode()},"
