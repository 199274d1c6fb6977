"""Killed processes and cut power: every frame whose future completed is there after reopening, once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.wal.walcases import OpenWal, append, seal

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.wal import Wal, WalOptions
from pharos.wal.faulty import Fault, FaultyFiles

ROOT = Path(__file__).parents[2]

WRITER = """
import os, sys, threading
from pathlib import Path
from pharos.clock import SystemClock
from pharos.wal import Wal, WalOptions
from tests.wal.walcases import append, seal

wal = Wal.open(Path(sys.argv[1]), clock=SystemClock(), options=WalOptions(segment_bytes=100_000))

def feed(tenant):
    number = 0
    while True:
        append(wal, 1, tenant, number, tenant.encode() * (number % 5000)).synced.result()
        os.write(1, f"{tenant} {number}\\n".encode())
        number += 1

for tenant in "abc":
    threading.Thread(target=feed, args=(tenant,), daemon=True).start()
while True:
    seal(wal)
"""


@pytest.mark.parametrize("lines", [1, 40, 400])
def test_a_killed_writer_loses_nothing_acknowledged(open_wal: OpenWal, tmp_path: Path, lines: int) -> None:
    acknowledged: list[str] = []
    for _ in range(2):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "wal")], stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(lines)]
            writer.kill()
            told += [line for line in writer.stdout if line.endswith("\n")]
        wal = open_wal()
        found: list[str] = []
        for segment in wal.sealed():
            for frame in wal.read(segment):
                assert bytes(frame.payload) == frame.tenant.encode() * (frame.recv_ns % 5000)
                found.append(f"{frame.tenant} {frame.recv_ns}\n")
            wal.commit(segment)
        wal.close()
        assert len(found) == len(set(found))
        assert set(told) <= set(found)
        acknowledged += told
    assert len(acknowledged) >= 2 * lines


@pytest.mark.parametrize("seed", range(12))
def test_cut_power_loses_nothing_acknowledged(tmp_path: Path, seed: int) -> None:
    """The medium keeps only what was synced, entries of folders included, and is looked at in any moment."""
    rng = random.Random(seed)
    folder = tmp_path / "wal"
    acknowledged: list[int] = []
    loaded: dict[int, str] = {}
    cuts: list[tuple[Path, list[int], dict[int, str]]] = []
    moments = {rng.randrange(5, 200) for _ in range(12)}
    calls = 0
    taking = threading.Lock()

    def before(operation: str, path: Path) -> None:
        nonlocal calls
        if operation in {"names", "size", "read"}:
            return
        with taking:  # nobody begins anything else on the medium meanwhile
            calls += 1
            if calls in moments:
                known = list(acknowledged), dict(loaded)
                cuts.append((tmp_path / f"cut{calls}", *known))
                files.power_cut_into(folder, cuts[-1][0])

    files = FaultyFiles(before=before)
    wal = Wal.open(folder, clock=FakeClock(), files=files, options=WalOptions(segment_bytes=3_000))
    for number in range(60):
        appended = append(wal, 1, "t", number, rng.randbytes(rng.randrange(1000)))
        if rng.random() < 0.7:
            appended.synced.result()
            acknowledged.append(number)
        if rng.random() < 0.2:
            seal(wal)
            for segment in wal.sealed():
                loaded.update({frame.recv_ns: segment for frame in wal.read(segment)})
                wal.commit(segment)
    wal.close()
    assert cuts
    for cut, was_acknowledged, was_loaded in cuts:
        again = Wal.open(cut, clock=FakeClock())
        found = {frame.recv_ns: segment for segment in again.sealed() for frame in again.read(segment)}
        assert set(was_acknowledged) <= set(found) | set(was_loaded)
        for number in set(found) & set(was_loaded):  # not yet deleted: the same name, so the engine skips it
            assert found[number] == was_loaded[number]
        assert append(again, 1, "t", 0, b"x").segment > max(
            [*found.values(), *was_loaded.values()], default=""
        )
        assert again.recovery.damaged == ()
        again.close()


def test_a_sync_of_a_folder_that_ends_late_takes_nothing_off_the_medium(tmp_path: Path) -> None:
    """Of the medium that the other tests stand on: what a sync covered that began later stays."""
    begun, going_on = threading.Event(), threading.Event()
    is_first = iter([True])

    def before(operation: str, path: Path) -> None:
        if operation == "sync_folder" and next(is_first, False):
            begun.set()
            assert going_on.wait(60)

    folder = tmp_path / "wal"
    folder.mkdir()
    files = FaultyFiles(before=before)
    late = threading.Thread(target=files.sync_folder, args=(folder,))
    late.start()
    assert begun.wait(60)
    files.close(files.create(folder / "segment"))
    files.sync_folder(folder)
    going_on.set()
    late.join(60)
    files.power_cut_into(folder, tmp_path / "cut")
    assert [path.name for path in (tmp_path / "cut").iterdir()] == ["segment"]


def test_an_acknowledged_frame_has_its_segments_entry_on_the_medium(tmp_path: Path) -> None:
    """Also of a segment that was not begun ahead of time; power is cut right at the acknowledgement."""
    files = FaultyFiles(faults=[Fault("create", 5, ".wal")])
    wal = Wal.open(tmp_path / "wal", clock=FakeClock(), files=files)
    while files.faults:
        os.sched_yield()
    cut = threading.Event()

    def via(_call: object, _batch: object, error: PharosError | None) -> None:
        assert error is None
        files.power_cut_into(tmp_path / "wal", tmp_path / "cut")
        cut.set()

    wal.append(1, "t", 7, b"x", lambda _error: None, via)
    assert cut.wait(20)
    wal.close()
    again = Wal.open(tmp_path / "cut", clock=FakeClock())
    assert [frame.recv_ns for segment in again.sealed() for frame in again.read(segment)] == [7]
    again.close()


def test_an_unsynced_log_loses_its_frames_when_power_is_cut(tmp_path: Path) -> None:
    """Pins that the test above could fail: a frame that nobody synced is not on the medium."""
    files = FaultyFiles()
    wal = Wal.open(tmp_path / "wal", clock=FakeClock(), files=files)
    stop = threading.Event()

    def before(operation: str, path: Path) -> None:
        if operation == "sync" and path.suffix == ".wal":
            stop.set()
            raise OSError(5, "Input/output error")

    files.before = before
    lost = append(wal, 1, "t", 1, b"x")
    assert stop.wait(20)
    with pytest.raises(PharosError):
        lost.synced.result(20)
    files.power_cut_into(tmp_path / "wal", tmp_path / "cut")
    files.before = None
    wal.close()
    again = Wal.open(tmp_path / "cut", clock=FakeClock())
    assert again.sealed() == []
    again.close()
