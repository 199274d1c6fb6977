"""What this server does, as log records and spans of its own: through the intake like anybody's.

Nothing waits for it: what it is told lies in a bounded queue, and what finds no room there is counted and
dropped. What happens while the queue is handed over is not recorded, or it would never end.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from random import Random
from typing import Final, Protocol

from msgspec import Struct

from pharos.access import DEFAULT
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.ingest.events.batch import EventsTaken
from pharos.ingest.events.requests import EventRequest, Pairs, log_record, resource_of, scope_of, span
from pharos.ingest.frames import FrameKind
from pharos.ingest.signals import Submission
from pharos.telemetry import OWN_EVENTS_DROPPED

SOURCE: Final = "self"
_SEVERITIES: Final = {
    logging.DEBUG: 5,
    logging.INFO: 9,
    logging.WARNING: 13,
    logging.ERROR: 17,
    logging.CRITICAL: 21,
}
_SERVER: Final = 2
_ERROR: Final = 2
_FAULT: Final = 500
_TEXT_MOST: Final = 16_384
_LATER: Final = frozenset({Kind.UNAVAILABLE, Kind.LIMITED, Kind.TIMEOUT})

_is_handing_over: ContextVar[bool] = ContextVar("is_handing_over", default=False)


class Taker(Protocol):
    """The intake, as far as it is needed here."""

    async def accept(self, sent: Submission[EventsTaken]) -> EventsTaken:
        """Store what was sent durably."""
        ...


class OwnOptions(Struct, frozen=True):
    """How much is recorded."""

    queue_most: int = 2_000
    """Records and spans that wait at once."""
    every_s: float = 1.0
    """So often what waits is handed over."""
    spans_per_s: int = 5
    """Of requests that are neither slow nor failed, at most."""
    slow_s: float = 1.0
    """A request that takes so long is always recorded."""


class Answered(Struct, frozen=True):
    """A request that was answered; times in nanoseconds."""

    name: str
    start_ns: int
    end_ns: int
    status: int
    attributes: Pairs = ()


class OwnEvents:
    """The queue, and who hands it over. `log` may be called from any thread, all else on the event loop."""

    def __init__(
        self, clock: Clock, chance: Random, resource: Pairs, options: OwnOptions | None = None
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._resource = resource_of(resource)
        self._options = options or OwnOptions()
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, bytes, bytes]] = deque()
        self._second = 0
        self._spans = 0

    def log(self, record: logging.LogRecord) -> None:
        """Record what was logged."""
        if _is_handing_over.get():
            return
        attributes: list[tuple[str, str | int]] = [
            ("code.function.name", record.funcName),
            ("code.line.number", record.lineno),
            ("thread.name", record.threadName or ""),
        ]
        if record.exc_info is not None and record.exc_info[1] is not None:
            fault = record.exc_info[1]
            told = "".join(traceback.format_exception(fault))[-_TEXT_MOST:]
            attributes += [
                ("exception.type", type(fault).__name__),
                ("exception.message", str(fault)[:_TEXT_MOST]),
                ("exception.stacktrace", told),
            ]
        made = log_record(
            record.getMessage()[:_TEXT_MOST],
            ts_ns=int(record.created * 1e9),
            severity=_SEVERITIES.get(record.levelno, 0),
            severity_text=record.levelname,
            attributes=attributes,
        )
        self._put(FrameKind.LOGS, scope_of(record.name), made)

    def note(self, answered: Answered) -> None:
        """Record a request: always if it failed or was slow, of others some in each second."""
        took_s = (answered.end_ns - answered.start_ns) / 1e9
        is_fault = answered.status >= _FAULT
        if not is_fault and took_s < self._options.slow_s and not self._is_sampled(answered.end_ns):
            return
        made = span(
            answered.name,
            trace_id=self._chance.randbytes(16),
            span_id=self._chance.randbytes(8),
            kind=_SERVER,
            start_ns=answered.start_ns,
            end_ns=answered.end_ns,
            attributes=answered.attributes,
            status=_ERROR if is_fault else 0,
        )
        self._put(FrameKind.SPANS, scope_of("pharos.api"), made)

    def _is_sampled(self, now_ns: int) -> bool:
        second = now_ns // 1_000_000_000
        if second != self._second:
            self._second, self._spans = second, 0
        self._spans += 1
        return self._spans <= self._options.spans_per_s

    def _put(self, kind: int, scope: bytes, made: bytes) -> None:
        with self._lock:
            if len(self._waiting) < self._options.queue_most:
                self._waiting.append((kind, scope, made))
                return
        OWN_EVENTS_DROPPED.inc()

    async def run(self, intake: Taker, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Hand over what waits, now and then, for ever."""
        _is_handing_over.set(True)
        while True:
            await self.hand_over(intake)
            await pause(self._options.every_s)

    async def hand_over(self, intake: Taker) -> None:
        """Hand over what waits; what cannot be kept now waits on."""
        token = _is_handing_over.set(True)
        try:
            for kind in (FrameKind.LOGS, FrameKind.SPANS):
                await self._hand_over(intake, kind)
        finally:
            _is_handing_over.reset(token)

    async def _hand_over(self, intake: Taker, kind: int) -> None:
        with self._lock:
            taken = [one for one in self._waiting if one[0] == kind]
            self._waiting = deque(one for one in self._waiting if one[0] != kind)
        if not taken:
            return
        request = EventRequest()
        for _, scope, made in taken:
            request.add(self._resource, made, scope)
        body = request.body()
        try:
            await intake.accept(
                Submission(DEFAULT, kind, SOURCE, plain=body, sent_bytes=len(body), is_limited=False)
            )
        except PharosError as exc:
            if exc.kind not in _LATER:
                OWN_EVENTS_DROPPED.inc(len(taken))
                return
            with self._lock:
                room = max(0, self._options.queue_most - len(self._waiting))
                self._waiting.extendleft(reversed(taken[:room]))
            OWN_EVENTS_DROPPED.inc(len(taken) - len(taken[:room]))


class OwnLog(logging.Handler):
    """Records what Pharos logs."""

    def __init__(self, events: OwnEvents) -> None:
        super().__init__(logging.INFO)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Record it; what cannot be written as text is told as logging itself does."""
        try:
            self._events.log(record)
        except (TypeError, ValueError):
            self.handleError(record)
