"""Alert rules as simple conditions (`/api/v1/dashboard/alerts`), in the words of the Qflow document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any, Final, TypeVar

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.access import DEFAULT
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.live.plain import Plain, Spec, schema_of
from pharos.api.native.answers import Body, Shape
from pharos.api.native.reading import STRING, object_of
from pharos.errors import Kind, PharosError
from pharos.live.alert_book import ConflictError
from pharos.rules.conditions import NAMESPACE, KeptCondition, condition_of, id_of
from pharos.rules.engine import RuleEngine
from pharos.rules.kept import checked_group
from pharos.rules.spec import plain_group, plain_rule
from pharos.state import State, Writing
from pharos.state.documents import (
    Defined,
    Version,
    drop_document,
    find_document,
    list_documents,
    put_document,
)
from pharos.state.tenants import require_living
from pharos.state.unit import Author

T = TypeVar("T")

_PATH: Final = "/api/v1/dashboard/alerts"
_VIEW: Final = "alerts.view"
_CHANGE: Final = "alerts.configure"
_MOST_OF_A_NAME: Final = 100
SEVERITIES: Final = ("critical", "high", "medium", "low", "error", "warning", "info", "none")
"""Those of the documents first, then those that Prometheus' users have."""
_Text = Annotated[str, Field(max_length=10_000)]
_Labels = dict[Annotated[str, Field(max_length=200)], _Text]
_Names = tuple[Annotated[str, Field(max_length=100)], ...]
_Millis = Annotated[int, Field(ge=0, le=30 * 86_400_000)]


class EscalationBody(Body):
    """Who is told next, and after how long without a reaction."""

    levels: _Names = Field(max_length=20)
    timeouts: tuple[_Millis, ...] = Field(max_length=20)
    """Milliseconds, one of each level."""


class ConditionBody(Body):
    """A simple condition."""

    id: str | None = Field(default=None, max_length=100)
    """Made of the name, if it is not given."""
    name: str = Field(min_length=1, max_length=200)
    condition: str | None = Field(default=None, max_length=10_000)
    """A comparison, such as `cpu_utilization > 0.8`."""
    metric: str | None = Field(default=None, max_length=10_000)
    operator: str | None = Field(default=None, max_length=20)
    """Of `metric` and `threshold`: gt, gte, lt, lte, eq or neq."""
    threshold: int | float | None = None
    severity: str = Field(default="", max_length=100)
    channels: _Names = Field(default=(), max_length=50)
    cooldown: _Millis = 0
    """Milliseconds in which it is not told of anew."""
    daoSubnet: str | None = Field(default=None, max_length=200)  # noqa: N815 - as its users write it
    escalation: EscalationBody | None = None
    """Kept with it; who is told next is a policy of escalation."""
    labels: _Labels = Field(default_factory=dict, max_length=50)
    annotations: _Labels = Field(default_factory=dict, max_length=50)


class ConditionShape(Shape):
    """A simple condition, and the rule that it is."""

    status: str = "success"
    """For those who look there first whether it worked."""
    id: str
    name: str
    condition: str
    severity: str
    channels: list[str]
    cooldown: int
    daoSubnet: str | None  # noqa: N815
    escalation: dict[str, Any] | None
    rule: dict[str, Any]
    state: str
    version: int
    created_by: str


class ConditionsApi(Struct, frozen=True):
    """Simple conditions of a tenant."""

    plain: Plain
    state: State
    engine: RuleEngine

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, shape, one = self.plain.operation, schema_of(ConditionShape), f"{_PATH}/{{id}}"
        listed = object_of(status=STRING, alerts={"type": "array", "items": shape})
        yield make(Spec(f"GET {_PATH}", _VIEW, listed), self.conditions)
        made = Spec(f"POST {_PATH}", _CHANGE, shape, body=ConditionBody, status=201)
        yield make(made, self.make_condition)
        yield make(Spec(f"PUT {one}", _CHANGE, shape, body=ConditionBody), self.put_condition)
        yield make(Spec(f"DELETE {one}", _CHANGE, shape), self.drop_condition)

    async def conditions(self, request: Request) -> dict[str, Any]:
        """Return the simple conditions of the tenant."""
        tenant = scope_of(request).alone().tenant
        found = await self.state.read(partial(list_documents, kind=Defined.CONDITION, tenant_id=tenant))
        return {"status": "success", "alerts": [self._shown(tenant, one) for one in found]}

    async def make_condition(self, request: Request, body: ConditionBody) -> dict[str, Any]:
        """Make a simple condition; one of the same id is a conflict."""
        tenant = scope_of(request).alone().tenant
        wanted = _document(body, tenant)
        condition = _checked(wanted)

        def make(unit: Writing) -> Version:
            require_living(unit, tenant)
            name = condition.id
            if body.id is None:
                name = _free_id(unit, tenant, condition.name)
            elif _is_there(find_document(unit, tenant, Defined.CONDITION, name)):
                raise ConflictError(f"there is a condition {name!r} already", hint="PUT changes it")
            return put_document(unit, tenant, Defined.CONDITION, name, {**wanted, "id": name})

        return self._shown(tenant, await self._write(request, make))

    async def put_condition(self, request: Request, body: ConditionBody) -> dict[str, Any]:
        """Make the simple condition of an id, or change it."""
        tenant, name = scope_of(request).alone().tenant, request.path_params["id"]
        if body.id not in {None, name}:
            raise PharosError(Kind.INVALID, f"the id {body.id[:100]!r} is not that of the address")
        document = {**_document(body, tenant), "id": name}
        condition = _checked(document)

        def put(unit: Writing) -> Version:
            require_living(unit, tenant)
            return put_document(unit, tenant, Defined.CONDITION, condition.id, document)

        return self._shown(tenant, await self._write(request, put))

    async def drop_condition(self, request: Request) -> dict[str, Any]:
        """Take a simple condition away."""
        tenant, name = scope_of(request).alone().tenant, request.path_params["id"]

        def drop(unit: Writing) -> Version:
            return drop_document(unit, tenant, Defined.CONDITION, name)

        return self._shown(tenant, await self._write(request, drop))

    def _shown(self, tenant: str, version: Version) -> dict[str, Any]:
        document = version.document or {}
        condition = condition_of(document)
        states = {
            str(alert.state)
            for alert in self.engine.alerts(tenant)
            if alert.rule_file == NAMESPACE and alert.rule_group == condition.id
        }
        worst = next((word for word in ("firing", "pending") if word in states), "inactive")
        return ConditionShape(
            id=condition.id,
            name=condition.name,
            condition=str(document.get("condition") or condition.expr),
            severity=condition.severity,
            channels=list(condition.channels),
            cooldown=condition.cooldown_ms,
            daoSubnet=condition.dao_subnet or None,
            escalation=document.get("escalation"),
            rule=plain_rule(condition.rule()),
            state=worst,
            version=version.version,
            created_by=version.who_name or version.who,
        ).model_dump()

    async def _write(self, request: Request, fn: Callable[[Writing], T]) -> T:
        who = scope_of(request).who
        return await self.state.write(fn, Author(f"{who.kind}:{who.id}", who.name))


def _document(body: ConditionBody, tenant: str) -> dict[str, Any]:
    """Return what is kept of a body, in a tenant. Raises PharosError: INVALID, DENIED for another subnet."""
    if body.severity and body.severity not in SEVERITIES:
        raise PharosError(
            Kind.INVALID,
            f"there is no severity {body.severity[:40]!r}",
            hint=f"one of {', '.join(SEVERITIES)}",
        )
    if body.daoSubnet and tenant not in {body.daoSubnet, DEFAULT.tenant}:
        raise PharosError(
            Kind.DENIED,
            f"the DAO subnet of this connection is {tenant}, not {body.daoSubnet[:100]!r}",
            hint="send it with credentials of the other one",
        )
    escalation = body.escalation
    if escalation is not None and len(escalation.levels) != len(escalation.timeouts):
        raise PharosError(
            Kind.INVALID,
            f"escalation has {len(escalation.levels)} levels and {len(escalation.timeouts)} timeouts",
            hint="one timeout of each level, in milliseconds",
        )
    found: dict[str, Any] = {
        name: value
        for name, value in body.model_dump(mode="json", exclude_none=True, exclude_defaults=True).items()
        if name != "threshold"
    }
    if body.threshold is not None:
        # What is kept has no fractions.
        found["threshold"] = repr(body.threshold)
    return {**found, "channels": list(body.channels)}


def _checked(document: Mapping[str, Any]) -> KeptCondition:
    """Return a condition, by the checks of rule files too: names of labels, and templates."""
    condition = condition_of({**document, "id": document.get("id") or _id_of(str(document["name"]))})
    checked_group(NAMESPACE, condition.id, plain_group(condition.group()))
    return condition


def _id_of(name: str) -> str:
    """Return an id for a name, which may have no letters that an id can have."""
    return id_of(name if any(one.isascii() and one.isalnum() for one in name) else "condition")


def _is_there(found: Version | None) -> bool:
    return found is not None and found.document is not None


def _free_id(unit: Writing, tenant: str, name: str) -> str:
    first = _id_of(name)
    found, number = first, 1
    while _is_there(find_document(unit, tenant, Defined.CONDITION, found)):
        number += 1
        tail = f"_{number}"
        found = first[: _MOST_OF_A_NAME - len(tail)] + tail
    return found
