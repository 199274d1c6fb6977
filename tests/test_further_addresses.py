"""A server answers the same at each of its addresses: spans sent to one of them are there."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

from tests.peers import free_port
from tests.process import Server


def test_spans_sent_to_another_port_are_found_at_the_first(tmp_path: Path) -> None:
    port = free_port()
    config = tmp_path / "pharos.yml"
    config.write_text(f"also_listen: ['127.0.0.1:{port}']\n")
    server = Server(tmp_path / "store", "--config", str(config))
    try:
        spans = [{"traceId": "abc", "id": "1", "name": "n", "localEndpoint": {"serviceName": "front"}}]
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v2/spans",
            json.dumps(spans).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 202
    finally:
        assert server.stop() == 0
    again = Server(tmp_path / "store")
    try:
        with urllib.request.urlopen(f"{again.url}/api/services", timeout=30) as found:
            assert json.load(found)["data"] == ["front"]
    finally:
        assert again.stop() == 0
