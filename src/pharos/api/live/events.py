"""The same feed as server-sent events, for curl and scripts (`/api/v1/dashboard/stream`)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, Final
from urllib.parse import quote, unquote

import orjson
from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.event_stream import EVENT_STREAM, comment, event, event_stream, retry
from pharos.api.http.identity import Identify, scope_of
from pharos.api.http.routes import Operation
from pharos.api.live.plain import refused
from pharos.api.live.socket import WATCH, may_watch
from pharos.api.native.reading import STRING, failed, inputs_of
from pharos.errors import Kind, PharosError
from pharos.live.frames import Frame
from pharos.live.hub import Hub
from pharos.live.session import Session

STREAM_PATH: Final = "/api/v1/dashboard/stream"
_AHEAD: Final = 16
"""So many messages are handed on before the connection has taken them."""
_QUIET_S: Final = 10.0
"""After so long without news a comment is sent."""
_RETRY_MS: Final = 2_000


class EventOutlet(Struct):
    """Keeps a few messages for the response that sends them."""

    messages: deque[Frame] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str | None = None
    """Why it ended; None while it goes on."""

    def is_ready(self) -> bool:
        """Return whether there is room."""
        return len(self.messages) < _AHEAD

    def write(self, frame: Frame) -> None:
        """Hand a message on."""
        self.messages.append(frame)
        self.news.set()

    def close(self, code: int, reason: str) -> None:
        """End the response."""
        del code
        self.reason = reason
        self.news.set()


class LiveEvents(Struct, frozen=True):
    """Serves the feed as a response that does not end."""

    hub: Hub
    identify: Identify

    async def stream(self, request: Request) -> Response:
        """Send the streams that are named, as they change: each event is a message of the feed, called as its
        type. `Last-Event-ID`, or `resumeFrom`, says what was seen already."""
        outlet = EventOutlet()
        try:
            scope = scope_of(request).alone()
            message = asked_of(request)
            filters = _object(request, "filters")
            session = self.hub.open(scope, outlet)
            session.recheck = partial(may_watch, request.scope, self.identify)
            try:
                if filters is not None:
                    await session.ask({"type": "set_filters", "data": {"filters": filters}})
                await session.ask(message)
            except PharosError:
                self.hub.close(session)
                raise
        except PharosError as exc:
            return refused(exc)
        return event_stream(self._told(session, outlet))

    async def _told(self, session: Session, outlet: EventOutlet) -> AsyncIterator[bytes]:
        seen: dict[str, int] = {}
        try:
            yield retry(_RETRY_MS)
            while True:
                while outlet.messages:
                    text = outlet.messages.popleft().text
                    yield _event(text, seen)
                    session.hear()
                    session.outbox.flow()
                if outlet.reason is not None:
                    yield event("end", orjson.dumps({"reason": outlet.reason}))
                    return
                outlet.news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(_QUIET_S):
                        await outlet.news.wait()
                if not outlet.messages and outlet.reason is None:
                    yield comment("nothing new")
                    session.hear()
        finally:
            self.hub.close(session)

    def operation(self) -> Operation:
        """Return the operation."""
        answer = {"content": {EVENT_STREAM: {"schema": STRING}}, "description": "The messages of the feed."}
        failures = {400: "What is wrong.", 403: "Not allowed.", 404: "No such stream.", 503: "Not now."}
        asked = {
            "streams": {**STRING, "description": "Names, with commas between them."},
            "channels": {**STRING, "description": "The same of channels."},
            "query": {**STRING, "description": "A query of one's own, which makes a stream `name`."},
            "name": {**STRING, "description": "What it is called; `query` without it."},
            "language": {**STRING, "description": "promql, logs, traces or events."},
            "interval": {"type": "integer", "description": "Milliseconds."},
            "filters": {**STRING, "description": "The filters, as JSON."},
            "resumeFrom": {**STRING, "description": "Streams and their last sequences, as JSON."},
        }
        return Operation(
            STREAM_PATH,
            "GET",
            self.stream,
            WATCH,
            name="live_stream",
            tag="live",
            summary="Live stream",
            responses={**failed(failures), 200: answer},
            inputs=inputs_of("", asked, ()),
        )


def _event(text: bytes, seen: dict[str, int]) -> bytes:
    """Return a message as an event, whose id says up to where each stream was seen."""
    message = orjson.loads(text)
    data = message["data"]
    name = data.get("stream") or data.get("channel")
    if isinstance(name, str) and isinstance(data.get("sequence"), int):
        seen[name] = data["sequence"]
    identity = "&".join(f"{quote(one, safe='')}={number}" for one, number in seen.items())
    return event(message["type"], text, identity)


def asked_of(request: Request) -> dict[str, Any]:
    """Return what the parameters of a request ask for, as a message would. Raises PharosError(INVALID)."""
    parameters = request.query_params
    streams: list[Any] = [one for one in parameters.get("streams", "").split(",") if one]
    if "query" in parameters:
        custom: dict[str, Any] = {"name": parameters.get("name") or "query", "query": parameters["query"]}
        if "language" in parameters:
            custom["language"] = parameters["language"]
        if text := parameters.get("interval"):
            if not text.isascii() or not text.isdigit() or len(text) > 9:
                raise PharosError(Kind.INVALID, f"interval {text[:40]!r} is no number of milliseconds")
            custom["interval"] = int(text)
        streams.append(custom)
    data: dict[str, Any] = {"streams": streams}
    data["channels"] = [one for one in parameters.get("channels", "").split(",") if one]
    resume = _object(request, "resumeFrom")
    data["resumeFrom"] = _seen(request.headers.get("last-event-id", "")) if resume is None else resume
    return {"type": "subscribe", "data": data}


def _seen(identity: str) -> dict[str, int]:
    """Return what the id of the last event says; nothing of one that is none of ours."""
    found = {}
    for part in identity.split("&"):
        name, _, number = part.partition("=")
        if name and number.isascii() and number.isdigit() and len(number) <= 16:
            found[unquote(name)] = int(number)
    return found


def _object(request: Request, name: str) -> dict[str, Any] | None:
    text = request.query_params.get(name)
    if not text:
        return None
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"{name} is no JSON") from exc
    if not isinstance(found, dict):
        raise PharosError(Kind.INVALID, f"{name} must be a JSON object")
    return found
