"""Packed samples come back to the bit, whatever form their series takes."""

from __future__ import annotations

import numpy as np
import pytest

from pharos.promql.source import STALE_NAN_BITS
from pharos.query.metrics.packed import pack
from pharos.query.metrics.pieces import Piece, find, joined, side_by_side

_BASE = 1_795_000_000_000
_STALE = np.array([STALE_NAN_BITS], np.int64).view(np.float64)[0]


def _times(rng: np.random.Generator, count: int) -> np.ndarray:
    kind = rng.integers(4)
    if kind == 0:
        gaps = np.full(count, rng.integers(1, 60_000))
    elif kind == 1:
        gaps = rng.integers(1, 60_000, count)
    elif kind == 2:
        gaps = rng.integers(1, 100_000, count)
    else:
        gaps = 15_000 * rng.choice([1, 1, 1, 1, 2, 9], count)
    return _BASE + int(rng.integers(100_000)) + np.cumsum(gaps)


def _values(rng: np.random.Generator, count: int) -> np.ndarray:
    kind = rng.integers(8)
    if kind < 4:
        most = 10 ** int(rng.integers(1, 16))
        whole = np.cumsum(rng.integers(0, most, count)) if kind else rng.integers(-most, most, count)
        values = whole.astype(np.float64) / [1, 1, 100, 10_000][kind]
    elif kind == 4:
        values = np.full(count, rng.choice([0.0, -0.0, 0.1, np.inf, _STALE, 1e300]))
    elif kind == 5:
        values = rng.standard_normal(count)
    else:
        values = np.round(rng.uniform(-50, 50, count), 2)
    if rng.random() < 0.3 and count:
        special = [_STALE, np.nan, np.inf, -np.inf, -0.0, 2.0**53, 5e-324]
        values[rng.integers(count)] = rng.choice(special)
    return values


def _piece(rng: np.random.Generator, ids: list[int]) -> Piece:
    counts = [int(rng.choice([0, 1, 2, 3, 480])) for _ in ids]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ts = np.concatenate([_times(rng, count) for count in counts]).astype(np.int64)
    values = np.concatenate([_values(rng, count) for count in counts])
    low, high = (int(ts.min()), int(ts.max())) if len(ts) else (_BASE, _BASE)
    return Piece(_BASE, np.array(ids, np.uint64), pack(offsets, ts, values, _BASE), low, high)


def _whole(piece: Piece) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return find([piece], piece.ids, piece.first_ms, piece.last_ms).read()


@pytest.mark.parametrize("seed", range(40))
def test_every_series_comes_back_to_the_bit(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = [int(rng.choice([0, 1, 2, 3, 50])) for _ in range(30)]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    ts = np.concatenate([_times(rng, count) for count in counts]).astype(np.int64)
    values = np.concatenate([_values(rng, count) for count in counts])
    packed = pack(offsets, ts, values, _BASE)
    ids = np.sort(rng.choice(1 << 60, len(counts), replace=False)).astype(np.uint64)
    piece = Piece(_BASE, ids, packed, int(ts.min()), int(ts.max()))
    got = _whole(piece)
    np.testing.assert_array_equal(got[0], offsets)
    np.testing.assert_array_equal(got[1], ts)
    np.testing.assert_array_equal(got[2].view(np.int64), values.view(np.int64))
    # Any part in time is what the whole has there.
    for _ in range(20):
        start, end = sorted(rng.integers(piece.first_ms - 10, piece.last_ms + 10, 2).tolist())
        wanted = np.sort(rng.choice(ids, rng.integers(1, len(ids)), replace=False))
        part_at, part_ts, part_values = find([piece], wanted, start, end).read()
        for place, one in enumerate(wanted.tolist()):
            row = int(np.searchsorted(ids, np.uint64(one)))
            mine = ts[offsets[row] : offsets[row + 1]]
            inside = (mine >= start) & (mine <= end)
            own = slice(part_at[place], part_at[place + 1])
            np.testing.assert_array_equal(part_ts[own], mine[inside])
            kept = values[offsets[row] : offsets[row + 1]][inside]
            np.testing.assert_array_equal(part_values[own].view(np.int64), kept.view(np.int64))


def test_pieces_of_other_series_are_put_side_by_side() -> None:
    rng = np.random.default_rng(7)
    first, second = _piece(rng, [1, 5, 9]), _piece(rng, [12, 14])
    both = side_by_side([first, second])
    assert both.ids.tolist() == [1, 5, 9, 12, 14]
    for got, left, right in zip(_whole(both)[1:], _whole(first)[1:], _whole(second)[1:], strict=True):
        np.testing.assert_array_equal(got, np.concatenate([left, right]))


def test_whole_numbers_and_even_times_take_little() -> None:
    offsets = np.array([0, 480], np.int64)
    ts = _BASE + 15_000 * np.arange(480, dtype=np.int64)
    assert pack(offsets, ts, np.arange(480, dtype=np.float64) * 100, _BASE).body.nbytes == 480
    assert pack(offsets, ts, np.full(480, 0.1), _BASE).body.nbytes == 0


def test_joined_pieces_read_as_they_did_one_by_one() -> None:
    at, values = np.array([0, 3], np.int64), np.array([1.0, 2.5, _STALE])
    ids = np.array([4], np.uint64)
    early = _BASE + np.array([0, 15_000, 30_000], np.int64)
    first = Piece(_BASE, ids, pack(at, early, values, _BASE), _BASE, _BASE + 15_000)
    later = Piece(_BASE, ids, pack(at, early + 45_000, values, _BASE), _BASE + 45_000, _BASE + 75_000)
    both = joined([first, later])
    assert _whole(both)[1].tolist() == [*early[:2].tolist(), *(early + 45_000).tolist()]
