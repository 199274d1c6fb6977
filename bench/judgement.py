"""How many points a second the detector of anomalies scores on one core, over many series."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from bench.report import Row, Section
from pharos.judgement.anomaly import STATE_BYTES, Detector

_LEARNED_TICKS = 1_800
"""Until all channels have tails."""


@dataclass(frozen=True, slots=True)
class Result:
    """What was measured."""

    points_per_s: float
    tick_p50_ms: float
    tick_p99_ms: float
    state_bytes: int


def measure(series: int, ticks: int) -> Result:
    """Score `ticks` values of each of `series` series, a minute apart, after they were learned."""
    chance = np.random.default_rng(1)
    detector = Detector(series)
    took_s = []
    level = chance.uniform(10, 1000, series)
    for tick in range(_LEARNED_TICKS + ticks):
        time_s = 1_767_225_600.0 + 60.0 * tick
        values = level * (1.0 + 0.3 * math.sin(tick / 1440 * 2 * math.pi) + chance.normal(0, 0.05, series))
        begun = time.perf_counter()
        detector.score_all(time_s, values)
        if tick >= _LEARNED_TICKS:
            took_s.append(time.perf_counter() - begun)
    return Result(
        points_per_s=series * ticks / sum(took_s),
        tick_p50_ms=1000 * float(np.percentile(took_s, 50)),
        tick_p99_ms=1000 * float(np.percentile(took_s, 99)),
        state_bytes=STATE_BYTES,
    )


def section(series: int, ticks: int) -> Section:
    """Return what so many series come to."""
    result = measure(series, ticks)
    found = Section("judgement", f"Anomalies: {series:,} series scored together, one core")
    for name, unit, value, more in (
        ("points scored", "M/s", result.points_per_s / 1e6, True),
        ("a tick of all series, p50", "ms", result.tick_p50_ms, False),
        ("a tick of all series, p99", "ms", result.tick_p99_ms, False),
        ("state of a series", "bytes", float(result.state_bytes), False),
    ):
        found.rows.append(Row(name, unit, {"Pharos": value}, higher_is_better=more, compared=False))
    return found
