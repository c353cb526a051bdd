"""How the visit felt, as far as a server can see: friction signals, Apdex, and a score that lists its reasons.

Kinds, weights and words are data (``vocabulary/friction.toml``). Clicks, scrolling and feelings are not in server logs and
are never claimed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from reconstruct.journeys.labels import Labeler, attributes_of
from reconstruct.journeys.models import Models
from reconstruct.journeys.rows import Row
from reconstruct.journeys.touchpoints import Touchpoint

FULL = 100.0
"""Points of a visit without a sign of friction."""
DECAY = 0.5
"""The next signal of the same kind counts half: the sum of a kind stays under twice its weight."""
LEAST = 0.1
"""Signals that would take less than this are not listed: a robot's ten thousandth error says nothing new."""
HUNG_UP = (408, 499)
"""Request timeout; client closed the connection (nginx)."""
PAYING = frozenset(("place_order", "payment", "book", "subscribe"))
DEFAULT_KIND = "reported_error"
MESSAGE_CAP = 500
"""Characters of an entry searched for a rating."""


class Experience:
    """Signals of one visit, and the score they leave."""

    __slots__ = ("_counts", "_models", "feedback", "signals", "taken")

    def __init__(self, models: Models) -> None:
        self._models = models
        self._counts: dict[str, int] = {}
        self.signals: list[dict[str, Any]] = []
        self.feedback: list[dict[str, Any]] = []
        """what visitors said themselves: ``kind``, ``value``, ``at``, ``touchpoint``"""
        self.taken = 0.0

    @property
    def score(self) -> int:
        """``max(0, 100 - sum of weights)``, rounded."""
        return max(0, round(FULL - self.taken))

    def note(self, kind: str, place: int, touchpoint: Touchpoint, **words: object) -> None:
        """Add a signal to the visit and to its touchpoint."""
        touchpoint.feel(kind)
        seen = self._counts.get(kind, 0)
        self._counts[kind] = seen + 1
        weight = round(float(self._models.friction["weight"].get(kind, 0.0)) * DECAY**seen, 1)
        if weight < LEAST:
            return
        self.taken += weight
        template: str = self._models.friction["why"].get(kind, "{activity}")
        said = {
            "activity": touchpoint.text,
            "status": touchpoint.stumble or touchpoint.status,
            "target": touchpoint.path if touchpoint.stumble is None else touchpoint.follow_path,
            "latency": round(touchpoint.latency_ms or 0),
            **words,
        }
        for key, value in said.items():
            template = template.replace(f"{{{key}}}", str(value))
        self.signals.append(
            {"kind": kind, "at": touchpoint.at_ns, "touchpoint": place, "weight": weight, "why": template}
        )


class Limits:
    """Where friction begins, as the vocabulary has it, in the units it is compared in."""

    __slots__ = ("rapid_ns", "reload_ns", "retry_ns", "slow_ms", "support")

    def __init__(self, models: Models) -> None:
        limits = models.friction["limits"]
        self.slow_ms = float(limits["slow_ms"])
        self.reload_ns = int(limits["reload_ms"]) * 1_000_000
        self.rapid_ns = int(limits["rapid_ms"]) * 1_000_000
        self.retry_ns = int(limits["retry_ms"]) * 1_000_000
        self.support = frozenset(models.friction["words"]["support"])


def observe(touchpoints: Sequence[Touchpoint], models: Models, limit: Limits, *, ended_badly: bool) -> Experience:
    """The friction of a visit.

    Args:
        touchpoints: Named and judged.
        limit: Of the same models.
        ended_badly: The visit did not reach its goal, and the logs show its end.
    """
    seen = Experience(models)
    limits = models.friction["limits"]
    slow_ms, reload_ns, rapid_ns, support = limit.slow_ms, limit.reload_ns, limit.rapid_ns, limit.support
    failures: dict[tuple[str, str | None], int] = {}
    terms: set[str] = set()
    previous: Touchpoint | None = None
    before: Touchpoint | None = None
    for place, touchpoint in enumerate(touchpoints):
        if not touchpoint.ok:
            _note_failure(seen, place, touchpoint, failures, limits)
        if touchpoint.latency_ms is not None and touchpoint.latency_ms > slow_ms:
            seen.note("slow_wait", place, touchpoint, slow=round(slow_ms))
        if touchpoint.sent > 1:
            kind = "rapid_repeat" if touchpoint.sent >= limits["rapid_count"] else "double_submit"
            seen.note(kind, place, touchpoint, count=touchpoint.sent, rapid=limits["rapid_ms"])
        if previous is not None and not touchpoint.act.write and touchpoint.path is not None:
            gap = touchpoint.at_ns - previous.at_ns
            if gap <= reload_ns:
                same = previous.path == touchpoint.path and previous.query == touchpoint.query
                if same and not previous.act.write:
                    if (
                        before is not None
                        and before.path == touchpoint.path
                        and touchpoint.at_ns - before.at_ns <= rapid_ns
                    ):
                        seen.note("rapid_repeat", place, touchpoint, count=3, rapid=limits["rapid_ms"])
                    else:
                        seen.note("reload", place, touchpoint, gap=gap // 1_000_000)
                elif (
                    before is not None
                    and before.path == touchpoint.path
                    and before.query == touchpoint.query
                    and not previous.act.write
                    and touchpoint.at_ns - before.at_ns <= reload_ns
                ):
                    gap = touchpoint.at_ns - before.at_ns
                    seen.note("back_and_forth", place, touchpoint, gap=gap // 1_000_000)
            before_failed = not previous.ok and (previous.stumble or previous.status or 0) >= 400
            if before_failed and previous.path == touchpoint.path and gap <= limit.retry_ns:
                seen.note("error_retry", place, touchpoint)
        if touchpoint.act.kind in support and touchpoint.ok:
            seen.note("asked_support", place, touchpoint)
        if touchpoint.act.kind == "search":
            if touchpoint.text not in terms:
                terms.add(touchpoint.text)
                if len(terms) == limits["search_loop"]:
                    seen.note("search_loop", place, touchpoint, count=len(terms))
        elif terms:
            terms = set()
        if touchpoint.logs is not None:
            _read_logs(seen, place, touchpoint, models)
        before, previous = previous, touchpoint
    if ended_badly and previous is not None and not previous.ok and len(touchpoints) > 1:
        seen.note("dead_end", len(touchpoints) - 1, previous)
    return seen


def _note_failure(
    seen: Experience,
    place: int,
    touchpoint: Touchpoint,
    failures: dict[tuple[str, str | None], int],
    limits: dict[str, Any],
) -> None:
    status = touchpoint.stumble or touchpoint.status or 0
    kind = touchpoint.act.kind if touchpoint.stumble is None else ""
    key = (kind, touchpoint.path if not kind or touchpoint.refused else None)
    times = failures[key] = failures.get(key, 0) + 1
    loops = times >= limits["retry_loop"]
    if status in HUNG_UP:
        seen.note("gave_up_waiting", place, touchpoint)
    elif kind in PAYING:
        seen.note("payment_failed", place, touchpoint)
        if loops:
            seen.note("payment_retry", place, touchpoint, count=times)
    elif kind == "login" and status < 500:
        seen.note("login_loop" if loops else "login_failed", place, touchpoint, count=times)
    elif kind == "voucher" and status < 500:
        seen.note("voucher_loop" if loops else "voucher_refused", place, touchpoint, count=times)
    elif status >= 500:
        seen.note("server_error", place, touchpoint)
    elif touchpoint.refused or status == 422:
        seen.note("form_struggle" if loops else "form_sent_back", place, touchpoint, count=times)
    elif status in (404, 410):
        seen.note("not_found", place, touchpoint)
    elif status >= 400:
        seen.note("access_refused", place, touchpoint)
    else:
        seen.note(DEFAULT_KIND, place, touchpoint)


def _read_logs(seen: Experience, place: int, touchpoint: Touchpoint, models: Models) -> None:
    """What the application wrote: searches without results, ratings given."""
    words = models.friction["words"]
    is_search = touchpoint.act.kind == "search"
    for row in touchpoint.logs or ():
        if is_search:
            message = (row.message or "")[:500].lower()
            empty = any(_stands_in(phrase, message) for phrase in words["zero_results"])
            if not empty and row.attributes:
                attributes = attributes_of(row)
                empty = any(attributes.get(key) in (0, "0") for key in words["zero_keys"])
            if empty:
                seen.note("zero_results", place, touchpoint)
                is_search = False
        told = _rating_in(row, words)
        if told is not None:
            key, rating = told
            seen.feedback.append({"kind": key, "value": rating, "at": row.time_ns, "touchpoint": place})
            if rating <= models.friction["limits"]["poor_nps" if key == NPS else "poor_rating"]:
                seen.note("poor_rating", place, touchpoint, rating=f"{key} {rating:g}")


def _rating_in(row: Row, words: Mapping[str, Sequence[str]]) -> tuple[str, float] | None:
    """A rating an entry tells, in an attribute or as ``rating=4`` in the text about a survey."""
    keys = words["rating_keys"]
    if row.attributes and any(f'"{key}"' in row.attributes for key in keys):
        attributes = attributes_of(row)
        for key in keys:
            rating = _rating(attributes.get(key))
            if rating is not None:
                return key, rating
    message = (row.message or "").lower()
    for key in keys if any(word in message for word in words["asked"]) else ():
        if key in message:
            found = re.search(rf"\b{key}[=:]\s?(\d{{1,3}}(?:\.\d)?)(?![\w.])", message[:MESSAGE_CAP])
            if found:
                return key, float(found[1])
    return None


def add_waits(document: dict[str, Any], touchpoints: Sequence[Touchpoint], models: Models, labeler: Labeler) -> None:
    """Note what the customer waited for longer than is usual: late and overdue steps that are felt, of annotated business
    journeys. Estimated: that a wait was felt is not in any log. Changes the experience of the document and the touchpoints.
    """
    felt = frozenset(models.friction["words"]["felt"])
    experience, counts = document["experience"], dict[str, int]()
    taken = sum(signal["weight"] for signal in experience["signals"])
    before = taken
    for business in document["business_journeys"]:
        place = (business["trigger"] or {}).get("touchpoint")
        for deviation in business["deviations"]:
            kind = WAITS.get(deviation["kind"])
            if kind is None or place is None or labeler.read(deviation["activity"]).verb not in felt:
                continue
            weight = round(float(models.friction["weight"].get(kind, 0.0)) * DECAY ** counts.get(kind, 0), 1)
            counts[kind] = counts.get(kind, 0) + 1
            if weight < LEAST:
                continue
            why: str = models.friction["why"].get(kind, "{activity}")
            thing = f"{business['object']['type']} {business['object']['id']}"
            for key, value in (("thing", thing), ("activity", deviation["activity"]), ("why", deviation["why"])):
                why = why.replace(f"{{{key}}}", value)
            at = deviation.get("expected_at") or business["ended_at"]
            experience["signals"].append({"kind": kind, "at": at, "touchpoint": place, "weight": weight, "why": why})
            taken += weight
            touchpoints[place].feel(kind)
    if taken > before:
        experience["score"] = max(0, round(FULL - taken))


WAITS = {"late": "waited_long", "stuck": "still_waiting"}
"""Deviation of a business journey → how the customer felt it."""
NPS = "nps"


def _stands_in(phrase: str, text: str) -> bool:
    """The phrase as whole words: "10 results" does not hold "0 results"."""
    place = text.find(phrase)
    while place >= 0:
        if place == 0 or not text[place - 1].isalnum():
            return True
        place = text.find(phrase, place + 1)
    return False


def _rating(value: object) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and value[:4].replace(".", "", 1).isdigit() and len(value) <= 4:
        return float(value)
    return None


def apdex(touchpoints: Sequence[Touchpoint], models: Models) -> float | None:
    """(satisfied + tolerating / 2) / all, over touchpoints whose latency is logged; None when none is.

    Satisfied up to T, tolerating up to 4T, frustrated above or when the server failed.
    """
    limit = float(models.friction["apdex"]["satisfied_ms"])
    total = points = 0.0
    for touchpoint in touchpoints:
        latency = touchpoint.latency_ms
        if latency is None:
            continue
        total += 1
        if (touchpoint.stumble or touchpoint.status or 0) >= 500:
            continue
        if latency <= limit:
            points += 1
        elif latency <= 4 * limit:
            points += 0.5
    return round(points / total, 2) if total else None
