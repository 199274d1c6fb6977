"""What schemathesis sends where a protobuf message is expected: any bytes, packed or not."""

from __future__ import annotations

from typing import Any

import cramjam
import schemathesis


@schemathesis.serializer("application/x-protobuf")
def packed(_ctx: Any, value: Any) -> bytes:
    """Return the bytes of a generated value, half of them packed."""
    raw = getattr(value, "data", value)
    raw = raw if isinstance(raw, bytes) else str(raw).encode()
    return bytes(cramjam.snappy.compress_raw(raw)) if len(raw) % 2 else raw
