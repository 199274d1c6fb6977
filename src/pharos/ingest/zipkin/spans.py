"""Zipkin's spans become an OTLP request, whichever of its forms they came in.

What a span of version 2 is: zipkin.io/zipkin-api (zipkin2-api.yaml, zipkin.proto). What becomes of it follows
OpenTelemetry's rules for Zipkin (specification, Zipkin exporter), read backwards: local service, kind, error,
annotations as events, the other side's name as `peer.service`. Of an endpoint with two addresses the second,
IPv6, goes by the older name of OpenTelemetry's conventions, as the Collector has it: the newer one is of one
address.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest, SpanEventValues, Value, resource_of, span

_US: Final = 1_000
_LAST_US: Final = 0xFFFFFFFFFFFFFFFF // _US
KINDS: Final = {"SERVER": 2, "CLIENT": 3, "PRODUCER": 4, "CONSUMER": 5}
"""OpenTelemetry's SpanKind by Zipkin's words."""
_TRACE_DIGITS: Final = 32
_SPAN_DIGITS: Final = 16
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_SECOND_ADDRESS: Final = {"local": "net.host.ip", "peer": "net.peer.ip"}


class Endpoint(Struct, frozen=True):
    """Who is at one end of a span."""

    service: str = ""
    ipv4: str = ""
    ipv6: str = ""
    port: int = 0

    def attributes(self, side: str) -> list[tuple[str, Value]]:
        """Return its addresses and port as attributes of the side `local` or `peer`."""
        found: list[tuple[str, Value]] = []
        if self.ipv4 or self.ipv6:
            found.append((f"network.{side}.address", self.ipv4 or self.ipv6))
        if self.ipv4 and self.ipv6:
            found.append((_SECOND_ADDRESS[side], self.ipv6))
        if self.port:
            found.append((f"network.{side}.port", self.port))
        return found


class ZipkinSpan(Struct):
    """A span in the words of Zipkin's version 2; 0 and empty are not set."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes = b""
    name: str = ""
    kind: int = 0
    timestamp_us: int = 0
    duration_us: int = 0
    local: Endpoint = field(default_factory=Endpoint)
    remote: Endpoint = field(default_factory=Endpoint)
    annotations: list[tuple[int, str]] = field(default_factory=list)
    """(microseconds, text)."""
    tags: list[tuple[str, Value]] = field(default_factory=list)


def invalid(message: str) -> PharosError:
    """Return the error for what is no span of Zipkin's."""
    return PharosError(Kind.INVALID, message, hint="the body must be a list of Zipkin spans")


def hex_id(text: object, what: str, digits: int) -> bytes:
    """Return an id of at most so many hexadecimal digits, padded. Raises PharosError(INVALID)."""
    if not isinstance(text, str) or not text or len(text) > digits or not _HEX.issuperset(text):
        shown = repr(text)[:60]
        raise invalid(f"{what} {shown} is not an id of 1 to {digits} hexadecimal digits")
    return bytes.fromhex(text.rjust(digits, "0"))


def trace_id_of(text: object) -> bytes:
    """Return a trace id. Raises PharosError(INVALID) for none, and for zeros."""
    found = hex_id(text, "traceId", _TRACE_DIGITS)
    if not any(found):
        raise invalid("traceId is all zeros")
    return found


def span_id_of(text: object) -> bytes:
    """Return a span id. Raises PharosError(INVALID) for none, and for zeros."""
    found = hex_id(text, "id", _SPAN_DIGITS)
    if not any(found):
        raise invalid("id is all zeros")
    return found


def parent_id_of(text: object) -> bytes:
    """Return a parent's id, empty for a root. Raises PharosError(INVALID) for what is no id."""
    if text is None or text == "":
        return b""
    found = hex_id(text, "parentId", _SPAN_DIGITS)
    return found if any(found) else b""


def _times_ns(one: ZipkinSpan, now_ns: int) -> tuple[int, int]:
    """Return start and end: of a span without times, those of its annotations, else the present."""
    start_us, duration_us = one.timestamp_us, one.duration_us
    if not start_us and one.annotations:
        times = [at for at, _ in one.annotations if at > 0]
        start_us = min(times, default=0)
        duration_us = duration_us or max(times, default=0) - start_us
    start_ns = min(start_us, _LAST_US) * _US if start_us > 0 else now_ns
    return start_ns, min(start_ns + max(duration_us, 0) * _US, _LAST_US * _US)


def _error(one: ZipkinSpan) -> tuple[int, str, list[tuple[str, Value]]]:
    """Return (status, its message, the other tags): a tag `error` says that the span failed, and how."""
    kept = [(key, value) for key, value in one.tags if key != "error"]
    found = [value for key, value in one.tags if key == "error"]
    if not found or found[0] is False or found[0] == "false":
        return 0, "", one.tags
    message = found[0] if isinstance(found[0], str) else ""
    return 2, "" if message == "true" else message, kept


def _add(request: EventRequest, one: ZipkinSpan, now_ns: int) -> None:
    start_ns, end_ns = _times_ns(one, now_ns)
    status, message, tags = _error(one)
    attributes = [*tags, *one.local.attributes("local"), *one.remote.attributes("peer")]
    if one.remote.service and all(key != "peer.service" for key, _ in tags):
        attributes.append(("peer.service", one.remote.service))
    made = span(
        one.name,
        trace_id=one.trace_id,
        span_id=one.span_id,
        parent_id=one.parent_id,
        kind=one.kind,
        start_ns=start_ns,
        end_ns=end_ns,
        attributes=attributes,
        events=[SpanEventValues(min(max(at, 0), _LAST_US) * _US, text) for at, text in one.annotations],
        status=status,
        status_message=message,
    )
    request.add(resource_of([("service.name", one.local.service)] if one.local.service else []), made)


def request_of(spans: Sequence[ZipkinSpan], now_ns: int) -> EventRequest:
    """Return the request of these spans; `now_ns` is when they came."""
    request = EventRequest()
    for one in spans:
        _add(request, one, now_ns)
    return request
