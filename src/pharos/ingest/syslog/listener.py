"""Listeners for syslog: TCP, UDP and TLS, on the loop of the server."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, tzinfo
from typing import Final

from msgspec import Struct

from pharos.clock import Clock
from pharos.ingest.events.lines import LINE_MAX_BYTES
from pharos.ingest.listen.gather import Gatherer
from pharos.ingest.listen.streams import StreamListener, open_datagrams
from pharos.ingest.syslog.framing import Framer
from pharos.ingest.syslog.parse import Parser
from pharos.telemetry import LINES_LOST

_READ_BYTES: Final = 64 << 10
SOURCE: Final = "syslog"


class SyslogOptions(Struct, frozen=True):
    """How messages are read."""

    zone: tzinfo = UTC
    """Of times without an offset."""
    most_bytes: int = LINE_MAX_BYTES
    """What is kept of a message."""
    most_connections: int = 512


class SyslogListener:
    """What comes in by any transport, read and gathered."""

    def __init__(self, gatherer: Gatherer, clock: Clock, options: SyslogOptions) -> None:
        self._gatherer = gatherer
        self._clock = clock
        self._options = options
        self._parser = Parser(options.zone, options.most_bytes)

    def _take(self, raw: bytes, *, is_cut: bool) -> None:
        resource, record = self._parser.read(raw, self._clock.now_ns())
        self._gatherer.add(resource, record, len(raw), is_cut=is_cut)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:  # noqa: ARG002
        """Read a connection until it ends."""
        framer = Framer(self._options.most_bytes)
        while part := await reader.read(_READ_BYTES):
            for raw, is_cut in framer.feed(part):
                self._take(raw, is_cut=is_cut)
            await self._gatherer.room()
        for raw, is_cut in framer.end():
            self._take(raw, is_cut=is_cut)

    def receive(self, datagram: bytes) -> None:
        """Take a datagram; it is lost where the intake does not follow, since nobody can be told to wait."""
        kept = datagram.rstrip(b"\r\n\0")
        if not kept:
            return
        if not self._gatherer.has_room:
            LINES_LOST.labels(SOURCE).inc()
            return
        self._take(kept, is_cut=False)

    async def listen_tcp(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> StreamListener:
        """Listen for connections. Raises PharosError(UNAVAILABLE) where the address cannot be had."""
        return await StreamListener.open(
            f"syslog{' over TLS' if tls else ''}",
            self.serve,
            host,
            port,
            tls=tls,
            most_connections=self._options.most_connections,
        )

    async def listen_udp(self, host: str, port: int) -> asyncio.DatagramTransport:
        """Listen for datagrams. Raises PharosError(UNAVAILABLE) where the address cannot be had."""
        return await open_datagrams("syslog", lambda datagram, *_: self.receive(datagram), host, port)
