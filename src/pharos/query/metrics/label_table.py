"""The label sets of one tenant's series that were met so far, each once, in columns that only grow.

A selection is then a list of rows, whichever selector found it: of a series that is known only the id is
read. Readers take a source of what is there at that moment; what is appended later lies behind it, in the
same memory or in a larger copy, so that they need no lock.
"""

from __future__ import annotations

import threading
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import copy_bytes, load_u8, load_u64
from pharos.engine.columns import frozen, numbers
from pharos.promql.grids.label_columns import LabelColumns, LabelSource
from pharos.promql.kernels.labels import LabelArrays

_ROWS_AT_ONCE: Final = 8_192
"""Room is made for so many rows at a time, and other threads get their turn in between."""
_LEAST: Final = 16
_TAG_BITS: Final = 31
"""So much of a text's hash stands beside its code in a slot; the first bits of it lead to the slot."""
_BLOCK: Final = 64
"""Texts of so many rows are looked up together."""
_OWN: Final = -1
_SHARED: Final = -2
"""Stand for codes that are not known yet: of a text of its own, and of that of the row before."""
NO_CODE: Final = -2
"""The code of a text that no label has."""


class _Read(NamedTuple):
    """Label sets as the store answers: the pairs of row i stand between `at[i]` and `at[i + 1]`.

    The names are there once each; of a pair there is the number of its name.
    """

    at: NDArray[np.int32]
    name: NDArray[np.int32]
    names_at: NDArray[np.int32]
    names: NDArray[np.uint8]
    values_at: NDArray[np.int32]
    values: NDArray[np.uint8]


class Course(NamedTuple):
    """How much there was when rows began to be added, and how many rows there are to be in the end."""

    rows: int
    codes: int
    values: int
    text_bytes: int
    last: int


class _IdSlots(NamedTuple):
    """Open addressing from the id of a series to its row; `row` is -1 where a slot is empty."""

    id: NDArray[np.uint64]
    row: NDArray[np.int32]


class _ShapeSlots(NamedTuple):
    """Open addressing from the hash of a shape's names to its number; a hash of 0 is an empty slot."""

    hash: NDArray[np.uint64]
    number: NDArray[np.int32]


@inlined_kernel
def _shift_of(slots: int) -> Any:
    """Return by how much a tag is shifted for its first bits to name one of the slots, 2^n of them."""
    shift = np.uint64(_TAG_BITS)
    while slots > 1:
        slots >>= 1
        shift -= np.uint64(1)
    return shift


@inlined_kernel
def _are_equal(one: Any, at: Any, other: Any, other_at: Any, length: Any) -> bool:
    """Return whether `length` bytes are the same."""
    k = np.int64(0)
    while k + 8 <= length:
        if load_u64(one, at + k) != load_u64(other, other_at + k):
            return False
        k += 8
    while k < length:
        if load_u8(one, at + k) != load_u8(other, other_at + k):
            return False
        k += 1
    return True


@inlined_kernel
def _have_same_names(read: Any, i: Any, j: Any) -> bool:
    """Return whether rows i and j have the same label names."""
    a, b = np.int64(read.at[i]), np.int64(read.at[j])
    count = read.at[i + 1] - a
    if count != read.at[j + 1] - b:
        return False
    k = np.int64(0)
    while k < count and read.name[a + k] == read.name[b + k]:
        k += 1
    return bool(k == count)


@kernel
def _find_shapes(read: Any, chosen: Any, seed: Any, known: int, slots: Any, shapes: Any, new: Any) -> int:
    """Write the shape of each chosen row; return how many are new, whose first rows stand in `new`.

    `known` is how many there are.
    """
    hashes, numbers_of = slots
    mask = np.uint64(len(hashes) - 1)
    found = 0
    for k in range(len(chosen)):
        i = chosen[k]
        if k and _have_same_names(read, i, chosen[k - 1]):
            shapes[k] = shapes[k - 1]
            continue
        state = np.uint64(seed) ^ np.uint64(read.at[i + 1] - read.at[i])
        for pair in range(read.at[i], read.at[i + 1]):
            begin = np.int64(read.names_at[read.name[pair]])
            end = np.int64(read.names_at[read.name[pair] + 1])
            state = hash_bytes(read.names, begin, end, state)
        state |= np.uint64(1)
        slot = (state >> np.uint64(1)) & mask
        while hashes[slot] != 0 and hashes[slot] != state:
            slot = (slot + np.uint64(1)) & mask
        if hashes[slot] == 0:
            hashes[slot] = state
            numbers_of[slot] = known + found
            new[found] = i
            found += 1
        shapes[k] = numbers_of[slot]
    return found


@inlined_kernel
def _mark_shared(read: Any, i: Any, before: Any, codes: Any, at: Any) -> None:
    """Write for each pair of row i whether its value is that of row `before`, -1 for none."""
    first = np.int64(read.at[i])
    for k in range(np.int64(read.at[i + 1]) - first):
        codes[at + k] = _OWN
        if before < 0:
            continue
        begin = np.int64(read.values_at[first + k])
        length = np.int64(read.values_at[first + k + 1]) - begin
        other = np.int64(read.at[before]) + k
        other_begin = np.int64(read.values_at[other])
        if np.int64(read.values_at[other + 1]) - other_begin == length and _are_equal(
            read.values, begin, read.values, other_begin, length
        ):
            codes[at + k] = _SHARED


@inlined_kernel
def _code_in(arrays: Any, text: Any, begin: Any, length: Any, tag: Any, slots: Any) -> Any:
    """Return the code of a text and its slot; where it has none yet, -1 and the slot that is free for it."""
    mask = np.uint64(len(slots) - 1)
    slot = np.uint64(tag) >> _shift_of(len(slots))
    while slots[slot] >= 0:
        if slots[slot] >> 32 == tag:
            known = slots[slot] & 0xFFFFFFFF
            at = arrays.text_at[known]
            if arrays.text_at[known + 1] - at == length and _are_equal(arrays.text, at, text, begin, length):
                return known, slot
        slot = (slot + np.uint64(1)) & mask
    return np.int64(-1), slot


@kernel
def _append(
    read: Any, chosen: Any, seed: Any, arrays: Any, used: tuple[int, int, int], slots: Any
) -> tuple[int, int, Any]:
    """Append the chosen rows, whose shapes are there, and return how many codes and values there are then.

    `used` are the rows, codes and values there are; there is room for more. `slots` lead from the hash of a
    text to its code: a slot holds both, in order of the hashes, and -1 where it is empty.

    A few rows at a time: slots lie all over the memory, so those of all texts that a row does not share with
    the one before are touched in a loop that does nothing else, where no look waits for another. What it
    found there is returned too, since the compiler leaves out what nobody uses.
    """
    row, codes, values = used
    shift = _shift_of(len(slots))
    touched = np.int64(0)
    for low in range(0, len(chosen), _BLOCK):
        high = min(low + _BLOCK, len(chosen))
        end: Any = codes
        for k in range(low, high):
            i = chosen[k]
            arrays.first[row + k] = end
            is_like = k > low and arrays.shape[row + k - 1] == arrays.shape[row + k]
            _mark_shared(read, i, np.int64(chosen[k - 1]) if is_like else np.int64(-1), arrays.code, end)
            end += np.int64(read.at[i + 1]) - np.int64(read.at[i])
        tags = np.empty(end - codes, np.int64)
        own = 0
        for k in range(low, high):
            first = np.int64(read.at[chosen[k]])
            for pair in range(first, read.at[chosen[k] + 1]):
                if arrays.code[arrays.first[row + k] + pair - first] == _OWN:
                    begin, last = np.int64(read.values_at[pair]), np.int64(read.values_at[pair + 1])
                    state = hash_bytes(read.values, begin, last, seed)
                    tags[own] = np.int64(state >> np.uint64(64 - _TAG_BITS))
                    own += 1
        for n in range(own):
            touched ^= slots[np.uint64(tags[n]) >> shift]
        own = 0
        for k in range(low, high):
            first = np.int64(read.at[chosen[k]])
            for pair in range(first, read.at[chosen[k] + 1]):
                if arrays.code[codes] == _SHARED:
                    arrays.code[codes] = arrays.code[arrays.first[row + k - 1] + pair - first]
                    codes += 1
                    continue
                begin = np.int64(read.values_at[pair])
                length = np.int64(read.values_at[pair + 1]) - begin
                code, slot = _code_in(arrays, read.values, begin, length, tags[own], slots)
                if code < 0:
                    code = np.int64(values)
                    slots[slot] = (tags[own] << 32) | code
                    at = arrays.text_at[values]
                    copy_bytes(arrays.text, at, read.values, begin, length)
                    arrays.text_at[values + 1] = at + length
                    values += 1
                own += 1
                arrays.code[codes] = code
                codes += 1
    return codes, values, touched


@kernel
def _move_slots(old: Any, new: Any) -> None:
    """Enter all that the smaller slots hold into larger ones, without a look at the texts."""
    mask, shift = np.uint64(len(new) - 1), _shift_of(len(new))
    for i in range(len(old)):
        if old[i] < 0:
            continue
        slot = np.uint64(old[i] >> 32) >> shift
        while new[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        new[slot] = old[i]


@kernel
def _find_text(arrays: Any, wanted: Any, seed: Any, slots: Any) -> int:
    """Return the code of a text, -1 if there is none."""
    length = np.int64(len(wanted))
    state = hash_bytes(wanted, np.int64(0), length, seed)
    tag = np.int64(state >> np.uint64(64 - _TAG_BITS))
    code, _ = _code_in(arrays, wanted, np.int64(0), length, tag, slots)
    return int(code)


@kernel
def _find_rows(ids: Any, slot_id: Any, slot_row: Any, rows: Any) -> None:
    """Write the row of each id, -1 where there is none."""
    mask = np.uint64(len(slot_id) - 1)
    for i in range(len(ids)):
        slot = ids[i] & mask
        while slot_row[slot] >= 0 and slot_id[slot] != ids[i]:
            slot = (slot + np.uint64(1)) & mask
        rows[i] = slot_row[slot]


@kernel
def _enter_rows(ids: Any, first: int, slot_id: Any, slot_row: Any) -> None:
    """Enter ids that are not there, with rows from `first` on."""
    mask = np.uint64(len(slot_id) - 1)
    for i in range(len(ids)):
        slot = ids[i] & mask
        while slot_row[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        slot_id[slot] = ids[i]
        slot_row[slot] = first + i


@kernel
def _move_rows(from_id: Any, from_row: Any, to_id: Any, to_row: Any) -> None:
    """Enter all that the smaller slots hold into larger ones."""
    mask = np.uint64(len(to_id) - 1)
    for i in range(len(from_id)):
        if from_row[i] < 0:
            continue
        slot = from_id[i] & mask
        while to_row[slot] >= 0:
            slot = (slot + np.uint64(1)) & mask
        to_id[slot] = from_id[i]
        to_row[slot] = from_row[i]


def _id_slots(least: int) -> _IdSlots:
    """Return empty slots, `least` at least."""
    size = 1 << (least - 1).bit_length()
    return _IdSlots(np.zeros(size, np.uint64), np.full(size, -1, np.int32))


def _grown(column: NDArray[Any], used: int, room: int, expected: int = 0) -> NDArray[Any]:
    """Return the column, or a larger copy of its first `used` entries, with room for `room` in all.

    Where it has to be larger it is made for the `expected` entries at once.
    """
    if room <= len(column):
        return column
    larger: NDArray[Any] = np.empty(max(room, expected, 2 * len(column)), column.dtype)
    larger[:used] = column[:used]
    return larger


class LabelTable:
    """Label sets by the id of their series; thread-safe. `seed` keeps outsiders from making texts collide."""

    def __init__(self, seed: int) -> None:
        self._seed = np.uint64(seed)
        self._lock = threading.Lock()
        self._origin = object()
        self._rows = self._codes = self._values = self._shapes = 0
        self._names: dict[str, int] = {}
        self._arrays = LabelArrays(
            text=np.empty(1 << 12, np.uint8),
            text_at=np.zeros(_LEAST, np.int64),
            shape_at=np.zeros(_LEAST, np.int64),
            shape_name=np.empty(_LEAST, np.int32),
            shape=np.empty(_LEAST, np.int32),
            first=np.empty(_LEAST, np.int64),
            code=np.empty(_LEAST, np.int32),
        )
        self._text_slots = np.full(_LEAST, -1, np.int64)
        self._shapes_by_hash = _ShapeSlots(np.zeros(_LEAST, np.uint64), np.zeros(_LEAST, np.int32))
        self._rows_by_id = _id_slots(_LEAST)

    def __len__(self) -> int:
        return self._rows

    def apart(self) -> LabelTable:
        """Return an empty table with the same seed."""
        return LabelTable(int(self._seed))

    @property
    def nbytes(self) -> int:
        """Return about what it takes in memory."""
        arrays = self._arrays
        text = int(arrays.text_at[self._values])
        pages = self._text_slots.nbytes + sum(slots.nbytes for slots in self._rows_by_id)
        return pages + text + 8 * self._values + 12 * self._rows + 4 * self._codes + 64 * len(self._names)

    def rows(self, ids: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the row of each series, -1 where it is not known."""
        rows: NDArray[np.int32] = np.empty(len(ids), np.int32)
        slots = self._rows_by_id
        _find_rows(ids, slots.id, slots.row, rows)
        return rows

    def columns(self, rows: NDArray[np.int32]) -> LabelColumns:
        """Return the labels of rows that are there."""
        source = self._source()
        return LabelColumns(source, rows, np.ones(len(source.names), np.bool_))

    def holds(self, columns: LabelColumns) -> bool:
        """Return whether the columns are rows of this table."""
        return columns.source.table is self._origin

    def code(self, text: str) -> int:
        """Return the code of a text, one that no label has if there is none."""
        wanted = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
        with self._lock:
            found = _find_text(self._arrays, wanted, self._seed, self._text_slots)
        return found if found >= 0 else NO_CODE

    def expect(self, series: int) -> Course:
        """Return what `add` is to know of series that are not there yet: that there are so many at most."""
        with self._lock:
            last = self._rows + series
            self._make_index(last)
            text_bytes = int(self._arrays.text_at[self._values])
            return Course(self._rows, self._codes, self._values, text_bytes, last)

    def add(
        self,
        ids: NDArray[np.uint64],
        labels: pa.MapArray,
        course: Course,
        wanted: NDArray[np.bool_] | None = None,
    ) -> None:
        """Append the label sets, a map column of the store's answer, of the series that are not known.

        With `wanted` only of those for which it is set.
        """
        keys = labels.keys.dictionary_encode()  # which the store's are already
        name = frozen(numbers(keys.indices))
        at = frozen(numbers(labels.offsets))
        read = _Read(at, name, *_texts(keys.dictionary), *_texts(labels.items))
        for low in range(0, len(ids), _ROWS_AT_ONCE):
            part = ids[low : low + _ROWS_AT_ONCE]
            with self._lock:
                is_new = self.rows(part) < 0
                if wanted is not None:
                    is_new &= wanted[low : low + _ROWS_AT_ONCE]
                (chosen,) = np.nonzero(is_new)
                new = part[chosen]
                if not (new[1:] > new[:-1]).all():  # one stands there for each of several days
                    _, places = np.unique(new, return_index=True)
                    chosen = chosen[np.sort(places)]
                if chosen.size:
                    self._append(part[chosen], read, chosen + low, course)

    def _append(
        self, ids: NDArray[np.uint64], read: _Read, chosen: NDArray[np.int64], course: Course
    ) -> None:
        """Append rows of what was read, none of which is known; the lock is held."""
        self._set_shapes(read, chosen)
        pairs = int((read.at[chosen + 1] - read.at[chosen]).sum())
        begin, end = read.values_at[read.at[chosen]], read.values_at[read.at[chosen + 1]]
        self._make_room(len(chosen), pairs, int((end - begin).sum()), course)
        self._codes, self._values, _ = _append(
            read, chosen, self._seed, self._arrays, (self._rows, self._codes, self._values), self._text_slots
        )
        # Last of all: who finds an id finds its labels.
        self._make_index(self._rows + len(ids))
        _enter_rows(ids, self._rows, *self._rows_by_id)
        self._rows += len(ids)

    def _make_index(self, rows: int) -> None:
        """Make room for so many rows in all in the slots that lead to them; the lock is held."""
        if 2 * rows > len(self._rows_by_id.id):
            slots = _id_slots(2 * rows)
            _move_rows(*self._rows_by_id, *slots)
            self._rows_by_id = slots

    def _set_shapes(self, read: _Read, chosen: NDArray[np.int64]) -> None:
        """Write the shape of each chosen row, those that are new entered first."""
        rows = self._rows + len(chosen)
        if 2 * (self._shapes + len(chosen)) > len(self._shapes_by_hash.hash):
            self._grow_shape_slots(self._shapes + len(chosen))
        shape = _grown(self._arrays.shape, self._rows, rows)
        new = np.empty(len(chosen), np.int64)
        slots, entered = self._shapes_by_hash, shape[self._rows : rows]
        found = _find_shapes(read, chosen, self._seed, self._shapes, slots, entered, new)
        names: list[int] = []
        ends: list[int] = []
        placed = int(self._arrays.shape_at[self._shapes])
        for row in new[:found].tolist():
            for pair in range(int(read.at[row]), int(read.at[row + 1])):
                number = read.name[pair]
                text = str(read.names[read.names_at[number] : read.names_at[number + 1]].data, "utf-8")
                names.append(self._names.setdefault(text, len(self._names)))
            ends.append(placed + len(names))
        shape_name = _grown(self._arrays.shape_name, placed, placed + len(names))
        shape_at = _grown(self._arrays.shape_at, self._shapes + 1, self._shapes + found + 1)
        shape_name[placed : placed + len(names)] = names
        shape_at[self._shapes + 1 : self._shapes + found + 1] = ends
        self._shapes += found
        self._arrays = self._arrays._replace(shape=shape, shape_name=shape_name, shape_at=shape_at)

    def _grow_shape_slots(self, shapes: int) -> None:
        old = self._shapes_by_hash
        size = 1 << (4 * shapes).bit_length()
        slots = _ShapeSlots(np.zeros(size, np.uint64), np.zeros(size, np.int32))
        held = np.flatnonzero(old.hash)
        for state, number in zip(old.hash[held].tolist(), old.number[held].tolist(), strict=True):
            slot = (state >> 1) & (size - 1)
            while slots.hash[slot]:
                slot = (slot + 1) & (size - 1)
            slots.hash[slot], slots.number[slot] = state, number
        self._shapes_by_hash = slots

    def _make_room(self, rows: int, pairs: int, text_bytes: int, course: Course) -> None:
        """Make room for so many more rows, pairs, and bytes of values that may all be new.

        What has to grow grows to what it takes in the end if the rows to come are like those that came: a
        million series would be copied over and over, and their texts entered anew each time.
        """
        arrays, used = self._arrays, int(self._arrays.text_at[self._values])
        came = self._rows - course.rows
        times = (course.last - self._rows) / came if came else 0.0
        values_in_the_end = self._values + int(times * (self._values - course.values))
        self._arrays = arrays._replace(
            text=_grown(arrays.text, used, used + text_bytes, used + int(times * (used - course.text_bytes))),
            text_at=_grown(arrays.text_at, self._values + 1, self._values + pairs + 1, values_in_the_end + 1),
            first=_grown(arrays.first, self._rows, self._rows + rows, course.last),
            code=_grown(
                arrays.code,
                self._codes,
                self._codes + pairs,
                self._codes + int(times * (self._codes - course.codes)),
            ),
        )
        if 2 * (self._values + pairs) > len(self._text_slots):
            # What is expected is rather too much: of the first rows more values are new than of later ones.
            slots_wanted = max(2 * (self._values + pairs), 3 * values_in_the_end // 2)
            slots = np.full(1 << (slots_wanted - 1).bit_length(), -1, np.int64)
            _move_slots(self._text_slots, slots)
            self._text_slots = slots

    def _source(self) -> LabelSource:
        with self._lock:
            arrays = self._arrays
            seen = arrays._replace(
                shape_at=arrays.shape_at[: self._shapes + 1],
                shape_name=arrays.shape_name[: arrays.shape_at[self._shapes]],
                shape=arrays.shape[: self._rows],
                text_at=arrays.text_at[: self._values + 1],
            )
            return LabelSource(seen, tuple(self._names), self._origin, self._origin, self._seed)


def warm_up() -> LabelColumns:
    """Run every kernel that labels in columns need, once, and return some; few series need none."""
    table = LabelTable(0)
    course = table.expect(64)
    texts = pa.array([str(number) for number in range(64)], pa.string())
    maps = pa.MapArray.from_arrays(pa.array(range(0, 65, 2), pa.int32()), texts, texts)
    for first in (0, 1_000):
        table.add(np.arange(first, first + 32, dtype=np.uint64), maps, course)
    columns = table.columns(table.rows(np.arange(32, dtype=np.uint64)))
    table.code("1")
    columns.codes("1")
    columns.numbered()
    columns.only(("1",)).beside(columns.without(("1",)))
    list(columns)
    return columns


def _texts(column: pa.Array) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Return offsets and bytes of a column of strings."""
    _, ends, text = column.buffers()
    at = np.frombuffer(ends, np.int32, len(column) + 1, 4 * column.offset)
    return frozen(at), frozen(np.frombuffer(text or b"\0", np.uint8))
