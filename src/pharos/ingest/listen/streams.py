"""Sockets of listeners: a bounded number of connections, closed with the server."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, Self, TypeAlias

from pharos.errors import Kind, PharosError

_LOG = logging.getLogger(__name__)

Serve: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Receive: TypeAlias = Callable[[bytes, Any, asyncio.DatagramTransport], None]
"""Takes a datagram, the address that it is from, and where an answer would go out."""
_BACKLOG: Final = 128


def _taken(name: str, host: str, port: int, exc: OSError) -> PharosError:
    return PharosError(
        Kind.UNAVAILABLE,
        f"{name} cannot listen on {host}:{port}: {exc.strerror or exc}",
        hint="is another server there? pharos.yml names the address",
    )


class StreamListener:
    """A TCP listener whose connections are served until they end or it is closed."""

    def __init__(self, name: str, serve: Serve, most_connections: int) -> None:
        self._name = name
        self._serve = serve
        self._most = most_connections
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    async def open(
        cls,
        name: str,
        serve: Serve,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        most_connections: int,
    ) -> Self:
        """Return a listener that listens. Raises PharosError(UNAVAILABLE) where it cannot."""
        made = cls(name, serve, most_connections)
        try:
            made._server = await asyncio.start_server(made._begin, host, port, ssl=tls, backlog=_BACKLOG)
        except OSError as exc:
            raise _taken(name, host, port, exc) from exc
        return made

    @property
    def port(self) -> int:
        """The port that it has."""
        assert self._server is not None  # noqa: S101 - it is made by `open` alone
        return int(self._server.sockets[0].getsockname()[1])

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= self._most:
            _LOG.warning("%s: more than %s connections", self._name, self._most)
            writer.close()
            return
        task = asyncio.get_running_loop().create_task(self._run(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, ssl.SSLError) as exc:
            _LOG.info("%s: a connection ended: %s", self._name, exc)
        except PharosError as exc:
            _LOG.warning("%s: a connection is closed: %s", self._name, exc)
        finally:
            writer.close()

    async def close(self) -> None:
        """End all connections."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._receive(data, addr, self._transport)


async def open_datagrams(name: str, receive: Receive, host: str, port: int) -> asyncio.DatagramTransport:
    """Return a UDP listener that hands on each datagram. Raises PharosError(UNAVAILABLE) where it cannot."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(receive), local_addr=(host, port)
        )
    except OSError as exc:
        raise _taken(name, host, port, exc) from exc
    return transport
