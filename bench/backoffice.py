"""What happens to a paid order afterwards: risk, mail, depot, carrier, refund."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from visitors import DAY_MS, HOUR_MS
from visits import Order
from wording import carrier_line, payment_line, risk_line, warehouse_line, worker_line

if TYPE_CHECKING:
    from simulate import World

WAVE_MS = 2 * HOUR_MS
"""The depot releases what has come in every two hours, in one wave."""
OPENS_MS, CLOSES_MS = 7 * HOUR_MS, 18 * HOUR_MS
CARRIERS = (("swiftpost", "192.0.2.41"), ("norline", "192.0.2.57"))
PLANTED = ("charged_twice", "skipped_allocation", "out_of_order", "stuck", "never_shipped", "late")
"""Charged again by another request; picked though nothing was reserved; picked before it was reserved; forgotten once
reserved; forgotten once picked; packed a day and more after it was picked."""
STAFF_AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
STAFF_ADDRESSES = ("203.0.113.251", "203.0.113.252")


HOOK_TRACEBACK = (
    "\nTraceback (most recent call last):\n"
    '  File "/srv/fernhill/web/hooks.py", line 31, in delivered\n    return order.advance("delivered")\n'
    "fernhill.orders.InvalidStatus: delivered cannot follow delivered"
)


def next_wave(at: int) -> int:
    """The first wave within opening hours at or after ``at``."""
    wave = -(-at // WAVE_MS) * WAVE_MS
    while not OPENS_MS <= wave % DAY_MS <= CLOSES_MS:
        wave += WAVE_MS
    return wave


class BackOffice:
    def __init__(self, world: World) -> None:
        self.world, self.rng, self.shop = world, world.rng, world.shop
        self.to_depot = world.sink("depot/wms.log")
        self.to_carrier = world.sink("carriers/callbacks.log")
        self.to_worker = world.sink("worker/worker.log")
        self.to_risk = world.sink("risk/syslog")
        self.waves: dict[int, list[Order]] = {}
        self.before: list[Order] = []
        """orders of the last wave"""
        self.n_parcels = 0
        self.mischief = Random(f"{world.shop.seed} planted")  # of its own: what is not planted stays as it was
        self.n_planted = 0

    def take(self, order: Order) -> None:
        """Everything an order sets off, written ahead of time."""
        if order.outcome == "payment_failed":
            return
        rng = self.rng
        at = order.placed_at + 1500 + rng.randrange(1500)
        score = rng.randint(1, 60)
        self._line(
            self.to_risk,
            at,
            risk_line(self.world.stamps["risk"], at, f"scored order={order.id} score={score} verdict=accept"),
            order,
        )
        self.job(order, at + 300, "order-confirmation")
        if order.outcome == "cancelled":
            self.refund(order, at + HOUR_MS // 2, by_staff=False)
            return
        self.plant(order, at)
        if order.planted not in ("skipped_allocation", "out_of_order"):
            self.reserve(order, at + 2000)
        if order.planted == "stuck" or rng.random() < self.shop.stuck:
            order.outcome = "stuck"
            return
        self.waves.setdefault(next_wave(at + 20 * 60_000), []).append(order)

    def plant(self, order: Order, at: int) -> None:
        """Decide whether something goes wrong in this order, and what."""
        if self.mischief.random() >= self.shop.planted:
            return
        order.planted = PLANTED[self.n_planted % len(PLANTED)]
        shows_at_once = order.planted in ("charged_twice", "stuck")
        order.planted_at = at if shows_at_once else self.shop.days * DAY_MS
        self.n_planted += 1
        if order.planted == "charged_twice":
            again = order.placed_at + self.mischief.randint(20_000, 90_000)
            fields = {
                "charge": f"{order.charge[:-4]}TWIN",
                "reference": order.id,
                "minor_units": order.cents,
                "currency": "EUR",
            }
            stamps = self.world.stamps["payments"]
            self.world.to_payments(
                (again, payment_line(stamps, self.shop.docker, again, "charge captured", fields), None, (order.key,))
            )

    def reserve(self, order: Order, at: int) -> None:
        rng = self.rng
        for number, product in enumerate(order.products, 1):
            after = at + number * 35
            self.depot(
                after,
                "stock reserved",
                order,
                order=order.id,
                sku=product.sku,
                qty=1,
                bin=f"{rng.choice('ABCDEF')}{rng.randint(1, 40)}",
            )

    def release(self, horizon: int) -> None:
        """Work off the waves before ``horizon``; no order can join them any more."""
        for wave in sorted(w for w in self.waves if w < horizon):
            orders = self.waves.pop(wave)
            number = f"W{wave // WAVE_MS:05}"
            if self.shop.batches:
                listed = ",".join(order.id for order in orders)
                text = warehouse_line(
                    self.world.stamps["depot"], wave, "wave released", {"wave": number, "orders": listed}
                )
                self.to_depot((wave, text, None, [order.key for order in orders]))
            self.list_some(wave, orders)
            at = wave
            for order in orders:
                at += 60_000 + self.rng.randrange(240_000)
                self.ship(order, at, number)

    def list_some(self, wave: int, orders: list[Order]) -> None:
        """Lines that name many orders at once: stock takes of the depot, invoice runs of the application."""
        world, among = self.world, self.before + orders
        self.before = orders
        for number in range(self.shop.batch_rate):
            chosen = self.rng.sample(among, min(len(among), self.rng.randint(2, 12)))
            at, listed, keys = wave + 20_000 + number * 31_000, ",".join(o.id for o in chosen), [o.key for o in chosen]
            if number % 2:
                text = world.app_line(
                    at, "INFO", "invoices", f"run {wave // WAVE_MS}-{number} covered orders {listed}", "", 1
                )
                world.to_app((at, text, None, keys))
            else:
                text = warehouse_line(world.stamps["depot"], at, "stock take", {"shelf": number, "orders": listed})
                self.to_depot((at, text, None, keys))

    def ship(self, order: Order, at: int, wave: str) -> None:
        rng = self.rng
        self.depot(at, "picking", order, order=order.id, wave=wave, picker=f"p{rng.randint(1, 9):02}")
        if order.planted in ("skipped_allocation", "never_shipped"):
            order.planted_at = at
        if order.planted == "never_shipped":
            order.outcome = "stuck"
            return
        if order.planted == "out_of_order":
            order.planted_at = at + 60_000
            self.reserve(order, at + 60_000)
        at += 120_000 + rng.randrange(900_000)
        if order.planted == "late":
            at += self.mischief.randint(26 * HOUR_MS, 50 * HOUR_MS)
            order.planted_at = at
        if self.shop.line_items:
            for number in range(1, len(order.products) + 1):
                self.depot(at + number * 9000, "item picked", order, item=f"{order.id}-{number}")
        self.n_parcels += 1
        parcel = f"FB{481_000_000 + self.n_parcels * 37}DE"
        self.depot(at, "parcel closed", order, order=order.id, parcel=parcel, grams=rng.randint(300, 9000))
        self.job(order, at + 900, "dispatch-notice")
        carrier, address = rng.choice(CARRIERS)
        closed, at = at, at // DAY_MS * DAY_MS + 19 * HOUR_MS + rng.randrange(HOUR_MS)
        if order.planted == "late" and at < closed:
            at += DAY_MS
        for status in ("collected", "in-transit", "out-for-delivery", "delivered"):
            target = f"/hooks/{carrier}/parcels/{parcel}?status={status}"
            line = carrier_line(self.world.stamps["carriers"], at, address, target, carrier, 204)
            self._line(self.to_carrier, at, line, order)
            if at < self.shop.days * DAY_MS:  # what lies beyond the end of the logs has not happened yet
                order.outcome = status
            if status == "delivered" and rng.random() < self.shop.repeated_hooks:
                self.repeat(order, at, address, target, carrier)
            at += 5 * HOUR_MS + rng.randrange(14 * HOUR_MS)
        if rng.random() < self.shop.refunds:
            self.refund(order, at + DAY_MS // 2, by_staff=True)

    def repeat(self, order: Order, at: int, address: str, target: str, carrier: str) -> None:
        """The carrier did not hear the answer and says it again, which the shop takes badly."""
        world = self.world
        for _ in range(2):
            at += 600_000 + self.rng.randrange(60_000)
            parcel = target.split("/")[4].partition("?")[0]
            self._line(
                self.to_carrier, at, carrier_line(world.stamps["carriers"], at, address, target, carrier, 500), order
            )
            failure = f"cannot apply delivered to parcel {parcel}{HOOK_TRACEBACK}"
            self._line(world.to_app, at, world.app_line(at, "ERROR", "hooks", failure, "", 1), order)

    def refund(self, order: Order, at: int, *, by_staff: bool) -> None:
        """Money back; by staff it goes through the same edge as the customers."""
        rng, world = self.rng, self.world
        trace = "" if self.shop.no_ids else f"{rng.getrandbits(128) | 1 << 127:032x}"
        if by_staff:
            page = f"/backoffice/orders/{order.id}"
            ip = STAFF_ADDRESSES[rng.randrange(2)]
            for method, target, after, ref in (
                ("GET", page, -40_000, "-"),
                ("POST", page + "/refund", 0, f"https://www.fernhill.example{page}"),
            ):
                named = trace if after == 0 else ""
                world.serve(
                    at + after, ip, method, target, 200, 4100, ref, STAFF_AGENT, 70, trace=named, orders=(order.key,)
                )
            if at < self.shop.days * DAY_MS:
                order.outcome = "refunded"
        fields = {"charge": order.charge, "reference": order.id, "minor_units": order.cents, "currency": "EUR"}
        if trace and by_staff:
            fields["traceparent"] = f"00-{trace}-{trace[:16]}-01"
        world.to_payments(
            (
                at - 20,
                payment_line(world.stamps["payments"], self.shop.docker, at - 20, "charge refunded", fields),
                None,
                (order.key,),
            )
        )
        self.job(order, at + 2000, "refund-notice")

    def job(self, order: Order, at: int, kind: str) -> None:
        """A background job: only the first line names the order, the last one only the job."""
        stamps, job = self.world.stamps["worker"], uuid.UUID(int=self.rng.getrandbits(128), version=4)
        self._line(
            self.to_worker, at, worker_line(stamps, at, f"job {job} started: mail {kind} for order {order.id}"), order
        )
        ms = 80 + self.rng.randrange(900)
        self._line(self.to_worker, at + ms, worker_line(stamps, at + ms, f"job {job} finished in {ms}ms"), order)

    def depot(self, at: int, message: str, owner: Order, **fields: object) -> None:
        self._line(self.to_depot, at, warehouse_line(self.world.stamps["depot"], at, message, fields), owner)

    def _line(
        self, sink: Callable[[tuple[int, str, str | None, tuple[str, ...]]], None], at: int, text: str, order: Order
    ) -> None:
        sink((at, text, None, (order.key,)))
