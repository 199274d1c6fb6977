"""What is asked of others and what comes back, and how addresses are shown and judged."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field
from yarl import URL

OnThread: TypeAlias = Callable[..., Awaitable[Any]]
"""Calls a function with arguments on a thread."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_METADATA: Final = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google Cloud, DigitalOcean, OpenStack, Oracle
            "fd00:ec2::254",  # AWS over IPv6
            "fd20:ce::254",  # Google Cloud over IPv6
            "169.254.170.2",  # AWS: of containers (ECS)
            "169.254.170.23",  # AWS: of pods (EKS)
            "fd00:ec2::23",
            "169.254.42.42",  # Scaleway
            "fd00:42::42",
            "100.100.100.200",  # Alibaba Cloud
            "168.63.129.16",  # Azure: the machine's own agent
            "192.0.0.192",  # Oracle, the older one
        ),
    )
)


class WireOptions(Struct, frozen=True):
    """How a client sends; see `Outbound`."""

    allow_private: bool
    user_agent: str
    connections_at_most: int
    on_thread: OnThread
    allow_metadata: bool = True
    keeps_connections: bool = True
    """Whether a connection serves further requests; a check of health is to see that new ones come about."""
    private_by: str = ""
    """The setting by which private addresses may be called; empty where there is none."""

    def why_not(self, address: str) -> str:
        """Return why an IP address may not be called; empty where it may."""
        if not self.allow_metadata and is_metadata_address(address):
            return "is the address of a cloud's metadata, which is never called"
        if not self.allow_private and not is_public_address(address):
            return f"is a private address, {self.refusal}"
        return ""

    @property
    def refusal(self) -> str:
        """Why private addresses are not called, as the end of a sentence."""
        unless = f" unless the setting `{self.private_by}` says so" if self.private_by else ""
        return f"which may not be called{unless}"


class Retry(Struct, frozen=True):
    """Up to `attempts` tries in all; waits double from `first_wait_s` to `most_wait_s`, each shortened by
    chance.
    """

    attempts: int = 1
    first_wait_s: float = 0.2
    most_wait_s: float = 5.0


class Request(Struct, frozen=True):
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


class Reply(Struct, frozen=True):
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


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an IP address, v4 inside v6 as v4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return inner
    return address


def is_public_address(text: str) -> bool:
    """Return whether an IP address lies in the public internet; v4 inside v6 is judged as v4."""
    address = _address(text)
    return address.is_global and not address.is_multicast


def is_metadata_address(text: str) -> bool:
    """Return whether a cloud tells machines their credentials at an IP address, v4 inside v6 too."""
    return _address(text) in _METADATA
