"""Bodies of answers: packed where the client takes it and it is worth the time."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

_PACK_FROM_BYTES: Final = 64 << 10
"""Smaller answers cost more to pack than to send."""

_PACK_LEVEL: Final = 1


def wants_gzip(request: Request) -> bool:
    """Return whether the client takes gzip (RFC 9110, section 12.5.3)."""
    for item in request.headers.get("accept-encoding", "").split(","):
        coding, _, weight = item.partition(";")
        if coding.strip().lower() in {"gzip", "x-gzip"}:
            return weight.replace(" ", "") not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False


def pack(chunks: Iterable[bytes], *, packed: bool) -> tuple[list[bytes], bool]:
    """Return (the body's chunks, whether they are gzip): packed only if that is wanted and worth it.

    To be called on a thread: packing takes a while.
    """
    plain = list(chunks)
    if not packed or sum(map(len, plain)) < _PACK_FROM_BYTES:
        return plain, False
    packer = zlib.compressobj(_PACK_LEVEL, zlib.DEFLATED, 31)
    pieces = [packer.compress(chunk) for chunk in plain]
    pieces.append(packer.flush())
    return [b"".join(pieces)], True


def body_response(body: tuple[list[bytes], bool], media_type: str = "application/json") -> Response:
    """Return the response over what `pack` returned."""
    chunks, packed = body
    headers = {"Vary": "Accept-Encoding"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    if len(chunks) == 1:
        return Response(chunks[0], media_type=media_type, headers=headers)
    headers["Content-Length"] = str(sum(map(len, chunks)))
    return StreamingResponse(_each(chunks), media_type=media_type, headers=headers)


async def _each(chunks: list[bytes]) -> AsyncIterator[bytes]:
    """Yield the chunks, each of which is let go when it is sent."""
    chunks.reverse()
    while chunks:
        yield chunks.pop()
