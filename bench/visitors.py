"""Who comes to the simulated shop: people with browsers and networks, and when each of them visits.

Addresses are from documentation and benchmark blocks only (RFC 5737, RFC 3849, RFC 2544, RFC 6598); the people are fictitious.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalogue import Product
    from simulate import Shop

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
RUSH_AT_MS = 19 * HOUR_MS
"""When a newsletter brings everybody at once."""
APART_MS = 2 * HOUR_MS
"""Least time between two visits of one person: above any cut of visits in use, so that truth is not a matter of taste."""
HOURS = (1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 11, 12, 11, 9, 9, 10, 11, 13, 15, 16, 14, 8, 3)
"""Share of visits by hour of the day: quiet at night, highest in the evening."""

PHONES = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {a}_{b} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{a}.{b} Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android {d}; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{c}.0.0.0 Mobile Safari/537.36",
)
COMPUTERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{c}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{c}.0.0.0 Safari/537.36 Edg/{c}.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{a}.{b} Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:{f}.0) Gecko/20100101 Firefox/{f}.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{f}.0) Gecko/20100101 Firefox/{f}.0",
)


@dataclass(slots=True)
class Person:
    """One human, with what the servers can see of them over several visits."""

    number: int
    address: str
    agent: str
    network: str  # home, office, mobile
    customer: int | None  # account number; None: always a guest
    cookie: str = ""  # session cookie kept from the last visit
    warm: bool = False  # the browser holds the shop's assets
    cart: str = ""
    placed: list[str] = field(default_factory=list)
    sticky: bool = False
    """the session cookie stays for good"""
    telephone: tuple[str, str] | None = None
    """address and browser of a second device"""
    housemate: Person | None = None
    """who takes over the browser when this person has signed out"""
    unpaid: list[Product] = field(default_factory=list)
    """what a declined card left in the cart, to be tried again at the next visit"""
    private: bool = False
    """the browser never says where it comes from"""
    cached: bool = False
    """the browser has every file of the shop already"""


def draw_agent(rng: Random, phone: bool) -> str:
    version = {"a": rng.randint(17, 26), "b": rng.randint(0, 6), "c": rng.randint(128, 145), "d": rng.randint(11, 16)}
    return rng.choice(PHONES if phone else COMPUTERS).format(f=rng.randint(128, 146), **version)


def home_address(rng: Random) -> str:
    if rng.random() < 0.3:
        return f"2001:db8:{rng.getrandbits(16):x}:{rng.getrandbits(16):x}::{rng.randint(1, 0xFFFE):x}"
    return f"198.{rng.randint(18, 19)}.{rng.randint(0, 255)}.{rng.randint(1, 254)}"


def mobile_address(rng: Random) -> str:
    """A carrier's translation pool: few addresses, many telephones."""
    return f"100.{rng.randint(64, 67)}.{rng.randint(0, 3)}.{rng.randint(1, 254)}"


def make_people(rng: Random, shop: Shop, n: int) -> list[Person]:
    offices = [f"203.0.113.{i}" for i in range(1, 1 + max(1, min(250, round(n * shop.nat / 25))))]
    images = {office: [draw_agent(rng, False) for _ in range(3)] for office in offices}
    people = []
    for number in range(n):
        draw = rng.random()
        if draw < shop.nat:
            network, address = "office", rng.choice(offices)
            # Company computers come from one image: people behind one address share browsers too.
            agent = rng.choice(images[address])
        elif draw < shop.nat + shop.mobile:
            network, address, agent = "mobile", mobile_address(rng), draw_agent(rng, True)
        else:
            network, address, agent = "home", home_address(rng), draw_agent(rng, rng.random() < 0.4)
        customer = None if rng.random() < shop.guests else 410_000 + number * 7
        people.append(Person(number, address, agent, network, customer))
    return people


def give_habits(rng: Random, shop: Shop, people: list[Person]) -> None:
    """Which of these people keep a cookie for good, come by telephone too, or share their browser."""
    for person in people:
        person.sticky = rng.random() < shop.sticky_cookies
        telephone = (mobile_address(rng), draw_agent(rng, True))
        person.telephone = telephone if rng.random() < shop.two_devices else None
        if rng.random() < shop.shared_devices and person.customer:
            number = person.number + len(people)
            person.housemate = Person(number, person.address, person.agent, person.network, 910_000 + number * 7)
    browsers = Random(f"{shop.seed} browsers")
    for person in people:
        person.private, person.cached = browsers.random() < shop.private, browsers.random() < shop.cached


def schedule(rng: Random, shop: Shop, people: list[Person], n: int) -> list[tuple[int, Person]]:
    """(milliseconds since the first midnight, person) of every visit, in time order."""
    times: dict[int, list[int]] = {}
    hours = rng.choices(range(24), HOURS, k=n)
    for hour in hours:
        # Some come once, some often: a squared draw makes the first people regulars.
        who = int(len(people) * rng.random() ** 1.6)
        at = rng.randrange(shop.days) * DAY_MS + hour * HOUR_MS + rng.randrange(HOUR_MS)
        if shop.rush and rng.random() < shop.rush:
            at = RUSH_AT_MS + rng.randrange(HOUR_MS)
        times.setdefault(who, []).append(at)
    visits = []
    for who, starts in times.items():
        last = -DAY_MS
        for at in sorted(starts):
            at = max(at, last + APART_MS + rng.randrange(HOUR_MS))
            visits.append((at, who))
            last = at
    visits.sort()
    return [(at, people[who]) for at, who in visits]
