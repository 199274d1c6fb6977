"""The sockets that a server listens on."""

from __future__ import annotations

import logging
import socket
from typing import Final

from pharos.config import Settings, split_address
from pharos.errors import Kind, PharosError

_LOG = logging.getLogger(__name__)

_OTLP_HTTP: Final = "127.0.0.1:4318"


def bind(listen: str) -> socket.socket:
    """Return a listening socket. Raises PharosError: INVALID, or UNAVAILABLE when the port is taken."""
    host, port = split_address(listen)
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


def bind_otlp_http(settings: Settings) -> list[socket.socket]:
    """Return the listening socket for OTLP over HTTP; none where the settings want none, or it is taken.

    Raises PharosError(UNAVAILABLE) when an address that is named cannot be had.
    """
    found = bind_otlp(settings.otlp.http, _OTLP_HTTP, "HTTP")
    if found is None:
        return []
    _LOG.info("OTLP over HTTP is taken on %s:%s", *found.getsockname()[:2])
    return [found]


def bind_otlp(address: str, standard: str, protocol: str) -> socket.socket | None:
    """Return a listening socket of an address, or of the standard one for `auto`; None for `off`.

    Raises PharosError(UNAVAILABLE) when an address that is named cannot be had; of the standard one that is
    logged, and the answer None.
    """
    if address == "off":
        return None
    if address != "auto":
        return bind(address)
    try:
        return bind(standard)
    except PharosError as exc:
        _LOG.info("OTLP over %s is not taken at its standard address: %s", protocol, exc.message)
        return None
