"""How often labels occur in a selection: what has the most series, values and bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.promql.grids.label_columns import LabelColumns


@kernel
def _count_codes(arrays: Any, rows: Any, spans: Any, counts: Any, found: Any) -> int:
    """Count codes of one label; return how many different ones there are, which stand in `found`.

    Rows `spans[k, 0]` up to `spans[k, 1]` have it at place `spans[k, 2]` of their shape. `counts` holds 0.
    """
    n = 0
    for k in range(len(spans)):
        for i in range(spans[k, 0], spans[k, 1]):
            code = arrays.code[arrays.first[rows[i]] + spans[k, 2]]
            if counts[code] == 0:
                found[n] = code
                n += 1
            counts[code] += 1
    return n


class LabelCounts:
    """For each label name of a selection, its values and how many series have each."""

    def __init__(self, columns: LabelColumns) -> None:
        self._source = columns.source
        self.values: dict[str, int] = {}
        """How many different values each label has."""
        self.bytes: dict[str, int] = {}
        """How many bytes the values of each label would take, were each series to have its own."""
        self._counted: dict[str, tuple[NDArray[np.int32], NDArray[np.int32]]] = {}
        arrays = self._source.arrays
        shapes = arrays.shape[columns.rows]
        order = np.argsort(shapes, kind="stable")
        rows, shapes = columns.rows[order], shapes[order]
        ends = np.concatenate([np.flatnonzero(shapes[1:] != shapes[:-1]) + 1, [len(shapes)]])
        spans: dict[int, list[tuple[int, int, int]]] = {}
        low = 0
        for high in ends.tolist() if len(shapes) else []:
            at = int(arrays.shape_at[shapes[low]])
            names = arrays.shape_name[at : int(arrays.shape_at[shapes[low] + 1])].tolist()
            for place, name in enumerate(names):
                spans.setdefault(name, []).append((low, high, place))
            low = high
        counts = np.zeros(len(arrays.text_at) - 1, np.int32)
        found = np.empty(min(len(counts), len(rows)), np.int32)
        for number, where in spans.items():
            name = self._source.names[number]
            n = _count_codes(arrays, rows, np.array(where, np.int64), counts, found)
            codes = found[:n].copy()
            times = counts[codes]
            counts[codes] = 0
            lengths = arrays.text_at[codes + 1] - arrays.text_at[codes]
            self.values[name] = n
            self.bytes[name] = int((lengths * times).sum())
            self._counted[name] = codes, times

    @property
    def pairs(self) -> int:
        """Return how many different pairs of name and value there are."""
        return sum(self.values.values())

    def most_frequent(self, name: str, limit: int) -> list[tuple[str, int]]:
        """Return the values of one label that most series have, and how many."""
        return [(value, count) for _, value, count in self._most_frequent([name], limit)]

    def most_frequent_pairs(self, limit: int) -> list[tuple[str, int]]:
        """Return the pairs, as `name=value`, that most series have, and how many."""
        found = self._most_frequent(list(self._counted), limit)
        return [(f"{name}={value}", count) for name, value, count in found]

    def _most_frequent(self, names: Sequence[str], limit: int) -> list[tuple[str, str, int]]:
        counted = {name: self._counted[name] for name in names if name in self._counted}
        top = np.concatenate([[1], *(_largest(times, limit) for _, times in counted.values())])
        least = int(_largest(top, limit).min())
        found: list[tuple[str, str, int]] = []
        for name, (codes, times) in counted.items():
            chosen = times >= least
            texts = self._source.texts(codes[chosen].tolist())
            found += zip([name] * len(texts), texts, times[chosen].tolist(), strict=True)
        return sorted(found, key=lambda one: (-one[2], f"{one[0]}={one[1]}"))[:limit]


def _largest(counts: NDArray[Any], limit: int) -> NDArray[Any]:
    return counts if len(counts) <= limit else np.partition(counts, -limit)[-limit:]


def most(counts: Mapping[str, int], limit: int) -> list[tuple[str, int]]:
    """Return the names with the largest counts, in order of these and then of the names."""
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:limit]
