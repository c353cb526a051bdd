"""All journeys of one customer as one document, so that they stand on one axis: a lane per session, or per channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconstruct.journeys.axis import to_datetime
from reconstruct.journeys.moments import mapping_of, mappings_of, text_of, time_of

CHAIN_CAP = 200
"""Sessions put on one axis: more than anybody looks through, and still drawn at once."""

Document = Mapping[str, object]


def nearest(ids: Sequence[str], id: str, cap: int = CHAIN_CAP) -> list[str]:
    """At most ``cap`` of a customer's journeys (in time order): those around one of them.

    >>> nearest(["a", "b", "c", "d", "e"], "d", 3)
    ['c', 'd', 'e']
    """
    place = ids.index(id) if id in ids else 0
    first = max(0, min(place - cap // 2, len(ids) - cap))
    return list(ids[first : first + cap])


def chain_documents(customer: str, documents: Sequence[Document], n_known: int | None = None) -> dict[str, object]:
    """One document of many: touchpoints, business journeys, signals and links behind each other, references moved along.

    Args:
        customer: Whose.
        documents: Journeys in time order.
        n_known: How many there are, when not all are given.

    The document has ``sessions``: per journey its ``id``, ``name`` of its lane, ``channel``, ``outcome``, and where its
    touchpoints and business journeys begin (``first_touchpoint``, ``n_touchpoints``, ``first_business``).
    """
    touchpoints: list[Document] = []
    businesses: list[Document] = []
    signals: list[Document] = []
    links: list[Document] = []
    sessions: list[dict[str, object]] = []
    for document in documents:
        journey = mapping_of(document.get("customer_journey"))
        own = mappings_of(journey.get("touchpoints"))
        shift = len(touchpoints)
        sessions.append({
            "id": text_of(document.get("id")), "name": _name(document), "channel": text_of(document.get("channel"), "web"),
            "outcome": text_of(journey.get("outcome"), "unknown"), "first_touchpoint": shift, "n_touchpoints": len(own),
            "first_business": len(businesses),
        })  # fmt: skip
        touchpoints += own
        businesses += [_moved(business, shift) for business in mappings_of(document.get("business_journeys"))]
        signals += [
            {**signal, "touchpoint": place + shift} if isinstance(place := signal.get("touchpoint"), int) else signal
            for signal in mappings_of(mapping_of(document.get("experience")).get("signals"))
        ]
        links += mappings_of(document.get("links"))
    last = mapping_of(documents[-1].get("customer_journey")) if documents else {}
    return {
        "id": f"customer:{customer}", "customer": customer, "sessions": sessions,
        "n_sessions": len(documents) if n_known is None else n_known,
        "started_at": documents[0].get("started_at") if documents else None,
        "ended_at": documents[-1].get("ended_at") if documents else None,
        "customer_journey": {"touchpoints": touchpoints, "outcome": last.get("outcome")},
        "experience": {"signals": signals}, "business_journeys": businesses, "links": links,
    }  # fmt: skip


def _moved(business: Document, shift: int) -> Document:
    trigger = mapping_of(business.get("trigger"))
    place = trigger.get("touchpoint")
    return {**business, "trigger": {**trigger, "touchpoint": place + shift}} if isinstance(place, int) else business


def _name(document: Document) -> str:
    at = time_of(document.get("started_at"))
    channel = text_of(document.get("channel"))
    if at is None:
        return channel or "session"
    moment = to_datetime(at)
    return f"{moment.day} {moment:%b %H:%M} {channel}".strip()
