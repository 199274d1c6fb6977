"""What is kept for tenants in one piece of memory, so that nobody's flood drives out what others keep.

Where room is wanted, whoever holds most gives up what they used longest ago: a tenant that keeps little keeps
it, however much another asks for. Only who has not asked for a quarter of an hour gives up first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Final, Generic, TypeVar

from pharos.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_IDLE_S: Final = 900.0
"""What a tenant keeps that has not asked for so long is not wanted any more."""


class Share(Generic[K, V]):
    """What one tenant keeps, least recently used first."""

    __slots__ = ("kept", "nbytes", "used_s")

    def __init__(self) -> None:
        self.kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.nbytes = 0
        self.used_s = 0.0


class Shares(Generic[K, V]):
    """Values by tenant and key, bounded in bytes. Not thread-safe: the caller holds its lock.

    `dropped` is told of every value that gives way, and of none that is replaced or taken.
    """

    def __init__(
        self,
        limit_bytes: int,
        clock: Clock,
        dropped: Callable[[str, K], None] = lambda _tenant, _key: None,
    ) -> None:
        self._limit = limit_bytes
        self._clock = clock
        self._dropped = dropped
        self._shares: OrderedDict[str, Share[K, V]] = OrderedDict()
        """The tenant that asked last comes last."""
        self.nbytes = 0

    def get(self, tenant: str, key: K) -> V | None:
        """Return a value, which then counts as used; None if it is not there."""
        share = self._shares.get(tenant)
        if share is None or key not in share.kept:
            return None
        self._note_use(tenant, share)
        share.kept.move_to_end(key)
        return share.kept[key][0]

    def peek(self, tenant: str, key: K) -> V | None:
        """Return a value without using it; None if it is not there."""
        share = self._shares.get(tenant)
        return share.kept[key][0] if share is not None and key in share.kept else None

    def replace(self, tenant: str, key: K, value: V, nbytes: int) -> None:
        """Keep a value of fewer bytes in the place of one that is there, which is not thereby used."""
        share = self._shares[tenant]
        saved = share.kept[key][1] - nbytes
        share.kept[key] = value, nbytes
        share.nbytes -= saved
        self.nbytes -= saved

    def put(self, tenant: str, key: K, value: V, nbytes: int) -> None:
        """Keep a value of so many bytes in the place of what was there; what is too much gives way."""
        self.pop(tenant, key)
        share = self._shares.get(tenant)
        if share is None:
            share = self._shares[tenant] = Share()
        self._note_use(tenant, share)
        share.kept[key] = value, nbytes
        share.nbytes += nbytes
        self.nbytes += nbytes
        while self.nbytes > self._limit:
            self._drop()

    def pop(self, tenant: str, key: K) -> V | None:
        """Take a value out and return it; None if it is not there."""
        share = self._shares.get(tenant)
        if share is None or key not in share.kept:
            return None
        value, nbytes = share.kept.pop(key)
        share.nbytes -= nbytes
        self.nbytes -= nbytes
        if not share.kept:
            del self._shares[tenant]
        return value

    def forget(self, tenant: str) -> None:
        """Keep nothing more of a tenant."""
        share = self._shares.pop(tenant, None)
        if share is not None:
            self.nbytes -= share.nbytes

    def _note_use(self, tenant: str, share: Share[K, V]) -> None:
        share.used_s = self._clock.monotonic_s()
        self._shares.move_to_end(tenant)

    def _drop(self) -> None:
        tenant = next(iter(self._shares))
        if self._clock.monotonic_s() - self._shares[tenant].used_s < _IDLE_S:
            tenant = largest((name, share.nbytes) for name, share in self._shares.items())
        key = next(iter(self._shares[tenant].kept))
        self.pop(tenant, key)
        self._dropped(tenant, key)


def largest(held: Iterable[tuple[K, int]]) -> K:
    """Return whoever holds most bytes; of equals the first."""
    return max(held, key=lambda one: one[1])[0]
