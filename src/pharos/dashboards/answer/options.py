"""Options of query variables: what metrics, logs and traces know of labels and values."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

from pharos.access import Scope
from pharos.dashboards.answer.doors import Doors, require_permission
from pharos.dashboards.answer.legend import notation
from pharos.dashboards.model import Model, Option, Variable
from pharos.dashboards.reading import mapping, mappings, text
from pharos.dashboards.references import FORMS, References, prometheus_form
from pharos.dashboards.sources import Asks, refused, source_of
from pharos.dashboards.times import Span
from pharos.dashboards.variables import MOST_OPTIONS, picked
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_f
from pharos.labels import METRIC_NAME, compile_regex
from pharos.promql.grids.grid import Answer
from pharos.promql.language.parse import parse_selector
from pharos.query.limits import Times
from pharos.query.metrics.catalog import Window
from pharos.query.metrics.query import parse_query
from pharos.search.logql.ast import Logs, Matcher
from pharos.search.logql.lower import select_streams
from pharos.search.logql.parse import parse_query as parse_logql
from pharos.search.logql.source import Source
from pharos.search.tree import All, Place
from pharos.search.window import Window as Search

_LABEL_NAMES: Final = re.compile(r"\s*label_names\((.*)\)\s*\Z", re.DOTALL)
_LABEL_VALUES: Final = re.compile(r"\s*label_values\((?:(.+),\s*)?([^,()]+?)\s*\)\s*\Z", re.DOTALL)
_METRICS: Final = re.compile(r"\s*metrics\((.*)\)\s*\Z", re.DOTALL)
_RESULT: Final = re.compile(r"\s*query_result\((.+)\)\s*\Z", re.DOTALL)
_MOST_TRACE_VALUES: Final = 1_000


async def options_of(
    doors: Doors, scope: Scope, variable: Variable, names: References, span: Span, model: Model
) -> list[Option]:
    """Return the options of a variable that asks for them. Raises PharosError."""
    query = variable.query
    asked = {"datasource": variable.datasource, "expr": query if isinstance(query, str) else "x"}
    source = source_of(asked, None, model)
    # Always seen from a whole minute on, so that what is asked again is known still.
    span = Span(span.start_ms // 60_000 * 60_000, span.end_ms)
    match source.asks:
        case Asks.METRICS:
            require_permission(scope, "metrics.view")
            found = await _metrics(doors, scope, _metrics_text(query, names), span)
        case Asks.LOGS:
            require_permission(scope, "logs.view")
            found = await _logs(doors, scope, _logs_text(query, names), span)
        case Asks.TRACES:
            require_permission(scope, "traces.view")
            found = await _traces(doors, scope, query, names, span)
        case _:
            message, hint = refused(source.plugin)
            raise PharosError(Kind.UNSUPPORTED, message, hint=hint)
    pattern = names.filled(variable.regex, FORMS["regex"])
    return picked(found, variable, pattern)


def _metrics_text(query: Any, names: References) -> str:
    """Return what is asked, as the text that versions of all ages understand."""
    said = text(query)
    if isinstance(query, dict):
        said = text(query.get("query")) or text(query.get("expr"))
        if not said:
            said = _built(query)
    return names.filled(said, prometheus_form)


def _built(query: dict[str, Any]) -> str:
    """Return the text of a query that was put together in a form (`qryType`)."""
    metric, label = text(query.get("metric")), text(query.get("label"))
    filters = ",".join(
        f'{text(one.get("label"))}{text(one.get("op")) or "="}"{text(one.get("value"))}'
        for one in mappings(query.get("labelFilters"))
    )
    selector = metric + (f"{{{filters}}}" if filters else "")
    match query.get("qryType"):
        case 0:
            return f"label_names({text(query.get('match'))})"
        case 1:
            return f"label_values({selector}, {label})" if selector else f"label_values({label})"
        case 2:
            return f"metrics({text(query.get('metric')) or '.*'})"
        case 3:
            return f"query_result({text(query.get('varQuery'))})"
        case 4:
            return text(query.get("seriesQuery"))
        case _:
            return text(query.get("classicQuery"))


async def _metrics(doors: Doors, scope: Scope, said: str, span: Span) -> list[str]:
    if not said.strip():
        raise PharosError(Kind.INVALID, "the variable asks nothing", hint="such as label_values(up, job)")

    def window(selector: str) -> Window:
        matchers = (parse_selector(selector),) if selector.strip() else ()
        return Window(scope, span.start_ms, span.end_ms, matchers, MOST_OPTIONS)

    names = _LABEL_NAMES.match(said)
    if names is not None:
        return await doors.catalog.label_names(window(names[1]), list)
    values = _LABEL_VALUES.match(said)
    if values is not None:
        return await doors.catalog.label_values(values[2], window(values[1] or ""), list)
    metrics = _METRICS.match(said)
    if metrics is not None:
        pattern = compile_regex(metrics[1].strip() or ".*")
        found = await doors.catalog.label_values(METRIC_NAME, window(""), list)
        return [name for name in found if pattern.search(name) is not None]
    result = _RESULT.match(said)
    if result is not None:
        query, at = parse_query(result[1]), Times(span.end_ms, span.end_ms)
        return await doors.metrics.evaluate(scope, query, at, partial(_results, span.end_ms))
    return await doors.catalog.series(
        window(said), lambda found: [notation(dict(one)) for one in found[:MOST_OPTIONS]]
    )


def _results(at_ms: int, answer: Answer) -> list[str]:
    """Return series with their values and the time, as `query_result` is answered."""
    rows = zip(answer.labels, answer.values[:, 0].tolist(), answer.present[:, 0].tolist(), strict=True)
    return [f"{notation(dict(labels))} {format_f(value)} {at_ms}" for labels, value, there in rows if there]


def _logs_text(query: Any, names: References) -> str:
    said = text(query)
    if isinstance(query, dict):
        label, stream = text(query.get("label")), text(query.get("stream"))
        said = "label_names()" if query.get("type") == 0 else f"label_values({stream}, {label})"
        if not stream and query.get("type") != 0:
            said = f"label_values({label})"
    return names.filled(said, prometheus_form)


async def _logs(doors: Doors, scope: Scope, said: str, span: Span) -> list[str]:
    names, values = _LABEL_NAMES.match(said), _LABEL_VALUES.match(said)
    selector = (values[1] or "") if values is not None else (names[1] if names is not None else "")
    matchers: tuple[Matcher, ...] = ()
    if selector.strip():
        query = parse_logql(selector)
        if not isinstance(query, Logs):
            raise PharosError(Kind.INVALID, f"{selector[:80]!r} selects no streams")
        matchers = query.matchers
    search = Search(span.start_ms * 1_000_000, span.end_ms * 1_000_000)

    def work(source: Source, _: Any) -> list[str]:
        streams = select_streams(source.streams(search, exact=True), matchers)
        if names is not None:
            return sorted({name for one in streams for name in one.labels})
        label = values[2] if values is not None else ""
        return sorted({one.labels[label] for one in streams if label in one.labels})

    if names is None and values is None:
        raise PharosError(
            Kind.INVALID, f"{said[:80]!r} is no query for logs", hint="label_names(), label_values(label)"
        )
    return await doors.logs.ask(scope, ("options", said, span), work, window=search)


async def _traces(doors: Doors, scope: Scope, query: Any, names: References, span: Span) -> list[str]:
    """Return names or values of attributes, of a query that Tempo's or Jaeger's editor made."""
    said = mapping(query)
    search = Search(span.start_ms * 1_000_000, span.end_ms * 1_000_000)
    label = names.filled(text(said.get("label")) or text(query))
    if label.startswith("services") or label in {"service.name", "resource.service.name", "rootServiceName"}:
        return await doors.traces.services(scope, search)
    if said.get("type") == 0 or not label:
        return await doors.traces.attributes(scope, search)
    name, place = _attribute(label)
    found = await doors.traces.values(scope, search, All(), name, place, _MOST_TRACE_VALUES)
    return sorted({one.value for one in found})


def _attribute(label: str) -> tuple[str, Place]:
    if label == "name":
        return "name", Place.OWN
    if label.startswith("resource."):
        return label.removeprefix("resource."), Place.RESOURCE
    return label.removeprefix("span.").removeprefix("."), Place.RECORD
