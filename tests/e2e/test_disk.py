"""A full disk: Pharos says 503, keeps what it acknowledged, and goes on by itself when there is room again.

The data folder lies on a small tmpfs, so these tests must be run by a user who may mount one.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.bodies import single
from bench.client import Client
from bench.freshness import HEADERS
from bench.sender import Plan, Sending
from bench.servers import Pharos, free_port
from bench.verify import expected, held, wait_for

SIZE_MB = 384
ROOM_MB = 96
"""What is left for Pharos until the ballast goes."""
SERIES = 10_000
PROBE = (("__name__", "disk_probe"), ("case", "full"))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.fail(f"this test needs to mount a tmpfs, which was refused: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def server(small_disk: Path) -> Iterator[Pharos]:
    made = Pharos(small_disk, free_port())
    yield made
    made.stop()


def _write_probe(server: Pharos, number: int) -> int:
    """Write one sample now and return the status."""
    body = single(PROBE, number, int(time.time() * 1000))
    status, _ = Client(server.port, timeout_s=30).request("POST", server.write_path, body, HEADERS)
    return status


def _wait_for_status(server: Pharos, wanted: set[int], timeout_s: float) -> list[int]:
    """Write probes until one is answered with a status in `wanted`; return all statuses."""
    statuses = []
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        statuses.append(_write_probe(server, len(statuses)))
        if statuses[-1] in wanted:
            return statuses
        time.sleep(0.05)
    raise AssertionError(f"no answer in {wanted} within {timeout_s} s, only {set(statuses)}")


@pytest.mark.parametrize("floor_mb", [32, 0], ids=["configured floor", "until the disk is full"])
def test_a_full_disk_loses_nothing_and_ends_by_itself(
    server: Pharos, small_disk: Path, floor_mb: int
) -> None:
    server.settings = f"ingest:\n  min_free_disk: {floor_mb}MB\n"
    server.start()
    assert _write_probe(server, 0) in {200, 204}
    ballast = small_disk / "ballast"
    with ballast.open("wb") as file:
        for _ in range(SIZE_MB - ROOM_MB - floor_mb):
            file.write(bytes(1 << 20))
    start_ms = (int(time.time()) // 15 - 4 * 86_400 // 15) * 15_000
    plan = Plan(
        server.port, server.write_path, "counters", SERIES, 4, 2_000, start_ms=start_ms, interval_ms=15_000,
        steps=4 * 86_400 // 15,
    )  # fmt: skip
    sending = Sending(plan)
    try:
        sending.begin()
        statuses = _wait_for_status(server, {503}, 60)
        assert set(statuses) <= {200, 204, 503}
        time.sleep(3.0)  # the full state must hold for a while, under pressure
        client = Client(server.port)
        assert client.get("/-/healthy")
        assert client.instant("count(count_over_time(disk_probe[1h]))", time.time()), (
            "reads work on a full disk"
        )
        ballast.unlink()
        _wait_for_status(server, {200, 204}, 30)
        outcome = sending.stop()
    finally:
        sending.kill()
    assert outcome.refused == []
    assert outcome.busy > 0
    wanted = expected("counters", SERIES, outcome.shard_samples)
    steps = max(outcome.shard_samples) * 4 // SERIES + 2
    names, end_ms = sorted(wanted), start_ms + steps * 15_000
    wait_for(client, outcome.acknowledged, names, start_ms, end_ms)
    assert held(client, names, start_ms, end_ms) == wanted
