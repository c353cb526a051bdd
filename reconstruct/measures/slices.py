"""Time in equal parts: what people and business did in each, and what of it failed. The tables that failures are counted in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconstruct.correlate.surroundings import writer_of
from reconstruct.correlate.wordings import PAIRS
from reconstruct.measures.chosen import PEOPLE, Chosen, Document

SLICES = 40
"""Most slices that time is cut into: a mark each, in half a line of a terminal."""

LENGTHS_S = (
    60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_419_200, 31_449_600,
)  # fmt: skip
"""Lengths that people count time in; the first that gives so few slices. Those of weeks begin on a Thursday, as the epoch did."""

TEXT_CAP = 100
"""Characters of the first line of a message that tell one kind of error line from another."""

REQUESTS = f"""(
    SELECT t.*, j.seq AS seq FROM touchpoints t JOIN journeys j ON j.seq = t.journey WHERE {PEOPLE}
)"""

STEPS = '(SELECT *, journey AS seq FROM steps WHERE "at" IS NOT NULL)'

LINES = f"""(
    SELECT coalesce({writer_of("e")}, s.service) AS service, e.level, e.source, e.line, n.seq AS seq,
           make_timestamp(l.t // 1000) AS "at",
           name_activity(left(coalesce(nullif(regexp_extract(e.message, '[^\\r\\n]+'), ''), nullif(trim({PAIRS}, '{{}}'), ''), e.level),
                              {TEXT_CAP})) AS what
    FROM events e JOIN timeline l USING (eid) JOIN source_family f ON f.source = e.source
         JOIN family_services s ON s.family = f.family
         LEFT JOIN event_visit v USING (eid) LEFT JOIN numbered n USING (visit)
    WHERE e.level IN ('error', 'fatal') AND e.method IS NULL
)"""
"""Lines that say they are errors, by their first words, or pairs where they have none; but for those that are requests: these are counted
as what the visitor did."""


@dataclass(frozen=True, slots=True)
class Slices:
    """A stretch of time in equal parts."""

    first: int = 0
    """number of the first slice, in seconds of the epoch and the zone // ``length_s``"""
    n: int = 0
    length_s: int = 0
    zone_s: int = 0

    def sql(self) -> str:
        """The number of the slice of ``at``, from 0; NULL outside."""
        number = f'(epoch_us("at") // 1000000 + {self.zone_s}) // {self.length_s or 1} - {self.first}'
        return f"CASE WHEN {number} BETWEEN 0 AND {self.n - 1} THEN CAST({number} AS INTEGER) END"

    def begin(self, number: int) -> str:
        moment = datetime(1970, 1, 1) + timedelta(seconds=(self.first + number) * self.length_s - self.zone_s)
        return say_at(moment)


def cut_time(chosen: Chosen, zone_s: int) -> Slices:
    """The time that is looked at: that of all there is; of a selection, of what its visitors did, not of the days its parcels took."""
    extent = 'epoch_us(min("at")) // 1000000, epoch_us(max("at")) // 1000000'
    found = [chosen.rows(REQUESTS, "seq", extent)[0]]
    if not chosen.selection.text or found[0][0] is None:
        found += [chosen.rows(table, "seq", extent)[0] for table in (STEPS, LINES)]
    spans = [span for span in found if span[0] is not None]
    if not spans:
        return Slices()
    first, last = min(span[0] for span in spans) + zone_s, max(span[1] for span in spans) + zone_s
    length = next((each for each in LENGTHS_S if last // each - first // each < SLICES), LENGTHS_S[-1])
    return Slices(first // length, int(last // length - first // length + 1), length, zone_s)


def count_slices(chosen: Chosen, slices: Slices) -> list[Document]:
    """What was going on in each slice, and what of it failed."""
    rows = [
        {"at": slices.begin(number), "requests": 0, "failed": 0, "journeys": 0, "steps": 0, "begun": 0}
        for number in range(slices.n)
    ]
    business = '(SELECT *, CAST(started_at AS TIMESTAMP) AS "at" FROM business)'
    for table, key, columns, names in (
        (REQUESTS, "seq", "count(*), count(*) FILTER (NOT ok), count(DISTINCT seq) FILTER (NOT ok)", ("requests", "failed", "journeys")),
        (STEPS, "seq", "count(*)", ("steps",)),
        (business, "listed", "count(*)", ("begun",)),
    ):  # fmt: skip
        for number, *counts in chosen.rows(table, key, f"{slices.sql()} AS slice, {columns}", "GROUP BY 1 ORDER BY 1"):
            if number is not None:
                rows[number].update(zip(names, counts, strict=True))
    return rows


def say_at(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='microseconds')}Z"
