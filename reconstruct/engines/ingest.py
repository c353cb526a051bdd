"""Sources into the store: scan, account for every line, remember how each source was read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import orjson
import pyarrow as pa

from reconstruct.correlate.clocks import STATED
from reconstruct.correlate.copies import Copied, drop_copies
from reconstruct.correlate.dates import complete_dates
from reconstruct.engines.known import Carrier, Continued, Known, Part, is_settled
from reconstruct.engines.local import Scanned, scan_sources
from reconstruct.engines.quality import explain_samples
from reconstruct.events.formats import known_formats
from reconstruct.events.undated import anchor_ns
from reconstruct.grammar.definition import Definition
from reconstruct.grammar.plans import plans_of
from reconstruct.grammar.stamp_calendar import offset_s
from reconstruct.grammar.timestamps import find_timestamp
from reconstruct.sources import Discovery, Source, read_slice
from reconstruct.sources.progress import Progress
from reconstruct.store.database import Store

SAMPLES_KEPT = 5
"""Unparsed lines remembered per source, and as many that are known by their moment alone: a handful shows what they are."""

COUNTED = ("lines", "events", "continuations", "directives", "blank", "duplicates", "unparsed")
"""What is counted per source; the first is the sum of the others."""

_ZONE = re.compile(r"(?:(Z|UTC|GMT)|([+-])(\d{2}):?(\d{2})?)\s*$")


@dataclass(slots=True)
class SourceAccount:
    """How one source was read."""

    source: Source
    counts: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, Any]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    undated: str | None = None
    slots: dict[str, None] = field(default_factory=dict)
    """of its mentions, in the order in which they were first met"""
    known: Known | None = None
    """for a later reading, when the source has grown"""

    def take_over(self, continued: Continued) -> None:
        """Begin with how the first lines were read, or all of them."""
        part = continued.part
        if part is not None:
            self.counts, self.formats, self.notes = Counter(part.counts), Counter(part.formats), Counter(part.notes)
            self.samples = [dict(sample) for sample in part.samples]
            self.slots = dict.fromkeys(part.slots)
            self.known = replace(continued.known, source=self.source)

    def _remember(self, scanned: Scanned) -> None:
        part = Part(
            scanned.end, scanned.index + 1, scanned.first_line + scanned.scan.n_lines, Counter(self.counts),
            Counter(self.formats), Counter(self.notes), tuple(dict(sample) for sample in self.samples), tuple(self.slots),
        )  # fmt: skip
        settled = part if is_settled(self.source, scanned.end) else self.known.settled if self.known else None
        self.known = Known(self.source, scanned.profile, part.lines, settled, part)

    def add(self, scanned: Scanned) -> None:
        scan = scanned.scan
        self.counts.update(asdict(scan.account))
        self.formats.update(scan.formats)
        self.notes.update(scan.notes)
        self.undated = scan.undated
        self.slots.update(dict.fromkeys(scan.mentions.column("slot").dictionary.to_pylist()))
        if scanned.note:
            self.notes[scanned.note] += 1
        for sample in scan.samples:
            if sum(each["generic"] == sample.generic for each in self.samples) < SAMPLES_KEPT:
                line = sample.line + scanned.first_line
                self.samples.append({"line": line, "text": sample.text, "generic": sample.generic, "nearest": None})
        self._remember(scanned)

    def take_out(self, copied: Copied, original: Source) -> None:
        """Count entries that were found to be copies as such, and say where they stand first."""
        if self.known is not None:  # they are not in the store: next time it is read anew
            self.known = replace(self.known, settled=None, whole=None)
        self.counts["events"] -= copied.events
        self.counts["continuations"] -= copied.lines - copied.events
        self.counts["duplicates"] += copied.lines
        self.formats -= Counter(copied.formats)
        place = f"line {copied.line}" if original is self.source else f"{original.path}:{copied.line}"
        self.notes[f"again what stands from {place} on; counted once"] += copied.lines

    def document(self) -> dict[str, Any]:
        """The source as the store keeps it: the row of the export, and what only the quality view shows."""
        return {
            "id": self.source.id,
            "path": self.source.path,
            "formats": dict(sorted(self.formats.items())),
            **{name: self.counts[name] for name in COUNTED},
            "family": self.source.family,
            "rank": self.source.rank,
            "size": self.source.size,
            "compression": self.source.compression,
            "encoding": self.source.encoding,
            "forced": self.source.forced,
            "samples": sorted(self.samples, key=lambda each: (each["generic"], each["line"])),
            "notes": dict(sorted(self.notes.items())),
        }


def ingest(
    store: Store,
    discovery: Discovery,
    *,
    chunk_bytes: int,
    pool: Executor | None,
    progress: Progress,
    first_chunk_only: bool = False,
    carrier: Carrier | None = None,
) -> list[SourceAccount]:
    """Read everything that was discovered, or the first chunk of each source for a quick look; what ``carrier`` brings is not
    read again."""
    accounts = [SourceAccount(source) for source in discovery.sources]
    carrier = carrier or Carrier(store, None, {})
    for number, continued in carrier.continued.items():
        accounts[number].take_over(continued)
    anew = [source for source in discovery.sources if source.id not in carrier.wholes]
    progress.phase("reading", sum(source.size for source in anew) - carrier.bytes_known)
    for scanned in scan_sources(
        anew,
        chunk_bytes=chunk_bytes,
        pool=pool,
        first_chunk_only=first_chunk_only,
        local=plans_of(discovery.formats),
        starts=carrier.starts,
    ):
        carrier.bring(scanned.source.id)
        store.add(scanned.scan.events, scanned.scan.mentions)
        accounts[scanned.source.id].add(scanned)
        progress.advance(scanned.disk_bytes, scanned.scan.n_lines)
    carrier.bring_rest()
    store.finish_events()
    carrier.close()
    sources = [(each.source, each.undated) for each in accounts if each.undated]
    complete_dates(
        store.connection,
        {source.id: (lack, anchor_ns(source.path, source.modified_ns)) for source, lack in sources},
    )
    for copied in drop_copies(store.connection, _families(discovery.sources)):
        accounts[copied.source].take_out(copied, discovery.sources[copied.original])
    return accounts


def _families(sources: Sequence[Source]) -> list[list[int]]:
    """The sources of each log, oldest first."""
    families: dict[str, list[int]] = {}
    for source in sorted(sources, key=lambda each: (each.family, each.rank)):
        families.setdefault(source.family, []).append(source.id)
    return list(families.values())


def save_sources(store: Store, accounts: list[SourceAccount], formats: Sequence[Definition] = ()) -> None:
    """Write ``sources(id, path, document)`` with time span and zone. Needs ``timeline`` and ``zones``.

    ``formats``: those of these logs alone, see ``Discovery.formats``.
    """
    spans = {
        source: (first, last)
        for source, first, last in store.rows(
            "SELECT t.source, min(t.t), max(t.t) FROM timeline t JOIN events e USING (eid) WHERE e.time_ns IS NOT NULL GROUP BY 1"
        )
    }
    zones = {
        source: (offset, origin, why + (f"; {others} of the services in it have another" if others else ""), ahead_ns)
        for source, offset, origin, why, others, ahead_ns in store.rows(
            """
            WITH kept AS (SELECT source, family, count(*) AS n FROM timeline GROUP BY ALL),
                 told AS (SELECT * FROM kept JOIN zones USING (family)),
                 most AS (SELECT source, arg_max(family, (n, -family)) AS family FROM told GROUP BY source)
            SELECT source, m.offset_s, m.origin, m.why, count(*) FILTER (t.offset_s <> m.offset_s), m.ahead_ns
            FROM most JOIN told m USING (source, family) JOIN told t USING (source) GROUP BY ALL
            """
        )
    }
    first_stamped = {
        source: (offset, length)
        for source, offset, length in store.rows(
            'SELECT source, arg_min("offset", eid), arg_min(length, eid) FROM events WHERE zoned AND time_ns IS NOT NULL GROUP BY 1'
        )
    }
    samples = [(sample, account.formats) for account in accounts for sample in account.samples]
    explain_samples(samples, accounts[0].source.grammars, formats)
    documents = []
    for account in accounts:
        number = account.source.id
        first, last = spans.get(number, (None, None))
        offset, origin, why, ahead_ns = zones.get(number, (0, "assumed", "no time stamps", 0))
        if origin == "stamp" and number in first_stamped:
            offset = _stated_offset(account.source, *first_stamped[number])
            if zone := _format_zone(account, formats):
                offset = offset_s(zone, first or 0)
                said = f"its stamps do not name their zone, the format of its lines does: {zone}"
                why = why.replace(STATED, said)
        documents.append(
            account.document()
            | {"first_ns": first, "last_ns": last, "offset_s": offset, "timezone_from": origin, "timezone_why": why}
            | {"ahead_ms": round(ahead_ns / 1_000_000)}
        )
    rows = pa.table(
        {
            "id": pa.array([document["id"] for document in documents], pa.int32()),
            "path": pa.array([document["path"] for document in documents], pa.string()),
            "document": pa.array([orjson.dumps(document).decode() for document in documents], pa.string()),
        }
    )
    store.insert("sources", rows)


def _format_zone(account: SourceAccount, formats: Sequence[Definition]) -> str:
    """The zone that the format says which most entries are of; empty when it says none."""
    counts = Counter[str]()
    for name, count in account.formats.items():
        counts[name.rpartition("/")[2]] += count
    (name, _), *_ = counts.most_common(1)
    plan = known_formats(account.source.grammars, plans_of(formats)).plan(name)
    return plan.zone if plan else ""


def _stated_offset(source: Source, offset: int, length: int) -> int:
    """Seconds east of UTC that the stamp of an event states; 0 when it names no number."""
    line = read_slice(source, offset, min(length, 4096)).decode("utf-8", "replace").split("\n", 1)[0]
    found = find_timestamp(line)
    match = _ZONE.search(line[found[0] : found[1]]) if found else None
    if match is None or match[1]:
        return 0
    seconds = int(match[3]) * 3600 + int(match[4] or 0) * 60
    return -seconds if match[2] == "-" else seconds
