"""Messages become templates: what varies is masked, what states a fact stays."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconstruct.events.templates import TEMPLATE_CAP, skeletons


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("Order #100424: payment successful", "Order {}: payment successful"),
        ("Payment pay_f8e5e4301551627d authorised for order 100405", "Payment {} authorised for order {}"),
        ("consignment PLO00547962021: DELIVERED", "consignment {}: DELIVERED"),
        ("Order 100283: status Shipped -> Complete", "Order {}: status Shipped -> Complete"),
        ("Order 7 placed: guest=gus@post.example total=129.32 GBP", "Order {} placed: guest={} total={} GBP"),
        ("Sending alerts for 'Tidal Notebook'", "Sending alerts for {}"),
        ("can't reach host, won't retry", "can't reach host, won't retry"),
        ('search "oak bench" -> 2 results', "search {} -> {} results"),
        ("Task shop.tasks.send[c6468416-1503-4a26-a2a7-e936e722d668] received", "Task shop.tasks.send[{}] received"),
        ("released orders=[a1,b2, c3] to wave=W001", "released orders=[{}] to wave={}"),
        ("user=alice status=failed", "user={} status=failed"),
        ("Login request of username: fdse_micro", "Login request of username: {}"),
        ("Not Found: /catalogue/winter/", "Not Found: {}"),
        ("peer 2001:db8::1 via 192.0.2.7:443 at 2026-09-14 05:00:00,123", "peer {} via {} at {}"),
        ("failed and/or retried", "failed and/or retried"),
        ("Traceback follows\n  File x, line 3", "Traceback follows"),
        ("", ""),
        (None, None),
    ],
)
def test_template(message: str | None, template: str | None) -> None:
    assert skeletons(pa.array([message], pa.string())).to_pylist() == [template]


def test_templates_do_not_depend_on_their_neighbours() -> None:
    messages = ["order 1", "it's 'quoted'", "two\nlines", "x" * (TEMPLATE_CAP + 9), None, "order 2"]
    together = skeletons(pa.array(messages, pa.string()))
    assert together.to_pylist() == [skeletons(pa.array([one], pa.string())).to_pylist()[0] for one in messages]
    assert len(together.dictionary) == 4


@given(st.lists(st.one_of(st.none(), st.text(max_size=80)), max_size=8))
def test_any_text_has_a_template(messages: list[str | None]) -> None:
    found = skeletons(pa.array(messages, pa.string())).to_pylist()
    assert [one is None for one in found] == [one is None for one in messages]


@pytest.mark.parametrize("piece", ["a", "1 ", "'", '"', "a=", "@", "/a", ":", "{}, "])
def test_time_grows_with_the_text_only(piece: str) -> None:
    message = pa.array([piece * (1_000_000 // len(piece))])
    started = time.perf_counter()
    skeletons(message)
    assert time.perf_counter() - started < 5, "a megabyte takes milliseconds; a quadratic rule takes minutes"
