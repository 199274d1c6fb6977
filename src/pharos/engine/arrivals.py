"""Samples of the past that are accepted but not yet stored: what a query over their time waits for.

Live samples need not be waited for, they show within a second anyway; and a query up to now would always
wait. But who loads history and then asks for it expects to find it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Hashable
from concurrent.futures import Future
from typing import Final

from msgspec import Struct, field

LIVE_MS: Final = 60_000
"""Samples not older than this when they are received are live."""


class _Waiting(Struct):
    """What one run holds of the past: by tenant the first and the last time, in milliseconds."""

    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    stored: Future[None] = field(default_factory=Future)


class Arrivals:
    """Which runs hold samples of the past until they are stored; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, _Waiting] = {}
        self._hurry: Callable[[], object] = lambda: None

    def on_hurry(self, hurry: Callable[[], object]) -> None:
        """Call `hurry`, which must not block, when someone waits for a run."""
        self._hurry = hurry

    def note(self, run: Hashable, tenant: str, least_ms: int, most_ms: int) -> None:
        """Say that the run holds samples of the past of this span of times, both ends included."""
        with self._lock:
            spans = self._waiting.setdefault(run, _Waiting()).spans
            least, most = spans.get(tenant, (least_ms, most_ms))
            spans[tenant] = (min(least, least_ms), max(most, most_ms))

    def stored(self, run: Hashable) -> None:
        """Say that everything of the run can be read."""
        with self._lock:
            done = self._waiting.pop(run, None)
        if done is not None:
            done.stored.set_result(None)

    def has(self, tenant: str) -> bool:
        """Return whether anything of the tenant's past waits to be stored."""
        with self._lock:
            return any(tenant in waiting.spans for waiting in self._waiting.values())

    async def until_stored(self, tenants: Collection[str], start_ms: int, end_ms: int, time_s: float) -> bool:
        """Return when all that is now known of the tenants in that time is stored, or after `time_s`.

        And whether it is stored.
        """
        with self._lock:
            wanted = [
                waiting.stored
                for waiting in self._waiting.values()
                if any(
                    least <= end_ms and most >= start_ms
                    for least, most in filter(None, map(waiting.spans.get, tenants))
                )
            ]
        if not wanted:
            return True
        self._hurry()
        # Not a gather: a client that goes away must not cancel what others wait for.
        futures = [asyncio.shield(asyncio.wrap_future(one)) for one in wanted]
        _, left = await asyncio.wait(futures, timeout=time_s)
        return not left
