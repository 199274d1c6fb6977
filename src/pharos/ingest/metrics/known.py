"""The table of known series: from the hash of a series' wire form to its id.

A series that was seen before costs one probe here and no look at its labels. The key is a 128-bit hash under
a random seed that only this process knows, with the tenant in it, so nobody can make two series meet.
`days` holds a bit for each day on which the series is registered in the store, counted from `base_day`, and
above these one for each of two hours, the present and the one before: whether the series had a sample in it.
Series with either are active, and how many these are is known of each tenant. On top stands in which turn the
series came last: who has not come for a while is dropped. What is left is what queries about the last minutes
need to look at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import byte_pointer, get_i64, get_u64, put_u64
from pharos.engine.keys import DAY_MS
from pharos.sampling import SHARE_BITS
from pharos.telemetry import SERIES_KNOWN

DAYS_SEEN: Final = 54
DAYS_MASK: Final = (1 << DAYS_SEEN) - 1
HOURS: Final = np.uint64(3 << DAYS_SEEN)
"""The bits of the two hours."""
_HOUR_MS: Final = 3_600_000
_TURN_AT: Final = DAYS_SEEN + 2
_BELOW_TURN: Final = (1 << _TURN_AT) - 1
_TURNS: Final = 1 << (64 - _TURN_AT)
_TURN_MS: Final = 60_000
_TURNS_KEPT: Final = 20
"""A series that did not come in this many turns before the present one is dropped, with others.

If it comes again it is registered again, which costs a row that a merge drops; within the hour it then counts
as active twice.
"""
_IDLE_PART: Final = 8
"""They are dropped once they are this part of all that are known, or when there is no room."""

# Places in a tenant's census: what is counted, and what bounds it (0: nothing).
ACTIVE: Final = 0
SEEN: Final = 1
"""How many series had a sample in this hour."""
HOUR: Final = 2
"""The bit of this hour."""
MAX_SERIES: Final = 3
MAX_LABELS: Final = 4
MAX_NAME_BYTES: Final = 5
MAX_VALUE_BYTES: Final = 6
SAMPLED: Final = 7
"""Of how many metrics a share of the series is kept; for each follow its hash and that share's bar."""
_CENSUS: Final = 8

_UNUSED_BITS: Final = np.uint64(64 - SHARE_BITS)
_MASK: Final = (1 << 64) - 1
_FIRST_SLOTS: Final = 1 << 14
MOST_SLOTS: Final = 1 << 24
"""Of 40 bytes each, 670 MB; half of them are for series. Who has more registers them again and again."""


_NONE_SAMPLED: Final = np.zeros(0, np.int64)


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


@inlined_kernel
def may_begin(census: Any, days: Any) -> bool:
    """Return whether a series may have a sample in this hour: it is active, or there is room for one more."""
    most = get_i64(census, MAX_SERIES)
    return bool(most == 0 or days & HOURS != np.uint64(0) or get_i64(census, ACTIVE) < most)


@inlined_kernel
def is_registered(days: Any, base_day: int, day: int) -> bool:
    """Return whether a series is registered in the store on this day."""
    place = day - base_day
    return 0 <= place < DAYS_SEEN and (days >> np.uint64(place)) & np.uint64(1) == np.uint64(1)


@kernel
def is_left_out(census: Any, metric: Any, ident: Any) -> bool:
    """Return whether sampling leaves out a series, by its id."""
    for k in range(get_i64(census, SAMPLED)):
        if get_u64(census, _CENSUS + 2 * k) == metric:
            return bool(np.int64(ident >> _UNUSED_BITS) >= get_i64(census, _CENSUS + 2 * k + 1))
    return False


@inlined_kernel
def note_seen(known: Any, slot: int, census: Any, hour: Any) -> None:
    """Count a series that has its first sample of this hour."""
    days = get_u64(known.days, slot)
    put_u64(known.days, slot, days | hour)
    put_u64(census, SEEN, get_i64(census, SEEN) + 1)
    if days & HOURS == np.uint64(0):
        put_u64(census, ACTIVE, get_i64(census, ACTIVE) + 1)


@inlined_kernel
def note_turn(known: Any, slot: int, turn: Any) -> None:
    """Note that the series came in this turn."""
    days = get_u64(known.days, slot)
    if days >> np.uint64(_TURN_AT) != np.uint64(turn):
        put_u64(known.days, slot, (days & np.uint64(_BELOW_TURN)) | (np.uint64(turn) << np.uint64(_TURN_AT)))


@inlined_kernel
def _came_lately(days: Any, turn: Any) -> bool:
    """Return whether a series came in the turns that count."""
    ago = (np.uint64(turn) - (days >> np.uint64(_TURN_AT))) & np.uint64(_TURNS - 1)
    return bool(ago <= np.uint64(_TURNS_KEPT))


@kernel
def _count_lately(known: Any, turn: int) -> int:
    """Return how many series came lately."""
    count = 0
    for slot in range(len(known.low)):
        if known.low[slot] != 0 and _came_lately(known.days[slot], turn):
            count += 1
    return count


@kernel
def _refill(old: Any, fresh: Any, turn: int) -> int:
    """Copy into `fresh` the series that came lately, and return how many they are."""
    kept = 0
    target = known_pointers(fresh)
    for slot in range(len(old.low)):
        if old.low[slot] == 0 or not _came_lately(old.days[slot], turn):
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

    def __init__(self, seed: int, today: int, most_slots: int = MOST_SLOTS) -> None:
        self._seed = seed
        self._most_slots = most_slots
        self.arrays = _arrays(_FIRST_SLOTS)
        self.used: NDArray[np.int64] = np.zeros(2, np.int64)
        """How many slots are taken, an array so that kernels can count on; and the present turn."""
        self.base_day = today - DAYS_SEEN // 2
        self._tenant_seeds: dict[str, np.uint64] = {}
        self._census: dict[str, NDArray[np.int64]] = {}
        self._sampled: dict[str, NDArray[np.int64]] = {}
        self._hour = 0
        self._forgotten = 0
        self._turn = 0
        self._whole_turn = 0
        """From this turn on every series that came is in the table, unless all was forgotten since."""
        self._first_turn: int | None = None
        """The first turn in which nothing was forgotten."""
        self._ahead_ms = 0

    def census_of(self, tenant: str) -> NDArray[np.int64]:
        """Return the census of a tenant, in which kernels count."""
        found = self._census.get(tenant)
        if found is None:
            sampled = self._sampled.get(tenant, _NONE_SAMPLED)
            found = self._census[tenant] = np.concatenate((np.zeros(_CENSUS, np.int64), sampled))
            found[HOUR], found[SAMPLED] = self._hour_bit(), len(sampled) // 2
        return found

    def active(self) -> dict[str, int]:
        """Return how many series of each tenant are active."""
        return {tenant: int(census[ACTIVE]) for tenant, census in list(self._census.items())}

    def _hour_bit(self) -> np.int64:
        return np.uint64(1 << DAYS_SEEN + self._hour % 2).astype(np.int64)

    def seed_of(self, tenant: str) -> np.uint64:
        """Return the hash seed of a tenant's series."""
        seed = self._tenant_seeds.get(tenant)
        if seed is None:
            raw = np.frombuffer(tenant.encode(), np.uint8)
            base = np.uint64(self._seed + self._forgotten & _MASK)
            seed = np.uint64(hash_bytes(raw, 0, len(raw), base))
            self._tenant_seeds[tenant] = seed
        return seed

    def forget_tenant(self, tenant: str) -> None:
        """Forget the series of a tenant: they are under another seed from now on, and dropped by and by."""
        self._forgotten += 1
        self._first_turn = None
        self._tenant_seeds.pop(tenant, None)
        self._census.pop(tenant, None)

    def sample(self, tenant: str, bars: Mapping[int, int]) -> None:
        """Leave out series of metrics, by their hashes, whose ids are not below these bars.

        Those that are known are looked at anew when that changes.
        """
        pairs = np.array([*bars.items()], np.uint64).reshape(-1).view(np.int64)
        if not np.array_equal(pairs, self._sampled.get(tenant, _NONE_SAMPLED)):
            self._sampled[tenant] = pairs
            self.forget_tenant(tenant)

    def tell(self) -> None:
        """Say in the server's metrics how many series are known."""
        SERIES_KNOWN.set(int(self.used[0]))

    def clear(self) -> None:
        """Forget everything: each series is registered anew when it is next seen."""
        self.arrays = _arrays(_FIRST_SLOTS)
        self.used[0] = 0
        self._first_turn = None
        self._tenant_seeds.clear()
        self._forget_active()

    def grow(self) -> None:
        """Make room: drop series that did not come in the last turns, and take as many slots as it needs.

        At the bound all are dropped.
        """
        slots = self._slots(_count_lately(self.arrays, int(self.used[1])))
        if slots > self._most_slots:
            # Which of them still come is not known; to register one again costs a row that a merge drops.
            self.arrays, self.used[0], self._first_turn = _arrays(self._most_slots), 0, None
            self._forget_active()
        else:
            self._drop_idle(slots)
        self.tell()

    def _slots(self, series: int) -> int:
        """Return how many slots so many series take, and some more of them."""
        return max(_FIRST_SLOTS, 1 << (5 * series // 2).bit_length())

    def _drop_idle(self, slots: int) -> None:
        """Move those that came lately into so many slots."""
        fresh = _arrays(slots)
        self.used[0] = _refill(self.arrays, fresh, int(self.used[1]))
        self.arrays = fresh
        self._whole_turn = self._turn - _TURNS_KEPT

    def note_ahead(self, ahead_ms: int) -> None:
        """Say that a sample was received whose time was so far ahead of that."""
        self._ahead_ms = max(self._ahead_ms, ahead_ms)

    def recent_from_ms(self, ahead_ms: int) -> int | None:
        """Return from which time on only series of the table have samples; None where that is not known.

        `ahead_ms` bounds how far ahead samples may be of which nothing is known any more.
        """
        first = self._first_turn
        if first is None:
            return None
        return max(first * _TURN_MS + ahead_ms, self._whole_turn * _TURN_MS + self._ahead_ms)

    def ids(self) -> NDArray[np.uint64]:
        """Return the ids of all series of the table, in no order; one may be there twice."""
        found: NDArray[np.uint64] = self.arrays.id[self.arrays.low != 0]
        return found

    def turn_to(self, now_ms: int) -> None:
        """Begin a turn and an hour if it is time, and move the window of days along once its end is near."""
        self._turn_to_hour(now_ms // _HOUR_MS)
        self._turn_to_turn(now_ms // _TURN_MS)
        shift = now_ms // DAY_MS - DAYS_SEEN // 2 - self.base_day
        if 0 <= shift < DAYS_SEEN // 4:
            return
        days = self.arrays.days
        came = days & np.uint64(~DAYS_MASK & (1 << 64) - 1)
        if shift >= DAYS_SEEN or shift < 0:
            days[:] = came
        else:
            days[:] = came | (days & np.uint64(DAYS_MASK)) >> np.uint64(shift)
        self.base_day += shift

    def _turn_to_turn(self, turn: int) -> None:
        """Begin another turn, counted since 1970: series that did not come lately go, if they are many."""
        if turn == self._turn:
            return
        # A time before the last one makes it unknown who came lately until that is over.
        newest, self._turn = max(turn, self._turn), turn
        self.used[1] = turn % _TURNS
        if self._first_turn is None or turn < newest:
            self._first_turn = newest + 1
        known = int(self.used[0])
        if known <= _FIRST_SLOTS // 4:
            return
        lately = _count_lately(self.arrays, int(self.used[1]))
        if _IDLE_PART * (known - lately) > known:
            self._drop_idle(self._slots(lately))
            self.tell()

    def _turn_to_hour(self, hour: int) -> None:
        """Begin another hour, counted since 1970: what had no sample in the one before is active no longer.

        A pass over the table, of a millisecond for each million of slots.
        """
        if hour <= self._hour:
            return
        is_next, self._hour = hour == self._hour + 1, hour
        bit = self._hour_bit()
        days = self.arrays.days
        days &= ~(bit.astype(np.uint64) if is_next else HOURS)
        for tenant, census in list(self._census.items()):
            census[ACTIVE] = census[SEEN] if is_next else 0
            census[SEEN], census[HOUR] = 0, bit
            if not census[ACTIVE]:
                del self._census[tenant]

    def take_back(self, slot: int, before: np.uint64, census: NDArray[np.int64]) -> None:
        """Undo what was registered of a series since its days were `before`."""
        days, hour = self.arrays.days, census[HOUR].astype(np.uint64)
        if days[slot] & hour and not before & hour:
            census[SEEN] -= 1
            census[ACTIVE] -= not before & HOURS
        days[slot] = before

    def _forget_active(self) -> None:
        for census in self._census.values():
            census[ACTIVE] = census[SEEN] = 0
