"""Queries over native histograms, which a remote writer sends with float buckets."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator

import cramjam
import numpy as np

from bench.bodies import prefixed, varint
from bench.client import Client
from bench.freshness import HEADERS
from bench.query import HOUR, INTERVAL_MS, Query
from bench.servers import Server
from bench.verify import wait_for

BUCKETS = 40
_SCHEMA = 3
_FIRST_BUCKET = -20
_ZERO_THRESHOLD = 2.938735877055719e-39

QUERIES = (
    Query(
        "heavy", "0.95 quantile of sum by (job) of rate",
        "histogram_quantile(0.95, sum by (job) (rate(h[5m])))", HOUR,
    ),
    Query("heavy", "0.95 quantile of each rate", "histogram_quantile(0.95, rate(h[5m]))", HOUR),
    Query("heavy", "sum by (job) of rate, as histograms", "sum by (job) (rate(h[5m]))", HOUR),
    Query("heavy", "observations a second", "histogram_count(sum(rate(h[5m])))", HOUR),
)  # fmt: skip
SPOT = (("histogram_count(sum by (job) (h))", 1e-9), ("histogram_sum(sum by (job) (h))", 1e-9))


def load(server: Server, series: int, steps: int, end_s: int) -> None:
    """Write `steps` histograms of each of `series` series, the last at `end_s`, a request a step.

    Raises RuntimeError when one is refused or not all are readable afterwards.
    """
    client = Client(server.port, timeout_s=60)
    for number, body in enumerate(_bodies(series, steps, end_s * 1000)):
        while (answer := client.request("POST", server.write_path, body, HEADERS))[0] == 503:
            time.sleep(0.05)
        if answer[0] not in {200, 204}:
            raise RuntimeError(f"{server.name} refused step {number}: {answer[0]} {answer[1][:200]!r}")
    start_ms = end_s * 1000 - steps * INTERVAL_MS
    held = wait_for(client, series * steps, ["h"], start_ms, end_s * 1000).samples
    if held != series * steps:
        raise RuntimeError(f"{server.name} holds {held:,} of {series * steps:,} histograms")


def _bodies(series: int, steps: int, end_ms: int) -> Iterator[bytes]:
    rng = np.random.default_rng(1)
    counts, sums = np.zeros((series, BUCKETS)), np.zeros(series)
    labels = [
        b"".join(
            prefixed(b"\x0a", prefixed(b"\x0a", name) + prefixed(b"\x12", text))
            for name, text in (
                (b"__name__", b"h"), (b"instance", b"%d" % i), (b"job", b"job-%d" % (i % 10)),
            )
        )
        for i in range(series)
    ]  # fmt: skip
    for step in range(steps):
        counts += rng.poisson(2, counts.shape)
        sums += rng.random(series)
        ts = varint(end_ms - (steps - 1 - step) * INTERVAL_MS)
        body = b"".join(
            prefixed(b"\x0a", labels[i] + prefixed(b"\x22", _histogram(counts[i], float(sums[i]), ts)))
            for i in range(series)
        )
        yield bytes(cramjam.snappy.compress_raw(body))


def _histogram(counts: np.ndarray, total: float, ts: bytes) -> bytes:
    """Return the fields of a float histogram (prompb.Histogram): spans of signed numbers are zigzag."""
    span = b"\x08" + varint(-2 * _FIRST_BUCKET - 1) + b"\x10" + varint(BUCKETS)
    return (
        b"\x11" + struct.pack("<d", counts.sum())
        + b"\x19" + struct.pack("<d", total)
        + b"\x20" + varint(2 * _SCHEMA)
        + b"\x29" + struct.pack("<d", _ZERO_THRESHOLD)
        + b"\x39" + bytes(8)
        + prefixed(b"\x5a", span)
        + prefixed(b"\x6a", counts.tobytes())
        + b"\x78" + ts
    )  # fmt: skip
