"""Small queries of many clients while 100,000 samples a second come in."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from bench.client import Client, QueryError
from bench.query import HOUR, Timing
from bench.sender import Outcome, Plan, Sending
from bench.servers import Server

CLIENTS = 16
PERIOD_S = 0.5
RATE = 100_000


TOO_MUCH = (
    ('{__name__=~".+"}', 24 * HOUR, 10),
    ("sum(max_over_time(requests_total[1h]))", 24 * HOUR, 10),
)
"""Expression, range and step of what would need more than 50 million points in memory."""
GREEDY = 2
_PATIENCE_S = 60.0
"""Who is not refused by then leaves."""


@dataclass(slots=True)
class Phase:
    """What the clients saw, from the moment each query was due."""

    timing: Timing = field(default_factory=Timing)
    cpu_cores: float = 0.0
    """Cores the server used for everything."""
    refused: Timing = field(default_factory=Timing)
    """How long each query that asked too much waited for its refusal."""
    answered: int = 0
    """How many of those were answered nevertheless."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the dashboards saw alone, and beside clients that ask too much."""

    alone: Phase
    beside: Phase
    outcome: Outcome


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
    """Let 16 clients ask for 100 series of an hour up to `end_s`, each twice a second, under ingest.

    Then once more, while others ask all the time for what is too much.
    """
    sending = background(server, series)
    alone, beside = Phase(), Phase()
    try:
        sending.begin(int(time.time() * 1000))
        time.sleep(min(5.0, duration_s / 2))
        _run(server, duration_s, end_s, alone, greedy=0)
        _run(server, duration_s, end_s, beside, greedy=GREEDY)
        outcome = sending.stop()
    finally:
        sending.kill()
    return Result(alone, beside, outcome)


def _run(server: Server, duration_s: float, end_s: int, phase: Phase, *, greedy: int) -> None:
    cpu, begun = server.cpu_s(), time.monotonic()
    lock = threading.Lock()
    threads = [
        threading.Thread(target=_ask, args=(server, number, begun, duration_s, end_s, phase.timing, lock))
        for number in range(CLIENTS)
    ] + [
        threading.Thread(target=_ask_too_much, args=(server, number, begun + duration_s, end_s, phase, lock))
        for number in range(greedy)
    ]
    for thread in threads:
        thread.start()
    for thread in threads[:CLIENTS]:
        thread.join()
    phase.cpu_cores = (server.cpu_s() - cpu) / (time.monotonic() - begun)
    for thread in threads[CLIENTS:]:
        thread.join()


def _ask_too_much(
    server: Server, number: int, until: float, end_s: int, phase: Phase, lock: threading.Lock
) -> None:
    client = Client(server.port, timeout_s=_PATIENCE_S)
    turn = number
    while time.monotonic() < until:
        expression, span_s, step_s = TOO_MUCH[turn % len(TOO_MUCH)]
        turn += 1
        refused = False
        try:
            client.range_bytes(expression, end_s - span_s, end_s, step_s, **server.no_cache)
        except QueryError:
            refused = True
        except OSError as error:
            with lock:
                phase.refused.failure = f"no answer in {_PATIENCE_S:g} s: {error}"[:300]
            return
        with lock:
            phase.answered += not refused
            if refused:
                phase.refused.runs.append(client.last_s)


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
