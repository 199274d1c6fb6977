"""Native histograms in columns as values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pharos.promql.histograms.cells import Cells, empty_cells
from pharos.promql.histograms.value import CUSTOM_SCHEMA, FloatHistogram, ResetHint, Side
from pharos.promql.kernels.samples import Floats, Ints
from pharos.promql.source import HistogramColumns


def decode_cells(columns: HistogramColumns) -> Cells:
    """Return the histograms of a block as objects, one a row."""
    rows = columns.ts_ms.size
    cells = empty_cells((rows,))
    positive = bucket_indices(
        columns.positive_spans_at, columns.positive_span_offset, columns.positive_span_length
    )
    negative = bucket_indices(
        columns.negative_spans_at, columns.negative_span_offset, columns.negative_span_length
    )
    for r in range(rows):
        schema = int(columns.schema[r])
        custom: tuple[float, ...] = ()
        if schema == CUSTOM_SCHEMA:
            custom = tuple(columns.custom[columns.custom_at[r] : columns.custom_at[r + 1]].tolist())
        cells[r] = FloatHistogram(
            schema=schema,
            count=float(columns.count[r]),
            sum=float(columns.sum[r]),
            zero_threshold=float(columns.zero_threshold[r]),
            zero_count=float(columns.zero_count[r]),
            positive=_side(positive, columns.positive, columns.positive_at, r),
            negative=_side(negative, columns.negative, columns.negative_at, r),
            custom=custom,
            hint=ResetHint(int(columns.reset_hint[r])),
        )
    return cells


def bucket_indices(at: Ints, offset: NDArray[np.int32], length: NDArray[np.uint32]) -> Ints:
    """Return the bucket index of every bucket of every row, from the rows' spans."""
    lengths = length.astype(np.int64)
    ends = np.cumsum(offset.astype(np.int64) + lengths)
    before = np.concatenate([[0], ends])[at[:-1]]
    starts = ends - lengths - np.repeat(before, np.diff(at))
    total = int(lengths.sum())
    inner = np.arange(total) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    indices: Ints = np.repeat(starts, lengths) + inner
    return indices


def _side(indices: Ints, counts: Floats, at: Ints, row: int) -> Side:
    low, high = int(at[row]), int(at[row + 1])
    if low == high:
        return {}
    return dict(zip(indices[low:high].tolist(), counts[low:high].tolist(), strict=True))
