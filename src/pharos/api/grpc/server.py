"""Listening for gRPC: the same identities, tenants and limits as over HTTP, and gRPC's statuses.

What is answered follows the OpenTelemetry Protocol specification (OTLP/gRPC Response): a failure after which
the sender should try again is UNAVAILABLE, or RESOURCE_EXHAUSTED, with a RetryInfo that says when.

This module loads gRPC's library, some tenths of a second: it is imported once a server answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing
from functools import partial
from typing import Any, Final, TypeAlias

import grpc
from grpc import aio
from msgspec import Struct

from pharos.access import Grant, Scope, denied
from pharos.api.grpc.methods import Method, StreamedMethod
from pharos.api.http.bodies import Bodies, Held
from pharos.api.http.headers import KEY_HEADER
from pharos.api.http.identity import Identify, choose, read_tenant
from pharos.api.receivers.otlp_http import CODES, Sent
from pharos.errors import Kind, PharosError
from pharos.protobuf import message_classes
from pharos.telemetry import BODIES_FAILED, IDENTITY_REFUSED, INGEST_REQUESTS, STREAMS_DROPPED

_HEADERS: Final = frozenset({"authorization", "x-scope-orgid", KEY_HEADER.lower()})
_GZIP: Final = b"\x1f\x8b"
_ZLIB: Final = 0x78
_RETRY_S: Final = 1.0
_RETRIED: Final = frozenset({Kind.UNAVAILABLE, Kind.LIMITED})
_STREAMS: Final = 100
"""Requests at once on one connection."""
_BY_NUMBER: Final = {code.value[0]: code for code in grpc.StatusCode}
_CODES: Final = {
    **{kind: _BY_NUMBER[number] for kind, number in CODES.items()},
    Kind.MISSING: grpc.StatusCode.NOT_FOUND,
}
_RPC: Final = message_classes(
    "pharos.rpc.retry",
    {
        "Duration": {"seconds": (1, "int64"), "nanos": (2, "int32")},
        "RetryInfo": {"retry_delay": (1, "Duration")},
        "Any": {"type_url": (1, "string"), "value": (2, "bytes")},
        "Status": {"code": (1, "int32"), "message": (2, "string"), "details": (3, "*Any")},
    },
)
_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"
_DETAILS: Final = "grpc-status-details-bin"

Pem: TypeAlias = tuple[bytes, bytes, bytes | None]
"""A certificate, its key, and who must have signed those of clients."""
Context: TypeAlias = "aio.ServicerContext[bytes, bytes]"


class GrpcOptions(Struct, frozen=True):
    """Where it is listened, and for how much."""

    addresses: tuple[str, ...]
    """Hosts and ports; port 0 takes a free one."""
    max_body_bytes: int
    wait_s: float
    """The longest until a request is there in whole, and until a message of an answer is taken."""


class GrpcServer:
    """Answers the methods."""

    def __init__(
        self,
        bodies: Bodies,
        identify: Identify,
        methods: Iterable[Method | StreamedMethod],
        options: GrpcOptions,
    ) -> None:
        self._bodies = bodies
        self._identify = identify
        self._options = options
        self._services: dict[str, dict[str, grpc.RpcMethodHandler[bytes, bytes]]] = {}
        for method in methods:
            self._services.setdefault(method.service, {})[method.name] = self._handler(method)

    async def listen(self, pem: Callable[[], Pem] | None = None) -> tuple[aio.Server, list[int]]:
        """Return the server that listens from now on, and its ports; with `pem` TLS is spoken.

        Each connection is made with what `pem` returns then. Raises PharosError(UNAVAILABLE) when an address
        cannot be had.
        """
        server = aio.server(
            handlers=[
                grpc.method_handlers_generic_handler(service, handlers)
                for service, handlers in self._services.items()
            ],
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", self._options.max_body_bytes),
                ("grpc.max_concurrent_streams", _STREAMS),
                # The library would unpack whatever comes, without a limit.
                ("grpc.per_message_decompression", 0),
            ],
        )
        credentials = None if pem is None else _credentials(pem)
        ports = [_add_port(server, address, credentials) for address in self._options.addresses]
        await server.start()
        return server, ports

    def _handler(self, method: Method | StreamedMethod) -> grpc.RpcMethodHandler[bytes, bytes]:
        # As a stream, since who asks is known then before the one message of a request is read.
        if isinstance(method, StreamedMethod):
            return grpc.stream_stream_rpc_method_handler(partial(self._stream, method))
        return grpc.stream_unary_rpc_method_handler(partial(self._answer, method))

    async def _answer(self, method: Method, messages: AsyncIterator[bytes], context: Context) -> bytes:
        try:
            scope = await self._scope(context.invocation_metadata() or (), method.permission)
            if method.counted_as:
                await self._bodies.begin(scope)
            async with self._bodies.held() as held:
                answer = await method.answer(scope, await self._sent(messages, held), held)
        except PharosError as exc:
            _count(method, _CODES[exc.kind])
            await _fail(context, exc)
        _count(method, grpc.StatusCode.OK)
        return answer

    async def _stream(self, method: StreamedMethod, messages: AsyncIterator[bytes], context: Context) -> None:
        try:
            scope = await self._scope(context.invocation_metadata() or (), method.permission)
            async with self._bodies.held() as held:
                asked = await self._sent(messages, held)
                async with aclosing(method.answer(scope, asked)) as parts:
                    async for part in parts:
                        await self._write(context, part)
        except PharosError as exc:
            await _fail(context, exc)

    async def _write(self, context: Context, part: bytes) -> None:
        try:
            async with asyncio.timeout(self._options.wait_s):
                await context.write(part)
        except TimeoutError as exc:
            STREAMS_DROPPED.inc()
            raise PharosError(
                Kind.STALLED, f"a message of the answer was not taken within {self._options.wait_s:.0f}s"
            ) from exc

    async def _sent(self, messages: AsyncIterator[bytes], held: Held) -> Sent:
        """Return the one message of a request, counted in `held`."""
        held.hold(0)
        try:
            async with asyncio.timeout(self._options.wait_s):
                body = await anext(messages, None)
        except TimeoutError as exc:
            BODIES_FAILED.labels(Kind.STALLED).inc()
            raise PharosError(
                Kind.STALLED, f"the message was not there within {self._options.wait_s:.0f}s"
            ) from exc
        if body is None:
            raise PharosError(Kind.INVALID, "the request has no message")
        held.hold(len(body))
        return Sent(body, packing=packing_of(body))

    async def _scope(self, metadata: Any, permission: str) -> Scope:
        """Return in which tenants it may be done. Raises PharosError: UNAUTHENTICATED, DENIED, INVALID."""
        headers = [
            (name.encode(), value.encode("latin-1", "replace"))
            for name, value in metadata
            if name in _HEADERS
        ]
        tenant = read_tenant(headers)
        try:
            found = self._identify({"type": "http", "method": "POST", "headers": headers})
            if not isinstance(found, Grant):
                found = await found
            scope = choose(found, tenant)
            if permission not in scope.permissions:
                raise denied(scope.who, scope.tenant, permission)
        except PharosError as exc:
            IDENTITY_REFUSED.labels(exc.kind.value).inc()
            raise
        return scope


def _add_port(server: aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> int:
    try:
        port: int = (
            server.add_insecure_port(address)
            if credentials is None
            else server.add_secure_port(address, credentials)
        )
    except RuntimeError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"cannot listen on {address} for gRPC") from exc
    return port


def _credentials(pem: Callable[[], Pem]) -> grpc.ServerCredentials:
    def configuration() -> grpc.ServerCertificateConfiguration:
        cert, key, client_ca = pem()
        return grpc.ssl_server_certificate_configuration([(key, cert)], client_ca)

    return grpc.dynamic_ssl_server_credentials(
        configuration(), configuration, require_client_authentication=pem()[2] is not None
    )


def packing_of(body: bytes) -> str:
    """Return how a message is packed.

    Requests begin with one of their first fields, whose byte is that of no packing's head.
    """
    if body.startswith(_GZIP):
        return "gzip"
    return "deflate" if body[:1] == bytes((_ZLIB,)) else ""


def _count(method: Method, code: grpc.StatusCode) -> None:
    if method.counted_as:
        INGEST_REQUESTS.labels(method.counted_as, code.name).inc()


async def _fail(context: Context, error: PharosError) -> None:
    code = _CODES[error.kind]
    details = ((_DETAILS, _status(code.value[0], error)),) if error.kind in _RETRIED else ()
    await context.abort(code, str(error), details)


def _status(code: int, error: PharosError) -> bytes:
    """Return google.rpc.Status with the time after which the sender may try again."""
    seconds = _RETRY_S if error.retry_after_s is None else error.retry_after_s
    delay = _RPC["Duration"](seconds=int(seconds), nanos=round(seconds % 1 * 1_000_000_000))
    info = _RPC["Any"](type_url=_RETRY_INFO, value=_RPC["RetryInfo"](retry_delay=delay).SerializeToString())
    made: bytes = _RPC["Status"](code=code, message=str(error), details=[info]).SerializeToString()
    return made
