"""Is everything that was acknowledged there? Counted through the query API, not taken on trust."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bench.client import Client, QueryError
from bench.series import build
from bench.values import total


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
    return sum(_over_windows(client, "count", name, start_ms, end_ms, step_s) for name in names)


def _over_windows(client: Client, what: str, name: str, start_ms: int, end_ms: int, step_s: int) -> int:
    first = start_ms / 1000 - 0.5 + step_s
    last = max(end_ms / 1000 + step_s, first)
    rows = client.range(f"sum({what}_over_time({name}[{step_s}s]))", first, last, step_s, nocache="1")
    return sum(round(value) for _, points in rows for _, value in points)


@dataclass(frozen=True, slots=True)
class Content:
    """How many samples of a metric there are, and their sum."""

    count: int
    sum: int


def expected(layout: str, series: int, shard_samples: Sequence[int]) -> dict[str, Content]:
    """Return what a server must hold of each metric after a sender's `shard_samples` were acknowledged.

    Sums are exact for layouts of whole numbers only ("counters").
    """
    made = build(layout, series)
    names = np.array([row[0][1] for row in made.labels])
    bounds = np.linspace(0, len(made), len(shard_samples) + 1).astype(int)
    found = {str(name): Content(0, 0) for name in np.unique(names)}
    for (first, last), sent in zip(pairwise(bounds), shard_samples, strict=True):
        steps, rest = divmod(sent, int(last - first))
        for name, content in found.items():
            index = np.arange(first, last, dtype=np.int64)[names[first:last] == name]
            more = index[index < first + rest]
            worth = total(index, made.kinds[index], 0, steps)
            worth += total(more, made.kinds[more], steps, steps + 1)
            count = len(index) * steps + len(more)
            found[name] = Content(content.count + count, content.sum + round(worth))
    return found


def first_metric(layout: str, series: int, shard_samples: Sequence[int]) -> tuple[str, int]:
    """Return the name of a layout's first metric and how many samples of it `shard_samples` contain."""
    made = build(layout, series)
    name = made.labels[0][0][1]
    own = np.array([row[0][1] == name for row in made.labels])
    bounds = np.linspace(0, len(made), len(shard_samples) + 1).astype(int)
    count = 0
    for (first, last), sent in zip(pairwise(bounds), shard_samples, strict=True):
        steps, rest = divmod(sent, int(last - first))
        count += steps * int(own[first:last].sum()) + int(own[first : first + rest].sum())
    return name, count


def held(
    client: Client, names: list[str], start_ms: int, end_ms: int, step_s: int = 7200
) -> dict[str, Content]:
    """Return what a server holds of each metric, by its own account."""
    return {
        name: Content(
            _over_windows(client, "count", name, start_ms, end_ms, step_s),
            _over_windows(client, "sum", name, start_ms, end_ms, step_s),
        )
        for name in names
    }


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
