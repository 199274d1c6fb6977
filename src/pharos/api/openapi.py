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

_CONVERTOR: Final = re.compile(r":[a-z]+}")


def openapi_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document of all operations that have a name."""
    shown = [operation for operation in operations if operation.name]
    models = dict.fromkeys(
        response["model"]
        for operation in shown
        for response in operation.responses.values()
        if "model" in response
    )
    references, definitions = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas = {model: references[model, "serialization"] for model in models}
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


def _described(operation: Operation, schemas: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, response in sorted(operation.responses.items()):
        said = {key: value for key, value in response.items() if key not in {"model", "media"}}
        if "model" in response:
            said["content"] = {
                response.get("media", "application/json"): {"schema": schemas[response["model"]]}
            }
        responses[str(status)] = said
    return {
        "tags": [operation.tag] if operation.tag else [],
        "summary": operation.summary or operation.name.replace("_", " ").capitalize(),
        "description": operation.description or cleandoc(operation.handler.__doc__ or ""),
        "operationId": operation.name,
        **operation.inputs,
        "responses": responses,
    }
