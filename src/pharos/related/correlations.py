"""Which series changed with one: all are compared with what they did before, the most changed first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.judgement.changes import Changes, find_changes
from pharos.labels import LEGACY_METRIC_NAME, METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.parse import parse_selector
from pharos.promql.language.printer import to_text
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import Query, parse_query

MOST_SERIES: Final = 10_000
MOST_MS: Final = 86_400_000
"""The longest time that is looked at, and the longest before it."""
USUAL_MATCH: Final = r'{__name__!="",__name__!~".*_bucket|pharos_anomaly.*|ALERTS.*|slo:.*|sloth_.*"}'
"""Neither parts of histograms, which others stand for, nor what is computed of all the rest."""
_LEAST_SCORE: Final = 0.3
_LEAST_BEFORE_MS: Final = 600_000
_TIMES_BEFORE: Final = 4
_STEP_MS: Final = 15_000
_MOST_STEPS: Final = 300
_RATE_MS: Final = 120_000
_MOST_POINTS: Final = 120
_COUNTERS: Final = ("_total", "_count", "_sum")

Floats = NDArray[np.float64]


class Asked(Struct, frozen=True):
    """What is asked: a time, and what was seen then."""

    start_ms: int
    end_ms: int
    before_ms: int = 0
    """How long before it is compared with; 0 for four times as long, ten minutes at least."""
    query: Query | None = None
    """Where it was seen; None ranks series by their own change."""
    selectors: tuple[str, ...] = ()
    """Which series are compared; USUAL_MATCH without any."""
    limit: int = 30


class Changed(Struct, frozen=True):
    """A series that changed."""

    labels: Labels
    expression: str
    """PromQL that shows it: of a counter, its rate."""
    score: float
    change_score: float
    correlation: float | None
    before: float
    during: float
    first_ms: int | None
    """When it first left what it did before."""
    is_counter: bool
    values: tuple[float | None, ...]

    @property
    def change(self) -> float | None:
        """By how much of what it was; None where it was nothing."""
        return (self.during - self.before) / abs(self.before) if self.before else None


class Correlations(Struct, frozen=True):
    """What changed in a time, the most changed first."""

    asked: Asked
    before_ms: int
    """When what it is compared with begins."""
    step_ms: int
    examined: int
    changed: int
    is_truncated: bool
    """Whether there are more series than were compared."""
    reference: Changed | None
    series: tuple[Changed, ...]


async def find_correlations(metrics: Metrics, scope: Scope, asked: Asked) -> Correlations:
    """Return which series changed between two times, of one tenant, by how they changed and moved together.

    Raises PharosError: INVALID for a time that is none or too long and for selectors that are none, and as
    queries do.
    """
    steps = _steps(asked)
    selectors = asked.selectors or (USUAL_MATCH,)
    for one in selectors:
        _require_selector(one)
    nothing = np.full(steps.count, math.nan)
    reference = None
    followed = nothing
    if asked.query is not None:
        followed = await metrics.evaluate(scope, asked.query, steps.times, _total_of)
        if np.isnan(followed).all():
            raise PharosError(
                Kind.INVALID, "the query has no values at that time", hint="ask about another time, or query"
            )
        found = _changes(followed.reshape(1, -1), steps, np.zeros(1, np.bool_), nothing)
        text = asked.query.text
        reference = _changed(found, 0, steps, (), text, has_reference=False)
        followed = found.values[0]
    seen: set[Labels] = set()
    kept: list[Changed] = []
    is_truncated = False
    for selector in selectors:
        most = MOST_SERIES - len(seen)
        part, more = await metrics.evaluate(
            scope,
            parse_query(selector),
            steps.times,
            lambda answer, most=most: _compared(answer, steps, followed, seen, most),  # type: ignore[misc]
        )
        kept += part
        is_truncated |= more
    kept.sort(key=lambda one: (-one.score, one.labels))
    return Correlations(
        asked=asked,
        before_ms=steps.times.start_ms,
        step_ms=steps.times.step_ms,
        examined=len(seen),
        changed=len(kept),
        is_truncated=is_truncated,
        reference=reference,
        series=tuple(kept[: asked.limit]),
    )


class _Steps(Struct, frozen=True):
    times: Times
    count: int
    split: int
    """The first step of the time that is asked about."""

    def at_ms(self, step: int) -> int:
        return self.times.start_ms + step * self.times.step_ms


def _steps(asked: Asked) -> _Steps:
    length = asked.end_ms - asked.start_ms
    if not 0 < length <= MOST_MS:
        raise PharosError(Kind.INVALID, "to must be after from, and at most 24h after it")
    before = asked.before_ms or min(max(_TIMES_BEFORE * length, _LEAST_BEFORE_MS), MOST_MS)
    if not 0 < before <= MOST_MS:
        raise PharosError(Kind.INVALID, "baseline must be longer than nothing, and at most 24h")
    step = max(_STEP_MS, math.ceil((before + length) / _MOST_STEPS / _STEP_MS) * _STEP_MS)
    start = max(asked.start_ms - before, 0) // step * step
    split = -(-(asked.start_ms - start) // step)
    count = max((asked.end_ms - start) // step + 1, split + 1)
    return _Steps(Times(start, start + (count - 1) * step, step), count, split)


def _require_selector(text: str) -> None:
    matchers = parse_selector(text)
    if all(one.matches("") for one in matchers):
        raise PharosError(
            Kind.INVALID,
            f"match[] {text[:80]!r} takes every series",
            hint="name a metric, or a label's value",
        )


def _total_of(answer: Answer) -> Floats:
    """Return the sum over all series at every step; NaN where there is none."""
    if answer.type is AnswerType.STRING or answer.raw is not None:
        raise PharosError(Kind.INVALID, "the query must be of numbers at a time, not a range or a text")
    present = answer.present
    total: Floats = np.where(present, answer.values, 0.0).sum(axis=0)
    return np.where(present.any(axis=0), total, math.nan)


def _changes(values: Floats, steps: _Steps, counters: NDArray[np.bool_], reference: Floats) -> Changes:
    step_ms = steps.times.step_ms
    window = max(-(-_RATE_MS // step_ms), 1)
    return find_changes(
        values, steps.split, step_ms / 1000, min(window, steps.count - 1), counters, reference
    )


def _compared(
    answer: Answer, steps: _Steps, reference: Floats, seen: set[Labels], most: int
) -> tuple[list[Changed], bool]:
    """Return the series of an answer that changed, and whether there were more of them than `most`."""
    fresh = [row for row, labels in enumerate(answer.labels) if labels not in seen]
    rows = fresh[:most]
    labels = [answer.labels[row] for row in rows]
    seen.update(labels)
    values = np.where(answer.present[rows], answer.values[rows], math.nan)
    if answer.cells is not None:
        # Of native histograms there is no one value.
        values[[any(cell is not None for cell in answer.cells[row]) for row in rows]] = math.nan
    counters = np.fromiter((_is_counter(one) for one in labels), np.bool_, len(rows))
    found = _changes(values, steps, counters, reference)
    has_reference = not np.isnan(reference).all()
    changed = [
        _changed(
            found,
            row,
            steps,
            labels[row],
            _expression(labels[row], bool(found.is_counter[row])),
            has_reference=has_reference,
        )
        for row in np.flatnonzero(found.scores >= _LEAST_SCORE).tolist()
    ]
    return changed, len(fresh) > len(rows)


def _is_counter(labels: Labels) -> bool:
    return dict(labels).get(METRIC_NAME, "").endswith(_COUNTERS)


def _expression(labels: Labels, is_counter: bool) -> str:
    name = dict(labels).get(METRIC_NAME, "")
    bare = name if LEGACY_METRIC_NAME.fullmatch(name) else ""
    matchers = tuple(Matcher(key, MatchOp.EQUAL, value) for key, value in labels)
    text = to_text(VectorSelector(bare, matchers))
    return f"rate({text}[{format_duration(5 * 60_000)}])" if is_counter else text


def _changed(
    found: Changes, row: int, steps: _Steps, labels: Labels, expression: str, *, has_reference: bool
) -> Changed:
    score, together = float(found.scores[row]), float(found.correlations[row])
    first = int(found.first[row])
    likeness = 0.0 if math.isnan(together) else abs(together)
    return Changed(
        labels=labels,
        expression=expression,
        score=score * (0.5 + 0.5 * likeness) if has_reference else score,
        change_score=score,
        correlation=None if math.isnan(together) else together,
        before=_number(found.before[row]),
        during=_number(found.during[row]),
        first_ms=None if first < 0 else steps.at_ms(first),
        is_counter=bool(found.is_counter[row]),
        values=tuple(_points(found.values[row])),
    )


def _number(value: float) -> float:
    return float(value) if math.isfinite(value) else 0.0


def _points(values: Floats) -> Iterator[float | None]:
    stride = -(-len(values) // _MOST_POINTS)
    for place in range(0, len(values), stride):
        part: Sequence[float] = [one for one in values[place : place + stride].tolist() if math.isfinite(one)]
        yield sum(part) / len(part) if part else None
