"""Rows of one visit → touchpoints: what the visitor did, each with every line of every tier it caused.

Folded into the page they belong to: static files, background requests, the page a redirect leads to, a form sent twice in
haste, polling, and the lines of other tiers written for the same request. Every row ends in exactly one touchpoint.

This is the one loop of the room that runs once per row: plain attribute stores, no dataclasses, look-ups by text.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import orjson

from reconstruct.journeys.activities import Act, Classifier, operation_of
from reconstruct.journeys.labels import Labeler, attributes_of
from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import Row

SECOND = 1_000_000_000

REDIRECT_NS = 5 * SECOND
"""The page a redirect leads to is asked for at once; a slow mobile link and a stamp of whole seconds need the rest."""
TWICE_NS = 3 * SECOND
"""The same form sent again within this is one impatient act, not two."""
TIER_NS = 2 * SECOND
"""Two tiers' lines of one request without a common key: stamps of whole seconds, taken at its start and at its end."""
LOOK_BACK = 40
"""Touchpoints looked back at for the other tier of a request: bounds the work on a robot's thousands a second."""
BURST_NS = SECOND
"""Calls of an interface within this after the last act are parts of the same view."""
POLL_COUNT = 4
"""Requests of the same path needed to speak of polling."""
TELLING_WORDS = 4
"""A log entry this short names an act (``cart item added``); words of a longer one fit too much."""
REFERRERS_KEPT = 10_000
"""Referrers whose path is remembered: every file of a page names the same."""
EVENT_GAP_NS = 10 * SECOND
"""Log entries without a request that nothing names start a new touchpoint after this long a silence."""


class Touchpoint:
    """One thing the visitor did."""

    __slots__ = (
        "act", "at_ns", "background", "events", "follow_path", "follows", "friction", "latency_ms", "logs",
        "method", "milestone", "ok", "path", "query", "referrer", "refused", "route", "sent", "sent_ns", "source", "stage",
        "status", "stumble", "text", "tier",
    )  # fmt: skip

    def __init__(self, row: Row, act: Act, events: list[bytes]) -> None:
        self.act = act
        self.at_ns = row[2]
        self.tier = row[3]
        self.source = row[0]
        self.method = row[5]
        self.path = row[6]
        self.route = row[7]
        self.query = row[8]
        status = row[9]
        self.status = status
        self.ok = status is None or status < 400
        self.latency_ms = row[10]
        self.referrer = row[11]
        self.events = events
        self.sent = 1
        self.sent_ns = row[2]
        self.follows: list[Act] | None = None
        self.follow_path: str | None = None
        self.stumble: int | None = None  # status of the page it led to, when that failed
        self.logs: list[Row] | None = None
        self.refused = False
        self.friction: list[str] | None = None
        self.text = ""
        self.milestone = False
        self.stage = 0
        self.background = False

    def note(self, row: Row) -> None:
        """Keep a log entry for what it tells; its event is kept elsewhere."""
        if self.logs is None:
            self.logs = [row]
        else:
            self.logs.append(row)

    def feel(self, kind: str) -> None:
        """Keep a kind of friction, once."""
        if self.friction is None:
            self.friction = [kind]
        elif kind not in self.friction:
            self.friction.append(kind)


def list_events(touchpoints: Sequence[Touchpoint]) -> list[list[list[int]]]:
    """(source, line) of everything that belongs to each of them."""
    texts = [b",".join(touchpoint.events) for touchpoint in touchpoints]
    found: list[list[list[int]]] = orjson.loads(b"[[%b]]" % b"],[".join(texts)) if texts else []
    return found


def fold_rows(rows: Sequence[Row], classifier: Classifier, labeler: Labeler, models: Models) -> list[Touchpoint]:
    """Touchpoints of a visit, in time order.

    Args:
        rows: In time order.
    """
    found: list[Touchpoint] = []
    by_request: dict[str, Touchpoint] = {}
    by_path: dict[str | None, Touchpoint] = {}
    redirected: list[tuple[Touchpoint, int]] = []
    early: list[Row] = []  # files and background requests before the first page
    waiting: list[Row] = []  # log entries whose request has not been met
    loose: list[Row] = []  # log entries without a request
    classify = classifier.classify
    last: Touchpoint | None = None
    last_referrer: str | None = None
    page: Touchpoint | None = None
    operations: dict[str | bytes, str] | None = None
    sources = 0
    first_source = -1
    for row in rows:
        if row[18]:
            if last is None:
                early.append(row)
                continue
            referrer = row[11]
            if referrer is None:
                page, last_referrer = last, None
            elif referrer != last_referrer or page is None:
                page, last_referrer = by_path.get(path_of(referrer)) or last, referrer
            page.events.append(row[19] or events_of(row))
            request = row[4]
            if request is not None:
                by_request[request] = page
            continue
        method = row[5]
        request = row[4]
        if method is None:
            if request is None:
                loose.append(row)
            elif request in by_request:
                touchpoint = by_request[request]
                touchpoint.events.append(events_of(row))
                touchpoint.note(row)
                status = row[9]
                if touchpoint.status is None and status is not None:
                    _end(touchpoint, status, row[10])
                    if 300 <= status < 400 and status != 304:
                        redirected.append((touchpoint, row[2] + REDIRECT_NS))
            else:
                waiting.append(row)
            continue
        source = row[0]
        events = row[19] or events_of(row)
        if request is not None and request in by_request:
            _join_tier(by_request[request], row, events)
            continue
        if source != first_source:
            if first_source < 0:
                first_source = source
            else:
                sources = 2
        if sources and found:
            same = _same_request(found, row)
            if same is not None:
                _join_tier(same, row, events)
                if request is not None:
                    by_request[request] = same
                continue
        act = classify(method, row[7] or row[6], row[8])
        if act.opaque:
            operations = _read_operations(rows, models) if operations is None else operations
            operation = operations.get(request or events)
            if operation:
                act = classify(method, row[7] or row[6], row[8], operation)
        at_ns = row[2]
        if act.background:
            if last is None:
                early.append(row)
            else:
                last.events.append(events)
                if request is not None:
                    by_request[request] = last
            continue
        status = row[9]
        if redirected and not act.write:
            origin, until = redirected.pop(0)
            while at_ns > until and redirected:
                origin, until = redirected.pop(0)
            if at_ns <= until:
                _follow(origin, row, act, events)
                by_path[row[6]] = origin
                if request is not None:
                    by_request[request] = origin
                if status is not None and 300 <= status < 400 and status != 304:
                    redirected.append((origin, at_ns + REDIRECT_NS))
                last_referrer = None
                continue
        if last is not None and at_ns - last.sent_ns <= TWICE_NS:
            if act.write and last.act is act and last.path == row[6] and last.query == row[8] and not _is_call(act):
                _send_again(last, row, events)
                if request is not None:
                    by_request[request] = last
                if status is not None and 300 <= status < 400:
                    redirected.append((last, at_ns + REDIRECT_NS))
                continue
            if (
                act.api
                and (act.opaque or not act.write)
                and at_ns - last.sent_ns <= BURST_NS
                and (status is None or status < 400)
            ):
                last.events.append(events)
                if not last.act.kind and act.kind and last.ok:
                    _rename(last, row, act)
                if request is not None:
                    by_request[request] = last
                continue
        last = Touchpoint(row, act, [events])
        found.append(last)
        by_path[row[6]] = last
        last_referrer = None
        if request is not None:
            by_request[request] = last
        if status is not None and 300 <= status < 400 and status != 304:
            redirected.append((last, at_ns + REDIRECT_NS))
    if early:
        _place_early(found, early, classifier)
    if loose or waiting:
        found = _place_logs(found, loose, waiting, by_request, classifier, labeler)
    if len(found) >= POLL_COUNT:
        found = _fold_polling(found, models)
    return found


def _read_operations(rows: Sequence[Row], models: Models) -> dict[str | bytes, str]:
    """What was asked for where every request has one address, by the request, or its line: its own entry says so, or one written for it."""
    found: dict[str | bytes, str] = {}
    for row in rows:
        if row[4] is not None or row[5] is not None:
            operation = operation_of(attributes_of(row), models.vocabulary["operation_keys"])
            if operation:
                found.setdefault(row[4] if row[4] is not None else row[19] or events_of(row), operation)
    return found


def _is_call(act: Act) -> bool:
    """A machine's call or one whose meaning the route hides: two of them may be two different things."""
    return act.opaque or act.kind == "webhook"


@lru_cache(REFERRERS_KEPT)
def path_of(url: str) -> str:
    """The path of a referrer.

    >>> path_of("https://www.example.com/a/b?c=1"), path_of("/a"), path_of("https://www.example.com")
    ('/a/b', '/a', '/')
    """
    start = url.find("://")
    if start >= 0:
        start = url.find("/", start + 3)
        if start < 0:
            return "/"
        url = url[start:]
    end = url.find("?")
    if end >= 0:
        url = url[:end]
    end = url.find("#")
    return url[:end] if end >= 0 else url


def _join_tier(touchpoint: Touchpoint, row: Row, events: bytes) -> None:
    """Another tier's line of a request: the edge's view of it wins, it is what the visitor got."""
    touchpoint.events.append(events)
    if touchpoint.referrer is None:
        touchpoint.referrer = row[11]
    if row[3] == "edge" and touchpoint.tier != "edge" and touchpoint.path == row[6] and not touchpoint.follows:
        touchpoint.tier = "edge"
        touchpoint.status = row[9] if row[9] is not None else touchpoint.status
        touchpoint.ok = touchpoint.status is None or touchpoint.status < 400
        touchpoint.query = row[8] or touchpoint.query
        touchpoint.referrer = row[11] or touchpoint.referrer
        if row[10] is not None:
            touchpoint.latency_ms = row[10]


def _end(touchpoint: Touchpoint, status: int, latency_ms: float | None) -> None:
    """What the line says that tells how a request ended, where its first line could not."""
    touchpoint.status = status
    touchpoint.ok = status < 400
    if touchpoint.latency_ms is None:
        touchpoint.latency_ms = latency_ms


def _same_request(found: list[Touchpoint], row: Row) -> Touchpoint | None:
    """The touchpoint whose request this line of another source tells again, without a key in common."""
    for touchpoint in reversed(found[-LOOK_BACK:]):
        if row[2] - touchpoint.sent_ns > TIER_NS:
            return None
        if (
            touchpoint.source != row[0]
            and touchpoint.method == row[5]
            and touchpoint.path == row[6]
            and touchpoint.status == row[9]
            and (row[4] is None or row[3] != touchpoint.tier)
            and sum(event[0] == row[0] for event in list_events([touchpoint])[0][:LOOK_BACK]) < touchpoint.sent
        ):
            return touchpoint
    return None


def _follow(origin: Touchpoint, row: Row, act: Act, events: bytes) -> None:
    """The page a redirect leads to."""
    origin.events.append(events)
    status = row[9]
    if status is not None and status >= 400:
        origin.ok = False
        origin.stumble = status
    if row[10] is not None:
        origin.latency_ms = round((origin.latency_ms or 0.0) + row[10], 3)
    if status is not None and 300 <= status < 400 and status != 304:
        return
    if not origin.act.write and act.kind and not (origin.act.milestone and not act.milestone):
        _rename(origin, row, act)
    origin.follows = [*(origin.follows or ()), act]
    origin.follow_path = row[6]


def _rename(touchpoint: Touchpoint, row: Row, act: Act) -> None:
    """The visitor ended up on this: it names what was done."""
    touchpoint.act = act
    touchpoint.path, touchpoint.route, touchpoint.query = row[6], row[7], row[8] or touchpoint.query


def _send_again(touchpoint: Touchpoint, row: Row, events: bytes) -> None:
    """The same form within seconds: whichever went through counts."""
    touchpoint.events.append(events)
    touchpoint.sent += 1
    touchpoint.sent_ns = row[2]
    status = row[9]
    if status is not None and status < 400 and not touchpoint.ok:
        touchpoint.ok = True
        touchpoint.status = status


def events_of(row: Row) -> bytes:
    """The events a row stands for, as documents list them."""
    return row[19] or b"[%d,%d]" % (row[0], row[1])


def _place_early(found: list[Touchpoint], early: list[Row], classifier: Classifier) -> None:
    """Files before the first page belong to it: the page came from a cache, or its line is stamped at its end."""
    if found:
        found[0].events[:0] = map(events_of, early)
        return
    row = early[0]
    act = classifier.classify(row[5] or "GET", row[7] or row[6], None)
    touchpoint = Touchpoint(row, act, list(map(events_of, early)))
    touchpoint.background = row.is_asset
    found.append(touchpoint)


def _place_logs(
    found: list[Touchpoint],
    loose: list[Row],
    waiting: list[Row],
    by_request: dict[str, Touchpoint],
    classifier: Classifier,
    labeler: Labeler,
) -> list[Touchpoint]:
    """Log entries that came before their request, or have none: to their request, else to what was going on then."""
    for row in waiting:
        touchpoint = by_request.get(row[4] or "")
        if touchpoint is None:
            loose.append(row)
        else:
            touchpoint.events.append(events_of(row))
            touchpoint.note(row)
    if waiting:
        loose.sort(key=lambda row: (row[2], row[0], row[1]))
    if not found:
        return _read_logs(loose, classifier, labeler)
    starts = [
        touchpoint.at_ns - int((touchpoint.latency_ms or 0.0) * 1_000_000) if touchpoint.method else touchpoint.at_ns
        for touchpoint in found
    ]
    for place in range(len(starts) - 2, -1, -1):
        starts[place] = min(starts[place], starts[place + 1])
    for row in loose:
        touchpoint = found[max(0, bisect_right(starts, row[2]) - 1)]
        touchpoint.events.append(events_of(row))
        touchpoint.note(row)
    return found


def _read_logs(loose: list[Row], classifier: Classifier, labeler: Labeler) -> list[Touchpoint]:
    """Touchpoints of a visit that only log entries tell of: each entry with a known name is one, the rest fold in."""
    found: list[Touchpoint] = []
    requests: dict[str, Touchpoint] = {}
    last_ns = 0
    for row in loose:
        attributes = attributes_of(row)
        label = labeler.label(row, attributes)
        act: Act | None = None
        if label.verb or 0 < len(label.text.split()) <= TELLING_WORDS:
            asked = (classifier.classify(method, None, None, label.text) for method in ("POST", "GET"))
            act = next((one for one in asked if one.kind), None)
            if act is not None and not act.write:
                act = act._replace(text=label.text, named="", filled=False)  # nothing was looked at: no page is told of
        request = row[4]
        home = requests.get(request) if request is not None else None
        if home is None and found and (act is None or act.background) and row[2] - last_ns <= EVENT_GAP_NS:
            home = found[-1]
        if home is None and found and act is not None and found[-1].act == act and row[2] - last_ns <= TWICE_NS:
            home = found[-1]
        last_ns = row[2]
        if home is None:
            unknown = Act("", label.text, "", 0, False, False, False, False, False, False)
            home = Touchpoint(row, act or unknown, [events_of(row)])
            home.logs = [row]
            found.append(home)
        else:
            home.events.append(events_of(row))
            home.note(row)
        if label.failed:
            home.ok = False
        if request is not None:
            requests[request] = home
    return found


def _fold_polling(found: list[Touchpoint], models: Models) -> list[Touchpoint]:
    """Requests of the same path at regular intervals are the page's doing: fold them into what the visitor did."""
    if len(found) - len({touchpoint.path for touchpoint in found}) < POLL_COUNT - 1:
        return found
    by_path: dict[tuple[str | None, str | None, Act], list[int]] = {}
    for place, touchpoint in enumerate(found):
        by_path.setdefault((touchpoint.method, touchpoint.path, touchpoint.act), []).append(place)
    limit = float(models.friction["limits"]["regular_cv"])
    polled: set[int] = set()
    for places in by_path.values():
        first = found[places[0]]
        if len(places) < POLL_COUNT or first.act.write:
            continue
        by_machine = first.act.api or not first.act.kind or len({found[place].query for place in places}) == 1
        if by_machine and is_regular([found[place].at_ns for place in places], limit):
            polled.update(places[1:])
            if places[0] > 0:
                polled.add(places[0])
    if not polled:
        return found
    kept: list[Touchpoint] = []
    for place, touchpoint in enumerate(found):
        if place in polled and kept:
            kept[-1].events += touchpoint.events
            for row in touchpoint.logs or ():
                kept[-1].note(row)
        else:
            kept.append(touchpoint)
    return kept


def is_regular(times_ns: Sequence[int], limit: float) -> bool:
    """Gaps so even that a machine keeps them: their standard deviation is under ``limit`` of their mean.

    >>> is_regular([0, 10, 20, 30, 41], 0.2), is_regular([0, 3, 20, 24, 60], 0.2)
    (True, False)
    """
    gaps = [later - earlier for earlier, later in pairwise(times_ns)]
    mean = sum(gaps) / len(gaps)
    if mean <= 0:
        return False
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    return bool(variance < (limit * mean) ** 2)
