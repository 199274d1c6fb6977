"""What there is: labels and their values, series, and fields found in lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

from msgspec import Struct, field
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.identity import scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.warned import warnings_of
from pharos.api.loki.answers import bare, success
from pharos.api.loki.parameters import MAX_LIMIT, limit_of, window_of
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import Parameters
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.query.events.log_queries import Check, LogQueries
from pharos.search.logql.ast import JsonParser, LogfmtParser, Logs
from pharos.search.logql.evaluate import Asked, select_lines
from pharos.search.logql.line import Line
from pharos.search.logql.lower import select_streams
from pharos.search.logql.parse import parse_logs
from pharos.search.logql.parsers import JSON_ERROR, parser_step
from pharos.search.logql.source import Entry, Source, Stream
from pharos.search.logql.units import parse_bytes
from pharos.search.window import Window

T = TypeVar("T")

_DEFAULT_FIELDS: Final = 1_000
_DEFAULT_LINES: Final = 100
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_MOST_VALUES: Final = 1_000
_json = parser_step(JsonParser())
_logfmt = parser_step(LogfmtParser(strict=True))


class _Field(Struct):
    """A label that lines have beside those of their stream."""

    values: dict[str, None] = field(default_factory=dict)
    """Distinct, in the order in which they were found."""
    parsers: dict[str, None] = field(default_factory=dict)


class LogCatalogApi(Struct, frozen=True):
    """Labels, series and fields."""

    logs: LogQueries
    clock: Clock

    async def labels(self, parameters: Parameters, request: Request) -> Response:
        """Return the names of the labels of streams."""
        streams = await self._streams(parameters, request)
        return success(sorted({name for stream in streams for name in stream.labels}), warnings_of(request))

    async def label_values(self, parameters: Parameters, request: Request) -> Response:
        """Return the values of a label of streams."""
        name = request.path_params["name"]
        streams = await self._streams(parameters, request)
        values = {stream.labels[name] for stream in streams if name in stream.labels}
        return success(sorted(values), warnings_of(request))

    async def series(self, parameters: Parameters, request: Request) -> Response:
        """Return the labels of the streams that any of the selectors matches."""
        texts = [*parameters.all("match[]"), *parameters.all("match")]
        streams = await self._streams(parameters, request, texts)
        found = {tuple(stream.labels.items()) for stream in streams}
        return success([dict(labels) for labels in sorted(found)], warnings_of(request))

    async def detected_labels(self, parameters: Parameters, request: Request) -> Response:
        """Return the labels of streams with how many values each has, but for those that are ids."""
        values: dict[str, set[str]] = {}
        for stream in await self._streams(parameters, request):
            for name, value in stream.labels.items():
                values.setdefault(name, set()).add(value)
        found = [
            {"label": name, "cardinality": len(some)}
            for name, some in sorted(values.items())
            if not all(_NUMBER.fullmatch(one) or _UUID.fullmatch(one) for one in some)
        ]
        return bare({"detectedLabels": found})

    async def _streams(
        self, parameters: Parameters, request: Request, selectors: Sequence[str] = ()
    ) -> Sequence[Stream]:
        window = window_of(parameters, self.clock.now_ns())
        texts = [*selectors, *parameters.all("query")]
        read = [text for text in texts if text.strip() not in {"", "{}"}]
        queries = await off_loop(sum(map(len, read)), lambda: [parse_logs(text) for text in read])

        def work(source: Source, check: Check) -> Sequence[Stream]:  # noqa: ARG001
            streams = source.streams(window, exact=True)
            if not queries:
                return streams
            found = {one.id: one for query in queries for one in select_streams(streams, query.matchers)}
            return list(found.values())

        return await self._ask(request, window, ("streams", window, tuple(read)), work)

    async def _ask(
        self, request: Request, window: Window, asked: Any, work: Callable[[Source, Check], T]
    ) -> T:
        logs = self.logs.telling(warnings_of(request))
        return await while_connected(request, logs.ask(scope_of(request), asked, work, window=window))

    # --- fields

    async def detected_fields(self, parameters: Parameters, request: Request) -> Response:
        """Return the fields that are found in the newest lines, of structured metadata and by parsing."""
        limit = limit_of(parameters, default=_DEFAULT_FIELDS)
        fields = await self._fields(parameters, request)
        found = [
            {
                "label": name,
                "type": _type_of(one.values),
                "cardinality": len(one.values),
                "parsers": list(one.parsers) or None,
            }
            for name, one in sorted(fields.items())
        ]
        return bare({"fields": found[:limit], "limit": limit})

    async def detected_field_values(self, parameters: Parameters, request: Request) -> Response:
        """Return the values of a field that are found in the newest lines."""
        limit = limit_of(parameters, default=_DEFAULT_FIELDS)
        fields = await self._fields(parameters, request)
        one = fields.get(request.path_params["name"], _Field())
        return bare({"values": list(one.values)[:limit], "limit": limit})

    async def _fields(self, parameters: Parameters, request: Request) -> dict[str, _Field]:
        window = window_of(parameters, self.clock.now_ns())
        lines = min(limit_of(parameters, "line_limit", _DEFAULT_LINES), MAX_LIMIT)
        text = parameters.first("query")
        if not text:
            raise PharosError(Kind.INVALID, "query is missing", hint='such as query={app="web"}')
        query = await off_loop(len(text), partial(parse_logs, text))

        def work(source: Source, check: Check) -> dict[str, _Field]:
            return _found_in(query, select_lines(source, query, _asked(window, lines), check))

        return await self._ask(request, window, ("fields", window, text, lines), work)


def _asked(window: Window, lines: int) -> Asked:
    return Asked(window, lines)


def _found_in(query: Logs, lines: Iterable[Line]) -> dict[str, _Field]:
    """Return the fields of lines: those that the query's parsers found, else what a parser finds."""
    fields: dict[str, _Field] = {}

    def note(labels: dict[str, str], parser: str) -> None:
        for name, value in labels.items():
            one = fields.setdefault(name, _Field())
            if len(one.values) < _MOST_VALUES:
                one.values.setdefault(value)
            if parser:
                one.parsers.setdefault(parser)

    parsers = [_PARSER_NAMES[type(stage)] for stage in query.stages if type(stage) in _PARSER_NAMES]
    for line in lines:
        note(line.metadata, "")
        if line.parsed or parsers:
            note(line.parsed, parsers[-1] if parsers else "")
            continue
        parsed, parser = _parsed(line)
        note(parsed, parser)
    return fields


_PARSER_NAMES: Final[dict[type, str]] = {JsonParser: "json", LogfmtParser: "logfmt"}


def _parsed(line: Line) -> tuple[dict[str, str], str]:
    """Return (what a parser finds in a line, which one)."""
    trial = Line(Entry(line.ts_ns, line.text, line.entry.stream, line.entry.metadata))
    _json(trial)
    if trial.error != JSON_ERROR:
        return trial.parsed, "json"
    trial = Line(Entry(line.ts_ns, line.text, line.entry.stream, line.entry.metadata))
    _logfmt(trial)
    return ({}, "") if trial.error else (trial.parsed, "logfmt")


def _type_of(values: Iterable[str]) -> str:
    """Return what all values can be read as."""
    kinds = {_kind(value) for value in values if value}
    if len(kinds) == 1:
        return kinds.pop()
    return "float" if kinds == {"int", "float"} else "string"


def _kind(value: str) -> str:
    if _NUMBER.fullmatch(value):
        return "float" if "." in value else "int"
    if value in {"true", "false"}:
        return "boolean"
    for kind, read in _READERS:
        try:
            read(value)
        except PharosError:
            continue
        return kind
    return "string"


_READERS: Final[tuple[tuple[str, Callable[[str], Any]], ...]] = (
    ("duration", parse_go_duration),
    ("bytes", parse_bytes),
)
