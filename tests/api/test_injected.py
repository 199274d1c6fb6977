"""Text that would be code elsewhere is text here, wherever it is put: it reads and breaks nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from tests.api.peers import Peer

CASES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "cases/injected.yaml").read_text())
LOOKED_FOR = b"root:"
"""How the file begins that the texts would like to see."""


@pytest.fixture(scope="module")
def canary() -> Iterator[socket.socket]:
    """A listener that nobody may reach."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(100)
        listening.setblocking(False)
        yield listening


@pytest.mark.parametrize("place", CASES["places"])
def test_what_looks_like_code_is_text(pharos: Peer, canary: socket.socket, place: str) -> None:
    host = f"127.0.0.1:{canary.getsockname()[1]}"
    before, _, after = place.partition("?")
    for text in CASES["texts"]:
        put = text.replace("HOST", host)
        path = before.replace("IT", quote(put, safe=""))
        # Where the language has a text it is escaped, to be a text and not a fault of syntax.
        escaped = put.replace("\\", "\\\\")
        query = quote(after.replace('"IT"', f'"{escaped}"').replace("IT", put), safe="=&[]")
        answer = pharos.ask("GET", f"{path}?{query}" if after else path)
        assert answer.status < 500, (put, answer.body[:300])
        assert LOOKED_FOR not in answer.body, put
    with pytest.raises(BlockingIOError):
        canary.accept()
    # Nothing that was there is gone.
    assert pharos.ask("GET", "/api/v1/query?query=1").status == 200
