"""Links of events as JSON text, for all rows of a table at once: there are as many as there are lines in the logs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.store.codes import Codes, code_rows

EVIDENCE_COLUMNS = ("rule", "via_type", "via_value", "confidence")

CONFIDENCE_DIGITS = 4

TEXT = pa.large_string()
OPEN, COMMA, CLOSE, NOTHING = (pa.scalar(text, TEXT) for text in ('{"event":[', ",", "],", ""))


class Links:
    """The links of a table's rows, in order; each row's own, then those of the lines folded into it."""

    def __init__(self, rows: pa.Table, to: Sequence[str], to_code: Codes) -> None:
        """``rows`` have ``source``, ``line``, ``more`` and EVIDENCE_COLUMNS; ``to_code`` says which of ``to`` each links to."""
        tails, code = _render_tails(rows, to, to_code)
        more = rows.column("more").combine_chunks()
        count = 1 + pc.fill_null(pc.list_value_length(more), 0).to_numpy().astype(np.int64)
        self._first = np.concatenate([[0], np.cumsum(count)])
        of_row = np.repeat(np.arange(rows.num_rows), count)
        line = np.zeros(len(of_row), np.int32)
        folded = np.ones(len(of_row), np.bool_)
        folded[self._first[:-1]] = False
        line[~folded] = rows.column("line").to_numpy()
        line[folded] = more.flatten().to_numpy()
        source = _as_text(rows.column("source").to_numpy()[of_row])
        tail = pa.array(tails, TEXT).take(pa.array(code[of_row]))
        self._text = pc.binary_join_element_wise(OPEN, source, COMMA, _as_text(line), CLOSE, tail, NOTHING)

    def count(self, start: int, stop: int) -> int:
        """How many events the rows ``[start, stop)`` stand for."""
        return int(self._first[stop] - self._first[start])

    def of(self, start: int, stop: int) -> bytes:
        """Links of the rows ``[start, stop)``, separated by commas."""
        first, last = int(self._first[start]), int(self._first[stop])
        if first == last:
            return b""
        ends = np.frombuffer(self._text.buffers()[1], np.int64)
        return bytes(self._text.buffers()[2][int(ends[first]) : int(ends[last]) - 1])


def _as_text(numbers: np.ndarray) -> pa.Array:
    return pa.array(numbers).cast(TEXT)


def _render_tails(rows: pa.Table, to: Sequence[str], to_code: Codes) -> tuple[list[str], Codes]:
    """What follows the event in a link, a comma behind it, once per distinct evidence; and which of them each row has."""
    same = code_rows([to_code, *rows.select(EVIDENCE_COLUMNS).columns])
    distinct, first, code = np.unique(same, return_index=True, return_inverse=True)
    evidence = rows.select(EVIDENCE_COLUMNS).take(pa.array(first)).to_pylist() if len(distinct) else []
    tails = []
    for at, why in zip(to_code[first].tolist(), evidence, strict=True):
        via = [{"type": why["via_type"], "value": why["via_value"]}] if why["via_value"] is not None else []
        body = {
            "to": to[at],
            "rule": why["rule"],
            "via": via,
            "confidence": round(why["confidence"], CONFIDENCE_DIGITS),
        }
        tails.append(orjson.dumps(body)[1:].decode() + ",")
    return tails, code
