"""Visits told in a few words a line: rows of a visit in, document out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import orjson
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconstruct.journeys.build import Visit, build_journey, render_visit
from reconstruct.journeys.labels import Labeler
from reconstruct.journeys.models import load_models
from reconstruct.journeys.rendering import Renderer
from reconstruct.journeys.rows import Row, SessionInput

SCHEMA = json.loads((Path(__file__).parents[1] / "reconstruct/export/schema/journeys-1.0.json").read_text("utf-8"))
CONTRACT = Draft202012Validator({"$ref": "#/$defs/journey", "$defs": SCHEMA["$defs"]})
SECOND = 1_000_000_000
START = 1_780_000_000 * SECOND
MODELS = load_models()
LABELER = Labeler(MODELS)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/142.0"
ASSET = re.compile(r"\.(css|js|png)$")


def read(text: str) -> list[Row]:
    """Rows of a small notation, one a line: ``SECONDS METHOD TARGET STATUS key=value…`` or ``SECONDS log key=value… | message``."""
    rows = []
    for number, line in enumerate(filter(None, map(str.strip, text.splitlines())), 1):
        head, _, message = line.partition(" | ")
        seconds, kind, *rest = head.split()
        options = dict(part.split("=", 1) for part in rest if "=" in part and not part.startswith("/"))
        is_log = kind == "log"
        path, _, query = ("", "", "") if is_log else rest[0].partition("?")
        route = options.get("route", re.sub(r"/[^/]*\d[^/]*", "/{}", path))
        rows.append(
            Row(
                source=int(options.get("src", 1 if is_log else 0)),
                line=number,
                time_ns=START + round(float(seconds) * 1000) * 1_000_000,
                tier="log" if is_log else options.get("tier", "edge"),
                request=options.get("req"),
                method=None if is_log else kind,
                path=None if is_log else path,
                route=None if is_log else route,
                query=query or None,
                status=None if is_log else int(rest[1]),
                duration_ms=float(options["ms"]) if "ms" in options else None,
                referrer=options.get("ref"),
                vhost=None,
                level=options.get("level"),
                service=options.get("service", "web"),
                logger=None,
                message=message or None,
                attributes=options.get("attributes"),
                is_asset=bool(ASSET.search(path)),
            )
        )
    return sorted(rows, key=lambda row: (row.time_ns, row.source, row.line))


def tell(text: str, **fields: Any) -> Visit:
    models = fields.pop("models", MODELS)
    session = SessionInput(
        id="v1", customer=None, session_ids=[], client_ips=["192.0.2.7"], user_agent=fields.pop("agent", BROWSER),
        device="Firefox", agent_kind="human", rows=read(text), **fields,
    )  # fmt: skip
    return build_journey(session, models)


def render(told: Visit) -> dict[str, Any]:
    renderer = Renderer()
    renderer.add(told.touchpoints)
    (touchpoints,) = renderer.render()
    document: dict[str, Any] = orjson.loads(render_visit(told.document, touchpoints))
    return document


def visit(text: str, **fields: Any) -> dict[str, Any]:
    return render(tell(text, **fields))


def touchpoints(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["customer_journey"]["touchpoints"]
    return found


def activities(document: dict[str, Any]) -> list[str]:
    return [touchpoint["activity"] for touchpoint in touchpoints(document)]


def lines(touchpoint: dict[str, Any]) -> list[int]:
    return sorted(line for _, line in touchpoint["events"])


def kinds(document: dict[str, Any]) -> list[str]:
    return [signal["kind"] for signal in document["experience"]["signals"]]


SHOP = """
    0   GET /catalogue/ 200 ref=https://www.google.com/
    9   GET /catalogue/lamp-12/ 200
    20  POST /basket/add/12/ 302
    20  GET /catalogue/lamp-12/ 200
    31  GET /checkout/ 200
    40  POST /checkout/address/ 302
    40  GET /checkout/review/ 200
    55  POST /checkout/review/ 302
    55  GET /checkout/thank-you/ 200
"""

row = st.builds(
    Row,
    source=st.integers(0, 3), line=st.integers(1, 10_000), time_ns=st.integers(START, START + 90 * SECOND),
    tier=st.sampled_from(["edge", "app", "log"]), request=st.sampled_from([None, None, "r1", "r2", "r3"]),
    method=st.sampled_from([None, "GET", "POST", "HEAD", "BREW"]), path=st.sampled_from(["/", "/a", "/cart/add/3", "/x.css", None]),
    route=st.sampled_from([None, "/", "/a", "/cart/add/{}"]), query=st.sampled_from([None, "q=x", "%", "a=b&c"]),
    status=st.sampled_from([None, 0, 200, 204, 302, 304, 404, 499, 500, 999]), duration_ms=st.sampled_from([None, 0.0, 12.5, 9e6]),
    referrer=st.sampled_from([None, "", "/a", "https://shop.example.com/a", "://", "\x00"]), vhost=st.none(),
    level=st.sampled_from([None, "error", "info"]), service=st.just("web"), logger=st.none(),
    message=st.sampled_from([None, "", "Payment declined", "order 1: status a -> b", "x" * 900, "status=shipped", "{}"]),
    attributes=st.sampled_from([None, "{}", "[]", "{", '{"event":"order.placed","amount":1200}']), is_asset=st.booleans(), events=st.none(),
)  # fmt: skip
