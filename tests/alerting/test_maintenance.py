"""When maintenance windows are, and whom they hold back; dependencies as inhibitions."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from icalendar import Calendar

from pharos.alerting.dependencies import as_inhibitions, read_dependency
from pharos.alerting.maintenance import Maintained, Windows, read_window, written_calendar
from pharos.alerting.matchers import format_matchers
from pharos.errors import Kind, PharosError

CASES = Path(__file__).parent / "cases"
FIELDS = {
    "starts": "2026-01-01T22:00",
    "ends": "2026-01-02T06:00",
    "matchers": ['env="prod"'],
    "reason": "the database is moved",
}
DAY_MS = 86_400_000


def plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields as JSON has them."""
    return {
        name: [str(one) for one in value]
        if name == "without"
        else f"{value:%Y-%m-%dT%H:%M}"
        if isinstance(value, datetime)
        else value
        for name, value in fields.items()
    }


def ms(text: str | datetime) -> int:
    moment = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def shown(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize(
    "case", yaml.safe_load((CASES / "windows.yml").read_text()), ids=lambda case: str(case["name"])
)
def test_a_window_is_when_its_clock_says_so(case: dict[str, Any]) -> None:
    window = read_window({**FIELDS, **plain(case["window"])}, "w")
    found = window.occurrences(ms(case["since"]), ms(case["until"]))
    assert [f"{shown(one.start_ms)}/{shown(one.end_ms)}" for one in found] == case["times"]


@pytest.mark.parametrize(
    "case", yaml.safe_load((CASES / "window_faults.yml").read_text()), ids=lambda case: str(case["fields"])
)
def test_what_is_no_window_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as told:
        read_window({**FIELDS, **plain(case["fields"])}, "w")
    assert told.value.kind is Kind.INVALID
    assert case["fault"] in str(told.value)


def test_a_window_is_over_alerts_that_satisfy_its_matchers_and_until_its_end() -> None:
    night = read_window({**FIELDS, "repeats": "FREQ=DAILY"}, "night")
    long = read_window({**FIELDS, "ends": "2026-01-05T00:00", "matchers": ['env="prod"', "team!=a"]}, "long")
    windows = Windows({"night": night, "long": long})
    at = ms("2026-01-01T23:00Z")
    prod, team = {"env": "prod"}, {"env": "prod", "team": "a"}
    assert windows.over({"env": "dev"}, at) is None
    assert windows.over(prod, at) == Maintained("long", "the database is moved", ms("2026-01-05T00:00Z"))
    assert windows.over(team, at) == Maintained("night", "the database is moved", ms("2026-01-02T06:00Z"))
    # What is known of one time is known of no other, forward or back.
    for offset, is_over in ((0, True), (7, False), (6.9, True), (-1.1, False), (23, True), (8 * 24, True)):
        at_ms = at + round(offset * 3_600_000)
        assert (windows.over(team, at_ms) is not None) is is_over, offset


def test_a_window_ends_at_its_last_moment_and_begins_at_its_first() -> None:
    windows = Windows({"w": read_window(FIELDS, "w")})
    begin, end = ms("2026-01-01T22:00Z"), ms("2026-01-02T06:00Z")
    verdicts = [windows.over({"env": "prod"}, at) is not None for at in (begin - 1, begin, end - 1, end)]
    assert verdicts == [False, True, True, False]


def test_a_calendar_has_each_time_of_each_window() -> None:
    window = read_window({**FIELDS, "repeats": "FREQ=DAILY", "reason": "a\r\nBEGIN:VEVENT"}, "night; daily")
    start = ms("2026-01-01T00:00Z")
    text = written_calendar({"night; daily": window}, "t", start, start + 3 * DAY_MS, start)
    events = list(Calendar.from_ical(text).walk("VEVENT"))
    assert [str(one["SUMMARY"]) for one in events] == ["Maintenance: night; daily"] * 3
    assert events[0].decoded("DTSTART").isoformat() == "2026-01-01T22:00:00+00:00"
    assert len({str(one["UID"]) for one in events}) == 3


def test_a_dependency_holds_back_as_an_inhibition_does() -> None:
    document = {
        "parent": ["alertname=RouterDown"],
        "child": ['job=~".+"', "alertname!=RouterDown"],
        "equal": ["site"],
    }
    (found,) = as_inhibitions({"router": read_dependency(document, "router")})
    assert (found.name, format_matchers(found.target)) == ("router", '{alertname!="RouterDown",job=~".+"}')
    assert (format_matchers(found.sources[0].matchers), found.sources[0].equal) == (
        '{alertname="RouterDown"}',
        ("site",),
    )


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"parent": []}, "parent: "),
        ({"parent": ["a=~.*"]}, "at least one matcher"),
        ({"parent": ["job=x"]}, "the same alerts"),
        ({"equal": [""]}, "equal[0]: "),
        ({"more": 1}, "there is no such field"),
    ],
)
def test_what_is_no_dependency_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(PharosError) as told:
        read_dependency({"parent": ["a=b"], "child": ["job=x"], **fields}, "d")
    assert fault in str(told.value)


def test_windows_that_began_long_ago_are_followed_and_not_computed_anew() -> None:
    old = {**FIELDS, "starts": "1971-01-01T22:00", "ends": "1971-01-02T06:00", "repeats": "FREQ=DAILY"}
    windows = Windows({"old": read_window(old, "old")})
    at = ms("2026-01-01T23:00Z")
    windows.look(at)
    verdicts = [windows.over({"env": "prod"}, at + hour * 3_600_000) is not None for hour in range(24 * 60)]
    assert verdicts == [hour % 24 < 7 or hour % 24 == 23 for hour in range(24 * 60)]
    # Set back, the clock is followed too.
    assert windows.over({"env": "prod"}, at - 3_600_000 * 2) is None
    assert windows.over({"env": "prod"}, at) is not None
