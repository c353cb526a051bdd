"""Layouts in configuration files that are statements: nginx, Apache, HAProxy, a Python file that assigns names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entry:
    """A value in a configuration, and where it is."""

    key: str
    """dotted, lower case; of a statement its name: ``main``"""
    value: str
    line: int
    """1-based"""
    options: Mapping[str, str] = field(default_factory=dict)
    """what the statement says beside it"""


def read_statements(syntax: str, text: str, names: Sequence[str] = ()) -> Iterator[Entry]:
    """The layouts a configuration of the syntax defines, in order."""
    if syntax == "nginx":
        yield from _read_nginx(text)
    elif syntax == "apache":
        yield from _read_apache(text)
    elif syntax == "apache_error":
        yield from _read_apache_errors(text)
    elif syntax == "haproxy":
        yield from _read_haproxy(text)
    elif syntax == "assignment":
        yield from _read_assignments(text, names)


_NGINX_WORD = r"""'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+"|[^\s;'"{}#]++"""
_NGINX = re.compile(
    rf"^(?:[^#\n'\"]*[{{;])?[ \t]*log_format\s++({_NGINX_WORD})((?:\s++(?:#[^\n]*+\n\s*+)*+(?:{_NGINX_WORD}))++)\s*+;",
    re.MULTILINE | re.DOTALL,
)
_NGINX_TOKEN = re.compile(rf"#[^\n]*|({_NGINX_WORD})", re.DOTALL)
_NGINX_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _read_nginx(text: str) -> Iterator[Entry]:
    """``log_format name [escape=…] 'string' …;`` with its strings put together."""
    for found in _NGINX.finditer(text):
        words = [match[1] for match in _NGINX_TOKEN.finditer(found[2]) if match[1]]
        options = {}
        if words and words[0].startswith("escape="):
            options["escape"] = words.pop(0).removeprefix("escape=")
        layout = "".join(_unquote_nginx(word) for word in words)
        yield Entry(_unquote_nginx(found[1]), layout, _line_of(text, found.start(1)), options)


def _unquote_nginx(word: str) -> str:
    if word[:1] not in "'\"":
        return word
    return re.sub(
        r"\\(.)",
        lambda found: _NGINX_ESCAPES.get(found[1], found[1] if found[1] in "'\"\\" else found[0]),
        word[1:-1],
        flags=re.DOTALL,
    )


def _read_apache(text: str) -> Iterator[Entry]:
    """``LogFormat "format" [name]`` and ``CustomLog target "format"``; a nickname is defined elsewhere."""
    for line, content in _logical_lines(text):
        words = split_words(content)
        kind = words[0].lower() if words else ""
        if kind == "logformat" and len(words) > 1:
            yield Entry(words[2] if len(words) > 2 else "default", words[1], line)
        elif kind in ("customlog", "globallog") and len(words) > 2 and "%" in words[2]:
            yield Entry(re.sub(r".*/|\.log$", "", words[1]), words[2], line)


def _read_apache_errors(text: str) -> Iterator[Entry]:
    """``ErrorLogFormat "format"``. What a request or a connection logs before its first line has other layouts, of their own."""
    for line, content in _logical_lines(text):
        words = split_words(content)
        if (
            len(words) > 1
            and words[0].lower() == "errorlogformat"
            and words[1].lower() not in ("request", "connection")
        ):
            yield Entry("", words[1], line)


def _read_haproxy(text: str) -> Iterator[Entry]:
    """``log-format string`` in a section, and the options that name a format."""
    section = ""
    for line, content in _logical_lines(text):
        words = split_words(content, comments=True)
        if not words:
            continue
        if words[0] in ("frontend", "backend", "listen", "defaults"):
            section = words[1] if len(words) > 1 else words[0]
        elif words[0] == "log-format" and len(words) > 1:
            yield Entry(section or "haproxy", " ".join(words[1:]), line)
        elif words[0] == "option" and len(words) > 1 and words[1] in ("httplog", "httpslog", "tcplog"):
            yield Entry(section or "haproxy", words[1], line)


def _read_assignments(text: str, names: Sequence[str]) -> Iterator[Entry]:
    """``name = "string"`` in Python, strings in a row put together."""
    import ast
    import warnings

    try:
        with warnings.catch_warnings():  # of odd escapes in a file that is not ours
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for target in node.targets:
                if isinstance(target, ast.Name) and target.id in names:
                    yield Entry(target.id, node.value.value, node.lineno)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those joined that a backslash at the end continues; comments left out."""
    held, start = "", 0
    for number, content in enumerate(text.split("\n"), 1):
        content = content.rstrip("\r")
        start = start or number
        if content.endswith("\\") and not content.endswith("\\\\"):
            held += content[:-1]
            continue
        whole = held + content
        if not whole.lstrip().startswith("#"):
            yield start, whole
        held, start = "", 0
    if held:
        yield start, held


_WORD_PIECE = re.compile(r"""\s+|'([^']*+)'|"((?:[^"\\]|\\.)*+)"|\\(.)|(#)|([^\s'"\\#]++|['"\\])""", re.DOTALL)


def split_words(text: str, *, comments: bool = False) -> list[str]:
    """A line's words, as Apache and HAProxy (and a shell) read quotes and backslashes. ``comments``: a # begins one.

    >>> split_words('LogFormat "%h \\\\"%r\\\\"" main')
    ['LogFormat', '%h "%r"', 'main']
    """
    words: list[str] = []
    open_word = False
    for found in _WORD_PIECE.finditer(text):
        single, double, escaped, mark, plain = found.groups()
        if found[0].isspace():
            open_word = False
            continue
        if mark and comments:
            break
        if single is not None:
            piece = single
        elif double is not None:
            piece = re.sub(r'\\(["\\])', r"\1", double)
        elif escaped is not None:
            piece = escaped if escaped in " \"'\\#" else f"\\{escaped}"
        else:
            piece = mark or plain
        if open_word:
            words[-1] += piece
        else:
            words.append(piece)
        open_word = True
    return words


def _line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
