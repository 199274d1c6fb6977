"""What schemathesis sends where no JSON is expected: any bytes, packed or not, and lines of JSON."""

from __future__ import annotations

from typing import Any

import cramjam
import schemathesis


@schemathesis.serializer("application/x-protobuf", "application/vnd.fdo.journal")
def packed(_ctx: Any, value: Any) -> bytes:
    """Return the bytes of a generated value, half of them packed."""
    raw = getattr(value, "data", value)
    raw = raw if isinstance(raw, bytes) else str(raw).encode()
    return bytes(cramjam.snappy.compress_raw(raw)) if len(raw) % 2 else raw


@schemathesis.serializer("application/x-ndjson")
def lines(_ctx: Any, value: Any) -> bytes:
    """Return generated text as the lines of a bulk request."""
    return f"{value}\n".encode("utf-8", "replace")
