"""A fresh server has something to see among logs and traces: its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.test_otlp_ports import eventually, lines, read
from tests.process import Server


def test_a_server_keeps_its_own_log_and_spans_of_requests(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", "--self-events")
    try:
        first = "the store is open"
        assert eventually(lambda: any(line.startswith(first) for line in lines(server, "pharos")))

        def names() -> Any:
            return read(server, "/api/services/pharos/operations")["data"]

        assert eventually(lambda: "GET /loki/api/v1/query_range" in names())
    finally:
        assert server.stop() == 0, server.log.read_text()
