"""Lines of one request in two logs, told by their looks: each gets the nearest that is left, however many there are."""

from __future__ import annotations

from unittest import mock

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.correlate import pairing
from reconstruct.correlate.pairing import SAME_REQUEST_NS, pair_requests

EDGE, APP, WORKER = range(3)

Row = tuple[int, int, int, str | None, str | None, int | None]
"""family, half second, what was asked for, browser, referrer, status"""

rows = st.lists(
    st.tuples(
        st.sampled_from([EDGE, EDGE, APP, WORKER]), st.integers(0, 12), st.integers(0, 1), st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, "/"]), st.sampled_from([None, 200, 500]),
    ),
    max_size=30,
)  # fmt: skip


def pair_one_by_one(requests: list[Row], used: set[tuple[int, int]]) -> list[tuple[int, int]]:
    pairs = []
    for eid, (family, at, *looks) in enumerate(requests):
        if family == EDGE:
            continue
        alike = [
            (abs(there - at), other)
            for other, (of, there, asked, *signs) in enumerate(requests)
            if of == EDGE and asked == looks[0] and abs(there - at) * SAME_REQUEST_NS // 4 <= SAME_REQUEST_NS
            and all(None in pair or pair[0] == pair[1] for pair in zip(signs, looks[1:], strict=True))
            and (family, other) not in used
        ]  # fmt: skip
        if alike:
            pairs.append((eid, min(alike)[1]))
            used.add((family, min(alike)[1]))
    return pairs


@pytest.mark.parametrize("many", [0, 2, pairing.MANY])
@given(requests=rows, used=st.sets(st.tuples(st.sampled_from([APP, WORKER]), st.integers(0, 30))))
def test_each_line_gets_the_nearest_that_is_left(many: int, requests: list[Row], used: set[tuple[int, int]]) -> None:
    requests = sorted(requests, key=lambda row: row[1])
    family, at, asked, browser, referrer, status = zip(*requests, strict=True) if requests else [()] * 6
    table = pa.table(
        {
            "eid": pa.array(range(len(requests)), pa.int64()), "family": pa.array(family, pa.int32()),
            "t": pa.array([half * SAME_REQUEST_NS // 4 for half in at], pa.int64()), "user_agent": pa.array(browser, pa.string()),
            "referrer": pa.array(referrer, pa.string()), "asked": pa.array(asked, pa.int64()), "status": pa.array(status, pa.int32()),
            "waits": pa.array([each != EDGE for each in family], pa.bool_()),
        }
    )  # fmt: skip
    with mock.patch.object(pairing, "MANY", many):
        found = pair_requests(table, used).to_pylist()
    assert [(pair["eid"], pair["anchor"]) for pair in found] == pair_one_by_one(requests, used)
