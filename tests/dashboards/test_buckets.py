"""Buckets of classic histograms, as a heat map shows them."""

from __future__ import annotations

import numpy as np

from pharos.dashboards.answer.frames import SeriesFrame, Ticks
from pharos.dashboards.answer.metrics import heatmap


def _frame(rows: list[tuple[dict[str, str], list[float | None]]]) -> SeriesFrame:
    values = np.array([[np.nan if one is None else one for one in row] for _, row in rows], np.float64)
    return SeriesFrame(
        ref="A",
        ticks=Ticks(0, 1000, values.shape[1]),
        names=["x" for _ in rows],
        labels=[labels for labels, _ in rows],
        values=values,
        present=~np.isnan(values),
    )


def test_each_bucket_is_shown_without_those_below_it_and_of_all_series_together() -> None:
    shown = heatmap(
        _frame(
            [
                ({"le": "+Inf", "job": "a"}, [9, 10, None]),
                ({"le": "0.1", "job": "a"}, [1, 2, None]),
                ({"le": "0.5", "job": "a"}, [5, 4, None]),
                ({"le": "0.1", "job": "b"}, [10, 0, None]),
                ({"le": "+Inf", "job": "b"}, [10, 1, None]),
            ]
        )
    )
    assert (shown.is_heatmap, list(shown.names)) == (True, ["0.1", "0.5", "+Inf"])
    # Only one job has a bucket of 0.5; that it holds less than those below it is no count.
    assert shown.values[:, :2].tolist() == [[11.0, 2.0], [0.0, 2.0], [14.0, 7.0]]
    assert shown.present.tolist() == [[True, True, False]] * 3


def test_series_without_bounds_are_shown_as_they_are() -> None:
    shown = heatmap(_frame([({"job": "a"}, [1, 2])]))
    assert (shown.is_heatmap, shown.values.tolist()) == (True, [[1.0, 2.0]])
