"""Frames of the log: which kinds there are, and snappy blocks within their bounds."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import cramjam

from pharos.errors import Kind, PharosError


class FrameKind(IntEnum):
    """What a frame's payload is. The numbers are on disk: never reuse one."""

    REMOTE_WRITE_1 = 1
    """A remote write 1.0 WriteRequest, snappy block."""
    REMOTE_WRITE_2 = 2
    """A remote write 2.0 Request, snappy block."""
    LOGS = 3
    """An OTLP ExportLogsServiceRequest, snappy block."""
    SPANS = 4
    """An OTLP ExportTraceServiceRequest, snappy block."""
    RUNS = 5
    """Events of runs, and how their runs stand, as JSON (`runs.rows`), snappy block."""


BODY_MAX_BYTES: Final = 64 << 20


def pack(plain: bytes | memoryview) -> bytes:
    """Return `plain` as a snappy block."""
    return bytes(cramjam.snappy.compress_raw(plain))


def declared_bytes(body: bytes | memoryview) -> int:
    """Return the unpacked size that a snappy block declares (its leading varint); -1 if there is none."""
    value = 0
    for index, byte in enumerate(bytes(body[:5])):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value
    return -1


def unpack(body: bytes | memoryview, most_bytes: int = BODY_MAX_BYTES) -> bytes | memoryview:
    """Return a snappy block unpacked, its declared size checked before anything is allocated.

    Raises PharosError: TOO_LARGE, or INVALID for what is no snappy block.
    """
    declared = declared_bytes(body)
    if declared > most_bytes:
        raise PharosError(
            Kind.TOO_LARGE,
            f"the body declares {declared} bytes unpacked, the limit is {most_bytes}",
            hint="send less in a request",
        )
    # A snappy block expands at most 64 bytes for 3: a larger claim is a lie that only costs memory.
    if declared < 0 or declared > 22 * len(body) + 64:
        raise PharosError(Kind.INVALID, "the body is not a snappy block: its declared size is impossible")
    if declared == 0:
        return b""
    try:
        return memoryview(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as exc:
        raise PharosError(
            Kind.INVALID,
            f"the body is not a snappy block: {exc}",
            hint="compress it with snappy, block format",
        ) from exc
