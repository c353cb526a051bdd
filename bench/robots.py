"""Programs that come to the simulated shop: crawlers and probes that say what they are, and robots that pose as browsers."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from visitors import HOUR_MS, draw_agent, home_address

if TYPE_CHECKING:
    from simulate import World

CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)
PROBES = ("python-requests/2.32.3", "curl/8.9.1", "Go-http-client/1.1")
HABITS = ("fast", "polite", "even", "prices", "logins")
"""What robots that pose as browsers do: read pages as fast as they come; at pauses like a person's, some with a cookie; at equal pauses;
look at a few products every hour; try passwords."""
COOKIES = 0.3
"""Share of polite ones that keep the cookie they are given."""


def crawl(world: World, at: int, session: str) -> str:
    """A crawler that reads pages, or a probe that looks for holes; which of the two."""
    rng = world.rng
    ip = f"198.51.100.{rng.randint(1, 254)}"
    if rng.random() < 0.7:
        agent, kind = rng.choice(CRAWLERS), "crawler"
        targets = ["/robots.txt", "/sitemap.xml"] + [p.path for p in rng.choices(world.products, k=rng.randint(10, 60))]
    else:
        agent, kind = rng.choice(PROBES), "probe"
        targets = ["/.env", "/wp-login.php", "/admin/", "/.git/config", "/phpinfo.php", "/backup.zip"]
    for target in targets:
        status = 404 if kind == "probe" else 200
        world.serve(at, ip, "GET", target, status, 5200, "-", agent, 40, session=session)
        at += 900 + rng.randrange(2500)
    return kind


def disguise(world: World, rng: Random, number: int, at: int) -> Iterator[tuple[str, str]]:
    """The ``number``-th robot that poses as a browser, from then on; (visit, habit) of each of its visits, as they are written."""
    habit = HABITS[number % len(HABITS)]
    ip, agent = home_address(rng), draw_agent(rng, rng.random() < 0.3)
    cookie = f"{rng.getrandbits(128):022x}"[:22] if habit == "polite" and rng.random() < COOKIES else ""
    watched = rng.sample(world.products, k=5)
    for run in range((world.shop.days * 24 * HOUR_MS - at) // HOUR_MS + 1 if habit == "prices" else 1):
        session = f"r{number}-{run}"
        now = at + run * HOUR_MS + rng.randrange(HOUR_MS // 4)
        if habit == "prices":
            asked = [("GET", product.path, 200) for product in rng.sample(watched, k=rng.randint(2, 4))]
        elif habit == "logins":
            asked = [
                ("POST", "/account/login", 401 if rng.random() < 0.99 else 303) for _ in range(rng.randint(60, 200))
            ]
        else:
            asked = [("GET", product.path, 200) for product in rng.choices(world.products, k=rng.randint(40, 120))]
        for method, target, status in asked:
            ms = 20 + rng.randrange(60)
            size = 9_000 + rng.randrange(9_000)
            world.serve(now, ip, method, target, status, size, "-", agent, ms, sid=cookie, session=session)
            now += _pause(rng, habit)
        yield session, habit


def _pause(rng: Random, habit: str) -> int:
    """Milliseconds until its next request."""
    if habit == "even":
        return 20_000 + rng.randrange(400)
    if habit in ("polite", "prices"):
        return min(900_000, 400 + int(rng.lognormvariate(2.7, 1.1) * 1000))
    return 80 + rng.randrange(1200)
