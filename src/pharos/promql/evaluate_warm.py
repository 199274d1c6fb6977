"""Kernels loaded before they are needed: the first query of a fresh process should not pay for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from pharos.labels import Matcher, labels_of
from pharos.promql.evaluate import EvalOptions, evaluate_text
from pharos.promql.source import SeriesBlock

_QUERIES: Final = (
    "sum by (job) (rate(warm_total[1m]))",
    "warm_total * on (job) group_left warm_total{le='1'}",
    "avg(avg_over_time(warm_total[1m])) / max(max_over_time(warm_total[1m])) > stddev(irate(warm_total[1m]))",
    "count(changes(warm_total[1m])) + group(resets(warm_total[1m] anchored)) + stdvar(warm_total smoothed)",
    "histogram_quantile(0.9, warm_total) or histogram_fraction(0, 1, warm_total)",
    "topk(1, quantile_over_time(0.9, warm_total[1m])) unless bottomk(1, limitk(1, warm_total))",
    "quantile(0.5, increase(warm_total[1m] smoothed)) and timestamp(warm_total)",
)


class _Warm:
    """Two series of two samples."""

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        del start_ms, end_ms
        bounds = ("1", "+Inf") if all(matcher.name != "le" for matcher in matchers) else ("1",)
        count = len(bounds)
        return SeriesBlock(
            [labels_of({"__name__": "warm_total", "job": "a", "le": bound}) for bound in bounds],
            np.arange(count + 1, dtype=np.int64) * 2,
            np.tile(np.asarray([10_000, 20_000], np.int64), count),
            np.arange(count * 2, dtype=np.float64),
        )


def warm(check: Callable[[], None] | None = None) -> None:
    """Load, and where no cache is on disk compile, the kernels of usual queries.

    Takes about a second with a warm cache; `check` is called between queries and may raise to end it.
    """
    options = EvalOptions()
    for query in _QUERIES:
        if check is not None:
            check()
        evaluate_text(query, _Warm(), 0, 30_000, 15_000, options=options)
