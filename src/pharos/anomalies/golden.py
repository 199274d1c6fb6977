"""What is watched without anybody saying so: how objectives do, and the golden signals of each service.

The names are those that instrumentation has: of Prometheus' client libraries, of OpenTelemetry's conventions
(HTTP and RPC), and what Pharos makes of spans. Of a tenant that has none of a metric, nothing is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from pharos.anomalies.watch import Source, Watch

TOTAL: Final = "slo:sli_total:rate5m"
"""What every objective records."""
_OBJECTIVES: Final = f"slo:sli_bad:rate5m / ({TOTAL} > 0)"
_BY: Final = "job, service"
_REQUESTS: Final = (
    ("http_requests_total", 'code=~"5.."'),
    ("http_requests_total", 'status=~"5.."'),
    ("http_server_request_duration_seconds_count", 'http_response_status_code=~"5.."'),
    ("rpc_server_duration_seconds_count", 'rpc_grpc_status_code=~"2|4|13|14|15"'),
    ("grpc_server_handled_total", 'grpc_code=~"Unknown|DeadlineExceeded|Internal|Unavailable|DataLoss"'),
    ("traces_spanmetrics_calls_total", 'status_code="STATUS_CODE_ERROR"'),
)
_LATENCIES: Final = (
    ("http_request_duration_seconds_bucket", _BY),
    ("http_server_request_duration_seconds_bucket", _BY),
    ("rpc_server_duration_seconds_bucket", _BY),
    ("grpc_server_handling_seconds_bucket", _BY),
    ("traces_spanmetrics_latency_bucket", _BY),
    ("traces_service_graph_request_server_seconds_bucket", "client, server"),
)
_SATURATION: Final = (
    (
        "CPU of hosts",
        "node_cpu_seconds_total",
        '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
    ),
    (
        "CPU of processes",
        "process_cpu_seconds_total",
        f"sum by ({_BY}, instance) (rate(process_cpu_seconds_total[5m]))",
    ),
    (
        "memory of hosts",
        "node_memory_MemTotal_bytes",
        "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    ),
)


def automatic_watches() -> Iterator[Watch]:
    """Yield the watches that every tenant has."""
    yield _automatic("objectives", TOTAL, _OBJECTIVES)
    seen: set[str] = set()
    for metric, errors in _REQUESTS:
        if metric not in seen:
            seen.add(metric)
            traffic = f"sum by ({_BY}) (rate({metric}[5m]))"
            yield _automatic(f"traffic: {metric}", metric, traffic, gaps=True)
        name = f"errors: {metric} {errors.partition('=')[0]}"
        yield _automatic(name, metric, f"sum by ({_BY}) (rate({metric}{{{errors}}}[5m]))")
    for metric, by in _LATENCIES:
        quantile = f"histogram_quantile(0.95, sum by (le, {by}) (rate({metric}[5m])))"
        yield _automatic(f"latency: {metric}", metric, quantile)
    for name, metric, query in _SATURATION:
        yield _automatic(f"saturation: {name}", metric, query)


def present(watches: Iterable[Watch]) -> str:
    """Return the PromQL that counts the series of all metrics that watches need, by name."""
    names = sorted({one.needs for one in watches if one.needs})
    return f'count by (__name__) ({{__name__=~"{"|".join(names)}"}})' if names else ""


def _automatic(name: str, metric: str, query: str, *, gaps: bool = False) -> Watch:
    return Watch(name, query, Source.AUTOMATIC, counts_gaps=gaps, needs=metric)
