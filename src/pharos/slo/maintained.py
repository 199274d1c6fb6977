"""Times of maintenance that an objective's budget is spared: those of windows that hold back its alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pharos.alerting.maintenance import Occurrence, Window, read_conditions
from pharos.alerting.matchers import matches_all
from pharos.slo.objective import Alert, Objective, merged

_MOST: Final = 60
"""So many times of maintenance count, the latest; what is longer ago is a small part of a window."""


def spared_times(
    objective: Objective, windows: Mapping[str, Window], start_ms: int, end_ms: int
) -> Sequence[Occurrence]:
    """Return when windows were open that an objective's alerts are held back by, in order and apart."""
    alerting = objective.alerting
    found: list[Occurrence] = []
    for window in windows.values():
        matchers = read_conditions(window.matchers)
        if any(matches_all(matchers, _labels(objective, one)) for one in (alerting.page, alerting.ticket)):
            found += window.occurrences(start_ms, end_ms)
    return _apart(found)[-_MOST:]


def _labels(objective: Objective, alert: Alert | None) -> dict[str, str]:
    """Return the labels that an alert of the objective has, as far as they are known."""
    ids = {"slo": objective.name, "slo_id": objective.id}
    if objective.service:
        ids |= {"service": objective.service, "sloth_service": objective.service}
    ids |= {"sloth_slo": objective.name, "sloth_id": objective.id}
    named = {} if alert is None else {"alertname": alert.name}
    return {**ids, **merged(objective.labels, () if alert is None else alert.labels), **named}


def _apart(spans: Sequence[Occurrence]) -> list[Occurrence]:
    found: list[Occurrence] = []
    for one in sorted(spans, key=lambda one: one.start_ms):
        if found and one.start_ms <= found[-1].end_ms:
            found[-1] = Occurrence(found[-1].start_ms, max(found[-1].end_ms, one.end_ms))
        else:
            found.append(one)
    return found
