"""Many queries in one request, as a page asks them: a line of JSON each, in the order in which they are done.

Each is read, admitted and limited as if it had come alone, and its line holds the very body that it would
have been answered with. At most `_AT_ONCE` are under way at a time: no more is answered while the client does
not read, and no more of a tenant's turns are taken.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct
from pydantic import BaseModel, ConfigDict
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pharos.access import Scope
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import prometheus_error
from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.packing import wants_gzip
from pharos.api.http.routes import Operation
from pharos.api.prometheus.parameters import Parameters
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.routes import PARAMETERS
from pharos.api.prometheus.shapes import Failure, QueryResult, Success
from pharos.errors import Kind, PharosError

MOST_QUERIES: Final = 100
_BODY_MAX_BYTES: Final = 1 << 20
_AT_ONCE: Final = 4
_PACK_LEVEL: Final = 1
_PACK_ON_A_THREAD_FROM_BYTES: Final = 256 << 10
"""Packing so much would hold up the event loop by more than two milliseconds."""

_NAMES: Final = (
    "query",
    "time",
    "start",
    "end",
    "step",
    "timeout",
    "limit",
    "lookback_delta",
    "stats",
    "nocache",
)
_LINES: Final = "application/x-ndjson"


class QuerySuccess(Success[QueryResult]):
    """A query that was answered."""


class BatchLine(BaseModel):
    """The answer to one of a batch's queries."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    index: int
    """Which one, from 0."""
    answer: QuerySuccess | Failure


class QueryBatchApi(Struct, frozen=True):
    """Answers batches of queries."""

    queries: PrometheusApi
    bodies: Bodies

    def operation(self) -> Operation:
        """Return the one operation."""
        failures = {
            400: "The body is no batch.",
            403: "It is asked by a page of another origin.",
            408: "The body did not come in time.",
            413: "The body is too large.",
            500: "A fault of Pharos.",
            503: "Not now.",
        }
        return Operation(
            "/api/query_batch",
            "POST",
            self.answer,
            "metrics.view",
            name="query_batch",
            tag="native",
            responses={
                200: {"model": BatchLine, "media": _LINES, "description": "A line for each query."},
                **{status: {"model": Failure, "description": text} for status, text in failures.items()},
            },
            inputs={"requestBody": {"content": {"application/json": {"schema": _ASKED}}, "required": True}},
        )

    async def answer(self, request: Request) -> Response:
        """Evaluate many expressions, each at its own time or over its own range."""
        try:
            async with self.bodies.incoming(request, _BODY_MAX_BYTES) as incoming:
                asked = await off_loop(len(incoming.body), partial(parse_batch, incoming.body))
        except PharosError as exc:
            return prometheus_error(exc)
        lines = self.lines(scope_of(request), asked)
        headers = {"Vary": "Accept-Encoding"}
        if wants_gzip(request):
            return StreamingResponse(
                _packed(lines), media_type=_LINES, headers={**headers, "Content-Encoding": "gzip"}
            )
        return StreamingResponse(lines, media_type=_LINES, headers=headers)

    async def lines(self, scope: Scope, asked: Sequence[Parameters]) -> AsyncIterator[bytes]:
        """Yield the lines; what is under way ends with the reader."""
        turns = asyncio.Semaphore(_AT_ONCE)

        async def line(index: int, parameters: Parameters) -> bytes:
            await turns.acquire()
            body = await self.queries.answer_body(scope, parameters)
            return b'{"index":%d,"answer":%b}\n' % (index, body)

        tasks = [asyncio.create_task(line(index, one)) for index, one in enumerate(asked)]
        try:
            for done in asyncio.as_completed(tasks):
                yield await done
                # Only now: what was answered and not read yet counts as under way.
                turns.release()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


_ASKED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "queries": {
            "type": "array",
            "maxItems": MOST_QUERIES,
            "items": {
                "type": "object",
                "description": "With a step over a range, otherwise at one time.",
                "properties": {name: PARAMETERS[name] for name in _NAMES},
                "required": ["query"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["queries"],
    "additionalProperties": False,
}


def parse_batch(body: bytes) -> list[Parameters]:
    """Return the parameters of each query of a batch.

    Raises PharosError(INVALID) that names the query at fault.
    """
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError) as exc:
        raise _invalid(f"the body is no JSON: {exc}") from exc
    if not isinstance(asked, dict) or set(asked) != {"queries"} or not isinstance(asked["queries"], list):
        raise _invalid('the body must be {"queries": [...]}')
    if len(asked["queries"]) > MOST_QUERIES:
        raise _invalid(f"{len(asked['queries'])} queries, {MOST_QUERIES} are the most of a batch")
    return [_parameters(index, one) for index, one in enumerate(asked["queries"])]


def _parameters(index: int, one: object) -> Parameters:
    if not isinstance(one, dict):
        raise _invalid(f"queries[{index}] is no object")
    unknown = sorted(set(one) - set(_NAMES))
    if unknown:
        raise _invalid(f"queries[{index}] has an unknown parameter {json.dumps(unknown[0])}")
    if "query" not in one:
        raise _invalid(f"queries[{index}] has no query")
    return Parameters(tuple((name, _text(index, name, value)) for name, value in one.items()))


def _text(index: int, name: str, value: object) -> str:
    """Return a value as a query string would have it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise _invalid(f"queries[{index}].{name} is neither text nor a number")


def _invalid(message: str) -> PharosError:
    return PharosError(Kind.INVALID, f"invalid batch: {message}")


async def _packed(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines as gzip; each can be read as soon as it has come."""
    packer = zlib.compressobj(_PACK_LEVEL, zlib.DEFLATED, 31)

    def pack(line: bytes) -> bytes:
        return packer.compress(line) + packer.flush(zlib.Z_SYNC_FLUSH)

    async for line in lines:
        yield await asyncio.to_thread(pack, line) if len(line) >= _PACK_ON_A_THREAD_FROM_BYTES else pack(line)
    yield packer.flush()
