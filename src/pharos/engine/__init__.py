"""The door to the analytic store: run statements, load blocks, close.

`Engine` is what the layers above see. Whoever has a question takes a `Session` and asks on a thread that may
wait; the store lends a connection for each statement, and computes nothing but that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import pyarrow as pa

from pharos.engine.native import Column
from pharos.engine.sql import Statement

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
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

    def cancel(self) -> None:
        """End the statement that runs, and refuse the next; on any thread, without waiting."""
        ...


class Controlled(Protocol):
    """A connection that may change the store."""

    def query(self, statement: Statement, *, purpose: str) -> pa.Table:
        """Return a statement's rows; see `Session.query`."""
        ...

    def execute(self, text: str) -> None:
        """Run a statement that returns nothing. Raises PharosError."""
        ...


class Engine(Protocol):
    """An open store."""

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

    def mend(self) -> None:
        """Take out of the store what the disk did not take whole; next to nothing when all is well.

        Blocking, to be called now and then: a merge that was not taken can be undone for some minutes.
        Raises PharosError(UNAVAILABLE) when it has to be tried again.
        """
        ...

    def close(self) -> None:
        """Cancel what runs, let go of the store."""
        ...
