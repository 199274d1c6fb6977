"""Which dashboards there are, whoever made them, and what may be done with them by whom."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Identity, Scope
from pharos.dashboards.document import Brought, parse_text, require_uid, uid_of_title, unwrap, written
from pharos.dashboards.model import Model
from pharos.dashboards.provided import SHIPPED_FOLDER, Provided, ProvidedDashboards, count_panels
from pharos.dashboards.read import read_model
from pharos.dashboards.reading import Json
from pharos.dashboards.report import Report
from pharos.dashboards.rights import Rights, read_rights
from pharos.errors import Kind, PharosError
from pharos.state import Author, State, Unit, Writing
from pharos.state.dashboard_folders import (
    Entry,
    Folder,
    all_entries,
    drop_folder,
    get_folder,
    put_folder,
    set_entries,
)
from pharos.state.dashboards import (
    Draft,
    Listed,
    Saved,
    dashboard_numbered,
    drop_dashboard,
    find_dashboard,
    get_dashboard,
    list_dashboards,
    move_dashboard,
    save_dashboard,
    version_of,
    versions_of,
)

T = TypeVar("T")
_UID_DIGITS: Final = 14
_KEPT: Final = 16
"""So many dashboards are kept as they were read last: those that are looked at are asked again and again."""
AuthorOf = Callable[[Identity, str], Author]


@lru_cache(maxsize=_KEPT)
def _brought(said: str) -> Brought:
    return unwrap(parse_text(said))


@lru_cache(maxsize=_KEPT)
def _model_of(said: str, uid: str) -> tuple[Model, Report]:
    return read_model(_brought(said), uid)


class Summary(Struct, frozen=True):
    """What lists show of a dashboard."""

    uid: str
    title: str
    description: str
    tags: tuple[str, ...]
    folder: str
    folder_title: str
    source: str
    """`stored`, `file` or `shipped`."""
    file: str
    panels: int
    version: int
    number: int
    created_ms: int
    created_by: str
    updated_ms: int
    updated_by: str
    deleted_ms: int
    may_edit: bool


class Opened(Struct, frozen=True):
    """A dashboard, to be looked at."""

    summary: Summary
    brought: Brought
    text: str
    """Its JSON as it is kept."""
    inputs: Mapping[str, str]
    """What was chosen for its inputs."""
    message: str = ""
    version: int = 0
    """Which one this is."""

    def model(self) -> tuple[Model, Report]:
        """Return what it shows, and what is to be said of it."""
        model, report = _model_of(self.text, self.summary.uid)
        return replace(model, inputs={**model.inputs, **self.inputs}), report


class Wish(Struct, frozen=True):
    """A dashboard that somebody wants to save."""

    brought: Brought
    uid: str = ""
    """Under which uid; empty for its own, or a new one."""
    folder: str | None = None
    """None leaves it where it is."""
    message: str = ""
    expected: int | None = None
    """Which version is to be there: 0 for none, None for any."""
    inputs: Mapping[str, str] | None = None
    restored_from: int = 0


class Placed(Struct, frozen=True):
    """A folder, and what may be done in it."""

    folder: Folder
    source: str
    dashboards: int
    may_edit: bool
    may_manage: bool
    is_restricted: bool


class Dashboards:
    """The dashboards of all tenants."""

    def __init__(self, state: State, provided: ProvidedDashboards, author_of: AuthorOf) -> None:
        self._state = state
        self._provided = provided
        self._author_of = author_of

    @property
    def faults(self) -> Mapping[str, str]:
        """What is wrong with which watched file."""
        return self._provided.faults

    # -- looking --

    async def listed(self, scope: Scope, *, deleted: bool = False) -> list[Summary]:
        """Return all dashboards that may be seen, by title; or those that were taken away."""
        tenant = scope.alone().tenant

        def read(unit: Unit) -> tuple[Rights, tuple[Listed, ...]]:
            return read_rights(unit, scope), list_dashboards(unit, tenant, deleted=deleted)

        rights, kept = await self._state.read(read)
        found = [_summary(one, rights) for one in kept if rights.may_view(one.folder)]
        if not deleted:
            known = {one.uid for one in kept}
            found += [_of_file(one) for one in self._provided.of(tenant).values() if one.uid not in known]
        return sorted(found, key=lambda one: (one.title.lower(), one.uid))

    async def opened(self, scope: Scope, uid: str, version: int | None = None) -> Opened:
        """Return a dashboard, as it is or as it was.

        Raises PharosError(MISSING) also where it may not be seen.
        """
        tenant = scope.alone().tenant

        def read(unit: Unit) -> tuple[Rights, Listed, Saved] | None:
            listed = find_dashboard(unit, tenant, uid)
            if listed is None or (listed.deleted_ms and version is None):
                return None
            return read_rights(unit, scope), listed, version_of(unit, tenant, uid, version or listed.version)

        found = await self._state.read(read)
        if found is not None and found[0].may_view(found[1].folder):
            rights, listed, saved = found
            brought = await asyncio.to_thread(_brought, saved.document)
            inputs = json.loads(saved.inputs)
            return Opened(
                _summary(listed, rights), brought, saved.document, inputs, saved.message, saved.version
            )
        provided = self._provided.of(tenant).get(uid) if found is None else None
        if provided is None or version:
            raise _missing(uid)
        return Opened(_of_file(provided), provided.brought, provided.text, {})

    async def by_number(self, scope: Scope, number: int) -> Opened:
        """Return the dashboard that older clients know by a number. Raises PharosError(MISSING)."""
        tenant = scope.alone().tenant
        found = await self._state.read(lambda unit: dashboard_numbered(unit, tenant, number))
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no dashboard of the number {number}")
        return await self.opened(scope, found.uid)

    async def versions(self, scope: Scope, uid: str) -> tuple[Saved, ...]:
        """Return the versions of a dashboard without their JSON, the newest first.

        Raises PharosError(MISSING).
        """
        tenant = scope.alone().tenant

        def read(unit: Unit) -> tuple[Saved, ...]:
            listed = find_dashboard(unit, tenant, uid)
            if listed is None:
                return ()
            return versions_of(unit, tenant, uid) if read_rights(unit, scope).may_view(listed.folder) else ()

        found = await self._state.read(read)
        if not found and uid not in self._provided.of(tenant):
            raise _missing(uid)
        return found

    # -- changing --

    async def save(self, scope: Scope, wish: Wish) -> Summary:
        """Save a dashboard as its next version.

        Raises PharosError: CONFLICT for another version than was expected, DENIED, INVALID, MISSING.
        """
        tenant, brought = scope.alone().tenant, wish.brought
        asked = wish.uid or brought.uid
        if asked:
            require_uid(asked)
        self._require_own(tenant, asked)
        document = written(brought.document)

        def write(unit: Writing) -> Summary:
            rights = read_rights(unit, scope)
            uid = asked or unit.new_id()[:_UID_DIGITS]
            known = find_dashboard(unit, tenant, uid)
            folder = known.folder if wish.folder is None and known is not None else wish.folder or ""
            if folder:
                get_folder(unit, tenant, folder)
            _require_edit(rights, folder, uid)
            if known is not None and not known.deleted_ms:
                _require_edit(rights, known.folder, uid)
            inputs = wish.inputs
            if inputs is None and known is not None:
                inputs = json.loads(version_of(unit, tenant, uid, known.version).inputs)
            draft = Draft(
                uid=uid,
                title=brought.title,
                document=document,
                folder=folder,
                description=brought.description[:1000],
                tags=brought.tags,
                panels=count_panels(brought),
                inputs=json.dumps(dict(inputs or {})),
                message=wish.message,
                restored_from=wish.restored_from,
            )
            return _summary(save_dashboard(unit, tenant, draft, expected=wish.expected), rights)

        return await self._write(scope, write, wish.message)

    async def restore(self, scope: Scope, uid: str, version: int, message: str) -> Summary:
        """Save a dashboard as it was in an earlier version, also one that was taken away."""
        opened = await self.opened(scope, uid, version)
        wish = Wish(opened.brought, uid, None, message, None, opened.inputs, restored_from=version)
        return await self.save(scope, wish)

    async def delete(self, scope: Scope, uid: str) -> Summary:
        """Take a dashboard away; its versions stay. Raises PharosError: MISSING, DENIED."""
        tenant = scope.alone().tenant
        self._require_own(tenant, uid)

        def write(unit: Writing) -> Summary:
            rights = read_rights(unit, scope)
            _require_edit(rights, _seen(unit, rights, tenant, uid).folder, uid)
            return _summary(drop_dashboard(unit, tenant, uid), rights)

        return await self._write(scope, write)

    async def move(self, scope: Scope, uid: str, folder: str) -> Summary:
        """Put a dashboard into another folder. Raises PharosError: MISSING, DENIED."""
        tenant = scope.alone().tenant
        self._require_own(tenant, uid)

        def write(unit: Writing) -> Summary:
            rights = read_rights(unit, scope)
            _require_edit(rights, _seen(unit, rights, tenant, uid).folder, uid)
            _require_edit(rights, folder, uid)
            if folder:
                get_folder(unit, tenant, folder)
            return _summary(move_dashboard(unit, tenant, uid, folder), rights)

        return await self._write(scope, write)

    async def copy(self, scope: Scope, uid: str, title: str, folder: str, new_uid: str) -> Summary:
        """Save a copy of a dashboard, which may be one of a file, under a title and uid of its own."""
        opened = await self.opened(scope, uid)
        document = renamed(opened.brought.document, title or f"{opened.summary.title} copy", new_uid)
        wish = Wish(unwrap(document), new_uid, folder, f"copied from {uid}", 0, opened.inputs)
        return await self.save(scope, wish)

    def _require_own(self, tenant: str, uid: str) -> None:
        """Raise PharosError(DENIED) for a dashboard of a file, which is changed there."""
        provided = self._provided.of(tenant).get(uid)
        if provided is None:
            return
        if provided.is_shipped:
            raise PharosError(Kind.DENIED, f"the dashboard {uid!r} comes with Pharos", hint="copy it first")
        raise PharosError(
            Kind.DENIED,
            f"the dashboard {uid!r} is the file {provided.file}",
            hint="change the file, or copy the dashboard",
        )

    async def _write(self, scope: Scope, write: Callable[[Writing], T], message: str = "") -> T:
        return await self._state.write(write, self._author_of(scope.who, message[:500]))

    # -- folders --

    async def folders(self, scope: Scope) -> list[Placed]:
        """Return the folders that may be seen, those of files too."""
        tenant = scope.alone().tenant

        def read(unit: Unit) -> tuple[Rights, tuple[Listed, ...]]:
            return read_rights(unit, scope), list_dashboards(unit, tenant)

        rights, kept = await self._state.read(read)
        counts: dict[str, int] = {}
        for one in kept:
            counts[one.folder] = counts.get(one.folder, 0) + 1
        found = [
            Placed(
                folder,
                "stored",
                counts.get(folder.uid, 0),
                rights.may_edit(folder.uid),
                rights.may_manage(folder.uid),
                rights.is_restricted(folder.uid),
            )
            for folder in rights.folders.values()
            if rights.may_view(folder.uid)
        ]
        return [*found, *_file_folders(tenant, self._provided.of(tenant).values())]

    async def put_folder(self, scope: Scope, uid: str, title: str, parent: str, *, is_new: bool) -> Placed:
        """Make a folder, or name or place it anew. Raises PharosError."""
        tenant = scope.alone().tenant

        def write(unit: Writing) -> str:
            rights = read_rights(unit, scope)
            _require_edit(rights, parent, uid, "folder")
            if not is_new:
                _require_edit(rights, uid, uid, "folder")
            new = require_uid(uid) if uid else unit.new_id()[:_UID_DIGITS]
            return put_folder(unit, tenant, new, title, parent, is_new=is_new).uid

        made = await self._write(scope, write)
        return await self.folder(scope, made)

    async def folder(self, scope: Scope, uid: str) -> Placed:
        """Return a folder. Raises PharosError(MISSING)."""
        for one in await self.folders(scope):
            if one.folder.uid == uid:
                return one
        raise PharosError(Kind.MISSING, f"there is no folder {uid[:80]!r}")

    async def drop_folder(self, scope: Scope, uid: str, *, force: bool) -> int:
        """Take a folder away; return how many dashboards went with it. Raises PharosError."""
        tenant = scope.alone().tenant

        def write(unit: Writing) -> int:
            rights = read_rights(unit, scope)
            for one in (uid, *_inside(rights.folders, uid)):
                _require_edit(rights, one, one, "folder")
            return drop_folder(unit, tenant, uid, force=force)

        return await self._write(scope, write)

    async def entries(self, scope: Scope, uid: str) -> tuple[Entry, ...]:
        """Return who may what in a folder, as was said of it itself. Raises PharosError(MISSING)."""
        await self.folder(scope, uid)
        tenant = scope.alone().tenant
        return (await self._state.read(lambda unit: all_entries(unit, tenant))).get(uid, ())

    async def set_entries(self, scope: Scope, uid: str, entries: Sequence[Entry]) -> None:
        """Say who may what in a folder. Raises PharosError: MISSING, DENIED, INVALID."""
        tenant = scope.alone().tenant

        def write(unit: Writing) -> None:
            rights = read_rights(unit, scope)
            if not rights.may_view(uid):
                raise PharosError(Kind.MISSING, f"there is no folder {uid[:80]!r}")
            if not rights.may_manage(uid):
                raise PharosError(Kind.DENIED, f"who may what in the folder {uid!r} is not yours to say")
            set_entries(unit, tenant, uid, entries)

        await self._write(scope, write)


def _missing(uid: str) -> PharosError:
    return PharosError(Kind.MISSING, f"there is no dashboard {uid[:80]!r}")


def _seen(unit: Unit, rights: Rights, tenant: str, uid: str) -> Listed:
    found = get_dashboard(unit, tenant, uid)
    if not rights.may_view(found.folder):
        raise _missing(uid)
    return found


def _require_edit(rights: Rights, folder: str, uid: str, what: str = "dashboard") -> None:
    if not rights.may_edit(folder):
        where = f"in the folder {folder!r}" if folder else "here"
        raise PharosError(Kind.DENIED, f"the {what} {uid!r} may not be changed {where} by who asks")


def _inside(folders: Mapping[str, Folder], uid: str) -> list[str]:
    """Return the folders that lie in one, however deep."""
    found = [uid]
    for one in found:
        found += [inner.uid for inner in folders.values() if inner.parent == one and inner.uid not in found]
    return found[1:]


def _summary(one: Listed, rights: Rights) -> Summary:
    folder = rights.folders.get(one.folder)
    return Summary(
        uid=one.uid,
        title=one.title,
        description=one.description,
        tags=one.tags,
        folder=one.folder,
        folder_title="" if folder is None else folder.title,
        source="stored",
        file="",
        panels=one.panels,
        version=one.version,
        number=one.number,
        created_ms=one.created_ms,
        created_by=one.created_name,
        updated_ms=one.updated_ms,
        updated_by=one.updated_name,
        deleted_ms=one.deleted_ms,
        may_edit=rights.may_edit(one.folder),
    )


def _of_file(one: Provided) -> Summary:
    return Summary(
        uid=one.uid,
        title=one.brought.title,
        description=one.brought.description,
        tags=one.brought.tags,
        folder=one.folder,
        folder_title=one.folder_title,
        source="shipped" if one.is_shipped else "file",
        file=one.file,
        panels=one.panels,
        version=0,
        number=0,
        created_ms=one.changed_ms,
        created_by="",
        updated_ms=one.changed_ms,
        updated_by="",
        deleted_ms=0,
        may_edit=False,
    )


def _file_folders(tenant: str, provided: Iterable[Provided]) -> list[Placed]:
    found: dict[str, list[Provided]] = {}
    for one in provided:
        found.setdefault(one.folder, []).append(one)
    return [
        Placed(
            Folder(tenant, uid, some[0].folder_title, "", 0),
            "shipped" if uid == SHIPPED_FOLDER else "file",
            len(some),
            may_edit=False,
            may_manage=False,
            is_restricted=False,
        )
        for uid, some in found.items()
    ]


def renamed(document: Json, title: str, uid: str = "") -> Json:
    """Return a document under another title and uid, all else as it was."""
    if "apiVersion" in document and isinstance(document.get("spec"), dict):
        name = uid or uid_of_title(title)
        spec = {**document["spec"], "title": title}
        return {**document, "metadata": {**(document.get("metadata") or {}), "name": name}, "spec": spec}
    copied: dict[str, Any] = {**document, "title": title}
    for name in ("id", "uid", "version"):
        copied.pop(name, None)
    return {**copied, "uid": uid} if uid else copied
