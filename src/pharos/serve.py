"""The socket and the loop: listen, serve what `open_pharos` built, and stop on a signal."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import SystemRandom
from typing import Final

import uvicorn

from pharos.api.app import App
from pharos.api.http.connection import HeadLimits, connection_class
from pharos.app import Pharos, open_pharos
from pharos.clock import SystemClock
from pharos.config import Settings, is_loopback, split_address
from pharos.errors import Kind, PharosError

_LOG = logging.getLogger(__name__)

_FRAME_MAX_BYTES: Final = 1 << 20
"""The largest message that a client may send on a WebSocket."""


def check_exposure(host: str, *, insecure: bool) -> None:
    """Refuse to listen beyond loopback, where nothing asks who is there yet.

    Raises PharosError(DENIED) unless `insecure`.
    """
    if not is_loopback(host) and not insecure:
        raise PharosError(
            Kind.DENIED,
            f"refusing to listen on {host}: anyone who reaches it could read and write everything",
            hint="listen on 127.0.0.1, or add --insecure if the network is fenced off otherwise",
        )


def bind(listen: str, *, insecure: bool) -> socket.socket:
    """Return a listening socket. Raises PharosError: DENIED, or UNAVAILABLE when the port is taken."""
    host, port = split_address(listen)
    check_exposure(host, insecure=insecure)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(2048)
    except OSError as exc:
        sock.close()
        raise PharosError(
            Kind.UNAVAILABLE,
            f"cannot listen on {listen}: {exc.strerror}",
            hint="is another pharos running? --listen 127.0.0.1:0 takes a free port",
        ) from exc
    return sock


async def serve(settings: Settings, sock: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then store what was accepted and close.

    `announce` is called with the address once requests are answered.
    """
    # Threads that come back from compiled code get the interpreter soon, even beside a busy one.
    sys.setswitchinterval(0.0005)
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    reloads: deque[asyncio.Task[None]] = deque(maxlen=8)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_pharos(settings, SystemClock(), SystemRandom()) as pharos:
        server = server_of(pharos.app, settings.ingest.receive_timeout / 1000)
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        loop.add_signal_handler(
            signal.SIGHUP, lambda: reloads.append(loop.create_task(_reload_logged(pharos)))
        )
        host, port = sock.getsockname()[:2]
        announce(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        waiting.cancel()
        await serving


def server_of(app: App, patience_s: float) -> uvicorn.Server:
    """Return the server of an application, which runs until `should_exit` is set.

    A client may take a quarter of `patience_s` for a head, half of it to read on, WebSockets too.
    """
    return _Server(
        uvicorn.Config(
            app.answer,
            http=connection_class(HeadLimits(seconds=patience_s / 4, unread_s=patience_s / 2)),
            # By name: what it is made of is not loaded where nothing takes WebSockets.
            ws="pharos.api.http.socket:Socket" if app.takes_sockets else "none",
            ws_max_size=_FRAME_MAX_BYTES,
            ws_ping_interval=patience_s / 4,
            ws_ping_timeout=patience_s / 2,
            ws_per_message_deflate=False,
            log_config=None,
            proxy_headers=False,
            access_log=False,
            lifespan="off",
            server_header=False,
            date_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
        )
    )


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
