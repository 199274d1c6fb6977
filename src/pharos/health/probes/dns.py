"""Looks whether a name can be found in the DNS (RFC 1035), at the system's server or another one."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import Final

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import DnsCheck
from pharos.health.looking import Found, Means
from pharos.outbound.dns import CODES, NO_SUCH_NAME, is_answer_to, question, read_answer
from pharos.outbound.resolver import system_options

_MOST_BYTES: Final = 4096


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
    asked = question(check.query, check.record, means.clock.now_ns() & 0xFFFF)
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            family, address = await _server(check, means)
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.setblocking(False)
                await loop.sock_connect(sock, address)
                await loop.sock_sendall(sock, asked)
                while True:
                    answer = await loop.sock_recv(sock, _MOST_BYTES)
                    if is_answer_to(answer, asked):
                        break
    except TimeoutError:
        message = f"{shown} gave no answer within {check.timeout_ms / 1000:g}s"
        raise PharosError(Kind.TIMEOUT, message) from None
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot ask {shown}: {exc.strerror or exc}") from exc
    return _answers(answer, check.record)


async def _server(check: DnsCheck, means: Means) -> tuple[int, tuple[str, int]]:
    if check.server:
        found = await means.outbound.addresses(check.server, check.port, socket.SOCK_DGRAM)
        return found[0].family, found[0].address
    address = (await asyncio.to_thread(system_options)).servers[0]
    version = ipaddress.ip_address(address.partition("%")[0]).version
    return (socket.AF_INET if version == 4 else socket.AF_INET6), (address, check.port)


def _answers(answer: bytes, record: str) -> list[str]:
    """Return the answers of a type. Raises PharosError where the server says why there are none."""
    found = read_answer(answer, record)
    if found.code not in {0, NO_SUCH_NAME}:
        said = CODES.get(found.code, f"error {found.code}")
        raise PharosError(Kind.UNAVAILABLE, f"the DNS server says: {said}")
    return [f"{one.preference} {one.text}" if record == "MX" else one.text for one in found.records]
