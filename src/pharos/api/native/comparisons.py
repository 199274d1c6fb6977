"""`/api/v1/comparisons`: two groups compared at once, by metrics, spans, patterns of lines and runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.api.alerting.answers import read_ms
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.versions.comparison import Compared, Difference, Saving, compare
from pharos.versions.measures import Group, Measure
from pharos.versions.readings import Readings

_UNITS: Final = {"metric": "values", "pattern": "lines", "duration": "runs", "failures": "runs"}
"""What more is needed of, by what differs."""
_HOUR_MS: Final = 3_600_000
_LONGEST_MS: Final = 31 * 86_400_000
_MOST_BYTES: Final = 256 << 10


class ComparedGroupBody(Body):
    """One of two groups."""

    name: str = Field(default="", max_length=200)
    """What stands for `{{.group}}` in queries: a version."""
    start: str = Field(default="", max_length=40)
    """RFC 3339 or seconds; an hour before the end without it."""
    end: str = Field(default="", max_length=40)
    """RFC 3339 or seconds; now without it."""


class ComparisonBody(Body):
    """Two groups, and what they are compared by."""

    baseline: ComparedGroupBody
    canary: ComparedGroupBody
    measures: tuple[Measure, ...] = Field(min_length=1, max_length=50)


class ComparedDifferenceShape(Shape):
    """How one thing differs. Effects are ratios: 1.1 is a tenth more."""

    measure: str
    kind: str
    """`latency` and `errors` of spans, `duration` and `failures` of runs, `metric` or `pattern`."""
    labels: dict[str, str]
    better: str
    baseline: float | None
    canary: float | None
    effect: float | None
    low: float | None
    """What the effect lies between, with 95 %."""
    high: float | None
    change_percent: float | None
    delta: float | None
    """Cliff's delta, of metrics."""
    p_value: float | None
    verdict: str
    severity: str
    is_different: bool
    needs: str
    """How much more must be seen to tell; empty where it is told."""


class ComparedSavingShape(Shape):
    """What the second group takes less than the first."""

    measure: str
    saves: str
    per_second: float
    total: float
    percent: float | None
    cost: float | None


class ComparedGroupShape(Shape):
    """A group, as it was looked at."""

    name: str
    start: str
    end: str


class ComparisonShape(Shape):
    """What differs."""

    baseline: ComparedGroupShape
    canary: ComparedGroupShape
    verdict: str
    """`fail` where anything is worse, `pass` where nothing is, `undecided` where that cannot be told."""
    score: float | None
    """The part of what could be judged that did not fail, from 0 to 100."""
    severity: str
    differences: list[ComparedDifferenceShape]
    """The worst first."""
    savings: list[ComparedSavingShape]
    notes: list[str]


class ComparisonsApi(Struct, frozen=True):
    """Compares two groups."""

    native: Native
    readings: Readings
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        yield self.native.operation(
            "POST /api/v1/comparisons",
            "metrics.view",
            self.compare_groups,
            ComparisonShape,
            ComparisonBody,
            _MOST_BYTES,
        )

    async def compare_groups(self, request: Request, body: ComparisonBody) -> dict[str, Any]:
        """Return what differs between two groups, the worst first."""
        scope = scope_of(request).alone()
        for measure in body.measures:
            scope.check(measure.permission)
        baseline, canary = self._group(body.baseline, "baseline"), self._group(body.canary, "canary")
        found = await compare(self.readings, scope, baseline, canary, body.measures)
        return {"baseline": _group(baseline), "canary": _group(canary), **_compared(found)}

    def _group(self, body: ComparedGroupBody, name: str) -> Group:
        end_ms = read_ms(body.end, f"{name}.end") if body.end else self.clock.now_ms()
        start_ms = read_ms(body.start, f"{name}.start") if body.start else max(end_ms - _HOUR_MS, 0)
        if not 0 < end_ms - start_ms <= _LONGEST_MS:
            raise PharosError(Kind.INVALID, f"{name}: the end must be after the start, by 31 days at most")
        return Group(body.name, start_ms, end_ms)


def _group(group: Group) -> dict[str, str]:
    return {
        "name": group.name,
        "start": format_time_ms(group.start_ms),
        "end": format_time_ms(group.end_ms),
    }


def _compared(found: Compared) -> dict[str, Any]:
    return {
        "verdict": found.outcome.value,
        "score": found.score,
        "severity": found.severity.value,
        "differences": [_difference(one) for one in found.differences],
        "savings": [_saving(one) for one in found.savings],
        "notes": list(found.notes),
    }


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "measure": one.measure,
        "kind": one.kind,
        "labels": dict(one.labels),
        "better": one.better.value,
        "baseline": _finite(one.baseline),
        "canary": _finite(one.canary),
        "effect": _finite(one.effect),
        "low": _finite(one.low),
        "high": _finite(one.high),
        "change_percent": _finite(one.change_percent),
        "delta": one.delta,
        "p_value": one.p_value,
        "verdict": one.outcome.value,
        "severity": one.severity.value,
        "is_different": one.is_different,
        "needs": _needs(one),
    }


def _needs(one: Difference) -> str:
    if one.needs is None:
        return ""
    of = _UNITS.get(one.kind, "requests")
    about = "" if one.needs_s is None else f", about {one.needs_s:.0f} s"
    return f"{one.needs} more {of}{about}"


def _saving(one: Saving) -> dict[str, Any]:
    return {
        "measure": one.measure,
        "saves": one.saves,
        "per_second": one.per_second,
        "total": one.total,
        "percent": one.percent,
        "cost": one.cost,
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
