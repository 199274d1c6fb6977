"""Rules that people make here: groups as in rule files. Those of files are only read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.access import DEFAULT
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.api.prometheus.answers import rfc3339
from pharos.rules.conditions import NAMESPACE
from pharos.rules.engine import RuleEngine
from pharos.rules.kept import checked_group, document_name, file_diff, kept_group
from pharos.rules.spec import RuleGroup, plain_group
from pharos.state import State, Writing
from pharos.state.documents import (
    Defined,
    Version,
    drop_document,
    find_document,
    get_document,
    list_documents,
    put_document,
    versions_of,
)
from pharos.state.tenants import require_living
from pharos.state.unit import Author

T = TypeVar("T")

_RULES: Final = "/api/alerting/rules"
_ONE: Final = f"{_RULES}/{{namespace}}/{{group}}"
_REASON: Final = Field(default="", max_length=1000)


class GroupBody(Body):
    """A group of rules with the fields of a rule file."""

    group: dict[str, Any]
    version: int | None = Field(default=None, ge=0)
    """The version that is to be changed (0: there is none); another one is refused."""
    reason: str = _REASON
    dry_run: bool = False
    """Check it, and change nothing."""


class GroupShape(Shape):
    """A group of rules, and where it is from."""

    namespace: str
    name: str
    source: str
    """`kept` here, `file`, or `condition`."""
    file: str | None
    group: dict[str, Any]
    version: int | None
    updated: str | None
    updated_by: str | None


class ChangeShape(Shape):
    """What came of a change."""

    applied: bool
    group: GroupShape | None
    diff: str | None
    """What is to be changed in the file, of a group of a file."""
    file: str | None


class VersionShape(Shape):
    """What a group was from one change to the next."""

    version: int
    group: dict[str, Any] | None
    updated: str
    updated_by: str
    reason: str


class RuleGroupsApi(Struct, frozen=True):
    """Groups of rules of a tenant."""

    native: Native
    state: State
    engine: RuleEngine

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, view, change = self.native.operation, "alerts.view", "alerts.configure"
        yield make(f"GET {_RULES}", view, self.rule_groups, list[GroupShape])
        yield make(f"GET {_ONE}", view, self.rule_group, GroupShape)
        yield make(f"PUT {_ONE}", change, self.put_rule_group, ChangeShape, GroupBody)
        yield make(f"DELETE {_ONE}", change, self.drop_rule_group, ChangeShape)
        yield make(f"GET {_ONE}/versions", view, self.rule_group_versions, list[VersionShape])

    # -- groups --

    async def rule_groups(self, request: Request) -> list[dict[str, Any]]:
        """Return all groups of the tenant: those that are kept here, and those of files."""
        tenant = scope_of(request).alone().tenant
        kept = await self.state.read(partial(list_documents, kind=Defined.RULES, tenant_id=tenant))
        conditions = await self.state.read(partial(list_documents, kind=Defined.CONDITION, tenant_id=tenant))
        found = [_kept_shape(one) for one in (*kept, *conditions)]
        found += [_file_shape(group) for group in self._of_files(request)]
        return [one.model_dump() for one in found]

    async def rule_group(self, request: Request) -> GroupShape:
        """Return one group."""
        provisioned = self._of_file(request)
        if provisioned is not None:
            return _file_shape(provisioned)
        kind, name = _document(request)
        return _kept_shape(
            await self.state.read(lambda unit: get_document(unit, _tenant(request), kind, name))
        )

    async def put_rule_group(self, request: Request, body: GroupBody) -> ChangeShape:
        """Make a group, or change it; of a group of a file, return what is to be changed there."""
        namespace, name = request.path_params["namespace"], request.path_params["group"]
        wanted = checked_group(namespace, name, body.group)
        provisioned = self._of_file(request)
        if provisioned is not None:
            return await self._diff(request, provisioned, wanted)
        document, plain = document_name(namespace, name), plain_group(wanted)
        tenant = _tenant(request)
        if body.dry_run:
            found = await self.state.read(lambda unit: find_document(unit, tenant, Defined.RULES, document))
            return ChangeShape(
                applied=False, group=None if found is None else _kept_shape(found), diff=None, file=None
            )

        def put(unit: Writing) -> Version:
            require_living(unit, tenant)
            return put_document(unit, tenant, Defined.RULES, document, plain, expected=body.version)

        kept = await self._write(request, body.reason, put)
        return ChangeShape(applied=True, group=_kept_shape(kept), diff=None, file=None)

    async def drop_rule_group(self, request: Request) -> ChangeShape:
        """Take a group away; of a group of a file, return what is to be changed there."""
        provisioned = self._of_file(request)
        if provisioned is not None:
            return await self._diff(request, provisioned, None)
        kind, name = _document(request)
        tenant = _tenant(request)
        dropped = await self._write(request, "", lambda unit: drop_document(unit, tenant, kind, name))
        return ChangeShape(applied=True, group=_kept_shape(dropped), diff=None, file=None)

    async def rule_group_versions(self, request: Request) -> list[dict[str, Any]]:
        """Return all that a group was, the newest first."""
        kind, name = _document(request)
        tenant = _tenant(request)
        found = await self.state.read(lambda unit: versions_of(unit, tenant, kind, name))
        return [
            VersionShape(
                version=one.version,
                group=None if one.document is None else dict(one.document),
                updated=rfc3339(one.at_ms),
                updated_by=one.who_name or one.who,
                reason=one.reason,
            ).model_dump()
            for one in found
        ]

    async def _diff(self, request: Request, group: RuleGroup, wanted: RuleGroup | None) -> ChangeShape:
        of_file = [one for one in self._of_files(request) if one.file == group.file]
        diff = await asyncio.to_thread(file_diff, Path(group.file), group, wanted, of_file)
        return ChangeShape(applied=False, group=_file_shape(group), diff=diff, file=group.file)

    def _of_files(self, request: Request) -> list[RuleGroup]:
        """Return the groups of files, which are the default tenant's."""
        if _tenant(request) != DEFAULT.tenant:
            return []
        groups = [one.group for one in self.engine.groups(DEFAULT.tenant)]
        return [group for group in groups if group.line]

    def _of_file(self, request: Request) -> RuleGroup | None:
        namespace, name = request.path_params["namespace"], request.path_params["group"]
        return next(
            (
                group
                for group in self._of_files(request)
                if group.name == name and _file_namespace(group) == namespace
            ),
            None,
        )

    async def _write(self, request: Request, reason: str, fn: Callable[[Writing], T]) -> T:
        who = scope_of(request).who
        return await self.state.write(fn, Author(f"{who.kind}:{who.id}", who.name, reason.strip()))


def _tenant(request: Request) -> str:
    return scope_of(request).alone().tenant


def _document(request: Request) -> tuple[Defined, str]:
    namespace, name = request.path_params["namespace"], request.path_params["group"]
    if namespace == NAMESPACE:
        return Defined.CONDITION, name
    return Defined.RULES, document_name(namespace, name)


def _file_namespace(group: RuleGroup) -> str:
    """Return what stands for a file in an address."""
    return Path(group.file).name


def _file_shape(group: RuleGroup) -> GroupShape:
    return GroupShape(
        namespace=_file_namespace(group),
        name=group.name,
        source="file",
        file=group.file,
        group=plain_group(group),
        version=None,
        updated=None,
        updated_by=None,
    )


def _kept_shape(version: Version) -> GroupShape:
    is_condition = version.kind is Defined.CONDITION
    namespace, _, name = (NAMESPACE, "", version.name) if is_condition else version.name.partition("/")
    plain = dict(version.document or {})
    return GroupShape(
        namespace=namespace,
        name=name,
        source="condition" if is_condition else "kept",
        file=None,
        group=plain_group(kept_group(version)) if is_condition and plain else plain,
        version=version.version,
        updated=rfc3339(version.at_ms),
        updated_by=version.who_name or version.who,
    )
