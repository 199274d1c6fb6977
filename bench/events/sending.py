"""Sends the requests of a door from processes of their own, over connections that stay."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from bench.client import Client
from bench.events.records import DOORS, Door

_PATIENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send where."""

    port: int
    door: str
    records: int = 0
    """How many in all; 0 as many as go in `duration_s`."""
    duration_s: float = 0.0
    a_second: float = 0.0
    """Records a second, as fast as they are taken where 0."""
    begin_ns: int = 0
    """Times of the records run from here, ..."""
    length_ns: int = 0
    """... over so long as a whole; 0 is that they are of now."""
    connections: int = 4


@dataclass(slots=True)
class Outcome:
    """What became of it."""

    acknowledged: int = 0
    elapsed_s: float = 0.0
    waited_s: list[float] = field(default_factory=list)
    """For each answer."""
    cpu_s: float = 0.0
    """Of the senders."""
    failures: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Take in what another sender did at the same time."""
        self.acknowledged += other.acknowledged
        self.elapsed_s = max(self.elapsed_s, other.elapsed_s)
        self.waited_s += other.waited_s
        self.cpu_s += other.cpu_s
        self.failures += other.failures


def send(plan: Plan) -> Outcome:
    """Send what a plan says, and return once all of it is acknowledged."""
    with sending(plan) as outcome:
        pass
    return outcome


@contextmanager
def sending(plan: Plan) -> Iterator[Outcome]:
    """Send what a plan says beside the body; its outcome is complete at the exit."""
    outcome = Outcome()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(plan.connections, context) as pool:
        parts = [pool.submit(_send, plan, number) for number in range(plan.connections)]
        yield outcome
        for part in parts:
            outcome.add(part.result())


def _send(plan: Plan, number: int) -> Outcome:
    door = next(one for one in DOORS if one.name == plan.door)
    requests = door.requests(number)
    # By where it begins, so that what is sent in turns has traces of its own.
    chance = np.random.default_rng((number, plan.begin_ns))
    client = Client(plan.port, _PATIENCE_S)
    share = plan.records / plan.connections
    pace_s = plan.connections / plan.a_second if plan.a_second else 0.0
    outcome = Outcome()
    begun, used = time.monotonic(), time.process_time()
    which = 0
    while outcome.acknowledged < share if plan.records else time.monotonic() - begun < plan.duration_s:
        request = requests[which % len(requests)]
        which += 1
        time.sleep(max(0.0, begun + pace_s * outcome.acknowledged - time.monotonic()))
        if plan.length_ns:
            part = request.records / share
            window = int(plan.length_ns * part)
            first = plan.begin_ns + int(plan.length_ns * outcome.acknowledged / share)
        else:
            window = 1_000_000_000
            first = time.time_ns() - window
        _deliver(client, door, door.pack(request.fill(chance, first, window)), request.records, outcome)
    outcome.elapsed_s, outcome.cpu_s = time.monotonic() - begun, time.process_time() - used
    return outcome


def _deliver(client: Client, door: Door, body: bytes, records: int, outcome: Outcome) -> None:
    """Send one request until it is taken, as senders do; what is refused for good is a failure."""
    while True:
        status, content = client.request("POST", door.path, body, {"Content-Type": door.content_type})
        if status not in {429, 503}:
            break
        time.sleep(0.1)
    outcome.waited_s.append(client.last_s)
    if status in door.answers:
        outcome.acknowledged += records
    else:
        outcome.failures.append(f"{door.name}: {status} {content[:200].decode(errors='replace')}")
        raise RuntimeError(outcome.failures[-1])
