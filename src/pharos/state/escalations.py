"""Escalations that go on or have ended: one row for each group of alerts that a policy was begun for.

A row keeps the policy as it was at the beginning; what each step means is `alerting.escalate`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Index, Table, delete, func, insert, or_, select, update

from pharos.errors import Kind, PharosError
from pharos.state.tables import METADATA, Document, Words, tenant_reference
from pharos.state.unit import Unit, Writing

escalations: Final = Table(
    "escalations",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("group_key", Words, nullable=False),
    Column("policy", Words, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("document", Document, nullable=False),
    Column("status", Words, nullable=False),
    Column("due_ms", BigInteger),
    Column("run", Document, nullable=False),
    Column("started_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger),
    Index(None, "ended_ms", "due_ms"),
    Index(None, "tenant_id", "group_key", "ended_ms"),
)


class Escalation(Struct, frozen=True):
    """One escalation."""

    id: str
    tenant_id: str
    group_key: str
    policy: str
    version: int
    document: Mapping[str, Any]
    """The policy as it was when it began."""
    status: str
    due_ms: int | None
    """When something is to be done next; None while that waits for something to happen."""
    run: Mapping[str, Any]
    """How far it is."""
    started_ms: int
    ended_ms: int | None


def _escalation(row: Any) -> Escalation:
    return Escalation(*row)


def open_escalation(unit: Unit, tenant_id: str, group_key: str) -> Escalation | None:
    """Return the escalation of a group that has not ended; None without one."""
    where = (
        escalations.c.tenant_id == tenant_id,
        escalations.c.group_key == group_key,
        escalations.c.ended_ms.is_(None),
    )
    found = unit.row(select(*escalations.c).where(*where))
    return None if found is None else _escalation(found)


def open_of_tenant(unit: Unit, tenant_id: str) -> tuple[Escalation, ...]:
    """Return the escalations of a tenant that have not ended, the newest first."""
    return list_escalations(unit, tenant_id, is_open=True, limit=10_000)


def list_escalations(
    unit: Unit, tenant_id: str, *, is_open: bool = False, limit: int = 100
) -> tuple[Escalation, ...]:
    """Return escalations of a tenant, the newest first."""
    statement = select(*escalations.c).where(escalations.c.tenant_id == tenant_id)
    if is_open:
        statement = statement.where(escalations.c.ended_ms.is_(None))
    rows = unit.rows(statement.order_by(escalations.c.started_ms.desc(), escalations.c.id).limit(limit))
    return tuple(map(_escalation, rows))


def get_escalation(unit: Unit, tenant_id: str, escalation_id: str) -> Escalation:
    """Return an escalation. Raises PharosError(MISSING)."""
    where = (escalations.c.tenant_id == tenant_id, escalations.c.id == escalation_id)
    return _escalation(unit.the_row(select(*escalations.c).where(*where), f"escalation {escalation_id!r}"))


def due_escalations(unit: Unit, horizon_ms: int, limit: int = 100) -> tuple[Escalation, ...]:
    """Return escalations of which something is due, the longest due first.

    What is due later than `horizon_ms` from now was set by a clock that is wrong: it is due too.
    """
    is_due = or_(escalations.c.due_ms <= unit.now_ms, escalations.c.due_ms > unit.now_ms + horizon_ms)
    where = (escalations.c.ended_ms.is_(None), escalations.c.due_ms.is_not(None), is_due)
    rows = unit.rows(select(*escalations.c).where(*where).order_by(escalations.c.due_ms).limit(limit))
    return tuple(map(_escalation, rows))


def next_due_ms(unit: Unit) -> int | None:
    """Return when something is due next, should nothing else happen; None for never."""
    where = (escalations.c.ended_ms.is_(None), escalations.c.due_ms.is_not(None))
    found = unit.row(select(func.min(escalations.c.due_ms)).where(*where))
    return None if found is None else found[0]


def add_escalation(unit: Writing, new: Escalation) -> None:
    """Keep an escalation. Raises PharosError(BUG) when the group has one."""
    if open_escalation(unit, new.tenant_id, new.group_key) is not None:
        raise PharosError(Kind.BUG, f"the group {new.group_key!r} is escalated already")
    unit.execute(insert(escalations).values(asdict(new)))


def put_escalation(unit: Writing, changed: Escalation) -> None:
    """Keep how far an escalation is."""
    values = {
        "status": changed.status,
        "due_ms": changed.due_ms,
        "run": dict(changed.run),
        "ended_ms": changed.ended_ms,
    }
    unit.execute(update(escalations).where(escalations.c.id == changed.id).values(values))


def drop_ended(unit: Writing, before_ms: int) -> int:
    """Take away escalations that ended before a time; return how many."""
    return unit.execute(delete(escalations).where(escalations.c.ended_ms < before_ms))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all escalations of a tenant; return how many."""
    return unit.execute(delete(escalations).where(escalations.c.tenant_id == tenant_id))
