"""Asks gRPC servers for their health, as grpc.health.v1 has it.

It loads gRPC's library, some tenths of a second: nobody waits for that but the first such check.
"""

from __future__ import annotations

import asyncio
from typing import Final

import grpc
from grpc import aio

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import GrpcCheck
from pharos.health.looking import Found, Means
from pharos.protobuf import varint

_METHOD: Final = "/grpc.health.v1.Health/Check"
_SERVING: Final = 1
_STATUSES: Final = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}


async def look(check: GrpcCheck, means: Means, scope: Scope) -> Found:
    """Ask once. Raises PharosError where nobody answers."""
    del scope
    shown, name = f"{check.host}:{check.port}", check.service.encode()
    body = b"\x0a" + varint(len(name)) + name if name else b""
    try:
        async with asyncio.timeout(check.timeout_ms / 1000):
            found = await means.outbound.addresses(check.host, check.port)
            if not found:
                raise PharosError(Kind.UNAVAILABLE, f"{check.host} has no address")
            async with _channel(check, str(found[0].address[0])) as channel:
                answer: bytes = await channel.unary_unary(_METHOD)(body)
    except TimeoutError:
        message = f"{shown} gave no answer within {check.timeout_ms / 1000:g}s"
        raise PharosError(Kind.TIMEOUT, message) from None
    except OSError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot reach {shown}: {exc.strerror or exc}") from exc
    except aio.AioRpcError as exc:
        raise PharosError(
            Kind.UNAVAILABLE, f"{shown} answers {exc.code().name}: {(exc.details() or '')[:200]}"
        ) from exc
    status = answer[1] if len(answer) > 1 and answer[:1] == b"\x08" else 0
    what = check.service or "the server"
    return Found(() if status == _SERVING else [f"{what} is {_STATUSES.get(status, status)}"])


def _channel(check: GrpcCheck, address: str) -> aio.Channel:
    """Return a channel to an address that was looked at, whatever the name stands for a moment later."""
    target = f"ipv6:[{address}]:{check.port}" if ":" in address else f"ipv4:{address}:{check.port}"
    options: list[tuple[str, int | str]] = [
        ("grpc.enable_retries", 0),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.enable_http_proxy", 0),
    ]
    if not check.tls:
        options.append(("grpc.default_authority", check.host))
        return aio.insecure_channel(target, options)
    options.append(("grpc.ssl_target_name_override", check.host))
    return aio.secure_channel(target, grpc.ssl_channel_credentials(), options)
