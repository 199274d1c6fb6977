"""What Jaeger's query services over gRPC are asked, in messages of query.proto and query_service.proto.

Both versions number the fields of a search alike: what version 2 calls tags are attributes in version 3.
"""

from __future__ import annotations

from typing import Any, Final

from pharos.api.jaeger.filters import Search
from pharos.api.jaeger.parameters import (
    DEFAULT_LIMIT,
    DEFAULT_LOOKBACK_NS,
    MOST_TAGS,
    MOST_TRACES,
    fault,
)
from pharos.errors import Kind, PharosError
from pharos.ingest.jaeger.model import NS_PER_S, TIMES
from pharos.protobuf import Schema, message_classes
from pharos.search.window import Window

_LAST_NS: Final = 9_000_000_000_000_000_000
_COMMON: Final[Schema] = {
    **TIMES,
    "FindTracesRequest": {"query": (1, "TraceQueryParameters")},
    "TraceQueryParameters": {
        "service_name": (1, "string"),
        "operation_name": (2, "string"),
        "tags": (3, "*Tag"),
        "start_time_min": (4, "Timestamp"),
        "start_time_max": (5, "Timestamp"),
        "duration_min": (6, "Duration"),
        "duration_max": (7, "Duration"),
        "search_depth": (8, "int32"),
        "raw_traces": (9, "bool"),
        # An expression that version 3 has as an experiment.
        "filter": (10, "?bytes"),
    },
    "Tag": {"key": (1, "string"), "value": (2, "string")},
    "GetServicesRequest": {},
    "GetServicesResponse": {"services": (1, "*string")},
    "GetOperationsRequest": {"service": (1, "string"), "span_kind": (2, "string")},
    "Operation": {"name": (1, "string"), "span_kind": (2, "string")},
    "GetDependenciesRequest": {"start_time": (1, "Timestamp"), "end_time": (2, "Timestamp")},
    "Dependency": {"parent": (1, "string"), "child": (2, "string"), "call_count": (3, "uint64")},
    "Dependencies": {"dependencies": (1, "*Dependency")},
}
VERSION_2: Final = message_classes(
    "jaeger.api_v2",
    {
        **_COMMON,
        "GetTraceRequest": {"trace_id": (1, "bytes"), "raw_traces": (4, "bool")},
        "GetOperationsResponse": {"operationNames": (1, "*string"), "operations": (2, "*Operation")},
    },
)
VERSION_3: Final = message_classes(
    "jaeger.api_v3",
    {
        **_COMMON,
        "GetTraceRequest": {"trace_id": (1, "string"), "raw_traces": (4, "bool")},
        "GetOperationsResponse": {"operations": (1, "*Operation")},
    },
)


def time_ns_in(message: Any, name: str) -> int | None:
    """Return a time; None if it is missing, or before 1970, as who sets none in Go sends it."""
    if not message.HasField(name):
        return None
    time = getattr(message, name)
    found = int(time.seconds) * NS_PER_S + int(time.nanos)
    return None if found < 0 else min(found, _LAST_NS)


def _duration_ns_in(message: Any, name: str) -> int | None:
    if not message.HasField(name):
        return None
    length = getattr(message, name)
    found = int(length.seconds) * NS_PER_S + int(length.nanos)
    if found < 0:
        raise fault(name, "it is below 0")
    return min(found, _LAST_NS) or None


def search_in(query: Any, now_ns: int) -> Search:
    """Return the search that is asked for; what says no time is of the last two days.

    Raises PharosError: INVALID that names the field, or UNSUPPORTED.
    """
    if query.HasField("filter"):
        raise PharosError(
            Kind.UNSUPPORTED,
            "expressions in `filter` are not answered",
            hint="use attributes, names and durations",
        )
    if query.search_depth < 0:
        raise fault("search_depth", "it is below 0")
    least, most = _duration_ns_in(query, "duration_min"), _duration_ns_in(query, "duration_max")
    if least is not None and most is not None and least > most:
        raise fault("duration_max", "it is less than duration_min")
    if len(query.tags) > MOST_TAGS:
        raise fault("tags", f"{len(query.tags)} tags, {MOST_TAGS} are the most")
    end_ns = time_ns_in(query, "start_time_max")
    end_ns = now_ns if end_ns is None else end_ns
    start_ns = time_ns_in(query, "start_time_min")
    start_ns = max(end_ns - DEFAULT_LOOKBACK_NS, 0) if start_ns is None else start_ns
    return Search(
        query.service_name,
        query.operation_name,
        tuple({one.key: one.value for one in query.tags}.items()),
        Window(start_ns, max(end_ns + 1, start_ns)),
        least,
        most,
        min(query.search_depth or DEFAULT_LIMIT, MOST_TRACES),
    )
