"""Zipkin's spans in protobuf: `zipkin.proto3.ListOfSpans` (openzipkin/zipkin-api, zipkin.proto)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from pharos.errors import Kind, PharosError
from pharos.ingest.zipkin.spans import Endpoint, ZipkinSpan, invalid
from pharos.ingest.zipkin.version_1 import address
from pharos.protobuf import message_classes

_CLASSES: Final = message_classes(
    "zipkin.proto3",
    {
        "Span": {
            "trace_id": (1, "bytes"),
            "parent_id": (2, "bytes"),
            "id": (3, "bytes"),
            "kind": (4, "int32"),
            "name": (5, "string"),
            "timestamp": (6, "fixed64"),
            "duration": (7, "uint64"),
            "local_endpoint": (8, "Endpoint"),
            "remote_endpoint": (9, "Endpoint"),
            "annotations": (10, "*Annotation"),
            "tags": (11, "*Tag"),
        },
        "Endpoint": {
            "service_name": (1, "string"),
            "ipv4": (2, "bytes"),
            "ipv6": (3, "bytes"),
            "port": (4, "int32"),
        },
        "Annotation": {"timestamp": (1, "fixed64"), "value": (2, "string")},
        "Tag": {"key": (1, "string"), "value": (2, "string")},
    },
)
# Its own numbers of the kinds: CLIENT, SERVER, PRODUCER, CONSUMER.
_KINDS: Final = {1: 3, 2: 2, 3: 4, 4: 5}
# The head of a span in the list: field 1, of bytes.
_SPANS: Final = 0x0A
_MORE: Final = 0x80
_LONGEST_SHIFT: Final = 28
_SPAN_MAX_BYTES: Final = 4 << 20
_MOST_PARTS: Final = 500_000
"""Spans, tags and annotations of one request: each takes some hundred bytes once it is read."""
_TRACE_BYTES: Final = 16
_SPAN_BYTES: Final = 8


def _id(raw: bytes, what: str, most: int) -> bytes:
    if len(raw) not in {_SPAN_BYTES, most} or not any(raw):
        raise invalid(f"{what} has {len(raw)} bytes, or is all zeros")
    return raw.rjust(most, b"\0")


def _endpoint(found: Any) -> Endpoint:
    return Endpoint(found.service_name, address(found.ipv4), address(found.ipv6), found.port & 0xFFFF)


def _span(one: Any) -> ZipkinSpan:
    return ZipkinSpan(
        trace_id=_id(one.trace_id, "trace_id", _TRACE_BYTES),
        span_id=_id(one.id, "id", _SPAN_BYTES),
        parent_id=one.parent_id if len(one.parent_id) == _SPAN_BYTES and any(one.parent_id) else b"",
        name=one.name,
        kind=_KINDS.get(one.kind, 0),
        timestamp_us=one.timestamp,
        duration_us=one.duration,
        local=_endpoint(one.local_endpoint),
        remote=_endpoint(one.remote_endpoint),
        annotations=[(part.timestamp, part.value) for part in one.annotations],
        tags=[(part.key, part.value) for part in one.tags],
    )


def _messages(body: bytes) -> Iterator[bytes]:
    """Yield the spans of a ListOfSpans as they are written, one by one: a body may be of empty ones alone."""
    at = 0
    while at < len(body):
        size, shift, first = 0, 0, body[at]
        while True:
            at += 1
            if first != _SPANS or at >= len(body) or shift > _LONGEST_SHIFT:
                raise invalid("the body is no protobuf of Zipkin spans")
            size |= (body[at] & 0x7F) << shift
            shift += 7
            if body[at] < _MORE:
                break
        at += 1
        if size > len(body) - at:
            raise invalid("the body is no protobuf of Zipkin spans")
        if size > _SPAN_MAX_BYTES:
            raise _too_large(f"a span has {size} bytes, {_SPAN_MAX_BYTES} are the most")
        yield body[at : at + size]
        at += size


def _too_large(message: str) -> PharosError:
    return PharosError(Kind.TOO_LARGE, message, hint="send fewer spans in one request")


def read_protobuf(body: bytes) -> list[ZipkinSpan]:
    """Return the spans of a body. Raises PharosError that names what is wrong: INVALID, or TOO_LARGE."""
    found: list[ZipkinSpan] = []
    parts = 0
    for raw in _messages(body):
        try:
            one = _CLASSES["Span"].FromString(raw)
        except DecodeError as exc:
            raise invalid("the body is no protobuf of Zipkin spans") from exc
        parts += 1 + len(one.annotations) + len(one.tags)
        if parts > _MOST_PARTS:
            raise _too_large(f"the body has more than {_MOST_PARTS} parts")
        found.append(_span(one))
    return found
