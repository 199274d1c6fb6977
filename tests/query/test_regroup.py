"""Rows in any order become samples by series: against a plain reading of the same rows."""

from __future__ import annotations

import math
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pharos.query.metrics.regroup import regroup

_Row = tuple[int, int, float]
_IDS = st.sampled_from([0, 3, 5, 6, 2**63, 2**64 - 1])
_VALUES = st.sampled_from([0.0, -0.0, 1.5, -2.0, math.inf, math.nan])
_ROWS = st.lists(st.tuples(_IDS, st.integers(0, 12), _VALUES), max_size=300)


def greatest(values: list[float]) -> float:
    """Return what stays of values at one time: the greatest, a number before a NaN, then by their bits."""
    return max(
        values,
        key=lambda one: (
            not math.isnan(one),
            0.0 if math.isnan(one) else one,
            *struct.unpack("<q", struct.pack("<d", one)),
        ),
    )


def plainly(rows: list[_Row], known: list[int], start: int, end: int) -> list[list[tuple[int, bytes]]]:
    found = []
    for ident in known:
        times = sorted({ts for one, ts, _ in rows if one == ident and start <= ts <= end})
        values = [greatest([v for one, t, v in rows if one == ident and t == ts]) for ts in times]
        found.append([(ts, struct.pack("<d", value)) for ts, value in zip(times, values, strict=True)])
    return found


@given(st.lists(_ROWS, max_size=4), st.sets(_IDS), st.booleans(), st.integers(0, 6), st.integers(5, 13))
def test_rows_become_samples_by_series(
    chunks: list[list[_Row]], wanted: set[int], are_in_order: bool, start: int, end: int
) -> None:
    if are_in_order:
        chunks = [sorted(chunk, key=lambda row: row[:2]) for chunk in chunks]
    known = sorted(wanted)
    columns = []
    for chunk in chunks:
        ids = np.array([row[0] for row in chunk], np.uint64)
        ts, values = np.array([row[1] for row in chunk], np.int64), np.array([row[2] for row in chunk])
        for column in (ids, ts, values):
            column.flags.writeable = False
        columns.append((ids, ts, values))
    offsets, times, values = regroup(columns, np.array(known, np.uint64), start, end)
    expected = plainly([row for chunk in chunks for row in chunk], known, start, end)
    for s, series in enumerate(expected):
        part = slice(int(offsets[s]), int(offsets[s + 1]))
        found = zip(times[part].tolist(), values[part].tolist(), strict=True)
        assert [(ts, struct.pack("<d", value)) for ts, value in found] == series
    assert len(offsets) == len(known) + 1
