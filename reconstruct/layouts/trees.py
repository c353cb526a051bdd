"""Configuration files that are trees, flattened: XML, YAML, JSON, INI and Java properties to dotted keys and values.

What a file really says is read by the libraries made for it. A file that is broken, or made to be a nuisance, has no values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from configparser import Error as IniError
from configparser import RawConfigParser
from pathlib import PurePosixPath
from typing import Any

from reconstruct.layouts.statements import Entry

MAX_ENTRIES = 20_000
"""Values of one file; YAML's references may stand for billions."""

MAX_DEPTH = 60


def read_tree(name: str, text: str) -> list[Entry]:
    """The values of a file by dotted keys, lower case; the syntax is told by the name's end. Empty when it is not of it."""
    read = _SYNTAXES.get(PurePosixPath(name.lower()).suffix)
    if read is None:
        return []
    found: list[Entry] = []
    for entry in read(text):
        found.append(entry)
        if len(found) >= MAX_ENTRIES:
            break
    return found


def _read_xml(text: str) -> Iterator[Entry]:
    """Elements by the names above them. ``<param name="a" value="b"/>`` and ``<property name="a">b</property>`` have the key a."""
    from xml.etree import ElementTree

    if re.search(r"<!ENTITY", text):  # nothing a logging configuration needs, and the way XML bombs are made
        return
    try:
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError):
        return
    waiting: list[tuple[Any, str, str, int]] = [(root, "", "", 0)]
    while waiting:
        element, above, label, depth = waiting.pop()
        tag = str(element.tag).rpartition("}")[2].lower() if isinstance(element.tag, str) else ""
        key = f"{above}.{tag}" if above else tag
        given = {name.rpartition("}")[2].lower(): value for name, value in element.attrib.items()}
        content = (element.text or "").strip()
        if (
            "name" in given
            and ("value" in given or content)
            and tag in ("param", "property", "variable", "springproperty")
        ):
            value = given.get("value", content)
            beside = {"name": given["name"], "label": label}
            yield Entry(f"{above}.{given['name'].lower()}", value, _find_line(text, value), beside)
            continue
        label = given.get("name", label)
        for name, value in given.items():
            yield Entry(f"{key}.{name}", value, _find_line(text, value), {"label": label})
        if content:
            yield Entry(key, content, _find_line(text, content), {"label": label})
        if depth < MAX_DEPTH:
            waiting += [(child, key, label, depth + 1) for child in reversed(element)]


def _find_line(text: str, value: str) -> int:
    """The line a value begins on; 1 when its text is written differently there."""
    import html

    at = text.find(value)
    if at < 0:
        at = text.find(html.escape(value))
    if at < 0:
        at = text.find(value.split("\n")[0])
    return text.count("\n", 0, max(at, 0)) + 1


def _read_yaml(text: str) -> Iterator[Entry]:
    """YAML, several documents, and JSON, which is YAML too. Values are read as text, whatever type they have."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if _is_deep(yaml.parse(text, Loader=loader)):
            return
        roots = list(yaml.compose_all(text, Loader=loader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    for root in roots:
        yield from _walk_yaml(root)


def _is_deep(events: Iterable[Any]) -> bool:
    """Whether anything is nested deeper than a configuration ever is: the parser in C recurses, and would take the process
    with it."""
    depth = 0
    for event in events:
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        if depth > MAX_DEPTH:
            return True
    return False


def _walk_yaml(root: Any) -> Iterator[Entry]:
    waiting: list[tuple[Any, str, int]] = [(root, "", 0)]
    seen = 0
    while waiting:
        node, key, depth = waiting.pop()
        seen += 1
        if node is None or depth > MAX_DEPTH or seen > 4 * MAX_ENTRIES:
            continue
        value = node.value
        if isinstance(value, str):
            yield Entry(key.lower(), value, node.start_mark.line + 1, {"name": key})
            continue
        pairs = ((child[0].value, child[1]) if isinstance(child, tuple) else ("", child) for child in value)
        below = [
            (child, ".".join(part for part in (key, str(name)) if part), depth + 1)
            for name, child in pairs
            if isinstance(name, str)
        ]
        waiting += reversed(below)


def _read_properties(text: str) -> Iterator[Entry]:
    """Java properties: ``key = value`` with continued lines and escapes."""
    held, start = "", 0
    for number, content in enumerate(text.split("\n"), 1):
        content = content.rstrip("\r").lstrip(" \t\f")
        start = start or number
        if not held and (not content or content[0] in "#!"):
            start = 0
            continue
        slashes = len(content) - len(content.rstrip("\\"))
        if slashes % 2:
            held += content[:-1]
            continue
        found = _PROPERTY.match(held + content)
        if found:
            name = _unescape_java(found[1])
            yield Entry(name.lower(), _unescape_java(found[2]), start, {"name": name})
        held, start = "", 0


_PROPERTY = re.compile(r"((?:[^\s=:\\]|\\.)++)[ \t\f]*+[=:]?[ \t\f]*+(.*)")
_JAVA_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}


def _unescape_java(text: str) -> str:
    return re.sub(
        r"\\(?:u([0-9A-Fa-f]{4})|(.))",
        lambda found: chr(int(found[1], 16)) if found[1] else _JAVA_ESCAPES.get(found[2], found[2]),
        text,
    )


def _read_ini(text: str) -> Iterator[Entry]:
    """Sections and options, as ``logging.config.fileConfig`` reads them."""
    parser = RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except (IniError, ValueError):
        return
    for section in parser.sections():
        for option, value in parser.items(section):
            yield Entry(f"{section}.{option}".lower(), value, _find_line(text, value), {"name": option})


def _read_toml(text: str) -> Iterator[Entry]:
    import tomllib

    try:
        waiting: list[tuple[Any, str]] = [(tomllib.loads(text), "")]
    except (tomllib.TOMLDecodeError, RecursionError):
        return
    while waiting:
        value, key = waiting.pop()
        if isinstance(value, Mapping):
            waiting += [(below, f"{key}.{name}" if key else name) for name, below in reversed(list(value.items()))]
        elif isinstance(value, str):
            yield Entry(key.lower(), value, _find_line(text, value), {"name": key})


_SYNTAXES: dict[str, Callable[[str], Iterator[Entry]]] = {
    ".xml": _read_xml,
    ".yaml": _read_yaml,
    ".yml": _read_yaml,
    ".json": _read_yaml,
    ".jsn": _read_yaml,
    ".properties": _read_properties,
    ".ini": _read_ini,
    ".cfg": _read_ini,
    ".conf": _read_ini,
    ".toml": _read_toml,
}
