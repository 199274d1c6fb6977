"""The Prometheus HTTP API v1 (prometheus.io/docs/prometheus/latest/querying/api).

Queries and all routes stand here; what is not about expressions has files of its own: catalog (series,
labels), targets, status, rules, tsdb_admin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final, TypeVar

import numpy as np
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import prometheus_error
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.off_loop import off_loop
from pharos.api.http.packing import body_response, pack, wants_gzip
from pharos.api.http.routes import Operation
from pharos.api.prometheus import encode
from pharos.api.prometheus.answers import success, while_connected
from pharos.api.prometheus.catalog import CatalogApi
from pharos.api.prometheus.parameters import Parameters, check_range, invalid
from pharos.api.prometheus.routes import Route, operations
from pharos.api.prometheus.rules import RulesApi
from pharos.api.prometheus.shapes import MatrixResult, QueryResult, SeriesExemplars
from pharos.api.prometheus.status import StatusApi
from pharos.api.prometheus.targets import TargetsApi
from pharos.api.prometheus.tsdb_admin import TsdbAdminApi
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_json
from pharos.labels import Labels
from pharos.promql.grids.grid import Answer
from pharos.promql.language.ast import ValueType
from pharos.promql.language.check import type_of
from pharos.promql.language.printer import to_json, to_pretty
from pharos.query.limits import Measured, Times
from pharos.query.metrics.catalog import Catalog, Exemplar
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import Query, parse_query

T = TypeVar("T")

_BOTH: Final = ("GET", "POST")
_QUERY: Final = ("query", "timeout", "limit", "lookback_delta", "stats", "nocache")
_RANGE_TYPES: Final = {ValueType.SCALAR, ValueType.VECTOR}


class PrometheusApi(Struct, frozen=True):
    """Everything below `/api/v1`."""

    metrics: Metrics
    catalog: Catalog
    clock: Clock
    series: CatalogApi
    targets: TargetsApi
    status: StatusApi
    rules: RulesApi
    admin: TsdbAdminApi

    def operations(self, bodies: Bodies) -> Iterator[Operation]:
        """Yield all operations; their forms are counted among `bodies`."""
        routes = [
            Route("/query", "metrics.view", self.query, QueryResult, ("time", *_QUERY), ("query",), _BOTH),
            Route(
                "/query_range",
                "metrics.view",
                self.query_range,
                MatrixResult,
                ("start", "end", "step", *_QUERY),
                ("query", "start", "end", "step"),
                _BOTH,
            ),
            Route(
                "/query_exemplars",
                "metrics.view",
                self.query_exemplars,
                list[SeriesExemplars],
                ("query", "start", "end"),
                ("query",),
                _BOTH,
            ),
            Route("/format_query", "metrics.view", self.format_query, str, ("query",), ("query",), _BOTH),
            Route(
                "/parse_query",
                "metrics.view",
                self.parse_query,
                dict[str, Any],
                ("query",),
                ("query",),
                _BOTH,
            ),
            *self.series.routes(),
            *self.targets.routes(),
            *self.status.routes(),
            *self.rules.routes(),
            *self.admin.routes(),
        ]
        return operations("/api/v1", routes, bodies)

    async def query(self, parameters: Parameters, request: Request) -> Response:
        """Evaluate an expression at one time."""
        return await self._respond(await self._instant(parameters), request)

    async def query_range(self, parameters: Parameters, request: Request) -> Response:
        """Evaluate an expression over a range of times."""
        return await self._respond(await self._range(parameters), request)

    async def answer_body(self, scope: Scope, parameters: Parameters) -> bytes:
        """Return the body that answers one query, also a refusal: a range query if it has a `step`."""
        try:
            read = self._range if parameters.first("step") else self._instant
            asked = await read(parameters)
        except PharosError as exc:
            return bytes(prometheus_error(exc).body)
        try:
            return await self._evaluate(scope, asked, b"".join)
        except PharosError as exc:
            return bytes(prometheus_error(exc, executing=True).body)

    async def answer(self, scope: Scope, parameters: Parameters) -> Answer:
        """Return the answer of one query in columns: over a range if it has a `step`. Raises PharosError."""
        read = self._range if parameters.first("step") else self._instant
        asked = await read(parameters)
        return await self.metrics.evaluate(
            scope,
            asked.query,
            asked.times,
            lambda found: found,
            lookback_ms=asked.lookback_ms,
            timeout_ms=asked.timeout_ms,
            reuse=asked.reuse,
        )

    async def _instant(self, parameters: Parameters) -> _Asked:
        limit = parameters.limit()
        at = parameters.time_ms("time", self.clock.now_ms())
        return await _asked(parameters, Times(at, at), limit)

    async def _range(self, parameters: Parameters) -> _Asked:
        limit = parameters.limit()
        start = parameters.time_ms("start")
        end = parameters.time_ms("end")
        if end < start:
            raise invalid("end", "end timestamp must not be before start time")
        step = parameters.duration_ms("step")
        if step is None:
            raise invalid("step", 'cannot parse "" to a valid duration')
        check_range(start, end, step, self.metrics.options.max_steps)
        return await _asked(parameters, Times(start, end, step), limit)

    async def _respond(self, asked: _Asked, request: Request) -> Response:
        packed = wants_gzip(request)
        evaluation = self._evaluate(scope_of(request), asked, partial(pack, packed=packed))
        try:
            body = await while_connected(request, evaluation)
        except PharosError as exc:
            return prometheus_error(exc, executing=True)
        return body_response(body)

    async def _evaluate(self, scope: Scope, asked: _Asked, join: Callable[[Iterable[bytes]], T]) -> T:
        """Return what `join` makes of the body's chunks, on the thread that evaluates."""
        stats = asked.stats
        measured = Measured(by_step=stats == "all") if stats else None

        def finish(answer: Answer) -> T:
            body: Iterable[bytes] = encode.encode_answer(answer, limit=asked.limit)
            if measured is not None:
                body = _with_stats(body, query_stats(answer, measured, asked.times))
            return join(body)

        return await self.metrics.evaluate(
            scope,
            asked.query,
            asked.times,
            finish,
            lookback_ms=asked.lookback_ms,
            timeout_ms=asked.timeout_ms,
            measured=measured,
            reuse=asked.reuse,
        )

    async def query_exemplars(self, parameters: Parameters, request: Request) -> Response:
        """Return the exemplars of the series that an expression selects."""
        times = Times(*parameters.range_ms())
        if times.end_ms < times.start_ms:
            raise PharosError(Kind.INVALID, "end timestamp must not be before start timestamp")
        text = parameters.first("query")
        query = await off_loop(len(text), partial(parse_query, text))
        return await self.catalog.exemplars(scope_of(request), query, times, _shown_exemplars)

    async def format_query(self, parameters: Parameters, request: Request) -> Response:
        """Return an expression in its canonical layout."""
        query = await _query(parameters)
        return await off_loop(len(query.text), lambda: success(to_pretty(query.expr)))

    async def parse_query(self, parameters: Parameters, request: Request) -> Response:
        """Return an expression as a tree."""
        query = await _query(parameters)
        return await off_loop(len(query.text), lambda: success(to_json(query.expr)))


class _Asked(Struct, frozen=True):
    """A query with all that was said of it."""

    query: Query
    times: Times
    limit: int
    timeout_ms: int | None
    lookback_ms: int | None
    reuse: bool
    stats: str


async def _asked(parameters: Parameters, times: Times, limit: int) -> _Asked:
    timeout = parameters.duration_ms("timeout")
    lookback = _lookback(parameters)
    query = await _query(parameters)
    kind = type_of(query.expr)
    if times.step_ms and kind not in _RANGE_TYPES:
        raise invalid(
            "query",
            f'invalid expression type "{kind}" for range query, must be Scalar or instant Vector',
        )
    reuse = not parameters.flag("nocache")
    return _Asked(query, times, limit, timeout, lookback, reuse, parameters.first("stats"))


async def _query(parameters: Parameters) -> Query:
    text = parameters.first("query")
    try:
        return await off_loop(len(text), partial(parse_query, text))
    except PharosError as exc:
        message = f'invalid parameter "query": {exc.message}'
        raise PharosError(exc.kind, message, hint=exc.hint, position=exc.position) from exc


def _shown_exemplars(found: list[tuple[Labels, list[Exemplar]]]) -> Response:
    return success(
        [
            {
                "seriesLabels": dict(labels),
                "exemplars": [
                    {
                        "labels": dict(exemplar.labels),
                        "value": format_json(exemplar.value),
                        "timestamp": exemplar.ts_ms / 1000,
                    }
                    for exemplar in exemplars
                ],
            }
            for labels, exemplars in found
        ]
    )


def _lookback(parameters: Parameters) -> int | None:
    try:
        lookback = parameters.duration_ms("lookback_delta")
    except PharosError as exc:
        reason = exc.message.removeprefix('invalid parameter "lookback_delta": ')
        raise PharosError(Kind.INVALID, f"error parsing lookback delta duration: {reason}") from exc
    # Upstream takes its default for what is not positive.
    return lookback if lookback is not None and lookback > 0 else None


def query_stats(answer: Answer, measured: Measured, times: Times) -> dict[str, Any]:
    """Return the statistics of a query as upstream's util/stats prints them.

    The total is upstream's, of all steps, where those were counted; otherwise what was read for the answer.
    """
    evaluated = measured.eval_s
    per_step = measured.samples_per_step
    total = int(per_step.sum()) if per_step is not None else answer.samples_read
    samples: dict[str, Any] = {"totalQueryableSamples": total, "peakSamples": answer.samples_read}
    if per_step is not None:
        moments = times.start_ms + times.step_ms * np.arange(len(per_step), dtype=np.int64)
        samples["totalQueryableSamplesPerStep"] = [
            [ms / 1000, count] for ms, count in zip(moments.tolist(), per_step.tolist(), strict=True)
        ]
    return {
        "timings": {
            "evalTotalTime": measured.prepare_s + evaluated,
            "resultSortTime": 0,
            "queryPreparationTime": measured.prepare_s,
            "innerEvalTime": evaluated,
            "execQueueTime": measured.queue_s,
            "execTotalTime": measured.queue_s + measured.prepare_s + evaluated,
        },
        "samples": samples,
    }


def _with_stats(body: Iterable[bytes], stats: dict[str, Any]) -> list[bytes]:
    """Return the chunks of an answer with `stats` as a member of its `data`."""
    head = b'{"status":"success","data":{'
    first, *rest = body
    return [head + b'"stats":' + json_text(stats) + b"," + first.removeprefix(head), *rest]
