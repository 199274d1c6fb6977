"""Which time is searched."""

from __future__ import annotations

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
