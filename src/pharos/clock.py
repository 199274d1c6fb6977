"""Time as an argument: the clock protocol and the system's clock.

This is the only module that reads the wall clock.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where the present comes from."""

    def now_ms(self) -> int:
        """Return the wall time in milliseconds since the epoch."""
        ...

    def now_ns(self) -> int:
        """Return the wall time in nanoseconds since the epoch."""
        ...

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """Return the wall time in milliseconds since the epoch."""
        return self.now_ns() // 1_000_000

    def now_ns(self) -> int:
        """Return the wall time in nanoseconds since the epoch."""
        return time.time_ns()  # noqa: TID251 - here it comes in

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()


class SteadyClock:
    """A clock that does not go back with the wall clock, but runs on from where that was.

    What senders with right clocks send is measured by it: a wall clock that was set back by an hour would
    have all of it refused as of the future, for good, until the hour is over. Farther than `most_back_ms`
    the wall clock is believed, since it may have been far ahead before.
    """

    def __init__(self, wall: Clock, most_back_ms: int = 86_400_000) -> None:
        self._wall = wall
        self._most_back_ns = most_back_ms * 1_000_000
        self._ahead_ns = wall.now_ns() - self._monotonic_ns()
        """The farthest that the wall clock was ahead of the monotonic one."""

    def _monotonic_ns(self) -> int:
        return int(self._wall.monotonic_s() * 1e9)

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return self.now_ns() // 1_000_000

    def now_ns(self) -> int:
        """Return the time in nanoseconds since the epoch."""
        monotonic, wall = self._monotonic_ns(), self._wall.now_ns()
        back = self._ahead_ns - (wall - monotonic)
        if not 0 <= back <= self._most_back_ns:
            self._ahead_ns -= back
        return max(wall, monotonic + self._ahead_ns)

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never goes back."""
        return self._wall.monotonic_s()


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ns = now_ms * 1_000_000
        self._start_ns = self._now_ns

    def advance_ms(self, ms: int) -> None:
        """Move the clock forward (or back, with a negative `ms`)."""
        self._now_ns += ms * 1_000_000

    def set_ms(self, now_ms: int) -> None:
        """Set the wall clock, as an operator does; the monotonic one goes on."""
        self._start_ns += now_ms * 1_000_000 - self._now_ns
        self._now_ns = now_ms * 1_000_000

    def now_ms(self) -> int:
        """Return the faked wall time in milliseconds."""
        return self._now_ns // 1_000_000

    def now_ns(self) -> int:
        """Return the faked wall time in nanoseconds."""
        return self._now_ns

    def monotonic_s(self) -> float:
        """Return the faked seconds since the clock was made."""
        return (self._now_ns - self._start_ns) / 1e9
