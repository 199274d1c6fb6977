"""The answer of a PromQL query as rows: a time, the labels of its series, a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from pharos.api.exports.tables import (
    Format,
    batch_of,
    number_column,
    repeated_column,
    text_column,
    time_column,
)
from pharos.api.prometheus.encode import histogram_texts
from pharos.errors import Kind, PharosError
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.histograms.cells import is_set

MOST_ROWS: Final = 5_000_000
"""So many values may one answer have that is exported."""
_MOST_LABELS: Final = 1_000
_BLOCK_ROWS: Final = 100_000
_OWN: Final = ("time", "value", "histogram")


class _Names(Struct, frozen=True):
    """Which labels there are, and what their columns are called."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]


def metric_blocks(answer: Answer, form: Format) -> Iterator[pa.RecordBatch]:
    """Yield the rows of an answer, series after series; at least one block, be it empty.

    Raises PharosError: UNSUPPORTED for what is no table, TOO_LARGE for too many values or labels.
    """
    if answer.type is AnswerType.STRING:
        raise PharosError(Kind.UNSUPPORTED, "a string is no table", hint="export an expression with values")
    labels: Sequence[Labels] = answer.labels if answer.raw is None else answer.raw.labels
    if answer.type is AnswerType.SCALAR:
        labels = [()]
    names = _names(labels)
    blocks = (
        _grid_blocks(answer, labels, names, form) if answer.raw is None else _raw_blocks(answer, names, form)
    )
    return _never_none(blocks, names, form, has_histograms=answer.cells is not None)


def _names(labels: Sequence[Labels]) -> _Names:
    found = sorted({name for one in labels for name, _ in one})
    if len(found) > _MOST_LABELS:
        raise PharosError(
            Kind.TOO_LARGE, f"the series have {len(found)} labels, {_MOST_LABELS} columns are the most"
        )
    taken = {*_OWN, *found}
    columns = []
    for name in found:
        column = name
        while column in _OWN or (column != name and column in taken):
            column = f"label_{column}"
        taken.add(column)
        columns.append(column)
    return _Names(tuple(found), tuple(columns))


def _check_rows(rows: int) -> None:
    if rows > MOST_ROWS:
        raise PharosError(
            Kind.TOO_LARGE,
            f"the answer has {rows:,} values, {MOST_ROWS:,} can be exported at once",
            hint="ask with a longer step, over less time, or for fewer series",
        )


def _grid_blocks(
    answer: Answer, labels: Sequence[Labels], names: _Names, form: Format
) -> Iterator[pa.RecordBatch]:
    is_scalar = answer.type is AnswerType.SCALAR
    present = np.ones(answer.values.shape, np.bool_) if is_scalar else answer.present
    _check_rows(int(present.sum()))
    each = max(1, _BLOCK_ROWS // max(1, present.shape[1]))
    for first in range(0, len(labels), each):
        series, steps = np.nonzero(present[first : first + each])
        values = answer.values[first : first + each][series, steps]
        cells = None if answer.cells is None else answer.cells[first : first + each][series, steps]
        yield batch_of(
            [
                ("time", time_column(answer.times_ms[steps], "ms")),
                *_label_columns(labels[first : first + each], names, series, form),
                *_value_columns(values, cells, form),
            ]
        )


def _raw_blocks(answer: Answer, names: _Names, form: Format) -> Iterator[pa.RecordBatch]:
    raw = answer.raw
    if raw is None or (raw.histograms is not None and len(raw.histograms.ts)):
        raise PharosError(
            Kind.UNSUPPORTED,
            "a range of native histograms cannot be exported as it is",
            hint="export histogram_count(), histogram_sum() or histogram_quantile() of it",
        )
    _check_rows(len(raw.ts))
    series = np.repeat(np.arange(len(raw.labels)), np.diff(raw.offsets))
    for first in range(0, len(raw.ts), _BLOCK_ROWS):
        part = slice(first, first + _BLOCK_ROWS)
        yield batch_of(
            [
                ("time", time_column(raw.ts[part], "ms")),
                *_label_columns(raw.labels, names, series[part], form),
                ("value", number_column(raw.values[part])),
            ]
        )


def _label_columns(
    labels: Sequence[Labels], names: _Names, rows: NDArray[np.intp], form: Format
) -> Iterator[tuple[str, pa.Array]]:
    known = [dict(one) for one in labels]
    for name, column in zip(names.labels, names.columns, strict=True):
        yield column, repeated_column([one.get(name) for one in known], rows, form)


def _value_columns(
    values: NDArray[np.float64], cells: NDArray[np.object_] | None, form: Format
) -> Iterator[tuple[str, pa.Array]]:
    if cells is None:
        yield "value", number_column(values)
        return
    are_histograms = is_set(cells)
    yield "value", number_column(values, ~are_histograms)
    told = iter(histogram_texts(cells[are_histograms].tolist()))
    texts = [next(told).decode() if one else None for one in are_histograms.tolist()]
    yield "histogram", text_column(texts, form)


def _never_none(
    blocks: Iterator[pa.RecordBatch], names: _Names, form: Format, *, has_histograms: bool
) -> Iterator[pa.RecordBatch]:
    first = next(blocks, None)
    if first is not None:
        yield first
        yield from blocks
        return
    nothing = np.zeros(0, np.intp)
    cells = np.zeros(0, np.object_) if has_histograms else None
    yield batch_of(
        [
            ("time", time_column(np.zeros(0, np.int64), "ms")),
            *_label_columns([], names, nothing, form),
            *_value_columns(np.zeros(0), cells, form),
        ]
    )
