"""Programs that do not say what they are: told by what they do, where that is plain."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pairs import AGENT, START

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

ROUTES = ("/cart", "/search", "/profile", "/offers")


def kind_of(directory: Path, *requests: dict[str, object]) -> set[str]:
    """Kinds of the journeys of a program with these requests, ten minutes apart, among those of people."""
    lines = []
    for number in range(30):
        at = START + timedelta(minutes=7 * number)
        asked = {"client_ip": f"192.0.2.{number + 1}", "user_agent": AGENT, "method": "GET", "status": 200}
        lines += [(at + timedelta(seconds=9 * n), {**asked, "path": route}) for n, route in enumerate(ROUTES)]
    for number, request in enumerate(requests):
        asked = {"client_ip": "198.51.100.7", "user_agent": "okhttp/4.12.0", "status": 200}
        lines.append((START + timedelta(minutes=10 * number), {**asked, **request}))
    lines.sort(key=lambda each: each[0])
    text = "".join(json.dumps({"ts": at.isoformat(), **line}) + "\n" for at, line in lines)
    (directory / "access.log").write_text(text, encoding="utf-8")
    results = open_paths([directory], Options(cache=False, workers=1))
    rows = results.journey_rows(limit=1000)
    assert {row["agent_kind"] for row in rows if row["device"] != "okhttp"} == {"human"}
    results.close()
    return {row["agent_kind"] for row in rows if row["device"] == "okhttp"}


CALLBACK: dict[str, object] = {"method": "POST", "path": "/webhooks/carrier"}


@pytest.mark.parametrize(
    ("requests", "kind"),
    [
        pytest.param([CALLBACK] * 25, "bot", id="callbacks"),
        pytest.param([CALLBACK] * 24 + [{"method": "GET", "path": "/cart"}], "bot", id="nearly always"),
        pytest.param([{**CALLBACK, "client_ip": f"198.51.100.{n}"} for n in range(30)], "unknown", id="many places"),
        pytest.param([CALLBACK] * 10, "unknown", id="too few to have habits"),
        pytest.param(
            [{"method": "GET", "path": ROUTES[n % 4]} for n in range(40)], "unknown", id="from one thing to another"
        ),
        pytest.param([{**CALLBACK, "referrer": "https://shop.example/cart"}] * 25, "unknown", id="came from a page"),
    ],
)
def test_asking_for_one_thing_over_and_over(tmp_path: Path, requests: list[dict[str, object]], kind: str) -> None:
    assert kind_of(tmp_path, *requests) == {kind}
