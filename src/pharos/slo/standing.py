"""How objectives stand: budget, burn rate, time to exhaustion and coverage, of what their rules recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.alerting.maintenance import Occurrence
from pharos.alerting.matchers import Matchers
from pharos.gotext.durations import format_duration
from pharos.rules.doors import QueryDoor, QueryRound
from pharos.rules.evaluate import elements
from pharos.slo.budget import BudgetState, Counts, budget_state
from pharos.slo.coverage import BAD, TOTAL, every_ms, selector_of
from pharos.slo.maintained import NOTHING_SPARED, Spared, counted_in, range_of
from pharos.slo.objective import Objective

_BURN_MS: Final = 3_600_000
_LEAST_MS: Final = 60_000
"""Of a window that has just begun."""
_BY: Final = "slo_id"
_ALL_COUNTS: Final[Mapping[str, Spared]] = MappingProxyType({})


class Standing(Struct, frozen=True):
    """How an objective stands."""

    objective: Objective
    state: BudgetState
    coverage: float
    """The part of the window up to now that was measured."""
    is_measured: bool
    """Whether it is measured at this time."""
    start_ms: int
    """When its window begins."""
    spared_ms: int = 0
    """How much of it was maintenance, which counts neither way."""


async def standings(
    door: QueryDoor,
    scope: Scope,
    objectives: Sequence[Objective],
    at_ms: int,
    spared: Mapping[str, Spared] = _ALL_COUNTS,
) -> list[Standing]:
    """Return how objectives stand at a time, those with the least budget left first.

    `spared` are times that do not count, by the objective's id. Objectives without any
    events have their whole budget, and no coverage. Raises PharosError as queries do.
    """
    starts = {one.id: start_of(one, at_ms) for one in objectives}
    lengths = sorted({max(at_ms - start, _LEAST_MS) for start in starts.values()} | {_BURN_MS})
    asked: list[tuple[str, int]] = [(word, ms) for ms in lengths for word in ("bad", "total", "looks")]
    texts = [_expression(word, ms) for word, ms in asked]
    left_out = [
        _LeftOut(one, word, since, span, only)
        for one in objectives
        for since in sorted({at_ms - max(at_ms - starts[one.id], _LEAST_MS), at_ms - _BURN_MS})
        for span, only in spared.get(one.id, NOTHING_SPARED).within(since, at_ms)
        # What is spared a part was looked at all the same.
        for word in (("bad", "total") if only else ("bad", "total", "looks"))
    ]
    texts += [one.expression() for one in left_out]
    prepared = door.prepare([*texts, f"count by ({_BY}) ({TOTAL})"], 0)
    round_ = prepared.round(scope, at_ms)
    answers = await round_.run("slos", lambda: _answers(round_, len(texts) + 1))
    found = {key: dict(one) for key, one in zip(asked, answers, strict=False)}
    spared_ms = dict.fromkeys(starts, 0)
    for one, answer in zip(left_out, answers[len(asked) :], strict=False):
        key, name = (one.word, at_ms - one.since_ms), one.objective.id
        if name in found[key]:
            found[key][name] -= answer.get(name, 0.0)
        if one.word == "looks" and one.since_ms == at_ms - max(at_ms - starts[name], _LEAST_MS):
            spared_ms[name] += one.span.end_ms - one.span.start_ms
    made = [
        _standing(one, found, answers[-1], starts[one.id], at_ms, spared_ms[one.id]) for one in objectives
    ]
    return sorted(made, key=lambda one: (one.state.remaining, one.objective.id))


class _LeftOut(Struct, frozen=True):
    """What an objective counted in a time that does not count."""

    objective: Objective
    word: str
    since_ms: int
    """When what it is taken from begins."""
    span: Occurrence
    only: tuple[Matchers, ...]
    """Of which series; of all without any."""

    def expression(self) -> str:
        at = range_of(self.span)
        if self.word == "looks":
            return f"max by ({_BY}) (count_over_time({TOTAL}{selector_of(self.objective)}{at}))"
        name = BAD if self.word == "bad" else TOTAL
        return f"sum by ({_BY}) ({counted_in(name, self.objective, at, self.only)})"


def _expression(word: str, ms: int) -> str:
    window = format_duration(ms)
    match word:
        case "bad":
            return f"sum by ({_BY}) (sum_over_time({BAD}[{window}]))"
        case "total":
            return f"sum by ({_BY}) (sum_over_time({TOTAL}[{window}]))"
        case _:
            return f"max by ({_BY}) (count_over_time({TOTAL}[{window}]))"


def _answers(asked: QueryRound, count: int) -> list[dict[str, float]]:
    answers = []
    for index in range(count):
        found = elements(asked.answer(index))
        answers.append({dict(one.labels).get(_BY, ""): one.value for one in found})
    return answers


def _standing(
    one: Objective,
    found: Mapping[tuple[str, int], Mapping[str, float]],
    now: Mapping[str, float],
    start_ms: int,
    at_ms: int,
    spared_ms: int,
) -> Standing:
    ms = max(at_ms - start_ms, _LEAST_MS)
    window, recent = (_counts(found, one.id, length) for length in (ms, _BURN_MS))
    looks = found[("looks", ms)].get(one.id, 0.0)
    state = budget_state(window, recent, one.budget, one.period_ms)
    counted_ms = ms - spared_ms
    coverage = min(max(looks, 0.0) * every_ms(one) / counted_ms, 1.0) if counted_ms > 0 else 0.0
    return Standing(one, state, coverage, one.id in now, start_ms, spared_ms)


def _counts(found: Mapping[tuple[str, int], Mapping[str, float]], name: str, ms: int) -> Counts:
    counted = [max(found[word, ms].get(name, 0.0), 0.0) for word in ("total", "bad")]
    return Counts(*counted)


def start_of(one: Objective, at_ms: int) -> int:
    """Return when the window begins that a time is in: as long ago as it is, or where the calendar says.

    Windows of months begin at the day of the month that the calendar names, or the last of a shorter month;
    all others are counted on from its start.
    """
    if one.calendar is None:
        return at_ms - one.period_ms
    anchor, months = one.calendar.start, one.calendar.months
    now = datetime.fromtimestamp(at_ms / 1000, anchor.tzinfo)
    if months:
        passed = (now.year - anchor.year) * 12 + now.month - anchor.month
        start = _months_on(anchor, passed // months * months)
        if start > now:
            start = _months_on(anchor, (passed // months - 1) * months)
    else:
        length = timedelta(milliseconds=one.period_ms)
        start = anchor + (now - anchor) // length * length
    return int(start.timestamp() * 1000)


def _months_on(anchor: datetime, months: int) -> datetime:
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    following = datetime(year + (month + 1) // 12, (month + 1) % 12 + 1, 1, tzinfo=UTC)
    last = (following - timedelta(days=1)).day
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, last))


class Gate(Struct, frozen=True):
    """What a budget has to have left for a change to go out."""

    least_remaining: float = 0.0
    least_coverage: float = 0.0
    most_burn_rate: float | None = None


def why_closed(standing: Standing, gate: Gate) -> list[str]:
    """Return every reason why a change should wait; none for a gate that is open.

    What is not measured is not known to be good: the gate is closed then.
    """
    state = standing.state
    reasons = []
    if not standing.is_measured:
        reasons.append("nothing is measured now, so nobody can see what a change does")
    if state.remaining <= gate.least_remaining:
        reasons.append(f"{state.remaining:.1%} of the budget is left, at most {gate.least_remaining:.1%}")
    if standing.coverage < gate.least_coverage:
        reasons.append(f"{standing.coverage:.1%} of the window was measured, below {gate.least_coverage:.1%}")
    rate = state.burn_rate
    if gate.most_burn_rate is not None and rate is not None and rate > gate.most_burn_rate:
        reasons.append(f"the budget burns at {rate:.3g}, above {gate.most_burn_rate:.3g}")
    return reasons


def with_id(objectives: Iterable[Objective], name: str) -> list[Objective]:
    """Return the objective of an id, else those of a name."""
    known = list(objectives)
    return [one for one in known if one.id == name] or [one for one in known if one.name == name]
