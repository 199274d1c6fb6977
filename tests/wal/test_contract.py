"""The log's promises, one by one."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import uvloop
from tests.wal.walcases import WAIT_S, OpenWal, append, append_synced, contents, seal

from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.telemetry import REGISTRY
from pharos.wal.faulty import Fault, FaultyFiles
from pharos.wal.files import OsFiles
from pharos.wal.waiting import OnSynced


def test_frames_come_back_in_order_as_they_were_given(open_wal: OpenWal) -> None:
    wal = open_wal()
    frames = [
        (0, "default", 1, b"first"),
        (255, "", -(2**63), b""),
        (7, "mieter-ä" * 10, 2**63 - 1, bytes(range(256)) * 500),
    ]
    for frame in frames:
        append(wal, *frame).synced.result(WAIT_S)
    assert wal.sealed() == []
    segment = seal(wal)
    assert wal.sealed() == [segment]
    assert contents(wal) == frames


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview], ids=lambda wrap: wrap.__name__)
def test_any_buffer_is_a_payload(open_wal: OpenWal, wrap: type) -> None:
    wal = open_wal()
    append(wal, 1, "t", 1, wrap(b"payload"))
    append(wal, 1, "t", 1, memoryview(b"...payload..")[3:10])
    seal(wal)
    assert [frame[3] for frame in contents(wal)] == [b"payload", b"payload"]


def test_append_names_the_segment_that_seal_returns(open_wal: OpenWal) -> None:
    wal = open_wal()
    appended = append(wal, 1, "t", 1, b"x")
    assert seal(wal) == appended.segment
    assert append(wal, 1, "t", 1, b"x").segment > appended.segment


def test_seal_without_frames_returns_none(open_wal: OpenWal) -> None:
    wal = open_wal()
    assert seal(wal) is None
    append(wal, 1, "t", 1, b"x")
    seal(wal)
    assert seal(wal) is None


def test_begin_seal_does_not_wait_for_the_medium(open_wal: OpenWal) -> None:
    go = threading.Event()
    files = FaultyFiles()
    wal = open_wal(files=files)

    def before(operation: str, _path: Path) -> None:
        assert operation != "sync" or go.wait(WAIT_S)

    files.before = before
    first = append(wal, 1, "t", 1, b"x")
    sealing = wal.begin_seal()
    later = append(wal, 1, "t", 2, b"y")
    assert not sealing.done()
    assert wal.sealed() == []
    go.set()
    assert sealing.result(WAIT_S) == first.segment != later.segment
    assert contents(wal) == [(1, "t", 1, b"x")]


def test_seal_completes_the_futures_of_its_frames(open_wal: OpenWal) -> None:
    wal = open_wal()
    appended = [append(wal, 1, "t", 1, b"x") for _ in range(5)]
    seal(wal)
    assert [one.synced.done() for one in appended] == [True] * 5


def test_a_full_segment_is_sealed_by_the_append_that_does_not_fit(open_wal: OpenWal) -> None:
    wal = open_wal(segment_bytes=10_000)
    names = [append(wal, 1, "t", number, b"x" * 4_000).segment for number in range(5)]
    seal(wal)
    assert sorted(set(names)) == names[::2] == wal.sealed()
    assert [frame[2] for frame in contents(wal)] == [0, 1, 2, 3, 4]


def test_a_frame_larger_than_a_segment_is_alone_in_it(open_wal: OpenWal) -> None:
    wal = open_wal(segment_bytes=10_000)
    for size in (10, 32_000_000, 10):
        append(wal, 1, "t", size, bytes(size))
    seal(wal)
    assert [[len(frame.payload) for frame in wal.read(name)] for name in wal.sealed()] == [
        [10],
        [32_000_000],
        [10],
    ]


def test_commit_deletes_the_segment(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal()
    append(wal, 1, "t", 1, b"x")
    segment = seal(wal)
    assert segment is not None
    wal.commit(segment)
    assert wal.sealed() == []
    assert list((tmp_path / "wal").glob(f"{segment}*")) == []
    with pytest.raises(PharosError, match="no sealed log segment") as failure:
        wal.read(segment)
    assert failure.value.kind is Kind.MISSING


@pytest.mark.parametrize("operation", ["read", "commit"])
def test_the_active_segment_cannot_be_read_or_committed(open_wal: OpenWal, operation: str) -> None:
    wal = open_wal()
    segment = append(wal, 1, "t", 1, b"x").segment
    with pytest.raises(PharosError) as failure:
        getattr(wal, operation)(segment)
    assert failure.value.kind is Kind.MISSING


def test_every_segment_found_at_start_is_sealed_under_its_name(open_wal: OpenWal) -> None:
    first = open_wal()
    append(first, 1, "t", 1, b"a")
    one = seal(first)
    two = append(first, 2, "t", 2, b"b").segment
    first.close()
    wal = open_wal()
    assert wal.sealed() == [one, two]
    assert contents(wal) == [(1, "t", 1, b"a"), (2, "t", 2, b"b")]
    assert (wal.recovery.segments, wal.recovery.frames, wal.recovery.damaged) == (2, 2, ())
    assert wal.recovery.bytes == wal.unloaded_bytes


@pytest.mark.parametrize("lost", [[], ["sequence"]], ids=["kept", "sequence file lost"])
@pytest.mark.parametrize("clock_step_ms", [0, 1_000_000, -1_000_000], ids=["same", "later", "earlier"])
def test_names_never_repeat_even_when_all_segments_are_gone(
    open_wal: OpenWal, tmp_path: Path, clock_step_ms: int, lost: list[str]
) -> None:
    clock = FakeClock()
    names: list[str] = []
    for _ in range(4):
        wal = open_wal(clock=clock)
        for _ in range(3):
            names.append(append(wal, 1, "t", 1, b"x").segment)
            seal(wal)
        for segment in wal.sealed():
            wal.commit(segment)
        wal.close()
        if not lost:
            clock.advance_ms(clock_step_ms)
        else:  # the clock alone must do: it is always ahead of a few segments per second
            clock.advance_ms(abs(clock_step_ms) + 5_000)
            (tmp_path / "wal" / lost[0]).unlink()
    assert names == sorted(set(names))


def test_numbers_survive_more_segments_than_are_reserved_at_once(open_wal: OpenWal) -> None:
    names: list[str] = []
    for _ in range(3):
        wal = open_wal(numbers_at_once=2)
        for _ in range(7):
            names.append(append(wal, 1, "t", 1, b"x").segment)
            seal(wal)
        for segment in wal.sealed():
            wal.commit(segment)
        wal.close()
    assert names == sorted(set(names))


def test_unloaded_bytes_and_its_metric_count_what_is_not_committed(open_wal: OpenWal) -> None:
    wal = open_wal()
    assert wal.unloaded_bytes == 0
    append(wal, 1, "t", 1, b"x" * 1000)
    active = wal.unloaded_bytes
    assert 1000 < active < 1100
    segment = seal(wal)
    assert segment is not None
    assert wal.unloaded_bytes == active == REGISTRY.get_sample_value("pharos_wal_size_bytes")
    wal.commit(segment)
    assert wal.unloaded_bytes == 0 == REGISTRY.get_sample_value("pharos_wal_size_bytes")


def test_set_aside_keeps_the_payload_with_its_story(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal()
    for number in range(3):
        append(wal, number, "tenant", number, b"payload %d" % number)
    segment = seal(wal)
    assert segment is not None
    path = wal.set_aside(segment, 1, "the engine said no")
    assert wal.set_aside(segment, 1, "the engine said no") == path
    assert path.parent == tmp_path / "wal" / "dead-letter"
    assert path.read_bytes() == b"payload 1"
    assert json.loads(path.with_suffix(".json").read_bytes()) == {
        "segment": segment,
        "frame": 1,
        "kind": 1,
        "tenant": "tenant",
        "recv_ns": 1,
        "bytes": 9,
        "reason": "the engine said no",
    }
    assert sorted(one.name for one in path.parent.iterdir()) == [f"{segment}-1.json", f"{segment}-1.payload"]
    with pytest.raises(PharosError) as failure:
        wal.set_aside(segment, 3, "no such frame")
    assert failure.value.kind is Kind.MISSING


def test_what_is_set_aside_is_bounded_and_the_oldest_goes_first(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal(aside_bytes=2_500)
    for number in range(4):
        append(wal, number, "tenant", number, bytes(1_000))
    segment = seal(wal)
    assert segment is not None
    folder = tmp_path / "wal" / "dead-letter"

    def told(metric: str) -> float:
        return REGISTRY.get_sample_value(metric, {"folder": "dead-letter"}) or 0.0

    removed = told("pharos_wal_aside_removed_bytes_total")
    paths = [wal.set_aside(segment, number, "no") for number in range(3)]
    kept = {one.name for path in paths[1:] for one in (path, path.with_suffix(".json"))}
    (folder / "notes.txt").write_bytes(bytes(5_000))
    assert {one.name for one in folder.iterdir()} == {*kept, "notes.txt"}
    there = sum((folder / name).stat().st_size for name in kept)
    assert told("pharos_wal_aside_size_bytes") == there
    assert told("pharos_wal_aside_removed_bytes_total") - removed == there / 2

    # Again, which makes no room for itself; and a start with a lower bound.
    assert wal.set_aside(segment, 1, "no") == paths[1]
    assert {one.name for one in folder.iterdir()} == {*kept, "notes.txt"}
    wal.close()
    open_wal(aside_bytes=1_500)
    assert {one.name for one in folder.iterdir()} == {
        f"{segment}-2.json",
        f"{segment}-2.payload",
        "notes.txt",
    }


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        ((256, "t", 0, b""), Kind.INVALID),
        ((-1, "t", 0, b""), Kind.INVALID),
        ((1, "t" * 256, 0, b""), Kind.INVALID),
        ((1, "\udc80", 0, b""), Kind.INVALID),
        ((1, "t", 2**63, b""), Kind.INVALID),
        ((1, "t", 0, bytes(64 * 1024 * 1024 + 1)), Kind.TOO_LARGE),
    ],
    ids=["kind 256", "kind -1", "long tenant", "tenant not Unicode", "time too large", "payload too large"],
)
def test_what_no_frame_can_hold_is_refused(
    open_wal: OpenWal, frame: tuple[int, str, int, bytes], kind: Kind
) -> None:
    wal = open_wal()
    with pytest.raises(PharosError) as failure:
        append(wal, *frame)
    assert failure.value.kind is kind
    assert seal(wal) is None


def test_a_closed_log_takes_nothing_and_leaves_no_empty_segment(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal()
    appended = append(wal, 1, "t", 1, b"x")
    seal(wal)
    append(wal, 1, "t", 1, b"x")
    wal.close()
    wal.close()
    assert appended.synced.done()
    with pytest.raises(PharosError, match="closed") as failure:
        append(wal, 1, "t", 1, b"y")
    assert failure.value.kind is Kind.UNAVAILABLE
    assert len(list((tmp_path / "wal").glob("*.wal"))) == 2


def test_one_sync_covers_all_frames_written_before_it(open_wal: OpenWal) -> None:
    syncs: list[str] = []
    entered, go = threading.Event(), threading.Event()

    def before(operation: str, path: Path) -> None:
        if operation == "sync" and path.suffix == ".wal":
            syncs.append(path.name)
            entered.set()
            assert go.wait(WAIT_S)

    files = FaultyFiles()
    wal = open_wal(files=files)
    files.before = before
    first = append(wal, 1, "t", 1, b"x")
    assert entered.wait(WAIT_S)
    later = [append(wal, 1, "t", 1, b"x") for _ in range(50)]
    assert not first.synced.done()
    go.set()
    for one in [first, *later]:
        one.synced.result(WAIT_S)
    assert len(syncs) == 2


@pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_the_loop_is_woken_once_for_a_group(
    open_wal: OpenWal, loop_factory: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    entered, go = threading.Event(), threading.Event()
    batches: list[int] = []

    def before(operation: str, path: Path) -> None:
        if operation == "sync" and path.suffix == ".wal":
            entered.set()
            assert go.wait(WAIT_S)

    files = FaultyFiles()
    wal = open_wal(files=files)
    files.before = before

    async def trip() -> list[str]:
        loop = asyncio.get_running_loop()

        def wake(call: Callable[..., object], batch: Sequence[OnSynced], error: PharosError | None) -> None:
            batches.append(len(batch))
            loop.call_soon_threadsafe(call, batch, error)

        first = asyncio.ensure_future(append_synced(wal, 1, "t", 0, b"x", wake))
        await asyncio.to_thread(entered.wait, WAIT_S)
        group = [asyncio.ensure_future(append_synced(wal, 1, "t", 0, b"x", wake)) for _ in range(9)]
        await asyncio.sleep(0)
        group[0].cancel()
        go.set()
        return await asyncio.gather(first, *group[1:])

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        assert len(runner.run(trip())) == 9
    assert batches == [1, 9]
    seal(wal)
    assert len(contents(wal)) == 10


def test_append_synced_raises_what_the_sync_failed_with(open_wal: OpenWal) -> None:
    wal = open_wal(files=FaultyFiles(faults=[Fault("sync", 5, ".wal")]))

    async def trip() -> None:
        with pytest.raises(PharosError, match="cannot be synced"):
            await append_synced(wal, 1, "t", 0, b"lost")
        await append_synced(wal, 1, "t", 0, b"kept")

    asyncio.run(trip())
    seal(wal)
    assert [frame[3] for frame in contents(wal)] == [b"kept"]


def test_a_loop_that_is_gone_does_not_stop_the_log(open_wal: OpenWal) -> None:
    wal = open_wal()
    loop = asyncio.new_event_loop()
    loop.close()
    wal.append(1, "t", 0, b"x", lambda _error: None, loop.call_soon_threadsafe)
    append(wal, 1, "t", 0, b"x").synced.result(WAIT_S)


def test_threads_lose_and_reorder_nothing(open_wal: OpenWal) -> None:
    wal = open_wal(segment_bytes=50_000)
    rounds = 300
    seen: list[tuple[str, int]] = []
    done = threading.Event()
    failures: list[BaseException] = []

    def feed(tenant: str) -> None:
        try:
            for number in range(rounds):
                appended = append(wal, 1, tenant, number, tenant.encode() * (number + 1))
                if number % 7 == 0:
                    appended.synced.result(WAIT_S)
        except BaseException as exc:
            failures.append(exc)
            raise

    def load() -> None:
        is_last = False
        while not is_last:
            is_last = done.wait(0.002)
            seal(wal)
            for segment in wal.sealed():
                for frame in wal.read(segment):
                    assert bytes(frame.payload) == frame.tenant.encode() * (frame.recv_ns + 1)
                    seen.append((frame.tenant, frame.recv_ns))
                wal.commit(segment)

    loader = threading.Thread(target=load)
    feeders = [threading.Thread(target=feed, args=(tenant,)) for tenant in "abcd"]
    for thread in [loader, *feeders]:
        thread.start()
    for thread in feeders:
        thread.join()
    done.set()
    loader.join()
    assert failures == []
    for tenant in "abcd":
        assert [number for name, number in seen if name == tenant] == list(range(rounds))
    assert wal.unloaded_bytes == 0


class _HeldFolder(OsFiles):
    """A medium whose folders are not synced while `free` is cleared."""

    def __init__(self) -> None:
        self.free = threading.Event()
        self.free.set()

    def sync_folder(self, path: Path) -> None:
        assert self.free.wait(60)
        super().sync_folder(path)


def test_no_frame_waits_for_the_next_segment_to_be_begun(open_wal: OpenWal) -> None:
    files = _HeldFolder()
    wal = open_wal(files=files)
    while wal._spare is None:  # noqa: SLF001 - nothing else tells when it is begun
        threading.Event().wait(0.001)
    files.free.clear()
    try:
        # This takes the segment that was begun ahead, so the next is begun, which needs the folder's sync.
        for _ in range(2):
            append(wal, 1, "t", 1, b"frame").synced.result(WAIT_S)
    finally:
        files.free.set()
