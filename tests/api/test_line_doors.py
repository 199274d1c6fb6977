"""Log lines over HTTP: what senders of Loki's and Elasticsearch's protocols are answered."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import cramjam
import orjson
import pytest
from starlette.requests import Request
from starlette.responses import Response
from tests.ingest.records import records

from pharos.access import DEFAULT, Scope
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.identity import SCOPE
from pharos.api.http.routes import Operation
from pharos.api.receivers.doors import line_operations
from pharos.api.receivers.elastic import elastic_info, wants_elastic
from pharos.api.receivers.lines import LineDoor
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Submission
from pharos.turns import TurnPool

PUSH = {"streams": [{"stream": {"app": "a"}, "values": [["5", "hello"]]}]}
BULK = b'{"create":{"_index":"i"}}\n{"message":"hello"}\n'
JSON = "application/json"


class _Any:
    """Equals whatever stands there."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


_ANY = _Any()


def shown(answer: Response) -> Any:
    """Return what an answer says in JSON."""
    return json.loads(bytes(answer.body))


@dataclass
class FakeIntake:
    """An intake that keeps what it is handed, or turns it away."""

    taken: list[Submission[Any]] = field(default_factory=list)
    reason: PharosError | None = None
    rejected: int = 0

    async def begin(self, scope: Scope) -> None:
        self.check_open(scope.tenant)

    def check_open(self, tenant: str) -> None:
        if self.reason is not None:
            raise self.reason

    async def accept(self, sent: Submission[Any]) -> EventsTaken:
        assert sent.kind == FrameKind.LOGS
        self.taken.append(sent)
        return EventsTaken("logs", 1, self.rejected, "it is too old")

    def lines(self) -> list[Any]:
        return [one["line"] for sent in self.taken for one in records(bytes(sent.plain or b""))]


@dataclass(frozen=True)
class Doors:
    """The operations over a fake intake."""

    intake: FakeIntake
    operations: list[Operation]

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        parts: dict[str, str] | None = None,
    ) -> Response:
        """Answer as the router would; `parts` are those of the path, which is an operation's."""
        path, _, query = path.partition("?")
        found = next(one for one in self.operations if (one.method, one.path) == (method, path))

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        raw = [(name.lower().encode(), value.encode()) for name, value in (headers or {}).items()]
        asked = {"type": "http", "method": method, "path": path, "headers": raw, SCOPE: DEFAULT}
        asked |= {"query_string": query.encode(), "path_params": parts or {}, "server": ("127.0.0.1", 8080)}
        return await found.handler(Request(asked, receive))


@pytest.fixture
async def doors() -> AsyncIterator[Doors]:
    intake, pool = FakeIntake(), TurnPool(1, "lines")
    door = LineDoor(cast("Intake", intake), Bodies(BodyLimits(), intake.begin), 1 << 20, pool)
    yield Doors(intake, line_operations(door))
    pool.close()


@pytest.mark.parametrize("path", ["/loki/api/v1/push", "/api/prom/push"])
@pytest.mark.parametrize("packing", ["", "gzip", "deflate", "snappy is refused for JSON"])
async def test_a_push_in_json_is_answered_with_204(doors: Doors, path: str, packing: str) -> None:
    body = orjson.dumps(PUSH)
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}.get(packing, body)
    headers = {"Content-Type": f"{JSON}; charset=utf-8"} | ({"Content-Encoding": packing} if packing else {})
    answer = await doors.ask("POST", path, packed, headers)
    if packing.startswith("snappy"):
        assert (answer.status_code, doors.intake.lines()) == (415, [])
    else:
        assert (answer.status_code, answer.body, doors.intake.lines()) == (204, b"", ["hello"])


@pytest.mark.parametrize("media", ["application/x-protobuf", ""])
async def test_a_push_in_protobuf_is_answered_with_204(doors: Doors, media: str) -> None:
    body = bytes.fromhex("0a150a097b6170703d2261227d12080a02080112026869")
    packed = bytes(cramjam.snappy.compress_raw(body))
    answer = await doors.ask("POST", "/loki/api/v1/push", packed, {"Content-Type": media})
    assert (answer.status_code, doors.intake.lines()) == (204, ["hi"])
    assert doors.intake.taken[0].sent_bytes == len(packed)


async def test_what_is_wrong_with_a_push_is_told_as_text(doors: Doors) -> None:
    for body, headers, status, says in [
        (b"{", {"Content-Type": JSON}, 400, b"not JSON"),
        (orjson.dumps(PUSH), {"Content-Type": "text/html"}, 415, b"text/html"),
        (orjson.dumps(PUSH), {"Content-Type": "application/x-protobuf"}, 400, b"snappy"),
        (b"x" * (1 << 21), {"Content-Type": JSON}, 413, b"larger"),
    ]:
        answer = await doors.ask("POST", "/loki/api/v1/push", body, headers)
        assert (answer.status_code, says in bytes(answer.body)) == (status, True)
        assert answer.headers["content-type"].startswith("text/plain")
    assert doors.intake.taken == []


async def test_streams_with_bad_labels_are_told_of_and_the_rest_is_stored(doors: Doors) -> None:
    bad = {"stream": {"bad-name": "x"}, "values": [["5", "lost"]]}
    body = orjson.dumps({"streams": [bad, *PUSH["streams"]]})
    answer = await doors.ask("POST", "/loki/api/v1/push", body, {"Content-Type": JSON})
    assert (answer.status_code, doors.intake.lines()) == (400, ["hello"])
    assert b"bad-name" in bytes(answer.body)
    assert doors.intake.taken[0].refused == {"labels": 1}


async def test_what_the_store_rejects_is_told(doors: Doors) -> None:
    doors.intake.rejected = 2
    answer = await doors.ask("POST", "/loki/api/v1/push", orjson.dumps(PUSH), {"Content-Type": JSON})
    assert (answer.status_code, b"too old" in bytes(answer.body)) == (400, True)


@pytest.mark.parametrize(("kind", "status"), [(Kind.UNAVAILABLE, 503), (Kind.LIMITED, 429)])
async def test_senders_are_told_to_wait(doors: Doors, kind: Kind, status: int) -> None:
    doors.intake.reason = PharosError(kind, "not now", retry_after_s=7.0)
    pushed = await doors.ask("POST", "/loki/api/v1/push", orjson.dumps(PUSH), {"Content-Type": JSON})
    bulk = await doors.ask("POST", "/elasticsearch/_bulk", BULK)
    for answer in (pushed, bulk):
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert shown(bulk)["error"]["reason"] == "not now"
    assert bulk.headers["x-elastic-product"] == "Elasticsearch"


@pytest.mark.parametrize("prefix", ["", "/elasticsearch"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_bulk_request_has_an_item_for_each_action(doors: Doors, prefix: str, method: str) -> None:
    body = BULK + b'{"index":{"_id":"x"}}\n[1]\n{"delete":{"_id":"y"}}\n'
    answer = await doors.ask(method, f"{prefix}/{{index}}/_bulk", body, parts={"index": "from-path"})
    content = shown(answer)
    assert (answer.status_code, content["errors"], doors.intake.lines()) == (200, True, ["hello"])
    outcomes = [
        (name, one["_index"], one["status"]) for item in content["items"] for name, one in item.items()
    ]
    assert outcomes == [("create", "i", 201), ("index", "from-path", 400), ("delete", "from-path", 400)]
    assert content["items"][1]["index"]["error"]["reason"]
    assert content["items"][1]["index"]["_id"] == "x"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (
            "errors,items.*.error,items.*.status",
            {
                "errors": True,
                "items": [{"create": {"status": 201}}, {"index": {"status": 400, "error": _ANY}}],
            },
        ),
        ("errors", {"errors": True}),
        ("items.*.error", {"items": [{"index": {"error": _ANY}}]}),
        ("items.create._i*", {"items": [{"create": {"_index": "i", "_id": _ANY}}]}),
        ("**.reason", {"items": [{"index": {"error": {"reason": _ANY}}}]}),
        ("took,-items", {"took": 0}),
        ("-took,-items.*._*,-items.*.result", {"errors": True, "items": [_ANY, _ANY]}),
        ("nothing", {}),
    ],
)
async def test_a_client_is_answered_what_it_wants(doors: Doors, wanted: str, told: dict[str, Any]) -> None:
    body = gzip.compress(BULK + b'{"index":{"_id":"x"}}\n[1]\n')
    path = f"/elasticsearch/_bulk?filter_path={wanted}"
    answer = await doors.ask("POST", path, body, {"Content-Encoding": "gzip"})
    assert shown(answer) == told


async def test_each_document_is_told_its_own_id_where_ids_are_wanted(doors: Doors) -> None:
    body = b"".join(b'{"index":{"_id":"%s","_index":"a"}}\n{"message":"m"}\n' % one for one in (b"x", b"y"))
    answer = await doors.ask("POST", "/elasticsearch/_bulk?filter_path=items.*._id", body)
    assert shown(answer) == {"items": [{"index": {"_id": "x"}}, {"index": {"_id": "y"}}]}


async def test_an_answer_with_more_paths_than_anybody_needs_is_refused_before_anything_is_taken(
    doors: Doors,
) -> None:
    path = "/elasticsearch/_bulk?filter_path=" + ",".join(["a.*"] * 65)
    answer = await doors.ask("POST", path, BULK)
    assert (answer.status_code, doors.intake.lines()) == (400, [])


async def test_the_media_type_is_that_of_the_client(doors: Doors) -> None:
    for version in ("8", "9"):
        media = f"application/vnd.elasticsearch+json; compatible-with={version}"
        answer = await doors.ask("POST", "/elasticsearch/_bulk", BULK, {"Accept": media})
        assert answer.headers["content-type"] == media
    plain = await doors.ask("POST", "/elasticsearch/_bulk", BULK)
    assert plain.headers["content-type"] == JSON


async def test_one_document_alone_is_created(doors: Doors) -> None:
    for method, path in [("POST", "_doc"), ("PUT", "_doc/{id}"), ("PUT", "_create/{id}")]:
        parts = {"index": "a", "id": "x1"} if "id" in path else {"index": "a"}
        answer = await doors.ask(
            method, f"/elasticsearch/{{index}}/{path}", b'{"message":"one"}', parts=parts
        )
        content = shown(answer)
        assert (answer.status_code, content["_index"], content["result"]) == (201, "a", "created")
        assert content["_id"] == "x1" if "id" in path else len(content["_id"]) == 20
    assert doors.intake.lines() == ["one"] * 3
    refused = await doors.ask("POST", "/elasticsearch/{index}/_doc", b"5", parts={"index": "a"})
    assert (refused.status_code, shown(refused)["status"]) == (400, 400)


async def test_what_clients_ask_before_they_send_is_answered(doors: Doors) -> None:
    asked = [
        ("GET", "", {}, "version"),
        ("GET", "_license", {}, "license"),
        ("GET", "_xpack", {}, "features"),
        ("GET", "_cluster/health", {}, "status"),
        ("GET", "_nodes/http", {}, "nodes"),
        ("GET", "_data_stream", {}, "data_streams"),
        ("PUT", "_index_template/{name}", {"name": "t"}, "acknowledged"),
        ("PUT", "{index}", {"index": "i"}, "acknowledged"),
    ]
    for method, path, parts, key in asked:
        answer = await doors.ask(
            method, f"/elasticsearch/{path}", b"{}" if method == "PUT" else b"", parts=parts
        )
        assert (answer.status_code, key in shown(answer)) == (200, True)
        assert answer.headers["x-elastic-product"] == "Elasticsearch"
    for path, parts in [("_ilm/policy/{name}", {"name": "p"}), ("{index}", {"index": "i"})]:
        answer = await doors.ask("GET", f"/elasticsearch/{path}", parts=parts)
        assert (answer.status_code, answer.headers["x-elastic-product"]) == (404, "Elasticsearch")
        assert shown(answer)["error"]["type"] == "resource_not_found_exception"
    assert doors.intake.taken == []


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"accept": "text/html,application/xhtml+xml", "user-agent": "Mozilla/5.0"}, False),
        ({"accept": "*/*", "user-agent": "curl/8"}, False),
        ({"accept": "application/json"}, True),
        ({"accept": "application/vnd.elasticsearch+json; compatible-with=8"}, True),
        ({"user-agent": "elastic-transport-python/8.15"}, True),
    ],
)
def test_the_root_is_elasticsearch_to_its_clients_and_the_page_to_browsers(
    headers: dict[str, str], wanted: bool
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": raw})
    assert wants_elastic(request) is wanted
    assert shown(elastic_info(request))["version"]["number"].startswith("8.")
