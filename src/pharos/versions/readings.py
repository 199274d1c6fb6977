"""What two groups did, read out of the store: requests tick by tick, series, and patterns of lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.judgement.canary import TICK_S, Tick
from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.query.events.log_search import LogSearch, Templates
from pharos.query.events.traces import Traces
from pharos.query.limits import Scheduler, Times
from pharos.query.metrics.evaluation import Metrics
from pharos.runs.outcomes import Ended, outcomes
from pharos.search.window import Window
from pharos.versions.measures import (
    Group,
    counter_query,
    log_search,
    metric_query,
    named,
    of_group,
    run_selection,
    span_condition,
)

TICK_MS: Final = TICK_S * 1000
_NS_IN_MS: Final = 1_000_000
_LOOKBACK_MS: Final = 120_000
"""A counter's last sample before the first tick is looked for so long."""
_MOST_SERIES: Final = 200
"""That one measure may have of a group."""
_MOST_TOLD: Final = 10
Floats = NDArray[np.float64]


class Requests(Struct, frozen=True):
    """Where requests of both groups are found: spans, or counters and a classic histogram."""

    spans: str = ""
    latency: str = ""
    """A selector of the buckets of a histogram."""
    requests: str = ""
    errors: str = ""

    @property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """The queries that there are, by what they are called."""
        named = (
            ("spans", self.spans),
            ("latency", self.latency),
            ("requests", self.requests),
            ("errors", self.errors),
        )
        return tuple((name, text) for name, text in named if text)

    def check(self) -> None:
        """Raise PharosError that names the query at fault: INVALID, UNSUPPORTED."""
        for name, text in self.texts:
            told = of_group(text, "group")
            if name == "spans":
                span_condition(told, name)
            else:
                counter_query(told, name, TICK_MS)


class Series(Struct, frozen=True):
    """The values of one series of a group, in order of time, without what is no number."""

    labels: Labels
    values: Floats


class _Counted(Struct):
    """What counters gained in each tick, by the bound of a bucket; one without a bound is None."""

    gains: dict[float | None, Floats] = field(default_factory=dict)


class Readings(Struct, frozen=True):
    """Reads what groups did."""

    traces: Traces
    metrics: Metrics
    logs: LogSearch
    scheduler: Scheduler

    async def ticks(
        self, scope: Scope, of: Requests, group: str, start_ms: int, first: int, until: int
    ) -> dict[int, Tick]:
        """Return what a group did in the ticks from `first` on, `until` not among them, by number.

        Ticks are counted from `start_ms`. Raises PharosError as queries do.
        """
        if until <= first:
            return {}
        begin_ms, end_ms = start_ms + first * TICK_MS, start_ms + until * TICK_MS
        if of.spans:
            where = span_condition(of_group(of.spans, group), "spans")
            window = Window(begin_ms * _NS_IN_MS, end_ms * _NS_IN_MS)
            steps = await self.traces.steps(scope, where, window, TICK_MS * _NS_IN_MS)
            return {
                first + one.number: _tick(one.spans, one.errors, one.logarithms, one.squares) for one in steps
            }
        counted = {name: _Counted() for name in ("latency", "requests", "errors")}
        for name, text in of.texts:
            counted[name] = await self._gains(scope, of_group(text, group), name, begin_ms, until - first)
        return _ticks_of(counted, first, until)

    async def _gains(self, scope: Scope, selector: str, name: str, begin_ms: int, count: int) -> _Counted:
        end_ms = begin_ms + count * TICK_MS
        query = counter_query(selector, name, end_ms - begin_ms + _LOOKBACK_MS)

        def finish(answer: Answer) -> _Counted:
            return _gains_of(answer, begin_ms, count)

        # A sample at the very end is the next tick's.
        return await self.metrics.evaluate(scope, query, Times(end_ms - 1, end_ms - 1), finish)

    async def series(self, scope: Scope, text: str, what: str, group: Group, step_ms: int) -> list[Series]:
        """Return the series of a query in a group's time. Raises PharosError as queries do."""
        query = metric_query(of_group(text, group.name), what)

        def finish(answer: Answer) -> list[Series]:
            return _series_of(answer, what)

        times = Times(group.start_ms, group.end_ms, step_ms)
        try:
            return await self.metrics.evaluate(scope, query, times, finish)
        except PharosError as exc:
            if exc.kind is not Kind.INVALID or exc.message.startswith(what):
                raise
            raise named(exc, what) from exc

    async def holds(self, scope: Scope, query: str, group: str, at_ms: int) -> tuple[bool, str]:
        """Return whether a query gives a value at a time, and the first ones in words.

        Raises PharosError as queries do.
        """
        asked = metric_query(of_group(query, group), "gate")
        return await self.metrics.evaluate(scope, asked, Times(at_ms, at_ms), _held)

    async def patterns(self, scope: Scope, text: str, what: str, group: Group) -> Templates:
        """Return the patterns of a group's newest lines. Raises PharosError as searches do."""
        tree = log_search(of_group(text, group.name), what)
        window = Window(group.start_ms * _NS_IN_MS, group.end_ms * _NS_IN_MS)
        step_ns = max(window.end_ns - window.start_ns, 1)
        return await self.logs.templates(scope, window, tree, step_ns)

    async def runs(self, scope: Scope, text: str, what: str, group: Group, most: int) -> Sequence[Ended]:
        """Return how the newest runs of a group that began in its time ended, in order.

        Raises PharosError as queries do.
        """
        asked = run_selection(of_group(text, group.name), what, group.start_ms, group.end_ms)
        return await self.scheduler.run(
            scope,
            ("run outcomes", asked),
            self.scheduler.deadline(),
            lambda session: outcomes(session, scope, asked, most),
        )


def _tick(requests: int, errors: int, logarithms: float, squares: float) -> Tick:
    timed = requests - errors
    if timed <= 0:
        return Tick(requests, errors)
    mean = logarithms / timed
    return Tick(requests, errors, timed, mean, max(squares - timed * mean**2, 0.0))


def _gains_of(answer: Answer, begin_ms: int, count: int) -> _Counted:
    """Return what counters gained; one that begins anew has gained what it shows."""
    found = _Counted()
    raw = answer.raw
    if raw is None:
        return found
    for row, labels in enumerate(raw.labels):
        bound = next((value for name, value in labels if name == BUCKET_LABEL), None)
        rows = slice(int(raw.offsets[row]), int(raw.offsets[row + 1]))
        at, values = raw.ts[rows], raw.values[rows]
        if len(values) < 2:
            continue
        gains = np.diff(values)
        gains = np.where(gains < 0, values[1:], gains)
        ticks = (at[1:] - begin_ms) // TICK_MS
        inside = (ticks >= 0) & (ticks < count) & np.isfinite(gains)
        key = None if bound is None else float(bound)
        total = found.gains.setdefault(key, np.zeros(count))
        np.add.at(total, ticks[inside], gains[inside])
    return found


def _ticks_of(counted: Mapping[str, _Counted], first: int, until: int) -> dict[int, Tick]:
    """Return ticks of what counters gained; without `requests` those that the histogram timed are all."""
    latency, requests, errors = counted["latency"], counted["requests"], counted["errors"]
    count = until - first
    nothing = np.zeros(count)
    bounds = sorted(bound for bound in latency.gains if bound is not None)
    below, buckets = nothing, []
    for place, bound in enumerate(bounds):
        inside = np.maximum(latency.gains[bound] - below, 0.0)
        below = np.maximum(latency.gains[bound], below)
        buckets.append((_middle(bounds, place), inside))
    failed = errors.gains.get(None, nothing)
    every = requests.gains.get(None, below)
    found: dict[int, Tick] = {}
    for number in range(count):
        total = max(round(float(every[number])), 0)
        timed = sum(float(inside[number]) for _, inside in buckets)
        if not total and timed <= 0:
            continue
        tick = Tick(total, min(max(round(float(failed[number])), 0), total), round(timed))
        if tick.timed:
            tick.mean = sum(middle * float(inside[number]) for middle, inside in buckets) / timed
            tick.squares = sum(
                (middle - tick.mean) ** 2 * float(inside[number]) for middle, inside in buckets
            )
        found[first + number] = tick
    return found


def _middle(bounds: Sequence[float], place: int) -> float:
    """Return the logarithm of what stands for all values of a bucket."""
    high = bounds[place]
    low = bounds[place - 1] if place else 0.0
    if math.isinf(high):
        return math.log(low * 1.5) if low > 0 else 0.0
    if high <= 0:
        return math.log(1e-9)
    return math.log(math.sqrt(low * high)) if low > 0 else math.log(high / 2.0)


def _held(answer: Answer) -> tuple[bool, str]:
    found = answer.values[answer.present] if len(answer.present) else answer.values.ravel()
    return bool(len(found)), ", ".join(f"{float(one):g}" for one in found[:_MOST_TOLD]) or "no value"


def _series_of(answer: Answer, what: str) -> list[Series]:
    if answer.type is AnswerType.STRING or answer.raw is not None:
        raise PharosError(Kind.INVALID, f"{what}: a query that gives numbers at each step is expected")
    if len(answer.values) > _MOST_SERIES:
        raise PharosError(
            Kind.LIMITED,
            f"{what}: {len(answer.values)} series of a group, {_MOST_SERIES} at most are compared",
            hint="aggregate them, as in sum by (route) (...)",
        )
    labels: Sequence[Labels] = answer.labels if len(answer.labels) else [()]
    found = []
    for row in range(len(answer.values)):
        present = answer.present[row] if len(answer.present) else np.ones(answer.values.shape[1], np.bool_)
        values = np.asarray(answer.values[row], np.float64)
        kept = values[present & np.isfinite(values)]
        if len(kept):
            found.append(Series(labels[row], kept))
    return found


def without_group(labels: Labels, group: str) -> Labels:
    """Return labels without those that say which group it is, by which both are told to be the same."""
    return tuple((name, value) for name, value in labels if value != group and name != METRIC_NAME)


def by_labels(found: Sequence[Series], group: str) -> Mapping[Labels, Series]:
    """Return series by what they have beside their group; of two that are the same the first."""
    kept: dict[Labels, Series] = {}
    for one in found:
        kept.setdefault(without_group(one.labels, group), one)
    return kept
