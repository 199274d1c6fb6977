"""The alerts of rules as they stand, so that none is forgotten over a restart, nor begins anew."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Table, delete, select

from pharos.labels import Labels
from pharos.state.tables import METADATA, Document, Words
from pharos.state.unit import Unit, Writing

rule_alerts: Final = Table(
    "rule_alerts",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("rule_group", Words, primary_key=True),
    Column("rule", Words, primary_key=True),
    Column("fingerprint", Words, primary_key=True),
    Column("labels", Document, nullable=False),
    Column("annotations", Document, nullable=False),
    Column("state", Words, nullable=False),
    Column("value", Words, nullable=False),
    Column("active_ms", BigInteger, nullable=False),
    Column("fired_ms", BigInteger, nullable=False),
    Column("resolved_ms", BigInteger, nullable=False),
    Column("gone_ms", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


class Key(Struct, frozen=True):
    """Which alert of which rule."""

    tenant_id: str
    rule_group: str
    """File and name."""
    rule: str
    """What tells the rule from others of its group."""
    fingerprint: str


class Row(Struct, frozen=True):
    """An alert of a rule; times are milliseconds since the epoch, 0 stands for never."""

    labels: Labels
    annotations: Labels
    state: str
    value: str
    active_ms: int
    fired_ms: int
    resolved_ms: int
    gone_ms: int
    at_ms: int
    """When it became so."""


_ROW: Final = tuple(rule_alerts.c[name] for name in Row.__struct_fields__)
_KEY: Final = tuple(rule_alerts.c[name] for name in Key.__struct_fields__)


def put(unit: Writing, rows: Iterable[tuple[Key, Row]]) -> None:
    """Keep alerts, each in place of what was kept of it."""
    unit.upsert(rule_alerts, [{**asdict(key), **_plain(row)} for key, row in rows])


def _plain(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in Row.__struct_fields__}


def drop(unit: Writing, keys: Iterable[Key]) -> None:
    """Forget alerts; what is not there need not be."""
    for key in keys:
        where = [rule_alerts.c[name] == getattr(key, name) for name in Key.__struct_fields__]
        unit.execute(delete(rule_alerts).where(*where))


def of_group(unit: Unit, tenant_id: str, rule_group: str) -> tuple[tuple[Key, Row], ...]:
    """Return the alerts of a group of rules."""
    where = (rule_alerts.c.tenant_id == tenant_id, rule_alerts.c.rule_group == rule_group)
    return _read(unit, *where)


def of_all(unit: Unit) -> tuple[tuple[Key, Row], ...]:
    """Return the alerts of all groups of all tenants."""
    return _read(unit)


def _read(unit: Unit, *where: object) -> tuple[tuple[Key, Row], ...]:
    statement = select(*_KEY, *_ROW).where(*where).order_by(*_KEY)  # type: ignore[arg-type]
    return tuple(
        (Key(*row[:4]), Row(_pairs(row[4]), _pairs(row[5]), *row[6:])) for row in unit.rows(statement)
    )


def _pairs(found: list[list[str]]) -> Labels:
    return tuple((name, value) for name, value in found)


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Forget the alerts of a tenant; return how many."""
    return unit.execute(delete(rule_alerts).where(rule_alerts.c.tenant_id == tenant_id))
