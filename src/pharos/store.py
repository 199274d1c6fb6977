"""The part of a server that keeps samples: log, store, intake and loader, opened and closed together."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from random import Random, SystemRandom
from typing import Final

from msgspec import Struct

from pharos.clock import Clock, SteadyClock
from pharos.config import Settings
from pharos.engine import Engine, EngineStatus, Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.configuration import EmbeddedOptions
from pharos.engine.embedded.store import open_engine
from pharos.engine.keys import DAY_MS
from pharos.engine.sql import select_everywhere
from pharos.ingest.accept import Intake, IntakeOptions
from pharos.ingest.events.batch import LogSignal, SpanSignal
from pharos.ingest.frames import FrameKind
from pharos.ingest.loader import Loader, LoaderOptions
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.metrics.traits import HISTOGRAMS, STARTS
from pharos.ingest.retention import leave_to_us
from pharos.ingest.signals import Signals
from pharos.policy import TenantPolicy
from pharos.runs.rows import RunSignal
from pharos.wal import Wal, WalOptions

_LOG = logging.getLogger(__name__)

_ONE_SEGMENT_BYTES: Final = 1 << 40
"""The intake seals segments itself, so that a segment and a run are the same frames."""


class Store(Struct, frozen=True):
    """What keeps samples; the loader is running, and first loads what a former process left."""

    wal: Wal
    engine: Engine
    changes: Changes
    intake: Intake
    loader: Loader
    sample_bounds_ms: Callable[[], tuple[int, int]]
    """Returns the oldest and the newest time that a sample received now may have."""


@contextmanager
def opening_engine(settings: Settings) -> Iterator[Future[Engine]]:
    """Open the engine of the settings' folder, which the caller holds, on a thread; close it on exit.

    What else a server is made of is loaded meanwhile. The future raises PharosError when it cannot be opened.
    """
    with ExitStack() as stack, ThreadPoolExecutor(1, "engine-open") as opener:
        yield opener.submit(stack.enter_context, _engine_of(settings))


def _engine_of(settings: Settings) -> AbstractContextManager[Engine]:
    options = EmbeddedOptions(
        query_threads=settings.engine.query_threads, memory_bytes=settings.engine.memory
    )
    return open_engine(settings.data / "engine", options)


@contextmanager
def open_store(
    settings: Settings,
    clock: Clock,
    chance: Random | None = None,
    policy: TenantPolicy | None = None,
    opening: Future[Engine] | None = None,
) -> Iterator[Store]:
    """Open what keeps samples in the settings' folder, which the caller holds; on exit store the rest, close.

    `chance` makes secrets by which nobody can guess hashes; it is the system's unless a test gives another.
    With `opening` the engine is the caller's, who closes it afterwards.
    Raises PharosError when the folder cannot be used.
    """
    # What comes in is measured by it, and what is received must not seem older than what was before.
    clock = SteadyClock(clock)
    folder = settings.data
    with ExitStack() as stack:
        wal = Wal.open(folder / "log", clock=clock, options=WalOptions(segment_bytes=_ONE_SEGMENT_BYTES))
        stack.callback(wal.close)

        engine = opening.result() if opening else stack.enter_context(_engine_of(settings))
        engine.control(leave_to_us)
        _tell(engine.status())
        changes = Changes(engine.writers)
        _note_what_is_stored(engine, changes)

        policy = policy or TenantPolicy()
        decoder = Decoder(
            seed=(chance or SystemRandom()).getrandbits(64),
            today=clock.now_ms() // DAY_MS,
            max_age_ms=settings.ingest.max_sample_age,
            policy=policy,
        )
        pending = IntakeOptions(pending_bytes=settings.ingest.max_pending)
        signals = Signals(
            {
                FrameKind.REMOTE_WRITE_1: decoder,
                FrameKind.REMOTE_WRITE_2: decoder,
                FrameKind.LOGS: LogSignal(policy.sampling, policy.usage.label),
                FrameKind.SPANS: SpanSignal(),
                FrameKind.RUNS: RunSignal(),
            }
        )
        intake = Intake(wal, signals, clock, pending, changes.arrivals, policy=policy)
        changes.on_recent(lambda: decoder.recent_from_ms, lambda: intake.between_frames(decoder.recent))
        floor = LoaderOptions(free_floor_bytes=settings.ingest.min_free_disk)
        loader = Loader(engine, changes, wal, intake, signals, folder, clock, floor)
        loader.start()
        stack.callback(loader.stop)
        stack.callback(intake.close)
        yield Store(wal, engine, changes, intake, loader, lambda: decoder.bounds(clock.now_ms()))


@contextmanager
def open_engine_alone(folder: Path, *, last_migration: int | None = None) -> Iterator[Engine]:
    """Open the store in `folder`, nothing around it, and close it on exit: for a backup, for trying out.

    With `last_migration` its tables are brought no further than that. Raises PharosError(UNAVAILABLE).
    """
    with open_engine(folder, last_migration=last_migration) as engine:
        yield engine


def _tell(status: EngineStatus) -> None:
    words = f"{status.rows} rows in {status.parts} parts, {status.bytes >> 20} MiB"
    _LOG.info("the store is open: %s %s, %s", status.name, status.version, words)


def tenants_of_spans(session: Session) -> list[str]:
    """Return the tenants that have spans: for the server's own upkeep."""
    statement = select_everywhere("DISTINCT tenant", "span_origins", tail="ORDER BY tenant")
    found: list[str] = session.query(statement, purpose="span_tenants")["tenant"].to_pylist()
    return found


def tenants_of_runs(session: Session) -> list[str]:
    """Return the tenants that have runs: for the server's own upkeep."""
    statement = select_everywhere("DISTINCT tenant", "runs", tail="ORDER BY tenant")
    found: list[str] = session.query(statement, purpose="runs_tenants")["tenant"].to_pylist()
    return found


def live_runs(session: Session) -> dict[str, list[str]]:
    """Return by tenant the runs that are not over as far as the store knows: for the server's own upkeep.

    Parts that were merged hold no more rows of states that are past, so an index leaves out nearly all.
    """
    statement = select_everywhere(
        "tenant, run, argMax(is_over, edition) AS over",
        "runs",
        tail="WHERE (tenant, placed, run) IN (SELECT tenant, placed, run FROM runs WHERE is_over = 0)"
        " GROUP BY tenant, placed, run HAVING over = 0 ORDER BY tenant, run",
    )
    found: dict[str, list[str]] = {}
    for row in session.query(statement, purpose="runs_live").to_pylist():
        found.setdefault(row["tenant"], []).append(row["run"])
    return found


def _note_what_is_stored(engine: Engine, changes: Changes) -> None:
    known = select_everywhere(
        "tenant, trait, groupUniqArray(m) AS m", "metric_traits", tail="GROUP BY tenant, trait"
    )
    notes = {HISTOGRAMS: changes.note_histograms, STARTS: changes.note_starts}
    for row in engine.session().query(known, purpose="start").to_pylist():
        notes[row["trait"]](row["tenant"], row["m"])
