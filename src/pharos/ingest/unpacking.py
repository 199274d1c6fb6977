"""Bodies of requests, unpacked within their bounds."""

from __future__ import annotations

import zlib
from typing import Final

import cramjam
import numpy as np

from pharos.errors import Kind, PharosError
from pharos.ingest.frames import BODY_MAX_BYTES

_GZIP_WINDOW: Final = 31
_DEFLATED: Final = 8
_CHECK: Final = 31
"""The first two bytes of zlib's head are a multiple of it (RFC 1950)."""


def _too_large(most_bytes: int) -> PharosError:
    return PharosError(
        Kind.TOO_LARGE,
        f"the body has more than {most_bytes} bytes unpacked",
        hint="send less in a request",
    )


def gunzip(body: bytes, most_bytes: int = BODY_MAX_BYTES) -> bytes:
    """Return the members of a gzip file, one after the other.

    Raises PharosError: INVALID, or TOO_LARGE as soon as it becomes more than the limit.
    """
    return _inflate(body, _GZIP_WINDOW, "gzip", most_bytes)


def _undeflate(body: bytes) -> bytes:
    """Return what is packed by deflate: with zlib's head, as RFC 9110 has it, or without, as some send it."""
    has_head = len(body) > 1 and body[0] & 0x0F == _DEFLATED and (body[0] << 8 | body[1]) % _CHECK == 0
    return _inflate(body, zlib.MAX_WBITS if has_head else -zlib.MAX_WBITS, "deflate", BODY_MAX_BYTES)


def _inflate(body: bytes, window: int, name: str, most_bytes: int) -> bytes:
    parts: list[bytes] = []
    left, rest = most_bytes, body
    while rest:
        member = zlib.decompressobj(window)
        try:
            part = member.decompress(rest, left + 1)
        except zlib.error as exc:
            raise PharosError(Kind.INVALID, f"the body is not {name}: {exc}") from exc
        if len(part) > left:
            raise _too_large(most_bytes)
        if not member.eof:
            raise PharosError(Kind.INVALID, f"the body is not {name}: it is cut off")
        parts.append(part)
        left -= len(part)
        rest = member.unused_data
    return parts[0] if len(parts) == 1 else b"".join(parts)


def unzstd(body: bytes, most_bytes: int = BODY_MAX_BYTES) -> bytes:
    """Return zstd frames unpacked, one after the other. Raises PharosError(INVALID), also for too much."""
    # Memory that is not written to is not taken.
    room = np.empty(most_bytes, np.uint8).data
    try:
        size = cramjam.zstd.decompress_into(body, room)
    except cramjam.DecompressionError as exc:
        raise PharosError(
            Kind.INVALID, f"the body is not zstd of at most {most_bytes} bytes unpacked: {exc}"
        ) from exc
    return room[:size].tobytes()


def unpack(body: bytes, encoding: str) -> bytes:
    """Return a body as it was before its Content-Encoding: gzip, deflate, zstd or identity.

    Raises PharosError: INVALID, TOO_LARGE, UNSUPPORTED for another encoding.
    """
    match encoding.strip().lower():
        case "" | "identity":
            if len(body) > BODY_MAX_BYTES:
                raise _too_large(BODY_MAX_BYTES)
            return body
        case "gzip" | "x-gzip":
            return gunzip(body)
        case "deflate":
            return _undeflate(body)
        case "zstd":
            return unzstd(body)
        case other:
            raise PharosError(
                Kind.UNSUPPORTED, f"Content-Encoding {other!r} is not gzip, deflate, zstd or identity"
            )
