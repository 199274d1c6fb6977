"""Time as an argument: the clock protocol, the system's clock, and Prometheus' duration grammar.

This is the only module that reads the wall clock.
"""

from __future__ import annotations

import re
import time
from typing import Final, Protocol

from pharos.errors import Kind, PharosError


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
        return time.time_ns() // 1_000_000

    def now_ns(self) -> int:
        """Return the wall time in nanoseconds since the epoch."""
        return time.time_ns()

    def monotonic_s(self) -> float:
        """Return seconds on a clock that never goes back."""
        return time.monotonic()


class FakeClock:
    """A clock that moves only when told to."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ns = now_ms * 1_000_000
        self._start_ns = self._now_ns

    def advance_ms(self, ms: int) -> None:
        """Move the clock forward (or back, with a negative `ms`)."""
        self._now_ns += ms * 1_000_000

    def now_ms(self) -> int:
        """Return the faked wall time in milliseconds."""
        return self._now_ns // 1_000_000

    def now_ns(self) -> int:
        """Return the faked wall time in nanoseconds."""
        return self._now_ns

    def monotonic_s(self) -> float:
        """Return the faked seconds since the clock was made."""
        return (self._now_ns - self._start_ns) / 1e9


_UNIT_MS: Final = {
    "y": 365 * 86_400_000,
    "w": 7 * 86_400_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1_000,
    "ms": 1,
}
_DURATION = re.compile(r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?\Z")


def parse_duration_ms(text: str) -> int:
    """Return the milliseconds of a Prometheus duration such as `1h30m` (prometheus/common model.Duration).

    Raises PharosError(INVALID) for anything else; `0` is the only number that needs no unit.
    """
    if text == "0":
        return 0
    found = _DURATION.match(text)
    if not text or found is None:
        raise PharosError(
            Kind.INVALID, f"not a valid duration string: {text!r}", hint="write it as 30s, 5m or 1h30m"
        )
    return sum(
        int(count) * _UNIT_MS[unit]
        for count, unit in zip(found.groups(), _UNIT_MS, strict=True)
        if count is not None
    )


def format_duration_ms(ms: int) -> str:
    """Return `ms` as Prometheus prints a duration: the largest units first, `0s` for nothing."""
    if ms == 0:
        return "0s"
    parts: list[str] = []
    rest = ms
    for unit, size in _UNIT_MS.items():
        if unit in {"y", "w", "d"} and rest % size:
            continue
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
