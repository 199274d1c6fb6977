"""Random reads of one tenant over every route of logs, traces and runs; see `bench.isolation` for metrics.

Both tenants have lines, spans and runs of the same services, fields and traces, down to the ids; those of the
other one are marked.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote, urlencode

from bench.isolation import MARK, MINE, THEIRS, Read, Reader, once

TRACE_ID: Final = "5b8aa5a2d2c872e8321cf37308d69df2"
"""Of a trace that both tenants have."""
_LINES: Final = 12
_SPANS: Final = 6
_RUNS: Final = 6
_OK: Final = 200
_THEIR_US: Final = 77_777_777
_SEARCHES: Final = (
    "",
    "line",
    '"line number"',
    "*ine*",
    "NOT nothing",
    "level:* OR user:*",
    "service:shop",
    "/lin./",
    "user:/.*/",
    "pod:*",
    f"trace_id:{TRACE_ID}",
    "tenant:theirs OR line",
)
_STREAMS: Final = (
    '{service_name="shop"}',
    '{service_name=~".+"} |= "line"',
    '{pod=~".*"} | user=~".+"',
    '{service_name="shop"} |~ "(?i)LINE" | line_format "{{.user}} {{.pod}} {{__line__}}"',
    '{service_name="shop"} | logfmt | label_format seen=user',
)
_COUNTS: Final = (
    "sum by (pod) (count_over_time({a} [10m]))",
    "topk(10, sum by (user) (count_over_time({a} [10m])))",
    "sum(bytes_over_time({a} [10m])) by (pod, user)",
    "count_over_time({a} [10m])",
)
_TRACEQL: Final = (
    "{}",
    '{ resource.service.name = "shop" }',
    "{ span.who != nil } | select(span.who)",
    "{ duration > 1ms } >> {}",
    "{} | by(span.who) | count() > 0",
)
_METRICS: Final = ("{} | rate() by (span.who)", "{} | max_over_time(duration) by (name)")


def write_events(port: int, end_ms: int) -> None:
    """Write lines and spans of both tenants, and wait until they are found. Raises RuntimeError."""
    for tenant in (THEIRS, MINE):
        word = MARK if tenant == THEIRS else MINE
        headers = {"X-Scope-OrgID": tenant, "Content-Type": "application/json"}
        for path, body in (
            ("/loki/api/v1/push", _lines(word, end_ms)),
            ("/api/v2/spans", _spans(word, end_ms)),
        ):
            status, words = once(port, "POST", path, headers, body)
            if status not in {202, 204}:
                raise RuntimeError(f"what {tenant} sent to {path} was not taken: {status} {words[:200]!r}")
    times = {"start": str(end_ms - 600_000), "end": str(end_ms + 1)}
    for tenant in (THEIRS, MINE):
        word = MARK if tenant == THEIRS else MINE
        for path in (f"/api/logs/search?{urlencode(times)}", f"/api/traces/{TRACE_ID}"):
            for _ in range(600):
                if once(port, "GET", path, {"X-Scope-OrgID": tenant})[1].count(word.encode()) >= _SPANS:
                    break
                time.sleep(0.05)
            else:
                raise RuntimeError(f"what {tenant} sent is not found by {path}")


def write_runs(port: int, end_ms: int) -> None:
    """Write runs of both tenants, after reads of metrics: these would count series of runs, too.

    Raises RuntimeError.
    """
    for tenant in (THEIRS, MINE):
        body = _runs(MARK if tenant == THEIRS else MINE, end_ms)
        headers = {"X-Scope-OrgID": tenant, "Content-Type": "application/json"}
        status, words = once(port, "POST", "/api/v1/runs", headers, body)
        if status != _OK:
            raise RuntimeError(f"runs of {tenant} were not taken: {status} {words[:200]!r}")


def _lines(word: str, end_ms: int) -> bytes:
    values = [
        [
            str((end_ms - 10_000 * k) * 1_000_000),
            f"line number {k} user={word}-{k} of {word}",
            {"user": f"{word}-{k}", "trace_id": TRACE_ID, "detected_level": "error" if k % 3 else "info"},
        ]
        for k in range(_LINES)
    ]
    stream = {"service_name": "shop", "pod": f"pod-{word}", f"own_{word}": "x"}
    return json.dumps({"streams": [{"stream": stream, "values": values}]}).encode()


def _spans(word: str, end_ms: int) -> bytes:
    took_us = _THEIR_US if word == MARK else 1_500
    spans = [
        {
            "traceId": TRACE_ID,
            "id": f"{k + 1:016x}",
            **({"parentId": f"{k:016x}"} if k else {}),
            "name": f"op {word}" if k % 2 else "op",
            "kind": "SERVER" if k % 2 else "CLIENT",
            "timestamp": end_ms * 1000 - 100_000_000 + k,
            "duration": took_us,
            "localEndpoint": {"serviceName": "shop" if k < 3 else f"depot-{word}"},
            "tags": {"who": word, f"own.{word}": "x", **({"error": word} if k == 2 else {})},
        }
        for k in range(_SPANS)
    ]
    return json.dumps(spans).encode()


def _runs(word: str, end_ms: int) -> bytes:
    events: list[dict[str, object]] = []
    for k in range(_RUNS):
        run: dict[str, object] = {"run_id": f"run-{k}", "time_ms": end_ms - 60_000 + k}
        said = {
            "owner": word,
            "node": word,
            "version": word,
            "attributes": {"who": word},
            "inputs": {"who": word},
        }
        events.append({**run, "kind": "start", "workflow": "load" if k % 2 else f"load-{word}", **said})
        step = {"id": f"step-{word}"}
        events.append({**run, "kind": "end", "step": step, "state": "failed", "error": word})
        if k % 3:
            events.append({**run, "kind": "end", "state": "failed", "error": word, "time_ms": end_ms - 1_000})
    return json.dumps(events).encode()


class EventReader(Reader):
    """Makes random reads of logs, traces and runs."""

    def __init__(self, seed: int, end_ms: int) -> None:
        super().__init__(seed, end_ms)
        self._routes = [
            self._logs,
            self._logs,
            self._loki,
            self._loki,
            self._own_spans,
            self._own_spans,
            self._jaeger,
            self._tempo,
            self._related,
            self._runs,
        ]

    def _times(self, unit: int = 1) -> list[tuple[str, str]]:
        return [("start", str((self._end_ms - 600_000) * unit)), ("end", str((self._end_ms + 1_000) * unit))]

    def _logs(self) -> Read:
        pick = self._random.choice
        found = [("query", pick(_SEARCHES)), *self._times()]
        field = pick(["user", "pod", "service", "level", "trace_id", "own_mine"])
        routes: dict[str, Sequence[tuple[str, str]]] = {
            "search": [*found, ("limit", pick(["1", "100"])), ("direction", pick(["forward", "backward"]))],
            "histogram": [*found, ("by", field), ("buckets", "5")],
            "fields": self._times(),
            "values": [*found, ("field", field)],
            "patterns": found,
        }
        route = pick(sorted(routes))
        return self._at(f"/api/logs/{route}", routes[route])

    def _loki(self) -> Read:
        pick = self._random.choice
        stream, times = pick(_STREAMS), self._times(1_000_000)
        counted = pick(_COUNTS).replace("{a}", stream)
        end = ("time", str(self._end_ms * 1_000_000))
        selector = stream.partition("}")[0] + "}"
        routes: dict[str, Sequence[tuple[str, str]]] = {
            "query_range": [("query", pick([stream, counted])), *times, ("step", "60")],
            "query": [("query", counted), end],
            "labels": times,
            f"label/{pick(['pod', 'service_name', 'own_mine'])}/values": times,
            "series": [("match[]", selector), *times],
            "index/stats": [("query", selector), *times],
            "index/volume": [("query", selector), *times],
            "detected_labels": times,
            "detected_fields": [("query", stream), *times],
            "patterns": [("query", selector), *times],
        }
        route = pick(sorted(routes))
        return self._at(f"/loki/api/v1/{route}", routes[route])

    def _own_spans(self) -> Read:
        pick = self._random.choice
        times = self._times()
        asked = [("query", pick(["", "op", "who:*", "NOT nothing", "service:shop", "status:error"])), *times]
        routes: dict[str, Sequence[tuple[str, str]]] = {
            "search": asked,
            "services": times,
            "operations": [("service", pick(["shop", ""])), *times],
            f"trace/{TRACE_ID}": [],
            f"trace/{TRACE_ID}/{self._random.randint(1, _SPANS):016x}": [],
            "graph": times,
            "rates": [("by", pick(["service,name", "who"])), ("step", "1m"), *asked],
            "differences": [("selected_status", "error"), *times],
            "compare": [("left", TRACE_ID), ("right", TRACE_ID)],
        }
        route = pick(sorted(routes))
        return self._at(f"/api/spans/{route}", routes[route])

    def _runs(self) -> Read:
        pick, times = self._random.choice, self._times()
        run_id = f"run-{self._random.randrange(_RUNS)}"
        by = pick(["workflow", "version", "owner", "node", "state"])
        routes: dict[str, Sequence[tuple[str, str]]] = {
            "runs": [("query", pick(["", "load", "run"])), ("limit", pick(["2", "100"])), *times],
            f"runs/{run_id}": [],
            "run_events": [("run_id", run_id)],
            "run_statistics": [("by", by), *times],
            "workflows": times,
            "run_diff": [("a", run_id), ("b", "run-1")],
        }
        route = pick(sorted(routes))
        return self._at(f"/api/v1/{route}", routes[route])

    def _jaeger(self) -> Read:
        pick = self._random.choice
        start, end = (value + "000" for _, value in self._times())
        routes: dict[str, Sequence[tuple[str, str]]] = {
            "/api/services": [],
            "/api/operations": [("service", "shop")],
            "/api/services/shop/operations": [],
            "/api/traces": [("service", "shop"), ("start", start), ("end", end), ("limit", "20")],
            f"/api/traces/{TRACE_ID}": [("raw", pick(["true", "false"]))],
            "/api/dependencies": [("endTs", str(self._end_ms + 1_000)), ("lookback", "600000")],
            "/api/v3/services": [],
            f"/api/v3/traces/{TRACE_ID}": [],
        }
        path = pick(sorted(routes))
        return self._at(path, routes[path])

    def _tempo(self) -> Read:
        pick = self._random.choice
        times = [(name, str(int(value) // 1000)) for name, value in self._times()]
        routes: dict[str, Sequence[tuple[str, str]]] = {
            "search": [("q", pick(_TRACEQL)), *times],
            f"traces/{TRACE_ID}": [],
            f"v2/traces/{TRACE_ID}": [],
            "search/tags": times,
            "v2/search/tags": times,
            f"search/tag/{pick(['who', 'service.name', 'name'])}/values": times,
            f"v2/search/tag/{pick(['span.who', 'resource.service.name'])}/values": times,
            "metrics/query_range": [("q", pick(_METRICS)), *times, ("step", "60s")],
        }
        route = pick(sorted(routes))
        return self._at(f"/tempo/api/{route}", routes[route])

    def _related(self) -> Read:
        pick = self._random.choice
        around = ("around", "10m")
        time_s = ("time", f"{self._end_ms / 1000:.3f}")
        asked = pick(
            [
                [("trace_id", TRACE_ID), around],
                [("trace_id", TRACE_ID), ("span_id", f"{2:016x}"), around],
                [("series", 'm{job="j"}'), time_s, around],
                [("labels", json.dumps({"service": "shop"})), time_s, around],
            ]
        )
        return self._at("/api/related", asked)

    def _at(self, path: str, fields: Sequence[tuple[str, str]]) -> Read:
        """Return a request, with a parameter now and then that might name a tenant too."""
        route = path.replace(TRACE_ID, "ID")
        more = [(self._random.choice(["tenant", "X-Scope-OrgID", "orgId"]), THEIRS)]
        sent = [*fields, *(more if self._random.random() < 0.3 else [])]
        spelled = self._spelled(quote(path, safe="/"))
        return Read(route, "GET", f"{spelled}?{urlencode(sent)}", self._headers())
