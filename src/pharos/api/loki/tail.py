"""New lines as they come, over a WebSocket (`/loki/api/v1/tail`)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Hashable
from functools import partial
from typing import Final

from msgspec import Struct, field
from starlette.websockets import WebSocket, WebSocketDisconnect

from pharos.access import Scope
from pharos.api.http.forms import parse_pairs
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.off_loop import off_loop
from pharos.api.loki.answers import categorizes, streams_of
from pharos.api.loki.parameters import MAX_LIMIT, NS, duration_ns, line_limit_of, parse_time_ns
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.log_queries import Check, LogQueries
from pharos.search.logql.ast import Logs
from pharos.search.logql.evaluate import Asked, select_lines
from pharos.search.logql.line import Line
from pharos.search.logql.parse import parse_logs
from pharos.search.logql.source import Source
from pharos.search.window import Window

_BACK_NS: Final = 3600 * NS
_LATE_NS: Final = 10 * NS
"""Lines whose time is so long ago when they come are sent yet."""
_AHEAD_NS: Final = 3600 * NS
_MOST_DELAY_NS: Final = 5 * NS
_POLICY_VIOLATION: Final = 1008
_INTERNAL_ERROR: Final = 1011
_REASON_BYTES: Final = 120


class Follow(Struct):
    """A query that is followed, and which of its lines were given."""

    query: Logs
    limit: int
    start_ns: int
    delay_ns: int = 0
    _given: dict[Hashable, int] = field(default_factory=dict)
    _looked_ns: int = 0

    def next(self, source: Source, now_ns: int, check: Check) -> list[Line]:
        """Return the lines that have come since, the oldest first; the first time the newest `limit`."""
        end = now_ns - self.delay_ns + 1 if self.delay_ns else now_ns + _AHEAD_NS
        is_first = self._looked_ns == 0
        start = self.start_ns if is_first else max(self.start_ns, self._looked_ns - _LATE_NS)
        self._looked_ns = now_ns - self.delay_ns
        asked = Asked(Window(start, max(start, end)), self.limit if is_first else MAX_LIMIT)
        lines = select_lines(source, self.query, asked, check)
        lines.reverse()
        found = []
        alike: Counter[Hashable] = Counter()
        for line in lines:
            key = line.ts_ns, line.entry.line, line.entry.stream.id
            alike[key] += 1
            numbered = (key, alike[key])
            if numbered not in self._given:
                self._given[numbered] = line.ts_ns
                found.append(line)
        oldest = self._looked_ns - 2 * _LATE_NS
        self._given = {key: ts for key, ts in self._given.items() if ts >= oldest}
        return found


class TailApi(Struct, frozen=True):
    """Sends new lines of a query until the client goes."""

    logs: LogQueries
    clock: Clock
    every_s: float = 1.0

    async def tail(self, socket: WebSocket) -> None:
        """Send the newest lines, then those that come, as they come."""
        await socket.accept()
        gone = asyncio.create_task(_until_gone(socket))
        try:
            parameters = Parameters(parse_pairs(socket.scope["query_string"]))
            follow = await self._follow(parameters)
            await self._send(socket, follow, parameters.first("query"), gone)
        except WebSocketDisconnect:
            return
        except PharosError as exc:
            code = _POLICY_VIOLATION if exc.kind is Kind.INVALID else _INTERNAL_ERROR
            reason = str(exc).encode("utf-8", "replace")[:_REASON_BYTES].decode("utf-8", "ignore")
            await socket.close(code, reason)
        finally:
            gone.cancel()

    async def _follow(self, parameters: Parameters) -> Follow:
        text = parameters.first("query")
        query = await off_loop(len(text), partial(parse_logs, text))
        limit = line_limit_of(parameters)
        delay_text = parameters.first("delay_for")
        delay = duration_ns("delay_for", delay_text) if delay_text else 0
        if not 0 <= delay <= _MOST_DELAY_NS:
            raise PharosError(Kind.INVALID, "delay_for can't be greater than 5", hint="seconds")
        start_text = parameters.first("start")
        start = parse_time_ns(start_text, "start") if start_text else self.clock.now_ns() - _BACK_NS
        return Follow(query, limit, start, delay)

    async def _send(self, socket: WebSocket, follow: Follow, text: str, gone: asyncio.Task[None]) -> None:
        scope: Scope = scope_of(socket)
        categorized = categorizes(socket)
        while not gone.done():
            now_ns = self.clock.now_ns()

            def work(source: Source, check: Check, now_ns: int = now_ns) -> str:
                lines = follow.next(source, now_ns, check)
                if not lines:
                    return ""
                return json_text({"streams": streams_of(lines, categorized=categorized)}).decode()

            body = await self.logs.ask_now(scope, ("tail", text), work)
            if body:
                await socket.send_text(body)
            await asyncio.wait({gone}, timeout=self.every_s)


async def _until_gone(socket: WebSocket) -> None:
    """Wait for the client to go; what it says meanwhile is of no account."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass
