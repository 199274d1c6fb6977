"""Objectives as `/api/slos` shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pharos.api.native.answers import Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.gotext.durations import format_duration
from pharos.rules.engine import RuleAlert
from pharos.slo.budget import BudgetState
from pharos.slo.history import Burning, History, Part, Rates
from pharos.slo.kept import Known
from pharos.slo.maintained import Spared, written
from pharos.slo.objective import grouping_of
from pharos.slo.standing import Standing
from pharos.state.documents import Version

_MINUTE_MS: Final = 60_000


class SloShape(Shape):
    """An objective, and how it stands."""

    id: str
    name: str
    service: str
    description: str
    language: str
    """`openslo`, `sloth`, `pyrra`, or `pharos` for one that is kept here."""
    target_percent: float
    window: str
    window_start: str
    is_rolling: bool
    budgeting: str
    error_budget: float
    """The ratio of events that may be bad."""
    error_rate: float | None
    budget_remaining: float | None
    """1 is whole, 0 spent, below 0 overdrawn; null where nothing may be bad and something was."""
    burn_rate: float | None
    """Over the last hour; 1 spends the budget in just the window. Null where nothing happened."""
    exhausted_in_minutes: float | None
    """If it goes on like this; null for never, or not known."""
    is_met: bool | None
    coverage: float
    """The part of the window that was measured."""
    is_measured: bool
    maintenance_minutes: float
    """How much of the window was maintenance, which counts neither way."""
    by: list[str]
    """Labels by which it keeps budgets apart."""
    labels: dict[str, str]
    file: str
    version: int | None
    """Of one that is kept here."""


class GateShape(Shape):
    """Whether a change may go out."""

    allowed: bool
    reasons: list[str]
    """Why not."""
    slo: SloShape


class SloPreviewShape(Shape):
    """What would be made of an objective."""

    id: str
    rules: str
    """A file of rules."""
    count: int


class SloVersionShape(Shape):
    """What an objective was from one change to the next."""

    name: str
    version: int
    definition: dict[str, Any] | None
    by: str
    reason: str
    at: str


class SpentShape(Shape):
    """A time in which budget went."""

    start: str
    end: str
    share: float
    """Of the window's budget."""
    error_rate: float


class BurnShape(Shape):
    """A pair of windows, and how fast the budget burns in each."""

    severity: str
    long: str
    short: str
    threshold: float
    """The burn rate from which on both have to be for an alert."""
    long_rate: float | None
    short_rate: float | None
    is_burning: bool


class SloPartShape(Shape):
    """One of what an objective keeps apart."""

    labels: dict[str, str]
    error_rate: float | None
    budget_remaining: float | None
    burn_rate: float | None
    exhausted_in_minutes: float | None


class SloAlertShape(Shape):
    """An alert of the objective's rules."""

    name: str
    state: str
    labels: dict[str, str]
    fingerprint: str
    active_since: str


class SpanShape(Shape):
    """A time."""

    start: str
    end: str


class PartlySparedShape(Shape):
    """A time that is maintenance for some of what an objective keeps apart."""

    start: str
    end: str
    only: list[str]
    """Of what: the matchers of each window that is open then."""


class SloReportShape(Shape):
    """An objective over its window."""

    slo: SloShape
    step_ms: int
    times_ms: list[int]
    remaining: list[float | None]
    """What was left of the budget at each time."""
    error_rates: list[float | None]
    spent: list[SpentShape]
    burning: list[BurnShape]
    parts: list[SloPartShape]
    maintenance: list[SpanShape]
    """Of all of it."""
    partial_maintenance: list[PartlySparedShape]
    """Of a part of it; what is in `maintenance` is left out."""
    alerts: list[SloAlertShape]
    rules: str
    """A file of the rules that are made of it."""
    allowed: bool
    """What its gate says, asked for no more than budget that is left."""
    reasons: list[str]


def slo_shape(found: Standing, known: Known) -> SloShape:
    """Return how an objective stands."""
    one, state = found.objective, found.state
    return SloShape(
        id=one.id,
        name=one.name,
        service=one.service,
        description=one.description,
        language=one.language.value,
        target_percent=one.target_percent,
        window=format_duration(one.period_ms),
        window_start=rfc3339(found.start_ms),
        is_rolling=one.calendar is None,
        budgeting=one.budgeting.value,
        error_budget=one.budget,
        **_state(state),
        is_met=state.is_met,
        coverage=found.coverage,
        is_measured=found.is_measured,
        maintenance_minutes=found.spared_ms / _MINUTE_MS,
        by=list(grouping_of(one)),
        labels=dict(one.labels),
        file=one.file,
        version=None if known.version is None else known.version.version,
    )


def _state(state: BudgetState) -> dict[str, Any]:
    lasts = state.exhausted_in_ms
    return {
        "error_rate": state.counts.error_rate,
        "budget_remaining": _finite(state.remaining),
        "burn_rate": _finite(state.burn_rate),
        "exhausted_in_minutes": None if lasts is None else lasts / _MINUTE_MS,
    }


def slo_version(version: Version) -> SloVersionShape:
    """Return a version of a definition."""
    return SloVersionShape(
        name=version.name,
        version=version.version,
        definition=None if version.document is None else dict(version.document),
        by=version.who_name or version.who,
        reason=version.reason,
        at=rfc3339(version.at_ms),
    )


def slo_report(
    *,
    slo: SloShape,
    history: History,
    rates: Rates,
    spared: Spared,
    alerts: Sequence[RuleAlert],
    rules: str,
    reasons: list[str],
) -> SloReportShape:
    """Return an objective over its window."""
    spent = [
        SpentShape(
            start=rfc3339(one.start_ms), end=rfc3339(one.end_ms), share=one.share, error_rate=one.error_rate
        )
        for one in history.spent
    ]
    return SloReportShape(
        slo=slo,
        step_ms=history.step_ms,
        times_ms=list(history.times_ms),
        remaining=list(history.remaining),
        error_rates=list(history.error_rates),
        spent=spent,
        burning=[_burning(one) for one in rates.burning],
        parts=[_part(one) for one in rates.parts],
        maintenance=[SpanShape(start=rfc3339(one.start_ms), end=rfc3339(one.end_ms)) for one in spared.whole],
        partial_maintenance=[
            PartlySparedShape(
                start=rfc3339(one.span.start_ms),
                end=rfc3339(one.span.end_ms),
                only=[written(matchers) for matchers in one.only],
            )
            for one in spared.some
        ],
        alerts=[_alert(one) for one in alerts],
        rules=rules,
        allowed=not reasons,
        reasons=reasons,
    )


def _burning(one: Burning) -> BurnShape:
    return BurnShape(
        severity=one.severity,
        long=format_duration(one.long_ms),
        short=format_duration(one.short_ms),
        threshold=one.factor,
        long_rate=_finite(one.long_rate),
        short_rate=_finite(one.short_rate),
        is_burning=one.is_burning,
    )


def _part(one: Part) -> SloPartShape:
    return SloPartShape(labels=dict(one.labels), **_state(one.state))


def _alert(one: RuleAlert) -> SloAlertShape:
    labels: Mapping[str, str] = dict(one.labels)
    return SloAlertShape(
        name=labels.get("alertname", one.rule),
        state=one.state.value,
        labels=dict(labels),
        fingerprint=one.fingerprint,
        active_since=rfc3339(one.active_ms),
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
