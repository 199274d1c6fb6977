"""What searches over millions of lines and of spans take, right after a restart and again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.client import Client
from bench.events.records import LOG_DOORS, SPAN_DOOR, Door, word
from bench.events.sending import Plan, send
from bench.query import Timing
from bench.servers import Pharos

_HOUR_NS: Final = 3_600_000_000_000
_WINDOWS: Final = (("1 h", _HOUR_NS), ("24 h", 24 * _HOUR_NS))
_RUNS: Final = 9
_ABSENT: Final = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Search:
    """One question."""

    name: str
    path: str
    arguments: dict[str, str]
    has_window: bool = True


@dataclass(slots=True)
class Took:
    """What one took over one window."""

    name: str
    first_s: float
    again: Timing
    answer_bytes: int


@dataclass(slots=True)
class Searched:
    """All of them."""

    records: int = 0
    took: list[Took] = field(default_factory=list)


def lines(folder: Path, count: int, say: Callable[[str], None]) -> Searched:
    """Load lines of a day, a fifth of them of its last hour, and search among them after a restart."""
    return _measure(LOG_DOORS[0], folder, count, _of_lines, say)


def spans(folder: Path, count: int, say: Callable[[str], None]) -> Searched:
    """The same for spans."""
    return _measure(SPAN_DOOR, folder, count, _of_spans, say)


def _measure(
    door: Door,
    folder: Path,
    count: int,
    searches: Callable[[Client, int], list[Search]],
    say: Callable[[str], None],
) -> Searched:
    end_ns = time.time_ns()
    found = Searched()
    server = Pharos(folder)
    server.start()
    try:
        for share, begin, length in ((0.8, 24, 23), (0.2, 1, 1)):
            plan = Plan(
                server.port, door.name, records=int(count * share),
                begin_ns=end_ns - begin * _HOUR_NS, length_ns=length * _HOUR_NS,
            )  # fmt: skip
            outcome = send(plan)
            found.records += outcome.acknowledged
            say(f"{door.name}: {outcome.acknowledged:,} in {outcome.elapsed_s:.0f} s")
        say(f"quiet after {server.settle(180):.0f} s")
        asked = searches(Client(server.port), end_ns)
        server.stop()
        server.start()
        server.settle(15)
        client = Client(server.port)
        for one in asked:
            for window, length_ns in _WINDOWS if one.has_window else (("", 0),):
                found.took.append(_ask(client, one, window, end_ns, length_ns, door is SPAN_DOOR))
    finally:
        server.stop()
    return found


def _ask(client: Client, one: Search, window: str, end_ns: int, length_ns: int, seconds: bool) -> Took:
    arguments = {
        name: text.replace("$window", window.replace(" ", "")) for name, text in one.arguments.items()
    }
    if length_ns:
        start, end = end_ns - length_ns, end_ns
        times = {"start": str(start), "end": str(end)}
        if seconds:
            times = {"start": f"{start / 1e9:.3f}", "end": f"{end / 1e9:.3f}"}
        arguments |= {"time": str(end)} if "query?" in one.path or one.path.endswith("/query") else times
    size = len(client.get(one.path, **arguments))
    first_s, again = client.last_s, Timing()
    for _ in range(_RUNS):
        client.get(one.path, **arguments)
        again.runs.append(client.last_s)
    return Took(f"{one.name}, {window}" if window else one.name, first_s, again, size)


def _of_lines(client: Client, end_ns: int) -> list[Search]:
    one = {"buckets": "1"}
    newest = {"limit": "100"}
    answer = client.get(
        "/api/logs/search", query="trace_id:*", limit="1", start=str(end_ns - _HOUR_NS), end=str(end_ns)
    )
    line = json.loads(answer)["data"]["lines"][0]
    frequent, middling, rare = word(1), word(100), word(100_003)
    user = "u123456"
    counted = 'sum by (service_name, detected_level) (count_over_time({service_name=~".+"}[$window]))'

    def count(name: str, query: str) -> Search:
        return Search(name, "/api/logs/histogram", {"query": query, **one})

    def first(name: str, query: str) -> Search:
        return Search(name, "/api/logs/search", {"query": query, **newest})

    return [
        count("count of a frequent word", "request"),
        count("count of a middling word", frequent),
        count("count of a rare word", rare),
        count("count of an absent word", "qqqqqqqqq"),
        first("newest 100 of a frequent word", "request"),
        first("newest 100 of a middling word", middling),
        count("count of a phrase", '"upstream answered late"'),
        count("count of a frequent field", "http.request.method:GET"),
        count("count of a rare field", f"user.id:{user}"),
        first("newest 100 of a rare field", f"user.id:{user}"),
        first("lines of a trace", f"trace_id:{line['trace_id']}"),
        count("count of a pattern", r"/rt=0\.00\d+/"),
        count("count of part of a word", "*swered*"),
        count("count of a negation", "NOT request"),
        Search("histogram by level", "/api/logs/histogram", {"by": "level", "buckets": "60"}),
        Search(
            "histogram of a word by level",
            "/api/logs/histogram",
            {"by": "level", "buckets": "60", "query": "request"},
        ),
        Search(
            "top 10 of a small field", "/api/logs/values", {"field": "http.request.method", "limit": "10"}
        ),
        Search("top 10 of a big field", "/api/logs/values", {"field": "user.id", "limit": "10"}),
        Search("count by two fields, LogQL", "/loki/api/v1/query", {"query": counted}),
        first("newest 100", ""),
        first("newest 100 of a service", "service:cart"),
        Search("names of fields", "/api/logs/fields", {}),
    ]


def _of_spans(client: Client, end_ns: int) -> list[Search]:
    times = {"start": f"{(end_ns - _HOUR_NS) / 1e9:.3f}", "end": f"{end_ns / 1e9:.3f}"}
    found = json.loads(client.get("/api/spans/search", limit="1", **times))["data"]["traces"][0]["trace_id"]
    path = "/api/spans/search"
    newest = {"limit": "20"}
    return [
        Search("a trace by its id", f"/api/spans/trace/{found}", {}, has_window=False),
        Search("a trace by its id, Jaeger's API", f"/api/traces/{found}", {}, has_window=False),
        Search("newest 20 of a service", path, {"service": "cart", **newest}),
        Search("newest 20 of an operation", path, {"service": "cart", "operation": "publish", **newest}),
        Search(
            "newest 20 with a frequent attribute", path, {"query": "http.response.status_code:200", **newest}
        ),
        Search("newest 20 with a rare attribute", path, {"query": "user.id:u123456", **newest}),
        Search("newest 20 slower than a limit", path, {"min_duration": "340ms", **newest}),
        Search("newest 20 that failed", path, {"status": "error", **newest}),
        Search("services", "/api/spans/services", {}, has_window=False),
        Search("operations", "/api/spans/operations", {"service": "cart"}, has_window=False),
        Search("who calls whom", "/api/spans/graph", {}),
    ]
