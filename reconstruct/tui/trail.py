"""The way back: views one came through, and what was open there before a door led to something else."""

from __future__ import annotations

from typing import NamedTuple

LONGEST = 30
"""Steps back that are kept: more than anybody remembers having gone."""


class Before(NamedTuple):
    """What a door changed, and coming back brings back."""

    journey: str | None
    """the open journey's id"""
    filter: str
    arranged: str = ""
    """what the list was arranged by, where that was changed"""


class Trail:
    """Views by name; the last is on screen.

    >>> trail = Trail()
    >>> trail.go("funnel")
    >>> trail.open("journeys", Before(None, "device:mobile"))
    >>> trail.names
    ['journeys', 'funnel', 'journeys']
    >>> trail.leave()
    Before(journey=None, filter='device:mobile', arranged='')
    """

    def __init__(self) -> None:
        self._steps: list[tuple[str, Before | None]] = [("journeys", None)]

    @property
    def names(self) -> list[str]:
        """Views from the first to the one on screen."""
        return [name for name, _ in self._steps]

    @property
    def here(self) -> str:
        """The view on screen."""
        return self._steps[-1][0]

    def go(self, name: str) -> None:
        """To a view by its number: one that was come through is gone back to."""
        if name in self.names:
            del self._steps[self.names.index(name) :]
        self._steps.append((name, None))

    def open(self, name: str, before: Before) -> None:
        """Through a door: the way back leads here again, with what is open now."""
        self._steps.append((name, before))
        del self._steps[1 : max(1, len(self._steps) - LONGEST)]

    def leave(self) -> Before | None:
        """One step back; what was open there before, where a door had led away."""
        return self._steps.pop()[1]
