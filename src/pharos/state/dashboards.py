"""Dashboards: the JSON of each as it was saved, every version of it, and who saved it.

What stands in a dashboard is nobody's business here: its text is kept letter by letter, beside what lists
show of it. One that was taken away keeps its versions and can be brought back.
"""

from __future__ import annotations

from typing import Any, Final

import orjson
from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Table,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Family, Words, tenant_reference
from pharos.state.tenants import require_living
from pharos.state.unit import Found, Unit, Writing

dashboards: Final = Table(
    "dashboards",
    METADATA,
    tenant_reference(primary_key=True),
    Column("uid", Words, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("title", Words, nullable=False),
    Column("description", Words, nullable=False),
    Column("tags", Words, nullable=False),
    Column("folder", Words, nullable=False),
    Column("panels", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("created_name", Words, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("updated_name", Words, nullable=False),
    Column("deleted_ms", BigInteger, nullable=False),
    Index(None, "tenant_id", "number", unique=True),
)
dashboard_versions: Final = Table(
    "dashboard_versions",
    METADATA,
    tenant_reference(primary_key=True),
    Column("uid", Words, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("document", Words, nullable=False),
    Column("inputs", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("who_name", Words, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("restored_from", BigInteger, nullable=False),
    Column("is_deletion", Boolean, nullable=False),
)

MOST_DASHBOARDS: Final = 5000
"""That a tenant can have at a time."""
MOST_VERSIONS: Final = 200
"""Of a dashboard; older ones go."""


class Listed(Struct, frozen=True):
    """What lists show of a dashboard."""

    tenant_id: str
    uid: str
    number: int
    """What older clients call it by."""
    title: str
    description: str
    tags: tuple[str, ...]
    folder: str
    """The uid of its folder; empty for none."""
    panels: int
    version: int
    created_ms: int
    created_name: str
    updated_ms: int
    updated_name: str
    deleted_ms: int
    """When it was taken away; 0 if it is there."""


class Saved(Struct, frozen=True):
    """A version of a dashboard."""

    version: int
    document: str
    """Its JSON."""
    inputs: str
    """What was chosen for its inputs at the import: a JSON object."""
    message: str
    who: str
    who_name: str
    at_ms: int
    restored_from: int
    """Which version it brought back; 0 for none."""
    is_deletion: bool


class Draft(Struct, frozen=True):
    """A dashboard that is to be saved."""

    uid: str
    title: str
    document: str
    folder: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    panels: int = 0
    inputs: str = "{}"
    message: str = ""
    restored_from: int = 0


_LISTED: Final = tuple(dashboards.c)
_SAVED: Final = tuple(column for column in dashboard_versions.c if column.name not in {"tenant_id", "uid"})


def _listed(row: Found) -> Listed:
    tenant_id, uid, number, title, description, tags, *rest = row
    return Listed(tenant_id, uid, number, title, description, tuple(orjson.loads(tags)), *rest)


def save_dashboard(unit: Writing, tenant_id: str, draft: Draft, *, expected: int | None = None) -> Listed:
    """Save a dashboard as its next version; return what lists show of it.

    Raises PharosError: CONFLICT when `expected` is not the version that is there (0: none is), LIMITED for
    too many, MISSING for a tenant that is not there.
    """
    require_living(unit, tenant_id)
    before = find_dashboard(unit, tenant_id, draft.uid)
    is_at = 0 if before is None or before.deleted_ms else before.version
    if expected is not None and expected != is_at:
        raise conflict(draft.uid, is_at, expected)
    if before is None and count_dashboards(unit, tenant_id) >= MOST_DASHBOARDS:
        raise PharosError(Kind.LIMITED, f"a tenant has {MOST_DASHBOARDS} dashboards at most")
    shown: dict[str, Any] = {
        "title": draft.title,
        "description": draft.description,
        "tags": orjson.dumps(draft.tags).decode(),
        "folder": draft.folder,
        "panels": draft.panels,
        "version": 1 if before is None else before.version + 1,
        "updated_ms": unit.now_ms,
        "updated_name": unit.author.name or unit.author.who,
        "deleted_ms": 0,
    }
    if before is None:
        unit.execute(
            insert(dashboards).values(
                tenant_id=tenant_id,
                uid=draft.uid,
                number=_next_number(unit, tenant_id),
                created_ms=unit.now_ms,
                created_name=shown["updated_name"],
                **shown,
            )
        )
    else:
        unit.execute(update(dashboards).where(*_same(tenant_id, draft.uid)).values(shown))
    _keep(unit, tenant_id, draft, shown["version"])
    append(
        unit,
        Event(
            "dashboard.save",
            f"dashboard:{draft.uid}",
            tenant_id,
            None if before is None else _told(before),
            {"title": draft.title, "folder": draft.folder, "version": shown["version"]},
        ),
    )
    unit.changed(Family.DASHBOARDS)
    return get_dashboard(unit, tenant_id, draft.uid)


def conflict(uid: str, is_at: int, expected: int) -> PharosError:
    """Return the error of who wants to change another version than the one that is there."""
    if not expected:
        message = f"there is a dashboard {uid!r} already, at version {is_at}"
        return PharosError(Kind.CONFLICT, message, hint="overwrite it, or choose another uid")
    return PharosError(
        Kind.CONFLICT,
        f"the dashboard {uid!r} is at version {is_at}, not {expected}: somebody saved it meanwhile",
        hint="read it again",
    )


def _same(tenant_id: str, uid: str, table: Table = dashboards) -> tuple[Any, ...]:
    return table.c.tenant_id == tenant_id, table.c.uid == uid


def _told(listed: Listed) -> dict[str, Any]:
    return {"title": listed.title, "folder": listed.folder, "version": listed.version}


def _next_number(unit: Writing, tenant_id: str) -> int:
    found = unit.row(select(func.max(dashboards.c.number)).where(dashboards.c.tenant_id == tenant_id))
    return 1 if found is None or found[0] is None else int(found[0]) + 1


def _keep(unit: Writing, tenant_id: str, draft: Draft, version: int, *, is_deletion: bool = False) -> None:
    unit.execute(
        insert(dashboard_versions).values(
            tenant_id=tenant_id,
            uid=draft.uid,
            version=version,
            document=draft.document,
            inputs=draft.inputs,
            message=draft.message,
            who=unit.author.who,
            who_name=unit.author.name,
            at_ms=unit.now_ms,
            restored_from=draft.restored_from,
            is_deletion=is_deletion,
        )
    )
    kept = dashboard_versions.c.version > version - MOST_VERSIONS
    unit.execute(delete(dashboard_versions).where(*_same(tenant_id, draft.uid, dashboard_versions), ~kept))


def count_dashboards(unit: Unit, tenant_id: str) -> int:
    """Return how many dashboards a tenant has, those taken away too."""
    found = unit.row(select(func.count()).select_from(dashboards).where(dashboards.c.tenant_id == tenant_id))
    return 0 if found is None else int(found[0])


def list_dashboards(unit: Unit, tenant_id: str, *, deleted: bool = False) -> tuple[Listed, ...]:
    """Return what lists show of a tenant's dashboards, or of those taken away, by title."""
    gone = dashboards.c.deleted_ms > 0
    statement = select(*_LISTED).where(dashboards.c.tenant_id == tenant_id, gone if deleted else ~gone)
    return tuple(map(_listed, unit.rows(statement.order_by(dashboards.c.title, dashboards.c.uid))))


def find_dashboard(unit: Unit, tenant_id: str, uid: str) -> Listed | None:
    """Return what lists show of a dashboard, also of one that was taken away; None for none."""
    row = unit.row(select(*_LISTED).where(*_same(tenant_id, uid)))
    return None if row is None else _listed(row)


def get_dashboard(unit: Unit, tenant_id: str, uid: str) -> Listed:
    """Return what lists show of a dashboard that is there. Raises PharosError(MISSING)."""
    found = find_dashboard(unit, tenant_id, uid)
    if found is None or found.deleted_ms:
        raise PharosError(Kind.MISSING, f"there is no dashboard {uid[:80]!r}")
    return found


def dashboard_numbered(unit: Unit, tenant_id: str, number: int) -> Listed | None:
    """Return what lists show of the dashboard with a number; None for none."""
    row = unit.row(select(*_LISTED).where(dashboards.c.tenant_id == tenant_id, dashboards.c.number == number))
    return None if row is None else _listed(row)


def version_of(unit: Unit, tenant_id: str, uid: str, version: int) -> Saved:
    """Return a version of a dashboard. Raises PharosError(MISSING)."""
    same = _same(tenant_id, uid, dashboard_versions)
    statement = select(*_SAVED).where(*same, dashboard_versions.c.version == version)
    return Saved(*unit.the_row(statement, f"version {version} of the dashboard {uid[:80]!r}"))


def versions_of(unit: Unit, tenant_id: str, uid: str, limit: int = MOST_VERSIONS) -> tuple[Saved, ...]:
    """Return the versions of a dashboard without their JSON, the newest first."""
    columns = [column for column in _SAVED if column.name not in {"document", "inputs"}]
    statement = (
        select(columns[0], literal("").label("document"), literal("").label("inputs"), *columns[1:])
        .where(*_same(tenant_id, uid, dashboard_versions))
        .order_by(dashboard_versions.c.version.desc())
        .limit(limit)
    )
    return tuple(Saved(*row) for row in unit.rows(statement))


def drop_dashboard(unit: Writing, tenant_id: str, uid: str) -> Listed:
    """Take a dashboard away, its versions kept; return what it was. Raises PharosError(MISSING)."""
    before = get_dashboard(unit, tenant_id, uid)
    last = version_of(unit, tenant_id, uid, before.version)
    draft = Draft(uid, before.title, last.document, inputs=last.inputs)
    _keep(unit, tenant_id, draft, before.version + 1, is_deletion=True)
    unit.execute(
        update(dashboards)
        .where(*_same(tenant_id, uid))
        .values(version=before.version + 1, deleted_ms=unit.now_ms)
    )
    append(unit, Event("dashboard.delete", f"dashboard:{uid}", tenant_id, _told(before)))
    unit.changed(Family.DASHBOARDS)
    return before


def move_dashboard(unit: Writing, tenant_id: str, uid: str, folder: str) -> Listed:
    """Put a dashboard into another folder (empty: into none); return it. Raises PharosError(MISSING)."""
    before = get_dashboard(unit, tenant_id, uid)
    if before.folder == folder:
        return before
    unit.execute(update(dashboards).where(*_same(tenant_id, uid)).values(folder=folder))
    after = get_dashboard(unit, tenant_id, uid)
    append(unit, Event("dashboard.move", f"dashboard:{uid}", tenant_id, _told(before), _told(after)))
    unit.changed(Family.DASHBOARDS)
    return after


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all dashboards of a tenant, every version of them; return how many there were."""
    unit.execute(delete(dashboard_versions).where(dashboard_versions.c.tenant_id == tenant_id))
    unit.changed(Family.DASHBOARDS)
    return unit.execute(delete(dashboards).where(dashboards.c.tenant_id == tenant_id))
