"""Lines that stand for many alike: what a source is judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reconstruct.events.lines import Shape, line_shape

PER_SHAPE = 2
"""Lines of one shape that are matched; the others are taken to be alike."""

MAX_SHAPES = 200
"""Shapes that are matched, the frequent first. With the above, a source takes some 10 ms, an odd one 40."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Lines, and how many lines of the source each stands for."""

    lines: list[str]
    weights: npt.NDArray[np.float64]

    @staticmethod
    def of(lines: Sequence[str]) -> Sample:
        groups: dict[Shape, list[str]] = {}
        counts: dict[Shape, int] = {}
        for line in lines:
            if line and not line.isspace():
                key = line_shape(line)
                counts[key] = counts.get(key, 0) + 1
                group = groups.setdefault(key, [])
                if len(group) < PER_SHAPE:
                    group.append(line)
        kept = set(sorted(groups, key=lambda key: -counts[key])[:MAX_SHAPES])
        chosen = [(line, counts[key] / len(group)) for key, group in groups.items() if key in kept for line in group]
        return Sample([line for line, _ in chosen], np.array([weight for _, weight in chosen], np.float64))

    def share(self, mask: npt.NDArray[np.bool_]) -> float:
        return float(self.weights[mask].sum() / self.weights.sum()) if len(self.weights) else 0.0

    def keep(self, mask: npt.NDArray[np.bool_], lines: Sequence[str] | None = None) -> Sample:
        """The lines of the mask; ``lines``: what is inside them."""
        kept = [line for line, is_kept in zip(self.lines, mask.tolist(), strict=True) if is_kept]
        return Sample(list(lines) if lines is not None else kept, self.weights[mask])
