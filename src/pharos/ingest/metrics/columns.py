"""The columns of one load run: what the frames of one log segment decode to, per tenant.

Kernels write straight into these arrays; `mark` and `rollback` undo a request that turns out bad or that
the log did not take. Counts live in one array so that a kernel can advance them.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

# Places in `TenantColumns.counts`. The first group counts rows and bytes written and is rolled back.
SAMPLES: Final = 0
STARTS: Final = 1
SERIES: Final = 2
METRIC_BYTES: Final = 3
KEY_BYTES: Final = 4
VALUE_BYTES: Final = 5
LABELS: Final = 6
PARTS: Final = 7
# The second group tells of one request and is cleared before each.
FUTURE: Final = 8
OLD: Final = 9
INVALID: Final = 10
FAULT: Final = 11
FAULT_AT: Final = 12
BEYOND_SERIES: Final = 13
"""Series that are more than the tenant may have."""
BEYOND_SAMPLES: Final = 14
"""What these had of samples."""
BEYOND_LABELS: Final = 15
"""Of the invalid series those whose labels are good, but more or longer than the tenant may have."""
SAMPLED_OUT: Final = 16
"""Samples, histograms and exemplars of series that sampling leaves out."""
COUNTS: Final = 17

_FIRST_ROWS: Final = 4352
"""Doubled six times it is a little more than a segment of usual size has (`IntakeOptions.batch_bytes`)."""
_FIRST_STARTS: Final = 16
_FIRST_SERIES: Final = 64
_FIRST_TEXT_BYTES: Final = 4096
_FIRST_PARTS: Final = 64
_MAPPED_BYTES: Final = 1 << 20
_KEPT_SAMPLES_BYTES: Final = 11 << 20
"""What columns that are emptied keep of their room: a third more than a batch of usual size takes."""
_KEPT_OTHERS_BYTES: Final = 1 << 20
"""The same of each other kind of row. Labels of series come once, when senders begin, and then hardly any."""


class SampleArrays(NamedTuple):
    """Float samples, one row each."""

    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]
    ts_ms: NDArray[np.int64]
    value: NDArray[np.float64]


class StartArrays(NamedTuple):
    """Start timestamps of samples that have one."""

    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]
    ts_ms: NDArray[np.int64]
    start_ms: NDArray[np.int64]


class SeriesArrays(NamedTuple):
    """Series to register, a row for each (series, day); label bytes are length-prefixed strings.

    `slot` and `days_before` undo the registration in the table of known series (slot -1: nothing to undo).
    """

    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]
    day: NDArray[np.int32]
    label_end: NDArray[np.uint64]
    slot: NDArray[np.int64]
    days_before: NDArray[np.uint64]
    metric_names: NDArray[np.uint8]
    keys: NDArray[np.uint8]
    values: NDArray[np.uint8]


class PartArrays(NamedTuple):
    """Where exemplars, histograms and metadata of a request lie; decoded after its samples."""

    kind: NDArray[np.uint8]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    id: NDArray[np.uint64]
    metric: NDArray[np.uint64]


def _room(size: int, kind: DTypeLike) -> NDArray[Any]:
    """Return an array to be filled; a large one has pages of its own, which go back when it is dropped.

    In a heap such arrays, of which each doubles, would leave holes as large as they are.
    """
    held = size * np.dtype(kind).itemsize
    if held < _MAPPED_BYTES:
        return np.empty(size, kind)
    return np.frombuffer(mmap.mmap(-1, held, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), kind)


def _sample_arrays(rows: int) -> SampleArrays:
    return SampleArrays(
        _room(rows, np.uint64),
        _room(rows, np.uint64),
        _room(rows, np.int64),
        _room(rows, np.float64),
    )


def _start_arrays(rows: int) -> StartArrays:
    return StartArrays(
        _room(rows, np.uint64),
        _room(rows, np.uint64),
        _room(rows, np.int64),
        _room(rows, np.int64),
    )


def _series_arrays(rows: int, text_bytes: int) -> SeriesArrays:
    return SeriesArrays(
        _room(rows, np.uint64),
        _room(rows, np.uint64),
        _room(rows, np.int32),
        _room(rows, np.uint64),
        _room(rows, np.int64),
        _room(rows, np.uint64),
        _room(text_bytes, np.uint8),
        _room(text_bytes, np.uint8),
        _room(text_bytes, np.uint8),
    )


def _part_arrays(rows: int) -> PartArrays:
    return PartArrays(
        _room(rows, np.uint8),
        _room(rows, np.int64),
        _room(rows, np.int64),
        _room(rows, np.uint64),
        _room(rows, np.uint64),
    )


def _grown(old: NDArray[np.generic], size: int) -> NDArray[np.generic]:
    fresh = _room(size, old.dtype)
    fresh[: len(old)] = old
    return fresh


def _bytes_of(arrays: tuple[NDArray[Any], ...]) -> int:
    return sum(array.nbytes for array in arrays)


class TenantColumns:
    """One tenant's share of a run."""

    def __init__(self) -> None:
        self.counts: NDArray[np.int64] = np.zeros(COUNTS, np.int64)
        self.samples = _sample_arrays(_FIRST_ROWS)
        self.starts = _start_arrays(_FIRST_STARTS)
        self.series = _series_arrays(_FIRST_SERIES, _FIRST_TEXT_BYTES)
        self.parts = _part_arrays(_FIRST_PARTS)

    def clear(self) -> None:
        """Take all rows out, for another batch, and let go of room that only an unusual one needs."""
        self.counts[:] = 0
        if _bytes_of(self.samples) > _KEPT_SAMPLES_BYTES:
            self.samples = _sample_arrays(_FIRST_ROWS)
        if _bytes_of(self.starts) > _KEPT_OTHERS_BYTES:
            self.starts = _start_arrays(_FIRST_STARTS)
        if _bytes_of(self.series) > _KEPT_OTHERS_BYTES:
            self.series = _series_arrays(_FIRST_SERIES, _FIRST_TEXT_BYTES)
        if _bytes_of(self.parts) > _KEPT_OTHERS_BYTES:
            self.parts = _part_arrays(_FIRST_PARTS)

    def mark(self) -> NDArray[np.int64]:
        """Return the counts as they are, for `rollback`."""
        return self.counts.copy()

    def rollback(self, mark: NDArray[np.int64], take_back: Callable[[int, np.uint64], None]) -> None:
        """Forget what was written since `mark`; `take_back` undoes what it registered, the newest first."""
        for row in range(int(self.counts[SERIES]) - 1, int(mark[SERIES]) - 1, -1):
            slot = int(self.series.slot[row])
            if slot >= 0:
                take_back(slot, self.series.days_before[row])
        self.counts[:] = mark

    def grow(self, message_bytes: int) -> None:
        """Make room for a message of this size; called when a kernel ran out of it, until there is enough.

        Doubles the rows that the message could overflow. If there are none it is the series that want room:
        a row, with all its labels, for each day.
        """
        counts, most = self.counts, message_bytes // 2 + 1
        grew = False
        if int(counts[SAMPLES]) + most > len(self.samples.id):
            grew, rows = True, 2 * len(self.samples.id)
            self.samples = SampleArrays(*(_grown(a, rows) for a in self.samples))  # type: ignore[arg-type]
        if int(counts[STARTS]) + most > len(self.starts.id):
            grew, rows = True, 2 * len(self.starts.id)
            self.starts = StartArrays(*(_grown(a, rows) for a in self.starts))  # type: ignore[arg-type]
        if int(counts[PARTS]) + most > len(self.parts.kind):
            grew, rows = True, 2 * len(self.parts.kind)
            self.parts = PartArrays(*(_grown(a, rows) for a in self.parts))  # type: ignore[arg-type]
        if not grew:
            rows, text = 2 * len(self.series.id), 2 * len(self.series.keys)
            self.series = SeriesArrays(
                *(_grown(a, rows) for a in self.series[:6]),  # type: ignore[arg-type]
                *(_grown(a, text) for a in self.series[6:]),
            )

    def room_bytes(self) -> int:
        """Return the size of the arrays, used or not."""
        return sum(map(_bytes_of, (self.samples, self.starts, self.series, self.parts)))

    def memory_bytes(self) -> int:
        """Return the bytes that the rows written so far stand for."""
        counts = self.counts
        text = int(counts[METRIC_BYTES] + counts[KEY_BYTES] + counts[VALUE_BYTES])
        return 32 * int(counts[SAMPLES] + counts[STARTS]) + 44 * int(counts[SERIES]) + text
