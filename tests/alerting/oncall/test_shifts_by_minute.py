"""Shifts of random schedules, in places whose clocks are set in odd ways, are what every minute says."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alerting.oncall.oracle import MINUTE_MS, who

from pharos.alerting.oncall.schedule import DAYS, Layer, Schedule, Window
from pharos.alerting.oncall.shifts import Override, Swap, gaps, on_call, shifts

PEOPLE = ("ada", "bob", "eve", "joe")
# The day before clocks are set, in places where they are.
NIGHTS = {
    "Europe/Berlin": ("2026-03-28T12:00", "2026-10-24T12:00"),
    "America/New_York": ("2026-03-07T12:00", "2026-10-31T12:00"),
    "America/St_Johns": ("2026-03-07T12:00", "2006-10-28T12:00"),
    "Australia/Lord_Howe": ("2026-04-04T06:00", "2026-10-03T06:00"),
    "Pacific/Apia": ("2011-12-29T12:00", "2012-03-31T06:00"),
    "America/Havana": ("2026-03-07T20:00", "2025-11-01T20:00"),
    "Asia/Kathmandu": ("2026-01-01T00:00", "2026-07-01T00:00"),
    "Africa/Casablanca": ("2026-02-14T12:00", "2026-03-21T12:00"),
}
minutes = st.integers(0, 48 * 60 - 1)
turns = st.lists(
    st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=2, unique=True).map(tuple), min_size=1, max_size=3
)
times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 59]))
windows = st.lists(
    st.builds(
        Window,
        days=st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True).map(tuple),
        start=times,
        end=times,
    ),
    max_size=2,
)


@st.composite
def schedules(draw: st.DrawFn) -> tuple[Schedule, int]:
    zone = draw(st.sampled_from(sorted(NIGHTS)))
    night = datetime.fromisoformat(draw(st.sampled_from(NIGHTS[zone])))
    layers = []
    for number in range(draw(st.integers(1, 3))):
        starts = night + timedelta(minutes=draw(st.integers(-9 * 1440, 1440)))
        unit = draw(st.sampled_from(["hour", "day", "week"]))
        layers.append(
            Layer(
                name=f"layer {number}",
                people=tuple(draw(turns)),
                starts=starts,
                ends=draw(st.none() | st.just(starts + timedelta(days=draw(st.integers(1, 12))))),
                every=draw(st.integers(1, 13 if unit == "hour" else 2)),
                unit=unit,  # type: ignore[arg-type]
                windows=tuple(draw(windows)),
                time_zone=draw(st.none() | st.sampled_from(sorted(NIGHTS))),
            )
        )
    return Schedule(time_zone=zone, layers=tuple(layers)), int(night.replace(tzinfo=UTC).timestamp()) * 1000


@st.composite
def spans(draw: st.DrawFn) -> tuple[int, int]:
    start = draw(minutes)
    return start, start + draw(st.integers(1, 900))


@settings(max_examples=60, deadline=None)
@given(
    schedules(),
    st.lists(st.tuples(spans(), st.sampled_from(PEOPLE)), max_size=3),
    st.lists(st.tuples(spans(), st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)), max_size=2),
)
def test_each_minute_has_who_the_wall_clock_says(
    made: tuple[Schedule, int],
    taken: list[tuple[tuple[int, int], str]],
    swapped: list[tuple[tuple[int, int], str, str]],
) -> None:
    schedule, start_ms = made
    end_ms = start_ms + 48 * 60 * MINUTE_MS

    def at(minute: int) -> int:
        return start_ms + minute * MINUTE_MS

    overrides = [Override(at(span[0]), at(span[1]), (name,)) for span, name in taken]
    swaps = [Swap(at(span[0]), at(span[1]), giver, taker) for span, giver, taker in swapped]
    found = shifts(schedule, start_ms, end_ms, overrides, swaps)
    empty = gaps(found, start_ms, end_ms)
    assert all(one.start_ms < one.end_ms for one in found)
    assert all(one.end_ms <= other.start_ms for one, other in pairwise(found))
    for minute_ms, people in who(schedule, start_ms, end_ms, overrides, swaps):
        covering = [one for one in found if one.start_ms <= minute_ms < one.end_ms]
        assert [one.people for one in covering] == ([people] if people else []), minute_ms
        assert bool(people) != any(one.start_ms <= minute_ms < one.end_ms for one in empty)
    middle_ms = start_ms + 24 * 60 * MINUTE_MS
    alone = on_call(schedule, middle_ms, overrides, swaps)
    within = [one.people for one in found if one.start_ms <= middle_ms < one.end_ms]
    assert ([] if alone is None else [alone.people]) == within
