"""What pass 1 makes of identifiers nobody declared: small logs, each with one trap."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

Rows = dict[str, dict[str, Any]]


def plan_of(tmp_path: Path, **files: list[dict[str, Any]]) -> Rows:
    """The plan for JSON logs, by type."""
    for name, entries in files.items():
        text = "\n".join(json.dumps(entry) for entry in entries)
        (tmp_path / f"{name}.log").write_text(text + "\n", encoding="utf-8")
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    rows = {row["type"]: row for row in results.identifiers()}
    results.close()
    return rows


def at(second: float) -> str:
    return f"2026-03-10T{int(second // 3600):02d}:{int(second // 60) % 60:02d}:{second % 60:06.3f}Z"


def token(kind: int, number: int) -> str:
    return hashlib.md5(f"{kind}/{number}".encode()).hexdigest()


def shop(n: int = 60, **names: str) -> dict[str, list[dict[str, Any]]]:
    """A gateway, an order service, a payment service and a depot; ``names`` renames their identifiers."""
    name = {"session": "sid", "request": "rid", "order": "order_no", "payment": "pay_ref"} | names
    gateway, orders, payments, depot = [], [], [], []
    for i in range(n):
        start = 600.0 * i
        sid = token(1, i)
        for page in range(4):
            moment = start + 20 * page
            gateway.append(
                {"ts": at(moment), "method": "GET", "path": f"/p/item-{page}", "status": 200, "remote_addr": f"192.0.2.{i % 200}",
                 "user_agent": f"Mozilla/5.0 (X11) Firefox/{100 + i % 20}.0", name["session"]: sid, name["request"]: token(2, 10 * i + page)}
            )  # fmt: skip
        rid, order, payment = token(2, 10 * i + 9), 70_000 + 3 * i, f"pm_{token(3, i)[:16]}"
        gateway.append(
            {"ts": at(start + 90), "method": "POST", "path": "/checkout", "status": 302, "remote_addr": f"192.0.2.{i % 200}",
             "user_agent": f"Mozilla/5.0 (X11) Firefox/{100 + i % 20}.0", name["session"]: sid, name["request"]: rid}
        )  # fmt: skip
        orders.append({"ts": at(start + 90.1), "msg": "created", name["order"]: order, name["request"]: rid})
        payments.append(
            {
                "ts": at(start + 90.2),
                "msg": "authorised",
                name["payment"]: payment,
                name["order"]: order,
                "cents": 999 + i,
            }
        )
        payments.append({"ts": at(start + 3000), "msg": "captured", name["payment"]: payment})
        depot.append({"ts": at(start + 2000), "msg": "packed", name["order"]: order, "shelf": i % 7})
    return {"gateway": gateway, "orders": orders, "payments": payments, "depot": depot}


def role_at(rows: Rows, slot: str) -> tuple[str, str | None]:
    """(role, owner) of the type that holds a slot."""
    row = next(row for row in rows.values() if slot in row["slots"])
    return row["role"], row["owner"]


def test_finds_the_roles_of_named_identifiers(tmp_path: Path) -> None:
    rows = plan_of(tmp_path, **shop())
    order = next(row for row in rows.values() if "key:order_no" in row["slots"])
    assert (order["role"], order["distinct"]) == ("object", 60)
    assert rows["payment"]["role"] == "sub-object" or role_at(rows, "key:pay_ref")[0] == "sub-object"
    assert role_at(rows, "key:pay_ref")[1] == order["type"]
    assert all(row["why"] for row in rows.values())


def test_names_are_only_a_prior(tmp_path: Path) -> None:
    """The same shop with names that say nothing: roles come from what the values do."""
    rows = plan_of(tmp_path, **shop(session="zork", request="blib", order="vorgang", payment="quux"))
    assert role_at(rows, "key:zork")[0] == "session"
    assert role_at(rows, "key:blib")[0] == "request"
    assert role_at(rows, "key:vorgang")[0] == "object"
    assert role_at(rows, "key:quux") == (
        "sub-object",
        next(row["type"] for row in rows.values() if "key:vorgang" in row["slots"]),
    )


def test_a_placeholder_on_every_line_is_set_aside(tmp_path: Path) -> None:
    logs = shop()
    logs["gateway"] += [
        {"ts": at(7 * i + 3.0), "method": "GET", "path": "/", "status": 200, "remote_addr": f"198.51.100.{i % 250}",
         "user_agent": f"Mozilla/5.0 (Windows NT 10.0) Chrome/{i % 90}.0", "sid": "f00dfacef00dfacef00dfacef00dface"}
        for i in range(2000)
    ]  # fmt: skip
    rows = plan_of(tmp_path, **logs)
    session = next(row for row in rows.values() if "key:sid" in row["slots"] or "column:session_id" in row["slots"])
    assert session["role"] == "session"
    assert any("f00dface" in why for why in session["why"])


def test_amounts_and_shelves_identify_nothing(tmp_path: Path) -> None:
    rows = plan_of(tmp_path, **shop())
    for slot in ("key:cents", "key:shelf"):
        found = [row["role"] for row in rows.values() if slot in row["slots"]]
        assert not set(found) & {"object", "sub-object", "session", "request", "customer"}, slot


def test_numbers_of_two_kinds_that_overlap_stay_two_types(tmp_path: Path) -> None:
    """Basket 1 … 60 and product 1 … 60: the lines beside the same request say they differ."""
    logs = shop()
    for i in range(60):
        rid = token(2, 10 * i)
        logs["orders"].append(
            {"ts": at(600.0 * i + 0.1), "msg": f"basket {i + 1}: added product {(7 * i) % 60 + 1}", "rid": rid}
        )
        logs["gateway"][5 * i]["path"] = f"/basket/add/{(7 * i) % 60 + 1}/"
    rows = plan_of(tmp_path, **logs)
    basket = next(row for row in rows.values() if "text:basket" in row["slots"])
    assert "text:product" not in basket["slots"]
    assert not any(slot.startswith("path:/basket/add") for slot in basket["slots"])


def test_a_number_under_an_unknown_name_is_the_order_s_where_it_comes_up_with_it(tmp_path: Path) -> None:
    """The card gateway calls it INVNUM; the depot counts its pallets from the same number on."""
    logs = shop()
    for entry in logs["payments"]:
        if "order_no" in entry:
            entry["INVNUM"] = entry.pop("order_no")
    for i, entry in enumerate(logs["depot"]):
        entry["pallet"] = 70_000 + 3 * (i // 4)
    rows = plan_of(tmp_path, **logs)
    (order,) = (row for row in rows.values() if "key:order_no" in row["slots"])
    assert "key:INVNUM" in order["slots"]
    assert "key:pallet" not in order["slots"]


def test_what_many_visits_meet_is_a_resource_and_no_object(tmp_path: Path) -> None:
    """Six restaurants serve ten customers each; an order is looked at again by who placed it."""
    logs = shop()
    for service in ("orders", "payments", "depot"):
        for entry in logs[service]:
            if "order_no" in entry:
                entry["restaurant"] = f"RS-{5000 + entry['order_no'] % 18}"
    for i in range(40):
        page = logs["gateway"][5 * i]
        logs["gateway"].append(
            {**page, "ts": at(600.0 * i + 9000), "path": f"/orders/{70_000 + 3 * i}", "sid": token(4, i)}
        )
    rows = plan_of(tmp_path, **logs)
    role, _ = role_at(rows, "key:restaurant")
    assert role == "resource", rows
    assert role_at(rows, "key:order_no")[0] == "object"


def test_what_is_offered_in_lists_is_no_business_object_and_what_a_batch_lists_still_is(tmp_path: Path) -> None:
    """A search answers with all trips there are, a depot's run lists the orders it picks."""
    logs = shop()
    trips = [token(7, trip) for trip in range(10)]
    logs["depot"] += [
        {"ts": at(6000.0 * run + 1900), "msg": "wave", "orders": [70_000 + 3 * (10 * run + i) for i in range(10)]}
        for run in range(6)
    ]
    for service in ("search", "fares", "seats"):
        logs[service] = [
            {"ts": at(600.0 * i + 40), "msg": "offered", "trips": [{"trip_id": trip, "free": i % 9} for trip in trips]}
            for i in range(30)
        ]
    rows = plan_of(tmp_path, **logs)
    (trip,) = (row for row in rows.values() if any("trip" in slot for slot in row["slots"]))
    assert trip["role"] == "resource", trip
    assert "among others of its kind" in trip["why"][0]
    assert role_at(rows, "key:order_no")[0] == "object"


def travel(n: int = 60, prefix: str = "") -> dict[str, list[dict[str, Any]]]:
    """Bookings with references like an airline's: every sixth has no digit."""
    letters, digits = "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789"
    drawn = [
        prefix + "".join(letters[int(c, 16) + i % 8] if i % 6 == 0 or int(c, 16) % 3 else digits[int(c, 16) % 8] for c in token(9, i)[:6])
        for i in range(n)
    ]  # fmt: skip
    logs: dict[str, list[dict[str, Any]]] = {"desk": [], "till": [], "edge": []}
    for i, code in enumerate(drawn):
        logs["desk"] += [
            {"ts": at(600.0 * i), "msg": f"Booking {code} created"},
            {"ts": at(600.0 * i + 10), "msg": f"charging 12.50 EUR for {code}"},
            {"ts": at(600.0 * i + 90), "msg": f"CLOSED booking {code}, RESULT PENDING"},
        ]
        logs["till"].append({"ts": at(600.0 * i + 20), "msg": "captured", "booking": code})
        logs["edge"].append({"ts": at(600.0 * i + 25), "method": "GET", "path": f"/thanks?ref={code}", "status": 200})
    return logs


def test_a_code_is_the_same_thing_wherever_it_stands_though_one_place_calls_it_ref(tmp_path: Path) -> None:
    rows = plan_of(tmp_path, **travel())
    assert {"text:booking", "key:booking", "query:ref"} <= set(rows["booking"]["slots"])


@pytest.mark.parametrize("prefix", ["", "R-"])
def test_codes_without_digit_or_noun_are_found_in_messages_and_words_are_not(tmp_path: Path, prefix: str) -> None:
    logs = travel(prefix=prefix)
    rows = plan_of(tmp_path, **logs)
    assert rows["booking"]["distinct"] == 60
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    documents = [json.loads(each) for each in (*results.documents(), *results.unattributed_business())]
    results.close()
    businesses = [business for each in documents for business in each.get("business_journeys", [each])]
    lines = {each["object"]["id"]: sum(len(step["events"]) for step in each["steps"]) for each in businesses}
    assert len(lines) == 60
    assert set(lines.values()) == {5}, {id: n for id, n in lines.items() if n != 5}


def test_a_place_called_id_joins_what_it_always_means_and_nothing_where_it_means_several(tmp_path: Path) -> None:
    """``id`` of an order service is the order; ``Parameters.id`` is whatever the address names: products 1 … 60, then orders."""
    logs = shop()
    logs["orders"] = [{**entry, "id": entry["order_no"]} for entry in logs["orders"]]
    logs["web"] = []
    for i in range(60):
        rid = token(2, 10 * i)
        logs["web"] += [
            {"ts": at(600.0 * i), "method": "GET", "path": f"/p/{i % 20 + 1}", "Parameters": {"id": str(i % 20 + 1)}, "rid": rid},
            {"ts": at(600.0 * i + 95), "method": "GET", "path": f"/orders/{70_000 + 3 * i}", "Parameters": {"id": str(70_000 + 3 * i)},
             "rid": token(2, 10 * i + 9)},
        ]  # fmt: skip
    rows = plan_of(tmp_path, **logs)
    (order,) = (row for row in rows.values() if "key:order_no" in row["slots"])
    assert "key:id" in order["slots"]
    assert "key:Parameters.id" not in order["slots"]
    assert order["distinct"] == 60
    assert role_at(rows, "key:Parameters.id")[0] not in ("object", "sub-object")


def test_of_two_names_of_one_order_the_one_it_was_placed_under_is_its_own(tmp_path: Path) -> None:
    """The shop gives a number; the depot and all behind it know the order by a UUID, and say so in more logs."""
    logs = shop()
    for i in range(60):
        start, number, name = 600.0 * i, 70_000 + 3 * i, token(11, i)
        logs["depot"].append({"ts": at(start + 95), "msg": "received", "order_no": number, "orderId": name})
        for service, later in (("stock", 100), ("labels", 400), ("vans", 500)):
            logs.setdefault(service, []).append({"ts": at(start + later), "msg": "done", "orderId": name})
    rows = plan_of(tmp_path, **logs)
    assert role_at(rows, "key:order_no")[0] == "object"
    (own,) = (row["type"] for row in rows.values() if "key:order_no" in row["slots"])
    assert role_at(rows, "key:orderId") == ("sub-object", own)


def test_a_choice_in_a_form_is_no_session(tmp_path: Path) -> None:
    """Requests that name neither address nor browser nor session: seven cities are not who asked."""
    cities = ["LIS", "BCN", "FRA", "OSL", "ATH", "ROM", "PRG"]
    api = [
        {"ts": at(120.0 * i), "method": "GET", "path": f"/search?from={cities[i % 7]}&to={cities[(i + 3) % 7]}", "rid": token(1, i)}
        for i in range(600)
    ]  # fmt: skip
    rows = plan_of(tmp_path, api=api)
    assert not [row for row in rows.values() if row["role"] == "session"]


def test_long_tokens_that_have_no_digit_are_found_in_messages_too(tmp_path: Path) -> None:
    """One in seventy of Stripe's: the service logs them as fields, the worker in words."""
    plain, mixed = "abcdefghijklmnopqrstuvwx", "abcdefgh01234567ijklmnop"
    logs: dict[str, list[dict[str, Any]]] = {"api": [], "worker": []}
    for i in range(40):
        drawn = "".join((plain if i % 8 == 0 else mixed)[int(c, 16) + i % 5] for c in token(12, i)[:24])
        logs["api"].append({"ts": at(600.0 * i), "msg": "created", "subscription_id": f"sub_{drawn}"})
        logs["worker"].append({"ts": at(600.0 * i + 9), "msg": f"provisioned workspace for subscription sub_{drawn}"})
    rows = plan_of(tmp_path, **logs)
    assert rows["subscription"]["distinct"] == 40
    results = open_paths([tmp_path], Options(cache=False, workers=1))
    businesses = [json.loads(each) for each in results.unattributed_business()]
    results.close()
    assert {sum(len(step["events"]) for step in each["steps"]) for each in businesses} == {2}
