"""Jaeger's query API, version 1 (`/api/traces`, `/api/services`, ...) and 3 (`/api/v3`, OTLP in JSON)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.json_format import MessageToDict
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import STATUS, error_headers
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Handler, answering
from pharos.api.jaeger.parameters import (
    fault,
    ids_in,
    required_service,
    search_in,
    time_ns_in,
    truth_in,
    whole_in,
    window_in,
)
from pharos.api.jaeger.reading import JaegerTraces
from pharos.api.jaeger.summaries import SUMMARIES, summary_of
from pharos.api.jaeger.trace_json import envelope, trace_json
from pharos.api.jaeger.version_3 import ask_in, instant_in, resource_answer
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.ids import parse_trace_id, short_trace_id

_JSON: Final = "application/json"
_MS: Final = 1_000_000
_DAY_MS: Final = 86_400_000

Endpoint = Callable[[Parameters, Request], Awaitable[Any]]


def _error(error: PharosError) -> Response:
    code = STATUS[error.kind]
    body = envelope(None, errors=[{"code": code, "msg": str(error)}])
    return Response(json_text(body), code, headers=error_headers(error), media_type=_JSON)


def _error_v3(error: PharosError) -> Response:
    code = STATUS[error.kind]
    body = {"error": {"httpCode": code, "message": str(error)}}
    return Response(json_text(body), code, headers=error_headers(error), media_type=_JSON)


def written(endpoint: Endpoint, *, is_v3: bool = False) -> Handler:
    """Return the handler of an endpoint that returns what is to be written as JSON."""

    async def answer(request: Request) -> Response:
        found = await while_connected(request, _run(endpoint, request))
        return Response(json_text(found), media_type=_JSON)

    return answering(answer, _error_v3 if is_v3 else _error, endpoint)


async def _run(endpoint: Endpoint, request: Request) -> Any:
    return await endpoint(query_parameters(request), request)


class JaegerApi(Struct, frozen=True):
    """Answers as Jaeger's query service does."""

    read: JaegerTraces
    clock: Clock

    async def trace(self, parameters: Parameters, request: Request) -> Any:
        """Return a trace by its id: as it is shown by default, or with `raw=true` as it is stored."""
        trace_id = parse_trace_id(request.path_params["trace_id"])
        is_raw = truth_in(parameters, "raw")
        # Understood and without effect: a trace is found by its id at whatever time it was.
        time_ns_in(parameters, "start"), time_ns_in(parameters, "end")
        shown = await self.read.trace(scope_of(request), trace_id, is_raw=is_raw)
        return envelope([trace_json(shown)], total=1)

    async def search(self, parameters: Parameters, request: Request) -> Any:
        """Return the newest traces of which a span meets all conditions, or those with the given ids."""
        scope = scope_of(request)
        is_raw = truth_in(parameters, "raw")
        ids = ids_in(parameters)
        if ids:
            window_in(parameters, self.clock.now_ns())
            found = await self.read.by_ids(scope, ids, is_raw=is_raw)
            shown = [trace_json(one) for one in found.values()]
            missing = [
                {"code": 404, "msg": "trace not found", "traceID": short_trace_id(one)}
                for one in ids
                if one not in found
            ]
            return envelope(shown, len(shown), missing)
        search = search_in(parameters, self.clock.now_ns())
        shown = [trace_json(one) for one in await self.read.search(scope, search, is_raw=is_raw)]
        return envelope(shown, len(shown))

    async def services(self, parameters: Parameters, request: Request) -> Any:  # noqa: ARG002
        """Return the services that sent spans in the last week."""
        found = await self.read.services(scope_of(request))
        return envelope(found, len(found))

    async def operations(self, parameters: Parameters, request: Request) -> Any:
        """Return what a service did in the last week, by name and kind."""
        found = await self._operations(parameters, request, parameters.first("spanKind"))
        return envelope(found, len(found))

    async def _operations(self, parameters: Parameters, request: Request, kind: str) -> list[dict[str, str]]:
        service = required_service(parameters.first("service"))
        found = await self.read.operations(scope_of(request), service, kind)
        return [{"name": name, "spanKind": word} for name, word in found]

    async def operations_of(self, parameters: Parameters, request: Request) -> Any:  # noqa: ARG002
        """Return the names of what a service did in the last week."""
        found = await self.read.operations(scope_of(request), request.path_params["service"])
        names = sorted({name for name, _ in found})
        return envelope(names, len(names))

    async def dependencies(self, parameters: Parameters, request: Request) -> Any:
        """Return which service called which until `endTs`, in `lookback` milliseconds before it."""
        end_ms = whole_in(parameters, "endTs")
        lookback_ms = whole_in(parameters, "lookback")
        end_ns = (self.clock.now_ms() if end_ms is None else max(end_ms, 0)) * _MS
        start_ns = end_ns - (_DAY_MS if lookback_ms is None else max(lookback_ms, 0)) * _MS
        found = [
            {"parent": one.caller, "child": one.callee, "callCount": one.calls}
            for one in await self.read.dependencies(scope_of(request), start_ns, end_ns)
        ]
        return envelope(found, len(found))

    async def trace_v3(self, parameters: Parameters, request: Request) -> Any:
        """Return a trace by its id, as OTLP in JSON."""
        trace_id = parse_trace_id(request.path_params["trace_id"])
        is_raw = truth_in(parameters, "rawTraces") or truth_in(parameters, "raw_traces")
        return resource_answer(await self.read.trace(scope_of(request), trace_id, is_raw=is_raw))

    async def search_v3(self, parameters: Parameters, request: Request) -> Any:
        """Return the newest traces of which a span meets all conditions, as OTLP in JSON."""
        search, is_raw = ask_in(parameters)
        traces = await self.read.search(scope_of(request), search, is_raw=is_raw)
        if not traces:
            raise PharosError(Kind.MISSING, "No traces found")
        return resource_answer([one for shown in traces for one in shown])

    async def services_v3(self, parameters: Parameters, request: Request) -> Any:  # noqa: ARG002
        """Return the services that sent spans in the last week."""
        return {"services": await self.read.services(scope_of(request))}

    async def operations_v3(self, parameters: Parameters, request: Request) -> Any:
        """Return what a service did in the last week, by name and kind."""
        kind = parameters.first("spanKind") or parameters.first("span_kind")
        return {"operations": await self._operations(parameters, request, kind)}

    async def summaries_v3(self, parameters: Parameters, request: Request) -> Any:
        """Return a few words about each of the newest traces of which a span meets all conditions."""
        search, is_raw = ask_in(parameters)
        found = self.read.stream(scope_of(request), search, is_raw=is_raw)
        answer = SUMMARIES["FindTraceSummariesResponse"]()
        async for shown in found:
            answer.summaries.append(summary_of(shown))
        return MessageToDict(answer, always_print_fields_with_no_presence=True)

    async def dependencies_v3(self, parameters: Parameters, request: Request) -> Any:
        """Return which service called which between two times."""
        start_ns, end_ns = (instant_in(parameters, name) for name in ("startTime", "endTime"))
        if end_ns <= start_ns:
            raise fault("endTime", "it must be after startTime")
        edges = await self.read.dependencies(scope_of(request), start_ns, end_ns)
        # As protobuf's JSON has it: whole numbers of 64 bits are text.
        found = [{"parent": one.caller, "child": one.callee, "callCount": str(one.calls)} for one in edges]
        return {"dependencies": found}
