"""How many samples a query looks at for each step, as upstream's `stats=all` counts them (util/stats)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.kernel import kernel
from pharos.promql.answer import evaluate
from pharos.promql.evaluate import milliseconds
from pharos.promql.language.ast import MatrixSelector, StepInvariant, Subquery, VectorSelector
from pharos.promql.plan import Planned, subquery_start
from pharos.promql.source import STALE_NAN_BITS, SampleSource

Ints = NDArray[np.int64]


class _UncountableError(Exception):
    """A part of the query whose samples are known to its evaluation only."""


@kernel
def count_samples(
    offsets: Any, ts: Any, stale: Any, times: Any, width_ms: Any, newest: Any, counts: Any
) -> None:
    """Add the samples in (time - width, time] of every series; with `newest` the last one at most."""
    for i in range(len(offsets) - 1):
        low = offsets[i]
        high = low
        end = offsets[i + 1]
        living = 0
        for k in range(len(times)):
            while high < end and ts[high] <= times[k]:
                living += 1 - stale[high]
                high += 1
            while low < high and ts[low] <= times[k] - width_ms:
                living -= 1 - stale[low]
                low += 1
            if newest:
                counts[k] += 1 if high > low and not stale[high - 1] else 0
            else:
                counts[k] += living


def samples_per_step(planned: Planned, source: SampleSource) -> Ints | None:
    """Return the samples looked at for each step of a query; None where only its evaluation could tell.

    Native histograms are such a place. Reads what the query read once more, and evaluates its subqueries.
    """
    step_ms = planned.step_ms
    steps = (planned.end_ms - planned.start_ms) // step_ms + 1 if step_ms else 1
    times = planned.start_ms + step_ms * np.arange(steps, dtype=np.int64)
    try:
        return _counted(planned.expr, planned, source, times)
    except _UncountableError:
        return None


def _counted(node: Any, planned: Planned, source: SampleSource, times: Ints) -> Ints:
    match node:
        case VectorSelector():
            return _selected(node, planned, source, times, planned.lookback_ms, newest=True)
        case MatrixSelector():
            width = milliseconds(node.range)
            return _selected(node.selector, planned, source, times, width, newest=False)
        case Subquery():
            return _of_subquery(node, planned, source, times)
        case StepInvariant():
            once = _counted(node.expr, planned, source, times[:1])
            return np.repeat(once, len(times))
    total: Ints = np.zeros(len(times), np.int64)
    for child in _children(node):
        total += _counted(child, planned, source, times)
    return total


def _of_subquery(node: Subquery, planned: Planned, source: SampleSource, times: Ints) -> Ints:
    """Return how many points of a subquery lie in the window of each step; what it reads does not count."""
    shift, width = milliseconds(node.offset), milliseconds(node.range)
    stride = milliseconds(node.step or 1)
    ends = times - shift if node.at is None else np.full(len(times), node.at.ms - shift, np.int64)
    start = subquery_start(int(ends[0]) + shift, shift, width, stride)
    steps = (int(ends[-1]) - start) // stride + 1
    if steps < 1:
        return np.zeros(len(times), np.int64)
    last = start + (steps - 1) * stride
    inside = replace(planned, expr=node.expr, start_ms=start, end_ms=last, step_ms=stride)
    answer = evaluate(inside, source)
    if answer.cells is not None:
        raise _UncountableError
    until = np.concatenate([[0], np.cumsum(answer.present.sum(axis=0))])
    moments = start + stride * np.arange(steps, dtype=np.int64)
    high = np.searchsorted(moments, ends, side="right")
    low = np.searchsorted(moments, ends - width, side="right")
    counts: Ints = (until[high] - until[low]).astype(np.int64)
    return counts


def _children(node: Any) -> list[Any]:
    """Return the expressions right below a node, wherever its fields hold them."""
    values = [getattr(node, one.name) for one in fields(node)]
    items = [item for value in values for item in (value if isinstance(value, tuple) else (value,))]
    return [item for item in items if is_dataclass(item) and hasattr(item, "place")]


def _selected(
    selector: VectorSelector,
    planned: Planned,
    source: SampleSource,
    times: Ints,
    width_ms: int,
    *,
    newest: bool,
) -> Ints:
    fetch = planned.fetch_of(selector)
    block = source.select(fetch.matchers, fetch.start_ms, fetch.end_ms)
    if block.histograms is not None or selector.anchored or selector.smoothed:
        raise _UncountableError
    at = times if selector.at is None else np.full(len(times), selector.at.ms, np.int64)
    stale = (np.ascontiguousarray(block.values).view(np.uint64) == STALE_NAN_BITS).astype(np.int64)
    counts: Ints = np.zeros(len(times), np.int64)
    shifted = at - milliseconds(selector.offset)
    count_samples(block.offsets, block.ts_ms, stale, shifted, width_ms, newest, counts)
    return counts
