"""Which time is searched."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

_DAY_NS: Final = 86_400_000_000_000


class Window(Struct, frozen=True):
    """Times in nanoseconds: the start is inside, the end is not."""

    start_ns: int
    end_ns: int

    @property
    def days(self) -> tuple[int, int]:
        """The first and the last day of it, counted from 1970."""
        return self.start_ns // _DAY_NS, max(self.start_ns, self.end_ns - 1) // _DAY_NS


def united(windows: Iterable[Window]) -> Window:
    """Return the time from the first begin to the last end of those windows that are not empty."""
    some = [one for one in windows if one.end_ns > one.start_ns]
    if not some:
        return Window(0, 0)
    return Window(min(one.start_ns for one in some), max(one.end_ns for one in some))
