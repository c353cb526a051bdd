"""What ``common.lark`` declares, as far as a written format asks: its types, and what a grammar text takes from it."""

from __future__ import annotations

from functools import lru_cache

from reconstruct.grammar.definition import Declaration, read_declarations
from reconstruct.resources import grammars_directory


@lru_cache(maxsize=1)
def common_names() -> frozenset[str]:
    """The names of ``common.lark``."""
    return frozenset(_read_common())


@lru_cache(maxsize=1)
def _read_common() -> dict[str, Declaration]:
    return read_declarations((grammars_directory() / "common.lark").read_text(encoding="utf-8"))


def is_type(name: str) -> bool:
    """Whether it names a type of ``common.lark``, not one of the fields declared there: those are declared by a type."""
    declaration = _read_common().get(name)
    return declaration is not None and not any(each in common_names() for each in declaration.mentions)


def find_imports(text: str) -> list[str]:
    """What of ``common.lark`` a grammar text uses."""
    declared = read_declarations(text)
    used = {name for one in declared.values() for name in one.mentions}
    return sorted((used & common_names()) - declared.keys())
