"""A shop as a single-page application: Envoy (JSON, stamps when a request began), services in Go (zap), NATS, PostgreSQL, a card processor.

Nothing says where a request comes from: each visit loads the one page there is, and then only asks the interface. A cart becomes an
order before it is paid; the warehouse is told of it by a queue, and the carrier knows the parcel alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from simulate import Shop
from visitors import HOUR_MS, home_address
from wording import Stamps, compact_json

from systems.system import Fields, Orders, System, Visit, money

PROCESSOR = ("198.51.100.63", "Stripe/1.0 (+https://stripe.example/docs/webhooks)")
MINUTE_MS = 60_000
EPOCH_S = 1_773_014_400
"""Of the first midnight."""
Said = tuple[str, str, str, Fields]
"""Service, level, message and fields of a line."""


class Spa(System):
    first_day = datetime(2026, 3, 9)
    span_ms = 48 * HOUR_MS
    edge = "envoy/access.json"
    people = Shop(nat=0.1, mobile=0.0, guests=0.5)
    entries = ("-",)

    def __init__(
        self,
        out: Path,
        seed: int,
        visits: int,
        *,
        identifiers: bool = True,
        crowded: bool = False,
        edge_log: bool = True,
    ) -> None:
        """``identifiers``: whether the edge logs its session cookie, and everybody the identifier of the request; ``crowded``: half
        of the people share few addresses and two browsers, within six hours."""
        self.identifiers = identifiers
        if crowded:
            self.people, self.span_ms = Shop(nat=0.5, mobile=0.0, guests=0.5), 6 * HOUR_MS
        super().__init__(out, seed, visits, edge_log=edge_log)
        self.stamps = Stamps(self.first_day)
        if crowded:
            agents = [person.agent for person in self.visitors[:2]]
            self.visitors = [replace(person, agent=agents[person.number % 2]) for person in self.visitors]

    # -- clicks ----------------------------------------------------------------------------------------------------

    def play(self, visit: Visit) -> str:
        outcome = self.come(visit)
        if self.chance(0.15):
            person = visit.person if self.chance(0.6) else replace(visit.person, address=home_address(self.rng))
            later = Visit(f"{visit.session}-again", person, visit.now + self.rng.randint(2, 20) * HOUR_MS, "-")
            self.ended[later.session] = self.come(later)
        return outcome

    def come(self, visit: Visit) -> str:
        rng = self.rng
        visit.cookie = self.hex(24)
        for target in ("/", "/static/js/main.3f2a.js"):
            self.proxy(visit, visit.now, "GET", target, 200, 20, self.uuid())
            visit.now += 70
        self.call(visit, "GET", "/api/catalog/featured", "catalog", "ListFeatured")
        for _ in range(rng.randint(1, 4)):
            self.wait(visit, 4, 60)
            sku = f"SKU-{rng.randint(1000, 1400)}"
            self.call(visit, "GET", f"/api/catalog/products/{sku}", "catalog", "GetProduct", {"sku": sku})
        if not self.chance(0.55):
            return "browsed"
        cart = self.uuid()
        for _ in range(rng.randint(1, 3)):
            self.wait(visit, 5, 40)
            item = {"cart_id": cart, "sku": f"SKU-{rng.randint(1000, 1400)}"}
            self.call(visit, "POST", "/api/cart/items", "cart", "AddItem", item, status=201)
        self.wait(visit, 3, 20)
        self.call(visit, "GET", "/api/cart", "cart", "GetCart", {"cart_id": cart})
        if not self.chance(0.75):
            return "abandoned"
        if visit.person.customer and self.chance(0.8):
            self.wait(visit, 8, 30)
            visit.user = visit.person.customer
            self.call(visit, "POST", "/api/auth/login", "auth", "Login")
        self.wait(visit, 20, 80)
        self.call(visit, "POST", "/api/checkout/address", "checkout", "SetAddress", {"cart_id": cart})
        return self.buy(visit, cart) if self.chance(0.85) else "abandoned"

    def buy(self, visit: Visit, cart: str) -> str:
        rng = self.rng
        self.wait(visit, 10, 60)
        order, cents = f"ord_{self.token(22)}", rng.randint(500, 60_000)
        orders, names, at = (order,), {"order_id": order, "cart_id": cart}, visit.now
        self.statement(
            at + 25,
            "INSERT INTO orders (id, cart_id, amount) VALUES ($1, $2, $3)",
            (order, cart, str(cents)),
            orders,
            visit,
        )
        said: list[Said] = [
            ("orders", "info", "order created", {**names, "amount": money(cents), "currency": "USD"}),
            ("orders", "info", "published", {"nats.subject": "orders.created", "order_id": order}),
        ]
        self.call(visit, "POST", "/api/checkout/orders", "orders", "CreateOrder", names, 201, orders, said, 120)
        tries, paid = 1 + self.chance(0.2), self.chance(0.92)
        for left in reversed(range(tries)):
            self.wait(visit, 8, 50)
            self.pay(visit, order, cents, paid and not left)
        for _ in range(rng.randint(1, 3) if paid else 0):
            self.wait(visit, 1, 3)
            self.call(visit, "GET", f"/api/orders/{order}", "orders", "GetOrder", {"order_id": order}, orders=orders)
        self.place(order, visit, cents, "USD", self.fulfil(at, visit.now, order) if paid else "failed")
        return "achieved" if paid else "failed"

    def pay(self, visit: Visit, order: str, cents: int, succeeds: bool) -> None:
        intent, orders = f"pi_{self.token(24)}", (order,)
        what: Fields = {"payment_intent": intent, "order_id": order, "amount": money(cents), "currency": "USD"}
        said: Said = ("payments", *(("info", "charge succeeded") if succeeds else ("warn", "card declined")), what)
        names = {"order_id": order, "payment_intent": intent}
        self.call(
            visit,
            "POST",
            f"/api/orders/{order}/pay",
            "payments",
            "Charge",
            names,
            200 if succeeds else 402,
            orders,
            (said,),
            900,
        )
        if succeeds:
            at, request = visit.now + self.rng.randint(300, 3000), self.uuid()
            told = {"type": "payment_intent.succeeded", "payment_intent": intent}
            self.service("payments", at + 8, "info", "webhook received", told, request, orders)
            self.proxy(None, at, "POST", "/webhooks/cards", 200, 15, request, orders)

    # -- after the visit -------------------------------------------------------------------------------------------

    def fulfil(self, placed: int, paid: int, order: str) -> str:
        """What becomes of a paid order; how it ends."""
        rng, names, orders = self.rng, {"order_id": order}, (order,)
        queue = {"nats.subject": "orders.created", "nats.seq": rng.randint(10_000, 99_999), **names}
        self.service("warehouse", placed + 700, "info", "message received", queue, None, orders)
        at = paid + rng.randint(1000, 4000)
        self.service("warehouse", at, "info", "reserved stock", names, None, orders)
        self.statement(at + 5, "UPDATE orders SET state = $1 WHERE id = $2", ("reserved", order), orders)
        if self.chance(0.06):
            self.service("warehouse", at + 20 * MINUTE_MS, "warn", "order cancelled: out of stock", names, None, orders)
            return "cancelled"
        packed, parcel = at + rng.randint(1, 8) * HOUR_MS, f"TRK{rng.randint(10**8, 10**9)}"
        self.service("warehouse", packed, "info", "order packed", {**names, "parcel": parcel}, None, orders)
        if self.chance(0.05):
            return "in_progress"
        for hours, said in ((1, "parcel handed over to carrier"), (9, "parcel delivered")):
            self.service("shipping", packed + hours * HOUR_MS, "info", said, {"parcel": parcel}, None, orders)
        return "fulfilled"

    # -- lines -----------------------------------------------------------------------------------------------------

    def call(
        self, visit: Visit, method: str, target: str, service: str, procedure: str, names: Fields | None = None, status: int = 200,
        orders: Orders = (), said: Sequence[Said] = (), ms: int = 0,
    ) -> None:  # fmt: skip
        """A request to the interface, at the edge and in the service, others of which say ``said`` on its way."""
        at, ms, request = visit.now, ms or self.rng.randint(15, 200), self.uuid()
        for number, (who, level, message, fields) in enumerate(said):
            self.service(who, at + 4 + 3 * number, level, message, fields, request, orders, visit)
        code, level = ("OK", "info") if status < 400 else ("FAILED_PRECONDITION", "error")
        user = {"user_id": f"usr_{visit.user}"} if visit.user else {}
        call = {
            "grpc.service": f"shop.{service.title()}",
            "grpc.method": procedure,
            "grpc.code": code,
            "grpc.time_ms": ms - 5,
        }
        fields = {**call, **user, **(names or {})}
        self.service(
            service, at + ms - 3, level, f"finished unary call with code {code}", fields, request, orders, visit
        )
        self.proxy(visit, at, method, target, status, ms, request, orders)
        visit.now += ms + self.rng.randint(2, 20)

    def proxy(
        self, visit: Visit | None, at: int, method: str, target: str, status: int, ms: int, request: str, orders: Orders = ()
    ) -> None:  # fmt: skip
        address, agent = (visit.person.address, visit.person.agent) if visit else PROCESSOR
        line = {
            "start_time": self.stamps.iso(at), "method": method, "path": target, "protocol": "HTTP/2", "response_code": status,
            "bytes_sent": self.rng.randint(50, 9000), "duration": ms, "x_forwarded_for": address, "user_agent": agent,
            "authority": "app.shop.example", "upstream_cluster": "frontend",
        }  # fmt: skip
        if self.identifiers:
            line |= {"request_id": request} | ({"session_cookie": visit.cookie} if visit else {})
        self.write(self.edge, at + ms, compact_json(line), visit.session if visit else None, orders)

    def service(
        self, name: str, at: int, level: str, message: str, fields: Fields, request: str | None, orders: Orders = (), visit: Visit | None = None
    ) -> None:  # fmt: skip
        line = {
            "level": level,
            "ts": EPOCH_S + at / 1000,
            "logger": name,
            "caller": f"{name}/server.go:{self.rng.randint(40, 60)}",
            "msg": message,
        }
        line |= {"x_request_id": request} if self.identifiers and request else {}
        self.write(f"k8s/{name}.log", at, compact_json({**line, **fields}), visit.session if visit else None, orders)

    def statement(self, at: int, sql: str, values: Sequence[str], orders: Orders, visit: Visit | None = None) -> None:
        """A slow statement in PostgreSQL's log, and its parameters on a line of their own."""
        head = f"{self.stamps.iso(at, ' ', '.', '')} UTC [{self.rng.randint(8000, 8007)}] orders@shop"
        given = ", ".join(f"${number} = '{value}'" for number, value in enumerate(values, 1))
        took = f"{self.rng.random() * 9:.3f}"
        for text in (f"LOG:  duration: {took} ms  execute <unnamed>: {sql}", f"DETAIL:  parameters: {given}"):
            self.write("postgres/postgresql.log", at, f"{head} {text}", visit.session if visit else None, orders)
