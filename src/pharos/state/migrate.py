"""Migrations: numbered steps that bring the tables of an older version to what this one knows.

Alembic runs them, in the one transaction that its caller began: a step that fails, or a process that is
killed in it, leaves the tables as they were.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from pharos.errors import Kind, PharosError

_FOLDER: Final = Path(__file__).parent / "migrations"


def shipped() -> tuple[str, ...]:
    """Return the names of all migrations, the oldest first."""
    scripts = ScriptDirectory(str(_FOLDER))
    return tuple(reversed([script.revision for script in scripts.walk_revisions()]))


def upgrade(connection: Connection, where: str, now_ms: int, to: str = "head") -> None:
    """Run what is missing, up to the migration `to`; `where` names the database, `now_ms` is the time.

    Raises PharosError(UNSUPPORTED) when a newer version wrote the tables: there is no way back.
    """
    found = MigrationContext.configure(connection).get_current_revision()
    known = shipped()
    if found is not None and found not in known:
        raise PharosError(
            Kind.UNSUPPORTED,
            f"{where} was written by a newer Pharos: it is at migration {found}, this one knows {known[-1]}",
            hint="start the newer version, or restore a backup that this one took",
        )
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes.update(connection=connection, now_ms=now_ms)
    command.upgrade(config, to)
