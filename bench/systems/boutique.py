"""A shop of small services in containers, as demonstrations of service meshes have it; docker keeps what each writes.

The frontend says when a request begins and when it is complete, with the session; services behind it name a trace at most, in
their messages. There is no edge. Visits are short and many at a time. The order's number is only in the frontend's line; a
declined card leaves no number.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from simulate import Shop
from visitors import HOUR_MS
from wording import compact_json, docker_line

from systems.system import Fields, Orders, System, Visit, money

POD = "6d4f-x7k2p"
PRODUCTS = (
    "OLJCESPC7Z", "66VCHSJNUP", "1YMWWN1N4O", "L9ECAV7KIM", "2ZYFJ3GM2N", "0PUK6V6EV0", "LS4PSXUNUM", "9SIQT8TOJO", "6E92ZMYYFZ",
)  # fmt: skip


class Call(NamedTuple):
    """What a service behind the frontend says of a request."""

    service: str
    message: str
    severity: str = "info"
    logger: str = ""
    """of the services in Node.js, which log as pino does; the others have none"""


RATES = Call("currencyservice", "conversion request successful", logger="currencyservice-server")
QUOTE = Call("shippingservice", "[GetQuote] received request")


class Boutique(System):
    first_day = datetime(2022, 8, 22)
    span_ms = 3 * HOUR_MS
    edge = ""
    people = Shop(nat=0.0, mobile=0.0, guests=1.0)
    entries = ("",)

    def __init__(self, out: Path, seed: int, visits: int, *, traces: bool = True) -> None:
        """``traces``: whether messages begin with the trace's identifier and the span's."""
        super().__init__(out, seed, visits)
        self.traces = traces

    # -- clicks ----------------------------------------------------------------------------------------------------

    def play(self, visit: Visit) -> str:
        rng = self.rng
        visit.cookie = self.uuid()
        self.request(visit, "GET", "/", [RATES, Call("productcatalogservice", "[ListProducts] received request")])
        for _ in range(rng.randint(1, 5)):
            self.wait(visit, 1, 9)
            product = rng.choice(PRODUCTS)
            found = Call("productcatalogservice", f"[GetProduct] received request for {product}")
            shown = Call("adservice", "received ad request (context_words=[decor])")
            self.request(visit, "GET", f"/product/{product}", [found, RATES, shown])
        if not self.chance(0.6):
            return "browsed"
        for _ in range(rng.randint(1, 2)):
            self.wait(visit, 1, 9)
            what = f"productId={rng.choice(PRODUCTS)}, quantity={rng.randint(1, 5)}"
            added = Call("cartservice", f"AddItemAsync called with userId={visit.cookie}, {what}")
            self.request(visit, "POST", "/cart", [added], 302)
            visit.now += 50
            self.request(visit, "GET", "/cart", [self.cart(visit, "GetCartAsync"), RATES, QUOTE])
        if not self.chance(0.7):
            return "abandoned"
        self.wait(visit, 2, 15)
        return self.check_out(visit, rng.randint(1000, 40_099))

    def check_out(self, visit: Visit, cents: int) -> str:
        charged = compact_json({"amount": {"currency_code": "USD", "units": str(cents // 100)}})
        asked = f"PaymentService#Charge invoked with request {charged}"
        calls = [
            Call("checkoutservice", f'[PlaceOrder] user_id="{visit.cookie}" user_currency="USD"'),
            self.cart(visit, "GetCartAsync"),
            Call("shippingservice", "[GetQuote] completed request"),
            Call("paymentservice", asked, logger="paymentservice-server"),
        ]
        if not self.chance(0.92):
            expired = "Error: Your credit card (ending 0454) expired on 1/2021"
            refused = "failed to charge card: could not charge the card"
            calls += [
                Call("paymentservice", expired, logger="paymentservice-server"),
                Call("checkoutservice", refused, "error"),
            ]
            self.request(visit, "POST", "/cart/checkout", calls, 500)
            return "failed"
        order, mail = self.uuid(), f"someone{visit.person.number}@example.com"
        taken = f"Transaction processed: visa ending 0454 Amount: USD{money(cents)}"
        calls += [
            Call("paymentservice", taken, logger="paymentservice-charge"),
            Call("checkoutservice", f"payment went through (transaction_id: {self.uuid()})"),
            Call("shippingservice", "[ShipOrder] completed request"),
            self.cart(visit, "EmptyCartAsync"),
            Call("emailservice", f"A request to send order confirmation email to {mail} has been received."),
            Call("checkoutservice", f'order confirmation email sent to "{mail}"'),
        ]
        self.request(visit, "POST", "/cart/checkout", calls, order=order)
        self.place(order, visit, cents, "USD", "fulfilled")
        return "achieved"

    def cart(self, visit: Visit, action: str) -> Call:
        return Call("cartservice", f"{action} called with userId={visit.cookie}")

    # -- lines -----------------------------------------------------------------------------------------------------

    def request(
        self, visit: Visit, method: str, path: str, calls: Sequence[Call], status: int = 200, order: str = ""
    ) -> None:
        """A request and the calls it makes, a millisecond or two each; with ``order`` it places one."""
        rng, trace, began = self.rng, self.hex(32), visit.now
        orders = (order,) if order else ()
        request: Fields = {"http.req.id": self.uuid(), "http.req.method": method, "http.req.path": path}

        def say(message: str, severity: str = "debug", **more: object) -> None:
            line = {
                **request, "message": self.span(trace) + message, "session": visit.cookie, "severity": severity,
                "timestamp": self.micros(visit.now), **more,
            }  # fmt: skip
            self.keep("frontend", visit, line, orders)

        say("request started")
        for call in calls:
            visit.now += rng.randint(1, 2)
            self.answer(visit, call, trace, orders)
        visit.now += 1
        if order:
            say("order placed", "info", order=order)
        visit.now += 2
        took: Fields = {
            "http.resp.bytes": rng.randint(100, 9000),
            "http.resp.status": status,
            "http.resp.took_ms": visit.now - began,
        }
        say("request complete", **took)

    def answer(self, visit: Visit, call: Call, trace: str, orders: Orders) -> None:
        message = self.span(trace) + call.message
        if call.logger:
            line: Fields = {
                "severity": call.severity, "time": self.stamps.epoch_ms(visit.now), "pid": 1, "hostname": f"{call.service}-{POD}",
                "name": call.logger, "message": message,
            }  # fmt: skip
        else:
            line = {"message": message, "severity": call.severity, "timestamp": self.micros(visit.now)}
        self.keep(call.service, visit, line, orders)

    def keep(self, service: str, visit: Visit, line: Fields, orders: Orders) -> None:
        """What a service wrote, as docker keeps it a moment later."""
        kept = docker_line(compact_json(line), self.micros(visit.now + 1))
        self.write(f"{service}-{POD}.log", visit.now, kept, visit.session, orders)

    def span(self, trace: str) -> str:
        span = self.hex(16)  # drawn in any case, so that the variants differ in nothing else
        return f"TraceID: {trace} SpanID: {span} " if self.traces else ""
