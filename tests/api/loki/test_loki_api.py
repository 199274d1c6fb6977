"""Loki's API over lines in memory: answers as clients read them, refusals with what is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest
import yaml
from starlette.websockets import WebSocket
from tests.api.exchange import Exchange
from tests.api.hollow import hollow_edge
from tests.search.logql.memory_source import MemorySource, source_of

from pharos.access import Scope
from pharos.api.app import assemble
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.loki.routes import PREFIX, LokiApi
from pharos.api.loki.tail import Follow, TailApi
from pharos.search.logql.ast import Logs
from pharos.search.logql.parse import parse_logs
from pharos.search.logql.source import Entry, Source
from pharos.search.window import Window

T = TypeVar("T")
CASES = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text())
NS = 1_000_000_000
ZERO = 1_768_471_200
NOW = (ZERO + 100) * NS


@dataclass
class StillClock:
    """A clock that stands."""

    at_ns: int = NOW

    def now_ns(self) -> int:
        return self.at_ns

    def now_ms(self) -> int:
        return self.at_ns // 1_000_000

    def monotonic_s(self) -> float:
        return 0.0


@dataclass
class Asked:
    """Answers from lines in memory, without a store."""

    source: MemorySource
    scopes: list[Scope] = field(default_factory=list)
    windows: list[Window | None] = field(default_factory=list)
    lacking: tuple[str, ...] = ()
    """What its answers lack."""
    told: list[str] = field(default_factory=list)

    def telling(self, warnings: list[str]) -> Asked:
        return replace(self, told=warnings)

    async def ask(
        self,
        scope: Scope,
        asked: Hashable,
        work: Callable[[Source, Callable[[], None]], T],
        timeout_ms: int | None = None,
        window: Window | None = None,
    ) -> T:
        hash(asked)
        self.scopes.append(scope)
        self.windows.append(window)
        self.told += self.lacking
        return work(self.source, lambda: None)

    async def ask_now(
        self, scope: Scope, asked: Hashable, work: Callable[[Source, Callable[[], None]], T]
    ) -> T:
        hash(asked)
        return work(self.source, lambda: None)


def _source() -> MemorySource:
    return source_of({**row, "ts": (ZERO + row["ts"]) * NS} for row in CASES["lines"])


def _api(asked: Asked) -> LokiApi:
    bodies = Bodies(BodyLimits(1 << 20, reserve_bytes=1 << 18, idle_s=1, total_s=4))
    return LokiApi(asked, StillClock(), bodies)  # type: ignore[arg-type]


async def _ask(case: dict[str, Any], method: str = "GET", asked: Asked | None = None) -> tuple[int, str]:
    application = assemble(hollow_edge(), list(_api(asked or Asked(_source())).operations())).answer
    headers = [(name.encode(), value.encode()) for name, value in case.get("headers", {}).items()]
    exchange = Exchange("http", f"{PREFIX}/{case['ask']}", method=method, headers=headers)
    exchange.asked["query_string"] = urlencode(case.get("with", {})).encode()
    await exchange.with_(application)
    body = b"".join(message.get("body", b"") for message in exchange.sent[1:])
    return int(exchange.sent[0]["status"]), body.decode()


def _without_stats(found: Any) -> Any:
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found["data"].pop("stats", None)
    return found


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
async def test_an_answer(case: dict[str, Any]) -> None:
    status, text = await _ask(case)
    assert status == case.get("status", 200), text
    if "says" in case:
        assert case["says"] in text
        return
    found = _without_stats(json.loads(text))
    if "answer" in case:
        assert found == case["answer"]
    if "has" in case:
        _has(found, case["has"])
    if "lines" in case:
        assert sum(len(stream["values"]) for stream in found["data"]["result"]) == case["lines"]


def _has(found: Any, wanted: Any) -> None:
    for name, value in wanted.items():
        if isinstance(value, dict):
            _has(found[name], value)
        else:
            assert found[name] == value


_SELECTED: dict[str, str] = {"query": '{app="a"}'}
_TIMES = {"start": str(ZERO), "end": str(ZERO + 60)}
_HOUR_BEFORE = {"query": 'sum(rate({app="a"}[10m] offset 1h)) - sum(count_over_time({app="a"}[1m])) * 2'}


@pytest.mark.parametrize(
    ("name", "parameters", "window"),
    [
        ("query_range", {**_SELECTED, **_TIMES}, (ZERO * NS, (ZERO + 60) * NS)),
        (
            "query_range",
            {**_HOUR_BEFORE, **_TIMES, "step": "60"},
            ((ZERO - 4200) * NS + 1, (ZERO + 60) * NS + 1),
        ),
        (
            "query",
            {"query": 'rate({app="a"}[5m])', "time": str(ZERO)},
            ((ZERO - 300) * NS + 1, ZERO * NS + 1),
        ),
        ("query", {"query": "vector(1) + 1", "time": str(ZERO)}, (0, 0)),
        (
            "query",
            {"query": '1 + rate({app="a"}[5m])', "time": str(ZERO)},
            ((ZERO - 300) * NS + 1, ZERO * NS + 1),
        ),
        ("labels", _TIMES, (ZERO * NS, (ZERO + 60) * NS)),
        ("label/app/values", _TIMES, (ZERO * NS, (ZERO + 60) * NS)),
        ("series", {"match[]": '{app="a"}', **_TIMES}, (ZERO * NS, (ZERO + 60) * NS)),
        ("index/volume", {**_SELECTED, **_TIMES}, (ZERO * NS, (ZERO + 60) * NS)),
        ("index/volume_range", {**_SELECTED, **_TIMES}, (ZERO * NS, (ZERO + 60) * NS)),
        ("patterns", {**_SELECTED, **_TIMES}, (ZERO * NS, (ZERO + 60) * NS)),
    ],
)
async def test_an_answer_that_may_lack_lines_of_its_time_says_so(
    name: str, parameters: dict[str, str], window: tuple[int, int]
) -> None:
    asked = Asked(_source(), lacking=("some are not stored yet",))
    status, text = await _ask({"ask": name, "with": parameters}, asked=asked)
    assert (status, json.loads(text)["warnings"]) == (200, ["some are not stored yet"])
    assert asked.windows == [Window(*window)]
    complete = Asked(asked.source)
    assert "warnings" not in json.loads((await _ask({"ask": name, "with": parameters}, asked=complete))[1])


def _follow(text: str, **more: int) -> Follow:
    query = parse_logs(text)
    assert isinstance(query, Logs)
    return Follow(query, more.get("limit", 100), 0, more.get("delay", 0))


def _texts(follow: Follow, source: MemorySource, now_ns: int = NOW) -> list[str]:
    return [line.text for line in follow.next(source, now_ns, lambda: None)]


def test_lines_that_come_are_sent_once_late_ones_too() -> None:
    source = _source()
    follow = _follow('{app="a"}', limit=1)
    assert _texts(follow, source) == ["v=3"]
    assert _texts(follow, source) == []
    stream = source.lines[0].stream
    source.lines.append(Entry(NOW - 2 * NS, "late", stream))
    source.lines.append(Entry(NOW + NS, "new", stream))
    source.lines.append(Entry(NOW + NS, "new", stream))
    assert _texts(follow, source, NOW + NS) == ["late", "new", "new"]
    assert _texts(follow, source, NOW + 2 * NS) == []
    source.lines.append(Entry(NOW + NS, "new", stream))
    assert _texts(follow, source, NOW + 3 * NS) == ["new"]


def test_with_a_delay_lines_are_sent_when_they_are_so_old() -> None:
    source = _source()
    follow = _follow('{app="a"}', delay=5 * NS)
    assert _texts(follow, source) == ["v=1", "v=3"]
    source.lines.append(Entry(NOW, "young", source.lines[0].stream))
    assert _texts(follow, source, NOW + NS) == []
    assert _texts(follow, source, NOW + 5 * NS) == ["young"]


class _Talk:
    """One WebSocket: what is sent, and when the client goes."""

    def __init__(self, query: str) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.gone = asyncio.Event()
        self._connected = False
        scope = Exchange("websocket", f"{PREFIX}/tail").asked
        scope["query_string"] = query.encode()
        scope["pharos.scope"] = Scope("t")
        self.scope = scope

    async def receive(self) -> dict[str, Any]:
        if not self._connected:
            self._connected = True
            return {"type": "websocket.connect"}
        await self.gone.wait()
        return {"type": "websocket.disconnect", "code": 1000}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)
        if message["type"] in {"websocket.send", "websocket.close"}:
            self.gone.set()


async def _tail(query: str) -> _Talk:
    talk = _Talk(query)
    asked: Any = Asked(_source())
    await TailApi(asked, StillClock(), every_s=0.001).tail(WebSocket(talk.scope, talk.receive, talk.send))
    return talk


async def test_a_socket_gets_lines_until_its_client_goes() -> None:
    talk = await _tail(urlencode({"query": '{app="a"} |= "3"', "limit": 5}))
    assert [message["type"] for message in talk.sent] == ["websocket.accept", "websocket.send"]
    [stream] = json.loads(talk.sent[1]["text"])["streams"]
    assert stream["values"] == [[str((ZERO + 20) * NS), "v=3"]]


@pytest.mark.parametrize("query", [{"query": "{"}, {"query": '{app="a"}', "delay_for": "9"}, {"limit": "x"}])
async def test_a_socket_is_closed_with_what_is_wrong(query: dict[str, str]) -> None:
    talk = await _tail(urlencode(query))
    assert talk.sent[-1]["type"] == "websocket.close"
    assert talk.sent[-1]["code"] == 1008
    assert talk.sent[-1]["reason"]
