"""Messages of Jaeger's gRPC services with all their fields, as clients in any language have them.

Written down from model.proto, collector.proto, query.proto, sampling.proto and query_service.proto of
jaegertracing/jaeger-idl, apart from what the server reads and writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pharos.protobuf import message_classes

_TIMES = {
    "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
    "Duration": {"seconds": (1, "int64"), "nanos": (2, "int32")},
    "Pair": {"key": (1, "string"), "value": (2, "string")},
}
_QUERY = {
    "service_name": (1, "string"),
    "operation_name": (2, "string"),
    "start_time_min": (4, "Timestamp"),
    "start_time_max": (5, "Timestamp"),
    "duration_min": (6, "Duration"),
    "duration_max": (7, "Duration"),
    "search_depth": (8, "int32"),
    "raw_traces": (9, "bool"),
}
V2 = message_classes(
    "jaeger.api_v2",
    {
        **_TIMES,
        "KeyValue": {
            "key": (1, "string"),
            "v_type": (2, "int32"),
            "v_str": (3, "string"),
            "v_bool": (4, "bool"),
            "v_int64": (5, "int64"),
            "v_float64": (6, "double"),
            "v_binary": (7, "bytes"),
        },
        "Log": {"timestamp": (1, "Timestamp"), "fields": (2, "*KeyValue")},
        "SpanRef": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "ref_type": (3, "int32")},
        "Process": {"service_name": (1, "string"), "tags": (2, "*KeyValue")},
        "Span": {
            "trace_id": (1, "bytes"),
            "span_id": (2, "bytes"),
            "operation_name": (3, "string"),
            "references": (4, "*SpanRef"),
            "flags": (5, "uint32"),
            "start_time": (6, "Timestamp"),
            "duration": (7, "Duration"),
            "tags": (8, "*KeyValue"),
            "logs": (9, "*Log"),
            "process": (10, "Process"),
            "process_id": (11, "string"),
            "warnings": (12, "*string"),
        },
        "Batch": {"spans": (1, "*Span"), "process": (2, "Process")},
        "PostSpansRequest": {"batch": (1, "Batch")},
        "GetTraceRequest": {
            "trace_id": (1, "bytes"),
            "start_time": (2, "Timestamp"),
            "end_time": (3, "Timestamp"),
            "raw_traces": (4, "bool"),
        },
        "SpansResponseChunk": {"spans": (1, "*Span")},
        "ArchiveTraceRequest": {"trace_id": (1, "bytes")},
        "TraceQueryParameters": {**_QUERY, "tags": (3, "*Pair")},
        "FindTracesRequest": {"query": (1, "TraceQueryParameters")},
        "GetServicesRequest": {},
        "GetServicesResponse": {"services": (1, "*string")},
        "GetOperationsRequest": {"service": (1, "string"), "span_kind": (2, "string")},
        "Operation": {"name": (1, "string"), "span_kind": (2, "string")},
        "GetOperationsResponse": {"operationNames": (1, "*string"), "operations": (2, "*Operation")},
        "GetDependenciesRequest": {"start_time": (1, "Timestamp"), "end_time": (2, "Timestamp")},
        "DependencyLink": {
            "parent": (1, "string"),
            "child": (2, "string"),
            "call_count": (3, "uint64"),
            "source": (4, "string"),
        },
        "GetDependenciesResponse": {"dependencies": (1, "*DependencyLink")},
        "SamplingStrategyParameters": {"serviceName": (1, "string")},
        "ProbabilisticSamplingStrategy": {"samplingRate": (1, "double")},
        "RateLimitingSamplingStrategy": {"maxTracesPerSecond": (1, "int32")},
        "OperationSamplingStrategy": {
            "operation": (1, "string"),
            "probabilisticSampling": (2, "ProbabilisticSamplingStrategy"),
        },
        "PerOperationSamplingStrategies": {
            "defaultSamplingProbability": (1, "double"),
            "defaultLowerBoundTracesPerSecond": (2, "double"),
            "perOperationStrategies": (3, "*OperationSamplingStrategy"),
            "defaultUpperBoundTracesPerSecond": (4, "double"),
        },
        "SamplingStrategyResponse": {
            "strategyType": (1, "int32"),
            "probabilisticSampling": (2, "ProbabilisticSamplingStrategy"),
            "rateLimitingSampling": (3, "RateLimitingSamplingStrategy"),
            "operationSampling": (4, "PerOperationSamplingStrategies"),
        },
    },
)
"""Version 2: the collector, its sampling, and the query service."""
V3 = message_classes(
    "jaeger.api_v3",
    {
        **_TIMES,
        "GetTraceRequest": {
            "trace_id": (1, "string"),
            "start_time": (2, "Timestamp"),
            "end_time": (3, "Timestamp"),
            "raw_traces": (4, "bool"),
        },
        "TraceQueryParameters": {**_QUERY, "attributes": (3, "*Pair"), "filter": (10, "Call")},
        "Call": {"op": (1, "string")},
        "FindTracesRequest": {"query": (1, "TraceQueryParameters")},
        "FindTraceSummariesRequest": {"query": (1, "TraceQueryParameters")},
        "ServiceSummary": {
            "name": (1, "string"),
            "span_count": (2, "int32"),
            "error_span_count": (3, "int32"),
        },
        "TraceSummary": {
            "trace_id": (1, "string"),
            "root_service_name": (2, "string"),
            "root_operation_name": (3, "string"),
            "min_start_time_unix_nano": (4, "fixed64"),
            "max_end_time_unix_nano": (5, "fixed64"),
            "span_count": (6, "int32"),
            "error_span_count": (7, "int32"),
            "orphan_span_count": (8, "int32"),
            "services": (9, "*ServiceSummary"),
        },
        "FindTraceSummariesResponse": {"summaries": (1, "*TraceSummary")},
        "GetServicesRequest": {},
        "GetServicesResponse": {"services": (1, "*string")},
        "GetOperationsRequest": {"service": (1, "string"), "span_kind": (2, "string")},
        "Operation": {"name": (1, "string"), "span_kind": (2, "string")},
        "GetOperationsResponse": {"operations": (1, "*Operation")},
        "GetDependenciesRequest": {"start_time": (1, "Timestamp"), "end_time": (2, "Timestamp")},
        "Dependency": {"parent": (1, "string"), "child": (2, "string"), "call_count": (3, "uint64")},
        "DependenciesResponse": {"dependencies": (1, "*Dependency")},
    },
)
"""Version 3: the query service, whose traces are OTLP."""
_BYTES = frozenset({"trace_id", "span_id", "v_binary"})


def message(classes: Mapping[str, Any], name: str, fields: Mapping[str, Any]) -> bytes:
    """Return a message with these fields; those of bytes are given in hexadecimal digits, in version 2."""
    made: bytes = classes[name](**(_raw(fields) if classes is V2 else fields)).SerializeToString()
    return made


def _raw(value: Any, key: str = "") -> Any:
    match value:
        case Mapping():
            return {name: _raw(one, name) for name, one in value.items()}
        case list():
            return [_raw(one, key) for one in value]
        case str() if key in _BYTES:
            return bytes.fromhex(value)
        case _:
            return value
