"""Who wrote each line of a block, as far as what stands around it says: the service, program, container or stream.

A collector's file holds many services, each with formats of its own. What is decided from shares of lines is therefore
decided for each writer alone (``choosing``), and lines are read by what was decided for theirs (``layers``).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.events.pods import service_of_path
from reconstruct.resources import vocabulary_directory

Codes = npt.NDArray[np.int64]

NAME_CAP = 200
"""Characters of a name; labels of a stream may be a long text."""

_ONE_OF_MANY = re.compile(
    r"(?<![0-9a-z])(?=[a-z]*\d)[0-9a-f-]{6,}(?![0-9a-z])|\d+|-[bcdfghjklmnpqrstvwxz2-9]{5}(?![0-9a-z])", re.IGNORECASE
)
"""What tells one run of a service from the next: numbers, hexadecimal identifiers, the random end of a pod's name."""


@dataclass(frozen=True, slots=True, eq=False)
class Writers:
    """A name per line; ``""`` where nothing says who wrote it."""

    names: list[str]
    """each once"""
    codes: Codes
    """which of the names, one per line"""

    def take(self, rows: Codes) -> Writers:
        """The writers of some of the lines."""
        return Writers(self.names, self.codes[rows])

    def are_among(self, names: Collection[str]) -> npt.NDArray[np.bool_]:
        """Which lines were written by one of ``names``."""
        return np.fromiter((name in names for name in self.names), np.bool_, len(self.names))[self.codes]

    def each(self) -> list[str]:
        """The name of every line."""
        return [self.names[code] for code in self.codes.tolist()]


def name_writers(columns: Mapping[str, pa.Array], count: int, streams: Sequence[str] | None = None) -> Writers:
    """Who wrote each of ``count`` lines: service and program if ``columns`` (of the event schema) say them, else the stream,
    else what an attribute says that names one (``vocabulary/services.toml``)."""
    found = _both(_labels(columns.get("service"), count), _labels(columns.get("process"), count))
    silent = np.flatnonzero(~found.are_among({name for name in found.names if name}))
    if len(silent):
        more = None
        if streams is not None:
            more = _labels(pa.array([streams[at] for at in silent.tolist()], pa.string()), len(silent))
        elif "attributes" in columns:
            texts = columns["attributes"] if len(silent) == count else columns["attributes"].take(pa.array(silent))
            more = _labels(pc.struct_field(pc.extract_regex(texts, _naming()), "name"), len(silent))
        if more is not None:
            codes = found.codes.copy()
            codes[silent] = more.codes + len(found.names)
            found = Writers([*found.names, *more.names], codes)
    return _merge([_general(name) for name in found.names], found.codes)


def index(names: Sequence[str]) -> Writers:
    """The same for a name per line."""
    return _labels(pa.array(names, pa.string()), len(names))


def nest(outer: Writers | None, inner: Writers) -> Writers:
    """Writers inside writers: a program in a container. ``outer`` None: nothing around says anything."""
    return inner if outer is None else _both(outer, inner)


def _labels(column: pa.Array | None, count: int) -> Writers:
    if column is None:
        return Writers([""], np.zeros(count, np.int64))
    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes = coded.indices.fill_null(len(coded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
    return Writers([*(name or "" for name in coded.dictionary.to_pylist()), ""], codes)


def _both(one: Writers, other: Writers) -> Writers:
    if len(other.names) == 1 and not other.names[0]:
        return one
    if len(one.names) == 1 and not one.names[0]:
        return other
    pairs, codes = np.unique(one.codes * len(other.names) + other.codes, return_inverse=True)
    firsts, seconds = np.divmod(pairs, len(other.names))
    names = [f"{one.names[a]} {other.names[b]}".strip() for a, b in zip(firsts.tolist(), seconds.tolist(), strict=True)]
    return _merge(names, codes)


def _merge(names: list[str], codes: Codes) -> Writers:
    """Names that are alike as one."""
    places = {name: at for at, name in enumerate(dict.fromkeys(names))}
    if len(places) == len(names):
        return Writers(names, codes)
    return Writers(list(places), np.array([places[name] for name in names], np.int64)[codes])


def _general(name: str) -> str:
    """A name without what tells one run of the service from the next.

    >>> _general("cart-7f8d7d756d-k7b9j"), _general("web/app/0f3c9b7e21a94d55"), _general("worker-3")
    ('cart', 'web/app/#', 'worker-#')
    """
    general = _ONE_OF_MANY.sub("#", service_of_path(name) or name)
    return (name if general == "#" else general)[:NAME_CAP]  # a container known by nothing but its identifier


@cache
def _naming() -> str:
    """An expression that finds the attribute that names the writer, whatever object it is in."""
    table = tomllib.loads((vocabulary_directory() / "services.toml").read_text(encoding="utf-8"))
    keys = "|".join(map(re.escape, table["writers"]))
    return rf'"(?:[^"]{{0,100}}\.)?(?:{keys})":"(?P<name>[^"]{{1,{NAME_CAP}}})"'
