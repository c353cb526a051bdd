"""Many services in one file: what ``docker compose logs`` writes tells the same story as a file for each."""

from __future__ import annotations

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from reconstruct.options import Options
from reconstruct.pipeline import open_paths
from reconstruct.results import Reconstruction
from reconstruct.sources import discover

TURN = 25
"""Lines a service writes in one go."""


def lines_of(logs: Path) -> dict[str, list[bytes]]:
    """The lines of each log, over its rotated files, oldest first."""
    found: defaultdict[str, list[bytes]] = defaultdict(list)
    for source in sorted(discover([logs]).sources, key=lambda each: (each.family, each.rank)):
        data = source.file.read_bytes()
        found[source.family] += (gzip.decompress(data) if source.compression else data).splitlines()
    return found


def in_turns(logs: dict[str, list[bytes]], *, first: int) -> Iterator[bytes]:
    """All lines behind their services' names; logs with more lines write more in a turn. ``first`` rotates whose turn is first."""
    names = sorted(logs)
    names = names[first:] + names[:first]
    most = max(map(len, logs.values()))
    queues = {name: iter(logs[name]) for name in names}
    while queues:
        for name in list(queues):
            turn = list(islice(queues[name], max(1, TURN * len(logs[name]) // most)))
            if not turn:
                del queues[name]
            service = name.replace("/", "-").replace(".", "-")
            yield from (f"{service + '-1':<26} | ".encode() + line for line in turn)


def told(results: Reconstruction) -> dict[str, Any]:
    """What the journeys come to, without the files they were read from."""
    documents = [json.loads(document) for document in results.documents()]
    return {
        "visits": Counter((each["started_at"], each["customer_journey"]["outcome"]) for each in documents),
        "orders": {
            business["id"]: (business["outcome"], business["value"], each["started_at"])
            for each in documents
            for business in each["business_journeys"]
        },
    }


def shared(one: Iterable[object], other: Iterable[object]) -> float:
    a, b = Counter(one), Counter(other)
    return (a & b).total() / max(1, (a | b).total())


def test_one_file_of_all_services_tells_what_their_own_files_tell(shop: Reconstruction, tmp_path: Path) -> None:
    logs = Path(__file__).parent.parent / "samples/shop/logs"
    (tmp_path / "compose.log").write_bytes(b"".join(line + b"\n" for line in in_turns(lines_of(logs), first=3)))
    together = open_paths([tmp_path], Options(cache=False))
    apart, found = told(shop), told(together)
    together.close()
    assert shared(apart["visits"].elements(), found["visits"].elements()) >= 0.97
    assert shared(map(str, apart["orders"].items()), map(str, found["orders"].items())) >= 0.97
