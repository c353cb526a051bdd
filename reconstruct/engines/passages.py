"""Each journey in a line and in a word, for all journeys of a frame at once.

A *course* is a journey in one character per touchpoint and step, for a picture a cell high. A *way* is its touchpoints that
reach a stage (of a business journey: its steps), a repetition told once; journeys of the same way are one *variant*.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import md5
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reconstruct.grammar.text_columns import text_scalar
from reconstruct.journeys.models import STAGES
from reconstruct.journeys.moments import OPEN_OUTCOMES
from reconstruct.store.codes import Codes, code_texts
from reconstruct.store.naming import name_activities

STAGE_LETTERS = dict(zip(STAGES, "aicps", strict=True))
"""A touchpoint in a course; a capital where it is a milestone."""
FAILED, GAP, BUSINESS, STEP, FAILED_STEP, MISSING, OPEN = "!", "_", "|", ".", "x", "?", ">"
COURSE_CAP = 400
"""Characters of a course: more than any screen is wide."""
GAP_MS = 30_000
GAP_FACTOR = 8
"""A pause is drawn when it is longer than half a minute and than so many times the journey's usual one: as on the axis."""
VARIANT_DIGITS = 8


def tell_ways(owner: Codes, activity: pa.Array, n: int) -> tuple[pa.Array, pa.Array]:
    """Way and variant of ``n`` journeys; null where there is nothing to tell.

    Args:
        owner: Per milestone or step, ascending: which journey it is of.
        activity: What was done, in order.
    """
    owner, activity = owner[activity.is_valid().to_numpy(zero_copy_only=False)], activity.drop_null()
    code, texts = code_texts(activity)
    number, names = code_texts(name_activities(texts))
    name = number[code]
    told = (np.diff(owner, prepend=-1) != 0) | (np.diff(name, prepend=-1) != 0)
    owner, name = owner[told], name[told]
    counts = np.bincount(owner, minlength=n)
    ends = np.concatenate([[0], np.cumsum(counts)])
    ways = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), names.take(pa.array(name)), mask=pa.array(counts == 0))
    way, wordings = code_texts(pc.binary_join(ways, text_scalar("\n")))
    variants = [md5(each.encode()).hexdigest()[:VARIANT_DIGITS] for each in wordings.to_pylist()]
    return ways, pa.array(variants, pa.string()).take(pa.array(way, mask=way < 0))


def draw_courses(touchpoints: pa.Table, owner: Codes, businesses: Sequence[Sequence[dict[str, Any]]]) -> pa.Array:
    """The course of each journey; null where nothing is known of it.

    Args:
        touchpoints: Rows of table ``touchpoints``, in order.
        owner: Per touchpoint, ascending: which journey it is of.
        businesses: Per journey its business journeys.
    """
    ok, milestone = (touchpoints[name].combine_chunks().to_numpy(zero_copy_only=False) for name in ("ok", "milestone"))
    letters = np.frombuffer("".join(STAGE_LETTERS.values()).encode(), np.uint8)
    stage = pc.index_in(touchpoints["stage"], pa.array(STAGE_LETTERS, pa.string())).fill_null(0).to_numpy()
    letter = np.where(milestone, np.char.upper(letters.view("S1")).view(np.uint8)[stage], letters[stage])
    marks = np.zeros((len(owner), 2), np.uint8)
    marks[:, 0] = np.where(ok, letter, ord(FAILED))
    marks[:, 1] = np.where(_pauses(touchpoints["dwell_ms"].combine_chunks(), owner), ord(GAP), 0)
    drawn = marks[marks > 0].tobytes().decode("ascii")
    ends = (
        np.cumsum(np.bincount(owner, weights=(marks > 0).sum(axis=1), minlength=len(businesses))).astype(int).tolist()
    )
    courses, start = [], 0
    for end, things in zip(ends, businesses, strict=True):
        course = drawn[start:end] + "".join(map(_draw_business, things))
        courses.append(course[:COURSE_CAP] or None)
        start = end
    return pa.array(courses, pa.string())


def _pauses(dwell_ms: pa.Array, owner: Codes) -> NDArray[np.bool_]:
    """Which touchpoints were followed by a pause."""
    dwell = dwell_ms.fill_null(0).to_numpy()
    ordered = dwell[np.lexsort((dwell, owner))]
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    sizes = np.diff(np.append(starts, len(owner)))
    usual = (ordered[starts + (sizes - 1) // 2] + ordered[starts + sizes // 2]) / 2  # the median
    pauses: NDArray[np.bool_] = dwell > np.maximum(GAP_MS, GAP_FACTOR * np.repeat(usual, sizes))
    return pauses


def _draw_business(document: dict[str, Any]) -> str:
    steps = "".join([FAILED_STEP if step["status"] == "failed" else STEP for step in document["steps"]])
    missing = MISSING * [each["kind"] for each in document["deviations"]].count("missing")
    return BUSINESS + steps + missing + (OPEN if document["outcome"] in OPEN_OUTCOMES else "")
