"""Tests of receivers: a message that says that it is a test, to each integration, and what was answered.

It goes out at once and by no outbox: who tests looks at the answer, and asks again if they want to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import Struct

from pharos.alert import Alert
from pharos.alerting.config import Receiver
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.labels import labels_of
from pharos.notify.message import Channel, Links, Message, NotSentError, Sent, Status
from pharos.state.outbox import Owed

ALERT: Final = "PharosTest"
_SUMMARY: Final = "This is a test of the receiver {receiver}; nothing is wrong, and nothing has to be done."
_WAIT_S: Final = 25.0
_FOR_MS: Final = 300_000
INCIDENTS: Final = frozenset({"pagerduty", "opsgenie", "victorops", "jira", "incidentio"})
"""Where a message opens something that stays open until it is told that it is over."""
_AT_MOST: Final = 20
_WITHIN_MS: Final = 600_000


class Trial(Struct, frozen=True):
    """What came of a test of one integration."""

    integration: str
    kind: str
    is_sent: bool
    answer: str
    """What the other side said; or why it was not taken."""
    may_retry: bool
    took_ms: int


class Offices(Protocol):
    """Where channels are had from."""

    async def channel(self, owed: Owed) -> Channel:
        """Return the channel to what is owed to. Raises PharosError."""
        ...

    @property
    def external_url(self) -> str:
        """How people reach this server."""
        ...


class Trials:
    """Sends tests, not more than a few in a while: one to a telephone costs money."""

    def __init__(self, offices: Offices, clock: Clock) -> None:
        self._offices = offices
        self._clock = clock
        self._made: dict[str, list[int]] = {}

    def admit(self, tenant: str) -> None:
        """Count a test. Raises PharosError(LIMITED) for one too many of a tenant's."""
        now_ms = self._clock.now_ms()
        recent = [at_ms for at_ms in self._made.get(tenant, ()) if 0 <= now_ms - at_ms < _WITHIN_MS]
        if len(recent) >= _AT_MOST:
            wait_s = max((recent[0] + _WITHIN_MS - now_ms) / 1000, 1.0)
            raise PharosError(
                Kind.LIMITED,
                f"more than {_AT_MOST} tests in {_WITHIN_MS // 60_000} minutes",
                retry_after_s=wait_s,
            )
        self._made[tenant] = [*recent, now_ms]

    async def run(
        self, tenant: str, receiver: Receiver, names: Sequence[str], key: str, labels: Mapping[str, str]
    ) -> list[Trial]:
        """Test a receiver, whose integrations are called `names`; `labels` are the test's besides its own.

        Raises PharosError(LIMITED).
        """
        self.admit(tenant)
        message = self._message(tenant, receiver.name, key, labels)
        tries = [
            self._try(message, name, one.kind, sends_resolved=one.send_resolved)
            for name, one in zip(names, receiver.integrations, strict=True)
        ]
        return list(await asyncio.gather(*tries))

    def _message(self, tenant: str, receiver: str, key: str, labels: Mapping[str, str]) -> Message:
        now_ms = self._clock.now_ms()
        own = labels_of({"severity": "info", **labels, "alertname": ALERT, "receiver": receiver})
        notes = labels_of({"summary": _SUMMARY.format(receiver=receiver)})
        base = self._offices.external_url
        alert = Alert(own, notes, now_ms, now_ms + _FOR_MS, now_ms, base)
        group = labels_of({"alertname": ALERT})
        return Message(
            key=key,
            tenant=tenant,
            receiver=receiver,
            group_key=f"test:{key}",
            status=Status.FIRING,
            alerts=((alert, Status.FIRING),),
            group_labels=group,
            common_labels=own,
            common_annotations=notes,
            now_ms=now_ms,
            external_url=base,
            links=Links(page=base),
            reason="test",
        )

    async def _try(self, message: Message, name: str, kind: str, *, sends_resolved: bool) -> Trial:
        began_s = self._clock.monotonic_s()
        owed = Owed(message.tenant, message.group_key, message.receiver, name, {})
        answer, is_sent, may_retry = "", False, False
        try:
            channel = await self._offices.channel(owed)
            async with asyncio.timeout(_WAIT_S):
                sent = await channel.send(message)
                answer, is_sent = sent.answer, True
                if kind in INCIDENTS and sends_resolved:
                    answer += await _closed(channel, message, sent)
        except NotSentError as exc:
            answer, may_retry = exc.reason, exc.may_retry
        except TimeoutError:
            # Of a test that was taken and not closed in time, the first counts.
            answer, may_retry = answer or f"no answer within {_WAIT_S:g}s", not is_sent
        except PharosError as exc:
            answer = str(exc)
        took_ms = int((self._clock.monotonic_s() - began_s) * 1000)
        return Trial(name, kind, is_sent, answer, may_retry, took_ms)


async def _closed(channel: Channel, message: Message, sent: Sent) -> str:
    """Tell that the test is over, so that nothing of it stays open; return what is said of that."""
    alert = message.alerts[0][0]
    over = Alert(alert.labels, alert.annotations, alert.starts_ms, message.now_ms, message.now_ms)
    end = Message(
        key=f"{message.key}-end",
        tenant=message.tenant,
        receiver=message.receiver,
        group_key=message.group_key,
        status=Status.RESOLVED,
        alerts=((over, Status.RESOLVED),),
        group_labels=message.group_labels,
        common_labels=message.common_labels,
        common_annotations=message.common_annotations,
        now_ms=message.now_ms,
        external_url=message.external_url,
        thread=sent.thread,
        reason="test",
    )
    try:
        await channel.send(end)
    except NotSentError as exc:
        return f"; that it is over was not taken: {exc.reason}"
    return "; closed again"
