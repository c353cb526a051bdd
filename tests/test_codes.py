"""Columns as small integers."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.store.codes import TextCodes, narrow


@given(st.lists(st.lists(st.none() | st.sampled_from(["", "a", "b", "ä", "a b", "c"]), max_size=6), max_size=20))
def test_texts_are_numbered_alike_in_any_batches(batches: list[list[str | None]]) -> None:
    coded, whole = TextCodes(), TextCodes()
    for batch in batches:
        coded.add(pa.array(batch, pa.string()))
    rows = [text for batch in batches for text in batch]
    whole.add(pa.array(rows, pa.string()))
    codes, texts = coded.finish()
    assert [None if code < 0 else texts[code].as_py() for code in codes.tolist()] == rows
    assert texts.to_pylist() == list(dict.fromkeys(text for text in rows if text is not None))
    assert [part.tolist() for part in (codes, whole.finish()[0])] == [codes.tolist()] * 2


@pytest.mark.parametrize(
    ("values", "kind"),
    [([], np.int32), ([1, -1], np.int32), ([2**31 - 1], np.int32), ([2**31], np.int64), ([-(2**31) - 1], np.int64)],
)
def test_what_does_not_fit_stays_wide(values: list[int], kind: type) -> None:
    found = narrow(np.array(values, np.int64))
    assert found.dtype == kind
    assert found.tolist() == values
