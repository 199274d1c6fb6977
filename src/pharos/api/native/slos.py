"""`/api/slos`: objectives, how they stand, and whether their budgets let a change go out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field
from starlette.requests import Request

from pharos.alerting.maintenance import Window, read_window
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native
from pharos.api.native.slo_shapes import (
    GateShape,
    SloPreviewShape,
    SloReportShape,
    SloShape,
    SloVersionShape,
    slo_report,
    slo_shape,
    slo_version,
)
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.query.metrics.evaluation import Metrics
from pharos.rules.doors import MetricsDoor
from pharos.rules.engine import RuleAlert, RuleEngine
from pharos.rules.spec import RuleGroup
from pharos.slo.definition import read_definition
from pharos.slo.history import budget_history, burn_rates, pairs_of
from pharos.slo.kept import Known, Objectives, kept_objectives, require_free
from pharos.slo.maintained import NOTHING_SPARED, Spared, spared_times
from pharos.slo.standing import Gate, Standing, standings, start_of, why_closed, with_id
from pharos.slo.written import Form, written_rules
from pharos.state import State, Unit, Writing
from pharos.state.documents import (
    Defined,
    Version,
    drop_document,
    list_documents,
    put_document,
    versions_of,
)
from pharos.state.tenants import require_living

_ALL: Final = "/api/slos"
_ONE: Final = f"{_ALL}/{{name}}"
_GATE_INPUTS: Final = tuple(
    {"name": name, "in": "query", "schema": {"type": "number"}, "description": told}
    for name, told in (
        ("min_remaining", "How much of the budget has to be left, as a ratio; any, if it is left out."),
        ("min_coverage", "How much of the window has to be measured, as a ratio."),
        ("max_burn_rate", "How fast the budget may burn over the last hour."),
    )
)
_OUR_IDS: Final = ("slo_id", "sloth_id")


class SloBody(Body):
    """An objective as a form has it."""

    definition: dict[str, Any]
    """`service`, `target` in percent, `indicator`, and what docs/slo.md says besides."""
    version: int | None = Field(default=None, ge=0)
    """The version that is to be changed (0: there is none); another one is refused."""
    reason: str = Field(default="", max_length=1000)


class SlosApi(Struct, frozen=True):
    """Answers how objectives stand, and takes those that people define."""

    native: Native
    objectives: Objectives
    metrics: Metrics
    engine: RuleEngine
    state: State
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, view, change = self.native.operation, "metrics.view", "alerts.configure"
        yield make(f"GET {_ALL}", view, self.slos, list[SloShape])
        yield make(f"POST {_ALL}/preview", view, self.preview_slo, SloPreviewShape, SloBody)
        yield make(f"GET {_ONE}", view, self.slo, SloShape)
        yield make(f"PUT {_ONE}", change, self.put_slo, SloVersionShape, SloBody)
        yield make(f"DELETE {_ONE}", change, self.drop_slo, SloVersionShape)
        yield make(f"GET {_ONE}/versions", view, self.slo_versions, list[SloVersionShape])
        yield make(f"GET {_ONE}/report", view, self.slo_report, SloReportShape)
        gate = make(f"GET {_ONE}/gate", view, self.slo_gate, GateShape)
        asked = [*gate.inputs["parameters"], *_GATE_INPUTS]
        yield replace(gate, inputs={"parameters": asked})

    # -- how they stand --

    async def slos(self, request: Request) -> list[dict[str, object]]:
        """Return all objectives of the tenant, those with the least budget left first."""
        known, windows = await self._known(request)
        found = await self._standings(request, known, windows)
        by_id = {one.objective.id: one for one in known}
        return [slo_shape(one, by_id[one.objective.id]).model_dump() for one in found]

    async def slo(self, request: Request) -> SloShape:
        """Return one objective, by its id or its name."""
        known, standing, _ = await self._one(request)
        return slo_shape(standing, known)

    async def slo_gate(self, request: Request) -> GateShape:
        """Return whether a change may go out: budget is left (`min_remaining`, a ratio), the budget does not
        burn (`max_burn_rate`), and it is measured (`min_coverage`, a ratio)."""
        gate = Gate(
            _number(request, "min_remaining") or 0.0,
            _number(request, "min_coverage") or 0.0,
            _number(request, "max_burn_rate"),
        )
        known, standing, _ = await self._one(request)
        reasons = why_closed(standing, gate)
        return GateShape(allowed=not reasons, reasons=reasons, slo=slo_shape(standing, known))

    async def slo_report(self, request: Request) -> SloReportShape:
        """Return an objective over its window: how its budget went and what spent it, how fast it burns over
        each of its windows, its alerts, the rules that are made of it, and what its gate says."""
        known, standing, spared = await self._one(request)
        scope, one, at_ms = scope_of(request).alone(), known.objective, self.clock.now_ms()
        history = await budget_history(self.metrics, scope, one, standing.start_ms, at_ms, spared)
        pairs = pairs_of(one, known.definition.design, self.objectives.windows)
        rates = await burn_rates(
            MetricsDoor(self.metrics), scope, one, pairs, standing.start_ms, at_ms, spared
        )
        groups = self._groups(scope.tenant, known)
        return slo_report(
            slo=slo_shape(standing, known),
            history=history,
            rates=rates,
            spared=spared,
            alerts=self._alerts(scope.tenant, known, groups),
            rules=written_rules(groups, Form.PROMETHEUS),
            reasons=why_closed(standing, Gate()),
        )

    # -- what people define --

    async def preview_slo(self, request: Request, body: SloBody) -> SloPreviewShape:
        """Return the rules that an objective would make; nothing is kept."""
        name = str(body.definition.get("name", "objective"))
        plain = {key: value for key, value in _kept(body.definition).items() if key != "name"}
        known = Known(await asyncio.to_thread(read_definition, plain, name))
        scope_of(request).alone()
        groups = await asyncio.to_thread(known.groups)
        return SloPreviewShape(
            id=known.objective.id,
            rules=written_rules(groups, Form.PROMETHEUS),
            count=sum(len(one.rules) for one in groups),
        )

    async def put_slo(self, request: Request, body: SloBody) -> SloVersionShape:
        """Define an objective, or change it; those of files are changed there."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        plain = _kept(body.definition)
        definition = await asyncio.to_thread(read_definition, plain, name)
        of_files = self.objectives.of_files(scope.tenant)

        def put(unit: Writing) -> Version:
            require_living(unit, scope.tenant)
            kept = kept_objectives(unit, scope.tenant).get(scope.tenant, ())
            require_free([*of_files, *kept], definition)
            return put_document(unit, scope.tenant, Defined.SLO, name, plain, expected=body.version)

        return slo_version(await self.state.write(put, author_of(scope.who, body.reason)))

    async def drop_slo(self, request: Request) -> SloVersionShape:
        """Take an objective away that is kept here; what was recorded of it stays."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        gone = await self.state.write(
            lambda unit: drop_document(unit, scope.tenant, Defined.SLO, name), author_of(scope.who)
        )
        return slo_version(gone)

    async def slo_versions(self, request: Request) -> list[dict[str, Any]]:
        """Return all that an objective was, the newest first."""
        scope, name = scope_of(request).alone(), request.path_params["name"]
        found = await self.state.read(lambda unit: versions_of(unit, scope.tenant, Defined.SLO, name))
        return [slo_version(one).model_dump() for one in found]

    # -- which there are --

    async def _known(self, request: Request) -> tuple[list[Known], dict[str, Window]]:
        tenant = scope_of(request).alone().tenant

        def read(unit: Unit) -> tuple[tuple[Known, ...], tuple[Version, ...]]:
            kept = kept_objectives(unit, tenant).get(tenant, ())
            return kept, list_documents(unit, Defined.MAINTENANCE, tenant)

        kept, windows = await self.state.read(read)
        opened = await asyncio.to_thread(_windows, windows)
        return [*self.objectives.of_files(tenant), *kept], opened

    async def _one(self, request: Request) -> tuple[Known, Standing, Spared]:
        name = request.path_params["name"]
        everything, windows = await self._known(request)
        wanted = {one.id for one in with_id([one.objective for one in everything], name)}
        known = [one for one in everything if one.objective.id in wanted]
        if not known:
            raise PharosError(Kind.MISSING, f"there is no objective {name!r}", hint="GET /api/slos has all")
        if len(known) > 1:
            ids = ", ".join(one.objective.id for one in known)
            raise PharosError(
                Kind.INVALID, f"{len(known)} objectives are called {name!r}: {ids}", hint="ask by id"
            )
        (standing,) = await self._standings(request, known, windows)
        spared = await asyncio.to_thread(self._spared, known, windows)
        return known[0], standing, spared.get(known[0].objective.id, NOTHING_SPARED)

    async def _standings(
        self, request: Request, known: Sequence[Known], windows: Mapping[str, Window]
    ) -> list[Standing]:
        if not known:
            return []
        spared = await asyncio.to_thread(self._spared, known, windows)
        objectives = [one.objective for one in known]
        scope, door = scope_of(request).alone(), MetricsDoor(self.metrics)
        return await standings(door, scope, objectives, self.clock.now_ms(), spared)

    def _spared(self, known: Sequence[Known], windows: Mapping[str, Window]) -> dict[str, Spared]:
        now_ms = self.clock.now_ms()
        counted = [one.objective for one in known if not one.definition.counts_maintenance]
        if not windows:
            return {}
        return {one.id: spared_times(one, windows, start_of(one, now_ms), now_ms) for one in counted}

    def _groups(self, tenant: str, known: Known) -> list[RuleGroup]:
        """Return the groups of an objective's rules as they run, or as they will."""
        made = known.groups()
        running = {(one.group.file, one.group.name): one.group for one in self.engine.groups(tenant)}
        return [running.get((one.file, one.name), one) for one in made]

    def _alerts(self, tenant: str, known: Known, groups: Sequence[RuleGroup]) -> list[RuleAlert]:
        places = {(one.file, one.name) for one in groups}
        own = known.objective.id
        return [
            one
            for one in self.engine.alerts(tenant)
            if (one.rule_file, one.rule_group) in places
            or any(dict(one.labels).get(label) == own for label in _OUR_IDS)
        ]


def _windows(found: Sequence[Version]) -> dict[str, Window]:
    return {one.name: read_window(one.document or {}, one.name) for one in found}


def _kept(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition as it is kept: numbers as they are written, for halves cannot be kept."""
    return {key: _text(value) for key, value in found.items()}


def _text(value: Any) -> Any:
    if isinstance(value, dict):
        return _kept(value)
    if isinstance(value, list):
        return [_text(one) for one in value]
    return repr(value) if isinstance(value, float) else value


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
