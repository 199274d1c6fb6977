"""When a report is due, by the clock of its zone, and what is no report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pharos.errors import Kind, PharosError
from pharos.reports.definition import due_ms, next_ms, report_of

BASE: dict[str, Any] = {"uid": "a", "receiver": "ops", "every": "day", "hour": 8}
BERLIN = {"zone": "Europe/Berlin"}
DUE = [
    # (what is said, now, the last moment, the next one); all times in UTC.
    ({}, "2026-03-10T09:00", "2026-03-10T08:00", "2026-03-11T08:00"),
    ({}, "2026-03-10T08:00", "2026-03-10T08:00", "2026-03-11T08:00"),
    ({}, "2026-03-10T07:59", "2026-03-09T08:00", "2026-03-10T08:00"),
    ({"minute": 30}, "2026-03-10T08:15", "2026-03-09T08:30", "2026-03-10T08:30"),
    ({"every": "week"}, "2026-03-10T09:00", "2026-03-09T08:00", "2026-03-16T08:00"),
    ({"every": "week", "weekday": 1}, "2026-03-10T07:00", "2026-03-03T08:00", "2026-03-10T08:00"),
    ({"every": "month"}, "2026-03-01T07:00", "2026-02-01T08:00", "2026-03-01T08:00"),
    ({"every": "month"}, "2026-12-31T07:00", "2026-12-01T08:00", "2027-01-01T08:00"),
    (BERLIN, "2026-03-28T12:00", "2026-03-28T07:00", "2026-03-29T06:00"),
    (BERLIN, "2026-10-24T12:00", "2026-10-24T06:00", "2026-10-25T07:00"),
    ({**BERLIN, "hour": 2, "minute": 30}, "2026-03-29T12:00", "2026-03-29T01:30", "2026-03-30T00:30"),
]
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"every": "hour"}, "every"),
    ({"hour": 24}, "hour"),
    ({"hour": True}, "hour"),
    ({"hour": "8"}, "hour"),
    ({"minute": -1}, "minute"),
    ({"weekday": 7}, "weekday"),
    ({"zone": "Mars/Base"}, "zone"),
    ({"zone": "../etc/passwd"}, "zone"),
    ({"uid": ""}, "uid"),
    ({"receiver": "x" * 201}, "receiver"),
    ({"theme": "pink"}, "theme"),
    ({"variables": []}, "variables"),
    ({"variables": {"a": 1}}, "variable"),
    ({"variables": {str(i): "x" for i in range(51)}}, "variables"),
]


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(("said", "now", "last", "following"), DUE)
def test_a_report_is_due_by_the_clock_of_its_zone(
    said: dict[str, Any], now: str, last: str, following: str
) -> None:
    report = report_of({**BASE, **said})
    assert due_ms(report, _ms(now)) == _ms(last)
    assert next_ms(report, _ms(now)) == _ms(following)


@pytest.mark.parametrize(("said", "named"), WRONG)
def test_what_is_no_report_is_refused_by_name(said: dict[str, Any], named: str) -> None:
    with pytest.raises(PharosError) as told:
        report_of({**BASE, **said})
    assert told.value.kind is Kind.INVALID
    assert named in str(told.value)


def test_a_report_is_kept_as_it_was_written() -> None:
    report = report_of({**BASE, "variables": {"host": ["a", "b"]}})
    assert report_of(report.document()) == report
