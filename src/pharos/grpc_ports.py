"""The ports at which gRPC is expected, OTLP's own first, opened once the server answers."""

from __future__ import annotations

import asyncio
import importlib
import logging
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import Any, Final

from pharos.api.grpc.doors import GrpcDoors
from pharos.certificate import Certificate
from pharos.config import Settings, split_address
from pharos.errors import PharosError
from pharos.listening import bind, bind_otlp

_LOG = logging.getLogger(__name__)

_STANDARD: Final = "127.0.0.1:4317"
_GRACE_S: Final = 1.0
"""So long may requests go on that are being answered when the server stops."""


@asynccontextmanager
async def open_grpc(doors: GrpcDoors, settings: Settings, after: Future[Any]) -> AsyncIterator[None]:
    """Listen for gRPC `after` what the start is waited for, since its library is large.

    On exit requests that are being answered are given a moment. Raises PharosError: UNAVAILABLE when an
    address that is named cannot be had, INVALID for a bad certificate.
    """
    certificate = Certificate.of(settings.tls)
    addresses = _addresses(settings)
    if not addresses:
        yield
        return
    opening = asyncio.create_task(_open(doors, settings, addresses, certificate, after))
    watching = None if certificate is None else asyncio.create_task(certificate.watch())
    try:
        yield
    finally:
        if watching is not None:
            watching.cancel()
        opening.cancel()
        await asyncio.wait((opening,))
        server = None if opening.cancelled() else opening.result()
        if server is not None:
            await server.stop(_GRACE_S)


def _addresses(settings: Settings) -> list[str]:
    """Return where it is listened. Raises PharosError(UNAVAILABLE) for what is named and cannot be had."""
    # The library binds by itself, later: whoever names an address hears at once that it is taken.
    probes = [bind(address) for address in settings.also_listen_grpc]
    addresses = list(settings.also_listen_grpc)
    own = bind_otlp(settings.otlp.grpc, _STANDARD, "gRPC")
    if own is not None:
        probes.append(own)
        addresses.insert(0, _STANDARD if settings.otlp.grpc == "auto" else settings.otlp.grpc)
    for probe in probes:
        probe.close()
    return addresses


async def _open(
    doors: GrpcDoors,
    settings: Settings,
    addresses: list[str],
    certificate: Certificate | None,
    after: Future[Any],
) -> Any:
    """Return the server once it listens; None when an address is taken after all."""
    await asyncio.shield(asyncio.wrap_future(after))
    module: Any = await asyncio.to_thread(
        importlib.import_module,  # noqa: TID251 - loaded when it is needed
        "pharos.api.grpc.services",
    )
    named = [split_address(address) for address in addresses]
    hosts = [f"[{host}]" if ":" in host else host for host, _ in named]
    told = tuple(f"{host}:{port}" for host, (_, port) in zip(hosts, named, strict=True))
    ingest = settings.ingest
    options = module.GrpcOptions(told, ingest.max_body, ingest.receive_timeout / 1000)
    try:
        server, ports = await module.server_of(doors, options).listen(
            None if certificate is None else lambda: certificate.pem
        )
    except PharosError as exc:
        _LOG.error("%s", exc)
        return None
    for host, port in zip(hosts, ports, strict=True):
        _LOG.info("gRPC is answered on %s:%s", host, port)
    return server
