"""What tenants used, by hour: samples received, queries, bytes; whatever is counted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Column, Index, Table, delete, select

from pharos.state.tables import METADATA, Words
from pharos.state.unit import Unit, Writing

HOUR_MS: Final = 3_600_000

usage: Final = Table(
    "usage",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("hour_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("measure", Words, primary_key=True),
    Column("token_id", Words, primary_key=True),
    Column("metric", Words, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Index(None, "hour_ms"),
)


class Used(Struct, frozen=True):
    """How much of something was used in an hour."""

    tenant_id: str
    """Any tenant that sent or asked something, whether it was ever made or not."""
    hour_ms: int
    """When the hour began."""
    measure: str
    """What is counted, such as `samples`."""
    token_id: str = ""
    """By which token; empty for none, or for all."""
    metric: str = ""
    """Of which metric; empty for none, or for all."""
    amount: int = 0


def add_usage(unit: Writing, used: Iterable[Used]) -> None:
    """Add amounts to what is there already; nothing is audited, and nobody is told."""
    unit.put(usage, map(asdict, used), lambda new: {"amount": usage.c.amount + new["amount"]})


def list_usage(unit: Unit, tenant_id: str, since_ms: int, until_ms: int) -> tuple[Used, ...]:
    """Return what a tenant used in the hours that began from `since_ms` to before `until_ms`, by hour."""
    within = (usage.c.tenant_id == tenant_id, usage.c.hour_ms >= since_ms, usage.c.hour_ms < until_ms)
    order = (usage.c.hour_ms, usage.c.measure, usage.c.token_id, usage.c.metric)
    return tuple(Used(*row) for row in unit.rows(select(usage).where(*within).order_by(*order)))


def drop_usage(unit: Writing, *, before_ms: int | None = None, tenant_id: str | None = None) -> int:
    """Take away what was used in hours that began before a time, or by a tenant; return how many rows."""
    statement = delete(usage)
    if before_ms is not None:
        statement = statement.where(usage.c.hour_ms < before_ms)
    if tenant_id is not None:
        statement = statement.where(usage.c.tenant_id == tenant_id)
    return unit.execute(statement)
