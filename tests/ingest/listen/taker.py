"""An intake that keeps what it is handed, for tests of listeners."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.ingest.records import records

from pharos.access import DEFAULT, Scope
from pharos.errors import PharosError
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.listen.gather import Gatherer, GatherOptions
from pharos.ingest.signals import Submission


class FakeTaker:
    """Takes everything, after it has raised what it was told to."""

    def __init__(self, *reasons: PharosError) -> None:
        self.taken: list[Submission[Any]] = []
        self.reasons = list(reasons)
        self.paused: list[float] = []
        self.let_in: list[Scope] = []
        self._changed = asyncio.Condition()

    async def begin(self, scope: Scope) -> None:
        self.let_in.append(scope)

    async def accept(self, sent: Submission[Any]) -> EventsTaken:
        if self.reasons:
            raise self.reasons.pop(0)
        async with self._changed:
            self.taken.append(sent)
            self._changed.notify_all()
        return EventsTaken("logs", len(records(bytes(sent.plain or b""))), 0, "")

    def records(self) -> list[dict[str, Any]]:
        return [one for sent in self.taken for one in records(bytes(sent.plain or b""))]

    def lines(self) -> list[Any]:
        return [one["line"] for one in self.records()]

    async def until(self, count: int) -> None:
        """Return when so many lines were taken; a test that waits in vain is ended by its time limit."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.lines()) >= count)

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def gathering(
    source: str, taker: FakeTaker | None = None, batch_bytes: int = 1 << 20
) -> AsyncIterator[tuple[FakeTaker, Gatherer]]:
    """Run a gatherer over a fake intake; on exit everything was handed over."""
    taker = taker or FakeTaker()
    options = GatherOptions(batch_bytes=batch_bytes)
    gatherer = Gatherer(taker, DEFAULT, source, taker.pause, options)
    running = asyncio.create_task(gatherer.run())
    yield taker, gatherer
    gatherer.close()
    await running
