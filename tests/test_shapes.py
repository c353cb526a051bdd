"""What values are, by their characters alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events.shapes import HIGH_ENTROPY_BITS, classify, identify, looks_random, normalise, trace_parts

IDENTIFYING = {
    "100175": "integer",
    "3F2504E0-4F89-11D3-9A0C-0305E82C3301": "uuid",
    "5606c53d8b9e07b95d2b2a0eb30d52f1": "hex",
    "507f1f77bcf86cd799439011": "hex",  # MongoDB ObjectId
    "ORD-000123": "code",
    "PLO00035469330": "code",
    "RM236690147GB": "code",
    "85BD19": "code",
    "pay_2d6662e25ad0d538": "prefixed",
    "cus_NffrFeUfNV2Hib": "prefixed",
    "order-1b90b7f0-57b5-40cb-8f29-41975e737988": "prefixed",
    "kipe3tblyjmmkuk0nw2ayi1wua2vjqc4": "token",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV": "token",  # ULID
    "0ujtsYcgvSTl8PAuAdqWYSMnLOv": "token",  # KSUID
    "h3Kd/9s+aaBbCc1234567890==": "token",  # base64
    "alice": "word",
    "jane.doe": "word",
    "XKJQWE": "word",  # airline record locator
    "gus.307@post.example": "email",
    "00:1b:44:11:3a:b7": "mac",
}

NOT_IDENTIFYING = {
    "decimal": ["129.32", "1,234.50", "-5", "+441234567890", "1e-7", ".5"],
    "measure": ["12ms", "3kb", "50%", "2x"],
    "date": ["2026-09-14", "14/Sep/2026:05:00:00", "2026-09-14T05:00:00Z", "14.09.2026", "20260914T050000Z"],
    "time": ["15:38:06", "15:38", "15:38:06.123+02:00"],
    "version": ["v1.2.3", "1.22.1", "v2"],
    "ip": ["192.0.2.1", "192.0.2.1:8080", "2001:db8::1", "::1", "2001:db8::/32"],
    "null": [
        "-",
        "null",
        "None",
        "0",
        "0000",
        "00000000-0000-0000-0000-000000000000",
        "guest",
        "undefined",
        "ffffffff",
        "",
    ],
    "boolean": ["true", "No"],
    "constant": ["IN_TRANSIT", "OUT_FOR_DELIVERY"],
    "prose": ["card was declined", "12 items"],
    "file": ["report.pdf", "shop.py"],
    "long": ["a" * 129],
}


@pytest.mark.parametrize(("value", "kind"), IDENTIFYING.items())
def test_identifies(value: str, kind: str) -> None:
    shape = classify(value)
    assert (shape.kind, shape.identifies) == (kind, True)
    assert shape.bits > 0
    assert normalise(value) is not None


@pytest.mark.parametrize(
    ("value", "kind"), [(value, kind) for kind, values in NOT_IDENTIFYING.items() for value in values]
)
def test_never_identifies(value: str, kind: str) -> None:
    assert (classify(value).kind, normalise(value), classify(value).bits) == (kind, None, 0.0)


@pytest.mark.parametrize("value", ["http://www.example.com/a", "/srv/shop/app.log", "text/html", "HTTP/1.1", "{", "x"])
def test_addresses_paths_and_crumbs_never_identify(value: str) -> None:
    assert normalise(value) is None


def test_normal_forms() -> None:
    assert normalise("3F2504E0-4F89-11D3-9A0C-0305E82C3301") == "3f2504e0-4f89-11d3-9a0c-0305e82c3301"
    assert normalise("ABCDEF0123456789") == "abcdef0123456789"
    assert normalise("Alice@Example.COM") == "alice@example.com"
    assert normalise("0000000000000000b7ad6b7169203331") == "b7ad6b7169203331"
    assert normalise('"[#100175]",') == "100175"
    assert normalise("ORD-Ab12") == "ORD-Ab12", "codes keep their case: some systems tell them apart by it"


def test_entropy_parts_links_from_coincidences() -> None:
    strong = ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "pay_2d6662e25ad0d538", "PLO00035469330", "b7ad6b7169203331")
    weak = ("7", "100175", "alice", "W013", "ORD-1001")
    assert all(classify(value).bits >= HIGH_ENTROPY_BITS for value in strong)
    assert all(classify(value).bits < HIGH_ENTROPY_BITS for value in weak)


def test_random_looking_strings_are_told_from_slugs() -> None:
    assert looks_random("dQw4w9WgXcQ")
    assert not looks_random("the-2024-oak-roasting-tin-28cm")


TOKEN = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSIsInNpZCI6IjlmM2M3N2FhIiwibmFtZSI6IkEgQiJ9."  # {"sub":"alice","sid":"9f3c77aa"}
    "qR7hV2x1mZk0d9sT4uW8yB3nC6pE5gJ1aL2oKfXvQwY"
)


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        (
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            {"trace_id": "0af7651916cd43dd8448eb211c80319c", "span_id": "b7ad6b7169203331"},
        ),
        ("00-" + "0" * 32 + "-b7ad6b7169203331-01", {"span_id": "b7ad6b7169203331"}),
        ("b7ad6b7169203331-05e3ac9a4f6e3b90-1", {"trace_id": "b7ad6b7169203331", "span_id": "05e3ac9a4f6e3b90"}),
        (
            "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1",
            {"trace_id": "67891233abcdef012345678912345678"},
        ),
        (TOKEN, {"jwt.sub": "alice", "jwt.sid": "9f3c77aa"}),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZS.x", {}),
        ("plain", {}),
    ],
)
def test_propagation_headers_and_tokens(value: str, parts: dict[str, str]) -> None:
    assert dict(trace_parts(value)) == parts
    assert normalise(value) is None or value == "plain"


@given(st.text(max_size=300))
def test_any_text_has_a_shape_and_normal_forms_are_final(text: str) -> None:
    value, kind = identify(text)
    assert classify(text).identifies == (value is not None)
    assert classify(text).kind == kind
    trace_parts(text)
    if value is not None:
        assert normalise(value) == value
