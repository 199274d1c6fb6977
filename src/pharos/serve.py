"""The loop: serve what `open_pharos` built, and stop on a signal."""

from __future__ import annotations

import asyncio
import importlib
import logging
import signal
import socket
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from random import SystemRandom
from typing import Any, Final

import uvicorn
from msgspec import Struct

from pharos.api.app import SOCKET_PATHS, App
from pharos.api.http.connection import ConnectionLimits, connection_class
from pharos.api.live.port import feed_alone
from pharos.api.starting import Starting
from pharos.app import Pharos, open_pharos
from pharos.certificate import Certificate
from pharos.clock import SystemClock
from pharos.config import Settings
from pharos.engine import Engine
from pharos.errors import PharosError
from pharos.listening import bind
from pharos.warm.warming import Warming, compile_missing, find_missing

_LOG = logging.getLogger(__name__)

_FRAME_MAX_BYTES: Final = 1 << 20
"""The largest message that a client may send on a WebSocket."""
_GRACE_S: Final = 1
"""So long may requests go on that are being answered when the server stops."""


async def serve(
    settings: Settings,
    socks: Sequence[socket.socket],
    engine: Future[Engine],
    announce: Callable[[str], None],
    tell: Callable[[Warming], None] = lambda _: None,
    invite: Callable[[str], None] = lambda _: None,
) -> None:
    """Serve until SIGTERM or SIGINT, then store what was accepted and close all but the caller's `engine`.

    `announce` is called with the first socket's address once requests are answered. Where kernels of the
    first page must be compiled first, that is at once: pages are shown, all else waits, and `tell` is called
    after each kernel. Where nobody may come in yet, `invite` gets the link by which the first user does.

    Raises PharosError when the folder cannot be used, or the certificate.
    """
    # Threads that come back from compiled code get the interpreter soon, even beside a busy one.
    sys.setswitchinterval(0.0005)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    warming = find_missing()
    starting = Starting(warming.counts)
    async with AsyncExitStack() as stack:
        certificate = Certificate.of(settings.tls)
        server = _server_by(settings, App(starting, SOCKET_PATHS), certificate)
        if certificate is not None:
            stack.callback(asyncio.create_task(certificate.watch()).cancel)
        serving = asyncio.create_task(server.serve(sockets=list(socks)))
        stack.push_async_callback(_end, serving, server, starting)
        ended = asyncio.create_task(_first_of(serving, stop.wait()))
        stack.push_async_callback(_cancel, ended)
        address = _address(socks[0], "http" if certificate is None else "https")
        is_cold = not warming.is_first_done.is_set()
        if is_cold:
            announce(address)
        compiling = asyncio.create_task(compile_missing(warming, gives_way=True, tell=lambda: tell(warming)))
        stack.push_async_callback(_cancel, compiling)
        await _first_of(ended, warming.is_first_done.wait())
        if ended.done():
            return
        pharos = await stack.enter_async_context(
            open_pharos(settings, SystemClock(), SystemRandom(), warming.counts, engine)
        )
        starting.hand_over(pharos.app.answer)
        if settings.live.listen is not None:
            feed = _server_by(settings, feed_alone(pharos.app), certificate)
            await stack.enter_async_context(_served(feed, settings.live.listen))
        _reload_on_hangup(loop, pharos)
        if not is_cold:
            announce(address)
        if (link := await pharos.first_link()) is not None:
            invite(f"{settings.url or address}{link}")
        await ended
        pharos.app.end()
        # Before the store closes: what was taken is answered, and nothing new is.
        await _end(serving, server, starting)


def _address(sock: socket.socket, scheme: str) -> str:
    host, port = sock.getsockname()[:2]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


async def _first_of(one: asyncio.Task[None], other: Coroutine[Any, Any, object]) -> None:
    """Wait for either; the first of them goes on where the other one was first."""
    waiting = asyncio.create_task(other)
    try:
        await asyncio.wait({one, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()


async def _end(serving: asyncio.Task[None], server: uvicorn.Server, starting: Starting) -> None:
    starting.give_up()
    server.should_exit = True
    await serving


@asynccontextmanager
async def _served(server: uvicorn.Server, listen: str) -> AsyncIterator[None]:
    """Serve the feed alone at an address of its own. Raises PharosError(UNAVAILABLE) where it is taken."""
    with bind(listen) as sock:
        _LOG.info("the live feed is answered on %s:%s", *sock.getsockname()[:2])
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield
        finally:
            server.should_exit = True
            await serving


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class SocketOptions(Struct, frozen=True):
    """How WebSockets are served."""

    ping_s: float = 30.0
    """How often it is looked whether a client is there, if not more often anyway."""
    compresses: bool = True


def _server_by(settings: Settings, app: App, certificate: Certificate | None) -> uvicorn.Server:
    """Return the server of an application as the settings have it."""
    live = settings.live
    sockets = SocketOptions(live.heartbeat / 1000, live.compression)
    patience_s = settings.ingest.receive_timeout / 1000
    return server_of(app, patience_s, settings.max_connections, certificate, sockets)


def server_of(
    app: App,
    patience_s: float,
    most_connections: int = 2048,
    certificate: Certificate | None = None,
    sockets: SocketOptions | None = None,
) -> uvicorn.Server:
    """Return the server of an application, which runs until `should_exit` is set.

    A client may take a quarter of `patience_s` for a head, half of it to read on, WebSockets too.
    """
    options = sockets or SocketOptions()
    config = uvicorn.Config(
        app.answer,
        http=connection_class(
            ConnectionLimits(connections=most_connections, seconds=patience_s / 4, unread_s=patience_s / 2),
            app.socket_paths,
        ),
        ws=_open_socket if app.socket_paths else "none",  # type: ignore[arg-type]  # as a class is called
        ws_max_size=_FRAME_MAX_BYTES,
        ws_ping_interval=min(patience_s / 4, options.ping_s),
        ws_ping_timeout=patience_s / 2,
        ws_per_message_deflate=options.compresses,
        log_config=None,
        proxy_headers=False,
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_GRACE_S,
    )
    if certificate is not None:
        config.load()
        config.ssl = certificate.context
    return _Server(config)


def _open_socket(*arguments: Any, **named: Any) -> asyncio.Protocol:
    """Return a WebSocket; what it is made of is loaded for the first one."""
    module = importlib.import_module("pharos.api.http.socket")  # noqa: TID251 - loaded when it is needed
    made: asyncio.Protocol = module.Socket(*arguments, **named)
    return made


def _reload_on_hangup(loop: asyncio.AbstractEventLoop, pharos: Pharos) -> None:
    reloads: deque[asyncio.Task[None]] = deque(maxlen=8)
    loop.add_signal_handler(signal.SIGHUP, lambda: reloads.append(loop.create_task(_reload_logged(pharos))))


async def _reload_logged(pharos: Pharos) -> None:
    try:
        await pharos.reload()
    except PharosError as exc:
        _LOG.error("the configuration was not reloaded, the last good one stays: %s", exc)
    else:
        _LOG.info("the configuration was reloaded")


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: ours close the store too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
