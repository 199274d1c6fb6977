"""Journals as systemd-journal-upload sends them (`POST /upload`, systemd-journal-remote's protocol)."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from pharos.api.http.errors import RECEIVER_FAILURES, receiver_error
from pharos.api.http.routes import Operation
from pharos.api.receivers.lines import LineDoor
from pharos.errors import PharosError
from pharos.ingest.journald.export import read_journal
from pharos.telemetry import INGEST_REQUESTS

UPLOAD_PATHS: Final = ("/insert/journald/upload", "/upload")
"""systemd-journal-upload puts `/upload` behind the address that it is given."""
MEDIA: Final = "application/vnd.fdo.journal"
_UNACCEPTABLE: Final = 415
_TEXT: Final[dict[str, Any]] = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_BINARY: Final[dict[str, Any]] = {"schema": {"type": "string", "format": "binary"}}


class JournalUpload:
    """`POST /insert/journald/upload`."""

    def __init__(self, door: LineDoor) -> None:
        self._door = door

    async def upload(self, request: Request) -> Response:
        """Answer 202 once everything is durable, as systemd-journal-remote does."""
        response = await self._answer(request)
        INGEST_REQUESTS.labels("journald", str(response.status_code)).inc()
        return response

    async def _answer(self, request: Request) -> Response:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != MEDIA:
            message = f"Content-Type {media[:100]!r} is not {MEDIA}\n"
            return PlainTextResponse(message, _UNACCEPTABLE)
        try:
            _, taken = await self._door.take(request, "journald", read_journal)
        except PharosError as exc:
            return receiver_error(exc)
        if taken is not None and taken.rejected:
            return PlainTextResponse(f"{taken.refusal()}\n", 400)
        return PlainTextResponse("OK.\n", 202)

    def operations(self) -> list[Operation]:
        """Return what is answered here."""
        responses = {
            202: {"description": "Everything is durable.", **_TEXT},
            **RECEIVER_FAILURES,
        }
        return [
            Operation(
                path,
                "POST",
                self.upload,
                "logs.write",
                name=f"journald_upload{'_root' * number}",
                tag="journald",
                summary="Upload a journal",
                responses=responses,
                inputs={"requestBody": {"content": {MEDIA: _BINARY}, "required": True}},
            )
            for number, path in enumerate(UPLOAD_PATHS)
        ]
