"""Dashboards and folders: looked for, saved, restored, brought and taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

import yaml
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.dashboards.shapes import (
    ChangesBody,
    CopyBody,
    CreateBody,
    DashboardDiffShape,
    DashboardDraftShape,
    DashboardGoneShape,
    DashboardImportedShape,
    DashboardListShape,
    DashboardModelShape,
    DashboardShape,
    DashboardSummaryShape,
    DashboardVersionShape,
    DocumentBody,
    FolderBody,
    FolderEntriesBody,
    FolderEntriesShape,
    FolderGoneShape,
    FolderShape,
    ImportBody,
    MoveBody,
    RestoreBody,
    SaveBody,
)
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.api.prometheus.answers import rfc3339
from pharos.api.prometheus.shapes import Failure
from pharos.dashboards.changes import change
from pharos.dashboards.classic import NEWEST_SCHEMA
from pharos.dashboards.differences import canonical, differences
from pharos.dashboards.document import Brought, Format, parse_text, uid_of_title, unwrap
from pharos.dashboards.modernize import modernized
from pharos.dashboards.read import lists_of, read_model
from pharos.dashboards.store import Dashboards, Opened, Placed, Summary, Wish
from pharos.errors import Kind, PharosError
from pharos.state.dashboard_folders import Allowed, Entry

VIEW: Final = "dashboards.view"
EDIT: Final = "dashboards.edit"
MOST_BODY_BYTES: Final = 8 << 20
_PATH: Final = "/api/pharos/dashboards"
_FOLDERS: Final = "/api/pharos/folders"
_MOST_LISTED: Final = 5_000
_LARGE: Final = 1 << 20
"""Off the event loop, always: a dashboard takes some milliseconds to be read."""


def summary(one: Summary) -> dict[str, Any]:
    """Return what lists show of a dashboard, as JSON has it."""
    return {
        "uid": one.uid,
        "title": one.title,
        "description": one.description,
        "tags": list(one.tags),
        "folder": one.folder,
        "folder_title": one.folder_title,
        "source": one.source,
        "file": one.file,
        "panels": one.panels,
        "version": one.version,
        "created_at": rfc3339(one.created_ms),
        "created_by": one.created_by,
        "updated_at": rfc3339(one.updated_ms),
        "updated_by": one.updated_by,
        "deleted_at": rfc3339(one.deleted_ms) if one.deleted_ms else None,
        "may_edit": one.may_edit,
        "url": f"/dashboards/{one.uid}",
    }


def shown_folder(one: Placed) -> dict[str, Any]:
    """Return a folder as JSON has it."""
    return {
        "uid": one.folder.uid,
        "title": one.folder.title,
        "parent": one.folder.parent,
        "source": one.source,
        "dashboards": one.dashboards,
        "may_edit": one.may_edit,
        "may_manage": one.may_manage,
        "restricted": one.is_restricted,
    }


def shown_model(brought: Brought) -> dict[str, Any]:
    """Return what a document shows, as JSON has it."""
    model, report = read_model(brought, brought.uid)
    return {
        "format": brought.format.value,
        "model": model.shown(),
        "definitions": lists_of(brought),
        "report": report.shown(),
    }


def _shown(opened: Opened) -> dict[str, Any]:
    model, report = opened.model()
    return {
        **summary(opened.summary),
        "version": opened.version,
        "message": opened.message,
        "format": opened.brought.format.value,
        "document": opened.brought.document,
        "model": model.shown(),
        "definitions": lists_of(opened.brought),
        "report": report.shown(),
    }


class DashboardsApi(Struct, frozen=True):
    """`/api/pharos/dashboards` and `/api/pharos/folders`."""

    native: Native
    dashboards: Dashboards

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        one, most = f"{_PATH}/{{uid}}", MOST_BODY_BYTES
        make = self.native.operation
        yield make(f"GET {_PATH}", VIEW, self.list_dashboards, DashboardListShape)
        yield make(f"POST {_PATH}", EDIT, self.create_dashboard, DashboardShape, CreateBody, most)
        yield make(f"GET {one}", VIEW, self.show_dashboard, DashboardShape)
        yield make(f"PUT {one}", EDIT, self.save_dashboard, DashboardShape, SaveBody, most)
        yield make(f"DELETE {one}", EDIT, self.delete_dashboard, DashboardGoneShape)
        yield make(f"POST {one}/move", EDIT, self.move_dashboard, DashboardSummaryShape, MoveBody)
        yield make(f"POST {one}/copy", EDIT, self.copy_dashboard, DashboardShape, CopyBody)
        yield make(f"GET {one}/versions", VIEW, self.list_dashboard_versions, list[DashboardVersionShape])
        yield make(f"GET {one}/diff", VIEW, self.compare_dashboard, DashboardDiffShape)
        yield make(f"POST {one}/restore", EDIT, self.restore_dashboard, DashboardShape, RestoreBody)
        yield self._export()
        yield make(
            "POST /api/pharos/dashboards_import",
            EDIT,
            self.import_dashboard,
            DashboardImportedShape,
            ImportBody,
            most,
        )
        yield make(
            "POST /api/pharos/dashboard_model",
            VIEW,
            self.read_dashboard,
            DashboardModelShape,
            DocumentBody,
            most,
        )
        yield make(
            "POST /api/pharos/dashboard_changes",
            VIEW,
            self.change_draft,
            DashboardDraftShape,
            ChangesBody,
            most,
        )
        folder = f"{_FOLDERS}/{{uid}}"
        yield make(f"GET {_FOLDERS}", VIEW, self.list_folders, list[FolderShape])
        yield make(f"POST {_FOLDERS}", EDIT, self.create_folder, FolderShape, FolderBody)
        yield make(f"PUT {folder}", EDIT, self.change_folder, FolderShape, FolderBody)
        yield make(f"DELETE {folder}", EDIT, self.delete_folder, FolderGoneShape)
        yield make(f"GET {folder}/permissions", VIEW, self.show_folder_permissions, FolderEntriesShape)
        yield make(
            f"PUT {folder}/permissions",
            EDIT,
            self.set_folder_permissions,
            FolderEntriesShape,
            FolderEntriesBody,
        )

    # -- looking --

    async def list_dashboards(self, request: Request) -> dict[str, Any]:
        """Return the dashboards that may be seen: by words in title, tags and folder, by tag, by folder."""
        asked = request.query_params
        found = await self.dashboards.listed(scope_of(request), deleted=asked.get("deleted") == "true")
        found = matching(
            found, asked.get("query", ""), asked.getlist("tag"), asked.get("folder"), asked.get("source", "")
        )
        limit = _count(asked.get("limit", ""), "limit", _MOST_LISTED)
        offset = _count(asked.get("offset", ""), "offset", 0)
        tags = Counter(tag for one in found for tag in one.tags)
        return {
            "total": len(found),
            "tags": [{"tag": tag, "count": count} for tag, count in sorted(tags.items())],
            "dashboards": [summary(one) for one in found[offset : offset + limit]],
        }

    async def show_dashboard(self, request: Request) -> dict[str, Any]:
        """Return a dashboard: its JSON, what it shows, and what is to be said of it."""
        return await self._shown(scope_of(request), request.path_params["uid"], _version(request, "version"))

    async def _shown(self, scope: Scope, uid: str, version: int | None = None) -> dict[str, Any]:
        opened = await self.dashboards.opened(scope, uid, version)
        return await off_loop(_LARGE, lambda: _shown(opened))

    async def list_dashboard_versions(self, request: Request) -> list[dict[str, Any]]:
        """Return the versions of a dashboard, the newest first."""
        found = await self.dashboards.versions(scope_of(request), request.path_params["uid"])
        return [
            {
                "version": one.version,
                "at": rfc3339(one.at_ms),
                "by": one.who_name or one.who,
                "message": one.message,
                "restored_from": one.restored_from or None,
                "is_deletion": one.is_deletion,
            }
            for one in found
        ]

    async def compare_dashboard(self, request: Request) -> dict[str, Any]:
        """Return what differs between two versions of a dashboard, the newest where `to` names none."""
        scope, uid = scope_of(request), request.path_params["uid"]
        first, last = _version(request, "from"), _version(request, "to")
        after = await self.dashboards.opened(scope, uid, last)
        before = await self.dashboards.opened(scope, uid, first or max(after.version - 1, 1))
        changes = await off_loop(_LARGE, lambda: differences(before.brought.document, after.brought.document))
        return {
            "from": before.version,
            "to": after.version,
            "changes": [one.shown() for one in changes],
            "before": canonical(before.brought.document),
            "after": canonical(after.brought.document),
        }

    async def read_dashboard(self, request: Request, body: DocumentBody) -> dict[str, Any]:  # noqa: ARG002
        """Return what a JSON would show as a dashboard, and what is to be said of it."""
        return await off_loop(_LARGE, lambda: shown_model(unwrap(body.document)))

    async def change_draft(self, request: Request, body: ChangesBody) -> dict[str, Any]:  # noqa: ARG002
        """Return a JSON with changes made to it, which nobody saved yet."""

        def work() -> dict[str, Any]:
            changed = unwrap(change(unwrap(body.document), body.changes))
            return {"document": changed.document, **shown_model(changed)}

        return await off_loop(_LARGE, work)

    # -- changing --

    async def create_dashboard(self, request: Request, body: CreateBody) -> dict[str, Any]:
        """Save a new dashboard."""
        title = body.title.strip() or "New dashboard"
        document = body.document
        if document is None:
            document = {"title": title, "schemaVersion": NEWEST_SCHEMA, "panels": [], "tags": []}
        brought = unwrap(document)
        wish = Wish(brought, body.uid, body.folder, body.message, 0)
        saved = await self.dashboards.save(scope_of(request), wish)
        return await self._shown(scope_of(request), saved.uid)

    async def save_dashboard(self, request: Request, body: SaveBody) -> dict[str, Any]:
        """Save the next version of a dashboard."""
        scope, uid = scope_of(request), request.path_params["uid"]
        if (body.document is None) == (body.changes is None):
            raise PharosError(Kind.INVALID, "one of document and changes is needed")
        if body.document is not None:
            brought = unwrap(body.document)
        else:
            opened = await self.dashboards.opened(scope, uid, body.version or None)
            changes = body.changes or []
            brought = await off_loop(_LARGE, lambda: unwrap(change(opened.brought, changes)))
        saved = await self.dashboards.save(scope, Wish(brought, uid, body.folder, body.message, body.version))
        return await self._shown(scope, saved.uid)

    async def delete_dashboard(self, request: Request) -> dict[str, Any]:
        """Take a dashboard away; its versions are kept."""
        gone = await self.dashboards.delete(scope_of(request), request.path_params["uid"])
        return {"uid": gone.uid, "title": gone.title, "version": gone.version}

    async def move_dashboard(self, request: Request, body: MoveBody) -> dict[str, Any]:
        """Put a dashboard into another folder."""
        return summary(await self.dashboards.move(scope_of(request), request.path_params["uid"], body.folder))

    async def copy_dashboard(self, request: Request, body: CopyBody) -> dict[str, Any]:
        """Save a copy of a dashboard, also of one that comes with Pharos."""
        scope, uid = scope_of(request), request.path_params["uid"]
        made = await self.dashboards.copy(scope, uid, body.title, body.folder, body.uid)
        return await self._shown(scope, made.uid)

    async def restore_dashboard(self, request: Request, body: RestoreBody) -> dict[str, Any]:
        """Bring an earlier version of a dashboard back, as its next one."""
        scope, uid = scope_of(request), request.path_params["uid"]
        message = body.message or f"restored version {body.version}"
        await self.dashboards.restore(scope, uid, body.version, message)
        return await self._shown(scope, uid)

    async def import_dashboard(self, request: Request, body: ImportBody) -> dict[str, Any]:
        """Take a dashboard from elsewhere, and say what of it cannot be shown."""
        found = (
            body.document
            if body.document is not None
            else await off_loop(_LARGE, lambda: parse_text(body.text))
        )
        return await import_into(self.dashboards, scope_of(request), found, body)

    def _export(self) -> Operation:
        async def export_dashboard(request: Request) -> Response:
            """Return a dashboard as a file: as it is kept, or in another form."""
            uid, wanted = request.path_params["uid"], request.query_params.get("format", "json")
            try:
                opened = await self.dashboards.opened(scope_of(request), uid, _version(request, "version"))
                said, media, suffix = await off_loop(_LARGE, lambda: _exported(opened, wanted))
            except PharosError as exc:
                return native_error(exc)
            name = f"{uid_of_title(opened.summary.title)}.{suffix}"
            headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
            return Response(said, media_type=media, headers=headers)

        content = {
            "application/json": {"schema": {"type": "object"}},
            "application/yaml": {"schema": {"type": "object"}},
        }
        failures = {
            400: "No such form.",
            403: "Who asks may not do this.",
            404: "There is none.",
            503: "Not now.",
        }
        return Operation(
            f"{_PATH}/{{uid}}/export",
            "GET",
            export_dashboard,
            VIEW,
            name="export_dashboard",
            tag=self.native.tag,
            summary="Export dashboard",
            responses={
                200: {"description": "The file.", "content": content},
                **{status: {"model": Failure, "description": said} for status, said in failures.items()},
            },
            inputs={
                "parameters": [
                    {"name": "uid", "in": "path", "required": True, "schema": {"type": "string"}},
                    {
                        "name": "format",
                        "in": "query",
                        "schema": {"type": "string", "enum": ["json", "yaml", "grafana", "modern"]},
                    },
                    {"name": "version", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                ]
            },
        )

    # -- folders --

    async def list_folders(self, request: Request) -> list[dict[str, Any]]:
        """Return the folders that may be seen."""
        return [shown_folder(one) for one in await self.dashboards.folders(scope_of(request))]

    async def create_folder(self, request: Request, body: FolderBody) -> dict[str, Any]:
        """Make a folder."""
        scope = scope_of(request)
        return shown_folder(
            await self.dashboards.put_folder(scope, body.uid, body.title, body.parent, is_new=True)
        )

    async def change_folder(self, request: Request, body: FolderBody) -> dict[str, Any]:
        """Name a folder anew, or put it into another one."""
        uid = request.path_params["uid"]
        return shown_folder(
            await self.dashboards.put_folder(scope_of(request), uid, body.title, body.parent, is_new=False)
        )

    async def delete_folder(self, request: Request) -> dict[str, Any]:
        """Take a folder away; with `force` together with what lies in it."""
        force = request.query_params.get("force") == "true"
        uid = request.path_params["uid"]
        return {"deleted": await self.dashboards.drop_folder(scope_of(request), uid, force=force)}

    async def show_folder_permissions(self, request: Request) -> dict[str, Any]:
        """Return who may what in a folder, as was said of it itself."""
        found = await self.dashboards.entries(scope_of(request), request.path_params["uid"])
        return {"entries": [{"subject": one.subject, "permission": one.permission.value} for one in found]}

    async def set_folder_permissions(self, request: Request, body: FolderEntriesBody) -> dict[str, Any]:
        """Say who may what in a folder, in place of what was said; nothing makes it as the one around it."""
        entries = [Entry(one.subject, Allowed(one.permission)) for one in body.entries]
        await self.dashboards.set_entries(scope_of(request), request.path_params["uid"], entries)
        return {"entries": [one.model_dump() for one in body.entries]}


async def import_into(dashboards: Dashboards, scope: Scope, found: Any, body: ImportBody) -> dict[str, Any]:
    """Save what somebody brought, unless it is a rehearsal; return what came of it."""

    def read() -> tuple[Brought, dict[str, Any]]:
        brought = unwrap(found)
        return brought, shown_model(brought)

    brought, shown = await off_loop(_LARGE, read)
    uid = body.uid or brought.uid
    is_new, version = True, 0
    if uid:
        known = {one.uid: one for one in await dashboards.listed(scope)}
        is_new = uid not in known
    if not body.dry_run:
        expected = None if body.overwrite else 0
        folder = body.folder or (None if not is_new else "")
        saved = await dashboards.save(scope, Wish(brought, uid, folder, body.message, expected, body.inputs))
        uid, version = saved.uid, saved.version
    return {
        "uid": uid,
        "title": brought.title,
        "version": version,
        "is_new": is_new,
        "inputs": [one.shown() for one in brought.inputs],
        "panels": sum(len(row["panels"]) for tab in shown["model"]["tabs"] for row in tab["rows"]),
        "report": shown["report"],
        "format": brought.format.value,
        "schema": brought.schema,
    }


def matching(
    found: Sequence[Summary],
    query: str,
    tags: Sequence[str] = (),
    folder: str | None = None,
    source: str = "",
) -> list[Summary]:
    """Return the dashboards that have all words and tags, and lie in a folder (`general`: in none)."""
    words = query.lower().split()
    kept = []
    for one in found:
        said = " ".join((one.title, *one.tags, one.folder_title)).lower()
        if not all(word in said for word in words) or not set(tags) <= set(one.tags):
            continue
        if folder is not None and one.folder != ("" if folder == "general" else folder):
            continue
        if source and one.source != source:
            continue
        kept.append(one)
    return kept


def _exported(opened: Opened, wanted: str) -> tuple[str, str, str]:
    """Return (text, media type, suffix) of a dashboard in some form."""
    document = opened.brought.document
    match wanted:
        case "json":
            return opened.text, "application/json", "json"
        case "yaml":
            return yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "application/yaml", "yaml"
        case "grafana":
            meta = {"folderTitle": opened.summary.folder_title, "version": opened.version}
            return (
                canonical({"dashboard": document, "meta": meta}, is_sorted=False),
                "application/json",
                "json",
            )
        case "modern" if opened.brought.format is Format.CLASSIC:
            return canonical(modernized(document), is_sorted=False), "application/json", "json"
        case "modern":
            return opened.text, "application/json", "json"
    raise PharosError(Kind.INVALID, f"format: {wanted[:40]!r} is none", hint="json, yaml, grafana or modern")


def _count(said: str, name: str, default: int) -> int:
    if not said:
        return default
    if not (said.isascii() and said.isdigit()) or len(said) > 9:
        raise PharosError(Kind.INVALID, f"{name}: {said[:40]!r} is no whole number")
    return int(said)


def _version(request: Request, name: str) -> int | None:
    return _count(request.query_params.get(name, ""), name, 0) or None
