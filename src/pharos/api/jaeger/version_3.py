"""What version 3 of Jaeger's API asks for, in camel case or in snake case, and answers with: OTLP in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from pharos.api.jaeger.adjust import ShownSpan
from pharos.api.jaeger.filters import Search
from pharos.api.jaeger.parameters import (
    DEFAULT_LIMIT,
    MOST_TRACES,
    duration_ns_in,
    fault,
    tags_in,
    truth_in,
    whole_in,
)
from pharos.api.prometheus.parameters import Parameters
from pharos.api.traces.otlp import resource_spans
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import parse_rfc3339_ns
from pharos.ingest.jaeger.spans import WARNINGS
from pharos.query.events.rows import Span, ValueKind
from pharos.search.window import Window

_NAMES: Final = {
    "serviceName": "service_name",
    "operationName": "operation_name",
    "startTimeMin": "start_time_min",
    "startTimeMax": "start_time_max",
    "searchDepth": "search_depth",
    "durationMin": "duration_min",
    "durationMax": "duration_max",
    "rawTraces": "raw_traces",
    "startTime": "start_time",
    "endTime": "end_time",
}

_EXPERIMENTS: Final = (
    "query.filter",
    "query.orderBy",
    "query.pagination.pageSize",
    "query.pagination.pageToken",
)
"""What Jaeger itself answers only where it is told to."""


def _name_of(parameters: Parameters, name: str, prefix: str = "query.") -> str:
    """Return the name by which a field was given."""
    new, old = f"{prefix}{name}", f"{prefix}{_NAMES[name]}"
    return new if parameters.first(new) or not parameters.first(old) else old


def _time_ns(parameters: Parameters, given: str, missing: str) -> int:
    text = parameters.first(given)
    if not text:
        raise fault(given, missing)
    try:
        return max(parse_rfc3339_ns(text), 0)
    except PharosError as exc:
        raise fault(given, exc.message) from exc


def instant_in(parameters: Parameters, name: str) -> int:
    """Return a time that must be given. Raises PharosError(INVALID) that names the parameter."""
    return _time_ns(parameters, _name_of(parameters, name, ""), "it must be given")


def _bound_ns(parameters: Parameters, name: str) -> int:
    missing = "the start times of traces must be bounded on both sides"
    return _time_ns(parameters, _name_of(parameters, name), missing)


def ask_in(parameters: Parameters) -> tuple[Search, bool]:
    """Return (the search that is asked for, whether spans are wanted as they are stored).

    Raises PharosError that names the parameter: INVALID, or UNSUPPORTED.
    """
    for name in _EXPERIMENTS:
        if parameters.first(name):
            # To pass over one would answer with what was not asked for.
            raise PharosError(Kind.UNSUPPORTED, f"the parameter {name} is not answered")
    depth_name = _name_of(parameters, "searchDepth")
    depth = whole_in(parameters, depth_name)
    if depth is None:
        depth_name = "query.num_traces"
        depth = whole_in(parameters, depth_name)
    if depth is not None and depth < 0:
        raise fault(depth_name, "it is below 0")
    start = _bound_ns(parameters, "startTimeMin")
    search = Search(
        parameters.first(_name_of(parameters, "serviceName")),
        parameters.first(_name_of(parameters, "operationName")),
        tuple(tags_in(parameters, single="query.tag", several="query.attributes")),
        Window(start, max(_bound_ns(parameters, "startTimeMax") + 1, start)),
        duration_ns_in(parameters, _name_of(parameters, "durationMin")),
        duration_ns_in(parameters, _name_of(parameters, "durationMax")) or None,
        min(depth or DEFAULT_LIMIT, MOST_TRACES),
    )
    return search, truth_in(parameters, _name_of(parameters, "rawTraces"))


def with_warnings(shown: Iterable[ShownSpan]) -> list[Span]:
    """Return the spans; what was put right stands in an attribute of Jaeger's."""
    return [
        replace(
            one.span, attributes=(*one.span.attributes, (WARNINGS, _texts(one.warnings), ValueKind.ARRAY))
        )
        if one.warnings
        else one.span
        for one in shown
    ]


def resource_answer(shown: Iterable[ShownSpan]) -> dict[str, Any]:
    """Return spans as the API wraps them."""
    return {"result": {"resourceSpans": resource_spans(with_warnings(shown))}}


def _texts(warnings: Sequence[str]) -> str:
    return json.dumps(list(warnings), ensure_ascii=False)
