"""Who asks through a proxy, and how: what the proxies that the settings name say of it, and of nobody else.

Each proxy on the way writes who came to it behind what came with the request, which anybody may have sent. So
addresses count from the last on, for as long as they are those of proxies that are believed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED_FOR: Final = b"x-forwarded-for"
_FORWARDED_PROTO: Final = b"x-forwarded-proto"
_FORWARDED: Final = b"forwarded"
_READ: Final = frozenset({_FORWARDED_FOR, _FORWARDED_PROTO, _FORWARDED})
_PAIR: Final = re.compile(r"""\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^\s",;]*)\s*([,;]|\Z)""")
_SECURE: Final = {"http": {"http": "http", "https": "https"}, "websocket": {"http": "ws", "https": "wss"}}


class Origin(Struct, frozen=True):
    """Where a request came from before it came to a proxy; None where that is not told."""

    address: str | None = None
    scheme: str | None = None


def read_address(text: str) -> Address | None:
    """Return the address of a proxy's word for it, with its port or without; None for what is no address."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


class Proxies:
    """The proxies that are believed, by their addresses and networks."""

    def __init__(self, networks: Iterable[Network] = ()) -> None:
        self._networks = tuple(networks)

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._networks)

    def has(self, address: Address) -> bool:
        """Return whether it is that of a proxy that is believed."""
        return any(address in network for network in self._networks)

    def origin(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> Origin:
        """Return what is believed of a request that came from `peer`.

        Where both kinds of headers name somebody, and not the same, one is a client's own: neither counts.
        """
        came_by = read_address(peer)
        if came_by is None or not self.has(came_by):
            return Origin()
        texts: dict[bytes, list[str]] = {name: [] for name in _READ}
        for name, value in headers:
            if name in _READ:
                texts[name].append(value.decode("latin-1"))
        pairs = _elements(",".join(texts[_FORWARDED]))
        ways = [
            [one for one in ",".join(texts[_FORWARDED_FOR]).split(",") if one.strip()],
            [one.get("for", "") for one in pairs],
        ]
        told = {self._client(came_by, way) for way in ways if way}
        protocols = [one.strip().lower() for one in ",".join(texts[_FORWARDED_PROTO]).split(",")]
        schemes = {protocols[-1], pairs[-1].get("proto", "").lower() if pairs else ""} & {"http", "https"}
        return Origin(
            str(told.pop()) if len(told) == 1 else None, schemes.pop() if len(schemes) == 1 else None
        )

    def _client(self, came_by: Address, way: list[str]) -> Address:
        """Return the last on the way who is no proxy of ours, or the first of those if all are."""
        found = came_by
        for text in reversed(way):
            address = read_address(text)
            if address is None:
                break
            found = address
            if not self.has(address):
                break
        return found


def _elements(text: str) -> list[dict[str, str]]:
    """Return the elements of a Forwarded header (RFC 7239); what is no such header has none."""
    found: list[dict[str, str]] = [{}]
    at = 0
    while at < len(text):
        pair = _PAIR.match(text, at)
        if pair is None:
            return []
        name, value, end = pair.groups()
        found[-1][name.lower()] = value[1:-1].replace("\\", "") if value.startswith('"') else value
        if end == ",":
            found.append({})
        at = pair.end()
    return [one for one in found if one]


class Forwarded:
    """The application `app` behind proxies: to it a request comes from who asked the first of them."""

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, asked: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        client = asked.get("client")
        if client is not None and asked["type"] in _SECURE:
            found = self._proxies.origin(client[0], asked["headers"])
            if found.address is not None:
                asked["client"] = (found.address, 0)
            if found.scheme is not None:
                asked["scheme"] = _SECURE[asked["type"]][found.scheme]
        await self._app(asked, receive, send)
