"""How each kind of check looks: a module each, loaded when the first check of its kind is made."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Final, TypeAlias

from pharos.access import Scope
from pharos.health.check import AnyCheck
from pharos.health.looking import Found, Means

Probe: TypeAlias = Callable[[Any, Means, Scope], Awaitable[Found]]
"""Looks once. Raises PharosError where there is nothing to look at: no address, no connection, no answer."""

_MODULES: Final = {
    "http": "http",
    "tcp": "tcp",
    "tls": "tls",
    "dns": "dns",
    "icmp": "icmp",
    "grpc": "grpc_health",
    "websocket": "websocket",
    "promql": "condition",
    "logql": "condition",
    "process": "host",
    "disk": "host",
}


@lru_cache
def _load(module: str) -> Probe:
    found: Probe = importlib.import_module(f"{__name__}.{module}").look  # noqa: TID251 - loaded when needed
    return found


async def probe_of(check: AnyCheck) -> Probe:
    """Return what looks for a kind of check. KeyError for heartbeats, which come by themselves."""
    return await asyncio.to_thread(_load, _MODULES[check.type])
