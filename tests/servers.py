"""Little questions and writes to a running server, for tests that need no generator."""

from __future__ import annotations

import json
import struct
import time
import urllib.parse
import urllib.request
from typing import Any

import cramjam
from bench.bodies import varint
from bench.freshness import HEADERS


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def body_of(metric: str, values: list[tuple[int, float]]) -> bytes:
    """Return a compressed remote write request of one series; times are in milliseconds."""
    label = _field(1, _field(1, b"__name__") + _field(2, metric.encode()))
    samples = [
        _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time_ms)) for time_ms, value in values
    ]
    return bytes(cramjam.snappy.compress_raw(_field(1, label + b"".join(samples))))


def write_samples(url: str, metric: str, count: int) -> None:
    """Write `count` samples of one series, the last of them now; returns when they are acknowledged."""
    now_ms = time.time_ns() // 1_000_000
    body = body_of(metric, [(now_ms - count + i, float(i)) for i in range(1, count + 1)])
    request = urllib.request.Request(f"{url}/api/v1/write", body, HEADERS, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status in {200, 204}


def query(url: str, expression: str) -> Any:
    """Return the result of an instant query."""
    arguments = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"{url}/api/v1/query?{arguments}", timeout=60) as answer:
        return json.loads(answer.read())["data"]["result"]


def counted(url: str, metric: str) -> int:
    """Return how many samples of a metric the last hour holds."""
    found = query(url, f"sum(count_over_time({metric}[1h]))")
    return int(found[0]["value"][1]) if found else 0
