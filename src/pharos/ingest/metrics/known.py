"""The table of known series: from the hash of a series' wire form to its id.

A series that was seen before costs one probe here and no look at its labels. The key is a 128-bit hash under
a random seed that only this process knows, with the tenant in it, so nobody can make two series meet.
`days` holds a bit for each day on which the series is registered in the store, counted from `base_day`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import byte_pointer, get_u64
from pharos.telemetry import SERIES_KNOWN

DAYS_SEEN: Final = 64
_FIRST_SLOTS: Final = 1 << 14
_MOST_SLOTS: Final = 1 << 24
"""Of 40 bytes each, 670 MB; half of them are for series. Who has more registers them again and again."""


class KnownArrays(NamedTuple):
    """Open addressing with linear probing; a slot whose `low` is 0 is empty."""

    low: NDArray[np.uint64]
    high: NDArray[np.uint64]
    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]
    days: NDArray[np.uint64]


def _arrays(slots: int) -> KnownArrays:
    return KnownArrays(*(np.zeros(slots, np.uint64) for _ in range(5)))


class KnownPointers(NamedTuple):
    """The same arrays by address, as kernels pass them on, and the mask that turns a hash into a slot."""

    low: Any
    high: Any
    id: Any
    metric: Any
    days: Any
    mask: Any


@inlined_kernel
def known_pointers(known: Any) -> Any:
    """Return the pointers of a table; valid while the caller holds the arrays."""
    return KnownPointers(
        byte_pointer(known.low),
        byte_pointer(known.high),
        byte_pointer(known.id),
        byte_pointer(known.metric),
        byte_pointer(known.days),
        np.int64(len(known.low) - 1),
    )


@inlined_kernel
def find_slot(known: Any, low: Any, high: Any) -> int:
    """Return the slot that holds (low, high), or ~slot of the empty one where it belongs."""
    slot = np.int64(low >> np.uint64(7)) & known.mask
    while True:
        found = get_u64(known.low, slot)
        if found == np.uint64(0):
            return ~slot
        if found == low and get_u64(known.high, slot) == high:
            return slot
        slot = (slot + 1) & known.mask


@kernel
def _refill(old: Any, fresh: Any, recent: Any) -> int:
    """Copy into `fresh` the series with a day of `recent`, and return how many they are."""
    kept = 0
    target = known_pointers(fresh)
    for slot in range(len(old.low)):
        if old.low[slot] == np.uint64(0) or (old.days[slot] & recent) == np.uint64(0):
            continue
        place = ~find_slot(target, old.low[slot], old.high[slot])
        fresh.low[place] = old.low[slot]
        fresh.high[place] = old.high[slot]
        fresh.id[place] = old.id[slot]
        fresh.metric[place] = old.metric[slot]
        fresh.days[place] = old.days[slot]
        kept += 1
    return kept


class KnownSeries:
    """The table, its seeds and its growth; guarded by the intake's lock."""

    def __init__(self, seed: int, today: int) -> None:
        self._seed = seed
        self.arrays = _arrays(_FIRST_SLOTS)
        self.used: NDArray[np.int64] = np.zeros(1, np.int64)
        """How many slots are taken; an array so that kernels can count on."""
        self.base_day = today - DAYS_SEEN // 2
        self._tenant_seeds: dict[str, np.uint64] = {}

    def seed_of(self, tenant: str) -> np.uint64:
        """Return the hash seed of a tenant's series."""
        seed = self._tenant_seeds.get(tenant)
        if seed is None:
            raw = np.frombuffer(tenant.encode(), np.uint8)
            seed = np.uint64(hash_bytes(raw, 0, len(raw), np.uint64(self._seed)))
            self._tenant_seeds[tenant] = seed
        return seed

    def tell(self) -> None:
        """Say in the server's metrics how many series are known."""
        SERIES_KNOWN.set(int(self.used[0]))

    def clear(self) -> None:
        """Forget everything: each series is registered anew when it is next seen."""
        self.arrays = _arrays(_FIRST_SLOTS)
        self.used[0] = 0
        self._tenant_seeds.clear()

    def grow(self) -> None:
        """Make room: drop series that were not seen in the last days, double the slots if need be.

        At the bound all are dropped.
        """
        slots = len(self.arrays.low)
        newest = np.bitwise_or.reduce(self.arrays.days)
        top = int(newest).bit_length()
        recent = np.uint64(((1 << top) - 1) ^ ((1 << max(0, top - 3)) - 1))
        living = int(np.count_nonzero(self.arrays.days & recent))
        if living > slots // 3 and 2 * slots > _MOST_SLOTS:
            # Which of them still come is not known; to register one again costs a row that a merge drops.
            recent, living = np.uint64(0), 0
        fresh = _arrays(2 * slots if living > slots // 3 else slots)
        self.used[0] = _refill(self.arrays, fresh, recent)
        self.arrays = fresh
        self.tell()

    def turn_to(self, today: int) -> None:
        """Move the window of days along once the present nears its end."""
        shift = today - DAYS_SEEN // 2 - self.base_day
        if 0 <= shift < DAYS_SEEN // 4:
            return
        days = self.arrays.days
        if shift >= DAYS_SEEN or shift < 0:
            days[:] = 0
        else:
            days >>= np.uint64(shift)
        self.base_day += shift
