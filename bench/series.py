"""Which series a benchmark writes: label sets, their order, and what kind of value each carries.

A layout is named and sized by plain values, so that a sender in another process rebuilds the same one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

FAST: Final = 0
SLOW: Final = 1
DECIMAL: Final = 2
PRECISE: Final = 3
CONSTANT: Final = 4
"""Kinds of value; `values.py` says what each looks like."""

Labels = tuple[tuple[str, str], ...]

METRICS: Final = tuple(
    f"{subject}_{what}"
    for subject in (
        "http_server",
        "http_client",
        "db_client",
        "cache",
        "queue",
        "grpc_server",
        "node_disk",
        "node_net",
    )
    for what in ("requests_total", "bytes_total", "duration_seconds_sum", "in_flight", "saturation_ratio")
)
"""40 metric names, as an instrumented service exports them."""

_HANDLERS: Final = ("/api/v1/orders", "/api/v1/users", "/api/v1/carts", "/healthz", "/api/v1/search")
_REGIONS: Final = ("eu-central-1", "eu-west-1", "us-east-1", "us-west-2")


@dataclass(frozen=True, slots=True)
class Layout:
    """Series in the order in which a scrape of all targets would deliver them."""

    labels: list[Labels]
    kinds: np.ndarray
    """uint8 per series: one of the kinds above."""

    def __len__(self) -> int:
        return len(self.labels)


def build(name: str, size: int) -> Layout:
    """Return the layout called `name` with about `size` series.

    "mixed" and "counters" are what targets of 200 series export. "query" takes `size` as the number of series
    of its main metric; "wide" is "query" and behind it another counter of ten times as many series. "card" is
    one metric whose series nearly all differ in two labels. Raises ValueError for another name.
    """
    if name == "mixed":
        return _targets(size, (FAST, SLOW, DECIMAL, PRECISE))
    if name == "counters":
        return _targets(size, (FAST, SLOW))
    if name == "query":
        return _query(size)
    if name == "card":
        return _card(size)
    if name == "wide":
        narrow, wide = _query(size), _wide(10 * size)
        return Layout(narrow.labels + wide.labels, np.concatenate([narrow.kinds, wide.kinds]))
    raise ValueError(f"no layout is called {name!r}")


def metric_names(name: str, size: int) -> list[str]:
    """Return the names of the metrics in a layout."""
    return sorted({labels[0][1] for labels in build(name, size).labels if labels[0][0] == "__name__"})


def _targets(size: int, kinds: tuple[int, ...]) -> Layout:
    """`size` series spread over targets of 200 series each: 40 metrics, 5 handlers, 10 labels a series."""
    labels: list[Labels] = []
    for index in range(size):
        target, within = divmod(index, 200)
        handler, metric = divmod(within, len(METRICS))
        labels.append(
            (
                ("__name__", METRICS[metric]),
                ("cluster", "bench"),
                ("code", "200" if handler != 3 else "204"),
                ("env", "production"),
                ("handler", _HANDLERS[handler]),
                ("instance", f"10.{target >> 14 & 255}.{target >> 6 & 255}.{target & 63}:9100"),
                ("job", f"service-{target % 10}"),
                ("namespace", f"team-{target % 7}"),
                ("pod", f"service-{target % 10}-{(target * 2654435761) & 0xFFFFFFFF:08x}"),
                ("region", _REGIONS[target % 4]),
            )
        )
    return Layout(labels, np.array(kinds, np.uint8)[np.arange(size) % len(kinds)])


BUCKETS: Final = ("0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")


def _query(size: int) -> Layout:
    """The main counter (10 jobs, 100 instances), a tenth as many gauges and buckets, 100 info series."""
    labels: list[Labels] = []
    kinds: list[int] = []
    per_instance = size // 100
    for index in range(size):
        instance, within = divmod(index, per_instance)
        labels.append(
            _row("requests_total", instance, handler=f"/api/v1/resource-{within:03d}", method="GET")
        )
        kinds.append(FAST if within % 2 else SLOW)
    for index in range(size // 10):
        instance, within = divmod(index, max(1, per_instance // 10))
        labels.append(_row("temperature_celsius", instance, sensor=f"sensor-{within:02d}"))
        kinds.append(PRECISE if within % 2 else DECIMAL)
    for index in range(size // 10):
        instance, within = divmod(index, len(BUCKETS))
        labels.append(_row("latency_seconds_bucket", instance, le=BUCKETS[within]))
        kinds.append(CONSTANT + 1 + within)
    for instance in range(100):
        labels.append(_row("build_info", instance, version=f"1.{instance % 7}.0"))
        kinds.append(CONSTANT)
    return Layout(labels, np.array(kinds, np.uint8))


def _wide(size: int) -> Layout:
    """One counter of 50 jobs with ten instances each."""
    labels: list[Labels] = []
    per_instance = max(1, size // 500)
    for index in range(size):
        instance, within = divmod(index, per_instance)
        job = f"service-{instance // 10:02d}"
        row = {
            "__name__": "http_requests_total",
            "cluster": "wide",
            "code": "200" if within % 5 else "503",
            "env": "production",
            "handler": f"/api/v1/resource-{within:03d}",
            "instance": f"10.1.{instance // 10}.{instance % 10}:9100",
            "job": job,
            "namespace": f"team-{instance // 10 % 7}",
            "pod": f"{job}-{(instance * 2654435761) & 0xFFFFFFFF:08x}",
            "region": _REGIONS[instance % 4],
        }
        labels.append(tuple(sorted(row.items())))
    return Layout(labels, np.array((SLOW, FAST), np.uint8)[np.arange(size) % 2])


def _card(size: int) -> Layout:
    """One counter with eight labels, in two of which nearly all series differ."""
    labels: list[Labels] = [
        (
            ("__name__", "card"),
            ("cluster", "bench"),
            ("env", "production"),
            ("instance", f"10.{index >> 16 & 255}.{index >> 8 & 255}.{index & 255}:9090"),
            ("job", f"job-{index % 50}"),
            ("path", f"/api/v1/resource/{index % 1000}"),
            ("pod", f"web-{(index * 2654435761) & 0xFFFFFFFF:08x}"),
            ("status", "200"),
        )
        for index in range(size)
    ]
    return Layout(labels, np.full(size, SLOW, np.uint8))


def _row(metric: str, instance: int, **more: str) -> Labels:
    job = instance // 10
    row = {
        "__name__": metric,
        "cluster": "bench",
        "env": "production",
        "instance": f"10.0.{job}.{instance % 10}:9100",
        "job": f"job-{job}",
        "namespace": f"team-{job % 3}",
        "pod": f"job-{job}-{(instance * 2654435761) & 0xFFFFFFFF:08x}",
        "region": _REGIONS[instance % 4],
        **more,
    }
    return tuple(sorted(row.items()))
