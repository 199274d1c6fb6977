"""Snapshots of the store: parts frozen by hard links, and parts attached to an empty store.

A part is immutable once written, so freezing costs no space and no pause. ClickHouse puts frozen parts into
`shadow/NAME/store/XXX/UUID/` and attaches what lies in a table's `detached/` (ALTER TABLE ... FREEZE, ATTACH
PART).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pharos.engine import Controlled, Snapshot
from pharos.engine.sql import fixed, identifier, select_everywhere, string
from pharos.errors import Kind, PharosError

_MIGRATIONS: Final = "schema_migrations"
_LAST: Final = "series"
"""Frozen after the rest: series are stored before their samples, so no frozen sample lacks its series."""
_FROZEN_AS: Final = "pharos"
"""The engine would escape anything but letters, digits and underscores."""


def _tables(session: Controlled) -> dict[str, Path]:
    """Return the folder of every table that holds telemetry, in the order in which they are frozen."""
    rows: list[dict[str, Any]] = session.query(
        fixed(
            "SELECT name, data_paths[1] AS path FROM system.tables"
            " WHERE database = currentDatabase() AND endsWith(engine, 'MergeTree') ORDER BY name"
        ),
        purpose="snapshot",
    ).to_pylist()
    found = {row["name"]: Path(row["path"]) for row in rows if row["name"] != _MIGRATIONS}
    return dict(sorted(found.items(), key=lambda item: item[0] == _LAST))


def schema_number(session: Controlled) -> int:
    """Return the number of the newest migration that the store has seen."""
    rows = session.query(select_everywhere("max(number) AS n", _MIGRATIONS), purpose="snapshot")
    return int(rows["n"][0].as_py())


def freeze(session: Controlled, folder: Path) -> Snapshot:
    """Link every part of every table to `folder/TABLE/PART`; see `Engine.snapshot`."""
    rows: dict[str, int] = {}
    for table, path in _tables(session).items():
        # path is .../store/XXX/UUID/
        shadow = path.parents[2] / "shadow"
        # What a crash may have left; nobody else freezes.
        shutil.rmtree(shadow, ignore_errors=True)
        session.execute(f"ALTER TABLE {identifier(table)} FREEZE WITH NAME {string(_FROZEN_AS)}")
        (folder / table).mkdir(parents=True)
        parts = shadow / _FROZEN_AS / path.relative_to(path.parents[2])
        if parts.is_dir():
            for part in sorted(parts.iterdir()):
                part.rename(folder / table / part.name)
            parts.rmdir()
        rows[table] = sum(rows_of_part(part) for part in (folder / table).iterdir())
        left = [str(part) for part in shadow.glob(f"{_FROZEN_AS}/store/*/*/*")]
        if left:
            raise PharosError(
                Kind.BUG, f"the engine froze parts of {table} where none were expected: {left[:3]}"
            )
    shutil.rmtree(shadow, ignore_errors=True)
    return Snapshot(schema_number(session), rows)


def rows_of_part(part: Path) -> int:
    """Return how many rows a part's folder holds. Raises PharosError(INVALID) when it does not say."""
    try:
        return int((part / "count.txt").read_text())
    except (OSError, ValueError) as exc:
        raise PharosError(Kind.INVALID, f"{part} does not say how many rows it holds: {exc}") from exc


def attach(session: Controlled, source: Path, parts: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Copy parts into the tables' detached folders and attach them; see `Engine.restore`.

    Merges are stopped before, so that the numbers are those of the parts; opening the store again resumes
    them.
    """
    folders = {table: path / "detached" for table, path in _tables(session).items()}
    for table, names in parts.items():
        for part in names:
            _copy_part(source / table / part, folders[table] / part)
    session.execute("SYSTEM STOP MERGES")
    rows: dict[str, int] = {}
    for table, names in parts.items():
        quoted = identifier(table)
        for part in names:
            session.execute(f"ALTER TABLE {quoted} ATTACH PART {string(part)}")
        counted = session.query(select_everywhere("count() AS n", table), purpose="restore")
        rows[table] = int(counted["n"][0].as_py())
    return rows


def _copy_part(source: Path, target: Path) -> None:
    """Copy the files of a part to the medium."""
    shutil.copytree(source, target)
    for path in [*target.rglob("*"), target]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
