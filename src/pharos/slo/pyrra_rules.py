"""Rules of an objective under the names of Pyrra: burn rates and their alerts, and increases over the
window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from msgspec import Struct

from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_f, format_g
from pharos.gotext.quoting import quote
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.printer import format_matcher, to_text
from pharos.rules.spec import AlertingRule, RecordingRule, Rule, RuleGroup
from pharos.slo.objective import (
    DAY_MS,
    BoolGauge,
    Latency,
    NativeLatency,
    Objective,
    RatioOfSeries,
    as_labels,
    merged,
)
from pharos.slo.ratios import bad_and_total, error_ratio, summed

_MINUTE_MS: Final = 60_000
_BURN_EVERY_MS: Final = 30_000
_SHORT_MS: Final = 5 * _MINUTE_MS
_REGEXES: Final = frozenset({MatchOp.REGEX, MatchOp.NOT_REGEX})
_BUCKET: Final = "le"


class BurnAlert(Struct, frozen=True):
    """One of the four burn rates that Pyrra looks at."""

    severity: str
    for_ms: int
    long_ms: int
    short_ms: int
    factor: int
    parts: int
    """One of so many parts of the whole budget is burnt in the long window then."""


def burn_alerts(period_ms: int) -> tuple[BurnAlert, ...]:
    """Return the burn rates of a window, scaled from those of 28 days and rounded to minutes."""

    def part(days: float) -> int:
        # Rounded as Go does, halves away from zero; a window of no length asks for nothing.
        return max((round(period_ms * days // 28) + _MINUTE_MS // 2) // _MINUTE_MS, 1) * _MINUTE_MS

    hour, minute = 1 / 24, 1 / 1440
    return (
        BurnAlert("critical", part(2 * minute), part(hour), part(5 * minute), 14, 48),
        BurnAlert("critical", part(15 * minute), part(6 * hour), part(30 * minute), 7, 16),
        BurnAlert("warning", part(hour), part(1), part(2 * hour), 2, 14),
        BurnAlert("warning", part(3 * hour), part(4), part(6 * hour), 1, 7),
    )


def pyrra_groups(objective: Objective) -> Iterator[RuleGroup]:
    """Yield both groups of an objective's rules."""
    burn: tuple[Rule, ...] = (*_burn_rules(objective), *_burn_alerts(objective))
    yield RuleGroup(objective.name, burn, interval_ms=_BURN_EVERY_MS)
    rules = tuple(_increase_rules(objective))
    yield RuleGroup(f"{objective.name}-increase", rules, interval_ms=_increase_every_ms(objective.period_ms))


def _primary(objective: Objective) -> VectorSelector:
    """Return the series whose name and matchers the rules have: those of all events."""
    match objective.indicator:
        case RatioOfSeries(errors=errors, total=total):
            found = total or errors
        case Latency(total=total) | NativeLatency(total=total):
            found = total
        case BoolGauge(metric=metric):
            found = metric
        case _:
            found = None
    assert found is not None  # noqa: S101 - the reader makes no others
    return found


def _grouping(objective: Objective) -> tuple[str, ...]:
    one = objective.indicator
    return one.grouping if isinstance(one, RatioOfSeries | Latency | NativeLatency | BoolGauge) else ()


def _matchers(selector: VectorSelector) -> list[Matcher]:
    return [one for one in selector.matchers if one.name != METRIC_NAME]


def _common(objective: Objective) -> dict[str, str]:
    return {"slo": objective.name, **dict(objective.labels)}


def _with_equals(objective: Objective, without: set[str]) -> dict[str, str]:
    """Return the labels of rules: what all series of the objective have in common, and its name."""
    equal = {one.name: one.value for one in _matchers(_primary(objective)) if one.op is MatchOp.EQUAL}
    labels = {**_common(objective), **equal}
    return {name: value for name, value in labels.items() if name not in without}


def _burn_name(objective: Objective, ms: int) -> str:
    name = _primary(objective).name.removesuffix("_total").removesuffix("_count")
    return f"{name}:burnrate{format_duration(ms)}"


def _burn_rules(objective: Objective) -> Iterator[RecordingRule]:
    labels = as_labels(_with_equals(objective, set(_grouping(objective))))
    alerts = burn_alerts(objective.period_ms)
    for ms in sorted({ms for one in alerts for ms in (one.long_ms, one.short_ms)}):
        expr = error_ratio(objective.indicator, format_duration(ms))
        yield RecordingRule(_burn_name(objective, ms), expr, labels)


def _burn_alerts(objective: Objective) -> Iterator[AlertingRule]:
    alert = objective.alerting.page
    if alert is None:
        return
    grouping = set(_grouping(objective))
    kept = [one for one in _matchers(_primary(objective)) if one.name in grouping or one.op not in _REGEXES]
    chosen = ",".join(sorted((*map(format_matcher, kept), f"slo={quote(objective.name)}")))
    own = _common(objective)
    own |= {
        one.name: one.value
        for one in _matchers(_primary(objective))
        if one.op is MatchOp.EQUAL and one.name not in grouping
    }
    for place, one in enumerate(burn_alerts(objective.period_ms)):
        limit = f"> {_limit(objective, one)}"
        short, long = (
            f"{_burn_name(objective, ms)}{{{chosen}}} {limit}" for ms in (one.short_ms, one.long_ms)
        )
        more: Labels = (
            ("short", format_duration(one.short_ms)),
            ("long", format_duration(one.long_ms)),
            ("severity", _severity(objective, place, one.severity)),
            ("exhaustion", format_duration(objective.period_ms // 1000 // one.factor * 1000)),
        )
        yield AlertingRule(
            alert.name,
            f"{short} and {long}",
            for_ms=one.for_ms,
            labels=as_labels(merged(as_labels(own), more)),
            annotations=objective.annotations,
        )


def _limit(objective: Objective, one: BurnAlert) -> str:
    """Return from which ratio of errors on the budget burns too fast.

    By traffic it is a share of the budget that counts: the fewer of the period's events are in the long
    window, the larger a ratio that share is. Both windows are compared with the same.
    """
    if not objective.alerting.is_dynamic:
        return f"({one.factor} * (1-{objective.target}))"
    by = ", ".join(sorted(set(_grouping(objective))))
    share = f"1/{one.parts} * (1-{objective.target})"
    events = f"{_events_of_period(objective)} / {_events(objective, one.long_ms)}"
    return f"on({by}) group_left() ({share} * {events})"


def _events(objective: Objective, ms: int) -> str:
    """Return how many events there were, by the labels of budgets that are kept apart."""
    grouping = _grouping(objective)
    match objective.indicator:
        case RatioOfSeries(total=None):
            _, per_second = bad_and_total(objective.indicator, format_duration(ms))
            return f"({ms // 1000} * ({per_second}))"
        case BoolGauge(metric=metric):
            return summed("count_over_time", metric, ms, grouping)
        case NativeLatency(total=total):
            return f"histogram_count({summed('increase', total, ms, grouping)})"
        case _:
            return summed("increase", _primary(objective), ms, grouping)


def _events_of_period(objective: Objective) -> str:
    """Return how many events there were over the whole window: as recorded, where all of them are."""
    period_ms = objective.period_ms
    chosen = f"slo={quote(objective.name)}"
    match objective.indicator:
        case RatioOfSeries(total=None):
            return _events(objective, period_ms)
        case BoolGauge(metric=metric):
            name = f"{metric.name}:count{format_duration(period_ms)}"
        case Latency() | NativeLatency():
            # Events and quick ones have the same name, and only those have a bound.
            name = _increase_name(_primary(objective).name, period_ms)
            chosen = f'{_BUCKET}="",{chosen}'
        case _:
            name = _increase_name(_primary(objective).name, period_ms)
    by = ", ".join(sorted(set(_grouping(objective))))
    return f"sum{f' by ({by}) ' if by else ''}({name}{{{chosen}}})"


def _severity(objective: Objective, place: int, default: str) -> str:
    named = objective.alerting.severities
    return (named[place] if named else "") or default


def _increase_every_ms(period_ms: int) -> int:
    """Return how often increases are recorded: half a minute more for each week of the window."""
    return 30_000 * min(period_ms // (7 * DAY_MS) + 1, 8)


def _increase_name(name: str, ms: int) -> str:
    for suffix in ("_total", "_count", "_bucket"):
        name = name.removesuffix(suffix)
    return f"{name}:increase{format_duration(ms)}"


def _increase_rules(objective: Objective) -> Iterator[Rule]:
    match objective.indicator:
        case RatioOfSeries(errors=errors, total=total, success=success):
            primary = _primary(objective)
            parts = [one for one in (total, errors, success) if one is not None]
            others = [one for one in parts if one is not primary and one.name != primary.name]
            seen = {name: one for one in others for name in (one.name,)}
            named = (primary, *seen.values())
            yield from _increases(objective, tuple((one, "") for one in named), parts)
        case Latency(success=success, total=total):
            bound = next((one.value for one in success.matchers if one.name == _BUCKET), "")
            yield from _increases(objective, ((total, ""), (success, bound)), [total, success])
        case NativeLatency():
            yield from _native_increases(objective, objective.indicator)
        case BoolGauge():
            yield from _gauge_sums(objective, objective.indicator)


def _increases(
    objective: Objective, series: tuple[tuple[VectorSelector, str], ...], parts: list[VectorSelector]
) -> Iterator[Rule]:
    """Yield the increases of series over the window, each with the bound of its bucket if it is one."""
    primary = _primary(objective)
    shared = {one.name for one in _matchers(primary)}
    grouping = set(_grouping(objective))
    grouping |= {one.name for part in parts for one in _matchers(part) if one.name not in shared} - {_BUCKET}
    grouping |= {one.name for one in _matchers(primary) if one.op in _REGEXES}
    labels = _with_equals(objective, grouping)
    period_ms = objective.period_ms
    is_latency = isinstance(objective.indicator, Latency)
    for selector, bound in series:
        own = as_labels({**labels, **({_BUCKET: bound} if bound else {})})
        ms = _SHORT_MS if objective.is_coarse else period_ms
        expr = summed("increase", selector, ms, tuple(grouping))
        yield RecordingRule(_increase_name(selector.name, ms), expr, own)
        yield from _absent(objective, selector, own)
        if objective.is_coarse:
            short = _recorded(selector, _increase_name(selector.name, _SHORT_MS))
            if is_latency and not bound:
                # Both have the same name, and only buckets have a bound.
                short = replace(short, matchers=(*short.matchers, Matcher(_BUCKET, MatchOp.EQUAL, "")))
            coarse = _coarse(short, period_ms, grouping)
            yield RecordingRule(_increase_name(selector.name, period_ms), coarse, own)


def _recorded(selector: VectorSelector, name: str) -> VectorSelector:
    matchers = (Matcher(METRIC_NAME, MatchOp.EQUAL, name), *_matchers(selector))
    return VectorSelector(name, matchers)


def _coarse(selector: VectorSelector, period_ms: int, grouping: set[str]) -> str:
    by = f" by ({', '.join(sorted(grouping))}) " if grouping else ""
    step = format_duration(_SHORT_MS)
    return f"sum{by}(sum_over_time({to_text(selector)}[{format_duration(period_ms)}:{step}]))"


def _absent(objective: Objective, selector: VectorSelector, labels: Labels) -> Iterator[AlertingRule]:
    alert = objective.alerting.absent
    if alert is not None:
        severity = (("severity", _severity(objective, 4, "critical")),)
        yield AlertingRule(
            alert.name,
            f"absent({to_text(selector)}) == 1",
            for_ms=_absent_ms(objective),
            labels=as_labels(merged(labels, severity)),
            annotations=objective.annotations,
        )


def _absent_ms(objective: Objective) -> int:
    """Return how long series may be absent: as long as the quickest alert needs if all events are bad."""
    fastest = burn_alerts(objective.period_ms)[0]
    burnt_s = int(fastest.factor * (1 - float(objective.target)) * fastest.long_ms / 1000)
    return (burnt_s * 1000 + fastest.for_ms + _MINUTE_MS // 2) // _MINUTE_MS * _MINUTE_MS


def _native_increases(objective: Objective, one: NativeLatency) -> Iterator[RecordingRule]:
    labels = _with_equals(objective, set())
    name = _increase_name(one.total.name, objective.period_ms)
    events = summed("increase", one.total, objective.period_ms, one.grouping)
    yield RecordingRule(name, f"histogram_count({events})", as_labels(labels))
    quick = f"histogram_fraction(0, {format_f(one.latency_s)}, {events}) * histogram_count({events})"
    yield RecordingRule(name, quick, as_labels({**labels, _BUCKET: format_g(one.latency_s)}))


def _gauge_sums(objective: Objective, one: BoolGauge) -> Iterator[Rule]:
    grouping = {*one.grouping, *(each.name for each in _matchers(one.metric))}
    labels = as_labels(_with_equals(objective, grouping))
    period_ms = objective.period_ms
    for word in ("count", "sum"):
        ms = _SHORT_MS if objective.is_coarse else period_ms
        expr = summed(f"{word}_over_time", one.metric, ms, tuple(grouping))
        yield RecordingRule(f"{one.metric.name}:{word}{format_duration(ms)}", expr, labels)
        if objective.is_coarse:
            short = _recorded(one.metric, f"{one.metric.name}:{word}{format_duration(_SHORT_MS)}")
            coarse = _coarse(short, period_ms, grouping)
            yield RecordingRule(f"{one.metric.name}:{word}{format_duration(period_ms)}", coarse, labels)
    yield from _absent(objective, one.metric, labels)
