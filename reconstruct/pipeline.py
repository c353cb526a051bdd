"""The only place where stages meet: paths in, results out.

discover ─► store (reused when the same bytes were read before) ─► ingest ─► correlate ─► journeys ─► Reconstruction
"""

from __future__ import annotations

import gc
import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import orjson
import pyarrow as pa

from reconstruct import __version__
from reconstruct.correlate.clocks import build_timeline, infer_zones
from reconstruct.correlate.ends import tabulate_ends
from reconstruct.correlate.plan import Plan, describe_plan, make_plan
from reconstruct.correlate.resolve import Resolution, resolve
from reconstruct.correlate.surroundings import look_up, tabulate_families
from reconstruct.engines.ingest import SourceAccount, ingest, save_sources
from reconstruct.engines.journeys import write_journeys
from reconstruct.engines.known import (
    NOT_KNOWN,
    Carrier,
    Continued,
    Reading,
    continue_sources,
    keep_reading,
    kept_reading,
    origins_of,
)
from reconstruct.engines.local import are_worth_workers, default_workers
from reconstruct.engines.services import name_services
from reconstruct.engines.workers import WorkerPool
from reconstruct.errors import UsageError
from reconstruct.events.source_profile import PROFILE_BYTES
from reconstruct.figures import describe_reading, summarise
from reconstruct.grammar.definition import Definition
from reconstruct.grammar.plans import plans_of
from reconstruct.journeys.models import load_models
from reconstruct.options import Forced, Options, matches
from reconstruct.resources import cache_directory, grammar_directories
from reconstruct.results import Reconstruction
from reconstruct.sources import Discovery, Source, discover
from reconstruct.sources.discover import EXCLUDED, Extent
from reconstruct.sources.progress import Progress
from reconstruct.store.cache import prune_cache
from reconstruct.store.database import Store
from reconstruct.type_labels import label_types

STORE_VERSION = "19"
"""Raise it whenever what a store holds changes meaning: older stores are then rebuilt."""


LARGE_BYTES = 1 << 30
"""Logs from which the database gets twice the memory: sorting ten million rows beside another query takes more than half a gigabyte."""


def open_paths(
    paths: Sequence[str | Path],
    options: Options | None = None,
    progress: Progress | None = None,
    *,
    only_events: bool = False,
) -> Reconstruction:
    """Reconstruct the journeys in the logs at ``paths``, or reopen them when the same bytes were read before.

    ``only_events``: nobody will ask for more than events, so that where results are not kept no journeys are made.
    Raises SourceError when there is nothing to read, StoreError when results cannot be kept.
    """
    options = options or Options()
    progress = progress or Progress()
    return open_discovery(find_sources(paths, options), options, progress, only_events=only_events)


def find_sources(
    paths: Sequence[str | Path],
    options: Options,
    root: Path | None = None,
    formats: Sequence[Definition] = (),
    *,
    extent: Extent | None = None,
    copies: Mapping[str, Path] | None = None,
) -> Discovery:
    """The logs at ``paths``, each with what the user says about it. ``root``, ``extent``, ``copies``: see ``discover``.
    ``formats``: those of the logs around, where ``paths`` are some of them.

    Raises SourceError when there is nothing to read, UsageError when a source is to be of a format that does not exist.
    """
    discovery = discover(paths, exclude=options.exclude, root=root, extent=extent, copies=copies)
    if formats:
        discovery = replace(discovery, formats=tuple(formats))
    grammars = grammar_directories([*options.grammars, *paths])
    forced = [_forced_format(source, options) for source in discovery.sources]
    if any(forced):
        _check_formats({each.format: each.origin for each in forced if each}, grammars, discovery.formats)
    sources = zip(discovery.sources, forced, strict=True)
    return replace(
        discovery,
        sources=tuple(
            replace(source, forced=each.format if each else "", grammars=grammars) for source, each in sources
        ),
    )


def _forced_format(source: Source, options: Options) -> Forced | None:
    return next((each for each in options.forced if matches(each.glob, source.path)), None)


def _check_formats(wanted: dict[str, str], grammars: tuple[str, ...], local: Sequence[Definition]) -> None:
    from reconstruct.events.formats import GENERIC, SELF_DESCRIBING, known_formats

    known = (*known_formats(grammars, plans_of(local)).ranked, *SELF_DESCRIBING, GENERIC)
    for name, origin in wanted.items():
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "reconstruct formats list names those there are"
            raise UsageError(f"{origin}: no format is called {name}", hint=hint)


def unmatched(options: Options, discovery: Discovery) -> list[str]:
    """Patterns of the user that mean no source here, in order."""
    forced = [
        each.glob for each in options.forced if not any(matches(each.glob, one.path) for one in discovery.sources)
    ]
    skipped = {each.reason for each in discovery.skipped}
    excluded = [glob for glob in options.exclude if f"{EXCLUDED} {glob}" not in skipped]
    return list(dict.fromkeys([*forced, *excluded]))


def open_discovery(
    discovery: Discovery,
    options: Options,
    progress: Progress,
    earlier: Reconstruction | None = None,
    *,
    only_events: bool = False,
) -> Reconstruction:
    """The same for logs that were found already. ``earlier``: results of these logs when they were shorter; what they still say is
    not read again."""
    path, zone_s = store_path(discovery, options), options.timezone_s or 0
    if path is not None and is_kept(discovery, options):
        if options.store is None:
            os.utime(path)  # the cache forgets what was used longest ago
        return Reconstruction(Store.open(path), discovery, zone_s)
    key = reading_key(discovery)
    reading = NOT_KNOWN

    def fill(store: Store, pool: Executor | None) -> None:
        nonlocal reading
        carrier = None
        continued: Mapping[int, Continued] = {}
        known = _known_of(earlier) if earlier is not None else NOT_KNOWN
        if earlier is not None and known.key == key:
            continued = continue_sources(discovery.sources, known.sources, plans_of(discovery.formats))
            if earlier.store.path is not None and earlier.store.path.is_file():
                carrier = Carrier(store, earlier.store.path, continued)
        accounts = ingest(
            store, discovery, chunk_bytes=options.chunk_bytes, pool=pool, progress=progress, carrier=carrier
        )
        if only_events and path is None:
            finish_events(store, discovery, accounts, options, progress)
        else:
            finish(store, discovery, accounts, options, pool, progress)
        read = tuple(account.known for account in accounts if account.known is not None)
        reading = Reading(read, key, origins_of(continued))
        if options.chunk_bytes >= PROFILE_BYTES:  # else a profile is of less than it would be made of again
            keep_reading(store, reading)

    if path is None:
        with tempfile.TemporaryDirectory(prefix="reconstruct-", ignore_cleanup_errors=True) as directory:
            # The file stays open, so it stays readable after its name is gone.
            store = _make(Path(directory) / "store.duckdb", discovery, options, fill, lasts=False)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        store = _make(path, discovery, options, fill)
        if options.store is None:
            prune_cache(path.parent, keep=path)
    return Reconstruction(store, discovery, zone_s, known=reading)


def _known_of(results: Reconstruction) -> Reading:
    """How the sources of results were read, also of results that were kept by an earlier start."""
    if results.known.key or results.store.path is None:
        return results.known
    return kept_reading(results.store, results.discovery.sources, plans_of(results.discovery.formats))


def is_kept(discovery: Discovery, options: Options) -> bool:
    """Whether a store of these very inputs is there. Raises StoreError when ``--store`` names a file that is no store."""
    path = store_path(discovery, options)
    if path is None or not path.is_file():
        return False
    if options.store is None:
        return True
    kept = Store.open(path)
    try:
        return kept.meta("key") == content_key(discovery, options)
    finally:
        kept.close()


def open_part(discovery: Discovery, options: Options, n_bytes: int) -> Reconstruction:
    """Reconstruct from the first chunk of each source, ``n_bytes`` in total, in memory: a first look while the rest is read."""
    share = max(64 << 10, n_bytes // len(discovery.sources))
    store = Store.create(None, threads=1, memory_limit="512MB")
    accounts = ingest(store, discovery, chunk_bytes=share, pool=None, progress=Progress(), first_chunk_only=True)
    finish(store, discovery, accounts, options, None, Progress())
    return Reconstruction(store, discovery, options.timezone_s or 0)


def content_key(discovery: Discovery, options: Options) -> str:
    """What results depend on: the bytes of every source under its name, the settings, this program."""
    settings = (
        options.timezone_s,
        options.region,
        options.exclude,
        options.pins,
        options.models.tables,
        options.models.use,
    )
    parts = [*map(repr, settings), reading_key(discovery)]
    parts += [
        f"{source.path}\0{source.fingerprint}\0{source.family}\0{source.rank}\0{source.forced}"
        for source in discovery.sources
    ]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def reading_key(discovery: Discovery) -> str:
    """What the reading of a line depends on beside its log: this program, its data, what configuration among the logs says."""
    parts = [__version__, STORE_VERSION, _data_key(discovery.sources[0].grammars)]
    parts += [f"{each.id}\0{each.path}\0{each.text}" for each in discovery.formats]
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()


def _data_key(grammars: Sequence[str]) -> str:
    """Changes when a grammar, vocabulary or model file does; ``grammars``: directories of the project's."""
    from reconstruct.resources import grammars_directory, models_directory, user_config_directory, vocabulary_directory

    digest = hashlib.blake2b(digest_size=16)
    ours = (grammars_directory(), vocabulary_directory(), models_directory(), user_config_directory())
    files = [(each, sorted(p for p in each.rglob("*") if p.suffix in (".lark", ".toml"))) for each in ours]
    files += [(each, sorted(each.glob("*.lark"))) for each in map(Path, grammars)]
    for directory, found in files:
        for file in found:
            digest.update(f"{file.relative_to(directory)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def store_path(discovery: Discovery, options: Options) -> Path | None:
    """Where the store of these inputs is kept; None when it is not kept."""
    if options.store is not None:
        return options.store
    if not options.cache:
        return None
    return cache_directory() / "stores" / f"{content_key(discovery, options)}.duckdb"


_numbers = itertools.count()
"""Of stores made by this process: each has a name of its own, also while an older one is open."""


def reopen_with(results: Reconstruction, discovery: Discovery, options: Options, progress: Progress) -> Reconstruction:
    """The results of the same logs under other ``options.pins``: correlated anew from what is in the store of ``results``,
    without reading a log again. Where that store has no file (``--no-cache``) the logs are read again."""
    path, read = store_path(discovery, options), results.store.path
    if path is None or read is None or not read.is_file() or (options.store is None and path.is_file()):
        return open_discovery(discovery, options, progress)

    known = _known_of(results)

    def fill(store: Store, pool: Executor | None) -> None:
        progress.phase("taking over what was read", 0)
        store.take_over(read)
        finish(store, discovery, None, options, pool, progress)
        keep_reading(store, known)

    store = _make(path, discovery, options, fill)
    return Reconstruction(store, discovery, options.timezone_s or 0, known=known)


Fill = Callable[[Store, Executor | None], None]
"""Fills an empty store; the worker processes are None where there is little to do."""


def _make(path: Path, discovery: Discovery, options: Options, fill: Fill, *, lasts: bool = True) -> Store:
    """A store at ``path``, filled, whole, and open."""
    load_models(own=options.models)  # what is wrong with a model is said before anything is read
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{next(_numbers)}.part")
    try:
        _fill(unfinished, discovery, options, fill)
        if lasts:
            with unfinished.open("rb+") as file:
                os.fsync(file.fileno())
        # Opened under the name it was made with: by a path that is open already, the database would give what it has open.
        store = Store.open(unfinished)
        store.path = path
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
        unfinished.with_name(unfinished.name + ".wal").unlink(missing_ok=True)
    return store


def _create(path: Path, discovery: Discovery, options: Options) -> Store:
    memory = options.memory_limit or ("500MB" if discovery.total_bytes < LARGE_BYTES else "1GB")
    return Store.create(path, threads=options.workers or default_workers(), memory_limit=memory)


def _fill(path: Path, discovery: Discovery, options: Options, fill: Fill) -> None:
    workers = options.workers or default_workers()
    collecting = gc.isenabled()
    gc.disable()  # millions of small objects and no cycles: looking for some costs a fifth of the time
    pool = WorkerPool(workers) if workers > 1 and are_worth_workers(discovery) else None
    store = _create(path, discovery, options)
    try:
        fill(store, pool)
        store.set_meta("key", content_key(discovery, options))
    finally:
        store.close()
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
        if collecting:
            gc.enable()


def finish_events(
    store: Store, discovery: Discovery, accounts: list[SourceAccount], options: Options, progress: Progress
) -> None:
    """What is left to say of events after reading: when they were, and what their identifiers identify."""
    progress.phase("correlating", 0)
    tabulate_families(store.connection, [source.family for source in discovery.sources])
    plan = place_events(store, options)
    save_sources(store, accounts, discovery.formats)
    store.set_meta("plan_notes", orjson.dumps(plan.notes).decode())


def finish(
    store: Store,
    discovery: Discovery,
    accounts: list[SourceAccount] | None,
    options: Options,
    pool: Executor | None,
    progress: Progress,
) -> None:
    """Everything after reading: correlate, build journeys, sum up. ``accounts``: None where the store has its sources."""
    progress.phase("correlating", 0)
    plan, resolution = correlate(store, discovery, options, pool)
    pa.default_memory_pool().release_unused()
    if accounts is not None:
        save_sources(store, accounts, discovery.formats)
    identifiers = label_types(describe_plan(plan, resolution.owners, resolution.roots))
    store.set_meta("identifiers", orjson.dumps(identifiers).decode())
    store.set_meta("plan_notes", orjson.dumps(plan.notes).decode())
    models = load_models(own=options.models)
    write_journeys(store, plan, resolution.roots, models, pool, progress, cut_s=resolution.sessions.habits.cut_s)
    progress.phase("summing up", 0)
    store.set_meta("reading", orjson.dumps(describe_reading(store, discovery, resolution)).decode())
    store.set_meta("summary", orjson.dumps(summarise(store, zone_s=options.timezone_s or 0)).decode())


def correlate(
    store: Store, discovery: Discovery, options: Options, pool: Executor | None = None
) -> tuple[Plan, Resolution]:
    """Both passes of the correlator."""
    db = store.connection
    tabulate_families(db, [source.family for source in discovery.sources])
    tabulate_surroundings = look_up(db, pool)
    plan = place_events(store, options)
    tabulate_surroundings()
    return plan, resolve(db, plan.types, plan.roles, options.pins, pool)


def place_events(store: Store, options: Options) -> Plan:
    """Pass 1 of the correlator: where events are in time, and the types of identifiers."""
    db = store.connection
    build_timeline(db, infer_zones(db, options.timezone_s), options.region)
    tabulate_ends(db)
    name_services(store)
    return make_plan(db, options.pins)
