"""Samples like those of the demo service that the compliance queries are made for, generated."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from pharos.promql.series_notation import STALE

BASE_MS = 1_700_000_000_000 - 1_700_000_000_000 % 7_200_000
STEP_MS = 5_000
OFF_MS = 137
"""Samples lie this much beyond whole seconds, so that no window of whole seconds begins on one."""
STEPS = 1_500
INSTANCES = ("demo.promlabs.com:10000", "demo.promlabs.com:10001", "demo.promlabs.com:10002")
BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0)

START_MS = BASE_MS + 3_900_000 + 3_000
END_MS = BASE_MS + 6_900_000 + 3_000
"""Whole seconds, but no multiple of ten: subqueries have no step on the border of their range."""
QUERY_STEP_MS = 60_000

Labels = tuple[tuple[str, str], ...]


def _labels(name: str, instance: str, **more: str) -> Labels:
    return tuple(sorted({"__name__": name, "instance": instance, "job": "demo", **more}.items()))


def _bound_text(bound: float) -> str:
    return "+Inf" if math.isinf(bound) else repr(bound)


def _gauges(instance: str, rng: random.Random) -> Iterator[tuple[Labels, list[float | None]]]:
    for kind, level in (("used", 4e9), ("free", 2e9), ("buffers", 3e8), ("cached", 1.5e9)):
        walk: list[float | None] = [level]
        at = level
        for _ in range(STEPS - 1):
            at = float(max(0, int(at + rng.gauss(0, level / 200))))
            walk.append(at)
        yield _labels("demo_memory_usage_bytes", instance, type=kind), walk
    yield _labels("demo_num_cpus", instance), [4.0] * STEPS
    yield _labels("demo_disk_total_bytes", instance), [2.5e11] * STEPS
    yield (
        _labels("demo_disk_usage_bytes", instance),
        [1e11 + 1e6 * i + rng.uniform(0, 5e6) for i in range(STEPS)],
    )
    batch = BASE_MS / 1000
    yield (
        _labels("demo_batch_last_success_timestamp_seconds", instance),
        [batch + STEP_MS / 1000 * (i - i % 37) + rng.uniform(0, 1) for i in range(STEPS)],
    )
    present = [i % 260 < 150 for i in range(STEPS)]
    yield (
        _labels("demo_intermittent_metric", instance),
        [float(i % 260) if there else None for i, there in enumerate(present)],
    )


def _counters(instance: str, rng: random.Random) -> Iterator[tuple[Labels, list[float | None]]]:
    restart = rng.randrange(STEPS // 2, STEPS)
    for mode, speed in (("idle", 3.1), ("user", 0.7), ("system", 0.2)):
        total, values = rng.uniform(0, 1e4), []
        for i in range(STEPS):
            total = 0.0 if i == restart else total + speed * STEP_MS / 1000 * rng.uniform(0.5, 1.5)
            values.append(total)
        yield _labels("demo_cpu_usage_seconds_total", instance, mode=mode), list(values)
    for method, path in (("GET", "/api/foo"), ("POST", "/api/bar")):
        counts = [0.0] * (len(BOUNDS) + 1)
        series: list[list[float]] = [[] for _ in counts]
        spent: list[float | None] = []
        for _ in range(STEPS):
            for _ in range(rng.randrange(6)):
                counts[rng.randrange(len(counts))] += 1
            running = 0.0
            for at, count in enumerate(counts):
                running += count
                series[at].append(running)
            spent.append(running * 0.0173)
        more = {"method": method, "path": path, "status": "200"}
        name = "demo_api_request_duration_seconds"
        for bound, values in zip((*BOUNDS, math.inf), series, strict=True):
            yield _labels(f"{name}_bucket", instance, le=_bound_text(bound), **more), list(values)
        yield _labels(f"{name}_count", instance, **more), list(series[-1])
        yield _labels(f"{name}_sum", instance, **more), spent


def demo_series(seed: int = 1) -> list[dict[str, Any]]:
    """Return all series, as `rw_messages.v1_body` takes them; where a gap begins stands a stale marker."""
    rng = random.Random(seed)
    out = []
    for number, instance in enumerate(INSTANCES):
        for labels, values in (*_gauges(instance, rng), *_counters(instance, rng)):
            samples: list[tuple[int, float]] = []
            for i, value in enumerate(values):
                ts = BASE_MS + i * STEP_MS + number * 1_000 + OFF_MS
                if value is not None:
                    samples.append((ts, value))
                elif i and values[i - 1] is not None:
                    samples.append((ts, STALE))
            out.append({"labels": labels, "samples": samples})
    return out


def in_order_of_time(
    series: list[dict[str, Any]], span_ms: int = 1_800_000
) -> Iterator[list[dict[str, Any]]]:
    """Yield the series in parts of `span_ms`, as a storage that wants samples in order takes them."""
    first = min(one["samples"][0][0] for one in series)
    last = max(one["samples"][-1][0] for one in series)
    for begin in range(first, last + 1, span_ms):
        part = [
            {**one, "samples": [s for s in one["samples"] if begin <= s[0] < begin + span_ms]}
            for one in series
        ]
        yield [one for one in part if one["samples"]]
