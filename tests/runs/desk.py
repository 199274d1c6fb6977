"""A store with runs, without a server around it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from pharos.access import ALL, Scope
from pharos.clock import SystemClock
from pharos.config import Settings
from pharos.queries import Queries, open_queries
from pharos.runs.asked import Asked
from pharos.runs.events import EventKind, RunEvent, State, StepRef
from pharos.runs.runs import Runs
from pharos.runs.view import Summary
from pharos.store import Store, open_store
from pharos.tracking import open_tracking

SCOPE = Scope("one", permissions=ALL)
_MS = 1_000_000


@dataclass(frozen=True)
class Desk:
    """The parts that know runs."""

    store: Store
    queries: Queries
    runs: Runs

    async def ready(self) -> None:
        """Wait until events are taken."""
        ends = time.monotonic() + 20
        while not self.runs.recorder.is_ready:
            assert time.monotonic() < ends
            await _turn()

    async def stored(self) -> None:
        """Wait until all that was taken is in the store."""
        ends = time.monotonic() + 20
        self.store.intake.full.set()
        while self.store.intake.oldest_recv_ns():
            assert time.monotonic() < ends
            await _turn()

    async def woken(self) -> None:
        """Wait until runs that were live before are in memory."""
        ends = time.monotonic() + 20
        while not self.runs.book(SCOPE).live:
            assert time.monotonic() < ends
            await _turn()

    def forget(self) -> None:
        """Let go of what is in memory, as after a long time."""
        self.runs.recorder.books.clear()

    async def all(self, **asked: Any) -> list[Summary]:
        """Return the newest runs of a week."""
        now_ms = time.time_ns() // _MS
        wanted = Asked(now_ms - 7 * 86_400_000, now_ms + 60_000, **asked)
        return [*(await self.runs.page(SCOPE, wanted, 500)).runs]


async def _turn() -> None:
    await asyncio.sleep(0.01)


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    """Open the parts over a folder."""
    settings, clock, chance = Settings(data=folder), SystemClock(), Random(1)
    with (
        open_store(settings, clock, chance) as store,
        open_queries(store.engine, store.changes, clock, chance, settings) as queries,
    ):
        async with open_tracking(store, queries, clock, []) as runs:
            desk = Desk(store, queries, runs)
            await desk.ready()
            yield desk


def life(
    run_id: str,
    begin_ms: int,
    lasted_ms: int,
    state: State | None = State.SUCCEEDED,
    workflow: str = "w",
    **told: Any,
) -> list[RunEvent]:
    """Return the events of a run with one step; without a state it is not over."""
    step = StepRef("load")
    found = [
        RunEvent(run_id, EventKind.START, begin_ms * _MS, workflow=workflow, **told),
        RunEvent(run_id, EventKind.START, begin_ms * _MS, step=step),
        RunEvent(run_id, EventKind.END, (begin_ms + lasted_ms) * _MS, step=step, state=State.SUCCEEDED),
    ]
    if state is not None:
        found.append(RunEvent(run_id, EventKind.END, (begin_ms + lasted_ms) * _MS, state=state))
    return found
