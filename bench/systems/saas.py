"""Software by subscription: Caddy (JSON), an API in Go (slog) with GraphQL, whose requests differ by operation alone, Celery.

The goal is to sign up; some then subscribe. A session cookie is at the edge only, the account number in the API only, and from the
sign-up or login on. Some come back a day later from another network, sign in and work: that is a visit, and nothing to be gained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from simulate import Shop
from visitors import DAY_MS, home_address
from wording import compact_json

from systems.system import Fields, Orders, System, Visit

SITE = "https://app.example.com"
PAGES = ("/features", "/pricing", "/docs/getting-started", "/blog/why-we-built-it", "/about")
OPERATIONS = ("GetWorkspace", "ListProjects", "CreateProject", "InviteMember", "GetUsage")
WORK = ("GetWorkspace", "ListProjects", "GetUsage")
PRICES = (900, 2900, 9900)
Said = tuple[str, str, Fields]
"""Level, message and fields of a line of the API."""


class Saas(System):
    first_day = datetime(2026, 6, 1)
    span_ms = 5 * DAY_MS
    edge = "caddy/access.log"
    people = Shop(nat=0.0, mobile=0.0, guests=0.0)
    entries = ("", "https://www.google.com/", "https://news.ycombinator.com/")

    # -- clicks ----------------------------------------------------------------------------------------------------

    def play(self, visit: Visit) -> str:
        visit.cookie = self.token(32)
        outcome = self.come(visit)
        if visit.user and self.chance(0.3):
            self.come_back(visit)
        return outcome

    def come(self, visit: Visit) -> str:
        rng = self.rng
        self.request(visit, "GET", "/?utm_campaign=launch" if self.chance(0.3) else "/")
        self.request(visit, "GET", "/static/app.js")
        for _ in range(rng.randint(1, 3)):
            self.wait(visit, 5, 60)
            self.request(visit, "GET", rng.choice(PAGES))
        if not self.chance(0.5):
            return "browsed"
        self.wait(visit, 5, 30)
        self.request(visit, "GET", "/signup")
        self.wait(visit, 20, 60)
        refused = self.chance(0.2)
        if refused:
            wrong: Said = ("WARN", "validation failed", {"field": "email"})
            self.request(visit, "POST", "/api/signup", 422, said=(wrong,))
            self.wait(visit, 5, 20)
        if not self.chance(0.8):
            return "failed" if refused else "abandoned"
        account = visit.person.customer
        registered: Said = ("INFO", "user registered", {"user_id": account, "email": f"u{account}@corp.example"})
        self.request(visit, "POST", "/api/signup", 201, said=(registered,))
        visit.user = account
        self.wait(visit, 30, 120)
        self.request(visit, "GET", f"/verify?token={self.token(40)}", 302)
        self.request(visit, "GET", "/onboarding")
        self.work(visit, rng.sample(OPERATIONS, 3))
        return self.subscribe(visit) if self.chance(0.6) else "achieved"

    def come_back(self, visit: Visit) -> None:
        """Another visit of the same person: another address, no referrer, a new cookie."""
        person = replace(visit.person, address=home_address(self.rng))
        later = visit.now + self.rng.randint(DAY_MS // 2, DAY_MS * 3 // 2)
        again = Visit(f"{visit.session}-again", person, later, "", self.token(32))
        self.request(again, "GET", "/login")
        self.wait(again, 5, 15)
        signed_in: Said = ("INFO", "login succeeded", {"user_id": visit.user})
        self.request(again, "POST", "/api/login", said=(signed_in,))
        again.user = visit.user
        self.work(again, WORK)
        self.ended[again.session] = "browsed"

    def work(self, visit: Visit, operations: Sequence[str]) -> None:
        for operation in operations:
            self.wait(visit, 3, 30)
            self.request(visit, "POST", "/graphql", operation=operation)

    def subscribe(self, visit: Visit) -> str:
        rng = self.rng
        self.wait(visit, 10, 60)
        self.request(visit, "GET", "/billing")
        self.wait(visit, 20, 60)
        subscription, cents, paid, at = f"sub_{self.token(24)}", rng.choice(PRICES), self.chance(0.9), visit.now
        orders, name = (subscription,), {"subscription_id": subscription}
        price = {"plan": "pro", "amount": cents, "currency": "usd"}
        said: list[Said] = [("INFO", "creating subscription", {**name, **price})]
        if paid:
            said.append(("INFO", "subscription activated", name))
        else:
            said.append(("WARN", "card declined", {**name, "code": "card_declined"}))
        self.request(visit, "POST", "/api/billing/subscribe", 200 if paid else 402, 1300, said=said, orders=orders)
        event = {
            "event": "invoice.paid" if paid else "invoice.payment_failed",
            **name,
            "invoice_id": f"in_{self.token(24)}",
        }
        self.api(at + 3000, "INFO", "stripe webhook", event, None, orders)
        if paid:
            self.provision(at, subscription)
        self.place(subscription, visit, cents, "USD", "fulfilled" if paid else "failed")
        return "achieved" if paid else "failed"

    def provision(self, at: int, subscription: str) -> None:
        task = f"Task billing.tasks.provision_workspace[{self.uuid()}]"
        for after, said in (
            (4000, f"{task} received"),
            (9000, f"provisioned workspace for subscription {subscription}"),
            (9100, f"{task} succeeded in 5.1s: None"),
            (15_000, f"sent welcome email for subscription {subscription}"),
        ):
            stamp, number = self.stamps.iso(at + after, " ", ",", ""), self.rng.randint(1, 4)
            line = f"[{stamp}: INFO/ForkPoolWorker-{number}] {said}"
            self.write("worker/worker.log", at + after, line, None, (subscription,))

    # -- lines -----------------------------------------------------------------------------------------------------

    def request(
        self, visit: Visit, method: str, target: str, status: int = 200, ms: int = 0, said: Sequence[Said] = (), orders: Orders = (),
        operation: str = "",
    ) -> None:  # fmt: skip
        """A request at the edge and, of the API, behind it, where ``said`` is said on its way."""
        at, call = visit.now, self.token(20)
        ms = ms or self.rng.randint(8, 250)
        self.caddy(visit, at + ms, method, target, status, ms, call, orders)
        visit.now += ms + 20
        if not target.startswith(("/graphql", "/api")):
            visit.page = SITE + target
            return
        names: Fields = {"request_id": call}
        if visit.user:
            names["user_id"] = visit.user
        if operation:
            names["operation"] = operation
        path = target.partition("?")[0]
        self.api(at + 2, "INFO", "request started", {"method": method, "path": path, **names}, visit.session, orders)
        for number, (level, message, more) in enumerate(said):
            self.api(at + 4 + number, level, message, {**names, **more}, visit.session, orders)
        done = {"status": status, "duration_ms": ms, **names}
        self.api(at + ms - 1, "INFO" if status < 500 else "ERROR", "request finished", done, visit.session, orders)

    def caddy(
        self, visit: Visit, end: int, method: str, target: str, status: int, ms: int, call: str, orders: Orders
    ) -> None:
        rng, person = self.rng, visit.person
        headers = {"User-Agent": [person.agent], "Cookie": [f"sid={visit.cookie}; theme=dark"]}
        if visit.page:
            headers["Referer"] = [visit.page]
        line = {
            "level": "info", "ts": self.stamps.epoch_ms(end) / 1000, "logger": "http.log.access.log0", "msg": "handled request",
            "request": {
                "remote_ip": person.address, "remote_port": str(rng.randint(30_000, 60_000)), "client_ip": person.address,
                "proto": "HTTP/2.0", "method": method, "host": "app.example.com", "uri": target, "headers": headers,
                "tls": {"resumed": False},
            },
            "bytes_read": 0, "user_id": "", "duration": ms / 1000, "size": rng.randint(200, 9000), "status": status,
            "resp_headers": {"X-Request-Id": [call], "Server": ["Caddy"]},
        }  # fmt: skip
        self.write(self.edge, end, compact_json(line), visit.session, orders)

    def api(self, at: int, level: str, message: str, fields: Fields, session: str | None, orders: Orders) -> None:
        line = compact_json({"time": self.micros(at), "level": level, "msg": message, **fields})
        self.write("api/api.json", at, line, session, orders)
