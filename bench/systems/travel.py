"""A travel agency: nginx, an API in Node.js (pino), a booking service in Spring Boot, payments in Go (logfmt), ticketing in Python, mail.

What is bought is a booking, known by a reference of six characters and nothing else; its seller's words (offers, passengers,
tickets) are not a shop's. Half of the visits sign in, and only where the payment begins. Payment may be declined and tried again.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from simulate import Shop
from visitors import DAY_MS
from wording import Stamps, compact_json, edge_wording

from systems.system import Fields, Orders, System, Visit, money

SITE = "https://fly.example"
REFERENCE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"
CITIES = ("LIS", "BCN", "FRA", "OSL", "ATH", "ROM", "PRG")
INFO, ERROR = 30, 50
"""pino's levels."""
STEADY_MS = 12_000


class Travel(System):
    first_day = datetime(2026, 5, 4)
    span_ms = 2 * DAY_MS
    edge = "edge/access.log"
    people = Shop(nat=0.15, mobile=0.0, guests=0.4)
    entries = ("-", "https://www.google.com/", "https://www.kayak.com/flights", "https://t.co/xyz")

    def __init__(
        self, out: Path, seed: int, visits: int, *, edge_log: bool = True, traced_edge: bool = True, steady: bool = True
    ) -> None:
        """``traced_edge``: whether nginx writes down the trace identifier that it gives to the services behind it;
        ``steady``: whether the mail goes out always as long after ticketing began, the only hint at ticketing's zone in time."""
        super().__init__(out, seed, visits, edge_log=edge_log)
        self.traced_edge, self.steady = traced_edge, steady
        self.edge_line = edge_wording("combined", self.stamps)
        self.local = Stamps(self.first_day, offset_s=7200)
        self.n_requests = 0

    # -- clicks ----------------------------------------------------------------------------------------------------

    def play(self, visit: Visit) -> str:
        rng = self.rng
        self.request(visit, "GET", "/?utm_source=kayak&utm_campaign=spring" if "kayak" in visit.page else "/")
        self.request(visit, "GET", "/assets/app.a1b2c3.js")
        self.request(visit, "GET", "/assets/app.css")
        for _ in range(rng.randint(1, 4)):
            self.search(visit)
        if not self.chance(0.6):
            return "browsed"
        self.wait(visit, 5, 50)
        self.request(visit, "GET", f"/api/v2/offers/of_{self.hex(10)}")
        self.wait(visit, 10, 70)
        self.request(visit, "GET", "/checkout/passengers")
        account = visit.person.customer
        if account and self.chance(0.8):
            self.wait(visit, 5, 20)
            self.request(visit, "POST", "/api/v2/auth/login", said={"msg": "login ok", "userId": f"u_{account}"})
            visit.user = account
        self.wait(visit, 20, 90)
        self.request(visit, "POST", "/api/v2/passengers", 201)
        return self.book(visit) if self.chance(0.75) else "abandoned"

    def search(self, visit: Visit) -> None:
        rng = self.rng
        start, end = rng.sample(CITIES, 2)
        self.wait(visit, 8, 60)
        self.request(visit, "GET", f"/flights?from={start}&to={end}&date=2026-06-{rng.randint(1, 28):02}")
        target = f"/api/v2/offers/search?from={start}&to={end}"
        at, trace = self.request(visit, "GET", target, ms=rng.randint(300, 1500))
        self.service(at, "Offer", "INFO", f"Found {rng.randint(1, 30)} offers {start}-{end}", trace, visit.session)

    def book(self, visit: Visit) -> str:
        rng = self.rng
        reference, cents = self.token(6, REFERENCE), rng.randint(4000, 90_000)
        orders, mail = (reference,), f"p{visit.person.number}@mail.example"
        self.wait(visit, 15, 60)
        self.request(visit, "GET", "/checkout/payment")
        self.wait(visit, 15, 60)
        at, trace = self.request(visit, "POST", "/api/v2/bookings", 201, 600, orders)
        who = f"customer u_{visit.user}" if visit.user else f"guest {mail}"
        created = f"Booking {reference} created for {who}, total EUR {money(cents)}"
        self.service(at, "Booking", "INFO", created, trace, visit.session, orders)
        tries, paid = 1 + self.chance(0.2) + self.chance(0.05), self.chance(0.93)
        for left in reversed(range(tries)):
            self.wait(visit, 5, 40)
            charge = f"pi_{self.hex(12)}"
            at = self.pay(visit, reference, charge, cents, fine=paid and not left)
        if not paid:
            self.place(reference, visit, cents, "EUR", "failed")
            return "failed"
        self.wait(visit, 1, 1)
        self.request(visit, "GET", f"/checkout/confirmation?ref={reference}", orders=orders)
        self.place(reference, visit, cents, "EUR", self.issue(at, reference, charge, cents, mail))
        return "achieved"

    def pay(self, visit: Visit, reference: str, charge: str, cents: int, *, fine: bool) -> int:
        """One try to pay; when it began."""
        orders = (reference,)
        status = 200 if fine else 402
        at, trace = self.request(visit, "POST", f"/api/v2/bookings/{reference}/pay", status, 1200, orders)
        call: Fields = {"trace_id": trace, "booking": reference, "psp_ref": charge}
        price: Fields = {"amount_cents": cents, "currency": "EUR"}
        requested = f"Requesting payment for booking {reference}"
        self.service(at, "Payment", "INFO", requested, trace, visit.session, orders)
        self.payment(at + 100, "authorization requested", "info", visit.session, orders, {**call, **price})
        if fine:
            self.payment(at + 900, "payment captured", "info", visit.session, orders, {**call, **price})
            self.service(at + 1000, "Booking", "INFO", f"Booking {reference} confirmed", trace, visit.session, orders)
        else:
            why = {"reason": "insufficient_funds"}
            self.payment(at + 900, "payment declined", "warning", visit.session, orders, {**call, **why})
            refused = f"Payment for booking {reference} declined"
            self.service(at + 1000, "Booking", "WARN", refused, trace, visit.session, orders)
        return at

    # -- after the visit -------------------------------------------------------------------------------------------

    def issue(self, at: int, reference: str, charge: str, cents: int, mail: str) -> str:
        """Ticketing of a paid booking, minutes later; how it ends. Some are forgotten."""
        rng, orders = self.rng, (reference,)
        at += rng.randint(20_000, 400_000)
        self.ticketing(at, "INFO", f"Picked up booking {reference} from queue", orders)
        draw, pause = rng.random(), rng.randint(10_000, 20_000)
        if draw < 0.9:
            ticket = rng.randint(10**9, 10**10 - 1)
            done = f"Ticket 220-{ticket} issued for booking {reference}"
            self.ticketing(at + rng.randint(2000, 9000), "INFO", done, orders)
            self.mail(at + (STEADY_MS if self.steady else pause), "e-ticket", reference, mail)
            return "fulfilled"
        if draw < 0.95:
            failed = f"Ticketing of booking {reference} failed: fare no longer available"
            self.ticketing(at + 3000, "ERROR", failed, orders)
            refund: Fields = {"booking": reference, "psp_ref": charge, "amount_cents": cents, "currency": "EUR"}
            self.payment(at + 60_000, "payment refunded", "info", None, orders, refund)
            self.service(at + 61_000, "Booking", "INFO", f"Booking {reference} cancelled", "", None, orders)
            self.mail(at + 70_000, "cancelled", reference, mail)
            return "cancelled"
        return "in_progress"

    # -- lines -----------------------------------------------------------------------------------------------------

    def request(
        self, visit: Visit, method: str, target: str, status: int = 200, ms: int = 0, orders: Orders = (), said: Fields | None = None
    ) -> tuple[int, str]:  # fmt: skip
        """A request at the edge and, of the API, behind it, where it also says ``said``; (when services hear of it, its trace)."""
        rng, at, trace = self.rng, visit.now, self.hex(32)
        ms = ms or rng.randint(15, 400)
        end, person = at + ms, visit.person
        size = rng.randint(200, 40_000)
        line = self.edge_line(
            end, person.address, method, target, status, size, visit.page, person.agent, ms, trace, ""
        )
        tail = f" rt={ms / 1000:.3f}" + (f" tid={trace}" if self.traced_edge else "")
        self.write(self.edge, end, line + tail, visit.session, orders)
        if target.startswith("/api"):
            self.api(visit, at + 3, method, target, status, max(1, ms - 5), trace, orders, said)
        elif not target.startswith("/assets"):
            visit.page = SITE + target
        visit.now = end + rng.randrange(300)
        return at + 10, trace

    def api(
        self, visit: Visit, at: int, method: str, target: str, status: int, ms: int, trace: str, orders: Orders, said: Fields | None
    ) -> None:  # fmt: skip
        self.n_requests += 1
        call: Fields = {
            "pid": 1, "hostname": f"api-6f7c9-x{self.n_requests % 2}", "reqId": f"req-{base36(self.n_requests)}", "traceId": trace,
        }  # fmt: skip

        def say(after: int, level: int = INFO, **more: object) -> None:
            line = compact_json({"level": level, "time": self.stamps.epoch_ms(at + after), **call, **more})
            self.write("api/pino.log", at + after, line, visit.session, orders)

        port = self.rng.randint(30_000, 60_000)
        say(0, req={"method": method, "url": target, "remotePort": port}, msg="incoming request")
        if visit.user:
            say(2, userId=f"u_{visit.user}", msg="authenticated")
        if said:
            say(4, **said)
        level = INFO if status < 500 else ERROR
        say(ms, level, res={"statusCode": status}, responseTime=ms + 0.123, msg="request completed")

    def service(
        self, at: int, logger: str, level: str, message: str, trace: str, session: str | None, orders: Orders = ()
    ) -> None:
        called = f"{trace},{self.hex(16)}" if trace else ","
        thread, name = self.rng.randint(1, 9), f"c.f.b.{logger}Service"
        stamp = self.local.iso(at, " ", end="")
        line = f"{stamp} {level:>5} [booking-svc,{called}] 1 --- [nio-8080-exec-{thread}] {name:<30}: {message}"
        self.write("booking/app.log", at, line, session, orders)

    def payment(self, at: int, message: str, level: str, session: str | None, orders: Orders, fields: Fields) -> None:
        pairs = " ".join(f"{key}={value}" for key, value in fields.items())
        line = f'time={self.stamps.iso(at)} level={level} msg="{message}" {pairs}'
        self.write("payments/pay.log", at, line, session, orders)

    def ticketing(self, at: int, level: str, message: str, orders: Orders) -> None:
        stamp = self.stamps.iso(at, " ", ",", "")
        self.write("ticketing/worker.log", at, f"{stamp} {level} ticketing.worker: {message}", None, orders)

    def mail(self, at: int, template: str, reference: str, to: str) -> None:
        line = {
            "@timestamp": self.stamps.iso(at), "level": "info", "template": template, "to": to, "bookingRef": reference, "message": "mail sent",
        }  # fmt: skip
        self.write("mailer/mailer.json", at, compact_json(line), None, (reference,))


def base36(n: int) -> str:
    digits = ""
    while n:
        n, digit = divmod(n, 36)
        digits = BASE36[digit] + digits
    return digits
