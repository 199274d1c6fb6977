"""Events of 1,000 runs that go on at once over HTTP, in disorder, and whether all stand as they were told."""

from __future__ import annotations

import json
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from bench.client import Client
from bench.report import Row, Section
from bench.servers import Pharos

EVENTS_PER_S: Final = 2_000
_STEPS: Final = 50
_SENDERS: Final = 8
_AT_ONCE: Final = 100
"""Events of a request."""
_NEAR: Final = 4_000
"""Events that are so near to each other come in any order."""
_DOUBLED: Final = 0.05
_LOST_END, _LOST_STEP, _FAILED = 10, 7, 5
"""Each run of so many loses its end, loses the end of a step, fails."""
_PAGE: Final = 500
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Told:
    """How a run has to stand in the end."""

    run_id: str
    state: str
    steps_done: int


@dataclass(slots=True)
class Result:
    """What was sent, what it cost, and what came of it."""

    runs: int
    events: int
    took_s: float
    cores: float
    requests_s: list[float] = field(default_factory=list)
    pages_s: list[float] = field(default_factory=list)
    live_most: int = 0
    """Runs that went on at once."""
    wrong: int = 0
    """Runs that do not stand as they were told."""


def measure(runs: int) -> Result:
    """Send the events of so many runs at the rate, and look at each of them."""
    told, events = _made(runs)
    server = Pharos()
    try:
        server.start()
        client = Client(server.port)
        before, begun = server.cpu_s(), time.monotonic()
        live: list[int] = []
        requests_s = _send(server.port, events, lambda: live.append(_page(client, "live", "")["live"]))
        took_s = time.monotonic() - begun
        cores = (server.cpu_s() - before) / took_s
        found = Result(runs, len(events), took_s, cores, requests_s, live_most=max(live, default=0))
        shown = {one["run_id"]: one for one in _shown(client)}
        found.wrong = sum(
            (shown[one.run_id]["told_state"], shown[one.run_id]["steps_done"]) != (one.state, one.steps_done)
            for one in told
        )
        for one in told[:: max(runs // 100, 1)]:
            client.get(f"/api/v1/runs/{one.run_id}")
            found.pages_s.append(client.last_s)
        return found
    finally:
        server.stop()


def _made(runs: int) -> tuple[list[Told], list[dict[str, Any]]]:
    """Return how runs end, and their events in the order of sending."""
    chance, begin_ms = random.Random(101), int(time.time() * 1000) - 600_000
    told: list[Told] = []
    rounds: list[list[dict[str, Any]]] = [[] for _ in range(2 * _STEPS + 2)]
    for number in range(runs):
        run_id, is_failed = f"run-{number}", number % _FAILED == 0
        lost = number % _STEPS if number % _LOST_STEP == 0 else -1
        is_open = number % _LOST_END == 0
        rounds[0].append({"run_id": run_id, "kind": "start", "workflow": f"flow-{number % 20}"})
        for step in range(_STEPS):
            named = {"run_id": run_id, "step": {"id": f"step-{step}"}}
            rounds[2 * step + 1].append({**named, "kind": "start"})
            if step != lost:
                rounds[2 * step + 2].append({**named, "kind": "end"})
        if not is_open:
            rounds[-1].append(
                {"run_id": run_id, "kind": "end", "state": "failed" if is_failed else "succeeded"}
            )
        state = "running" if is_open else "failed" if is_failed else "succeeded"
        told.append(Told(run_id, state, _STEPS - (lost >= 0)))
    events = []
    for place, of_round in enumerate(rounds):
        events += [{**one, "time_ms": begin_ms + 5_000 * place} for one in of_round]
    events += chance.sample(events, int(_DOUBLED * len(events)))
    order = sorted(range(len(events)), key=lambda place: place + chance.uniform(0, _NEAR))
    return told, [events[place] for place in order]


def _send(port: int, events: Sequence[dict[str, Any]], now_and_then: Any) -> list[float]:
    """Send events at the rate; return how long each request took."""
    bodies = [
        json.dumps(events[start : start + _AT_ONCE]).encode() for start in range(0, len(events), _AT_ONCE)
    ]
    took_s: list[float] = []
    refused: list[str] = []
    begun = time.monotonic()

    def send(first: int) -> None:
        client = Client(port)
        for place in range(first, len(bodies), _SENDERS):
            time.sleep(max(begun + place * _AT_ONCE / EVENTS_PER_S - time.monotonic(), 0))
            status, answer = client.request("POST", "/api/v1/runs", bodies[place], _JSON)
            took_s.append(client.last_s)
            if status != 200:
                refused.append(f"{status} {answer[:200]!r}")

    threads = [threading.Thread(target=send, args=(first,)) for first in range(_SENDERS)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        now_and_then()
        time.sleep(1.0)
    if refused:
        raise RuntimeError(f"{len(refused)} requests were refused: {refused[0]}")
    return took_s


def _page(client: Client, state: str, cursor: str) -> Any:
    return json.loads(client.get("/api/v1/runs", state=state, limit=str(_PAGE), cursor=cursor))["data"]


def _shown(client: Client) -> Iterator[Any]:
    """Yield all runs, as lists have them."""
    cursor = ""
    while True:
        page = _page(client, "", cursor)
        yield from page["runs"]
        cursor = page["cursor"]
        if not cursor:
            return


def section(count: int) -> Section:
    """Return what the events of so many runs come to."""
    found = measure(count)
    title = f"Runs: {found.events:,} events of {found.runs:,} runs of {_STEPS} steps, over HTTP"
    return Section("runs", title, _rows(found))


def _rows(found: Result) -> list[Row]:

    def row(name: str, unit: str, value: float) -> Row:
        return Row(name, unit, {"Pharos": value}, compared=False)

    def percentile(values: Sequence[float], part: int) -> float:
        return 1000 * statistics.quantiles(values, n=100)[part - 1]

    return [
        row(f"events a second, {_AT_ONCE} a request, in disorder", "", found.events / found.took_s),
        row("CPU", "%", 100 * found.cores),
        row("a request, p50", "ms", percentile(found.requests_s, 50)),
        row("a request, p99", "ms", percentile(found.requests_s, 99)),
        row("runs that went on at once", "", float(found.live_most)),
        row("runs that do not stand as they were told", "", float(found.wrong)),
        row("one run whole, p50", "ms", percentile(found.pages_s, 50)),
        row("one run whole, p99", "ms", percentile(found.pages_s, 99)),
    ]
