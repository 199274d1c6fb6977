"""A name that stands for a public address when it is asked about, and for loopback a moment later."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from tests.health.things import looking

PUBLIC, LOOPBACK = "93.184.215.14", "127.0.0.1"
KINDS: list[dict[str, Any]] = [
    {"type": "websocket", "url": "ws://rebind.example.com:8080/"},
    {"type": "tcp", "host": "rebind.example.com", "port": 8080},
    {"type": "tls", "host": "rebind.example.com", "port": 8080},
]


class Rebinding(asyncio.SelectorEventLoop):
    """A loop whose names are public the first time they are asked about; its connections are refused."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.called: list[str] = []

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        self.asked += 1
        found = PUBLIC if self.asked == 1 else LOOPBACK
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, int(port or 0)))]

    async def sock_connect(self, sock: Any, address: Any) -> None:
        del sock
        self.called.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")


@pytest.mark.parametrize("fields", KINDS, ids=lambda one: str(one["type"]))
def test_what_was_checked_is_what_is_called(fields: dict[str, Any]) -> None:
    loop = Rebinding()

    async def twice() -> list[str]:
        async with looking(allow_private=False) as look:
            return [(await look(**fields)).reason for _ in range(2)]

    try:
        reasons = loop.run_until_complete(twice())
    finally:
        loop.close()
    # From the second time on it stands for loopback, and is refused before anything is called.
    assert LOOPBACK not in loop.called
    assert loop.asked >= 2
    assert "private address" in reasons[1]
