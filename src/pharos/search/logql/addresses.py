"""IP addresses in lines and labels: one, a range of them, or a network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote

_FOUR: Final = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9])", re.ASCII)
_SIX: Final = re.compile(
    r"(?<![0-9A-Fa-f:])(?=[0-9A-Fa-f]*:[0-9A-Fa-f]*:)[0-9A-Fa-f:]{2,}(?:[0-9]{0,3}\.[0-9.]+)?"
)


class Addresses(Struct, frozen=True):
    """All addresses of one version between two, both inside."""

    version: int
    first: int
    last: int

    def holds(self, text: str) -> bool:
        """Return whether a text is one of them."""
        found = _read(text)
        return found is not None and self._holds(found)

    def is_in(self, line: str) -> bool:
        """Return whether one of them stands somewhere in a line."""
        return any(self._holds(one) for one in _found(line, self.version))

    def _holds(self, address: IPv4Address | IPv6Address) -> bool:
        return address.version == self.version and self.first <= int(address) <= self.last


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _found(line: str, version: int) -> Iterator[IPv4Address | IPv6Address]:
    for match in (_FOUR if version == 4 else _SIX).finditer(line):
        address = _read(match[0]) or _read(match[0].rstrip(":."))
        if address is not None:
            yield address


@lru_cache(maxsize=256)
def parse_address(text: str) -> Addresses:
    """Return the addresses that `192.168.0.1`, `10.0.0.1-10.0.0.9` or `10.0.0.0/8` stand for.

    Raises PharosError(INVALID).
    """
    first, dash, last = text.partition("-")
    if dash:
        one, other = _read(first.strip()), _read(last.strip())
        if one is None or other is None or one.version != other.version or int(one) > int(other):
            raise _fault(text)
        return Addresses(one.version, int(one), int(other))
    try:
        network = ip_network(text, strict=False)
    except ValueError:
        raise _fault(text) from None
    return Addresses(network.version, int(network.network_address), int(network.broadcast_address))


def _fault(text: str) -> PharosError:
    return PharosError(
        Kind.INVALID,
        f"ip: {quote(text[:100])} is no address",
        hint='one as "10.0.0.1", a range as "10.0.0.1-10.0.0.9", a network as "10.0.0.0/8"',
    )
