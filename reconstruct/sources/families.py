"""Rotated files of one log: which belong together, and in which order they were written.

A file name is taken apart into the log it belongs to and a mark: a date, a number, "old", or none. Dates say the order
themselves. Numbers do not (logrotate counts up into the past, log4j2 and Serilog into the future), so the content is
asked: the first stamp of each file, else modification times, else the higher number is the older one.

Every accepted shape of name, with its maker:

    access.log.1  access.log.2.gz  syslog.1      logrotate, Python, newsyslog
    access.log-20260101.gz  …-2026010113  …-20260101-1767225600      logrotate dateext, dateformat
    shop.log.2026-09-14  …-05  …_05-30-00        Python TimedRotatingFileHandler
    shop.2026-09-14.log  shop.2026-09-14.0.log   logback, tomcat
    shop-2026-09-14.log  shop_20260914_001.txt   log4j2, Serilog
    shop-1.log  shop.1.log  shop-000123.log      log4j2, java.util.logging, Serilog, collectors (weak: two hosts look the same)
    u_ex260914.log  access.2026-09.log           IIS by day, by month
    1234_elasticloadbalancing_…_app.shop.50dc_20260914T0935Z_10.0.3.1_5f3ab1.log   AWS load balancers: a node's files
    E2K1ABCDEFGHIJ.2026-09-14-09.0a1b2c3d        CloudFront
    shop.log.old  shop.log.1767225600            rotation by hand; rotatelogs
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import PurePosixPath

FirstStamp = Callable[[bytes], int | None]
"""Gives the first time stamp in a piece of a log, in any unit that grows; None when there is none."""

MTIME_SPACING_NS = 60 * 10**9
"""Least difference of modification times that says anything: copying a directory spaces them by seconds and in the
order of names, rotation by minutes at least."""

OVERLAP_SHARE = 0.1
"""Most of a file's time that the next one may share with it and still follow it: entries stamped at the start of a
request and written at its end cross the rotation. Hosts that write side by side share nearly all."""

_COMPRESSED = re.compile(r"\.(?:gz|bz2|xz|zst|zstd|Z)$", re.IGNORECASE)
_DATE = (
    r"(?P<year>20\d\d|19[7-9]\d)(?:-?(?P<month>0[1-9]|1[0-2])(?:-?(?P<day>0[1-9]|[12]\d|3[01]))?)"
    r"(?:[-_.T]?(?P<hour>[01]\d|2[0-3])(?:[-_.:h]?(?P<minute>[0-5]\d)(?:[-_.:m]?(?P<second>[0-5]\d))?)?Z?)?"
)
_EPOCH = r"(?P<epoch>1\d{9})"
_EXTENSION = r"(?P<extension>\.[A-Za-z][A-Za-z0-9]{0,7})"
_INDEX = r"(?:[-._](?P<index>\d{1,4}))?"
_MARKS = [
    # in the middle, before what tells apart the files of one time
    re.compile(
        rf"^(?P<stem>.+_elasticloadbalancing_.+)_{_DATE}(?:_(?P<node>[\da-f.:]{{3,}}))?_[0-9a-z]{{6,16}}{_EXTENSION}$"
    ),
    re.compile(rf"^(?P<stem>E[A-Z0-9]{{9,}})\.{_DATE}\.[0-9a-f]{{8}}$"),
    # after the whole name
    re.compile(rf"^(?P<stem>.*[^-._])[-._]{_DATE}(?:[-._]{_EPOCH})?{_INDEX}$"),
    re.compile(rf"^(?P<stem>.*[^-._\d])[-._]{_EPOCH}{_INDEX}$"),
    re.compile(r"^(?P<stem>.*[^-._\d])\.(?P<number>\d{1,3})$"),
    re.compile(r"^(?P<stem>.*[^-._])\.(?P<old>old|prev)$"),
    # between the name and its extension
    re.compile(rf"^(?P<stem>.*[^-._])[-._]{_DATE}{_INDEX}{_EXTENSION}$"),
    re.compile(rf"^(?P<stem>u_(?:ex|in|nc))(?P<short>\d{{6}}(?:\d\d)?)(?:_x)?{_EXTENSION}$"),
    re.compile(rf"^(?P<stem>.*[^-._\d])[-._](?P<weak>\d{{1,6}}){_EXTENSION}$"),
    # before it
    re.compile(rf"^{_DATE}[-._](?P<stem>[A-Za-z].*)$"),
]


@dataclass(frozen=True)
class Name:
    """A file name taken apart."""

    log: str
    """The name without the mark and the compression's suffix: ``access.log``."""
    date: str = ""
    """Digits that sort like the date in the name; empty when it has none."""
    number: int | None = None
    """Rotation number, or the index after a date."""
    weak: bool = False
    """The mark may as well name a host or an instance; the content decides."""

    @property
    def marked(self) -> bool:
        return bool(self.date) or self.number is not None


def parse_name(name: str) -> Name:
    """Take a file name (without its directory) apart.

    >>> parse_name("access.log.2.gz")
    Name(log='access.log', date='', number=2, weak=False)
    >>> parse_name("shop.2026-09-14.0.log").log, parse_name("shop.log.2026-09-14-05").date
    ('shop.log', '2026091405')
    """
    name = _COMPRESSED.sub("", name)
    for mark in _MARKS:
        found = mark.match(name)
        if not found:
            continue
        part = found.groupdict()
        node = f"_{part['node']}" if part.get("node") else ""
        log = part["stem"] + node + (part.get("extension") or "")
        if part.get("weak"):
            return Name(log, number=int(part["weak"]), weak=True)
        if part.get("old"):
            return Name(log, number=1)
        if part.get("number"):
            return Name(log, number=int(part["number"]))
        digits = (
            part.get("epoch")
            or part.get("short")
            or "".join(part.get(unit) or "" for unit in ("year", "month", "day", "hour", "minute", "second"))
        )
        return Name(log, date=digits, number=int(part["index"]) if part.get("index") else None)
    return Name(name)


@dataclass(frozen=True)
class Member:
    """What ordering a family needs to know of one of its files."""

    path: str
    """Shown path; the directory is part of the family's name."""
    modified_ns: int
    first_stamp: int | None
    """In its head; None when it has none."""
    last_stamp: int | None = None
    """In its last lines; None when unknown, as for compressed files."""

    @cached_property
    def name(self) -> Name:
        return parse_name(PurePosixPath(self.path).name)


_DATED_DIRECTORY = re.compile(
    r"(?:^|/)(?:year=)?20\d\d/(?:month=)?(?:0[1-9]|1[0-2])(?:/(?:day=)?(?:0[1-9]|[12]\d|3[01])(?:/(?:hour=)?(?:[01]\d|2[0-3]))?)?$"
)


def group_families(members: Iterable[Member]) -> dict[str, list[str]]:
    """Family name → the paths of its files, oldest first. Every path is in exactly one family; files in different
    directories share one only where directory and name both say the day (``…/2026/09/14/access-20260914.log``)."""
    groups: dict[tuple[str, str], list[Member]] = defaultdict(list)
    for member in sorted(members, key=lambda member: member.path):
        directory = str(PurePosixPath(member.path).parent)
        if member.name.date:
            directory = _DATED_DIRECTORY.sub("", directory) or "."
        groups[directory, member.name.log].append(member)
    families: dict[str, list[str]] = {}
    for (directory, log), group in groups.items():
        kept = [member for member in group if not member.name.weak]
        doubtful = [member for member in group if member.name.weak]
        if doubtful:
            if _follow_one_another(kept, doubtful):
                kept = group
            else:
                for member in doubtful:
                    families[_COMPRESSED.sub("", member.path)] = [member.path]
        if kept:
            families[str(PurePosixPath(directory, log))] = [member.path for member in _in_time_order(kept)]
    return families


def _follow_one_another(kept: Sequence[Member], doubtful: Sequence[Member]) -> bool:
    """Are ``shop-1.log``, ``shop-2.log`` one log in turns, or two hosts that write at the same time?"""
    members = sorted([*kept, *doubtful], key=lambda member: (member.first_stamp or 0, member.last_stamp or 0))
    if all(member.first_stamp is not None for member in members) and len(members) > 1:
        overlaps = [_overlap(before, after) for before, after in pairwise(members)]
        if any(overlap is not None and overlap > OVERLAP_SHARE for overlap in overlaps):
            return False
        if None not in overlaps:
            return True
    times = [member.modified_ns for member in sorted(doubtful, key=lambda member: member.name.number or 0)]
    gaps = [after - before for before, after in pairwise(times)]
    if gaps and (min(gaps) >= MTIME_SPACING_NS or max(gaps) <= -MTIME_SPACING_NS):
        return True
    return any(not member.name.marked for member in kept)


def _overlap(before: Member, after: Member) -> float | None:
    """How much of ``before``'s time, as a share, is still to come when ``after`` begins; None when unknown."""
    if before.first_stamp is None or before.last_stamp is None or after.first_stamp is None:
        return None
    return (before.last_stamp - after.first_stamp) / max(before.last_stamp - before.first_stamp, 1)


_ORDERS: tuple[Callable[[Name], tuple[object, ...]], ...] = (
    lambda name: (not name.marked, name.date, -(name.number or 0)),  # logrotate: .2, .1, the file itself
    lambda name: (not name.marked, name.date, name.number or 0),  # log4j2: -1, -2, the file itself
    lambda name: (name.marked, name.date, name.number or 0),  # Serilog: the file itself, _001, _002
)
"""Orders the marks may mean, the usual first; the content chooses between them."""

_DATED_INDEX_ORDER = 1
"""Index in _ORDERS for families whose numbers all stand beside dates: those of logback and log4j2 count upwards."""


def _in_time_order(members: Sequence[Member]) -> list[Member]:
    if len(members) < 2:
        return list(members)
    stamps = [member.first_stamp for member in members]
    if None not in stamps and len(set(stamps)) == len(stamps):
        return sorted(members, key=lambda member: member.first_stamp or 0)
    orders = list(_ORDERS)
    if all(member.name.date for member in members if member.name.number is not None):
        orders.insert(0, orders.pop(_DATED_INDEX_ORDER))
    candidates = [sorted(members, key=lambda member: (order(member.name), member.path)) for order in orders]
    by_stamps = [_agreement([member.first_stamp for member in one], 1) for one in candidates]
    if max(by_stamps) > 0:
        return candidates[by_stamps.index(max(by_stamps))]
    by_mtime = [_agreement([member.modified_ns for member in one], MTIME_SPACING_NS) for one in candidates]
    return candidates[by_mtime.index(max(by_mtime))]  # the first of equals: the usual order


def _agreement(times: Sequence[int | None], spacing: int) -> int:
    """Neighbours in time order minus neighbours out of it, of the known times that differ by ``spacing`` or more."""
    known = [time for time in times if time is not None]
    return sum(
        (after > before) - (after < before) for before, after in pairwise(known) if abs(after - before) >= spacing
    )


_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_STAMP = re.compile(
    rb"\b(20\d\d)[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12]\d|3[01])[T ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d)"
    rb"|\b(0[1-9]|[12]\d|3[01])/(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/(20\d\d):([01]\d|2[0-3]):([0-5]\d):([0-5]\d)"
)


def find_first_stamp(text: bytes) -> int | None:
    """The first full date and time in ``text`` (ISO 8601 or that of web servers) as digits that sort. Zones are left
    out: one log's files share theirs, and this only orders them.

    >>> find_first_stamp(b'- [14/Nov/2026:09:13:02 +0100] "GET /')
    20261114091302
    """
    found = _STAMP.search(text)
    return _stamp_digits(found) if found else None


def _stamp_digits(found: re.Match[bytes]) -> int:
    if found[1]:
        parts = [int(part) for part in found.groups()[:6]]
    else:
        day, month, year, *clock = found.groups()[6:]
        parts = [int(year), _MONTHS.index(month) + 1, int(day), *map(int, clock)]
    digits = 0
    for part in parts:
        digits = digits * 100 + part
    return digits
