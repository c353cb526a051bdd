"""What types of identifiers are called in words of the logs.

A type is named by its noun, and what has the same noun gets a number: ``order_2``. That name is for programs (the plan, queries,
the export) and stays as it is. A person who has never seen it is told the key, parameter, path or word that it was seen at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from reconstruct.events.nouns import lexicon, noun_of, prior_roles, singular, words_of

Document = dict[str, Any]

_NUMBERED = re.compile(r"(?P<noun>.+)_\d+")
READABLE = ("key", "column", "query", "cookie", "text", "path")
"""Kinds of places, the ones that name something in a word of their own first."""
SAID = {"key": "key", "column": "field", "query": "parameter", "cookie": "cookie", "text": "in messages"}
"""What a kind of place is called behind the word that stands there, where the word alone is taken."""
NO_NOUN = "id"
"""The name of a type that no place has a noun for."""


def label_types(rows: Sequence[Document]) -> list[Document]:
    """The rows of ``identifiers``, each with a ``label``: no two have the same, whatever the capitals.

    >>> [row["label"] for row in label_types([
    ...     {"type": "order", "slots": ["key:orderId"], "owner": None}, {"type": "order_2", "slots": ["text:order_id"], "owner": "order"},
    ...     {"type": "two", "slots": ["key:TrainTwo.id"], "owner": None}])]
    ['order', 'order_id', 'TrainTwo.id']
    """
    plain = {row["type"] for row in rows if _says_itself(row["type"], row["slots"])}
    labels = {name: name for name in plain}
    taken = {name.casefold() for name in plain}
    for row in rows:
        name = row["type"]
        if name in plain:
            continue
        kind, label = _say_place(name, row["slots"])
        if label.casefold() in taken and row["owner"]:
            label = f"{label} of {labels.get(row['owner'], row['owner'])}"
        if label.casefold() in taken and kind in SAID:
            label = f"{label} {SAID[kind]}"
        if label.casefold() in taken:
            label = f"{label} ({name})"
        taken.add(label.casefold())
        labels[name] = label
    return [{"label": labels[row["type"]], **row} for row in rows]


def _says_itself(name: str, slots: Sequence[str]) -> bool:
    """Whether the name of a type is a word that the logs, or their readers, use for it alone: given by the user, known, or the whole
    of what a place says (``voyage`` of ``voyage_id``, not ``two`` of ``TrainTwo.id``)."""
    numbered = _NUMBERED.fullmatch(name)
    nouns = {noun_of(slot) for slot in slots}
    if numbered and numbered["noun"] in nouns | {NO_NOUN}:
        return False
    if name == NO_NOUN and name not in nouns:
        return False
    return name not in nouns or bool(prior_roles(name)) or any(_is_whole(name, slot) for slot in slots)


def _is_whole(noun: str, slot: str) -> bool:
    kind, _, place = slot.partition(":")
    if kind == "path":
        return True
    words = words_of(place.rpartition(".")[2])
    while words and words[-1] in lexicon().qualifiers:
        words.pop()
    return [singular(word) for word in words] == [noun]


def _say_place(name: str, slots: Sequence[str]) -> tuple[str, str]:
    """The kind of the place that says most of what a type is, and the place in words: one that the type has its name from, and
    rather a word than a path."""
    found = _NUMBERED.fullmatch(name)
    noun = found["noun"] if found else name
    slot = min(slots, key=lambda each: (noun_of(each) != noun, _rank(each)), default="")
    kind, _, place = slot.partition(":")
    return kind, _say_path(place) if kind == "path" else place or name


def _rank(slot: str) -> int:
    kind = slot.partition(":")[0]
    return READABLE.index(kind) if kind in READABLE else len(READABLE)


def _say_path(place: str) -> str:
    """A route, from the word before its first variable segment on; that which is meant stands as ``{}``.

    >>> _say_path("/accounts/order-status/{}/{}/#2"), _say_path("/alerts/{}/"), _say_path("/{}")
    ('order-status/…/{}', 'alerts/{}', '/{}')
    """
    route, _, ordinal = place.partition("#")
    wanted = int(ordinal) if ordinal.isdigit() else 1
    head, *rest = route.rstrip("/").split("{}")
    parts = [head.rstrip("/").rpartition("/")[2] + "/", *rest]
    return "".join(
        part + ("" if number == len(parts) else "{}" if number == wanted else "…")
        for number, part in enumerate(parts, 1)
    )
