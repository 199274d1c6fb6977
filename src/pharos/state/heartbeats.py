"""Signs of life that others promised to give: when each was heard of last, and when it is missed."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Table, delete, func, select

from pharos.errors import Kind, PharosError
from pharos.state.tables import METADATA, Words
from pharos.state.unit import Unit, Writing

heartbeats: Final = Table(
    "heartbeats",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("severity", Words, nullable=False),
    Column("within_ms", BigInteger, nullable=False),
    Column("beaten_ms", BigInteger, nullable=False),
)

AT_MOST: Final = 500
"""So many a tenant has."""
_SHOWN: Final = (
    heartbeats.c.tenant_id,
    heartbeats.c.name,
    heartbeats.c.severity,
    heartbeats.c.within_ms,
    heartbeats.c.beaten_ms,
)


class Heartbeat(Struct, frozen=True):
    """Something that gives a sign of life now and then."""

    tenant_id: str
    name: str
    severity: str
    """Of the alert that it is missed."""
    within_ms: int
    """After so long it is missed."""
    beaten_ms: int
    """When it was heard of."""


def beat(unit: Writing, row: Heartbeat) -> None:
    """Note a sign of life. Raises PharosError(LIMITED) for a new one of a tenant that has too many."""
    if find(unit, row.tenant_id, row.name) is None:
        count = unit.row(
            select(func.count()).select_from(heartbeats).where(heartbeats.c.tenant_id == row.tenant_id)
        )
        if count is not None and count[0] >= AT_MOST:
            raise PharosError(Kind.LIMITED, f"a tenant has {AT_MOST} heartbeats at most")
    values = {
        "tenant_id": row.tenant_id,
        "name": row.name,
        "severity": row.severity,
        "within_ms": row.within_ms,
        "beaten_ms": row.beaten_ms,
    }
    unit.upsert(heartbeats, [values])


def find(unit: Unit, tenant_id: str, name: str) -> Heartbeat | None:
    """Return a heartbeat; None if it was never heard of."""
    where = (heartbeats.c.tenant_id == tenant_id, heartbeats.c.name == name)
    row = unit.row(select(*_SHOWN).where(*where))
    return None if row is None else Heartbeat(*row)


def list_heartbeats(unit: Unit, tenant_id: str | None = None) -> tuple[Heartbeat, ...]:
    """Return a tenant's heartbeats, or all, by name."""
    statement = select(*_SHOWN).order_by(heartbeats.c.tenant_id, heartbeats.c.name)
    if tenant_id is not None:
        statement = statement.where(heartbeats.c.tenant_id == tenant_id)
    return tuple(Heartbeat(*row) for row in unit.rows(statement))


def drop(unit: Writing, tenant_id: str, name: str) -> None:
    """Expect it no more. Raises PharosError(MISSING)."""
    where = (heartbeats.c.tenant_id == tenant_id, heartbeats.c.name == name)
    if not unit.execute(delete(heartbeats).where(*where)):
        raise PharosError(Kind.MISSING, f"there is no heartbeat {name[:80]!r}")


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all of a tenant's; return how many."""
    return unit.execute(delete(heartbeats).where(heartbeats.c.tenant_id == tenant_id))
