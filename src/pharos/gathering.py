"""The part of a server that takes log lines otherwise than over HTTP, as the settings name it."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from zoneinfo import ZoneInfo

import re2

from pharos.access import listening
from pharos.certificate import Certificate
from pharos.clock import Clock
from pharos.config import FileSource as FileSettings
from pharos.config import Forward, Settings, Syslog, split_address
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.events.requests import Value
from pharos.ingest.files.formats import FileFormat
from pharos.ingest.files.positions import Positions
from pharos.ingest.files.tail import SOURCE as FILES
from pharos.ingest.files.tail import FileSource, Tail
from pharos.ingest.forward.listener import SOURCE as FORWARD
from pharos.ingest.forward.listener import ForwardListener, ForwardOptions
from pharos.ingest.listen.gather import Gatherer
from pharos.ingest.listen.streams import StreamListener
from pharos.ingest.syslog.listener import SOURCE as SYSLOG
from pharos.ingest.syslog.listener import SyslogListener, SyslogOptions
from pharos.named_file import read_named

_LOG = logging.getLogger(__name__)
_KEY_MAX_BYTES = 4096


@asynccontextmanager
async def open_gathering(
    intake: Intake, clock: Clock, chance: Random, settings: Settings
) -> AsyncIterator[None]:
    """Listen for what the settings name; on exit what was taken is handed over.

    Raises PharosError: UNAVAILABLE where an address cannot be had, INVALID for a bad certificate or key file.
    """
    async with AsyncExitStack() as stack:
        if settings.syslog.tcp or settings.syslog.udp or settings.syslog.tls:
            await _open_syslog(stack, intake, clock, settings.syslog, settings)
        if settings.forward.listen:
            await _open_forward(stack, intake, chance, settings.forward, settings)
        await _follow_files(stack, intake, clock, settings)
        yield


async def _follow_files(stack: AsyncExitStack, intake: Intake, clock: Clock, settings: Settings) -> None:
    by_tenant: dict[str, list[FileSource]] = {}
    for one in settings.files:
        by_tenant.setdefault(one.tenant, []).append(_source(one))
    for tenant, sources in by_tenant.items():
        gatherer = await _gatherer(stack, intake, tenant, FILES)
        positions = Positions(settings.data / f"files-{tenant}.json")
        tail = Tail(sources, gatherer, positions, clock)
        stack.callback(tail.close)
        running = asyncio.create_task(tail.run())
        stack.push_async_callback(_ended, running)


async def _ended(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.wait((running,))


def _source(section: FileSettings) -> FileSource:
    start = re2.compile(section.start) if section.start else None
    form = FileFormat.of(section.parser, start, section.max_line)
    attributes: dict[str, Value] = dict(section.attributes)
    return FileSource(
        section.paths, form, section.exclude, attributes, section.from_start, section.oldest * 1_000_000
    )


async def _gatherer(stack: AsyncExitStack, intake: Intake, tenant: str, source: str) -> Gatherer:
    gatherer = Gatherer(intake, listening(tenant), source)
    running = asyncio.create_task(gatherer.run())

    async def end() -> None:
        gatherer.close()
        await running

    stack.push_async_callback(end)
    return gatherer


def _certificate(settings: Settings, whose: str) -> Certificate:
    found = Certificate.of(settings.tls)
    if found is None:
        raise PharosError(
            Kind.INVALID, f"settings: {whose}: there is no certificate", hint="section tls names cert and key"
        )
    return found


async def _open_syslog(
    stack: AsyncExitStack, intake: Intake, clock: Clock, section: Syslog, settings: Settings
) -> None:
    gatherer = await _gatherer(stack, intake, section.tenant, SYSLOG)
    listener = SyslogListener(gatherer, clock, SyslogOptions(ZoneInfo(section.zone), section.max_line))
    if section.tcp:
        _closed(stack, await listener.listen_tcp(*split_address(section.tcp)))
        _LOG.info("syslog is taken over TCP on %s", section.tcp)
    if section.tls:
        certificate = _certificate(settings, "syslog.tls")
        if settings.tls.client_ca is None and not section.insecure:
            raise PharosError(
                Kind.INVALID,
                "settings: syslog.tls: clients are not asked who they are",
                hint="tls.client_ca names whose certificates they must show; or `insecure: true` in syslog",
            )
        _closed(stack, await listener.listen_tcp(*split_address(section.tls), certificate.context))
        _watched(stack, certificate)
        _LOG.info("syslog is taken over TLS on %s", section.tls)
    if section.udp:
        stack.callback((await listener.listen_udp(*split_address(section.udp))).close)
        _LOG.info("syslog is taken over UDP on %s", section.udp)


async def _open_forward(
    stack: AsyncExitStack, intake: Intake, chance: Random, section: Forward, settings: Settings
) -> None:
    assert section.listen is not None  # noqa: S101 - asked before
    gatherer = await _gatherer(stack, intake, section.tenant, FORWARD)
    listener = ForwardListener(
        gatherer, ForwardOptions(_shared_key(section), socket.gethostname()), chance.randbytes
    )
    certificate = _certificate(settings, "forward.tls") if section.tls else None
    host, port = split_address(section.listen)
    made = await listener.listen_tcp(host, port, certificate.context if certificate else None)
    _closed(stack, made)
    if certificate is not None:
        _watched(stack, certificate)
    stack.callback((await listener.listen_udp(host, made.port)).close)
    _LOG.info("Forward is taken on %s:%s", host, made.port)


def _shared_key(section: Forward) -> str:
    if section.shared_key_file is not None:
        return read_named(section.shared_key_file, _KEY_MAX_BYTES).decode("utf-8", "replace").strip()
    return section.shared_key.get_secret_value() if section.shared_key is not None else ""


def _closed(stack: AsyncExitStack, listener: StreamListener) -> None:
    stack.push_async_callback(listener.close)


def _watched(stack: AsyncExitStack, certificate: Certificate) -> None:
    stack.callback(asyncio.create_task(certificate.watch()).cancel)
