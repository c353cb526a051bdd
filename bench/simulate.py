"""Simulate a shop: logs of several services in different formats, and the truth about every line.

    python bench/simulate.py OUT --sessions 500 --seed 7
    python bench/simulate.py OUT --access-only --lines 1000000

writes OUT/logs/**, OUT/truth-lines.jsonl.gz and OUT/outcomes.json. The same arguments give the same bytes.
Standard library only. The shop, its people and their orders do not exist.

Truth has one object a line: {"path", "line", "session", "orders"} for log lines somebody or some order owns, and
{"order", "session"} for who placed an order. A session is one visit; lines of the back office have orders, no session.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from backoffice import BackOffice
from catalogue import make_assets, make_products
from journal import Journal, Sink
from robots import crawl, disguise
from spoiling import Spoiler
from visitors import DAY_MS, Person, give_habits, make_people, schedule
from visits import Order, Visit
from wording import Stamps, app_wording, edge_wording, ulid

FIRST_DAY = datetime(2026, 3, 2)
"""A Monday, so that weeks start where they do. No clock is read."""
FLUSH_EVERY = 512
"""Visits between two writes: large enough to write in blocks, small enough to stay in memory."""
LINES_PER_SESSION = 20
"""Least edge lines of a visit on average, to know how many visits ``--lines`` needs (measured: 23)."""
FILES = (".css", ".js", ".woff2", ".svg", ".webp", ".jpg")
"""Ends of what the edge serves itself."""
SUPERVISOR = "kube-probe/1.31"
MONITOR = ("192.0.2.200", "UptimeWatch/1.4 (+https://uptime.example/)")


@dataclass(frozen=True, slots=True)
class Shop:
    """What may be turned on a simulated shop. Shares are between 0 and 1."""

    sessions: int = 500
    """visits of people"""
    seed: int = 1
    days: int = 3
    """days of log; what falls later is cut, as in a copy of a running system"""
    edge: str = "tail"
    """log format of the edge: combined, tail (key=value behind it) or json"""
    style: str = "oscar"
    """application log: oscar (Python logging) or spring (Spring Boot)"""
    docker: bool = True
    """wrap the card gateway's lines as docker's json-file driver does"""
    no_ids: bool = False
    """no session and no request identifier anywhere; the edge is plain combined"""
    missing_session: float = 0.0
    """share of edge lines that lost their session id"""
    missing_request: float = 0.0
    """share of lines that lost their request id"""
    rotate_login: bool = True
    """whether the session id changes at login"""
    guests: float = 0.5
    """share of people without an account"""
    buyers: float = 0.22
    """share of visits that buy"""
    two_orders: float = 0.04
    """share of buyers who buy twice in one visit"""
    nat: float = 0.08
    """share of people behind an office address, with the office's browsers"""
    mobile: float = 0.25
    """share of people on telephones, whose address changes"""
    bots: float = 0.04
    """crawlers and probes, as a share of visits"""
    disguised: float = 0.0
    """robots that pose as browsers, as a share of visits"""
    private: float = 0.0
    """share of people whose browser never says where it comes from"""
    cached: float = 0.0
    """share of people whose browser has every file already"""
    monitor: bool = True
    """a health check every five minutes"""
    declined: float = 0.1
    """share of first payments declined"""
    double_submits: float = 0.04
    """share of payments sent twice"""
    stuck: float = 0.04
    """share of orders the depot forgets"""
    refunds: float = 0.05
    cancelled: float = 0.03
    failing: float = 0.003
    """share of pages that fail with a 500 and a traceback"""
    batches: bool = True
    """one line of the depot lists a whole wave of orders"""
    rotate: bool = False
    """one file a day for edge and application"""
    gzip: bool = False
    """compress rotated files (all files, when nothing rotates)"""
    naive_offset: int = 7200
    """seconds east of UTC of the application's stamps, which carry no zone"""
    skew_app: int = 0
    """milliseconds the application's clock is ahead"""
    skew_payments: int = 0
    skew_depot: int = 0
    false_zone: int = 0
    """seconds the depot's stamps are off although they end in Z: local time, called UTC"""
    lost: float = 0.0
    """share of identifiers of every kind (session, request, order, cart, charge, job, parcel, customer) that no line shows"""
    lost_lines: float = 0.0
    """share of the lines of every log that never arrived"""
    repeated: bool = False
    """the application's server keeps an access log of its own, without addresses, session ids and the files the edge serves itself"""
    blank: str = "-"
    """what stands where an identifier was lost: ``-``, ``null``, ``guest``, ``0``"""
    bare_numbers: bool = False
    """the edge writes /orders/123 where everybody else writes ORD-2026-000123"""
    numbered: bool = False
    """carts are numbered from 400, and the order of cart 404 is 100404: known before it is placed, kept after a declined card"""
    page_checkout: bool = False
    """the checkout is a page: 302 when paid, 200 when declined, no order number in any URL, a second press is sent to the cart"""
    late_session: bool = False
    """no session id before the checkout"""
    order_days: int = 0
    """days after which order numbers start again; 0: never"""
    recycled_sessions: float = 0.0
    """share of new session ids that were another visitor's a day or more ago"""
    sticky_cookies: float = 0.0
    """share of people whose session id never changes: a device's, posing as a session's"""
    shared_devices: float = 0.0
    """share of people with an account whose browser somebody else uses, minutes after they have signed out"""
    two_devices: float = 0.0
    """share of people who also come by telephone"""
    tabs: float = 0.0
    """share of pages opened from an older page of the visit"""
    rush: float = 0.0
    """share of visits that fall into one hour of the first day"""
    chatter: int = 0
    """lines without any identifier that the application writes for a page, each when it is served"""
    threads: int = 9
    """threads of the application; requests take any of them"""
    thread_names: bool = True
    """whether the application's lines name their thread (spring only)"""
    batch_rate: int = 0
    """further lines of a wave that list some of its orders and of the one before, in the depot's and the application's log"""
    line_items: bool = False
    """the depot also names parts of orders alone: ORD-2026-000123-1"""
    repeated_hooks: float = 0.0
    """share of delivered parcels announced three times; repeats fail with a 500 and a traceback"""
    planted: float = 0.0
    """share of paid orders in which one thing of ``backoffice.PLANTED`` goes wrong, each as often as the others"""
    head_checks: bool = False
    """the monitor asks by HEAD, and the application warns every time"""


class World:
    """One run: what everybody in it shares."""

    def __init__(self, shop: Shop, out: Path, *, access_only: bool = False, lines: int = 0) -> None:
        if shop.no_ids:
            shop = dataclasses.replace(shop, edge="combined")
        self.shop, self.rng = shop, Random(shop.seed)
        self.edge_only = access_only
        edge_name = "edge/access.json" if shop.edge == "json" else "edge/access.log"
        app_name = "shop/application.log"
        self.journal = Journal(
            out, shop.days, rotated=(edge_name, app_name) if shop.rotate else (), compress=shop.gzip,
            limit=lines, only=edge_name if access_only else "",
        )  # fmt: skip
        self.stamps = {
            "app": Stamps(FIRST_DAY, shop.skew_app, shop.naive_offset),
            "payments": Stamps(FIRST_DAY, shop.skew_payments),
            "depot": Stamps(FIRST_DAY, shop.skew_depot + shop.false_zone * 1000),
            "carriers": Stamps(FIRST_DAY),
            "worker": Stamps(FIRST_DAY),
            "risk": Stamps(FIRST_DAY),
        }
        self.edge_line = edge_wording(shop.edge, Stamps(FIRST_DAY))
        self.app_line = app_wording(shop.style, self.stamps["app"], shop.thread_names)
        self.spoiler = Spoiler(shop)
        self.to_edge = self.sink(edge_name)
        self.to_app = self.sink(app_name)
        if shop.repeated:
            self.server_line = edge_wording("combined" if shop.no_ids else "tail", Stamps(FIRST_DAY))
            self.to_server = self.sink("shop/access.log")
        self.to_payments = self.sink("payments/gateway.log")
        self.products = make_products(self.rng)
        self.assets = make_assets(self.rng)
        self.office = BackOffice(self)
        self.order_epoch = 0
        self.n_orders = self.n_carts = 0
        self.old_cookies: list[tuple[int, str]] = []
        """(when it was given out, session id), for those who get a used one"""
        self.outcomes: dict[str, Any] = {"sessions": {}, "orders": {}}

    def sink(self, name: str) -> Sink:
        """What appends a line to the log of this name, after what befalls its identifiers."""
        return self.spoiler.before(name, self.journal.sink(name))

    def serve(
        self, at: int, ip: str, method: str, target: str, status: int, size: int, referrer: str, agent: str, ms: int,
        *, trace: str = "", sid: str = "", session: str | None = None, orders: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """A request that has been answered, as all write it down who do."""
        what = (method, target, status, size, referrer, agent, ms, trace)
        self.to_edge((at, self.edge_line(at, ip, *what, sid), session, orders))
        if self.shop.repeated and not target.endswith(FILES):
            self.to_server((at, self.server_line(at, "-", *what, ""), session, orders))

    def next_order(self, at: int, cart: str) -> tuple[str, str]:
        """(number of an order, what truth calls it)."""
        if self.shop.numbered:
            number = str(100_000 + int(cart))
            return number, number
        self.n_orders += 1
        if not self.shop.order_days:
            return (number := f"ORD-2026-{self.n_orders:06}"), number
        epoch = at // (self.shop.order_days * DAY_MS)
        if epoch != self.order_epoch:
            self.order_epoch, self.n_orders = epoch, 1
        return (number := f"ORD-2026-{self.n_orders:06}"), f"{number} of epoch {epoch}"

    def next_cart(self, at: int) -> str:
        self.n_carts += 1
        return str(399 + self.n_carts) if self.shop.numbered else f"crt_{ulid(self.rng, at)}"

    def run(self) -> None:
        shop, rng = self.shop, self.rng
        people = make_people(rng, shop, max(8, round(shop.sessions / 2.2)))
        give_habits(Random(f"{shop.seed} habits"), shop, people)
        agenda: list[tuple[int, str, Person | None]] = [
            (at, "person", p) for at, p in schedule(rng, shop, people, shop.sessions)
        ]
        agenda += [(rng.randrange(shop.days * DAY_MS), "bot", None) for _ in range(round(shop.sessions * shop.bots))]
        robots = Random(f"{shop.seed} robots")
        disguised = [robots.randrange(DAY_MS) for _ in range(round(shop.sessions * shop.disguised))]
        agenda += [(at, "robot", None) for at in sorted(disguised)]
        if shop.monitor:
            agenda += [(at, "monitor", None) for at in range(1000, shop.days * DAY_MS, 300_000)]
        agenda.sort(key=lambda item: item[0])
        all_orders: list[Order] = []
        met = count()
        for number, (at, kind, person) in enumerate(agenda):
            if number % FLUSH_EVERY == 0:
                self.office.release(at)
                self.journal.flush(min(at, shop.days * DAY_MS))
                if self.journal.full:
                    break
            if kind == "monitor":
                self.check_health(at)
                continue
            if kind == "robot":
                for visit_of, habit in disguise(self, robots, next(met), at):
                    self.outcomes["sessions"][visit_of] = {"kind": "bot", "outcome": habit}
                continue
            session = f"{kind[0]}{number}"
            if person is None:
                self.outcomes["sessions"][session] = {"kind": "bot", "outcome": crawl(self, at, session)}
                continue
            if at >= shop.days * DAY_MS:
                continue
            visit = self.receive(person, at, session, all_orders)
            if person.housemate is not None:
                visit.sign_out()
                at = visit.now + 60_000 + rng.randrange(240_000)
                self.receive(person.housemate, at, session + "-mate", all_orders)
        self.office.release(shop.days * DAY_MS)
        self.journal.flush(shop.days * DAY_MS)
        self.journal.close()
        self.outcomes["orders"] = {
            o.key: {"session": o.session, "cents": o.cents, "outcome": o.outcome} | _planted(o) for o in all_orders
        }
        self.outcomes["end_ms"] = shop.days * DAY_MS
        (self.journal.out / "outcomes.json").write_text(json.dumps(self.outcomes, indent=1) + "\n", encoding="utf-8")

    def check_health(self, at: int) -> None:
        method = "HEAD" if self.shop.head_checks else "GET"
        self.serve(at, MONITOR[0], method, "/healthz", 200, 2, "-", MONITOR[1], 1)
        if self.shop.repeated:  # and the application's own supervisor asks past the edge
            self.to_server(
                (at, self.server_line(at, "-", "GET", "/ready", 200, 2, "-", SUPERVISOR, 1, "", ""), None, ())
            )
        if self.shop.head_checks:
            warn = "WARN" if self.shop.style == "spring" else "WARNING"
            self.to_app((at, self.app_line(at, warn, "web", "HEAD /healthz answered with a body", "", 1), None, ()))

    def receive(self, person: Person, at: int, session: str, orders: list[Order]) -> Visit:
        """One person's visit and what it sets off; ``orders`` grows."""
        visit = Visit(self, person, at, session)
        outcome = self.play(visit)
        for order in visit.orders:
            self.journal.own(order.key, session)
            orders.append(order)
            self.office.take(order)
        self.outcomes["sessions"][session] = {
            "kind": "person", "person": person.number, "network": person.network, "customer": person.customer,
            "outcome": outcome, "orders": [order.key for order in visit.orders],
        }  # fmt: skip
        return visit

    def play(self, visit: Visit) -> str:
        """Let one person have their visit; what came of it."""
        rng, shop = self.rng, self.shop
        if visit.person.unpaid:
            visit.land()
            order = visit.check_out(visit.person.unpaid)
            return "purchase" if order is not None and order.outcome == "placed" else "payment_failed"
        if visit.person.placed and rng.random() < 0.4:
            visit.follow_up()
            return "follow_up"
        visit.land()
        draw = rng.random()
        if draw < shop.buyers:
            return self._buy(visit)
        if draw < shop.buyers + 0.2:
            return "bounce"
        product = visit.browse(1 + int(rng.expovariate(1 / 4)))
        if draw < shop.buyers + 0.52:
            return "browse"
        visit.add_to_cart(product)
        if rng.random() < 0.4:
            visit.browse(2)
        where = rng.choice(("cart", "cart", "checkout", "payment"))
        visit.check_out([product], give_up=where)
        return f"abandoned_at_{where}"

    def _buy(self, visit: Visit) -> str:
        rng, outcome = self.rng, "purchase"
        for _ in range(2 if rng.random() < self.shop.two_orders else 1):
            products = []
            for _ in range(rng.choice((1, 1, 2, 3))):
                products.append(visit.browse(1 + rng.randrange(4)))
                visit.add_to_cart(products[-1])
            order = visit.check_out(products)
            assert order is not None
            if order.outcome == "payment_failed":
                return "payment_failed"
            if rng.random() < self.shop.cancelled:
                visit.cancel(order)
                outcome = "cancelled"
        return outcome


def _planted(order: Order) -> dict[str, object]:
    """What went wrong in an order on purpose, and from when on it can be seen."""
    return {"planted": order.planted, "planted_at_ms": order.planted_at} if order.planted else {}


def simulate(shop: Shop, out: Path, *, access_only: bool = False, lines: int = 0) -> None:
    """Write a shop's logs and truth into ``out``; with ``lines``, as many lines and no more."""
    if lines:
        shop = dataclasses.replace(shop, sessions=lines // LINES_PER_SESSION)
    if access_only:
        shop = dataclasses.replace(shop, edge="combined")
    World(shop, out, access_only=access_only, lines=lines).run()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path, help="directory to write into")
    parser.add_argument("--access-only", action="store_true", help="the edge's log alone, plain combined")
    parser.add_argument("--lines", type=int, default=0, help="as many lines; decides the number of sessions")
    choices = {"edge": ("combined", "tail", "json"), "style": ("oscar", "spring")}
    for field in dataclasses.fields(Shop):
        flag = "--" + field.name.replace("_", "-")
        if field.name == "no_ids":  # a flag that says no by name must not be taken for a negation
            parser.add_argument(flag, action="store_true")
        elif field.type == "bool":
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            kind = {"int": int, "float": float, "str": str}[str(field.type)]
            parser.add_argument(flag, type=kind, default=field.default, choices=choices.get(field.name))
    given = vars(parser.parse_args(arguments))
    out, access_only, lines = given.pop("out"), given.pop("access_only"), given.pop("lines")
    simulate(Shop(**given), out, access_only=access_only, lines=lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
