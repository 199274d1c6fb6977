"""What waits for one client that reads more slowly than it is sent to: bounded, the newest of each stream.

An update of a stream takes the place of the one that still waits, and the client is told that it lags. What
happened once (answers, alerts) is never left out: who does not even take that is let go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from pharos.clock import Clock
from pharos.live.frames import Frame

TOO_SLOW: Final = 1013
"""Try again later (IANA's registry of close codes)."""


class Outlet(Protocol):
    """Where a client's messages go."""

    def is_ready(self) -> bool:
        """Return whether what is written now does not pile up."""
        ...

    def write(self, frame: Frame) -> None:
        """Send a message."""
        ...

    def close(self, code: int, reason: str) -> None:
        """End the connection; nothing is written after it."""
        ...


class OutboxLimits(Struct, frozen=True):
    """What may wait for one client, and for how long."""

    messages: int = 2_000
    size_bytes: int = 4 << 20
    stall_s: float = 10.0
    """It takes nothing at all for so long."""
    lag_s: float = 30.0
    """It misses updates for so long without having caught up once."""


class Outbox:
    """One client's messages on their way."""

    __slots__ = (
        "_clock",
        "_counted",
        "_dropped",
        "_lags_since_s",
        "_limits",
        "_moved_s",
        "_next",
        "_outlet",
        "_size_bytes",
        "_tell_lag",
        "_waiting",
        "dropped_total",
        "is_over",
        "sent_total",
    )

    def __init__(
        self,
        outlet: Outlet,
        limits: OutboxLimits,
        clock: Clock,
        tell_lag: Callable[[int], Frame],
    ) -> None:
        self._outlet = outlet
        self._limits = limits
        self._clock = clock
        self._tell_lag = tell_lag
        self._waiting: dict[object, Frame] = {}
        self._size_bytes = 0
        self._next = 0
        self._dropped = 0
        self._moved_s = 0.0
        self._lags_since_s: float | None = None
        self.is_over = False
        """Whether more came that must not be left out than may wait."""
        self.sent_total = 0
        self.dropped_total = 0
        self._counted = (0, 0)

    @property
    def size_bytes(self) -> int:
        """How much waits."""
        return self._size_bytes

    def put(self, frame: Frame, stream: object = None) -> None:
        """Send a message, as soon as the client takes it; an update names its stream."""
        if not self._waiting and self._outlet.is_ready():
            self._outlet.write(frame)
            self.sent_total += 1
            return
        if not self._waiting:
            self._moved_s = self._clock.monotonic_s()
        if stream is None:
            self._next += 1
            self._keep(self._next, frame)
        else:
            if stream in self._waiting:
                self._leave_out(stream)
            self._keep(stream, frame)
        self._make_room()

    def _keep(self, key: object, frame: Frame) -> None:
        self._waiting[key] = frame
        self._size_bytes += len(frame.text)

    def _leave_out(self, key: object) -> None:
        self._size_bytes -= len(self._waiting.pop(key).text)
        self._dropped += 1
        self.dropped_total += 1
        if self._lags_since_s is None:
            self._lags_since_s = self._clock.monotonic_s()

    def _make_room(self) -> None:
        limits = self._limits
        while len(self._waiting) > 1 and (
            self._size_bytes > limits.size_bytes or len(self._waiting) > limits.messages
        ):
            oldest = next((key for key in self._waiting if not isinstance(key, int)), None)
            if oldest is None:
                self.is_over = True
                return
            self._leave_out(oldest)

    def flow(self) -> None:
        """Send on: the client takes more."""
        self._moved_s = self._clock.monotonic_s()
        while self._waiting and self._outlet.is_ready():
            if self._dropped:
                frame = self._tell_lag(self._dropped)
                self._dropped = 0
            else:
                key = next(iter(self._waiting))
                frame = self._waiting.pop(key)
                self._size_bytes -= len(frame.text)
            self._outlet.write(frame)
            self.sent_total += 1
        if not self._waiting:
            self._lags_since_s = None

    def is_too_slow(self) -> bool:
        """Return whether the client must be let go."""
        now_s, limits = self._clock.monotonic_s(), self._limits
        if self.is_over:
            return True
        if self._waiting and now_s - self._moved_s > limits.stall_s:
            return True
        return self._lags_since_s is not None and now_s - self._lags_since_s > limits.lag_s

    def counted_anew(self) -> tuple[int, int]:
        """Return how many were sent, and how many left out, since the last call."""
        before, self._counted = self._counted, (self.sent_total, self.dropped_total)
        return self.sent_total - before[0], self.dropped_total - before[1]

    def clear(self) -> None:
        """Let go of what waits."""
        self._waiting.clear()
        self._size_bytes = 0
