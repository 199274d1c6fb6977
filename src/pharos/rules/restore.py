"""Going on where a former process ended: what alerts were, and for how long nobody looked.

What is kept in people's state says how each alert stands; the samples of `ALERTS_FOR_STATE` say when it was
looked at last, and serve for the rest where the state knows nothing: history that came from a Prometheus.
Time in which nobody looked does not count for a rule's `for`, and what fires goes on firing until there was
time for data to come in again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.errors import PharosError
from pharos.gotext.quoting import quote
from pharos.labels import METRIC_NAME, Labels, labels_of
from pharos.rules.doors import QueryRound
from pharos.rules.evaluate import (
    ALERTS_FOR_STATE,
    ActiveAlert,
    AlertState,
    Element,
    RuleState,
    alert_samples,
    elements,
)
from pharos.rules.ledger import alert_of
from pharos.rules.running import RunningRule
from pharos.rules.spec import AlertingRule
from pharos.state.rule_alerts import Key, Row

TOLD: Final = "told:"
"""Before a rule's key, of the alert that its answer is not known."""


class Gap(Struct, frozen=True):
    """How a gap counts; times in milliseconds."""

    interval_ms: int
    lookback_ms: int
    """Samples from before the gap serve so long after it."""
    hold_ms: int
    """So long data may take to come in after one."""

    def shift_ms(self, from_ms: int, to_ms: int) -> int:
        """Return how much of the time between two evaluations nobody looked."""
        gone_ms = to_ms - from_ms
        return gone_ms - self.interval_ms if gone_ms > 2 * self.interval_ms else 0

    def needs_hold(self, from_ms: int, to_ms: int) -> bool:
        """Return whether samples from before have been lost from sight."""
        return to_ms - from_ms > max(self.lookback_ms - self.interval_ms, 2 * self.interval_ms)

    @property
    def holds_ms(self) -> int:
        """For how long what fires is kept after a gap."""
        return max(self.hold_ms, 2 * self.interval_ms)


class Remembered(Struct):
    """What is known of a group's alerts from before."""

    rows: Mapping[str, list[tuple[Key, Row]]] = field(default_factory=dict)
    """By rule."""
    seen: Mapping[Labels, tuple[int, int]] = field(default_factory=dict)
    """Of the series of `ALERTS_FOR_STATE`, without their name: when it was last written, and active since."""
    looked_ms: int = 0
    """Until then another process looked, whose samples may be elsewhere; 0 where none did."""


def by_rule(rows: Iterable[tuple[Key, Row]]) -> dict[str, list[tuple[Key, Row]]]:
    """Return rows by their rule."""
    found: dict[str, list[tuple[Key, Row]]] = {}
    for key, row in rows:
        found.setdefault(key.rule, []).append((key, row))
    return found


def for_state(one: QueryRound, runs: Sequence[RunningRule]) -> dict[Labels, tuple[int, int]]:
    """Return when alerts of the rules were last written, and active since, in the last hour.

    What cannot be read is not known.
    """
    names = sorted({run.rule.name for run in runs if run.is_alerting})
    if not names:
        return {}
    pattern = "|".join(_escaped(name) for name in names)
    series = f"{ALERTS_FOR_STATE}{{alertname=~{quote(pattern)}}}"
    try:
        active = elements(one.ask_text(f"last_over_time({series}[1h])"))
        if not active:
            return {}
        written = elements(one.ask_text(f"max_over_time(timestamp({series})[1h:1m])"))
    except PharosError:
        return {}
    times = {_bare(found): round(found.value * 1000) for found in written}
    return {
        _bare(found): (times[_bare(found)], int(found.value) * 1000)
        for found in active
        if _bare(found) in times
    }


def _bare(found: Element) -> Labels:
    return labels_of({**dict(found.labels), METRIC_NAME: ""})


def _escaped(name: str) -> str:
    return "".join(char if char.isalnum() or char == "_" else f"\\{char}" for char in name)


def restore(run: RunningRule, remembered: Remembered, gap: Gap, at_ms: int) -> list[ActiveAlert]:
    """Have a rule go on with what is remembered of it; return alerts that were over before.

    Those are to be told of once more, since nobody knows whether that was heard.
    """
    told = [alert_of(row) for _, row in remembered.rows.get(TOLD + run.key, ())]
    run.told = replace(run.told, alerts={**{one.labels: one for one in told}, **run.told.alerts})
    run.had_data |= bool(told)
    rule = run.rule
    if not isinstance(rule, AlertingRule):
        return []
    alerts: dict[Labels, ActiveAlert] = {}
    over: list[ActiveAlert] = []
    holds = False
    for _, row in remembered.rows.get(run.key, ()):
        alert = alert_of(row)
        written_ms = remembered.seen.get(_series(rule, alert), (0, 0))[0]
        seen_ms = max(written_ms, row.at_ms, remembered.looked_ms)
        match alert.state:
            case AlertState.PENDING:
                alert = replace(alert, active_ms=alert.active_ms + gap.shift_ms(seen_ms, at_ms))
            case AlertState.FIRING:
                # What others had in memory comes in here from now on.
                holds |= gap.needs_hold(seen_ms, at_ms) or remembered.looked_ms > 0
            case AlertState.INACTIVE:
                over.append(alert)
        alerts[alert.labels] = alert
    known = {_series(rule, alert) for alert in alerts.values()}
    if rule.for_ms:
        alerts |= {alert.labels: alert for alert in _from_samples(rule, remembered.seen, known, gap, at_ms)}
    alerts |= {labels: _merged(alerts.get(labels), now) for labels, now in run.state.alerts.items()}
    written = frozenset(one.labels for one in alert_samples(rule, alerts.values()))
    run.state = RuleState(alerts, run.state.written | written)
    run.had_data |= bool(alerts)
    if holds:
        run.hold(at_ms, gap.holds_ms)
    return over


def _merged(before: ActiveAlert | None, now: ActiveAlert) -> ActiveAlert:
    """Return an alert that was evaluated before it was known what it was."""
    if before is None or before.state is AlertState.INACTIVE or now.state is AlertState.INACTIVE:
        return now
    active_ms = min(before.active_ms, now.active_ms)
    if before.state is AlertState.FIRING:
        return replace(now, state=AlertState.FIRING, active_ms=active_ms, fired_ms=before.fired_ms)
    return replace(now, active_ms=active_ms)


def _series(rule: AlertingRule, alert: ActiveAlert) -> Labels:
    """Return the labels of an alert's series, without its name."""
    active = replace(alert, state=AlertState.FIRING)
    last = [*alert_samples(rule, [active])][-1]
    return _bare(last)


def _from_samples(
    rule: AlertingRule,
    seen: Mapping[Labels, tuple[int, int]],
    known: set[Labels],
    gap: Gap,
    at_ms: int,
) -> Iterable[ActiveAlert]:
    """Yield alerts of which only the samples are known, as pending: the next evaluation says what they do."""
    static = {name: value for name, value in rule.labels if "{{" not in value}
    for labels, (seen_ms, active_ms) in seen.items():
        own = dict(labels)
        if own.get("alertname") != rule.name or labels in known:
            continue
        if any(own.get(name, "") != value for name, value in static.items()):
            continue
        if seen_ms - active_ms < rule.for_ms:
            active_ms += gap.shift_ms(seen_ms, at_ms)
        yield ActiveAlert(labels, (), AlertState.PENDING, 0.0, active_ms)
