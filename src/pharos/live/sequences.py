"""Numbers of updates: they rise within a stream of a tenant, over reconnects and restarts.

They are made of the time, so that nothing needs to be kept: of a number it can be told when it was given.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final

from pharos.clock import Clock

_KNOWN: Final = 20_000
_LATE_MS: Final = 60_000
"""A step of the timeline is numbered when its transaction begins, and seen when it has ended: in a minute."""
_STEPS_A_MS: Final = 1_000
"""As the timeline numbers its steps."""


class Sequences:
    """The newest number of each stream; milliseconds since the epoch, unless they come faster."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest: OrderedDict[Hashable, int] = OrderedDict()

    def next(self, key: Hashable, at_least: int = 0) -> int:
        """Return the next number of a stream."""
        number = max(self._newest.pop(key, 0) + 1, at_least or self._clock.now_ms())
        self._newest[key] = number
        while len(self._newest) > _KNOWN:
            self._newest.popitem(last=False)
        return number


class AlertSequences:
    """Numbers of what is told of alerts: an event has that of its step in the timeline.

    So who comes back is told what the timeline has behind the last number, after a restart too. Pictures of
    all alerts stand between the events, and so do their numbers: behind every event that was told, and before
    any that may come.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._newest = 0

    def begin(self, number: int) -> None:
        """Say which step is the newest that was not told here."""
        self._newest = max(self._newest, number)

    def of_step(self, number: int) -> int:
        """Return the number of an event."""
        self._newest = max(number, self._newest + 1)
        return self._newest

    def next(self) -> int:
        """Return the number of a picture."""
        self._newest = max(self._newest + 1, (self._clock.now_ms() - _LATE_MS) * _STEPS_A_MS)
        return self._newest
