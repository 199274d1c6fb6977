"""Pharos' own addresses for logs: lines, counts over time, fields, surroundings, templates, new lines.

All take the search language of `search.words`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Scope
from pharos.api.http.errors import native_error
from pharos.api.http.event_stream import EVENT_STREAM, comment, event, event_stream, retry
from pharos.api.http.identity import scope_of
from pharos.api.http.json_text import json_text
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Handler, Operation
from pharos.api.http.warned import warnings_of
from pharos.api.native.reading import (
    RANGE,
    STRING,
    TIME,
    Reading,
    failed,
    inputs_of,
    line_place,
    object_of,
    time_ns,
    whole_number,
    window_of,
)
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.query.events.log_search import Follow, Histogram, LogSearch, News
from pharos.query.events.logs import Cursor
from pharos.query.events.rows import Attributes, LogLine
from pharos.search.patterns import Pattern
from pharos.search.tree import Tree
from pharos.search.window import Window
from pharos.search.words import parse_search

_VIEW: Final = "logs.view"
_MS: Final = 1_000_000
_MAX_NS: Final = (1 << 63) - 1
_INTEGER: Final = re.compile(r"\d{1,19}")
"""A whole number with so many digits or more is of nanoseconds, else of milliseconds."""
_CURSOR: Final = re.compile(r"(\d{1,19})\.(\d{1,9})")
_MOST_LINES: Final = 1_000
_MOST_BUCKETS: Final = 1_000
_MOST_VALUES: Final = 200
_MOST_FIELDS: Final = 5_000
_MOST_TEMPLATES: Final = 200
_LONGEST_NAME: Final = 1_000
_MOST_TOLD: Final = 500
_MOST_TAILS: Final = 64
_EVERY_S: Final = 1.0
_QUIET_TURNS: Final = 15
"""After so many turns without news a comment is sent, so that nobody between thinks the connection dead."""
_TAIL_TURNS: Final = 600
"""Then the stream ends: the client asks again, and whether it may is looked at again."""


async def _tree(parameters: Parameters) -> Tree:
    text = parameters.first("query")
    return await off_loop(len(text), partial(parse_search, text))


def _is_newest_first(parameters: Parameters) -> bool:
    text = parameters.first("direction")
    if text not in {"", "backward", "forward"}:
        raise PharosError(Kind.INVALID, f"direction {text[:40]!r} is not one of backward, forward")
    return text != "forward"


def _after(parameters: Parameters) -> Cursor | None:
    text = parameters.first("cursor")
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[1]) > _MAX_NS:
        raise PharosError(Kind.INVALID, "cursor is not one that a search answered with")
    return Cursor(int(found[1]), int(found[2]))


def _field_name(parameters: Parameters, name: str) -> str:
    text = parameters.first(name)
    if len(text) > _LONGEST_NAME:
        raise PharosError(Kind.INVALID, f"{name} has more than {_LONGEST_NAME} characters")
    return text


def _pairs(attributes: Attributes) -> list[list[str]]:
    return [[key, value, kind.value] for key, value, kind in attributes]


def _line(line: LogLine) -> dict[str, Any]:
    origin = line.origin
    return {
        "ts_ns": str(line.ts_ns),
        "observed_ns": str(line.observed_ns) if line.observed_ns else "",
        "origin": str(origin.id),
        "body": line.body,
        "body_kind": line.body_kind.value,
        "level": line.level,
        "severity": line.severity,
        "severity_text": line.severity_text,
        "service": origin.service,
        "event_name": line.event_name,
        "trace_id": line.trace_id,
        "span_id": line.span_id,
        "attributes": _pairs(line.attributes),
        "resource": _pairs(origin.resource),
        "scope": {
            "name": origin.scope_name,
            "version": origin.scope_version,
            "attributes": _pairs(origin.scope),
        },
    }


def _dense(counts: Mapping[int, int], steps: int) -> list[int]:
    return [counts.get(step, 0) for step in range(steps)]


def _histogram(found: Histogram, window: Window) -> dict[str, Any]:
    series = [{"value": one.value, "counts": _dense(one.counts, found.steps)} for one in found.series]
    others = _dense(found.others, found.steps)
    return {
        "start_ns": str(window.start_ns),
        "step_ns": str(found.step_ns),
        "steps": found.steps,
        "total": sum(others) + sum(sum(one.counts.values()) for one in found.series),
        "series": series,
        "others": others,
    }


def _template(one: Pattern, steps: int) -> dict[str, Any]:
    return {
        "template": one.template,
        "level": one.level,
        "lines": one.count,
        "first_ns": str(one.first_ns),
        "last_ns": str(one.last_ns),
        "counts": _dense(one.by_step, steps),
    }


class LogsApi(Struct):
    """Everything below `/api/logs`."""

    logs: LogSearch
    clock: Clock
    every_s: float = _EVERY_S
    _tails: set[int] = field(default_factory=set)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    def _logs(self, request: Request) -> LogSearch:
        """Return what answers a request, and tells it what the answer may lack."""
        return self.logs.telling(warnings_of(request))

    async def search(self, parameters: Parameters, request: Request) -> Any:
        """Return the lines that meet a search, the newest first, and where the next page begins."""
        window = window_of(parameters, self.clock.now_ns())
        page = await self._logs(request).page(
            scope_of(request),
            window,
            await _tree(parameters),
            whole_number(parameters, "limit", 100, _MOST_LINES),
            newest_first=_is_newest_first(parameters),
            after=_after(parameters),
        )
        cursor = "" if page.next is None else f"{page.next.ts_ns}.{page.next.given}"
        return {"lines": [_line(line) for line in page.lines], "cursor": cursor}

    async def histogram(self, parameters: Parameters, request: Request) -> Any:
        """Return how many lines meet a search at each step, by level or another field."""
        window = window_of(parameters, self.clock.now_ns())
        tree = await _tree(parameters)
        buckets = whole_number(parameters, "buckets", 60, _MOST_BUCKETS)
        step_ns = max(-(-(window.end_ns - window.start_ns) // buckets), _MS)
        by = _field_name(parameters, "by")
        return _histogram(
            await self._logs(request).histogram(scope_of(request), window, tree, step_ns, by), window
        )

    async def fields(self, parameters: Parameters, request: Request) -> Any:
        """Return the names of the fields that lines have on the days of a time, and where they are."""
        found = await self._logs(request).fields(
            scope_of(request), window_of(parameters, self.clock.now_ns())
        )
        return {
            "fields": [{"name": one.name, "place": one.place.value} for one in found[:_MOST_FIELDS]],
            "left_out": max(len(found) - _MOST_FIELDS, 0),
        }

    async def values(self, parameters: Parameters, request: Request) -> Any:
        """Return the most frequent values of a field among the lines that meet a search."""
        window = window_of(parameters, self.clock.now_ns())
        name = _field_name(parameters, "field")
        if not name:
            raise PharosError(Kind.INVALID, "field is missing: whose values are asked for?")
        limit = whole_number(parameters, "limit", 10, _MOST_VALUES)
        found = await self._logs(request).values(
            scope_of(request), window, await _tree(parameters), name, limit
        )
        return [{"value": one.value, "lines": one.lines} for one in found]

    async def context(self, parameters: Parameters, request: Request) -> Any:
        """Return the lines around one in what it comes from, the oldest first."""
        origin, ts_ns = line_place(parameters)
        found = await self._logs(request).surroundings(
            scope_of(request),
            origin,
            ts_ns,
            before=whole_number(parameters, "before", 20, _MOST_LINES),
            after=whole_number(parameters, "after", 20, _MOST_LINES),
        )
        lines = [_line(line) for line in found.lines]
        return {"lines": lines, "is_start": found.is_start, "is_end": found.is_end}

    async def patterns(self, parameters: Parameters, request: Request) -> Any:
        """Return the templates of the newest lines that meet a search, the most frequent first."""
        window = window_of(parameters, self.clock.now_ns())
        tree = await _tree(parameters)
        buckets = whole_number(parameters, "buckets", 30, _MOST_BUCKETS)
        step_ns = max(-(-(window.end_ns - window.start_ns) // buckets), _MS)
        steps = -(-(window.end_ns - window.start_ns) // step_ns)
        found = await self._logs(request).templates(scope_of(request), window, tree, step_ns)
        return {
            "start_ns": str(window.start_ns),
            "step_ns": str(step_ns),
            "lines": found.lines,
            "is_complete": found.is_complete,
            "patterns": [_template(one, steps) for one in found.found[:_MOST_TEMPLATES]],
            "left_out": max(len(found.found) - _MOST_TEMPLATES, 0),
        }

    async def tail(self, request: Request) -> Response:
        """Send new lines that meet a search as server-sent events, until the client goes."""
        try:
            parameters = query_parameters(request)
            tree = await _tree(parameters)
            # A client that comes back says up to which moment it was told.
            last = request.headers.get("last-event-id", "")
            start = (
                int(last) if _INTEGER.fullmatch(last) else time_ns(parameters, "start", self.clock.now_ns())
            )
            limit = whole_number(parameters, "limit", _MOST_TOLD, _MOST_TOLD)
            self._check_room()
        except PharosError as exc:
            return native_error(exc)
        events = self._told(scope_of(request), Follow(tree, start, limit))
        return event_stream(events)

    def end(self) -> None:
        """End the streams: a server that stops would wait for them."""
        self._ending.set()

    def _check_room(self) -> None:
        if len(self._tails) >= _MOST_TAILS:
            raise PharosError(
                Kind.LIMITED,
                f"{_MOST_TAILS} searches are followed already",
                hint="close one, or try again later",
                retry_after_s=10.0,
            )

    async def _told(self, scope: Scope, follow: Follow) -> AsyncIterator[bytes]:
        mine = id(follow)
        self._tails.add(mine)
        try:
            yield retry(2000)
            quiet = 0
            for _ in range(_TAIL_TURNS):
                now_ns = self.clock.now_ns()
                try:
                    news = await self.logs.news(scope, follow, now_ns)
                except PharosError as exc:
                    yield event("failure", json_text({"error": str(exc)}))
                    return
                quiet += 1
                if news.lines or news.left_out:
                    yield event("lines", json_text(_news(news)), str(now_ns))
                    quiet = 0
                elif quiet >= _QUIET_TURNS:
                    yield comment("nothing new")
                    quiet = 0
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ending.wait(), self.every_s)
                if self._ending.is_set():
                    return
        finally:
            self._tails.discard(mine)

    def operations(self) -> Iterator[Operation]:
        """Yield all operations."""
        asked = {"query": _QUERY, **RANGE}
        pages = {"limit": _count(_MOST_LINES), "direction": _DIRECTION, "cursor": STRING}
        yield _READING.operation("/api/logs/search", self.search, _LINES, {**asked, **pages})
        counted = {"buckets": _count(_MOST_BUCKETS), "by": {**STRING, "description": "A field's name."}}
        yield _READING.operation("/api/logs/histogram", self.histogram, _HISTOGRAM, {**asked, **counted})
        yield _READING.operation("/api/logs/fields", self.fields, _FIELDS, RANGE)
        named = {"field": STRING, "limit": _count(_MOST_VALUES)}
        yield _READING.operation("/api/logs/values", self.values, _VALUES, {**asked, **named}, "field")
        around = {"before": _count(_MOST_LINES), "after": _count(_MOST_LINES)}
        line = {"origin": {**STRING, "pattern": r"^\d{1,20}$"}, "ts": TIME}
        yield _READING.operation(
            "/api/logs/context", self.context, _CONTEXT, {**line, **around}, "origin", "ts"
        )
        buckets = {"buckets": _count(_MOST_BUCKETS)}
        yield _READING.operation("/api/logs/patterns", self.patterns, _PATTERNS, {**asked, **buckets})
        yield _tail_operation(self.tail)


def _news(news: News) -> dict[str, Any]:
    return {"lines": [_line(line) for line in news.lines], "left_out": news.left_out}


Endpoint = Callable[[Parameters, Scope], Awaitable[Any]]
_WHOLE: Final[dict[str, Any]] = {"type": "integer"}
_BOOL: Final[dict[str, Any]] = {"type": "boolean"}
_QUERY: Final[dict[str, Any]] = {
    "type": "string",
    "description": "Words, fields and values, as the page on searching logs has them.",
    "examples": ["level:error timeout"],
}
_DIRECTION: Final[dict[str, Any]] = {"type": "string", "enum": ["backward", "forward"]}


def _count(most: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _list(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": dict(items)}


_ATTRIBUTES: Final = {
    **_list({**_list(STRING), "minItems": 3, "maxItems": 3}),
    "description": "Key, value as text, and a letter for its kind.",
}
_ONE_LINE: Final = object_of(
    ts_ns=STRING,
    observed_ns=STRING,
    origin=STRING,
    body=STRING,
    body_kind=STRING,
    level=STRING,
    severity=_WHOLE,
    severity_text=STRING,
    service=STRING,
    event_name=STRING,
    trace_id=STRING,
    span_id=STRING,
    attributes=_ATTRIBUTES,
    resource=_ATTRIBUTES,
    scope=object_of(name=STRING, version=STRING, attributes=_ATTRIBUTES),
)
_LINES: Final = object_of(lines=_list(_ONE_LINE), cursor=STRING)
_HISTOGRAM: Final = object_of(
    start_ns=STRING,
    step_ns=STRING,
    steps=_WHOLE,
    total=_WHOLE,
    series=_list(object_of(value=STRING, counts=_list(_WHOLE))),
    others=_list(_WHOLE),
)
_FIELDS: Final = object_of(fields=_list(object_of(name=STRING, place=STRING)), left_out=_WHOLE)
_VALUES: Final = _list(object_of(value=STRING, lines=_WHOLE))
_CONTEXT: Final = object_of(lines=_list(_ONE_LINE), is_start=_BOOL, is_end=_BOOL)
_PATTERNS: Final = object_of(
    start_ns=STRING,
    step_ns=STRING,
    lines=_WHOLE,
    is_complete=_BOOL,
    patterns=_list(
        object_of(
            template=STRING,
            level=STRING,
            lines=_WHOLE,
            first_ns=STRING,
            last_ns=STRING,
            counts=_list(_WHOLE),
        )
    ),
    left_out=_WHOLE,
)
_FAILURES: Final = {
    400: "What is asked for is not what it must be; of a search the column is told.",
    413: "The search has too many conditions, or means too much.",
    422: "It cannot be answered.",
    429: "It reads more than it may, or too many are asked.",
    500: "A fault of Pharos.",
    503: "It took too long, or not now.",
}
_READING: Final = Reading(_VIEW, "logs", "logs", _FAILURES)


def _tail_operation(handler: Handler) -> Operation:
    answer = {"content": {EVENT_STREAM: {"schema": STRING}}, "description": "Events `lines` and `failure`."}
    asked = {"query": _QUERY, "start": TIME, "limit": _count(_MOST_TOLD)}
    return Operation(
        "/api/logs/tail",
        "GET",
        handler,
        _VIEW,
        name="logs_tail",
        tag="logs",
        summary="Log tail",
        responses={**failed(_FAILURES), 200: answer},
        inputs=inputs_of("", asked, ()),
    )
