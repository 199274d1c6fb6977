"""OTLP metrics as messages: read from protobuf or JSON, with bounds on what a body may make of memory.

The messages are those of opentelemetry-proto, with one difference: attributes, resources, scopes, gauges and
sums stay the bytes that they are on the wire. A series that was seen before is then found by its bytes, and
its attributes are not even looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from pharos.compiled.kernel import kernel
from pharos.compiled.protobuf import LENGTH_DELIMITED, read_length, read_tag, skip_field
from pharos.errors import Kind, PharosError
from pharos.ingest.otlp.json_values import value_fault
from pharos.ingest.otlp.limits import too_many

JSON_MAX_BYTES: Final = 8 << 20
JSON_MESSAGES_MAX: Final = 200_000
_JSON_VALUES_MAX: Final = 1_000_000
_FIELDS_MAX: Final = 32
_MALFORMED: Final = -1
_TOO_MANY: Final = -2

_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE: Final = "pharos.otlp"
_KEPT_AS_BYTES: Final = {
    ".opentelemetry.proto.common.v1.KeyValue",
    ".opentelemetry.proto.common.v1.InstrumentationScope",
    ".opentelemetry.proto.resource.v1.Resource",
    ".opentelemetry.proto.metrics.v1.Gauge",
    ".opentelemetry.proto.metrics.v1.Sum",
}
_ROOT: Final = "MetricsData"
KeyValue = common_pb2.KeyValue
Resource = resource_pb2.Resource


def _classes() -> tuple[Any, Any, NDArray[np.int64]]:
    """Return the classes of a request and of a NumberDataPoint, and which message a field holds.

    The last has a row for each message and a column for each field number: the row of the field's message, -1
    for a field that is no message, -2 for bytes that are counted and not entered. Row 0 is the request.
    """
    file = descriptor_pb2.FileDescriptorProto()
    metrics_pb2.DESCRIPTOR.CopyToProto(file)
    old_package = file.package
    file.name, file.package = "pharos_otlp.proto", _PACKAGE
    del file.dependency[:]
    file.ClearField("options")
    names = [_ROOT, *(message.name for message in file.message_type if message.name != _ROOT)]
    inner = [f"{m.name}.{n.name}" for m in file.message_type for n in m.nested_type]
    rows = {f".{_PACKAGE}.{name}": row for row, name in enumerate([*names, *inner])}
    holds = np.full((len(rows), _FIELDS_MAX), -1, np.int64)

    def adopt(name: str, message: Any) -> None:
        for field in message.field:
            if field.type_name in _KEPT_AS_BYTES:
                field.type = _FIELD.TYPE_BYTES
                field.ClearField("type_name")
                holds[rows[name], field.number] = -2
            elif field.type_name:
                field.type_name = field.type_name.replace(f".{old_package}.", f".{_PACKAGE}.", 1)
                if field.type == _FIELD.TYPE_MESSAGE:
                    holds[rows[name], field.number] = rows[field.type_name]
        for nested in message.nested_type:
            adopt(f"{name}.{nested.name}", nested)

    for message in file.message_type:
        adopt(f".{_PACKAGE}.{message.name}", message)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    request, point = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))
        for name in (_ROOT, "NumberDataPoint")
    )
    return request, point, holds


_Request, NumberDataPoint, _HOLDS = _classes()


@kernel
def _count_messages(body: Any, holds: Any, most: int) -> int:
    """Return how many messages and attributes `body` has; _MALFORMED, or _TOO_MANY when more than `most`."""
    ends = np.empty(16, np.int64)
    kinds = np.empty(16, np.int64)
    ends[0], kinds[0] = len(body), 0
    depth, count, pos = 0, 0, 0
    while True:
        while depth >= 0 and pos == ends[depth]:
            depth -= 1
        if depth < 0:
            return count
        number, wire, pos = read_tag(body, pos, ends[depth])
        if pos < 0:
            return -1
        held = holds[kinds[depth], number] if number < 32 else -1
        if held == -1 or wire != LENGTH_DELIMITED:
            pos = skip_field(body, pos, ends[depth], wire)
            if pos < 0:
                return -1
            continue
        start, stop = read_length(body, pos, ends[depth])
        if stop < 0:
            return -1
        count += 1
        if count > most:
            return -2
        if held < 0:
            pos = stop
        else:
            depth += 1
            ends[depth], kinds[depth], pos = stop, held, start


def malformed(reason: object) -> PharosError:
    """Return the error of a body that is no OTLP metrics request."""
    return PharosError(Kind.INVALID, f"the body is not an ExportMetricsServiceRequest: {reason}")


def read_request(body: bytes, most_messages: int) -> Any:
    """Return the request of a protobuf body, with bytes where the head of this file says so.

    Raises PharosError: INVALID for what is none, TOO_LARGE when it would take too much memory.
    """
    count = _count_messages(np.frombuffer(body, np.uint8), _HOLDS, most_messages) if body else 0
    if count == _TOO_MANY:
        raise too_many(most_messages)
    try:
        return _Request.FromString(body)
    except DecodeError as exc:
        raise malformed("its protobuf is cut off or corrupt") from exc


def parse_message(message: Any, body: bytes) -> Any:
    """Return `body` parsed as a message of this class. Raises PharosError(INVALID)."""
    try:
        return message.FromString(body)
    except DecodeError as exc:
        raise malformed("its protobuf is cut off or corrupt") from exc


def from_json(body: bytes) -> bytes:
    """Return the protobuf of a JSON body, unknown fields left out.

    Raises PharosError: INVALID for what is no request, TOO_LARGE for more than JSON is taken for.
    """
    if len(body) > JSON_MAX_BYTES:
        raise PharosError(
            Kind.TOO_LARGE, f"a JSON body may have {JSON_MAX_BYTES >> 20} MiB", hint="send protobuf"
        )
    if body.count(b"{") > JSON_MESSAGES_MAX or body.count(b",") > _JSON_VALUES_MAX:
        raise too_many(JSON_MESSAGES_MAX)
    try:
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise malformed("JSON, but not an object")
        if b"Id" in body or b"_id" in body:
            _ids_to_base64(document)
        if (
            fault := value_fault(document, metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR)
        ) is not None:
            raise malformed(fault)
        request = json_format.ParseDict(
            document, metrics_service_pb2.ExportMetricsServiceRequest(), ignore_unknown_fields=True
        )
    except (orjson.JSONDecodeError, json_format.ParseError, binascii.Error) as exc:
        raise malformed(str(exc)[:300]) from exc
    return bytes(request.SerializeToString())


_ID_NAMES: Final = ("traceId", "spanId", "trace_id", "span_id")


def _ids_to_base64(document: dict[str, Any]) -> None:
    """Rewrite trace and span ids: OTLP has them in hexadecimal, the JSON of protobuf in base64."""
    for exemplar in _walk([document], _EXEMPLAR_PATH):
        for name in _ID_NAMES:
            text = exemplar.get(name)
            if isinstance(text, str):
                exemplar[name] = base64.b64encode(binascii.unhexlify(text.encode())).decode()


_POINT_PATH: Final = (
    ("resourceMetrics", "resource_metrics"),
    ("scopeMetrics", "scope_metrics"),
    ("metrics",),
    ("gauge", "sum", "histogram", "exponentialHistogram", "exponential_histogram"),
    ("dataPoints", "data_points"),
)
_EXEMPLAR_PATH: Final = (*_POINT_PATH, ("exemplars",))


def _walk(found: list[Any], path: tuple[tuple[str, ...], ...]) -> Iterator[dict[str, Any]]:
    """Yield the objects at the end of `path`, whatever else the document holds instead of objects there."""
    for one in found:
        if not isinstance(one, dict):
            continue
        if not path:
            yield one
            continue
        for name in path[0]:
            inner = one.get(name)
            yield from _walk(inner if isinstance(inner, list) else [inner], path[1:])
