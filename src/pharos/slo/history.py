"""An objective over its window: how its budget went, what spent it, how fast it burns, and where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.alerting.maintenance import Occurrence
from pharos.gotext.durations import format_duration
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.rules.doors import QueryDoor, QueryRound
from pharos.rules.evaluate import elements
from pharos.slo.budget import BudgetState, Counts, budget_state, burn_rate
from pharos.slo.coverage import BAD, TOTAL, selector_of
from pharos.slo.maintained import NOTHING_SPARED, Spared, counted_in, range_of
from pharos.slo.objective import Language, Objective, grouping_of
from pharos.slo.pyrra_rules import burn_alerts
from pharos.slo.sloth_rules import FAST
from pharos.slo.windows import BurnWindows, Design, windows_of

_STEPS: Final = 720
_STEP_MS: Final = 300_000
_LEAST_SHARE: Final = 0.002
"""Of the budget: what spent less is no event."""
_MOST_EVENTS: Final = 20
_MOST_PARTS: Final = 200
_HOUR_MS: Final = 3_600_000

Floats = NDArray[np.float64]


class Spent(Struct, frozen=True):
    """A time in which budget went."""

    start_ms: int
    end_ms: int
    share: float
    """Of the window's budget."""
    error_rate: float


class History(Struct, frozen=True):
    """The budget from the begin of the window to now."""

    times_ms: tuple[int, ...]
    remaining: tuple[float | None, ...]
    """What was left at each time, of the budget of all that happened in the window."""
    error_rates: tuple[float | None, ...]
    """Of each step; None where nothing was measured."""
    step_ms: int
    spent: tuple[Spent, ...]
    """What spent the budget, the most of it first."""


async def budget_history(
    metrics: Metrics,
    scope: Scope,
    objective: Objective,
    start_ms: int,
    at_ms: int,
    spared: Spared = NOTHING_SPARED,
) -> History:
    """Return how a budget went between two times. Raises PharosError as queries do."""
    length = max(at_ms - start_ms, _STEP_MS)
    step = max(-(-length // _STEPS // _STEP_MS) * _STEP_MS, _STEP_MS)
    count = max(length // step, 1)
    times = Times(at_ms - (count - 1) * step, at_ms, step)
    window, selector = format_duration(step), selector_of(objective)
    bad, total = [
        await metrics.evaluate(
            scope, parse_query(f"sum(sum_over_time({name}{selector}[{window}]))"), times, _row(count)
        )
        for name in (BAD, TOTAL)
    ]
    ends = np.arange(count, dtype=np.int64) * step + times.start_ms
    # A step that is partly maintenance counts by the rest of it.
    for one in spared.whole:
        share = _share(ends, step, one)
        bad, total = bad * (1 - share), total * (1 - share)
    for only in dict.fromkeys(one.only for one in spared.some):
        share = sum(
            (_share(ends, step, one.span) for one in spared.some if one.only == only), np.zeros(count)
        )
        less_bad, less = [
            np.nan_to_num(
                await metrics.evaluate(
                    scope,
                    parse_query(f"sum({counted_in(name, objective, f'[{window}]', only)})"),
                    times,
                    _row(count),
                )
            )
            for name in (BAD, TOTAL)
        ]
        bad, total = bad - less_bad * share, total - less * share
    return _history(bad, total, objective.budget, ends, step)


def _share(ends: NDArray[np.int64], step: int, span: Occurrence) -> Floats:
    """Return which part of each step is within a time."""
    within: Floats = np.minimum(ends, span.end_ms) - np.maximum(ends - step, span.start_ms)
    return np.clip(within, 0, step) / step


def _row(count: int):  # type: ignore[no-untyped-def]
    def row(answer: Answer) -> Floats:
        if not len(answer.values):
            return np.full(count, np.nan)
        return np.where(answer.present[0], answer.values[0], np.nan)

    return row


def _history(bad: Floats, total: Floats, budget: float, ends: NDArray[np.int64], step: int) -> History:
    known = ~np.isnan(total)
    events = np.where(known, total, 0.0)
    errors = np.clip(np.where(np.isnan(bad), 0.0, bad), 0.0, None)
    allowed = budget * events.sum()
    shares = errors / allowed if allowed > 0 else np.zeros_like(errors)
    left = 1 - np.cumsum(shares)
    rates = np.divide(errors, events, out=np.full(len(errors), np.nan), where=events > 0)
    spent = sorted(_spent(shares, errors, events, ends, step), key=lambda one: -one.share)
    return History(
        times_ms=tuple(ends.tolist()),
        remaining=tuple(left.tolist()) if known.any() else (None,) * len(left),
        error_rates=tuple(None if np.isnan(one) else one for one in rates.tolist()),
        step_ms=step,
        spent=tuple(spent[:_MOST_EVENTS]),
    )


def _spent(
    shares: Floats, errors: Floats, events: Floats, ends: NDArray[np.int64], step: int
) -> Iterator[Spent]:
    """Yield stretches of steps each of which spent something of the budget."""
    begin = -1
    for place in range(len(shares) + 1):
        is_spending = place < len(shares) and shares[place] >= _LEAST_SHARE
        if is_spending and begin < 0:
            begin = place
        elif not is_spending and begin >= 0:
            part = slice(begin, place)
            rate = float(errors[part].sum() / max(events[part].sum(), 1e-300))
            yield Spent(int(ends[begin]) - step, int(ends[place - 1]), float(shares[part].sum()), rate)
            begin = -1


class Burning(Struct, frozen=True):
    """A pair of windows, and how fast the budget burns in each."""

    severity: str
    long_ms: int
    short_ms: int
    factor: float
    """The burn rate from which on both have to be for an alert."""
    long_rate: float | None
    short_rate: float | None

    @property
    def is_burning(self) -> bool:
        """Whether both are above it."""
        rates = (self.long_rate, self.short_rate)
        return all(rate is not None and rate > self.factor for rate in rates)


class Part(Struct, frozen=True):
    """One of the label sets that an objective tells apart, and how it stands."""

    labels: Labels
    state: BudgetState


class Rates(Struct, frozen=True):
    """How fast a budget burns, and where."""

    burning: tuple[Burning, ...]
    parts: tuple[Part, ...]
    """Those with the least left first; empty where nothing is told apart."""


async def burn_rates(
    door: QueryDoor,
    scope: Scope,
    objective: Objective,
    pairs: Sequence[tuple[str, int, int, float]],
    start_ms: int,
    at_ms: int,
    spared: Spared = NOTHING_SPARED,
) -> Rates:
    """Return how fast a budget burns over pairs of windows, and how each part stands. Raises as queries do.

    A pair is (severity, long window, short window, burn rate that is too fast). How fast it burns is as the
    alerts see it; parts are spared their maintenance.
    """
    lengths = sorted({ms for _, long, short, _ in pairs for ms in (long, short)})
    by = grouping_of(objective)
    selector = selector_of(objective)
    texts = [
        f"sum(sum_over_time({name}{selector}[{format_duration(ms)}]))"
        for ms in lengths
        for name in (BAD, TOTAL)
    ]
    ms = max(at_ms - start_ms, 60_000)
    if by:
        names = ", ".join(by)
        texts += [
            f"sum by ({names}) (sum_over_time({name}{selector}[{format_duration(one)}]))"
            for one in (ms, _HOUR_MS)
            for name in (BAD, TOTAL)
        ]
    left_out = [
        (place, f"sum by ({', '.join(by)}) ({counted_in(name, objective, range_of(span), only)})")
        for place, (since_ms, name) in enumerate(
            (at_ms - one, name) for one in (ms, _HOUR_MS) for name in (BAD, TOTAL)
        )
        for span, only in spared.within(since_ms, at_ms)
        if by
    ]
    texts += [text for _, text in left_out]
    asked = door.prepare(texts, 0).round(scope, at_ms)
    answers = await asked.run("slo", lambda: _answers(asked, len(texts)))
    counted = {
        length: Counts(_one(answers[2 * place + 1]), max(_one(answers[2 * place]), 0.0))
        for place, length in enumerate(lengths)
    }
    rates = {length: burn_rate(counts, objective.budget) for length, counts in counted.items()}
    burning = tuple(
        Burning(severity, long, short, factor, rates[long], rates[short])
        for severity, long, short, factor in pairs
    )
    if not by:
        return Rates(burning, ())
    whole = 2 * len(lengths)
    parts = answers[whole : whole + 4]
    for (place, _), less in zip(left_out, answers[whole + 4 :], strict=True):
        parts[place] = {labels: value - less.get(labels, 0.0) for labels, value in parts[place].items()}
    return Rates(burning, _parts(objective, parts))


def _answers(asked: QueryRound, count: int) -> list[dict[Labels, float]]:
    return [{one.labels: one.value for one in elements(asked.answer(index))} for index in range(count)]


def _one(answer: Mapping[Labels, float]) -> float:
    return next(iter(answer.values()), 0.0)


def _parts(objective: Objective, answers: Sequence[Mapping[Labels, float]]) -> tuple[Part, ...]:
    bad, total, bad_now, total_now = answers
    found = [
        Part(
            labels,
            budget_state(
                Counts(max(events, 0.0), max(bad.get(labels, 0.0), 0.0)),
                Counts(max(total_now.get(labels, 0.0), 0.0), max(bad_now.get(labels, 0.0), 0.0)),
                objective.budget,
                objective.period_ms,
            ),
        )
        for labels, events in total.items()
    ]
    found.sort(key=lambda one: (one.state.remaining, one.labels))
    return tuple(found[:_MOST_PARTS])


def pairs_of(
    objective: Objective, design: Design, own: Mapping[int, BurnWindows]
) -> list[tuple[str, int, int, float]]:
    """Return the pairs of windows that an objective's alerts look at, as `burn_rates` takes them."""
    if objective.language is Language.PYRRA:
        alerts = burn_alerts(objective.period_ms)
        return [(one.severity, one.long_ms, one.short_ms, float(one.factor)) for one in alerts]
    windows = windows_of(objective.period_ms, own)
    pages = FAST if design is Design.FAST else windows
    return [
        *(("page", one.long_ms, one.short_ms, pages.factor(one)) for one in pages.page),
        *(("ticket", one.long_ms, one.short_ms, windows.factor(one)) for one in windows.ticket),
    ]
