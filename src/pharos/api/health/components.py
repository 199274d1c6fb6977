"""`/api/v1/health/components`: the parts of a system, and how each is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request

from pharos.access import DEFAULT
from pharos.api.health.checks import CHANGE, ROOT, VIEW
from pharos.api.health.shapes import ComponentBody, ComponentShape, component_shape
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.health.check import read_component
from pharos.health.components import SYSTEM, ComponentHealth
from pharos.health.days import Day, cells, together
from pharos.health.roster import Roster
from pharos.identity.sign_in import author_of
from pharos.state import Writing
from pharos.state.documents import Defined, drop_document, put_document
from pharos.state.tenants import require_living

_ONE: Final = f"{ROOT}/components/{{component}}"


class ComponentsApi(Struct, frozen=True):
    """Components of a tenant."""

    native: Native
    roster: Roster
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"GET {ROOT}/components", VIEW, self.health_components, list[ComponentShape])
        yield make(f"PUT {_ONE}", CHANGE, self.put_health_component, ComponentShape, ComponentBody)
        yield make(f"DELETE {_ONE}", CHANGE, self.drop_health_component, dict[str, str])

    async def health_components(self, request: Request) -> list[dict[str, Any]]:
        """Return all components, those too that checks name alone."""
        tenant = scope_of(request).alone().tenant
        found = self.roster.monitor.components(tenant)
        return [self._shown(tenant, one, found).model_dump() for name, one in found.items() if name != SYSTEM]

    async def put_health_component(self, request: Request, body: ComponentBody) -> ComponentShape:
        """Declare a component, or change it; one of a file is changed there."""
        scope, name = scope_of(request).alone(), request.path_params["component"]
        self._require_kept(scope.tenant, name)
        document = {"name": name, **body.model_dump(exclude={"version", "reason"})}
        component = read_component(document)
        known = self.roster.wanted.components.get(scope.tenant, {})
        above, seen = component.part_of, {name}
        while above:
            if above in seen:
                raise PharosError(Kind.INVALID, f"part_of: {name} would be a part of itself")
            seen.add(above)
            above = known[above].part_of if above in known else ""

        def put(unit: Writing) -> None:
            require_living(unit, scope.tenant)
            put_document(unit, scope.tenant, Defined.COMPONENT, name, document, expected=body.version)

        await self.roster.state.write(put, author_of(scope.who, body.reason.strip()))
        await self.roster.refresh()
        found = self.roster.monitor.components(scope.tenant)
        return self._shown(scope.tenant, found[name], found)

    async def drop_health_component(self, request: Request) -> dict[str, str]:
        """Declare a component no more; while checks name it, it is there still."""
        scope, name = scope_of(request).alone(), request.path_params["component"]
        self._require_kept(scope.tenant, name)
        await self.roster.state.write(
            lambda unit: drop_document(unit, scope.tenant, Defined.COMPONENT, name), author_of(scope.who)
        )
        await self.roster.refresh()
        return {"name": name}

    def _require_kept(self, tenant: str, name: str) -> None:
        if tenant == DEFAULT.tenant and name in self.roster.declared.components:
            raise PharosError(Kind.INVALID, f"the component {name} stands in a file", hint="change it there")

    def _shown(self, tenant: str, one: ComponentHealth, found: dict[str, ComponentHealth]) -> ComponentShape:
        days = days_of(self.roster, tenant, one, found)
        kept = {row.name: row.version for row in self.roster.kept.components if row.tenant_id == tenant}
        of_files = tenant == DEFAULT.tenant and one.name in self.roster.declared.components
        source = "file" if of_files else "kept" if one.name in kept else "named"
        strip = cells(days, self.clock.now_ms())
        return component_shape(one, strip, days.values(), source, kept.get(one.name, 0))


def days_of(
    roster: Roster, tenant: str, one: ComponentHealth, found: dict[str, ComponentHealth]
) -> dict[int, Day]:
    """Return the days of a component: those of its checks, and of the checks of its parts."""
    names, waiting, seen = set(one.checks), list(one.parts), {one.name}
    while waiting:
        part = waiting.pop()
        if part in found and part not in seen:
            seen.add(part)
            names.update(found[part].checks)
            waiting += found[part].parts
    watched = [roster.monitor.find(tenant, name) for name in names]
    return together(check.days.known for check in watched if check is not None)
