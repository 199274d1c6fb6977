"""What becomes of a rule when its query was answered: alerts, their changes, and samples to be written.

All of it is a function of the rule, what was before, the answer and the time. What is decided is upstream's
(rules/alerting.go, recording.go, group.go): an alert's identity are its labels after templates; a firing one
that has gone is kept for `keep_firing_for`, and remembered as resolved for a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alert import ALERT_NAME
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, labels_of
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.histograms.value import FloatHistogram
from pharos.rules.spec import AlertingRule, RecordingRule, Rule

ALERTS: Final = "ALERTS"
ALERTS_FOR_STATE: Final = "ALERTS_FOR_STATE"
ALERT_STATE: Final = "alertstate"
RESOLVED_KEPT_MS: Final = 15 * 60_000
"""How long a resolved alert is remembered, so that whoever missed its end is told again."""
_OPENING: Final = "{{"


class AlertState(StrEnum):
    """Where an alert stands."""

    INACTIVE = "inactive"
    PENDING = "pending"
    """It is there, but not for as long as the rule's `for`."""
    FIRING = "firing"


class Element(Struct, frozen=True):
    """A series with its one value: of an answer, or to be written."""

    labels: Labels
    value: float
    histogram: FloatHistogram | None = None
    """The value, where it is none of the floats; `value` is 0 then."""


class ActiveAlert(Struct, frozen=True):
    """An alert of a rule. Times are milliseconds since the epoch; 0 stands for never."""

    labels: Labels
    """After templates, with the name; what tells it from others."""
    annotations: Labels
    """After templates; a value may be empty."""
    state: AlertState
    value: float
    """Of the expression, when it was there last."""
    active_ms: int
    """When it was first seen without a gap."""
    fired_ms: int = 0
    resolved_ms: int = 0
    gone_ms: int = 0
    """Since when it only goes on firing because of `keep_firing_for`."""


class Transition(Struct, frozen=True):
    """An alert's state is another one now."""

    alert: ActiveAlert
    """As it is now."""
    before: AlertState
    at_ms: int

    @property
    def after(self) -> AlertState:
        """The state now."""
        return self.alert.state


class RuleState(Struct, frozen=True):
    """What a rule remembers between two evaluations."""

    alerts: Mapping[Labels, ActiveAlert] = field(default_factory=dict)
    """Those that are pending or firing, and those that were resolved lately, by their labels."""
    written: frozenset[Labels] = frozenset()
    """The series that the last evaluation wrote."""

    def firing(self) -> list[ActiveAlert]:
        """Return the alerts that fire."""
        return [alert for alert in self.alerts.values() if alert.state is AlertState.FIRING]


class Outcome(Struct, frozen=True):
    """What one evaluation of a rule comes to."""

    state: RuleState
    samples: tuple[Element, ...]
    """To be written at the time that was asked about."""
    gone: tuple[Labels, ...]
    """Series that ended: each gets a stale marker at that time."""
    transitions: tuple[Transition, ...] = ()


Expand: TypeAlias = Callable[[str, Element], str]
"""Returns what a template says of a series of the answer; an error is part of the text."""


def elements(answer: Answer) -> list[Element]:
    """Return the series of an instant's answer; a scalar is a series without labels.

    Raises PharosError(INVALID) for strings and range vectors.
    """
    if answer.raw is not None or answer.type not in {AnswerType.VECTOR, AnswerType.SCALAR}:
        raise PharosError(Kind.INVALID, "the result of a rule's expression is no vector and no scalar")
    return list(elements_at(answer, 0))


def elements_at(answer: Answer, step: int) -> Iterator[Element]:
    """Yield the series of an answer that have a value at one of its steps."""
    rows = np.flatnonzero(answer.present[:, step]).tolist()
    values = answer.values[:, step]
    for row in rows:
        cell = None if answer.cells is None else answer.cells[row, step]
        labels = answer.labels[row]
        yield Element(labels, float(values[row])) if cell is None else Element(labels, 0.0, cell)


def next_state(
    rule: Rule,
    before: RuleState,
    found: Iterable[Element],
    at_ms: int,
    expand: Expand,
    *,
    limit: int = 0,
) -> Outcome:
    """Return what an evaluation comes to that found these series; `at_ms` is when it was due.

    Raises PharosError: INVALID when two series have the same labels with those of the rule, LIMITED when
    there are more than `limit` (if that is above 0). Then nothing is written, and series do not end; when it
    was the limit of an alerting rule, all its alerts are forgotten, as Prometheus documents.
    """
    found = list(found)
    if not (found or before.alerts or before.written):
        return Outcome(before, (), ())
    if isinstance(rule, RecordingRule):
        samples = _recorded(rule, found)
        if 0 < limit < len(samples):
            raise PharosError(Kind.LIMITED, f"exceeded limit of {limit} with {len(samples)} series")
        alerts: dict[Labels, ActiveAlert] = {}
        transitions: tuple[Transition, ...] = ()
    else:
        alerts = next_alerts(rule, before.alerts, _fresh(rule, found, at_ms, expand), at_ms)
        transitions = tuple(changes_between(before.alerts, alerts, at_ms))
        samples = tuple(alert_samples(rule, alerts.values()))
        active = sum(alert.state is not AlertState.INACTIVE for alert in alerts.values())
        if 0 < limit < active:
            raise PharosError(Kind.LIMITED, f"exceeded limit of {limit} with {active} alerts")
    written = frozenset(sample.labels for sample in samples)
    gone = tuple(sorted(before.written - written))
    return Outcome(RuleState(alerts, written), samples, gone, transitions)


def _recorded(rule: RecordingRule, found: Iterable[Element]) -> tuple[Element, ...]:
    own = {METRIC_NAME: rule.name, **dict(rule.labels)}
    samples = tuple(replace(one, labels=labels_of({**dict(one.labels), **own})) for one in found)
    if len({sample.labels for sample in samples}) < len(samples):
        raise PharosError(
            Kind.INVALID, "vector contains metrics with the same labelset after applying rule labels"
        )
    return samples


def _fresh(
    rule: AlertingRule, found: Iterable[Element], at_ms: int, expand: Expand
) -> dict[Labels, ActiveAlert]:
    """Return what was found as alerts that begin now."""
    fresh: dict[Labels, ActiveAlert] = {}
    for one in found:
        labels = alert_labels(rule, one, expand)
        if labels in fresh:
            raise PharosError(
                Kind.INVALID, "vector contains metrics with the same labelset after applying alert labels"
            )
        annotations = expanded(rule.annotations, one, expand)
        fresh[labels] = ActiveAlert(labels, annotations, AlertState.PENDING, one.value, at_ms)
    return fresh


def alert_labels(rule: AlertingRule, one: Element, expand: Expand) -> Labels:
    """Return the labels of the alert that a series makes."""
    own = expanded(rule.labels, one, expand)
    return labels_of({**dict(one.labels), METRIC_NAME: "", **dict(own), ALERT_NAME: rule.name})


def expanded(texts: Labels, one: Element, expand: Expand) -> Labels:
    """Return labels or annotations with what their templates say of a series."""
    return tuple((name, expand(text, one) if _OPENING in text else text) for name, text in texts)


def next_alerts(
    rule: AlertingRule, before: Mapping[Labels, ActiveAlert], fresh: dict[Labels, ActiveAlert], at_ms: int
) -> dict[Labels, ActiveAlert]:
    """Return what becomes of alerts when these were found; `fresh`, as if they began now, is used up."""
    alerts: dict[Labels, ActiveAlert] = {}
    for labels, known in before.items():
        now = fresh.pop(labels, None)
        if now is None:
            kept = _without(rule, known, at_ms)
        elif known.state is AlertState.INACTIVE:
            kept = now
        elif (known.value, known.annotations, known.gone_ms) == (now.value, now.annotations, 0):
            kept = known
        else:
            kept = replace(known, value=now.value, annotations=now.annotations, gone_ms=0)
        if kept is not None:
            alerts[labels] = _fired(rule, kept, at_ms)
    for labels, now in fresh.items():
        alerts[labels] = _fired(rule, now, at_ms)
    return alerts


def _without(rule: AlertingRule, known: ActiveAlert, at_ms: int) -> ActiveAlert | None:
    """Return what is left of an alert that was not found."""
    if known.state is AlertState.FIRING:
        gone_ms = known.gone_ms or at_ms
        if at_ms - gone_ms < rule.keep_firing_for_ms:
            return replace(known, gone_ms=gone_ms)
        return replace(known, state=AlertState.INACTIVE, resolved_ms=at_ms, gone_ms=0)
    if known.state is AlertState.PENDING or at_ms - known.resolved_ms > RESOLVED_KEPT_MS:
        return None
    return known


def _fired(rule: AlertingRule, alert: ActiveAlert, at_ms: int) -> ActiveAlert:
    if alert.state is AlertState.PENDING and at_ms - alert.active_ms >= rule.for_ms:
        return replace(alert, state=AlertState.FIRING, fired_ms=at_ms)
    return alert


def changes_between(
    before: Mapping[Labels, ActiveAlert], now: Mapping[Labels, ActiveAlert], at_ms: int
) -> Iterator[Transition]:
    """Yield the alerts whose state is another one."""
    for labels, alert in now.items():
        known = before.get(labels)
        state = AlertState.INACTIVE if known is None else known.state
        if state is not alert.state:
            yield Transition(alert, state, at_ms)
    for labels, known in before.items():
        if labels not in now and known.state is AlertState.PENDING:
            yield Transition(replace(known, state=AlertState.INACTIVE), known.state, at_ms)


def alert_samples(rule: AlertingRule, alerts: Iterable[ActiveAlert]) -> Iterator[Element]:
    """Yield the samples of `ALERTS` and `ALERTS_FOR_STATE` of those that are pending or firing.

    Labels of the rule that a template made empty stand there as they were written, as upstream has them.
    """
    for alert in alerts:
        if alert.state is AlertState.INACTIVE:
            continue
        labels = {**dict(rule.labels), **dict(alert.labels), ALERT_NAME: rule.name}
        yield Element(labels_of({**labels, METRIC_NAME: ALERTS, ALERT_STATE: str(alert.state)}), 1.0)
        yield Element(labels_of({**labels, METRIC_NAME: ALERTS_FOR_STATE}), float(alert.active_ms // 1000))
