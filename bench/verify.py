"""Is everything that was acknowledged there? Counted through the query API, not taken on trust."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bench.client import Client, QueryError


@dataclass(frozen=True, slots=True)
class Count:
    """What a server says it holds."""

    samples: int
    after_s: float
    """Seconds from the first question to the last answer."""


def count_samples(client: Client, names: list[str], start_ms: int, end_ms: int, step_s: int = 7200) -> int:
    """Return the samples of the metrics `names` in [start_ms, end_ms].

    Counted in windows whose borders carry no sample: times must be whole seconds, the borders lie half a
    second off. One query a metric, as a function drops the name and must not make two series equal.
    """
    first = start_ms / 1000 - 0.5 + step_s
    last = max(end_ms / 1000 + step_s, first)
    held = 0.0
    for name in names:
        rows = client.range(f"sum(count_over_time({name}[{step_s}s]))", first, last, step_s, nocache="1")
        held += sum(value for _, points in rows for _, value in points)
    return round(held)


def wait_for(
    client: Client, samples: int, names: list[str], start_ms: int, end_ms: int, timeout_s: float = 60
) -> Count:
    """Ask until the server holds `samples` or more; return what it holds then, or at the end of the time."""
    begun = time.monotonic()
    held = -1
    while True:
        try:
            held = count_samples(client, names, start_ms, end_ms)
        except QueryError:
            if time.monotonic() - begun > timeout_s:
                raise
        after = time.monotonic() - begun
        if held >= samples or after > timeout_s:
            return Count(held, after)
        time.sleep(0.1)
