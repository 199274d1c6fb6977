"""Rules of an objective under the names of Sloth: errors by window, what they mean for the budget, and
alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_f, format_g
from pharos.gotext.quoting import quote
from pharos.labels import Labels
from pharos.rules.spec import AlertingRule, RecordingRule, Rule, RuleGroup
from pharos.slo.fast import evidence
from pharos.slo.objective import (
    DAY_MS,
    Alert,
    Budgeting,
    Events,
    Exhaustion,
    Objective,
    as_labels,
    merged,
    over,
)
from pharos.slo.ratios import SLICE_ERROR, error_ratio, slice_rules
from pharos.slo.windows import BurnWindow, BurnWindows, Design

_RATIO: Final = "slo:sli_error:ratio_rate"
_AMOUNT: Final = "slo:sli_total:amount"
_REMAINING: Final = "slo:period_error_budget_remaining:ratio"
_CORRECTION: Final = "slo:numerator_correction:ratio"
_SUMMARY: Final = (
    "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is over expected."
)
_TITLE: Final = "{{$labels.sloth_service}} {{$labels.sloth_slo}} SLO error budget burn rate is too fast."
_FIVE_MINUTES_MS: Final = 300_000


class Plan(Struct, frozen=True):
    """An objective, the windows it is watched over, and the design of its alerts."""

    objective: Objective
    windows: BurnWindows
    design: Design = Design.WORKBOOK

    @property
    def ids(self) -> dict[str, str]:
        """The labels by which its series are found."""
        one = self.objective
        return {"sloth_id": one.id, "sloth_service": one.service, "sloth_slo": one.name}

    @property
    def selector(self) -> str:
        """The same as a selector."""
        return "{" + ", ".join(f"{name}={quote(value)}" for name, value in sorted(self.ids.items())) + "}"

    @property
    def budget(self) -> str:
        """The error budget in the digits that Sloth prints."""
        return format_g(self.objective.budget)

    def recorded_ms(self) -> list[int]:
        """Return the windows over which errors are recorded, the period left out."""
        found = set(self.windows.durations_ms())
        if self.design is Design.GATED:
            found.add(_FIVE_MINUTES_MS)
        if self.design is Design.FAST:
            found |= {ms for one in FAST.page for ms in (one.long_ms, one.short_ms)} | {FAST_GATE_MS}
        found |= {one.lookback_ms for one in self.objective.alerting.conditions}
        return sorted(found - {self.objective.period_ms})


_MINUTE_MS: Final = 60_000
FAST: Final = BurnWindows(
    30 * DAY_MS,
    (BurnWindow(1, 30 * _MINUTE_MS, 2 * _MINUTE_MS), BurnWindow(2, 180 * _MINUTE_MS, 15 * _MINUTE_MS)),
    (BurnWindow(10, DAY_MS, 120 * _MINUTE_MS), BurnWindow(10, 3 * DAY_MS, 360 * _MINUTE_MS)),
)
"""Pages after half of the workbook's share of the budget."""
FAST_GATE_MS: Final = 3 * _MINUTE_MS


def sloth_groups(plan: Plan) -> Iterator[RuleGroup]:
    """Yield the groups of an objective's rules: indicators, what they mean, and alerts where there are
    any."""
    one = plan.objective
    intervals, groups = one.adjustments.intervals, one.adjustments.groups
    slices = slice_rules(plan.objective, as_labels(merged(as_labels(plan.ids), one.labels)))
    if slices is not None:
        rule, every_ms = slices
        yield RuleGroup(f"sloth-slo-slices-{one.id}", (rule,), interval_ms=every_ms)
    if "sli" in groups:
        rules = tuple(_kept(plan, rule) for rule in _sli_rules(plan))
        yield RuleGroup(f"sloth-slo-sli-recordings-{one.id}", rules, interval_ms=intervals.sli_ms)
    if "metadata" in groups:
        rules = tuple(_kept(plan, rule) for rule in _metadata_rules(plan))
        yield RuleGroup(f"sloth-slo-meta-recordings-{one.id}", rules, interval_ms=intervals.metadata_ms)
    alerts = tuple(_alerts(plan)) if "alerts" in groups else ()
    alerts += tuple(_exhausted(plan, each) for each in one.adjustments.exhaustions)
    if alerts:
        yield RuleGroup(f"sloth-slo-alerts-{one.id}", alerts, interval_ms=intervals.alert_ms)
    if one.adjustments.has_totals:
        yield RuleGroup(f"sloth-slo-sli-total-amount-{one.id}", tuple(_total_rules(plan)))


def _kept(plan: Plan, rule: RecordingRule) -> RecordingRule:
    """Return a rule without the labels that a plugin removes, with those that it adds."""
    adjusted = plan.objective.adjustments
    labels = dict(rule.labels)
    if adjusted.kept_labels is not None and rule.name not in adjusted.bare_exempt:
        stay = {*plan.ids, "sloth_window", *adjusted.kept_labels}
        labels = {name: value for name, value in labels.items() if name in stay}
    for metric, more in adjusted.info_labels:
        if metric == rule.name:
            labels.update(more)
    return RecordingRule(rule.name, rule.expr, as_labels(labels))


def _ratio_over(ms: int) -> str:
    return f"{_RATIO}{format_duration(ms)}"


def _sli_rules(plan: Plan) -> Iterator[RecordingRule]:
    one = plan.objective
    for ms in (*plan.recorded_ms(), one.period_ms):
        window = format_duration(ms)
        labels = merged(as_labels(plan.ids), (("sloth_window", window),), one.labels)
        yield RecordingRule(_ratio_over(ms), _sli(plan, ms), as_labels(labels))


def _sli(plan: Plan, ms: int) -> str:
    one, window = plan.objective, format_duration(ms)
    if one.budgeting is not Budgeting.OCCURRENCES or slice_rules(one, ()) is not None:
        return f"avg_over_time({SLICE_ERROR}{plan.selector}[{window}])"
    if ms == one.period_ms and not one.adjustments.is_unoptimized:
        short = f"{_ratio_over(plan.windows.shortest_ms)}{plan.selector}[{window}]"
        return f"sum_over_time({short})\n/ ignoring (sloth_window)\ncount_over_time({short})\n"
    if one.adjustments.is_denominator_corrected and isinstance(one.indicator, Events) and ms != one.period_ms:
        bad, total = over(one.indicator.bad, window), over(one.indicator.total, window)
        return f"(\n{_CORRECTION}{window}{plan.selector}\n* on()\n({bad})\n)\n/\n({total})\n"
    return error_ratio(one.indicator, window)


def _total_rules(plan: Plan) -> Iterator[RecordingRule]:
    """Yield how many events there were, over each window."""
    one = plan.objective
    if isinstance(one.indicator, Events):
        labels = as_labels(merged(as_labels(plan.ids), one.labels))
        for ms in (*plan.recorded_ms(), one.period_ms):
            window = format_duration(ms)
            yield RecordingRule(f"{_AMOUNT}{window}", over(one.indicator.total, window), labels)


def _metadata_rules(plan: Plan) -> Iterator[RecordingRule]:
    one, selector = plan.objective, plan.selector
    labels = as_labels(merged(as_labels(plan.ids), one.labels))
    target = format_g(one.target_percent / 100)
    joined = "/ on(sloth_id, sloth_slo, sloth_service) group_left\n"
    per_budget = f"{joined}slo:error_budget:ratio{selector}\n"
    shortest = _ratio_over(plan.windows.shortest_ms)
    remaining = f"1 - slo:period_burn_rate:ratio{selector}"
    for name, expr in (
        ("slo:objective:ratio", f"vector({target})"),
        ("slo:error_budget:ratio", f"vector(1-{target})"),
        ("slo:time_period:days", f"vector({format_g(one.period_ms / DAY_MS)})"),
        ("slo:current_burn_rate:ratio", f"{shortest}{selector}\n{per_budget}"),
        ("slo:period_burn_rate:ratio", f"{_ratio_over(one.period_ms)}{selector}\n{per_budget}"),
        (_REMAINING, remaining),
    ):
        yield RecordingRule(name, expr, labels)
    info = (("sloth_objective", format_f(one.target_percent)), ("sloth_spec", one.specification))
    yield RecordingRule("sloth_slo_info", "vector(1)", as_labels(merged(labels, info)))
    if one.adjustments.is_denominator_corrected and isinstance(one.indicator, Events):
        period = over(one.indicator.total, format_duration(one.period_ms))
        for ms in plan.windows.durations_ms():
            window = format_duration(ms)
            expr = f"({over(one.indicator.total, window)})/({period})"
            yield RecordingRule(f"{_CORRECTION}{window}", expr, labels)


def _alerts(plan: Plan) -> Iterator[Rule]:
    one = plan.objective
    if one.alerting.conditions:
        yield from _conditions(plan)
        return
    pages = FAST if plan.design is Design.FAST else plan.windows
    if one.alerting.page is not None:
        yield _alert(plan, one.alerting.page, "page", pages.page, pages)
    if one.alerting.ticket is not None:
        yield _alert(plan, one.alerting.ticket, "ticket", plan.windows.ticket, plan.windows)


def _alert(
    plan: Plan, alert: Alert, severity: str, pair: tuple[BurnWindow, BurnWindow], windows: BurnWindows
) -> AlertingRule:
    is_page = severity == "page"
    quick, slow = (_burning(plan, window, windows, is_page=is_page) for window in pair)
    texts: Labels = (("summary", _SUMMARY), ("title", f"({severity}) {_TITLE}"))
    return AlertingRule(
        alert.name,
        f"(\n{quick}\n)\nor\n(\n{slow}\n)\n",
        for_ms=alert.for_ms if plan.objective.adjustments.is_waiting else 0,
        labels=as_labels(merged((("sloth_severity", severity),), alert.labels)),
        annotations=as_labels(merged(texts, alert.annotations)),
    )


def _exhausted(plan: Plan, one: Exhaustion) -> AlertingRule:
    chosen = as_labels(merged(as_labels(plan.ids), plan.objective.labels, one.selector))
    selector = "{" + ", ".join(f"{name}={quote(value)}" for name, value in chosen) + "}"
    return AlertingRule(
        one.alert.name,
        f"{_REMAINING}{selector} <= {format_g(one.threshold)}",
        for_ms=one.alert.for_ms,
        labels=one.alert.labels,
        annotations=one.alert.annotations,
    )


def _burning(plan: Plan, window: BurnWindow, windows: BurnWindows, *, is_page: bool) -> str:
    """Return the condition that a budget burns too fast over both windows of a pair."""
    factor = windows.factor(window)
    parts = [_above(plan, ms, factor) for ms in (window.short_ms, window.long_ms)]
    if is_page and plan.design is Design.GATED:
        parts.append(_above(plan, _FIVE_MINUTES_MS, 1.0))
    if is_page and plan.design is Design.FAST:
        parts.append(_above(plan, FAST_GATE_MS, 1.0))
        guard = evidence(plan.objective, window.long_ms, factor / 2)
        # Of the guard nothing but whether it holds is wanted: it has none of the objective's labels.
        parts += [f"    on() {guard}"] if guard else []
    text = parts[0]
    for part in parts[1:]:
        text += f"\n    and{part[3:]}" if part.startswith("    on()") else f"\n    and\n{part}"
    return text


def _above(plan: Plan, ms: int, factor: float) -> str:
    ratio = f"{_ratio_over(ms)}{plan.selector} > ({format_g(factor)} * {plan.budget})"
    return f"    max({ratio}) without (sloth_window)"


def _conditions(plan: Plan) -> Iterator[AlertingRule]:
    """Yield an alert for each condition on the burn rate that the specification has."""
    one = plan.objective
    for condition in one.alerting.conditions:
        ratio = f"{_ratio_over(condition.lookback_ms)}{plan.selector}"
        limit = f"({format_g(condition.threshold)} * {plan.budget})"
        yield AlertingRule(
            condition.name,
            f"max({ratio} {condition.op} {limit}) without (sloth_window)",
            for_ms=condition.after_ms,
            labels=(
                ("severity", condition.severity),
                ("slo", one.name),
                ("sloth_severity", condition.severity),
            ),
            annotations=(("summary", _SUMMARY),),
        )
