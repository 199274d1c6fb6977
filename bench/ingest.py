"""Remote write as fast as each server takes it, from one sender beside it on the same machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.client import Client
from bench.sender import Outcome, Plan, send
from bench.series import metric_names
from bench.servers import Server, started
from bench.verify import Count, first_metric, wait_for

INTERVAL_MS = 15_000


@dataclass(frozen=True, slots=True)
class Case:
    """One shape of load."""

    series: int
    connections: int
    samples: int

    def __str__(self) -> str:
        return f"{self.series:,} series, {self.connections} connections, {self.samples:,} samples a request"


CASES = (
    Case(10_000, 1, 2_000),
    Case(10_000, 4, 2_000),
    Case(100_000, 4, 10_000),
)
QUICK = (Case(10_000, 4, 2_000), Case(100_000, 4, 10_000))


@dataclass(frozen=True, slots=True)
class Result:
    """What one server did with one case."""

    outcome: Outcome
    cpu_s: float
    peak_rss_bytes: int
    peak_private_bytes: int
    readable_after_s: float
    """From the last acknowledgement until the samples of one metric were all there."""
    count: Count
    """Of all metrics, afterwards."""

    @property
    def cpu_per_million_s(self) -> float:
        """CPU seconds of the server for a million acknowledged samples, until all were readable."""
        return self.cpu_s / self.outcome.acknowledged * 1e6

    @property
    def complete(self) -> bool:
        """Whether every acknowledged sample was readable, once."""
        return self.count.samples == self.outcome.acknowledged


def measure(kind: type[Server], case: Case, duration_s: float, now_s: float | None = None) -> Result:
    """Run `case` against a fresh server of `kind` for `duration_s`.

    Synthetic time starts two days ago and runs as fast as the server allows, never past the present.
    """
    now = int(now_s or time.time())
    steps = 2 * 86_400 * 1000 // INTERVAL_MS
    start_ms = (now - now % 15) * 1000 - steps * INTERVAL_MS
    with started(kind) as server:
        plan = Plan(
            server.port, server.write_path, series=case.series, connections=case.connections,
            samples=case.samples, start_ms=start_ms, interval_ms=INTERVAL_MS, steps=steps,
            duration_s=duration_s,
        )  # fmt: skip
        server.reset_peak()
        before = server.cpu_s()
        outcome = send(plan)
        last = start_ms + (max(outcome.shard_samples) * case.connections // case.series + 2) * INTERVAL_MS
        client = Client(server.port)
        # One metric is asked for until it is whole, so that the questions hardly add to the server's cost.
        name, of_it = first_metric("mixed", case.series, outcome.shard_samples)
        readable = wait_for(client, of_it, [name], start_ms, last)
        cpu_s = server.cpu_s() - before
        rss, private = server.peak()
        count = wait_for(
            Client(server.port), outcome.acknowledged, metric_names("mixed", case.series), start_ms, last
        )
    return Result(outcome, cpu_s, rss, private, readable.after_s, count)
