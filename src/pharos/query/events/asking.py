"""Each question about events in its turn, once what was accepted of the time that it asks about is stored."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, TypeVar

from pharos.access import Scope
from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.query.arrived import ARRIVAL_WAIT_S, LACKING, arrived
from pharos.query.limits import Deadline, Scheduler
from pharos.search.window import Window

T = TypeVar("T")

_MS: Final = 1_000_000
_ALWAYS_MS: Final = (-(1 << 62), 1 << 62)


class Asking:
    """Where questions about events wait, and are given a thread."""

    def __init__(
        self,
        changes: Changes,
        scheduler: Scheduler,
        *,
        wait_s: float = ARRIVAL_WAIT_S,
        warnings: list[str] | None = None,
    ) -> None:
        self._changes = changes
        self._scheduler = scheduler
        self._wait_s = wait_s
        self._warnings = warnings

    def telling(self, warnings: list[str]) -> Asking:
        """Return the same for one answer, told in `warnings`, before it is made, what it may lack."""
        return Asking(self._changes, self._scheduler, wait_s=self._wait_s, warnings=warnings)

    def deadline(self, timeout_ms: int | None = None) -> Deadline:
        """Return until when a question that is asked now may take."""
        return self._scheduler.deadline(timeout_ms)

    async def ask(
        self,
        scope: Scope,
        window: Window | None,
        asked: Hashable,
        work: Callable[[Session], T],
        deadline: Deadline | None = None,
    ) -> T:
        """Return what `work` returns, on a thread and in turn; `asked` says what it is.

        It finds what was accepted before of the window's past (see `engine.arrivals`), or, without a window,
        of all the past. Raises what `work` raises, and as `Scheduler.run`.
        """
        await self._arrived(scope, window)
        return await self.ask_now(scope, asked, work, deadline)

    async def _arrived(self, scope: Scope, window: Window | None) -> None:
        told = self._warnings
        if told and LACKING in told:
            # An answer that is made of several questions waits once.
            return
        span = _ALWAYS_MS if window is None else (window.start_ns // _MS, window.end_ns // _MS)
        is_stored = await arrived(self._changes, scope, [span], self._wait_s)
        if not is_stored and told is not None and LACKING not in told:
            told.append(LACKING)

    async def ask_now(
        self, scope: Scope, asked: Hashable, work: Callable[[Session], T], deadline: Deadline | None = None
    ) -> T:
        """Return the same of what is stored now."""
        return await self._scheduler.run(scope, asked, deadline or self.deadline(), work)
