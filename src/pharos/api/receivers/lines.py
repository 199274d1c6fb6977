"""Log lines over HTTP: read within limits, translated on a thread, handed to the intake."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from msgspec import Struct
from starlette.requests import Request

from pharos.access import Scope
from pharos.api.http.bodies import Bodies
from pharos.api.http.identity import scope_of
from pharos.ingest.accept import Intake
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.events.lines import Lines
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Submission
from pharos.ingest.unpacking import unpack
from pharos.telemetry import LINES_CUT
from pharos.turns import TurnPool

L = TypeVar("L", bound=Lines)


class LineDoor(Struct, frozen=True):
    """What every door of log lines stands on."""

    intake: Intake
    bodies: Bodies
    max_body_bytes: int
    pool: TurnPool
    """On which requests are translated: by tenants, one after the other."""

    async def take(
        self,
        request: Request,
        source: str,
        read: Callable[[bytes], L],
        unpacked: Callable[[bytes, str], bytes] = unpack,
    ) -> tuple[L, EventsTaken | None]:
        """Return what `read` made of the request's body, and what became of it; None if it has no lines.

        Returns once that is durable. Raises PharosError as reading, translating and the intake do; then
        nothing of it is stored.
        """
        scope = scope_of(request)
        packing = request.headers.get("content-encoding", "")
        async with self.bodies.telemetry(request, self.max_body_bytes) as incoming:
            body = incoming.body
            work = partial(self._read, scope, partial(unpacked, body, packing), read)
            lines = await asyncio.wrap_future(self.pool.submit(scope.tenant, work))
            if not lines.count:
                return lines, None
            incoming.hold(len(lines.body))
            taken = await self.intake.accept(submission(scope, source, lines, len(body)))
        return lines, taken

    def _read(self, scope: Scope, unpacked: Callable[[], bytes], read: Callable[[bytes], L]) -> L:
        self.intake.check_open(scope.alone().tenant)
        return read(unpacked())


def submission(scope: Scope, source: str, lines: Lines, sent_bytes: int) -> Submission[EventsTaken]:
    """Return the lines as the intake takes them; what was cut of them is counted."""
    if lines.cut:
        LINES_CUT.labels(source).inc(lines.cut)
    return Submission(
        scope, FrameKind.LOGS, source, plain=lines.body, sent_bytes=sent_bytes, refused=lines.refused
    )
