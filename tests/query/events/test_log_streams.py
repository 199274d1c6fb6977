"""LogQL over the store of logs: its answers are those over the same lines in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.query.events.requests import NOON_NS
from tests.search.logql.memory_source import MemorySource, source_of

from pharos.access import Scope, upkeep
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.errors import PharosError
from pharos.ingest.events.batch import LogSignal
from pharos.ingest.events.requests import EventRequest, log_record, resource_of, scope_of
from pharos.query.events.log_streams import StreamSource
from pharos.query.events.logs import LogStore
from pharos.search.logql.ast import Logs, Metric
from pharos.search.logql.evaluate import Asked, evaluate_metric, points, select_lines
from pharos.search.logql.grid import Grid, Steps
from pharos.search.logql.parse import parse_logs, parse_query
from pharos.search.logql.source import Source
from pharos.search.tree import All
from pharos.search.window import Window

NS = 1_000_000_000
METRICS = yaml.safe_load(
    (Path(__file__).parents[2] / "search" / "logql" / "cases" / "metrics.yaml").read_text()
)
WINDOW = Window(NOON_NS, NOON_NS + 100 * NS)
TOKENS = itertools.count()
SELECTIONS = [
    '{app="a"}',
    '{app=~".+", service_name!="b"} |= "v"',
    '{app=~"a|b"} != "v=1" |~ "^v=[0-9]+$"',
    '{app="a"} |> "v=<_> d=<_>"',
    '{app="a"} | user="u1"',
    '{app="a"} | user!="u1"',
    '{app="a"} | user=~"u[12]" | host="x"',
    '{app=~".+"} | user=""',
    '{app=~".+"} | user!=""',
    '{app=~".+"} | user="u2" or host="z"',
    '{app=~".+"} | http_status_code >= 500',
    '{app=~".+"} | http_status_code="200"',
    '{app=~".+"} | detected_level="error"',
    '{app=~".+"} | detected_level="ERROR"',
    '{app=~".+"} | detected_level!="error"',
    '{app=~".+"} | detected_level=~"err.*|warn"',
    '{app=~".+"} | trace_id="0123456789abcdef0123456789abcdef"',
    '{app=~".+"} | trace_id="0123456789ABCDEF0123456789ABCDEF"',
    '{app=~".+"} | trace_id!=""',
    '{app=~".+"} | severity_number="17"',
    '{app=~".+"} | severity_text="Error"',
    '{app=~".+"} | scope_name="lib"',
    '{app=~".+"} | no_such_field!="x"',
    '{app=~".+"} | logfmt | v > 3',
]
COUNTED = [
    'sum(count_over_time({app=~".+"}[30s]))',
    'sum by (detected_level) (count_over_time({app=~".+"}[7s]))',
    'sum by (detected_level) (count_over_time({app=~".+"} | logfmt | v > 1 | __error__="" [30s]))',
    'sum by (http_status_code) (bytes_over_time({app=~".+"}[30s]))',
    'sum by (trace_id, app) (rate({app=~".+"}[30s]))',
    'sum by (severity_text, event_name, span_id) (rate({app=~".+"}[30s]))',
    'count_over_time({app=~".+"}[30s])',
]
"""Beside what the cases of lines in memory ask."""
PLAIN = {"ts", "line", "labels", "meta"}
MORE: list[dict[str, Any]] = [
    {
        "ts": 40,
        "line": "v=5",
        "labels": {"app": "d"},
        "http.status.code": "200",
        "severity": 17,
        "text": "Error",
    },
    {
        "ts": 41,
        "line": "v=6",
        "labels": {"app": "d"},
        "http.status.code": "503",
        "trace": "0123456789abcdef" * 2,
    },
    {"ts": 42, "line": "v=7", "labels": {"app": "d"}, "scope": "lib", "severity": 13},
]


@dataclass
class Both:
    """The same lines in a store and in memory."""

    engine: EmbeddedEngine
    store: LogStore
    scope: Scope
    memory: MemorySource

    def sources(self) -> Iterator[Source]:
        """Yield the store's and the other one."""
        yield StreamSource(self.store, self.engine.session(), self.scope, {})
        yield self.memory


def _add(request: EventRequest, row: dict[str, Any]) -> None:
    attributes = [*(row.get("meta") or {}).items()]
    if "http.status.code" in row:
        attributes.append(("http.status.code", row["http.status.code"]))
    record = log_record(
        row["line"],
        ts_ns=NOON_NS + row["ts"] * NS,
        attributes=attributes,
        severity=row.get("severity", 0),
        severity_text=row.get("text", ""),
        trace_id=bytes.fromhex(row.get("trace", "")),
    )
    request.add(resource_of([*row["labels"].items()]), record, scope_of(row.get("scope", "")))


def _in_memory(row: dict[str, Any]) -> dict[str, Any]:
    """Return a line as it is to be read."""
    levels = {17: "error", 13: "warn"}
    own = {
        "http_status_code": row.get("http.status.code"),
        "severity_number": str(row["severity"]) if "severity" in row else None,
        "severity_text": row.get("text"),
        "detected_level": levels.get(row.get("severity", 0)),
        "trace_id": row.get("trace"),
        "scope_name": row.get("scope"),
    }
    meta = {**(row.get("meta") or {}), **{name: value for name, value in own.items() if value}}
    labels = {**row["labels"], "service_name": row["labels"]["app"]}
    return {"ts": NOON_NS + row["ts"] * NS, "line": row["line"], "labels": labels, "meta": meta}


@pytest.fixture
def both(engine: EmbeddedEngine) -> Both:
    """A tenant of its own with the lines of the cases and some more."""
    number, changes = next(TOKENS), Changes()
    rows = [*METRICS["lines"], *MORE]
    request = EventRequest()
    for row in rows:
        _add(request, row)
    logs = LogSignal()
    batch = logs.begin()
    logs.decode(batch, f"streams{number}", request.body(), NOON_NS + 50 * NS)
    batch.insert(engine, f"streams-{number}")
    batch.note(changes)
    return Both(engine, LogStore(changes), upkeep(f"streams{number}"), source_of(map(_in_memory, rows)))


def _lines(source: Source, query: Logs, *, newest_first: bool) -> list[Any]:
    found = select_lines(source, query, Asked(WINDOW, 4_000, newest_first))
    return [(line.ts_ns, line.text, _without_times(line.labels())) for line in found]


def _without_times(labels: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in labels.items() if name != "observed_timestamp"}


def test_lines_are_those_that_the_query_means(both: Both) -> None:
    for text in SELECTIONS:
        query = parse_logs(text)
        for newest_first in (True, False):
            stored, wanted = (_lines(one, query, newest_first=newest_first) for one in both.sources())
            assert stored == wanted, text


def _numbers(source: Source, query: Metric, steps: Steps) -> Any:
    try:
        found = evaluate_metric(source, query, steps)
    except PharosError as exc:
        return exc.kind
    if not isinstance(found, Grid):
        return found
    return sorted((labels, repr(points(column, steps))) for labels, column in found.series.items())


def test_numbers_are_those_of_the_lines(both: Both) -> None:
    cases = [(case["query"], case["at"], case.get("to"), case.get("step", 0)) for case in METRICS["cases"]]
    cases += [(query, 35, 65, 10) for query in COUNTED]
    for text, at, to, step in cases:
        query = parse_query(text)
        assert not isinstance(query, Logs)
        steps = Steps(NOON_NS + at * NS, NOON_NS + (to or at) * NS, step * NS)
        stored, wanted = (_numbers(one, query, steps) for one in both.sources())
        assert stored == wanted, text


def test_streams_are_exact_where_that_is_asked_for(both: Both) -> None:
    stored, _ = both.sources()
    early = Window(NOON_NS, NOON_NS + 15 * NS)
    assert sorted(one.labels["app"] for one in stored.streams(early, exact=True)) == ["a", "a", "b"]
    assert {one.labels["app"] for one in stored.streams(early)} == {"a", "b", "c", "d"}


def test_streams_of_lines_that_are_read_before_their_origins_are_told_have_all_their_labels(
    engine: EmbeddedEngine,
) -> None:
    changes, logs, tenant = Changes(), LogSignal(), f"streams{next(TOKENS)}"
    store, scope, streams = LogStore(changes), upkeep(tenant), dict[int, Any]()
    query = parse_logs('{service_name="d"}')

    def labels() -> list[dict[str, str]]:
        source = StreamSource(store, engine.session(), scope, streams)
        return [_without_times(one.labels()) for one in select_lines(source, query, Asked(WINDOW, 10, True))]

    assert labels() == []
    request = EventRequest()
    _add(request, {"ts": 1, "line": "x", "labels": {"app": "d", "service.name": "d"}})
    batch = logs.begin()
    logs.decode(batch, tenant, request.body(), NOON_NS + 50 * NS)
    batch.insert(engine, tenant)
    # Nobody told of it yet: what is kept of origins has none.
    before = store.lines(engine.session(), scope, WINDOW, All(), limit=9)
    assert [{k: v for k, v, _ in one.origin.resource} for one in before.lines] == [
        {"app": "d", "service.name": "d"}
    ]
    batch.note(changes)
    assert labels() == [{"app": "d", "service_name": "d"}]
