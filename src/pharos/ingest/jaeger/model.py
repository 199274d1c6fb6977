"""Messages of Jaeger's model in protobuf: `jaeger.api_v2` of model.proto (jaegertracing/jaeger-idl).

Texts stand as bytes: Jaeger's own code takes what is no UTF-8 in them, so no batch is refused for it.
"""

from __future__ import annotations

from typing import Final

from pharos.protobuf import Schema

TIMES: Final[Schema] = {
    "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
    "Duration": {"seconds": (1, "int64"), "nanos": (2, "int32")},
}
"""`google.protobuf.Timestamp` and `google.protobuf.Duration`."""
MODEL: Final[Schema] = {
    **TIMES,
    "KeyValue": {
        "key": (1, "bytes"),
        "v_type": (2, "int32"),
        "v_str": (3, "bytes"),
        "v_bool": (4, "bool"),
        "v_int64": (5, "int64"),
        "v_float64": (6, "double"),
        "v_binary": (7, "bytes"),
    },
    "Log": {"timestamp": (1, "Timestamp"), "fields": (2, "*KeyValue")},
    "SpanRef": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "ref_type": (3, "int32")},
    "Process": {"service_name": (1, "bytes"), "tags": (2, "*KeyValue")},
    "Span": {
        "trace_id": (1, "bytes"),
        "span_id": (2, "bytes"),
        "operation_name": (3, "bytes"),
        "references": (4, "*SpanRef"),
        "flags": (5, "uint32"),
        "start_time": (6, "Timestamp"),
        "duration": (7, "Duration"),
        "tags": (8, "*KeyValue"),
        "logs": (9, "*Log"),
        "process": (10, "Process"),
        "warnings": (12, "*bytes"),
    },
    "Batch": {"spans": (1, "*Span"), "process": (2, "Process")},
}
STRING, BOOL, INT64, FLOAT64, BINARY = range(5)
"""`ValueType`: which field of a KeyValue holds its value."""
CHILD_OF, FOLLOWS_FROM = range(2)
"""`SpanRefType`."""
NS_PER_S: Final = 1_000_000_000
