"""A full disk: Pharos says 503, keeps what it acknowledged, and goes on by itself when there is room again.

The data folder lies on a small tmpfs, so these tests must be run by a user who may mount one.
"""

from __future__ import annotations

import contextlib
import shutil
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


def _wait_for_status(server: Pharos, wanted: set[int], timeout_s: float) -> None:
    """Write probes until one is answered with a status in `wanted`."""
    end = time.monotonic() + timeout_s
    while (status := _write_probe(server, 1)) not in wanted:
        assert status in {200, 204, 503}
        assert time.monotonic() < end, f"still {status} after {timeout_s} s"
        time.sleep(0.05)


def _keep_full(server: Pharos, ballast: Path, leave_mb: int, seconds: float) -> None:
    """Take all room but `leave_mb`, again whenever some is freed, until writes were refused for `seconds`."""
    end = time.monotonic() + 240
    refused_since = time.monotonic()
    with ballast.open("ab", buffering=0) as file:
        while time.monotonic() - refused_since < seconds:
            assert time.monotonic() < end, "writes were never refused for long"
            with contextlib.suppress(OSError):
                while shutil.disk_usage(ballast.parent).free > leave_mb << 20:
                    file.write(bytes(1 << 18))
            status = _write_probe(server, 0)
            assert status in {200, 204, 503}
            if status != 503:
                refused_since = time.monotonic()
            time.sleep(0.05)


@pytest.mark.parametrize("floor_mb", [32, 0], ids=["configured floor", "until the disk is full"])
def test_a_full_disk_loses_nothing_and_ends_by_itself(
    server: Pharos, small_disk: Path, floor_mb: int
) -> None:
    server.settings = f"ingest:\n  min_free_disk: {floor_mb}MB\n"
    server.start()
    assert _write_probe(server, 0) in {200, 204}
    ballast = small_disk / "ballast"
    steps = 4 * 86_400 // 15
    start_ms = (int(time.time()) // 15 - steps) * 15_000
    plan = Plan(
        server.port, server.write_path, "counters", SERIES, 4, 2_000, start_ms=start_ms, interval_ms=15_000,
        steps=steps,
    )  # fmt: skip
    sending = Sending(plan)
    try:
        sending.begin()
        _wait_for_status(server, {200, 204}, 30)
        _keep_full(server, ballast, floor_mb // 2, seconds=3.0)
        client = Client(server.port)
        assert client.get("/-/healthy")
        assert client.instant("count(count_over_time(disk_probe[1h]))", time.time()), "reads go on"
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
