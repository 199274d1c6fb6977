"""How fast somebody may try to sign in: ever slower after failures, by the name that is tried and by address.

A name is slowed down little, since whoever tries it could lock its owner out; an address is slowed down much.
An attempt counts as failed until it has succeeded, so that many at once are no way around it.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

from msgspec import Struct

from pharos.clock import Clock
from pharos.errors import Kind, PharosError

_ENTRIES_MAX: Final = 20_000
_FORGOTTEN_S: Final = 3600.0


class Slowness(Struct, frozen=True):
    """After `free` failures each one more doubles the time until the next attempt, from a second on."""

    free: int
    most_s: float

    def wait_s(self, failures: int) -> float:
        """Return how long after the last of so many failures the next attempt may come."""
        if failures <= self.free:
            return 0.0
        return float(min(self.most_s, 2.0 ** min(failures - self.free - 1, 30)))


OF_NAME: Final = Slowness(free=5, most_s=60.0)
OF_ADDRESS: Final = Slowness(free=20, most_s=900.0)


class _Tried(Struct):
    failures: int
    last_s: float


class Throttle:
    """Who tried how often; used on the event loop only."""

    def __init__(self, clock: Clock, of_name: Slowness = OF_NAME, of_address: Slowness = OF_ADDRESS) -> None:
        self._clock = clock
        self._slowness = {"name": of_name, "address": of_address}
        self._tried: OrderedDict[tuple[str, str], _Tried] = OrderedDict()

    def begin(self, name: str, address: str) -> None:
        """Count an attempt. Raises PharosError(LIMITED), with the time to wait, when it comes too soon."""
        now_s = self._clock.monotonic_s()
        keys = _keys(name, address)
        for key in keys:
            found = self._tried.get(key)
            if found is None:
                continue
            if now_s - found.last_s > _FORGOTTEN_S:
                del self._tried[key]
                continue
            left_s = found.last_s + self._slowness[key[0]].wait_s(found.failures) - now_s
            if left_s > 0:
                raise PharosError(
                    Kind.LIMITED,
                    "too many attempts to sign in failed",
                    hint=f"try again in {max(1, round(left_s))} s",
                    retry_after_s=left_s,
                )
        for key in keys:
            found = self._tried.pop(key, None) or _Tried(0, now_s)
            self._tried[key] = _Tried(found.failures + 1, now_s)
        while len(self._tried) > _ENTRIES_MAX:
            self._tried.popitem(last=False)

    def succeed(self, name: str, address: str) -> None:
        """Forget the failures of the name, and that this attempt of the address was counted as one."""
        of_name, of_address = _keys(name, address)
        self._tried.pop(of_name, None)
        found = self._tried.get(of_address)
        if found is not None:
            found.failures -= 1


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("name", name), ("address", _network(address))


def _network(address: str) -> str:
    """Return what one sender has: an address, of IPv6 the network of 64 bits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return str(found)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
