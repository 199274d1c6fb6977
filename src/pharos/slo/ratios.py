"""What indicators become in PromQL: the ratio of bad events over a window, and both of its parts."""

from __future__ import annotations

from decimal import Decimal
from typing import Final, assert_never

from pharos.gotext.durations import format_duration, parse_duration
from pharos.gotext.numbers import format_f
from pharos.labels import Labels
from pharos.promql.language.ast import Aggregate, Call, MatrixSelector, VectorSelector
from pharos.promql.language.printer import to_text
from pharos.rules.spec import RecordingRule
from pharos.slo.objective import (
    BoolGauge,
    Budgeting,
    ErrorRatio,
    Events,
    GoodEvents,
    Indicator,
    Latency,
    NativeLatency,
    Objective,
    RatioOfSeries,
    Threshold,
    over,
)

SLICE_ERROR: Final = "slo:sli_slice_error:ratio"
"""How bad each slice of time was, between 0 and 1."""
_STEP_MS: Final = 15_000
_SAMPLE_MS: Final = 30_000


def error_ratio(indicator: Indicator, window: str) -> str:
    """Return the ratio of bad events within a window such as `5m`."""
    match indicator:
        case Events(bad=bad, total=total):
            return f"({over(bad, window)})\n/\n({over(total, window)})\n"
        case GoodEvents(good=good, total=total):
            part = "    (\n      {}\n    )\n"
            parts = "    /\n".join(part.format(over(query, window)) for query in (good, total))
            return f"(\n  1 - (\n{parts}  )\n)"
        case ErrorRatio(query=query):
            return f"({over(query, window)})"
        case Threshold():
            return f"1 - avg_over_time(({_is_good(indicator)})[{window}:{format_duration(_STEP_MS)}])"
        case RatioOfSeries():
            return _ratio_of_series(indicator, parse_duration(window))
        case Latency(success=success, total=total, grouping=grouping):
            ms = parse_duration(window)
            events = summed("rate", total, ms, grouping)
            return f"({events} - {summed('rate', success, ms, grouping)}) / {events}"
        case NativeLatency(total=total, latency_s=latency_s, grouping=grouping):
            events = summed("rate", total, parse_duration(window), grouping)
            return f"1 - histogram_fraction(0, {format_f(latency_s)}, {events})"
        case BoolGauge(metric=metric, grouping=grouping):
            ms = parse_duration(window)
            looked = summed("count_over_time", metric, ms, grouping)
            return f"({looked} - {summed('sum_over_time', metric, ms, grouping)}) / {looked}"
        case _:
            assert_never(indicator)


def bad_and_total(indicator: Indicator, window: str) -> tuple[str, str]:
    """Return how many events were bad, and how many there were, in units that both have.

    The first is 0 where nothing is bad yet; both are absent where nothing was measured.
    """
    match indicator:
        case Events(bad=bad, total=total):
            count = f"({over(total, window)})"
            return _or_none(f"({over(bad, window)})", count), count
        case GoodEvents(good=good, total=total):
            count = f"({over(total, window)})"
            return f"{count} - ({_or_none(f'({over(good, window)})', count)})", count
        case ErrorRatio() | Threshold():
            ratio = f"({error_ratio(indicator, window)}) >= 0"
            return ratio, f"0 * ({ratio}) + 1"
        case RatioOfSeries(grouping=grouping):
            return _parts_of_series(indicator, parse_duration(window), tuple(sorted(grouping)))
        case Latency(success=success, total=total, grouping=grouping):
            ms = parse_duration(window)
            count = summed("rate", total, ms, grouping)
            return f"{count} - ({_or_none(summed('rate', success, ms, grouping), count)})", count
        case NativeLatency(total=total, grouping=grouping):
            count = f"histogram_count({summed('rate', total, parse_duration(window), grouping)})"
            return f"({error_ratio(indicator, window)}) * {count}", count
        case BoolGauge(metric=metric, grouping=grouping):
            ms = parse_duration(window)
            count = summed("count_over_time", metric, ms, grouping)
            return f"{count} - {summed('sum_over_time', metric, ms, grouping)}", count
        case _:
            assert_never(indicator)


def summed(function: str, selector: VectorSelector, ms: int, grouping: tuple[str, ...]) -> str:
    """Return the sum of a function over a range of series, by labels."""
    inner = Call(function, (MatrixSelector(selector, ms),))
    return to_text(Aggregate("sum", inner, grouping=tuple(sorted(set(grouping)))))


def slice_rules(objective: Objective, labels: Labels) -> tuple[RecordingRule, int] | None:
    """Return the rule that judges each slice of time, and how often it does, in milliseconds.

    None for an objective whose budget is counted in events.
    """
    one = objective.indicator
    window = format_duration(objective.slice_ms)
    match objective.budgeting:
        case Budgeting.OCCURRENCES:
            if not isinstance(one, Threshold):
                return None
            return RecordingRule(SLICE_ERROR, f"1 - ({_is_good(one)})", labels), _SAMPLE_MS
        case Budgeting.TIMESLICES:
            most = f"{(1 - Decimal(str(objective.slice_target))).normalize():f}"
            expr = f"({error_ratio(one, window).strip()})\n> bool {most}\n"
        case Budgeting.RATIO_TIMESLICES:
            bad, total = bad_and_total(one, window)
            # A slice without events is good; one that nobody measured is none.
            expr = f"(({bad}) / (({total}) > 0))\nor\n(0 * ({total}))\n"
        case _:
            assert_never(objective.budgeting)
    return RecordingRule(SLICE_ERROR, expr, labels), objective.slice_ms


def _is_good(one: Threshold) -> str:
    return f"({one.query.strip()}) {one.op} bool {format_f(one.value)}"


def _or_none(counted: str, total: str) -> str:
    return f"{counted} or 0 * {total}"


def _ratio_of_series(one: RatioOfSeries, ms: int) -> str:
    if one.errors is not None and one.total is not None:
        return (
            f"{summed('rate', one.errors, ms, one.grouping)} / {summed('rate', one.total, ms, one.grouping)}"
        )
    assert one.success is not None  # noqa: S101 - the reader wants two of the three
    success = summed("rate", one.success, ms, one.grouping)
    if one.total is not None:
        total = summed("rate", one.total, ms, one.grouping)
        return f"({total} - {success}) / {total}"
    assert one.errors is not None  # noqa: S101 - as above
    errors = summed("rate", one.errors, ms, one.grouping)
    return f"{errors} / ({errors} + {success})"


def _parts_of_series(one: RatioOfSeries, ms: int, grouping: tuple[str, ...]) -> tuple[str, str]:
    if one.total is None:
        assert one.errors is not None and one.success is not None  # noqa: S101, PT018 - two of the three
        errors, success = (summed("rate", each, ms, grouping) for each in (one.errors, one.success))
        bad, good = f"({_or_none(errors, success)})", f"({_or_none(success, errors)})"
        return bad, f"{bad} + {good}"
    total = summed("rate", one.total, ms, grouping)
    if one.errors is not None:
        return _or_none(summed("rate", one.errors, ms, grouping), total), total
    assert one.success is not None  # noqa: S101 - as above
    return f"{total} - ({_or_none(summed('rate', one.success, ms, grouping), total)})", total
