"""The part of Grafana's HTTP API that its tools ask: dashboards, folders, search (docs: HTTP API).

Terraform, Grizzly and scripts keep dashboards with it. Errors are a `message`, as Grafana has them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.dashboards.native import EDIT, MOST_BODY_BYTES, VIEW, matching
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import STATUS, error_headers
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.prometheus.answers import rfc3339
from pharos.dashboards.document import Format, too_deep, uid_of_title, unwrap
from pharos.dashboards.provided import SHIPPED_FOLDER
from pharos.dashboards.reading import Json, flag, mappings, number, text, whole
from pharos.dashboards.store import Dashboards, Opened, Placed, Summary, Wish
from pharos.errors import Kind, PharosError

SPOKEN_VERSION: Final = "11.6.0"
"""The version of Grafana whose API is spoken here; clients choose what to ask by it."""
_LARGE: Final = 1 << 20
_MOST_FOUND: Final = 5_000
_SOURCES: Final = (
    ("prometheus", "Pharos metrics", "prometheus"),
    ("loki", "Pharos logs", "loki"),
    ("tempo", "Pharos traces", "tempo"),
)
Answered = Callable[[Request], Awaitable[Any]]
_ANY: Final[Mapping[str, Any]] = {"content": {"application/json": {"schema": {}}}}
_ERROR: Final[Mapping[str, Any]] = {
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "properties": {"message": {"type": "string"}, "status": {"type": "string"}},
            }
        }
    }
}
_FAILURES: Final = {
    400: "What is sent is not what it must be.",
    401: "Who asks is not known.",
    403: "Who asks may not do this.",
    404: "There is none.",
    408: "The body did not come in time.",
    412: "It is not at the version that was sent, or there already.",
    413: "The body is too large.",
    500: "A fault of Pharos.",
    503: "Not now.",
}
_BODY: Final[Mapping[str, Any]] = {
    "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}, "required": True}
}


def grafana_error(error: PharosError) -> Response:
    """Return an error as Grafana answers it; what is there already, or elsewhere, is 412."""
    status, body = STATUS[error.kind], {"message": str(error)}
    if error.kind is Kind.CONFLICT:
        status = 412
        body["status"] = "name-exists" if "already" in error.message else "version-mismatch"
    return Response(json_text(body), status, headers=error_headers(error), media_type="application/json")


class GrafanaApi(Struct, frozen=True):
    """Answers as Grafana does."""

    dashboards: Dashboards
    bodies: Bodies

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        one, folder = "/api/dashboards/uid/{uid}", "/api/folders/{uid}"
        yield self._operation("POST /api/dashboards/db", EDIT, self.save_dashboard)
        yield self._operation("POST /api/dashboards/import", EDIT, self.import_dashboard)
        yield self._operation(f"GET {one}", VIEW, self.get_dashboard)
        yield self._operation(f"DELETE {one}", EDIT, self.delete_dashboard)
        yield self._operation(f"GET {one}/versions", VIEW, self.get_versions)
        yield self._operation(f"GET {one}/versions/{{version}}", VIEW, self.get_version)
        yield self._operation(f"POST {one}/restore", EDIT, self.restore_version)
        yield self._operation("GET /api/dashboards/tags", VIEW, self.get_tags)
        yield self._operation("GET /api/dashboards/home", VIEW, self.get_home)
        yield self._operation("GET /api/search", VIEW, self.search)
        yield self._operation("GET /api/folders", VIEW, self.get_folders)
        yield self._operation("POST /api/folders", EDIT, self.create_folder)
        yield self._operation(f"GET {folder}", VIEW, self.get_folder)
        yield self._operation(f"PUT {folder}", EDIT, self.update_folder)
        yield self._operation(f"DELETE {folder}", EDIT, self.delete_folder)
        yield self._operation("GET /api/datasources", VIEW, self.get_datasources)
        yield self._operation("GET /api/datasources/uid/{uid}", VIEW, self.get_datasource)
        yield self._operation("GET /api/org", VIEW, self.get_org)
        yield self._operation("GET /api/health", None, self.get_health)
        yield self._operation("GET /api/frontend/settings", VIEW, self.get_settings)

    def _operation(self, address: str, permission: str | None, endpoint: Answered) -> Operation:
        method, _, path = address.partition(" ")

        async def answer(request: Request) -> Response:
            try:
                found = await endpoint(request)
            except PharosError as exc:
                return grafana_error(exc)
            return Response(
                json_text(found), headers={"Cache-Control": "no-store"}, media_type="application/json"
            )

        answer.__doc__ = endpoint.__doc__
        name = getattr(endpoint, "__name__", "answer")
        parts = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        given = [
            {"name": part, "in": "path", "required": True, "schema": {"type": "string"}} for part in parts
        ]
        inputs: dict[str, Any] = {"parameters": given}
        if method in {"POST", "PUT"}:
            inputs.update(_BODY)
        return Operation(
            path,
            method,
            answer,
            permission,
            name=f"grafana_{name}",
            tag="grafana",
            summary=name.replace("_", " ").capitalize(),
            responses={
                200: {"description": "As Grafana answers.", **_ANY},
                **{status: {"description": said, **_ERROR} for status, said in _FAILURES.items()},
            },
            inputs=inputs,
        )

    async def _body(self, request: Request) -> Json:
        """Return the JSON object of a request. Raises PharosError(INVALID)."""
        async with self.bodies.incoming(request, MOST_BODY_BYTES) as incoming:
            said = incoming.body

            def read() -> Any:
                try:
                    return json.loads(said)
                except RecursionError as exc:
                    raise too_deep() from exc
                except ValueError as exc:
                    raise PharosError(Kind.INVALID, f"bad request data: {exc}") from exc

            found = await off_loop(len(said), read)
        if not isinstance(found, dict):
            raise PharosError(Kind.INVALID, "bad request data: the body is no object")
        return found

    # -- dashboards --

    async def save_dashboard(self, request: Request) -> Json:
        """Save a dashboard: a new one, or the next version of one that is there."""
        return await self._save(request, await self._body(request))

    async def _save(self, request: Request, body: Json) -> Json:
        document = body.get("dashboard")
        if not isinstance(document, dict):
            raise PharosError(Kind.INVALID, "bad request data: there is no dashboard in it")
        scope = scope_of(request)
        brought = await off_loop(_LARGE, lambda: unwrap(document))
        uid = brought.uid
        if not uid and whole(document.get("id")):
            uid = (await self.dashboards.by_number(scope, whole(document["id"]))).summary.uid
        expected = None if flag(body.get("overwrite")) else whole(document.get("version"))
        if (expected is not None and uid and not whole(document.get("id"))) or not uid:
            expected = 0
        folder = text(body.get("folderUid"))
        if folder == "general":
            folder = ""
        message = text(body.get("message"))[:2000]
        inputs = {text(one.get("name")): text(one.get("value")) for one in mappings(body.get("inputs"))}
        placed = folder if "folderUid" in body else None
        saved = await self.dashboards.save(
            scope, Wish(brought, uid, placed, message, expected, inputs or None)
        )
        return {
            "id": saved.number,
            "uid": saved.uid,
            "url": _url(saved),
            "status": "success",
            "version": saved.version,
            "slug": uid_of_title(saved.title),
            "folderUid": saved.folder,
        }

    async def import_dashboard(self, request: Request) -> Json:
        """Take a dashboard that was exported, with what is chosen for its inputs."""
        body = await self._body(request)
        saved = await self._save(request, {**body, "folderUid": text(body.get("folderUid"))})
        return {
            "uid": saved["uid"],
            "title": unwrap(body["dashboard"]).title,
            "imported": True,
            "importedUrl": saved["url"],
            "slug": saved["slug"],
            "dashboardId": saved["id"],
            "folderUid": saved["folderUid"],
            "importedRevision": saved["version"],
        }

    async def get_dashboard(self, request: Request) -> Json:
        """Return a dashboard with what is known of it."""
        opened = await self.dashboards.opened(scope_of(request), request.path_params["uid"])
        return {"meta": _meta(opened), "dashboard": _document(opened)}

    async def delete_dashboard(self, request: Request) -> Json:
        """Take a dashboard away."""
        gone = await self.dashboards.delete(scope_of(request), request.path_params["uid"])
        return {
            "title": gone.title,
            "message": f"Dashboard {gone.title} deleted",
            "id": gone.number,
            "uid": gone.uid,
        }

    async def get_versions(self, request: Request) -> Json:
        """Return the versions of a dashboard, the newest first."""
        uid = request.path_params["uid"]
        found = await self.dashboards.versions(scope_of(request), uid)
        return {
            "continueToken": "",
            "versions": [
                {
                    "id": one.version,
                    "uid": uid,
                    "version": one.version,
                    "parentVersion": max(one.version - 1, 0),
                    "restoredFrom": one.restored_from,
                    "created": rfc3339(one.at_ms),
                    "createdBy": one.who_name or one.who,
                    "message": one.message,
                }
                for one in found
            ],
        }

    async def get_version(self, request: Request) -> Json:
        """Return a version of a dashboard with its JSON."""
        version = whole(number(request.path_params["version"]))
        opened = await self.dashboards.opened(scope_of(request), request.path_params["uid"], version or 1)
        return {
            "id": opened.version,
            "uid": opened.summary.uid,
            "version": opened.version,
            "message": opened.message,
            "data": _document(opened),
        }

    async def restore_version(self, request: Request) -> Json:
        """Bring an earlier version back, as the next one."""
        body, uid = await self._body(request), request.path_params["uid"]
        version = whole(body.get("version"))
        if version < 1:
            raise PharosError(Kind.INVALID, "bad request data: version is missing")
        saved = await self.dashboards.restore(
            scope_of(request), uid, version, f"Restored from version {version}"
        )
        return {
            "id": saved.number,
            "uid": saved.uid,
            "url": _url(saved),
            "status": "success",
            "version": saved.version,
            "slug": uid_of_title(saved.title),
        }

    async def get_tags(self, request: Request) -> list[Json]:
        """Return the tags of all dashboards."""
        counted = Counter(tag for one in await self.dashboards.listed(scope_of(request)) for tag in one.tags)
        return [{"term": tag, "count": count} for tag, count in sorted(counted.items())]

    async def get_home(self, request: Request) -> Json:
        """Return where one begins: the first dashboard that comes with Pharos."""
        found = [one for one in await self.dashboards.listed(scope_of(request)) if one.source == "shipped"]
        if not found:
            return {"redirectUri": "/"}
        return {"redirectUri": _url(found[0])}

    async def search(self, request: Request) -> list[Json]:
        """Return the dashboards and folders that are looked for."""
        asked, scope = request.query_params, scope_of(request)
        kind = asked.get("type", "")
        uids = {*asked.getlist("dashboardUIDs"), *asked.getlist("dashboardUID")}
        folders = {"" if one == "general" else one for one in asked.getlist("folderUIDs")}
        query, tags = asked.get("query", ""), asked.getlist("tag")
        found: list[Json] = []
        if kind in {"", "dash-folder"} and not tags and not uids:
            words = query.lower().split()
            found += [
                _found_folder(one)
                for one in await self.dashboards.folders(scope)
                if all(word in one.folder.title.lower() for word in words)
                and (not folders or one.folder.parent in folders)
            ]
        if kind in {"", "dash-db"}:
            found += [
                _found(one)
                for one in matching(await self.dashboards.listed(scope), query, tags)
                if (not uids or one.uid in uids) and (not folders or one.folder in folders)
            ]
        limit = min(max(whole(number(asked.get("limit", "1000"))) or 1000, 1), _MOST_FOUND)
        page = max(whole(number(asked.get("page", "1"))), 1)
        return found[(page - 1) * limit : page * limit]

    # -- folders --

    async def get_folders(self, request: Request) -> list[Json]:
        """Return the folders that lie in one, or in none."""
        parent = request.query_params.get("parentUid", "")
        found = await self.dashboards.folders(scope_of(request))
        return [
            {"id": 0, "uid": one.folder.uid, "title": one.folder.title, "parentUid": one.folder.parent}
            for one in found
            if one.folder.parent == parent and one.source == "stored"
        ]

    async def create_folder(self, request: Request) -> Json:
        """Make a folder."""
        body = await self._body(request)
        made = await self.dashboards.put_folder(
            scope_of(request),
            text(body.get("uid")),
            text(body.get("title")),
            text(body.get("parentUid")),
            is_new=True,
        )
        return _folder(made)

    async def get_folder(self, request: Request) -> Json:
        """Return a folder."""
        return _folder(await self.dashboards.folder(scope_of(request), request.path_params["uid"]))

    async def update_folder(self, request: Request) -> Json:
        """Name a folder anew."""
        body, scope, uid = await self._body(request), scope_of(request), request.path_params["uid"]
        known = await self.dashboards.folder(scope, uid)
        title = text(body.get("title")) or known.folder.title
        return _folder(await self.dashboards.put_folder(scope, uid, title, known.folder.parent, is_new=False))

    async def delete_folder(self, request: Request) -> Json:
        """Take a folder away with all that lies in it, as Grafana does."""
        scope, uid = scope_of(request), request.path_params["uid"]
        known = await self.dashboards.folder(scope, uid)
        await self.dashboards.drop_folder(scope, uid, force=True)
        return {
            "message": f"Folder {known.folder.title} deleted",
            "id": 0,
            "uid": uid,
            "title": known.folder.title,
        }

    # -- what clients look at first --

    async def get_datasources(self, request: Request) -> list[Json]:  # noqa: ARG002
        """Return the data sources: metrics, logs and traces of the tenant."""
        return [_datasource(place, *one) for place, one in enumerate(_SOURCES, 1)]

    async def get_datasource(self, request: Request) -> Json:
        """Return a data source."""
        for one in await self.get_datasources(request):
            if one["uid"] == request.path_params["uid"]:
                return one
        raise PharosError(Kind.MISSING, "Data source not found")

    async def get_org(self, request: Request) -> Json:
        """Return the organisation, which is the tenant."""
        return {"id": 1, "name": scope_of(request).tenant}

    async def get_health(self, request: Request) -> Json:  # noqa: ARG002
        """Say that the API is there."""
        return {"database": "ok", "version": SPOKEN_VERSION, "commit": "pharos"}

    async def get_settings(self, request: Request) -> Json:  # noqa: ARG002
        """Return of the settings what clients look at: the version that is spoken."""
        return {"buildInfo": {"version": SPOKEN_VERSION, "edition": "Open Source"}, "namespace": "default"}


def _url(one: Summary) -> str:
    return f"/d/{one.uid}/{uid_of_title(one.title)}"


def _meta(opened: Opened) -> Json:
    one = opened.summary
    return {
        "type": "db",
        "canSave": one.may_edit,
        "canEdit": one.may_edit,
        "canAdmin": one.may_edit,
        "canStar": False,
        "canDelete": one.may_edit,
        "slug": uid_of_title(one.title),
        "url": _url(one),
        "expires": "0001-01-01T00:00:00Z",
        "created": rfc3339(one.created_ms),
        "updated": rfc3339(one.updated_ms),
        "updatedBy": one.updated_by,
        "createdBy": one.created_by,
        "version": opened.version,
        "hasAcl": False,
        "isFolder": False,
        "folderId": 0,
        "folderUid": one.folder,
        "folderTitle": one.folder_title or "General",
        "folderUrl": f"/dashboards/f/{one.folder}" if one.folder else "",
        "provisioned": one.source != "stored",
        "provisionedExternalId": one.file,
    }


def _document(opened: Opened) -> Json:
    """Return the JSON with what Grafana sets in it: number, uid and version."""
    document = opened.brought.document
    if opened.brought.format is Format.V2 or "apiVersion" in document:
        return document
    one = opened.summary
    return {**document, "id": one.number or None, "uid": one.uid, "version": opened.version}


def _found(one: Summary) -> Json:
    shown: Json = {
        "id": one.number,
        "uid": one.uid,
        "title": one.title,
        "uri": f"db/{uid_of_title(one.title)}",
        "url": _url(one),
        "slug": "",
        "type": "dash-db",
        "tags": list(one.tags),
        "isStarred": False,
        "sortMeta": 0,
    }
    if one.folder:
        shown["folderUid"] = one.folder
        shown["folderTitle"] = one.folder_title
        shown["folderUrl"] = f"/dashboards/f/{one.folder}"
    return shown


def _found_folder(one: Placed) -> Json:
    return {
        "id": 0,
        "uid": one.folder.uid,
        "title": one.folder.title,
        "uri": f"db/{uid_of_title(one.folder.title)}",
        "url": f"/dashboards/f/{one.folder.uid}",
        "slug": "",
        "type": "dash-folder",
        "tags": [],
        "isStarred": False,
        "sortMeta": 0,
    }


def _folder(one: Placed) -> Json:
    return {
        "id": 0,
        "uid": one.folder.uid,
        "title": one.folder.title,
        "url": f"/dashboards/f/{one.folder.uid}",
        "hasAcl": one.is_restricted,
        "canSave": one.may_edit,
        "canEdit": one.may_edit,
        "canAdmin": one.may_manage,
        "canDelete": one.may_edit,
        "createdBy": "",
        "created": rfc3339(one.folder.created_ms),
        "updatedBy": "",
        "updated": rfc3339(one.folder.created_ms),
        "version": 1,
        "parentUid": one.folder.parent,
        "provisioned": one.folder.uid == SHIPPED_FOLDER or one.source == "file",
    }


def _datasource(place: int, uid: str, name: str, kind: str) -> Json:
    return {
        "id": place,
        "uid": uid,
        "orgId": 1,
        "name": name,
        "type": kind,
        "access": "proxy",
        "url": "",
        "isDefault": place == 1,
        "readOnly": True,
        "jsonData": {},
    }
