"""Generated series for random queries: counters with resets, gauges, gaps, stale markers, NaN and infinities,
classic and native histograms, many shapes of labels.

Values are mostly small integers, whose sums are the same in any order.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

from tests.differential.demo import BASE_MS, Labels

from pharos.promql.histograms.value import CUSTOM_SCHEMA, FloatHistogram, ResetHint
from pharos.promql.series_notation import STALE

STEP_MS = 15_000
STEPS = 360
LAST_MS = BASE_MS + (STEPS - 1) * STEP_MS

JOBS = ("api", "web", "db")
INSTANCES = ("a:1", "b:2", "c:3")
ZONES = ("eu", "us", 'ünïcode, "quoted" \\ back')
BOUNDS = ("0.1", "0.5", "1", "5", "+Inf")

_ODD = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-300)

Samples = list[tuple[int, float]]


def _labels(name: str, **more: str) -> Labels:
    return tuple(sorted({"__name__": name, **more}.items()))


def _times(rng: random.Random, *, exact: bool) -> list[int]:
    """Return the times of a series; `exact` ones lie on whole steps, others never on a whole second."""
    if exact:
        return [BASE_MS + i * STEP_MS for i in range(STEPS)]
    shift = rng.randrange(STEP_MS)
    return [
        (BASE_MS + i * STEP_MS + shift + rng.randrange(-300, 300)) // 1000 * 1000 + rng.randrange(1, 1000)
        for i in range(STEPS)
    ]


def _with_gaps(rng: random.Random, samples: list[Any], stale: Any) -> list[Any]:
    """Return the samples as they are, or with gaps that begin with a stale marker or without one."""
    way = rng.randrange(4)
    if way == 0:
        return samples
    if way == 1:  # comes late, ends early
        low, high = sorted(rng.sample(range(len(samples)), 2))
        return samples[low : high + 1]
    out, there = [], True
    for sample in samples:
        if rng.random() < (0.02 if there else 0.08):
            there = not there
            if not there and way == 2:
                out.append((sample[0], stale))
                continue
        if there:
            out.append(sample)
    return out or samples[:1]


def _counter(rng: random.Random, base: float, *, resets: bool) -> list[float]:
    total, values = 2 * base + rng.randrange(1000), []
    for _ in range(STEPS):
        restarted = resets and rng.random() < 0.02
        total = base + rng.randrange(5) if restarted else total + rng.choice((0, 0, 1, 2, 7, 30))
        values.append(total)
    return values


def _gauge(rng: random.Random, odd_values: Sequence[float]) -> list[float]:
    odd = rng.random() < 0.3
    values, level = [], 0.0
    for _ in range(STEPS):
        level += rng.choice((-2.0, -1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 3.0))
        values.append(level)
        if odd and rng.random() < 0.03:
            values[-1] = rng.choice(odd_values)
    return values


def _native(rng: random.Random, *, custom: bool) -> list[FloatHistogram]:
    out, counts, spent = [], [0.0] * 5, 0.0
    schema = rng.choice((0, 0, 1, 3))
    hints = rng.choice(((ResetHint.UNKNOWN,), (ResetHint.GAUGE,), tuple(ResetHint)))
    for _ in range(STEPS):
        if rng.random() < 0.02:
            counts, spent = [0.0] * 5, 0.0
        for _ in range(rng.randrange(4)):
            counts[rng.randrange(5)] += 1
            spent += rng.choice((0.25, 0.5, 1.0, 4.0))
        if custom:
            positive = {i: counts[i] for i in range(4)}
            out.append(
                FloatHistogram(
                    CUSTOM_SCHEMA,
                    sum(counts[:4]),
                    spent,
                    positive=positive,
                    custom=(0.5, 1.0, 2.0),
                    hint=rng.choice(hints),
                )
            )
        else:
            positive = {i - 1: counts[i] for i in range(4)}
            total = sum(counts)
            out.append(
                FloatHistogram(schema, total, spent, 0.001, counts[4], positive, hint=rng.choice(hints))
            )
    return out


def random_series(seed: int, *, everything: bool) -> list[dict[str, Any]]:
    """Return series as `arrays.ArraySource` takes them.

    `everything` adds what a Prometheus 2.x does not know or counts otherwise (docs/promql-differences.md):
    native histograms, samples at whole steps, counters near zero, sums that overflow.
    """
    rng = random.Random(seed)
    base = 0.0 if everything else 1e6
    odd_values = (*_ODD, 1e300) if everything else _ODD
    out: list[dict[str, Any]] = []

    def add(labels: Labels, values: list[float], *, gaps: bool = True) -> None:
        times = _times(rng, exact=everything and rng.random() < 0.4)
        samples = list(zip(times, values, strict=True))
        out.append({"labels": labels, "samples": _with_gaps(rng, samples, STALE) if gaps else samples})

    for job in JOBS:
        for instance in INSTANCES:
            for code in ("200", "404", "500"):
                if rng.random() < 0.8:
                    labels = _labels("c_total", job=job, instance=instance, code=code)
                    resets = everything or rng.random() < 0.5
                    add(labels, _counter(rng, base, resets=resets), gaps=everything or not resets)
            zone = rng.choice(ZONES)
            add(_labels("g", job=job, instance=instance, zone=zone), _gauge(rng, odd_values))
            if rng.random() < 0.8:
                add(_labels("g2", job=job, instance=instance), _gauge(rng, odd_values))
            # No two values alike, so that topk has no choice.
            add(_labels("w", job=job, instance=instance), [rng.uniform(-100, 100) for _ in range(STEPS)])
            version = rng.choice(("1", "2"))
            add(_labels("target_info", job=job, instance=instance, version=version), [1.0] * STEPS)
        add(_labels("only", job=job), _gauge(rng, odd_values))
        _add_classic(rng, job, base, add)
    add(_labels("bare"), _gauge(rng, odd_values))
    add(_labels("up", job="api", instance="a:1"), [float(rng.random() < 0.9) for _ in range(STEPS)])
    if everything:
        _add_native(rng, out)
    return out


def _add_classic(rng: random.Random, job: str, base: float, add: Any) -> None:
    counts = [base] * len(BOUNDS)
    columns: list[list[float]] = [[] for _ in BOUNDS]
    for _ in range(STEPS):
        for _ in range(rng.randrange(5)):
            counts[rng.randrange(len(counts))] += 1
        running = 0.0
        for at, count in enumerate(counts):
            running += count
            columns[at].append(running)
    for bound, values in zip(BOUNDS, columns, strict=True):
        add(_labels("h_bucket", job=job, le=bound), values)
    add(_labels("h_count", job=job), columns[-1])
    add(_labels("h_sum", job=job), [value * 0.5 for value in columns[-1]])


def _add_native(rng: random.Random, out: list[dict[str, Any]]) -> None:
    stale = FloatHistogram(sum=STALE)
    for name, custom in (("nh", False), ("nhcb", True), ("mixed", False)):
        for job in JOBS:
            times = _times(rng, exact=rng.random() < 0.4)
            rows = list(zip(times, _native(rng, custom=custom), strict=True))
            rows = _with_gaps(rng, rows, stale)
            floats: Samples = []
            if name == "mixed":
                floats = [(at, float(rng.randrange(50))) for at, _ in rows if rng.random() < 0.5]
                taken = {at for at, _ in floats}
                rows = [row for row in rows if row[0] not in taken]
            out.append({"labels": _labels(name, job=job), "samples": floats, "native": rows})
