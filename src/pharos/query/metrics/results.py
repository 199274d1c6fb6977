"""Answers of range queries kept, so that a dashboard that refreshes has only the new end computed.

A step's answer depends on the samples of a bounded time around it; how far is known from the plan. An answer
is kept with a stamp of `Changes`, asked again for a later range of the same steps, and cut off where a sample
came since that could matter: the rest is computed. What comes late only makes that rest longer.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pharos.clock import Clock
from pharos.engine.changes import EVERYTHING, Changes
from pharos.engine.keys import BUCKET_MS, metric_hash
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.grids.grid_labels import take_labels
from pharos.promql.language.ast import Aggregate, Call, Expr, MatrixSelector, Subquery, VectorSelector
from pharos.promql.language.functions import FUNCTIONS
from pharos.promql.plan import Planned, nodes
from pharos.query.metrics.series import named_metric
from pharos.query.shares import Shares

_NEVER_AGGREGATED: Final = frozenset({"limitk", "limit_ratio"})
_MOST_BUCKETS: Final = 400
_REMEMBERED: Final = 4_000


class Reach(Struct, frozen=True):
    """What the answer at a time t hangs on: these metrics, from `t - back_ms` to `t + forward_ms`."""

    metrics: tuple[int, ...]
    back_ms: int
    forward_ms: int


def reach_of(expr: Expr, planned: Planned) -> Reach | None:
    """Return how far a step's answer reaches, or None where it hangs on more than a bounded time.

    `expr` is the expression before planning, whose durations still say what they depend on.
    """
    metrics: set[int] = set()
    slack = 0
    for node in nodes(expr):
        match node:
            case VectorSelector():
                name = named_metric(node.matchers)
                if node.at is not None or name is None or not isinstance(node.offset, int):
                    return None
                metrics.add(metric_hash(name))
            case MatrixSelector():
                if not isinstance(node.range, int):
                    return None
            case Subquery():
                durations = (node.range, node.offset, 0 if node.step is None else node.step)
                if node.at is not None or not all(isinstance(d, int) for d in durations):
                    return None
            case Call(func=func) if not FUNCTIONS[func].reusable:
                return None
            case Aggregate(op=op) if op in _NEVER_AGGREGATED:
                return None
            case _:
                pass
    for node in nodes(planned.expr):
        if isinstance(node, Subquery) and isinstance(node.step, int):
            slack += node.step  # its times are multiples of its step, wherever the query begins
    if not metrics or not planned.fetches:
        return None
    back = planned.start_ms - min(fetch.start_ms for fetch in planned.fetches)
    forward = max(fetch.end_ms for fetch in planned.fetches) - planned.end_ms
    return Reach(tuple(sorted(metrics)), max(0, back) + slack, max(0, forward))


class _Kept(Struct, frozen=True):
    stamp: int
    start_ms: int
    end_ms: int
    answer: Answer
    buckets: range

    @property
    def nbytes(self) -> int:
        return 1024 + self.answer.values.nbytes + self.answer.present.nbytes + 200 * len(self.answer.labels)


Evaluation = Callable[[int], Answer]
"""Evaluates the query from a later start (one of its steps) to its end."""


class ResultCache:
    """Answers by tenant, query, step and length of range; bounded in bytes, each tenant has its share."""

    def __init__(self, changes: Changes, clock: Clock, limit_bytes: int, least_samples: int) -> None:
        self._changes = changes
        self._limit = limit_bytes
        self._least_samples = least_samples
        self._lock = threading.Lock()
        self._kept: Shares[tuple[object, ...], _Kept] = Shares(limit_bytes, clock)
        self._brief: OrderedDict[tuple[object, ...], None] = OrderedDict()
        """What read so little when it was asked last that its answer was not kept."""

    def forget(self, tenant: str) -> None:
        """Keep nothing more of a tenant."""
        with self._lock:
            self._kept.forget(tenant)

    def answer(
        self,
        tenant: str,
        expr: Expr,
        planned: Planned,
        evaluate: Evaluation,
        *,
        oldest_ms: int | None = None,
    ) -> Answer:
        """Return the answer of a planned query, of which only what is not known is evaluated.

        Samples before `oldest_ms` may vanish without a note, so what reaches there is not kept. Raises what
        `evaluate` raises.
        """
        if not planned.step_ms or not self._limit:
            return evaluate(planned.start_ms)
        key = (
            tenant,
            planned.text,
            planned.step_ms,
            planned.start_ms % planned.step_ms,
            planned.end_ms - planned.start_ms,
            planned.lookback_ms,
        )
        if key in self._brief:
            answer = evaluate(planned.start_ms)
            if answer.samples_read >= self._least_samples:
                self._brief.pop(key, None)
            return answer
        reach = reach_of(expr, planned)
        if reach is None:
            return evaluate(planned.start_ms)
        first, last = planned.start_ms - reach.back_ms, planned.end_ms + reach.forward_ms
        buckets = range(first // BUCKET_MS, last // BUCKET_MS + 1)
        if len(buckets) > _MOST_BUCKETS or (oldest_ms is not None and first < oldest_ms):
            return evaluate(planned.start_ms)
        # The stamp first: what is noted from here on is asked about the next time.
        stamp = min(self._changes.watch(tenant, metric, buckets) for metric in reach.metrics)
        known = self._known(key, tenant, reach, planned)
        answer = self._completed(known, planned, evaluate)
        if known is not None or answer.samples_read >= self._least_samples:
            self._keep(tenant, key, _Kept(stamp, planned.start_ms, planned.end_ms, answer, buckets))
        else:
            with self._lock:
                self._brief[key] = None
                if len(self._brief) > _REMEMBERED:
                    self._brief.popitem(last=False)
        return answer

    def _known(self, key: tuple[object, ...], tenant: str, reach: Reach, planned: Planned) -> Answer | None:
        """Return the part of the kept answer that is as it would be now, from the query's start on."""
        with self._lock:
            kept = self._kept.get(tenant, key)
        if kept is None or not kept.start_ms <= planned.start_ms <= kept.end_ms:
            return None
        end = min(kept.end_ms, planned.end_ms)
        for metric in reach.metrics:
            for bucket in kept.buckets:
                low = self._changes.added_since(tenant, metric, bucket, kept.stamp)
                if low == EVERYTHING:
                    return None
                if low is not None:
                    end = min(end, low - reach.forward_ms - 1)
        count = (end - planned.start_ms) // planned.step_ms + 1
        whole = (planned.end_ms - planned.start_ms) // planned.step_ms + 1
        if 2 * count < whole:
            return None
        begin = (planned.start_ms - kept.start_ms) // planned.step_ms
        chosen = slice(begin, begin + count)
        answer = kept.answer
        return replace(
            answer,
            times_ms=answer.times_ms[chosen],
            values=answer.values[:, chosen],
            present=answer.present[:, chosen],
            samples_read=0,
        )

    def _completed(self, known: Answer | None, planned: Planned, evaluate: Evaluation) -> Answer:
        if known is None:
            return evaluate(planned.start_ms)
        after = planned.start_ms + len(known.times_ms) * planned.step_ms
        if after > planned.end_ms:
            return _without_absent(known)
        rest = evaluate(after)
        if not _is_plain(rest) or rest.warnings or rest.infos != known.infos:
            return evaluate(planned.start_ms)
        return _joined(known, rest)

    def _keep(self, tenant: str, key: tuple[object, ...], kept: _Kept) -> None:
        fits = _is_plain(kept.answer) and not kept.answer.warnings and 4 * kept.nbytes <= self._limit
        with self._lock:
            if fits:
                self._kept.put(tenant, key, kept, kept.nbytes)
            else:
                self._kept.pop(tenant, key)


def _is_plain(answer: Answer) -> bool:
    """Return whether the answer is a grid of floats."""
    return answer.type is AnswerType.MATRIX and answer.raw is None and answer.cells is None


def _without_absent(answer: Answer) -> Answer:
    rows = np.flatnonzero(answer.present.any(axis=1))
    if len(rows) == len(answer.labels):
        return answer
    labels = take_labels(answer.labels, rows)
    return replace(answer, labels=labels, values=answer.values[rows], present=answer.present[rows])


def _joined(known: Answer, rest: Answer) -> Answer:
    """Return one answer of two whose times follow one another; series are ordered by their labels."""
    labels = list(known.labels)
    if labels == list(rest.labels):
        values = np.concatenate([known.values, rest.values], axis=1)
        present = np.concatenate([known.present, rest.present], axis=1)
    else:
        labels = sorted({*labels, *rest.labels})
        place = {one: i for i, one in enumerate(labels)}
        steps = len(known.times_ms)
        values = np.zeros((len(labels), steps + len(rest.times_ms)))
        present = np.zeros(values.shape, np.bool_)
        for part, columns in ((known, slice(0, steps)), (rest, slice(steps, None))):
            rows = np.array([place[one] for one in part.labels], np.int64)
            values[rows, columns] = part.values
            present[rows, columns] = part.present
    times = np.concatenate([known.times_ms, rest.times_ms])
    return _without_absent(replace(rest, times_ms=times, labels=labels, values=values, present=present))
