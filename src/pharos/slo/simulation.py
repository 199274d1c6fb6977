"""An objective over traffic that is made up: how its budget goes, and which alerts would tell of it when.

Events are counted as counters tell them: what happened while nobody looked counts at the first look after
it, and a fall is a reset. A slice of time without events is good here, because the traffic is known.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.document import Fields, Value, load_document
from pharos.errors import PharosError
from pharos.gotext.durations import parse_duration
from pharos.slo.budget import BudgetState, Counts, budget_state, burn_rate
from pharos.slo.objective import Budgeting
from pharos.slo.targets import exact_ratio

_MS: Final = 1000
_HOUR_MS: Final = 3_600_000
_WINDOWS: Final = tuple((text, parse_duration(text)) for text in ("5m", "30m", "1h", "2h", "6h", "1d", "3d"))
_MOST_SAMPLES: Final = 2_000_000

Times = NDArray[np.int64]
Values = NDArray[np.float64]


class Piece(Struct, frozen=True):
    """A stretch of even traffic: events and bad events a second."""

    duration_ms: int
    total: float
    bad: float


class BurnRule(Struct, frozen=True):
    """An alert's condition: both windows burn faster than the factor."""

    severity: str
    long_ms: int
    short_ms: int
    factor: float


class Case(Struct, frozen=True):
    """What is simulated."""

    budget: float
    window_ms: int
    budgeting: Budgeting
    slice_ms: int
    slice_target: float
    burn_window_ms: int
    rules: tuple[BurnRule, ...]
    traffic: tuple[Piece, ...]
    step_ms: int
    every_ms: int
    points_ms: tuple[int, ...]
    windows: tuple[tuple[str, int], ...]
    """As they were written, and in milliseconds."""
    resets_ms: tuple[int, ...] = ()
    gaps_ms: tuple[tuple[int, int], ...] = ()


class Point(Struct, frozen=True):
    """How the objective stands at a time."""

    at_ms: int
    state: BudgetState
    burn: tuple[tuple[str, float | None], ...]
    """Burn rates by window."""


class Told(Struct, frozen=True):
    """An alert from when it fires to when it clears; None while it still fires at the end."""

    severity: str
    fires_ms: int
    clears_ms: int | None


class Simulated(Struct, frozen=True):
    """What came of a case."""

    points: tuple[Point, ...]
    alerts: tuple[Told, ...]


class History:
    """What was counted until any time: sums over windows are differences of it."""

    def __init__(self, times_ms: Times, total: Values, bad: Values) -> None:
        self._times_ms = times_ms
        self._total = np.concatenate([[0.0], np.cumsum(total)])
        self._bad = np.concatenate([[0.0], np.cumsum(bad)])

    def sums(self, ends_ms: Times, window_ms: int) -> tuple[Values, Values]:
        """Return all events and bad events of the windows that end at these times, their begins left out."""
        last = np.searchsorted(self._times_ms, ends_ms, side="right")
        first = np.searchsorted(self._times_ms, ends_ms - window_ms, side="right")
        return self._total[last] - self._total[first], self._bad[last] - self._bad[first]

    def counts(self, end_ms: int, window_ms: int) -> Counts:
        """Return the counts of one window."""
        total, bad = self.sums(np.array([end_ms]), window_ms)
        return Counts(float(total[0]), max(float(bad[0]), 0.0))


def simulate(case: Case) -> Simulated:
    """Return how the budget of a case goes, and what its alerts tell."""
    times_ms, total, bad = _counted(case)
    end_ms = sum(piece.duration_ms for piece in case.traffic)
    history = _history(case, times_ms, total, bad)
    points = tuple(_point(case, history, at_ms) for at_ms in case.points_ms)
    return Simulated(points, _alerts(case, history, end_ms))


def _counted(case: Case) -> tuple[Times, Values, Values]:
    """Return what was counted at each look: times, and the events since the look before it."""
    lengths = [piece.duration_ms // case.step_ms for piece in case.traffic]
    rates = np.array([[piece.total, piece.bad] for piece in case.traffic]) * (case.step_ms / _MS)
    steps = np.repeat(rates, lengths, axis=0)
    times_ms = np.arange(1, len(steps) + 1, dtype=np.int64) * case.step_ms
    seen = np.ones(len(times_ms), dtype=bool)
    for first_ms, last_ms in case.gaps_ms:
        seen &= (times_ms < first_ms) | (times_ms >= last_ms)
    # A counter that begins anew between two looks has lost what it counted since the first of them.
    kept = steps.copy()
    for reset_ms in case.resets_ms:
        before = np.searchsorted(times_ms, reset_ms, side="right")
        looks = np.flatnonzero(seen[:before])
        kept[(looks[-1] + 1 if len(looks) else 0) : before] = 0
    sums = np.cumsum(kept, axis=0)[seen]
    found = np.diff(sums, axis=0, prepend=0)
    return times_ms[seen], found[:, 0], found[:, 1]


def _history(case: Case, times_ms: Times, total: Values, bad: Values) -> History:
    if case.budgeting is Budgeting.OCCURRENCES:
        return History(times_ms, total, bad)
    slices = (times_ms - 1) // case.slice_ms
    count = int(slices[-1]) + 1 if len(slices) else 0
    events = np.bincount(slices, weights=total, minlength=count)
    wrong = np.bincount(slices, weights=bad, minlength=count)
    ratio = np.divide(wrong, events, out=np.zeros(count), where=events > 0)
    if case.budgeting is Budgeting.TIMESLICES:
        ratio = (1 - ratio < case.slice_target).astype(float)
    ends_ms = (np.arange(count, dtype=np.int64) + 1) * case.slice_ms
    return History(ends_ms, np.ones(count), ratio)


def _point(case: Case, history: History, at_ms: int) -> Point:
    window, recent = (history.counts(at_ms, ms) for ms in (case.window_ms, case.burn_window_ms))
    burn = tuple((text, burn_rate(history.counts(at_ms, ms), case.budget)) for text, ms in case.windows)
    return Point(at_ms, budget_state(window, recent, case.budget, case.window_ms), burn)


def _alerts(case: Case, history: History, end_ms: int) -> tuple[Told, ...]:
    looks_ms = np.arange(0, end_ms + 1, case.every_ms, dtype=np.int64)
    severities = list(dict.fromkeys(rule.severity for rule in case.rules))
    told: list[Told] = []
    for severity in severities:
        fires = np.zeros(len(looks_ms), dtype=bool)
        for rule in case.rules:
            if rule.severity == severity:
                both = [
                    _is_above(case, history, looks_ms, ms, rule.factor)
                    for ms in (rule.long_ms, rule.short_ms)
                ]
                fires |= both[0] & both[1]
        changes = np.flatnonzero(np.diff(fires.astype(np.int8), prepend=0, append=0))
        for first, last in zip(changes[::2], changes[1::2], strict=True):
            clears_ms = int(looks_ms[last]) if last < len(looks_ms) else None
            told.append(Told(severity, int(looks_ms[first]), clears_ms))
    return tuple(sorted(told, key=lambda one: one.fires_ms))


def _is_above(case: Case, history: History, looks_ms: Times, ms: int, factor: float) -> NDArray[np.bool_]:
    total, bad = history.sums(looks_ms, ms)
    if case.budget <= 0:
        return (total > 0) & (bad > 0)
    # Differences of long sums differ in their last digits from what is exactly at the factor.
    return (total > 0) & (bad > factor * case.budget * total * (1 + 1e-9) + 1e-9)


def read_case(text: str | bytes, name: str) -> Case:
    """Return the case of a text, which errors call `name`.

    Raises FaultsError with everything that is wrong, and PharosError as `load_document` does.
    """
    root = load_document(text, name)
    fields = Fields(root, "a simulation")
    for told in ("name", "about", "expect"):
        fields.take(told)
    case = root.source.attempt(lambda: _case(fields, root), None)
    fields.done()
    root.source.raise_faults()
    assert case is not None  # noqa: S101 - what failed was noted, and raised
    return case


def _case(fields: Fields, root: Value) -> Case:
    slo = fields.take("slo")
    if slo is None:
        raise root.fault("slo must be set: {objective: 99.9, window: 30d}")
    inner = Fields(slo, "slo")
    target = inner.take("objective")
    if target is None:
        raise slo.fault("slo.objective must be set, in percent")
    percent, _ = exact_ratio(target)
    step_s, every_s = fields.read("step_s", Value.whole, 60), fields.read("evaluate_every_s", Value.whole, 60)
    found = Case(
        budget=(100 - percent) / 100,
        window_ms=inner.read("window", _duration, 30 * 24 * _HOUR_MS),
        budgeting=inner.read("budgeting", _budgeting, Budgeting.OCCURRENCES),
        slice_ms=inner.read("timeSliceWindow", _duration, 60_000),
        slice_target=inner.read("timeSliceTarget", Value.number, percent / 100),
        burn_window_ms=inner.read("burnWindow", _duration, _HOUR_MS),
        rules=fields.each("alerts", _rule),
        traffic=fields.each("traffic", _piece),
        step_ms=step_s * _MS,
        every_ms=every_s * _MS,
        points_ms=fields.each("points", _duration),
        windows=fields.each("windows", _window) or _WINDOWS,
        resets_ms=fields.each("resets", _time),
        gaps_ms=fields.each("gaps", _gap),
    )
    inner.done()
    _check(found, root)
    return found


def _check(case: Case, root: Value) -> None:
    if not case.step_ms or not case.every_ms:
        raise root.fault("step_s and evaluate_every_s have to be above 0")
    if not case.traffic:
        raise root.fault("traffic must be set: a list of {for: 1h, total: 100, errors: 1}, events a second")
    looks = sum(piece.duration_ms for piece in case.traffic) // min(case.step_ms, case.every_ms)
    if looks > _MOST_SAMPLES:
        raise root.fault(f"the traffic has {looks} steps, more than {_MOST_SAMPLES}: make step_s larger")


def _duration(value: Value) -> int:
    found = value.duration_ms()
    if not found:
        raise value.fault(f"{value.path}: a duration has to be above 0")
    return found


def _window(value: Value) -> tuple[str, int]:
    return value.text(), _duration(value)


def _time(value: Value) -> int:
    return value.whole() * _MS if value.text().isdecimal() else value.duration_ms()


def _budgeting(value: Value) -> Budgeting:
    try:
        return Budgeting(value.text())
    except ValueError:
        raise value.fault(f"{value.path}: {value.text()!r} is not one of {', '.join(Budgeting)}") from None


def _rule(value: Value) -> BurnRule:
    inner = Fields(value, "an alert")
    found = BurnRule(
        inner.read("severity", Value.text, "page"),
        inner.read("long", _duration, _HOUR_MS),
        inner.read("short", _duration, 300_000),
        inner.read("factor", Value.number, 1.0),
    )
    inner.done()
    return found


def _piece(value: Value) -> Piece:
    inner = Fields(value, "a piece of traffic")
    found = Piece(
        inner.read("for", _time, 0),
        inner.read("total", Value.number, 0.0),
        inner.read("errors", Value.number, 0.0),
    )
    inner.done()
    if found.duration_ms <= 0 or not 0 <= found.bad <= found.total:
        raise _unfit(value)
    return found


def _unfit(value: Value) -> PharosError:
    return value.fault(f"{value.path}: a piece has a duration under `for`, and errors of at most its total")


def _gap(value: Value) -> tuple[int, int]:
    parts = [_time(one) for one in value.items()]
    if len(parts) != 2 or parts[0] >= parts[1]:
        raise value.fault(f"{value.path}: a gap is from one time to a later one: [1h, 2h]")
    return parts[0], parts[1]
