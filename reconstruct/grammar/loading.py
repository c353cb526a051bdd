"""Lark's reading of a grammar file, with its complaints made ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lark.exceptions import LarkError, UnexpectedInput
from lark.load_grammar import Grammar, PrepareLiterals, TerminalTreeToPattern, load_grammar, nr_deepcopy_tree

from reconstruct.errors import GrammarError
from reconstruct.grammar.definition import (
    Declaration,
    Definition,
    find_mention,
    locate_error,
    read_declarations,
)
from reconstruct.grammar.mistakes import SYNTAX, check_imports, explain_syntax, explain_undefined, find_twice
from reconstruct.resources import grammars_directory

START = "start"
COMMON = "common.lark"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A grammar as Lark loads it."""

    grammar: Grammar
    """rules as EBNF trees, terminals with their references resolved"""
    terminals: dict[str, str]
    """declared and imported terminals -> regular expression"""
    span_rules: tuple[str, ...]
    """rules declared with ``!``"""


@dataclass(frozen=True, slots=True)
class Common:
    """``common.lark``."""

    text: str
    path: Path
    declared: dict[str, Declaration]


@cache
def read_common() -> Common:
    """The types every format may import."""
    path = grammars_directory() / COMMON
    text = path.read_text(encoding="utf-8")
    return Common(text, path, read_declarations(text))


def load_grammar_file(definition: Definition) -> Loaded:
    """Have Lark load a definition.

    Raises:
        GrammarError: Lark refuses it.
    """
    check_imports(definition, read_common().declared)
    try:
        grammar: Grammar
        grammar, _ = load_grammar(  # type: ignore[no-untyped-call]
            definition.text, str(definition.path), [_serve_common(definition.text)], False
        )
        transformer = PrepareLiterals() * TerminalTreeToPattern()
        terminals = {
            name: transformer.transform(nr_deepcopy_tree(tree)).to_regexp()  # type: ignore[no-untyped-call]
            for name, (tree, _) in grammar.term_defs
            if tree
        }
    except (LarkError, OSError, AssertionError) as error:
        raise translate_error(definition, error) from None
    spans = tuple(name for name, _, _, options in grammar.rule_defs if options and options.keep_all_tokens)
    return Loaded(grammar, terminals, spans)


def _serve_common(text: str) -> Callable[[Any, str], tuple[str, str]]:
    """What Lark asks for imports. It parses an imported file anew for every format, so it gets only the declarations
    the format needs: that halves the time of a cold start."""
    imports = re.findall(r"^%import\s+\.?common\s*(?:\.\s*(\w+)|\(([^)]*)\))", text, re.MULTILINE)
    wanted = [name.strip() for one, several in imports for name in [one, *several.split(",")] if name.strip()]

    def load(base: Any, name: str) -> tuple[str, str]:
        if name != COMMON:
            raise FileNotFoundError(name)
        common = read_common()
        needed: set[str] = set()
        waiting = list(wanted)
        while waiting:
            current = waiting.pop()
            if current in common.declared and current not in needed:
                needed.add(current)
                waiting.extend(common.declared[current].mentions)
        lines = common.text.split("\n")
        kept = [common.declared[name] for name in common.declared if name in needed]
        return str(common.path), "\n".join("\n".join(lines[one.line - 1 : one.end - 1]) for one in kept)

    return load


def translate_error(definition: Definition, error: Exception) -> GrammarError:
    """Lark's complaint as ours, with its place in the file when it names one."""
    message = " ".join(str(error).split("\n\n")[0].split())
    if message.startswith("Rules defined twice"):
        message = "two options read alike when what is optional inside them is left out"
    declared = read_declarations(definition.text)
    line = column = 1
    hint = SYNTAX
    if isinstance(error, UnexpectedInput):
        return _syntax_error(definition, error.line, error.column)
    if found := re.search(r"at line (\d+) column (\d+)", message):
        return _syntax_error(definition, int(found[1]), int(found[2]))
    if found := re.search(r"'(\w+)' used but not defined \(in \w+ '?(\w+)'?\)", message):
        line, column = find_mention(definition.text, declared.get(found[2]), found[1])
        message, hint = explain_undefined(definition, found[1], read_common().declared)
    elif found := re.search(r"[Tt]erminal used but not defined: (\w+)", message):
        mentioned = (one for one in declared.values() if found[1] in one.mentions)
        line, column = find_mention(definition.text, next(mentioned, None), found[1])
        message, hint = explain_undefined(definition, found[1], read_common().declared)
    elif found := re.search(r"NonTerminal\('(\w+)'\) in (\w+)", message):
        line, column = find_mention(definition.text, declared.get(found[2]), found[1])
        message = f"{found[2]} is a field, and cannot hold the rule {found[1]}"
        hint = f"write {found[1].upper()} in capitals, or {found[2]} in small letters to make it a rule"
    elif (found := re.search(r"'(\w+)' defined more than once", message)) and (
        place := find_twice(definition.text, found[1])
    ):
        (line, column), message = place, f"{found[1]} is declared twice"
        hint = f"remove one; a second shape of the same field is {found[1]}__OTHER"
    elif found := re.search(r"(?:[Rr]ule|[Tt]erminal|terminals\.) \(?'?([\w]+)'?", message):
        one = declared.get(found[1])
        line, column = (one.line, one.column) if one else (1, 1)
    return locate_error(definition.text, definition.path, message, line=line, column=column, hint=hint)


def _syntax_error(definition: Definition, line: int, column: int) -> GrammarError:
    found = explain_syntax(definition.text, max(1, line), max(1, column))
    return locate_error(
        definition.text, definition.path, found.message, line=found.line, column=found.column, hint=found.hint
    )


def literal_key(regexp: str, terminals: Collection[str]) -> str:
    """What a literal is known by beside ``terminals``: its pattern, told from a terminal that is called like its text.

    >>> literal_key("uid=", {"PID"}), literal_key("PID", {"PID"})
    ('uid=', '(?:PID)')
    """
    return f"(?:{regexp})" if regexp in terminals else regexp


def field_name(terminal: str) -> str | None:
    """The field a terminal fills: its name in lower case, without import prefix and variant; None when dropped.

    >>> field_name("common__TARGET__SPACED"), field_name("_SP")
    ('target', None)
    """
    if terminal.startswith("_"):
        return None
    return last_part(terminal).split("__")[0].lower()


def last_part(name: str) -> str:
    """A name without the prefix an import gives it.

    >>> last_part("common__TARGET__SPACED"), last_part("_common__SP"), last_part("common__request")
    ('TARGET__SPACED', '_SP', 'request')
    """
    if name.islower():
        return name.split("__")[-1]
    return re.sub(r"^(_?)[a-z0-9_]+?__(?=[A-Z])", r"\1", name)
