"""Robots that say they are browsers, told by what no browser of people does on the same site.

A browser that opens a page fetches what the page is made of, and names the page by which it came to the next. Here that is measured
first: where nearly every visitor who does the one does the other, a visitor who does neither, page after page, is looked at
closer. Being no browser is not enough, for caches and privacy can hide a person's too: a visitor is called a robot for a second
reason alone (`judge`), and never when it writes to several places, as people who buy and clients of the shop's own app do.
Whoever tries the doors (``/.env``, ``/wp-login.php`` where there is none) is a robot without all that.

What counts is pages: addresses that others name as the page they were on. What scripts and apps call is none, so logs of an API
and of applications of one page give no verdict, nor do logs without referrers.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from reconstruct.correlate.web_requests import Requests
from reconstruct.events.agents import probed_pattern
from reconstruct.store.codes import Codes

SEASONED = 5
"""Pages of a visitor before it is evidence for what browsers do here: whoever leaves after one page has come from none."""

LEAST_SEASONED = 20
"""Such visitors it takes to know what browsers do here: 20 of 20 is above .84 in 95 of 100 cases."""

NEARLY_EVERY = 0.95
"""Share of visitors with the one habit of a browser who have the other: of a thousand people two or three hide both by chance."""

MOST_OF_THEM = 0.8
"""The same where there is a sign beside that people do not give: forty in a thousand hide both then."""

LEAST_PAGES = 10
"""Pages before anybody is judged, where there is a sign that no person gives (robots.txt, equal intervals)."""

MANY_PAGES = 20
"""The same for a pace, or hours, that a person hardly keeps up."""

MOST_PAGES = 30
"""Pages without a file and without a link followed that need no further sign; no person of the real shop with ten lacked both habits."""

READS = 0.5
"""Share of its requests that are for pages, so that clients of an app, which now and then show a page, are left out."""

HURRIED_S = 2
"""Half of its pages follow the one before within this: a person takes 14 s or so, and seldom under three."""

EVEN = 0.1
"""Quartile coefficient (Q3 - Q1) / (Q3 + Q1) of the pauses between pages, at most (Bonett 2006). Pauses of people are log-normal with
sigma about 1, which makes .6; .1 is sigma .15."""

EVEN_FROM_S = 5
"""Least pause at which stamps of whole seconds show that: below, rounding alone makes pauses equal."""

ALL_HOURS = 20
"""Different hours of the day in which it reads: people sleep."""

ONE_ROUTE = 0.9
"""Share of its requests that go to one place, when it is sending rather than reading."""

REFUSED = 0.8
"""Share of these that are answered by 4xx; a client of an app sends to one place too, and is let in."""

KEPT = 5
"""Requests per session identifier from which a visitor keeps its session, as browsers do."""

LEAST_PROBES = 3
"""Different places of ``probed`` in ``agents.toml`` that it asked for and that are not there."""

ROBOTS_TXT = "/robots.txt"

POSES = "not what a browser does"


@dataclass(frozen=True, slots=True)
class Habits:
    """What a visitor that does not behave like a browser does, over all of its requests but files."""

    requests: int
    pages: int
    """successful or not, those for addresses that others name as the page they were on"""
    distinct: int
    """different addresses among them"""
    written: int
    """places written to, that is with other methods than GET, HEAD and OPTIONS"""
    most: int
    """requests of the method and place it asks most"""
    sends: bool
    """whether these write"""
    shown: bool
    """whether that place is a page"""
    refused: int
    """requests answered by 4xx"""
    robots_txt: bool
    pause_s: float
    """median pause between pages"""
    even: float
    """quartile coefficient of the pauses"""
    hours: int
    """different hours of the day with a page"""
    carried: int
    """requests with a session identifier"""
    sessions: int
    """different ones"""

    @property
    def keeps_session(self) -> bool:
        return self.sessions > 0 and self.carried >= KEPT * self.sessions


def judge(habits: Habits, fetches: bool, surely: bool) -> str:
    """Why that is a robot, for users; empty where it may be a person.

    ``fetches``: browsers fetch files here, and this one fetched none; else it is only known that it followed no link. ``surely``:
    nearly every browser does both here.
    """
    if habits.written > 1:
        return ""
    told = f"{POSES}: {habits.pages:,} pages, {'none of their files, ' if fetches else ''}no link followed"
    if habits.pages >= LEAST_PAGES and habits.pages >= READS * habits.requests:
        if habits.robots_txt:
            return f"{told}, robots.txt read"
        if habits.even <= EVEN and habits.pause_s >= EVEN_FROM_S:
            return f"{told}, one every {habits.pause_s:.0f} s"
        if habits.pages >= MANY_PAGES:
            if habits.pause_s <= HURRIED_S:
                return f"{told}, half of them within {HURRIED_S} s of the one before"
            if habits.hours >= ALL_HOURS:
                return f"{told}, in {habits.hours} of the 24 hours of the day"
        if surely and habits.pages >= MOST_PAGES and habits.distinct >= LEAST_PAGES and not habits.keeps_session:
            return told
    if (
        surely and habits.sends and habits.requests >= MANY_PAGES and habits.most >= ONE_ROUTE * habits.requests
        and (habits.shown or habits.refused >= REFUSED * habits.requests)
    ):  # fmt: skip
        return f"{POSES}: sends to one place over and over ({habits.most:,} times), no page's files, no link followed"
    return ""


def find_disguised(db: duckdb.DuckDBPyConnection, requests: Requests, eid: Codes) -> NDArray[np.bool_]:
    """Make ``disguised(visitor, reason)``: visitors that are robots, whatever they say. Gives the same as a mask by visitor.

    Needs ``events``, ``paths`` and ``agents``; ``eid``: the event of each request.
    """
    n = int(requests.visitor.max(initial=-1)) + 1
    pages = np.bincount(requests.visitor[~requests.asset], minlength=n)
    fetched, followed = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    fetched[requests.visitor[requests.asset]] = True
    followed[requests.visitor[requests.referrer >= 0]] = True
    alike = fetched | followed
    browser = np.zeros(n, requests.browser.dtype)
    browser[requests.visitor] = requests.browser
    told = db.execute("SELECT number + 1 FROM agents WHERE kind IN ('bot', 'monitor')").fetchnumpy()
    quiet = ~alike & ~np.isin(browser, next(iter(told.values())))
    reasons = _probes(db, requests, quiet)
    quiet[list(reasons)] = False
    seasoned = pages >= SEASONED
    # Robots have neither habit, so however many there are, those who have one tell of people.
    fetch = _share(fetched[seasoned & followed])
    follow = _share(followed[seasoned & fetched] if fetched.any() else followed[seasoned])
    surely, fetches = min(fetch, follow) >= NEARLY_EVERY, fetch >= MOST_OF_THEM
    if follow >= (MOST_OF_THEM if fetches else NEARLY_EVERY):
        alone = quiet & (pages >= LEAST_PAGES)
        together = _unlike_others(browser, alike, pages) & quiet & ~alone
        for chosen, who in ((alone, np.arange(n)), (together & surely, browser)):
            for number, habits in _habits(db, requests, eid, chosen, who).items():
                reason = judge(habits, fetches, surely)
                if reason:
                    reasons |= dict.fromkeys(np.flatnonzero(chosen & (who == number)).tolist(), reason)
    found = pa.table({"visitor": pa.array(reasons, pa.int32()), "reason": pa.array(reasons.values(), pa.string())})
    db.register("found_in", found)
    db.execute("CREATE OR REPLACE TABLE disguised AS SELECT * FROM found_in ORDER BY visitor")
    db.unregister("found_in")
    robots = np.zeros(n, np.bool_)
    robots[list(reasons)] = True
    return robots


def _share(has: NDArray[np.bool_]) -> float:
    """Share of the visitors, 0 where they are too few."""
    return float(has.mean()) if len(has) >= LEAST_SEASONED else 0.0


def _probes(db: duckdb.DuckDBPyConnection, requests: Requests, quiet: NDArray[np.bool_]) -> dict[int, str]:
    """Those of the quiet who try doors that are not there."""
    tried = np.flatnonzero((requests.status >= 400) & (requests.status < 500) & quiet[requests.visitor])
    if not len(tried):
        return {}
    numbers = db.execute(
        "SELECT number FROM paths WHERE regexp_matches(lower(path), ?)", [probed_pattern()]
    ).fetchnumpy()
    tried = tried[np.isin(requests.page[tried], numbers["number"])]
    places = np.unique(np.stack([requests.visitor[tried], requests.page[tried]]), axis=1)
    visitors, n = np.unique(places[0], return_counts=True)
    return {
        int(visitor): f"tries doors: {times} places that robots look for holes in, none of them there"
        for visitor, times in zip(visitors, n, strict=True) if times >= LEAST_PROBES
    }  # fmt: skip


def _unlike_others(
    browser: NDArray[np.integer], alike: NDArray[np.bool_], pages: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Per visitor, whether its user agent is one under which nobody behaves like a browser, with pages enough for each address."""
    n = int(browser.max(initial=0)) + 1
    of_people = np.bincount(browser, weights=alike, minlength=n) > 0
    opened, addresses = np.bincount(browser, weights=pages, minlength=n), np.bincount(browser, minlength=n)
    judged = ~of_people & (opened >= np.maximum(MOST_PAGES, SEASONED * addresses))
    judged[0] = False  # no user agent is nobody's
    return np.take(judged, browser)


def _habits(
    db: duckdb.DuckDBPyConnection, requests: Requests, eid: Codes, chosen: NDArray[np.bool_], who: NDArray[np.integer]
) -> dict[int, Habits]:
    """What the ``chosen`` visitors do, together where ``who`` has the same number for them."""
    mine = np.flatnonzero(chosen[requests.visitor] & ~requests.asset)
    if not len(mine):
        return {}
    asked = pa.table(
        {
            "eid": eid[mine], "who": who[requests.visitor[mine]], "second": requests.second[mine],
            "session": requests.session[mine], "page": requests.page[mine],
        }
    )  # fmt: skip
    # An event for each page that somebody came from, to look its route up by.
    named = np.unique(requests.referrer[requests.referrer >= 0])
    opened = np.full(max(int(requests.page.max()), int(named.max(initial=0))) + 1, -1)
    opened[requests.page] = np.arange(len(requests.page))
    shown = pa.table({"eid": eid[opened[named][opened[named] >= 0]]})
    db.register("asked_in", asked)
    db.register("shown_in", shown)
    rows = db.sql(
        f"""
        WITH shown AS (SELECT DISTINCT route FROM shown_in JOIN events USING (eid) JOIN paths USING (path))
        SELECT a.*, p.route, s.route IS NOT NULL AS shown, e.method NOT IN ('GET', 'HEAD', 'OPTIONS') AS sends,
               coalesce(e.status BETWEEN 400 AND 499, false) AS refused, p.path = '{ROBOTS_TXT}' AS robots_txt
        FROM asked_in a JOIN events e USING (eid) JOIN paths p USING (path) LEFT JOIN shown s USING (route)
        ORDER BY who, second, eid
        """
    ).to_arrow_table()
    db.unregister("asked_in")
    db.unregister("shown_in")
    routes = rows["route"].combine_chunks().dictionary_encode().indices
    columns = {name: rows[name].to_numpy() for name in rows.column_names if name != "route"} | {
        "route": routes.to_numpy()
    }
    numbers, first = np.unique(columns["who"], return_index=True)
    spans = pairwise([*first.tolist(), len(rows)])
    return {
        number: _watch({name: column[start:stop] for name, column in columns.items()})
        for number, (start, stop) in zip(numbers.tolist(), spans, strict=True)
    }


def _watch(asked: dict[str, NDArray[Any]]) -> Habits:
    """The habits of one, from its requests in time order."""
    sends, reads = asked["sends"], asked["shown"] & ~asked["sends"]
    seconds, sessions = asked["second"][reads], asked["session"][asked["session"] >= 0]
    pauses = np.diff(seconds) if len(seconds) > 1 else np.array([np.inf])
    low, middle, high = np.percentile(pauses, [25, 50, 75], method="nearest").tolist()
    places, at, n = np.unique(asked["route"] * 2 + sends, return_index=True, return_counts=True)
    most = int(np.argmax(n))
    return Habits(
        requests=len(sends), pages=len(seconds), distinct=len(np.unique(asked["page"][reads])),
        written=int(np.count_nonzero(places % 2)), most=int(n[most]), sends=bool(sends[at[most]]), shown=bool(asked["shown"][at[most]]),
        refused=int(np.count_nonzero(asked["refused"])), robots_txt=bool(asked["robots_txt"].any()),
        pause_s=middle, even=(high - low) / (high + low) if 0 < high < np.inf else 1.0,
        hours=len(np.unique(seconds // 3600 % 24)), carried=len(sessions), sessions=len(np.unique(sessions)),
    )  # fmt: skip
