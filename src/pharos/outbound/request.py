"""What is asked of others and what comes back, and how addresses are shown and judged."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from yarl import URL

OnThread: TypeAlias = Callable[..., Awaitable[Any]]
"""Calls a function with arguments on a thread."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class WireOptions:
    """How a client sends; see `Outbound`."""

    allow_private: bool
    user_agent: str
    connections_at_most: int
    on_thread: OnThread


@dataclass(frozen=True, slots=True)
class Retry:
    """Up to `attempts` tries in all; waits double from `first_wait_s` to `most_wait_s`, each shortened by
    chance.
    """

    attempts: int = 1
    first_wait_s: float = 0.2
    most_wait_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `timeout_s` is for everything from connecting to the last byte, `body_limit` for unpacked
    bytes.
    """

    url: URL
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    timeout_s: float = 10.0
    body_limit: int = 16 * 1024 * 1024
    is_path_secret: bool = False
    """Whether the path, which errors tell, is one (as of a chat's incoming webhook)."""
    is_status_enough: bool = False
    """Whether an answer counts by its status: a body that is too long, broken or slow is cut."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `body` is unpacked, `wire_bytes` is how many bytes it took on the wire."""

    status: int
    reason: str
    content_type: str
    headers: Mapping[str, str]
    body: bytes
    wire_bytes: int


def shown_url(url: URL) -> str:
    """Return an address fit for logs and errors: without user information and query."""
    return (
        str(url.with_user(None).with_query(None)) if url.user or url.password else str(url.with_query(None))
    )


def is_public_address(text: str) -> bool:
    """Return whether an IP address lies in the public internet; v4 inside v6 is judged as v4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_global and not address.is_multicast
