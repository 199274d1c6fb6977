"""Things to be looked at: small servers on free ports of loopback, and what looks are made with."""

from __future__ import annotations

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pharos.access import DEFAULT, Scope
from pharos.clock import Clock, SystemClock
from pharos.health.check import read_check
from pharos.health.looking import Means, Outcome
from pharos.health.looks import Looks
from pharos.labels import Labels
from pharos.outbound import Outbound

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def looking(
    *, allow_private: bool = True, answers: Sequence[tuple[Labels, float]] = ()
) -> AsyncIterator[Callable[..., Awaitable[Outcome]]]:
    """Yield what makes a check once, of its fields."""
    outbound = Outbound(
        allow_private=allow_private, user_agent="test", random_source=Random(1), is_checking=True
    )

    async def ask(language: str, scope: Scope, query: str) -> Sequence[tuple[Labels, float]]:
        del language, scope, query
        return answers

    means = Means(outbound, SystemClock(), ask)
    looks = Looks(means, means)

    async def look(**fields: Any) -> Outcome:
        check = read_check({"name": "it", "timeout": "2s", **fields})
        return await looks.look(check, DEFAULT, is_trusted=True)

    try:
        yield look
    finally:
        await outbound.close()


def looks_of(clock: Clock) -> Looks:
    """Return what would look at things, on another clock."""

    async def ask(language: str, scope: Scope, query: str) -> Sequence[tuple[Labels, float]]:
        del language, scope, query
        return []

    outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1), is_checking=True)
    means = Means(outbound, clock, ask)
    return Looks(means, means)


@asynccontextmanager
async def serving(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Yield the port of a server whose connections `serve` serves."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def answering(status: str, body: bytes, *headers: str, after_s: float = 0.0) -> Serve:
    """Return what answers each HTTP request so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(after_s)
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return serve


def certified(folder: Path, days: float, name: str = "localhost") -> ssl.SSLContext:
    """Return the context of a server whose certificate, signed by itself, lasts so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    of = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(of)
        .issuer_name(of)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1000))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "both.pem"
    path.write_bytes(made.public_bytes(pem) + key.private_bytes(pem, form, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class NameServer(asyncio.DatagramProtocol):
    """Answers each question with the same records: type and content."""

    def __init__(self, code: int, records: Sequence[tuple[int, bytes]]) -> None:
        self._code = code
        self._records = records
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        head = data[:2] + struct.pack(">HHHHH", 0x8180 | self._code, 1, len(self._records), 0, 0)
        answers = [
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(content)) + content
            for kind, content in self._records
        ]
        self._transport.sendto(head + data[12:] + b"".join(answers), addr)


@asynccontextmanager
async def naming(*records: tuple[int, bytes], code: int = 0) -> AsyncIterator[int]:
    """Yield the port of a DNS server."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: NameServer(code, records), local_addr=("127.0.0.1", 0)
    )
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()
