"""Which words in paths vary: read off the trie of all paths of a data set.

A node whose children are a *family* (many, seldom each, or many and written like titles) has one variable child in their
place; children far more frequent than the family stay. Names are never looked up, only counted and looked at: pages of
a site are few and frequent, products many, and probes of bots many and rare. Errs on the side of keeping words: a
product with a route of its own costs a line in a list, a login page lost among products costs the journey.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import median_low

VARIABLE = "{}"
"""What stands for a variable segment in a route."""

FAMILY = 24
"""Fewest children that vary. Menus of real sites rarely exceed 20 entries a level; catalogues have more."""

FAMILY_AT_ROOT = 64
"""The same for the first segment, where the sections of a site stand: a small log of a large site shows each once or twice."""

SELDOM = 10
"""Median events per child up to which a family needs no further sign; above, its names must look like titles."""

FREQUENT = 10
"""A child this many times as frequent as the median of its family stays by its own name."""

TITLED = 0.6
"""Share of names written like titles (``oak-roasting-tin``) or like program names (``GetOrder``) that settles what they are."""

SEPARATE = 0.9
"""Share of names that occur under one parent only: product pages do, the pages of like sections (list, new) do not."""

LARGEST_SECTION = 0.5
"""Share of all names that one section may hold: more, and it is a family of its own beside something else."""

DEPTH = 12
"""Segments looked at; deeper ones stay as they are."""

_TITLE = re.compile(r"[^A-Z]*[^A-Z\W_][-_+%][^A-Z]*|.*[^\x00-\x7f].*")
_PROGRAM = re.compile(r".*[a-z0-9][A-Z].*|[^-]*\.[^-]*")
_EXTENSION = re.compile(r".+(\.[A-Za-z]{1,5})")


class Node:
    """One segment of the trie."""

    __slots__ = ("children", "count", "open")

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.count = 0
        """events whose path goes through here"""
        self.open: set[str] = set()
        """endings (``""``, ``".html"``) under which an unknown name is variable"""


def build_trie(routes: Iterable[tuple[str, int]]) -> Node:
    """Trie of routes with their number of events."""
    root = Node()
    for route, count in routes:
        node = root
        node.count += count
        for segment in route.split("/", DEPTH)[:DEPTH]:
            child = node.children.get(segment)
            if child is None:
                child = node.children[segment] = Node()
            child.count += count
            node = child
    return root


def learn(root: Node) -> None:
    """Fold families of children into variable ones, from the top down. Changes the trie."""
    level = [(root, 0)]
    while level:
        below = []
        for node, depth in level:
            _fold(node, FAMILY_AT_ROOT if depth <= 1 else FAMILY)
            below += [(child, depth + 1) for child in node.children.values() if child.children]
        level = below


def generalise(root: Node, route: str) -> str:
    """The route with its segments replaced where the trie says they vary."""
    segments = route.split("/", DEPTH)
    node: Node | None = root
    for index, segment in enumerate(segments[:DEPTH]):
        if node is None:
            break
        child = node.children.get(segment)
        if child is None and segment:
            ending = _ending(segment)
            if ending in node.open:
                segments[index] = VARIABLE + ending
                child = node.children[VARIABLE + ending]
        node = child
    return "/".join(segments)


def _ending(segment: str) -> str:
    match = _EXTENSION.fullmatch(segment)
    return match[1] if match else ""


def _fold(node: Node, fewest: int) -> None:
    groups: dict[str, list[str]] = {}
    for name in sorted(node.children):
        if name and VARIABLE not in name:
            groups.setdefault(_ending(name), []).append(name)
    for ending, names in groups.items():
        family = _family(node, names, ending, fewest)
        if family:
            _vary(node, family, ending)
        elif not ending and fewest == FAMILY and _are_sections(node, names):
            sections = _vary(node, names, "")
            _vary(sections, [leaf for leaf in sorted(sections.children) if leaf and VARIABLE not in leaf], "")


def _vary(node: Node, names: list[str], ending: str) -> Node:
    """Put one variable child in the place of the children ``names``."""
    variable = node.children.setdefault(VARIABLE + ending, Node())
    for name in names:
        _merge(variable, node.children.pop(name))
    node.open.add(ending)
    return variable


def _family(node: Node, names: list[str], ending: str, fewest: int) -> list[str]:
    """The children among ``names`` that vary; empty when they are no family."""
    if len(names) < fewest:
        return []
    middle = median_low([node.children[name].count for name in names])
    stems = [name.removesuffix(ending) for name in names]
    titled = _share(_TITLE, stems) >= TITLED
    if not titled and (middle > SELDOM or _share(_PROGRAM, stems) >= TITLED):
        return []
    collections = {name for name in names if VARIABLE in node.children[name].children}
    if 2 * len(collections) > len(names):
        collections = set()  # all are alike
    family = [
        name
        for name in names
        if name not in collections
        and (node.children[name].count < FREQUENT * middle or (titled and _TITLE.fullmatch(name)))
    ]
    return family if len(family) >= fewest else []


def _are_sections(node: Node, names: list[str]) -> bool:
    """Whether ``names`` are the sections of one catalogue: nothing but leaves below, a family taken together.

    ``/categories/garden/rake`` and ``/categories/kitchen/chef-knife``: few sections, each with few things of its own.
    """
    sections_of: dict[str, int] = {}
    for name in names:
        child = node.children[name]
        if not child.children or any(_has_page_below(leaf) for leaf in child.children.values()):
            return False
        for leaf in child.children:
            if leaf and VARIABLE not in leaf:
                sections_of[leaf] = sections_of.get(leaf, 0) + 1
    most = max((len(node.children[name].children) for name in names), default=0)
    if len(sections_of) < FAMILY or most > LARGEST_SECTION * len(sections_of):
        return False
    own = sum(1 for sections in sections_of.values() if sections == 1)
    return own >= SEPARATE * len(sections_of) and _share(_TITLE, sorted(sections_of)) >= TITLED


def _has_page_below(node: Node) -> bool:
    """Whether a path goes on after this segment, other than by a final slash."""
    return any(name for name in node.children)


def _share(pattern: re.Pattern[str], names: list[str]) -> float:
    return sum(1 for name in names if pattern.fullmatch(name)) / len(names)


def _merge(into: Node, other: Node) -> None:
    pairs = [(into, other)]
    while pairs:
        into, other = pairs.pop()
        into.count += other.count
        into.open |= other.open
        for name, child in other.children.items():
            known = into.children.get(name)
            if known is None:
                into.children[name] = child
            else:
                pairs.append((known, child))
