"""Bytes on disk for a sample, once merges have come to rest; the log is left out."""

from __future__ import annotations

from dataclasses import dataclass

from bench.client import Client
from bench.query import INTERVAL_MS
from bench.sender import Plan, send
from bench.series import build, metric_names
from bench.servers import Server, Weight, started
from bench.verify import wait_for


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of data."""

    name: str
    layout: str
    jitter_ms: int = 0


CASES = (
    Case("counters, exact times", "counters"),
    Case("mixed, a quarter full-precision gauges, exact times", "mixed"),
    Case("mixed, times up to 40 ms late", "mixed", 40),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What it took."""

    samples: int
    weight: Weight
    settle_s: float

    @property
    def at_rest(self) -> float:
        """Bytes a sample after merges came to rest by themselves."""
        return self.weight.at_rest / self.samples

    @property
    def merged(self) -> float:
        """Bytes a sample after a forced final merge."""
        return self.weight.merged / self.samples


def measure(kind: type[Server], case: Case, series: int, hours: float, end_s: int, settle_s: float) -> Result:
    """Write `hours` of `series` series into a fresh server, wait for its merges, and weigh its folder."""
    steps = int(hours * 3_600_000) // INTERVAL_MS
    start_ms = end_s * 1000 - steps * INTERVAL_MS
    with started(kind) as server:
        outcome = send(
            Plan(
                server.port, server.write_path, layout=case.layout, series=len(build(case.layout, series)),
                samples=0, start_ms=start_ms, interval_ms=INTERVAL_MS, jitter_ms=case.jitter_ms, steps=steps,
            )
        )  # fmt: skip
        names = metric_names(case.layout, series)
        held = wait_for(Client(server.port), outcome.acknowledged, names, start_ms, end_s * 1000)
        if held.samples != outcome.acknowledged:
            raise RuntimeError(f"{server.name} holds {held.samples:,} of {outcome.acknowledged:,} samples")
        settled = server.settle(settle_s)
        return Result(outcome.acknowledged, server.weigh(), settled)
