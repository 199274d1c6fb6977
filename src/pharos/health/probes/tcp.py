"""Looks whether a port is open, and what comes from there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from pharos.access import Scope
from pharos.health.check import TcpCheck
from pharos.health.looking import Found, Means

_MOST_BYTES: Final = 64 << 10


async def look(check: TcpCheck, means: Means, scope: Scope) -> Found:
    """Connect once. Raises PharosError where that is not possible."""
    del scope
    sock = await means.outbound.connect(check.host, check.port, check.timeout_ms / 1000)
    if not check.send and not check.expect:
        sock.close()
        return Found()
    reader, writer = await asyncio.open_connection(sock=sock)
    async with _closing(writer):
        if check.send:
            writer.write(check.send.encode())
            await writer.drain()
        if check.expect and not await _comes(reader, check.expect.encode()):
            return Found([f"{check.expect[:80]!r} did not come"])
    return Found()


@asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()


async def _comes(reader: asyncio.StreamReader, expected: bytes) -> bool:
    """Return whether a text comes before the other side ends."""
    got = bytearray()
    while expected not in got:
        more = await reader.read(4096)
        if not more or len(got) > _MOST_BYTES:
            return False
        got += more
    return True
