"""AutomatosX' monitoring addresses (`/api/monitoring/*`): alerts, health, workflows, and all in sum."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.live.plain import Plain, Spec
from pharos.api.live.signals import COUNT, LIMIT, NUMBER, OBJECT, SignalsApi, list_of
from pharos.api.native.answers import Body
from pharos.api.native.reading import STRING, Schema, object_of, whole_number
from pharos.api.prometheus.parameters import query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.live.alert_book import STATES, AlertBook, Record
from pharos.live.flows import STATUSES, Flows
from pharos.state import Author

PREFIX: Final = "/api/monitoring"
_ALERTS: Final = "alerts.view"
_ACKNOWLEDGE: Final = "alerts.acknowledge"
_FLOWS: Final = "flows.read"
_VIEW: Final = "dashboards.view"
_STATUS: Final = {"enum": ["healthy", "degraded", "unhealthy", "unknown"]}
_NULLABLE: Final = {"type": ["number", "null"]}
_WORKFLOWS: Final = object_of(
    total=COUNT,
    running=COUNT,
    completed=COUNT,
    failed=COUNT,
    successRate=_NULLABLE,
    averageDuration=_NULLABLE,
)
_COMPONENT: Final = object_of(name=STRING, status=_STATUS, message=STRING, lastCheck=COUNT)
_ALERT: Final = object_of(
    id=STRING, ruleId=STRING, name=STRING, severity=STRING, message=STRING, state={"enum": [*STATES]}
)


class ReactionBody(Body):
    """Who reacts to an alert, and what they say of it."""

    by: str = Field(default="", max_length=200)
    """As whom it is shown; whose credentials were sent is written down too."""
    comment: str = Field(default="", max_length=2000)


class Component(Struct, frozen=True):
    """How a part of the server stands."""

    name: str
    status: str
    message: str = ""

    def shown(self, at_ms: int) -> dict[str, Any]:
        """Return it as answers have it."""
        return {"name": self.name, "status": self.status, "message": self.message, "lastCheck": at_ms}


Components = Callable[[], Awaitable[Sequence[Component]]]
_ORDER: Final = ("healthy", "unknown", "degraded", "unhealthy")


def worst(components: Sequence[Component]) -> str:
    """Return how all stand: as the one that stands worst."""
    return max((one.status for one in components), key=_ORDER.index, default="unknown")


class MonitoringApi(Struct, frozen=True):
    """Answers below `/api/monitoring`."""

    plain: Plain
    book: AlertBook
    flows: Flows
    components: Components
    signals: SignalsApi
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        yield from self._alert_operations()
        yield from self._flow_operations()
        yield from self.signals.operations(self.plain, PREFIX)
        make = self.plain.operation
        health = object_of(status=_STATUS, timestamp=COUNT, components=list_of(_COMPONENT))
        yield make(Spec(f"GET {PREFIX}/health", _VIEW, health), self.health)
        yield make(Spec(f"GET {PREFIX}/health/{{component}}", _VIEW, _COMPONENT), self.component)
        total = object_of(total=COUNT)
        stats = object_of(
            timestamp=COUNT,
            metrics=OBJECT,
            alerts=object_of(active=COUNT, acknowledged=COUNT, resolved=COUNT),
            workflows=_WORKFLOWS,
            traces=total,
            logs=total,
            health=object_of(status=_STATUS),
        )
        yield make(Spec(f"GET {PREFIX}/stats", _VIEW, stats), self.stats)

    def _alert_operations(self) -> Iterator[Operation]:
        make, one = self.plain.operation, f"{PREFIX}/alerts/{{id}}"
        asked: dict[str, Schema] = {"state": {"enum": [*STATES]}, "severity": STRING, "limit": LIMIT}
        listed = object_of(alerts=list_of(_ALERT), total=COUNT)
        yield make(Spec(f"GET {PREFIX}/alerts", _ALERTS, listed, asked), self.alerts)
        yield make(Spec(f"GET {one}", _ALERTS, _ALERT), self.alert)
        taken = Spec(f"POST {one}/acknowledge", _ACKNOWLEDGE, _ALERT, body=ReactionBody)
        yield make(taken, self.acknowledge)
        over = Spec(f"POST {one}/resolve", _ACKNOWLEDGE, _ALERT, body=ReactionBody)
        yield make(over, self.resolve)

    def _flow_operations(self) -> Iterator[Operation]:
        make, path = self.plain.operation, f"{PREFIX}/workflows"
        asked: dict[str, Schema] = {"status": {"enum": [*STATUSES]}, "limit": LIMIT}
        listed = object_of(workflows=list_of(OBJECT), total=COUNT)
        yield make(Spec(f"GET {path}", _FLOWS, listed, asked), self.workflows)
        yield make(Spec(f"GET {path}/stats", _FLOWS, _WORKFLOWS), self.workflow_stats)
        yield make(Spec(f"GET {path}/{{execution_id}}", _FLOWS, OBJECT), self.workflow)
        steps = object_of(steps=list_of(OBJECT), total=NUMBER)
        yield make(Spec(f"GET {path}/{{execution_id}}/steps", _FLOWS, steps), self.workflow_steps)

    # -- alerts --

    async def alerts(self, request: Request) -> dict[str, Any]:
        """Return alerts, the latest first."""
        parameters = query_parameters(request)
        state, severity = parameters.first("state"), parameters.first("severity")
        if state and state not in STATES:
            raise PharosError(Kind.INVALID, f"state {state[:40]!r} is not one of {', '.join(STATES)}")
        limit = whole_number(parameters, "limit", 100, 1_000)
        records = (await self.book.records(scope_of(request).alone().tenant)).values()
        found = [one.shown() for one in records if not state or one.state == state]
        found = [one for one in found if not severity or one["severity"] == severity]
        found.sort(key=lambda one: -one["triggeredAt"])
        return {"alerts": found[:limit], "total": len(found)}

    async def alert(self, request: Request) -> dict[str, Any]:
        """Return one alert."""
        tenant, name = scope_of(request).alone().tenant, request.path_params["id"]
        return (await self.book.record(tenant, name)).shown()

    async def acknowledge(self, request: Request, body: ReactionBody) -> dict[str, Any]:
        """Look after an alert: it is not repeated nor escalated until it is over."""
        return await self._react(request, body, self.book.acknowledge)

    async def resolve(self, request: Request, body: ReactionBody) -> dict[str, Any]:
        """Say that an alert is over, whatever its rule finds, until it fires anew."""
        return await self._react(request, body, self.book.resolve)

    async def _react(
        self,
        request: Request,
        body: ReactionBody,
        react: Callable[[str, str, Author, str], Awaitable[Record]],
    ) -> dict[str, Any]:
        scope = scope_of(request).alone()
        author = Author(f"{scope.who.kind}:{scope.who.id}", body.by or scope.who.name, body.comment)
        record = await react(scope.tenant, request.path_params["id"], author, body.comment)
        return record.shown()

    # -- health --

    async def health(self, request: Request) -> dict[str, Any]:
        """Return how the server and its parts stand."""
        del request
        at_ms, found = self.clock.now_ms(), await self.components()
        return {"status": worst(found), "timestamp": at_ms, "components": [one.shown(at_ms) for one in found]}

    async def component(self, request: Request) -> dict[str, Any]:
        """Return how one part stands."""
        name = request.path_params["component"]
        for one in await self.components():
            if one.name == name:
                return one.shown(self.clock.now_ms())
        raise PharosError(Kind.MISSING, f"there is no component {name[:80]!r}")

    # -- workflows --

    async def workflows(self, request: Request) -> dict[str, Any]:
        """Return runs of workflows, the newest first."""
        parameters = query_parameters(request)
        status = parameters.first("status")
        if status and status not in STATUSES:
            raise PharosError(Kind.INVALID, f"status {status[:40]!r} is not one of {', '.join(STATUSES)}")
        limit = whole_number(parameters, "limit", 100, 1_000)
        found, total = await self.flows.workflows(scope_of(request).alone(), status, limit)
        return {"workflows": list(found), "total": total}

    async def workflow_stats(self, request: Request) -> dict[str, Any]:
        """Return how many runs of workflows there are, and how they ended."""
        return await self.flows.statistics(scope_of(request).alone())

    async def workflow(self, request: Request) -> dict[str, Any]:
        """Return one run."""
        return await self.flows.workflow(scope_of(request).alone(), request.path_params["execution_id"])

    async def workflow_steps(self, request: Request) -> dict[str, Any]:
        """Return the steps of one run."""
        found = await self.workflow(request)
        steps = found.get("steps", [])
        return {"steps": steps, "total": len(steps)}

    # -- everything --

    async def stats(self, request: Request) -> dict[str, Any]:
        """Return how much there is of everything, of the last hour; of what one may not see nothing."""
        scope = scope_of(request).alone()
        may = scope.permissions
        records = (await self.book.records(scope.tenant)).values() if _ALERTS in may else ()
        states = [one.state for one in records]
        runs = await self.flows.statistics(scope)
        return {
            "timestamp": self.clock.now_ms(),
            "metrics": {"names": await self.signals.count_metrics(scope)} if "metrics.view" in may else {},
            "alerts": {state: states.count(state) for state in STATES},
            "workflows": runs,
            "traces": {"total": await self.signals.count_traces(scope) if "traces.view" in may else 0},
            "logs": {"total": await self.signals.count_logs(scope) if "logs.view" in may else 0},
            "health": {"status": worst(await self.components())},
        }
