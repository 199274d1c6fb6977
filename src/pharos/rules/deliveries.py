"""Which alerts are to be told of: when they begin to fire, as long as they do, and when they are over.

As Prometheus sends them (rules/alerting.go): each again when the last time is longer ago than the resend
delay, with an end that comes by itself should nothing follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote_plus

from msgspec import Struct

from pharos.alert import Alert
from pharos.labels import Labels
from pharos.rules.evaluate import ActiveAlert, AlertState

_LIVES: Final = 4
"""So many intervals an alert lives without news."""


class Telling(Struct, frozen=True):
    """How alerts are told of."""

    resend_ms: int
    interval_ms: int
    shown: Callable[[Labels], Labels | None]
    """The labels under which an alert is told of; None for one that is not."""
    url: str = ""
    """How people reach this server."""
    has_graph: bool = True
    """Whether an expression can be drawn: one in PromQL can."""

    def generator_url(self, expr: str) -> str:
        """Return where the graph of an expression is, or where its rule is."""
        if not self.has_graph:
            return f"{self.url}/rules"
        return f"{self.url}/graph?g0.expr={quote_plus(expr)}&g0.tab=1"

    def is_due(self, alert: ActiveAlert, sent_ms: int | None, at_ms: int) -> bool:
        """Return whether an alert is to be told of at an evaluation."""
        if alert.state is AlertState.PENDING or not alert.fired_ms:
            return False
        # What fires anew is told at once, though its end was told a moment ago.
        changed_ms = alert.resolved_ms if alert.state is AlertState.INACTIVE else alert.fired_ms
        if sent_ms is None or changed_ms > sent_ms:
            return True
        return sent_ms + self.resend_ms < at_ms

    def told(self, alert: ActiveAlert, expr: str, at_ms: int) -> Alert | None:
        """Return an alert as it is told of; None for one that is not."""
        labels = self.shown(alert.labels)
        if not labels:
            return None
        lives_ms = _LIVES * max(self.resend_ms, self.interval_ms)
        is_over = alert.state is AlertState.INACTIVE
        return Alert(
            labels=labels,
            annotations=alert.annotations,
            starts_ms=alert.fired_ms,
            ends_ms=alert.resolved_ms if is_over else at_ms + lives_ms,
            updated_ms=at_ms,
            generator_url=self.generator_url(expr),
        )


class Owed(Struct):
    """Alerts that are to be told of now, and where to note that they were."""

    alerts: list[Alert]
    notes: list[tuple[dict[Labels, int], Labels]]

    def note(self, at_ms: int) -> None:
        """Say that all were told of."""
        for sent, labels in self.notes:
            sent[labels] = at_ms


def owed(
    telling: Telling,
    of_rules: Iterable[tuple[str, Mapping[Labels, ActiveAlert], dict[Labels, int]]],
    at_ms: int,
    extra: Sequence[Alert] = (),
) -> Owed:
    """Return what is to be told of at an evaluation: of each (expression, alerts, when they were told of)."""
    found = Owed([*extra], [])
    for expr, alerts, sent in of_rules:
        for labels, alert in alerts.items():
            if telling.is_due(alert, sent.get(labels), at_ms):
                made = telling.told(alert, expr, at_ms)
                if made is not None:
                    found.alerts.append(made)
                found.notes.append((sent, labels))
    return found
