"""Dead men's switches, both ways.

We call somebody again and again while all is well, who raises the alarm when we fall silent. And others call
us: of whom we hear nothing for too long, there is an alert, like any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct, field
from yarl import URL

from pharos.access import Scope, upkeep
from pharos.alert import Alert
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.labels import labels_of
from pharos.notify.gojson import go_json, go_time
from pharos.outbound import Outbound, Request
from pharos.state import State
from pharos.state.heartbeats import Heartbeat, list_heartbeats

_LOG = logging.getLogger(__name__)

ALERT: Final = "HeartbeatMissing"
_LOOK_S: Final = 5.0
_RESEND_MS: Final = 60_000
_LASTS_MS: Final = 4 * _RESEND_MS
"""An alert that is not sent again ends by itself."""
_ANSWER_BYTES: Final = 4096
_TIMEOUT_S: Final = 10.0

Take = Callable[[Scope, Sequence[Alert]], Awaitable[None]]
"""Takes alerts durably; raises PharosError(UNAVAILABLE)."""


def alert_of(one: Heartbeat, now_ms: int, *, is_over: bool) -> Alert:
    """Return the alert that a heartbeat is missed."""
    own = {"alertname": ALERT, "heartbeat": one.name, "severity": one.severity}
    seconds = one.within_ms // 1000
    last = go_time(one.beaten_ms)
    notes = {"summary": f"Nothing was heard of {one.name} for more than {seconds} s; last at {last}."}
    starts_ms = one.beaten_ms + one.within_ms
    ends_ms = now_ms if is_over else now_ms + _LASTS_MS
    return Alert(labels_of(own), labels_of(notes), min(starts_ms, ends_ms), ends_ms, now_ms)


class Missed(Struct):
    """Which heartbeats are missed, and when that was said last."""

    began_ms: int
    """When we began to listen: before, nobody could be heard."""
    said: dict[tuple[str, str], tuple[Heartbeat, int]] = field(default_factory=dict)

    def look(self, known: Sequence[Heartbeat], now_ms: int) -> list[tuple[str, Alert]]:
        """Return the alerts that are to be sent now, each with its tenant."""
        found: list[tuple[str, Alert]] = []
        here = {(one.tenant_id, one.name): one for one in known}
        for place, one in here.items():
            is_missed = now_ms - max(one.beaten_ms, self.began_ms) > one.within_ms
            before = self.said.get(place)
            if is_missed and (before is None or now_ms - before[1] >= _RESEND_MS or now_ms < before[1]):
                self.said[place] = (one, now_ms)
                found.append((one.tenant_id, alert_of(one, now_ms, is_over=False)))
            elif not is_missed and before is not None:
                del self.said[place]
                found.append((one.tenant_id, alert_of(before[0], now_ms, is_over=True)))
        for place in [place for place in self.said if place not in here]:
            gone, _ = self.said.pop(place)
            found.append((place[0], alert_of(gone, now_ms, is_over=True)))
        return found


async def listen(state: State, take: Take, clock: Clock, every_s: float = _LOOK_S) -> None:
    """Send alerts of heartbeats that are missed, until cancelled."""
    missed = Missed(clock.now_ms())
    while True:
        try:
            known = await state.read(list_heartbeats)
            for tenant, alert in missed.look(known, clock.now_ms()):
                await take(upkeep(tenant), [alert])
        except PharosError as exc:
            _LOG.warning("heartbeats are looked at again as soon as the state can be used: %s", exc)
        await asyncio.sleep(every_s)


class Pulse(Struct, frozen=True):
    """Whom we call while all is well."""

    url: str
    every_ms: int


async def beat(pulse: Pulse, outbound: Outbound, clock: Clock, unwell: Callable[[], Awaitable[str]]) -> None:
    """Call again and again while `unwell` returns nothing, until cancelled.

    A call that fails is told in the log and not made up for: the next one is due soon.
    """
    is_told = False
    while True:
        reason = await unwell()
        if not reason:
            reason = await _call(pulse, outbound, clock)
        if bool(reason) != is_told:
            is_told = bool(reason)
            _LOG.warning("no heartbeat: %s", reason) if reason else _LOG.info("the heartbeat goes on")
        await asyncio.sleep(pulse.every_ms / 1000)


async def _call(pulse: Pulse, outbound: Outbound, clock: Clock) -> str:
    """Call once; return what was wrong."""
    body = go_json({"status": "ok", "at": go_time(clock.now_ms()), "every_ms": pulse.every_ms})
    request = Request(
        URL(pulse.url),
        "POST",
        {"Content-Type": "application/json"},
        body,
        timeout_s=min(_TIMEOUT_S, max(pulse.every_ms / 1000, 1.0)),
        body_limit=_ANSWER_BYTES,
        is_path_secret=True,
        is_status_enough=True,
    )
    try:
        reply = await outbound.send(request)
    except PharosError as exc:
        return str(exc)
    return "" if 200 <= reply.status < 300 else f"answered {reply.status}"
