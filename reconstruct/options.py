"""What a user may set, in one value that travels through the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

ROLES = (
    "request",
    "trace",
    "span",
    "session",
    "device",
    "customer",
    "object",
    "sub-object",
    "batch",
    "resource",
    "measure",
    "network",
    "other",
)
"""What a type of identifier can identify; ``other`` joins nothing."""


@dataclass(frozen=True, slots=True)
class Pin:
    """What a user says of one type of identifier; what is None is measured."""

    type: str
    slots: tuple[str, ...] | None = None
    """the places that hold it, and no others do"""
    role: str | None = None
    """one of ROLES"""
    owner: str | None = None
    """the type whose values its values belong to; ``""``: none"""


@dataclass(frozen=True, slots=True)
class Pins:
    """What a user says of the plan of identifiers."""

    types: tuple[Pin, ...] = ()
    ignore: tuple[str, ...] = ()
    """places whose values identify nothing"""


@dataclass(frozen=True, slots=True)
class Forced:
    """Sources that are of a format because the user says so."""

    glob: str
    format: str
    origin: str
    """who says so: ``--format`` or the configuration file"""


@dataclass(frozen=True, slots=True)
class Look:
    """How the user wants the interface."""

    theme: str = ""
    """name of a theme; "": the environment's, else ours"""
    ascii: bool | None = None
    """None: as the environment says"""
    keys: tuple[tuple[str, str], ...] = ()
    """(id of an action, keys with commas between)"""


@dataclass(frozen=True, slots=True)
class OwnModels:
    """Journey models of a configuration file."""

    origin: Path | None = None
    tables: tuple[tuple[str, str], ...] = ()
    """(name, its table as JSON), in the order of the file"""
    use: str | None = None
    """the model that is used, whatever covers the data best"""


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one run; the defaults need no thought."""

    workers: int = 0
    """worker processes; 0 = one per processor this process may use"""
    timezone_s: int | None = None
    """seconds east of UTC for stamps without a zone; None = inferred"""
    region: str = ""
    """of the zone database, where the zone was named by one: each stamp is then read with the offset of its season, and
    ``timezone_s`` is what days begin in"""
    forced: tuple[Forced, ...] = ()
    """sources that are of a format because the user says so; the first pattern that fits counts"""
    exclude: tuple[str, ...] = ()
    """patterns of sources that are not read"""
    grammars: tuple[Path, ...] = ()
    """directories that may hold grammars, besides those that are read; see ``resources.grammar_directories``"""
    pins: Pins = field(default_factory=Pins)
    """what the user says of the plan of identifiers"""
    models: OwnModels = field(default_factory=OwnModels)
    """journey models of the user's"""
    store: Path | None = None
    """where the store is kept; None = the user's cache directory"""
    cache: bool = True
    """whether a finished store is kept and reused"""
    memory_limit: str = ""
    """what the database may hold in memory before it spills to disk; empty: by the size of the logs"""
    chunk_bytes: int = 8 << 20
    """bytes of log scanned at a time; results do not depend on it"""


def matches(glob: str, path: str) -> bool:
    """Whether a pattern of the user means a source: without a slash the name of the file or of a directory above it, with
    one the whole path as it is shown. ``*`` matches slashes too.

    >>> matches("*.trace", "app/x.trace"), matches("old", "old/x.log"), matches("app/*", "app/a/x.log"), matches("app", "x/app.log")
    (True, True, True, False)
    """
    if "/" in glob:
        return fnmatchcase(path, glob.removeprefix("./"))
    return any(fnmatchcase(part, glob) for part in path.split("/"))
