"""Queries over the same samples in every server: small, medium and heavy, over moving ranges.

A day of 10,000 series, and of its last two hours 100,000 more. Heavy queries are asked twice: evaluated anew
each time, and as a dashboard asks that refreshes, where what a server remembers of its answers may serve.

Runs are interleaved between the servers, and each run's range lies a step later than the one before, so that
neither a cache nor a busy moment of the machine favours one of them.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field, replace

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

    def __str__(self) -> str:
        return f"{self.size}: {self.name}{', refreshed' if self.cached else ''}"


_SMALL_RUNS = 10
"""They take so little that a few runs would tell of the moment only."""

_RATE = "sum by (job) (rate(requests_total[5m]))"
_INSTANCE = 'requests_total{instance="10.0.3.4:9100"}'
_ONE = 'requests_total{instance="10.0.3.4:9100",handler="/api/v1/resource-007"}'
_JOB = 'requests_total{job="job-3"}'
_JOIN = "sum by (version) (rate(requests_total[5m]) * on (instance) group_left (version) build_info)"
_P95 = "histogram_quantile(0.95, sum by (job, le) (rate(latency_seconds_bucket[5m])))"
_QUANTILE = "quantile_over_time(0.9, temperature_celsius[5m])"
_WIDE_RATE = "sum by (job) (rate(http_requests_total[5m]))"

LIGHT = (
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
)
HEAVY = (
    Query("heavy", "sum by (job) of rate, 10,000 series, 24 h step 5 m", _RATE, DAY, 300),
    Query(
        "heavy",
        "sum by (job) of increase over 1 h, 10,000 series, 24 h step 5 m",
        "sum by (job) (increase(requests_total[1h]))",
        DAY,
        300,
    ),
    Query("heavy", "quantile_over_time, 1,000 series, 24 h step 5 m", _QUANTILE, DAY, 300),
    Query("heavy", "sum by (job) of rate, 10,000 series, 1 h", _RATE, HOUR),
    Query("heavy", "quantile_over_time, 1,000 series, 1 h", _QUANTILE, HOUR),
    Query(
        "heavy", "topk(5) of rate, 10,000 series, 1 h step 60 s", "topk(5, rate(requests_total[5m]))", HOUR,
        60,
    ),
    Query("heavy", "join by group_left, 10,000 series, 1 h step 60 s", _JOIN, HOUR, 60),
    Query(
        "heavy", "count by (__name__), 4 metrics, 12,100 series, 1 h step 60 s",
        'count by (__name__) ({cluster="bench"})', HOUR, 60,
    ),
    Query("heavy", "sum by (job) of rate, 100,000 series, 1 h step 60 s", _WIDE_RATE, HOUR, 60),
    Query("heavy", "sum by (job) of rate, 100,000 series, instant", _WIDE_RATE, 0),
    Query("heavy", "sum by (job), 100,000 series, instant", "sum by (job) (http_requests_total)", 0),
    Query(
        "heavy", "sum of rate, 2,000 of 100,000 series, 1 h",
        'sum(rate(http_requests_total{job="service-07"}[5m]))', HOUR,
    ),
)  # fmt: skip
"""The wide ones need two hours of the wide counter, those of 24 h a day of the narrow one."""
QUERIES = (*LIGHT, *HEAVY, *(replace(query, cached=True) for query in HEAVY if query.span_s))

Spot = tuple[tuple[str, float], ...]
SPOT: Spot = (
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

    timings: dict[Query, dict[str, Timing]] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)
    agreements: int = 0

    def least_ratio(self, peer: str, *, cached: bool) -> tuple[float, str]:
        """Return the least ratio of the medians of `peer` and Pharos over heavy queries, and of which one."""
        found = []
        for asked, timings in self.timings.items():
            own, other = timings.get("Pharos"), timings.get(peer)
            if asked.size == "heavy" and asked.cached == cached and own and other and own.runs and other.runs:
                found.append((other.percentile(50) / own.percentile(50), asked.name))
        return min(found, default=(math.nan, ""))


@dataclass(frozen=True, slots=True)
class Dataset:
    """`hours` of the narrow metrics up to `end_s`, the last `wide_hours` with the wide counter too."""

    series: int
    hours: float
    wide_hours: float
    end_s: int

    @property
    def start_ms(self) -> int:
        """Return the time of the first step."""
        return self.end_s * 1000 - self.steps * INTERVAL_MS

    @property
    def steps(self) -> int:
        """Return how many steps the narrow metrics have."""
        return int(self.hours * 3_600_000) // INTERVAL_MS

    @property
    def samples(self) -> int:
        """Return how many samples there are."""
        narrow, both = len(build("query", self.series)), len(build("wide", self.series))
        wide_steps = int(self.wide_hours * 3_600_000) // INTERVAL_MS
        return narrow * self.steps + (both - narrow) * wide_steps


def load(server: Server, held: Dataset) -> float:
    """Write a dataset, oldest first; return the seconds it took.

    The wide counter comes together with the last hours of the narrow metrics: who refuses samples older than
    the newest ones by an hour takes all of them so. Raises RuntimeError when not every sample is readable
    afterwards.
    """
    both_from = held.steps - int(held.wide_hours * 3_600_000) // INTERVAL_MS
    begun = time.monotonic()
    acknowledged = 0
    for layout, first, steps in (("query", 0, both_from), ("wide", both_from, held.steps)):
        if first < steps:
            outcome = send(
                Plan(
                    server.port, server.write_path, layout=layout, series=held.series, samples=0,
                    start_ms=held.start_ms, interval_ms=INTERVAL_MS, first_step=first, steps=steps,
                )
            )  # fmt: skip
            acknowledged += outcome.acknowledged
    took = time.monotonic() - begun
    names = metric_names("wide", held.series)
    found = wait_for(Client(server.port), acknowledged, names, held.start_ms, held.end_s * 1000)
    if found.samples != acknowledged or found.samples != held.samples:
        raise RuntimeError(f"{server.name} holds {found.samples:,} of {held.samples:,} samples")
    return took


def compare(
    servers: list[Server],
    queries: tuple[Query, ...],
    end_s: int,
    runs: int,
    budget_s: float,
    spot: Spot = SPOT,
) -> Result:
    """Run `queries` `runs` times, small ones more, on each of `servers`, which hold the same data to `end_s`.

    A query ends early, after three runs, when its servers together have used `budget_s`.
    """
    result = Result()
    clients = {server.name: Client(server.port, timeout_s=150) for server in servers}
    _spot_check(servers, clients, spot, end_s - 607.0, result)
    for query in queries:
        count = runs * _SMALL_RUNS if query.size == "small" else runs
        # All of the ranges lie within the dataset, if it has some steps more than a range.
        last = end_s - 7.0 - (count + 2) * query.step_s
        result.timings[query] = {server.name: Timing() for server in servers}
        used = 0.0
        for run in range(-1, count):
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


def _spot_check(
    servers: list[Server], clients: dict[str, Client], spot: Spot, end: float, result: Result
) -> None:
    """Compare the servers' answers with those of the first reference among them, point by point."""
    reference = next((server for server in servers if server.name == "Prometheus"), servers[-1])
    for expression, tolerance in spot:
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


def exact_points(server: Server, held: Dataset) -> tuple[int, int]:
    """Return how many raw values of full-precision gauges come back as they were sent, and of how many."""
    layout = build("query", held.series)
    index = {row: number for number, row in enumerate(layout.labels) if layout.kinds[number] == PRECISE}
    content = Client(server.port).get(
        "/api/v1/query", query="temperature_celsius[5m]", time=f"{held.end_s - 307:.3f}", **server.no_cache
    )
    exact = count = 0
    for row in json.loads(content)["data"]["result"]:
        number = index.get(tuple(sorted(row["metric"].items())))
        if number is None:
            continue
        for at, text in row["values"]:
            step = held.steps - round((held.end_s - at) * 1000 / INTERVAL_MS)
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
