"""What sent a request, by its User-Agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says it is."""

    kind: str
    """human, bot, monitor or unknown (a program, or nothing said)"""
    device: str
    """plain words: ``Chrome · mobile``"""
    reason: str
    """why, in a few words"""


def describe_agents(user_agents: Sequence[str]) -> list[Agent]:
    """Describe distinct user agents, in their order."""
    raise NotImplementedError
