"""Pharos' own addresses for logs over a store: what is answered, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import DEFAULT
from pharos.api.http.identity import SCOPE
from pharos.api.http.routes import Router
from pharos.api.native.logs import LogsApi
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.ingest.events.batch import LogSignal
from pharos.ingest.events.requests import EventRequest, log_record, resource_of
from pharos.query.arrived import LACKING
from pharos.query.events.asking import Asking
from pharos.query.events.log_search import LogSearch
from pharos.query.events.logs import LogStore
from pharos.query.limits import Scheduler, SchedulerOptions

_CASES = yaml.safe_load((Path(__file__).parent / "cases" / "logs.yaml").read_text())
_NS = 10**9
_BEGIN_NS = 1_768_478_400 * _NS


@dataclass
class StillClock:
    """A clock that stands until it is set."""

    at_ns: int = _BEGIN_NS + 100 * _NS

    def now_ns(self) -> int:
        return self.at_ns

    def now_ms(self) -> int:
        return self.at_ns // 1_000_000

    def monotonic_s(self) -> float:
        return 0.0


@dataclass
class Logs:
    """A store with lines, and what answers over it."""

    engine: EmbeddedEngine
    clock: StillClock = field(default_factory=StillClock)
    changes: Changes = field(default_factory=Changes)
    signal: LogSignal = field(default_factory=LogSignal)
    batches: int = 0

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.engine, self.clock, SchedulerOptions())
        search = LogSearch(LogStore(self.changes), Asking(self.changes, self.scheduler, wait_s=0.0))
        self.api = LogsApi(search, self.clock, every_s=0)

    def store(self, *rows: Mapping[str, Any]) -> None:
        request = EventRequest()
        for row in rows:
            resource = [("service.name", row["service"]), ("host.name", row["host"])]
            record = log_record(
                row["body"],
                ts_ns=_BEGIN_NS + row["at"] * _NS,
                severity=row["severity"],
                attributes=[*row.get("attributes", {}).items()],
                trace_id=bytes.fromhex(str(row.get("trace", ""))),
            )
            request.add(resource_of(resource), record)
        self.batches += 1
        batch = self.signal.begin()
        self.signal.decode(batch, DEFAULT.tenant, request.body(), self.clock.now_ns())
        batch.insert(self.engine, f"logs-{self.batches}")
        batch.note(self.changes)

    async def ask(self, name: str, **parameters: Any) -> tuple[int, Any]:
        """Return (status, the answer) of one address."""
        router = Router(self.api.operations(), _never, lambda *_: Response(status_code=403))
        asked = {
            "type": "http",
            "method": "GET",
            "path": f"/api/logs/{name}",
            "query_string": urlencode(parameters).encode(),
            "headers": [],
            SCOPE: DEFAULT,
        }
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await router(asked, receive, send)
        body = b"".join(one.get("body", b"") for one in sent[1:])
        return int(sent[0]["status"]), json.loads(body)

    async def data(self, name: str, **parameters: Any) -> Any:
        """Return the data of an answer that must succeed."""
        status, answer = await self.ask(name, **parameters)
        assert status == 200, answer
        return answer["data"]


async def _never(_request: Request) -> Response:
    raise AssertionError("no such address")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    with open_engine(tmp_path_factory.mktemp("logs")) as engine:
        logs = Logs(engine)
        logs.store(*_CASES["lines"])
        yield logs
        logs.scheduler.close()


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in _CASES["cases"]])
async def test_what_is_asked_of_logs_is_answered_so(stored: Logs, case: dict[str, Any]) -> None:
    status, answer = await stored.ask(case["ask"], **case.get("with", {}))
    assert status == case.get("status", 200), answer
    if "says" in case:
        assert case["says"] in answer["error"]
        return
    checked = [check(answer["data"], case) for name, check in _SHOWN.items() if name in case]
    assert checked


def _bodies(data: Any, case: Any) -> None:
    found, wanted = [line["body"] for line in data["lines"]], case["bodies"]
    if case.get("any_order"):
        found, wanted = sorted(found), sorted(wanted)
    assert found == wanted


def _more(data: Any, case: Any) -> None:
    assert bool(data["cursor"]) == case["has_more"]


def _series(data: Any, case: Any) -> None:
    assert {one["value"]: one["counts"] for one in data["series"]} == case["series"]
    assert data["others"] == case["others"]
    assert data["total"] == sum(map(sum, case["series"].values())) + sum(case["others"])


def _values(data: Any, case: Any) -> None:
    assert [(one["value"], one["lines"]) for one in data] == [*case["values"].items()]


def _templates(data: Any, case: Any) -> None:
    assert {one["template"]: one["lines"] for one in data["patterns"]} == case["templates"]


_SHOWN = {
    "bodies": _bodies,
    "has_more": _more,
    "series": _series,
    "values": _values,
    "templates": _templates,
}


async def test_a_line_tells_all_that_was_sent(stored: Logs) -> None:
    found = await stored.data("search", query="status:>=500")
    (line,) = found["lines"]
    assert line["ts_ns"] == str(_BEGIN_NS + 20 * _NS)
    assert (line["level"], line["service"], line["trace_id"]) == ("error", "store", "")
    assert line["attributes"] == [["status", "507", "i"]]
    assert line["resource"] == [["service.name", "store", "s"], ["host.name", "h2", "s"]]


@pytest.mark.parametrize("name", ["search", "histogram", "fields", "values", "patterns", "context"])
async def test_an_answer_that_may_lack_accepted_lines_says_so(stored: Logs, name: str) -> None:
    asked: dict[str, Any] = {"start": _BEGIN_NS, "end": _BEGIN_NS + 60 * _NS}
    if name == "values":
        asked["field"] = "host.name"
    if name == "context":
        (line,) = (await stored.data("search", **asked, limit=1))["lines"]
        asked = {"origin": line["origin"], "ts": line["ts_ns"]}
    arrivals = stored.changes.arrivals
    arrivals.note("run", DEFAULT.tenant, _BEGIN_NS // 10**6, _BEGIN_NS // 10**6)
    try:
        _, answer = await stored.ask(name, **asked)
        _, later = await stored.ask("search", start=_BEGIN_NS + _NS, end=_BEGIN_NS + 60 * _NS)
    finally:
        arrivals.stored("run")
    assert answer["warnings"] == [LACKING]
    assert "warnings" not in later
    assert await stored.ask(name, **asked) == (200, {"status": "success", "data": answer["data"]})


async def test_pages_follow_one_another(stored: Logs) -> None:
    bodies: list[str] = []
    cursor = ""
    for _ in range(6):
        page = await stored.data("search", limit=1, cursor=cursor)
        bodies += [line["body"] for line in page["lines"]]
        cursor = page["cursor"]
    assert cursor == ""
    assert sorted(bodies) == sorted(row["body"] for row in _CASES["lines"])


async def test_fields_are_told_with_their_places(stored: Logs) -> None:
    found = {(one["name"], one["place"]) for one in (await stored.data("fields"))["fields"]}
    assert {("user.id", "record"), ("host.name", "resource"), ("level", "own")} <= found


async def test_surroundings_are_of_the_line_s_own_origin(stored: Logs) -> None:
    (line,) = (await stored.data("search", query="timeout"))["lines"]
    around = await stored.data("context", origin=line["origin"], ts=line["ts_ns"], before=1, after=5)
    bodies = [one["body"] for one in around["lines"]]
    assert bodies == ["user 18 signed in", line["body"], "user 19 signed in"]
    assert (around["is_start"], around["is_end"]) == (False, True)


async def test_new_lines_are_told_once_and_what_is_left_out_is_counted(stored: Logs) -> None:
    start = stored.clock.now_ns()
    request = _request(f"query=fresh&limit=2&start={start}")
    answer = await stored.api.tail(request)
    assert answer.media_type == "text/event-stream"
    chunks: AsyncIterator[bytes] = answer.body_iterator  # type: ignore[attr-defined]
    assert (await anext(chunks)).startswith(b"retry:")
    row = {"service": "front", "host": "h1", "severity": 9}
    stored.store(*({**row, "at": 100 + number, "body": f"fresh {number}"} for number in range(3)))
    first = _event(await anext(chunks))
    assert [line["body"] for line in first["lines"]] == ["fresh 2", "fresh 1"]
    assert first["left_out"] == 1
    stored.store({**row, "at": 101, "body": "fresh and late"}, {**row, "at": 101, "body": "other"})
    second = _event(await anext(chunks))
    assert [line["body"] for line in second["lines"]] == ["fresh and late"]
    assert second["left_out"] == 0
    stored.api.end()
    assert [chunk async for chunk in chunks] == []


def _request(query: str) -> Request:
    return Request({"type": "http", "query_string": query.encode(), "headers": [], SCOPE: DEFAULT})


def _event(chunk: bytes) -> Any:
    (data,) = [line for line in chunk.decode().splitlines() if line.startswith("data: ")]
    return json.loads(data.removeprefix("data: "))
