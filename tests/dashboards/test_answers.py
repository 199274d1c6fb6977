"""Answers of whole dashboards: what becomes of them when their reader goes."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

from pharos.access import DEFAULT
from pharos.clock import FakeClock
from pharos.dashboards.answer.asked import asked_of
from pharos.dashboards.answer.doors import Doors
from pharos.dashboards.answer.stream import stream
from pharos.dashboards.document import unwrap
from pharos.dashboards.read import read_model

PANELS = 30


class Slow:
    """Metrics that are never answered."""

    def __init__(self) -> None:
        self.asked = 0
        self.ended = 0
        self.begun = asyncio.Event()

    async def evaluate(self, *_: Any) -> Any:
        self.asked += 1
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1


async def _no_links(*_: Any) -> list[Any]:
    return []


async def test_what_waits_and_what_has_no_turn_yet_ends_with_the_reader() -> None:
    metrics, clock = Slow(), FakeClock()
    slow: Any = metrics
    doors = Doors(slow, slow, slow, slow, slow, clock)
    panel = {"type": "timeseries", "targets": [{"refId": "A", "expr": "up"}]}
    board = {"title": "Board", "panels": [{**panel, "id": at + 1} for at in range(PANELS)]}
    model, _ = read_model(unwrap(board))
    asked = asked_of(model, clock.now_ms(), {"from": "now-1h", "to": "now"})

    async def read() -> None:
        async for _ in stream(doors, DEFAULT, asked, _no_links):
            pass

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        reader = asyncio.create_task(read())
        async with asyncio.timeout(20):
            await metrics.begun.wait()
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        gc.collect()
    assert 0 < metrics.asked < PANELS
    assert metrics.ended == metrics.asked
    assert told == []
