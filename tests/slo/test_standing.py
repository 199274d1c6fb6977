"""When windows begin, and when a gate is closed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pharos.slo.budget import Counts, budget_state
from pharos.slo.objective import DAY_MS, Objective
from pharos.slo.specification import read_specification
from pharos.slo.standing import Gate, Standing, start_of, why_closed

_SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: a}
spec:
  service: s
  indicator:
    metadata: {name: i}
    spec: {thresholdMetric: {metricSource: {type: Prometheus, spec: {query: x}}}}
  timeWindow: [%s]
  budgetingMethod: Occurrences
  objectives: [{op: lt, value: 1, target: 0.9}]
"""
_VIENNA = ZoneInfo("Europe/Vienna")


def _objective(window: str) -> Objective:
    (found,) = read_specification([(_SLO % window, "a.yml")]).objectives
    return found


@pytest.mark.parametrize(
    ("duration", "start", "now", "begins"),
    [
        ("1M", "2026-01-31 00:00:00", "2026-03-05 12:00:00", "2026-02-28 00:00:00"),
        ("1M", "2026-01-01 12:00:00", "2026-03-01 11:00:00", "2026-02-01 12:00:00"),
        ("1Q", "2025-01-01 00:00:00", "2026-06-30 00:00:00", "2026-04-01 00:00:00"),
        ("1Y", "2024-02-29 00:00:00", "2026-02-01 00:00:00", "2025-02-28 00:00:00"),
        ("1w", "2026-01-05 00:00:00", "2026-01-20 08:00:00", "2026-01-19 00:00:00"),
        ("30d", "2026-01-01 00:00:00", "2026-02-10 00:00:00", "2026-01-31 00:00:00"),
    ],
)
def test_a_window_of_the_calendar_begins_where_it_says(
    duration: str, start: str, now: str, begins: str
) -> None:
    calendar = f"{{startTime: '{start}', timeZone: Europe/Vienna}}"
    window = f"{{duration: {duration}, isRolling: false, calendar: {calendar}}}"
    at, wanted = (datetime.fromisoformat(one).replace(tzinfo=_VIENNA) for one in (now, begins))
    assert start_of(_objective(window), int(at.timestamp() * 1000)) == wanted.timestamp() * 1000


def test_a_gate_tells_every_reason() -> None:
    one = _objective("{duration: 30d, isRolling: true}")
    assert start_of(one, 40 * DAY_MS) == 10 * DAY_MS
    state = budget_state(Counts(100, 5), Counts(100, 20), one.budget, one.period_ms)
    good = Standing(one, state, 0.9, is_measured=True, start_ms=0)
    assert why_closed(good, Gate()) == []
    assert why_closed(good, Gate(0.6, 0.95, 1.5)) == [
        "50.0% of the budget is left, at most 60.0%",
        "90.0% of the window was measured, below 95.0%",
        "the budget burns at 2, above 1.5",
    ]
    unseen = Standing(one, state, 0.9, is_measured=False, start_ms=0)
    assert why_closed(unseen, Gate()) == ["nothing is measured now, so nobody can see what a change does"]
