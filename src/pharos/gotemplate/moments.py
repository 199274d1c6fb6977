"""What a template can do with a point in time and with a duration: Go's methods of both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate.values import TEXT, WHOLE, Compound, Function, Kindred, Named, Value
from pharos.gotext.durations import format_go_duration
from pharos.gotext.times import DEFAULT_LAYOUT, MONTHS, WEEKDAYS, ZERO, Moment, format_time, from_datetime

_SECOND: Final = 1_000_000_000
_MAX: Final = 2**63 - 1


class Time(Compound):
    """A point in time."""

    __slots__ = ("moment",)
    type_name = "time.Time"

    def __init__(self, moment: Moment) -> None:
        self.moment = moment

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and other.moment == self.moment

    def __hash__(self) -> int:
        return hash(self.moment.ns)


class Duration(Named):
    """Nanoseconds."""

    type_name = "time.Duration"

    def shown(self) -> str:
        """Return it as `1h2m3s`."""
        return format_go_duration(int(self))


TIME: Final = Kindred("time.Time", (Time,))
DURATION: Final = Kindred("time.Duration", (Duration,), "whole")


class Weekday(Named):
    """A day of the week; Sunday is 0."""

    type_name = "time.Weekday"

    def shown(self) -> str:
        """Return its name."""
        return WEEKDAYS[int(self) % 7]


class Month(Named):
    """A month; January is 1."""

    type_name = "time.Month"

    def shown(self) -> str:
        """Return its name."""
        return MONTHS[int(self)]


def _of(read: Callable[[datetime], Value]) -> Function:
    """Return a method that reads a part of a time in its zone."""

    def call(time: Time) -> Value:
        return read(time.moment.local())

    return Function(call)


def _clamped(ns: int) -> Duration:
    return Duration(max(-_MAX - 1, min(_MAX, ns)))


def _rounded(ns: int, step: int, *, half: bool) -> int:
    """Return `ns` cut (or rounded, halves up) to a multiple of `step`, towards zero."""
    if step <= 0:
        return ns
    sign, size = (-1, -ns) if ns < 0 else (1, ns)
    rest = size % step
    size -= rest
    return sign * (size + step if half and 2 * rest >= step else size)


def _moved(time: Time, duration: int) -> Time:
    moment = Moment(time.moment.ns + int(duration), time.moment.zone)
    moment.local()
    return Time(moment)


def _of_multiple(time: Time, step: int, *, half: bool) -> Time:
    """Return a time cut to a multiple of `step` since the year 1."""
    since = time.moment.ns - ZERO.ns
    return Time(Moment(ZERO.ns + _rounded(since, int(step), half=half), time.moment.zone))


def _add_date(time: Time, years: int, months: int, days: int) -> Time:
    """Return a time that much later; days beyond the end of a month go into the next."""
    at = time.moment.local()
    index = at.month - 1 + months
    year = at.year + years + index // 12
    if not 1 <= year <= 9999 or abs(days) > 10_000_000:
        raise PharosError(Kind.INVALID, "the time is outside of the years 1 to 9999")
    first = from_datetime(at.replace(year=year, month=index % 12 + 1, day=1), time.moment.nanosecond)
    return _moved(Time(first), (at.day - 1 + days) * 86_400 * _SECOND)


def _order(time: Time, other: Time) -> int:
    return (time.moment.ns > other.moment.ns) - (time.moment.ns < other.moment.ns)


Time.methods = {
    "Format": Function(lambda time, layout: format_time(layout, time.moment), (TEXT,)),
    "String": Function(lambda time: format_time(DEFAULT_LAYOUT, time.moment)),
    "UTC": Function(lambda time: Time(Moment(time.moment.ns))),
    "Local": Function(lambda time: Time(Moment(time.moment.ns))),
    "Unix": Function(lambda time: time.moment.ns // _SECOND),
    "UnixMilli": Function(lambda time: time.moment.ns // 1_000_000),
    "UnixMicro": Function(lambda time: time.moment.ns // 1_000),
    "UnixNano": Function(lambda time: time.moment.ns),
    "Year": _of(lambda at: at.year),
    "Month": _of(lambda at: Month(at.month)),
    "Day": _of(lambda at: at.day),
    "Weekday": _of(lambda at: Weekday(at.isoweekday() % 7)),
    "YearDay": _of(lambda at: at.timetuple().tm_yday),
    "Hour": _of(lambda at: at.hour),
    "Minute": _of(lambda at: at.minute),
    "Second": _of(lambda at: at.second),
    "Nanosecond": Function(lambda time: time.moment.nanosecond),
    "IsZero": Function(lambda time: time.moment.ns == ZERO.ns),
    "IsDST": _of(lambda at: bool(at.dst())),
    "Before": Function(lambda time, other: _order(time, other) < 0, (TIME,)),
    "After": Function(lambda time, other: _order(time, other) > 0, (TIME,)),
    "Equal": Function(lambda time, other: _order(time, other) == 0, (TIME,)),
    "Compare": Function(_order, (TIME,)),
    "Sub": Function(lambda time, other: _clamped(time.moment.ns - other.moment.ns), (TIME,)),
    "Add": Function(_moved, (DURATION,)),
    "AddDate": Function(_add_date, (WHOLE, WHOLE, WHOLE)),
    "Truncate": Function(lambda time, step: _of_multiple(time, step, half=False), (DURATION,)),
    "Round": Function(lambda time, step: _of_multiple(time, step, half=True), (DURATION,)),
}
Duration.methods = {
    "String": Function(lambda duration: format_go_duration(int(duration))),
    "Hours": Function(lambda duration: int(duration) / (3600 * _SECOND)),
    "Minutes": Function(lambda duration: int(duration) / (60 * _SECOND)),
    "Seconds": Function(lambda duration: int(duration) / _SECOND),
    "Milliseconds": Function(lambda duration: _cut(int(duration), 1_000_000)),
    "Microseconds": Function(lambda duration: _cut(int(duration), 1_000)),
    "Nanoseconds": Function(int),
    "Abs": Function(lambda duration: _clamped(abs(int(duration)))),
    "Truncate": Function(
        lambda duration, step: Duration(_rounded(int(duration), int(step), half=False)), (DURATION,)
    ),
    "Round": Function(
        lambda duration, step: _clamped(_rounded(int(duration), int(step), half=True)), (DURATION,)
    ),
}
_NAMED_METHODS: Final = {"String": Function(lambda named: named.shown())}
Weekday.methods = _NAMED_METHODS
Month.methods = _NAMED_METHODS


def _cut(ns: int, unit: int) -> int:
    """Return whole units, towards zero as Go divides."""
    return -(-ns // unit) if ns < 0 else ns // unit


def time_of_seconds(seconds: float) -> Time:
    """Return the time in UTC that many seconds after the epoch, cut to its millisecond as Prometheus does.

    Raises PharosError(INVALID) for what is no time that nanoseconds in 64 bits can hold.
    """
    ns = seconds * 1e9
    if not -(2.0**63) <= ns < 2.0**63:
        raise PharosError(
            Kind.INVALID,
            f"{seconds:g} cannot be represented as a nanoseconds timestamp since it overflows int64",
        )
    return Time(Moment(_cut(int(ns), 1_000_000) * 1_000_000, UTC))
