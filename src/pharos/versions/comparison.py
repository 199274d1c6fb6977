"""What differs between two groups, and how surely: each measure by the test that fits it, worst first."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.judgement.canary import Outcome, Part, Tick, Verdict, judge
from pharos.judgement.ranks import LEAST, Floats, Ranks, compare_ranks
from pharos.judgement.regressions import (
    Better,
    Severity,
    severity_of,
    severity_of_delta,
    worse_percent,
)
from pharos.labels import Labels
from pharos.query.events.log_search import Templates
from pharos.versions.measures import (
    Group,
    Measure,
    log_search,
    metric_query,
    of_group,
    run_selection,
    span_condition,
)
from pharos.versions.readings import TICK_MS, Readings, Requests, Series, by_labels
from pharos.versions.run_ticks import ticks_of

_ALPHA: Final = 0.01
"""Of all that a measure tells together: what is no difference is told as one so rarely."""
_INTERVAL_ALPHA: Final = 0.05
_MOST_STEPS: Final = 250
_LEAST_STEP_MS: Final = 15_000
_MOST_PATTERNS: Final = 20
_BAD_LEVELS: Final = frozenset({"warn", "error", "fatal", "critical"})
_MOST_TICKS: Final = 17_280
"""Of a comparison of requests: a day."""
_HARMLESS_RATIO: Final = 1.5
"""Errors whose ratio is bounded by this have passed: greater ones are looked for."""
_LEAST_LINES: Final = 50
_MOST_RUNS: Final = 20_000
"""Of a group: the newest."""


class Difference(Struct, frozen=True):
    """How one thing differs between the groups. Effects are ratios of the second to the first: 1.1 is a
    tenth more."""

    measure: str
    kind: str
    """`latency` and `errors` of spans, `duration` and `failures` of runs, `metric` or `pattern`."""
    labels: Labels
    better: Better
    baseline: float | None
    """The middle of the first group: a median, a ratio of errors, a share of lines; times in milliseconds."""
    canary: float | None
    effect: float | None
    low: float | None
    high: float | None
    outcome: Outcome
    severity: Severity
    p_value: float | None = None
    delta: float | None = None
    """Cliff's, of a metric."""
    is_different: bool = False
    """Whether it is shown that both differ, whichever way."""
    needs: int | None = None
    """How many more requests, runs, lines, or values of a series, would decide."""
    needs_s: float | None = None

    @property
    def change_percent(self) -> float | None:
        """By how much the second is more than the first."""
        return None if self.effect is None else (self.effect - 1.0) * 100.0


class Saving(Struct, frozen=True):
    """What the second group takes less than the first; below 0 where it takes more."""

    measure: str
    saves: str
    per_second: float
    total: float
    """Over the time of the second group."""
    percent: float | None
    cost: float | None


class Compared(Struct, frozen=True):
    """All that was found."""

    outcome: Outcome
    score: float | None
    """The part of what could be judged that did not fail, from 0 to 100; None where nothing could."""
    severity: Severity
    """The worst."""
    differences: tuple[Difference, ...]
    """The worst first."""
    savings: tuple[Saving, ...]
    notes: tuple[str, ...] = ()


class _Found(Struct):
    differences: list[Difference] = field(default_factory=list)
    savings: list[Saving] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def compare(
    readings: Readings, scope: Scope, baseline: Group, canary: Group, measures: Sequence[Measure]
) -> Compared:
    """Return what differs. Raises PharosError that names the measure at fault, and as queries do."""
    found = _Found()
    for measure in measures:
        _check(measure, canary)
        is_same_time = (baseline.start_ms, baseline.end_ms) == (canary.start_ms, canary.end_ms)
        if is_same_time and _texts(measure, baseline)[0] == _texts(measure, canary)[0]:
            raise PharosError(
                Kind.INVALID,
                f"measures.{measure.name}: both groups are asked the same of the same time",
                hint="write {{.group}} where their names differ, or give them different times",
            )
        if measure.spans:
            await _compare_spans(readings, scope, baseline, canary, measure, found)
        elif measure.runs:
            await _compare_runs(readings, scope, baseline, canary, measure, found)
        elif measure.logs:
            await _compare_lines(readings, scope, baseline, canary, measure, found)
        else:
            await _compare_series(readings, scope, baseline, canary, measure, found)
    return _whole(found)


def _check(measure: Measure, group: Group) -> None:
    """Raise PharosError that names the measure whose query is none: INVALID, UNSUPPORTED."""
    what, text = f"measures.{measure.name}", of_group(measure.query, group.name)
    if measure.spans:
        span_condition(text, f"{what}.spans")
    elif measure.runs:
        run_selection(text, f"{what}.runs", group.start_ms, group.end_ms)
    elif measure.logs:
        log_search(text, f"{what}.logs")
    else:
        metric_query(text, f"{what}.metric")


def _texts(measure: Measure, *groups: Group) -> list[str]:
    return [of_group(measure.query, one.name) for one in groups]


def _whole(found: _Found) -> Compared:
    judged = [one for one in found.differences if one.outcome is not Outcome.UNDECIDED]
    failed = [one for one in judged if one.outcome is Outcome.FAIL]
    severity = max((one.severity for one in failed), key=lambda one: one.rank, default=Severity.NONE)
    outcome = Outcome.UNDECIDED
    if failed:
        outcome = Outcome.FAIL
    elif judged and len(judged) == len(found.differences):
        outcome = Outcome.PASS
    return Compared(
        outcome,
        100.0 * (len(judged) - len(failed)) / len(judged) if judged else None,
        severity,
        tuple(sorted(found.differences, key=_order)),
        tuple(found.savings),
        tuple(found.notes),
    )


def _order(one: Difference) -> tuple[int, int, float, str]:
    size = abs(math.log(one.effect)) if one.effect is not None and one.effect > 0 else math.inf
    known = size if one.effect is not None else 0.0
    return -one.severity.rank, -int(one.is_different), -known, one.measure


# -- requests --


async def _compare_spans(
    readings: Readings, scope: Scope, baseline: Group, canary: Group, measure: Measure, found: _Found
) -> None:
    of = Requests(spans=measure.spans)
    groups = []
    for group in (baseline, canary):
        count = -(-(group.end_ms - group.start_ms) // TICK_MS)
        if count > _MOST_TICKS:
            raise PharosError(
                Kind.INVALID, f"measures.{measure.name}: a day of spans at most can be compared"
            )
        groups.append(await readings.ticks(scope, of, group.name, group.start_ms, 0, count))
    verdict = await asyncio.to_thread(judge, groups[0], groups[1])
    found.differences += _of_verdict(verdict, verdict.needs_s, measure, ("latency", "errors"), groups)
    if not verdict.canary_requests or not verdict.baseline_requests:
        which = baseline.name if not verdict.baseline_requests else canary.name
        found.notes.append(f"{measure.name}: no span was found of {which!r}")


def _of_verdict(
    verdict: Verdict,
    needs_s: float | None,
    measure: Measure,
    kinds: tuple[str, str],
    groups: Sequence[Mapping[int, Tick]],
) -> list[Difference]:
    """Return how long both groups took, and how often they failed, by what these are called."""
    middles = [_geometric(group.values()) for group in groups]
    timing = _of_part(verdict.latency, measure, kinds[0], middles)
    needs = verdict.needs_requests if timing.outcome is Outcome.UNDECIDED else None
    timing = replace(timing, needs=needs, needs_s=None if needs is None else needs_s)
    shares = [_error_share(group.values()) for group in groups]
    errors = _of_part(verdict.errors, measure, kinds[1], shares)
    if errors.outcome is Outcome.UNDECIDED and _is_harmless(verdict.errors, shares[1]):
        errors = replace(errors, outcome=Outcome.PASS)
    return [timing, errors]


def _is_harmless(errors: Part, share: float | None) -> bool:
    """Return whether errors can pass: there are none, or their ratio is bounded by no failure."""
    return share == 0.0 or (errors.high is not None and errors.high <= _HARMLESS_RATIO)


def _of_part(part: Part, measure: Measure, kind: str, middles: Sequence[float | None]) -> Difference:
    percent = 0.0 if part.effect is None else (part.effect - 1.0) * 100.0
    severity = Severity.NONE
    if part.outcome is Outcome.FAIL:
        # It is shown to be worse: at least low, however small the effect is.
        severity = max(severity_of(percent, measure.threshold), Severity.LOW, key=lambda one: one.rank)
        if part.effect is None:
            severity = Severity.CRITICAL
    is_different = (part.low is not None and part.low > 1.0) or (part.high is not None and part.high < 1.0)
    return Difference(
        measure=measure.name,
        kind=kind,
        labels=(),
        better=Better.LOWER,
        baseline=middles[0],
        canary=middles[1],
        effect=part.effect,
        low=part.low,
        high=part.high,
        outcome=part.outcome,
        severity=severity,
        is_different=is_different or part.outcome is Outcome.FAIL,
    )


def _geometric(ticks: Iterable[Tick]) -> float | None:
    timed = total = 0.0
    for tick in ticks:
        timed += tick.timed
        total += tick.timed * tick.mean
    return math.exp(total / timed) if timed else None


def _error_share(ticks: Collection[Tick]) -> float | None:
    requests = sum(tick.requests for tick in ticks)
    return sum(tick.errors for tick in ticks) / requests if requests else None


# -- runs --


async def _compare_runs(
    readings: Readings, scope: Scope, baseline: Group, canary: Group, measure: Measure, found: _Found
) -> None:
    what = f"measures.{measure.name}.runs"
    sides = [
        await readings.runs(scope, measure.runs, what, group, _MOST_RUNS) for group in (baseline, canary)
    ]
    for group, side in zip((baseline, canary), sides, strict=True):
        if not side:
            found.notes.append(f"{measure.name}: no run that succeeded or failed was found of {group.name!r}")
        elif len(side) == _MOST_RUNS:
            found.notes.append(
                f"{measure.name}: the newest {_MOST_RUNS:,} runs of {group.name!r} are compared"
            )
    groups = ticks_of(*sides)
    verdict = await asyncio.to_thread(judge, *groups)
    needs, seen = verdict.needs_requests, len(sides[1])
    # Looks are by portions, not by the clock: how soon runs come is known from how many came.
    needs_s = needs * canary.seconds / seen if needs is not None and seen else None
    found.differences += _of_verdict(verdict, needs_s, measure, ("duration", "failures"), groups)


# -- series --


async def _compare_series(
    readings: Readings, scope: Scope, baseline: Group, canary: Group, measure: Measure, found: _Found
) -> None:
    what = f"measures.{measure.name}"
    longest = max(baseline.end_ms - baseline.start_ms, canary.end_ms - canary.start_ms)
    step_ms = max(_LEAST_STEP_MS, -(-longest // _MOST_STEPS // 1000) * 1000)
    sides: list[Mapping[Labels, Series]] = [
        by_labels(await readings.series(scope, measure.metric, what, group, step_ms), group.name)
        for group in (baseline, canary)
    ]
    both = [labels for labels in sides[0] if labels in sides[1]]
    for group, mine, other in ((baseline, sides[0], sides[1]), (canary, sides[1], sides[0])):
        alone = sum(labels not in other for labels in mine)
        if not mine:
            found.notes.append(f"{measure.name}: no value was found of {group.name!r}")
        elif alone:
            found.notes.append(f"{measure.name}: {alone} series are only in {group.name!r}")

    def compared() -> list[Difference]:
        return [
            _difference(measure, labels, sides[0][labels].values, sides[1][labels].values, len(both), step_ms)
            for labels in both
        ]

    found.differences += await asyncio.to_thread(compared)
    if (measure.saves or measure.price) and both:
        found.savings.append(_saving(measure, [side[one].values for side in sides for one in both], canary))


def _difference(
    measure: Measure, labels: Labels, first: Floats, second: Floats, count: int, step_ms: int
) -> Difference:
    middles = [float(np.median(values)) for values in (first, second)]
    is_positive = bool((first > 0).all() and (second > 0).all())
    scale = abs(middles[0])
    ranks = _ranks(first, second, is_positive=is_positive)
    base = Difference(
        measure=measure.name,
        kind="metric",
        labels=labels,
        better=measure.better,
        baseline=middles[0],
        canary=middles[1],
        effect=None,
        low=None,
        high=None,
        outcome=Outcome.UNDECIDED,
        severity=Severity.NONE,
    )
    if ranks is None:
        lack = max(LEAST - min(len(first), len(second)), 1)
        return replace(base, needs=lack, needs_s=lack * step_ms / 1000.0)
    effect = low = high = None
    if is_positive:
        effect, low, high = (math.exp(one) for one in (ranks.shift, ranks.low, ranks.high))
    elif scale > 0:
        effect, low, high = (1.0 + one / scale for one in (ranks.shift, ranks.low, ranks.high))
    elif ranks.shift == 0.0 and ranks.low == 0.0 and ranks.high == 0.0:
        effect = low = high = 1.0
    base = replace(base, effect=effect, low=low, high=high, p_value=ranks.p_value, delta=ranks.delta)
    return _judged(base, measure, ranks, count, min(len(first), len(second)), step_ms)


def _ranks(first: Floats, second: Floats, *, is_positive: bool) -> Ranks | None:
    if is_positive:
        first, second = (np.log(values) for values in (first, second))
    return compare_ranks(first, second, _INTERVAL_ALPHA)


def _judged(
    base: Difference, measure: Measure, ranks: Ranks, count: int, length: int, step_ms: int
) -> Difference:
    """Return a difference with its verdict: surely worse by the threshold, not worse by it, or open."""
    is_different = ranks.p_value * count < _ALPHA
    if measure.better is Better.NEITHER:
        return replace(base, outcome=Outcome.PASS, is_different=is_different)
    if base.effect is None or base.low is None or base.high is None:
        worse = ranks.delta if measure.better is Better.LOWER else -ranks.delta
        severity = severity_of_delta(worse) if is_different else Severity.NONE
        outcome = Outcome.FAIL if severity is not Severity.NONE else Outcome.PASS
        return replace(base, outcome=outcome, severity=severity, is_different=is_different)
    worse = worse_percent((base.effect - 1.0) * 100.0, measure.better)
    most = max(worse_percent((end - 1.0) * 100.0, measure.better) for end in (base.low, base.high))
    if is_different and worse >= measure.threshold:
        severity = severity_of(worse, measure.threshold)
        return replace(base, outcome=Outcome.FAIL, severity=severity, is_different=True)
    if most < measure.threshold:
        return replace(base, outcome=Outcome.PASS, is_different=is_different)
    # The interval narrows with the root of the length.
    room = abs(measure.threshold - worse)
    times = ((most - worse) / room) ** 2 if room > 0.0 else math.inf
    more = None if not math.isfinite(times) else max(math.ceil(length * (times - 1.0)), 1)
    return replace(
        base, is_different=is_different, needs=more, needs_s=None if more is None else more * step_ms / 1000.0
    )


def _saving(measure: Measure, values: Sequence[Floats], canary: Group) -> Saving:
    half = len(values) // 2
    before, after = (sum(float(one.mean()) for one in part) for part in (values[:half], values[half:]))
    total = (before - after) * canary.seconds
    return Saving(
        measure.name,
        measure.saves or "cost",
        before - after,
        total,
        100.0 * (before - after) / before if before else None,
        total * measure.price if measure.price else total if measure.saves == "cost" else None,
    )


# -- lines --


async def _compare_lines(
    readings: Readings, scope: Scope, baseline: Group, canary: Group, measure: Measure, found: _Found
) -> None:
    what = f"measures.{measure.name}"
    first, second = [
        await readings.patterns(scope, measure.logs, what, group) for group in (baseline, canary)
    ]
    for group, side in ((baseline, first), (canary, second)):
        if not side.lines:
            found.notes.append(f"{measure.name}: no line was found of {group.name!r}")
        elif not side.is_complete:
            found.notes.append(
                f"{measure.name}: the newest {side.lines} lines of {group.name!r} are compared"
            )
    if first.lines and second.lines:
        found.differences += _patterns(measure, first, second)


def _patterns(measure: Measure, first: Templates, second: Templates) -> list[Difference]:
    """Return the patterns whose shares of the lines differ, and those of bad levels that are new."""
    counts: dict[tuple[str, str], list[int]] = {}
    for place, side in enumerate((first, second)):
        for one in side.found:
            counts.setdefault((one.template, one.level), [0, 0])[place] += one.count
    totals = (first.lines, second.lines)
    made = [_pattern(measure, key, both, totals, len(counts)) for key, both in counts.items()]
    told = sorted((one for one in made if one.is_different), key=_order)
    # Where no pattern differs, that is what is told.
    return told[:_MOST_PATTERNS] or [_all_alike(measure, totals)]


def _all_alike(measure: Measure, totals: tuple[int, int]) -> Difference:
    enough = min(totals) >= _LEAST_LINES
    return Difference(
        measure=measure.name,
        kind="pattern",
        labels=(),
        better=Better.NEITHER,
        baseline=None,
        canary=None,
        effect=None,
        low=None,
        high=None,
        outcome=Outcome.PASS if enough else Outcome.UNDECIDED,
        severity=Severity.NONE,
        needs=None if enough else _LEAST_LINES - min(totals),
    )


def _pattern(
    measure: Measure, key: tuple[str, str], both: Sequence[int], totals: tuple[int, int], count: int
) -> Difference:
    template, level = key
    first, second = both
    shares = (first / totals[0], second / totals[1])
    # Half a line more on both sides: the logarithm of a ratio that may be of nothing (Haldane, Anscombe).
    parts = [(one + 0.5, total + 0.5) for one, total in zip(both, totals, strict=True)]
    logarithm = math.log(parts[1][0] / parts[1][1]) - math.log(parts[0][0] / parts[0][1])
    spread = math.sqrt(max(sum(1.0 / one - 1.0 / total for one, total in parts), 1e-12))
    p_value = math.erfc(abs(logarithm) / spread / math.sqrt(2.0))
    is_bad = level in _BAD_LEVELS
    is_different = p_value * count < _ALPHA
    width = 1.96 * spread
    effect = math.exp(logarithm)
    severity = Severity.NONE
    if is_bad and is_different and effect > 1.0:
        severity = severity_of((effect - 1.0) * 100.0, measure.threshold)
    return Difference(
        measure=measure.name,
        kind="pattern",
        labels=(("level", level), ("pattern", template)) if level else (("pattern", template),),
        better=Better.LOWER if is_bad else Better.NEITHER,
        baseline=shares[0],
        canary=shares[1],
        effect=effect,
        low=math.exp(logarithm - width),
        high=math.exp(logarithm + width),
        outcome=Outcome.FAIL if severity is not Severity.NONE else Outcome.PASS,
        severity=severity,
        p_value=p_value,
        is_different=is_different,
    )
