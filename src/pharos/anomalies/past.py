"""What watched series did before, read from the store: what is new need not be learned for a day."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.anomalies.following import Following
from pharos.anomalies.watch import Watch
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query

HISTORY_MS: Final = 2 * 86_400_000
"""So far back a watch that is new looks, if that is not too much."""
RELEARNED_MS: Final = 14 * 86_400_000
"""So far back one series is learned anew."""
_ROWS: Final = 3_000_000
"""So many values are learned from at once, at most."""
_RELEARNED_ROWS: Final = 100_000
_STEPS: Final = 4_000

Floats = NDArray[np.float64]


async def learn_past(
    metrics: Metrics,
    scope: Scope,
    following: Following,
    watch: Watch,
    since_ms: int,
    at_ms: int,
    every_ms: int,
) -> None:
    """Learn what the series of a watch did: since a time, or as far back as is affordable.

    Raises PharosError as queries do.
    """
    query = parse_query(watch.query)
    now = Times(at_ms, at_ms)
    count = await metrics.evaluate(scope, query, now, lambda answer: len(answer.labels), reuse=False)
    if not count:
        return
    affordable_ms = max(_ROWS // count, 1) * every_ms
    begin = max(since_ms + every_ms, at_ms - min(HISTORY_MS, affordable_ms))
    for times in _parts(begin, at_ms - every_ms, every_ms):
        await metrics.evaluate(scope, query, times, partial(_learn, following, watch), reuse=False)


def _learn(following: Following, watch: Watch, answer: Answer) -> None:
    values = np.where(answer.present, answer.values, np.nan)
    following.learn(watch, list(answer.labels), answer.times_ms / 1000, values)


async def past_of(
    metrics: Metrics, scope: Scope, watch: Watch, labels: Labels, at_ms: int, every_ms: int
) -> tuple[Floats, Floats]:
    """Return times in seconds and values of one series of a watch up to a time, NaN where there is none.

    Raises PharosError as queries do.
    """
    count = min(RELEARNED_MS // every_ms, _RELEARNED_ROWS)
    begin = at_ms - count * every_ms
    times = begin + np.arange(count + 1, dtype=np.int64) * every_ms
    values = np.full(len(times), np.nan)

    def take(answer: Answer) -> None:
        place = next((place for place, one in enumerate(answer.labels) if one == labels), -1)
        if place >= 0:
            at = (answer.times_ms - begin) // every_ms
            values[at] = np.where(answer.present[place], answer.values[place], np.nan)

    query = parse_query(watch.query)
    for part in _parts(begin, at_ms, every_ms):
        await metrics.evaluate(scope, query, part, take, reuse=False)
    return times / 1000, values


def _parts(begin_ms: int, end_ms: int, every_ms: int) -> Iterator[Times]:
    while begin_ms <= end_ms:
        last = min(begin_ms + (_STEPS - 1) * every_ms, begin_ms + (end_ms - begin_ms) // every_ms * every_ms)
        yield Times(begin_ms, last, every_ms)
        begin_ms = last + every_ms
