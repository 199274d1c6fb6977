"""`/api/pictures`: a graph as SVG or PNG, for who may see the metrics, or has a link to it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import reading
from pharos.alerting.links import KEY_NAME
from pharos.alerting.picture_links import PATH as LINK_PATH
from pharos.alerting.picture_links import read_picture
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Handler, Operation, answering
from pharos.api.native.reading import RANGE, STRING, failed, inputs_of, time_ns, whole_number
from pharos.api.pictures.graph import Graph, drawn
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.api.prometheus.routes import PARAMETERS
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.pictures.chart import Look
from pharos.pictures.raster import png_of
from pharos.pictures.theme import THEMES, theme_named
from pharos.query.metrics.evaluation import Metrics
from pharos.state import State
from pharos.state.acknowledgements import signing_key

_FORMATS: Final = {"svg": "image/svg+xml", "png": "image/png"}
_LEAST: Final = 100
_MOST: Final = 2_400
_TITLE_MOST: Final = 300
_THRESHOLDS_MOST: Final = 10
_HOUR_NS: Final = 3_600 * 10**9
_MS: Final = 1_000_000
_FAILURES: Final = {
    400: "What is asked for is not what it must be.",
    403: "The link is not one of ours, or has run out.",
    404: "There is no such address.",
    422: "It cannot be answered, or not as PNG.",
    429: "It reads more than it may, or too many are asked.",
    500: "A fault of Pharos.",
    503: "It took too long, or not now.",
}
_PICTURE: Final[dict[str, Any]] = {
    "description": "The picture.",
    "content": {media: {"schema": {"type": "string", "format": "binary"}} for media in _FORMATS.values()},
}


class PicturesApi(Struct, frozen=True):
    """Draws graphs."""

    metrics: Metrics
    state: State
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        size = {"type": "integer", "minimum": _LEAST, "maximum": _MOST}
        query = {
            "query": PARAMETERS["query"],
            **RANGE,
            "title": {**STRING, "maxLength": _TITLE_MOST},
            "unit": {**STRING, "description": "A unit by Grafana's name: s, bytes, percentunit, reqps."},
            "threshold": {"type": "array", "items": {"type": "number"}, "maxItems": _THRESHOLDS_MOST},
            "theme": {"type": "string", "enum": list(THEMES)},
            "format": {"type": "string", "enum": list(_FORMATS)},
            "width": size,
            "height": size,
        }
        inputs = inputs_of("", query, ("query",))
        yield _operation("/api/pictures/metrics", self.graph, "metrics.view", inputs)
        linked = f"{LINK_PATH}{{token}}"
        yield _operation(linked, self.linked, None, inputs_of(linked, {}, ()))

    async def graph(self, request: Request) -> Response:
        """Return a query over a time as a picture; a comparison with a number is drawn as a threshold."""
        parameters = query_parameters(request)
        form = _one_of(parameters, "format", tuple(_FORMATS))
        look = Look(
            width=whole_number(parameters, "width", 800, _MOST, _LEAST),
            height=whole_number(parameters, "height", 360, _MOST, _LEAST),
            theme=theme_named(parameters.first("theme")),
        )
        graph = _graph(parameters, self.clock.now_ns())
        return await self._picture(drawn(self.metrics, scope_of(request), graph, look), request, form)

    async def linked(self, request: Request) -> Response:
        """Return the picture that a link of a notification shows, until the link has run out."""
        key = await self.state.read(lambda unit: signing_key(unit, KEY_NAME))
        said = read_picture(request.path_params["token"], key or b"", self.clock.now_ms())
        graph = Graph(said.query, said.start_ms, said.end_ms, said.title)
        scope = reading(said.tenant, {"metrics.view"})
        return await self._picture(drawn(self.metrics, scope, graph, Look()), request, "png")

    async def _picture(self, work: Any, request: Request, form: str) -> Response:
        svg: str = await while_connected(request, work)
        body = svg.encode() if form == "svg" else await asyncio.to_thread(png_of, svg)
        return Response(body, media_type=_FORMATS[form], headers={"Cache-Control": "private, max-age=60"})


def _graph(parameters: Parameters, now_ns: int) -> Graph:
    end_ns = time_ns(parameters, "end", now_ns)
    start_ns = time_ns(parameters, "start", max(end_ns - _HOUR_NS, 0))
    if len(parameters.first("title")) > _TITLE_MOST:
        raise PharosError(Kind.INVALID, f"title has more than {_TITLE_MOST} characters")
    return Graph(
        parameters.first("query"),
        start_ns // _MS,
        end_ns // _MS,
        parameters.first("title"),
        parameters.first("unit")[:40],
        tuple(_number(text) for text in parameters.all("threshold")[:_THRESHOLDS_MOST]),
    )


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise PharosError(Kind.INVALID, f"threshold {text[:40]!r} is no number")
    return found


def _one_of(parameters: Parameters, name: str, names: tuple[str, ...]) -> str:
    found = parameters.first(name) or names[0]
    if found not in names:
        raise PharosError(Kind.INVALID, f"{name} {found[:40]!r} is not one of {', '.join(names)}")
    return found


def _operation(path: str, handler: Handler, permission: str | None, inputs: dict[str, Any]) -> Operation:
    name = f"picture_{handler.__name__}"
    return Operation(
        path,
        "GET",
        answering(handler, native_error, handler),
        permission,
        name=name,
        tag="pictures",
        summary=name.replace("_", " ").capitalize(),
        responses={**failed(_FAILURES), 200: _PICTURE},
        inputs=inputs,
    )
