"""The part of a server that knows runs of workflows: takes their events, and looks at those that go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.remote_write.messages import encode_metadata
from pharos.ingest.remote_write.points import PointEncoder
from pharos.ingest.remote_write.submission import made as made_here
from pharos.queries import Queries
from pharos.runs.recorder import Recorder
from pharos.runs.runs import Runs
from pharos.runs.tally import FAMILIES
from pharos.runs.watch import RunSamples, Watch
from pharos.store import Store, live_runs, tenants_of_runs
from pharos.works import at_work

_LOG = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0


class RunSampleWriter(Struct):
    """Keeps series of runs as any other write."""

    intake: Intake
    encoder: PointEncoder = field(default_factory=PointEncoder)

    async def take(self, scope: Scope, made: RunSamples) -> None:
        """Keep them durably, all or nothing. Raises PharosError as the intake does."""
        parts = [encode_metadata(name, *told, "") for name, told in FAMILIES.items()]
        if made.begun:
            parts.append(self.encoder.request(made.begun_ms, ((labels, 0.0) for labels in made.begun)))
        parts.append(self.encoder.request(made.at_ms, made.samples, gone=made.gone))
        await self.intake.accept(made_here(scope, b"".join(parts), source="runs"))


@asynccontextmanager
async def open_tracking(
    store: Store, queries: Queries, clock: Clock, forgets: list[Callable[[str], None]]
) -> AsyncIterator[Runs]:
    """Take events of runs until the exit; what was live before goes on once it is read.

    Who lets go of a deleted tenant joins `forgets`.
    """
    recorder = Recorder(store.intake, store.engine.run_blocking, clock)
    forgets.append(recorder.forget)
    runs = Runs(recorder, queries.scheduler, clock)
    watch = Watch(runs, RunSampleWriter(store.intake), clock, live_runs, tenants_of_runs)

    async def follow() -> None:
        await asyncio.shield(asyncio.wrap_future(store.loader.recovered))
        while True:
            try:
                await watch.begin()
                break
            except PharosError as exc:
                _LOG.warning("which runs go on is not known yet: %s", exc)
                await asyncio.sleep(_AGAIN_S)
        recorder.is_ready = True
        await watch.run()

    try:
        async with at_work(follow()):
            yield runs
        await watch.close()
    finally:
        await recorder.close()
