"""The noun of a slot: what the place says its value is."""

from __future__ import annotations


def noun_of(slot: str) -> str:
    """``key:orderId``, ``text:order``, ``path:/orders/{}`` → ``order``; empty when the place says nothing."""
    raise NotImplementedError


def prior_roles(noun: str) -> tuple[str, ...]:
    """Roles the lexicon expects of a noun, likeliest first; empty when it knows none."""
    raise NotImplementedError
