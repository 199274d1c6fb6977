"""Files that are read again while the server runs: one list, all of them taken over or none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from pharos.api.prometheus.status import Reloaded
from pharos.clock import Clock
from pharos.errors import PharosError

TakeOver = Callable[[], Awaitable[None]]
Reloadable = Callable[[], Awaitable[TakeOver]]
"""Reads a file and returns what takes over what it says; raises PharosError where it is not good."""


class Reloads:
    """The list; `state` says how the last time ended."""

    def __init__(self, clock: Clock, reloadables: Sequence[Reloadable]) -> None:
        self._clock = clock
        self._reloadables = tuple(reloadables)
        self._lock = asyncio.Lock()
        self.state = Reloaded(clock.now_ms())

    async def reload(self) -> None:
        """Read everything again, one caller after the other.

        Raises PharosError that names file and line, and takes nothing over, when any of it is not good.
        """
        async with self._lock:
            try:
                read = [await reloadable() for reloadable in self._reloadables]
                for take_over in read:
                    await take_over()
            except PharosError:
                self.state.good = False
                raise
            self.state.good, self.state.at_ms = True, self._clock.now_ms()
