"""What holds a channel's messages back, by the settings of its integration: how bad it must be, how often
something may be told, and when it is quiet.

Each decision has a name. Whoever was told that something fires is told when it is over, whatever holds; who
was not, is not. What is held for a while goes out later; what is too little for this channel never does.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.alert import SEVERITY
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.notify.message import Channel, Message, NotSentError, Sent, Status
from pharos.notify.values import Values

Quiet = Callable[[Sequence[str], int], Sequence[str]]
"""Returns which of some named time intervals a time lies in."""

Recent = Callable[[int], Awaitable[Mapping[str, int]]]
"""Returns which messages went out since a time, by their keys, and when. Raises PharosError(UNAVAILABLE)."""

RANKS: Final[Mapping[str, int]] = {
    name: rank
    for rank, names in enumerate(
        (
            ("debug", "none", "ok"),
            ("info", "information", "informational", "notice", "low", "p5", "sev5"),
            ("warning", "warn", "minor", "medium", "p4", "p3", "sev4", "sev3"),
            ("error", "major", "high", "p2", "sev2"),
            ("critical", "page", "emergency", "fatal", "disaster", "p1", "p0", "sev1", "sev0"),
        )
    )
    for name in names
}
"""How bad words for a severity are; others count as the worst, since nobody said that they are less."""
WORST: Final = max(RANKS.values())
HELD_BACK: Final = "held back: "
"""How what holds a message back is told begins."""
_TOLD: Final = "pharos.told"
_AT: Final = "pharos.at_ms"
_QUIET_S: Final = 60.0
"""How long until a quiet time is looked at again."""
_LEAST_WAIT_S: Final = 1.0
_FREE: Final = frozenset({"test", "acknowledged"})
_URGENT: Final = frozenset({"test", "escalation"})
TEXT_MESSAGES: Final = (30, 3_600_000)
"""How many SMS or calls go out in which time where the settings say nothing: a flood of them costs money."""


class Restraint(StrEnum):
    """Why a message is held back."""

    SEVERITY = "below min_severity"
    COOLDOWN = "cooldown"
    RATE = "rate_limit"
    QUIET = "quiet_hours"
    NEVER_TOLD = "never told that it fires"


class Terms(Struct, frozen=True):
    """What an integration's settings say. Times are milliseconds; 0 and empty are no bound."""

    min_severity: str = ""
    cooldown_ms: int = 0
    messages: int = 0
    per_ms: int = 0
    quiet: tuple[str, ...] = ()
    quiet_except: str = ""
    """A severity from which on a quiet time holds nothing."""

    @property
    def is_any(self) -> bool:
        """Whether anything is held back at all."""
        return bool(self.min_severity or self.cooldown_ms or self.messages or self.quiet)


def terms_of(kind: str, values: Values) -> Terms:
    """Return what the settings of an integration say."""
    part = values.part("pharos")
    rate, quiet = part.part("rate_limit"), part.part("quiet_hours")
    messages, per_ms = rate.number("messages"), rate.number("per") or 60_000
    if not messages and kind == "twilio":
        messages, per_ms = TEXT_MESSAGES
    return Terms(
        part.text("min_severity"),
        part.number("cooldown"),
        messages,
        per_ms,
        quiet.texts("times"),
        quiet.text("except_severity"),
    )


class Past(Struct, frozen=True):
    """What was told before."""

    is_told: bool = False
    """Whether the group's last message went out and said that something fires."""
    at_ms: int = 0
    """When a message of this group went out last; 0 for never."""
    recent_ms: Sequence[int] = ()
    """When messages of this integration went out, oldest first."""


class Hold(Struct, frozen=True):
    """That a message is held back; for good where `wait_s` is None."""

    why: Restraint
    wait_s: float | None = None
    source: str = ""

    def __str__(self) -> str:
        return f"{HELD_BACK}{self.why.value}" + (f" ({self.source})" if self.source else "")


def severity_rank(name: str) -> int:
    """Return how bad a severity is, the worst for a word that is not known."""
    return RANKS.get(name.strip().lower(), WORST)


def worst_rank(message: Message) -> int:
    """Return how bad the worst is of what fires; without a label `severity` it is bad."""
    return max((severity_rank(alert.label(SEVERITY)) for alert in message.firing()), default=0)


def decide(terms: Terms, message: Message, past: Past, now_ms: int, quiet: Quiet) -> Hold | None:
    """Return what holds a message back now; None for nothing."""
    if message.reason in _FREE:
        return None
    if message.status is Status.RESOLVED:
        may = past.is_told or not terms.is_any or message.reason in _URGENT
        return None if may else Hold(Restraint.NEVER_TOLD)
    rank = worst_rank(message)
    is_urgent = message.reason in _URGENT
    if terms.min_severity and not is_urgent and rank < severity_rank(terms.min_severity):
        # What was told as firing is kept up to date, even if only lesser alerts of its group go on.
        return None if past.is_told else Hold(Restraint.SEVERITY, source=terms.min_severity)
    if terms.quiet and not (terms.quiet_except and rank >= severity_rank(terms.quiet_except)):
        within = quiet(terms.quiet, now_ms)
        if within and not is_urgent:
            return Hold(Restraint.QUIET, _QUIET_S, ", ".join(within))
    if terms.cooldown_ms and past.at_ms and not is_urgent:
        left_ms = past.at_ms + terms.cooldown_ms - now_ms
        # A clock that was set back holds nothing for longer than the cooldown.
        if 0 < left_ms <= terms.cooldown_ms:
            return Hold(Restraint.COOLDOWN, max(left_ms / 1000, _LEAST_WAIT_S))
    if terms.messages:
        within_ms = [at_ms for at_ms in past.recent_ms if 0 <= now_ms - at_ms < terms.per_ms]
        if len(within_ms) >= terms.messages:
            left_ms = within_ms[-terms.messages] + terms.per_ms - now_ms
            source = f"{terms.messages} in {terms.per_ms // 1000}s"
            return Hold(Restraint.RATE, max(left_ms / 1000, _LEAST_WAIT_S), source)
    return None


async def unknown(since_ms: int) -> Mapping[str, int]:  # noqa: ARG001
    """Return that nothing went out before this process began."""
    return {}


class Restrained:
    """A channel that holds messages back.

    What is known of a group is kept in its thread, with what the channel itself keeps there, and so lasts.
    How much went out lately is what this process sent, and what others and former ones did, as `recent` has
    it; while that cannot be known, only the former.
    """

    def __init__(
        self, channel: Channel, terms: Terms, clock: Clock, quiet: Quiet, recent: Recent = unknown
    ) -> None:
        self._channel = channel
        self._terms = terms
        self._clock = clock
        self._quiet = quiet
        self._find_recent = recent
        self._sent: deque[tuple[str, int]] = deque(maxlen=max(terms.messages, 1))
        """Keys of messages and when they went out, oldest first."""
        self._deciding = asyncio.Lock()

    async def send(self, message: Message) -> Sent:
        """Tell it, once, or say why not. Raises NotSentError, as for what is held for a while."""
        now_ms = self._clock.now_ms()
        thread = dict(message.thread)
        told, at = thread.pop(_TOLD, ""), thread.pop(_AT, "")
        is_firing = message.status is Status.FIRING
        async with self._deciding:
            past = Past(told == "1", int(at) if at.isdecimal() else 0, await self._recent(now_ms))
            hold = decide(self._terms, message, past, now_ms, self._quiet)
            if hold is None and is_firing:
                # Others that are about to go out count it.
                self._sent.append((message.key, now_ms))
        if hold is not None and hold.wait_s is not None:
            raise NotSentError(str(hold), may_retry=True, retry_after_s=hold.wait_s)
        if hold is not None:
            kept = {**thread, _TOLD: "0", **({_AT: at} if at else {})}
            return Sent(str(hold), kept, is_held=True)
        try:
            sent = await self._channel.send(replace(message, thread=thread))
        except NotSentError:
            with suppress(ValueError):
                self._sent.remove((message.key, now_ms))
            raise
        return Sent(sent.answer, {**sent.thread, _TOLD: "1" if is_firing else "0", _AT: str(now_ms)})

    async def _recent(self, now_ms: int) -> Sequence[int]:
        if not self._terms.messages:
            return ()
        found: Mapping[str, int] = {}
        with suppress(PharosError):
            found = await self._find_recent(now_ms - self._terms.per_ms)
        return sorted({**found, **dict(self._sent)}.values())


def never(names: Sequence[str], now_ms: int) -> Sequence[str]:  # noqa: ARG001
    """Return that no time is quiet."""
    return ()
