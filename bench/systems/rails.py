"""A shop on Rails: HAProxy, Rails with tagged logging, Sidekiq, and services of the back office whose logstash JSON docker keeps.

An order has two names: its number on the web, a UUID behind it; one line of a job ties them. Carts are told of by number only where
something is put into them. A declined payment has no order yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from simulate import Shop
from visitors import DAY_MS
from wording import Stamps, compact_json, docker_line

from systems.system import Orders, System, Visit, money

APPLICATION = "rails/production.log"
STATUS = {200: "OK", 302: "Found", 422: "Unprocessable Entity"}
ASSETS = ("/assets/application-9f2.css", "/assets/app-77a.js", "/packs/checkout-1.js", "/images/logo.png")
SEARCHES = ("teapot", "mug", "linen+sheets", "lamp")
PRODUCTS = ("blue-mug", "tea-pot", "desk-lamp")
FIRST_CART, FIRST_ORDER = 70_000, 10_432


class Rails(System):
    first_day = datetime(2026, 3, 2)
    span_ms = 3 * DAY_MS
    edge = "haproxy/haproxy.log"
    people = Shop(nat=0.1, mobile=0.0, guests=1.0)
    entries = ("-",)

    def __init__(self, out: Path, seed: int, visits: int, *, edge_log: bool = True) -> None:
        super().__init__(out, seed, visits, edge_log=edge_log)
        self.office = Stamps(self.first_day, offset_s=3600)
        self.last_order = FIRST_ORDER

    # -- clicks ----------------------------------------------------------------------------------------------------

    def play(self, visit: Visit) -> str:
        rng = self.rng
        self.get(visit, "/", "HomeController#index")
        self.assets(visit)
        for _ in range(rng.randint(1, 5)):
            self.wait(visit, 6, 50)
            if self.chance(0.3):
                words = rng.choice(SEARCHES)
                self.get(visit, f"/search?q={words}", "SearchController#index", f'{{"q"=>"{words}"}}')
            else:
                product = f"{rng.randint(1, 60)}-{rng.choice(PRODUCTS)}"
                self.get(visit, f"/products/{product}", "ProductsController#show", f'{{"id"=>"{product}"}}')
            self.assets(visit)
        if not self.chance(0.55):
            return "browsed"
        cart = FIRST_CART + visit.person.number
        for _ in range(rng.randint(1, 2)):
            self.wait(visit, 4, 20)
            product = f'{{"product_id"=>"{rng.randint(1, 60)}"}}'
            added = (f"Cart {cart}: added 1 item",)
            self.request(visit, "POST", "/cart/items", 302, "CartItemsController#create", product, said=added)
            self.get(visit, "/cart", "CartsController#show")
        if not self.chance(0.7):
            return "abandoned"
        self.give_address(visit)
        return self.pay(visit, cart) if self.chance(0.8) else "abandoned"

    def give_address(self, visit: Visit) -> None:
        self.wait(visit, 5, 30)
        self.get(visit, "/checkout/address", "CheckoutController#address")
        self.wait(visit, 30, 80)
        for status in (422, 302) if self.chance(0.15) else (302,):
            given = '{"zip"=>"[FILTERED]"}'
            self.request(visit, "PATCH", "/checkout/address", status, "CheckoutController#update", given)
            if status == 422:
                self.wait(visit, 10, 20)
        self.get(visit, "/checkout/payment", "CheckoutController#payment")

    def pay(self, visit: Visit, cart: int) -> str:
        self.wait(visit, 15, 60)
        tries, paid = 1 + self.chance(0.18), self.chance(0.94)
        for left in reversed(range(tries)):
            if paid and not left:
                self.buy(visit, cart)
                return "achieved"
            self.checkout(visit, 422, 900, ["Stripe::CardError: Your card was declined."])
            self.wait(visit, 10, 40)
        return "failed"

    def buy(self, visit: Visit, cart: int) -> None:
        rng = self.rng
        self.last_order += rng.randint(1, 3)
        number, cents = f"R{self.last_order:09}", rng.randint(800, 30_099)
        orders, at = (number,), visit.now
        said = [
            f"Stripe::Charge succeeded ch_{self.hex(16)} amount={cents}",
            f"Order {number} placed by cart {cart} total=${money(cents)}",
            f"Enqueued OrderMailer (Job ID: {self.uuid()}) to Sidekiq(mailers)",
        ]
        self.checkout(visit, 302, 1400, said, orders)
        self.get(visit, f"/orders/{number}/thanks", "OrdersController#thanks", f'{{"id"=>"{number}"}}', orders)
        self.place(number, visit, cents, "USD", self.fulfil(at, number))

    def checkout(self, visit: Visit, status: int, ms: int, said: Sequence[str], orders: Orders = ()) -> None:
        token = '{"token"=>"[FILTERED]"}'
        self.request(visit, "POST", "/checkout/payment", status, "CheckoutController#pay", token, ms, said, orders)

    # -- after the visit -------------------------------------------------------------------------------------------

    def fulfil(self, at: int, number: str) -> str:
        """What becomes of a placed order within hours; how it ends. Few are forgotten once packed."""
        rng, orders, order, job = self.rng, (number,), self.uuid(), self.hex(24)
        for after, elapsed, said in (
            (2000, "", "start"),
            (2200, "", f"published order {number} uuid {order}"),
            (2300, " elapsed=0.300", "done"),
        ):
            stamp, thread = self.stamps.iso(at + after), f"gq{self.hex(2)}"
            line = f"{stamp} pid=77 tid={thread} class=PublishOrderJob jid={job}{elapsed} INFO: {said}"
            self.write("sidekiq/sidekiq.log", at + after, line, None, orders)
        names = {"orderId": order}
        both = {**names, "orderNumber": number, "traceId": self.hex(32)}
        self.service(at + 4000, "inventory", "INFO", "Received OrderPlaced", orders, both)
        if not self.chance(0.93):
            self.service(at + 5000, "inventory", "WARN", "Insufficient stock for order", orders, names)
            self.service(at + 600_000, "shipping", "INFO", "Order cancelled", orders, names)
            return "cancelled"
        self.service(at + 5000, "inventory", "INFO", "Stock reserved", orders, names)
        packed = at + rng.randint(1_200_000, 9_000_000)
        parcel = {**names, "parcelId": f"P-{rng.randint(1, 999_999):06}"}
        self.service(packed, "shipping", "INFO", "Parcel packed", orders, parcel)
        if not self.chance(0.95):
            return "in_progress"
        self.service(packed + 3_000_000, "shipping", "INFO", "Order shipped with carrier ups", orders, names)
        return "fulfilled"

    # -- lines -----------------------------------------------------------------------------------------------------

    def get(self, visit: Visit, target: str, action: str, given: str = "", orders: Orders = ()) -> None:
        self.request(visit, "GET", target, 200, action, given, orders=orders)

    def request(
        self, visit: Visit, method: str, target: str, status: int, action: str, given: str = "", ms: int = 0,
        said: Sequence[str] = (), orders: Orders = (),
    ) -> None:  # fmt: skip
        """A request to ``action`` with the parameters ``given``, at the edge and in the application, which says ``said`` on its way."""
        rng, at = self.rng, visit.now
        ms = ms or rng.randint(20, 300)
        self.proxy(visit, at, method, target, status, ms + 4, orders)
        process, tag = rng.randint(4000, 4002), self.uuid()

        def say(after: int, message: str) -> None:
            moment = at + 2 + after
            line = f"I, [{self.micros(moment, '')} #{process}]  INFO -- : [{tag}] {message}"
            self.write(APPLICATION, moment, line, visit.session, orders)

        started = self.stamps.iso(at + 2, " ")[:19]
        say(1, f'Started {method} "{target}" for {visit.person.address} at {started} +0000')
        say(2, f"Processing by {action} as HTML")
        if given:
            say(3, f"  Parameters: {given}")
        for number, each in enumerate(said):
            say(10 + number, each)
        took = f"(Views: {ms * 0.6:.1f}ms | ActiveRecord: {ms * 0.2:.1f}ms)"
        say(ms - 1, f"Completed {status} {STATUS[status]} in {ms}ms {took}")
        visit.now += ms + 10

    def assets(self, visit: Visit) -> None:
        for target in self.rng.sample(ASSETS, 2):
            self.proxy(visit, visit.now + 50, "GET", target, 200, 5)

    def proxy(self, visit: Visit, at: int, method: str, target: str, status: int, ms: int, orders: Orders = ()) -> None:
        """HAProxy's line, with the browser as captured header, in an envelope of syslog."""
        rng, end, person = self.rng, at + ms, visit.person
        sent = self.first_day + timedelta(milliseconds=end)
        stamp = f"{sent:%b} {sent.day:2} {sent:%H:%M:%S}"
        accepted = f"{self.stamps.http(at)[:-6]}.{at % 1000:03}"
        port, server, size = rng.randint(30_000, 60_000), rng.randint(1, 2), rng.randint(500, 20_000)
        line = (
            f"{stamp} lb1 haproxy[812]: {person.address}:{port} [{accepted}] https~ web/app{server} 0/0/1/{ms - 2}/{ms} "
            f'{status} {size} - - ---- 12/12/1/0/0 0/0 {{{person.agent}}} "{method} {target} HTTP/1.1"'
        )
        self.write(self.edge, end, line, visit.session, orders)

    def service(self, at: int, name: str, level: str, message: str, orders: Orders, names: dict[str, str]) -> None:
        line = {
            "@timestamp": self.office.iso(at, end="+01:00"), "@version": "1", "message": message,
            "logger_name": f"com.shop.{name}.Service", "thread_name": f"kafka-{self.rng.randint(0, 3)}", "level": level, **names,
        }  # fmt: skip
        self.write(f"k8s/{name}.log", at, docker_line(compact_json(line), self.micros(at + 10)), None, orders)
