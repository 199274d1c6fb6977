"""chDB in this process, behind the engine's door.

One process owns the store. Three kinds of lanes, each a thread with its own connection: queries (several,
read-only), loading (one) and control (one: migrations, cancelling, merges). chDB's signal handlers are
switched off before the first connection, since they turn a crash into a hang of minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Final, TypeVar
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa

from pharos.engine import Limits, Session, faults, mending
from pharos.engine.deduplication import forget_unstored, has_unstored, is_covered, is_written_since
from pharos.engine.driver import DRIVER
from pharos.engine.migrate import migrate
from pharos.engine.native import Column, Payload, block_pieces
from pharos.engine.sql import Statement, string
from pharos.errors import Kind, PharosError
from pharos.telemetry import ENGINE_SECONDS, STORE_FAILED_WRITES, STORE_SET_ASIDE

_LOG = logging.getLogger(__name__)

T = TypeVar("T")

DATABASE: Final = "pharos"
_GRANTS: Final = (
    "GRANT SHOW, SELECT, INSERT, ALTER, CREATE, DROP, TRUNCATE, OPTIMIZE, SYSTEM, KILL QUERY, TABLE ENGINE"
    " ON *.*"
)
_LOAD_SETTINGS: Final = (
    # One block a call, whatever its size: deduplication by token and atomicity both need it.
    "min_insert_block_size_rows=1000000000, min_insert_block_size_bytes=0, max_insert_block_size=1000000000, "
    "async_insert=0, max_partitions_per_insert_block=0, optimize_on_insert=0"
)
_MEND_WAIT_S: Final = 5.0
"""How long a query waits while tables are closed and opened again, which takes milliseconds."""


@dataclass(frozen=True, slots=True)
class EmbeddedOptions:
    """How much of the machine the embedded store may use."""

    query_threads: int = 4
    threads_per_query: int = 2
    memory_bytes: int = 4 << 30
    merge_threads: int = 2
    spare_bytes: int = 32 << 20
    """Nothing is inserted or merged that would leave less free disk, lest other writers starve it midway."""


_ALWAYS: Final = threading.Event()
_ALWAYS.set()


class EmbeddedSession:
    """A connection that belongs to one thread."""

    def __init__(self, connection: Any, limits: Limits, tag: str, opened: threading.Event) -> None:
        self._connection = connection
        self._limits = limits
        self._opened = opened
        self.tag = tag
        self.cancelled = False

    def query(self, statement: Statement, *, purpose: str, limits: Limits | None = None) -> pa.Table:
        """Return the rows of `statement`; see `Session.query`."""
        if self.cancelled:
            raise PharosError(Kind.CANCELLED, "the query was cancelled")
        if not self._opened.wait(_MEND_WAIT_S):
            raise PharosError(Kind.UNAVAILABLE, "the store is being mended", retry_after_s=1.0)
        bound = limits or self._limits
        settings = (
            f" SETTINGS max_execution_time={bound.time_s:.3f}, max_memory_usage={bound.memory_bytes},"
            f" max_result_rows={bound.result_rows}, result_overflow_mode='throw',"
            f" output_format_arrow_compression_method='none', log_comment={string(self.tag)}"
        )
        began = time.perf_counter()
        try:
            result = self._connection.query(statement.text + settings, "ArrowStream")
        except RuntimeError as exc:
            self._discard_rest()
            raise faults.reading_error(str(exc)) from exc
        finally:
            ENGINE_SECONDS.labels(purpose).observe(time.perf_counter() - began)
        return _arrow_table(result)

    def _discard_rest(self) -> None:
        """Throw away what a failed or cancelled statement had already written.

        chDB 26.9 keeps it in the connection and puts it in front of the next statement's answer.
        """
        with contextlib.suppress(RuntimeError):
            self._connection.query("SELECT 1", "Null")

    def execute(self, text: str) -> None:
        """Run a statement that returns nothing: migrations and control only."""
        try:
            self._connection.query(text, "Null")
        except RuntimeError as exc:
            raise faults.engine_error(str(exc)) from exc

    def insert(self, into: str, settings: str, block: Iterable[Payload]) -> None:
        """Add one Native block to `into`, a table with its columns.

        From a file in memory: chDB 26.9's streaming insert reports success when the disk is full.
        """
        with os.fdopen(os.memfd_create("block"), "wb", buffering=0) as file:
            for piece in block:
                _write_all(file, piece)
            source = string(f"/proc/{os.getpid()}/fd/{file.fileno()}")
            self.execute(f"INSERT INTO {into} FROM INFILE {source} SETTINGS {settings} FORMAT Native")

    def renamed(self, tag: str) -> EmbeddedSession:
        """Return a session on the same connection whose statements carry `tag`."""
        return EmbeddedSession(self._connection, self._limits, tag, self._opened)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _write_all(file: IO[bytes], piece: Payload) -> None:
    """Write all bytes of `piece`; one call takes at most 2 GiB."""
    rest = memoryview(piece).cast("B")
    while len(rest):
        rest = rest[file.write(rest) :]


def _arrow_table(result: Any) -> pa.Table:
    """Return the Arrow table that lies in the result's memory, without a copy."""
    view = result.get_memview()
    if not len(view):
        return pa.table({})
    raw = np.frombuffer(view.view(), np.uint8)
    # The view does not keep the result alive, the base does, for as long as any array points into it.
    buffer = pa.foreign_buffer(raw.ctypes.data, raw.nbytes, base=(result, view, raw))
    return pa.ipc.open_stream(buffer).read_all()


class _Lanes:
    """A few threads, each with its own connection to the store."""

    def __init__(self, name: str, count: int, connect: Callable[[], EmbeddedSession]) -> None:
        self._local = threading.local()
        self._sessions: list[EmbeddedSession] = []
        self._connect = connect
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=f"engine-{name}")

    def _session(self) -> EmbeddedSession:
        """Return this thread's session, opened by its first work, which a failure goes to."""
        session: EmbeddedSession | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = self._connect()
            self._sessions.append(session)
        return session

    def submit(self, work: Callable[[EmbeddedSession], T]) -> Any:
        return self._pool.submit(lambda: work(self._session()))

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        for session in self._sessions:
            session.close()


class EmbeddedEngine:
    """The embedded store; `open_engine` makes it."""

    def __init__(self, folder: Path, options: EmbeddedOptions) -> None:
        self._store = folder / "store"
        self._kept = folder / "definitions"
        self._address = f"{self._store}?config-file={folder / 'engine.xml'}"
        self._options = options
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
        self._control = _Lanes("control", 1, lambda: self._session(read_only=False))
        self._loading = _Lanes("load", 1, lambda: self._session(read_only=False))
        self._queries = _Lanes("query", options.query_threads, lambda: self._session(read_only=True))
        self._failed_writes = dict.fromkeys(("load", "control", "mend"), 0)
        """How many writes of this process had failed when each kind of work was looked at last."""

    def _session(self, *, read_only: bool) -> EmbeddedSession:
        try:
            connection = DRIVER.connect(self._address)
        except RuntimeError as exc:
            raise PharosError(Kind.UNAVAILABLE, str(exc).partition("Stack trace")[0].strip(" ,.")) from exc
        limits = Limits(memory_bytes=self._options.memory_bytes // 2)
        opened = self._opened if read_only else _ALWAYS
        session = EmbeddedSession(connection, limits, self._next_tag(), opened)
        session.execute(f"CREATE DATABASE IF NOT EXISTS {DATABASE} ENGINE = Atomic")
        session.execute(f"USE {DATABASE}")
        session.execute(
            f"SET max_threads={self._options.threads_per_query}, max_query_size=16777216,"
            " max_ast_elements=500000, enable_alp_codec=1"
        )
        if read_only:
            session.execute("SET use_query_condition_cache=1, enable_time_series_aggregate_functions=1")
            session.execute("SET readonly=2")
        return session

    def begin(self, known: set[Path], last_migration: int | None) -> None:
        """Open the store and bring its tables up to date.

        Parts that were set aside at that, beside those `known` before, are told, and their tokens go.
        """
        failed: int = self._control.submit(mending.failed_writes).result()
        self._failed_writes = dict.fromkeys(self._failed_writes, failed)
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

    async def run(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, run on a query thread; see `Engine.run`."""
        # Each call has a session object and a tag of its own: cancelling one can never reach the next.
        entered: list[EmbeddedSession] = []
        left = threading.Event()

        def call(session: EmbeddedSession) -> T:
            own = session.renamed(self._next_tag())
            entered.append(own)
            if left.is_set():
                own.cancelled = True
            return work(own)

        future = asyncio.wrap_future(self._queries.submit(call))
        try:
            return await future  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            left.set()
            for session in entered:
                session.cancelled = True
                self.kill(session.tag)
            raise

    def _next_tag(self) -> str:
        return f"pharos-{os.getpid()}-{next(self._tags)}"

    def run_blocking(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns, waiting for it."""
        return self._queries.submit(work).result()  # type: ignore[no-any-return]

    def control(self, work: Callable[[EmbeddedSession], T]) -> T:
        """Run `work` on the control connection and wait: migrations, merges, snapshots.

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
                    mending.restore_definitions(self._store, self._kept)
                self._look_for_losses("control", self._control)
                if self._reopenings != reopenings:
                    raise PharosError(Kind.UNAVAILABLE, "the store was mended meanwhile", retry_after_s=1.0)

    def kill(self, tag: str) -> None:
        """Ask the engine to end the statement that carries `tag`; does not wait."""
        condition = f"Settings['log_comment'] = {string(tag)}"
        self._control.submit(lambda session: session.execute(f"KILL QUERY WHERE {condition} ASYNC"))

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

    def _look_for_losses(self, work: str, lanes: _Lanes) -> None:
        """If a write has failed since the last `work`, mend the store, raise PharosError(UNAVAILABLE)."""
        failed: int = lanes.submit(mending.failed_writes).result()
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

    def mend(self) -> None:
        """Take out what the disk did not take whole; see `Engine.mend`."""
        with self._mending:
            self._mend()

    def _mend(self) -> None:
        """Do it; the caller holds `_mending`."""
        failed: int = self._loading.submit(mending.failed_writes).result()
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
                        mending.restore_definitions(self._store, self._kept)
                finally:
                    self._controlling.release()
            # Not on the control connection: it may have to cancel what uses the tables.
            with _told():
                self._loading.submit(self._reopen_tables).result()
        finally:
            self._opened.set()

    def _reopen_tables(self, session: EmbeddedSession) -> None:
        self._tables |= mending.tables(session)
        mending.reopen(session, self._store, self._tables, self._inserting_s)
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
        own = f"query_id != queryID() AND startsWith(Settings['log_comment'], 'pharos-{os.getpid()}-')"
        with contextlib.suppress(PharosError):
            self._control.submit(lambda session: session.execute(f"KILL QUERY WHERE {own} SYNC")).result()
        with contextlib.suppress(PharosError):
            self.mend()
        for lanes in (self._queries, self._loading, self._control):
            lanes.close()


def _write_configuration(folder: Path, options: EmbeddedOptions) -> None:
    users = folder / "engine-users.xml"
    _write_if_new(
        users,
        "<clickhouse><profiles><default/></profiles><users><default><password></password>"
        "<networks><ip>127.0.0.1</ip><ip>::1</ip></networks><profile>default</profile><quota>default</quota>"
        f"<grants><query>{_GRANTS}</query></grants></default></users><quotas><default/></quotas></clickhouse>\n",
    )
    settings = {
        "users_config": escape(str(users)),
        "max_server_memory_usage": options.memory_bytes,
        "mark_cache_size": 256 << 20,
        "primary_index_cache_size": 256 << 20,
        "index_mark_cache_size": 64 << 20,
        "uncompressed_cache_size": 0,
        "background_pool_size": options.merge_threads,
        "background_schedule_pool_size": 4,
        "background_common_pool_size": 2,
        "background_move_pool_size": 1,
        "background_fetches_pool_size": 1,
        "max_concurrent_queries": 200,
        # Whether all parts are whole is known when the store is open.
        "async_load_databases": 0,
        "storage_configuration": (
            f"<disks><default><keep_free_space_bytes>{options.spare_bytes}</keep_free_space_bytes></default>"
            "</disks>"
        ),
        # However many parts are damaged, they are set aside and the rest is served.
        "merge_tree": (
            "<max_suspicious_broken_parts>1000000000</max_suspicious_broken_parts>"
            f"<max_suspicious_broken_parts_bytes>{1 << 60}</max_suspicious_broken_parts_bytes>"
        ),
    }
    body = "".join(f"<{name}>{value}</{name}>" for name, value in settings.items())
    _write_if_new(folder / "engine.xml", f"<clickhouse>{body}</clickhouse>\n")


def _write_if_new(path: Path, text: str) -> None:
    """Write the file unless it is so already: a store is to open on a full disk, too."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


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


def _dated_from() -> int:
    """Return the time from which on files are dated that are written from now on.

    Dates may be of whole seconds, and of a clock that is some milliseconds behind.
    """
    return int(time.time() - 0.1)


def _tell_set_aside(part: Path) -> None:
    _LOG.error(
        "a part of the store is damaged, and was set aside as %s:"
        " what neither the log nor the parts before it hold is missing",
        part,
    )
    STORE_SET_ASIDE.inc()


@contextlib.contextmanager
def open_engine(
    folder: Path, options: EmbeddedOptions | None = None, *, last_migration: int | None = None
) -> Iterator[EmbeddedEngine]:
    """Open (or create) the store in `folder`, bring its tables up to date, close it on exit.

    With `last_migration` the tables are brought no further than that, as an older version's backup has them.

    The caller holds the folder. Raises PharosError(UNAVAILABLE) when the store cannot be opened.
    """
    chosen = options or EmbeddedOptions()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _raise_file_limit()
        _write_configuration(folder, chosen)
        forgotten = forget_unstored(folder / "store")
        known = mending.set_aside(folder / "store")
        mending.restore_definitions(folder / "store", folder / "definitions")
        mending.remove_torn_mutations(folder / "store")
        _check_definitions(folder)
        _check_room(folder, chosen.spare_bytes)
    except OSError as exc:
        message = f"cannot use the store's folder {folder}: {exc.strerror}: {exc.filename}"
        raise PharosError(Kind.UNAVAILABLE, message) from exc
    if forgotten:
        _LOG.info("%d insertions were cut short by a crash, and may be repeated", forgotten)
    engine = EmbeddedEngine(folder, chosen)
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
