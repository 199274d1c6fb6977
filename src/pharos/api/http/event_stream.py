"""Server-sent events, as browsers' EventSource and curl read them (HTML standard, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from starlette.responses import StreamingResponse

EVENT_STREAM: Final = "text/event-stream"
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, text: bytes, identity: str = "") -> bytes:
    """Return one event; `text` is JSON, which has no line break that could end it."""
    head = f"id: {identity}\n" if identity else ""
    return f"{head}event: {name}\ndata: ".encode() + text + b"\n\n"


def comment(text: str) -> bytes:
    """Return what keeps a connection from being thought dead."""
    return f": {text}\n\n".encode()


def retry(after_ms: int) -> bytes:
    """Return how long a client is to wait until it comes back."""
    return f"retry: {after_ms}\n\n".encode()


def event_stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """Return the response that sends events as they come."""
    return StreamingResponse(events, media_type=EVENT_STREAM, headers=_HEADERS)
