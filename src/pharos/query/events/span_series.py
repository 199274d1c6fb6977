"""Spans measured over time: what TraceQL's `rate()`, `quantile_over_time()` and their like come to.

All of it blocks, on a thread that a question has from the scheduler.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.engine import Session, sql
from pharos.errors import Kind, PharosError
from pharos.query.events.counting import buckets_of
from pharos.query.events.span_conditions import DURATION, SpanConditions
from pharos.query.events.spans import SpanStore
from pharos.search.traceql.ast import COMPARISONS, Intrinsic, Limit, Measure, Rank, SpanMetric
from pharos.search.traceql.parse_metrics import BUCKET_FIELD, QUANTILE_FIELD
from pharos.search.window import Window

SpanLabels: TypeAlias = "tuple[tuple[str, str | float], ...]"
"""Fields as TraceQL writes them, with what they are; a field that a span does not have is left out."""
_NS_IN_S: Final = 1e9
_MOST_ROWS: Final = 500_000
_MOST_OVERLAPS: Final = 1_440
"""So many windows a span may be in."""
_LEAST_BUCKETED: Final = 2
_COUNTS: Final = frozenset({"rate", "count_over_time"})
_AGGREGATES: Final[Mapping[str, str]] = {
    "min_over_time": "min",
    "max_over_time": "max",
    "avg_over_time": "avg",
    "sum_over_time": "sum",
}


class Windows(Struct, frozen=True):
    """Which stretches of time values are about: each of `window_ns` up to its end, which is not in it."""

    first_end_ns: int
    window_ns: int
    step_ns: int = 0
    count: int = 1

    @property
    def whole(self) -> Window:
        """All of the time that is read."""
        last_ns = self.first_end_ns + (self.count - 1) * self.step_ns
        return Window(self.first_end_ns - self.window_ns, last_ns)


class Wants(Struct, frozen=True):
    """What is asked for beside values."""

    exemplars: bool = False
    zeros: bool = False
    """Whether counts by fields are 0 in windows without such spans, as those of Tempo are."""


VALUES: Final = Wants()


class SpanExemplar(Struct, frozen=True):
    """The longest of the spans that a value is about."""

    trace_id: str
    span_id: str
    at_ns: int
    duration_ns: int


class SpanSeries(Struct, frozen=True):
    """What spans come to at each window: `values[series, windows]` where `present`."""

    labels: Sequence[SpanLabels]
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    exemplars: Mapping[SpanLabels, Sequence[SpanExemplar]] = field(default_factory=dict)
    spans: int = 0
    """How many were measured; 0 where that was not counted."""


def measure_spans(
    store: SpanStore,
    session: Session,
    scope: Scope,
    asked: SpanMetric,
    windows: Windows,
    *,
    wants: Wants = VALUES,
) -> SpanSeries:
    """Return what the spans of each window come to.

    A count of nothing is 0 where nothing is told apart, so that absence can be asked for. Raises PharosError:
    INVALID, TOO_LARGE and LIMITED for what cannot be answered, and as `Session.query`.
    """
    whole = windows.whole
    makes = SpanConditions(store.everything(session, scope, whole).known.origins)
    rows = _read(session, scope, asked, windows, makes, with_exemplars=wants.exemplars)
    return _limited(_series(asked.measure, windows, rows, with_zeros=wants.zeros), asked.then)


def _read(
    session: Session,
    scope: Scope,
    asked: SpanMetric,
    windows: Windows,
    makes: SpanConditions,
    *,
    with_exemplars: bool,
) -> dict[str, list[Any]]:
    measure, whole = asked.measure, windows.whole
    number = DURATION if measure.of is None else makes.number(measure.of)
    keys = [f"{makes.text(one)} AS k{place}" for place, one in enumerate(measure.by)]
    where = [makes.condition(asked.where)]
    if windows.count > 1:
        keys.insert(0, f"{_step_column(windows)} AS step")
    if measure.name == "histogram_over_time":
        keys.append(f"toFloat64(exp2(ceil(log2({number})))) AS bucket")
        where.append(sql.compares(number, ">=", _LEAST_BUCKETED))
    names = [one.rsplit(" AS ")[-1] for one in keys]
    values = [f"{_value_column(measure, number)} AS v", f"toInt64(count({number})) AS n"]
    if with_exemplars:
        values += _EXEMPLAR_COLUMNS
    group, order = (f"{by} BY {', '.join(names)} " if names else "" for by in ("GROUP", "ORDER"))
    statement = sql.select(
        scope,
        ", ".join([*keys, *values]),
        "spans",
        buckets_of(whole),
        sql.times_ns(whole.start_ns, whole.end_ns),
        *where,
        tail=f"{group}HAVING n > 0 {order}",
        limit=_MOST_ROWS + 1,
    )
    rows: dict[str, list[Any]] = session.query(statement, purpose="span_series").to_pydict()
    if len(rows["n"]) > _MOST_ROWS:
        raise PharosError(
            Kind.LIMITED,
            f"the spans come to more than {_MOST_ROWS:,} values",
            hint="group by fewer fields, or take a longer step",
        )
    return rows


_EXEMPLAR_COLUMNS: Final = (
    "lower(hex(argMax(trace_id, duration))) AS trace",
    "lower(hex(argMax(span_id, duration))) AS span",
    "toUnixTimestamp64Nano(argMax(ts, duration)) AS at",
    "toInt64(max(duration)) AS longest",
)


def _step_column(windows: Windows) -> str:
    """Return the column of the number of the window that a span is in; of several, a row for each."""
    window_ns, step_ns = int(windows.window_ns), int(windows.step_ns)
    after = f"toUnixTimestamp64Nano(ts) - {int(windows.whole.start_ns)}"
    if window_ns == step_ns:
        return f"intDiv({after}, {step_ns})"
    if window_ns > _MOST_OVERLAPS * step_ns:
        raise PharosError(
            Kind.LIMITED, f"each span is in more than {_MOST_OVERLAPS} windows", hint="take a longer step"
        )
    first = f"if({after} < {window_ns}, 0, intDiv({after} - {window_ns}, {step_ns}) + 1)"
    last = f"least(intDiv({after}, {step_ns}), {int(windows.count) - 1})"
    return f"toInt64(arrayJoin(range(toUInt64({first}), toUInt64({last} + 1))))"


def _value_column(measure: Measure, number: str) -> str:
    if measure.name in _AGGREGATES:
        return f"toFloat64({_AGGREGATES[measure.name]}({number}))"
    if measure.name == "quantile_over_time":
        levels = ", ".join(repr(float(one)) for one in measure.quantiles)
        return f"arrayMap(x -> toFloat64(x), quantiles({levels})({number}))"
    return "toFloat64(count())"


def _series(
    measure: Measure, windows: Windows, rows: dict[str, list[Any]], *, with_zeros: bool
) -> SpanSeries:
    """Return rows as series."""
    names = [str(one) for one in measure.by]
    is_time = isinstance(measure.of, Intrinsic)
    scale = _NS_IN_S if is_time else 1.0
    if measure.name == "rate":
        scale = windows.window_ns / _NS_IN_S
    elif "bucket" in rows:
        scale = 1.0
    places: dict[SpanLabels, int] = {}
    cells: list[tuple[int, int, float]] = []
    exemplars: dict[SpanLabels, list[SpanExemplar]] = {}
    for row in range(len(rows["n"])):
        step = rows["step"][row] if windows.count > 1 else 0
        said = ((name, rows[f"k{place}"][row]) for place, name in enumerate(names))
        labels: SpanLabels = tuple((name, text) for name, text in said if text)
        if "bucket" in rows:
            bound = rows["bucket"][row] / (_NS_IN_S if is_time else 1.0)
            labels = (*labels, (BUCKET_FIELD, bound))
        found = rows["v"][row]
        if measure.quantiles:
            told = [
                ((*labels, (QUANTILE_FIELD, at)), one)
                for at, one in zip(measure.quantiles, found, strict=True)
            ]
        else:
            told = [(labels, found)]
        for key, value in told:
            cells.append((places.setdefault(key, len(places)), step, value / scale))
        if "trace" in rows:
            exemplars.setdefault(told[0][0], []).append(
                SpanExemplar(rows["trace"][row], rows["span"][row], rows["at"][row], rows["longest"][row])
            )
    is_count = measure.name in _COUNTS
    if is_count and not names:
        places.setdefault((), 0)
    is_filled = (is_count or "bucket" in rows) and with_zeros
    shape = (len(places), windows.count)
    values, present = np.zeros(shape), np.full(shape, is_filled or (is_count and not names), np.bool_)
    for place, step, value in cells:
        values[place, step] = value
        present[place, step] = True
    return SpanSeries([*places], values, present, exemplars, sum(rows["n"]))


def _limited(found: SpanSeries, then: Sequence[Limit | Rank]) -> SpanSeries:
    """Return what comparisons and `topk` leave, without series of which nothing is left."""
    present = found.present
    for one in then:
        if isinstance(one, Limit):
            present = present & np.asarray(COMPARISONS[one.op](found.values, one.value), np.bool_)
        else:
            present = present & _ranked(found.values, present, one)
    if not then:
        return found
    kept = np.flatnonzero(present.any(axis=1))
    labels = [found.labels[row] for row in kept.tolist()]
    return replace(found, labels=labels, values=found.values[kept], present=present[kept])


def _ranked(values: NDArray[np.float64], present: NDArray[np.bool_], rank: Rank) -> NDArray[np.bool_]:
    """Return which values are among the highest, or the lowest, of their time."""
    sign = -1.0 if rank.name == "topk" else 1.0
    order = np.argsort(np.where(present, sign * values, np.inf), axis=0, kind="stable")[: rank.count]
    chosen = np.zeros(present.shape, np.bool_)
    np.put_along_axis(chosen, order, values=True, axis=0)
    return chosen
