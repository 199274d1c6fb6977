"""Copies of people's state: all rows of all tables as one file, from either database and back to either.

The first line says at which migration the tables are, every further one is a row: its table, and its columns
as they are stored. The last line says how many there were.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from sqlalchemy import Boolean, Connection, Table, column, delete, insert, inspect, select, table, text
from sqlalchemy.exc import SQLAlchemyError

from pharos.errors import Kind, PharosError
from pharos.state import (
    accounts,
    acknowledgements,
    actions,
    alerts,
    anomalies,
    dashboard_folders,
    dashboard_shares,
    dashboards,
    documents,
    escalations,
    flow_controls,
    followers,
    health,
    heartbeats,
    oncall,
    outbox,
    proposals,
    protections,
    roles,
    rule_alerts,
    rule_leases,
    sessions,
    silences,
    tenants,
    timeline,
    tokens,
    usage,
)
from pharos.state.audit import audit_head
from pharos.state.database import NEWEST, Address, Database, fault, migrations, open_database
from pharos.state.tables import METADATA
from pharos.state.unit import Unit

_LOG = logging.getLogger(__name__)

_FORMAT: Final = 1
_LINE_MAX_BYTES: Final = 16 << 20
_BATCH: Final = 500
FAMILIES: Final = (
    accounts,
    acknowledgements,
    actions,
    alerts,
    anomalies,
    dashboard_folders,
    dashboard_shares,
    dashboards,
    documents,
    escalations,
    flow_controls,
    followers,
    health,
    heartbeats,
    oncall,
    outbox,
    proposals,
    protections,
    roles,
    rule_alerts,
    rule_leases,
    sessions,
    silences,
    tenants,
    timeline,
    tokens,
    usage,
)
"""Whose tables are copied, beside those of the log: each module registers its own when it is loaded."""
_MADE_BY_MIGRATIONS: Final = (tenants.tenants.name, audit_head.name)
"""Which have rows before anything is put in."""


def write_copy(unit: Unit, path: Path) -> dict[str, int]:
    """Write all that the unit sees to a new file, durably; return the rows by table.

    Raises PharosError(UNAVAILABLE) when the medium refuses.
    """
    rows: dict[str, int] = {}
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps({"format": _FORMAT, "migration": NEWEST}) + b"\n")
            for one in METADATA.sorted_tables:
                count = 0
                for line in _lines(unit, one):
                    file.write(line)
                    count += 1
                rows[str(one.name)] = count
            file.write(orjson.dumps({"rows": rows}) + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot write {path}: {exc.strerror}") from exc
    return rows


def _lines(unit: Unit, one: Table) -> Iterator[bytes]:
    names = [str(found.name) for found in one.c]
    flags = [name for name in names if isinstance(one.c[name].type, Boolean)]
    # By name alone, so that columns come as they are stored.
    stored = table(one.name, *map(column, names))
    for row in unit.stream(select(stored).order_by(*(stored.c[key.name] for key in one.primary_key))):
        values = dict(zip(names, row, strict=True))
        values |= {name: bool(values[name]) for name in flags}
        yield orjson.dumps([str(one.name), values]) + b"\n"


def check_copy(path: Path) -> dict[str, int]:
    """Return the rows by table of a copy that this version can put back.

    Raises PharosError: INVALID when it is not whole, UNSUPPORTED when a newer version wrote it.
    """
    _read_first(path)
    rows: dict[str, int] = {}
    for name, _ in _rows(path):
        rows[name] = rows.get(name, 0) + 1
    return rows


def restore_copy(path: Path, address: Address, now_ms: int) -> None:
    """Fill an empty database from a copy, all of it or nothing; what was restored before is left as it is.

    Raises PharosError: DENIED when the database holds anything else, UNAVAILABLE when it cannot be used, and
    what `check_copy` raises.
    """
    migration = _read_first(path)
    database = open_database(address)
    try:
        with database.writing() as connection:
            if inspect(connection).has_table("alembic_version"):
                _require_same(connection, database, path)
                return
            migrations().upgrade(connection, database.where, now_ms, migration)
            _fill(connection, path)
            migrations().upgrade(connection, database.where, now_ms)
    except SQLAlchemyError as exc:
        raise fault(database, exc) from exc
    finally:
        database.close()


def _read_first(path: Path) -> str:
    """Return the migration at which the tables of a copy are."""
    try:
        with path.open("rb") as file:
            first = orjson.loads(file.readline(_LINE_MAX_BYTES))
        found, migration = first["format"], str(first["migration"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as exc:
        raise PharosError(Kind.INVALID, f"{path} is no copy of people's state") from exc
    if found != _FORMAT or migration not in migrations().shipped():
        raise PharosError(
            Kind.UNSUPPORTED,
            f"{path} is of a newer Pharos: it is at migration {migration}, this one knows {NEWEST}",
            hint="restore it with the version that wrote it, or a newer one",
        )
    return migration


def _rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (table, columns). Raises PharosError(INVALID) where that is not what was written."""
    counted: dict[str, int] = {}
    with path.open("rb") as file:
        file.readline(_LINE_MAX_BYTES)
        while line := file.readline(_LINE_MAX_BYTES):
            try:
                document = orjson.loads(line)
            except orjson.JSONDecodeError as exc:
                raise PharosError(Kind.INVALID, f"{path} is damaged behind {counted}") from exc
            if isinstance(document, dict):
                if {name: rows for name, rows in document.get("rows", {}).items() if rows} != counted:
                    raise PharosError(Kind.INVALID, f"{path} holds other rows than it says")
                return
            name, values = document
            counted[name] = counted.get(name, 0) + 1
            yield name, values
    raise PharosError(Kind.INVALID, f"{path} is not whole: its end is missing")


def _fill(connection: Connection, path: Path) -> None:
    for name in _MADE_BY_MIGRATIONS:
        connection.execute(delete(table(name)))
    batch: list[Mapping[str, Any]] = []
    of = ""
    for name, values in _rows(path):
        if batch and (name != of or len(batch) == _BATCH):
            _put(connection, of, batch)
            batch = []
        of = name
        batch.append(values)
    if batch:
        _put(connection, of, batch)


def _put(connection: Connection, name: str, batch: list[Mapping[str, Any]]) -> None:
    connection.execute(insert(table(name, *map(column, batch[0]))), [dict(row) for row in batch])


def _require_same(connection: Connection, database: Database, path: Path) -> None:
    """Raise PharosError(DENIED) unless the database holds what the copy does."""
    wanted = next((values for name, values in _rows(path) if name == audit_head.name), {})
    found = connection.execute(text("SELECT number, hash FROM audit_head")).one()
    if (found.number, found.hash) != (wanted.get("number"), wanted.get("hash")):
        raise PharosError(
            Kind.DENIED,
            f"{database.where} is not empty, and nothing is ever overwritten",
            hint="name an empty database",
        )
    _LOG.warning("%s holds what was to be restored already", database.where)
