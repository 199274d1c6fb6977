"""Small queries of many clients while 100,000 samples a second come in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from bench.client import Client, QueryError
from bench.query import HOUR, Timing
from bench.sender import Outcome, Plan, Sending
from bench.servers import Server

CLIENTS = 16
PERIOD_S = 0.5
RATE = 100_000


@dataclass(frozen=True, slots=True)
class Result:
    """What the clients saw, from the moment each query was due."""

    timing: Timing
    outcome: Outcome
    cpu_cores: float
    """Cores the server used for both."""


def background(server: Server, series: int, rate: int = RATE) -> Sending:
    """Return a sender that is ready to send `rate` samples a second of `series` series, stamped now."""
    interval_ms = series * 1000 // rate
    return Sending(
        Plan(
            server.port, server.write_path, series=series, connections=4, samples=0, interval_ms=interval_ms,
            rate=rate, lead_steps=1000,
        )
    )  # fmt: skip


def measure(server: Server, series: int, duration_s: float, end_s: int) -> Result:
    """Let 16 clients ask for 100 series of an hour up to `end_s`, each twice a second, under ingest."""
    sending = background(server, series)
    timing = Timing()
    try:
        sending.begin(int(time.time() * 1000))
        time.sleep(min(5.0, duration_s / 2))
        cpu, begun = server.cpu_s(), time.monotonic()
        lock = threading.Lock()
        threads = [
            threading.Thread(target=_ask, args=(server, number, begun, duration_s, end_s, timing, lock))
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        cores = (server.cpu_s() - cpu) / (time.monotonic() - begun)
        outcome = sending.stop()
    finally:
        sending.kill()
    return Result(timing, outcome, cores)


def _ask(
    server: Server,
    number: int,
    begun: float,
    duration_s: float,
    end_s: int,
    timing: Timing,
    lock: threading.Lock,
) -> None:
    client = Client(server.port, timeout_s=60)
    for turn in range(int(duration_s / PERIOD_S)):
        due = begun + (turn + number / CLIENTS) * PERIOD_S
        time.sleep(max(0.0, due - time.monotonic()))
        which = (number * 31 + turn * 7) % 100
        expression = f'requests_total{{instance="10.0.{which // 10}.{which % 10}:9100"}}'
        last = end_s - 1000 - 7 + turn * 15
        try:
            client.range_bytes(expression, last - HOUR, last, 15, **server.no_cache)
        except (QueryError, OSError) as error:
            timing.failure = str(error)[:300]
            return
        with lock:
            timing.runs.append(time.monotonic() - due)
