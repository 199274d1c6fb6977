"""What neither Sloth nor Pyrra records: how many events were bad and how many there were, the budget that
remains of that, and how much of the window was measured at all.

Time that nobody measured is not good time: it counts neither way, and lowers the coverage.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_g
from pharos.gotext.quoting import quote
from pharos.rules.spec import AlertingRule, RecordingRule, Rule, RuleGroup
from pharos.slo.objective import Language, Objective, as_labels, merged
from pharos.slo.ratios import SLICE_ERROR, bad_and_total, slice_rules

BAD: Final = "slo:sli_bad:rate5m"
TOTAL: Final = "slo:sli_total:rate5m"
COVERAGE: Final = "slo:coverage:ratio"
REMAINING: Final = "slo:budget_remaining:ratio"
_EVERY_MS: Final = 60_000
_BUDGET_MS: Final = 300_000
"""Sums over the whole window are long; they change slowly."""
_ABSENT_MS: Final = 900_000
_WINDOW: Final = "5m"


def selector_of(objective: Objective) -> str:
    """Return the labels by which an objective's series are found, in braces."""
    return f"{{slo={quote(objective.name)},slo_id={quote(objective.id)}}}"


def every_ms(objective: Objective) -> int:
    """Return how often the events of an objective are recorded: as its specification says, or each minute."""
    return objective.adjustments.intervals.sli_ms or _EVERY_MS


def coverage_groups(objective: Objective) -> Iterator[RuleGroup]:
    """Yield the groups that record events, budget and coverage of an objective."""
    one, selector = objective, selector_of(objective)
    own = {"slo": one.name, "slo_id": one.id, **({"service": one.service} if one.service else {})}
    labels = as_labels(merged(one.labels, as_labels(own)))
    slices = slice_rules(one, ())
    if slices is None:
        bad, total = bad_and_total(one.indicator, _WINDOW)
    else:
        sliced = f"{SLICE_ERROR}{{sloth_id={quote(one.id)}}}"
        bad, total = f"sum({sliced})", f"count({sliced})"
    rules: list[Rule] = [RecordingRule(BAD, bad, labels), RecordingRule(TOTAL, total, labels)]
    alerting = one.alerting
    if one.language is not Language.PYRRA and (alerting.page or alerting.ticket or alerting.conditions):
        rules.append(_absent(one, selector))
    yield RuleGroup(f"pharos-slo-events-{one.id}", tuple(rules), interval_ms=every_ms(one))
    period = format_duration(one.period_ms)
    looks = one.period_ms / every_ms(one)
    covered = f"clamp_max(count_over_time({TOTAL}{selector}[{period}]) / {format_g(looks)}, 1)"
    totals: list[Rule] = [RecordingRule(COVERAGE, covered, labels)]
    if one.budget > 0:
        sums = [f"sum_over_time({name}{selector}[{period}])" for name in (BAD, TOTAL)]
        spent = f"{sums[0]} / ({sums[1]} > 0) / {format_g(one.budget)}"
        totals.append(RecordingRule(REMAINING, f"(1 - {spent})\nor\n(0 * {sums[1]} + 1)\n", labels))
    yield RuleGroup(f"pharos-slo-budget-{one.id}", tuple(totals), interval_ms=_BUDGET_MS)


def _absent(one: Objective, selector: str) -> AlertingRule:
    alert = one.alerting.absent or one.alerting.ticket
    severity = (("severity", "warning"), ("slo", one.name), ("slo_id", one.id))
    text = (("summary", f"Nothing is measured of the objective {one.name}: its budget cannot be known."),)
    return AlertingRule(
        "SLOMetricAbsent",
        f"absent({TOTAL}{selector})",
        for_ms=_ABSENT_MS,
        labels=as_labels(merged(severity, alert.labels if alert is not None else ())),
        annotations=text,
    )
