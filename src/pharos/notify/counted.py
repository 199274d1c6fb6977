"""A channel whose tries are counted among Pharos' own metrics."""

from __future__ import annotations

from pharos.clock import Clock
from pharos.notify.message import Channel, Message, NotSentError, Sent
from pharos.telemetry import MESSAGES, MESSAGES_SECONDS


class Counted:
    """Counts how tries end, and how long they take, by the kind of the channel."""

    def __init__(self, kind: str, channel: Channel, clock: Clock) -> None:
        self._kind = kind
        self._channel = channel
        self._clock = clock
        # So that what nobody needed yet is zero and not missing.
        for outcome in ("sent", "later", "refused"):
            MESSAGES.labels(kind, outcome)

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError."""
        began_s = self._clock.monotonic_s()
        try:
            sent = await self._channel.send(message)
        except NotSentError as exc:
            MESSAGES.labels(self._kind, "later" if exc.may_retry else "refused").inc()
            raise
        finally:
            MESSAGES_SECONDS.labels(self._kind).observe(self._clock.monotonic_s() - began_s)
        MESSAGES.labels(self._kind, "sent").inc()
        return sent
