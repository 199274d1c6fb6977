"""What it costs to look who asks, and how soon a token that was revoked opens nothing more.

Of the cost: the same requests to a server that asks nobody, and to one that does.

Both run at once and are asked in turns; what counts is the server's CPU time, and of all rounds the least.
"""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any, Final

from tests.peers import missing
from tests.postgres import postgres_at

from bench.bodies import single
from bench.freshness import HEADERS
from bench.servers import Pharos, Server, started

_WORDS: Final = "correct horse battery staple"
_JSON: Final = {"Content-Type": "application/json"}
_ASKED: Final = "/api/v1/query?query=sum(rate(pharos_ingest_samples_total[1m]))&nocache=1"


class Quiet(Pharos):
    """A server that measures itself seldom, so that this does not count."""

    settings = "self_scrape_interval: 60s\n"


@dataclass(slots=True)
class Result:
    """CPU milliseconds a request, by what is asked: (asked nobody, with a token)."""

    cpu_ms: dict[str, tuple[float, float]] = field(default_factory=dict)


def measure(rounds: int, requests: int) -> Result:
    """Return what writes and queries cost without and with a token."""
    result = Result()
    with started(Quiet) as open_one, started(Quiet) as closed:
        token = _close(closed)
        sides: tuple[tuple[Server, dict[str, str]], ...] = (
            (open_one, {}),
            (closed, {"Authorization": f"Bearer {token}"}),
        )
        for name, method, path, body, headers in _questions():
            least = [float("inf")] * len(sides)
            for number in range(rounds + 1):
                for side, (server, credentials) in enumerate(sides):
                    before = server.cpu_s()
                    _ask(server.port, requests, method, path, body, {**headers, **credentials})
                    if number:
                        least[side] = min(least[side], (server.cpu_s() - before) / requests * 1e3)
            result.cpu_ms[name] = (least[0], least[1])
    return result


def revocations_ms(times: int) -> dict[str, list[float]]:
    """Return how long after it was revoked a token still opened something, where it was and elsewhere.

    Two servers share a PostgreSQL, which must be installed: nothing is returned without.
    """
    if missing("postgresql"):
        return {}
    found: dict[str, list[float]] = {"here": [], "at another server": []}
    with postgres_at() as postgres:
        shared = f"state: {postgres.new_database().reveal()}\n" + Quiet.settings

        class Sharing(Quiet):
            settings = shared

        with started(Sharing) as one, started(Sharing) as two:
            _close(one)
            key = {"X-Pharos-Key": (one.folder / "store" / "admin-key").read_text(), **_JSON}
            for _ in range(times):
                made = _json(one.port, "/api/tokens", {"name": "one", "roles": ["viewer"]}, key)["data"]
                bearer = {"Authorization": f"Bearer {made['text']}"}
                for server in (one, two):
                    _until(server.port, bearer, is_open=True)
                _json(one.port, f"/api/tokens/{made['token']['id']}", None, key, "DELETE")
                began = time.perf_counter()
                for where, server in zip(found, (one, two), strict=True):
                    _until(server.port, bearer, is_open=False)
                    found[where].append((time.perf_counter() - began) * 1e3)
    return found


def _until(port: int, headers: dict[str, str], *, is_open: bool) -> None:
    """Ask until a server lets in, or not any more. Raises RuntimeError after a minute."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        connection.request("GET", _ASKED, None, headers)
        answer = connection.getresponse()
        answer.read()
        if (answer.status < 300) is is_open:
            connection.close()
            return
    raise RuntimeError("it took a minute")


def _questions() -> list[tuple[str, str, str, bytes, dict[str, str]]]:
    body = single((("__name__", "written"),), 1.0, time.time_ns() // 1_000_000)
    return [
        ("write", "POST", "/api/v1/write", body, dict(HEADERS)),
        ("query", "GET", _ASKED, b"", {}),
        ("metrics, one label's values", "GET", "/api/v1/label/job/values", b"", {}),
    ]


def _close(server: Server) -> str:
    """Add a user, so that everybody must say who they are; return a token that writes and reads."""
    folder = server.folder / "store"
    key = {"X-Pharos-Key": (folder / "admin-key").read_text(), **_JSON}
    _json(server.port, "/api/users", {"name": "root", "password": _WORDS}, key)
    made = _json(server.port, "/api/tokens", {"name": "bench", "roles": ["viewer", "writer"]}, key)
    return str(made["data"]["text"])


def _json(port: int, path: str, body: Any, headers: dict[str, str], method: str = "POST") -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    if answer["status"] != "success":
        raise RuntimeError(str(answer))
    return answer


def _ask(port: int, requests: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(requests):
        connection.request(method, path, body or None, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path} was answered {answer.status}")
    connection.close()
