"""Functions of instant vectors and scalars over floats: numbers in, numbers out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.promql.annotations import Annotations
from pharos.promql.grids.grid import Grid, Scalar, Value, drop_absent, lose_names
from pharos.promql.grids.room import Memory
from pharos.promql.kernels.samples import Bools, Floats, Ints
from pharos.promql.language.ast import Call


class Context(Struct, frozen=True):
    """What a function may ask besides its arguments: its node, the times of the steps, where words go."""

    node: Call
    times_ms: Ints
    delayed: bool
    notes: Annotations
    memory: Memory = field(default_factory=Memory)


Implementation = Callable[[Context, Sequence[Value]], Value]


def grid_of(value: Value) -> Grid:
    """Return an argument that must be an instant vector."""
    if not isinstance(value, Grid):
        raise PharosError(Kind.BUG, "a function of vectors was given something else; check should refuse it")
    return value


def numbers_of(value: Value) -> Floats:
    """Return an argument that must be a scalar, by step."""
    if not isinstance(value, Scalar):
        raise PharosError(Kind.BUG, "a function of scalars was given something else; check should refuse it")
    return value.values


def map_floats(context: Context, grid: Grid, change: Callable[[Floats], Floats]) -> Grid:
    """Return `grid` with its floats changed, histograms left out and names lost."""
    with np.errstate(all="ignore"):
        values = change(grid.values)
    changed = Grid(grid.labels, np.asarray(values, np.float64), grid.floats(), None, grid.dropped)
    return drop_absent(lose_names(changed, delayed=context.delayed))


def go_min(left: Floats, right: Floats) -> Floats:
    """Return the smaller numbers as Go's math.Min has them: -Inf beats NaN, NaN beats the rest."""
    low = np.minimum(left, right)
    return np.where((left == -np.inf) | (right == -np.inf), -np.inf, low)


def go_max(left: Floats, right: Floats) -> Floats:
    """Return the larger numbers as Go's math.Max has them: +Inf beats NaN, NaN beats the rest."""
    high = np.maximum(left, right)
    return np.where((left == np.inf) | (right == np.inf), np.inf, high)


def _mapped(change: Callable[[Any], Any]) -> Implementation:
    def call(context: Context, args: Sequence[Value]) -> Value:
        return map_floats(context, grid_of(args[0]), change)

    return call


def _sgn(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def _clamp(context: Context, grid: Grid, low: Floats, high: Floats) -> Grid:
    shape = grid.values.shape
    floor, ceiling = np.broadcast_to(low, shape), np.broadcast_to(high, shape)
    clamped = map_floats(context, grid, lambda values: go_max(floor, go_min(ceiling, values)))
    empty = high < low
    if empty.any():
        clamped = drop_absent(
            Grid(clamped.labels, clamped.values, clamped.present & ~empty, None, clamped.dropped)
        )
    return clamped


def _clamp_both(context: Context, args: Sequence[Value]) -> Value:
    grid = grid_of(args[0])
    low, high = numbers_of(args[1]), numbers_of(args[2])
    live = ~(high < low)
    kept = Grid(grid.labels, grid.values, grid.present & live, grid.cells, grid.dropped)
    return _clamp(context, drop_absent(kept), low, high)


def _clamp_max(context: Context, args: Sequence[Value]) -> Value:
    high = numbers_of(args[1])
    return _clamp(context, grid_of(args[0]), np.full(high.shape, -np.inf), high)


def _clamp_min(context: Context, args: Sequence[Value]) -> Value:
    low = numbers_of(args[1])
    return _clamp(context, grid_of(args[0]), low, np.full(low.shape, np.inf))


def _round(context: Context, args: Sequence[Value]) -> Value:
    grid = grid_of(args[0])
    nearest = numbers_of(args[1]) if len(args) > 1 else np.ones(grid.steps)
    with np.errstate(all="ignore"):
        inverse = np.broadcast_to(1.0 / nearest, grid.values.shape)
    return map_floats(context, grid, lambda values: np.floor(values * inverse + 0.5) / inverse)


def _time(context: Context, args: Sequence[Value]) -> Value:
    del args
    return Scalar(context.times_ms.astype(np.float64) / 1000.0)


def _pi(context: Context, args: Sequence[Value]) -> Value:
    del args
    return Scalar(np.full(context.times_ms.size, np.pi))


def _vector(context: Context, args: Sequence[Value]) -> Value:
    del context
    numbers = numbers_of(args[0])
    return Grid([()], numbers.reshape(1, -1).copy(), np.ones((1, numbers.size), np.bool_))


def _scalar(context: Context, args: Sequence[Value]) -> Value:
    del context
    grid = grid_of(args[0])
    floats = grid.floats()
    if not grid.labels:
        return Scalar(np.full(grid.steps, np.nan))
    row = floats.argmax(axis=0)
    values = grid.values[row, np.arange(grid.steps)]
    return Scalar(np.where(floats.sum(axis=0) == 1, values, np.nan))


def _extreme_of(change: Callable[[Floats, Floats], Floats]) -> Implementation:
    def call(context: Context, args: Sequence[Value]) -> Value:
        del context
        return Scalar(change(numbers_of(args[0]), numbers_of(args[1])))

    return call


def _timestamp(context: Context, args: Sequence[Value]) -> Value:
    grid = grid_of(args[0])
    seconds = context.times_ms.astype(np.float64) / 1000.0
    values = np.broadcast_to(seconds, grid.values.shape).copy()
    stamped = Grid(grid.labels, values, grid.present, None, grid.dropped)
    return drop_absent(lose_names(stamped, delayed=context.delayed))


# ---- dates, in UTC


class Dates(Struct, frozen=True):
    """Calendar fields of times in seconds since the epoch; `weekday` is 0 on Sundays."""

    seconds: Ints
    weekday: Ints
    year: Ints
    month: Ints
    day: Ints


_ABSOLUTE_SECONDS: Final = 9_223_372_028_715_321_600
"""From the first day of Go's calendar, in the year -292277022399, to the epoch (package time)."""
_ABSOLUTE_YEAR: Final = -292_277_022_399
_CYCLE_DAYS: Final = 146_097
_CYCLE_EPOCH_DAYS: Final = 11_323
"""2001-01-01, which stands in the cycle of 400 years where Go's calendar begins."""


def dates_of(values: Floats) -> Dates:
    """Return the calendar fields of times in seconds, cut to whole ones towards zero.

    What lies outside of Go's calendar wraps around as it does there.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        whole = values.astype(np.int64).astype(np.uint64) + np.uint64(_ABSOLUTE_SECONDS)
    absolute_days = whole // np.uint64(86_400)
    seconds = (whole % np.uint64(86_400)).astype(np.int64)
    weekday = ((absolute_days + np.uint64(1)) % np.uint64(7)).astype(np.int64)
    cycles = (absolute_days // np.uint64(_CYCLE_DAYS)).astype(np.int64)
    days = (absolute_days % np.uint64(_CYCLE_DAYS)).astype(np.int64) + _CYCLE_EPOCH_DAYS
    # Days since 0000-03-01 in eras of 400 years: a year that ends with February has its leap day last.
    shifted = days + 719_468
    era = shifted // _CYCLE_DAYS
    of_era = shifted - era * _CYCLE_DAYS
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    march_month = (5 * of_year + 2) // 153
    month = np.where(march_month < 10, march_month + 3, march_month - 9)
    year = year_of_era + era * 400 + (month <= 2) - 2001 + _ABSOLUTE_YEAR + 400 * cycles
    return Dates(seconds, weekday, year, month, of_year - (153 * march_month + 2) // 5 + 1)


def is_leap(year: Ints) -> Bools:
    """Return which years are leap years."""
    return np.asarray((year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0)), np.bool_)


_MONTH_DAYS: Final = np.asarray([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_DAYS_BEFORE: Final = np.concatenate([[0], np.cumsum(_MONTH_DAYS)[:-1]])

_DATE_FIELDS: Final[dict[str, Callable[[Dates], Any]]] = {
    "day_of_month": lambda date: date.day,
    "day_of_week": lambda date: date.weekday,
    "day_of_year": lambda date: (
        _DAYS_BEFORE[date.month - 1] + date.day + ((date.month > 2) & is_leap(date.year))
    ),
    "days_in_month": lambda date: _MONTH_DAYS[date.month - 1] + ((date.month == 2) & is_leap(date.year)),
    "hour": lambda date: date.seconds // 3600,
    "minute": lambda date: date.seconds // 60 % 60,
    "month": lambda date: date.month,
    "year": lambda date: date.year,
}


def _date(name: str) -> Implementation:
    field_of = _DATE_FIELDS[name]

    def call(context: Context, args: Sequence[Value]) -> Value:
        if not args:
            now = (context.times_ms // 1000).astype(np.float64)
            values = np.asarray(field_of(dates_of(now)), np.float64).reshape(1, -1)
            return Grid([()], values, np.ones(values.shape, np.bool_))
        return map_floats(
            context, grid_of(args[0]), lambda values: np.asarray(field_of(dates_of(values)), np.float64)
        )

    return call


FUNCTIONS: Final[dict[str, Implementation]] = {
    "abs": _mapped(np.abs),
    "acos": _mapped(np.arccos),
    "acosh": _mapped(np.arccosh),
    "asin": _mapped(np.arcsin),
    "asinh": _mapped(np.arcsinh),
    "atan": _mapped(np.arctan),
    "atanh": _mapped(np.arctanh),
    "ceil": _mapped(np.ceil),
    "clamp": _clamp_both,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "cos": _mapped(np.cos),
    "cosh": _mapped(np.cosh),
    "deg": _mapped(lambda values: values * 180 / np.pi),
    "exp": _mapped(np.exp),
    "floor": _mapped(np.floor),
    "ln": _mapped(np.log),
    "log10": _mapped(np.log10),
    "log2": _mapped(np.log2),
    "max_of": _extreme_of(go_max),
    "min_of": _extreme_of(go_min),
    "pi": _pi,
    "rad": _mapped(lambda values: values * np.pi / 180),
    "round": _round,
    "scalar": _scalar,
    "sgn": _mapped(_sgn),
    "sin": _mapped(np.sin),
    "sinh": _mapped(np.sinh),
    "sqrt": _mapped(np.sqrt),
    "tan": _mapped(np.tan),
    "tanh": _mapped(np.tanh),
    "time": _time,
    "timestamp": _timestamp,
    "vector": _vector,
    **{name: _date(name) for name in _DATE_FIELDS},
}
