"""Back-office logs without a web log: business journeys are found and can be browsed although no session is known."""

from __future__ import annotations

import hashlib
import json
import random
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Reconstruction]:
    steps = {"orders": "created", "payments": "captured", "depot": "shipped"}
    for number, (service, word) in enumerate(steps.items()):
        lines = [
            json.dumps({"ts": f"2026-03-10T{10 + number}:{i:02d}:00Z", "service": service, "msg": f"order {word}", "order_id": f"ORD-{7000 + i}"})
            for i in range(40)
        ]  # fmt: skip
        (tmp_path / f"{service}.log").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = open_paths([tmp_path], Options(cache=False, workers=1))
    yield found
    found.close()


def test_business_journeys_are_listed_sorted_filtered_and_opened(results: Reconstruction) -> None:
    assert results.count_journeys() == 40
    rows = results.journey_rows(order_by="id", descending=True, limit=2)
    assert [row["id"] for row in rows] == ["order:ORD-7039", "order:ORD-7038"]
    assert results.count_journeys("ord-7003") == 1
    journey = results.journey("order:ORD-7003")
    assert [step["service"] for step in journey["business_journeys"][0]["steps"]] == ["orders", "payments", "depot"]
    assert journey["customer_journey"]["touchpoints"] == []
    with pytest.raises(KeyError):
        results.journey("order:none")


def test_the_summary_counts_them_and_no_session(results: Reconstruction) -> None:
    figures = results.summary()
    assert (figures["journeys"], figures["business_journeys"], figures["business_journeys_in_sessions"]) == (0, 40, 0)


def api_log(who: bool = True, agent: str | None = None) -> str:
    """An interface behind a gateway: 30 accounts come on two days and ask for three pages each; two ask at the same time.

    The account stands on another line of the request.
    """
    lines = []
    for number in range(120):
        day, account = divmod(number, 60)
        account //= 2
        for page in range(3):
            second = 3600 * 9 + (number % 60) // 4 * 600 + 20 * page + number % 4
            stamp = f"2026-03-1{day}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
            entry: dict[str, object] = {"level": "info", "trace": hashlib.md5(f"{number}/{page}".encode()).hexdigest()}
            asked = {"method": "GET", "path": f"/api/page/{'abc'[page]}", "status": 200}
            lines.append((f"{stamp}.100Z", {**entry, **asked, **({"user_agent": agent} if agent else {})}))
            if who:
                lines.append((f"{stamp}.200Z", {**entry, "msg": "signed in as", "account_id": 5000 + account}))
    return "".join(
        json.dumps({"ts": stamp, **entry}) + "\n" for stamp, entry in sorted(lines, key=lambda line: line[0])
    )


def journeys_of(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    (tmp_path / "api.log").write_text(text, encoding="utf-8")
    found = open_paths([tmp_path], Options(cache=False, workers=1))
    documents = [json.loads(document) for document in found.documents()]
    found.close()
    return documents


def test_who_is_signed_in_tells_visitors_apart_where_nothing_else_does(tmp_path: Path) -> None:
    visits = journeys_of(tmp_path, api_log())
    assert len(visits) == 60, "30 accounts on two days"
    assert {visit["customer"] for visit in visits} == {f"account:{5000 + n}" for n in range(30)}
    assert {link["rule"] for visit in visits for link in visit["links"]} == {"start", "customer", "request"}
    assert all(link["confidence"] <= 0.95 for visit in visits for link in visit["links"] if link["rule"] == "customer")


def test_it_does_not_where_browsers_are_known_and_nobody_is_invented(tmp_path: Path) -> None:
    browsers = journeys_of(
        tmp_path, api_log(agent="Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0")
    )
    assert "customer" not in {link["rule"] for visit in browsers for link in visit["links"]}
    assert journeys_of(tmp_path, api_log(who=False)) == []


def boutique(n: int = 40) -> dict[str, str]:
    """Services that say at both ends of a request what is asked for, and name an order once: where it is placed.

    A visit is over in half a minute, and other services know the visitor by the session.
    """
    logs: dict[str, list[dict[str, object]]] = {"front": [], "pay": []}

    def ask(second: float, method: str, path: str, session: str, status: int, **more: object) -> None:
        stamp = f"2026-03-10T{int(second) // 3600:02d}:{int(second) // 60 % 60:02d}:{second % 60:06.3f}Z"
        named = {"id": hashlib.md5(f"{session}{path}{second}".encode()).hexdigest(), "session": session}
        asked = {**named, "method": method, "path": path}
        logs["front"].append({"ts": stamp, **asked, "msg": "request started"})
        if more:
            logs["front"].append({"ts": stamp, **asked, "msg": "order placed", **more})
        logs["pay" if more else "front"].append({"ts": stamp, "trace": named["id"], "msg": "quote", "userId": session})
        logs["front"].append({"ts": stamp, **asked, "msg": "request complete", "status": status, "took_ms": 4})

    for i in range(n):
        session = str(uuid.UUID(int=random.Random(i).getrandbits(128), version=4))
        for page, path in enumerate(("/", f"/product/{i % 7}", "/cart")):
            ask(300.0 * i + 5 * page, "GET", path, session, 200)
        ask(
            300.0 * i + 20,
            "POST",
            "/cart/checkout",
            session,
            200,
            order=str(uuid.UUID(int=random.Random(1000 + i).getrandbits(128), version=4)),
        )
    return {name: "".join(json.dumps(line) + "\n" for line in lines) for name, lines in logs.items()}


def test_a_request_told_at_both_ends_is_one_and_an_order_takes_its_own_request_only(tmp_path: Path) -> None:
    for name, text in boutique().items():
        (tmp_path / f"{name}.log").write_text(text, encoding="utf-8")
    found = open_paths([tmp_path], Options(cache=False, workers=1))
    documents = [json.loads(document) for document in found.documents()]
    found.close()
    assert len(documents) == 40
    for document in documents:
        touchpoints = document["customer_journey"]["touchpoints"]
        assert [touchpoint["route"] for touchpoint in touchpoints] == ["/", "/product/{}", "/cart", "/cart/checkout"]
        assert [touchpoint["status"] for touchpoint in touchpoints] == [200] * 4
        assert document["experience"]["signals"] == []
        (business,) = document["business_journeys"]
        assert sum(len(step["events"]) for step in business["steps"]) == 4, (
            "the lines of the request, and no others of the visit"
        )
        assert (business["trigger"]["touchpoint"], document["customer_journey"]["outcome"]) in (
            (3, "achieved"),
            (3, "ongoing"),
        )
