"""Samples of a metric in memory, in pieces: built from rows of the store, joined, and read by series.

A piece holds the series of one metric in columns (CSR), ordered by id; the pieces of a bucket follow one
another in time, so that a series' samples are those of the first piece, then those of the second ...
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.query.metrics.packed import Packed, cut, pack, unpack
from pharos.query.metrics.regroup import regroup

Rows = Sequence[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]]
"""Chunks of (id, time ms, value), as the store returns them."""

_PIECE_OVERHEAD: Final = 768
_JOINED_SAMPLES: Final = 2_000_000
"""How many samples are unpacked at once to join pieces."""


class Piece(Struct, frozen=True):
    """Samples of series, ordered by id; times are after `base_ms`, ascending, none twice in a series.

    Only samples from `first_ms` to `last_ms` count: the end may have been cut off.
    """

    base_ms: int
    ids: NDArray[np.uint64]
    packed: Packed
    first_ms: int
    last_ms: int

    @property
    def samples(self) -> int:
        """Return how many samples it holds, those cut off too."""
        return self.packed.samples

    @property
    def nbytes(self) -> int:
        """Return the memory it takes."""
        return _PIECE_OVERHEAD + self.ids.nbytes + self.packed.nbytes


@kernel
def _heads(ids: Any, out: Any) -> int:
    """Write the id of every run of equal ids; return how many."""
    n = 0
    for i in range(len(ids)):
        if i == 0 or ids[i] != ids[i - 1]:
            out[n] = ids[i]
            n += 1
    return n


def _distinct(rows: Rows) -> NDArray[np.uint64]:
    found = []
    for ids, _, _ in rows:
        heads = np.empty(len(ids), np.uint64)
        found.append(heads[: _heads(ids, heads)].copy())
    distinct: NDArray[np.uint64] = np.unique(np.concatenate(found))
    return distinct


def piece_of(rows: Rows, base_ms: int, low_ms: int, high_ms: int) -> Piece | None:
    """Return the piece of the rows with `low_ms <= time <= high_ms`, or None if there are none.

    Of several samples with one time the greatest value stays. Times must lie within 24 days of `base_ms`.
    """
    if not rows:
        return None
    ids = _distinct(rows)
    offsets, ts, values = regroup(rows, ids, low_ms, high_ms)
    if not len(ts):
        return None
    return Piece(base_ms, ids, pack(offsets, ts, values, base_ms), int(ts.min()), int(ts.max()))


def until(piece: Piece, below_ms: int) -> Piece | None:
    """Return the piece without its samples from `below_ms` on, or None if none are left; copies nothing."""
    if piece.last_ms < below_ms:
        return piece
    return replace(piece, last_ms=below_ms - 1) if piece.first_ms < below_ms else None


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return one piece of several that follow one another in time and have one base."""
    return _joined(pieces, pieces[0].first_ms)[0]


def since(pieces: Sequence[Piece], from_ms: int) -> tuple[Piece, ...]:
    """Return the pieces, of one base and in order of time, as one without what is before `from_ms`.

    Series that ended before are not in it; nothing is returned where all did.
    """
    near = [piece for piece in pieces if piece.last_ms >= from_ms]
    return _joined(near, max(from_ms, near[0].first_ms), only_present=True) if near else ()


def _joined(pieces: Sequence[Piece], first: int, *, only_present: bool = False) -> tuple[Piece, ...]:
    ids: NDArray[np.uint64] = pieces[0].ids
    for piece in pieces[1:]:
        if not np.array_equal(ids, piece.ids):
            ids = np.union1d(ids, piece.ids)
    base, last = pieces[0].base_ms, pieces[-1].last_ms
    at_once = max(1, _JOINED_SAMPLES * len(ids) // max(1, sum(piece.samples for piece in pieces)))
    parts = []
    for at in range(0, len(ids), at_once):
        own = ids[at : at + at_once]
        offsets, ts, values = find(pieces, own, first, last).read()
        if only_present:
            (there,) = np.nonzero(np.diff(offsets))
            own, offsets = own[there], np.append(offsets[there], offsets[-1])
        if len(own):
            parts.append(Piece(base, own, pack(offsets, ts, values, base), first, last))
    return (side_by_side(parts),) if parts else ()


def side_by_side(pieces: Sequence[Piece]) -> Piece:
    """Return one piece of several of one base that hold different series, those of greater ids later."""
    if len(pieces) == 1:
        return pieces[0]
    packs = [piece.packed for piece in pieces]
    samples = np.cumsum([0, *(one.samples for one in packs)])
    sizes = np.cumsum([0, *(one.body.nbytes for one in packs)])
    packed = Packed(
        np.concatenate(
            [*(one.offsets[:-1] + at for one, at in zip(packs, samples, strict=False)), samples[-1:]]
        ),
        np.concatenate([one.forms for one in packs]),
        np.concatenate([one.first_ts for one in packs]),
        np.concatenate([one.strides for one in packs]),
        np.concatenate([one.heads for one in packs]),
        np.concatenate([one.places + at for one, at in zip(packs, sizes, strict=False)]),
        np.concatenate([one.body for one in packs]),
    )
    ids = np.concatenate([piece.ids for piece in pieces])
    first, last = min(piece.first_ms for piece in pieces), max(piece.last_ms for piece in pieces)
    return Piece(pieces[0].base_ms, ids, packed, first, last)


@kernel
def _place(ids: Any, wanted: int, low: int) -> int:
    """Return the first place from `low` on whose id is not smaller."""
    high = len(ids)
    while low < high:
        middle = (low + high) >> 1
        if ids[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _find(
    ids: Any,
    part_ids: Any,
    offsets: Any,
    forms: Any,
    first_ts: Any,
    strides: Any,
    places: Any,
    body: Any,
    first: int,
    last: int,
    at: Any,
    lengths: Any,
) -> int:
    """Write place, row, low and high of each wanted series' samples in first <= time <= last; return their
    number.

    The shorter list leads: step by step, or by bisection where the other one is very long.
    """
    few, many = 16 * len(ids) < len(part_ids), 16 * len(part_ids) < len(ids)
    s = p = n = 0
    if len(ids) and len(part_ids):
        p = _place(part_ids, ids[0], 0)
        s = _place(ids, part_ids[p], 0) if p < len(part_ids) else len(ids)
    while s < len(ids) and p < len(part_ids):
        if part_ids[p] < ids[s]:
            p = _place(part_ids, ids[s], p) if few else p + 1
        elif ids[s] < part_ids[p]:
            s = _place(ids, part_ids[p], s) if many else s + 1
        else:
            low = cut(p, offsets, forms, first_ts, strides, places, body, first)
            high = cut(p, offsets, forms, first_ts, strides, places, body, last + 1)
            if low < high:
                at[n, 0], at[n, 1], at[n, 2], at[n, 3] = s, p, low, high
                lengths[s] += high - low
                n += 1
            s += 1
            p += 1
    return n


class Found(Struct, frozen=True):
    """Where the samples of a selection stand in pieces; `read` copies them.

    Rows of `places`: place in the selection, row of the piece, and the samples low to high - 1 of that.
    """

    pieces: Sequence[Piece]
    places: Sequence[NDArray[np.int64]]
    offsets: NDArray[np.int64]

    @property
    def count(self) -> int:
        """Return the number of samples."""
        return int(self.offsets[-1])

    def read(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (offsets[series + 1], times, values)."""
        ts = np.empty(self.count, np.int64)
        values = np.empty(self.count, np.float64)
        cursor = self.offsets[:-1].copy()
        for piece, at in zip(self.pieces, self.places, strict=True):
            one = piece.packed
            unpack(
                one.offsets, one.forms, one.first_ts, one.strides, one.heads, one.places, one.body,
                piece.base_ms, at, cursor, ts, values,
            )  # fmt: skip
        return self.offsets, ts, values


def find(pieces: Sequence[Piece], ids: NDArray[np.uint64], start_ms: int, end_ms: int) -> Found:
    """Find the samples of the series (ordered ids) with start_ms <= time <= end_ms in ordered pieces."""
    near = [piece for piece in pieces if piece.first_ms <= end_ms and piece.last_ms >= start_ms]
    places = []
    lengths = np.zeros(len(ids), np.int64)
    for piece in near:
        first = max(start_ms, piece.first_ms) - piece.base_ms
        last = min(end_ms, piece.last_ms) - piece.base_ms
        at = np.empty((min(len(ids), len(piece.ids)), 4), np.int64)
        one = piece.packed
        count = _find(
            ids, piece.ids, one.offsets, one.forms, one.first_ts, one.strides, one.places, one.body,
            first, last, at, lengths,
        )  # fmt: skip
        places.append(at[:count])
    offsets = np.zeros(len(ids) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return Found(near, places, offsets)
