"""Which series and labels there are, and what senders say of metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.packing import body_response, pack, wants_gzip
from pharos.api.prometheus.answers import success
from pharos.api.prometheus.encode import encode_label_sets
from pharos.api.prometheus.parameters import TRUNCATED, Parameters, capped, invalid, read_selectors
from pharos.api.prometheus.routes import ANY_COUNT, Route
from pharos.api.prometheus.shapes import LabelSet, MetricDescription
from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.labels import Labels, Matcher
from pharos.query.metrics.catalog import Catalog, MetricMetadata, Window


class _LabelConvertor(Convertor[str]):
    """Any name: a slash and a line break too, which the patterns of routes stop at otherwise."""

    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("label", _LabelConvertor())

_FEW: Final = 5_000
"""So many series at most are sent in one piece."""
_FILTER = ("start", "end", "match[]", "limit")


class CatalogApi(Struct, frozen=True):
    """Series, labels, metadata."""

    catalog: Catalog

    def routes(self) -> list[Route]:
        """Return the routes."""
        both = ("GET", "POST")
        return [
            Route("/series", "metrics.view", self.series, list[LabelSet], _FILTER, ("match[]",), both),
            Route("/labels", "metrics.view", self.labels, list[str], _FILTER, (), both),
            Route("/label/{name:label}/values", "metrics.view", self.label_values, list[str], _FILTER),
            Route(
                "/metadata",
                "metrics.view",
                self.metadata,
                dict[str, list[MetricDescription]],
                ("metric", "limit", "limit_per_metric"),
                schemas=ANY_COUNT,
            ),
        ]

    async def series(self, parameters: Parameters, request: Request) -> Response:
        """Return the series that any of the selectors matches."""
        if not parameters.all("match[]"):
            raise PharosError(Kind.INVALID, "no match[] parameter provided")
        limit = parameters.limit()
        start, end = parameters.range_ms()
        try:
            matched = await self._selectors(parameters)
        except PharosError as exc:
            raise invalid("match[]", exc.message) from exc
        if end < start:
            return success([])

        packed = wants_gzip(request)

        def shown(found: Sequence[Labels]) -> tuple[list[bytes], bool]:
            more = bool(limit) and len(found) > limit
            chunks = [*_listed(found[:limit] if more else found, more=more)]
            return pack([b"".join(chunks)] if len(found) <= _FEW else chunks, packed=packed)

        window = Window(scope_of(request), start, end, matched, limit)
        return body_response(await self.catalog.series(window, shown))

    async def labels(self, parameters: Parameters, request: Request) -> Response:
        """Return the names of all labels."""
        window = await self._window(parameters, request)
        if window is None:
            return success([])
        return await self.catalog.label_names(window, lambda found: success(*capped(found, window.limit)))

    async def label_values(self, parameters: Parameters, request: Request) -> Response:
        """Return the values of one label."""
        name = unescape_label(request.path_params["name"])
        if not name or "\ufffd" in name:
            raise PharosError(Kind.INVALID, f"invalid label name: {quote(name)}")
        window = await self._window(parameters, request)
        if window is None:
            return success([])
        return await self.catalog.label_values(
            name, window, lambda found: success(*capped(found, window.limit))
        )

    async def _window(self, parameters: Parameters, request: Request) -> Window | None:
        """Return what is asked about; None for a range that ends before it starts."""
        limit = parameters.limit()
        start, end = parameters.range_ms()
        matched = await self._selectors(parameters)
        if end < start:
            return None
        return Window(scope_of(request), start, end, matched, limit)

    async def _selectors(self, parameters: Parameters) -> tuple[tuple[Matcher, ...], ...]:
        found = tuple(dict.fromkeys(await read_selectors(parameters)))
        if any(all(matcher.matches_empty() for matcher in one) for one in found):
            raise PharosError(Kind.INVALID, "match[] must contain at least one non-empty matcher")
        return found

    async def metadata(self, parameters: Parameters, request: Request) -> Response:
        """Return type, unit and help of metrics."""
        limit = parameters.count("limit")
        per_metric = parameters.count("limit_per_metric")
        if limit == 0:
            return success({})

        def shown(found: list[MetricMetadata]) -> Response:
            by_metric: dict[str, list[dict[str, str]]] = {}
            for item in found:
                entries = by_metric.setdefault(item.metric, [])
                if per_metric <= 0 or len(entries) < per_metric:
                    entries.append({"type": item.type, "help": item.help, "unit": item.unit})
            return success(by_metric)

        metric = parameters.first("metric")
        return await self.catalog.metadata(scope_of(request), shown, metric, max(limit, 0))


def _listed(found: Sequence[Labels], *, more: bool) -> Iterator[bytes]:
    """Yield the answer that lists series, of which there are `more`."""
    yield b'{"status":"success","data":['
    yield from encode_label_sets(found)
    yield b"]%b}" % (b',"warnings":' + json_text([TRUNCATED]) if more else b"")


def unescape_label(name: str) -> str:
    """Return a label's name from a path, where `U__` begins an escaped one (upstream model.UnescapeName)."""
    if not name.startswith("U__"):
        return name
    out: list[str] = []
    rest = name[3:]
    while rest:
        if rest.startswith("__"):
            out.append("_")
            rest = rest[2:]
        elif rest[0] == "_":
            digits, closed, after = rest[1:].partition("_")
            if not closed or not 0 < len(digits) <= 6:
                return name
            try:
                char = chr(int(digits, 16))
            except ValueError:
                return name
            if "\ud800" <= char <= "\udfff":
                return name
            out.append(char)
            rest = after
        else:
            out.append(rest[0])
            rest = rest[1:]
    return "".join(out)
