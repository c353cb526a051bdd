"""Paths with their variable segments as ``{}``.

`shape_paths` judges each segment alone (numbers, UUIDs, codes, ``slug_12``): all a scan can know of one path. Words
vary too (``/product/oak-bench``), and only the whole set of paths tells which: `learn_routes` reads that off the path trie.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.path_trie import VARIABLE, build_trie, generalise, learn
from reconstruct.events.shapes import VALUE_CAP, identify, looks_random
from reconstruct.grammar.text_columns import has_char
from reconstruct.resources import vocabulary_directory

CACHED_SEGMENTS = 262_144
"""Distinct variable segments remembered per process (about 60 MB at worst)."""

_SEGMENT = re.compile(
    r"(?P<number>[0-9]+)"
    r"|(?P<static>[vV][0-9]+(?:\.[0-9]+)*|[0-9]+(?:\.[0-9]+)+|[a-z]+[0-9]{1,2}|[A-Z]{1,4}[0-9]|[0-9][A-Za-z]{1,3})"
    r"|(?P<slug>(?=[a-z]{5}|[a-z]{1,4}[-_](?:[0-9]{1,3}$|[^0-9]))[a-z0-9]++(?:[-_][a-z0-9]++)*[-_](?P<id>[0-9]++))"
)
"""Segments with a digit. Static: API versions, ``oauth2``, ``S3``, ``2fa``. A slug ends in a number that is the
identifier (``oak-bench_12``, ``order-100175``); short lower-case prefixes before a long number belong to it (``ord-000123``)."""

_EXTENSION = re.compile(r"(.+)(\.[A-Za-z]{1,5})")
_WHOLE = frozenset({"uuid", "hex", "token", "prefixed", "email", "mac", "code", "date"})


@dataclass(frozen=True, slots=True)
class Segment:
    """One path segment, judged."""

    kept: str
    """what the route keeps of it: itself, or ``{}`` with its file extension"""
    values: tuple[str, ...]
    """identifiers it holds; several for ``1,2,3``; none when it is static or varies without identifying (a date)"""


@lru_cache(maxsize=CACHED_SEGMENTS)
def judge_segment(segment: str) -> Segment:
    """Tell whether a segment varies, by its characters alone.

    >>> judge_segment("100175"), judge_segment("oak-bench_12").values, judge_segment("v2").kept, judge_segment("7.html").kept
    (Segment(kept='{}', values=('100175',)), ('12',), 'v2', '{}.html')
    """
    text = unquote(segment) if "%" in segment else segment
    if len(text) > VALUE_CAP:
        return Segment(VARIABLE, ())
    match = _SEGMENT.fullmatch(text)
    if match:
        if match["static"]:
            return Segment(segment, ())
        value = identify(match["number"] or match["id"])[0]
        return Segment(VARIABLE, (value,) if value else ())
    if "," in text:
        values = [identify(part)[0] for part in text.split(",")]
        if all(values):
            return Segment(VARIABLE, tuple(value for value in values if value))
    split = _EXTENSION.fullmatch(text)
    if split:
        inner = judge_segment(split[1])
        if inner.kept == VARIABLE:
            return Segment(VARIABLE + split[2], inner.values)
    value, kind = identify(text)
    if kind in _WHOLE and not (kind == "code" and _is_wordy(text)):
        return Segment(VARIABLE, (value,) if value else ())
    return Segment(VARIABLE, ()) if kind == "jwt" or looks_random(text) else Segment(segment, ())


def _is_wordy(text: str) -> bool:
    """Whether a code is rather words with a small number in them: ``iphone-15-pro``, ``top-10``, ``Web2Print``."""
    digits = sum(c.isdigit() for c in text)
    return digits < 3 and text != text.upper()


@dataclass(frozen=True, slots=True)
class ShapedPaths:
    """Paths judged segment by segment."""

    routes: pa.Array
    """route of each path, string"""
    path: npt.NDArray[np.int64]
    """index of the path of each identifier found, ascending"""
    ordinal: npt.NDArray[np.int64]
    """which variable segment of its path it stands in, from 0"""
    variables: npt.NDArray[np.int64]
    """how many variable segments each path has"""
    values: pa.Array
    """the identifiers, normalised, string"""


def shape_paths(paths: pa.Array) -> ShapedPaths:
    """Judge every segment of distinct, non-null paths. Parameters after ``;`` are dropped."""
    if pc.any(has_char(paths, ";")).as_py():
        paths = pc.replace_substring_regex(paths, pattern=";[^/]*", replacement="")
    lists = pc.split_pattern(paths, pattern="/")
    offsets = lists.offsets.to_numpy()
    flat = pc.list_flatten(lists).dictionary_encode()
    codes = flat.indices.to_numpy(zero_copy_only=False)
    distinct = flat.dictionary
    plain = _matches(distinct, "^[1-9][0-9]{0,17}$")
    suspects = np.flatnonzero(_matches(distinct, "[0-9@]|.{129}") & ~plain)

    # value number i < len(distinct) is segment i itself; those of segments that must be judged follow
    varies = plain.copy()
    counts = plain.astype(np.int64)
    starts = np.arange(len(distinct))
    kept = pc.if_else(pa.array(plain), VARIABLE, distinct)
    judged = [judge_segment(segment) for segment in distinct.take(pa.array(suspects)).to_pylist()]
    varies[suspects] = [VARIABLE in segment.kept for segment in judged]
    counts[suspects] = [len(segment.values) for segment in judged]
    starts[suspects] = len(distinct) + np.cumsum(counts[suspects]) - counts[suspects]
    values = [value for segment in judged for value in segment.values]
    mask = np.zeros(len(distinct), bool)
    mask[suspects] = True
    kept = pc.replace_with_mask(kept, pa.array(mask), pa.array([segment.kept for segment in judged], pa.string()))

    flat_kept = kept.take(flat.indices)
    routes = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat_kept), "/")
    owner = np.repeat(np.arange(len(paths)), np.diff(offsets))
    is_variable = varies[codes]
    variables = np.bincount(owner[is_variable], minlength=len(paths))
    before = np.cumsum(is_variable) - is_variable
    ordinal = before - (np.cumsum(variables) - variables)[owner]
    found, within = explode(counts[codes])
    taken = pa.concat_arrays([distinct, pa.array(values, pa.string())]).take(pa.array(starts[codes][found] + within))
    return ShapedPaths(routes, owner[found], ordinal[found], variables, taken)


def _matches(texts: pa.Array, pattern: str) -> npt.NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(texts, pattern=pattern).to_numpy(zero_copy_only=False), dtype=bool)


def explode(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each of ``counts[i]`` copies of i, in order: i, and the number of the copy.

    >>> [a.tolist() for a in explode(np.array([2, 0, 1]))]
    [[0, 0, 2], [0, 1, 0]]
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]


def shape_routes(paths: pa.Array) -> pa.DictionaryArray:
    """Routes by the shape of each segment alone; null stays null."""
    encoded = paths.dictionary_encode()
    routes = shape_paths(encoded.dictionary).routes.dictionary_encode()
    return pa.DictionaryArray.from_arrays(routes.indices.take(encoded.indices), routes.dictionary)


LEARNED_ROUTES = 200_000
"""Distinct routes learned from, the most frequent first. The rest (probes, misspellings) follow what these show."""


def learn_routes(paths: pa.Table) -> dict[str, str]:
    """Routes of all paths of a data set (columns ``path: string``, ``n: int64`` events), varying words included.

    >>> table = pa.table({"path": ["/orders/17", "/login"], "n": [3, 90]})
    >>> learn_routes(table)
    {'/orders/17': '/orders/{}', '/login': '/login'}
    """
    column = pc.fill_null(paths.column("path").combine_chunks(), "")
    routes = shape_routes(column)
    counts = np.zeros(len(routes.dictionary), np.int64)
    np.add.at(counts, routes.indices.to_numpy(), paths.column("n").to_numpy())
    # among equals a fixed hash decides: the first by name would all lie in one corner of the site
    found = zip(routes.dictionary.to_pylist(), counts.tolist(), strict=True)
    ranked = sorted(found, key=lambda item: (-item[1], crc32(item[0].encode()), item[0]))
    trie = build_trie(ranked[:LEARNED_ROUTES])
    learn(trie)
    learned = [generalise(trie, route) for route in routes.dictionary.to_pylist()]
    indices = routes.indices.to_pylist()
    return {path: learned[index] for path, index in zip(column.to_pylist(), indices, strict=True)}


@cache
def _asset_pattern() -> str:
    """RE2 pattern of static files, from ``vocabulary/assets.toml``."""
    table = tomllib.loads((vocabulary_directory() / "assets.toml").read_text(encoding="utf-8"))
    extensions = "|".join(re.escape(extension) for extension in table["extensions"])
    directories = "|".join(re.escape(directory) for directory in table["directories"])
    whole = "|".join(re.escape(path) for path in table["paths"])
    return rf"(?i)\.(?:{extensions})$|^(?:/[^/]+)?/(?:{directories})/|^(?:{whole})$"


def is_asset(paths: pa.Array) -> pa.BooleanArray:
    """True where a path is a static file, by its ending or directory; null paths are not.

    >>> is_asset(pa.array(["/static/app.3f2a.js", "/orders/17", None])).to_pylist()
    [True, False, False]
    """
    return pc.fill_null(pc.match_substring_regex(paths, pattern=_asset_pattern()), False)
