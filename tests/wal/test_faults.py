"""A medium that is full or fails: what was acknowledged stays, what was refused is gone, later it goes on."""

from __future__ import annotations

import errno
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.wal.walcases import WAIT_S, OpenWal, append, contents, seal

from pharos.errors import Kind, PharosError
from pharos.wal.faulty import Fault, FaultyFiles
from pharos.wal.files import Files, OsFiles

SPACE_BYTES = 1024 * 1024


class Medium:
    """A small medium: a file system of its own where this user may mount one, else files that count bytes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.ballast = folder / "ballast"
        mount = ["mount", "-t", "tmpfs", "-o", f"size={SPACE_BYTES}", "pharos-test", str(folder)]
        self.is_mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0
        self.faulty = FaultyFiles(space=SPACE_BYTES)
        self.files: Files = OsFiles() if self.is_mounted else self.faulty

    def release(self) -> None:
        if self.is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


@pytest.fixture
def medium(tmp_path: Path) -> Iterator[Medium]:
    small = Medium(tmp_path / "small")
    yield small
    small.release()


def test_a_full_medium_refuses_and_goes_on_when_space_is_back(medium: Medium, open_wal: OpenWal) -> None:
    wal = open_wal(medium.folder / "wal", files=medium.files, segment_bytes=200_000, retry_after_s=3.0)
    acknowledged: list[int] = []
    number = 0
    for _ in range(3):
        refused: PharosError | None = None
        while refused is None:
            number += 1
            try:
                append(wal, 1, "t", number, bytes([number % 256]) * 30_000).synced.result(WAIT_S)
                acknowledged.append(number)
            except PharosError as exc:
                refused = exc
        assert refused.kind is Kind.UNAVAILABLE
        assert "No space left" in refused.message
        assert refused.retry_after_s == 3.0
        seal(wal)
        assert len(wal.sealed()) >= 2
        seen = contents(wal)
        assert [frame[2] for frame in seen] == acknowledged
        assert all(frame[3] == bytes([frame[2] % 256]) * 30_000 for frame in seen)
        for segment in wal.sealed():
            wal.commit(segment)
            if not medium.is_mounted:
                medium.faulty.space = SPACE_BYTES
        acknowledged.clear()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO], ids=errno.errorcode.get)
def test_a_half_written_frame_is_taken_back(open_wal: OpenWal, error: int) -> None:
    files = FaultyFiles()
    wal = open_wal(files=files)
    first = append(wal, 1, "t", 1, b"before")
    first.synced.result(WAIT_S)
    files.space = 100
    if error == errno.EIO:
        files.space = None
        files.faults.append(Fault("write", error, ".wal"))
    with pytest.raises(PharosError, match="the log cannot be written") as failure:
        append(wal, 1, "t", 2, b"refused" * 100)
    assert failure.value.kind is Kind.UNAVAILABLE
    files.space = None
    after = append(wal, 1, "t", 3, b"after")
    after.synced.result(WAIT_S)
    assert after.segment == first.segment
    seal(wal)
    assert [frame[3] for frame in contents(wal)] == [b"before", b"after"]
    wal.close()
    assert open_wal().recovery.damaged == ()


def test_a_segment_that_cannot_be_cut_is_given_up(open_wal: OpenWal) -> None:
    files = FaultyFiles()
    wal = open_wal(files=files)
    first = append(wal, 1, "t", 1, b"before")
    files.space = 100
    files.faults.append(Fault("truncate", errno.EIO))
    with pytest.raises(PharosError):
        append(wal, 1, "t", 2, b"refused" * 100)
    files.space = None
    after = append(wal, 1, "t", 3, b"after")
    assert after.segment > first.segment
    first.synced.result(WAIT_S)
    seal(wal)
    assert [frame[3] for frame in contents(wal)] == [b"before", b"after"]


def test_a_failed_sync_fails_its_group_and_the_segment_is_never_synced_again(open_wal: OpenWal) -> None:
    synced: list[str] = []
    entered, go = threading.Event(), threading.Event()
    files = FaultyFiles()
    wal = open_wal(files=files)
    good = append(wal, 1, "t", 1, b"good")
    good.synced.result(WAIT_S)

    def before(operation: str, path: Path) -> None:
        if operation == "sync" and path.suffix == ".wal":
            synced.append(path.stem)
            entered.set()
            assert go.wait(WAIT_S)

    files.before = before
    files.faults.append(Fault("sync", errno.EIO, ".wal"))
    in_group = append(wal, 1, "t", 2, b"in the group")
    assert entered.wait(WAIT_S)
    behind = append(wal, 1, "t", 3, b"behind the group, same segment")
    go.set()
    for lost in (in_group, behind):
        with pytest.raises(PharosError, match="cannot be synced") as failure:
            lost.synced.result(WAIT_S)
        assert failure.value.kind is Kind.UNAVAILABLE
        assert failure.value.retry_after_s == 5.0
    again = append(wal, 1, "t", 4, b"sent again")
    again.synced.result(WAIT_S)
    assert again.segment != good.segment
    seal(wal)
    assert synced.count(good.segment) == 1
    assert [frame[3] for frame in contents(wal)] == [b"good", b"sent again"]
    wal.close()
    assert [frame[3] for frame in contents(open_wal())] == [b"good", b"sent again"]


def test_a_failed_first_sync_leaves_no_segment(open_wal: OpenWal, tmp_path: Path) -> None:
    files = FaultyFiles(faults=[Fault("sync", errno.EIO, ".wal")])
    wal = open_wal(files=files)
    lost = append(wal, 1, "t", 1, b"lost")
    with pytest.raises(PharosError):
        lost.synced.result(WAIT_S)
    assert seal(wal) is None
    append(wal, 1, "t", 2, b"kept").synced.result(WAIT_S)
    seal(wal)
    assert [frame[3] for frame in contents(wal)] == [b"kept"]
    assert not (tmp_path / "wal" / f"{lost.segment}.wal").exists()


def test_a_sync_that_fails_while_sealing_fails_the_frames_only(open_wal: OpenWal) -> None:
    entered, go = threading.Event(), threading.Event()
    files = FaultyFiles()
    wal = open_wal(files=files)
    append(wal, 1, "t", 1, b"good").synced.result(WAIT_S)

    def before(operation: str, path: Path) -> None:
        if operation == "sync" and path.suffix == ".wal":
            entered.set()
            assert go.wait(WAIT_S)

    files.before = before
    lost = append(wal, 1, "t", 2, b"lost")
    assert entered.wait(WAIT_S)
    sealing = wal.begin_seal()
    files.faults.append(Fault("sync", errno.EIO, ".wal"))
    go.set()
    assert sealing.result(WAIT_S) == lost.segment
    with pytest.raises(PharosError):
        lost.synced.result(WAIT_S)
    assert [frame[3] for frame in contents(wal)] == [b"good"]


@pytest.mark.parametrize("operation", ["sync_folder", "create", "rename"])
def test_a_segment_that_cannot_be_begun_ahead_of_time_is_begun_later(
    open_wal: OpenWal, operation: str
) -> None:
    files = FaultyFiles(faults=[Fault(operation, errno.EIO)])
    wal = open_wal(files=files)
    append(wal, 1, "t", 0, b"x")
    seal(wal)
    for number in range(1, 4):
        append(wal, 1, "t", number, b"x").synced.result(WAIT_S)
        seal(wal)
    assert [frame[2] for frame in contents(wal)][-3:] == [1, 2, 3]


@pytest.mark.parametrize("operation", ["unlink", "sync_folder"])
def test_a_commit_that_fails_can_be_repeated(open_wal: OpenWal, operation: str) -> None:
    files = FaultyFiles()
    wal = open_wal(files=files)
    append(wal, 1, "t", 1, b"x")
    segment = seal(wal)
    assert segment is not None
    suffix = f"{segment}.wal" if operation == "unlink" else "wal"
    for _ in range(2):  # the second sync comes after all that the first one set off
        append(wal, 1, "t", 1, b"x").synced.result(WAIT_S)
    # Some of them may meet the segment that is begun ahead, whenever that is.
    files.faults += [Fault(operation, errno.EIO, suffix)] * 3
    with pytest.raises(PharosError, match="cannot be deleted"):
        wal.commit(segment)
    files.faults.clear()
    assert wal.sealed() == [segment]
    wal.commit(segment)
    assert wal.sealed() == []


def test_a_folder_that_cannot_be_used_is_named(open_wal: OpenWal, tmp_path: Path) -> None:
    (tmp_path / "wal").write_bytes(b"a file is in the way")
    with pytest.raises(PharosError, match=str(tmp_path / "wal")) as failure:
        open_wal()
    assert failure.value.kind is Kind.UNAVAILABLE


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_the_sync_thread_fails_everyone_instead_of_hanging(open_wal: OpenWal) -> None:
    files = FaultyFiles()
    wal = open_wal(files=files)

    def before(operation: str, path: Path) -> None:
        if operation == "sync" and path.suffix == ".wal":
            raise ZeroDivisionError

    files.before = before
    lost = append(wal, 1, "t", 1, b"x")
    with pytest.raises(PharosError, match="ZeroDivisionError") as failure:
        lost.synced.result(WAIT_S)
    assert failure.value.kind is Kind.BUG
    with pytest.raises(PharosError, match="failed"):
        append(wal, 1, "t", 1, b"x")
    assert seal(wal) is None


def test_folders_that_were_made_stay_after_a_power_cut(tmp_path: Path) -> None:
    synced: list[Path] = []

    class NotingFiles(OsFiles):
        def sync_folder(self, path: Path) -> None:
            synced.append(path)

    NotingFiles().make_folder(tmp_path / "new" / "wal")
    NotingFiles().make_folder(tmp_path / "new" / "wal")
    assert synced == [tmp_path, tmp_path / "new"]


def test_a_log_on_a_full_medium_opens_and_can_be_drained(open_wal: OpenWal, tmp_path: Path) -> None:
    wal = open_wal()
    for number in range(3):
        append(wal, 1, "t", number, b"x")
        seal(wal)
    wal.close()
    (tmp_path / "wal" / wal.sealed()[1]).with_suffix(".wal").write_bytes(b"PHAROSWL" + bytes(100))
    files = FaultyFiles(space=0)
    wal = open_wal(files=files)
    assert [frame[2] for frame in contents(wal)] == [0, 2]
    with pytest.raises(PharosError) as failure:
        append(wal, 1, "t", 3, b"x")
    assert failure.value.kind is Kind.UNAVAILABLE
    for segment in wal.sealed():
        wal.commit(segment)
    files.space = None
    append(wal, 1, "t", 3, b"x").synced.result(WAIT_S)
    seal(wal)
    assert [frame[2] for frame in contents(wal)] == [3]
