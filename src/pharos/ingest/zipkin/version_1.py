"""Zipkin's version 1, which old reporters still send: JSON and thrift, `POST /api/v1/spans`.

A span of version 1 holds what both sides of a call saw: `cs`, `cr`, `sr`, `ss` say which side, with whose
endpoint; binary annotations are tags, and `sa` and `ca` name the other side (zipkin.io/zipkin-api,
zipkin-api.yaml, zipkinCore.thrift).
"""

from __future__ import annotations

import ipaddress
import struct
from typing import Any, Final

import msgspec
from msgspec import field

from pharos.ingest.events.requests import Value
from pharos.ingest.jaeger.thrift import Struct, read_list, text_of
from pharos.ingest.zipkin.json_v2 import count_in, endpoint_of, objects_in, objects_of, text_in
from pharos.ingest.zipkin.spans import (
    Endpoint,
    ZipkinSpan,
    invalid,
    parent_id_of,
    span_id_of,
    trace_id_of,
)

_SIDES: Final = {"cs": 3, "cr": 3, "sr": 2, "ss": 2, "ms": 4, "mr": 5}
_SERVER: Final = 2
_OTHER_SIDES: Final = frozenset({"sa", "ca", "ma"})
_MASK: Final = 0xFFFFFFFFFFFFFFFF
# AnnotationType of zipkinCore.thrift: BOOL, BYTES, I16, I32, I64, DOUBLE, STRING.
_NUMBERS: Final = {
    2: struct.Struct(">h"),
    3: struct.Struct(">i"),
    4: struct.Struct(">q"),
    5: struct.Struct(">d"),
}
_BOOL, _BYTES = 0, 1


class _Old(msgspec.Struct):
    """A span of version 1, whichever form it came in."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    timestamp_us: int
    duration_us: int
    annotations: list[tuple[int, str, Endpoint]] = field(default_factory=list)
    tags: list[tuple[str, Value, Endpoint]] = field(default_factory=list)

    def span(self) -> ZipkinSpan:
        """Return it in the words of version 2."""
        kind, local = 0, Endpoint()
        times: dict[str, int] = {}
        for at, text, endpoint in self.annotations:
            if text in _SIDES:
                times[text] = at
                # Of a span with both sides the server's counts.
                if not kind or (kind != _SERVER and _SIDES[text] == _SERVER):
                    kind, local = _SIDES[text], endpoint
            elif not local.service:
                local = endpoint
        remote = next((where for key, _, where in self.tags if key in _OTHER_SIDES), Endpoint())
        if not local.service:
            local = next(
                (where for key, _, where in self.tags if where.service and key not in _OTHER_SIDES), local
            )
        begun, ended = ("sr", "ss") if kind == _SERVER else ("cs", "cr")
        start = self.timestamp_us or times.get(begun, 0)
        length = self.duration_us or max(times.get(ended, 0) - times.get(begun, 0), 0)
        return ZipkinSpan(
            self.trace_id,
            self.span_id,
            self.parent_id,
            self.name,
            kind,
            start,
            length,
            local,
            remote,
            [(at, text) for at, text, _ in self.annotations if text not in _SIDES],
            [(key, value) for key, value, _ in self.tags if key not in _OTHER_SIDES],
        )


def _json_span(one: dict[str, Any]) -> _Old:
    annotations = [
        (count_in(part, "timestamp"), text_in(part, "value"), endpoint_of(part.get("endpoint"), "endpoint"))
        for part in objects_in(one, "annotations")
    ]
    tags: list[tuple[str, Value, Endpoint]] = []
    for part in objects_in(one, "binaryAnnotations"):
        value = part.get("value")
        if isinstance(value, dict | list):
            raise invalid("the value of a binary annotation is no text")
        endpoint = endpoint_of(part.get("endpoint"), "endpoint")
        tags.append((text_in(part, "key"), "" if value is None else value, endpoint))
    return _Old(
        trace_id_of(one.get("traceId")),
        span_id_of(one.get("id")),
        parent_id_of(one.get("parentId")),
        text_in(one, "name"),
        count_in(one, "timestamp"),
        count_in(one, "duration"),
        annotations,
        tags,
    )


def read_json_v1(body: bytes) -> list[ZipkinSpan]:
    """Return the spans of a JSON body. Raises PharosError as `read_json` does."""
    return [_json_span(one).span() for one in objects_of(body)]


def _number(fields: Struct, number: int) -> int:
    value = fields.get(number, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid("a number of a span is none")
    return value


def _id(fields: Struct, number: int) -> bytes:
    return (_number(fields, number) & _MASK).to_bytes(8)


def _structs(fields: Struct, number: int) -> list[Struct]:
    found = fields.get(number, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise invalid("annotations are no list of structs")
    return found


def _endpoint(fields: Struct, number: int) -> Endpoint:
    found = fields.get(number)
    if not isinstance(found, dict):
        return Endpoint()
    ipv4 = _number(found, 1) & 0xFFFFFFFF
    ipv6 = found.get(4)
    return Endpoint(
        text_of(found.get(3, b"")),
        str(ipaddress.IPv4Address(ipv4)) if ipv4 else "",
        address(ipv6) if isinstance(ipv6, bytes) else "",
        _number(found, 2) & 0xFFFF,
    )


def address(packed: bytes) -> str:
    """Return an address of 4 or 16 bytes as text; empty for any other length."""
    return str(ipaddress.ip_address(packed)) if len(packed) in {4, 16} else ""


def _tag(fields: Struct) -> tuple[str, Value, Endpoint]:
    key, raw, kind = text_of(fields.get(1, b"")), fields.get(2, b""), _number(fields, 3)
    if not isinstance(raw, bytes):
        raise invalid(f"the value of {key[:80]!r} is no bytes")
    endpoint = _endpoint(fields, 4)
    if kind == _BOOL:
        return key, raw == b"\x01", endpoint
    form = _NUMBERS.get(kind)
    if form is not None and len(raw) == form.size:
        value: Value = form.unpack(raw)[0]
        return key, value, endpoint
    return key, raw if kind == _BYTES else raw.decode("utf-8", "replace"), endpoint


def _thrift_span(fields: Any) -> _Old:
    if not isinstance(fields, dict):
        raise invalid("a span is no struct")
    trace_id, span_id = _id(fields, 12) + _id(fields, 1), _id(fields, 4)
    if not any(trace_id) or not any(span_id):
        raise invalid("a span has a trace id or an id of 0")
    parent = _id(fields, 5)
    return _Old(
        trace_id,
        span_id,
        parent if any(parent) else b"",
        text_of(fields.get(3, b"")),
        max(_number(fields, 10), 0),
        max(_number(fields, 11), 0),
        [
            (max(_number(one, 1), 0), text_of(one.get(2, b"")), _endpoint(one, 3))
            for one in _structs(fields, 6)
        ],
        [_tag(one) for one in _structs(fields, 8)],
    )


def read_thrift(body: bytes) -> list[ZipkinSpan]:
    """Return the spans of a thrift list in the binary protocol. Raises PharosError(INVALID)."""
    return [_thrift_span(one).span() for one in read_list(body, is_compact=False)]
