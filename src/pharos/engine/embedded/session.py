"""Connections to the embedded store, and who uses them: threads of their own, or whoever asks."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, Final, TypeVar

import numpy as np
import pyarrow as pa

from pharos.engine import Limits, faults
from pharos.engine.native import Payload
from pharos.engine.sql import Statement, string
from pharos.errors import Kind, PharosError
from pharos.telemetry import ENGINE_SECONDS

T = TypeVar("T")

DATABASE: Final = "pharos"

_MEND_WAIT_S: Final = 5.0
"""How long a query waits while tables are closed and opened again, which takes milliseconds."""

_LOOK_S: Final = 0.05
"""How often who waits for a connection looks whether it is still wanted."""

_FORMAT: Final = "ArrowStream"

ALWAYS_OPEN: Final = threading.Event()


class EmbeddedSession:
    """One connection, used by one thread at a time."""

    def __init__(self, connection: Any, limits: Limits, tag: str, opened: threading.Event) -> None:
        self._connection = connection
        self._limits = limits
        self._opened = opened
        self.tag = tag

    def query(self, statement: Statement, *, purpose: str, limits: Limits | None = None) -> pa.Table:
        """Return the rows of `statement`; see `Session.query`."""
        text = self._bounded(statement, limits)
        began = time.perf_counter()
        try:
            return _arrow_table(self._driven(self._connection.query, text, _FORMAT))
        finally:
            ENGINE_SECONDS.labels(purpose).observe(time.perf_counter() - began)

    def stream(
        self,
        statement: Statement,
        take: Callable[[pa.RecordBatch], None],
        *,
        purpose: str,
        limits: Limits | None = None,
    ) -> None:
        """Hand the rows of `statement` to `take`; see `Session.stream`."""
        text = self._bounded(statement, limits)
        running, is_over = None, False
        began, taken_s = time.perf_counter(), 0.0
        try:
            running = self._driven(self._connection.send_query, text, _FORMAT)
            # Each block is an answer of its own; the last one is empty.
            while block := self._block(running):
                left = time.perf_counter()
                for batch in block:
                    take(batch)
                taken_s += time.perf_counter() - left
            is_over = True
        finally:
            if running is not None and not is_over:
                with contextlib.suppress(RuntimeError):
                    self._connection.streaming_cancel_query(running)
            ENGINE_SECONDS.labels(purpose).observe(time.perf_counter() - began - taken_s)

    def _block(self, running: Any) -> list[pa.RecordBatch]:
        """Return the next rows of a statement that was begun, nothing after the last ones."""
        found: list[pa.RecordBatch] = []
        while not found:
            result = self._driven(self._connection.streaming_fetch_result, running)
            if result is None or not len(result.get_memview()):
                break
            found = _arrow_table(result).to_batches()
        return found

    def _bounded(self, statement: Statement, limits: Limits | None) -> str:
        """Return the text of a statement with its limits, once tables are open."""
        if not self._opened.wait(_MEND_WAIT_S):
            raise PharosError(Kind.UNAVAILABLE, "the store is being mended", retry_after_s=1.0)
        bound = limits or self._limits
        return (
            f"{statement.text} SETTINGS max_execution_time={bound.time_s:.3f},"
            f" max_memory_usage={bound.memory_bytes}, max_result_rows={bound.result_rows},"
            " result_overflow_mode='throw', output_format_arrow_compression_method='none',"
            f" output_format_arrow_low_cardinality_as_dictionary=1, log_comment={string(self.tag)}"
        )

    def _driven(self, ask: Callable[..., Any], *arguments: Any) -> Any:
        """Return what the driver answers. Raises PharosError."""
        try:
            return ask(*arguments)
        except RuntimeError as exc:
            self._discard_rest()
            raise faults.reading_error(str(exc)) from exc

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


class Connections:
    """A few connections for statements that only read; who finds none free waits. Thread-safe."""

    def __init__(self, most: int, connect: Callable[[], EmbeddedSession]) -> None:
        self._most = most
        self._connect = connect
        self._made = 0
        self._free: list[EmbeddedSession] = []
        self._changed = threading.Condition()
        self._is_closed = False

    @contextlib.contextmanager
    def lent(self, check: Callable[[], None]) -> Iterator[EmbeddedSession]:
        """Lend a connection, the one used last; `check` raises to give up waiting."""
        session = self._taken(check) or self._made_anew()
        try:
            yield session
        finally:
            with self._changed:
                self._free.append(session)
                self._changed.notify()

    def _taken(self, check: Callable[[], None]) -> EmbeddedSession | None:
        """Return a free connection, None when one more may be made."""
        with self._changed:
            while True:
                if self._is_closed:
                    raise PharosError(Kind.UNAVAILABLE, "the store is closed")
                if self._free:
                    return self._free.pop()
                if self._made < self._most:
                    self._made += 1
                    return None
                check()
                self._changed.wait(_LOOK_S)

    def _made_anew(self) -> EmbeddedSession:
        try:
            return self._connect()
        except PharosError:
            with self._changed:
                self._made -= 1
                self._changed.notify()
            raise

    def close(self) -> None:
        """Wait until every connection is given back, and close them."""
        with self._changed:
            self._is_closed = True
            while len(self._free) < self._made:
                self._changed.wait(_LOOK_S)
        for session in self._free:
            session.close()
        self._made = 0
        self._free.clear()


class Question:
    """The statements of one question, each on whichever connection is free; see `Session`."""

    def __init__(self, connections: Connections, tag: str, kill: Callable[[str], None]) -> None:
        self._connections = connections
        self._kill = kill
        self.tag = tag
        self.cancelled = False

    def query(self, statement: Statement, *, purpose: str, limits: Limits | None = None) -> pa.Table:
        """Return the rows of `statement`; see `Session.query`."""
        self._check()
        with self._connections.lent(self._check) as session:
            session.tag = self.tag
            return session.query(statement, purpose=purpose, limits=limits)

    def stream(
        self,
        statement: Statement,
        take: Callable[[pa.RecordBatch], None],
        *,
        purpose: str,
        limits: Limits | None = None,
    ) -> None:
        """Hand the rows of `statement` to `take`; see `Session.stream`."""

        def take_on(batch: pa.RecordBatch) -> None:
            self._check()
            take(batch)

        self._check()
        with self._connections.lent(self._check) as session:
            session.tag = self.tag
            session.stream(statement, take_on, purpose=purpose, limits=limits)

    def _check(self) -> None:
        if self.cancelled:
            raise PharosError(Kind.CANCELLED, "the query was cancelled")

    def cancel(self) -> None:
        """End what runs; see `Session.cancel`."""
        self.cancelled = True
        self._kill(self.tag)


class Lanes:
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
        """Return the future of what `work` returns, run on one of the threads with its session."""
        return self._pool.submit(lambda: work(self._session()))

    def close(self) -> None:
        """Let what was submitted last end, and close the connections."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for session in self._sessions:
            session.close()
