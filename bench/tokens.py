"""What it costs to look who asks, and how soon a token that was revoked opens nothing more.

Of the cost: the same requests to a server that asks nobody, and to one that does. Both run at once and are
asked in turns, one request at a time; what counts is the median of how long a request took. Two servers that
do the same differ by more than a token costs, so the one layer that looks who asks is measured by itself too.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from starlette.requests import HTTPConnection
from starlette.responses import Response
from tests.identity.people import WORDS, open_world
from tests.peers import missing
from tests.postgres import postgres_at

from bench.bodies import single
from bench.freshness import HEADERS
from bench.report import Row
from bench.servers import Pharos, Server, started
from pharos.access import Scope
from pharos.api.http.credentials import identify
from pharos.api.http.identity import SCOPE, Authentication
from pharos.clock import FakeClock
from pharos.errors import PharosError

_JSON: Final = {"Content-Type": "application/json"}
_ASKED: Final = "/api/v1/query?query=sum(rate(asked[5m]))&nocache=1"
_SERIES: Final = 20
"""What is asked about: nothing comes to it, so that each answer takes the same."""


class Quiet(Pharos):
    """A server that measures itself seldom, so that this does not count."""

    settings = "self_scrape_interval: 60s\n"


@dataclass(frozen=True, slots=True)
class Question:
    """A request."""

    name: str
    method: str
    path: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Result:
    """Milliseconds a request, by what is asked: (asked nobody, with a token)."""

    took_ms: dict[str, tuple[float, float]] = field(default_factory=dict)
    spread: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """By what is asked: the least and the most that a pair of servers said the token takes, as a share."""

    def rows(self) -> list[Row]:
        """Return what a request took, and by how much more it takes with a token."""
        found = []
        for name, (open_ms, token_ms) in self.took_ms.items():
            found.append(Row(f"{name}, p50, nobody is asked", "ms", {"Pharos": open_ms}, compared=False))
            found.append(Row(f"{name}, p50, with a token", "ms", {"Pharos": token_ms}, compared=False))
            more = 100 * (token_ms / open_ms - 1)
            found.append(Row(f"{name}: more for the token", "%", {"Pharos": more}, compared=False))
        return found

    def notes(self) -> list[str]:
        """Return how far the pairs of servers were apart, in words."""
        return [
            f"{name}: the median of pairs of servers that said from {100 * least:.1f} to {100 * most:.1f} %."
            for name, (least, most) in self.spread.items()
        ]


def measure(pairs: int, rounds: int, requests: int) -> Result:
    """Return what writes and queries cost without and with a token: the median pair of servers of several.

    Two servers that do the same differ by some percent. So both are asked while neither asks back, and again
    once the second one does; what counts is by how much their ratio changed.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(pairs):
        for name, took_ms in _of_a_pair(rounds, requests).items():
            found.setdefault(name, []).append(took_ms)
    result = Result()
    for name, all_ms in found.items():
        all_ms.sort(key=lambda one: one[1] / one[0])
        result.took_ms[name] = all_ms[pairs // 2]
        result.spread[name] = tuple(one[1] / one[0] - 1.0 for one in (all_ms[0], all_ms[-1]))
    return result


def _of_a_pair(rounds: int, requests: int) -> dict[str, tuple[float, float]]:
    """Return milliseconds a request of one pair of servers, as `Result` has them."""
    with started(Quiet) as other, started(Quiet) as server:
        questions = _questions()
        for one in (other, server):
            _write_asked(one)
        sides: list[tuple[Server, dict[str, str]]] = [(other, {}), (server, {})]
        before = _medians(questions, sides, rounds, requests)
        sides[1] = (server, {"Authorization": f"Bearer {_close(server)}"})
        after = _medians(questions, sides, rounds, requests)
    found = {}
    for name in before:
        without_ms = after[name][0] * before[name][1] / before[name][0]
        found[name] = (without_ms, after[name][1])
    return found


def _write_asked(server: Server) -> None:
    """Write what will be asked about."""
    now_ms = time.time_ns() // 1_000_000
    for number in range(_SERIES):
        labels = (("__name__", "asked"), ("number", str(number)))
        for ago_ms in (60_000, 45_000, 30_000):
            body = single(labels, float(number - ago_ms), now_ms - ago_ms)
            _ask(server.port, 1, Question("asked", "POST", "/api/v1/write", body, dict(HEADERS)), {})


def _medians(
    questions: list[Question], sides: list[tuple[Server, dict[str, str]]], rounds: int, requests: int
) -> dict[str, list[float]]:
    """Return the median milliseconds of a request, by what is asked, of each server."""
    found: dict[str, list[float]] = {}
    for question in questions:
        took: list[list[float]] = [[] for _ in sides]
        for number in range(rounds + 1):
            # Neither always comes after the other: who is second finds the processor warm.
            for side, (server, credentials) in list(enumerate(sides))[:: 1 if number % 2 else -1]:
                round_ms = _ask(server.port, requests, question, credentials)
                took[side] += round_ms if number else []
        found[question.name] = [statistics.median(one) for one in took]
    return found


def layer_rows(times: int) -> list[Row]:
    """Return what the layer in front of every route takes, without users and with a token."""
    open_us, token_us = asyncio.run(_of_the_layer(times))
    return [
        Row("the layer that looks who asks, nobody is asked", "µs", {"Pharos": open_us}, compared=False),
        Row("the layer that looks who asks, with a token", "µs", {"Pharos": token_us}, compared=False),
    ]


async def _of_the_layer(times: int) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(Path(folder), FakeClock(), Random(1)) as world:
            layer = Authentication(
                _reached, partial(identify, world.entrance.authenticator), _anybody, _unanswered
            )
            open_us = await _layer_us(layer, {}, times)
            await world.owner.done("POST /api/users", {"name": "root", "password": WORDS})
            text, _ = await world.token("viewer", "writer", tenant="default")
            token_us = await _layer_us(layer, {"Authorization": f"Bearer {text}"}, times)
    return open_us, token_us


async def _layer_us(layer: Authentication, credentials: dict[str, str], times: int) -> float:
    """Return the microseconds of one of so many requests."""
    sent = {"Host": "127.0.0.1", "Accept-Encoding": "identity", **HEADERS, **credentials}
    headers = [(name.lower().encode(), value.encode()) for name, value in sent.items()]
    began = time.perf_counter()
    for _ in range(times):
        await layer({"type": "http", "method": "POST", "headers": headers}, _unused, _unused)
    return 1e6 * (time.perf_counter() - began) / times


async def _reached(asked: Any, *_: Any) -> None:
    """Be the application. Raises PharosError where who asks may not write."""
    asked[SCOPE].check("metrics.write")


async def _unused(*_: Any) -> Any:
    """Neither take nor send: what is behind the layer does not either."""


def _anybody(_: Scope) -> None:
    """Let everybody in."""


def _unanswered(_: HTTPConnection, refused: PharosError) -> Response:
    raise refused


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


def _questions() -> list[Question]:
    body = single((("__name__", "written"),), 1.0, time.time_ns() // 1_000_000)
    asked = f"{_ASKED}&time={time.time():.3f}"
    return [Question("write", "POST", "/api/v1/write", body, dict(HEADERS)), Question("query", "GET", asked)]


def _close(server: Server) -> str:
    """Add a user, so that everybody must say who they are; return a token that writes and reads."""
    folder = server.folder / "store"
    key = {"X-Pharos-Key": (folder / "admin-key").read_text(), **_JSON}
    _json(server.port, "/api/users", {"name": "root", "password": WORDS}, key)
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


def _ask(port: int, requests: int, question: Question, credentials: dict[str, str]) -> list[float]:
    """Ask over one connection; return how many milliseconds each request took."""
    connection, took_ms = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    headers = {**question.headers, **credentials}
    for _ in range(requests):
        began = time.perf_counter()
        connection.request(question.method, question.path, question.body or None, headers)
        answer = connection.getresponse()
        answer.read()
        took_ms.append(1e3 * (time.perf_counter() - began))
        if answer.status >= 300:
            raise RuntimeError(f"{question.name} was answered {answer.status}")
    connection.close()
    return took_ms
