"""What befalls the shop: every six minutes a release of payments that leaks connections, and its mending."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

CYCLE_S: Final = 360
BROKEN_FROM_S: Final = 150
MENDED_FROM_S: Final = 270
_WORST_AFTER_S: Final = 30


class Moment(Struct, frozen=True):
    """How it stands with payments at a time."""

    version: str
    """The release that runs."""
    released_s: int
    """When it was begun, in seconds since 1970."""
    strain: float
    """How much of the trouble is there: 0 is none, 1 is all."""

    @property
    def is_broken(self) -> bool:
        """Whether the bad release runs."""
        return self.strain > 0


def moment_at(second: int, began_s: int) -> Moment:
    """Return how it stands at a second since 1970; the first cycle is the one that the shop began in.

    Cycles lie on multiples of their length, so that a shop that starts anew goes on where the old one was.
    """
    cycle = second // CYCLE_S
    number = cycle - began_s // CYCLE_S + 1
    first, into = cycle * CYCLE_S, second % CYCLE_S
    if into < BROKEN_FROM_S:
        return Moment(f"1.{number}.1", first - CYCLE_S + MENDED_FROM_S, 0.0)
    if into < MENDED_FROM_S:
        strain = min(1.0, (into - BROKEN_FROM_S + 1) / _WORST_AFTER_S)
        return Moment(f"1.{number + 1}.0", first + BROKEN_FROM_S, strain)
    return Moment(f"1.{number + 1}.1", first + MENDED_FROM_S, 0.0)
