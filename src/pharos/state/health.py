"""How checks of health stand, what they were day by day, when they changed, and where heartbeats come in.

What is kept here is measured and not said by anybody, so nothing of it is audited; the checks themselves are
documents. The secret part of a heartbeat's address is kept as its hash alone. How checks stand is numbered as
it is written, so that servers that share a database follow what another one of them finds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Index, Table, delete, func, select, tuple_

from pharos.state.tables import METADATA, Document, Words
from pharos.state.unit import Unit, Writing

health_states: Final = Table(
    "health_states",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("document", Document, nullable=False),
    Column("number", BigInteger, nullable=False),
    Index(None, "number"),
)
health_days: Final = Table(
    "health_days",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("up_ms", BigInteger, nullable=False),
    Column("down_ms", BigInteger, nullable=False),
)
health_changes: Final = Table(
    "health_changes",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("tenant_id", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("was", Words, nullable=False),
    Column("became", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Index(None, "tenant_id", "at_ms"),
    Index(None, "tenant_id", "name", "at_ms"),
    Index(None, "at_ms"),
)
health_addresses: Final = Table(
    "health_addresses",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("token_hash", Words, nullable=False),
    Index(None, "token_hash", unique=True),
)
_AT_ONCE: Final = 300
_TABLES: Final = (health_states, health_days, health_changes, health_addresses)


class StateRow(Struct, frozen=True):
    """How a check stands, as whoever watches it writes it down."""

    tenant_id: str
    name: str
    document: Mapping[str, Any]


class DayRow(Struct, frozen=True):
    """How long a check was up and down on a day, as far as that was measured."""

    tenant_id: str
    name: str
    day: int
    """Days since the epoch, in UTC."""
    up_ms: int
    down_ms: int


class ChangeRow(Struct, frozen=True):
    """That a check became something else."""

    tenant_id: str
    name: str
    at_ms: int
    was: str
    became: str
    reason: str


def put_states(unit: Writing, rows: Collection[StateRow]) -> None:
    """Write down how checks stand now; what a document does not name stays as it is kept."""
    if not rows:
        return
    known = states_of(unit, [(one.tenant_id, one.name) for one in rows])
    number = newest_number(unit) + 1
    unit.upsert(
        health_states,
        [
            {
                "tenant_id": one.tenant_id,
                "name": one.name,
                "document": {**known.get((one.tenant_id, one.name), {}), **one.document},
                "number": number,
            }
            for one in rows
        ],
    )


def states_of(unit: Unit, keys: Collection[tuple[str, str]]) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return what is kept of some checks, by tenant and name; nothing of those of which nothing is."""
    columns, wanted = health_states.c, sorted(set(keys))
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for at in range(0, len(wanted), _AT_ONCE):
        these = tuple_(columns.tenant_id, columns.name).in_(wanted[at : at + _AT_ONCE])
        rows = unit.rows(select(columns.tenant_id, columns.name, columns.document).where(these))
        found |= {(tenant_id, name): document for tenant_id, name, document in rows}
    return found


def newest_number(unit: Unit) -> int:
    """Return the number of what was written last of how checks stand, 0 without any."""
    found = unit.row(select(func.max(health_states.c.number)))
    return 0 if found is None or found[0] is None else int(found[0])


def states_after(unit: Unit, number: int) -> tuple[int, tuple[StateRow, ...]]:
    """Return how checks stand of which something was written since a number, and the newest number."""
    columns = health_states.c
    wanted = select(columns.tenant_id, columns.name, columns.document, columns.number)
    rows = unit.rows(wanted.where(columns.number > number))
    newest = max((row[3] for row in rows), default=number)
    return newest, tuple(StateRow(*row[:3]) for row in rows)


def put_days(unit: Writing, rows: Iterable[DayRow]) -> None:
    """Write down days, each in the place of what was known of it."""
    unit.upsert(
        health_days,
        [
            {
                "tenant_id": one.tenant_id,
                "name": one.name,
                "day": one.day,
                "up_ms": one.up_ms,
                "down_ms": one.down_ms,
            }
            for one in rows
        ],
    )


def append_changes(unit: Writing, rows: Iterable[ChangeRow]) -> None:
    """Write down changes."""
    unit.insert_all(
        health_changes,
        [
            {
                "id": unit.new_id(),
                "tenant_id": one.tenant_id,
                "name": one.name,
                "at_ms": one.at_ms,
                "was": one.was,
                "became": one.became,
                "reason": one.reason,
            }
            for one in rows
        ],
    )


def all_states(unit: Unit) -> tuple[StateRow, ...]:
    """Return how all checks stood last."""
    columns = health_states.c
    return tuple(
        StateRow(*row) for row in unit.rows(select(columns.tenant_id, columns.name, columns.document))
    )


def days_since(unit: Unit, day: int) -> tuple[DayRow, ...]:
    """Return the days of all checks from one day on."""
    statement = select(*health_days.c).where(health_days.c.day >= day)
    return tuple(DayRow(*row) for row in unit.rows(statement))


def list_changes(
    unit: Unit, tenant_id: str, *, name: str = "", before_ms: int = 1 << 62, limit: int = 100
) -> tuple[ChangeRow, ...]:
    """Return changes of a tenant's checks, or of one, the newest first."""
    columns = health_changes.c
    wanted = (columns.tenant_id, columns.name, columns.at_ms, columns.was, columns.became, columns.reason)
    statement = select(*wanted).where(columns.tenant_id == tenant_id, columns.at_ms < before_ms)
    if name:
        statement = statement.where(columns.name == name)
    ordered = statement.order_by(columns.at_ms.desc(), columns.id.desc()).limit(limit)
    return tuple(ChangeRow(*row) for row in unit.rows(ordered))


def forget_before(unit: Writing, at_ms: int, day: int) -> int:
    """Take away changes before a time, and days before a day; return how many rows."""
    return unit.execute(delete(health_changes).where(health_changes.c.at_ms < at_ms)) + unit.execute(
        delete(health_days).where(health_days.c.day < day)
    )


def put_address(unit: Writing, tenant_id: str, name: str, token_hash: str) -> None:
    """Let a heartbeat come in where a token of this hash is part of the address, and nowhere else."""
    unit.upsert(health_addresses, [{"tenant_id": tenant_id, "name": name, "token_hash": token_hash}])


def all_addresses(unit: Unit) -> dict[str, tuple[str, str]]:
    """Return whose heartbeats come in where: tenant and name by the token's hash."""
    columns = health_addresses.c
    rows = unit.rows(select(columns.token_hash, columns.tenant_id, columns.name))
    return {token_hash: (tenant_id, name) for token_hash, tenant_id, name in rows}


def drop_check(unit: Writing, tenant_id: str, name: str) -> None:
    """Forget how a check stood and where its heartbeats come in; its days and changes stay as history."""
    for table in (health_states, health_addresses):
        unit.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.name == name))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all of a tenant's; return how many rows."""
    return sum(unit.execute(delete(table).where(table.c.tenant_id == tenant_id)) for table in _TABLES)
