"""Native histograms of a selection, read from the store into columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.engine import Limits, Session
from pharos.engine.columns import mask, numbers
from pharos.engine.sql import Condition, select
from pharos.promql.histograms.value import ResetHint
from pharos.promql.source import HistogramColumns
from pharos.query.metrics.series import Selection

_ARRAYS = (
    "positive_span_offset",
    "positive_span_length",
    "positive",
    "negative_span_offset",
    "negative_span_length",
    "negative",
    "custom",
)
_COLUMNS = (
    *("id", "ts", "start_ms", "reset_hint", "schema", "count", "sum", "zero_threshold", "zero_count"),
    *_ARRAYS,
)


def _flat(column: Any) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Return (ends with a leading 0, values) of a list column."""
    lists = pa.concat_arrays(column.chunks)
    return numbers(lists.offsets).astype(np.int64), numbers(lists.flatten())


def read_histograms(
    session: Session, scope: Scope, found: Sequence[Condition], selection: Selection, limits: Limits
) -> HistogramColumns | None:
    """Return the histograms of the selection's series that meet the conditions; None if there are none.

    Ordered by series and time; of several with one time that of the greatest count stays, as of floats the
    greatest. What a sender says of counter resets is not believed, only that a histogram is a gauge: as
    upstream's storage, which reads the first sample of a chunk back as unknown. The numbers tell.
    """
    table = session.query(
        select(
            scope,
            ", ".join(_COLUMNS),
            "histograms",
            *found,
            tail="ORDER BY id, ts, count DESC, sum DESC LIMIT 1 BY id, ts",
        ),
        purpose="histograms",
        limits=limits,
    )
    if not table.num_rows:
        return None
    # Both the selection and the rows are ordered by id.
    ids = numbers(table["id"])
    known = np.isin(ids, selection.id)
    if not known.all():
        table = table.filter(mask(known))
        ids = ids[known]
        if not table.num_rows:
            return None
    offsets = np.searchsorted(ids, selection.id)
    offsets = np.append(offsets, len(ids)).astype(np.int64)
    flat = {name: _flat(table[name]) for name in _ARRAYS}
    starts = numbers(table["start_ms"])
    hints = numbers(table["reset_hint"])
    return HistogramColumns(
        offsets=offsets,
        ts_ms=numbers(table["ts"]),
        count=numbers(table["count"]),
        sum=numbers(table["sum"]),
        schema=numbers(table["schema"]),
        zero_threshold=numbers(table["zero_threshold"]),
        zero_count=numbers(table["zero_count"]),
        reset_hint=np.where(hints == ResetHint.GAUGE, hints, ResetHint.UNKNOWN).astype(np.uint8),
        positive_spans_at=flat["positive_span_offset"][0],
        positive_span_offset=flat["positive_span_offset"][1],
        positive_span_length=flat["positive_span_length"][1],
        positive_at=flat["positive"][0],
        positive=flat["positive"][1],
        negative_spans_at=flat["negative_span_offset"][0],
        negative_span_offset=flat["negative_span_offset"][1],
        negative_span_length=flat["negative_span_length"][1],
        negative_at=flat["negative"][0],
        negative=flat["negative"][1],
        custom_at=flat["custom"][0],
        custom=flat["custom"][1],
        start_ms=starts if starts.any() else None,
    )
