"""What each door of log lines and spans takes, costs and leaves on disk; how soon lines are found."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Final

from bench.client import Client, QueryError
from bench.events.records import LOG_DOORS, Door
from bench.events.sending import Outcome, Plan, send, sending
from bench.query import Timing
from bench.servers import Pharos, Server, started

_SETTLED_S: Final = 120.0
_PROBE_S: Final = 0.1


@dataclass(slots=True)
class Taken:
    """What one door took, and what that cost."""

    outcome: Outcome = field(default_factory=Outcome)
    cpu_s: float = 0.0
    """Of the server while it was sent."""
    merged_cpu_s: float = 0.0
    """The same, merges afterwards included."""
    peak_private_bytes: int = 0
    stored: int = 0
    bytes_at_rest: int = 0


def take(door: Door, duration_s: float) -> Taken:
    """Send as much as a fresh server takes by a door; records are of the last hour."""
    found = Taken()
    with started(Pharos) as server:
        # The first requests of a server load code; they are not what is measured.
        send(Plan(server.port, door.name, duration_s=1.0))
        server.settle(20)
        before = server.cpu_s()
        server.reset_peak()
        found.outcome = send(Plan(server.port, door.name, duration_s=duration_s))
        found.cpu_s = server.cpu_s() - before
        found.peak_private_bytes = server.peak()[1]
        settled_s = server.settle(_SETTLED_S)
        idle_s = _idle_cores(server) * settled_s
        found.merged_cpu_s = server.cpu_s() - before - idle_s
        found.stored, found.bytes_at_rest = server.weigh_table("logs" if door in LOG_DOORS else "spans")
    return found


def _idle_cores(server: Server) -> float:
    """Return what the server uses for itself when nothing is asked of it."""
    before, begun = server.cpu_s(), time.monotonic()
    time.sleep(5)
    return (server.cpu_s() - before) / (time.monotonic() - begun)


@dataclass(slots=True)
class Fresh:
    """Seconds from acknowledged to found."""

    found: Timing = field(default_factory=Timing)
    missing: int = 0
    outcome: Outcome = field(default_factory=Outcome)


def freshness(a_second: float, duration_s: float) -> Fresh:
    """Send a line each 100 ms to a server that takes lines all the time, and search until it is found."""
    result = Fresh()
    with started(Pharos) as server:
        plan = Plan(server.port, LOG_DOORS[0].name, a_second=a_second, duration_s=duration_s + 5)
        with sending(plan) as outcome:
            time.sleep(3)
            acknowledged: dict[int, float] = {}
            seen: dict[int, float] = {}
            done = threading.Event()
            watcher = threading.Thread(target=_watch, args=(server.port, seen, done))
            watcher.start()
            client = Client(server.port)
            begun = time.monotonic()
            for number in range(int(duration_s / _PROBE_S)):
                time.sleep(max(0.0, begun + number * _PROBE_S - time.monotonic()))
                line = [str(time.time_ns()), f"probe number {number} here"]
                body = json.dumps({"streams": [{"stream": {"job": "probe"}, "values": [line]}]}).encode()
                status, _ = client.request(
                    "POST", "/loki/api/v1/push", body, {"Content-Type": "application/json"}
                )
                if status == 204:
                    acknowledged[number] = time.monotonic()
            time.sleep(3)
            done.set()
            watcher.join()
        result.outcome = outcome
    result.found.runs = [max(0.0, seen[number] - at) for number, at in acknowledged.items() if number in seen]
    result.missing = len(acknowledged) - len(result.found.runs)
    return result


def _watch(port: int, seen: dict[int, float], done: threading.Event) -> None:
    """Note when each probe is found for the first time."""
    client = Client(port, timeout_s=30)
    while not done.is_set():
        start_ms = str((time.time_ns() - 10_000_000_000) // 1_000_000)
        try:
            answer = json.loads(
                client.get("/api/logs/search", query="job:probe", limit="100", start=start_ms)
            )
        except QueryError:
            continue
        now = time.monotonic()
        for line in answer["data"]["lines"]:
            seen.setdefault(int(line["body"].split()[2]), now)
        time.sleep(0.01)
