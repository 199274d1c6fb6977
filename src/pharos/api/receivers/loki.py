"""Loki's push API: JSON and protobuf, answered as Loki does (HTTP API, Ingest logs)."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import RECEIVER_FAILURES, receiver_error
from pharos.api.http.routes import Operation
from pharos.api.receivers.lines import LineDoor
from pharos.errors import PharosError
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.events.lines import Lines
from pharos.ingest.frames import unpack as unpack_snappy
from pharos.ingest.loki.push_json import read_push_json
from pharos.ingest.loki.transcode import read_push
from pharos.ingest.unpacking import unpack
from pharos.telemetry import INGEST_REQUESTS

PUSH_PATHS: Final = ("/loki/api/v1/push", "/api/prom/push")
"""The second is from before version 1, and some senders still have it."""
_JSON: Final = "application/json"
_PROTOBUF: Final = frozenset({"", "application/x-protobuf", "application/vnd.google.protobuf"})
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_UNACCEPTABLE: Final = 415


def _unpack_push(body: bytes, encoding: str) -> bytes:
    """Return a protobuf body as it was before snappy, and before what else packs it."""
    named = encoding.strip().lower()
    if named not in {"", "identity", "snappy"}:
        body = unpack(body, encoding)
    return bytes(unpack_snappy(body))


class LokiPush:
    """`POST /loki/api/v1/push`."""

    def __init__(self, door: LineDoor) -> None:
        self._door = door

    async def push(self, request: Request) -> Response:
        """Answer 204 once everything is durable, 400 if some of it was refused (the rest is stored)."""
        response = await self._answer(request)
        INGEST_REQUESTS.labels("loki", str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> Response:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        try:
            if media == _JSON:
                lines, taken = await self._door.take(request, "loki", read_push_json)
            elif media in _PROTOBUF:
                lines, taken = await self._door.take(request, "loki", read_push, _unpack_push)
            else:
                message = f"Content-Type {media[:100]!r} is neither {_JSON} nor application/x-protobuf\n"
                return Response(message, _UNACCEPTABLE, media_type="text/plain; charset=utf-8")
        except PharosError as exc:
            return receiver_error(exc)
        return _written(lines, taken)

    def operations(self) -> list[Operation]:
        """Return what is answered here."""
        body = {"content": {"application/x-protobuf": _BINARY, _JSON: {"schema": {"type": "object"}}}}
        responses = {
            204: {"description": "Everything is durable."},
            **RECEIVER_FAILURES,
            400: {"description": "What is wrong, as text; what was good is durable.", **_TEXT},
        }
        return [
            Operation(
                path,
                "POST",
                self.push,
                "logs.write",
                name=f"loki_push{'_old' * number}",
                tag="loki",
                summary="Push log lines",
                responses=responses,
                inputs={"requestBody": {**body, "required": True}},
            )
            for number, path in enumerate(PUSH_PATHS)
        ]


_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


def _written(lines: Lines, taken: EventsTaken | None) -> Response:
    refused = sum(lines.refused.values())
    told = [f"{refused} lines were refused: {lines.message}"] if refused else []
    if taken is not None and taken.rejected:
        told.append(taken.refusal())
    if not told:
        return Response(status_code=204)
    return Response("; ".join(told) + "\n", 400, media_type="text/plain; charset=utf-8")
