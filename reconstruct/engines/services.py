"""Who wrote a log, by its file's name, for entries that do not say."""

from __future__ import annotations

import re
import tomllib

import pyarrow as pa

from reconstruct.resources import vocabulary_directory
from reconstruct.store.database import Store

_INSTANCE = re.compile(
    r"^u_(?:ex|in|nc)(?![a-z])|\d{4}-\d{2}-\d{2}|\[[^]]*\]|(?<![0-9a-z])(?=[a-f]*\d)[0-9a-f]{12,}(?![0-9a-z])",
    re.IGNORECASE,
)
"""What tells one run of a service from another: a day, a version in brackets, hex digits drawn at random; how IIS begins its
files (``u_ex.log``)."""
_CONTAINER = re.compile(r"(?P<id>[0-9a-f]{12})[0-9a-f]{52}-json\.log", re.IGNORECASE)
"""What Docker calls the log of a container; ``docker ps`` shows so much of its id."""
_DOCKER_END = re.compile(r"-json(?=\.log(?:\.|$))")
"""How Docker ends the name of a log: says how it is written, not by whom."""


def service_of_family(family: str, generic: frozenset[str]) -> str:
    """A name for the writer of a family of logs: the telling words of its file name, else its directory, else the file name.

    >>> service_of_family("nginx/www.access.log", frozenset({"access", "log", "www"}))
    'nginx'
    >>> service_of_family("worker/celery.log", frozenset({"log"}))
    'celery'
    >>> service_of_family("W3SVC1/u_ex.log", frozenset({"log"}))
    'W3SVC1'
    >>> service_of_family("app/log.clef", frozenset({"log", "clef", "app"}))
    'app'

    The day and the number of an instance are no names (the streams of CloudWatch):

    >>> service_of_family("invoice/2026-03-02-[$LATEST]ab12cd34ab12cd34ab12cd34ab12cd34/000000", frozenset())
    'invoice'

    Docker's own files are named as ``docker ps`` names the container, or as somebody renamed them:

    >>> service_of_family(f"containers/{'3f9a' * 16}/{'3f9a' * 16}-json.log", frozenset({"log", "json"}))
    '3f9a3f9a3f9a'
    >>> service_of_family("docker/orders-json.log", frozenset({"log", "json"}))
    'orders'
    """
    *directories, name = family.split("/")
    container = _CONTAINER.match(name)
    if container:
        return container["id"]
    name = _DOCKER_END.sub("", name)
    for part in (name, *reversed(directories)):
        words = [
            word
            for word in re.split(r"[._\s]+", _INSTANCE.sub("", part).strip("-"))
            if word and word.lower().strip("-") not in generic and not word.isdigit()
        ]
        if words:
            return words[0]
    return next((part for part in reversed(directories) if part.lower() not in ("log", "logs")), name)


def name_services(store: Store) -> None:
    """Make ``family_services(family, service, log)``. Families of one service whose files are called the same are one ``log``, kept by
    several hosts in a directory each; its number is that of the first of them."""
    generic = frozenset(
        tomllib.loads((vocabulary_directory() / "services.toml").read_text(encoding="utf-8"))["generic"]
    )
    rows = store.rows("SELECT family, name FROM families ORDER BY family")
    first: dict[tuple[str, str], int] = {}
    told: list[tuple[int, str, int]] = []
    for family, name in rows:
        service = service_of_family(name, generic)
        told.append((family, service, first.setdefault((service, name.rpartition("/")[2]), family)))
    schema = pa.schema([("family", pa.int32()), ("service", pa.string()), ("log", pa.int32())])
    table = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in told], schema)
    store.connection.register("services_in", table)
    store.connection.execute("CREATE OR REPLACE TABLE family_services AS SELECT * FROM services_in")
    store.connection.unregister("services_in")
