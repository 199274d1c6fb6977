"""Records of names, as the system's resolver configuration says whom to ask and what to try (resolv.conf(5)).

The system itself resolves addresses alone; services (SRV) and mail (MX) it does not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import random
import socket
from pathlib import Path
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.outbound.dns import CODES, NO_SUCH_NAME, DnsAnswer, DnsRecord, is_answer_to, question, read_answer

_CONFIGURATION: Final = Path("/etc/resolv.conf")
_PORT: Final = 53
_TIMEOUT_S: Final = 2.0
_UDP_MOST_BYTES: Final = 4096
_DOTS_MOST: Final = 15


class ResolverOptions(Struct, frozen=True):
    """Whom to ask and what to try."""

    servers: tuple[str, ...] = ("127.0.0.1",)
    search: tuple[str, ...] = ()
    dots: int = 1
    """A name with so many is tried as it is first, and in the domains of `search` after that."""

    def names(self, name: str) -> tuple[str, ...]:
        """Return what a name may be in full, in the order of trial."""
        if name.endswith("."):
            return (name,)
        within = [f"{name}.{domain}" for domain in self.search]
        return (name, *within) if name.count(".") >= self.dots else (*within, name)


def read_options(text: str) -> ResolverOptions:
    """Return what a resolv.conf says; lines that say nothing of use are left out."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    dots = 1
    for line in text.splitlines():
        match line.split():
            case ["nameserver", server, *_]:
                servers.append(server)
            case ["search" | "domain", *domains]:
                search = tuple(one.strip(".") for one in domains if one.strip("."))
            case ["options", *options]:
                for option in options:
                    key, _, value = option.partition(":")
                    if key == "ndots" and value.isdecimal():
                        dots = min(int(value), _DOTS_MOST)
    return ResolverOptions(tuple(servers) or ("127.0.0.1",), search, dots)


def system_options(path: Path = _CONFIGURATION) -> ResolverOptions:
    """Return the system's options; this host's own server where it has none. It blocks for a moment."""
    try:
        return read_options(path.read_text())
    except OSError:
        return ResolverOptions()


class Resolver:
    """Asks for records. Use it inside a running loop."""

    def __init__(
        self, random_source: random.Random, *, configuration: Path = _CONFIGURATION, port: int = _PORT
    ) -> None:
        self._random = random_source
        self._configuration = configuration
        self._port = port

    async def records(self, name: str, record: str) -> tuple[DnsRecord, ...]:
        """Return the records of a name, which may be in one of the domains that are searched; none where all
        that it may be is no name.

        Raises PharosError(UNAVAILABLE) where that is not known: nobody answered of one that it may be.
        """
        options = await asyncio.to_thread(system_options, self._configuration)
        failed: PharosError | None = None
        for full in options.names(name):
            try:
                answer = await self._of_any(full, record, options)
            except PharosError as exc:
                if exc.kind is Kind.INVALID:
                    raise
                failed = exc
            else:
                if answer.code != NO_SUCH_NAME:
                    return answer.records
        if failed is not None:
            raise failed
        return ()

    async def _of_any(self, name: str, record: str, options: ResolverOptions) -> DnsAnswer:
        """Return the first answer that says something of a name."""
        reasons = []
        for server in options.servers:
            try:
                answer = await self._of_one(server, name, record)
            except PharosError as exc:
                if exc.kind is Kind.INVALID:
                    raise
                reasons.append(f"{server}: {exc.message}")
                continue
            if answer.code in {0, NO_SUCH_NAME}:
                return answer
            reasons.append(f"{server}: {CODES.get(answer.code, f'error {answer.code}')}")
        raise PharosError(Kind.UNAVAILABLE, f"no DNS server answers for {name} ({'; '.join(reasons)})")

    async def _of_one(self, server: str, name: str, record: str) -> DnsAnswer:
        asked = question(name, record, self._random.getrandbits(16), takes_bytes=_UDP_MOST_BYTES)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = read_answer(await self._by_udp(server, asked), record)
                if answer.is_truncated:
                    answer = read_answer(await self._by_tcp(server, asked), record)
        except TimeoutError:
            raise PharosError(Kind.TIMEOUT, f"no answer within {_TIMEOUT_S:g}s") from None
        except (OSError, EOFError, ValueError) as exc:
            raise PharosError(Kind.UNAVAILABLE, str(exc) or type(exc).__name__) from exc
        if answer.is_truncated:
            raise PharosError(Kind.UNAVAILABLE, "the answer is cut off by TCP too")
        return answer

    async def _by_udp(self, server: str, asked: bytes) -> bytes:
        loop = asyncio.get_running_loop()
        version = ipaddress.ip_address(server.partition("%")[0]).version
        family = socket.AF_INET if version == 4 else socket.AF_INET6
        # A socket that is connected takes answers of nobody else.
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, (server, self._port))
            await loop.sock_sendall(sock, asked)
            while True:
                answer = await loop.sock_recv(sock, _UDP_MOST_BYTES)
                if is_answer_to(answer, asked):
                    return answer

    async def _by_tcp(self, server: str, asked: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(server, self._port)
        try:
            writer.write(len(asked).to_bytes(2) + asked)
            answer = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        finally:
            writer.close()
        if not is_answer_to(answer, asked):
            raise ValueError("answers another question")
        return answer
