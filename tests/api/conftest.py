"""A server that allows everything, with samples that a Prometheus beside it has too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.peers import Peer, samples
from tests.process import Server

SETTINGS = """\
admin_api: true
ingest: {max_sample_age: 0}
retention: {metrics: 0}
"""


@pytest.fixture(scope="package")
def end_ms() -> int:
    """When the newest sample was taken: just now, on a whole second.

    It lies 7 s behind a multiple of 15 s, so that no window that is asked for begins on a sample:
    there Prometheus 2 and 3 differ.
    """
    return ((time.time_ns() // 1_000_000_000 - 12) // 15 * 15 + 7) * 1000


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own, since these tests delete things."""
    folder = tmp_path_factory.mktemp("api")
    (folder / "pharos.yml").write_text(f"{SETTINGS}prometheus: prometheus.yml\n")
    (folder / "prometheus.yml").write_text("global: {}\n")
    running = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    yield running
    assert running.stop() == 0, running.log.read_text()


@pytest.fixture(scope="package")
def pharos(server: Server, end_ms: int) -> Peer:
    """The server with samples."""
    peer = Peer(server.url)
    written = samples(end_ms)
    peer.write(written)
    count = sum(len(one["samples"]) for one in written if one["labels"][0][1] != "gone")
    expression = 'sum(count_over_time({__name__=~"requests_total|odd|shown|lat_bucket"}[1h]))'
    peer.wait_for(expression, end_ms / 1000, count)
    return peer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a peer."""
    return tmp_path / "peer"
