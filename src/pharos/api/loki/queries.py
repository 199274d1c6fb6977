"""Queries in LogQL over HTTP: lines, and numbers of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.packing import body_response, pack, wants_gzip
from pharos.api.http.warned import warnings_of
from pharos.api.loki.answers import categorizes, metric_body, streams_body, success
from pharos.api.loki.parameters import (
    NS,
    duration_ns,
    is_newest_first,
    line_limit_of,
    parse_time_ns,
    steps_of,
    window_of,
)
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.log_queries import Check, LogQueries
from pharos.search.logql.ast import Logs, Metric, Query
from pharos.search.logql.evaluate import Asked, evaluate_metric, select_lines, time_of
from pharos.search.logql.grid import Steps
from pharos.search.logql.parse import parse_query
from pharos.search.logql.printer import show_pretty
from pharos.search.logql.source import Source
from pharos.search.window import Window


class QueriesApi(Struct, frozen=True):
    """`query`, `query_range` and `format_query`."""

    logs: LogQueries
    clock: Clock

    async def query_range(self, parameters: Parameters, request: Request) -> Response:
        """Return the lines of a range, or numbers of them at each step."""
        query = await read_query(parameters)
        window = window_of(parameters, self.clock.now_ns())
        newest_first = is_newest_first(parameters)
        if not isinstance(query, Logs):
            line_limit_of(parameters)
            return await self._metric(query, steps_of(parameters, window), parameters, request)
        text = parameters.first("interval")
        interval = duration_ns("interval", text) if text else 0
        if interval < 0:
            raise PharosError(Kind.INVALID, "interval must be >= 0")
        if parameters.first("step"):
            steps_of(parameters, window)
        asked = Asked(window, line_limit_of(parameters), newest_first, interval)
        categorized, warnings = categorizes(request), warnings_of(request)

        def work(source: Source, check: Check) -> bytes:
            began_s = self.clock.monotonic_s()
            lines = select_lines(source, query, asked, check)
            took_s = self.clock.monotonic_s() - began_s
            return streams_body(lines, took_s, categorized=categorized, warnings=warnings)

        return await self._answer(parameters, request, window, work)

    async def query(self, parameters: Parameters, request: Request) -> Response:
        """Return numbers of lines at one moment."""
        query = await read_query(parameters)
        text = parameters.first("time")
        at = parse_time_ns(text, "time") if text else self.clock.now_ns()
        line_limit_of(parameters)
        is_newest_first(parameters)
        if isinstance(query, Logs):
            raise PharosError(
                Kind.INVALID,
                "log queries are not supported as an instant query type",
                hint="please change your query to a range query type",
            )
        return await self._metric(query, Steps(at, at), parameters, request)

    async def _metric(
        self, query: Metric, steps: Steps, parameters: Parameters, request: Request
    ) -> Response:
        warnings = warnings_of(request)

        def work(source: Source, check: Check) -> bytes:
            began_s = self.clock.monotonic_s()
            found = evaluate_metric(source, query, steps, check=check)
            return metric_body(found, steps, self.clock.monotonic_s() - began_s, warnings)

        return await self._answer(parameters, request, time_of(query, steps), work)

    async def _answer(
        self,
        parameters: Parameters,
        request: Request,
        window: Window,
        work: Callable[[Source, Check], bytes],
    ) -> Response:
        packed = wants_gzip(request)
        asked = parameters.first("query")
        body = await while_connected(
            request,
            self.logs.telling(warnings_of(request)).ask(
                scope_of(request),
                asked,
                lambda source, check: pack([work(source, check)], packed=packed),
                _timeout_ms(parameters),
                window,
            ),
        )
        return body_response(body)

    async def format_query(self, parameters: Parameters, request: Request) -> Response:  # noqa: ARG002
        """Return a query in its canonical layout."""
        query = await read_query(parameters)
        return await off_loop(len(parameters.first("query")), lambda: success(show_pretty(query)))


def _timeout_ms(parameters: Parameters) -> int | None:
    text = parameters.first("timeout")
    if not text:
        return None
    ns = duration_ns("timeout", text)
    if ns <= 0:
        raise PharosError(Kind.INVALID, "timeout must be positive", hint="such as 30s")
    return max(ns * 1000 // NS, 1)


async def read_query(parameters: Parameters) -> Query:
    """Return what is asked. Raises PharosError(INVALID) with the place of what is wrong."""
    text = parameters.first("query")
    return await off_loop(len(text), partial(parse_query, text))
