"""What else a line might have belonged to, and why it does not: looked up when somebody asks, in what pass 2 left in the store.

Nothing is decided here. Each query names the places a line could have gone for one kind of reason; the words say what
spoke against them, as the rules of ``correlate`` have it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson
import pyarrow as pa

from reconstruct.correlate.brackets import LONGEST_S, RATIO, serving
from reconstruct.journeys.align import SURE
from reconstruct.journeys.axis import say_duration
from reconstruct.store.database import Store

MOST = 8
"""Alternatives given per line, the nearest first: a busy second has hundreds."""

DOUBTS = 10_000
"""Links whose alternatives are written into the export: on the slowest logs known, half a second's work."""

REACH_S = 86_400
"""How far away a visit of the same visitor is still told of: yesterday's is not what anybody wonders about."""

EVERYWHERE = 200
"""Lines beyond which a value is no place a line could have gone: hundreds of visits look at the same product."""

VALUE_CHARACTERS = 40
"""Characters of an identifier in a reason."""

PERSONAL = ("session", "customer", "device", "object", "sub-object")
"""Roles of identifiers that could have joined; through the others nothing ever is."""

Document = dict[str, Any]

ASKED = """
    asked AS (SELECT i.eid, t.t, e.method, v.visit, v.rule, coalesce(d.anchor, i.eid) AS anchor
              FROM asked_in i JOIN timeline t USING (eid) JOIN events e USING (eid)
              LEFT JOIN event_visit v USING (eid) LEFT JOIN anchored d USING (eid))
"""

WHICH = f"""
    WITH {ASKED} SELECT count(*), min(t), max(t), (SELECT count(*) FROM things) FROM asked WHERE method IS NULL
"""
"""Which of the queries below can find anything."""

SAME_VISITOR = f"""
    WITH {ASKED},
         who AS (SELECT a.*, n.visitor, v.rule AS way FROM asked a JOIN anchors n ON n.eid = a.anchor JOIN event_visit v ON v.eid = n.eid),
         spans AS (SELECT n.visitor, n.visit, min(t.t) AS t0, max(t.t) AS t1 FROM anchors n JOIN timeline t USING (eid)
                   SEMI JOIN who USING (visitor) GROUP BY ALL),
         others AS (SELECT w.eid, w.way, w.visit AS chosen, s.visit, s.t0 > w.t AS later,
                           greatest(s.t0 - w.t, w.t - s.t1, 0) AS away
                    FROM who w JOIN spans s USING (visitor) WHERE s.visit <> w.visit),
         named AS (SELECT v.visit, min(y.value) AS session FROM event_visit v JOIN typed y USING (eid)
                   WHERE y.type::VARCHAR IN (SELECT unnest($sessions)) AND NOT y.multi
                     AND v.visit IN (SELECT visit FROM others UNION ALL SELECT chosen FROM others) GROUP BY ALL)
    SELECT o.eid, n.id, o.way, o.later, o.away, theirs.session, ours.session
    FROM others o JOIN numbered n USING (visit) LEFT JOIN named theirs ON theirs.visit = o.visit
    LEFT JOIN named ours ON ours.visit = o.chosen WHERE o.away <= {REACH_S}::BIGINT * 1000000000
    ORDER BY o.eid, o.away, n.id
"""
"""Other visits of the address and browser."""

SERVED_MEANWHILE = f"""
    WITH {ASKED},
         waiting AS (SELECT * FROM asked WHERE method IS NULL AND (rule IS NULL OR rule = 'in flight')),
         served AS ({serving(f"t.t BETWEEN $first AND $last + {LONGEST_S}::BIGINT * 1000000000")}),
         found AS (SELECT w.eid, w.visit AS chosen, a.visit, s.route, abs(w.t - (s.t0 + s.t1) / 2) AS away
                   FROM waiting w JOIN served s ON w.t BETWEEN s.t0 AND s.t1 JOIN anchors a ON a.eid = s.anchor)
    SELECT f.eid, n.id, f.chosen IS NULL, arg_min(f.route, (f.away, f.route)),
           count(*) OVER (PARTITION BY f.eid)
    FROM found f JOIN numbered n USING (visit) WHERE f.visit IS DISTINCT FROM f.chosen
    GROUP BY f.eid, n.id, f.chosen ORDER BY f.eid, min(f.away), n.id
"""
"""Requests of other visits that were being served when a line without one was written."""

SAME_VALUE = f"""
    WITH {ASKED},
         held AS (SELECT a.eid, a.t, a.visit AS chosen, y.type, y.value FROM asked a JOIN typed y USING (eid)),
         few AS (SELECT type, value FROM typed SEMI JOIN held USING (type, value) GROUP BY ALL HAVING count(*) <= {EVERYWHERE}),
         met AS (SELECT h.eid, h.type, h.value, v.visit, min(abs(t.t - h.t)) AS away
                 FROM held h SEMI JOIN few USING (type, value) JOIN typed z USING (type, value)
                 JOIN event_visit v ON v.eid = z.eid JOIN timeline t ON t.eid = z.eid
                 WHERE v.visit IS DISTINCT FROM h.chosen GROUP BY ALL)
    SELECT m.eid, arg_min(n.id, (m.away, n.id)), any_value(k.name), m.value, min(m.away), count(*)
    FROM met m JOIN numbered n USING (visit) JOIN type_names k ON k.number = m.type::VARCHAR
    GROUP BY m.eid, m.type, m.value ORDER BY m.eid, min(m.away), m.type, m.value
"""
"""Other visits in which an identifier of the line stands."""

SAME_REQUEST = f"""
    WITH {ASKED},
         bundle AS (SELECT a.eid, g.type::VARCHAR AS type, g.value FROM asked a JOIN grouped g USING (eid)
                    UNION SELECT eid, 'request', anchor::VARCHAR FROM asked),
         members AS (SELECT type::VARCHAR AS type, value, eid FROM grouped SEMI JOIN bundle ON bundle.type = grouped.type::VARCHAR
                                                                                      AND bundle.value = grouped.value
                     UNION SELECT 'request', anchor::VARCHAR, d.eid FROM anchored d SEMI JOIN asked USING (anchor)
                     UNION SELECT 'request', anchor::VARCHAR, anchor FROM asked),
         about AS (SELECT DISTINCT b.eid, l.object FROM bundle b JOIN members m USING (type, value) JOIN thing_links l ON l.eid = m.eid
                   WHERE l.rule <> 'request')
    SELECT a.eid, k.name, o.value, count(*) OVER (PARTITION BY a.eid) FROM about a JOIN things o USING (object)
    JOIN type_names k ON k.number = o.type::VARCHAR ANTI JOIN thing_links l ON l.eid = a.eid AND l.object = a.object
    ORDER BY a.eid, k.name, o.value
"""
"""Objects that other lines of the same request name."""

OTHER_TRIES = f"""
    WITH {ASKED}
    SELECT DISTINCT a.eid, n.id, k.name, o.value FROM asked a JOIN thing_links l USING (eid) JOIN things o USING (object)
    JOIN things again USING (type, value) JOIN births b ON b.object = again.object JOIN numbered n ON n.visit = b.visit
    JOIN type_names k ON k.number = o.type::VARCHAR
    WHERE a.rule = 'object' AND l.rule <> 'batch' AND b.visit <> a.visit ORDER BY ALL
"""
"""Other visits that tried for the object a line was given to its visit by."""

CHOSEN_BY = {
    "session": "the session identifier is of the visit chosen",
    "customer": "the customer is the one of the visit chosen",
    "redirect": "the visit chosen had just been redirected here",
    "referrer": "the visit chosen opened the page this came from, and did so last",
    "asset": "the visit chosen opened the page that asks for this file, or was active last",
    "roaming": "the visit chosen opened the page this came from, from another address of the same browser",
    "address": "the visit chosen was active last",
    "stray": "the edge's line is missing, and the visit chosen asks for the page's files, goes on from it or was where it came from",
    "start": "this entered the site anew",
}
"""What spoke for the visit chosen, by the rule of its request (correlate/visits)."""


class Alternative(NamedTuple):
    """A place where a line is not, and the reason."""

    to: str
    """``session``, or an object: ``order:1001``"""
    journey: str | None
    """the journey, where ``to`` is a session"""
    why: str

    def render(self) -> Document:
        """As a row of ``refused`` in the export."""
        return {key: value for key, value in self._asdict().items() if value is not None}


def find_alternatives(store: Store, eids: Sequence[int], cut_s: float) -> dict[int, list[Alternative]]:
    """What lines might have belonged to, per line, at most MOST each; a line without any is left out.

    Args:
        eids: Of lines in the store; others have no alternatives.
        cut_s: Silence that ends a visit.
    """
    if not eids:
        return {}
    asked = _Asked(store, eids, cut_s)
    found: dict[int, list[Alternative]] = defaultdict(list)
    for eid, alternative in asked.all():
        known = found[eid]
        # One place is told of once, by the first reason.
        if len(known) < MOST and all(each[:2] != alternative[:2] for each in known):
            known.append(alternative)
    return dict(found)


def find_doubts(store: Store, cut_s: float) -> pa.Table:
    """(eid, refused): for links to sessions that are not sure, the alternatives as a JSON array; by eid. Needs ``numbered``.

    At most DOUBTS of them: these are looked up with the journeys, all others when somebody asks.
    """
    rows = store.rows("SELECT eid FROM event_visit WHERE confidence < ? ORDER BY eid LIMIT ?", [SURE, DOUBTS])
    found = find_alternatives(store, [eid for (eid,) in rows], cut_s)
    texts = [orjson.dumps([each.render() for each in found[eid]]).decode() for eid in sorted(found)]
    return pa.table({"eid": pa.array(sorted(found), pa.int64()), "refused": pa.array(texts, pa.string())})


class _Asked:
    """The queries over one set of lines."""

    def __init__(self, store: Store, eids: Sequence[int], cut_s: float) -> None:
        self._cut_ns = int(cut_s * 1e9)
        self._db = store.connection.cursor()
        self._db.register("asked_in", pa.table({"eid": pa.array(sorted(set(eids)), pa.int64())}))
        identifiers = orjson.loads(store.meta("identifiers") or "[]")
        self._roles = {each["type"]: each["role"] for each in identifiers}
        self._labels = {each["type"]: each["label"] for each in identifiers}

    def all(self) -> Iterator[tuple[int, Alternative]]:
        ((waiting, first, last, things),) = self._rows(WHICH)
        yield from self._same_visitor()
        if waiting:
            yield from self._served_meanwhile(first, last)
        yield from self._same_value()
        if things:
            yield from self._same_request()
            yield from self._other_tries()

    def _rows(self, query: str, **parameters: object) -> list[tuple[Any, ...]]:
        return self._db.execute(query, parameters or None).fetchall()

    def _same_visitor(self) -> Iterator[tuple[int, Alternative]]:
        sessions = [name for name, role in self._roles.items() if role == "session"]
        numbers = [number for number, name in self._rows("SELECT number, name FROM type_names") if name in sessions]
        for eid, journey, way, later, away, theirs, ours in self._rows(SAME_VISITOR, sessions=numbers):
            if later:
                why = f"began only {say_duration(away)} later"
            elif away > self._cut_ns:
                why = f"silent for {say_duration(away)}; a visit ends after {say_duration(self._cut_ns)}"
            elif theirs and ours and theirs != ours:
                why = f"its session identifier is {_shorten(theirs)}, here it is {_shorten(ours)}"
            else:
                why = CHOSEN_BY.get(way, f"the visit chosen has it by rule “{way}”")
            yield eid, Alternative("session", journey, f"same address and browser, but {why}")

    def _served_meanwhile(self, first: int, last: int) -> Iterator[tuple[int, Alternative]]:
        for eid, journey, nowhere, route, visits in self._rows(SERVED_MEANWHILE, first=first, last=last):
            if not nowhere:
                why = f"but lines like this are at least {RATIO:.0f} times as often written for the request chosen"
            elif visits > 1:
                more = (
                    "was a request of another visit" if visits == 2 else f"were requests of {visits - 1} other visits"
                )
                why = f"but so {more}, and no habit tells them apart"
            else:
                why = "but lines like this are not usually written for a request"
            yield eid, Alternative("session", journey, f"{route} was being served, {why}")

    def _same_value(self) -> Iterator[tuple[int, Alternative]]:
        for eid, journey, kind, value, away, visits in self._rows(SAME_VALUE):
            role = self._roles.get(kind, "")
            if role == "request":
                continue
            label = self._labels.get(kind, kind)
            named = f"{label} {_shorten(value)}"
            if role not in PERSONAL:
                why = f"{named} stands there too, but joins nothing: {label} is {_with_article(role or 'other')}"
            elif role == "session":
                why = f"{named} stands there too, {say_duration(away)} away"
            else:
                others = f", and in {visits - 1} more" if visits > 1 else ""
                why = f"{named} stands there too{others}, but one {label} may have many visits"
            yield eid, Alternative("session", journey, why)

    def _same_request(self) -> Iterator[tuple[int, Alternative]]:
        for eid, kind, value, objects in self._rows(SAME_REQUEST):
            more = f", and {objects - 1} other{'s' if objects > 2 else ''}" if objects > 1 else ""
            why = f"other lines of the same request name it{more}; this one does not"
            yield eid, Alternative(f"{kind}:{value}", None, why)

    def _other_tries(self) -> Iterator[tuple[int, Alternative]]:
        for eid, journey, kind, value in self._rows(OTHER_TRIES):
            why = f"{self._labels.get(kind, kind)} {_shorten(value)} was tried for there too; a line belongs to the try it follows"
            yield eid, Alternative("session", journey, why)


def _shorten(value: str) -> str:
    return value if len(value) <= VALUE_CHARACTERS else f"{value[: VALUE_CHARACTERS - 1]}…"


def _with_article(role: str) -> str:
    return "of no known role" if role == "other" else f"{'an' if role[0] in 'aeiou' else 'a'} {role}"
