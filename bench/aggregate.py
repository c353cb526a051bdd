"""Many services in one file, as a collector keeps them: the logs of a simulated shop and of what stands around it, in one envelope.

    python bench/aggregate.py                          every envelope: what is read otherwise than from files of their own
    python bench/aggregate.py --only loki --show       one of them, and the events that differ
    python bench/aggregate.py --keep DIR               the files, in DIR/ENVELOPE

The shop writes six logs; beside it run services that have nothing to do with its customers, down to one line in two hundred,
each in the format of what it is made with. Lines are put in order of time, as a collector gets them. Reading is right when
every line gives the event that it gives in a file of that service alone, in the same envelope (``same``), and when the
fields are those of the bare line as well (``bare``).
"""

from __future__ import annotations

import argparse
import base64
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import orjson
from simulate import Shop, simulate

from reconstruct.events.render import event_lines
from reconstruct.events.scan import scan_chunk
from reconstruct.events.source_profile import PROFILE_BYTES, profile_source
from reconstruct.sources import discover, read_chunks

Event = dict[str, object]
SECOND_NS = 10**9


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that a service wrote, and when."""

    time_ns: int
    service: str
    text: str

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.time_ns // SECOND_NS, UTC).replace(microsecond=self.time_ns // 1000 % 10**6)

    def stamp(self) -> str:
        """RFC 3339 in microseconds."""
        return self.moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Speak = Callable[[datetime, Random], str]


def _zone_free(moment: datetime, pattern: str) -> str:
    return moment.strftime(pattern).replace("MS", f"{moment.microsecond // 1000:03d}")


def _ledger(at: datetime, dice: Random) -> str:
    text = dice.choice(("Posting batch closed", "Reconciled account with 0 differences", "Opened a day"))
    head = f"{_zone_free(at, '%Y-%m-%dT%H:%M:%S.MSZ')}  INFO 1 --- [ledger] [   scheduling-{dice.randint(1, 4)}]"
    return f"{head} c.e.ledger.posting.Poster : {text} n={dice.randint(1, 900)}"


def _glog(at: datetime, dice: Random) -> str:
    return f"I{at:%m%d %H:%M:%S.%f} {dice.randint(1, 9):7d} segment_merger.cc:{dice.randint(40, 900)}] merged {dice.randint(2, 9)} segments"


def _redis(at: datetime, dice: Random) -> str:
    text = dice.choice(
        ("DB saved on disk", "Background saving terminated with success", "100 changes in 300 seconds. Saving...")
    )
    return f"1:M {_zone_free(at, '%d %b %Y %H:%M:%S.MS')} * {text}"


def _kafka(at: datetime, dice: Random) -> str:
    text = f"Group worker-{dice.randint(1, 9)} with generation {dice.randint(1, 90)} is now empty"
    head = f"[{_zone_free(at, '%Y-%m-%d %H:%M:%S,MS')}] INFO [GroupCoordinator 1]"
    return f"{head}: {text} (kafka.coordinator.group.GroupCoordinator)"


def _python_basic(_: datetime, dice: Random) -> str:
    return f"{dice.choice(('INFO', 'WARNING'))}:recommender.model:scored {dice.randint(10, 99)} items in {dice.randint(3, 40)} ms"


def _logfmt(at: datetime, dice: Random) -> str:
    head = f"level=info ts={_zone_free(at, '%Y-%m-%dT%H:%M:%S.MSZ')} caller=sender.go:{dice.randint(20, 90)}"
    return f'{head} msg="newsletter sent" batch={dice.randint(1, 99)} rcpt={dice.randint(1, 5)}'


def _logfmt_untimed(_: datetime, dice: Random) -> str:
    return f'level={dice.choice(("info", "warn"))} msg="stock level recomputed" warehouse=w{dice.randint(1, 5)} took={dice.randint(2, 90)}ms'


def _uvicorn(_: datetime, dice: Random) -> str:
    return f'INFO:     10.2.0.{dice.randint(2, 250)}:{dice.randint(30000, 60000)} - "GET /internal/suggest?q=mug HTTP/1.1" 200 OK'


def _haproxy(at: datetime, dice: Random) -> str:
    head = f"10.1.0.{dice.randint(2, 250)}:{dice.randint(30000, 60000)} [{_zone_free(at, '%d/%b/%Y:%H:%M:%S.MS')}]"
    took = f"0/0/1/{dice.randint(2, 90)}/{dice.randint(91, 99)} 200 {dice.randint(200, 9000)}"
    return f'{head} internal~ catalog/c{dice.randint(1, 3)} {took} - - ---- 3/3/0/0/0 0/0 "GET /internal/feed HTTP/1.1"'


def _env_logger(at: datetime, dice: Random) -> str:
    return f"[{at:%Y-%m-%dT%H:%M:%SZ} INFO  images::resize] resized {dice.randint(1, 40)} pictures"


def _keycloak(at: datetime, dice: Random) -> str:
    head = (
        f"{_zone_free(at, '%Y-%m-%d %H:%M:%S,MS')} INFO  [org.keycloak.services.scheduled] (Timer-{dice.randint(0, 3)})"
    )
    return f"{head} Expired sessions cleared: {dice.randint(0, 30)}"


def _postgres(at: datetime, dice: Random) -> str:
    text = f"checkpoint complete: wrote {dice.randint(2, 90)} buffers (0.{dice.randint(1, 9)}%)"
    return f"{_zone_free(at, '%Y-%m-%d %H:%M:%S.MS')} UTC [{dice.randint(30, 99)}] LOG:  {text}"


def _monolog(at: datetime, dice: Random) -> str:
    return f'[{at:%Y-%m-%dT%H:%M:%S.%f+00:00}] blog.INFO: Page rendered {{"template":"t{dice.randint(1, 9)}.twig"}} []'


def _sidekiq(at: datetime, dice: Random) -> str:
    job = f"class=SitemapJob jid={dice.getrandbits(96):024x} elapsed=0.{dice.randint(100, 999)}"
    return f"{_zone_free(at, '%Y-%m-%dT%H:%M:%S.MSZ')} pid=1 tid=ab{dice.randint(1, 9)} {job} INFO: done"


def _bunyan(at: datetime, dice: Random) -> str:
    return orjson.dumps(
        {"name": "flags", "hostname": "f1", "pid": 1, "level": 30, "msg": f"{dice.randint(2, 9)} flags loaded",
         "time": _zone_free(at, "%Y-%m-%dT%H:%M:%S.MSZ"), "v": 0}
    ).decode()  # fmt: skip


def _prose(_: datetime, dice: Random) -> str:
    return f"still here after {dice.randint(2, 900)} minutes; nothing to do, checking again later"


AROUND: Mapping[str, tuple[float, Speak]] = {
    "feed-proxy": (0.12, _haproxy),
    "stock": (0.10, _logfmt_untimed),
    "ledger": (0.06, _ledger),
    "suggest": (0.04, _uvicorn),
    "broker": (0.03, _kafka),
    "accounts": (0.025, _keycloak),
    "archive": (0.02, _postgres),
    "sitemap": (0.02, _sidekiq),
    "flags": (0.015, _bunyan),
    "cache": (0.01, _redis),
    "mailer": (0.01, _logfmt),
    "blog": (0.01, _monolog),
    "search": (0.0075, _glog),
    "recommender": (0.005, _python_basic),
    "images": (0.005, _env_logger),
    "janitor": (0.005, _prose),
}
"""Service → its share of all lines, how it writes."""

UNTIMED = frozenset(("stock", "suggest", "recommender", "janitor"))
"""Those whose lines have no moment: only their envelope knows when they were written."""


def gather(logs: Path, seed: int) -> list[Entry]:
    """What the shop in ``logs`` and all around it wrote, in order of time."""
    entries: list[Entry] = []
    for source in discover([logs]).sources:
        service = source.path.partition("/")[0]
        head = source.file.read_bytes()
        events, _ = read_file(source.file)
        at_line = {int(str(event["line"])): _time_of(event) for event in events}
        moment = min(at_line.values())
        for number, text in enumerate(head.decode().splitlines(), 1):
            moment = at_line.get(number, moment)
            entries.append(Entry(moment, service, text))
    dice = Random(seed)
    first, last = min(each.time_ns for each in entries), max(each.time_ns for each in entries)
    total = len(entries) / (1 - sum(share for share, _ in AROUND.values()))
    for service, (share, speak) in AROUND.items():
        for _ in range(round(share * total)):
            moment = dice.randrange(first, last) // 10**6 * 10**6
            entries.append(Entry(moment, service, speak(Entry(moment, "", "").moment, dice)))
    return sorted(entries, key=lambda each: each.time_ns)


def _time_of(event: Event) -> int:
    return int(datetime.fromisoformat(str(event["time"])).timestamp() * 10**6) * 1000


def _pod(service: str) -> str:
    mark = Random(service)
    return f"{service}-{''.join(mark.choices('bcdf456789', k=9))}-{''.join(mark.choices('bcdfghjklm2456789', k=5))}"


def _container(service: str) -> str:
    return f"{Random(service).getrandbits(256):064x}"


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _docker(e: Entry) -> str:
    labels = {"com.docker.compose.service": e.service}
    return _json({"log": f"{e.text}\n", "stream": "stdout", "attrs": labels, "time": e.stamp()})


def _service_json(e: Entry) -> str:
    return _json({"timestamp": e.stamp(), "service": e.service, "host": "node-1", "message": e.text})


def _journald(e: Entry) -> str:
    return _json(
        {"__CURSOR": f"s=1;i={e.time_ns:x}", "__REALTIME_TIMESTAMP": str(e.time_ns // 1000), "_HOSTNAME": "node-1", "PRIORITY": "6",
         "SYSLOG_IDENTIFIER": e.service, "_SYSTEMD_UNIT": f"{e.service}.service", "_PID": "77", "MESSAGE": e.text}
    )  # fmt: skip


def _journal_export(e: Entry) -> str:
    fields = json.loads(_journald(e))
    return "".join(f"{name}={value}\n" for name, value in fields.items())


def _syslog(e: Entry) -> str:
    return f"<134>1 {e.stamp()} node-1 {e.service} 77 - - {e.text}"


def _syslog_bsd(e: Entry) -> str:
    return f"{e.moment:%b %e %H:%M:%S} node-1 {e.service}[77]: {e.text}"


def _loki(e: Entry) -> str:
    return _json({"labels": {"app": e.service, "pod": _pod(e.service)}, "line": e.text, "timestamp": e.stamp()})


def _logcli(e: Entry) -> str:
    return f'{e.stamp()} {{app="{e.service}", pod="{_pod(e.service)}"}} {e.text}'


def _cloudwatch(e: Entry) -> str:
    return _json(
        {"logStreamName": f"{e.service}/{e.service}/{_container(e.service)[:32]}", "timestamp": e.time_ns // 10**6,
         "message": e.text, "ingestionTime": e.time_ns // 10**6 + 900, "eventId": str(e.time_ns)}
    )  # fmt: skip


def _aws_tail(e: Entry) -> str:
    return f"{e.stamp().removesuffix('Z')}+00:00 {e.service}/{e.service}/{_container(e.service)[:32]} {e.text}"


def _elastic(e: Entry) -> str:
    return _json(
        {"_index": "filebeat-8.17.0", "_id": base64.b64encode(str(e.time_ns).encode()).decode(), "_score": 1.0, "_source": {
            "@timestamp": e.stamp(), "message": e.text, "stream": "stdout", "agent": {"type": "filebeat", "version": "8.17.0"},
            "kubernetes": {"container": {"name": e.service}, "pod": {"name": _pod(e.service)}, "namespace": "shop"}}}
    )  # fmt: skip


def _splunk(e: Entry) -> str:
    return _json(
        {
            "preview": False,
            "result": {
                "_raw": e.text,
                "_time": e.stamp(),
                "host": "node-1",
                "source": f"/var/log/{e.service}.log",
                "sourcetype": e.service,
            },
        }
    )


def _fluent_bit(e: Entry) -> str:
    return _json(
        {
            "date": e.time_ns / 10**9,
            "log": f"{e.text}\n",
            "stream": "stdout",
            "kubernetes": {"pod_name": _pod(e.service), "container_name": e.service},
        }
    )


def _gelf(e: Entry) -> str:
    return _json(
        {
            "version": "1.1",
            "host": "node-1",
            "short_message": e.text,
            "timestamp": e.time_ns / 10**9,
            "level": 6,
            "_container_name": e.service,
        }
    )


def _cloud_logging(e: Entry) -> str:
    labels = {"container_name": e.service, "pod_name": _pod(e.service)}
    return _json(
        {
            "insertId": str(e.time_ns),
            "resource": {"type": "k8s_container", "labels": labels},
            "textPayload": f"{e.text}\n",
            "timestamp": e.stamp(),
            "severity": "INFO",
        }
    )


def _compose(e: Entry) -> str:
    return f"{e.service + '-1':<16} | {e.text}"


def _kubectl(e: Entry) -> str:
    return f"[pod/{_pod(e.service)}/{e.service}] {e.text}"


ENVELOPES: Mapping[str, Callable[[Entry], str]] = {
    "docker": _docker,
    "service field": _service_json,
    "journald json": _journald,
    "journald export": _journal_export,
    "syslog": _syslog,
    "syslog bsd": _syslog_bsd,
    "loki": _loki,
    "logcli": _logcli,
    "cloudwatch": _cloudwatch,
    "aws logs tail": _aws_tail,
    "elasticsearch": _elastic,
    "splunk": _splunk,
    "fluent bit": _fluent_bit,
    "gelf": _gelf,
    "cloud logging": _cloud_logging,
    "compose": _compose,
    "kubectl": _kubectl,
}


def read_file(path: Path, chunk_bytes: int = 8 << 20) -> tuple[list[Event], int]:
    """The events of one file, and how many of its lines nothing read."""
    source = discover([path]).sources[0]
    chunks = list(read_chunks(source, chunk_bytes))
    profile = profile_source(b"".join(chunk.data for chunk in chunks)[:PROFILE_BYTES], source)
    found: list[Event] = []
    unread = at = 0
    for chunk in chunks:
        scan = scan_chunk(chunk, profile)
        for line in event_lines(scan.events, [source.path]):
            event = orjson.loads(line)
            found.append({**event, "line": event["line"] + at})
        unread += scan.account.unparsed
        at += scan.n_lines
    return found, unread


PLACE = ("source", "line", "offset", "length", "id")
"""What differs with the file an event is in."""
TOLD_OUTSIDE = ("format", "time", "zoned", "host", "process", "pid", "attributes", "level", "service")
"""What an envelope says of lines as well; the level where the line says none."""


def without(event: Event, names: Sequence[str]) -> str:
    """An event as text, without the fields of these names."""
    return _json({name: event[name] for name in sorted(event) if name not in names})


@dataclass(frozen=True, slots=True)
class Result:
    """How one file of all services was read."""

    entries: int
    same: Mapping[str, tuple[int, int]]
    """service → events that are those of its own file in this envelope, all it has there"""
    bare: Mapping[str, tuple[int, int]]
    """service → events with the fields of the bare line, all its own file has"""
    differing: Sequence[tuple[str, str, str]]
    """service, an event of its own file, the one read instead (the first few of each service)"""


def _write(path: Path, lines: Iterator[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def compare(entries: Sequence[Entry], envelope: str, scratch: Path) -> Result:
    """Read all entries in one file of the envelope, and each service in files of its own; files are left in ``scratch``."""
    wrap = ENVELOPES[envelope]
    together, _ = read_file(_write(scratch / "all.log", map(wrap, entries)))
    by_line: dict[str, list[Event]] = {}
    for event in together:
        by_line.setdefault(entries[int(str(event["line"])) - 1].service, []).append(event)
    same, bare, differing = {}, {}, []
    (scratch / "apart").mkdir(exist_ok=True)
    (scratch / "bare").mkdir(exist_ok=True)
    for service in sorted({each.service for each in entries}):
        own = [each for each in entries if each.service == service]
        found = by_line.get(service, [])
        wrapped, _ = read_file(_write(scratch / "apart" / f"{service}.log", map(wrap, own)))
        plain, _ = read_file(_write(scratch / "bare" / f"{service}.log", (each.text for each in own)))
        same[service] = _shared(wrapped, found, PLACE), len(wrapped)
        bare[service] = _shared(plain, found, (*PLACE, *TOLD_OUTSIDE)), len(plain)
        pairs = [(without(a, PLACE), without(b, PLACE)) for a, b in zip(wrapped, found, strict=False)]
        differing += [(service, a, b) for a, b in pairs if a != b][:3]
    return Result(len(entries), same, bare, differing)


def _shared(one: Sequence[Event], other: Sequence[Event], names: Sequence[str]) -> int:
    return (Counter(without(each, names) for each in one) & Counter(without(each, names) for each in other)).total()


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="only envelopes whose name has this in it")
    parser.add_argument("--sessions", type=int, default=200, help="visits of the shop (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the files in DIR/ENVELOPE")
    parser.add_argument("--show", action="store_true", help="show events that differ")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        root = given.keep or Path(scratch)
        simulate(Shop(sessions=given.sessions, seed=given.seed, docker=False), root / "shop")
        entries = gather(root / "shop" / "logs", given.seed)
        services = Counter(each.service for each in entries)
        print(
            f"{len(entries):,} lines of {len(services)} services; "
            + ", ".join(f"{name} {n / len(entries):.1%}" for name, n in services.most_common())
        )
        for name in (name for name in ENVELOPES if given.only in name):
            directory = root / name.replace(" ", "-")
            directory.mkdir(parents=True, exist_ok=True)
            result = compare(entries, name, directory)
            shares = {
                what: sum(n for n, _ in each.values()) / max(1, sum(total for _, total in each.values()))
                for what, each in (("same", result.same), ("bare", result.bare))
            }
            less = [f"{s} {n / total:.2f}" for s, (n, total) in result.same.items() if n < total]
            less_bare = [f"{s} {n / max(1, total):.2f}" for s, (n, total) in result.bare.items() if n < total]
            print(
                f"{name:<16} same {shares['same']:.4f} bare {shares['bare']:.4f}  "
                f"not the same: {', '.join(less) or 'none'}; not as bare: {', '.join(less_bare) or 'none'}",
                flush=True,
            )
            if given.show:
                for service, own, found in result.differing:
                    print(f"  {service}\n    own  {own[:600]}\n    here {found[:600]}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
