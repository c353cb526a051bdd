"""Who may import whom: the table of docs/architecture.md, held against the source text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "reconstruct"

LAYER = {
    "errors": 0,
    "intervals": 0,
    "resources": 0,
    "options": 0,
    "configuration": 1,
    "amending": 2,
    "grammar": 1,
    "layouts": 2,
    "sources": 3,
    "events": 4,
    "store": 5,
    "correlate": 6,
    "journeys": 6,
    "query": 6,
    "engines": 7,
    "raw_lines": 7,
    "type_labels": 7,
    "measures": 7,
    "wording": 7,
    "figures": 8,
    "results": 9,
    "pipeline": 10,
    "comparing": 10,
    "export": 11,
    "following": 11,
    "live": 12,
    "tui": 12,
    "cli": 13,
    "__main__": 14,
    "__init__": 14,
}
"""Room → layer. A module imports its own room and rooms of lower layers; rooms of one layer are strangers."""

ONLY_IN = {
    "lark": [
        "grammar/loading.py",
        "grammar/compiler.py",
        "grammar/lark_engine.py",
        "layouts/parts.py",
        "query/parsing.py",
    ],
    "textual": ["tui/"],
}
"""Library → the only modules that import it, so that the commands that need it not do not load it."""

NOT_IN = {
    "sources": ["pyarrow", "duckdb", "numpy"],
    "events": ["duckdb", "reconstruct.sources.chunks", "reconstruct.sources.discover", "reconstruct.sources.slices"],
    "tui": ["reconstruct.sources", "reconstruct.events", "reconstruct.correlate", "duckdb"],
}
"""Room → what it does without: events come from chunks, not from files; the terminal talks to the pipeline."""

OPEN_NO_FILE = ("events", "correlate", "journeys", "query", "measures")
"""Rooms that are handed rows. They may load vocabularies (``read_text``), nothing else."""

MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def room_of(module: str) -> str:
    return module.split("/")[0].removesuffix(".py")


def tree_of(module: str) -> ast.Module:
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"), module)


def imports_of(module: str) -> Iterator[str]:
    """Dotted names a module imports, anywhere in it; relative ones made absolute; without those for type checkers."""
    tree = tree_of(module)
    for guarded in [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
    ]:
        guarded.body = []
    package = ["reconstruct", *module.split("/")[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            yield from (f"{name}.{alias.name}" for alias in node.names)


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize("module", MODULES)
def test_arrows_go_down(module: str) -> None:
    room = room_of(module)
    assert room in LAYER, f"{module} is in no layer: add its room to docs/architecture.md and to this table"
    for name in imports_of(module):
        if not is_within(name, "reconstruct") or name in ("reconstruct", "reconstruct.__version__"):
            continue
        target = name.split(".")[1]
        assert target == room or LAYER[target] < LAYER[room], f"{module} imports {name}: {room} may not know {target}"


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_heavy_library_stays_in_its_room(library: str) -> None:
    users = [module for module in MODULES if any(is_within(name, library) for name in imports_of(module))]
    assert [user for user in users if not user.startswith(tuple(ONLY_IN[library]))] == []


@pytest.mark.parametrize("room", sorted(NOT_IN))
def test_a_room_does_without(room: str) -> None:
    found = [
        f"{module} imports {name}"
        for module in MODULES
        if room_of(module) == room
        for name in imports_of(module)
        if any(is_within(name, banned) for banned in NOT_IN[room])
    ]
    assert found == []


@pytest.mark.parametrize("room", OPEN_NO_FILE)
def test_a_room_opens_no_file(room: str) -> None:
    for module in [module for module in MODULES if room_of(module) == room]:
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                assert name not in ("open", "read_bytes"), f"{module}:{node.lineno} opens a file"
