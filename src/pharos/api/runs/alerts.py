"""`/api/v1/run_alerts`: of which workflows' runs somebody is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.access import DEFAULT
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.rules.run_rules import ALL, RunAlerts, is_switched_on
from pharos.state import State, Unit, Writing
from pharos.state.documents import Defined, drop_document, find_document, list_documents, put_document
from pharos.state.tenants import require_living

_PATH: Final = "/api/v1/run_alerts"


class RunAlertsBody(Body):
    """A switch."""

    workflow: str = Field(min_length=1, max_length=200)
    """`*` for all that have none of their own."""
    enabled: bool | None
    """Whether somebody is told; null for what is said of all, and by the settings."""
    reason: str = Field(default="", max_length=1000)


class RunAlertShape(Shape):
    """What is said of a workflow, or of all: `*`."""

    workflow: str
    enabled: bool
    source: str
    """`kept` here, or `file`."""


class RunAlertsShape(Shape):
    """All switches of a tenant."""

    all: bool
    """Whether somebody is told of workflows that are not named."""
    workflows: list[RunAlertShape]


class RunAlertsApi(Struct, frozen=True):
    """Switches the rules of runs on and off."""

    native: Native
    state: State
    named: Sequence[str]
    """What the settings name, in the tenant `default`."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"GET {_PATH}", "flows.read", self.run_alerts, RunAlertsShape)
        yield make(f"PUT {_PATH}", "alerts.configure", self.put_run_alerts, RunAlertsShape, RunAlertsBody)

    async def run_alerts(self, request: Request) -> RunAlertsShape:
        """Return of which workflows' runs somebody is told."""
        tenant = scope_of(request).alone().tenant
        return await self.state.read(lambda unit: self._shown(unit, tenant))

    async def put_run_alerts(self, request: Request, body: RunAlertsBody) -> RunAlertsShape:
        """Have somebody told of a workflow's runs when they are not as they should be, or not."""
        scope, name = scope_of(request).alone(), body.workflow
        if not name.isprintable():
            raise PharosError(Kind.INVALID, f"{name[:80]!r} is no name of a workflow")

        def put(unit: Writing) -> RunAlertsShape:
            require_living(unit, scope.tenant)
            if body.enabled is not None:
                put_document(unit, scope.tenant, Defined.RUN_ALERTS, name, {"enabled": body.enabled})
            elif find_document(unit, scope.tenant, Defined.RUN_ALERTS, name) is not None:
                drop_document(unit, scope.tenant, Defined.RUN_ALERTS, name)
            return self._shown(unit, scope.tenant)

        return await self.state.write(put, author_of(scope.who, body.reason))

    def _shown(self, unit: Unit, tenant: str) -> RunAlertsShape:
        kept = {
            one.name: is_switched_on(one.document) for one in list_documents(unit, Defined.RUN_ALERTS, tenant)
        }
        alerts = RunAlerts.of(self.named if tenant == DEFAULT.tenant else (), kept)
        return RunAlertsShape(
            all=alerts.is_on(ALL),
            workflows=[
                RunAlertShape(workflow=name, enabled=on, source="kept" if name in kept else "file")
                for name, on in sorted(alerts.switches.items())
            ],
        )
