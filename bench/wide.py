"""A great many series of one metric: what questions over all of them cost, after a restart and again."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.client import Client, QueryError
from bench.query import INTERVAL_MS
from bench.sender import Plan, send
from bench.series import build
from bench.servers import Server

STEPS = 4
_NEVER_ASKED = 20


@dataclass(frozen=True, slots=True)
class Question:
    """One question over all series."""

    name: str
    path: str
    arguments: dict[str, str]
    has_time: bool = True


QUESTIONS = (
    Question("count(card)", "/api/v1/query", {"query": "count(card)"}),
    Question(
        "sum by (job) (rate(card[5m]))", "/api/v1/query", {"query": "sum by (job) (rate(card[5m]))"}
    ),
    Question("topk(5, card)", "/api/v1/query", {"query": "topk(5, card)"}),
    Question("status/tsdb", "/api/v1/status/tsdb", {}, has_time=False),
    Question("values of a label that all differ in", "/api/v1/label/pod/values", {}, has_time=False),
    Question("1,000 series", "/api/v1/series", {"match[]": "card", "limit": "1000"}, has_time=False),
)  # fmt: skip


@dataclass(slots=True)
class Cost:
    """What a question took."""

    wall_s: float
    cpu_s: float


@dataclass(slots=True)
class Result:
    """What was measured of one server."""

    ready_s: float = 0.0
    first: dict[str, Cost] = field(default_factory=dict)
    again: dict[str, Cost] = field(default_factory=dict)
    never_asked_s: list[float] = field(default_factory=list)
    peak_rss_bytes: int = 0
    failures: list[str] = field(default_factory=list)


def measure(kind: type[Server], series: int) -> Result:
    """Write `series` series, start anew, ask. Raises RuntimeError when not all series are there."""
    end_s = int(time.time()) // 15 * 15
    with tempfile.TemporaryDirectory(prefix=f"bench-wide-{kind.name.lower()}-") as folder:
        server = kind(Path(folder))
        server.start()
        try:
            _load(server, series, end_s)
            server.settle(30)
            server.stop(60)
            server.start(180)
            return _asked(server, series, end_s)
        finally:
            server.stop()


def _load(server: Server, series: int, end_s: int) -> None:
    start_ms = end_s * 1000 - STEPS * INTERVAL_MS
    outcome = send(
        Plan(server.port, server.write_path, layout="card", series=series, start_ms=start_ms, steps=STEPS)
    )
    if outcome.acknowledged != series * STEPS:
        raise RuntimeError(f"{server.name} took {outcome.acknowledged:,} of {series * STEPS:,} samples")


def _asked(server: Server, series: int, end_s: int) -> Result:
    client = Client(server.port, timeout_s=150)
    result = Result(ready_s=server.ready_s)
    for question in QUESTIONS:
        for found in (result.first, result.again):
            try:
                found[question.name] = _ask(server, client, question, end_s)
            except (QueryError, OSError) as error:
                result.failures.append(f"{question.name}: {str(error)[:200]}")
    labels = build("card", series).labels
    for row in range(0, series, max(1, series // _NEVER_ASKED)):
        pod = dict(labels[row])["pod"]
        client.get("/api/v1/query", query=f'card{{pod="{pod}"}}', time=f"{end_s:.3f}", **server.no_cache)
        result.never_asked_s.append(client.last_s)
    result.peak_rss_bytes = server.peak()[0]
    try:
        content = client.get("/api/v1/query", query="count(card)", time=f"{end_s:.3f}", **server.no_cache)
    except QueryError as error:
        result.failures.append(f"count: {str(error)[:200]}")
        return result
    held = json.loads(content)["data"]["result"]
    count = int(held[0]["value"][1]) if held else 0
    if count != series:
        raise RuntimeError(f"{server.name} holds {count:,} of {series:,} series")
    return result


def _ask(server: Server, client: Client, question: Question, end_s: int) -> Cost:
    more = {"time": f"{end_s:.3f}", **server.no_cache} if question.has_time else {}
    before = server.cpu_s()
    client.get(question.path, **question.arguments, **more)
    return Cost(client.last_s, server.cpu_s() - before)
