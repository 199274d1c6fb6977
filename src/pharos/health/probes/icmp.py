"""Pings: by a socket that needs no privilege, where the system allows that."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Final

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import IcmpCheck
from pharos.health.looking import Found, Means

_PROTOCOLS: Final = {
    socket.AF_INET: (socket.IPPROTO_ICMP, 8, 0),
    socket.AF_INET6: (socket.IPPROTO_ICMPV6, 128, 129),
}
"""By family: the protocol, the type of a request, and that of a reply."""
_ECHO: Final = struct.Struct(">BBHHH")
_PAYLOAD: Final = b"pharos"


async def look(check: IcmpCheck, means: Means, scope: Scope) -> Found:
    """Ping so often as the check says; one answer is enough. Raises PharosError without any."""
    del scope
    loop = asyncio.get_running_loop()
    took_s, answered = 0.0, 0
    try:
        found = (await means.outbound.addresses(check.host, 0, socket.SOCK_DGRAM))[:1]
        if not found:
            raise PharosError(Kind.UNAVAILABLE, f"{check.host} has no address")
        with _socket(found[0].family) as sock:
            await loop.sock_connect(sock, found[0].address)
            for number in range(check.count):
                began_s = means.clock.monotonic_s()
                if await _ping(sock, found[0].family, number, check.timeout_ms / 1000 / check.count):
                    answered += 1
                    took_s += means.clock.monotonic_s() - began_s
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot ping {check.host}: {exc.strerror or exc}") from exc
    facts = {"icmp_answers": float(answered)}
    if not answered:
        return Found([f"{check.host} did not answer {check.count} pings"], facts)
    return Found((), {**facts, "icmp_round_trip_seconds": took_s / answered})


def _socket(family: int) -> socket.socket:
    protocol = _PROTOCOLS[socket.AddressFamily(family)][0]
    try:
        sock = socket.socket(family, socket.SOCK_DGRAM, protocol)
    except PermissionError as exc:
        raise PharosError(
            Kind.UNSUPPORTED,
            "this host lets Pharos send no pings",
            hint="sysctl net.ipv4.ping_group_range must include the group that Pharos runs as",
        ) from exc
    sock.setblocking(False)
    return sock


async def _ping(sock: socket.socket, family: int, number: int, timeout_s: float) -> bool:
    _, request, reply = _PROTOCOLS[socket.AddressFamily(family)]
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, _with_sum(_ECHO.pack(request, 0, 0, 0, number) + _PAYLOAD))
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                answer = await loop.sock_recv(sock, 1024)
                # The system has taken away the header, and lets in only what answers this socket.
                if len(answer) >= _ECHO.size and (answer[0], _ECHO.unpack_from(answer)[4]) == (reply, number):
                    return True
    except TimeoutError:
        return False


def _with_sum(packet: bytes) -> bytes:
    """Return a packet with its checksum (RFC 1071)."""
    total = sum(struct.unpack(f">{len(packet) // 2}H", packet))
    total = (total >> 16) + (total & 0xFFFF)
    total += total >> 16
    return packet[:2] + struct.pack(">H", ~total & 0xFFFF) + packet[4:]
