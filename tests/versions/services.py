"""Simulated services, whose spans, metrics and lines go into a server as those of real ones do."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import numpy as np
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_NS = 1_000_000_000
_ERRORS = 0.001


def ask(url: str, method: str, path: str, body: Any = None, tenant: str = "default") -> tuple[int, Any]:
    """Return (status, data or the whole answer) of a request to Pharos' own API."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"X-Scope-OrgID": tenant, **({} if data is None else {"Content-Type": "application/json"})}
    request = urllib.request.Request(f"{url}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.loads(answer.read())["data"]
    except urllib.error.HTTPError as exc:
        return exc.code, json.loads(exc.read())


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests to a version of a service, from a time on: so many a second, log-normal in their latency."""

    service: str
    version: str
    start_s: float
    seconds: float
    rps: float
    slower: float = 1.0
    spread: float = 0.8
    """Standard deviation of the latency's logarithm."""
    batch: int = 1
    """Each batch of the same version has other requests."""


def send_spans(url: str, of: Traffic) -> int:
    """Send the spans of requests over OTLP; return how many."""
    service, version = of.service, of.version
    chance = np.random.default_rng([of.batch, *service.encode(), *version.encode()])
    count = int(of.rps * of.seconds)
    begins = of.start_s + np.sort(chance.uniform(0, of.seconds, count))
    lasts = 0.02 * of.slower * np.exp(chance.normal(0, of.spread, count))
    fails = chance.random(count) < _ERRORS
    ids = chance.bytes(24 * count)
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    for key, value in (("service.name", service), ("service.version", version)):
        attribute = resource.resource.attributes.add()
        attribute.key = key
        attribute.value.string_value = value
    spans = resource.scope_spans.add().spans
    for row, (begin, last, is_failed) in enumerate(
        zip(begins.tolist(), lasts.tolist(), fails.tolist(), strict=True)
    ):
        span = spans.add()
        span.trace_id, span.span_id = ids[24 * row : 24 * row + 16], ids[24 * row + 16 : 24 * row + 24]
        span.name, span.kind = "GET /", span.SPAN_KIND_SERVER
        span.start_time_unix_nano = int(begin * _NS)
        span.end_time_unix_nano = int((begin + last) * _NS)
        if is_failed:
            span.status.code = span.status.STATUS_CODE_ERROR
    request = urllib.request.Request(
        f"{url}/v1/traces", message.SerializeToString(), {"Content-Type": "application/x-protobuf"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
    return count


def _attributes(pairs: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in pairs.items()]


def _post(url: str, path: str, body: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{url}{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def send_runs(url: str, workflow: str, version: str, began_s: float, lasts_s: float, failing: int) -> None:
    """Send 150 runs, each `failing`th of which fails: of v1 in the first minute, of others in the second."""
    chance = np.random.default_rng([2, *version.encode()])
    first_s = began_s + (0.0 if version == "v1" else 60.0)
    events: list[dict[str, Any]] = []
    for number, lasts in enumerate((lasts_s * np.exp(chance.normal(0, 0.1, 150))).tolist()):
        run = {"run_id": f"{workflow}-{version}-{number}", "workflow": workflow, "version": version}
        start = first_s + number * 0.35
        state = "failed" if number % failing == 0 else "succeeded"
        events.append({**run, "kind": "start", "time_ms": round(start * 1000)})
        events.append({**run, "kind": "end", "time_ms": round((start + lasts) * 1000), "state": state})
    status, answer = ask(url, "POST", "/api/v1/runs", {"events": events})
    assert status == 200, answer


def send_gauges(
    url: str, name: str, series: list[tuple[dict[str, str], list[float]]], end_s: float, step_s: float = 15.0
) -> None:
    """Send series of a gauge over OTLP; the last sample of each is at `end_s`."""
    points = []
    for labels, values in series:
        first = end_s - step_s * (len(values) - 1)
        for place, value in enumerate(values):
            at = str(int((first + step_s * place) * _NS))
            points.append({"attributes": _attributes(labels), "timeUnixNano": at, "asDouble": value})
    metric = {"name": name, "gauge": {"dataPoints": points}}
    _post(url, "/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})


def send_histogram(
    url: str, name: str, version: str, counts: list[list[int]], bounds: list[float], end_s: float
) -> None:
    """Send a cumulative histogram over OTLP: what each bucket gained in steps of 5 s up to `end_s`."""
    points, total = [], [0] * len(counts[0])
    for place, gained in enumerate(counts):
        total = [one + more for one, more in zip(total, gained, strict=True)]
        points.append(
            {
                "attributes": _attributes({"version": version}),
                "timeUnixNano": str(int((end_s - 5.0 * (len(counts) - 1 - place)) * _NS)),
                "count": str(sum(total)),
                "sum": 1.0,
                "bucketCounts": [str(one) for one in total],
                "explicitBounds": bounds,
            }
        )
    metric = {"name": name, "histogram": {"aggregationTemporality": 2, "dataPoints": points}}
    _post(url, "/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})


def send_lines(url: str, version: str, lines: list[tuple[str, int, str]], end_s: float) -> None:
    """Send lines over OTLP, each (level, how often, text with {} for its number)."""
    records = [
        {
            "timeUnixNano": str(int((end_s - number / 1000) * _NS)),
            "severityText": level,
            "body": {"stringValue": text.format(number)},
        }
        for level, count, text in lines
        for number in range(count)
    ]
    resource = {"attributes": _attributes({"service.name": "shop", "service.version": version})}
    logs = {"resource": resource, "scopeLogs": [{"logRecords": records}]}
    _post(url, "/v1/logs", {"resourceLogs": [logs]})


def wait_until(found: Any, wanted: Any, seconds: float = 60.0) -> Any:
    """Return what `found` returns once `wanted` says yes to it."""
    ends = time.monotonic() + seconds
    while not wanted(last := found()):
        assert time.monotonic() < ends, last
        time.sleep(0.05)
    return last
