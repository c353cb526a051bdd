"""What stands between the moment and the message of a line of unknown layout.

Layouts differ in order and brackets, hardly in what they put there: level, process id, thread, logger, client, source
file. The head is read part by part from the left. A part in brackets, or a level, is certain to be one; a bare word is
one only if it has the shape of a logger, thread or number *and* a certain part or a separator follows. The first part
that is none of these begins the message, so prose is never taken apart.
"""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache
from ipaddress import ip_address

from reconstruct.events.keyed import Row
from reconstruct.events.labelled_requests import METHODS
from reconstruct.events.nouns import lexicon, words_of

PARTS_CAP = 10
"""Parts of a head; the longest layouts known (VMware, Spring with Sleuth) have eight."""

EDGES = " \t-|:,;"
"""Separators of parts."""

WORDS_KEPT = 65_536
"""Distinct words and bracketed texts whose shape is remembered: threads and loggers come again and again."""

FRONT_WORDS = (4, 8)
"""First words of a line that are looked up, before it is read as a whole: short heads and long ones."""

FRONTS_KEPT = 16_384
"""Beginnings of lines that are remembered; some 10 MB."""

LEVEL_REACH = 80
"""Characters around the moment in which a level word in capitals counts; further on it is part of a sentence."""

_LEVELS = (
    "trace|debug|fine(?:r|st)?|verbose|info(?:rmation)?|notice|warn(?:ing)?|error|err|severe|crit(?:ical)?|fatal|alert|emerg(?:ency)?"
    "|panic|inf|wrn|dbg|ftl|vrb|debu|erro|fata|trac|trce|dbug"
)
_LEVEL = re.compile(_LEVELS, re.IGNORECASE)
_SHORT_LEVEL = re.compile(r"(?i:inf|wrn|dbg|trc|vrb|ftl|dbug|fail|crit|trce)|[TDIWEFVNC]")
"""Three letters of Serilog, zerolog and .NET, one of glog; between brackets only."""

_CAPITALS = re.compile(
    r"(?<![\w.=/-])(?:TRACE|DEBUG|INFO(?:RMATION)?|NOTICE|WARN(?:ING)?|ERROR|ERR|SEVERE|CRIT(?:ICAL)?|FATAL|ALERT|EMERG|PANIC"
    r"|(?<=[\[<(|])(?:trace|debug|info|notice|warn(?:ing)?|error|err|crit(?:ical)?|fatal|alert|emerg|panic"
    r"|Trace|Debug|Info(?:rmation)?|Notice|Warn(?:ing)?|Error|Critical|Fatal)(?= *[\]>)|:/]))(?![\w.=/-])"
)
"""Capitals anywhere near the moment; other spellings only between brackets, where they are not prose."""

_LEVEL_FIRST = re.compile(rf"(?:{_LEVELS})(?=[ \t:\])>|/]|$)|(?-i:HTTP)(?=: )", re.IGNORECASE)
"""First word after the moment, in any spelling. winston and npm have a level "http" between info and verbose."""

_PART = re.compile(
    r"[ \t\-|:,;\])>]{0,64}(?:"
    r"([A-Za-z][\w./-]{0,63})\[(\d{1,10})(?::([^\[\]]{1,100}))?\](?=[:\s]|$)"  # sshd[71], sts[23:worker-1]
    r"|\[([^\[\]]{0,200}(?:\[[^\[\]]{0,64}\][^\[\]]{0,64})?)\]|\(([^()]{1,100})\)(?=[ \t:]|$)|<([^<>\s]{1,64})>(?=[ \t:]|$)"
    r"|([^\s\[\](){}<>\"'|=]{1,200}))"
)
"""A part in brackets, or a word; the word ends where a bracket begins."""

_PROCESS, _PROCESS_THREAD, _SQUARE, _WORD = 2, 3, 4, 7
"""Groups of a part: the last one of ``process[pid]`` without and with a thread, square brackets, a word."""

_CERTAIN_LOGGER = re.compile(
    r"[A-Za-z_$][\w$-]*(?:\.[\w$<>-]+){2,}|[a-z][\w-]*\.[A-Z][\w$]*|\w*_\w*\.\w+|\w+\.\w*_\w*", re.ASCII
)
"""Of dotted words those that are no host name, file or number: ``org.example.Cart``, ``shop.Cart``, ``my_app.main``."""

_MODULES = re.compile(r"[a-z_][a-z0-9_]+\.([a-z_][a-z0-9_]+)", re.ASCII)
_NO_MODULE = re.compile(
    r"com|org|net|io|de|uk|eu|co|dev|app|local|internal|lan|js|ts|py|rb|go|rs|php|java|log|txt|conf|cfg|js"
    r"on|yml|yaml|xml|html|css|csv|sql|db|jar|war|zip|gz|tar|so|dll|exe|sh|pid|sock|key|pem|crt|service|so"
    r"cket|timer|target|mount|slice|scope"
)
"""Last parts of what is no module ``shop.orders``: hosts, files, units of systemd."""

_NAME = re.compile(r"[A-Za-z_$][\w$./:-]{1,99}", re.ASCII)
_STRUCTURED_NAME = re.compile(r"(?:[a-z][\w-]*|[A-Z][\w]*[a-z][A-Z]\w*|[A-Za-z_]\w*(?:[._/-]|::)[\w./:-]+)", re.ASCII)
_METHOD = re.compile(METHODS)
"""``[GET] /cart`` is a request, not a logger of that name."""
_ERROR_NAME = re.compile(r"(?i:\w*(?:error|exception|failed|failure|warning|caused|http|https))")
_THREAD = re.compile(
    r"(?i:main|.{0,80}(?:thread|worker|exec|pool|dispatch|schedul|timer|nio|task|reactor|startstop).{0,80}|(?=.*[a-z]).{1,80}[-#]\d{1,6})"
)
_STRONG_THREAD = re.compile(
    r"(?i:main|.{0,80}(?:thread|worker|exec|pool|dispatch|schedul|nio|task|reactor|startstop).{0,80})"
)
"""Of threads those that are called so, and not merely numbered: ``http-nio-8080-exec-1``, not ``abc-123``."""
_TAGGED = re.compile(r"[A-Za-z]{2,8}[-_](?=[\w-]*\d)[\w-]{6,64}", re.ASCII)
"""``req-8f3a21c0``: an identifier that says of what."""
_HEX = re.compile(r"0x[0-9a-f]{4,16}|(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,16}", re.IGNORECASE)
_ERLANG_PID = re.compile(r"\d{1,9}\.\d{1,9}\.\d{1,9}")
_LEVEL_GLUED = re.compile(r"(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL)[:/|](?=\S)")
_LOGGER_GLUED = re.compile(r"([A-Za-z_$][\w$-]*(?:\.[\w$-]+)+):(?=[A-Za-z_])")
"""``DEBUG:shop.cart:text`` of Python's short layouts, ``[DEBUG:cart]``."""
_PRIORITY = re.compile(r"<(\d{1,3})>")
_SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""``<3>`` first in a line: the priority of syslog and of systemd (sd-daemon(3)); its last three bits are the severity."""

_NUMBER = re.compile(r"\d{1,8}")
_PLACED_NAME = re.compile(r"([A-Za-z_][\w.$]{0,100}):(\d{1,6})")
"""``shop.orders:42``: logger and line."""
_FILE = re.compile(r"([\w./\\-]{1,100}\.[A-Za-z]{1,5}):(\d{1,6})")
_PAIRS = re.compile(
    r"[A-Za-z_][\w.-]{0,60}+=[^\s=,;]{0,200}+(?:[,;\s]{1,3}[A-Za-z_][\w.-]{0,60}+=[^\s=,;]{0,200}+)*+", re.ASCII
)
"""``[traceId=4bf92f35 spanId=00f0]``: read as pairs, wherever they stand."""
_LABELLED = re.compile(r"([A-Za-z][\w.-]{1,40}): ?([\w.@/+-]{1,100})", re.ASCII)
"""``[traceId: 4bf92f35]``, ``[user:42]``: what the line is about, by name."""
_ADDRESS = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{3,38})(?::(\d{1,5}))?")
_SEPARATOR = re.compile(r":?[ \t]*(?:[-|]{1,3}|:|\])(?:[ \t]|$)|:(?=[ \t]|$)")


def read_head(line: str, start: int, end: int, row: Row) -> None:
    """Put what stands around the moment at ``start`` to ``end`` of a line into ``row``; the rest is its ``message``."""
    if line[start - 1 : start] == '"' == line[end : end + 1]:  # a cell
        start, end = start - 1, end + 1
    before = line[:start]
    text = line[end:].lstrip(EDGES + "])>")
    front = ""
    if not before.strip(EDGES + "[(<"):
        fields, at = _read_front(text)
        row |= fields
    else:
        priority = _PRIORITY.match(before)
        if priority is not None:
            row["level"] = _SEVERITIES[int(priority[1]) % len(_SEVERITIES)]
        stop, _ = _read_parts(
            before.rstrip(EDGES + "[(<"), priority.end() if priority is not None else 0, row, before=True
        )
        front = before[stop:].strip(EDGES + "[(<")
        at, _ = _read_behind(text, row)
    rest = text[at:].lstrip(EDGES + "])>") if at else text
    if "level" not in row:
        level = _CAPITALS.search(front, 0, LEVEL_REACH) or _CAPITALS.search(rest, 0, LEVEL_REACH)
        if level is not None:
            row["level"] = level[0]
    row["message"] = f"{front} {rest}".strip() if front else rest.rstrip()


def _read_front(text: str) -> tuple[Row, int]:
    """What stands behind the moment, where nothing stands in front of it; where the message begins. Most lines of a log
    begin in few ways, so what the first words say is remembered."""
    for count in FRONT_WORDS:
        words = text.split(" ", count)
        if len(words) <= count:
            break
        fields, at, is_sure = _parse_front(text[: len(text) - len(words[count])])
        if is_sure:
            return fields, at
    row: Row = {}
    return row, _read_behind(text, row)[0]


@lru_cache(maxsize=FRONTS_KEPT)
def _parse_front(text: str) -> tuple[Row, int, bool]:
    """The fields of some first words, where the message begins, and whether more words could not change that."""
    row: Row = {}
    at, seen = _read_behind(text, row)
    return row, at, seen < text.rstrip(" ").rfind(" ")


def _read_behind(text: str, row: Row) -> tuple[int, int]:
    """Read what stands behind the moment; where the message begins, and how far the text was looked at."""
    first = _LEVEL_FIRST.match(text, 1 if text[:1] in ("[", "<", "(") else 0) if "level" not in row else None
    at = 0
    if first is not None:
        row["level"] = first[0]
        at = first.end()
    return _read_parts(text, at, row)


def _read_parts(text: str, at: int, row: Row, *, before: bool = False) -> tuple[int, int]:
    """Read the parts from ``at`` on; where the message begins, and how far the text was looked at. ``before``: the text
    stands in front of the moment."""
    done = at
    seen = len(text)
    waiting: Row = {}
    aside: list[str] = []
    n_aside = 0
    certain = "level" in row
    for _ in range(PARTS_CAP):
        part = _PART.match(text, at)
        if part is None:
            seen = len(text)
            break
        seen = part.end() if text[part.end() : part.end() + 1] not in ("[", "(", "<") else len(text)
        kind = part.lastindex or 0
        inside = part[kind]
        at = part.end()
        if kind == _WORD:
            word = inside.rstrip(":,;")
            if ":" in word and (glued := (_LOGGER_GLUED if "level" in row else _LEVEL_GLUED).match(word)) is not None:
                word = glued[1]
            at -= len(inside) - len(word)
            separated = _SEPARATOR.match(text, at) is not None or (before and at >= len(text))
            fields = _judge_word(word, row.keys() | waiting.keys(), separated=separated, certain=certain)
            if (
                fields is None
                and separated
                and _CERTAIN_LOGGER.fullmatch(word)
                and _gives_way("logger", row, waiting, aside)
            ):
                fields = {"logger": word}
            if fields is None:
                break
            waiting |= fields
            believed = separated or "level" in fields or (certain and not fields.keys().isdisjoint(("logger", "file")))
            certain = certain or "level" in fields
        elif kind in (_PROCESS, _PROCESS_THREAD):
            names = ("process", "pid", "thread")
            waiting |= {
                name: value for name, value in zip(names, part.groups()[:_PROCESS_THREAD], strict=True) if value
            }
            believed = certain = True
        else:
            if _STRONG_THREAD.fullmatch(inside.strip()):
                _gives_way("thread", row, waiting, aside)
            fields = _judge_bracketed(inside.strip(), row.keys() | waiting.keys())
            believed = fields is not None
            if fields is not None:
                waiting |= fields
                certain = True
            elif kind == _SQUARE and _PAIRS.fullmatch(inside.strip()):
                believed = certain = True
            elif (
                kind == _SQUARE and (labelled := _LABELLED.fullmatch(inside.strip())) and _names_something(labelled[1])
            ):
                waiting.setdefault(labelled[1], labelled[2])
                believed = certain = True
            elif kind == _SQUARE and certain:  # between parts of this layout, whatever it is
                aside.append(inside.strip())
            else:
                break
        if believed:
            row |= waiting
            waiting = {}
            done, n_aside = at, len(aside)
    context = [text for text in aside[:n_aside] if "=" not in text]
    if context:
        row["context"] = ", ".join(context)
    return done, seen


_SURE = {"logger": _CERTAIN_LOGGER, "thread": _STRONG_THREAD}


def _gives_way(name: str, row: Row, waiting: Row, aside: list[str]) -> bool:
    """Whether what was taken for a logger or thread by its place alone makes room for a word that is certain to be it: then it is
    something of this layout (``[abc-123] [exec-1] INFO shop.Cart -``)."""
    for fields in (row, waiting):
        if name in fields and not _SURE[name].fullmatch(str(fields[name])):
            aside.insert(0, str(fields.pop(name)))
            return True
    return False


def _judge_bracketed(inside: str, held: Set[str]) -> Row | None:
    """What stands between brackets, by its shape; None: no part of any layout known."""
    if (
        "level" not in held
        and (glued := _LEVEL_GLUED.match(inside)) is not None
        and _NAME.fullmatch(inside, glued.end())
    ):
        return {"level": glued[1], **({} if "logger" in held else {"logger": inside[glued.end() :]})}
    for kind in _shapes_of_bracketed(inside):
        name = kind if kind != "pid" or "pid" not in held else "thread"
        if name not in held:
            return _fields_of(name, inside)
    return None if inside else {}


@lru_cache(maxsize=WORDS_KEPT)
def _shapes_of_bracketed(inside: str) -> tuple[str, ...]:
    """The fields that a text between brackets may be, the most likely first."""
    if "=" in inside or _METHOD.fullmatch(inside):
        return ()
    if _LEVEL.fullmatch(inside) or _SHORT_LEVEL.fullmatch(inside):
        return ("level", "thread") if len(inside) == 1 else ("level",)
    if _NUMBER.fullmatch(inside):
        return ("pid",)
    if _is_address(inside):
        return ("client_ip",)
    if _is_file(inside):
        return ("file",)
    thread = any(shape.fullmatch(inside) for shape in (_THREAD, _HEX, _ERLANG_PID))
    if _CERTAIN_LOGGER.fullmatch(inside) and not thread:
        return ("logger",)
    placed = _PLACED_NAME.fullmatch(inside)
    if placed and _names_something(placed[1]):
        return ()
    if placed and not thread:
        return ("placed",)
    name = ("logger",) if _NAME.fullmatch(inside) and not _TAGGED.fullmatch(inside) else ()
    return ("thread", *name) if thread else name


def _judge_word(word: str, held: Set[str], *, separated: bool, certain: bool) -> Row | None:
    """What a bare word in the head is; None: the message begins here."""
    for kind, needs_separator, needs_certain in _shapes_of_word(word):
        if (needs_separator and not separated) or (needs_certain and not certain):
            continue
        name = kind if kind != "pid" or "pid" not in held else "thread"
        if name not in held and not (name == "thread" and kind != "pid" and certain and not separated):
            return _fields_of(name, word)
    return None


@lru_cache(maxsize=WORDS_KEPT)
def _shapes_of_word(word: str) -> tuple[tuple[str, bool, bool], ...]:
    """The fields a bare word may be, the most likely first; whether that needs a separator behind it, and a certain
    part in front."""
    if _NUMBER.fullmatch(word):
        return (("pid", False, False),)
    if _is_address(word):
        return (("client_ip", False, False),)
    if _is_file(word):
        return (("file", False, False),)
    shapes = []
    if _LEVEL.fullmatch(word):
        shapes.append(("level", not word.isupper(), False))
    if _CERTAIN_LOGGER.fullmatch(word):
        shapes.append(("logger", False, False))
    elif (modules := _MODULES.fullmatch(word)) is not None and not _NO_MODULE.fullmatch(modules[1]):
        shapes.append(("logger", False, True))
    if word == "main" or _HEX.fullmatch(word) or ("-" in word and _THREAD.fullmatch(word)):
        shapes.append(("thread", False, False))
    if _STRUCTURED_NAME.fullmatch(word) and not _ERROR_NAME.fullmatch(word):
        shapes.append(("logger", True, True))
    return tuple(shapes)


def _is_file(text: str) -> bool:
    """Whether it is a source file and its line, and not a module's name: ``views.py:42``, ``orders.views:42``."""
    found = _FILE.fullmatch(text)
    return found is not None and found[1].rpartition(".")[2].lower() in lexicon().files


@lru_cache(maxsize=WORDS_KEPT)
def _names_something(label: str) -> bool:
    """Whether a label in front of a value says what is identified: ``traceId``, ``user``."""
    lex = lexicon()
    words = words_of(label)
    return bool(words) and (
        words[-1] in lex.hard_qualifiers or bool({words[-1], label.lower()} & (lex.roles.keys() | lex.canonical.keys()))
    )


def _is_address(text: str) -> bool:
    """Whether it is an address, and not numbers between colons or dots: a hardware address, a counter."""
    found = _ADDRESS.fullmatch(text)
    if found is None:
        return False
    try:
        ip_address(found[1])
    except ValueError:
        return False
    return True


def _fields_of(name: str, text: str) -> Row:
    if name == "client_ip" and (address := _ADDRESS.fullmatch(text)) is not None:
        return {"client_ip": address[1], **({"client_port": address[2]} if address[2] else {})}
    if name == "placed" and (placed := _PLACED_NAME.fullmatch(text)) is not None:
        return {"logger": placed[1], "line": placed[2]}
    if name == "file" and (found := _FILE.fullmatch(text)) is not None:
        return {"file": found[1], "line": found[2]}
    return {name: text}
