"""Counters of runs over restarts: what rates and increases are made of stays right."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.runs.desk import SCOPE, Desk, life, open_desk

from pharos.access import Scope
from pharos.clock import FakeClock
from pharos.engine import Session
from pharos.runs.watch import RunSamples, Watch

_SLOT_MS = 15_000


@dataclass
class _Kept:
    """The samples of one counter."""

    points: list[tuple[int, float]] = field(default_factory=list)

    async def take(self, scope: Scope, made: RunSamples) -> None:
        assert scope.tenant == SCOPE.tenant
        for at_ms, samples in (
            (made.begun_ms, [(labels, 0.0) for labels in made.begun]),
            (made.at_ms, made.samples),
        ):
            self.points += [
                (at_ms, value) for labels, value in samples if ("__name__", "workflow_runs_total") in labels
            ]


def _nothing(_: Session) -> Mapping[str, Sequence[str]]:
    return {}


def _watch(desk: Desk, kept: _Kept, clock: FakeClock) -> Watch:
    return Watch(desk.runs, kept, clock, _nothing, lambda session: [*_nothing(session)])


async def test_a_stop_loses_no_run_and_a_start_begins_after_all_that_was_told(tmp_path: Path) -> None:
    began_ms, kept = time.time_ns() // 1_000_000, _Kept()
    clock = FakeClock(began_ms // _SLOT_MS * _SLOT_MS + 7_000)
    async with open_desk(tmp_path) as desk:
        await desk.runs.record(SCOPE, life("a", began_ms - 9_000, 1_000), "test")
        for run_id in ("b", "c"):
            watch = _watch(desk, kept, clock)
            await watch.begin()
            await watch.step(SCOPE.tenant)  # of this time another process may have told
            clock.advance_ms(_SLOT_MS)
            await watch.step(SCOPE.tenant)
            await desk.runs.record(SCOPE, life(run_id, began_ms - 9_000, 2_000), "test")
            clock.advance_ms(1_000)
            await watch.close()
            clock.advance_ms(1_000)
            desk.forget()
    times, values = zip(*kept.points, strict=True)
    assert list(times) == sorted(set(times))
    assert values == (0.0, 1.0, 2.0, 0.0, 1.0)
