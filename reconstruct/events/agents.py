"""What sent a request, by its User-Agent.

Takes distinct user agents, gives a kind and plain words for each. Robots and monitors are told by the maintained list
of crawler-user-agents (1,500 patterns, one RE2 pass over all user agents), browsers and devices by ua-parser's native
engine (15 µs each; both are loaded when first asked). What someone *does* speaks louder than the name it gives; that
evidence is added where sessions are known.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.resources import vocabulary_directory

if TYPE_CHECKING:
    import ua_parser

AGENT_CAP = 512
"""Characters of a user agent looked at; real ones stay under 400."""

SEPARATOR = " · "


@dataclass(frozen=True, slots=True)
class Agent:
    """What a user agent says it is."""

    kind: str
    """human, bot, monitor or unknown (a program, or nothing said)"""
    device: str
    """plain words: ``Chrome · mobile``; the robot's or program's name; empty when nothing is known"""
    reason: str
    """why, in a few words"""


@dataclass(frozen=True, slots=True)
class _Lists:
    """Patterns in RE2 syntax, and the words of ``agents.toml``."""

    monitors: str
    programs: str
    robots: str
    not_robots: str
    family_parts: tuple[str, ...]
    families: dict[str, str]
    forms: dict[str, str]


@cache
def _lists() -> _Lists:
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA as KNOWN

    table = tomllib.loads((vocabulary_directory() / "agents.toml").read_text(encoding="utf-8"))

    def words(name: str) -> str:
        ordered = sorted(table[name], key=lambda word: (-len(word), word))
        return f"(?i:{'|'.join(map(re.escape, ordered))})"

    accepted = set(_accepted([entry["pattern"] for entry in KNOWN]))
    known = [(entry["pattern"], entry.get("tags", [])) for entry in KNOWN if entry["pattern"] in accepted]
    monitors = [pattern for pattern, tags in known if "monitoring" in tags]
    libraries = [pattern for pattern, tags in known if tags == ["http-library"]]
    others = [pattern for pattern, tags in known if "monitoring" not in tags and tags != ["http-library"]]
    return _Lists(
        monitors="|".join([*monitors, words("monitors")]),
        programs="|".join([*libraries, words("programs")]),
        robots="|".join([*others, words("robot_words")]),
        not_robots=words("not_robots"),
        family_parts=tuple(table["family_parts"]),
        families=table["families"],
        forms=table["forms"],
    )


def _accepted(patterns: list[str]) -> list[str]:
    """The patterns RE2 takes: all of today's, but the list is not ours and may one day look ahead."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern="|".join(patterns))
    except pa.ArrowInvalid:
        half = len(patterns) // 2
        return [*_accepted(patterns[:half]), *_accepted(patterns[half:])] if half else []
    return patterns


@cache
def probed_pattern() -> str:
    """RE2 pattern of paths, in lower case, that robots look for holes in."""
    return "|".join(tomllib.loads((vocabulary_directory() / "agents.toml").read_text(encoding="utf-8"))["probed"])


def describe_agents(user_agents: Sequence[str]) -> list[Agent]:
    """Describe distinct user agents, in their order.

    >>> [agent.kind for agent in describe_agents(["curl/8.5.0", "Googlebot/2.1", "kube-probe/1.29", "-"])]
    ['unknown', 'bot', 'monitor', 'unknown']
    """
    texts = [_readable(text) for text in user_agents]
    column = pa.array(texts, pa.string())
    lists = _lists()
    monitors = pc.match_substring_regex(column, pattern=lists.monitors).to_pylist()
    programs = pc.match_substring_regex(column, pattern=lists.programs).to_pylist()
    robots = pc.and_not(
        pc.match_substring_regex(column, pattern=lists.robots),
        pc.match_substring_regex(column, pattern=lists.not_robots),
    ).to_pylist()
    found = zip(texts, monitors, programs, robots, strict=True)
    return [_describe(text, monitor, program, robot) for text, monitor, program, robot in found]


def _readable(text: str) -> str:
    """The user agent with its blanks back (IIS and CloudFront write ``+`` or ``%20``), cut to `AGENT_CAP`."""
    text = text[:AGENT_CAP].encode("utf-8", "replace").decode()
    if " " not in text:
        text = text.replace("%20", " ")
        if "+(" in text:
            text = text.replace("+", " ")
    return text.strip()


def _describe(text: str, monitor: bool, program: bool, robot: bool) -> Agent:
    if text in ("", "-"):
        return Agent("unknown", "", "no user agent")
    if monitor:
        return Agent("monitor", _own_name(text), "known uptime or health checker")
    if robot:
        return Agent("bot", _own_name(text), "says it is a robot")
    browser = text.startswith(("Mozilla/", "Opera/"))
    if program and not browser:
        return Agent("unknown", _own_name(text), "a program, not a browser")
    if not browser:
        return Agent("unknown", _own_name(text), "not a browser")
    parsed = _parser().parse(text).with_defaults()
    if parsed.device.family == _ROBOT and _is_robot(text):
        return Agent("bot", _own_name(text), "says it is a robot")
    device = SEPARATOR.join(part for part in (_family(parsed), _form(parsed, text)) if part)
    return Agent("human", device, "a browser") if device else Agent("unknown", "", "an unknown browser")


_ROBOT = "Spider"
"""The family that ua-parser gives all robots."""


@cache
def _parser() -> ua_parser.Parser:
    """Tells browsers, systems, and of devices only robots: to build the patterns of all others takes longer than all the rest, and
    nobody is told the make of a telephone."""
    from ua_parser import Parser
    from ua_parser.loaders import load_lazy_builtins

    browsers, systems, devices = load_lazy_builtins()
    robots = [device for device in devices if getattr(device, "family", _ROBOT) == _ROBOT]
    return Parser.from_matchers((browsers, systems, robots))


def _is_robot(text: str) -> bool:
    """Whether it is still one when all devices are asked: ``bot`` may be a part of the name of a telephone (CUBOT)."""
    import ua_parser

    device = ua_parser.parse_device(text)
    return device is not None and device.family == _ROBOT


def _family(parsed: ua_parser.DefaultedResult) -> str:
    """The browser as people call it; empty when unknown."""
    family: str = parsed.user_agent.family
    if family == "Other":
        return ""
    for part in _lists().family_parts:
        family = family.replace(part, "")
    return _lists().families.get(family, family)


def _form(parsed: ua_parser.DefaultedResult, text: str) -> str:
    """desktop, mobile, tablet, tv, watch, console; empty when unknown."""
    system: str = parsed.os.family
    if _TELEVISION.search(text):
        return "tv"
    if "iPad" in text or "Tablet" in text:
        return "tablet"
    if system in ("iOS", "Android"):
        return "mobile" if system == "iOS" or "Mobile" in text else "tablet"
    return _lists().forms.get(system, "")


_TELEVISION = re.compile(r"Smart-?TV|AppleTV|BRAVIA|CrKey|Roku|HbbTV|AFT[A-Z]")
_PRODUCT = re.compile(r"(?:Mozilla/\S+\s+(?:\([^)]*\)\s*)?)?([^\s/;()]+)")
_ROBOT_NAME = re.compile(r"[\w.-]*(?:[Bb]ot|[Cc]rawl|[Ss]pider|[Mm]onitor|[Uu]ptime|[Pp]ingdom|[Hh]eadless)[\w.-]*")
_COMPATIBLE = re.compile(r"compatible;\s*([^\s/;()]+)")


def _own_name(text: str) -> str:
    """The name a robot or program gives itself: ``Googlebot``, ``curl``."""
    for pattern in (_ROBOT_NAME, _COMPATIBLE, _PRODUCT):
        match = pattern.search(text)
        if match:
            return match[match.re.groups]
    return ""
