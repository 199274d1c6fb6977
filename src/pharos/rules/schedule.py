"""When a group is due: at a fixed place of its interval, which its name says, so that load spreads.

There are few places, and groups of one place are evaluated as of the same time: what they record goes to the
log and the store together. Of many small pieces each would cost a sync, an insertion and its part of merges.

The pace is that of the monotonic clock, the times are those of the wall clock. An iteration that is due while
the one before runs is late, and one that is a whole interval late is missed; both are counted. A wall clock
that was set moves what is remembered along with it: nothing fires or ends because of that.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from pharos.clock import Clock
from pharos.rules.group import RunningGroup
from pharos.rules.leases import Leases
from pharos.telemetry import (
    RULE_GROUP_INTERVAL,
    RULE_GROUP_ITERATIONS,
    RULE_GROUP_MISSED,
    RULE_GROUP_RULES,
)

_LOG = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[None]]
"""Goes on after so many seconds."""

_PLACES: Final = 8
"""So many places an interval has at most."""
_LEAST_APART_MS: Final = 1_000
"""Places are that far from each other at least."""
_EARLY_MS: Final = 20
"""A timer may fire that much before the wall clock says so."""
_SET_MS: Final = 2_000
"""A wall clock that is farther than that from where it should be was set."""


def place_ms(tenant: str, key: str, interval_ms: int) -> int:
    """Return where in its interval a group is evaluated."""
    digest = hashlib.blake2b(f"{tenant}\0{key}".encode(), digest_size=8).digest()
    places = max(1, min(_PLACES, interval_ms // _LEAST_APART_MS))
    return int.from_bytes(digest) % places * (interval_ms // places)


class Due(Struct, frozen=True):
    """An iteration: of which time, and how many before it were missed."""

    at_ms: int
    missed: int = 0


class Timetable:
    """When a group is evaluated; times in milliseconds of the wall clock."""

    def __init__(self, interval_ms: int, place_ms: int, now_ms: int) -> None:
        self._interval_ms = interval_ms
        self._place_ms = place_ms
        self.last_ms = self._slot_ms(now_ms)
        """The time of the last iteration, or the one before the first."""

    def _slot_ms(self, now_ms: int) -> int:
        """Return the last time before or at now at which it is due."""
        return now_ms - (now_ms - self._place_ms) % self._interval_ms

    def wait_ms(self, now_ms: int) -> int:
        """Return how long the next iteration is off; 0 when it is due."""
        return max(0, self.last_ms + self._interval_ms - now_ms)

    def take(self, now_ms: int) -> Due:
        """Return the iteration that is due now, the latest of those that are."""
        slot_ms = self._slot_ms(now_ms + _EARLY_MS)
        at_ms = max(slot_ms, self.last_ms + self._interval_ms)
        missed = (at_ms - self.last_ms) // self._interval_ms - 1
        self.last_ms = at_ms
        return Due(at_ms, missed)

    def moved(self, now_ms: int) -> None:
        """Begin anew after the wall clock was set: no iteration was missed because of it."""
        self.last_ms = self._slot_ms(now_ms)


class Watch:
    """Compares the wall clock with the monotonic one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead_ms = self._ahead()

    def _ahead(self) -> float:
        return self._clock.now_ms() - self._clock.monotonic_s() * 1000

    def set_by_ms(self) -> int:
        """Return how far the wall clock was set since the last call; 0 when it was not."""
        ahead_ms = self._ahead()
        by_ms = round(ahead_ms - self._ahead_ms)
        # What clocks drift is no setting, and is not to add up to one.
        self._ahead_ms = ahead_ms
        return by_ms if abs(by_ms) > _SET_MS else 0


class GroupLoop:
    """Evaluates a group when it is due, until it is stopped."""

    def __init__(
        self, running: RunningGroup, clock: Clock, leases: Leases, pause: Pause = asyncio.sleep
    ) -> None:
        self.running = running
        self._leases = leases
        self._clock = clock
        self._pause = pause
        self._names = (running.scope.tenant, running.key)
        self._task: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        """Whether it evaluates its group."""
        return self._task is not None

    def start(self, since_ms: int = 0) -> None:
        """Begin; what was due since then and was not evaluated is due at once, as far as an interval back."""
        RULE_GROUP_INTERVAL.labels(*self._names).set(self.running.interval_ms / 1000)
        RULE_GROUP_RULES.labels(*self._names).set(len(self.running.runs))
        RULE_GROUP_ITERATIONS.labels(*self._names)
        RULE_GROUP_MISSED.labels(*self._names)
        self._task = asyncio.create_task(self.run(since_ms), name=f"rules {self.running.key}")

    async def stop(self, *, cancel: bool = False) -> None:
        """End after the iteration that is under way, or, with `cancel`, at once."""
        task, self._task = self._task, None
        if task is None:
            return
        if cancel or not self._is_busy:
            task.cancel()
        else:
            self._is_ending = True
        await asyncio.gather(task, return_exceptions=True)

    _is_busy = False
    _is_ending = False

    async def run(self, since_ms: int = 0) -> None:
        """Evaluate until stopped."""
        running, clock, now_ms = self.running, self._clock, self._clock.now_ms()
        place = place_ms(running.scope.tenant, running.key, running.interval_ms)
        since_ms = min(max(since_ms, now_ms - running.interval_ms), now_ms) if since_ms else now_ms
        timetable, watch = Timetable(running.interval_ms, place, since_ms), Watch(clock)
        while not self._is_ending:
            await self._pause(timetable.wait_ms(clock.now_ms()) / 1000)
            by_ms = watch.set_by_ms()
            if by_ms:
                _LOG.warning("the clock was set by %d s; rules of %s go on", by_ms // 1000, running.key)
                running.shift(by_ms)
                timetable.moved(clock.now_ms() - running.interval_ms)
            due = timetable.take(clock.now_ms())
            if not await self._leases.confirm(running.place):
                continue
            RULE_GROUP_ITERATIONS.labels(*self._names).inc(1 + due.missed)
            if due.missed:
                RULE_GROUP_MISSED.labels(*self._names).inc(due.missed)
            self._is_busy = True
            try:
                await running.iterate(due.at_ms)
            except Exception:  # noqa: BLE001 - a fault of ours must not end a group for good
                _LOG.exception("rules of %s not evaluated", running.key)
            finally:
                self._is_busy = False

    def close(self) -> None:
        """Take its metrics away."""
        for metric in (RULE_GROUP_INTERVAL, RULE_GROUP_RULES, RULE_GROUP_ITERATIONS, RULE_GROUP_MISSED):
            metric.remove(*self._names)
        self.running.close()
