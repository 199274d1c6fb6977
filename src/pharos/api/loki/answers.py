"""The shapes of Loki's answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from pharos.api.http.json_text import json_text
from pharos.api.prometheus.parameters import Parameters
from pharos.gotext.numbers import format_f
from pharos.labels import Labels
from pharos.search.logql.grid import Column, Grid, Steps
from pharos.search.logql.line import ERROR, ERROR_DETAILS, Line

Endpoint = Callable[[Parameters, Request], Awaitable[Response]]
CATEGORIZE: Final = "categorize-labels"
_FLAGS_HEADER: Final = "x-loki-response-encoding-flags"
_NS: Final = 1e9


def success(data: Any, warnings: Sequence[str] = ()) -> Response:
    """Return a successful answer."""
    return bare(_envelope(data, warnings))


def _envelope(data: Any, warnings: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = list(warnings)
    return body


def bare(body: Any) -> Response:
    """Return an answer without an envelope."""
    return Response(json_text(body), media_type="application/json")


def categorizes(request: HTTPConnection) -> bool:
    """Return whether labels are to be told apart by where they come from."""
    return CATEGORIZE in request.headers.get(_FLAGS_HEADER, "").replace(" ", "").split(",")


def streams_of(lines: Iterable[Line], *, categorized: bool) -> list[dict[str, Any]]:
    """Return lines by their labels, each with its time in nanoseconds.

    With `categorized` a stream has its own labels alone, and a line tells what else it has.
    """
    by_labels: dict[Labels, list[list[Any]]] = {}
    for line in lines:
        labels = line.stream if categorized else line.labels()
        value: list[Any] = [str(line.ts_ns), line.text]
        if categorized:
            value.append(_categories(line))
        by_labels.setdefault(tuple(sorted(labels.items())), []).append(value)
    return [
        {"stream": dict(labels), "values": values}
        for labels, values in sorted(by_labels.items(), key=lambda pair: pair[0])
    ]


def _categories(line: Line) -> dict[str, dict[str, str]]:
    parsed = dict(line.parsed)
    if line.error:
        parsed[ERROR] = line.error
    if line.details:
        parsed[ERROR_DETAILS] = line.details
    metadata = {name: value for name, value in line.metadata.items() if name not in parsed}
    found = {"structuredMetadata": metadata, "parsed": parsed}
    return {name: labels for name, labels in found.items() if labels}


def streams_body(
    lines: Sequence[Line], took_s: float, *, categorized: bool, warnings: Sequence[str] = ()
) -> bytes:
    """Return the body of an answer of lines."""
    data: dict[str, Any] = {
        "resultType": "streams",
        "result": streams_of(lines, categorized=categorized),
        "stats": _stats(len(lines), took_s),
    }
    if categorized:
        data["encodingFlags"] = [CATEGORIZE]
    return json_text(_envelope(data, warnings))


def metric_body(found: Grid | float, steps: Steps, took_s: float, warnings: Sequence[str] = ()) -> bytes:
    """Return the body of an answer of numbers: a matrix, or a vector or scalar for one moment."""
    result: Any
    if steps.step_ns > 0:
        grid = Grid({(): _constant(found, steps)}) if isinstance(found, float) else found
        kind, result = "matrix", _matrix(grid, steps)
    elif isinstance(found, float):
        kind, result = "scalar", [steps.start_ns / _NS, format_f(found)]
    else:
        kind, result = "vector", _vector(found, steps)
    data = {"resultType": kind, "result": result, "stats": _stats(len(result), took_s)}
    return json_text(_envelope(data, warnings))


def _constant(value: float, steps: Steps) -> Column:
    return Column(np.full(steps.count, value), np.ones(steps.count, dtype=bool))


def _series(grid: Grid) -> list[tuple[Labels, Column]]:
    found = list(grid.series.items())
    return found if grid.is_sorted else sorted(found, key=lambda pair: pair[0])


def _matrix(grid: Grid, steps: Steps) -> list[dict[str, Any]]:
    times = seconds_of(steps)
    result = []
    for labels, column in sorted(grid.series.items(), key=lambda pair: pair[0]):
        places = np.flatnonzero(column.present).tolist()
        values = column.values.tolist()
        result.append(
            {"metric": dict(labels), "values": [[times[at], format_f(values[at])] for at in places]}
        )
    return result


def _vector(grid: Grid, steps: Steps) -> list[dict[str, Any]]:
    at = steps.start_ns / _NS
    return [
        {"metric": dict(labels), "value": [at, format_f(float(column.values[0]))]}
        for labels, column in _series(grid)
        if column.present[0]
    ]


def seconds_of(steps: Steps) -> list[float | int]:
    """Return the times of steps in seconds, whole ones without a fraction."""
    return [int(ms) // 1000 if ms % 1000 == 0 else ms / 1000 for ms in (steps.times() // 1_000_000).tolist()]


def _stats(count: int, took_s: float) -> Mapping[str, Any]:
    return {"summary": {"totalEntriesReturned": count, "execTime": round(took_s, 6)}}
