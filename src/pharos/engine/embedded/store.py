"""chDB in this process, behind the engine's door.

One process owns the store. Connections that read are lent to whoever asks; loading, control (migrations,
deletions, snapshots) and cancelling have one each, with a thread of its own. chDB's signal handlers are
switched off before the first connection, since they turn a crash into a hang of minutes.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from pharos.clock import SystemClock
from pharos.engine import Controlled, EngineStatus, Limits, Session, Snapshot, Writers
from pharos.engine.embedded import mending, snapshot
from pharos.engine.embedded.configuration import EmbeddedOptions, raise_file_limit, write_configuration
from pharos.engine.embedded.deduplication import forget_unstored, has_unstored, is_covered, is_written_since
from pharos.engine.embedded.driver import DRIVER
from pharos.engine.embedded.session import (
    ALWAYS_OPEN,
    DATABASE,
    Connections,
    EmbeddedSession,
    Lanes,
    Question,
    T,
)
from pharos.engine.migrate import migrate
from pharos.engine.native import Column, block_pieces
from pharos.engine.sql import ENGINE_VERSION, fixed, string
from pharos.errors import Kind, PharosError
from pharos.telemetry import ENGINE_SECONDS, STORE_FAILED_WRITES, STORE_SET_ASIDE

_LOG = logging.getLogger(__name__)


_LOAD_SETTINGS: Final = (
    # One block a call, whatever its size: deduplication by token and atomicity both need it.
    "min_insert_block_size_rows=1000000000, min_insert_block_size_bytes=0, max_insert_block_size=1000000000, "
    "async_insert=0, max_partitions_per_insert_block=0, optimize_on_insert=0"
)


_STATUS: Final = fixed(
    "SELECT toInt64(sum(rows)) AS rows, toInt64(sum(bytes_on_disk)) AS bytes, toInt64(count()) AS parts"
    " FROM system.parts WHERE active AND database = currentDatabase()"
)

ALWAYS_OPEN.set()


class DiskWork(Struct, frozen=True):
    """What meets the disk beneath the store; for a disk that does not do what it should others take part."""

    session: Callable[[Any, Limits, str, threading.Event], EmbeddedSession] = EmbeddedSession
    failed_writes: Callable[[EmbeddedSession], int] = mending.failed_writes
    reopen: Callable[[EmbeddedSession, Path, set[str], float | None], None] = mending.reopen
    restore_definitions: Callable[[Path, Path], None] = mending.restore_definitions


_DISK_WORK: Final = DiskWork()


class EmbeddedEngine:
    """The embedded store; `open_engine` makes it."""

    def __init__(self, folder: Path, options: EmbeddedOptions, disk: DiskWork = _DISK_WORK) -> None:
        self._disk = disk
        self._store = folder / "store"
        self._kept = folder / "definitions"
        self._address = f"{self._store}?config-file={folder / 'engine.xml'}"
        self._options = options
        self.version = ""
        """Of the engine, once the store is open."""
        self._tags = itertools.count(1)
        self._closed = False
        self._opened = threading.Event()
        """Cleared while queries have to wait, as tables are closed."""
        self._opened.set()
        self._controlling = threading.Lock()
        self._mending = threading.Lock()
        self._tables: set[str] = set()
        self._is_whole = True
        self._reopenings = 0
        self._aside: set[Path] = set()
        """The parts set aside that were told, or will not be."""
        self._inserting_s: float | None = None
        """Since when an insertion is under way or refused: what it wrote is not acknowledged."""
        self._control = Lanes("control", 1, lambda: self._session(read_only=False))
        self._cancelling = Lanes("cancel", 1, lambda: self._session(read_only=False))
        self._loading = Lanes("load", 1, lambda: self._session(read_only=False))
        self._reading = Connections(options.query_threads, lambda: self._session(read_only=True))
        self._failed_writes = dict.fromkeys(("load", "control", "mend"), 0)
        """How many writes of this process had failed when each kind of work was looked at last."""
        self._looked_s = time.perf_counter()
        """When the engine was asked last how many writes had failed."""
        self._closing = threading.Event()
        self._mender = threading.Thread(target=self._mend_until_closed, name="engine-mend", daemon=True)

    @property
    def writers(self) -> Writers:
        """Who changes what it holds: an embedded store has one process."""
        return Writers.THIS_PROCESS

    def _session(self, *, read_only: bool) -> EmbeddedSession:
        try:
            connection = DRIVER.connect(self._address)
        except RuntimeError as exc:
            raise PharosError(Kind.UNAVAILABLE, str(exc).partition("Stack trace")[0].strip(" ,.")) from exc
        limits = Limits(memory_bytes=self._options.memory_bytes // 2)
        opened = self._opened if read_only else ALWAYS_OPEN
        session = self._disk.session(connection, limits, self._next_tag(), opened)
        session.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
        session.execute(f"USE {DATABASE}")
        session.execute(
            f"SET max_threads={self._options.threads_per_query}, max_query_size=16777216,"
            " max_ast_elements=500000, enable_alp_codec=1"
        )
        if read_only:
            session.execute("SET use_query_condition_cache=1")
            session.execute("SET readonly=2")
        return session

    def begin(self, known: set[Path], last_migration: int | None) -> None:
        """Open the store and bring its tables up to date.

        Parts that were set aside at that, beside those `known` before, are told, and their tokens go.
        """
        failed: int = self._control.submit(self._disk.failed_writes).result()
        self._failed_writes = dict.fromkeys(self._failed_writes, failed)
        self.version = self._control.submit(_version).result()
        tested = self._options.tested_version
        if not self._is_tested:
            _LOG.warning("the store's engine is version %s, tested is %s", self.version, tested)
        found = mending.set_aside(self._store) - known
        self._aside = known | found
        for part in sorted(found):
            _tell_set_aside(part)
        self._inserting_s = _dated_from()
        self.control(partial(migrate, last=last_migration))
        self._inserting_s = None
        # A merge begins as soon as its table is open, so may have failed before the first look.
        if found or failed:
            self._is_whole = False
            self.mend()
        if self._options.mend_interval_s:
            self._mender.start()

    def session(self) -> Question:
        """Return a session of its own for one question; see `Engine.session`."""
        # With a tag of its own: cancelling one can never reach the next.
        return Question(self._reading, self._next_tag(), self._cancel)

    def _next_tag(self) -> str:
        return f"pharos-{os.getpid()}-{next(self._tags)}"

    def run_blocking(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns of a session of its own."""
        return work(self.session())

    def control(self, work: Callable[[Controlled], T]) -> T:
        """Run `work` on the control connection and wait; see `Engine.control`.

        Raises PharosError(UNAVAILABLE) when the disk did not take what it wrote, or when tables were closed
        meanwhile, so that it may not have met all of them.
        """
        with self._controlling:
            with _told():
                mending.keep_definitions(self._store, self._kept)
            with self._mending:
                if not self._is_whole:
                    self._mend()
                reopenings = self._reopenings
            try:
                return self._control.submit(work).result()  # type: ignore[no-any-return]
            finally:
                with _told():
                    self._disk.restore_definitions(self._store, self._kept)
                self._look_for_losses("control", self._control)
                if self._reopenings != reopenings:
                    raise PharosError(Kind.UNAVAILABLE, "the store was mended meanwhile", retry_after_s=1.0)

    def snapshot(self, folder: Path) -> Snapshot:
        """Link every part of every table; see `Engine.snapshot`."""
        return self.control(partial(snapshot.freeze, folder=folder))

    def restore(self, source: Path, parts: Mapping[str, Sequence[str]]) -> dict[str, int]:
        """Copy and attach parts; see `Engine.restore`."""
        return self.control(partial(snapshot.attach, source=source, parts=parts))

    def status(self) -> EngineStatus:
        """Return what is known of the store; see `Engine.status`."""
        row = self.session().query(_STATUS, purpose="status").to_pylist()[0]
        return EngineStatus("chDB", self.version, is_tested=self._is_tested, **row)

    @property
    def _is_tested(self) -> bool:
        return self.version.startswith(f"{self._options.tested_version}.")

    def _cancel(self, tag: str) -> None:
        """Ask the engine to end the statement that carries `tag`; does not wait.

        On a connection of its own: that of control may be busy for minutes, just when queries are too slow.
        """
        condition = f"Settings['log_comment'] = {string(tag)}"
        self._cancelling.submit(lambda session: session.execute(f"KILL QUERY WHERE {condition} ASYNC"))

    def load(self, table: str, rows: int, columns: Sequence[Column], *, token: str) -> None:
        """Add one block, durably, once; see `Engine.load`."""
        names = ", ".join(column.name for column in columns)
        settings = f"{_LOAD_SETTINGS}, insert_deduplication_token={string(token)}"
        into = f"{table} ({names})"
        block = block_pieces(rows, columns)
        if not self._is_whole:
            self.mend()
        self._inserting_s = _dated_from()
        began = time.perf_counter()
        try:
            self._loading.submit(lambda session: session.insert(into, settings, block)).result()
        except PharosError:
            if has_unstored(self._store):
                self._is_whole = False
            raise
        finally:
            self._look_for_losses("load", self._loading)
        self._inserting_s = None
        ENGINE_SECONDS.labels("load").observe(time.perf_counter() - began)

    def _look_for_losses(self, work: str, lanes: Lanes) -> None:
        """If a write has failed since the last `work`, mend the store, raise PharosError(UNAVAILABLE)."""
        failed: int = lanes.submit(self._disk.failed_writes).result()
        self._looked_s = time.perf_counter()
        is_lost = failed != self._failed_writes[work]
        self._failed_writes[work] = failed
        if is_lost or not self._is_whole:
            try:
                self.mend()
            except PharosError as exc:
                _LOG.warning("the store is mended later: %s", exc)
        if is_lost:
            raise PharosError(
                Kind.UNAVAILABLE, "the disk did not take all that was written to the store", retry_after_s=1.0
            )

    def _mend_until_closed(self) -> None:
        """Look now and then: a merge that was not taken can be undone for some minutes.

        Who loads looks beside each insertion, and then this need not.
        """
        while not self._closing.wait(self._options.mend_interval_s):
            if self._is_whole and time.perf_counter() - self._looked_s < self._options.mend_interval_s:
                continue
            try:
                self.mend()
            except PharosError as exc:
                _LOG.warning("the store is mended later: %s", exc)

    def mend(self) -> None:
        """Take out of the store what the disk did not take whole; next to nothing when all is well.

        Blocking. Raises PharosError(UNAVAILABLE) when it has to be tried again.
        """
        with self._mending:
            self._mend()

    def _mend(self) -> None:
        """Do it; the caller holds `_mending`."""
        failed: int = self._loading.submit(self._disk.failed_writes).result()
        new = failed - self._failed_writes["mend"]
        if self._is_whole and not new:
            return
        STORE_FAILED_WRITES.inc(new)
        self._failed_writes["mend"] = failed
        self._is_whole = False
        self._reopenings += 1
        self._opened.clear()
        try:
            # Put back already, unless the disk refused that, too: no table without one would open.
            if self._controlling.acquire(blocking=False):
                try:
                    with _told():
                        self._disk.restore_definitions(self._store, self._kept)
                finally:
                    self._controlling.release()
            # Not on the control connection, which may use the tables.
            with _told():
                self._loading.submit(self._reopen_tables).result()
        finally:
            self._opened.set()

    def _reopen_tables(self, session: EmbeddedSession) -> None:
        self._tables |= mending.tables(session)
        self._disk.reopen(session, self._store, self._tables, self._inserting_s)
        for part in sorted(mending.set_aside(self._store) - self._aside):
            if is_covered(part) or self._is_refused(part):
                _LOG.warning("the disk did not take all of part %s: removed, to be written again", part)
                shutil.rmtree(part)
            else:
                _tell_set_aside(part)
                self._aside.add(part)
        # On the thread of insertions: what fails in the next one is not forgotten.
        self._is_whole = True

    def _is_refused(self, part: Path) -> bool:
        """Return whether the part is of an insertion that is not acknowledged, so is in the log still."""
        return self._inserting_s is not None and is_written_since(part, self._inserting_s)

    def close(self) -> None:
        """Cancel queries, join the threads, close the connections; calling it again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._closing.set()
        if self._mender.is_alive():
            self._mender.join()
        own = f"query_id != queryID() AND startsWith(Settings['log_comment'], 'pharos-{os.getpid()}-')"
        with contextlib.suppress(PharosError):
            self._cancelling.submit(lambda session: session.execute(f"KILL QUERY WHERE {own} SYNC")).result()
        with contextlib.suppress(PharosError):
            self.mend()
        self._reading.close()
        for lanes in (self._cancelling, self._loading, self._control):
            lanes.close()


def _check_definitions(folder: Path) -> None:
    """Raise PharosError(UNAVAILABLE) for a table whose definition is damaged: no store with one opens."""
    if torn := mending.torn_definitions(folder / "store"):
        raise PharosError(
            Kind.UNAVAILABLE,
            f"the store is damaged: {torn[0]} does not define a table",
            hint="its medium is failing; restore a backup",
        )


def _check_room(folder: Path, spare_bytes: int) -> None:
    """Raise PharosError(UNAVAILABLE) when the store is new and its disk may be full before it is made."""
    made = folder / "store" / "metadata" / f"{DATABASE}.sql"
    if made.exists() and made.stat().st_size:
        return
    made.unlink(missing_ok=True)
    free = shutil.disk_usage(folder).free
    if free < spare_bytes:
        raise PharosError(
            Kind.UNAVAILABLE,
            f"only {free >> 20} MiB of disk are free in {folder}, a new store needs {spare_bytes >> 20}",
            hint="free some space",
        )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Tell what the disk refuses as the engine's door does."""
    try:
        yield
    except OSError as exc:
        message = f"the store's disk does not do what it should: {exc.strerror}: {exc.filename}"
        raise PharosError(Kind.UNAVAILABLE, message, retry_after_s=1.0) from exc


def _version(session: EmbeddedSession) -> str:
    rows = session.query(ENGINE_VERSION, purpose="version")
    return str(rows.to_pylist()[0]["version"])


def _dated_from() -> int:
    """Return the time from which on files are dated that are written from now on.

    Dates may be of whole seconds, and of a clock that is some milliseconds behind. It is the machine's own,
    whatever clock the server goes by.
    """
    return int(SystemClock().now_ms() / 1000 - 0.1)


def _tell_set_aside(part: Path) -> None:
    _LOG.error(
        "a part of the store is damaged, and was set aside as %s:"
        " what neither the log nor the parts before it hold is missing",
        part,
    )
    STORE_SET_ASIDE.inc()


@contextlib.contextmanager
def open_engine(
    folder: Path,
    options: EmbeddedOptions | None = None,
    *,
    last_migration: int | None = None,
    disk: DiskWork = _DISK_WORK,
) -> Iterator[EmbeddedEngine]:
    """Open (or create) the store in `folder`, bring its tables up to date, close it on exit.

    With `last_migration` the tables are brought no further than that, as an older version's backup has them.

    The caller holds the folder. Raises PharosError(UNAVAILABLE) when the store cannot be opened.
    """
    chosen = options or EmbeddedOptions()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        raise_file_limit()
        write_configuration(folder, chosen)
        forgotten = forget_unstored(folder / "store")
        known = mending.set_aside(folder / "store")
        disk.restore_definitions(folder / "store", folder / "definitions")
        mending.remove_torn_mutations(folder / "store")
        _check_definitions(folder)
        _check_room(folder, chosen.spare_bytes)
    except OSError as exc:
        message = f"cannot use the store's folder {folder}: {exc.strerror}: {exc.filename}"
        raise PharosError(Kind.UNAVAILABLE, message) from exc
    if forgotten:
        _LOG.info("%d insertions were cut short by a crash, and may be repeated", forgotten)
    engine = EmbeddedEngine(folder, chosen, disk)
    try:
        try:
            engine.begin(known, last_migration)
        except PharosError as exc:
            raise _not_opened(folder, exc) from exc
        yield engine
    finally:
        engine.close()


def _not_opened(folder: Path, cause: PharosError) -> PharosError:
    message = f"cannot open the store in {folder}: {' '.join(cause.message.split())[:300]}"
    if cause.kind is Kind.LIMITED or "MEMORY_LIMIT_EXCEEDED" in cause.message:
        return PharosError(Kind.UNAVAILABLE, message, hint="engine.memory is too small for this store")
    return PharosError(Kind.UNAVAILABLE, message, hint=cause.hint)
