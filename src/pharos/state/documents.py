"""What people define in a tenant by name, every version of it: schedules, escalation policies, actions,
the configuration of alerting, maintenance windows, dependencies, control hooks of workflows, checks of
health, status pages, objectives, watches for anomalies,
rollouts.

A document is kept as it was given; whoever uses a kind of them knows how to read it. A definition that was
taken away keeps its versions, so that what it did can be explained later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from msgspec import Struct
from sqlalchemy import BigInteger, Boolean, Column, Index, Table, delete, insert, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import (
    METADATA,
    Document,
    Family,
    Words,
    canonical_json,
    require_name,
    tenant_reference,
)
from pharos.state.unit import Unit, Writing

documents: Final = Table(
    "documents",
    METADATA,
    tenant_reference(primary_key=True),
    Column("kind", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Document),
    Column("is_current", Boolean, nullable=False),
    Column("who", Words, nullable=False),
    Column("who_name", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Index(None, "kind", "is_current"),
)

MOST_OF_A_KIND: Final = 1000
"""That a tenant can have at a time."""


class Defined(StrEnum):
    """What can be defined."""

    SCHEDULE = "schedule"
    ESCALATION = "escalation"
    ACTION = "action"
    RULES = "rules"
    """A group of rules, by namespace and name."""
    CONDITION = "condition"
    """A rule as a simple condition, by its id."""
    ALERTING = "alerting"
    """A tenant's own alertmanager.yml, of one name."""
    MAINTENANCE = "maintenance"
    DEPENDENCY = "dependency"
    FLOW_HOOK = "flow_hook"
    """How the engine of a workflow is told what is asked of its runs."""
    REPORT = "report"
    """A dashboard that is mailed now and then."""
    CHECK = "check"
    COMPONENT = "component"
    """Of a system, whose health is that of its checks."""
    STATUS_PAGE = "status_page"
    """A tenant's, of one name."""
    ANNOUNCEMENT = "announcement"
    """On a status page: an incident or a maintenance, by its id."""
    SLO = "slo"
    """An objective."""
    WATCH = "watch"
    """Which series anomalies are looked for in."""
    ROLLOUT = "rollout"
    RUN_ALERTS = "run_alerts"
    """Whether somebody is told of the runs of a workflow, by its name."""
    ROLLOUT_RUN = "rollout_run"
    """How far the newest run of a rollout is, by the rollout's name."""


_FAMILIES: Final = {
    Defined.RULES: Family.RULES,
    Defined.CONDITION: Family.RULES,
    Defined.ALERTING: Family.ROUTING,
    Defined.MAINTENANCE: Family.ROUTING,
    Defined.DEPENDENCY: Family.ROUTING,
    Defined.FLOW_HOOK: Family.FLOWS,
    Defined.REPORT: Family.DASHBOARDS,
    Defined.CHECK: Family.HEALTH,
    Defined.COMPONENT: Family.HEALTH,
    Defined.STATUS_PAGE: Family.HEALTH,
    Defined.ANNOUNCEMENT: Family.HEALTH,
    Defined.SLO: Family.RULES,
    Defined.WATCH: Family.RULES,
    Defined.RUN_ALERTS: Family.RULES,
    Defined.ROLLOUT: Family.ROLLOUTS,
    Defined.ROLLOUT_RUN: Family.ROLLOUTS,
}
"""What changes together with a definition of a kind; the others with on-call."""
_LONGEST: Final = {Defined.FLOW_HOOK: 200, Defined.RUN_ALERTS: 200}
"""Characters of a name, where it is not 100: as many as what it names has."""
Shown: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Returns what may be said of a document, without its secrets."""


def _whole(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return document


class Version(Struct, frozen=True):
    """A document as it was from one time on."""

    tenant_id: str
    kind: Defined
    name: str
    version: int
    document: Mapping[str, Any] | None
    """None where it was taken away."""
    who: str
    who_name: str
    reason: str
    at_ms: int


_VERSION: Final = tuple(column for column in documents.c if column.name != "is_current")


def _version(row: Any) -> Version:
    tenant_id, kind, *rest = row
    return Version(tenant_id, Defined(kind), *rest)


def put_document(
    unit: Writing,
    tenant_id: str,
    kind: Defined,
    name: str,
    document: Mapping[str, Any],
    *,
    expected: int | None = None,
    shown: Shown = _whole,
) -> Version:
    """Define something, or say anew what it is; return the new version. `shown` is what the audit log says.

    Raises PharosError(INVALID): for a name that is none, for too many, and when `expected` is not the version
    that is there (0: none is).
    """
    name = require_name(name, kind.value, _LONGEST.get(kind, 100))
    _require_kept(document, kind)
    before = find_document(unit, tenant_id, kind, name)
    is_at = 0 if before is None else before.version
    if expected is not None and expected != is_at:
        raise PharosError(
            Kind.INVALID,
            f"the {kind} {name!r} is at version {is_at}, not {expected}: somebody changed it meanwhile",
            hint="read it again",
        )
    if before is None and len(list_documents(unit, kind, tenant_id)) >= MOST_OF_A_KIND:
        raise PharosError(Kind.INVALID, f"a tenant has at most {MOST_OF_A_KIND} of the kind {kind}")
    if before is not None and before.document == document:
        return before
    _write(unit, tenant_id, kind, name, document)
    told = None if before is None or before.document is None else shown(before.document)
    append(unit, Event(f"{kind}.set", f"{kind}:{name}", tenant_id, told, shown(document)))
    unit.changed(_FAMILIES.get(kind, Family.ONCALL))
    return get_document(unit, tenant_id, kind, name)


def _require_kept(document: Mapping[str, Any], kind: Defined) -> None:
    """Raise PharosError(INVALID) for a document that holds what cannot be kept, such as half a number."""
    try:
        canonical_json(dict(document))
    except PharosError as exc:
        message = f"the {kind} cannot be kept: numbers must be whole, texts without NUL ({exc.message})"
        raise PharosError(Kind.INVALID, message) from exc


def drop_document(
    unit: Writing, tenant_id: str, kind: Defined, name: str, *, shown: Shown = _whole
) -> Version:
    """Take a definition away; return what it was. Raises PharosError(MISSING)."""
    before = get_document(unit, tenant_id, kind, name)
    _write(unit, tenant_id, kind, name, None)
    told = None if before.document is None else shown(before.document)
    append(unit, Event(f"{kind}.drop", f"{kind}:{name}", tenant_id, told))
    unit.changed(_FAMILIES.get(kind, Family.ONCALL))
    return before


def _write(
    unit: Writing, tenant_id: str, kind: Defined, name: str, document: Mapping[str, Any] | None
) -> None:
    same = (documents.c.tenant_id == tenant_id, documents.c.kind == kind.value, documents.c.name == name)
    newest = unit.row(select(documents.c.version).where(*same).order_by(documents.c.version.desc()).limit(1))
    unit.execute(update(documents).where(*same).values(is_current=False))
    unit.execute(
        insert(documents).values(
            tenant_id=tenant_id,
            kind=kind.value,
            name=name,
            version=1 if newest is None else newest[0] + 1,
            document=None if document is None else dict(document),
            is_current=document is not None,
            who=unit.author.who,
            who_name=unit.author.name,
            reason=unit.author.reason,
            at_ms=unit.now_ms,
        )
    )


def find_document(unit: Unit, tenant_id: str, kind: Defined, name: str) -> Version | None:
    """Return a definition as it is now; None where there is none."""
    found = unit.row(
        select(*_VERSION).where(
            documents.c.tenant_id == tenant_id,
            documents.c.kind == kind.value,
            documents.c.name == name,
            documents.c.is_current,
        )
    )
    return None if found is None else _version(found)


def get_document(unit: Unit, tenant_id: str, kind: Defined, name: str) -> Version:
    """Return a definition as it is now. Raises PharosError(MISSING)."""
    found = find_document(unit, tenant_id, kind, name)
    if found is None:
        raise PharosError(Kind.MISSING, f"there is no {kind.replace('_', ' ')} {name!r}")
    return found


def list_documents(unit: Unit, kind: Defined, tenant_id: str | None = None) -> tuple[Version, ...]:
    """Return all definitions of a kind, of a tenant or (None) of all, by tenant and name."""
    statement = select(*_VERSION).where(documents.c.kind == kind.value, documents.c.is_current)
    if tenant_id is not None:
        statement = statement.where(documents.c.tenant_id == tenant_id)
    rows = unit.rows(statement.order_by(documents.c.tenant_id, documents.c.name))
    return tuple(_version(row) for row in rows)


def versions_of(
    unit: Unit, tenant_id: str, kind: Defined, name: str, limit: int = 100
) -> tuple[Version, ...]:
    """Return the versions of a definition, the newest first. Raises PharosError(MISSING) without any."""
    same = (documents.c.tenant_id == tenant_id, documents.c.kind == kind.value, documents.c.name == name)
    statement = select(*_VERSION).where(*same).order_by(documents.c.version.desc()).limit(limit)
    found = tuple(_version(row) for row in unit.rows(statement))
    if not found:
        raise PharosError(Kind.MISSING, f"there is no {kind.replace('_', ' ')} {name!r}")
    return found


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all that a tenant has defined, every version of it; return how many."""
    for family in {Family.ONCALL, *_FAMILIES.values()}:
        unit.changed(family)
    return unit.execute(delete(documents).where(documents.c.tenant_id == tenant_id))
