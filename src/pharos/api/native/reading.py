"""What only reads in Pharos' own API: parameters in the address, an answer in one shape, no body."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import native_error
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Handler, Operation, answering
from pharos.api.http.warned import warnings_of
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.errors import Kind, PharosError
from pharos.gotext.times import parse_rfc3339
from pharos.search.window import Window

Endpoint: TypeAlias = Callable[[Parameters, Request], Awaitable[Any]]
Schema: TypeAlias = Mapping[str, Any]
"""A JSON schema."""

STRING: Final[Schema] = {"type": "string"}
TIME: Final[Schema] = {
    "type": ["integer", "number", "string"],
    "description": "Seconds, milliseconds or nanoseconds since 1970, as their digits tell; or RFC 3339.",
}
RANGE: Final[Mapping[str, Schema]] = {"start": TIME, "end": TIME}
_SECONDS: Final = re.compile(r"(\d{1,11})(?:\.(\d{1,9})\d*)?")
_WHOLE: Final = re.compile(r"\d{1,19}")
_MS_DIGITS: Final = 14
"""A whole number with more digits is of nanoseconds; one that is too long for seconds of milliseconds."""
_NS: Final = 10**9
_HOUR_NS: Final = 3_600 * _NS
_MOST_NS: Final = (1 << 63) - 1
FAILURES: Final = {
    400: "What is asked for is not what it must be.",
    404: "What is named is not there.",
    500: "A fault of Pharos.",
    503: "Not now.",
}


def time_ns(parameters: Parameters, name: str, default_ns: int) -> int:
    """Return a time of the address, `default_ns` if it is missing. Raises PharosError(INVALID)."""
    text = parameters.first(name)
    if not text:
        return default_ns
    if seconds := _SECONDS.fullmatch(text):
        number = int(seconds[1]) * _NS + int((seconds[2] or "").ljust(9, "0"))
    elif _WHOLE.fullmatch(text):
        number = int(text) * (1_000_000 if len(text) <= _MS_DIGITS else 1)
    else:
        try:
            number = parse_rfc3339(text).ns
        except PharosError as exc:
            raise PharosError(
                Kind.INVALID,
                f"{name}: {text[:80]!r} is no time",
                hint="seconds, milliseconds, nanoseconds or RFC 3339",
            ) from exc
    return min(max(number, 0), _MOST_NS)


def window_of(parameters: Parameters, now_ns: int) -> Window:
    """Return the range of `start` and `end`, the last hour without them. Raises PharosError(INVALID)."""
    end = time_ns(parameters, "end", now_ns)
    start = time_ns(parameters, "start", max(end - _HOUR_NS, 0))
    if end <= start:
        raise PharosError(Kind.INVALID, "end must be after start")
    return Window(start, end)


def whole_number(parameters: Parameters, name: str, default: int, most: int, least: int = 1) -> int:
    """Return a number; the default where none is given. Raises PharosError(INVALID)."""
    text = parameters.first(name)
    if not text:
        return default
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= most:
        raise PharosError(Kind.INVALID, f"{name} must be a whole number from {least} to {most}")
    return int(text)


def line_place(parameters: Parameters) -> tuple[int, int]:
    """Return (origin, time in nanoseconds) of a line that a search told. Raises PharosError(INVALID)."""
    origin = parameters.first("origin")
    if not origin.isascii() or not origin.isdigit() or int(origin[:21]) >= 1 << 64:
        raise PharosError(Kind.INVALID, "origin is not that of a line that a search answered with")
    if not parameters.first("ts"):
        raise PharosError(Kind.INVALID, "ts is missing: the time of the line")
    return int(origin), time_ns(parameters, "ts", 0)


def object_of(**properties: Schema) -> dict[str, Any]:
    """Return the schema of an object that has these properties, all of them."""
    return {"type": "object", "properties": dict(properties), "required": list(properties)}


def json_content(schema: Schema) -> dict[str, Any]:
    """Return a schema as the content of a request or an answer."""
    return {"content": {"application/json": {"schema": schema}}}


_FAILURE: Final = object_of(status={"const": "error"}, errorType=STRING, error=STRING)


def failed(failures: Mapping[int, str] = FAILURES) -> dict[int, dict[str, Any]]:
    """Return how failures are answered."""
    return {status: {"description": text, **json_content(_FAILURE)} for status, text in failures.items()}


def inputs_of(path: str, query: Mapping[str, Schema], required: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters of an address: those in its path, and of the query those that are named."""
    parts = [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
    found = [{"name": name, "in": "path", "required": True, "schema": STRING} for name in parts]
    found += [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in query.items()
    ]
    return {"parameters": found}


def _handler(endpoint: Endpoint) -> Handler:
    async def ask(request: Request) -> Any:
        return await endpoint(query_parameters(request), request)

    async def answer(request: Request) -> Response:
        found = await while_connected(request, ask(request))
        body: dict[str, Any] = {"status": "success", "data": found}
        if warnings := warnings_of(request):
            body["warnings"] = warnings
        return Response(json_text(body), media_type="application/json")

    return answering(answer, native_error, endpoint)


_WARNINGS: Final = {
    "type": "array",
    "items": STRING,
    "description": "What the answer may lack; not there where it lacks nothing.",
}


class Reading(Struct, frozen=True):
    """Makes operations that read."""

    permission: str
    tag: str
    prefix: str
    """What the names of operations begin with; the endpoint's follows."""
    failures: Mapping[int, str] = field(default_factory=lambda: FAILURES)

    def operation(
        self, path: str, endpoint: Endpoint, answer: Schema, query: Mapping[str, Schema], *required: str
    ) -> Operation:
        """Return one operation; `answer` is the schema of its data, `required` names what must be given."""
        name = f"{self.prefix}_{getattr(endpoint, '__name__', 'answer')}"
        success = object_of(status={"const": "success"}, data=answer)
        success["properties"]["warnings"] = _WARNINGS
        return Operation(
            path,
            "GET",
            _handler(endpoint),
            self.permission,
            name=name,
            tag=self.tag,
            summary=name.replace("_", " ").capitalize(),
            responses={**failed(self.failures), 200: {"description": "Done.", **json_content(success)}},
            inputs=inputs_of(path, query, required),
        )
