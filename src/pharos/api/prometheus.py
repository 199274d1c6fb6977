"""The Prometheus HTTP API v1 (prometheus.io/docs/prometheus/latest/querying/api)."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pharos import __version__
from pharos.api import encode
from pharos.api.errors import prometheus_error
from pharos.api.parameters import Parameters, capped, check_range, invalid, parameters_of, window_ms
from pharos.api.tenant import tenant_of
from pharos.clock import Clock, format_duration_ms
from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.scraper import Scraper
from pharos.ingest.scrape.target import TargetStatus
from pharos.labels import Matcher
from pharos.promql.printer import to_pretty
from pharos.promql.values import Answer
from pharos.query.metrics import Metrics, Times, Window

_METADATA_BACK_MS: Final = 12 * 3_600_000
"""How far series and labels are looked for when no start is given, as in upstream's head block."""

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class PrometheusApi:
    """What the endpoints need."""

    metrics: Metrics
    scraper: Scraper
    clock: Clock
    started_ms: int
    settings_text: Callable[[], str]

    def router(self) -> APIRouter:
        """Return the routes below `/api/v1`."""
        router = APIRouter(prefix="/api/v1")
        both, get = ["GET", "POST"], ["GET"]
        table: list[tuple[str, list[str], Callable[[Parameters, Request], Awaitable[Response]]]] = [
            ("/query", both, self.query),
            ("/query_range", both, self.query_range),
            ("/query_exemplars", both, self.query_exemplars),
            ("/format_query", both, self.format_query),
            ("/series", both, self.series),
            ("/labels", both, self.labels),
            ("/label/{name:path}/values", get, self.label_values),
            ("/metadata", get, self.metadata),
            ("/targets", get, self.targets),
            ("/status/buildinfo", get, self.buildinfo),
            ("/status/runtimeinfo", get, self.runtimeinfo),
            ("/status/config", get, self.config),
            ("/status/tsdb", get, self.tsdb),
        ]
        for path, methods, handler in table:
            router.add_api_route(
                path, _guarded(handler), methods=methods, name=handler.__name__, response_class=Response
            )
        return router

    async def query(self, parameters: Parameters, request: Request) -> Response:
        """Evaluate an expression at one time."""
        now = self.clock.now_ms()
        at = parameters.time_ms("time", now)
        return await self._evaluate(parameters, request, Times(at, at))

    async def query_range(self, parameters: Parameters, request: Request) -> Response:
        """Evaluate an expression over a range of times."""
        start = parameters.time_ms("start")
        end = parameters.time_ms("end")
        step = parameters.duration_ms("step")
        if step is None:
            raise invalid("step", 'cannot parse "" to a valid duration')
        check_range(start, end, step, self.metrics.options.max_steps)
        return await self._evaluate(parameters, request, Times(start, end, step))

    async def _evaluate(self, parameters: Parameters, request: Request, times: Times) -> Response:
        text = parameters.first("query")
        limit = parameters.limit()
        timeout = parameters.duration_ms("timeout")
        lookback = parameters.duration_ms("lookback_delta")
        try:
            self.metrics.parse(text)
        except PharosError as exc:
            message = f'invalid parameter "query": {exc.message}'
            raise PharosError(exc.kind, message, hint=exc.hint, position=exc.position) from exc
        try:
            chunks = await self.metrics.evaluate(
                tenant_of(request),
                text,
                times,
                partial(answer_chunks, limit=limit),
                lookback_ms=lookback,
                timeout_ms=timeout,
            )
        except PharosError as exc:
            return prometheus_error(exc, executing=True)
        return _json(chunks)

    async def query_exemplars(self, parameters: Parameters, request: Request) -> Response:
        """Return the exemplars of the series that an expression selects."""
        times = Times(parameters.time_ms("start"), parameters.time_ms("end"))
        if times.end_ms < times.start_ms:
            raise invalid("end", "end timestamp must not be before start timestamp")
        found = await self.metrics.exemplars(tenant_of(request), parameters.required("query"), times)
        return _success(
            [
                {
                    "seriesLabels": dict(labels),
                    "exemplars": [
                        {
                            "labels": dict(exemplar.labels),
                            "value": encode.float_text(exemplar.value),
                            "timestamp": exemplar.ts_ms / 1000,
                        }
                        for exemplar in exemplars
                    ],
                }
                for labels, exemplars in found
            ]
        )

    async def format_query(self, parameters: Parameters, request: Request) -> Response:  # noqa: ARG002
        """Return an expression in its canonical layout."""
        try:
            return _success(to_pretty(self.metrics.parse(parameters.first("query"))))
        except PharosError as exc:
            raise invalid("query", exc.message) from exc

    def _window(self, parameters: Parameters, request: Request) -> Window:
        start, end = window_ms(parameters, self.clock.now_ms(), _METADATA_BACK_MS)
        return Window(tenant_of(request), start, end, self._selectors(parameters), parameters.limit())

    def _selectors(self, parameters: Parameters) -> tuple[tuple[Matcher, ...], ...]:
        try:
            return tuple(self.metrics.matchers(text) for text in parameters.all("match[]"))
        except PharosError as exc:
            raise invalid("match[]", exc.message) from exc

    async def series(self, parameters: Parameters, request: Request) -> Response:
        """Return the series that any of the selectors matches."""
        if not parameters.all("match[]"):
            raise PharosError(Kind.INVALID, "no match[] parameter provided")
        window = self._window(parameters, request)
        found = await self.metrics.series(window)
        more = bool(window.limit) and len(found) > window.limit
        shown = found[: window.limit] if more else found
        return _success(
            [dict(labels) for labels in shown], ["results truncated due to limit"] if more else []
        )

    async def labels(self, parameters: Parameters, request: Request) -> Response:
        """Return the names of all labels."""
        window = self._window(parameters, request)
        return _success(*capped(await self.metrics.label_names(window), window.limit))

    async def label_values(self, parameters: Parameters, request: Request) -> Response:
        """Return the values of one label."""
        name = unescape_label(request.path_params["name"])
        window = self._window(parameters, request)
        return _success(*capped(await self.metrics.label_values(name, window), window.limit))

    async def metadata(self, parameters: Parameters, request: Request) -> Response:
        """Return type, unit and help of metrics."""
        per_metric = parameters.limit("limit_per_metric")
        found = await self.metrics.metadata(
            tenant_of(request), parameters.first("metric"), parameters.limit()
        )
        by_metric: dict[str, list[dict[str, str]]] = {}
        for item in found:
            entries = by_metric.setdefault(item.metric, [])
            if not per_metric or len(entries) < per_metric:
                entries.append({"type": item.type, "help": item.help, "unit": item.unit})
        return _success(by_metric)

    async def targets(self, parameters: Parameters, request: Request) -> Response:  # noqa: ARG002
        """Return what is scraped and how it fares."""
        state = parameters.first("state").lower()
        pool = parameters.first("scrapePool")
        found = [one for one in self.scraper.targets() if not pool or one.scrape_pool == pool]
        dropped = [one for one in found if one.dropped]
        counts: dict[str, int] = {}
        for one in dropped:
            counts[one.scrape_pool] = counts.get(one.scrape_pool, 0) + 1
        return _success(
            {
                "activeTargets": [_active_target(one) for one in found if not one.dropped]
                if state in {"", "any", "active"}
                else [],
                "droppedTargets": [
                    {"discoveredLabels": dict(one.discovered_labels), "scrapePool": one.scrape_pool}
                    for one in dropped
                ]
                if state in {"", "any", "dropped"}
                else [],
                "droppedTargetCounts": counts,
            }
        )

    async def buildinfo(self, parameters: Parameters, request: Request) -> Response:  # noqa: ARG002
        """Return which version this is; Grafana asks to know what is spoken here."""
        return _success(
            {
                "application": "Pharos",
                "version": "3.14.0",
                "pharosVersion": __version__,
                "revision": "",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
                "pythonVersion": platform.python_version(),
            }
        )

    async def runtimeinfo(self, parameters: Parameters, request: Request) -> Response:  # noqa: ARG002
        """Return how the process fares."""
        started = datetime.fromtimestamp(self.started_ms / 1000, UTC)
        return _success({"startTime": started.isoformat(), "reloadConfigSuccess": True})

    async def config(self, parameters: Parameters, request: Request) -> Response:  # noqa: ARG002
        """Return the settings in force, secrets masked."""
        return _success({"yaml": self.settings_text()})

    async def tsdb(self, parameters: Parameters, request: Request) -> Response:
        """Return what takes the most series."""
        found = await self.metrics.cardinality(tenant_of(request), parameters.limit() or 10)

        def pairs(rows: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
            return [{"name": name, "value": value} for name, value in rows]

        return _success(
            {
                "headStats": {
                    "numSeries": found.series,
                    "numLabelPairs": found.label_pairs,
                    "chunkCount": 0,
                    "samples": found.samples,
                    "minTime": found.oldest_ms,
                    "maxTime": found.newest_ms,
                },
                "seriesCountByMetricName": pairs(found.by_metric),
                "labelValueCountByLabelName": pairs(found.values_by_label),
                "memoryInBytesByLabelName": pairs(found.bytes_by_label),
                "seriesCountByLabelValuePair": pairs(found.by_pair),
            }
        )


def _active_target(target: TargetStatus) -> dict[str, Any]:
    last = datetime.fromtimestamp(target.last_scrape_ms / 1000, UTC)
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.scrape_url,
        "globalUrl": target.global_url,
        "lastError": target.last_error,
        "lastScrape": last.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "lastScrapeDuration": target.last_scrape_duration_s,
        "health": str(target.health),
        "scrapeInterval": format_duration_ms(target.interval_ms),
        "scrapeTimeout": format_duration_ms(target.timeout_ms),
    }


def _guarded(handler: Callable[[Parameters, Request], Awaitable[Response]]) -> Handler:
    async def endpoint(request: Request) -> Response:
        try:
            return await handler(await parameters_of(request), request)
        except PharosError as exc:
            return prometheus_error(exc)

    endpoint.__doc__ = handler.__doc__
    return endpoint


def _success(data: Any, warnings: list[str] | None = None) -> Response:
    body: dict[str, Any] = {"status": "success", "data": data}
    if warnings:
        body["warnings"] = warnings
    return Response(orjson.dumps(body), media_type="application/json")


def _json(chunks: list[bytes]) -> Response:
    if len(chunks) == 1:
        return Response(chunks[0], media_type="application/json")
    return StreamingResponse(iter(chunks), media_type="application/json")


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
                out.append(chr(int(digits, 16)))
            except ValueError:
                return name
            rest = after
        else:
            out.append(rest[0])
            rest = rest[1:]
    return "".join(out)


def answer_chunks(answer: Answer, *, limit: int) -> list[bytes]:
    """Return a query's answer as JSON text; `limit` 0 shows every series."""
    return list(encode.encode_answer(answer, limit=limit))
