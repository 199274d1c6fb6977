"""Downloads: what a query, a search of logs or one of traces finds, as CSV or Parquet.

A file is written while it is sent, so that a large one takes no more memory than a small one. What is wrong
is found with the first rows, before anything is answered; a file that ends early for a fault ends without its
last chunk, so that whoever reads it knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pharos.access import Scope
from pharos.api.exports.metrics import metric_blocks
from pharos.api.exports.tables import (
    FORMATS,
    Format,
    Writer,
    batch_of,
    format_named,
    number_column,
    open_writer,
    text_column,
    time_column,
    whole_column,
)
from pharos.api.http.errors import native_error
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Handler, Operation, answering
from pharos.api.native.reading import RANGE, STRING, Schema, failed, inputs_of, whole_number, window_of
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.api.prometheus.queries import PrometheusApi
from pharos.api.prometheus.routes import PARAMETERS
from pharos.api.traces.native import SPAN_FILTERS, span_filter
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.log_search import LogSearch
from pharos.query.events.rows import Attributes, LogLine
from pharos.query.events.trace_summaries import Summary
from pharos.query.events.traces import Traces
from pharos.search.tree import Tree
from pharos.search.window import Window
from pharos.search.words import parse_search

MOST_LINES: Final = 1_000_000
MOST_TRACES: Final = 100_000
_PAGE_LINES: Final = 5_000
_PAGE_TRACES: Final = 500
_FAILURES: Final = {
    400: "What is asked for is not what it must be.",
    403: "Who asks may not export this.",
    413: "It is more than one export may have.",
    422: "It cannot be answered, or is no table.",
    429: "It reads more than it may, or too many are asked.",
    500: "A fault of Pharos.",
    503: "It took too long, or not now.",
}
_FILE: Final[dict[str, Any]] = {
    "description": "The file.",
    "content": {
        "text/csv": {"schema": STRING},
        "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
    },
}


class ExportsApi(Struct, frozen=True):
    """Everything below `/api/export`."""

    prometheus: PrometheusApi
    logs: LogSearch
    traces: Traces
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield all operations."""
        form = {"format": {"type": "string", "enum": list(FORMATS)}}
        queried = ("time", "start", "end", "step", "timeout", "lookback_delta")
        metrics = {"query": PARAMETERS["query"], **{name: PARAMETERS[name] for name in queried}, **form}
        searched = {"query": STRING, **RANGE, **form}
        yield _operation("metrics", self.metrics, metrics, "query")
        yield _operation("logs", self.log_lines, {**searched, "limit": _count(MOST_LINES)})
        traces = {**SPAN_FILTERS, **RANGE, **form, "limit": _count(MOST_TRACES)}
        yield _operation("traces", self.trace_list, traces)

    async def metrics(self, request: Request) -> Response:
        """Return what a PromQL query answers: a row for each value, over a range if there is a step."""
        parameters = query_parameters(request)
        form = format_named(parameters.first("format"))
        answer = await while_connected(request, self.prometheus.answer(scope_of(request), parameters))
        blocks = metric_blocks(answer, form)

        async def each() -> AsyncIterator[pa.RecordBatch]:
            while (block := await asyncio.to_thread(next, blocks, None)) is not None:
                yield block

        return await self._sent("metrics", form, each())

    async def log_lines(self, request: Request) -> Response:
        """Return the lines that meet a search, the newest first."""
        parameters = query_parameters(request)
        form = format_named(parameters.first("format"))
        window = window_of(parameters, self.clock.now_ns())
        tree, scope = await _tree(parameters), scope_of(request)
        most = await self._most_lines(parameters, scope, window, tree)
        return await self._sent("logs", form, self._line_blocks(scope, window, tree, most, form))

    async def trace_list(self, request: Request) -> Response:
        """Return the traces of which a span meets a search, the newest first."""
        parameters = query_parameters(request)
        form = format_named(parameters.first("format"))
        window = window_of(parameters, self.clock.now_ns())
        most = whole_number(parameters, "limit", MOST_TRACES, MOST_TRACES)
        scope = scope_of(request)
        tree = span_filter(parameters, await self.traces.origins(scope, window))
        return await self._sent("traces", form, self._trace_blocks(scope, window, tree, most, form))

    async def _most_lines(self, parameters: Parameters, scope: Scope, window: Window, tree: Tree) -> int:
        """Return how many lines are wanted. Raises PharosError(TOO_LARGE) when all are, and are too many."""
        if parameters.first("limit"):
            return whole_number(parameters, "limit", MOST_LINES, MOST_LINES)
        found = await self.logs.histogram(scope, window, tree, window.end_ns - window.start_ns)
        total = sum(found.others.values()) + sum(sum(one.counts.values()) for one in found.series)
        if total > MOST_LINES:
            raise PharosError(
                Kind.TOO_LARGE,
                f"{total:,} lines meet the search, {MOST_LINES:,} can be exported at once",
                hint="search in less time, or set limit for the newest of them",
            )
        return MOST_LINES

    async def _line_blocks(
        self, scope: Scope, window: Window, tree: Tree, most: int, form: Format
    ) -> AsyncIterator[pa.RecordBatch]:
        after = None
        while True:
            page = await self.logs.page(scope, window, tree, min(most, _PAGE_LINES), after=after)
            most -= len(page.lines)
            after = page.next
            yield await asyncio.to_thread(_line_block, page.lines, form)
            if after is None or most <= 0:
                return

    async def _trace_blocks(
        self, scope: Scope, window: Window, tree: Tree, most: int, form: Format
    ) -> AsyncIterator[pa.RecordBatch]:
        after = None
        while True:
            found, after = await self.traces.listed(scope, window, tree, min(most, _PAGE_TRACES), after)
            most -= len(found)
            yield await asyncio.to_thread(_trace_block, found, form)
            if after is None or most <= 0:
                return

    async def _sent(self, name: str, form: Format, blocks: AsyncIterator[pa.RecordBatch]) -> Response:
        first = await anext(blocks)
        writer = await asyncio.to_thread(open_writer, form, first.schema)
        stamp = self.clock.now_ms() // 1000
        headers = {
            "Content-Disposition": f'attachment; filename="pharos-{name}-{stamp}.{form.name}"',
            "Cache-Control": "no-store",
        }
        return StreamingResponse(_written(writer, first, blocks), media_type=form.media, headers=headers)


async def _written(
    writer: Writer, first: pa.RecordBatch, blocks: AsyncIterator[pa.RecordBatch]
) -> AsyncIterator[bytes]:
    yield await asyncio.to_thread(writer.rows, first)
    async for block in blocks:
        yield await asyncio.to_thread(writer.rows, block)
    yield await asyncio.to_thread(writer.end)


async def _tree(parameters: Parameters) -> Tree:
    text = parameters.first("query")
    return await off_loop(len(text), partial(parse_search, text))


def _pairs(attributes: Attributes) -> str:
    return json_text({key: value for key, value, _ in attributes}).decode()


def _line_block(lines: Sequence[LogLine], form: Format) -> pa.RecordBatch:
    def text(values: Iterator[str]) -> pa.Array:
        return text_column(list(values), form)

    resources = {one.origin.id: _pairs(one.origin.resource) for one in lines}
    return batch_of(
        [
            ("time", time_column(np.array([one.ts_ns for one in lines], np.int64), "ns")),
            ("level", text(one.level for one in lines)),
            ("service", text(one.origin.service for one in lines)),
            ("body", text(one.body for one in lines)),
            ("event_name", text(one.event_name for one in lines)),
            ("trace_id", text(one.trace_id for one in lines)),
            ("span_id", text(one.span_id for one in lines)),
            ("attributes", text(_pairs(one.attributes) for one in lines)),
            ("resource", text(resources[one.origin.id] for one in lines)),
        ]
    )


def _trace_block(traces: Sequence[Summary], form: Format) -> pa.RecordBatch:
    def text(values: Iterator[str]) -> pa.Array:
        return text_column(list(values), form)

    return batch_of(
        [
            ("time", time_column(np.array([one.start_ns for one in traces], np.int64), "ns")),
            ("trace_id", text(one.trace_id for one in traces)),
            ("service", text(one.service for one in traces)),
            ("name", text(one.name for one in traces)),
            ("duration_ms", number_column(np.array([one.duration_ns / 1e6 for one in traces], np.float64))),
            ("spans", whole_column([one.spans for one in traces])),
            ("errors", whole_column([one.errors for one in traces])),
            ("services", text(json_text(dict(one.services)).decode() for one in traces)),
        ]
    )


def _count(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _operation(signal: str, handler: Handler, query: Mapping[str, Schema], *required: str) -> Operation:
    return Operation(
        f"/api/export/{signal}",
        "GET",
        answering(handler, native_error, handler),
        f"{signal}.export",
        name=f"export_{signal}",
        tag="exports",
        summary=f"Export {signal}",
        responses={**failed(_FAILURES), 200: _FILE},
        inputs=inputs_of("", query, required),
    )
