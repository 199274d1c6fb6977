"""Running the real node_exporter, and reading what it or Pharos exposes."""

from __future__ import annotations

import http.client
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families
from tests.peers import ending_with_us, free_port, program

# Debian leaves out more than upstream does; Pharos keeps to upstream.
UPSTREAM_DEFAULTS = [
    "--collector.netdev.device-exclude=",
    r"--collector.diskstats.device-exclude=^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$",
    (
        "--collector.filesystem.mount-points-exclude="
        "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
    ),
]

LabelSet = frozenset[tuple[str, str]]


class Shown(NamedTuple):
    """One family as exposed: its type, and its values by label set."""

    kind: str
    samples: dict[LabelSet, float]


def parse(text: str) -> dict[str, Shown]:
    """Return the families of an exposition by the name that their samples have."""
    shown: dict[str, Shown] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples = shown.setdefault(sample.name, Shown(family.type, {})).samples
            labels = frozenset(sample.labels.items())
            assert labels not in samples, f"{sample.name}{sample.labels} is there twice"
            samples[labels] = float(sample.value)
    return shown


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator[int]:
    """Run node_exporter on a free loopback port and give the port."""
    port = free_port()
    command = [
        program("node-exporter"),
        f"--web.listen-address=127.0.0.1:{port}",
        *UPSTREAM_DEFAULTS,
        *arguments,
    ]
    with subprocess.Popen(
        ending_with_us(command), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as exporter:
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert exporter.poll() is None, f"node_exporter ended: {command}"
                    assert time.monotonic() < deadline, "node_exporter did not listen in time"
                    time.sleep(0.02)
            yield port
        finally:
            exporter.kill()


def scrape(port: int) -> str:
    """Return what the exporter shows now."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/metrics")
        response = connection.getresponse()
        assert response.status == 200
        return response.read().decode()
    finally:
        connection.close()
