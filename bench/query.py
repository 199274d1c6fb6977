"""Queries over the same day of 10,000 series in every server: small, medium and heavy, over moving ranges.

Runs are interleaved between the servers, and each run's range lies a step later than the one before, so that
neither a cache nor a busy moment of the machine favours one of them.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field

from bench.client import Client, QueryError
from bench.sender import Plan, send
from bench.series import PRECISE, build, metric_names
from bench.servers import Server
from bench.values import value
from bench.verify import wait_for

INTERVAL_MS = 15_000
HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Query:
    """One question: `span_s` 0 makes it an instant query."""

    size: str
    name: str
    expression: str
    span_s: int
    step_s: int = 15
    cached: bool = False
    """Whether caches of results may answer (a dashboard that refreshes)."""


_RATE = "sum by (job) (rate(requests_total[5m]))"
_INSTANCE = 'requests_total{instance="10.0.3.4:9100"}'
_ONE = 'requests_total{instance="10.0.3.4:9100",handler="/api/v1/resource-007"}'
_JOB = 'requests_total{job="job-3"}'
_JOIN = "sum by (version) (rate(requests_total[5m]) * on (instance) group_left (version) build_info)"
_P95 = "histogram_quantile(0.95, sum by (job, le) (rate(latency_seconds_bucket[5m])))"

QUERIES = (
    Query("small", "1 series, instant", _ONE, 0),
    Query("small", "1 series, 1 h", _ONE, HOUR),
    Query("small", "rate of 1 series, 1 h", f"rate({_ONE}[5m])", HOUR),
    Query("small", "100 series, 1 h", _INSTANCE, HOUR),
    Query("small", "sum of rate of 100 series, 1 h", f"sum(rate({_INSTANCE}[5m]))", HOUR),
    Query("medium", "1,000 series, 1 h step 60 s", _JOB, HOUR, 60),
    Query(
        "medium",
        "sum by (instance) of rate of 1,000 series, 1 h",
        f"sum by (instance) (rate({_JOB}[5m]))",
        HOUR,
    ),
    Query(
        "medium", "1,100 series by regex, 1 h", 'sum(rate(requests_total{handler=~".*-0(0.|10)"}[5m]))', HOUR
    ),
    Query("medium", "histogram_quantile, 1,000 buckets, 1 h", _P95, HOUR),
    Query("heavy", "sum by (job) of rate of 10,000 series, 1 h", _RATE, HOUR),
    Query("heavy", "the same, caches allowed", _RATE, HOUR, cached=True),
    Query("heavy", "sum by (job) of rate of 10,000 series, 24 h step 5 m", _RATE, DAY, 300),
    Query(
        "heavy",
        "quantile_over_time, 1,000 series, 1 h",
        "quantile_over_time(0.9, temperature_celsius[5m])",
        HOUR,
    ),
    Query(
        "heavy",
        "topk(5) of rate of 10,000 series, 1 h step 60 s",
        "topk(5, rate(requests_total[5m]))",
        HOUR,
        60,
    ),
    Query("heavy", "join by group_left over 10,000 series, 1 h step 60 s", _JOIN, HOUR, 60),
)

_WIDE_RATE = "sum by (job) (rate(http_server_requests_total[5m]))"
WIDE = (
    Query("wide", "sum by (job) of rate of 2,500 of 100,000 series, 1 h", _WIDE_RATE, HOUR),
    Query("wide", "count of 100,000 series, instant", 'count({cluster="bench"})', 0),
)

SPOT = (
    ("quantile_over_time(0.9, temperature_celsius[5m])", 1e-9),
    (_RATE, 0.02),
    ('requests_total{job="job-3"}', 1e-9),
)
"""On what the servers must agree: text and relative tolerance (VictoriaMetrics does not extrapolate)."""


@dataclass(slots=True)
class Timing:
    """Seconds of each run of one query on one server, or why there are none."""

    runs: list[float] = field(default_factory=list)
    bytes: int = 0
    failure: str = ""

    def percentile(self, percent: float) -> float:
        """Return the nearest-rank percentile of the runs in seconds, NaN without runs."""
        ordered = sorted(self.runs)
        return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)] if ordered else math.nan


@dataclass(slots=True)
class Result:
    """Everything of one comparison, by the servers' names."""

    loaded: dict[str, tuple[int, float, float]] = field(default_factory=dict)
    """Samples, seconds of loading, seconds of settling."""
    timings: dict[Query, dict[str, Timing]] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)
    agreements: int = 0


def load(server: Server, layout: str, series: int, hours: float, end_s: int) -> tuple[int, float]:
    """Write `hours` of a layout that end at `end_s`, oldest first; return samples and seconds.

    Raises RuntimeError when not every sample is readable afterwards.
    """
    size = len(build(layout, series))
    steps = int(hours * 3_600_000) // INTERVAL_MS
    start_ms = end_s * 1000 - steps * INTERVAL_MS
    begun = time.monotonic()
    outcome = send(
        Plan(
            server.port, server.write_path, layout=layout, series=series, connections=_connections(size),
            samples=0,
            start_ms=start_ms, interval_ms=INTERVAL_MS, steps=steps,
        )
    )  # fmt: skip
    took = time.monotonic() - begun
    held = wait_for(
        Client(server.port), outcome.acknowledged, metric_names(layout, series), start_ms, end_s * 1000
    )
    if held.samples != outcome.acknowledged or held.samples != size * steps:
        raise RuntimeError(f"{server.name} holds {held.samples:,} of {size * steps:,} samples")
    return held.samples, took


def _connections(series: int) -> int:
    return next(count for count in (4, 5, 2, 1) if series % count == 0)


def compare(
    servers: list[Server],
    queries: tuple[Query, ...],
    end_s: int,
    runs: int,
    budget_s: float,
    spot: bool = True,
) -> Result:
    """Run `queries` `runs` times on each of `servers`, which hold the same data up to `end_s`.

    A query ends early, after three runs, when its servers together have used `budget_s`.
    """
    result = Result()
    clients = {server.name: Client(server.port, timeout_s=120) for server in servers}
    last = end_s - 7.0 - (runs + 2) * 300
    if spot:
        _spot_check(servers, clients, last, result)
    for query in queries:
        result.timings[query] = {server.name: Timing() for server in servers}
        used = 0.0
        for run in range(-1, runs):
            if run >= 3 and used > budget_s:
                break
            order = servers[run % len(servers) :] + servers[: run % len(servers)]
            for server in order:
                timing = result.timings[query][server.name]
                if not timing.failure:
                    used += _time_once(
                        server, clients[server.name], query, last + run * query.step_s, run >= 0, timing
                    )
    return result


def _time_once(server: Server, client: Client, query: Query, end: float, keep: bool, timing: Timing) -> float:
    """Ask once; keep the time unless this is the warming run; return the seconds used."""
    more = {} if query.cached else server.no_cache
    try:
        if query.span_s:
            content = client.range_bytes(query.expression, end - query.span_s, end, query.step_s, **more)
        else:
            content = client.get("/api/v1/query", query=query.expression, time=f"{end:.3f}", **more)
    except (QueryError, OSError) as error:
        timing.failure = str(error)[:300]
        return 0.0
    if b'"result":[]' in content:
        timing.failure = "no result"
    if keep:
        timing.runs.append(client.last_s)
        timing.bytes = len(content)
    return client.last_s


def _spot_check(servers: list[Server], clients: dict[str, Client], end: float, result: Result) -> None:
    """Compare the servers' answers with those of the first reference among them, point by point."""
    reference = next((server for server in servers if server.name == "Prometheus"), servers[-1])
    for expression, tolerance in SPOT:
        answers = {}
        for server in servers:
            try:
                rows = clients[server.name].range(expression, end - HOUR, end, 60, **server.no_cache)
                answers[server.name] = {_key(labels): dict(points) for labels, points in rows}
            except (QueryError, OSError) as error:
                result.disagreements.append(f"{server.name}: {expression}: {str(error)[:200]}")
        wanted = answers.get(reference.name, {})
        for name, got in answers.items():
            if name == reference.name:
                continue
            strict = 1e-9 if {name, reference.name} == {"Pharos", "Prometheus"} else tolerance
            fault = _first_difference(wanted, got, strict)
            if fault:
                result.disagreements.append(f"{name} differs from {reference.name}: {expression}: {fault}")
            else:
                result.agreements += 1


def exact_points(server: Server, series: int, hours: float, end_s: int) -> tuple[int, int]:
    """Return how many raw values of full-precision gauges come back as they were sent, and of how many."""
    layout = build("query", series)
    index = {row: number for number, row in enumerate(layout.labels) if layout.kinds[number] == PRECISE}
    steps = int(hours * 3_600_000) // INTERVAL_MS
    content = Client(server.port).get(
        "/api/v1/query", query="temperature_celsius[5m]", time=f"{end_s - 307:.3f}", **server.no_cache
    )
    exact = count = 0
    for row in json.loads(content)["data"]["result"]:
        number = index.get(tuple(sorted(row["metric"].items())))
        if number is None:
            continue
        for at, text in row["values"]:
            step = steps - round((end_s - at) * 1000 / INTERVAL_MS)
            exact += float(text) == value(number, step, PRECISE)
            count += 1
    return exact, count


def _key(labels: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Labels without the name, which VictoriaMetrics keeps where Prometheus drops it."""
    return tuple(sorted((name, text) for name, text in labels.items() if name != "__name__"))


_Answer = dict[tuple[tuple[str, str], ...], dict[float, float]]


def _first_difference(wanted: _Answer, got: _Answer, tolerance: float) -> str:
    """Return what differs first, nothing when the answers agree."""
    if not wanted:
        return "the reference has no result"
    if wanted.keys() != got.keys():
        return f"{len(wanted.keys() ^ got.keys())} series are in one answer only"
    for labels, points in wanted.items():
        other = got[labels]
        if points.keys() != other.keys():
            return f"{dict(labels)} has points at other times"
        for at, want in points.items():
            if not math.isclose(want, other[at], rel_tol=tolerance, abs_tol=1e-12):
                return f"{dict(labels)} at {at}: {want} and {other[at]}"
    return ""
