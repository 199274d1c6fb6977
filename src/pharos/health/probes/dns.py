"""Looks whether a name can be found in the DNS (RFC 1035), at the system's server or another one."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from pathlib import Path
from typing import Final

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import DnsCheck
from pharos.health.looking import Found, Means

_TYPES: Final = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "MX": 15, "TXT": 16, "AAAA": 28}
_RESOLV: Final = Path("/etc/resolv.conf")
_CODES: Final = {1: "format error", 2: "server failure", 3: "there is no such name", 5: "refused"}
_MOST_BYTES: Final = 4096
_HEADER: Final = struct.Struct(">HHHHHH")
_RECORD: Final = struct.Struct(">HHIH")


async def look(check: DnsCheck, means: Means, scope: Scope) -> Found:
    """Ask once. Raises PharosError where nobody answers."""
    del scope
    answers = await _ask(check, means)
    facts = {"dns_answers": float(len(answers))}
    if not answers:
        return Found([f"{check.query} has no {check.record} record"], facts)
    lacking = [one for one in check.expect if _plain(one) not in map(_plain, answers)]
    # What a private server says is told to those alone who may ask it anything.
    said = f"; it is {', '.join(answers)[:200]}" if means.outbound.allows_private else ""
    return Found(
        [f"{check.record} of {check.query} lacks {', '.join(lacking)}{said}"] if lacking else (), facts
    )


def _plain(text: str) -> str:
    return text.rstrip(".").lower()


async def _ask(check: DnsCheck, means: Means) -> list[str]:
    loop = asyncio.get_running_loop()
    shown = f"the DNS server {check.server or 'of the system'}"
    question = _question(check, means.clock.now_ns() & 0xFFFF)
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            family, address = await _server(check, means)
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, address)
                await loop.sock_sendall(sock, question)
                while True:
                    answer = await loop.sock_recv(sock, _MOST_BYTES)
                    if answer[:2] == question[:2] and len(answer) >= _HEADER.size:
                        break
    except TimeoutError:
        message = f"{shown} gave no answer within {check.timeout_ms / 1000:g}s"
        raise PharosError(Kind.TIMEOUT, message) from None
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot ask {shown}: {exc.strerror or exc}") from exc
    try:
        return _answers(answer, _TYPES[check.record])
    except (struct.error, IndexError, UnicodeDecodeError) as exc:
        raise PharosError(Kind.UNAVAILABLE, f"{shown} answers what cannot be read") from exc


async def _server(check: DnsCheck, means: Means) -> tuple[int, tuple[str, int]]:
    if check.server:
        found = await means.outbound.addresses(check.server, check.port, socket.SOCK_DGRAM)
        return found[0].family, found[0].address
    address = await asyncio.to_thread(_of_system)
    version = ipaddress.ip_address(address.partition("%")[0]).version
    return (socket.AF_INET if version == 4 else socket.AF_INET6), (address, check.port)


def _of_system() -> str:
    try:
        lines = _RESOLV.read_text().splitlines()
    except OSError:
        lines = []
    words = [line.split() for line in lines]
    return next((one[1] for one in words if one[:1] == ["nameserver"] and len(one) > 1), "127.0.0.1")


def _question(check: DnsCheck, number: int) -> bytes:
    """Return a question whose recursion is desired."""
    try:
        labels = [part.encode("idna") for part in check.query.rstrip(".").split(".")]
    except UnicodeError as exc:
        raise PharosError(Kind.INVALID, f"{check.query[:80]!r} is no name") from exc
    name = b"".join(bytes([len(one)]) + one for one in labels) + b"\0"
    return _HEADER.pack(number, 0x0100, 1, 0, 0, 0) + name + struct.pack(">HH", _TYPES[check.record], 1)


def _answers(answer: bytes, kind: int) -> list[str]:
    """Return the answers of a kind. Raises PharosError where the server says why there are none."""
    _, flags, questions, count, _, _ = _HEADER.unpack_from(answer)
    code = flags & 15
    if code == 3:
        return []
    if code:
        raise PharosError(Kind.UNAVAILABLE, f"the DNS server says: {_CODES.get(code, f'error {code}')}")
    at = _HEADER.size
    for _ in range(questions):
        at = _name(answer, at)[1] + 4
    found = []
    for _ in range(count):
        at = _name(answer, at)[1]
        of, _, _, size = _RECORD.unpack_from(answer, at)
        at += _RECORD.size
        if of == kind:
            found.append(_shown(answer, at, size, kind))
        at += size
    return found


def _shown(answer: bytes, at: int, size: int, kind: int) -> str:
    content = answer[at : at + size]
    match kind:
        case 1 | 28:
            return str(ipaddress.ip_address(content))
        case 15:
            return f"{int.from_bytes(content[:2])} {_name(answer, at + 2)[0]}"
        case 16:
            texts, place = [], 0
            while place < size:
                texts.append(content[place + 1 : place + 1 + content[place]])
                place += 1 + content[place]
            return b"".join(texts).decode("utf-8", "replace")
        case _:
            return _name(answer, at)[0]


def _name(answer: bytes, at: int) -> tuple[str, int]:
    """Return a name and where it ends; what is compressed is followed, backwards alone."""
    labels, end, before = [], 0, len(answer)
    while size := answer[at]:
        if size & 0xC0:
            end = end or at + 2
            target = int.from_bytes(answer[at : at + 2]) & 0x3FFF
            if target >= min(at, before):
                raise IndexError("a name that leads to itself")
            at = before = target
            continue
        labels.append(answer[at + 1 : at + 1 + size].decode("ascii"))
        at += 1 + size
    return ".".join(labels) + ".", end or at + 1
