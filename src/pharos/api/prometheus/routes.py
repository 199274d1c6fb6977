"""Routes with what the OpenAPI document says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from pharos.api.http import forms
from pharos.api.http.bodies import Bodies
from pharos.api.http.routes import Operation
from pharos.api.prometheus.answers import Endpoint, guarded
from pharos.api.prometheus.shapes import Failure

_TIME: Final = {"type": ["number", "string"], "description": "Unix time in seconds, or RFC 3339."}
_DURATION: Final = {"type": ["number", "string"], "description": "Seconds, or a duration such as 1h30m."}
_LENGTH: Final = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 9_223_372_036},  # nanoseconds in 64 bits
        {"type": "string", "minLength": 1, "pattern": "^[^-]*[1-9]"},
    ],
    "description": "Seconds, or a duration such as 1h30m.",
}
_TEXTS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}}
_INT64_MAX: Final = (1 << 63) - 1
_COUNT: Final = {"type": "integer", "minimum": -_INT64_MAX - 1, "maximum": _INT64_MAX}

PARAMETERS: Final[dict[str, dict[str, Any]]] = {
    "query": {
        "type": "string",
        "minLength": 1,
        "format": "promql",
        "description": "A PromQL expression.",
        "examples": ["up"],
    },
    "time": _TIME,
    "start": _TIME,
    "end": _TIME,
    "step": _LENGTH,
    "timeout": _LENGTH,
    "lookback_delta": _DURATION,
    "limit": {**_COUNT, "minimum": 0, "description": "The most that is returned; 0 for all."},
    "limit_per_metric": {**_COUNT, "description": "The most entries of one metric."},
    "stats": {"type": "string", "description": "Anything: timings and samples too; `all`: also by step."},
    "nocache": {"type": "boolean", "description": "Evaluate all of it; no kept answer serves."},
    "match[]": {**_TEXTS, "description": "Series selectors; any of them may match."},
    "metric": {"type": "string", "description": "Only this metric."},
    "match_target": {"type": "string", "description": "Only targets whose labels this selector matches."},
    "state": {"type": "string", "description": "active, dropped or any."},
    "scrapePool": {"type": "string", "description": "Only targets of this job."},
    "labels": {"type": "string", "description": "The discovered labels of a target, a JSON object."},
    "type": {"type": "string", "enum": ["alert", "record"]},
    "rule_name[]": {**_TEXTS, "description": "Only rules with one of these names."},
    "rule_group[]": {**_TEXTS, "description": "Only groups with one of these names."},
    "file[]": {**_TEXTS, "description": "Only groups of these files."},
    "exclude_alerts": {"type": "boolean", "description": "Leave out the alerts of the rules."},
    "group_limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": (1 << 31) - 1,
        "description": "The most groups that are returned.",
    },
    "group_next_token": {
        "type": "string",
        "description": "The `groupNextToken` of the page before.",
    },
    "skip_head": {"type": "boolean", "description": "Understood and without effect: there is no head."},
}
"""The schema of every parameter by its name."""

ANY_COUNT: Final = {"limit": {**_COUNT, "description": "The most that is returned; below 0 all."}}
"""The limit of the metadata endpoints."""


class Route(Struct, frozen=True):
    """One address: `data` is the type of what a success carries; None answers without a body."""

    path: str
    permission: str
    endpoint: Endpoint
    data: Any
    parameters: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("GET",)
    tag: str = "prometheus"
    schemas: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    """Schemas of parameters that mean something else here than elsewhere."""


def operations(prefix: str, routes: Iterable[Route], bodies: Bodies) -> Iterator[Operation]:
    """Yield each method of every route as an operation; forms are counted among `bodies`."""
    for route in routes:
        handler = guarded(route.endpoint, bodies)
        name = route.endpoint.__name__
        for method in route.methods:
            yield Operation(
                f"{prefix}{route.path}",
                method,
                handler,
                route.permission,
                name=name if method == route.methods[0] else f"{name}_{method.lower()}",
                tag=route.tag,
                summary=name.replace("_", " ").capitalize(),
                responses=_responses(route.data, has_form=method in forms.METHODS),
                inputs=_inputs(route, method),
            )


def _responses(data: Any, *, has_form: bool) -> dict[int, dict[str, Any]]:
    failures = {
        400: "A parameter is wrong.",
        403: "It is switched off, or asked by a page of another origin.",
        422: "The query cannot be carried out.",
        500: "A fault of Pharos.",
        503: "It took too long, or the store cannot answer now.",
    }
    if has_form:
        failures |= {408: "The form did not come in time.", 413: "The form is too large."}
    found: dict[int, dict[str, Any]] = {
        status: {"model": Failure, "description": text} for status, text in failures.items()
    }
    if data is None:
        return {**found, 204: {"description": "Done."}}
    return {**found, 200: {"data": data, "description": "The answer."}}


def _inputs(route: Route, method: str) -> dict[str, Any]:
    schemas = {name: route.schemas.get(name, PARAMETERS[name]) for name in route.parameters}
    for name in route.required:
        least = {"string": "minLength", "array": "minItems"}.get(str(schemas[name].get("type")))
        if least is not None:
            schemas[name] = {least: 1, **schemas[name]}
    in_path = [
        {"name": part[1:-1].partition(":")[0], "in": "path", "required": True, "schema": {"type": "string"}}
        for part in route.path.split("/")
        if part.startswith("{")
    ]
    if method in forms.METHODS:
        schema = {
            "type": "object",
            "properties": schemas,
            "required": list(route.required),
        }
        content = {media: {"schema": schema} for media in (forms.URL_ENCODED, forms.MULTIPART)}
        return {"parameters": in_path, "requestBody": {"content": content, "required": bool(route.required)}}
    in_query = [
        {"name": name, "in": "query", "required": name in route.required, "schema": schemas[name]}
        for name in route.parameters
    ]
    return {"parameters": [*in_path, *in_query]}
