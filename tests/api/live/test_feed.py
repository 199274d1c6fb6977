"""The live feed of a whole server: talks, an own port, server-sent events, tokens that are revoked."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.process import Server
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "feed.yaml").read_text())
_PATIENCE_S = 20.0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class Fed:
    """A running server, and the port of its feed."""

    server: Server
    port: int

    @property
    def feed(self) -> str:
        """Where the feed is."""
        return f"{self.server.url.replace('http', 'ws', 1)}/ws"

    def ask(
        self, method: str, path: str, document: Any = None, tenant: str = "default", **headers: str
    ) -> tuple[int, str]:
        """Return status and body."""
        body = None if document is None else json.dumps(document).encode()
        sent = {"Content-Type": "application/json", "X-Scope-OrgID": tenant, **headers}
        request = urllib.request.Request(f"{self.server.url}{path}", body, sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as exc:
            return exc.code, exc.read().decode()


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fed]:
    """A server that sends often."""
    folder, port = tmp_path_factory.mktemp("feed"), _free_port()
    settings = (
        f"create_tenants: true\nlive: {{update_interval: 500ms, max_clients: 20, listen: 127.0.0.1:{port}}}\n"
    )
    (folder / "pharos.yml").write_text(settings)
    server = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    yield Fed(server, port)
    assert server.stop() == 0, server.log.read_text()


def fits(wanted: Any, found: Any) -> bool:
    """Return whether something has at least what is wanted of it; `*` is anything."""
    if wanted == "*":
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(
            name in found and fits(one, found[name]) for name, one in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(fits, wanted, found))
    return bool(wanted == found)


@dataclass
class Talk:
    """One client's talk, and what was said before."""

    fed: Fed
    tenant: str
    socket: ClientConnection
    words: dict[str, str]
    heard: list[dict[str, Any]] = field(default_factory=list)

    def filled(self, node: Any) -> Any:
        """Return a part of a case with its words in it."""
        if isinstance(node, dict):
            return {self.filled(key): self.filled(value) for key, value in node.items()}
        if isinstance(node, list):
            return [self.filled(one) for one in node]
        if isinstance(node, str):
            return re.sub(r"\$(run|alert)", lambda found: self.words[found[1]], node)
        return node

    async def step(self, step: Mapping[str, Any]) -> None:
        """Do one step."""
        for name, body in step.items():
            if name != "keep":
                await getattr(self, f"do_{name}")(self.filled(body), step.get("keep", {}))

    async def do_say(self, body: Any, _: Any) -> None:
        """Send a message."""
        await self.socket.send(body if isinstance(body, str) else json.dumps(body))

    async def do_hear(self, body: Any, keep: Mapping[str, str]) -> None:
        """Wait for a message, though others come."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            found = next((one for one in self.heard if fits(body, one)), None)
            if found is not None:
                self.heard.remove(found)
                for name, path in keep.items():
                    value: Any = found
                    for part in path.split("."):
                        value = value[part]
                    self.words[name] = value
                return
            try:
                left_s = until_s - time.monotonic()
                self.heard.append(json.loads(await asyncio.wait_for(self.socket.recv(), left_s)))
            except TimeoutError:
                raise AssertionError(f"{body} did not come, but {self.heard[-5:]}") from None

    async def do_not_heard(self, body: Any, keep: Any) -> None:
        """Look what comes behind the answer to a heartbeat, for half a second."""
        await self.do_say({"type": "heartbeat"}, keep)
        await self.do_hear({"type": "heartbeat_ack"}, keep)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self._heard(body), 0.5)

    async def _heard(self, body: Any) -> None:
        while not fits(body, json.loads(await self.socket.recv())):
            pass

    async def do_ask(self, body: Any, _: Any) -> None:
        """Ask over HTTP, until the answer is what it must be once all is stored."""
        method, path = body["request"].split(" ", 1)
        for _ in range(40):
            status, text = await asyncio.to_thread(self.fed.ask, method, path, body.get("json"), self.tenant)
            is_right = status == body.get("status", 200) and body.get("text", "") in text
            if is_right and ("has" not in body or fits(body["has"], json.loads(text))):
                return
            # A tenant is there a moment after its first write.
            if method != "GET" and "there is no tenant" not in text:
                break
            await asyncio.sleep(0.1)
        raise AssertionError(f"{body['request']}: {status} {text[:400]}")

    async def do_put(self, body: Any, _: Any) -> None:
        """Write a sample."""
        labels = [
            {"key": key, "value": {"stringValue": value}} for key, value in body.get("labels", {}).items()
        ]
        point = {"attributes": labels, "timeUnixNano": str(time.time_ns()), "asDouble": body["value"]}
        metric = {"name": body["metric"], "gauge": {"dataPoints": [point]}}
        await self._send("/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})

    async def do_spans(self, body: Any, _: Any) -> None:
        """Write spans of one trace, each a millisecond after the one before."""
        now_ns = time.time_ns() - 10**9
        spans = [
            {
                "traceId": f"{int(self.words['run'][1:]) + 1:032x}",
                "spanId": one["id"].rjust(16, "0"),
                "parentSpanId": one["parent"].rjust(16, "0") if "parent" in one else "",
                "name": one["name"],
                "startTimeUnixNano": str(now_ns + place * 10**6),
                "endTimeUnixNano": str(now_ns + place * 10**6 + 5 * 10**6),
                "status": {"code": one.get("status", 0)},
                "attributes": [
                    {"key": key, "value": {"stringValue": value}} for key, value in one["attributes"].items()
                ],
            }
            for place, one in enumerate(body)
        ]
        await self._send("/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})

    async def do_log(self, body: Any, _: Any) -> None:
        """Write a line."""
        record = {"timeUnixNano": str(time.time_ns()), "severityNumber": 17, "body": {"stringValue": body}}
        await self._send("/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})

    async def _send(self, path: str, document: Any) -> None:
        status, text = await asyncio.to_thread(self.fed.ask, "POST", path, document, self.tenant)
        assert status == 200, text


@asynccontextmanager
async def _talking(fed: Fed, tenant: str, run: str, **options: Any) -> AsyncIterator[Talk]:
    headers = {"X-Scope-OrgID": tenant}
    async with connect(fed.feed, additional_headers=headers, **options) as live:
        yield Talk(fed, tenant, live, {"run": run})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_a_talk(fed: Fed, case: dict[str, Any]) -> None:
    number = CASES.index(case)
    # Each has a tenant of its own, which a write makes.
    tenant, run = f"talk-{number}", f"t{number}"
    async with _talking(fed, tenant, run) as talk:
        await talk.do_put({"metric": "made", "value": 1}, {})
        for step in case["talk"]:
            await talk.step(step)


async def test_messages_are_compressed_for_those_who_offer_it(fed: Fed) -> None:
    for compression, is_compressed in (("deflate", True), (None, False)):
        async with _talking(fed, "default", "", compression=compression) as talk:
            assert talk.socket.response is not None
            extensions = talk.socket.response.headers.get("Sec-WebSocket-Extensions", "")
            assert ("server_no_context_takeover" in extensions) is is_compressed
            for _ in range(2):
                await talk.do_say({"type": "get_dashboard_data"}, {})
                await talk.do_hear({"type": "dashboard_data"}, {})


async def test_the_feed_has_a_port_of_its_own_and_nothing_else_there(fed: Fed) -> None:
    for path in ("/", "/ws"):
        async with connect(f"ws://127.0.0.1:{fed.port}{path}") as live:
            assert json.loads(await live.recv())["type"] == "welcome"
    for path in ("/api/v1/query?query=1", "/-/healthy", "/"):
        with pytest.raises(urllib.error.HTTPError) as missing:
            await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{fed.port}{path}")
        assert missing.value.code == 404
        missing.value.close()


async def test_a_tenant_is_named_in_the_address_where_there_are_no_headers(fed: Fed) -> None:
    async with connect(f"{fed.feed}?tenant=team-a") as live:
        assert json.loads(await live.recv())["data"]["daoSubnet"] == "team-a"
    for wrong in ("team/a", "a|b", "&tenant=x&tenant=y"):
        with pytest.raises(InvalidStatus) as refused:
            await connect(f"{fed.feed}?tenant={wrong}")
        assert refused.value.response.status_code == 400


async def test_binary_frames_are_refused_and_the_connection_stays(fed: Fed) -> None:
    async with _talking(fed, "default", "") as talk:
        await talk.socket.send(b'{"type": "heartbeat"}')
        await talk.do_hear({"type": "error", "data": {"code": "unsupported_frame"}}, {})
        await talk.do_say({"type": "heartbeat"}, {})
        await talk.do_hear({"type": "heartbeat_ack"}, {})


async def test_one_client_too_many_is_refused_before_it_is_let_in(fed: Fed) -> None:
    clients = [await connect(fed.feed) for _ in range(20)]
    with pytest.raises(InvalidStatus) as refused:
        await connect(fed.feed)
    assert refused.value.response.status_code == 503
    assert "Retry-After" in refused.value.response.headers
    await asyncio.gather(*(one.close() for one in clients))
    await (await connect(fed.feed)).close()


def _events(fed: Fed, path: str, count: int, **headers: str) -> list[tuple[str, dict[str, Any], str]]:
    """Return (name, data, id) of the first events of a stream."""
    request = urllib.request.Request(f"{fed.server.url}{path}", headers=headers)
    found: list[tuple[str, dict[str, Any], str]] = []
    name = identity = ""
    with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        while len(found) < count:
            key, _, value = answer.readline().decode().rstrip("\n").partition(": ")
            match key:
                case "event":
                    name = value
                case "id":
                    identity = value
                case "data":
                    found.append((name, json.loads(value), identity))
    return found


async def test_the_same_is_told_by_server_sent_events(fed: Fed) -> None:
    path = "/api/v1/dashboard/stream?streams=alert_events&query=vector(7)&name=mine&interval=100"
    events = await asyncio.to_thread(_events, fed, path, 6)
    assert events[0][0] == "welcome"
    assert {"alert_events", "mine"} == {one["data"]["stream"] for _, one, _ in events[1:]}
    mine = next(one for _, one, _ in events if one["data"].get("stream") == "mine")
    assert mine["data"]["result"][0]["value"][1] == "7"
    assert {part.split("=")[0] for part in events[-1][2].split("&")} == {"alert_events", "mine"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("streams=none", 404),
        ("query=sum(", 400),
        ("query=up&interval=x", 400),
        ("streams=alert_events&filters=5", 400),
        ("streams=alert_events&filters={", 400),
        ('streams=alert_events&filters={"daoSubnet":"other"}', 403),
    ],
)
def test_a_stream_of_events_is_refused_before_it_begins(fed: Fed, query: str, status: int) -> None:
    path = f"/api/v1/dashboard/stream?{urllib.parse.quote(query, safe='=&')}"
    found, body = fed.ask("GET", path)
    assert (found, json.loads(body)["status"]) == (status, "error")


@dataclass
class Door:
    """A server that asks who one is, over restarts."""

    folder: Path
    server: Server

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Ask as the owner of the folder, and return the data."""
        headers = {
            "X-Pharos-Key": (self.folder / "admin-key").read_text(),
            "Content-Type": "application/json",
        }
        body = None if document is None else json.dumps(document).encode()
        request = urllib.request.Request(f"{self.server.url}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
            return json.loads(answer.read() or b"{}")

    @property
    def feed(self) -> str:
        """Where the feed is."""
        return f"{self.server.url.replace('http', 'ws', 1)}/ws"


async def _until(live: ClientConnection, wanted: Any) -> Any:
    while True:
        message = json.loads(await asyncio.wait_for(live.recv(), _PATIENCE_S))
        if fits(wanted, message):
            return message


async def _closed_with(live: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(_until(live, {"type": "never"}), _PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """A server of its own, which tests restart."""
    made = Door(tmp_path / "store", Server(tmp_path / "store"))
    yield made
    assert made.server.stop() == 0, made.server.log.read_text()


async def test_tokens_count_as_they_are_and_what_was_missed_over_a_restart_is_told(door: Door) -> None:
    folder = door.folder
    words = "correct horse battery staple"
    door.ask("POST", "/api/users", {"name": "root", "password": words})
    made = door.ask("POST", "/api/tokens", {"name": "one", "roles": ["viewer"]})["data"]
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        with pytest.raises(InvalidStatus) as refused:
            await connect(door.feed, additional_headers=headers)
        assert refused.value.response.status_code == 401
    token = {"Authorization": f"Bearer {made['text']}"}
    owner = {"X-Pharos-Key": (folder / "admin-key").read_text()}
    subscription = {"type": "subscribe", "data": {"streams": ["alert_events"]}}
    async with connect(door.feed, additional_headers=token) as live:
        await _until(live, {"type": "welcome"})
        door.ask("DELETE", f"/api/tokens/{made['token']['id']}")
        assert await _closed_with(live) == 1008
    rule = {"id": "always", "name": "Always", "condition": "vector(1) > 0", "severity": "high"}
    async with connect(door.feed, additional_headers=owner) as live:
        await live.send(json.dumps(subscription))
        first = await _until(live, {"type": "stream_update"})
        door.ask("POST", "/api/v1/dashboard/alerts", rule)
        await _until(live, {"type": "alert_triggered", "data": {"alert": {"name": "Always"}}})
        stopping = asyncio.create_task(asyncio.to_thread(door.server.stop))
        assert await _closed_with(live) == 1012
        assert await stopping == 0
    # By this thread: the process ends with the one that it was begun by.
    door.server = Server(folder)
    owner = {"X-Pharos-Key": (folder / "admin-key").read_text()}
    subscription["data"]["resumeFrom"] = {"alert_events": first["data"]["sequence"]}  # type: ignore[index]
    async with connect(door.feed, additional_headers=owner) as live:
        await live.send(json.dumps(subscription))
        missed = await _until(live, {"type": "alert_triggered"})
        update = await _until(live, {"type": "stream_update"})
        assert missed["data"]["alert"]["name"] == "Always"
        assert update["data"]["sequence"] > missed["data"]["sequence"] > first["data"]["sequence"]
