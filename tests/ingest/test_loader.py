"""From accepted to stored: what the loader does when the store refuses, fails or comes back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from tests.ingest.rw_messages import v1_body

from pharos.access import DEFAULT, Scope
from pharos.clock import SystemClock
from pharos.engine.changes import Changes
from pharos.engine.native import Column
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake, IntakeOptions, Pause
from pharos.ingest.frames import FrameKind, pack
from pharos.ingest.loader import Loader, LoaderOptions
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.remote_write.submission import made, received
from pharos.ingest.signals import Signals
from pharos.telemetry import REGISTRY
from pharos.wal import Wal, WalOptions

POISON = 666.0


class ScriptedEngine:
    """Keeps the values it is given, by table and token; `refuse` is asked before each block."""

    def __init__(self, refuse: Callable[[str, list[float]], PharosError | None]) -> None:
        self.blocks: dict[tuple[str, str], list[float]] = {}
        self.calls = 0
        self._refuse = refuse

    def load(self, table: str, rows: int, columns: Sequence[Column], *, token: str) -> None:
        found = {column.name: b"".join(bytes(p) for p in column.payload) for column in columns}
        values: list[float] = []
        if table == "samples":
            whole, rest = np.frombuffer(found["whole"], np.int64), np.frombuffer(found["rest"])
            values = np.where(whole == 0, rest, whole.astype(np.float64)).tolist()
        self.calls += 1
        refused = self._refuse(table, values)
        if refused is not None:
            raise refused
        self.blocks.setdefault((table, token), values)

    def tables(self, table: str) -> list[str]:
        """Return the tokens of a table's blocks, in the order of the first load of each."""
        return [token for name, token in self.blocks if name == table]

    def stored(self) -> list[float]:
        return sorted(v for (table, _), values in self.blocks.items() if table == "samples" for v in values)


class Trip:
    """An intake and a loader over a log in a folder."""

    def __init__(
        self,
        folder: Path,
        engine: ScriptedEngine,
        floor: int = 0,
        bounds: IntakeOptions = IntakeOptions(pending_bytes=1 << 20),  # noqa: B008 - it is frozen
        pause: Pause = asyncio.sleep,
    ) -> None:
        clock = SystemClock()
        self.wal = Wal.open(folder / "log", clock=clock, options=WalOptions(segment_bytes=1 << 40))
        decoder = Decoder(seed=7, today=clock.now_ms() // 86_400_000, max_age_ms=0)
        signals = Signals({FrameKind.REMOTE_WRITE_1: decoder})
        self.intake = Intake(self.wal, signals, clock, bounds, pause=pause)
        options = LoaderOptions(interval_s=0.01, free_floor_bytes=floor, retry_s=0.01)
        self.loader = Loader(engine, Changes(), self.wal, self.intake, signals, folder, clock, options)  # type: ignore[arg-type]
        self._now_ms = clock.now_ms()

    def write(self, *values: float, metric: str = "m", packed: bool = False) -> None:
        async def accept() -> None:
            for value in values:
                series = {"labels": [("__name__", metric)], "samples": [(self._now_ms, value)]}
                body = v1_body([series])
                if packed:
                    snappy = pack(body)
                    await self.intake.accept(
                        received(DEFAULT, FrameKind.REMOTE_WRITE_1, snappy, source="test")
                    )
                else:
                    await self.intake.accept(made(DEFAULT, body, source="test"))

        asyncio.run(accept())

    def run_to_the_end(self) -> None:
        self.loader.start()
        self.end()

    def end(self) -> None:
        self.loader.stop()
        self.intake.close()
        self.wal.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def _nothing_refused(_table: str, _values: list[float]) -> PharosError | None:
    return None


def test_everything_accepted_is_stored_and_its_segments_deleted(folder: Path) -> None:
    engine = ScriptedEngine(_nothing_refused)
    trip = Trip(folder, engine)
    trip.write(1.0, 2.0, 3.0)
    trip.run_to_the_end()
    assert engine.stored() == [1.0, 2.0, 3.0]
    assert trip.wal.sealed() == []


@pytest.mark.parametrize("poisoned", [[0], [7], [3], [0, 7], [2, 3, 6]])
def test_frames_that_the_store_refuses_are_set_aside_and_the_rest_stored(
    folder: Path, poisoned: list[int]
) -> None:
    def refuse(_table: str, values: list[float]) -> PharosError | None:
        return PharosError(Kind.BUG, "cannot parse") if POISON in values else None

    engine = ScriptedEngine(refuse)
    trip = Trip(folder, engine)
    trip.write(*(POISON if i in poisoned else float(i) for i in range(8)))
    trip.run_to_the_end()
    assert engine.stored() == [float(i) for i in range(8) if i not in poisoned]
    kept = sorted(path.name for path in (folder / "log" / "dead-letter").glob("*.payload"))
    assert len(kept) == len(poisoned)
    assert trip.wal.sealed() == []


def test_a_store_that_fails_for_a_while_loses_nothing(folder: Path) -> None:
    failures = iter(range(5))

    def refuse(_table: str, _values: list[float]) -> PharosError | None:
        down = next(failures, None) is not None
        return PharosError(Kind.UNAVAILABLE, "no space") if down else None

    engine = ScriptedEngine(refuse)
    trip = Trip(folder, engine)
    trip.write(1.0, 2.0)
    trip.loader.start()
    while trip.wal.sealed() or not engine.stored():
        trip.intake.full.wait(0.01)
    trip.end()
    assert engine.stored() == [1.0, 2.0]


def test_what_a_stopped_process_left_in_the_log_is_stored_by_the_next(folder: Path) -> None:
    def down(_table: str, _values: list[float]) -> PharosError | None:
        return PharosError(Kind.UNAVAILABLE, "gone")

    first = Trip(folder, ScriptedEngine(down))
    first.write(1.0, 2.0)
    first.run_to_the_end()
    engine = ScriptedEngine(_nothing_refused)
    second = Trip(folder, engine)
    recovered = [second.loader.is_recovered]
    second.run_to_the_end()
    recovered.append(second.loader.is_recovered)
    assert recovered == [False, True]
    assert engine.stored() == [1.0, 2.0]


def _left_in_the_log(folder: Path, *writes: Sequence[float]) -> list[str]:
    """Have each of `writes` in a segment of its own and nothing stored; return the segments' names."""
    trip = Trip(folder, ScriptedEngine(_nothing_refused))
    for values in writes:
        trip.write(*values)
        trip.intake.take(everything=True)
    trip.intake.close()
    trip.wal.close()
    return trip.wal.sealed()


def test_recovery_stores_segments_in_order_each_under_its_name_and_a_series_once(folder: Path) -> None:
    segments = _left_in_the_log(folder, [1.0, 2.0], [3.0], [4.0, 5.0])
    assert len(segments) == 3
    engine = ScriptedEngine(_nothing_refused)
    Trip(folder, engine).run_to_the_end()
    assert engine.tables("samples") == segments
    assert engine.tables("series") == segments[:1]
    assert engine.stored() == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_recovery_registers_a_series_anew_after_a_segment_that_was_refused(folder: Path) -> None:
    segments = _left_in_the_log(folder, [POISON], [3.0])

    def refuse(_table: str, values: list[float]) -> PharosError | None:
        return PharosError(Kind.BUG, "cannot parse") if POISON in values else None

    engine = ScriptedEngine(refuse)
    trip = Trip(folder, engine)
    trip.run_to_the_end()
    assert engine.stored() == [3.0]
    assert segments[1] in engine.tables("series")
    assert trip.wal.sealed() == []


def test_senders_are_held_back_during_recovery_and_scrapes_are_not(folder: Path) -> None:
    _left_in_the_log(folder, [1.0])
    is_down = threading.Event()
    is_down.set()

    def refuse(_table: str, _values: list[float]) -> PharosError | None:
        return PharosError(Kind.UNAVAILABLE, "not yet") if is_down.is_set() else None

    engine = ScriptedEngine(refuse)
    trip = Trip(folder, engine, bounds=IntakeOptions(early_bytes=1))
    trip.loader.start()
    trip.write(2.0, packed=True)
    with pytest.raises(PharosError, match="still being stored") as caught:
        trip.write(3.0, packed=True)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.retry_after_s
    trip.write(4.0)
    is_down.clear()
    trip.loader.recovered.result(timeout=60)
    trip.write(5.0, 6.0, packed=True)
    trip.end()
    assert engine.stored() == [1.0, 2.0, 4.0, 5.0, 6.0]


def test_a_run_that_has_its_size_is_ended_and_so_is_its_segment(folder: Path) -> None:
    engine = ScriptedEngine(_nothing_refused)
    trip = Trip(folder, engine, bounds=IntakeOptions(batch_bytes=100))
    trip.write(*(float(i) for i in range(10)))
    trip.write(10.0)
    assert [run.frames for run in trip.intake.take()] == [2, 4, 4]
    assert len(trip.wal.sealed()) == 3
    assert [run.frames for run in trip.intake.take(everything=True)] == [2, 4, 4, 1]
    trip.run_to_the_end()
    assert engine.stored() == [float(i) for i in range(11)]
    assert trip.wal.sealed() == []


def test_below_the_disk_floor_nothing_is_accepted(folder: Path) -> None:
    trip = Trip(folder, ScriptedEngine(_nothing_refused), floor=1 << 60)
    trip.loader.watch_disk()
    with pytest.raises(PharosError, match="disk") as caught:
        trip.write(1.0)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert caught.value.retry_after_s
    trip.run_to_the_end()


def test_above_the_disk_floor_samples_are_accepted_again(folder: Path) -> None:
    engine = ScriptedEngine(_nothing_refused)
    trip = Trip(folder, engine)
    trip.intake.refuse(PharosError(Kind.UNAVAILABLE, "only 1 MiB of disk are free"))
    trip.loader.watch_disk()
    trip.write(1.0)
    trip.run_to_the_end()
    assert engine.stored() == [1.0]


def test_more_than_may_wait_is_refused_until_it_is_stored(folder: Path) -> None:
    trip = Trip(folder, ScriptedEngine(_nothing_refused))
    values = [float(i) for i in range(40_000)]
    series = {
        "labels": [("__name__", "m")],
        "samples": [(1_700_000_000_000 + i, v) for i, v in enumerate(values)],
    }
    body = v1_body([series])

    async def flood() -> None:
        for _ in range(10):
            await trip.intake.accept(made(DEFAULT, body, source="test"))

    with pytest.raises(PharosError, match="wait to be stored") as caught:
        asyncio.run(flood())
    assert caught.value.kind is Kind.UNAVAILABLE
    trip.run_to_the_end()


def test_bytes_and_refusals_are_counted_by_who_sent_them_whatever_was_made_of_them(folder: Path) -> None:
    def counted(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def figures() -> tuple[float, ...]:
        return (
            counted("pharos_ingest_bytes_total", source="a page"),
            counted("pharos_ingest_samples_total", source="a page"),
            counted("pharos_ingest_rejected_samples_total", reason="a reason"),
        )

    trip, before = Trip(folder, ScriptedEngine(_nothing_refused)), figures()
    body = v1_body([{"labels": [("__name__", "m")], "samples": [(1_700_000_000_000, 1.0)]}])

    async def accept() -> None:
        for one in (body, b""):
            refused = {"a reason": 3}
            await trip.intake.accept(made(Scope("t"), one, source="a page", sent_bytes=700, refused=refused))

    asyncio.run(accept())
    trip.run_to_the_end()
    assert [now - then for now, then in zip(figures(), before, strict=True)] == [1400, 1, 6]


@pytest.mark.parametrize("is_stored", [True, False])
def test_senders_are_slowed_down_before_they_are_turned_away(folder: Path, is_stored: bool) -> None:
    engine = ScriptedEngine(_nothing_refused)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if is_stored:
            for segment in trip.intake.take(everything=True):
                segment.insert(engine, segment.name)  # type: ignore[arg-type]
                trip.intake.stored(segment)

    trip = Trip(folder, engine, bounds=IntakeOptions(pending_bytes=2_000, batch_bytes=100), pause=pause)
    trip.write(*map(float, range(20)))
    trip.write(20.0, packed=True)
    assert len(pauses) == (1 if is_stored else 50)
    trip.run_to_the_end()
    assert engine.stored() == [float(i) for i in range(21)]
