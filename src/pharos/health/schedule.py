"""When checks are due: spread over their intervals, so that a thousand do not begin at once."""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from itertools import count
from random import Random
from typing import Generic, TypeVar

from msgspec import Struct, field

K = TypeVar("K", bound=Hashable)


class Schedule(Struct, Generic[K]):
    """Keys, each due again and again. Times are seconds of a monotonic clock."""

    chance: Random
    _heap: list[tuple[float, int, K]] = field(default_factory=list)
    _entries: dict[K, tuple[int, float]] = field(default_factory=dict)
    """By key: which entry of the heap counts, and the interval."""
    _numbers: count[int] = field(default_factory=count)

    def add(self, key: K, interval_s: float, now_s: float) -> None:
        """Have a key due within its interval, at a time that chance chooses, and in each interval after."""
        self._put(key, interval_s, now_s + self.chance.uniform(0, interval_s))

    def hasten(self, key: K, now_s: float) -> None:
        """Have a key due now, and in each interval from now on."""
        if key in self._entries:
            self._put(key, self._entries[key][1], now_s)

    def remove(self, key: K) -> None:
        """Have a key due no more."""
        self._entries.pop(key, None)

    def due(self, now_s: float) -> list[K]:
        """Return what is due, each once however late it is; it is due again an interval later."""
        found = []
        while self._heap and self._heap[0][0] <= now_s:
            due_s, number, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is None or entry[0] != number:
                continue
            found.append(key)
            interval_s = entry[1]
            missed = max(0, int((now_s - due_s) / interval_s))
            self._put(key, interval_s, due_s + (missed + 1) * interval_s)
        return found

    def next_s(self) -> float | None:
        """Return when the next one is due; None without any."""
        while self._heap:
            due_s, number, key = self._heap[0]
            entry = self._entries.get(key)
            if entry is not None and entry[0] == number:
                return due_s
            heapq.heappop(self._heap)
        return None

    def _put(self, key: K, interval_s: float, due_s: float) -> None:
        number = next(self._numbers)
        self._entries[key] = number, interval_s
        heapq.heappush(self._heap, (due_s, number, key))
