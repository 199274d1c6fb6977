"""Elasticsearch's bulk API, and what its clients ask before they send: enough for logs, and nothing else.

Shapes are those of Elasticsearch's reference: Bulk, Index, Info, License, Cluster health, Nodes info.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

import orjson
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from pharos.api.http.errors import STATUS, error_headers
from pharos.api.http.routes import Operation
from pharos.api.receivers.elastic_paths import WantedPaths
from pharos.api.receivers.lines import LineDoor
from pharos.errors import Kind, PharosError
from pharos.ingest.elastic.bulk import Action, BulkLines, Item, read_bulk, read_document
from pharos.ingest.events.lines import Lines
from pharos.ingest.events.requests import EventRequest
from pharos.telemetry import INGEST_REQUESTS

PREFIX: Final = "/elasticsearch"
VERSION: Final = "8.19.0"
"""The version whose API is spoken: clients ask, and refuse to talk to what is too old."""
_HEADERS: Final = {"X-Elastic-Product": "Elasticsearch"}
_JSON: Final = "application/json"
_NEWER: Final = "application/vnd.elasticsearch+json"
_CREATED: Final = 201
_KINDS: Final = {
    Kind.INVALID: "illegal_argument_exception",
    Kind.MISSING: "resource_not_found_exception",
    Kind.UNAUTHENTICATED: "security_exception",
    Kind.DENIED: "security_exception",
    Kind.LIMITED: "es_rejected_execution_exception",
    Kind.UNAVAILABLE: "es_rejected_execution_exception",
}
_NAMED: Final = (
    *("_ilm/policy", "_index_template", "_component_template", "_template", "_ingest/pipeline"),
    *("_data_stream", "_alias"),
)
"""What clients set up before they send: there is none here, and none is needed."""
_LICENSE: Final[dict[str, Any]] = {
    "status": "active",
    "uid": "00000000-0000-0000-0000-000000000000",
    "type": "basic",
    "issue_date": "2020-01-01T00:00:00.000Z",
    "issue_date_in_millis": 1_577_836_800_000,
    "issued_to": "pharos",
    "issuer": "pharos",
    "start_date_in_millis": -1,
}
_FEATURE: Final = {"available": True, "enabled": True}
Handler = Callable[[Request], Awaitable[Response]]


def is_elastic(connection: HTTPConnection) -> bool:
    """Return whether an address is one of Elasticsearch's, so that refusals have its shape."""
    path = connection.url.path
    return path == PREFIX or path.startswith((f"{PREFIX}/", "/_")) or path.endswith("/_bulk")


def _answer(request: HTTPConnection, content: Any, status: int = 200, **headers: str) -> Response:
    """Return an answer as clients of any version take it."""
    media = _NEWER if _NEWER in request.headers.get("accept", "") else _JSON
    if media == _NEWER:
        _, _, version = request.headers["accept"].partition("compatible-with=")
        media += f"; compatible-with={'9' if version.startswith('9') else '8'}"
    body = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(body, status, headers={**_HEADERS, **headers}, media_type=media)


def wants_elastic(request: HTTPConnection) -> bool:
    """Return whether who asks for the root is a client of Elasticsearch, and no browser."""
    accepted = request.headers.get("accept", "")
    if "text/html" in accepted:
        return False
    return "json" in accepted or "elastic" in request.headers.get("user-agent", "").lower()


def elastic_info(request: HTTPConnection) -> Response:
    """Return what Elasticsearch answers at its root: which version is spoken."""
    return _answer(
        request,
        {
            "name": "pharos",
            "cluster_name": "pharos",
            "cluster_uuid": "pharos",
            "version": {
                "number": VERSION,
                "build_flavor": "default",
                "build_type": "docker",
                "build_hash": "unknown",
                "build_date": "2025-01-01T00:00:00.000Z",
                "build_snapshot": False,
                "lucene_version": "9.12.0",
                "minimum_wire_compatibility_version": "7.17.0",
                "minimum_index_compatibility_version": "7.0.0",
            },
            "tagline": "You Know, for Search",
        },
    )


def elastic_error(request: HTTPConnection, error: PharosError) -> Response:
    """Return an error in Elasticsearch's shape."""
    # What senders repeat is 429 there: to 503 some of them open a breaker.
    status = 415 if error.kind is Kind.UNSUPPORTED else STATUS[error.kind]
    told = {"type": _KINDS.get(error.kind, "exception"), "reason": str(error)}
    content = {"error": {"root_cause": [told], **told}, "status": status}
    return _answer(request, content, status, **error_headers(error))


def elastic_method_error(request: HTTPConnection, method: str, allowed: Iterable[str]) -> Response:
    """Return that an address takes other methods, in Elasticsearch's shape."""
    names = ", ".join(sorted(allowed))
    told = f"Incorrect HTTP method for uri [{request.url.path}] and method [{method}], allowed: [{names}]"
    return _answer(request, {"error": told, "status": 405}, 405)


def _fault(item: Item) -> dict[str, str]:
    return {"type": item.kind, "reason": item.fault}


def _item(item: Item, identity: str) -> dict[str, Any]:
    """Return what an action is answered."""
    action = item.action
    found: dict[str, Any] = {"_index": action.index, "_id": action.id or identity}
    if item.fault:
        found |= {"status": 400, "error": _fault(item)}
    else:
        found |= {
            "_version": 1,
            "result": "created",
            "_shards": {"total": 1, "successful": 1, "failed": 0},
            "_seq_no": 0,
            "_primary_term": 1,
            "status": _CREATED,
        }
    return {action.name: found}


def _items(lines: BulkLines, wanted: WantedPaths | None) -> list[dict[str, Any]]:
    """Return what each action is answered, or what is wanted of that."""
    pairs = zip(lines.items, _identities(lines), strict=False)
    if wanted is None:
        return [_item(item, identity) for item, identity in pairs]
    # Of items that differ in their ids alone the same is wanted, but for these.
    found, alike = [], dict[tuple[str, str, str, str], dict[str, Any]]()
    for item, identity in pairs:
        name = item.action.name
        key = (name, item.action.index, item.fault, item.kind)
        kept = alike.get(key)
        if kept is None:
            kept = next(iter(wanted.of({"items": [_item(item, identity)]}).get("items", [])), {})
            alike[key] = kept
        if "_id" in kept.get(name, ()):
            kept = {name: kept[name] | {"_id": item.action.id or identity}}
        if kept:
            found.append(kept)
    return found


def _bulk_answer(request: Request, lines: BulkLines, wanted: WantedPaths | None) -> Response:
    content: dict[str, Any] = {"took": 0, "errors": any(item.fault for item in lines.items)}
    items = _items(lines, wanted)
    if wanted is None:
        return _answer(request, content | {"items": items})
    content = wanted.of(content)
    return _answer(request, content | {"items": items} if items else content)


def _identities(lines: Lines) -> Iterator[str]:
    """Yield ids of documents that have none: a document has the same wherever it is sent again."""
    seed = hashlib.blake2s(lines.body, digest_size=6).hexdigest()
    for number in range(1 << 62):
        yield f"{seed}{number:08x}"


def _read_one(raw: bytes, action: Action) -> BulkLines:
    """Return a document that came alone. Raises PharosError(INVALID)."""
    resource, record, is_cut = read_document(raw, action.index)
    made = EventRequest()
    made.add(resource, record)
    return BulkLines(made.body(), 1, cut=int(is_cut), items=[Item(action)])


class ElasticApi:
    """Everything below `/elasticsearch`, and the same without it where nothing else answers."""

    def __init__(self, door: LineDoor) -> None:
        self._door = door

    async def bulk(self, request: Request) -> Response:
        """Answer 200 with an item for each action once those that are good are durable."""
        text = request.query_params.get("filter_path", "")
        try:
            wanted = WantedPaths(text) if text else None
        except PharosError as exc:
            return self._counted(elastic_error(request, exc))
        read = partial(read_bulk, index=request.path_params.get("index", ""))
        return self._counted(await self._write(request, read, partial(_bulk_answer, wanted=wanted)))

    async def document(self, request: Request) -> Response:
        """Answer 201 once one document is durable."""
        asked = request.path_params
        action = Action("create", asked.get("index", ""), asked.get("id", ""))
        read = partial(_read_one, action=action)
        return self._counted(await self._write(request, read, self._document_answer))

    async def _write(
        self,
        request: Request,
        read: Callable[[bytes], BulkLines],
        answer: Callable[[Request, BulkLines], Response],
    ) -> Response:
        try:
            lines, _ = await self._door.take(request, "elasticsearch", read)
        except PharosError as exc:
            return elastic_error(request, exc)
        return answer(request, lines)

    def _counted(self, response: Response) -> Response:
        INGEST_REQUESTS.labels("elasticsearch", str(response.status_code)).inc()
        return response

    def _document_answer(self, request: Request, lines: BulkLines) -> Response:
        item = _item(lines.items[0], next(_identities(lines)))
        return _answer(request, item[lines.items[0].action.name], _CREATED)

    async def info(self, request: Request) -> Response:
        """Say which version is spoken."""
        return elastic_info(request)

    async def license(self, request: Request) -> Response:
        """Say that nothing costs anything."""
        return _answer(request, {"license": _LICENSE})

    async def xpack(self, request: Request) -> Response:
        """Say which features there are, as clients look for index life cycles."""
        features = {"ilm": _FEATURE, "data_streams": _FEATURE, "security": {**_FEATURE, "enabled": False}}
        return _answer(request, {"license": _LICENSE, "features": features, "build": {}, "tagline": ""})

    async def health(self, request: Request) -> Response:
        """Say that the cluster of one is well."""
        return _answer(
            request,
            {
                "cluster_name": "pharos",
                "status": "green",
                "timed_out": False,
                "number_of_nodes": 1,
                "number_of_data_nodes": 1,
                "active_primary_shards": 1,
                "active_shards": 1,
                "relocating_shards": 0,
                "initializing_shards": 0,
                "unassigned_shards": 0,
                "delayed_unassigned_shards": 0,
                "number_of_pending_tasks": 0,
                "number_of_in_flight_fetch": 0,
                "task_max_waiting_in_queue_millis": 0,
                "active_shards_percent_as_number": 100.0,
            },
        )

    async def health_line(self, request: Request) -> Response:  # noqa: ARG002
        """Say the same in a line, as rsyslog asks."""
        line = "epoch timestamp cluster status node.total\n0 00:00:00 pharos green 1\n"
        return Response(line, headers=_HEADERS, media_type="text/plain; charset=utf-8")

    async def nodes(self, request: Request) -> Response:
        """Name this server as the only node, by the name that it was asked by."""
        node = {
            "name": "pharos",
            "version": VERSION,
            "build_flavor": "default",
            "roles": ["data", "ingest"],
            "http": {"publish_address": request.headers.get("host", "")},
        }
        counts = {"total": 1, "successful": 1, "failed": 0}
        return _answer(request, {"_nodes": counts, "cluster_name": "pharos", "nodes": {"pharos": node}})

    async def unnamed(self, request: Request) -> Response:
        """Say that there are none of what is asked for."""
        return _answer(request, {"data_streams": []} if "_data_stream" in request.url.path else {})

    async def nothing(self, request: Request) -> Response:
        """Say that there is no such thing; clients then make it."""
        name = request.path_params.get("name", request.path_params.get("index", request.url.path))
        return elastic_error(request, PharosError(Kind.MISSING, f"there is no {str(name)[:200]}"))

    async def acknowledge(self, request: Request) -> Response:
        """Thank for a template, a policy or an index: everything is kept without."""
        try:
            async with self._door.bodies.incoming(request, self._door.max_body_bytes):
                pass
        except PharosError as exc:
            return elastic_error(request, exc)
        return _answer(request, {"acknowledged": True, "shards_acknowledged": True})

    def operations(self) -> list[Operation]:
        """Return what is answered here."""
        return [
            *self._writes(PREFIX, "elastic"),
            *self._handshake(PREFIX),
            *self._writes("", ""),
            *self._handshake(""),
        ]

    def _writes(self, prefix: str, name: str) -> Iterable[Operation]:
        taken = {
            200: {"description": "An item for each action; those without an error are durable.", **_OBJECT}
        }
        body = {"content": {"application/x-ndjson": {"schema": {"type": "string"}}}, "required": True}
        for method in ("POST", "PUT"):
            for number, path in enumerate((f"{prefix}/_bulk", f"{prefix}/{{index}}/_bulk")):
                yield Operation(
                    path,
                    method,
                    self.bulk,
                    "logs.write",
                    # At the root it is the same, for clients that take no path.
                    name=f"{name}_bulk{'_index' * number}_{method.lower()}" if prefix else "",
                    tag="elasticsearch",
                    summary="Write documents",
                    responses=taken | _failures(),
                    inputs={"requestBody": body, **_in_path("index" if number else "")},
                )
        if not prefix:
            return
        one = {"content": {_JSON: {"schema": {"type": "object"}}}, "required": True}
        created = {201: {"description": "The document is durable.", **_OBJECT}}
        for method, path, label in (
            ("POST", "{index}/_doc", "document"),
            ("POST", "{index}/_doc/{id}", "document_post"),
            ("PUT", "{index}/_doc/{id}", "document_put"),
            ("POST", "{index}/_create/{id}", "create_post"),
            ("PUT", "{index}/_create/{id}", "create_put"),
        ):
            yield Operation(
                f"{prefix}/{path}",
                method,
                self.document,
                "logs.write",
                name=f"{name}_{label}",
                tag="elasticsearch",
                summary="Write a document",
                responses=created | _failures(),
                inputs={"requestBody": one, **_in_path("index", "id" if "{id}" in path else "")},
            )

    def _handshake(self, prefix: str) -> Iterable[Operation]:
        asked: list[tuple[str, str, Handler]] = [
            ("_license", "GET", self.license),
            ("_xpack", "GET", self.xpack),
            ("_cluster/health", "GET", self.health),
            ("_cat/health", "GET", self.health_line),
            ("_nodes", "GET", self.nodes),
            ("_nodes/http", "GET", self.nodes),
            ("_nodes/_all/http", "GET", self.nodes),
        ]
        for named in _NAMED:
            asked += [
                (named, "GET", self.unnamed),
                (f"{named}/{{name}}", "GET", self.nothing),
                (f"{named}/{{name}}", "PUT", self.acknowledge),
                (f"{named}/{{name}}", "POST", self.acknowledge),
                (f"{named}/{{name}}", "DELETE", self.acknowledge),
            ]
        if prefix:
            asked += [
                ("", "GET", self.info),
                ("{index}", "GET", self.nothing),
                ("{index}", "PUT", self.acknowledge),
            ]
            yield Operation(prefix, "GET", self.info, "logs.write")
        for path, method, handler in asked:
            yield Operation(f"{prefix}/{path}", method, handler, "logs.write")


_OBJECT: Final[dict[str, Any]] = {"content": {_JSON: {"schema": {"type": "object"}}}}


def _failures() -> dict[int, Any]:
    texts = {
        400: "What is wrong.",
        404: "No name of an index has such characters.",
        408: "The body did not come in time.",
        413: "The body is too large.",
        415: "Packed otherwise than by gzip, deflate or zstd.",
        429: "Too much for now.",
        503: "Not now.",
    }
    return {code: {"description": text, **_OBJECT} for code, text in texts.items()}


def _in_path(*names: str) -> dict[str, Any]:
    schema = {"type": "string"}
    found = [{"name": name, "in": "path", "required": True, "schema": schema} for name in names if name]
    return {"parameters": found} if found else {}
