"""Kernels over label sets in columns: which rows have the same labels, and what value each has of one."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import inlined_kernel, kernel

ABSENT: Final = -1
"""The code of a label that a row does not have."""

_SPREAD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)
_HALF: Final = np.uint64(32)
_TAG: Final = np.uint64(33)


class LabelArrays(NamedTuple):
    """Label sets in columns.

    Row r has the shape `shape[r]`, a list of label names: the numbers of those of shape s are
    `shape_name[at]`, `shape_at[s] <= at < shape_at[s + 1]`, in the order of a label set. The codes of their
    values stand in the same order from `code[first[r]]` on. Code c is the UTF-8 text between `text_at[c]`
    and `text_at[c + 1]`; equal texts have one code.
    """

    text: NDArray[np.uint8]
    text_at: NDArray[np.int64]
    shape_at: NDArray[np.int64]
    shape_name: NDArray[np.int32]
    shape: NDArray[np.int32]
    first: NDArray[np.int64]
    code: NDArray[np.int32]


class Side(NamedTuple):
    """Some rows of label sets, and which of their labels count.

    Those of shape s stand at the places `kept[at]`, `kept_at[s] <= at < kept_at[s + 1]`, of the shape.
    """

    shape_at: NDArray[np.int64]
    shape_name: NDArray[np.int32]
    shape: NDArray[np.int32]
    first: NDArray[np.int64]
    code: NDArray[np.int32]
    kept_at: NDArray[np.int64]
    kept: NDArray[np.int32]
    rows: NDArray[np.int32]


@kernel
def fill_kept(shape_at: Any, shape_name: Any, keep: Any, kept_at: Any, kept: Any) -> None:
    """Fill in which labels of each shape count: those whose name has its flag set in `keep`."""
    n = 0
    for s in range(len(shape_at) - 1):
        kept_at[s] = n
        for at in range(shape_at[s], shape_at[s + 1]):
            if keep[shape_name[at]]:
                kept[n] = at - shape_at[s]
                n += 1
    kept_at[len(shape_at) - 1] = n


@inlined_kernel
def _are_same(one: Any, i: Any, other: Any, j: Any) -> bool:
    """Return whether row i of one side has the same labels as row j of the other."""
    row, other_row = one.rows[i], other.rows[j]
    s, t = one.shape[row], other.shape[other_row]
    a, b = one.kept_at[s], other.kept_at[t]
    count = one.kept_at[s + 1] - a
    if count != other.kept_at[t + 1] - b:
        return False
    for k in range(count):
        p, q = one.kept[a + k], other.kept[b + k]
        if one.code[one.first[row] + p] != other.code[other.first[other_row] + q]:
            return False
        if one.shape_name[one.shape_at[s] + p] != other.shape_name[other.shape_at[t] + q]:
            return False
    return True


@inlined_kernel
def _hash_row(side: Any, i: Any, seed: Any) -> Any:
    row = side.rows[i]
    shape, first = side.shape[row], side.first[row]
    names = side.shape_at[shape]
    state = seed
    for at in range(side.kept_at[shape], side.kept_at[shape + 1]):
        place = side.kept[at]
        pair = (np.uint64(side.shape_name[names + place]) << _HALF) | np.uint64(side.code[first + place])
        state = (state ^ pair) * _SPREAD
        state ^= state >> _HALF
    return state


@kernel
def number_rows(one: Any, other: Any, seed: Any, slots: Any, numbers: Any, firsts: Any) -> int:
    """Give each row the number of its label set, in the order of appearance; return how many sets there are.

    The rows of `other` count on from those of `one`. `slots` holds -1, a power of two of them and more than
    rows. `firsts` takes where each set appears first.
    """
    mask = np.uint64(len(slots) - 1)
    split = len(one.rows)
    count = 0
    for i in range(split + len(other.rows)):
        state = _hash_row(one, i, seed) if i < split else _hash_row(other, i - split, seed)
        tag = np.int64(state >> _TAG)
        slot = state & mask
        number = np.int64(-1)
        while slots[slot] >= 0:
            held = slots[slot]
            if held >> 32 == tag:
                candidate = held & 0xFFFFFFFF
                at = firsts[candidate]
                if i < split:
                    same = _are_same(one, i, one, at)
                elif at < split:
                    same = _are_same(other, i - split, one, at)
                else:
                    same = _are_same(other, i - split, other, at - split)
                if same:
                    number = candidate
                    break
            slot = (slot + np.uint64(1)) & mask
        if number < 0:
            number = np.int64(count)
            slots[slot] = (tag << 32) | number
            firsts[count] = i
            count += 1
        numbers[i] = number
    return count


@kernel
def find_places(shape_at: Any, shape_name: Any, name: int, out: Any) -> None:
    """Write where each shape has the name; `ABSENT` where it has not."""
    for s in range(len(shape_at) - 1):
        out[s] = -1
        for at in range(shape_at[s], shape_at[s + 1]):
            if shape_name[at] == name:
                out[s] = at - shape_at[s]


@kernel
def find_codes(arrays: Any, rows: Any, places: Any, out: Any) -> None:
    """Write each row's code of the label at the place of its shape; `ABSENT` where it has none."""
    for i in range(len(rows)):
        place = places[arrays.shape[rows[i]]]
        out[i] = arrays.code[arrays.first[rows[i]] + place] if place >= 0 else -1


@kernel
def gather_pairs(side: Any, at: Any, pairs: Any) -> None:
    """Write the labels that count, row after row: those of row i from `at[i]` on, as name << 32 | code."""
    n = 0
    for i in range(len(side.rows)):
        at[i] = n
        row = side.rows[i]
        shape, first = side.shape[row], side.first[row]
        for k in range(side.kept_at[shape], side.kept_at[shape + 1]):
            place = side.kept[k]
            pairs[n] = (np.int64(side.shape_name[side.shape_at[shape] + place]) << 32) | side.code[
                first + place
            ]
            n += 1
    at[len(side.rows)] = n


@kernel
def join_rows(one: Any, other: Any, kind: Any, at: Any, origins: Any, first: Any, code: Any) -> None:
    """Write the codes of the labels of both sides, row by row.

    Those of row i come from `origins[k]`, `at[kind[i]] <= k < at[kind[i] + 1]`: a place in the shape of
    `one`, or minus one less the place in that of `other`.
    """
    for i in range(len(kind)):
        mine, others = one.first[one.rows[i]], other.first[other.rows[i]]
        n = first[i]
        for k in range(at[kind[i]], at[kind[i] + 1]):
            origin = origins[k]
            code[n] = one.code[mine + origin] if origin >= 0 else other.code[others - 1 - origin]
            n += 1


@inlined_kernel
def _is_text_before(text: Any, text_at: Any, code: Any, other: Any) -> bool:
    """Return whether a text comes before another one that is not the same, by their bytes."""
    a, a_end = text_at[code], text_at[code + 1]
    b, b_end = text_at[other], text_at[other + 1]
    while a < a_end and b < b_end:
        if text[a] != text[b]:
            return bool(text[a] < text[b])
        a += 1
        b += 1
    return bool(a_end - a < b_end - b)


@kernel
def _is_before(side: Any, text: Any, text_at: Any, ranks: Any, i: Any, j: Any) -> bool:
    """Return whether the labels of row i come before those of row j, pair by pair."""
    row, other_row = side.rows[i], side.rows[j]
    s, t = side.shape[row], side.shape[other_row]
    a, b = side.kept_at[s], side.kept_at[t]
    a_end, b_end = side.kept_at[s + 1], side.kept_at[t + 1]
    while a < a_end and b < b_end:
        p, q = side.kept[a], side.kept[b]
        name = ranks[side.shape_name[side.shape_at[s] + p]]
        other_name = ranks[side.shape_name[side.shape_at[t] + q]]
        if name != other_name:
            return bool(name < other_name)
        code, other = side.code[side.first[row] + p], side.code[side.first[other_row] + q]
        if code != other:
            return _is_text_before(text, text_at, code, other)
        a += 1
        b += 1
    return bool(a_end - a < b_end - b)


@kernel
def order_rows(side: Any, text: Any, text_at: Any, ranks: Any, order: Any, spare: Any) -> None:
    """Fill `order` with the rows in the order of their labels; `ranks` is that of the names.

    A merge from the bottom up; `spare` is of the same size. Rows with the same labels stay as they were.
    """
    n = len(order)
    for i in range(n):
        order[i] = i
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if i < middle and (
                    j >= high or not _is_before(side, text, text_at, ranks, order[j], order[i])
                ):
                    spare[k] = order[i]
                    i += 1
                else:
                    spare[k] = order[j]
                    j += 1
        order[:] = spare
        width *= 2
