"""Jaeger's query services over gRPC, version 2 (its own model) and 3 (OTLP).

The services are `jaeger.api_v2.QueryService` (query.proto) and `jaeger.api_v3.QueryService`
(query_service.proto) of jaegertracing/jaeger-idl.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from msgspec import Struct

from pharos.access import Scope
from pharos.api.grpc.methods import Method, StreamedMethod, read_question
from pharos.api.http.bodies import Held
from pharos.api.jaeger.adjust import ShownSpan
from pharos.api.jaeger.filters import Search
from pharos.api.jaeger.parameters import fault, required_service
from pharos.api.jaeger.questions import VERSION_2, VERSION_3, search_in, time_ns_in
from pharos.api.jaeger.reading import JaegerTraces
from pharos.api.jaeger.summaries import SUMMARIES, summary_of
from pharos.api.jaeger.trace_protobuf import spans_chunk
from pharos.api.jaeger.version_3 import with_warnings
from pharos.api.receivers.otlp_http import Sent
from pharos.api.traces.otlp import request_bytes
from pharos.errors import Kind, PharosError
from pharos.query.events.ids import parse_trace_id

_PERMISSION: Final = "traces.view"
_MESSAGE_BYTES: Final = 2 << 20
"""Clients take messages of 4 MiB unless they are told otherwise."""
_SPANS_AT_ONCE: Final = 256
_DAY_NS: Final = 86_400 * 10**9
_TRACE_BYTES: Final = frozenset({8, 16})

Write: TypeAlias = Callable[[Sequence[ShownSpan]], bytes]


class _Version(Struct, frozen=True):
    """In what the versions differ."""

    service: str
    messages: Mapping[str, Any]
    trace_id: Callable[[Any], str]
    """Reads the id of a trace as a request has it. Raises PharosError(INVALID)."""
    write: Write
    """Writes spans of a trace as one message."""
    is_bounded: bool
    """Whether a search must say between which times."""
    has_names: bool
    """Whether the names of operations are told beside the operations."""


def _hex_of(raw: bytes) -> str:
    if len(raw) not in _TRACE_BYTES:
        raise fault("trace_id", f"it has {len(raw)} bytes, not 16")
    return parse_trace_id(raw.hex())


_VERSIONS: Final = (
    _Version(
        "jaeger.api_v2.QueryService",
        VERSION_2,
        _hex_of,
        spans_chunk,
        is_bounded=False,
        has_names=True,
    ),
    _Version(
        "jaeger.api_v3.QueryService",
        VERSION_3,
        parse_trace_id,
        # TracesData is on the wire what a request that exports it is.
        lambda shown: request_bytes(with_warnings(shown)),
        is_bounded=True,
        has_names=False,
    ),
)


def query_methods(read: JaegerTraces) -> list[Method | StreamedMethod]:
    """Return what is answered of traces."""
    found = [method for version in _VERSIONS for method in _Queries(version, read).methods()]
    summaries = partial(_summaries, read)
    return [
        *found,
        Method(_VERSIONS[0].service, "ArchiveTrace", _PERMISSION, _archive),
        StreamedMethod(_VERSIONS[1].service, "FindTraceSummaries", _PERMISSION, summaries),
    ]


async def _summaries(read: JaegerTraces, scope: Scope, sent: Sent) -> AsyncGenerator[bytes]:
    asked = await read_question(VERSION_3["FindTracesRequest"], sent)
    search, is_raw = _asked_search(asked, read, is_bounded=True)
    async for shown in read.stream(scope, search, is_raw=is_raw):
        answer = SUMMARIES["FindTraceSummariesResponse"](summaries=[summary_of(shown)])
        yield answer.SerializeToString()


def _asked_search(asked: Any, read: JaegerTraces, *, is_bounded: bool) -> tuple[Search, bool]:
    """Return (the search that is asked for, whether spans are wanted as they are stored)."""
    if not asked.HasField("query"):
        raise fault("query", "it is missing")
    query = asked.query
    if is_bounded and None in (time_ns_in(query, "start_time_min"), time_ns_in(query, "start_time_max")):
        raise fault("query.start_time_min", "the start times of traces must be bounded on both sides")
    return search_in(query, read.clock.now_ns()), query.raw_traces


async def _archive(_scope: Scope, _sent: Sent, _held: Held) -> bytes:
    raise PharosError(
        Kind.UNSUPPORTED, "there is no archive of traces", hint="retention.traces says how long all are kept"
    )


def parts_of(shown: Sequence[ShownSpan], write: Write) -> Iterator[bytes]:
    """Yield a trace in messages that clients take; only one span alone makes a larger one."""
    for start in range(0, len(shown), _SPANS_AT_ONCE):
        yield from _halves(shown[start : start + _SPANS_AT_ONCE], write)


def _halves(shown: Sequence[ShownSpan], write: Write) -> Iterator[bytes]:
    written = write(shown)
    if len(written) <= _MESSAGE_BYTES or len(shown) == 1:
        yield written
        return
    middle = len(shown) // 2
    yield from _halves(shown[:middle], write)
    yield from _halves(shown[middle:], write)


class _Queries:
    """Answers in one version."""

    def __init__(self, version: _Version, read: JaegerTraces) -> None:
        self._version = version
        self._read = read

    def methods(self) -> list[Method | StreamedMethod]:
        """Return the service's methods."""
        service = self._version.service
        return [
            Method(service, "GetServices", _PERMISSION, self._services),
            Method(service, "GetOperations", _PERMISSION, self._operations),
            Method(service, "GetDependencies", _PERMISSION, self._dependencies),
            StreamedMethod(service, "GetTrace", _PERMISSION, self._trace),
            StreamedMethod(service, "FindTraces", _PERMISSION, self._search),
        ]

    async def _asked(self, name: str, sent: Sent) -> Any:
        return await read_question(self._version.messages[name], sent)

    def _answer(self, name: str, **fields: Any) -> bytes:
        made: bytes = self._version.messages[name](**fields).SerializeToString()
        return made

    async def _services(self, scope: Scope, sent: Sent, _held: Held) -> bytes:
        await self._asked("GetServicesRequest", sent)
        return self._answer("GetServicesResponse", services=await self._read.services(scope))

    async def _operations(self, scope: Scope, sent: Sent, _held: Held) -> bytes:
        asked = await self._asked("GetOperationsRequest", sent)
        found = await self._read.operations(scope, required_service(asked.service), asked.span_kind)
        operations = [{"name": name, "span_kind": kind} for name, kind in found]
        if not self._version.has_names:
            return self._answer("GetOperationsResponse", operations=operations)
        names = sorted({name for name, _ in found})
        return self._answer("GetOperationsResponse", operations=operations, operationNames=names)

    async def _dependencies(self, scope: Scope, sent: Sent, _held: Held) -> bytes:
        asked = await self._asked("GetDependenciesRequest", sent)
        end_ns = time_ns_in(asked, "end_time")
        end_ns = self._read.clock.now_ns() if end_ns is None else end_ns
        start_ns = time_ns_in(asked, "start_time")
        start_ns = end_ns - _DAY_NS if start_ns is None else start_ns
        found = await self._read.dependencies(scope, start_ns, end_ns)
        edges = [{"parent": one.caller, "child": one.callee, "call_count": one.calls} for one in found]
        return self._answer("Dependencies", dependencies=edges)

    async def _trace(self, scope: Scope, sent: Sent) -> AsyncGenerator[bytes]:
        asked = await self._asked("GetTraceRequest", sent)
        # Its times are without effect: a trace is found by its id at whatever time it was.
        shown = await self._read.trace(scope, self._version.trace_id(asked.trace_id), is_raw=asked.raw_traces)
        for part in parts_of(shown, self._version.write):
            yield part

    async def _search(self, scope: Scope, sent: Sent) -> AsyncGenerator[bytes]:
        asked = await self._asked("FindTracesRequest", sent)
        search, is_raw = _asked_search(asked, self._read, is_bounded=self._version.is_bounded)
        async for shown in self._read.stream(scope, search, is_raw=is_raw):
            for part in parts_of(shown, self._version.write):
                yield part
