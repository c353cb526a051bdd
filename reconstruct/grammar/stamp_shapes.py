"""Every shape of time stamp that is understood, with an example each; and where a stamp stands in a line.

A shape is a regular expression with named groups. Adding one is adding a row to ``SHAPES``; the test walks the table.

    Y y2   year of four or two digits        h mi s f   time of day; f = fraction digits
    mon    month name (first three letters)  ap         a or p of am/pm
    mo d   month, day                        z          zone text
    a b c  date parts in an order only the source knows
    n      epoch digits, f their fraction    x          TAI64N hex
    i      digits that do not count
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

# English, then what Java, .NET and date(1) write under German, French, Spanish, Italian and Portuguese locales; Russian, Polish, Turkish, Chinese.
MONTHS = {
    name: month
    for month, names in enumerate(
        (
            "jan ene gen янв sty oca 一月",
            "feb fev fév фев lut şub 二月",
            "mar mrz mär мар 三月",
            "apr abr avr апр kwi nis 四月",
            "may mai mag мая май maj 五月",
            "jun giu juin июн cze haz 六月",
            "jul lug juil июл lip tem 七月",
            "aug ago aoû авг sie ağu 八月",
            "sep set сен wrz eyl 九月",
            "oct okt ott out окт paź eki 十月",
            "nov ноя lis kas 十一月",
            "dec dez dic déc дек gru ara 十二月",
        ),
        start=1,
    )
    for name in names.split()
}
"""First letters of a month name, three where they tell it, lower case, to its number."""

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

ZONES = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    # RFC 822 gives these North American names a meaning of their own
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
    # names with one meaning in the IANA data base
    "AKST": -540,
    "AKDT": -480,
    "HST": -600,
    "WET": 0,
    "WEST": 60,
    "CET": 60,
    "CEST": 120,
    "EET": 120,
    "EEST": 180,
    "MSK": 180,
    "SAST": 120,
    "WIB": 420,
    "JST": 540,
    "KST": 540,
    "HKT": 480,
    "ACST": 570,
    "AWST": 480,
    "AEST": 600,
    "AEDT": 660,
    "NZST": 720,
    "NZDT": 780,
}
"""Zone abbreviations in minutes east of UTC. Names of several meanings (IST, BST, SST) are left out: such a stamp
counts as one without a zone."""

_BY_LETTER = {
    letter: [name[1:] for name in MONTHS if name[0] == letter] for letter in sorted({name[0] for name in MONTHS})
}
# By the first letter: an alternative that cannot be is then left out at once.
_MONTH_NAMES = "|".join(f"[{letter.upper()}{letter}](?i:{'|'.join(names)})" for letter, names in _BY_LETTER.items())
_MONTH = rf"(?P<mon>{_MONTH_NAMES})[a-zа-я]{{0,6}}\.?"
_WEEKDAY = rf"(?P<w>(?i:{'|'.join(WEEKDAYS)}))[a-z]{{0,6}}"
_NAMES = "|".join(sorted((name for name in ZONES if name != "Z"), key=len, reverse=True))
_OFFSET = r"[+-](?:0\d|1[0-4])"
_REGIONS = "Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Etc|Europe|Indian|Pacific"
_ZONE = (
    rf"(?:[ \t]?(?P<z>[Zz](?![A-Za-z])|{_OFFSET}:?[0-5]\d(?:[ ](?:{_NAMES})(?![A-Za-z]))?(?:\[[A-Za-z_/+-]{{1,40}}\])?"
    rf"|(?<![ \t]){_OFFSET}(?![\d:])|(?:UTC|GMT)[+-]\d{{1,2}}(?::?[0-5]\d)?|(?:{_NAMES})(?![A-Za-z])"
    rf"|(?:{_REGIONS})/[A-Za-z_/+-]{{2,40}}+))?"
)
_FRACTION = r"(?:[.,](?P<f>\d++))?"
_CLOCK = rf"(?P<h>[ \d]?\d):(?P<mi>\d\d):(?P<s>\d\d){_FRACTION}"
# Seconds may be missing (IIS-like exports), a colon may stand before the fraction (HealthApp, some C# layouts)
_LOOSE_CLOCK = r"(?P<h>[ \d]?\d):(?P<mi>\d\d)(?::(?P<s>\d\d?)(?:[.,:](?P<f>\d++))?)?"
_HALF_DAY = (
    r"(?:[ \u202f]?(?:(?=[AaPp]\.?[ \u00a0]?[Mm]\.?(?![A-Za-z]))|(?=[上下]午)|[午오](?=[前後전후]))"
    r"(?P<ap>[AaPp上下前後전후])(?:\.?[ \u00a0]?[Mm]\.?|午)?)?"
)
AFTERNOON = frozenset("pP下後후")
"""What a half of the day is told by: ``PM``, ``p. m.``, ``下午``, ``午後``, ``오후``."""
_DAY = r"(?P<d>[ \d]?\d)"
_YEAR = r"(?P<Y>\d{4})"
_CELLS = r"\"?[,;|\t]\"?|[ ](?:[;|@-]|at)[ ]|[,;:][ ]|\][ ]?\["
"""What stands between the day and the clock where each has a cell or brackets of its own."""
_GAP = rf"(?:[Tt_:@-]|[ \t]{{1,2}}|{_CELLS})"
_COMPACT_DAY = r"(?P<mo>[01]\d)(?P<d>[0-3]\d)"
_COMPACT_DATE = rf"(?P<Y>(?:19|20)\d\d){_COMPACT_DAY}"
_COMPACT_CLOCK = r"(?P<h>[0-2]\d)(?P<mi>[0-5]\d)(?P<s>[0-5]\d)"
_COMMENT = r"(?:[ ]\([A-Za-z ]{1,40}\))?"
_NUMERIC_DATE = r"(?P<a>\d\d?)(?P<sep>[/.-])(?P<b>\d\d?)(?P=sep)(?P<c>\d{4}|\d\d)"
_NUMERIC_DATE_LONG = r"(?P<a>\d\d?)(?P<sep>[/.-])(?P<b>\d\d?)(?P=sep)(?P<c>\d{4})"
NUMERIC_DATES = frozenset(("NUMERIC_DATE", "CLOCK_NUMERIC_DATE"))
"""Shapes whose day has its parts in an order that only the source knows."""


class Shape(NamedTuple):
    """One shape of time stamp."""

    name: str
    """decoder name"""
    pattern: str
    example: str
    reading: str
    """what the example means, as ISO 8601 in UTC; with a ``Z`` when the stamp says its zone. Examples are read against
    a file last written at 2026-09-15T00:00:00Z"""
    findable: bool = True
    """looked for near the beginning of unknown lines; False: too weak a sign there"""


SHAPES = (
    Shape("ISO8601", rf"{_YEAR}-(?P<mo>\d\d?)-{_DAY}{_GAP}{_LOOSE_CLOCK}{_HALF_DAY}{_ZONE}",
          "2026-09-14T05:00:00.123456+01:00", "2026-09-14T04:00:00.123456Z"),
    Shape("ISO8601_CLOSE", rf"{_YEAR}-(?P<mo>\d\d)-(?P<d>\d\d)(?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)",
          "2026-09-1405:00:00", "2026-09-14T05:00:00", findable=False),  # Triton
    Shape("ISO8601_BASIC",
          rf"{_COMPACT_DATE}[T _:/-]?{_COMPACT_CLOCK}{_FRACTION}{_ZONE}",
          "20260914T050000Z", "2026-09-14T05:00:00Z"),
    Shape("COMPACT_DATE", rf"{_COMPACT_DATE}[T _.\t-]{_LOOSE_CLOCK}{_ZONE}",
          "20260914-05:00:00:123", "2026-09-14T05:00:00.123"),
    Shape("DB2",
          rf"{_YEAR}-(?P<mo>\d\d)-(?P<d>\d\d)-(?P<h>\d\d)\.(?P<mi>\d\d)\.(?P<s>\d\d)\.(?P<f>\d++)(?P<z>[+-]\d{{3}})?",
          "2026-09-14-05.00.00.123456+060", "2026-09-14T04:00:00.123456Z"),
    Shape("ISO8601_DOTS", rf"{_YEAR}-(?P<mo>\d\d)-(?P<d>\d\d)[ T_](?P<h>\d\d)[.-](?P<mi>\d\d)[.-](?P<s>\d\d)(?:[.,:](?P<f>\d++))?",
          "2026-09-14 05.00.00,123", "2026-09-14T05:00:00.123000"),
    Shape("YEAR_FIRST", rf"{_YEAR}/(?P<mo>\d\d?)/{_DAY}{_GAP}{_LOOSE_CLOCK}{_HALF_DAY}{_ZONE}",  # nginx error, Go log
          "2026/09/14 05:00:00", "2026-09-14T05:00:00"),
    Shape("YEAR_FIRST_DOTS", rf"{_YEAR}\.(?P<mo>\d\d?)\.{_DAY}{_GAP}{_LOOSE_CLOCK}{_ZONE}",
          "2026.09.14 05:00:00.5", "2026-09-14T05:00:00.500000"),
    Shape("YEAR_FIRST_CJK",  # Chinese and Japanese, Korean
          rf"{_YEAR}[年년][ ]?(?P<mo>\d\d?)[月월][ ]?{_DAY}[日일][ ]?(?P<h>[ \d]?\d)[:時时시][ ]?(?P<mi>\d\d)[:分분][ ]?(?P<s>\d\d)"
          rf"[秒초]?{_FRACTION}",
          "2026年09月14日 05:00:00", "2026-09-14T05:00:00"),
    Shape("YEAR_FIRST_COLONS", rf"{_YEAR}:(?P<mo>\d\d):(?P<d>\d\d)-{_CLOCK}",
          "2026:09:14-05:00:00", "2026-09-14T05:00:00", findable=False),  # Sophos UTM
    Shape("YEAR_MONTH_NAME", rf"{_YEAR}[ -]{_MONTH}[ -]{_DAY}{_GAP}{_CLOCK}{_ZONE}",
          "2026 Sep 14 05:00:00.123", "2026-09-14T05:00:00.123000"),
    Shape("ORDINAL_DATE", rf"{_YEAR}-(?P<j>[0-3]\d\d)T{_LOOSE_CLOCK}{_ZONE}",  # ISO 8601 with the day of the year
          "2026-257T05:00:00.123", "2026-09-14T05:00:00.123000"),
    Shape("HTTP_DATE", rf"{_DAY}/{_MONTH}/{_YEAR}[: T]{_CLOCK}{_ZONE}",  # common log format, HAProxy, S3
          "14/Sep/2026:00:10:01 +0100", "2026-09-13T23:10:01Z"),
    Shape("RFC2822", rf"{_WEEKDAY},?[ ]{_DAY}[ -]{_MONTH}[ -](?:{_YEAR}|(?P<y2>\d\d))[ ]{_CLOCK}{_ZONE}{_COMMENT}",
          "Mon, 14 Sep 2026 05:00:00 GMT", "2026-09-14T05:00:00Z"),
    Shape("DAY_MONTH_YEAR", rf"{_DAY}[ -]{_MONTH}[ -]{_YEAR}(?:[ T:,]{{1,2}}|{_CELLS}){_CLOCK}{_HALF_DAY}{_ZONE}",
          "14-Sep-2026 05:00:00.123", "2026-09-14T05:00:00.123000"),  # BIND, Tomcat, Redis, RabbitMQ
    Shape("CTIME_ZONE", rf"{_WEEKDAY},?[ ]{_MONTH}[ ]{_DAY}[ ]{_CLOCK}[ ]{_YEAR}(?=[ ][+-]){_ZONE}",  # Oracle audit trail
          "Mon Sep 14 05:00:00 2026 +01:00", "2026-09-14T04:00:00Z"),
    Shape("CTIME", rf"{_WEEKDAY},?[ ]{_MONTH}[ ]{_DAY}[ ]{_CLOCK}{_ZONE}[ ]{_YEAR}",  # Apache error, date(1)
          "Mon Sep 14 05:00:00.123456 2026", "2026-09-14T05:00:00.123456"),
    Shape("MONTH_DAY_YEAR",
          rf"(?:{_WEEKDAY},?[ ])?(?:{_MONTH}|(?P<mo>\d\d?)[月월])[ ]{_DAY},?[ ]{_YEAR},?(?:[ ]@)?[ ]{_CLOCK}{_HALF_DAY}{_ZONE}{_COMMENT}",
          "Sep 14, 2026 5:00:00 PM", "2026-09-14T17:00:00"),  # Java, WebLogic, Cisco, JavaScript; Kibana has "2026 @ 17:00:00.000"
    Shape("MONTH_DAY_CLOCK_YEAR", rf"{_MONTH}[ ]{_DAY}[ ]{_CLOCK}[ ]{_YEAR}",  # Mailman
          "Sep 14 05:00:00 2026", "2026-09-14T05:00:00", findable=False),
    Shape("MONTH_DAY_YEAR_MINUTE", rf"{_MONTH}[ ]{_DAY},[ ]{_YEAR}[ ](?P<h>\d\d):(?P<mi>\d\d)",  # GitLab
          "September 14, 2026 05:00", "2026-09-14T05:00:00", findable=False),
    Shape("SYSLOG", rf"(?:{_WEEKDAY},?[ ])?{_MONTH}[ -]{_DAY}[ ]{_CLOCK}{_ZONE}",
          "Sep 14 06:52:39", "2026-09-14T06:52:39"),
    Shape("DAY_MONTH", rf"{_DAY}[ ]{_MONTH}[ ]{_CLOCK}",  # Redis before 5
          "14 Sep 05:00:00.123", "2026-09-14T05:00:00.123000"),
    Shape("DAY_MONTH_MINUTE", rf"{_DAY}-{_MONTH}[ ](?P<h>\d\d):(?P<mi>\d\d)",  # Bacula
          "14-Sep 05:00", "2026-09-14T05:00:00", findable=False),
    Shape("RFC822", rf"{_DAY}[ ]{_MONTH}[ ](?P<y2>\d\d)[ ](?P<h>\d\d):(?P<mi>\d\d)(?=[ ](?:[+-]\d{{4}}|[A-Z]{{3,4}})){_ZONE}",  # time.RFC822 of Go
          "14 Sep 26 05:00 UTC", "2026-09-14T05:00:00Z"),
    Shape("NUMERIC_DATE", rf"{_NUMERIC_DATE}(?:,?[ ]|[T:_-]|{_CELLS}){_LOOSE_CLOCK}{_HALF_DAY}{_ZONE}",
          "09/14/2026 05:00:00 PM", "2026-09-14T17:00:00"),
    Shape("MONTH_DAY", rf"(?P<mo>\d\d)[-./](?P<d>\d\d)[ |-]{_CLOCK}",  # logcat, Proxifier, go-ethereum
          "09-14 05:00:00.123", "2026-09-14T05:00:00.123000"),
    Shape("SHORT_DATE", rf"(?P<y2>\d\d){_COMPACT_DAY}[ ]{{1,2}}{_CLOCK}",  # MySQL 5.5
          "260914  5:00:00", "2026-09-14T05:00:00"),
    Shape("SHORT_BASIC", rf"(?P<y2>\d\d){_COMPACT_DAY}[ /]{_COMPACT_CLOCK}{_FRACTION}",  # HDFS, hapi
          "260914 050000", "2026-09-14T05:00:00"),
    Shape("KLOG", rf"{_COMPACT_DAY}[ ](?P<h>\d\d):(?P<mi>\d\d):(?P<s>\d\d)\.(?P<f>\d++)",  # glog, Kubernetes
          "0914 05:00:00.123456", "2026-09-14T05:00:00.123456"),
    Shape("MONTH_DAY_BASIC", rf"{_COMPACT_DAY}/{_COMPACT_CLOCK}{_FRACTION}",  # Chromium
          "0914/050000.123456", "2026-09-14T05:00:00.123456", findable=False),
    Shape("YEAR_FIRST_ALL_DOTS", rf"{_YEAR}\.(?P<mo>\d\d)\.(?P<d>\d\d)-(?P<h>\d\d)\.(?P<mi>\d\d)\.(?P<s>\d\d):(?P<f>\d++)",
          "2026.09.14-05.00.00:123", "2026-09-14T05:00:00.123000", findable=False),  # Unreal Engine
    Shape("SHORT_DAY_FIRST", r"(?P<d>[0-3]\d)(?P<mo>[01]\d)(?P<y2>\d\d)[ ](?P<h>\d\d)\.(?P<mi>\d\d)\.(?P<s>\d\d),(?P<f>\d++)",
          "140926 05.00.00,123", "2026-09-14T05:00:00.123000", findable=False),  # Contrast Security
    Shape("MONTH_NAME_FIRST", rf"{_MONTH}/{_DAY}/{_YEAR}[ ]{_CLOCK}",  # RouterOS
          "sep/14/2026 05:00:00", "2026-09-14T05:00:00", findable=False),
    Shape("CMTRACE", rf'{_CLOCK}(?:[+-]{{1,2}}(?P<i>\d{{1,4}}))?"[ ]date="(?P<mo>\d\d?)-(?P<d>\d\d?)-{_YEAR}',  # a bias has either sign there
          '05:00:00.123-060" date="09-14-2026', "2026-09-14T05:00:00.123000", findable=False),
    Shape("TAI64N", r"@(?P<x>4[0-9a-f]{15}(?:[0-9a-f]{8})?)",  # daemontools, runit, qmail
          "@400000006a6f4f0a1dcd6500", "2026-08-02T14:06:56.500000Z"),
    Shape("EPOCH", r"(?P<n>\d{9,19})(?:\.(?P<f>\d++))?",
          "1789362000.123", "2026-09-14T05:00:00.123000Z", findable=False),
    Shape("DATE", rf"{_YEAR}[-/.](?P<mo>\d\d?)[-/.]{_DAY}",
          "2026-09-14", "2026-09-14T00:00:00", findable=False),
    Shape("BASIC_DATE", _COMPACT_DATE,
          "20260914", "2026-09-14T00:00:00", findable=False),
    Shape("HTTP_DAY", rf"{_DAY}[-/ ]{_MONTH}[-/ ]{_YEAR}",
          "14/Sep/2026", "2026-09-14T00:00:00", findable=False),
    Shape("KITCHEN", r"(?P<h>1?\d):(?P<mi>[0-5]\d)[ ]?(?P<ap>[AaPp])[Mm]",  # time.Kitchen of Go: zerolog
          "4:49PM", "2026-09-14T16:49:00", findable=False),
    Shape("CLOCK_DAY", rf"{_CLOCK}{_HALF_DAY}[ ,;|\t]{{1,2}}{_YEAR}[/-](?P<mo>\d\d)[/-](?P<d>\d\d)",
          "05:00:00.123 2026-09-14", "2026-09-14T05:00:00.123000"),
    Shape("CLOCK_NUMERIC_DATE", rf"{_CLOCK}{_HALF_DAY}[ ,;|\t]{{1,2}}{_NUMERIC_DATE_LONG}",
          "05:00:00 14.09.2026", "2026-09-14T05:00:00"),
    Shape("TIME_OF_DAY", rf"{_CLOCK}{_HALF_DAY}{_ZONE}",
          "16:49:15.665", "2026-09-14T16:49:15.665000"),
)  # fmt: skip

SEARCH_WITHIN = 64
"""A line's own stamp starts within this many characters; what comes later is part of the message."""

STAMP_CAP = 80
"""Characters. The longest stamp of the table with a nine-digit fraction and a named zone has 72."""

_EPOCH_AT_START = r"(?:1\d{9}(?:\.\d{1,9})?|1\d{12}(?:\.\d{1,6})?|1\d{15}|1\d{18})"
# A line may open with epoch digits; elsewhere ten digits are more often an identifier. Bounded to 2001-2033.


def _anonymous(pattern: str) -> str:
    """The pattern without names, so that shapes can stand beside each other in one expression."""
    for numeric, years in ((_NUMERIC_DATE, r"(?:\d{4}|\d\d)"), (_NUMERIC_DATE_LONG, r"\d{4}")):
        pattern = pattern.replace(numeric, r"\d\d?(?:/\d\d?/|\.\d\d?\.|-\d\d?-)" + years)
    return re.sub(r"\(\?P<\w+>", "(?:", pattern)


def _alternatives(first: str) -> str:
    """The findable shapes whose example starts with a character of class ``first``, each in a group of its own name."""
    # behind a year stands the clock of a day that is written as nobody here knows: today's would be wrong
    guards = {"TIME_OF_DAY": r"(?<![:+])(?<!20\d\d[ ])"}
    return "|".join(
        f"(?P<{shape.name}>{guards.get(shape.name, '')}{_anonymous(shape.pattern)})"
        for shape in SHAPES
        if shape.findable and re.match(first, shape.example)
    )


@cache
def any_timestamp() -> re.Pattern[str]:
    """A line with a stamp near its beginning; the group that took part names the shape. Use with ``match`` on a line or
    ``finditer`` on a block. Linear: every part but the digits of a fraction (possessive) is bounded."""
    return re.compile(
        rf"^(?:[\[(<\"]?(?P<EPOCH>{_EPOCH_AT_START})(?![\w.:/-])"
        rf"|[^\n]{{0,{SEARCH_WITHIN}}}?(?:"
        rf"(?=[\d@])(?:(?<![\w./-])|(?<=\b[IWEFD]))(?:{_alternatives('[^A-Z]')})"
        rf"|(?=[A-Za-z])(?<![\w./-])(?:{_alternatives('[A-Z]')}))(?![.:]?\d))",
        re.ASCII | re.MULTILINE,
    )


_SIGN = re.compile(r"\d[:.]\d\d|\d{6}|@4|[_T ]\d\d-\d\d-\d\d|\d[時时시]", re.ASCII)
"""What every stamp has; most lines of stack traces have none, and this says so in a twentieth of the time."""


def find_timestamp(line: str) -> tuple[int, int, str] | None:
    """Where a stamp stands near the beginning of a line: start, end, shape name.

    >>> find_timestamp("[2026-09-14 05:00:00,123] INFO ready")
    (1, 24, 'ISO8601')
    """
    if not _SIGN.search(line, 0, SEARCH_WITHIN + STAMP_CAP):
        return None
    match = any_timestamp().match(line)
    if match is None or match.lastgroup is None:
        return None
    start, end = match.span(match.lastgroup)
    return start, end, match.lastgroup


_OPENERS = " \t[(<\"'"
_CLOSERS = " \t])>\"',;"
_PATTERNS = {shape.name: shape.pattern for shape in SHAPES}


@cache
def _expression(name: str) -> re.Pattern[str]:
    """Of one shape. Made when it is asked for: those of all take a tenth of the time the program needs to start."""
    return re.compile(rf"[{re.escape(_OPENERS)}]?(?:{_PATTERNS[name]})[{re.escape(_CLOSERS)}]?", re.ASCII)


_EPOCH_OF_KNOWN_UNIT = re.compile(r"(?P<n>\d{1,19})(?:\.(?P<f>\d++)?)?", re.ASCII)


def match_stamp(text: str, kind: str) -> tuple[str, re.Match[str]] | None:
    """The shape of a whole text, and its parts. ``kind`` is tried first: a shape name or an epoch unit."""
    if kind.startswith("EPOCH_") and (match := _EPOCH_OF_KNOWN_UNIT.fullmatch(text)):
        return "EPOCH", match
    if kind in _PATTERNS and (match := _expression(kind).fullmatch(text)):
        return kind, match
    for name in _PATTERNS:
        if match := _expression(name).fullmatch(text):
            return name, match
    return None
