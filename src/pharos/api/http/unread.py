"""Answers that their clients have not read yet: bounded in memory over all connections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.telemetry import ANSWERS_DROPPED

_RETRY_AFTER_S: Final = 1.0


class UnreadLimits(Struct, frozen=True):
    """What answers may take, of all connections together."""

    held_bytes: int = 128 << 20
    """Of answers that are being sent; a single one may be larger while no other is."""
    small_bytes: int = 1 << 20
    """As long as an answer is no larger, it may take of the reserve too."""
    reserve_bytes: int = 32 << 20
    """Beside `held_bytes`, so that large answers which nobody reads keep no small one out."""
    stuck_s: float = 2.0
    """The longest without a byte taken, once others need the room."""


class Unread:
    """The answers that are being sent; used on the event loop only."""

    def __init__(self, limits: UnreadLimits) -> None:
        self.limits = limits
        self.held_bytes = 0
        """Of all answers that are not handed over yet."""
        self._held: dict[Held, None] = {}

    def hold(self, size: int, now_s: float, abort: Callable[[], None] | None) -> Held:
        """Return the record of an answer of `size` bytes, which counts until it is released.

        `abort` ends its connection. When there is no room, the answers of which nothing was taken for a
        while are given up first. Raises PharosError(UNAVAILABLE) when that does not help.
        """
        limits = self.limits
        room = limits.held_bytes + (limits.reserve_bytes if size <= limits.small_bytes else 0)
        if self.held_bytes + size > room:
            self._drop_stuck(now_s)
        if self.held_bytes and self.held_bytes + size > room:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"answers that their clients have not read take {self.held_bytes >> 20} MiB at this moment",
                hint="repeat the request; promql.max_sending is the limit",
                retry_after_s=_RETRY_AFTER_S,
            )
        held = Held(self, size, now_s, abort)
        self._held[held] = None
        self.held_bytes += size
        return held

    def release(self, held: Held) -> None:
        """Count an answer no more."""
        if self._held.pop(held, held) is None:
            self.held_bytes -= held.size

    def _drop_stuck(self, now_s: float) -> None:
        for held in [one for one in self._held if now_s - one.taken_s > self.limits.stuck_s]:
            if held.abort is not None:
                held.abort()
                self.release(held)
                ANSWERS_DROPPED.inc()


class Held:
    """One answer that is being sent."""

    __slots__ = ("_unread", "abort", "size", "taken_s")

    def __init__(self, unread: Unread, size: int, now_s: float, abort: Callable[[], None] | None) -> None:
        self._unread = unread
        self.size = size
        self.abort = abort
        self.taken_s = now_s
        """When the client took something the last time, on the loop's clock."""

    def release(self) -> None:
        """Count it no more."""
        self._unread.release(self)
