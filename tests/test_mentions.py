"""Identifier candidates: found wherever they stand, judged once, and nothing else let through."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events import free_text, mentions
from reconstruct.events.attribute_keys import find_in_attributes, find_in_values
from reconstruct.events.candidates import Found
from reconstruct.events.mentions import MENTIONS_PER_EVENT, extract, extract_each
from reconstruct.events.reading import Layer
from reconstruct.events.scan import scan_chunk
from reconstruct.events.schema import EVENTS, MENTIONS
from reconstruct.events.shapes import normalise
from reconstruct.events.source_profile import SourceProfile
from reconstruct.grammar.attribute_columns import gather_values, join_attributes
from reconstruct.grammar.text_columns import text_column
from reconstruct.sources.model import Chunk

REQUIRED = {"source": 0, "line": 1, "lines": 1, "offset": 0, "length": 1, "format": "x", "zoned": True}
SAMPLES = Path(__file__).parent.parent / "samples"
UUID = "63306003-4d50-48d3-8666-3662a312e807"


def batch(*events: dict[str, str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([{**REQUIRED, **event} for event in events], schema=EVENTS)


def found(**event: str | None) -> list[tuple[str, str]]:
    """(slot, value) of one event, with a star after the slot of several."""
    return [
        (one["slot"] + "*" * one["multi"], one["value"])
        for one in extract(batch(event)).to_pylist()
        if one["event"] == 0
    ]


@pytest.mark.parametrize(
    ("message", "mentions"),
    [
        ("Order #100175: payment successful", [("text:order", "100175")]),
        ("dispatch email sent for order 100175", [("text:order", "100175")]),
        ("Order 100175 placed: basket=175 lines=1 total=12.30 GBP", [("key:basket", "175"), ("text:order", "100175")]),
        ("user 128 logged in", [("text:user", "128")]),
        (
            "Payment pay_2d6662e25ad0d538 authorised for order 1",
            [("text:order", "1"), ("text:payment", "pay_2d6662e25ad0d538")],
        ),
        ("consignment PLO00035469330: IN_TRANSIT", [("text:consignment", "PLO00035469330")]),
        ("[load][username: fdse_x]", [("key:username", "fdse_x")]),
        ("Login request of username: alice", [("key:username", "alice")]),
        (f"Order id: {UUID}", [("key:order_id", UUID)]),
        (f"[check][AccountId:{UUID}]", [("key:AccountId", UUID)]),
        ("order_id=17 status=failed", [("key:order_id", "17")]),
        ('{"orderId": "A-17", "userId":"alice", "amount": 12}', [("key:orderId", "A-17"), ("key:userId", "alice")]),
        (f"saved Order(id={UUID}, accountId=7, status=PAID)", [("key:Order.id", UUID), ("key:accountId", "7")]),
        (f"Task shop.tasks.send[{UUID}] received", [("text:task", UUID)]),
        (f"shop.tasks.send[{UUID}]: done", [("text:task", UUID)]),
        ("order id 253 exported", [("text:order_id", "253")]),
        ("picked wave=W001 by picker=P08", [("key:picker", "P08"), ("key:wave", "W001")]),
        ("orders=[a1,b2, c3] released", [("key:orders*", "a1"), ("key:orders*", "b2"), ("key:orders*", "c3")]),
        ("processing orders 1, 2 and 3", [("text:order*", "1"), ("text:order*", "2"), ("text:order*", "3")]),
        ("order 5 replaces order 6, not order 5", [("text:order*", "5"), ("text:order*", "6")]),
        (f"processing {UUID}", [("text:uuid", UUID)]),
        ("charged pay_2d6662e25ad0d538", [("text:pay", "pay_2d6662e25ad0d538")]),
        ("sent to gus.307@post.example", [("text:email", "gus.307@post.example")]),
        ("user 9 registered (gus@post.example)", [("text:email", "gus@post.example"), ("text:user", "9")]),
        ("Bestellung 100175 für Kunde 128", [("text:bestellung", "100175"), ("text:kunde", "128")]),
        (
            'SELECT 1 WHERE "shop_session"."session_key" = \'b78o25tkykhvdo00plqstolz1ssizect\'',
            [("key:shop_session.session_key", "b78o25tkykhvdo00plqstolz1ssizect")],
        ),
        ("cache miss for user:1234:cart", [("key:user", "1234")]),
        ("Payment verified successfully: TXN-9920B7", [("text:payment", "TXN-9920B7")]),
        ("Checkout Session Created: cs_2Fv7jMNL", [("text:session", "cs_2Fv7jMNL")]),
        ("ORDER_CREATED: ORD-2026-9988 - Items: 2", [("text:order", "ORD-2026-9988")]),
        ("Transaction saved with ID: ws_CO_0408", [("key:transaction_id", "ws_CO_0408")]),
        ("Order with id 17 not found", [("text:order_id", "17")]),
        ("Transfer verification failed: pending", []),
        ("订单号: 20260914 用户ID: 55 支付金额: 12", [("key:用户ID", "55"), ("key:订单号", "20260914")]),
        ("Заказ 17 создан, сумма 1300 руб", [("text:заказ", "17")]),
    ],
)
def test_text(message: str, mentions: list[tuple[str, str]]) -> None:
    assert found(message=message) == mentions


@pytest.mark.parametrize(
    "message",
    [
        "Sent 2 notifications and 0 messages",
        "took 12 ms, 3 retries, 50% done, 1.5x",
        "wrote 163 buffers (1.0%); write=708.835 s",
        "GET http://www.example.com/orders/17?x=1 from 192.0.2.7:443 [2001:db8::1]",
        "listening on port 8080, pid 4711, version 1.2.3",
        "at 2026-09-14 05:00:00,123 / 15:38:06 / 14 Sep 2026",
        'File "/srv/shop/views.py", line 237, in pay',
        "user=- session=null order=0 basket=None token=00000000-0000-0000-0000-000000000000",
        "price $13.99, EUR 12.50, £ 7",
        "Kwota: 1000 zł, importe: 250, paid 300 TZS",
        "at shop.Cart.add(Cart.java:277) in CryptKey.php:67 and Provider.php(331)",
        "Authenticated user: shop.model.User@751859a",
        "status: SHIPPED, state=IN_TRANSIT, level: info",
        "Authorization: Bearer b78o25tkykhvdo00plqstolz1ssizect password=hunter2hunter2",
        "",
    ],
)
def test_text_without_identifiers(message: str) -> None:
    assert found(message=message) == []


def test_paths() -> None:
    assert found(path="/orders/100") == [("path:/orders/{}", "100")]
    assert found(path="/orders/100/items/A-7/") == [
        ("path:/orders/{}/items/{}/#1", "100"),
        ("path:/orders/{}/items/{}/#2", "A-7"),
    ]
    assert found(path="/catalogue/oak-bench_12/") == [("path:/catalogue/{}/", "12")]
    assert found(path="/compare/1,2") == [("path:/compare/{}*", "1"), ("path:/compare/{}*", "2")]
    for nothing in (
        "/static/app.1234abcd.js",
        "/media/5606c53d8b9e07b95d2b2a0eb30d52f1.jpg",
        "/api/v2/oauth2/",
        "/d/2026-09-14",
        "",
    ):
        assert found(path=nothing) == []


def test_queries() -> None:
    assert found(query="order%5Fid=5&amp;user=al%40b.example&page=2&utm_source=x&q=17&=9&ok") == [
        ("query:order_id", "5"),
        ("query:user", "al@b.example"),
    ]
    assert found(query="id[]=4&id[]=5&sku=A1,B2") == [
        ("query:id*", "4"),
        ("query:id*", "5"),
        ("query:sku*", "A1"),
        ("query:sku*", "B2"),
    ]
    assert found(query="a=%ff%ed%a0%80&b=%00") == []


def attributes(**values: object) -> list[tuple[str, str]]:
    return found(attributes=orjson.dumps({key.replace("__", "."): value for key, value in values.items()}).decode())


def test_attributes() -> None:
    assert attributes(order__id=55, amount=12, paid=True, note="two words", rate=0.5, gone=None) == [
        ("key:order.id", "55")
    ]
    assert attributes(customer={"id": "c-17", "name": "Jo Do"}) == [("key:customer.id", "c-17")]
    assert attributes(items=[{"sku": "A1"}, {"sku": "B2"}]) == [("key:items.sku*", "A1"), ("key:items.sku*", "B2")]
    assert attributes(trackingCodes=["RM1234", "RM1234"]) == [("key:trackingCodes", "RM1234")]
    assert attributes(cookie="sid=s%3Aabc.def; theme=dark; cart=12") == [
        ("cookie:cart", "12"),
        ("cookie:sid", "s:abc.def"),
    ]
    assert attributes(**{"set-cookie": "sid=9f3c77aa; Path=/; Max-Age=3600"}) == [("cookie:sid", "9f3c77aa")]
    iis = {"cs(Cookie)": "ASP.NET_SessionId=lcbesyd0cdwpyw5cylsm20bx;+cart=12"}
    assert attributes(**iis) == [("cookie:ASP.NET_SessionId", "lcbesyd0cdwpyw5cylsm20bx"), ("cookie:cart", "12")]
    for broken in ("{", "[1]", "7", '{"a":"\\ud800"}', "{}"):
        assert found(attributes=broken) == []


def test_what_stands_behind_a_known_format_is_told_apart_by_its_place() -> None:
    one, other = "fabf39bfe076f4db9addec73a6bebc23", "0af7651916cd43dd8448eb211c80319c"
    assert attributes(tail=f"872 0.060 [web-80] {one} {other} order=55") == [
        ("key:order", "55"),
        ("key:tail.3", one),
        ("key:tail.4", other),
    ]
    assert attributes(tail="0.2 - hit iphone-15-pro-max-256gb 12345678901234567") == []


def test_propagation_headers_and_tokens() -> None:
    header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    traced = [("key:span_id", "b7ad6b7169203331"), ("key:trace_id", "0af7651916cd43dd8448eb211c80319c")]
    assert attributes(traceparent=header) == traced
    sleuth = "cart,0af7651916cd43dd8448eb211c80319c,b7ad6b7169203331"
    assert attributes(context=sleuth) == attributes(context=f"{sleuth},true") == traced
    assert attributes(dd__trace_id="1234567890123456789") == [("key:dd.trace_id", "112210f47de98115")]
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSIsInNpZCI6IjlmM2M3N2FhIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
    claims = [("key:jwt.sid", "9f3c77aa"), ("key:jwt.sub", "alice")]
    assert attributes(authorization=f"Bearer {token}") == claims
    assert found(message=f"[USER TOKEN: {token}]") == claims
    assert attributes(authorization="Basic YWxpY2U6aHVudGVyMg==", api_key="9f3c77aa9f3c77aa") == []


def test_columns_with_a_place_of_their_own_are_not_repeated() -> None:
    assert (
        found(request_id=UUID, session_id="abc123abc", trace_id="ab12" * 8, client_ip="192.0.2.7", user="alice") == []
    )


def test_a_dump_of_identifiers_is_cut() -> None:
    message = "orders=[" + ",".join(str(number) for number in range(1000, 2000)) + "]"
    assert [value for _, value in found(message=message)] == [
        str(number) for number in range(1000, 1000 + MENTIONS_PER_EVENT)
    ]


def test_empty_batch() -> None:
    assert extract(batch()).schema == MENTIONS
    assert extract(batch({}, {})).num_rows == 0


SENTENCES = st.lists(
    st.sampled_from(
        ["order ", "#", "17", " ", ": ", "=", "user", UUID, "a@b.example", ", ", "[", "]", "(", '"', "{", "}", "\n", "12 ms", "\0", "é",
         "Z9", "pay_2d6662e25ad0d538", "and ", "id", "&", "/", "%41", "eyJhbGciOiJ9.eyJzdWIiOiJ9.x", "00-", ";", "::", "'", "-", "null"]
    ),
    max_size=12,
).map("".join)  # fmt: skip
TEXT = st.one_of(st.none(), SENTENCES, st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
EVENT = st.fixed_dictionaries(
    {},
    optional={
        "message": TEXT,
        "path": TEXT.map(lambda text: text and "/" + text),
        "query": TEXT,
        "attributes": st.one_of(
            TEXT,
            st.dictionaries(
                SENTENCES, st.one_of(SENTENCES, st.integers(), st.lists(SENTENCES, max_size=3)), max_size=3
            ).map(
                lambda attributes: (
                    orjson.dumps(attributes, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
                    if all(not isinstance(value, int) or abs(value) < 2**63 for value in attributes.values())
                    else None
                )
            ),
        ),
    },
)


@given(st.lists(EVENT, max_size=5))
def test_any_batch_gives_clean_mentions(events: list[dict[str, str | None]]) -> None:
    whole = extract(batch(*events))
    assert whole.schema == MENTIONS
    whole.validate(full=True)
    rows = whole.to_pylist()
    assert [(row["event"], row["slot"]) for row in rows] == sorted((row["event"], row["slot"]) for row in rows)
    places = [(row["event"], row["slot"]) for row in rows]
    for row in rows:
        assert normalise(row["value"]) == row["value"], "only values in normal form, and only such that identify"
        assert row["slot"].partition(":")[0] in ("key", "query", "path", "cookie", "text")
        assert row["multi"] == (places.count((row["event"], row["slot"])) > 1)
    assert len({(row["event"], row["slot"], row["value"]) for row in rows}) == len(rows)
    apart = [{**row, "event": index} for index, event in enumerate(events) for row in extract(batch(event)).to_pylist()]
    assert rows == apart, "an event's mentions do not depend on the batch it comes in"


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "1 ",
        "a=b ",
        ": a",
        "a: b] ",
        "@",
        "a@",
        "::",
        "1:",
        "f:",
        "a://",
        "\"'",
        "x=[",
        "order 1, ",
        "{",
        "/1",
        "%41",
        "\n",
    ],
)
def test_time_grows_with_the_text_only(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.perf_counter()
    extract(
        batch({"message": text, "path": "/" + text, "query": text, "attributes": orjson.dumps({"a.id": text}).decode()})
    )
    assert time.perf_counter() - started < 5, "a megabyte takes a fraction of a second; a quadratic rule takes minutes"


@given(st.lists(st.text(st.sampled_from("aZ09 .:-_/@%+~=\"'[]{}()#,;\v\t\x1f"), max_size=40), max_size=8))
def test_text_without_other_letters_is_cut_alike_by_both_patterns(texts: list[str]) -> None:
    """The pattern for ASCII is a shorter way to the same tokens."""
    plain = free_text.find_in_text(pa.array(texts, pa.string()))
    whole = free_text.find_in_text(pa.array([*texts, "é"], pa.string()))
    assert plain.rows.tolist() == whole.rows.tolist()
    assert plain.values.to_pylist() == whole.values.to_pylist()
    assert plain.slots.to_pylist() == whole.slots.to_pylist()


@given(
    st.lists(st.from_regex(r"[0-9a-fA-Z_\-]{1,40}|[1-9][0-9]{0,18}|[a-z]{2,4}_[0-9a-z]{12,20}|\w{1,3}\n?"), max_size=20)
)
def test_few_values_are_judged_like_many(values: list[str]) -> None:
    few = mentions._are_plain(pa.array(values, pa.string()))
    many = mentions._are_plain(pa.array([*values, *["x"] * (mentions.FEW_VALUES + 1)], pa.string()))
    assert few.tolist() == many.tolist()[: len(values)]


@given(st.from_regex(mentions.MEASURE, alphabet=st.characters(codec="ascii")))
def test_what_is_left_out_unjudged_identifies_nothing(value: str) -> None:
    """Also with a line end behind it, which `$` of Python lets through and that of Arrow does not."""
    assert mentions.judge_value(value) == ()


def test_measures_among_many_values_are_no_mentions() -> None:
    texts = [
        f"visit {n}.25 by 192.0.2.{n % 250}/{4000 + n} of basket BK-{7000 + n}" for n in range(mentions.FEW_VALUES * 2)
    ]
    found = mentions.extract(batch(*({"message": text} for text in texts)))
    assert set(found.column("value").to_pylist()) == {f"BK-{7000 + n}" for n in range(mentions.FEW_VALUES * 2)}


def test_messages_of_packets_are_not_searched() -> None:
    """What a packet filter says of a packet is in its fields; a message of another format beside it is read as ever."""
    text = "order-ref=ORD-000123 ID=34103"
    attributes = orjson.dumps({"mac": "24:5a:4c:00:00:01"}).decode()
    found = mentions.extract(
        batch(
            {"format": "syslog_rfc3164/netfilter", "message": text, "attributes": attributes},
            {"format": "syslog_rfc3164", "message": text},
        )
    ).to_pylist()
    assert [one["value"] for one in found if one["event"] == 0] == ["24:5a:4c:00:00:01"]
    assert "ORD-000123" in [one["value"] for one in found if one["event"] == 1]


VALUES = [
    "17",
    "-0",
    "0017",
    "1.50",
    "1e5",
    "123456789012345678",
    "",
    "-",
    "alice",
    "a;b=c",
    "Bearer x",
    "x" * 5000,
    'q"\\',
    "ü1",
]


@given(
    st.dictionaries(
        st.sampled_from(
            ["order_id", "Cookie", "set-cookie", "tail", "Authorization", "session_id", "seen", "ttl", "ünïx_id"]
        ),
        st.tuples(st.lists(st.sampled_from([*VALUES, f"sid={UUID}; b=2"]), min_size=3, max_size=3), st.booleans()),
        min_size=1,
    )
)
def test_attributes_that_are_still_columns_have_the_candidates_of_their_text(
    columns: dict[str, tuple[list[str], bool]],
) -> None:
    left = [(key, text_column(values), numeric) for key, (values, numeric) in columns.items()]
    values = gather_values(left)
    from_columns = find_in_values(values) if values is not None else Found(*EMPTY)
    from_text = find_in_attributes(join_attributes(left, 3))
    assert candidates(from_columns) == candidates(from_text)


EMPTY = np.zeros(0, np.int64), pa.array([], pa.string()).dictionary_encode(), pa.array([], pa.string())


def candidates(among: Found) -> list[tuple[int, str, str]]:
    """By row and slot; several of a slot in the order of the line."""
    rows, slots = among.rows.tolist(), among.slots.to_pylist()
    return sorted(zip(rows, slots, among.values.to_pylist(), strict=True), key=lambda one: one[:2])


@pytest.mark.parametrize(
    "name", ["aws_alb", "auditd", "cef", "combined_tail", "istio", "keycloak_event", "netfilter", "squid"]
)
def test_identifiers_of_a_scan_are_those_of_its_events(name: str) -> None:
    data = (SAMPLES / name / f"{name}.log").read_bytes()
    scan = scan_chunk(Chunk(0, 0, 0, data, b"", True), SourceProfile(Layer(formats=(name,)), 1_789_430_400 * 10**9))
    assert scan.mentions.num_rows
    assert scan.mentions.equals(extract(scan.events))


def test_batches_searched_together_have_the_mentions_of_each() -> None:
    batches = [
        batch({"message": "Order #100175 placed", "path": "/orders/100175"}, {"message": "Prüfung für order 7"}),
        batch(),
        batch({"query": "order=A77", "attributes": '{"order_id":"A17"}'}),
        batch({"message": "nothing"}),
    ]
    each = extract_each(batches, [find_in_attributes(one.column("attributes")) for one in batches])
    assert [one.to_pylist() for one in each] == [extract(one).to_pylist() for one in batches]
    assert [one.column("slot").dictionary.to_pylist() for one in each] == [
        ["path:/orders/{}", "text:order"], [], ["key:order_id", "query:order"], [],
    ]  # fmt: skip
