"""People behind one address, told apart by the names a web server writes of them: on every request, or from the login on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconstruct.options import Options
from reconstruct.pipeline import open_paths

START = datetime(2026, 3, 10, 9, tzinfo=UTC)
PEOPLE, ADDRESSES = 48, 4
"""Three of four have a name; all of an address come within minutes of each other, and each comes twice."""
PAGES = ("/", "/products", "/products/5", "/cart", "/checkout")
SIGNED_IN = 3
"""Page from which people have a name where they sign in on the way."""


def write_log(path: Path, *, signs_in: bool, browsers: bool) -> dict[int, tuple[int, int]]:
    """Common log lines, or combined ones; gives the person and the visit of each line."""
    told = []
    for person in range(PEOPLE):
        name = "-" if person % 4 == 3 else f"user{person:03}"
        for day in range(2):
            for step, page in enumerate(PAGES):
                at = START + timedelta(days=day, seconds=47 * (person // ADDRESSES) + 40 * step)
                shown = "-" if signs_in and step < SIGNED_IN else name
                line = f'192.0.2.{person % ADDRESSES + 1} - {shown} [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET {page} HTTP/1.1" 200 512'
                referrer = f"https://shop.example.com{PAGES[step - 1]}" if step else "-"
                told.append(
                    (
                        at,
                        line + (f' "{referrer}" "Mozilla/5.0 (Windows NT 10.0) Edg/{person}"' if browsers else ""),
                        (person, day),
                    )
                )
    told.sort()
    path.write_text("".join(line + "\n" for _, line, _ in told), encoding="utf-8")
    return {number: whose for number, (_, _, whose) in enumerate(told, 1)}


def visits_of(directory: Path) -> list[list[int]]:
    """The lines of each journey."""
    results = open_paths([directory], Options(cache=False, workers=1))
    journeys = [json.loads(document) for document in results.documents()]
    results.close()
    return [
        sorted(event[1] for each in journey["customer_journey"]["touchpoints"] for event in each["events"])
        for journey in journeys
    ]


def test_one_address_and_several_names_are_several_people(tmp_path: Path) -> None:
    whose = write_log(tmp_path / "access.log", signs_in=False, browsers=False)
    found = visits_of(tmp_path)
    named = [lines for lines in found if whose[lines[0]][0] % 4 != 3]
    assert len(named) == 2 * PEOPLE * 3 // 4
    assert all(len({whose[line] for line in lines}) == 1 and len(lines) == len(PAGES) for lines in named)
    # Those without a name are one person as far as anybody can tell, and nobody's who has one.
    assert all(whose[line][0] % 4 == 3 for lines in found if lines not in named for line in lines)


def test_who_signs_in_keeps_what_came_before(tmp_path: Path) -> None:
    whose = write_log(tmp_path / "access.log", signs_in=True, browsers=True)
    assert sorted(visits_of(tmp_path)) == sorted(
        sorted(line for line, each in whose.items() if each == visit) for visit in set(whose.values())
    )


def test_who_sees_to_many_customers_in_turn_is_one_visitor(tmp_path: Path) -> None:
    """Their numbers stand in paths that staff goes through, and in what the application says of customers who log in."""
    access: list[tuple[datetime, str]] = []
    application = []

    def ask(when: datetime, address: str, target: str, page: str) -> None:
        referrer = f"https://shop.example.com{page}" if page else "-"
        request = f'"GET {target} HTTP/1.1" 200 512 "{referrer}" "Firefox/{address}"'
        access.append((when, f"{address} - - [{when:%d/%b/%Y:%H:%M:%S} +0000] {request}"))

    for person in range(PEOPLE):
        at = START + timedelta(seconds=200 * person)
        for step, page in enumerate(PAGES):
            ask(at + timedelta(seconds=20 * step), f"198.51.100.{person + 1}", page, PAGES[step - 1] if step else "")
        application.append(f"{at:%Y-%m-%d %H:%M:%S},500 INFO shop customer=C{41_000 + person} logged in")
        at = START + timedelta(days=1, seconds=90 * person)
        ask(at, "10.0.0.9", "/crm/queue", f"/crm/customers/C{41_000 + person - 1}" if person else "")
        ask(at + timedelta(seconds=9), "10.0.0.9", f"/crm/customers/C{41_000 + person}", "/crm/queue")
    (tmp_path / "access.log").write_text("".join(line + "\n" for _, line in sorted(access)), encoding="utf-8")
    (tmp_path / "app.log").write_text("".join(line + "\n" for line in application), encoding="utf-8")
    found = visits_of(tmp_path)
    assert len(found) == PEOPLE + 1
    assert max(len(lines) for lines in found) == 2 * PEOPLE
