"""How long after its acknowledgement a sample is seen by a query, while 100,000 samples a second come in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from bench.bodies import single
from bench.client import Client, QueryError
from bench.dashboards import background
from bench.query import Timing
from bench.sender import Outcome
from bench.servers import Server, started

PROBE = (("__name__", "bench_probe"), ("cluster", "probe"))
PERIOD_S = 0.1
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


@dataclass(slots=True)
class Result:
    """Seconds from acknowledged to visible, and what the writing of one sample took."""

    visible: Timing = field(default_factory=Timing)
    write: Timing = field(default_factory=Timing)
    missing: int = 0
    """Probes not seen within ten seconds of the end."""
    outcome: Outcome = field(default_factory=Outcome)
    cpu_cores: float = 0.0


def measure(kind: type[Server], series: int, duration_s: float) -> Result:
    """Send a probe each 100 ms to a fresh server under load, and ask for the latest one all the time."""
    with started(kind) as server:
        sending = background(server, series)
        try:
            sending.begin(int(time.time() * 1000))
            time.sleep(min(10.0, duration_s))
            cpu, begun = server.cpu_s(), time.monotonic()
            result = _probe(server, duration_s)
            result.cpu_cores = (server.cpu_s() - cpu) / (time.monotonic() - begun)
            result.outcome = sending.stop()
        finally:
            sending.kill()
    return result


def _probe(server: Server, duration_s: float) -> Result:
    result = Result()
    acknowledged: dict[int, float] = {}
    seen: dict[int, float] = {}
    count = int(duration_s / PERIOD_S)
    done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(server, count, seen, done))
    watcher.start()
    client = Client(server.port)
    begun = time.monotonic()
    for number in range(1, count + 1):
        time.sleep(max(0.0, begun + number * PERIOD_S - time.monotonic()))
        body = single(PROBE, number, int(time.time() * 1000))
        status, content = client.request("POST", server.write_path, body, HEADERS)
        if status not in {200, 204}:
            result.write.failure = f"{status} {content[:200].decode(errors='replace')}"
            continue
        acknowledged[number] = time.monotonic()
        result.write.runs.append(client.last_s)
    watcher.join(10)
    done.set()
    watcher.join()
    result.visible.runs = [
        max(0.0, seen[number] - at) for number, at in acknowledged.items() if number in seen
    ]
    result.missing = len(acknowledged) - len(result.visible.runs)
    return result


def _watch(server: Server, count: int, seen: dict[int, float], done: threading.Event) -> None:
    """Note when each probe was first visible: the latest value stands for all before it."""
    client = Client(server.port, timeout_s=30)
    latest = 0
    while latest < count and not done.is_set():
        try:
            rows = client.instant("bench_probe", time.time(), **server.no_cache)
        except QueryError:
            rows = []
        now = time.monotonic()
        for _, value in rows:
            for number in range(latest + 1, int(value) + 1):
                seen[number] = now
            latest = max(latest, int(value))
        time.sleep(0.004)
