"""What the addresses of Pharos' own API share: strict JSON bodies, and answers in one shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import orjson
from msgspec import Struct
from msgspec.structs import asdict
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import native_error
from pharos.api.http.routes import Handler, Operation, answering
from pharos.api.prometheus.shapes import Failure
from pharos.errors import Kind, PharosError

M = TypeVar("M", bound="Body")

_BODY_MAX_BYTES: Final = 64 << 10
_JSON: Final = "application/json"
_FAILURES: Final = {
    400: "What was sent is not what it must be.",
    401: "Who asks is not known.",
    403: "Who asks may not do this.",
    404: "What is named is not there.",
    429: "Too many attempts.",
    500: "A fault of Pharos.",
    503: "Not now.",
}
_CHANGE_FAILURES: Final = {409: "As things stand it cannot be done: a name is taken, or a version newer."}
_BODY_FAILURES: Final = {408: "The body did not come in time.", 413: "The body is too large."}


class Body(BaseModel):
    """What a request may say; a field that is not named here is refused, not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Shape(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Answer(Struct, frozen=True):
    """What an endpoint answers with beside its data."""

    data: Any
    headers: tuple[tuple[str, str], ...] = ()


Endpoint = Callable[[Request], Awaitable[Any]]


async def read_body(request: Request, bodies: Bodies, model: type[M], most_bytes: int = _BODY_MAX_BYTES) -> M:
    """Return a request's JSON body, where nothing says as much as `{}`.

    Raises PharosError(INVALID) that names the field at fault.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _JSON:
        # A form, which a page of another origin could send without being asked, is none.
        raise PharosError(Kind.INVALID, f"the body must be {_JSON}", hint="set the header Content-Type")
    async with bodies.incoming(request, most_bytes) as incoming:
        try:
            return model.model_validate_json(incoming.body or b"{}")
        except ValidationError as exc:
            raise PharosError(Kind.INVALID, _fault(model, exc)) from exc


def _fault(model: type[Body], error: ValidationError) -> str:
    """Return the first fault, without what was sent: it may be a password."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"there is no field {name[:80]}; there are {', '.join(model.model_fields)}"
    if first["type"] == "missing":
        return f"the field {name} is missing"
    return f"{name or 'the body'}: {first['msg']}"


def _sent(found: Any) -> Response:
    answer = found if isinstance(found, Answer) else Answer(found)
    data = answer.data.model_dump(mode="json") if isinstance(answer.data, BaseModel) else answer.data
    headers = {"Cache-Control": "no-store"}
    text = orjson.dumps({"status": "success", "data": data}, default=asdict)
    response = Response(text, headers=headers, media_type=_JSON)
    for name, value in answer.headers:
        response.headers.append(name, value)
    return response


def _handler(bodies: Bodies, endpoint: Any, model: type[Body] | None, most_bytes: int) -> Handler:
    async def answer(request: Request) -> Response:
        if model is None:
            return _sent(await endpoint(request))
        return _sent(await endpoint(request, await read_body(request, bodies, model, most_bytes)))

    return answering(answer, native_error, endpoint)


class Native(Struct, frozen=True):
    """Makes operations of Pharos' own API; bodies are counted among `bodies`."""

    bodies: Bodies
    tag: str

    def operation(
        self,
        address: str,
        permission: str | None,
        endpoint: Any,
        answer: Any,
        body: type[Body] | None = None,
        most_bytes: int = _BODY_MAX_BYTES,
    ) -> Operation:
        """Return one operation: `address` is a method and a path, `answer` the type of an answer's data."""
        method, _, path = address.partition(" ")
        failures = {
            **_FAILURES,
            **({} if method == "GET" else _CHANGE_FAILURES),
            **({} if body is None else _BODY_FAILURES),
        }
        return Operation(
            path,
            method,
            _handler(self.bodies, endpoint, body, most_bytes),
            permission,
            name=endpoint.__name__,
            tag=self.tag,
            summary=endpoint.__name__.replace("_", " ").capitalize(),
            responses={
                200: {"data": answer, "description": "Done."},
                **{status: {"model": Failure, "description": text} for status, text in failures.items()},
            },
            inputs={"parameters": _path_parameters(path)},
            body=body,
        )


def _path_parameters(path: str) -> list[Mapping[str, Any]]:
    parts = [part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{")]
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parts]
