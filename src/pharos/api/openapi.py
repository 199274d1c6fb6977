"""The OpenAPI document, of what each operation says of itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from inspect import cleandoc
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from pharos import __version__
from pharos.api.http.routes import Operation
from pharos.api.prometheus.shapes import Success

_JSON: Final = "application/json"
_CONVERTOR: Final = re.compile(r":[a-z]+}")


def openapi_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document of all operations that have a name."""
    shown = [operation for operation in operations if operation.name]
    models = [_model(response) for operation in shown for response in operation.responses.values()]
    distinct = dict.fromkeys(model for model in models if model is not None)
    references, definitions = models_json_schema(
        [(model, "serialization") for model in distinct], ref_template="#/components/schemas/{model}"
    )
    schemas = {model: references[model, "serialization"] for model in distinct}
    paths: dict[str, dict[str, Any]] = {}
    for operation in shown:
        path = _CONVERTOR.sub("}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pharos", "summary": "All-in-one observability server.", "version": __version__},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {})},
    }


def _model(response: Mapping[str, Any]) -> type[BaseModel] | None:
    """Return what the content of a response is; None where it has no model."""
    # The type of the data is a value here, of which a checker of types cannot know.
    success: Any = Success
    return success[response["data"]] if "data" in response else response.get("model")


def _described(operation: Operation, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, response in sorted(operation.responses.items()):
        said = {key: value for key, value in response.items() if key not in {"model", "data", "media"}}
        model = _model(response)
        if model is not None:
            said["content"] = {response.get("media", _JSON): {"schema": schemas[model]}}
        responses[str(status)] = said
    return {
        "tags": [operation.tag] if operation.tag else [],
        "summary": operation.summary or operation.name.replace("_", " ").capitalize(),
        "description": operation.description or cleandoc(operation.handler.__doc__ or ""),
        "operationId": operation.name,
        **operation.inputs,
        **({} if operation.body is None else {"requestBody": _request_body(operation.body)}),
        "responses": responses,
    }


def _request_body(model: type[BaseModel]) -> dict[str, Any]:
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    return {"content": {_JSON: {"schema": _inlined(schema, parts)}}, "required": True}


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """Return a schema with its parts where they are referred to."""
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(one, parts) for name, one in schema.items()}
