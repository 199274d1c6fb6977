"""How long something was up and down, day by day: time that nobody measured is neither."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from msgspec import Struct, field

DAY_MS: Final = 86_400_000
CELLS: Final = 90


class Day(Struct, frozen=True):
    """How long it was up and down on a day."""

    up_ms: int = 0
    down_ms: int = 0

    @property
    def uptime(self) -> float | None:
        """The part of the measured time in which it was up; None where nothing was measured."""
        measured = self.up_ms + self.down_ms
        return self.up_ms / measured if measured else None


class Cell(Struct, frozen=True):
    """A day of a strip."""

    day: int
    """Days since the epoch, in UTC."""
    uptime: float | None
    coverage: float
    """The part of the day that was measured; of today, of what has passed of it."""


class Days(Struct):
    """The days of one check."""

    known: dict[int, Day] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)
    """Days that differ from what is kept of them."""

    def add(self, from_ms: int, to_ms: int, *, is_up: bool) -> None:
        """Count a time without the end."""
        while from_ms < to_ms:
            day = from_ms // DAY_MS
            until_ms = min(to_ms, (day + 1) * DAY_MS)
            was, length_ms = self.known.get(day, Day()), until_ms - from_ms
            up_ms, down_ms = (length_ms, 0) if is_up else (0, length_ms)
            self.known[day] = Day(was.up_ms + up_ms, was.down_ms + down_ms)
            self.changed.add(day)
            from_ms = until_ms

    def forget_before(self, day: int) -> None:
        """Let go of earlier days."""
        for one in [one for one in self.known if one < day]:
            del self.known[one]
            self.changed.discard(one)


def cells(days: Mapping[int, Day], now_ms: int, count: int = CELLS) -> list[Cell]:
    """Return the last days, today last."""
    return list(_cells(days, now_ms, count))


def _cells(days: Mapping[int, Day], now_ms: int, count: int) -> Iterator[Cell]:
    today = now_ms // DAY_MS
    for day in range(today - count + 1, today + 1):
        found = days.get(day, Day())
        passed_ms = max(1, now_ms - day * DAY_MS) if day == today else DAY_MS
        measured_ms = found.up_ms + found.down_ms
        yield Cell(day, found.uptime, min(1.0, measured_ms / passed_ms))


def uptime(days: Iterable[Day]) -> float | None:
    """Return the part of the measured time of days in which something was up; None without any."""
    up_ms = down_ms = 0
    for one in days:
        up_ms += one.up_ms
        down_ms += one.down_ms
    return Day(up_ms, down_ms).uptime


def together(of_all: Iterable[Mapping[int, Day]]) -> dict[int, Day]:
    """Return the days of several checks as those of one thing: each counts as much as it was measured."""
    found: dict[int, Day] = {}
    for days in of_all:
        for day, one in days.items():
            was = found.get(day, Day())
            found[day] = Day(was.up_ms + one.up_ms, was.down_ms + one.down_ms)
    return found
