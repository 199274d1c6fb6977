"""What the disk does not take is never counted on: the engine itself says nothing when a write fails."""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import logging
import os
import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pharos.engine import Controlled, Limits, faults, native
from pharos.engine.embedded import mending
from pharos.engine.embedded.configuration import EmbeddedOptions
from pharos.engine.embedded.deduplication import forget_unstored
from pharos.engine.embedded.session import EmbeddedSession
from pharos.engine.embedded.store import DiskWork, EmbeddedEngine
from pharos.engine.embedded.store import open_engine as open_mending
from pharos.engine.sql import Statement
from pharos.errors import Kind, PharosError

PART_FILES = [
    "data.bin",
    "data.cmrk4",
    "primary.cidx",
    "partition.dat",
    "minmax_day.idx",
    "count.txt",
    "columns.txt",
    "columns_substreams.txt",
    "serialization.json",
    "metadata_version.txt",
    "default_compression_codec.txt",
    "checksums.txt",
]
LARGEST_BYTES = [0, 1, 9, 50, 300, 1_000]
"""From no file at all to one that cuts only the largest short."""


_BY_HAND = EmbeddedOptions(mend_interval_s=0)
"""The tests say when it is looked what the disk has taken."""


class Disk:
    """The disk beneath a store, which does what the test says, and what meets it."""

    def __init__(self) -> None:
        self.largest_bytes: int | None = None
        self.only = ""
        self.lost = 0
        """So many more writes are said to have failed beside insertions and merges."""
        self.merges: str = ""
        """Whether a merge is made "before" or "after" the next look at failed writes, by nobody's order."""
        self.is_looked_at = True
        self.is_mended = True
        self.restores = True
        self.before_reopening: Callable[[EmbeddedSession], None] = lambda _: None
        self.after_reopening: Callable[[], None] = lambda: None
        self.forget: Callable[[Path], object] = forget_unstored
        self._seen = 0

    @contextlib.contextmanager
    def takes(self, largest_bytes: int, only: str = "") -> Iterator[None]:
        """Let writes beyond a file's first bytes fail during statements that begin with `only`."""
        self.largest_bytes, self.only = largest_bytes, only
        try:
            yield
        finally:
            self.largest_bytes = None

    def work(self) -> DiskWork:
        return DiskWork(
            functools.partial(_LimitedSession, self),
            self._failed_writes,
            self._reopen,
            self._restore_definitions,
        )

    def _failed_writes(self, session: EmbeddedSession) -> int:
        if self.merges == "before":
            self._merge(session)
        if self.is_looked_at:
            self._seen = mending.failed_writes(session)
        if self.merges == "after":
            self._merge(session)
        is_beside = threading.current_thread().name.startswith("engine-load")
        return self._seen + self.lost * is_beside

    def _merge(self, session: EmbeddedSession) -> None:
        self.merges = ""
        session.execute("OPTIMIZE TABLE series FINAL")

    def _reopen(
        self, session: EmbeddedSession, store: Path, names: set[str], inserting_s: float | None
    ) -> None:
        if not self.is_mended:
            raise PharosError(Kind.UNAVAILABLE, "the process has crashed")
        self.before_reopening(session)
        mending.reopen(session, store, names, inserting_s, self.forget)
        self.after_reopening()

    def _restore_definitions(self, store: Path, kept: Path) -> None:
        if not self.restores:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(store))
        if self.is_mended:
            mending.restore_definitions(store, kept)


class _LimitedSession(EmbeddedSession):
    """A connection whose statements write to a disk that may not take all."""

    def __init__(
        self, disk: Disk, connection: Any, limits: Limits, tag: str, opened: threading.Event
    ) -> None:
        super().__init__(connection, limits, tag, opened)
        self._disk = disk

    def execute(self, text: str) -> None:
        largest_bytes = self._disk.largest_bytes
        if largest_bytes is None or not text.startswith(self._disk.only):
            super().execute(text)
            return
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_bytes, before[1]))
        try:
            super().execute(text)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@contextlib.contextmanager
def open_engine(
    folder: Path, disk: Disk | None = None, options: EmbeddedOptions = _BY_HAND
) -> Iterator[EmbeddedEngine]:
    with open_mending(folder, options, disk=(disk or Disk()).work()) as engine:
        yield engine


def _load(engine: EmbeddedEngine, number: int, series: int = 200) -> None:
    """Load series that differ in one label, under the token of their number."""
    ids = np.arange(series, dtype=np.uint64) + np.uint64(number * series)
    columns = [
        native.repeated_string("tenant", [("t", series)]),
        native.string_values("metric", ["m"] * series),
        native.numbers("m", np.ones(series, np.uint64)),
        native.numbers("id", ids),
        native.numbers("day", np.full(series, 20_000, np.int32), "Date32"),
        native.string_map(
            "labels",
            np.arange(1, series + 1, dtype=np.uint64),
            b"\x01a" * series,
            b"".join(b"\x0f" + f"{i * 2654435761 % 10**15:015}".encode() for i in ids.tolist()),
        ),
    ]
    engine.load("series", series, columns, token=f"token-{number}")


def _numbers(engine: EmbeddedEngine, series: int = 200) -> dict[int, int]:
    """Return how many series of each number are there, each read with its label."""
    statement = Statement(
        f"SELECT toUInt32(intDiv(id, {series})) AS number, countIf(labels['a'] != '') AS count"
        " FROM series GROUP BY number ORDER BY number"
    )
    rows = engine.run_blocking(lambda session: session.query(statement, purpose="test")).to_pylist()
    return {row["number"]: row["count"] for row in rows}


def _set_aside(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("store/store/*/*/detached/*"))


def _do(engine: EmbeddedEngine, text: str) -> None:
    engine.control(lambda session: session.execute(text))


def _stored_whole(engine: EmbeddedEngine) -> bool:
    part = Statement("SELECT path FROM system.parts WHERE active AND table = 'series'")
    paths = engine.run_blocking(lambda session: session.query(part, purpose="test"))["path"].to_pylist()
    return all((Path(path) / name).stat().st_size for path in paths for name in PART_FILES)


@pytest.mark.parametrize("largest_bytes", LARGEST_BYTES)
def test_a_block_that_the_disk_does_not_take_is_refused_and_stored_when_repeated(
    tmp_path: Path, disk: Disk, largest_bytes: int
) -> None:
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        with (
            disk.takes(largest_bytes, "INSERT"),
            pytest.raises(PharosError, match="the disk did not take all") as refused,
        ):
            _load(engine, 1)
        assert refused.value.kind is Kind.UNAVAILABLE
        assert _numbers(engine) == {0: 200}, "reads go on"
        assert _set_aside(tmp_path) == []
        for _ in range(2):
            _load(engine, 1)
        assert _numbers(engine) == {0: 200, 1: 200}
        assert _stored_whole(engine)
    with open_engine(tmp_path, disk) as engine:
        assert _numbers(engine) == {0: 200, 1: 200}


@pytest.mark.parametrize("largest_bytes", LARGEST_BYTES)
def test_a_merge_that_the_disk_does_not_take_loses_nothing(
    tmp_path: Path, disk: Disk, largest_bytes: int
) -> None:
    with open_engine(tmp_path, disk) as engine:
        for number in range(3):
            _load(engine, number)
        with (
            disk.takes(largest_bytes, "OPTIMIZE"),
            pytest.raises(PharosError, match="the disk did not take all"),
        ):
            _do(engine, "OPTIMIZE TABLE series FINAL")
        assert _numbers(engine) == {0: 200, 1: 200, 2: 200}
        assert _stored_whole(engine)
        _do(engine, "OPTIMIZE TABLE series FINAL")
        assert _stored_whole(engine)
    assert _set_aside(tmp_path) == []
    with open_engine(tmp_path, disk) as engine:
        assert _numbers(engine) == {0: 200, 1: 200, 2: 200}


def test_a_merge_in_the_background_is_mended_when_looked_for(tmp_path: Path, disk: Disk) -> None:
    with open_engine(tmp_path, disk) as engine:
        for number in range(3):
            _load(engine, number)
        with disk.takes(0, "OPTIMIZE"):
            disk.merges = "after"
            engine.mend()
        with pytest.raises(PharosError, match="a part of the store is damaged") as damaged:
            _numbers(engine)
        assert damaged.value.kind is Kind.UNAVAILABLE
        engine.mend()
        assert _numbers(engine) == {0: 200, 1: 200, 2: 200}


@pytest.mark.parametrize("largest_bytes", LARGEST_BYTES)
def test_a_block_that_was_damaged_before_a_crash_is_stored_when_repeated(
    tmp_path: Path, disk: Disk, largest_bytes: int, caplog: pytest.LogCaptureFixture
) -> None:
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        disk.is_looked_at = False
        with disk.takes(largest_bytes, "INSERT"):
            _load(engine, 1)
    with caplog.at_level(logging.ERROR), open_engine(tmp_path) as engine:
        assert "a part of the store is damaged" in caplog.text
        assert _numbers(engine) == {0: 200}
        for _ in range(2):
            _load(engine, 1)
        assert _numbers(engine) == {0: 200, 1: 200}


@pytest.mark.parametrize("damage", ["emptied", "cut short", "gone"])
@pytest.mark.parametrize("file", PART_FILES)
def test_a_store_with_a_damaged_part_starts_and_tells(
    tmp_path: Path, file: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, 0)
        _load(engine, 1)
    (path,) = tmp_path.glob(f"store/store/*/*/202410_2_2_0/{file}")
    content = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2 if damage == "cut short" else 0])
    with caplog.at_level(logging.ERROR), open_engine(tmp_path) as engine:
        if _set_aside(tmp_path):
            assert "a part of the store is damaged" in caplog.text
            assert _numbers(engine) == {0: 200}
        else:
            assert _numbers(engine) == {0: 200, 1: 200}, "the file can be done without"


def test_a_query_that_meets_changed_bytes_names_the_part(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, 0)
    (path,) = tmp_path.glob("store/store/*/*/202410_1_1_0/data.bin")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with open_engine(tmp_path) as engine:
        with pytest.raises(
            PharosError, match=r"is damaged: part 202410_1_1_0 of table pharos.series"
        ) as damaged:
            _numbers(engine)
        assert damaged.value.kind is Kind.UNAVAILABLE
        _load(engine, 1)


def test_queries_wait_while_the_tables_are_closed(tmp_path: Path, disk: Disk) -> None:
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        answers: list[dict[int, int]] = []
        asked = threading.Thread(target=lambda: answers.append(_numbers(engine)))

        def ask_while_it_is_closed(session: EmbeddedSession) -> None:
            session.execute("DETACH TABLE series SYNC")
            asked.start()

        disk.before_reopening = ask_while_it_is_closed
        disk.lost = 1
        engine.mend()
        asked.join()
        assert answers == [{0: 200}]


def _all_rows(engine: EmbeddedEngine) -> int:
    statement = Statement("SELECT count() AS count FROM series")
    return int(engine.run_blocking(lambda session: session.query(statement, purpose="test"))["count"][0])


@pytest.mark.parametrize("age", ["of a former process", "of this process"])
def test_a_part_that_was_acknowledged_is_never_removed(
    tmp_path: Path, disk: Disk, age: str, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.ExitStack() as stack:
        engine = stack.enter_context(open_engine(tmp_path, disk))
        _load(engine, 0)
        if age == "of a former process":
            stack.close()
            engine = stack.enter_context(open_engine(tmp_path, disk))
        (part,) = tmp_path.glob("store/store/*/*/202410_1_1_0")
        (part / "count.txt").write_bytes(b"")
        for file in part.iterdir():
            os.utime(file, (file.stat().st_mtime - 10,) * 2)
        with disk.takes(0, "INSERT"), pytest.raises(PharosError, match="did not take all"):
            _load(engine, 1)
        assert _set_aside(tmp_path) == ["broken-on-start_202410_1_1_0"]
        assert caplog.text.count("a part of the store is damaged, and was set aside") == 1
        _load(engine, 1)
        with disk.takes(0, "INSERT"), pytest.raises(PharosError, match="did not take all"):
            _load(engine, 2)
        assert caplog.text.count("a part of the store is damaged, and was set aside") == 1, "told once"
        assert _numbers(engine) == {1: 200}


def test_a_part_is_removed_when_its_token_is_taken_back_only_later(tmp_path: Path, disk: Disk) -> None:
    calls = itertools.count()

    def forget(store: Path) -> int:
        if next(calls) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(store))
        return forget_unstored(store)

    with open_engine(tmp_path, disk) as engine:
        disk.forget = forget
        with disk.takes(300, "INSERT"), pytest.raises(PharosError, match="did not take all"):
            _load(engine, 0)
        _load(engine, 0)
        assert _numbers(engine) == {0: 200}
        assert _set_aside(tmp_path) == []


@pytest.mark.parametrize("is_merged", [False, True])
def test_a_block_whose_token_the_disk_does_not_take_is_there_once(
    tmp_path: Path, disk: Disk, *, is_merged: bool
) -> None:
    with open_engine(tmp_path, disk) as engine:
        for number in range(40):
            _load(engine, number, 1)
        disk.merges = "before" if is_merged else ""
        # The log of tokens is larger than any file of the part.
        with disk.takes(1_500, "INSERT"), pytest.raises(PharosError, match="did not take"):
            _load(engine, 40, 1)
        assert _all_rows(engine) == 40
        for _ in range(2):
            _load(engine, 40, 1)
        assert _all_rows(engine) == 41
    with open_engine(tmp_path, disk) as engine:
        assert _all_rows(engine) == 41


def test_work_during_which_the_tables_are_closed_fails(tmp_path: Path, disk: Disk) -> None:
    def work(_session: Controlled) -> None:
        disk.lost = 1
        engine.mend()

    with open_engine(tmp_path, disk) as engine:
        with pytest.raises(PharosError, match="the store was mended meanwhile") as refused:
            engine.control(work)
        assert refused.value.kind is Kind.UNAVAILABLE


def test_work_meets_all_tables_when_mending_failed_before(tmp_path: Path, disk: Disk) -> None:
    def fail_with_a_table_closed(session: EmbeddedSession) -> None:
        disk.before_reopening = lambda _: None
        session.execute("DETACH TABLE series SYNC")
        raise PharosError(Kind.UNAVAILABLE, "not mended")

    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        disk.before_reopening = fail_with_a_table_closed
        disk.lost = 1
        with pytest.raises(PharosError, match="not mended"):
            engine.mend()
        assert "series" in engine.control(mending.tables)


def test_a_store_opens_and_is_read_on_a_full_disk(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with open_engine(tmp_path) as engine:
            found = _numbers(engine)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert found == {0: 200}


@pytest.mark.parametrize(
    "text",
    [
        "Code: 1001. DB::Exception: std::__1::filesystem::filesystem_error: filesystem error: in mkdir: Full",
        "Code: 204. DB::ErrnoException: Cannot fsync /data.bin: , errno: 5, strerror: Input/output error",
    ],
)
def test_what_the_disk_refuses_is_tried_again(text: str) -> None:
    """A frame that fails otherwise is taken for one that the engine refuses, and set aside."""
    assert faults.is_transient(faults.engine_error(text))


TTL = "toDateTime(day) + toIntervalDay(1) + toIntervalSecond(31536000000)"


def _definition(folder: Path) -> Path:
    (path,) = folder.glob("store/store/*/*/series.sql")
    return path


def test_a_change_of_a_table_that_the_disk_does_not_take_is_undone(tmp_path: Path, disk: Disk) -> None:
    change = f"ALTER TABLE series MODIFY TTL {TTL} SETTINGS materialize_ttl_after_modify=0"
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        before = _definition(tmp_path).read_bytes()
        with disk.takes(0, "ALTER"), pytest.raises(PharosError, match="did not take all"):
            _do(engine, change)
        assert _definition(tmp_path).read_bytes() == before
        assert _numbers(engine) == {0: 200}
        _do(engine, change)
    with open_engine(tmp_path, disk) as engine:
        assert b"31536000000" in _definition(tmp_path).read_bytes()
        assert _numbers(engine) == {0: 200}


@pytest.mark.parametrize("is_mended_first", [False, True])
def test_a_change_of_a_table_that_cannot_be_undone_at_once_is_undone_later(
    tmp_path: Path, disk: Disk, *, is_mended_first: bool
) -> None:
    change = f"ALTER TABLE series MODIFY TTL {TTL} SETTINGS materialize_ttl_after_modify=0"
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        before = _definition(tmp_path).read_bytes()
        disk.restores = False
        with disk.takes(0, "ALTER"), pytest.raises(PharosError, match="does not do what it should"):
            _do(engine, change)
        disk.restores = True
        assert not _definition(tmp_path).stat().st_size
        if is_mended_first:
            engine.mend()
        else:
            with contextlib.suppress(PharosError):
                _do(engine, "SELECT 1")
        assert _definition(tmp_path).read_bytes() == before
    with open_engine(tmp_path, disk) as engine:
        assert _numbers(engine) == {0: 200}


def test_a_change_of_a_table_that_was_damaged_before_a_crash_is_undone(tmp_path: Path, disk: Disk) -> None:
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        disk.is_mended = False
        with disk.takes(0, "ALTER"), pytest.raises(PharosError):
            _do(engine, f"ALTER TABLE series MODIFY TTL {TTL} SETTINGS materialize_ttl_after_modify=0")
        assert not _definition(tmp_path).stat().st_size
    with open_engine(tmp_path) as engine:
        assert _numbers(engine) == {0: 200}


def test_a_definition_damaged_while_nothing_changed_is_told_and_kept(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, 0)
    path = _definition(tmp_path)
    content = path.read_bytes()
    path.write_bytes(b"")
    for _ in range(2):
        with (
            pytest.raises(PharosError, match=r"damaged: .*series.sql does not define"),
            open_engine(tmp_path),
        ):
            pass
    path.write_bytes(content)
    with open_engine(tmp_path) as engine:
        assert _numbers(engine) == {0: 200}


@pytest.mark.parametrize("largest_bytes", [0, 100])
@pytest.mark.parametrize("statement", ["CREATE TABLE", "CREATE DATABASE", "INSERT INTO schema_migrations"])
def test_a_new_store_that_the_disk_does_not_take_is_made_at_the_next_start(
    tmp_path: Path, disk: Disk, statement: str, largest_bytes: int
) -> None:
    with (
        disk.takes(largest_bytes, statement),
        contextlib.suppress(PharosError),
        open_engine(tmp_path, disk),
    ):
        pass
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        assert _numbers(engine) == {0: 200}


def test_a_new_store_is_not_begun_on_a_full_disk(tmp_path: Path) -> None:
    with (
        pytest.raises(PharosError, match=r"MiB of disk are free in .*, a new store needs"),
        open_engine(tmp_path, options=EmbeddedOptions(spare_bytes=1 << 60, mend_interval_s=0)),
    ):
        pass
    with open_engine(tmp_path) as engine:
        _load(engine, 0)
        assert _numbers(engine) == {0: 200}


@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize("largest_bytes", [0, 30, 300])
def test_series_can_be_deleted_after_the_disk_did_not_take_it(
    tmp_path: Path, disk: Disk, largest_bytes: int, *, crashes: bool
) -> None:
    with open_engine(tmp_path, disk) as engine:
        _load(engine, 0)
        _load(engine, 1)
        disk.is_mended = not crashes
        with (
            disk.takes(largest_bytes, "DELETE"),
            pytest.raises(PharosError, match="did not take all"),
        ):
            _do(engine, "DELETE FROM series WHERE id < 200")
    with open_engine(tmp_path) as engine:
        _do(engine, "DELETE FROM series WHERE id < 200")
        assert _numbers(engine) == {1: 200}
    with open_engine(tmp_path) as engine:
        assert _numbers(engine) == {1: 200}


def test_nothing_is_stored_that_would_use_up_the_spare_disk(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, 0)
    with open_engine(tmp_path, options=EmbeddedOptions(spare_bytes=1 << 60, mend_interval_s=0)) as engine:
        with pytest.raises(PharosError, match="no space left") as refused:
            _load(engine, 1)
        assert refused.value.kind is Kind.UNAVAILABLE
        assert _numbers(engine) == {0: 200}
    with open_engine(tmp_path) as engine:
        _load(engine, 1)
        assert _numbers(engine) == {0: 200, 1: 200}


def test_what_a_merge_could_not_write_is_noticed_without_being_asked(tmp_path: Path, disk: Disk) -> None:
    mended = threading.Event()
    disk.after_reopening = mended.set
    often = EmbeddedOptions(mend_interval_s=0.01)
    with open_engine(tmp_path, disk, often) as engine, disk.takes(9, only="OPTIMIZE"):
        for number in range(3):
            _load(engine, number)
        disk.merges = "after"
        # A mending may have begun before the merge was through: then the next one takes it out.
        found = None
        while found is None:
            assert mended.wait(60)
            mended.clear()
            with contextlib.suppress(PharosError):
                found = _numbers(engine)
        assert found == {0: 200, 1: 200, 2: 200}
