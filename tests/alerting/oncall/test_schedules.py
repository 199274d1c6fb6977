"""Schedules as data, and calendars."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.alerting.oncall.calendar import check_calendar, read_events, write_calendar
from pharos.alerting.oncall.schedule import read_schedule
from pharos.alerting.oncall.shifts import Override, Shift, Swap, gaps, overlaps, shifts, twice
from pharos.errors import Kind, PharosError

CASES = Path(__file__).parent / "cases"
SCHEDULES: list[dict[str, Any]] = yaml.safe_load((CASES / "schedules.yaml").read_text())
REFUSED: list[dict[str, Any]] = yaml.safe_load((CASES / "refused.yaml").read_text())
DAY_MS = 86_400_000


def _ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize("case", SCHEDULES, ids=[case["name"] for case in SCHEDULES])
def test_a_schedule_says_who_is_on_call_when(case: dict[str, Any]) -> None:
    schedule = read_schedule(case["schedule"], "s")
    start_ms, end_ms = _ms(case["from"]), _ms(case["to"])
    taken = [line.split() for line in case.get("overrides", [])]
    overrides = [Override(_ms(begin), _ms(end), tuple(people)) for begin, end, *people in taken]
    given_away = [line.split() for line in case.get("swaps", [])]
    swaps = [Swap(_ms(begin), _ms(end), giver, taker) for begin, end, giver, taker in given_away]
    found = shifts(schedule, start_ms, end_ms, overrides, swaps)
    told = [" ".join([_text(one.start_ms), _text(one.end_ms), *one.people]) for one in found]
    assert told == case["shifts"]
    if "gaps" in case:
        empty = gaps(found, start_ms, end_ms)
        assert [f"{_text(one.start_ms)} {_text(one.end_ms)}" for one in empty] == case["gaps"]
    meeting = overlaps(schedule, start_ms, end_ms, overrides)
    assert [
        f"{_text(one.start_ms)} {_text(one.end_ms)} {one.wins} over {one.loses}" for one in meeting
    ] == case.get("overlaps", [])


def _read(document: dict[str, Any]) -> None:
    for layer in read_schedule(document, "s").layers:
        check_calendar(layer.calendar)


@pytest.mark.parametrize("case", REFUSED, ids=[case["says"] for case in REFUSED])
def test_what_is_no_schedule_is_refused_at_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as caught:
        _read(case["document"])
    assert caught.value.kind is Kind.INVALID
    assert case["says"] in str(caught.value)


def test_a_person_who_is_on_call_in_two_schedules_at_once_is_told() -> None:
    first = [Shift(0, 10, ("ada", "bob"), "a"), Shift(10, 20, ("eve",), "a")]
    second = [Shift(5, 15, ("ada",), "b"), Shift(18, 30, ("eve",), "b")]
    told = [(one.start_ms, one.end_ms, one.losing_people) for one in twice({"one": first, "two": second})]
    assert told == [(5, 10, ("ada",)), (18, 20, ("eve",))]


def test_more_than_four_hundred_days_are_refused() -> None:
    schedule = read_schedule(
        {"layers": [{"name": "a", "people": ["ada"], "starts": "2026-01-05T09:00"}]}, "s"
    )
    with pytest.raises(PharosError, match="400 days"):
        shifts(schedule, 0, 401 * DAY_MS)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5000), st.sampled_from(["ada", "Bob B", "ëve"])), max_size=8))
def test_a_calendar_that_was_written_says_the_same_when_it_is_read(pieces: list[tuple[int, str]]) -> None:
    at_ms = _ms("2026-03-28T22:00")
    written = []
    for minutes, name in pieces:
        written.append(Shift(at_ms, at_ms + minutes * 60_000, (name,), "a"))
        at_ms = written[-1].end_ms
    text = write_calendar("primary; on, call\\", "s", written, at_ms).decode()
    found = read_events(text, "Europe/Berlin", 0, at_ms + DAY_MS)
    assert [(one.start_ms, one.end_ms, one.people) for one in found] == [
        (one.start_ms, one.end_ms, one.people) for one in written
    ]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "BEGIN:VCALENDAR",
                "END:VCALENDAR",
                "BEGIN:VEVENT",
                "END:VEVENT",
                "DTSTART:20260101T000000Z",
                "DTSTART:x",
                "DTEND;VALUE=DATE:20260102",
                "DTSTART;TZID=Nowhere/X:20260101T000000",
                "RRULE:FREQ=DAILY",
                "RRULE:COUNT=x",
                "DURATION:PT1H",
                "DURATION:-P1D",
                "SUMMARY:ada",
                "ATTENDEE:x",
                "RDATE:20260103T000000Z",
                "EXDATE:y",
                "RECURRENCE-ID:20260101T000000Z",
                "X-WR-TIMEZONE:Mars",
                "SEQUENCE:a",
                "UID:1",
                ":",
                "\x00",
                'A;B="',
            ]
        ),
        max_size=14,
    )
)
def test_a_calendar_of_odd_lines_is_read_or_refused(lines: list[str]) -> None:
    text = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", *lines, "END:VEVENT", "END:VCALENDAR"])
    with suppress(PharosError):
        read_events(text, "UTC", 0, _ms("2026-02-01"))
