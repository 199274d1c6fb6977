"""Addresses whose answers are what the documents of Qflow and AutomatosX have, without an envelope around."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec import Struct, field
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.json_text import json_text
from pharos.api.http.routes import Operation, answering
from pharos.api.native.answers import Body, read_body
from pharos.api.native.reading import STRING, Schema, json_content, object_of
from pharos.api.prometheus.answers import while_connected
from pharos.errors import PharosError
from pharos.live.alert_book import ConflictError

_CONFLICT: Final = 409
_FAILURES: Final = {
    400: "What is asked for is not what it must be.",
    401: "Who asks is not known.",
    403: "Who asks may not do this.",
    404: "What is named is not there.",
    422: "It cannot be answered.",
    429: "It reads more than it may.",
    500: "A fault of Pharos.",
    503: "Not now.",
}
_BODY_FAILURES: Final = {
    408: "The body did not come in time.",
    409: "As things stand it cannot be done.",
    413: "The body is too large.",
}
_FAILURE: Final = object_of(status={"const": "error"}, errorType=STRING, error=STRING)


def refused(error: PharosError) -> Response:
    """Return how an error is answered."""
    response = native_error(error)
    if isinstance(error, ConflictError):
        response.status_code = _CONFLICT
    return response


def answered(found: Any, status: int = 200) -> Response:
    """Return an answer as JSON."""
    return Response(
        json_text(found), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )


class Spec(Struct, frozen=True):
    """What an address answers."""

    address: str
    """A method and a path."""
    permission: str
    answer: Schema
    """The schema of what it answers."""
    query: Mapping[str, Schema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    body: type[Body] | None = None
    status: int = 200


Endpoint = Callable[..., Awaitable[Any]]


class Plain(Struct, frozen=True):
    """Makes operations; bodies are counted among `bodies`."""

    bodies: Bodies
    tag: str

    def operation(self, spec: Spec, endpoint: Endpoint) -> Operation:
        """Return one operation: the endpoint takes the request, and its body where it has one."""
        method, _, path = spec.address.partition(" ")
        name = f"{self.tag}_{getattr(endpoint, '__name__', 'answer')}"
        failures = _FAILURES if spec.body is None else {**_FAILURES, **_BODY_FAILURES}

        async def answer(request: Request) -> Response:
            if spec.body is None:
                found = await while_connected(request, _ask(endpoint, request))
            else:
                found = await endpoint(request, await read_body(request, self.bodies, spec.body))
            return found if isinstance(found, Response) else answered(found, spec.status)

        return Operation(
            path,
            method,
            answering(answer, refused, endpoint),
            spec.permission,
            name=name,
            tag=self.tag,
            summary=name.replace("_", " ").capitalize(),
            responses={
                **{
                    status: {"description": text, **json_content(_FAILURE)}
                    for status, text in failures.items()
                },
                spec.status: {"description": "Done.", **json_content(spec.answer)},
            },
            inputs={"parameters": [*_in_path(path), *_in_query(spec)]},
            body=spec.body,
        )


async def _ask(endpoint: Endpoint, request: Request) -> Any:
    return await endpoint(request)


def _in_path(path: str) -> list[dict[str, Any]]:
    parts = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": STRING} for name in parts]


def _in_query(spec: Spec) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": name in spec.required, "schema": schema}
        for name, schema in spec.query.items()
    ]


def schema_of(model: type[BaseModel]) -> Schema:
    """Return the schema of a model as an answer."""
    found: Schema = model.model_json_schema()
    return found
