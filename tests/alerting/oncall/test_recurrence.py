"""Events that recur: cut to what is asked for they say the same, and hostile ones are refused at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import recurring_ical_events  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from pharos.alerting.oncall.calendar import check_calendar, read_events
from pharos.alerting.oncall.recurrence import cut
from pharos.alerting.oncall.schedule import Layer, Schedule
from pharos.alerting.oncall.shifts import on_call, shifts
from pharos.errors import Kind, PharosError

SINCE = datetime(2026, 3, 20, tzinfo=UTC)
BEGINNINGS = [
    ";TZID=Europe/Berlin:20190331T023000",
    ";TZID=America/New_York:19990105T233000",
    ":20240229T120000Z",
    ":20231231T220000",
    ";VALUE=DATE:20200131",
    ";VALUE=DATE:20260401",
]
RULES = [
    "FREQ=DAILY",
    "FREQ=DAILY;BYDAY=MO,WE",
    "FREQ=WEEKLY",
    "FREQ=WEEKLY;BYDAY=TU,SU;WKST=SU",
    "FREQ=MONTHLY",
    "FREQ=MONTHLY;BYDAY=-1FR",
    "FREQ=MONTHLY;BYMONTHDAY=31,-1",
    "FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-1",
    "FREQ=YEARLY",
    "FREQ=YEARLY;BYMONTH=3,4;BYDAY=MO",
]
EVENT = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:x\r
BEGIN:VEVENT\r
UID:1\r
DTSTART{begins}\r
DURATION:{lasts}\r
RRULE:{rule}\r
EXDATE{begins}\r
SUMMARY:ada\r
END:VEVENT\r
END:VCALENDAR\r
"""


def found(text: str, days: int, *, is_cut: bool) -> list[tuple[Any, Any]]:
    """Return when the events of a calendar are that touch some days."""
    calendar, until = Calendar.from_ical(text), SINCE + timedelta(days=days)
    if is_cut:
        for event in calendar.walk("VEVENT"):
            cut(event, SINCE, until)
    occurrences = recurring_ical_events.of(calendar).between(SINCE, until)
    return sorted((str(one["DTSTART"].dt), str(one["DTEND"].dt)) for one in occurrences)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(BEGINNINGS),
    st.sampled_from(RULES),
    st.sampled_from(["P1D", "P10D", "P2W"]),
    st.sampled_from(["", ";INTERVAL=2", ";INTERVAL=5"]),
    st.sampled_from(["", ";COUNT=3", ";COUNT=90", ";UNTIL=20260403"]),
    st.integers(1, 60),
)
def test_what_is_cut_says_the_same(
    begins: str, rule: str, lasts: str, interval: str, ends: str, days: int
) -> None:
    is_day = "VALUE=DATE" in begins
    if ends.startswith(";UNTIL") and not is_day:
        ends += "T120000" if begins.endswith("T220000") else "T120000Z"
    text = EVENT.format(begins=begins, lasts=lasts, rule=f"{rule}{interval}{ends}")
    assert found(text, days, is_cut=True) == found(text, days, is_cut=False)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        # It is searched for ever.
        ("RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL=0, which must be from 1 to 1000"),
        ("RRULE:FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1"),
        ("RRULE:FREQ=DAILY;COUNT=2000000000", "COUNT=2000000000"),
        ("RRULE:FREQ=SECONDLY", "SECONDLY"),
        # They are searched up to the year 9999.
        ("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never comes true"),
        ("RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366", "never comes true"),
        ("RRULE:FREQ=DAILY\r\nRRULE:FREQ=WEEKLY", "several rules"),
        ("DTEND:20251231T000000Z", "ends before it begins"),
        ("DURATION:-P1D", "ends before it begins"),
        ("DTEND;TZID=Mars/Phobos:20260102T000000", "no time zone 'Mars/Phobos'"),
        ("RDATE;TZID=Mars/Phobos:20260102T000000,20260103T000000", "no time zone 'Mars/Phobos'"),
        ("RRULE:FREQ=DAILY\r\nEXDATE;TZID=Mars/Phobos:20260102T000000", "no time zone 'Mars/Phobos'"),
        # Whoever passed it over would be told that somebody is on call who is not.
        ("RRULE:FREQ=DAILY\r\nEXRULE:FREQ=WEEKLY", "EXRULE, which is not taken"),
    ],
)
def test_an_event_that_cannot_be_is_refused(line: str, says: str) -> None:
    lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "DTSTART:20260101T000000Z", line, "SUMMARY:ada"]
    with pytest.raises(PharosError) as caught:
        check_calendar("\r\n".join([*lines, "END:VEVENT", "END:VCALENDAR", ""]))
    assert caught.value.kind is Kind.INVALID
    assert says in caught.value.message


def test_a_zone_that_is_not_known_is_not_taken_for_another_one() -> None:
    text = EVENT.format(begins=";TZID=Mars/Phobos:20260101T000000", lasts="P1D", rule="FREQ=DAILY")
    with pytest.raises(PharosError, match="no time zone 'Mars/Phobos'"):
        check_calendar(text)


def test_a_zone_is_what_the_calendar_itself_says_and_not_another_one_before_it() -> None:
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "TZOFFSETFROM:{0}\r\nTZOFFSETTO:{0}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT"
    )
    text = EVENT.format(begins=";TZID=Ours:20260101T120000", lasts="PT1H", rule="FREQ=DAILY;COUNT=2")
    noon_ms = int(datetime(2026, 1, 2, 12, tzinfo=UTC).timestamp() * 1000)
    for offset, hours in (("-0800", -8), ("+0500", 5), ("-0800", -8)):
        own = text.replace("BEGIN:VEVENT", zone.format(offset))
        [event] = read_events(own, "UTC", noon_ms - 86_400_000, noon_ms + 86_400_000)
        assert event.start_ms == noon_ms - hours * 3_600_000
    with pytest.raises(PharosError, match="no time zone 'Ours'"):
        check_calendar(text)


def test_a_crowd_at_a_time_is_cut() -> None:
    event = (
        "BEGIN:VEVENT\r\nDTSTART:20260101T0000{0:02d}Z\r\nDTEND:20260102T0000{0:02d}Z\r\n"
        "SUMMARY:p{0}\r\nEND:VEVENT\r\n"
    )
    text = "BEGIN:VCALENDAR\r\n" + "".join(map(event.format, range(60))) + "END:VCALENDAR\r\n"
    schedule = Schedule(layers=(Layer(name="all", calendar=text),))
    start_ms = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    told = shifts(schedule, start_ms, start_ms + 3 * 86_400_000)
    assert [len(one.people) for one in told] == [*range(1, 20), *[20] * 41, *range(19, 0, -1)]
    now = on_call(schedule, start_ms + 86_400_000 + 59_000 - 1)
    assert now is not None
    assert now.people == ("p59",)


def test_a_mark_of_the_order_of_bytes_is_passed_over() -> None:
    text = "\ufeff" + EVENT.format(begins=":20260101T000000Z", lasts="P1D", rule="FREQ=DAILY;COUNT=2")
    start_ms = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1000)
    assert [one.people for one in read_events(text, "UTC", start_ms, start_ms + 3 * 86_400_000)] == [("ada",)]
