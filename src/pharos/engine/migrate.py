"""Numbered migrations: each `schema/NNNN_name.sql` runs once, in order."""

from __future__ import annotations

import importlib.resources
import re
from typing import Final

from pharos.engine import Controlled
from pharos.engine.sql import fixed, insert
from pharos.errors import Kind, PharosError

_DURABLE: Final = (
    "ttl_only_drop_parts=1, non_replicated_deduplication_window=10000, fsync_after_insert=1, "
    "fsync_part_directory=1, old_parts_lifetime=480, min_rows_to_fsync_after_merge=1"
)
_COMMENT: Final = re.compile(r"^\s*--.*$", re.MULTILINE)


def shipped() -> list[tuple[int, str, str]]:
    """Return the migrations of this version as (number, name, SQL text), in order."""
    folder = importlib.resources.files("pharos.engine") / "schema"
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(int(name[:4]), name, (folder / name).read_text()) for name in found]


def migrate(session: Controlled, last: int | None = None) -> None:
    """Bring the tables up to this version, or only up to migration `last`.

    Raises PharosError(UNAVAILABLE) when the store was written by a newer version. A statement that was
    already carried out before a crash is repeated harmlessly: every one is written with IF NOT EXISTS.
    """
    session.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations (number UInt16, name String) "
        "ENGINE = MergeTree ORDER BY number SETTINGS fsync_after_insert=1"
    )
    rows = session.query(fixed("SELECT max(number) AS n FROM schema_migrations"), purpose="migrate")
    done = int(rows["n"][0].as_py())
    migrations = shipped()
    newest = migrations[-1][0]
    if done > newest:
        raise PharosError(
            Kind.UNAVAILABLE,
            f"the store is at schema {done}, this version of Pharos knows only {newest}",
            hint="start the newer version, or restore a backup",
        )
    for number, name, text in migrations:
        if number <= done or number > (newest if last is None else last):
            continue
        for statement in _COMMENT.sub("", text).split(";"):
            if statement.strip():
                session.execute(
                    statement.replace("{durable}", _DURABLE).replace(
                        "CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1
                    )
                )
        session.execute(insert("schema_migrations", number, name).text)
