"""Tempo's query API (grafana.com/docs/tempo/latest/api_docs)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.warned import warnings_of
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.api.tempo.results import fields_of, trace_result
from pharos.api.tempo.tags import parse_tags, query_of
from pharos.api.traces.otlp import batches, request_bytes
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.protobuf import varint
from pharos.query.events.ids import parse_trace_id
from pharos.query.events.lower import KINDS, STATUSES
from pharos.query.events.rows import Span, ValueKind
from pharos.query.events.span_counts import TagValue
from pharos.query.events.traces import Traces
from pharos.search.traceql.ast import AttributeScope, Filter, Pipeline
from pharos.search.traceql.lower import lower
from pharos.search.traceql.parse import parse_traceql
from pharos.search.tree import All, Place, Tree
from pharos.search.window import Window

SPOKEN_VERSION: Final = "2.8.0"
"""The version of Tempo whose API is spoken here; Grafana chooses what to ask by it."""
_PROTOBUF: Final = "application/protobuf"
_JSON: Final = "application/json"
_PARTIAL: Final = b"\x18\x01\x22"
"""Of `TraceByIDResponse` the status, and what its message begins with."""
_S_NS: Final = 10**9
_DEFAULT_NS: Final = 3_600 * _S_NS
"""Without times: the last hour."""
_DEFAULT_LIMIT: Final = 20
_MOST_TRACES: Final = 1_000
_DEFAULT_SPANS: Final = 3
_MOST_SPANS: Final = 100
_MOST_VALUES: Final = 1_000
_LAST_S: Final = 9_000_000_000
INTRINSICS: Final = (
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:id",
    "span:parentID",
    "status",
    "statusMessage",
    "trace:id",
    "traceDuration",
)
_OWN: Final = {"name": "name", "span:name": "name", "statusMessage": "status_message"}
_WORDS: Final = {"status": STATUSES, "span:status": STATUSES, "kind": KINDS, "span:kind": KINDS}
_PLACES: Final = {
    AttributeScope.SPAN: Place.RECORD,
    AttributeScope.RESOURCE: Place.RESOURCE,
    AttributeScope.EVENT: Place.EVENT,
    AttributeScope.LINK: Place.LINK,
    AttributeScope.INSTRUMENTATION: Place.SCOPE,
}
_TYPES: Final = {ValueKind.INTEGER: "int", ValueKind.DOUBLE: "float", ValueKind.BOOL: "bool"}


def _count(parameters: Parameters, name: str, default: int, most: int) -> int:
    text = parameters.first(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(1 << 63)) or int(text) < 1:
        raise PharosError(Kind.INVALID, f"invalid {name}: {text[:40]!r} is no whole number above 0")
    return min(int(text), most)


def _time_ns(parameters: Parameters, name: str) -> int | None:
    text = parameters.first(name)
    if not text:
        return None
    whole = text.partition(".")[0]
    if not (whole.isascii() and whole.isdigit()) or len(whole) > len(str(_LAST_S)):
        raise PharosError(Kind.INVALID, f"invalid {name}: {text[:40]!r} is no Unix time in seconds")
    return min(int(whole), _LAST_S) * _S_NS


def _duration_ns(parameters: Parameters, name: str) -> int | None:
    text = parameters.first(name)
    return parse_go_duration(text) if text else None


def partial_status(lacks: Sequence[str]) -> dict[str, str]:
    """Return what an answer says of itself where it may lack something; nothing where it is complete."""
    return {"status": "PARTIAL", "message": "; ".join(lacks)} if lacks else {}


def trace_by_id(
    spans: tuple[Span, ...], request: Request, *, is_v2: bool, lacks: Sequence[str] = ()
) -> Response:
    """Return a trace in the encoding that is accepted: protobuf where it is named, else JSON.

    What it may lack only the second version has a place for.
    """
    if _PROTOBUF in request.headers.get("accept", ""):
        body = request_bytes(spans)
        if is_v2:
            body = b"\x0a" + varint(len(body)) + body
            if lacks:
                message = "; ".join(lacks).encode()
                body += _PARTIAL + varint(len(message)) + message
        return Response(body, media_type=_PROTOBUF)
    found = batches(spans)
    shape: dict[str, Any] = {"batches": found}
    if is_v2:
        shape = {"trace": {"resourceSpans": found}, **partial_status(lacks)}
    return Response(json_text(shape), media_type=_JSON)


class TempoApi(Struct, frozen=True):
    """Answers as Tempo's query frontend does."""

    traces: Traces
    clock: Clock

    def _window(self, parameters: Parameters) -> Window:
        end, start = _time_ns(parameters, "end"), _time_ns(parameters, "start")
        last = self.clock.now_ns() if end is None else end + _S_NS
        first = last - _DEFAULT_NS if start is None else start
        if first >= last:
            raise PharosError(Kind.INVALID, "invalid start: it must be before end")
        return Window(max(first, 0), last)

    async def trace(self, request: Request) -> Response:
        """Return a trace by its id, in JSON or protobuf."""
        return await self._trace(request, is_v2=False)

    async def trace_v2(self, request: Request) -> Response:
        """Return a trace by its id, in JSON or protobuf."""
        return await self._trace(request, is_v2=True)

    async def _trace(self, request: Request, *, is_v2: bool) -> Response:
        warnings = warnings_of(request)
        try:
            trace_id = parse_trace_id(request.path_params["trace_id"])
            work = self.traces.telling(warnings).trace(scope_of(request), trace_id)
            spans = await while_connected(request, work)
        except PharosError as exc:
            return plain_error(exc)
        if not spans:
            return plain_error(PharosError(Kind.MISSING, "trace not found", hint="; ".join(warnings)))
        return trace_by_id(spans, request, is_v2=is_v2, lacks=warnings)

    async def search(self, request: Request) -> Response:
        """Return the newest traces that a TraceQL query (`q`), or tags and durations, find."""
        return await answered(request, self._search)

    async def _search(self, parameters: Parameters, request: Request) -> Any:
        window = self._window(parameters)
        limit = _count(parameters, "limit", _DEFAULT_LIMIT, _MOST_TRACES)
        most_spans = _count(parameters, "spss", _DEFAULT_SPANS, _MOST_SPANS)
        if text := parameters.first("q"):
            query = parse_traceql(text)
        else:
            least, most = (_duration_ns(parameters, name) for name in ("minDuration", "maxDuration"))
            query = query_of(parse_tags(parameters.first("tags")), least, most)
        lacks = warnings_of(request)
        found = await self.traces.telling(lacks).traceql(scope_of(request), window, query, limit)
        if not found.is_complete:
            lacks.append(_partial(found.read))
        fields = fields_of(query)
        return {
            "traces": [trace_result(one, fields, most_spans) for one in found.matches],
            "metrics": {"inspectedTraces": found.read, "completedJobs": 1, "totalJobs": 1},
            **partial_status(lacks),
        }

    async def tags(self, request: Request) -> Response:
        """Return the names of attributes."""
        return await answered(request, self._tags)

    async def _tags(self, parameters: Parameters, request: Request) -> Any:
        scopes = await self._scopes(parameters, request)
        return {"tagNames": sorted({tag for scope in scopes for tag in scope["tags"]})}

    async def tags_v2(self, request: Request) -> Response:
        """Return the names of attributes by where they are."""
        return await answered(request, self._tags_v2)

    async def _tags_v2(self, parameters: Parameters, request: Request) -> Any:
        return {"scopes": await self._scopes(parameters, request)}

    async def _scopes(self, parameters: Parameters, request: Request) -> list[dict[str, Any]]:
        wanted = parameters.first("scope")
        names = ("span", "resource", "instrumentation", "intrinsic")
        known = (*names, "event", "link", "none")
        if wanted and wanted not in known:
            raise PharosError(
                Kind.INVALID, f"invalid scope: {wanted[:40]!r} is not one of {', '.join(known)}"
            )
        window, scope = self._window(parameters), scope_of(request)
        origins = await self.traces.origins(scope, window)
        tags = {
            "span": await self.traces.attributes(scope, window),
            "resource": sorted({key for one in origins for key, _, _ in one.resource}),
            "instrumentation": sorted({key for one in origins for key, _, _ in one.scope}),
            "intrinsic": list(INTRINSICS),
        }
        return [
            {"name": name, "tags": found}
            for name, found in tags.items()
            if found and wanted in {"", "none", name}
        ]

    async def values(self, request: Request) -> Response:
        """Return the values of a tag as texts, the most frequent first."""
        return await answered(request, self._values)

    async def _values(self, parameters: Parameters, request: Request) -> Any:
        found = await self._found(parameters, request)
        return {"tagValues": [one["value"] for one in found]}

    async def values_v2(self, request: Request) -> Response:
        """Return the values of a field with their types, the most frequent first; `q` narrows spans down."""
        return await answered(request, self._values_v2)

    async def _values_v2(self, parameters: Parameters, request: Request) -> Any:
        return {"tagValues": await self._found(parameters, request)}

    async def _found(self, parameters: Parameters, request: Request) -> list[dict[str, Any]]:
        tag = request.path_params["tag"]
        if tag in _WORDS:
            return [{"type": "keyword", "value": word} for word in _WORDS[tag]]
        window = self._window(parameters)
        tree = _narrowed(parameters.first("q"))
        name, places = _field(tag)
        found: list[TagValue] = []
        for place in places:
            found += await self.traces.values(
                scope_of(request),
                window,
                tree,
                name,
                place,
                _count(parameters, "limit", _MOST_VALUES, _MOST_VALUES),
            )
        merged = dict.fromkeys((one.value, _TYPES.get(one.kind, "string")) for one in found)
        return [{"type": kind, "value": value} for value, kind in merged]

    async def echo(self, request: Request) -> Response:  # noqa: ARG002
        """Say that the API is there: Grafana's test of a data source."""
        return PlainTextResponse("echo")

    async def buildinfo(self, request: Request) -> Response:  # noqa: ARG002
        """Return which version of Tempo's API is spoken."""
        return Response(json_text({"version": SPOKEN_VERSION, "application": "Pharos"}), media_type=_JSON)


def _partial(read: int) -> str:
    return f"the newest {read} traces that may match were looked at; narrow the query or its time"


async def answered(request: Request, work: Any) -> Response:
    """Return in JSON what `work` makes of a request's parameters, or what is wrong with them."""
    try:
        found = await while_connected(request, work(query_parameters(request), request))
    except PharosError as exc:
        response = plain_error(exc)
        if exc.kind is Kind.UNSUPPORTED:
            response.status_code = 400
        return response
    return Response(json_text(found), media_type=_JSON)


def _narrowed(text: str) -> Tree:
    """Return what narrows spans down: Grafana sends what was typed so far, which may be no query."""
    if not text.strip():
        return All()
    try:
        query: Pipeline = parse_traceql(text)
    except PharosError:
        return All()
    first = query.stages[0]
    return lower(first.condition) if isinstance(first, Filter) and first.condition is not None else All()


def _field(tag: str) -> tuple[str, tuple[Place, ...]]:
    """Return (name, places) of a field as it is written in TraceQL, or of a bare attribute."""
    if tag in _OWN:
        return _OWN[tag], (Place.OWN,)
    if tag in {"rootServiceName", "trace:rootService"}:
        return "service", (Place.OWN,)
    if tag in {"rootName", "trace:rootName"}:
        return "name", (Place.OWN,)
    if tag == "event:name":
        return "name", (Place.EVENT,)
    for scope, place in _PLACES.items():
        if tag.startswith(f"{scope}."):
            return tag.removeprefix(f"{scope}."), (place,)
    if tag in INTRINSICS:
        return tag, ()
    return tag.removeprefix("."), (Place.RESOURCE, Place.RECORD)
