"""The two databases: how each is opened, and how a transaction begins and ends."""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from pharos.errors import Kind, PharosError
from pharos.secret import Secret
from pharos.state.faults import fault_of

_LOG = logging.getLogger(__name__)

Address = Path | Secret
"""A file of SQLite, or the address of a PostgreSQL: `postgresql://user:password@host:port/database`."""

NEWEST: Final = "0009"
"""The newest migration that is shipped; a test compares it with the folder."""

_CONNECTIONS: Final = 4
_BUSY_MS: Final = 10_000
_STATEMENT_MS: Final = 15_000
_LOCK_MS: Final = 10_000
_IDLE_MS: Final = 20_000
_CONNECT_S: Final = 5
_WRITES: Final = "pharos_writes"
_MIGRATION_LOCK: Final = 0x7068_6172_6F73
"""Of PostgreSQL's advisory locks: one process migrates at a time."""


class Migrations(Struct, frozen=True):
    """The functions of `migrate`."""

    shipped: Callable[[], tuple[str, ...]]
    upgrade: Callable[..., None]


class Database:
    """One database, reached by a pool of connections; `where` names it, without any password."""

    def __init__(self, engine: Engine, where: str) -> None:
        self.engine = engine
        self.where = where

    @property
    def is_shared(self) -> bool:
        """Return whether other processes may change it too."""
        return self.engine.dialect.name == "postgresql"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of everything."""
        with self.engine.connect() as connection:
            if self.is_shared:
                connection = connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection whose transaction is committed, durably, when the block ends well."""
        with self.engine.connect() as connection, connection.execution_options(**{_WRITES: True}).begin():
            yield connection

    def migrate(self, now_ms: int) -> None:
        """Bring the tables to what this version knows; `now_ms` is the time.

        Raises PharosError: UNSUPPORTED when a newer Pharos wrote them; SQLAlchemyError when it is away.
        """
        with self.engine.connect() as connection, connection.begin():
            found = _version(connection)
        if found == NEWEST:
            return
        with self.writing() as connection:
            if self.is_shared:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            migrations().upgrade(connection, self.where, now_ms)
        _LOG.info("the tables of %s are at migration %s", self.where, NEWEST)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def migrations() -> Migrations:
    """Return what runs migrations.

    Alembic takes a fifth of a second and 13 MB, and is needed once per new version.
    """
    module = importlib.import_module("pharos.state.migrate")  # noqa: TID251 - loaded when it is needed
    return Migrations(module.shipped, module.upgrade)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def open_database(address: Address) -> Database:
    """Return the database at an address; nothing is connected yet.

    Raises PharosError: INVALID when the address is none, UNAVAILABLE when the file cannot be made.
    """
    return _open_file(address) if isinstance(address, Path) else _open_server(address)


# -- SQLite --


def _open_file(path: Path) -> Database:
    try:
        # Only its owner reads it; the files beside it take that over.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot use {path}: {exc.strerror}") from exc
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=_CONNECTIONS,
        max_overflow=0,
        connect_args={"timeout": _BUSY_MS / 1000, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_file)
    event.listen(engine, "begin", _begin_file)
    return Database(engine, str(path))


def _prepare_file(connection: Any, _: object) -> None:
    # The driver would begin transactions by itself, later than they are to begin.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_file(connection: Connection) -> None:
    # Who is to write takes the lock at once: a reader that becomes a writer may find that others wrote.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


# -- PostgreSQL --


def _open_server(address: Secret) -> Database:
    hint = "write it as postgresql://user:password@host:5432/database"
    try:
        url = make_url(address.reveal())
    except (ArgumentError, ValueError):
        # Without the first error, which shows the address.
        raise PharosError(Kind.INVALID, "state: not an address of a PostgreSQL", hint=hint) from None
    if url.drivername not in {"postgresql", "postgres"}:
        raise PharosError(Kind.INVALID, f"state: not a PostgreSQL: {url.drivername}", hint=hint)
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=_CONNECTIONS,
        max_overflow=0,
        pool_timeout=_CONNECT_S,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            "connect_timeout": _CONNECT_S,
            "application_name": "pharos",
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": _STATEMENT_MS,
            # A pooler between may give each transaction to another connection.
            "prepare_threshold": None,
        },
    )
    event.listen(engine, "connect", _prepare_server)
    where = url.set(password=None).render_as_string()
    return Database(engine, f"the PostgreSQL {where}")


def _prepare_server(connection: Any, _: object) -> None:
    settings = {
        "statement_timeout": _STATEMENT_MS,
        "lock_timeout": _LOCK_MS,
        "idle_in_transaction_session_timeout": _IDLE_MS,
    }
    with connection.cursor() as cursor:
        for name, value in settings.items():
            cursor.execute("SELECT set_config(%s, %s, false)", (name, str(value)))
        # What is acknowledged is on the disk; who asked for more than that keeps it.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false)"
            " WHERE current_setting('synchronous_commit') = 'off'"
        )
    connection.commit()


def fault(database: Database, error: SQLAlchemyError) -> PharosError:
    """Return what the database's driver raised as an error of Pharos."""
    return fault_of(error, database.where)
