"""Kill -9 at random moments under full write load: nothing acknowledged is lost, nothing is there twice.

PHAROS_KILLS sets how often (3 by default), PHAROS_KILL_SEED which moments.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.client import Client
from bench.sender import Plan, Sending
from bench.servers import Pharos, free_port
from bench.verify import expected, held, wait_for

KILLS = int(os.environ.get("PHAROS_KILLS", "3"))
SEED = int(os.environ.get("PHAROS_KILL_SEED", "1"))
SERIES = 10_000
STEPS = 6 * 86_400 // 15


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Pharos]:
    made = Pharos(tmp_path, free_port())
    yield made
    made.stop()


def test_killed_again_and_again_it_keeps_every_acknowledged_sample_once(server: Pharos) -> None:
    rng = random.Random(SEED)
    start_ms = (int(time.time()) // 15 - STEPS) * 15_000
    plan = Plan(
        server.port,
        server.write_path,
        "counters",
        SERIES,
        4,
        2_000,
        start_ms=start_ms,
        interval_ms=15_000,
        steps=STEPS,
    )
    server.start()
    sending = Sending(plan)
    ready_s = []
    try:
        sending.begin()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.2, 3.0))
            server.kill()
            server.start()
            ready_s.append(server.ready_s)
        time.sleep(1.0)
        outcome = sending.stop()
    finally:
        sending.kill()
    assert outcome.refused == []
    assert outcome.acknowledged > KILLS * SERIES, "there was no load to speak of"
    assert outcome.broken >= KILLS

    wanted = expected("counters", SERIES, outcome.shard_samples)
    assert sum(content.count for content in wanted.values()) == outcome.acknowledged
    steps = max(outcome.shard_samples) * 4 // SERIES + 2
    names, end_ms = sorted(wanted), start_ms + steps * 15_000
    wait_for(Client(server.port), outcome.acknowledged, names, start_ms, end_ms)
    assert held(Client(server.port), names, start_ms, end_ms) == wanted

    # And once more after a restart: what was answered came from the store, not from memory.
    server.stop()
    server.start()
    assert held(Client(server.port), names, start_ms, end_ms) == wanted
    # A time is no property of the code alone, so it is told, not asserted.
    print(f"ready after {[round(one, 2) for one in sorted(ready_s)]} s")
