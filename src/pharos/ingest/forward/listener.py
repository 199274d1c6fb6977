"""The listener for Forward: requests are acknowledged once they are durable, heartbeats answered."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgpack
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.ingest.forward.handshake import Handshake
from pharos.ingest.forward.messages import UNREADABLE, Forwarded, read_request, unpacker
from pharos.ingest.listen.gather import Gatherer
from pharos.ingest.listen.streams import StreamListener, open_datagrams

SOURCE: Final = "forward"
_READ_BYTES: Final = 64 << 10
_HANDSHAKE_S: Final = 10.0
_ACKS_MOST: Final = 64


class ForwardOptions(Struct, frozen=True):
    """How senders are let in."""

    shared_key: str = ""
    """What both sides must know; empty: nobody is asked."""
    name: str = "pharos"
    """What this server is called in the handshake."""
    most_connections: int = 512


class ForwardListener:
    """What comes in, read and gathered. `random_bytes` makes what nobody outside may guess."""

    def __init__(
        self, gatherer: Gatherer, options: ForwardOptions, random_bytes: Callable[[int], bytes]
    ) -> None:
        self._gatherer = gatherer
        self._options = options
        self._random_bytes = random_bytes

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a connection until it ends. Raises PharosError for what is no request."""
        source = _Requests(reader)
        if self._options.shared_key:
            async with asyncio.timeout(_HANDSHAKE_S):
                await self._shake_hands(source, writer)
        acks = _Acks(self._gatherer, writer)
        try:
            async for request in source:
                # None is a heartbeat.
                if request is not None:
                    forwarded = read_request(request)
                    self._take(forwarded, len(source))
                    if forwarded.chunk is not None:
                        await acks.owe(forwarded.chunk)
                    await self._gatherer.room()
        finally:
            await acks.end()

    def _take(self, forwarded: Forwarded, sent_bytes: int) -> None:
        for made in forwarded.records:
            self._gatherer.add(made.resource, made.record, is_cut=made.is_cut)
        self._gatherer.note_bytes(sent_bytes)

    async def _shake_hands(self, source: _Requests, writer: asyncio.StreamWriter) -> None:
        handshake = Handshake(self._options.shared_key, self._options.name, self._random_bytes)
        writer.write(handshake.hello())
        async for ping in source:
            answer, error = handshake.answer(ping)
            writer.write(answer)
            await writer.drain()
            if error is not None:
                raise error
            return
        raise PharosError(Kind.UNAUTHENTICATED, "the connection ended before a PING")

    async def listen_tcp(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> StreamListener:
        """Listen for connections. Raises PharosError(UNAVAILABLE) where the address cannot be had."""
        most = self._options.most_connections
        return await StreamListener.open("forward", self.serve, host, port, tls=tls, most_connections=most)

    async def listen_udp(self, host: str, port: int) -> asyncio.DatagramTransport:
        """Answer heartbeats. Raises PharosError(UNAVAILABLE) where the address cannot be had."""

        def answer(_: bytes, address: Any, transport: asyncio.DatagramTransport) -> None:
            transport.sendto(b"\0", address)

        return await open_datagrams("forward", answer, host, port)


class _Requests:
    """The requests of a connection, one after the other."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._unpacker = unpacker()
        self._before = 0

    def __len__(self) -> int:
        """Return how many bytes the last one had."""
        at = int(self._unpacker.tell())
        size, self._before = at - self._before, at
        return size

    def __aiter__(self) -> _Requests:
        return self

    async def __anext__(self) -> Any:
        while True:
            try:
                return self._unpacker.unpack()
            except msgpack.OutOfData:
                pass
            except UNREADABLE as exc:
                raise PharosError(Kind.INVALID, f"not MessagePack, or more than it may be: {exc}") from exc
            part = await self._reader.read(_READ_BYTES)
            if not part:
                raise StopAsyncIteration
            try:
                self._unpacker.feed(part)
            except msgpack.BufferFull as exc:
                raise PharosError(Kind.TOO_LARGE, "a request is larger than it may be") from exc


class _Acks:
    """Acknowledgements in the order of the requests, each once everything up to it is durable."""

    def __init__(self, gatherer: Gatherer, writer: asyncio.StreamWriter) -> None:
        self._gatherer = gatherer
        self._writer = writer
        self._owed: deque[asyncio.Task[None]] = deque()

    async def owe(self, chunk: str | bytes) -> None:
        """Acknowledge a chunk when what was gathered by now is durable."""
        self._owed.append(asyncio.create_task(self._acknowledge(chunk)))
        while len(self._owed) > _ACKS_MOST:
            await self._owed.popleft()

    async def _acknowledge(self, chunk: str | bytes) -> None:
        if await self._gatherer.settled() and not self._writer.is_closing():
            self._writer.write(msgpack.packb({"ack": chunk}))
            await self._writer.drain()

    async def end(self) -> None:
        """Return when all are sent, as far as anybody still reads."""
        await asyncio.gather(*self._owed, return_exceptions=True)
