"""Methods of gRPC as values: their names, what they need, and what answers them.

Messages are bytes here: who answers reads its request and writes its answer in protobuf.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, TypeAlias

from google.protobuf.message import DecodeError
from msgspec import Struct

from pharos.access import Scope
from pharos.api.http.bodies import Held
from pharos.api.receivers.otlp_http import Sent
from pharos.errors import Kind, PharosError
from pharos.ingest.unpacking import unpack

_QUESTION_BYTES: Final = 1 << 20

Answer: TypeAlias = Callable[[Scope, Sent, Held], Awaitable[bytes]]
"""Takes a request, and returns the answer; of what is sent only once everything is durable."""
Stream: TypeAlias = Callable[[Scope, Sent], AsyncGenerator[bytes]]
"""Takes a request, and yields the messages of the answer."""


class Method(Struct, frozen=True):
    """A method of a service that is answered with one message."""

    service: str
    """With its package, such as `jaeger.api_v2.CollectorService`."""
    name: str
    permission: str
    answer: Answer
    counted_as: str = ""
    """The protocol by which requests that write are counted; empty for those that read."""


class StreamedMethod(Struct, frozen=True):
    """A method of a service that is answered with any number of messages."""

    service: str
    name: str
    permission: str
    answer: Stream


async def read_question(message: Any, sent: Sent) -> Any:
    """Return what is asked, as a message of the class. Raises PharosError: INVALID, or TOO_LARGE."""
    body = sent.body
    if sent.packing:
        body = await asyncio.to_thread(unpack, body, sent.packing)
    if len(body) > _QUESTION_BYTES:
        raise PharosError(
            Kind.TOO_LARGE,
            f"the request has {len(body)} bytes, {_QUESTION_BYTES} are the most",
            hint="ask for less at once",
        )
    try:
        return message.FromString(body)
    except DecodeError as exc:
        name = message.DESCRIPTOR.full_name
        raise PharosError(Kind.INVALID, f"the message is no {name} in protobuf") from exc
