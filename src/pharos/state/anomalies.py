"""Anomalies that were found: when each began and ended, how bad it was, and what people say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Index, Table, delete, or_, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Document, Words, tenant_reference
from pharos.state.unit import Unit, Writing

anomalies: Final = Table(
    "anomalies",
    METADATA,
    tenant_reference(primary_key=True),
    Column("id", Words, primary_key=True),
    Column("watch", Words, nullable=False),
    Column("labels", Document, nullable=False),
    Column("severity", Words, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("score", Words, nullable=False),
    Column("confidence", Words, nullable=False),
    Column("value", Words, nullable=False),
    Column("lower", Words, nullable=False),
    Column("upper", Words, nullable=False),
    Column("mark", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("who_name", Words, nullable=False),
    Column("marked_ms", BigInteger, nullable=False),
    Index(None, "tenant_id", "start_ms"),
)

MOST: Final = 10_000
"""So many that are over are kept of a tenant, the latest."""


class Mark(StrEnum):
    """What somebody says of an anomaly."""

    NONE = "none"
    ABNORMAL = "abnormal"
    """It is not how things are: nothing is learned from it."""
    NORMAL = "normal"
    """It is how things are: no anomaly."""


class Found(Struct, frozen=True):
    """An anomaly of one series. Numbers are as they are written, so that half of one can be kept."""

    tenant_id: str
    id: str
    watch: str
    """What looked for it."""
    labels: Mapping[str, str]
    """The series, its name included."""
    severity: str
    start_ms: int
    end_ms: int
    """0 while it goes on."""
    score: str
    """0 to 1, the highest of it."""
    confidence: str
    value: str
    """When its score was the highest."""
    lower: str
    upper: str
    mark: Mark = Mark.NONE
    who: str = ""
    who_name: str = ""
    marked_ms: int = 0


_COLUMNS: Final = tuple(anomalies.c[name] for name in Found.__struct_fields__)


def _found(row: Any) -> Found:
    values = dict(zip(Found.__struct_fields__, row, strict=True))
    return Found(**{**values, "mark": Mark(values["mark"])})


def put_anomalies(unit: Writing, found: Sequence[Found]) -> None:
    """Keep anomalies, or what became of them; what people say of them stays as it is."""
    for one in found:
        known = find_anomaly(unit, one.tenant_id, one.id)
        kept = one if known is None else known
        row = asdict(one)
        row |= {"labels": dict(one.labels), "mark": kept.mark.value}
        row |= {name: getattr(kept, name) for name in ("who", "who_name", "marked_ms")}
        unit.upsert(anomalies, [row])


def find_anomaly(unit: Unit, tenant_id: str, name: str) -> Found | None:
    """Return an anomaly; None where there is none."""
    row = unit.row(select(*_COLUMNS).where(anomalies.c.tenant_id == tenant_id, anomalies.c.id == name))
    return None if row is None else _found(row)


def get_anomaly(unit: Unit, tenant_id: str, name: str) -> Found:
    """Return an anomaly. Raises PharosError(MISSING)."""
    found = find_anomaly(unit, tenant_id, name)
    if found is None:
        raise PharosError(Kind.MISSING, f"there is no anomaly {name[:80]!r}")
    return found


def list_anomalies(
    unit: Unit, tenant_id: str, *, since_ms: int = 0, until_ms: int | None = None, limit: int = 1000
) -> tuple[Found, ...]:
    """Return a tenant's anomalies that were going on within a time, the latest first."""
    statement = select(*_COLUMNS).where(
        anomalies.c.tenant_id == tenant_id,
        or_(anomalies.c.end_ms == 0, anomalies.c.end_ms >= since_ms),
    )
    if until_ms is not None:
        statement = statement.where(anomalies.c.start_ms <= until_ms)
    newest = anomalies.c.start_ms.desc(), anomalies.c.id
    return tuple(_found(row) for row in unit.rows(statement.order_by(*newest).limit(limit)))


def marked_abnormal(unit: Unit, tenant_id: str, since_ms: int) -> tuple[Found, ...]:
    """Return those that are over and of which nothing is to be learned, since a time."""
    statement = select(*_COLUMNS).where(
        anomalies.c.tenant_id == tenant_id,
        anomalies.c.mark == Mark.ABNORMAL.value,
        anomalies.c.end_ms >= since_ms,
    )
    return tuple(_found(row) for row in unit.rows(statement.order_by(anomalies.c.start_ms)))


def open_anomalies(unit: Unit) -> tuple[Found, ...]:
    """Return the anomalies of all tenants that are not over."""
    statement = (
        select(*_COLUMNS).where(anomalies.c.end_ms == 0).order_by(anomalies.c.tenant_id, anomalies.c.id)
    )
    return tuple(_found(row) for row in unit.rows(statement))


def mark_anomaly(unit: Writing, tenant_id: str, name: str, mark: Mark) -> Found:
    """Say what an anomaly is. Raises PharosError(MISSING)."""
    before = get_anomaly(unit, tenant_id, name)
    if before.mark is mark:
        return before
    says = {} if mark is Mark.NONE else {"who": unit.author.who, "who_name": unit.author.name}
    values = {"mark": mark.value, "who": "", "who_name": "", **says, "marked_ms": unit.now_ms}
    same = (anomalies.c.tenant_id == tenant_id, anomalies.c.id == name)
    unit.execute(update(anomalies).where(*same).values(**values))
    told = {"mark": before.mark.value}, {"mark": mark.value, "labels": dict(before.labels)}
    append(unit, Event("anomaly.mark", f"anomaly:{name}", tenant_id, *told))
    return get_anomaly(unit, tenant_id, name)


def drop_ended(unit: Writing, tenant_id: str, before_ms: int) -> int:
    """Forget what was over before a time, and all but the latest; return how many."""
    ended = (anomalies.c.tenant_id == tenant_id, anomalies.c.end_ms > 0)
    oldest = select(anomalies.c.start_ms).where(*ended).order_by(anomalies.c.start_ms.desc())
    past = unit.row(oldest.offset(MOST).limit(1))
    old = anomalies.c.end_ms < before_ms
    if past is not None:
        old = or_(old, anomalies.c.start_ms <= past[0])
    return unit.execute(delete(anomalies).where(*ended, old))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all of a tenant's; return how many."""
    return unit.execute(delete(anomalies).where(anomalies.c.tenant_id == tenant_id))
