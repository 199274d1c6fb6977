"""The door to the analytic store: ask, load, change, copy, close.

`Engine` is what the layers above see. Whoever has a question takes a `Session` and asks on a thread that may
wait; the store lends a connection for each statement, and computes nothing but that. What an implementation
owes is written down as tests, `tests/engine/contract`, which each one passes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa
from msgspec import Struct

from pharos.engine.native import Column
from pharos.engine.sql import Statement

T = TypeVar("T")


class Limits(Struct, frozen=True):
    """What one statement may use."""

    time_s: float = 30.0
    memory_bytes: int = 2 << 30
    result_rows: int = 0
    """0 means no limit of its own."""


class Session(Protocol):
    """The statements of one question, asked by one thread at a time."""

    cancelled: bool
    """Whether nobody waits for the answer any more: long work between statements should end."""

    def query(self, statement: Statement, *, purpose: str, limits: Limits | None = None) -> pa.Table:
        """Return the statement's rows as an Arrow table, valid as long as it is referenced.

        `purpose` names the caller in metrics. Raises PharosError: LIMITED, TIMEOUT, CANCELLED,
        UNAVAILABLE, or BUG for a statement that the engine refuses.
        """
        ...

    def stream(
        self,
        statement: Statement,
        take: Callable[[pa.RecordBatch], None],
        *,
        purpose: str,
        limits: Limits | None = None,
    ) -> None:
        """Hand the statement's rows to `take`, some at a time, as they are read.

        For many rows, of which little is in memory at once then. `take` asks nothing of the store; what it
        raises ends the statement. Raises what `query` raises, also after some of the rows.
        """
        ...

    def cancel(self) -> None:
        """End the statement that runs, and refuse the next; on any thread, without waiting.

        Whatever else the store is busy with: a deletion, a copy.
        """
        ...


class Controlled(Protocol):
    """A connection that may change the store."""

    def query(self, statement: Statement, *, purpose: str) -> pa.Table:
        """Return a statement's rows; see `Session.query`."""
        ...

    def execute(self, text: str) -> None:
        """Run a statement that returns nothing. Raises PharosError."""
        ...


class Writers(Enum):
    """Who changes what a store holds, which decides what may be remembered of it."""

    THIS_PROCESS = "this process"
    """Nobody else: what this process has not noted has not changed."""
    OTHERS_TOO = "others too"
    """Other processes as well: every answer may be another the next time."""


class EngineStatus(Struct, frozen=True):
    """What is known of an open store."""

    name: str
    """Of the engine."""
    version: str
    is_tested: bool
    """Whether this version of Pharos was tested with it."""
    rows: int
    bytes: int
    """On disk, compressed."""
    parts: int
    """Pieces of tables, which merges put together in the background."""


class Snapshot(Struct, frozen=True):
    """What was copied of a store."""

    schema: int
    """Number of the newest migration that the store had seen."""
    rows: Mapping[str, int]
    """By table."""


class Engine(Protocol):
    """An open store."""

    @property
    def writers(self) -> Writers:
        """Who changes what it holds."""
        ...

    def session(self) -> Session:
        """Return a session for one question; it holds nothing between its statements."""
        ...

    def run_blocking(self, work: Callable[[Session], T]) -> T:
        """Return what `work` returns of a session of its own (tests, start-up, commands)."""
        ...

    def load(self, table: str, rows: int, columns: Sequence[Column], *, token: str) -> None:
        """Add one block of `rows` rows; a block of the same table and token is added once, ever.

        Blocking, durable when it returns. Raises PharosError: UNAVAILABLE and LIMITED are worth a
        retry, BUG is not.
        """
        ...

    def control(self, work: Callable[[Controlled], T]) -> T:
        """Return what `work` returns, run on the one connection that may change the store, and wait.

        For retention and deletions: one after the other, however long they take. Raises
        PharosError(UNAVAILABLE) when what `work` did may not have reached the disk; it has to be repeated.
        """
        ...

    def snapshot(self, folder: Path) -> Snapshot:
        """Copy every table, as it is at some moment of the call, to `folder/TABLE/PART/`; blocking.

        `folder` is new, and on the store's own medium. Raises OSError, or PharosError.
        """
        ...

    def restore(self, source: Path, parts: Mapping[str, Sequence[str]]) -> dict[str, int]:
        """Add the parts in `source/TABLE/PART/`, by table, to an empty store; return each table's rows.

        Blocking, durable. Raises OSError, or PharosError for a part that the engine refuses.
        """
        ...

    def status(self) -> EngineStatus:
        """Return what is known of the store; blocking. Raises PharosError."""
        ...

    def close(self) -> None:
        """Cancel what runs, let go of the store."""
        ...
