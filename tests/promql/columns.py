"""Label sets as columns, made of tuples: what a selection of very many series would have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from pharos.labels import Labels
from pharos.promql.grids.label_columns import LabelColumns
from pharos.query.metrics.label_table import LabelTable


def columns_of(labels: Sequence[Labels], table: LabelTable | None = None) -> LabelColumns:
    """Return the labels as columns of a table, a new one if none is given."""
    table = LabelTable(seed=7) if table is None else table
    ids = np.arange(len(table), len(table) + len(labels), dtype=np.uint64)
    pairs = [pair for one in labels for pair in one]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in labels])]).astype(np.int32)
    maps = pa.MapArray.from_arrays(
        pa.array(offsets, pa.int32()),
        pa.array([name for name, _ in pairs], pa.string()),
        pa.array([value for _, value in pairs], pa.string()),
    )
    table.add(ids, maps, table.expect(len(ids)))
    return table.columns(table.rows(ids))
