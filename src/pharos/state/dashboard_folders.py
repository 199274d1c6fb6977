"""Folders of dashboards, and who may see and change what lies in them.

A folder without entries of its own is as the one around it; where none says anything, everybody may do what
their role allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Table, delete, insert, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.dashboards import dashboards, drop_dashboard, list_dashboards
from pharos.state.tables import METADATA, Family, Words, require_name, tenant_reference
from pharos.state.tenants import require_living
from pharos.state.unit import Unit, Writing

dashboard_folders: Final = Table(
    "dashboard_folders",
    METADATA,
    tenant_reference(primary_key=True),
    Column("uid", Words, primary_key=True),
    Column("title", Words, nullable=False),
    Column("parent", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
)
dashboard_permissions: Final = Table(
    "dashboard_permissions",
    METADATA,
    tenant_reference(primary_key=True),
    Column("folder", Words, primary_key=True),
    Column("subject", Words, primary_key=True),
    Column("permission", Words, nullable=False),
)

MOST_FOLDERS: Final = 1000
"""That a tenant can have."""
DEEPEST: Final = 4
"""So many folders lie in one another at most."""
MOST_ENTRIES: Final = 100


class Allowed(StrEnum):
    """What an entry allows; each allows what stands before it too."""

    VIEW = "view"
    EDIT = "edit"
    MANAGE = "manage"


class Folder(Struct, frozen=True):
    """A folder."""

    tenant_id: str
    uid: str
    title: str
    parent: str
    """The uid of the folder around it; empty for none."""
    created_ms: int


class Entry(Struct, frozen=True):
    """Who may do what in a folder."""

    subject: str
    """`role:NAME`, `user:ID`, `token:ID` or `everyone`."""
    permission: Allowed


_FOLDER: Final = tuple(dashboard_folders.c)


def _same(tenant_id: str, uid: str) -> tuple[Any, ...]:
    return dashboard_folders.c.tenant_id == tenant_id, dashboard_folders.c.uid == uid


def list_folders(unit: Unit, tenant_id: str) -> tuple[Folder, ...]:
    """Return the folders of a tenant, by title."""
    statement = select(*_FOLDER).where(dashboard_folders.c.tenant_id == tenant_id)
    rows = unit.rows(statement.order_by(dashboard_folders.c.title, dashboard_folders.c.uid))
    return tuple(Folder(*row) for row in rows)


def get_folder(unit: Unit, tenant_id: str, uid: str) -> Folder:
    """Return a folder. Raises PharosError(MISSING)."""
    found = unit.the_row(select(*_FOLDER).where(*_same(tenant_id, uid)), f"folder {uid[:80]!r}")
    return Folder(*found)


def put_folder(unit: Writing, tenant_id: str, uid: str, title: str, parent: str, *, is_new: bool) -> Folder:
    """Make a folder, or name or place it anew; return it.

    Raises PharosError: CONFLICT when a new one is there already, MISSING for another that is not or whose
    parent is not, INVALID for one that would lie in itself or too deep, LIMITED for too many.
    """
    require_living(unit, tenant_id)
    title = require_name(title, "folder", 190)
    known = {one.uid: one for one in list_folders(unit, tenant_id)}
    if is_new and uid in known:
        raise PharosError(Kind.CONFLICT, f"there is a folder {uid!r} already", hint="choose another uid")
    if not is_new and uid not in known:
        raise PharosError(Kind.MISSING, f"there is no folder {uid[:80]!r}")
    if is_new and len(known) >= MOST_FOLDERS:
        raise PharosError(Kind.LIMITED, f"a tenant has {MOST_FOLDERS} folders at most")
    _require_place(known, uid, parent)
    if is_new:
        unit.execute(
            insert(dashboard_folders).values(
                tenant_id=tenant_id, uid=uid, title=title, parent=parent, created_ms=unit.now_ms
            )
        )
    else:
        values = {"title": title, "parent": parent}
        unit.execute(update(dashboard_folders).where(*_same(tenant_id, uid)).values(values))
    before = None if is_new else {"title": known[uid].title, "parent": known[uid].parent}
    after = {"title": title, "parent": parent}
    append(unit, Event("folder.save", f"folder:{uid}", tenant_id, before, after))
    unit.changed(Family.DASHBOARDS)
    return get_folder(unit, tenant_id, uid)


def _require_place(known: dict[str, Folder], uid: str, parent: str) -> None:
    """Raise PharosError for a parent that is not there, lies in the folder, or too deep."""
    at, depth = parent, 1
    while at:
        if at == uid:
            raise PharosError(Kind.INVALID, f"the folder {uid!r} cannot lie in itself")
        if at not in known:
            raise PharosError(Kind.MISSING, f"there is no folder {at[:80]!r}")
        at, depth = known[at].parent, depth + 1
    if depth > DEEPEST:
        raise PharosError(Kind.INVALID, f"folders lie in one another {DEEPEST} deep at most")


def drop_folder(unit: Writing, tenant_id: str, uid: str, *, force: bool = False) -> int:
    """Take a folder away, with `force` those in it and their dashboards too; return how many dashboards.

    Raises PharosError: MISSING, CONFLICT for one that is not empty.
    """
    folder = get_folder(unit, tenant_id, uid)
    inner = [one.uid for one in list_folders(unit, tenant_id) if one.parent == uid]
    lying = [one.uid for one in list_dashboards(unit, tenant_id) if one.folder == uid]
    if (inner or lying) and not force:
        raise PharosError(
            Kind.CONFLICT,
            f"the folder {folder.title!r} holds {len(lying)} dashboards and {len(inner)} folders",
            hint="move them, or delete it with force=true",
        )
    gone = sum(drop_folder(unit, tenant_id, one, force=True) for one in inner)
    for one in lying:
        drop_dashboard(unit, tenant_id, one)
    # Those that were taken away come back into no folder.
    same = dashboards.c.tenant_id == tenant_id, dashboards.c.folder == uid
    unit.execute(update(dashboards).where(*same).values(folder=""))
    set_entries(unit, tenant_id, uid, ())
    unit.execute(delete(dashboard_folders).where(*_same(tenant_id, uid)))
    append(unit, Event("folder.delete", f"folder:{uid}", tenant_id, {"title": folder.title}))
    unit.changed(Family.DASHBOARDS)
    return gone + len(lying)


def all_entries(unit: Unit, tenant_id: str) -> dict[str, tuple[Entry, ...]]:
    """Return the entries of a tenant's folders, by folder."""
    table = dashboard_permissions.c
    statement = select(table.folder, table.subject, table.permission).where(table.tenant_id == tenant_id)
    found: dict[str, list[Entry]] = {}
    for folder, subject, permission in unit.rows(statement.order_by(table.folder, table.subject)):
        found.setdefault(folder, []).append(Entry(subject, Allowed(permission)))
    return {folder: tuple(entries) for folder, entries in found.items()}


def set_entries(unit: Writing, tenant_id: str, uid: str, entries: Sequence[Entry]) -> None:
    """Say who may do what in a folder, in place of what was said. Raises PharosError: MISSING, INVALID."""
    get_folder(unit, tenant_id, uid)
    if len(entries) > MOST_ENTRIES or len({one.subject for one in entries}) != len(entries):
        message = f"a folder has at most {MOST_ENTRIES} entries, each of another subject"
        raise PharosError(Kind.INVALID, message)
    before = all_entries(unit, tenant_id).get(uid, ())
    if set(before) == set(entries):
        return
    table = dashboard_permissions
    unit.execute(delete(table).where(table.c.tenant_id == tenant_id, table.c.folder == uid))
    unit.insert_all(
        table,
        [
            {
                "tenant_id": tenant_id,
                "folder": uid,
                "subject": one.subject,
                "permission": one.permission.value,
            }
            for one in entries
        ],
    )
    append(unit, Event("folder.permit", f"folder:{uid}", tenant_id, _told(before), _told(entries)))
    unit.changed(Family.DASHBOARDS)


def _told(entries: Sequence[Entry]) -> dict[str, Any]:
    return {"entries": [f"{one.subject} {one.permission}" for one in entries]}


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all folders of a tenant; return how many there were."""
    unit.execute(delete(dashboard_permissions).where(dashboard_permissions.c.tenant_id == tenant_id))
    unit.changed(Family.DASHBOARDS)
    return unit.execute(delete(dashboard_folders).where(dashboard_folders.c.tenant_id == tenant_id))
