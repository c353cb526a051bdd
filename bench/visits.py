"""One visit to the simulated shop, click by click: what the edge, the application and the card gateway write about it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalogue import CAMPAIGNS, ENTRIES, SEARCHES, THINGS, Product
from visitors import DAY_MS, Person, mobile_address
from wording import HOST, payment_line, ulid

if TYPE_CHECKING:
    from simulate import World

SITE = f"https://{HOST}"
ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
THINK_MEDIAN_S, THINK_SIGMA, THINK_CAP_S = 14.0, 1.1, 1080.0
"""Think times are log-normal; the cap keeps every pause inside a visit below the 30 minutes that web analytics cuts at."""


@dataclass(slots=True)
class Order:
    """An order somebody tried to place."""

    id: str
    key: str
    """what truth calls it: numbers may come twice"""
    session: str
    person: Person
    placed_at: int
    products: list[Product]
    cents: int
    charge: str = ""
    trace: str = ""
    planted: str = ""
    """what goes wrong in it on purpose, of ``backoffice.PLANTED``"""
    planted_at: int = 0
    """milliseconds since the first midnight from which it shows"""
    outcome: str = "placed"  # placed, payment_failed, cancelled; the back office goes on from placed


class Visit:
    """A visitor at work. Every method moves ``now`` on and writes what the servers would."""

    def __init__(self, world: World, person: Person, at: int, session: str) -> None:
        self.world, self.shop, self.rng, self.person, self.session = world, world.shop, world.rng, person, session
        self.now = at
        self.ip, self.agent = person.address, person.agent
        if person.network == "mobile" and self.rng.random() < 0.5:
            self.ip = person.address = mobile_address(self.rng)
        self.cookie = person.cookie if self.rng.random() < 0.5 or person.sticky else ""
        # Some browsers hold no cookie until there is something to remember; some never do.
        self.cookie_at = self.rng.choice(("landing", "landing", "cart"))
        if self.shop.late_session:
            self.cookie_at = "checkout"
        if person.telephone and self.rng.random() < 0.5:
            (self.ip, self.agent), self.cookie = person.telephone, ""
        self.takes_cookies = self.rng.random() >= 0.03
        self.signed_in = False
        self.page_url = "-"
        self.opened: list[str] = []
        self.orders: list[Order] = []
        self.n_pages = 0
        self.seen: set[str] = set()
        self.thread = 1

    # -- lines -----------------------------------------------------------------------------------------------------

    def edge(
        self, at: int, method: str, target: str, status: int, size: int, ms: int, trace: str = "", order: str = ""
    ) -> None:
        """One line of the edge, written when the response has gone out."""
        shop, rng = self.shop, self.rng
        sid = self.cookie
        if sid and shop.missing_session and rng.random() < shop.missing_session:
            sid = ""
        if not trace or (shop.missing_request and rng.random() < shop.missing_request):
            trace = ""
        end = at + ms
        came_from = "-" if self.person.private else self.page_url
        self.world.serve(
            end, self.ip, method, target, status, size, came_from, self.agent, ms,
            trace=trace, sid=sid, session=self.session, orders=(order,) if order else (),
        )  # fmt: skip

    def app(self, after_ms: int, level: str, component: str, message: str, trace: str, order: str = "") -> None:
        if self.world.edge_only:
            return
        shop, at = self.shop, self.now + after_ms
        if shop.no_ids or (shop.missing_request and self.rng.random() < shop.missing_request):
            trace = ""
        line = self.world.app_line(at, level, component, message, trace, self.thread)
        self.world.to_app((at, line, self.session, (order,) if order else ()))

    def gateway(self, after_ms: int, message: str, order: Order, trace: str, **more: object) -> None:
        if self.world.edge_only:
            return
        at = self.now + after_ms
        fields: dict[str, object] = {"charge": order.charge, "reference": order.id, **more}
        if trace and not self.shop.no_ids:
            fields["traceparent"] = f"00-{trace}-{trace[:16]}-01"
        line = payment_line(self.world.stamps["payments"], self.shop.docker, at, message, fields)
        self.world.to_payments((at, line, self.session, (order.key,)))

    def trace(self) -> str:
        """Begin a request: a free thread, and the identifier the edge gives out; it gives none where the shop logs none."""
        self.thread = self.rng.randint(1, self.shop.threads)
        return "" if self.shop.no_ids else f"{self.rng.getrandbits(128) | 1 << 127:032x}"

    # -- clicks ----------------------------------------------------------------------------------------------------

    def think(self, median_s: float = THINK_MEDIAN_S) -> None:
        pause = min(self.rng.lognormvariate(math.log(median_s), THINK_SIGMA), THINK_CAP_S)
        self.now += int(pause * 1000) + 400
        if self.person.network == "mobile" and self.rng.random() < 0.04:
            self.ip = mobile_address(self.rng)

    def call(self, method: str, target: str, status: int, ms: int, trace: str = "", order: str = "") -> None:
        """A request of the page's script; the page stays."""
        self.edge(self.now, method, target, status, 40 + self.rng.randrange(600), ms, trace or self.trace(), order)
        self.now += ms

    def page(self, target: str, status: int = 200, order: str = "", images: tuple[str, ...] = ()) -> None:
        """A page, then what it is made of."""
        rng = self.rng
        ms = 25 + int(rng.expovariate(1 / 90))
        if self.shop.tabs and self.opened and rng.random() < self.shop.tabs:
            self.page_url = rng.choice(self.opened)
        trace = self.trace()
        if status < 400 and rng.random() < self.shop.failing:
            self.app(
                ms - 2, "ERROR", "web", f"unhandled failure in {target.partition('?')[0]}{TRACEBACK}", trace, order
            )
            self.edge(self.now, "GET", target, 500, 1180, ms, trace, order)
            self.now += ms + 2500  # a reload
            trace = self.trace()
        for number in range(self.shop.chatter):
            said = CHATTER[number % len(CHATTER)].format(rng.randint(2, 40))
            self.app(2 + (ms - 4) * number // self.shop.chatter, "INFO", "web", said, trace, order)
        self.edge(self.now, "GET", target, status, 9_000 + rng.randrange(30_000), ms, trace, order)
        self.now += ms
        self.page_url = SITE + target
        self.opened.append(self.page_url)
        self.n_pages += 1
        if not self.cookie and self.takes_cookies and self.cookie_at == "landing":
            self.new_cookie()
        self.fetch(images)

    def fetch(self, images: tuple[str, ...]) -> None:
        if self.person.cached:
            return
        rng, seen = self.rng, self.seen
        wanted = [image for image in images if image not in seen]
        if self.n_pages == 1:
            assets = self.world.assets
            n = rng.randint(1, 4) if self.person.warm else rng.randint(8, 25 - len(wanted))
            wanted = assets[:n] + wanted
            fresh = not self.person.warm
            self.person.warm = True
        else:
            fresh = True
        seen.update(wanted)
        at = self.now
        for target in wanted:
            at += rng.randrange(60)
            if fresh or rng.random() < 0.3:
                self.edge(at, "GET", target, 200, 900 + rng.randrange(90_000), 2 + rng.randrange(40), "")
            else:
                self.edge(at, "GET", target, 304, 0, 1 + rng.randrange(4), "")

    def new_cookie(self) -> None:
        if self.person.sticky and self.person.cookie:
            self.cookie = self.person.cookie
            return
        old = self.world.old_cookies
        if old and self.now - old[0][0] > DAY_MS and self.rng.random() < self.shop.recycled_sessions:
            self.cookie = old.pop(0)[1]
        else:
            self.cookie = "".join(self.rng.choices(ALPHABET, k=22))
        if self.shop.recycled_sessions:
            old.append((self.now, self.cookie))
        self.person.cookie = self.cookie

    # -- parts of a visit ------------------------------------------------------------------------------------------

    def land(self) -> None:
        rng = self.rng
        entry = rng.choice(ENTRIES)
        self.page_url = "-" if entry == "mail" else entry
        if entry == "mail":
            self.page(f"/?utm_source=newsletter&utm_campaign={rng.choice(CAMPAIGNS)}", images=self.tiles())
        elif rng.random() < 0.4:
            self.look_at(rng.choice(self.world.products))
        else:
            self.page("/", images=self.tiles())

    def tiles(self) -> tuple[str, ...]:
        return tuple(product.images[0] for product in self.rng.choices(self.world.products, k=3))

    def look_at(self, product: Product) -> Product:
        self.page(product.path, images=product.images[: self.rng.randint(1, 4)])
        return product

    def browse(self, n: int) -> Product:
        """Look around over ``n`` pages; what was looked at last."""
        rng = self.rng
        product = rng.choice(self.world.products)
        for _ in range(n):
            self.think()
            draw = rng.random()
            if draw < 0.2:
                self.page(f"/c/{rng.choice(THINGS)[0]}?page={rng.randint(1, 4)}", images=self.tiles())
            elif draw < 0.32:
                self.page(f"/search?q={rng.choice(SEARCHES)}", images=self.tiles())
            elif draw < 0.36:
                self.page(
                    f"/journal/{rng.choice(SEARCHES).replace('+', '-')}-guide", 404 if rng.random() < 0.2 else 200
                )
            else:
                product = self.look_at(rng.choice(self.world.products))
        return product

    def add_to_cart(self, product: Product) -> None:
        if not self.cookie and self.takes_cookies and not self.shop.late_session:
            self.new_cookie()
        if not self.person.cart:
            self.person.cart = self.world.next_cart(self.now)
        trace = self.trace()
        held = f"added product {product.number - 3000}" if self.shop.numbered else f"now holds {product.sku} qty 1"
        self.app(18, "INFO", "cart", f"cart {self.person.cart} {held}", trace)
        self.call("POST", "/api/cart/lines", 201, 30 + self.rng.randrange(40), trace)

    def sign_in(self) -> None:
        rng, person = self.rng, self.person
        self.page("/account/login")
        self.think(18)
        if rng.random() < 0.1:
            trace = self.trace()
            self.app(60, "WARN" if self.shop.style == "spring" else "WARNING", "login", "wrong password given", trace)
            self.call("POST", "/account/login", 401, 90, trace)
            self.think(10)
        trace = self.trace()
        self.app(70, "INFO", "login", f"customer {person.customer} signed in", trace)
        self.call("POST", "/account/login", 303, 95, trace)
        if self.takes_cookies and self.shop.rotate_login:
            self.new_cookie()
        self.signed_in = True
        self.page("/account")

    def sign_out(self) -> None:
        """Leave a browser that others use too: the session id goes with the person."""
        if self.signed_in:
            self.think(10)
            self.call("POST", "/account/logout", 303, 40)
        self.cookie = self.person.cookie = ""
        self.signed_in = False

    def check_out(self, products: list[Product], give_up: str = "") -> Order | None:
        """Cart to confirmation; ``give_up`` names the page where it ends instead."""
        rng = self.rng
        self.think(8)
        self.page("/cart")
        if give_up == "cart":
            return None
        if self.person.customer and not self.signed_in and rng.random() < 0.8:
            self.think(5)
            self.sign_in()
        self.think(9)
        self.page("/checkout")
        if not self.cookie and self.takes_cookies:
            self.new_cookie()
        if give_up == "checkout":
            return None
        self.think(35)
        self.call("PUT", "/api/checkout/address", 200, 45 + rng.randrange(60))
        self.think(12)
        self.call("PUT", "/api/checkout/delivery", 200, 35 + rng.randrange(60))
        if give_up == "payment":
            return None
        self.think(28)
        number, key = self.world.next_order(self.now, self.person.cart)
        order = Order(number, key, self.session, self.person, self.now, products, sum(p.cents for p in products) + 490)
        self.orders.append(order)
        paid = self.pay(order)
        while not paid and rng.random() < 0.8:
            self.think(25)
            paid = self.pay(order, again=True)
        # A number that hangs on the cart is used again when the customer comes back.
        self.person.unpaid = products if self.shop.numbered and not paid else []
        if not paid:
            order.outcome = "payment_failed"
            return order
        order.placed_at = self.now  # declined at first, it is only now that anybody begins to work on it
        self.person.cart = ""
        self.person.placed.append(order.id)
        self.page(
            "/checkout/thank-you/" if self.shop.page_checkout else f"/checkout/thanks/{order.id}", order=order.key
        )
        return order

    def pay(self, order: Order, again: bool = False) -> bool:
        """One press of the pay button (or two in a hurry); whether the card was charged."""
        rng, shop = self.rng, self.shop
        declined = rng.random() < (0.45 if again else shop.declined)
        ms = 420 + int(rng.expovariate(1 / 600))
        trace = order.trace = self.trace()
        order.charge = f"chg_{ulid(rng, self.now)}"
        warn = "WARN" if shop.style == "spring" else "WARNING"
        amount = f"{order.cents // 100}.{order.cents % 100:02}"
        cart = self.person.cart
        if shop.numbered:
            self.app(
                25,
                "INFO",
                "checkout",
                f"submitting cart {cart} as order {order.id}, total EUR {amount}",
                trace,
                order.key,
            )
        elif not again:
            opened = f"order {order.id} opened from cart {cart}, {len(order.products)} lines, total EUR {amount}"
            self.app(25, "INFO", "checkout", opened, trace, order.key)
        if not again and self.person.customer and self.signed_in:
            owner = f"order {order.id} belongs to customer {self.person.customer}"
            self.app(27, "INFO", "checkout", owner, trace, order.key)
        self.gateway(60, "charge requested", order, trace, minor_units=order.cents, currency="EUR")
        double = not declined and rng.random() < shop.double_submits
        if declined:
            reason = rng.choice(("insufficient_funds", "do_not_honour", "expired_card"))
            self.gateway(ms - 60, "charge declined", order, trace, reason=reason)
            self.app(ms - 20, warn, "checkout", f"payment for order {order.id} declined by issuer", trace, order.key)
        else:
            self.gateway(ms - 60, "charge captured", order, trace, minor_units=order.cents, currency="EUR")
            self.app(
                ms - 20, "INFO", "checkout", f"order {order.id} confirmed, charge {order.charge}", trace, order.key
            )
        if shop.page_checkout:
            target, paid, refused, second_status = "/checkout/preview/", 302, 200, 302
        else:
            target, paid, refused, second_status = "/api/checkout", 201, 402, 409
        self.edge(self.now, "POST", target, refused if declined else paid, 310, ms, trace, order.key)
        if double:
            second = self.trace()
            self.now += 700
            self.app(30, warn, "checkout", f"cart {cart} is already being checked out", second, order.key)
            self.edge(self.now, "POST", target, second_status, 96, 55, second, order.key)
            if shop.page_checkout:
                self.edge(self.now + 60, "GET", "/cart/", 200, 9_400, 40, self.trace())
            self.now -= 700
        self.now += ms
        return not declined

    def follow_up(self) -> None:
        """See how an order is doing. Truth keeps orders with the visit that placed them, so these lines name none."""
        order = self.person.placed[-1]
        if self.person.customer:
            self.sign_in()
            self.think(6)
            self.page("/account/orders")
            self.think(6)
            self.page(f"/account/orders/{order}")
        else:
            self.page(f"/track/{order}")

    def cancel(self, order: Order) -> None:
        self.think(60)
        trace = self.trace()
        self.app(40, "INFO", "orders", f"order {order.id} cancelled by customer", trace, order.key)
        self.call("POST", f"/api/orders/{order.id}/cancel", 200, 80, trace, order.key)
        order.outcome = "cancelled"


CHATTER = ("template chosen", "24 rows in {} ms", "cache missed, {} keys read", "prices taken from region eu")
TRACEBACK = (
    "\nTraceback (most recent call last):\n"
    '  File "/srv/fernhill/web/views.py", line 88, in show\n    return self.render(item)\n'
    "fernhill.stock.StockTimeout: depot did not answer within 2000 ms"
)
