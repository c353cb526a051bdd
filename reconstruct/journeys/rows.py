"""What the journey builders are given: rows of one session, and rows of the business objects it gave birth to.

The correlator's links joined with the events, sorted by time, then source and line. Rows are plain tuples with names
because there is one per event: a million must be affordable (250 ns each; a dataclass costs three times that).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One event of a journey or of an object."""

    source: int
    """Source.id"""
    line: int
    """1-based first line"""
    time_ns: int
    """corrected UTC time (zone and clock offset applied)"""
    tier: str
    """``edge`` (web access log that sees the client), ``app`` (any other request log: application server, proxy hop),
    ``log`` (application or back-office entry without a request)"""
    request: str | None
    """Request key: equal for all lines of all tiers written for one request; None when unknown"""
    method: str | None
    path: str | None
    route: str | None
    """path with its variable segments as ``{}``: ``/orders/{}``"""
    query: str | None
    status: int | None
    duration_ms: float | None
    referrer: str | None
    vhost: str | None
    level: str | None
    service: str
    """Who wrote it: the service field, else a name from logger, process or file; never empty"""
    logger: str | None
    message: str | None
    attributes: str | None
    """JSON object text, or None"""
    is_asset: bool
    """a static file, by extension or content: folded into the page that asked for it"""
    events: bytes | None = None
    """its line as documents list events, ``[0,12]``, and after it, commas between, further lines of its source folded into it:
    the static files that a page asked for right after it; of a static file others that the same page asked for. None: its line"""


@dataclass(slots=True)
class ObjectInput:
    """A business object (an order) and everything the business did for it."""

    type: str
    """identifier type: ``order``"""
    id: str
    rows: list[Row]
    """its events, in time order"""
    trigger: int | None
    """index in the session's rows of the event that gave birth to it; None when no session is known"""
    objects: list[tuple[str, str]] = field(default_factory=list)
    """sub-objects (type, id): payments, parcels, tasks"""
    attempt: int = 0
    """the how manieth try in vain, before the visit that succeeded; 0: the object itself"""

    @property
    def name(self) -> str:
        return name_object(self.type, self.id, self.attempt)


def name_object(type_name: str, value: str, attempt: int) -> str:
    """The id of its business journey: ``order:1001``, of the first try in vain ``order:1001~1``."""
    return f"{type_name}:{value}~{attempt}" if attempt else f"{type_name}:{value}"


@dataclass(slots=True)
class SessionInput:
    """One visit of one visitor."""

    id: str
    customer: str | None
    session_ids: list[str]
    client_ips: list[str]
    user_agent: str | None
    device: str
    """plain words: ``Chrome · mobile``"""
    agent_kind: str
    """human, bot, monitor or unknown"""
    rows: list[Row]
    """its own events in time order: web requests, their application lines; not the rows of its objects"""
    objects: list[ObjectInput] = field(default_factory=list)
    caused: list[Row] = field(default_factory=list)
    """rows of its objects that belong to this session and are not among ``rows``: what the business did because of it.
    A row of an object may be in neither (a later try in another session, the object's page seen by somebody else)"""
    identifiers: dict[str, list[str]] = field(default_factory=dict)
    """other identifiers seen in it by type: {"basket": ["175"]}"""
    previous: str | None = None
    """id of the same customer's journey before this one"""
    cut_off: bool = False
    """the logs end while it may still be going on: no drop-off may be claimed"""
    ended_ns: int | None = None
    """when it ended; None: with the last of its rows"""
    customer_from: str | None = None
    """where the customer is known from: ``identifier`` (it stands in the visit), ``alias`` (another name of the same
    person does) or ``device`` (it is the browser's)"""
    customer_also: list[str] = field(default_factory=list)
    """other names of the customer"""
    agent_why: str = ""
    """why ``agent_kind`` is what it is, in a few words; empty where nothing is known"""
