"""Zipkin's JSON of version 2: `POST /api/v2/spans`.

What a body comes to in memory is told by its commas and brackets, so it is refused before it is read.
"""

from __future__ import annotations

from typing import Any, Final

import orjson

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import Value
from pharos.ingest.zipkin.spans import (
    KINDS,
    Endpoint,
    ZipkinSpan,
    invalid,
    parent_id_of,
    span_id_of,
    trace_id_of,
)

_PORTS: Final = 1 << 16
_TIMES: Final = 1 << 63
_MAX_BYTES: Final = 16 << 20
_PARTS_MAX: Final = 1_000_000
"""Each takes up to a hundred bytes once it is read."""


def _check_size(body: bytes) -> None:
    """Raise PharosError(TOO_LARGE) for a body that memory is not for."""
    # A value, or a name with its value, has a comma before it or is the first in a bracket.
    if len(body) <= _MAX_BYTES and sum(map(body.count, (b",", b"[", b"{"))) <= _PARTS_MAX:
        return
    raise PharosError(
        Kind.TOO_LARGE,
        f"a JSON body may have {_MAX_BYTES >> 20} MiB and {_PARTS_MAX} values",
        hint="send protobuf, or fewer spans in one request",
    )


def objects_of(body: bytes) -> list[dict[str, Any]]:
    """Return the objects of a list. Raises PharosError: INVALID for any other body, TOO_LARGE."""
    _check_size(body)
    try:
        found = orjson.loads(body)
    except (ValueError, RecursionError) as exc:
        raise invalid(f"the body is no JSON: {exc}") from exc
    if not isinstance(found, list):
        raise invalid(f"the body is a JSON {type(found).__name__}, not a list of spans")
    for index, one in enumerate(found):
        if not isinstance(one, dict):
            raise invalid(f"span {index} is no object")
    return found


def text_in(one: dict[str, Any], key: str) -> str:
    """Return a text, empty if it is missing. Raises PharosError(INVALID) for anything else."""
    value = one.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{key} is no text")
    return value


def count_in(one: dict[str, Any], key: str, limit: int = _TIMES) -> int:
    """Return a whole number, 0 if it is missing. Raises PharosError(INVALID) for anything else."""
    value = one.get(key)
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise invalid(f"{key} {str(value)[:40]!r} is no whole number from 0 to {limit - 1}")
    return value


def objects_in(one: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of objects, none if it is missing. Raises PharosError(INVALID) for anything else."""
    value = one.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise invalid(f"{key} is no list of objects")
    return value


def endpoint_of(value: Any, key: str) -> Endpoint:
    """Return an endpoint, one without anything if it is missing. Raises PharosError(INVALID)."""
    if value is None:
        return Endpoint()
    if not isinstance(value, dict):
        raise invalid(f"{key} is no object")
    return Endpoint(
        text_in(value, "serviceName"),
        text_in(value, "ipv4"),
        text_in(value, "ipv6"),
        count_in(value, "port", _PORTS),
    )


def _tags(one: dict[str, Any]) -> list[tuple[str, Value]]:
    tags = one.get("tags")
    if tags is None:
        return []
    if not isinstance(tags, dict):
        raise invalid("tags is no object")
    for key, value in tags.items():
        if isinstance(value, dict | list):
            raise invalid(f"tag {key[:80]!r} is no text")
    # Some reporters send numbers and truth values as they are; nothing at all is an empty text.
    return [(key, "" if value is None else value) for key, value in tags.items()]


def _span(one: dict[str, Any]) -> ZipkinSpan:
    kind = text_in(one, "kind").upper()
    return ZipkinSpan(
        trace_id=trace_id_of(one.get("traceId")),
        span_id=span_id_of(one.get("id")),
        parent_id=parent_id_of(one.get("parentId")),
        name=text_in(one, "name"),
        kind=KINDS.get(kind, 0),
        timestamp_us=count_in(one, "timestamp"),
        duration_us=count_in(one, "duration"),
        local=endpoint_of(one.get("localEndpoint"), "localEndpoint"),
        remote=endpoint_of(one.get("remoteEndpoint"), "remoteEndpoint"),
        annotations=[
            (count_in(part, "timestamp"), text_in(part, "value")) for part in objects_in(one, "annotations")
        ],
        tags=_tags(one),
    )


def read_json(body: bytes) -> list[ZipkinSpan]:
    """Return the spans of a body. Raises PharosError that names what is wrong: INVALID, or TOO_LARGE."""
    return [_span(one) for one in objects_of(body)]
