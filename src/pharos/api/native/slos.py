"""`/api/slos`: how objectives stand, and whether their budgets let a change go out."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request

from pharos.access import DEFAULT, Scope
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native, Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.rules.doors import QueryDoor
from pharos.slo.objective import Objective
from pharos.slo.standing import Gate, Objectives, Standing, standings, why_closed, with_id

_ONE: Final = "/api/slos/{name}"
_MINUTE_MS: Final = 60_000
_GATE_INPUTS: Final = tuple(
    {"name": name, "in": "query", "schema": {"type": "number"}, "description": told}
    for name, told in (
        ("min_remaining", "How much of the budget has to be left, as a ratio; any, if it is left out."),
        ("min_coverage", "How much of the window has to be measured, as a ratio."),
        ("max_burn_rate", "How fast the budget may burn over the last hour."),
    )
)


class SloShape(Shape):
    """An objective, and how it stands."""

    id: str
    name: str
    service: str
    description: str
    language: str
    """`openslo`, `sloth` or `pyrra`."""
    target_percent: float
    window: str
    window_start: str
    is_rolling: bool
    budgeting: str
    error_budget: float
    """The ratio of events that may be bad."""
    error_rate: float | None
    budget_remaining: float | None
    """1 is whole, 0 spent, below 0 overdrawn; null where nothing may be bad and something was."""
    burn_rate: float | None
    """Over the last hour; 1 spends the budget in just the window. Null where nothing happened."""
    exhausted_in_minutes: float | None
    """If it goes on like this; null for never, or not known."""
    is_met: bool | None
    coverage: float
    """The part of the window that was measured."""
    is_measured: bool
    file: str


class GateShape(Shape):
    """Whether a change may go out."""

    allowed: bool
    reasons: list[str]
    """Why not."""
    slo: SloShape


@dataclass(frozen=True, slots=True)
class SlosApi:
    """Answers how objectives stand."""

    native: Native
    objectives: Objectives
    door: QueryDoor
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, view = self.native.operation, "metrics.view"
        yield make("GET /api/slos", view, self.slos, list[SloShape])
        yield make(f"GET {_ONE}", view, self.slo, SloShape)
        gate = make(f"GET {_ONE}/gate", view, self.slo_gate, GateShape)
        asked = [*gate.inputs["parameters"], *_GATE_INPUTS]
        yield replace(gate, inputs={"parameters": asked})

    async def slos(self, request: Request) -> list[dict[str, object]]:
        """Return all objectives of the tenant, those with the least budget left first."""
        scope = scope_of(request).alone()
        found = await self._standings(scope, self._known(scope))
        return [_shape(one).model_dump() for one in found]

    async def slo(self, request: Request) -> SloShape:
        """Return one objective, by its id or its name."""
        return _shape(await self._one(request))

    async def slo_gate(self, request: Request) -> GateShape:
        """Return whether a change may go out: budget is left (`min_remaining`, a ratio), the budget does not
        burn (`max_burn_rate`), and it is measured (`min_coverage`, a ratio)."""
        gate = Gate(
            _number(request, "min_remaining") or 0.0,
            _number(request, "min_coverage") or 0.0,
            _number(request, "max_burn_rate"),
        )
        found = await self._one(request)
        reasons = why_closed(found, gate)
        return GateShape(allowed=not reasons, reasons=reasons, slo=_shape(found))

    def _known(self, scope: Scope) -> tuple[Objective, ...]:
        # Files are of the tenant that everybody has, as rules of files are.
        return self.objectives.current if scope.tenant == DEFAULT.tenant else ()

    async def _one(self, request: Request) -> Standing:
        scope, name = scope_of(request).alone(), request.path_params["name"]
        known = with_id(self._known(scope), name)
        if not known:
            raise PharosError(Kind.MISSING, f"there is no objective {name!r}", hint="GET /api/slos has all")
        if len(known) > 1:
            ids = ", ".join(one.id for one in known)
            raise PharosError(
                Kind.INVALID, f"{len(known)} objectives are called {name!r}: {ids}", hint="ask by id"
            )
        (found,) = await self._standings(scope, known)
        return found

    async def _standings(self, scope: Scope, known: Sequence[Objective]) -> list[Standing]:
        return await standings(self.door, scope, known, self.clock.now_ms()) if known else []


def _number(request: Request, name: str) -> float | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise PharosError(Kind.INVALID, f"{name} must be a number, got {text[:40]!r}")
    return number


def _shape(found: Standing) -> SloShape:
    one, state = found.objective, found.state
    lasts = state.exhausted_in_ms
    return SloShape(
        id=one.id,
        name=one.name,
        service=one.service,
        description=one.description,
        language=one.language.value,
        target_percent=one.target_percent,
        window=format_duration(one.period_ms),
        window_start=rfc3339(found.start_ms),
        is_rolling=one.calendar is None,
        budgeting=one.budgeting.value,
        error_budget=one.budget,
        error_rate=state.counts.error_rate,
        budget_remaining=_finite(state.remaining),
        burn_rate=_finite(state.burn_rate),
        exhausted_in_minutes=None if lasts is None else lasts / _MINUTE_MS,
        is_met=state.is_met,
        coverage=found.coverage,
        is_measured=found.is_measured,
        file=one.file,
    )


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
