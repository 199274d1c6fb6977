"""How long a tenant rests between its turns that keeps asking for more than its limit lets run at once.

One that asks as fast as it is answered never has less than its limit running: that is a core, and the
interpreter, for as long as it likes. While others ask too it gets a twentieth of that: nineteen of twenty
questions of theirs meet none of its, so that it is no part of their 95th percentile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pharos.clock import Clock

_PATIENCE_S: Final = 5.0
"""A page with many graphs waits, too, and has its answers by then."""
_CALM_S: Final = 2.5
"""Who did not have to wait for so long was within its limit; longer than a rest, and shorter than from one
refresh of a page to the next."""
_REST: Final = 19.0
"""So many times as long as its turn took a tenant rests after it,"""
_LEAST_S: Final = 0.2
"""but at least so long, for what is quick costs others most where it is asked often,"""
_MOST_S: Final = 2.0
"""and at most so long."""


class Pacing:
    """Who asks beyond its limit, and since when; used on the event loop only.

    `is_bounded` says whether a tenant has a limit of its own: nobody else is ever held up.
    """

    def __init__(self, clock: Clock, is_bounded: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_bounded = is_bounded
        self._waits: dict[str, tuple[float, float]] = {}
        """By tenant: since when it has had to wait again and again, and when it last had to."""

    def note_waiting(self, tenant: str, began_s: float) -> None:
        """Note that a tenant has asked for more than may run, during a turn that began then and is over."""
        now_s = self._clock.monotonic_s()
        since_s, last_s = self._waits.get(tenant, (now_s, now_s))
        self._waits[tenant] = (now_s if began_s - last_s > _CALM_S else since_s), now_s

    def now_s(self) -> float:
        """Return when a turn begins, for `rest_s`."""
        return self._clock.monotonic_s()

    def rest_s(self, tenant: str, began_s: float) -> float:
        """Return how long a tenant rests whose turn began then and is over; 0 for one within its limit."""
        now_s = self._clock.monotonic_s()
        since_s, last_s = self._waits.get(tenant, (now_s, now_s))
        if now_s - last_s > _CALM_S or now_s - since_s < _PATIENCE_S or not self._is_bounded(tenant):
            return 0.0
        return min(_MOST_S, max(_LEAST_S, _REST * (now_s - began_s)))
