"""Lines that stand for many alike: what a source is judged by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import numpy.typing as npt

from reconstruct.events.lines import Shape, line_shape

PER_SHAPE = 2
"""Lines of one shape that are matched; the others are taken to be alike."""

MAX_SHAPES = 200
"""Shapes that are matched, the frequent first. With the above, a source takes some 10 ms, an odd one 40."""

WRITER_SHAPES = 6
"""Shapes of every writer that are matched, however little of the source it wrote."""

MAX_WRITERS = 100
"""Writers that are told apart. More are no services: the name has something in it that every line has another of."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a level as they stand, and who wrote each (``writers``)."""

    texts: Sequence[str]
    writers: Sequence[str]

    @staticmethod
    def of(texts: Sequence[str], writers: Sequence[str] = ()) -> Head:
        """``writers``: none given, none known. Too many are none either."""
        if not writers or len(set(writers)) > MAX_WRITERS:
            writers = [""] * len(texts)
        return Head(texts, writers)

    @property
    def is_nameless(self) -> bool:
        """Whether nothing says who wrote the lines, or too much does."""
        return not any(self.writers)

    def keep(self, mask: npt.NDArray[np.bool_]) -> Head:
        """The lines of the mask."""
        kept = mask.tolist()
        return Head(list(compress(self.texts, kept)), list(compress(self.writers, kept)))


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines, how many lines of the source each stands for, and who wrote it."""

    lines: list[str]
    weights: npt.NDArray[np.float64]
    writers: list[str]

    @staticmethod
    def of(head: Head) -> Sample:
        """Lines of one writer and shape are taken to be alike."""
        groups: dict[tuple[str, Shape], list[str]] = {}
        counts: dict[tuple[str, Shape], int] = {}
        for line, writer in zip(head.texts, head.writers, strict=True):
            if line and not line.isspace():
                key = writer, line_shape(line)
                counts[key] = counts.get(key, 0) + 1
                group = groups.setdefault(key, [])
                if len(group) < PER_SHAPE:
                    group.append(line)
        kept: set[tuple[str, Shape]] = set()
        n_kept: Counter[str] = Counter()
        for place, key in enumerate(sorted(groups, key=lambda key: -counts[key])):
            if place < MAX_SHAPES or n_kept[key[0]] < WRITER_SHAPES:
                kept.add(key)
                n_kept[key[0]] += 1
        chosen = [(line, key) for key, group in groups.items() if key in kept for line in group]
        weights = np.array([counts[key] / len(groups[key]) for _, key in chosen], np.float64)
        return Sample([line for line, _ in chosen], weights, [writer for _, (writer, _) in chosen])

    def share(self, mask: npt.NDArray[np.bool_]) -> float:
        """How much of the source the lines of the mask stand for."""
        return float(self.weights[mask].sum() / self.weights.sum()) if len(self.weights) else 0.0

    def find_writers(
        self, rows: npt.NDArray[np.int64], share: float, *, each: bool = False, least: int = 1
    ) -> frozenset[str] | None:
        """The writers of whose lines ``rows`` are at least this share; None where they are that of all lines.

        ``each``: only where they are that of every writer's lines. ``least``: lines that must be of a writer, where there are several.
        """
        n_writers = len(set(self.writers))
        if self.weights[rows].sum() >= share * self.weights.sum() and not (each and n_writers > 1):
            return None
        if n_writers < 2:
            return frozenset()
        whole: defaultdict[str, float] = defaultdict(float)
        for writer, weight in zip(self.writers, self.weights.tolist(), strict=True):
            whole[writer] += weight
        part: defaultdict[str, float] = defaultdict(float)
        for at in rows.tolist():
            part[self.writers[at]] += self.weights[at]
        found = frozenset(writer for writer, weight in part.items() if weight >= max(least, share * whole[writer]))
        return None if len(found) == n_writers else found

    def written_by(self, rows: npt.NDArray[np.int64], writers: frozenset[str] | None) -> npt.NDArray[np.int64]:
        """Those of the rows that one of ``writers`` wrote; None: whoever wrote them."""
        return rows if writers is None else rows[[self.writers[at] in writers for at in rows.tolist()]]

    def pick(self, rows: npt.NDArray[np.int64], lines: Sequence[str]) -> Sample:
        """What is inside some of the lines."""
        return Sample(list(lines), self.weights[rows], [self.writers[at] for at in rows.tolist()])

    def weigh(self, mask: npt.NDArray[np.bool_]) -> Sample:
        """The same lines, of which only those of the mask count."""
        return replace(self, weights=np.where(mask, self.weights, 0.0))

    def keep(self, mask: npt.NDArray[np.bool_], lines: Sequence[str] | None = None) -> Sample:
        """The lines of the mask; ``lines``: what is inside them."""
        kept = mask.tolist()
        inside = list(lines) if lines is not None else list(compress(self.lines, kept))
        return Sample(inside, self.weights[mask], list(compress(self.writers, kept)))
