"""What a running rule remembers, and whether its answer is known."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alert import ALERT_NAME
from pharos.labels import Labels, labels_of
from pharos.rules.evaluate import (
    ActiveAlert,
    AlertState,
    Element,
    Outcome,
    RuleState,
    Transition,
    alert_samples,
    next_state,
)
from pharos.rules.spec import AlertingRule, Rule, RuleGroup

RULE_UNKNOWN: Final = "RuleUnknown"
"""The alert that a rule's answer is not known."""


class Unknown(StrEnum):
    """Why nobody knows what a rule's answer is."""

    NOT = ""
    """It is known."""
    FAILED = "failed"
    """It could not be evaluated, or what it made could not be kept."""
    NO_DATA = "no_data"
    """It reads stored data, and finds none where there was some."""


def group_key(group: RuleGroup) -> str:
    """Return what tells a group from all others of its tenant."""
    return f"{group.file};{group.name}"


def rule_keys(rules: Iterable[Rule]) -> list[str]:
    """Return what tells each rule from others of its group: name and labels, and its number among equals."""
    keys: list[str] = []
    seen: dict[str, int] = {}
    for rule in rules:
        labels = ",".join(f"{name}={value!r}" for name, value in rule.labels)
        key = f"{type(rule).__name__}:{rule.name}{{{labels}}}"
        seen[key] = seen.get(key, 0) + 1
        keys.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return keys


class RunningRule(Struct):
    """A rule, what it remembers, and how its last evaluation went. Times are in milliseconds; 0 is never."""

    rule: Rule
    key: str
    reads: bool = True
    """Whether it reads stored data."""
    state: RuleState = field(default_factory=RuleState)
    sent: dict[Labels, int] = field(default_factory=dict)
    """When each alert was told of last, by the time of the evaluation."""
    error: str = ""
    """Why its last evaluation failed; empty when it did not."""
    unknown: Unknown = Unknown.NOT
    unknown_noted: Unknown = Unknown.NOT
    """What was written down of that."""
    had_data: bool = False
    told: RuleState = field(default_factory=RuleState)
    """Of the alert that its answer is not known."""
    told_sent: dict[Labels, int] = field(default_factory=dict)
    hold_until_ms: int = 0
    """Until then alerts that fired before a gap are not taken for resolved."""
    hold_ms: int = 0
    last_ms: int = 0
    """When it was evaluated last, by the wall clock."""
    took_s: float = 0.0

    @property
    def is_alerting(self) -> bool:
        """Whether it makes alerts."""
        return isinstance(self.rule, AlertingRule)

    def adopt(self, before: RunningRule) -> None:
        """Go on where a rule of the same name and labels ended."""
        self.state, self.sent, self.had_data = before.state, before.sent, before.had_data
        self.told, self.told_sent = before.told, before.told_sent
        self.unknown, self.unknown_noted = before.unknown, before.unknown_noted
        self.hold_until_ms, self.hold_ms = before.hold_until_ms, before.hold_ms
        self.error, self.last_ms, self.took_s = before.error, before.last_ms, before.took_s

    def effective(self, at_ms: int) -> Rule:
        """Return the rule as it is to be evaluated: after a gap what fires is kept for a while."""
        if at_ms >= self.hold_until_ms or not isinstance(self.rule, AlertingRule):
            return self.rule
        return dataclasses.replace(
            self.rule, keep_firing_for_ms=max(self.rule.keep_firing_for_ms, self.hold_ms)
        )

    def hold(self, at_ms: int, hold_ms: int) -> None:
        """Keep what fires for a while, though it may not be found at once after a gap."""
        if self.state.firing():
            self.hold_until_ms, self.hold_ms = at_ms + hold_ms, hold_ms

    def note_data(self, found: bool) -> None:
        """Say whether there was data, of an evaluation that did not fail."""
        self.error = ""
        self.had_data |= found
        self.unknown = Unknown.NO_DATA if self.had_data and not found else Unknown.NOT

    def note_failure(self, error: str) -> None:
        """Say that an evaluation failed."""
        self.error, self.unknown = error, Unknown.FAILED

    def clear(self, at_ms: int) -> tuple[Transition, ...]:
        """Take all alerts for over: there are more than the group's limit, or the rule is gone."""
        kept: dict[Labels, ActiveAlert] = {}
        changes: list[Transition] = []
        for labels, alert in self.state.alerts.items():
            if alert.state is AlertState.INACTIVE:
                kept[labels] = alert
                continue
            over = replace(alert, state=AlertState.INACTIVE, resolved_ms=at_ms, gone_ms=0)
            changes.append(Transition(over, alert.state, at_ms))
            if alert.state is AlertState.FIRING:
                kept[labels] = over
        self.state = replace(self.state, alerts=kept)
        return tuple(changes)

    def shift(self, by_ms: int) -> None:
        """Move all times along, when the clock was set."""
        self.state = replace(self.state, alerts=_shifted(self.state.alerts.values(), by_ms))
        self.told = replace(self.told, alerts=_shifted(self.told.alerts.values(), by_ms))
        self.sent = {labels: sent_ms + by_ms for labels, sent_ms in self.sent.items()}
        self.told_sent = {labels: sent_ms + by_ms for labels, sent_ms in self.told_sent.items()}

    def forget_old(self) -> None:
        """Forget when alerts were told of that are not remembered any more."""
        for labels in [labels for labels in self.sent if labels not in self.state.alerts]:
            del self.sent[labels]


def _shifted(alerts: Iterable[ActiveAlert], by_ms: int) -> dict[Labels, ActiveAlert]:
    return {
        alert.labels: replace(
            alert,
            **{
                name: getattr(alert, name) + by_ms
                for name in ("active_ms", "fired_ms", "resolved_ms", "gone_ms")
                if getattr(alert, name)
            },
        )
        for alert in alerts
    }


def unknown_labels(group: RuleGroup, run: RunningRule) -> dict[str, str]:
    """Return which alert says that a rule's answer is not known."""
    return {
        ALERT_NAME: RULE_UNKNOWN,
        "rule": run.rule.name,
        "rule_group": group.name,
        "rule_file": group.file,
        "reason": str(run.unknown),
    }


def next_unknown(group: RuleGroup, run: RunningRule, own: Labels, after_ms: int, at_ms: int) -> Outcome:
    """Return what becomes of the alert that a rule's answer is not known; `own` are labels for its route."""
    labels = labels_of({**dict(own), **unknown_labels(group, run)})
    error = run.error or "it reads stored data, and finds none where there was some"
    rule = AlertingRule(
        RULE_UNKNOWN,
        "",
        for_ms=after_ms,
        annotations=(
            ("description", error.replace("{{", "{ {")),
            ("summary", f"Rule {run.rule.name} of group {group.name}: its answer is not known"),
        ),
    )
    found = [Element(labels, 1.0)] if run.unknown is not Unknown.NOT else []
    return next_state(rule, run.told, found, at_ms, lambda text, _: text)


def series_of(run: RunningRule) -> frozenset[Labels]:
    """Return the series that a rule's alerts stand for, as it would have written them last."""
    if not isinstance(run.rule, AlertingRule):
        return run.state.written
    return frozenset(one.labels for one in alert_samples(run.rule, run.state.alerts.values()))
