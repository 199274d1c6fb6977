"""A second signal beside metrics: its frames lie in the same segments of the log, and go their own way.

Notes stand for it: lines of text in a table of their own.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.ingest.rw_messages import v1_body

from pharos.access import DEFAULT, Scope
from pharos.clock import FakeClock
from pharos.engine import Engine, native
from pharos.engine.changes import Changes
from pharos.engine.native import Column
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake, IntakeOptions
from pharos.ingest.frames import FrameKind
from pharos.ingest.loader import Loader, LoaderOptions
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.remote_write.submission import made
from pharos.ingest.segment import DecodedSegment
from pharos.ingest.signals import Plain, Signals, Submission
from pharos.wal import Wal, WalOptions

NOTE = 200
"""A kind of frame that no version has."""


@dataclass(frozen=True)
class Noted:
    """What became of a note."""

    lines: int
    counted: list[tuple[str, int]]

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def points(self) -> int:
        return self.lines

    @property
    def is_cut(self) -> bool:
        return False

    @property
    def kept(self) -> None:
        return None

    def count(self, source: str, refused: Mapping[str, int]) -> None:
        self.counted.append((source, self.lines))


@dataclass
class Notes:
    """A batch of notes."""

    lines: list[tuple[str, str]] = field(default_factory=list)
    last: int = 0

    def memory_bytes(self, tenant: str | None = None) -> int:
        return sum(len(line) for owner, line in self.lines if tenant in {None, owner})

    def last_span_ms(self) -> tuple[int, int] | None:
        return None

    def insert(self, engine: Engine, token: str) -> None:
        if not self.lines:
            return
        columns = [native.string_values("line", [line for _, line in self.lines])]
        engine.load("notes", len(self.lines), columns, token=token)

    def note(self, changes: Changes) -> None:
        """Nobody keeps answers of notes."""

    def give_back(self) -> None:
        """Nothing of it is used again."""


class NoteSignal:
    """Notes: their payload is packed backwards."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, int]] = []
        self.forgotten = 0
        self.decoded: list[str] = []
        """Whose payloads were decoded, in order."""
        self.goes_on = threading.Event()
        """Decoding waits while it is not set."""
        self.goes_on.set()

    def unpack(self, kind: int, payload: Plain) -> Plain:
        assert kind == NOTE
        return bytes(payload)[::-1]

    def begin(self) -> Notes:
        return Notes()

    def decode(self, into: Notes, tenant: str, plain: Plain, recv_ns: int) -> Noted:
        assert self.goes_on.wait(60)
        self.decoded.append(tenant)
        lines = bytes(plain).decode().splitlines()
        if "refused" in lines:
            raise PharosError(Kind.INVALID, "a line is refused")
        into.last = len(lines)
        into.lines += [(tenant, line) for line in lines]
        return Noted(len(lines), self.counted)

    def undo(self, batch: Notes) -> None:
        del batch.lines[len(batch.lines) - batch.last :]

    def forget_tenant(self, tenant: str) -> None:
        return

    def active(self) -> dict[str, int]:
        return {}

    def forget(self) -> None:
        self.forgotten += 1

    def fresh(self) -> NoteSignal:
        return NoteSignal()


class KeptBlocks:
    """An engine that keeps what it is given; `refuse` is a table that it does not take."""

    def __init__(self) -> None:
        self.blocks: dict[tuple[str, str], bytes] = {}
        self.refuse = ""

    def load(self, table: str, rows: int, columns: Sequence[Column], *, token: str) -> None:
        if table == self.refuse:
            raise PharosError(Kind.BUG, "cannot parse")
        payload = b"".join(bytes(piece) for column in columns for piece in column.payload)
        self.blocks.setdefault((table, token), payload)

    def tables(self) -> set[str]:
        return {table for table, _ in self.blocks}

    def tokens(self, table: str) -> list[str]:
        return [token for name, token in self.blocks if name == table]


class Trip:
    """Log, intake and loader of two signals."""

    def __init__(self, folder: Path, engine: KeptBlocks, bounds: IntakeOptions | None = None) -> None:
        clock = FakeClock()
        self.notes = NoteSignal()
        self.wal = Wal.open(folder / "log", clock=clock, options=WalOptions(segment_bytes=1 << 40))
        signals = Signals(
            {
                FrameKind.REMOTE_WRITE_1: Decoder(seed=1, today=clock.now_ms() // 86_400_000, max_age_ms=0),
                NOTE: self.notes,
            }
        )
        self.intake = Intake(self.wal, signals, clock, bounds or IntakeOptions())
        options = LoaderOptions(interval_s=0.01, free_floor_bytes=0, retry_s=0.01)
        loading: Any = engine
        self.loader = Loader(loading, Changes(), self.wal, self.intake, signals, folder, clock, options)
        self._now_ms = clock.now_ms()

    def send(self, *sent: Submission[Any]) -> None:
        async def accept() -> None:
            for one in sent:
                await self.intake.accept(one)

        asyncio.run(accept())

    def sample(self, value: float) -> Submission[Any]:
        series = {"labels": [("__name__", "m")], "samples": [(self._now_ms, value)]}
        return made(DEFAULT, v1_body([series]), source="test")

    def end(self) -> None:
        self.loader.start()
        self.loader.stop()
        self.intake.close()
        self.wal.close()


def note(*lines: str, tenant: str = "default") -> Submission[Noted]:
    return Submission(Scope(tenant), NOTE, "test", packed="\n".join(lines).encode()[::-1])


def test_frames_of_two_signals_in_a_segment_are_stored_each_in_its_tables_under_one_token(
    tmp_path: Path,
) -> None:
    engine = KeptBlocks()
    trip = Trip(tmp_path, engine)
    trip.send(note("a"), trip.sample(1.0), note("b", "c"))
    trip.end()
    assert engine.tables() == {"samples", "series", "notes"}
    assert engine.tokens("samples") == engine.tokens("notes")
    assert engine.blocks["notes", engine.tokens("notes")[0]] == b"\x01a\x01b\x01c"
    assert trip.notes.counted == [("test", 1), ("test", 2)]
    assert trip.wal.sealed() == []


def test_what_a_crash_left_of_both_signals_is_stored_by_the_next_process(tmp_path: Path) -> None:
    first = Trip(tmp_path, KeptBlocks())
    first.send(note("a"), first.sample(1.0))
    first.intake.take(everything=True)
    first.intake.close()
    first.wal.close()
    engine = KeptBlocks()
    Trip(tmp_path, engine).end()
    assert engine.tables() == {"samples", "series", "notes"}


def test_a_frame_that_one_signal_refuses_leaves_the_others_as_they_were(tmp_path: Path) -> None:
    engine = KeptBlocks()
    trip = Trip(tmp_path, engine)
    trip.send(trip.sample(1.0))
    with pytest.raises(PharosError, match="a line is refused"):
        trip.send(note("refused"))
    trip.send(trip.sample(2.0))
    trip.end()
    assert engine.tables() == {"samples", "series"}


def test_a_table_that_the_store_refuses_sets_aside_the_frames_of_its_signal_alone(tmp_path: Path) -> None:
    engine = KeptBlocks()
    engine.refuse = "notes"
    trip = Trip(tmp_path, engine)
    trip.send(trip.sample(1.0), note("a"), trip.sample(2.0))
    trip.end()
    kept = list((tmp_path / "log" / "dead-letter").glob("*.payload"))
    assert [path.read_bytes() for path in kept] == [b"a"]
    assert trip.notes.forgotten == 1
    assert trip.wal.sealed() == []


def test_a_kind_that_is_in_no_table_is_refused_by_name(tmp_path: Path) -> None:
    trip = Trip(tmp_path, KeptBlocks())
    with pytest.raises(PharosError, match="unknown kind 201"):
        trip.send(Submission(DEFAULT, 201, "test", packed=b"x"))
    trip.end()


def test_a_tenant_that_floods_is_told_to_wait_while_others_are_heard(tmp_path: Path) -> None:
    trip = Trip(tmp_path, KeptBlocks(), IntakeOptions(pending_bytes=1000))
    trip.send(note("x" * 800, tenant="loud"))
    with pytest.raises(PharosError, match="of tenant 'loud'") as caught:
        trip.send(note("y", tenant="loud"))
    assert caught.value.kind is Kind.UNAVAILABLE
    trip.send(note("z", tenant="quiet"))
    trip.send(note("x" * 300, tenant="quiet"))
    with pytest.raises(PharosError, match="wait to be stored"):
        trip.send(note("z", tenant="other"))
    trip.end()


def test_memory_of_a_batch_is_known_by_tenant_and_comes_back_with_an_undone_frame() -> None:
    decoder = Decoder(seed=1, today=0, max_age_ms=0)
    batch = decoder.begin()
    body = v1_body([{"labels": [("__name__", "m")], "samples": [(1, 1.0), (2, 2.0)]}])
    decoder.decode(batch, "a", body, 0)
    of_a = batch.memory_bytes("a")
    decoder.decode(batch, "b", body, 0)
    assert batch.memory_bytes() == of_a + batch.memory_bytes("b")
    decoder.undo(batch)
    assert (batch.memory_bytes(), batch.memory_bytes("b")) == (of_a, 0)
    assert int(np.sum(batch.columns("b").counts)) == 0


@dataclass
class Counted(Notes):
    """A batch beside which something happens while it is counted."""

    meanwhile: Callable[[], object] = lambda: None

    def memory_bytes(self, tenant: str | None = None) -> int:
        self.meanwhile()
        return super().memory_bytes(tenant)


def test_the_first_frame_of_another_signal_may_come_while_memory_is_counted() -> None:
    class CountedSignal(NoteSignal):
        def begin(self) -> Notes:
            return Counted(meanwhile=lambda: segment.decode(NOTE + 1, "t", b"other", 1))

        def unpack(self, kind: int, payload: Plain) -> Plain:
            return payload

    segment = DecodedSegment(Signals({NOTE: CountedSignal(), NOTE + 1: NoteSignal()}))
    segment.decode(NOTE, "t", b"first", 1)
    assert segment.memory_bytes() == len("first")
    assert segment.memory_bytes() == len("first") + 2 * len("other")


def test_what_one_tenant_sends_is_not_behind_anothers_flood(tmp_path: Path) -> None:
    trip = Trip(tmp_path, KeptBlocks(), IntakeOptions(threads=1))
    trip.notes.goes_on.clear()

    async def flood() -> None:
        sent = [asyncio.create_task(trip.intake.accept(note("x", tenant="loud"))) for _ in range(50)]
        sent.append(asyncio.create_task(trip.intake.accept(note("y", tenant="quiet"))))
        await asyncio.sleep(0)
        trip.notes.goes_on.set()
        await asyncio.gather(*sent)

    asyncio.run(flood())
    trip.end()
    assert len(trip.notes.decoded) == 51
    assert trip.notes.decoded.index("quiet") <= 2
