"""Scans sources on this machine: in the calling process when there is little to read, else in worker processes.

Chunks are scanned in any order and given back in the order of their sources and offsets, with final line numbers; what
comes out does not depend on the number of workers.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from reconstruct.engines.workers import Parcel, run_ahead
from reconstruct.events.scan import Scan, read_chunk, search_chunks
from reconstruct.events.source_profile import SourceProfile, note_directives, profile_source
from reconstruct.grammar.plans import MatchPlan
from reconstruct.sources import Chunk, ChunkRef, Discovery, Source, load_chunk, plan_ranges, read_chunks

WORTH_WORKERS = 24 << 20
"""Bytes below which starting workers (half a second) costs more than they save."""

SOURCE_BYTES = 100_000
"""Bytes that take as long to read as it takes to find out how one source is to be read: 10 ms."""

WAITING_PER_WORKER = 4
"""Chunks handed out ahead per worker: enough to keep it busy, few enough to bound memory."""


BATCH_BYTES = 1 << 20
"""Bytes of small chunks that are one task, SOURCE_BYTES of each at least: a task and a search for identifiers cost some milliseconds."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One scanned chunk with final line numbers (``scan.events.line`` counts from the start of the source)."""

    source: Source
    scan: Scan
    profile: SourceProfile
    first_line: int
    """lines of the source before this chunk"""
    disk_bytes: int
    note: str
    """why the source ended early; on its last chunk only"""
    last: bool
    end: int
    """offset in the decoded stream of what follows"""
    index: int
    """position among the chunks of the source"""


@dataclass(frozen=True, slots=True)
class Start:
    """Where reading of a source goes on."""

    offset: int
    index: int
    """position of the chunk there among the chunks of the source"""
    lines: int
    """before it"""
    profile: SourceProfile


def default_workers() -> int:
    """Processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def are_worth_workers(discovery: Discovery) -> bool:
    """Whether there is so much to read that workers are worth their start."""
    return discovery.total_bytes + SOURCE_BYTES * len(discovery.sources) >= WORTH_WORKERS


def scan_sources(
    sources: Iterable[Source],
    *,
    chunk_bytes: int,
    pool: Executor | None,
    first_chunk_only: bool = False,
    local: Sequence[MatchPlan] = (),
    starts: Mapping[int, Start] | None = None,
) -> Iterator[Scanned]:
    """Scan every source; the order of the result is that of ``sources``. ``local``: formats that only these logs have.
    ``starts``: from where sources are read whose beginning is known."""
    most = 1 if first_chunk_only else None
    starts = starts or {}
    jobs = (
        job
        for source in sources
        for job in itertools.islice(_jobs(source, chunk_bytes, local, starts.get(source.id)), most)
    )
    batches = _gather(jobs)
    if pool is None:
        results: Iterator[tuple[_Batch, list[_Result]]] = ((batch, _run(batch)) for batch in batches)
    else:
        ahead = WAITING_PER_WORKER * (getattr(pool, "_max_workers", None) or default_workers())
        results = ((batch, found.content) for batch, found in run_ahead(pool, _run_away, batches, ahead))
    line = 0
    for job, (profile, scan, disk_bytes, note) in (
        pair for batch, found in results for pair in zip(batch, found, strict=True)
    ):
        if job.first:
            line = starts[job.source.id].lines if job.source.id in starts else 0
        yield Scanned(
            job.source,
            _renumber(scan, line),
            profile,
            line,
            disk_bytes,
            note,
            job.last,
            _end(job.work),
            job.work.index,
        )
        line += scan.n_lines


@dataclass(frozen=True, slots=True)
class _Job:
    source: Source
    profile: SourceProfile | tuple[MatchPlan, ...]
    """of a source that is one chunk, only what to make it with (formats that only these logs have): where there are thousands of
    small logs, making profiles is half of reading them"""
    work: ChunkRef | Chunk
    """where the chunk is, or the chunk itself when only a stream leads to it"""
    first: bool
    last: bool


def _end(work: ChunkRef | Chunk) -> int:
    return work.end if isinstance(work, Chunk) else work.offset + work.length + work.cut


def _jobs(source: Source, chunk_bytes: int, local: Sequence[MatchPlan], start: Start | None) -> Iterator[_Job]:
    if start is not None:
        profile = start.profile
        for ref in plan_ranges(source, chunk_bytes, offset=start.offset, index=start.index):
            if profile.has_directives:
                profile = note_directives(profile, load_chunk(source, ref))
            yield _Job(source, profile, ref, ref.index == start.index, ref.last)
        return
    if source.seekable:
        refs = plan_ranges(source, chunk_bytes)
        if len(refs) == 1:
            yield _Job(source, tuple(local), refs[0], first=True, last=True)
            return
        head = load_chunk(source, refs[0])
        profile = profile_source(head.data, source, local=local)
        for ref in refs:
            if profile.has_directives:
                profile = note_directives(profile, load_chunk(source, ref))
            yield _Job(source, profile, head if ref.index == 0 else ref, ref.index == 0, ref.last)
        return
    chunks = read_chunks(source, chunk_bytes)
    head = next(chunks)
    profile = profile_source(head.data, source, local=local)
    for chunk in itertools.chain([head], chunks):
        if profile.has_directives:
            profile = note_directives(profile, chunk)
        yield _Job(source, profile, chunk, chunk.index == 0, chunk.last)


_Batch = list[_Job]
_Result = tuple[SourceProfile, Scan, int, str]
"""How a chunk was read, what it holds, how many bytes it had on disk, and why its source ended there."""


def _gather(jobs: Iterator[_Job]) -> Iterator[_Batch]:
    """The jobs in order, small ones together."""
    batch: _Batch = []
    size = 0
    for job in jobs:
        batch.append(job)
        size += max(SOURCE_BYTES, len(job.work.data) if isinstance(job.work, Chunk) else job.work.length)
        if size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _run(batch: _Batch) -> list[_Result]:
    chunks = [job.work if isinstance(job.work, Chunk) else load_chunk(job.source, job.work) for job in batch]
    profiles = [_profile_of(job, chunk) for job, chunk in zip(batch, chunks, strict=True)]
    scans = search_chunks([read_chunk(chunk, profile) for chunk, profile in zip(chunks, profiles, strict=True)])
    return [
        (profile, scan, chunk.disk_bytes, chunk.note)
        for profile, scan, chunk in zip(profiles, scans, chunks, strict=True)
    ]


def _profile_of(job: _Job, chunk: Chunk) -> SourceProfile:
    if isinstance(job.profile, SourceProfile):
        return job.profile
    profile = profile_source(chunk.data, job.source, local=job.profile)
    return note_directives(profile, chunk) if profile.has_directives else profile


def _run_away(batch: _Batch) -> Parcel[list[_Result]]:
    return Parcel(_run(batch))


def _renumber(scan: Scan, before: int) -> Scan:
    if not before:
        return scan
    events = scan.events
    at = events.schema.get_field_index("line")
    line = pc.add(events.column(at), pa.scalar(before, pa.int32()))
    return replace(scan, events=events.set_column(at, events.schema.field(at), line))
