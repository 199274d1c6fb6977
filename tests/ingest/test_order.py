"""Samples are handed to the store in the order of its key, whatever order they came in."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from pharos.engine.keys import BUCKET_MS, bucket_of
from pharos.ingest.metrics.order import key_order

_BEGIN_MS = 1_700_000_000_000 // BUCKET_MS * BUCKET_MS


def _expected(
    ids: NDArray[np.uint64], metrics: NDArray[np.uint64], ts_ms: NDArray[np.int64]
) -> NDArray[np.intp]:
    return np.lexsort((ts_ms, ids, metrics, bucket_of(ts_ms)))


def _rounds(series: int, rounds: int, chance: random.Random) -> list[tuple[int, int, int]]:
    """Return rows (id, metric, time) as a sender of so many series sends them."""
    metrics = [chance.getrandbits(64) for _ in range(1 + series // 10)]
    keys = [(chance.getrandbits(64), chance.choice(metrics)) for _ in range(series)]
    return [(*key, _BEGIN_MS + 15_000 * number) for number in range(rounds) for key in keys]


def _columns(
    rows: list[tuple[int, int, int]],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int64]]:
    return (
        np.array([row[0] for row in rows], np.uint64),
        np.array([row[1] for row in rows], np.uint64),
        np.array([row[2] for row in rows], np.int64),
    )


@pytest.mark.parametrize(("series", "rounds"), [(1, 1), (1, 1000), (700, 5), (3000, 2), (20, 481), (20, 960)])
@pytest.mark.parametrize("how", ["in rounds", "backwards", "shuffled", "twice"])
def test_rows_are_ordered_as_the_table_is(series: int, rounds: int, how: str) -> None:
    chance = random.Random(f"{series} {rounds} {how}")
    rows = _rounds(series, rounds, chance)
    if how == "backwards":
        rows.reverse()
    elif how == "shuffled":
        chance.shuffle(rows)
    elif how == "twice":
        rows += rows
    columns = _columns(rows)

    assert key_order(*columns).tolist() == _expected(*columns).tolist()


def test_no_rows_have_no_order() -> None:
    assert key_order(*_columns([])).tolist() == []


def test_series_whose_hashes_begin_alike_are_told_apart() -> None:
    """Half of a hash is compared first: these differ in the other half alone."""
    rows = [(7 << 32 | low, 9 << 32 | metric, _BEGIN_MS) for low, metric in ((5, 4), (3, 4), (8, 1), (1, 7))]
    columns = _columns(rows)

    assert key_order(*columns).tolist() == _expected(*columns).tolist()


def test_times_before_the_epoch_have_buckets_too() -> None:
    columns = _columns([(1, 1, ms) for ms in (BUCKET_MS, 0, -1, -BUCKET_MS - 1, 5)])

    assert key_order(*columns).tolist() == _expected(*columns).tolist()
