"""Requests of logs and traces in the JSON of OTLP (its specification, section JSON Protobuf Encoding)."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import orjson
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from pharos.errors import Kind, PharosError
from pharos.ingest.frames import FrameKind
from pharos.ingest.otlp.json_values import value_fault

_MAX_BYTES: Final = 16 << 20
_OBJECTS_MAX: Final = 1_000_000
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})
_REQUESTS: Final[dict[FrameKind, Any]] = {
    FrameKind.LOGS: logs_service_pb2.ExportLogsServiceRequest,
    FrameKind.SPANS: trace_service_pb2.ExportTraceServiceRequest,
}


def _malformed(why: str) -> PharosError:
    return PharosError(Kind.INVALID, f"the body is no OTLP request: {why}")


def _prepare(document: dict[str, Any]) -> None:
    """Rewrite ids, hexadecimal here and base64 in the JSON of protobuf; leave out names that OTLP has not.

    The reader takes names as they stand in the protobuf files, too, which OTLP says are unknown.
    """
    left: list[Any] = [document]
    while left:
        found = left.pop()
        if isinstance(found, list):
            left.extend(found)
            continue
        if not isinstance(found, dict):
            continue
        for name in [name for name in found if "_" in name]:
            del found[name]
        for name, value in found.items():
            if name in _IDS and isinstance(value, str):
                found[name] = base64.b64encode(binascii.unhexlify(value.encode())).decode()
            elif isinstance(value, dict | list):
                left.append(value)


def from_json(body: bytes, kind: FrameKind) -> bytes:
    """Return the protobuf of a JSON body of this kind of frame, unknown fields left out.

    Raises PharosError: INVALID for what is no request, TOO_LARGE for more than JSON is taken for.
    """
    if len(body) > _MAX_BYTES or body.count(b"{") > _OBJECTS_MAX:
        raise PharosError(
            Kind.TOO_LARGE,
            f"a JSON body may have {_MAX_BYTES >> 20} MiB and {_OBJECTS_MAX} objects",
            hint="send protobuf, or less in a request",
        )
    request = _REQUESTS[kind]
    try:
        document = orjson.loads(body)
        if not isinstance(document, dict):
            raise _malformed("JSON, but not an object")
        _prepare(document)
        if (fault := value_fault(document, request.DESCRIPTOR)) is not None:
            raise _malformed(fault)
        read = json_format.ParseDict(document, request(), ignore_unknown_fields=True)
        return bytes(read.SerializeToString())
    except (
        orjson.JSONDecodeError,
        json_format.ParseError,
        binascii.Error,
        UnicodeError,
        RecursionError,
    ) as exc:
        raise _malformed(str(exc)[:300]) from exc
