"""Alertmanagers outside: each has a queue of its own, so that a dead one delays nobody.

Of an alert only its newest word waits, so that a queue is never longer than there are alerts. What is not
taken is tried again after growing pauses; what is refused for good is given up, and comes again by itself as
long as it matters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Final

import orjson
from msgspec import Struct, field
from yarl import URL

from pharos.access import DEFAULT, Scope
from pharos.alert import Alert
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.labels import Labels, labels_of
from pharos.outbound import HttpOptions, Outbound, Request, shown_url
from pharos.relabel import Rule, relabel
from pharos.telemetry import (
    NOTIFICATIONS_DROPPED,
    NOTIFICATIONS_ERRORS,
    NOTIFICATIONS_QUEUED,
    NOTIFICATIONS_SECONDS,
    NOTIFICATIONS_SENT,
)

_LOG = logging.getLogger(__name__)

Pause = Callable[[float], Awaitable[None]]

_MOST_AT_ONCE: Final = 256
_MOST_WAITING: Final = 10_000
_FIRST_PAUSE_S: Final = 1.0
_LONGEST_PAUSE_S: Final = 30.0
_ANSWER_BYTES: Final = 1 << 16
_AGAIN: Final = frozenset({408, 425, 429})


class Destination(Struct, frozen=True):
    """One Alertmanager, and how it is reached."""

    url: str
    """Where alerts are posted."""
    http: HttpOptions = field(default_factory=HttpOptions)
    timeout_ms: int = 10_000
    alert_rules: tuple[Rule, ...] = ()

    @property
    def shown(self) -> str:
        """Its address without any password."""
        return shown_url(URL(self.url))


def body_of(alerts: Iterable[Alert]) -> bytes:
    """Return alerts as Alertmanager's API takes them (POST /api/v2/alerts)."""
    return orjson.dumps(
        [
            {
                "labels": dict(alert.labels),
                "annotations": dict(alert.annotations),
                "startsAt": format_time_ms(alert.starts_ms),
                "endsAt": format_time_ms(alert.ends_ms),
                "generatorURL": alert.generator_url,
            }
            for alert in alerts
        ]
    )


class Queue:
    """What one Alertmanager is to be told."""

    def __init__(
        self, destination: Destination, outbound: Outbound, clock: Clock, chance: Random, pause: Pause
    ) -> None:
        self.destination = destination
        self._outbound = outbound
        self._clock = clock
        self._chance = chance
        self._pause = pause
        self._waiting: dict[Labels, Alert] = {}
        self._changed = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._name = destination.shown
        self._task = asyncio.create_task(self._run(), name=f"alerts to {self._name}")

    def put(self, alerts: Sequence[Alert]) -> None:
        """Have alerts sent, each in place of what waits of it."""
        rules = self.destination.alert_rules
        for alert in alerts:
            labels = _relabelled(alert.labels, rules)
            if labels:
                self._waiting.pop(labels, None)
                self._waiting[labels] = _with_labels(alert, labels)
        while len(self._waiting) > _MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]
            NOTIFICATIONS_DROPPED.labels(self._name).inc()
        NOTIFICATIONS_QUEUED.labels(self._name).set(len(self._waiting))
        if self._waiting:
            self._empty.clear()
            self._changed.set()

    async def flushed(self) -> None:
        """Return when nothing waits."""
        await self._empty.wait()

    async def stop(self) -> None:
        """Send nothing more."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for metric in (
            NOTIFICATIONS_DROPPED,
            NOTIFICATIONS_ERRORS,
            NOTIFICATIONS_QUEUED,
            NOTIFICATIONS_SECONDS,
            NOTIFICATIONS_SENT,
        ):
            metric.labels(self._name)
            metric.remove(self._name)

    async def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._waiting:
                if await self._send():
                    pause_s = _FIRST_PAUSE_S
                    continue
                await self._pause(pause_s * self._chance.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            self._empty.set()

    async def _send(self) -> bool:
        """Send the oldest that wait; return whether they are dealt with."""
        sent = dict(list(self._waiting.items())[:_MOST_AT_ONCE])
        began_s = self._clock.monotonic_s()
        request = Request(
            URL(self.destination.url),
            "POST",
            {"Content-Type": "application/json"},
            body_of(sent.values()),
            timeout_s=self.destination.timeout_ms / 1000,
            body_limit=_ANSWER_BYTES,
        )
        try:
            reply = await self._outbound.send(request, self.destination.http)
        except PharosError as exc:
            _LOG.warning("%d alerts not sent yet: %s", len(sent), exc)
            NOTIFICATIONS_ERRORS.labels(self._name).inc(len(sent))
            return False
        NOTIFICATIONS_SECONDS.labels(self._name).observe(self._clock.monotonic_s() - began_s)
        if reply.status // 100 == 2:
            NOTIFICATIONS_SENT.labels(self._name).inc(len(sent))
        elif reply.status // 100 == 4 and reply.status not in _AGAIN:
            _LOG.warning("%d alerts refused by %s with status %d", len(sent), self._name, reply.status)
            NOTIFICATIONS_DROPPED.labels(self._name).inc(len(sent))
        else:
            _LOG.warning("%d alerts not sent yet: %s answered %d", len(sent), self._name, reply.status)
            NOTIFICATIONS_ERRORS.labels(self._name).inc(len(sent))
            return False
        for labels, alert in sent.items():
            if self._waiting.get(labels) is alert:
                del self._waiting[labels]
        NOTIFICATIONS_QUEUED.labels(self._name).set(len(self._waiting))
        return True


def _relabelled(labels: Labels, rules: tuple[Rule, ...]) -> Labels:
    """Return labels after relabelling; none of an alert that is dropped."""
    if not rules:
        return labels
    found = relabel(dict(labels), rules)
    return () if found is None else labels_of(found)


def _with_labels(alert: Alert, labels: Labels) -> Alert:
    if labels == alert.labels:
        return alert
    return replace(alert, labels=labels)


class Outside:
    """All Alertmanagers outside. Those of files belong to the default tenant, and hear of its alerts."""

    def __init__(
        self, outbound: Outbound, clock: Clock, chance: Random, pause: Pause = asyncio.sleep
    ) -> None:
        self._parts = (outbound, clock, chance, pause)
        self._queues: dict[Destination, Queue] = {}
        self.dropped: list[str] = []
        """Addresses that relabelling left out."""

    @property
    def active(self) -> list[str]:
        """The addresses of those that are told."""
        return sorted({one.shown for one in self._queues})

    async def apply(self, destinations: Iterable[Destination], dropped: Sequence[str] = ()) -> None:
        """Tell these from now on; one that stays keeps what waits for it."""
        wanted = dict.fromkeys(destinations)
        gone = [one for one in self._queues if one not in wanted]
        await asyncio.gather(*(self._queues.pop(one).stop() for one in gone))
        for one in wanted:
            if one not in self._queues:
                self._queues[one] = Queue(one, *self._parts)
        self.dropped = [shown_url(URL(url)) for url in dropped]

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        """Have alerts sent to all of them; it waits for none."""
        if scope.tenant == DEFAULT.tenant:
            for queue in self._queues.values():
                queue.put(alerts)

    async def flushed(self) -> None:
        """Return when nothing waits for any of them."""
        await asyncio.gather(*(queue.flushed() for queue in self._queues.values()))

    async def close(self) -> None:
        """Send nothing more."""
        await self.apply([])
