"""The live feed: how soon a sample is at every client and what that costs, many idle clients, readers that do
not read, and a restart under clients that come back by themselves.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.client import Client, QueryError
from bench.report import Row
from bench.servers import Pharos, started

_PROBE = "bench_live_probe"
_INTERVAL_MS = 200
_FILLER = "0123456789" * 7
_WIDE_SERIES = 3_000
_SLOW = 20
_AT_ONCE = 50
_WORD = "benchline"
_GONE = (OSError, InvalidHandshake, ConnectionClosed, TimeoutError, EOFError)


class LivePharos(Pharos):
    """Pharos with room for the clients."""

    settings = "max_connections: 5000\nlive: {max_clients: 4000}\n"


@dataclass(slots=True)
class Result:
    """What was seen."""

    clients: int
    many: int
    latency_s: list[float] = field(default_factory=list)
    """From the making of a sample to its first arrival at each client."""
    messages: int = 0
    wire_bytes: int = 0
    text_bytes: int = 0
    seconds: float = 0.0
    cpu_cores: float = 0.0
    own_cores: float = 0.0
    """Of the clients, which share the machine."""
    joined_s: float = 0.0
    """Until the last of many was welcomed and had its first update."""
    idle_cores: float = 0.0
    client_bytes: float = 0.0
    """Private memory of the server for each of many."""
    slow_dropped: int = 0
    slow_bytes: int = 0
    """How much private memory grew at most beside readers that did not read."""
    calm_gap_s: float = 0.0
    """The longest between two updates of one who did, every second."""
    back_s: float = 0.0
    """From the end of a server until the last client had an update of the next."""
    lines: int = 0
    doubled: int = 0
    missing: int = 0
    failures: list[str] = field(default_factory=list)


class Counting(ClientConnection):
    """Counts the bytes that come."""

    taken = 0

    def data_received(self, data: bytes) -> None:
        """Count, and take."""
        Counting.taken += len(data)
        super().data_received(data)


def measure(clients: int, many: int, seconds: float, say: Callable[[str], None]) -> Result:
    """Do all of it with servers of its own."""
    found = Result(clients, many)
    with started(LivePharos) as server:
        say(f"{clients} clients, a sample a second, {seconds:g} s")
        asyncio.run(_watched(server, found, seconds))
        say(f"{_SLOW} readers that do not read")
        asyncio.run(_beside_slow(server, found))
    with started(LivePharos) as server:
        say(f"{many} clients connect")
        asyncio.run(_crowd(server, found))
    with started(LivePharos) as server:
        say(f"a restart under {clients} clients")
        asyncio.run(_restarted(server, found))
    return found


def _address(server: Pharos) -> str:
    return f"ws://127.0.0.1:{server.port}/ws"


async def _open(server: Pharos, streams: list[Any], **options: Any) -> ClientConnection:
    live = await connect(
        _address(server), max_size=1 << 26, ping_interval=None, open_timeout=30, close_timeout=1, **options
    )
    await live.send(json.dumps({"type": "subscribe", "data": {"streams": streams}}))
    return live


async def _gathered(count: int, make: Callable[[], Any]) -> list[Any]:
    room = asyncio.Semaphore(_AT_ONCE)

    async def one() -> Any:
        async with room:
            return await make()

    return await asyncio.gather(*(one() for _ in range(count)))


def _post(server: Pharos, path: str, document: Any) -> None:
    """Send something over OTLP. Raises QueryError, or OSError where nobody answers."""
    body = json.dumps(document).encode()
    status, _ = Client(server.port).request("POST", path, body, {"Content-Type": "application/json"})
    if status != 200:
        raise QueryError(f"POST {path}: {status}")


def _write(server: Pharos, metric: str, points: list[tuple[dict[str, str], float]]) -> None:
    now = str(time.time_ns())
    written = [
        {
            "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in labels.items()],
            "timeUnixNano": now,
            "asDouble": value,
        }
        for labels, value in points
    ]
    gauge = {"name": metric, "gauge": {"dataPoints": written}}
    _post(server, "/v1/metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [gauge]}]}]})


# -- how soon, and for how much --


async def _watched(server: Pharos, found: Result, seconds: float) -> None:
    probe = {"name": "probe", "query": _PROBE, "interval": _INTERVAL_MS}
    opened = await _gathered(
        found.clients, partial(_open, server, [probe, "alert_events"], create_connection=Counting)
    )
    readers = [asyncio.create_task(_read(live, found)) for live in opened]
    await asyncio.sleep(3)
    found.latency_s.clear()
    found.messages, found.text_bytes, taken = 0, 0, Counting.taken
    cpu, own, begun = server.cpu_s(), time.process_time(), time.monotonic()
    while time.monotonic() - begun < seconds:
        await asyncio.to_thread(_write, server, _PROBE, [({}, round(time.time(), 3))])
        await asyncio.sleep(1 + random.random() / 5)
    found.seconds = time.monotonic() - begun
    found.cpu_cores = (server.cpu_s() - cpu) / found.seconds
    found.own_cores = (time.process_time() - own) / found.seconds
    found.wire_bytes = Counting.taken - taken
    await _closed(opened, readers)


async def _read(live: ClientConnection, found: Result) -> None:
    last = 0.0
    with suppress(ConnectionClosed):
        async for text in live:
            found.messages += 1
            found.text_bytes += len(text)
            message = json.loads(text)
            result = message["data"].get("result")
            if result and (value := float(result[0]["value"][1])) != last:
                last = value
                found.latency_s.append(time.time() - value)


async def _closed(opened: list[ClientConnection], readers: list[asyncio.Task[None]]) -> None:
    for live in opened:
        live.transport.abort()
    await asyncio.gather(*readers, return_exceptions=True)


# -- those who do not read --


async def _beside_slow(server: Pharos, found: Result) -> None:
    points = [({"filler": _FILLER, "n": str(number)}, 1.25) for number in range(_WIDE_SERIES)]
    await asyncio.to_thread(_write, server, "bench_live_wide", points)
    wide = [{"name": f"w{one}", "query": "bench_live_wide", "interval": _INTERVAL_MS} for one in range(5)]
    # What it takes to evaluate and send it to one who reads is no part of what those take who do not.
    reader = asyncio.create_task(_read(await _open(server, wide), Result(0, 0)))
    calm = await _open(server, [{"name": "calm", "query": "vector(1)", "interval": 1_000}])
    await asyncio.sleep(8)
    before = server.peak()[1]
    slow = []
    for _ in range(_SLOW):
        live = await _open(server, wide, compression=None, max_queue=1)
        live.transport.pause_reading()
        slow.append(live)
    times = [time.monotonic()]
    until = times[0] + 30
    while time.monotonic() < until:
        with suppress(TimeoutError):
            await asyncio.wait_for(calm.recv(), 1)
            times.append(time.monotonic())
    found.calm_gap_s = max(after - at for at, after in pairwise(times))
    found.slow_bytes = server.peak()[1] - before
    clients = json.loads(Client(server.port).get("/api/v1/dashboard/stats"))["connectedClients"]
    found.slow_dropped = _SLOW + 2 - clients
    reader.cancel()
    await _closed([calm, *slow], [reader])


# -- many --


async def _crowd(server: Pharos, found: Result) -> None:
    await asyncio.to_thread(server.settle, 20)
    before = server.peak()[1]
    begun = time.monotonic()

    async def join() -> ClientConnection:
        live = await _open(server, ["performance_metrics"])
        while json.loads(await asyncio.wait_for(live.recv(), 60))["type"] != "stream_update":
            pass
        return live

    try:
        opened = await _gathered(found.many, join)
    except _GONE as exc:
        found.failures.append(f"not all of {found.many:,} could connect: {type(exc).__name__} {exc}")
        return
    found.joined_s = time.monotonic() - begun
    readers = [asyncio.create_task(_read(live, Result(0, 0))) for live in opened]
    await asyncio.sleep(2)
    cpu, at_s = server.cpu_s(), time.monotonic()
    await asyncio.sleep(10)
    found.idle_cores = (server.cpu_s() - cpu) / (time.monotonic() - at_s)
    found.client_bytes = (server.peak()[1] - before) / found.many
    await _closed(opened, readers)


# -- a restart --


@dataclass(slots=True)
class _Follower:
    """A client that comes back: what it was told of lines, and when it was told anything."""

    told: list[str] = field(default_factory=list)
    seen: dict[str, int] = field(default_factory=dict)
    heard_s: float = 0.0


async def _follow(server: Pharos, one: _Follower) -> None:
    streams = [
        "performance_metrics",
        {"name": "lines", "query": _WORD, "language": "logs", "interval": _INTERVAL_MS},
    ]
    while True:
        with suppress(*_GONE):
            async with connect(_address(server), ping_interval=None, open_timeout=2) as live:
                data = {"streams": streams, "resumeFrom": one.seen}
                await live.send(json.dumps({"type": "subscribe", "data": data}))
                async for text in live:
                    _take(json.loads(text), one)
        # All at once would be a flood: each waits a little, and not as long as the others.
        await asyncio.sleep(random.uniform(0.1, 0.5))


def _take(message: dict[str, Any], one: _Follower) -> None:
    data = message["data"]
    if message["type"] != "stream_update":
        return
    one.heard_s = time.monotonic()
    one.seen[data["stream"]] = data["sequence"]
    one.told += [line["message"] for line in data.get("lines", ())]


def _log(server: Pharos, number: int) -> bool:
    """Send a line; return whether it was taken."""
    record = {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": f"{_WORD} {number}"}}
    try:
        _post(server, "/v1/logs", {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})
    except (OSError, QueryError):
        return False
    return True


async def _restarted(server: Pharos, found: Result) -> None:
    followers = [_Follower() for _ in range(found.clients)]
    tasks = [asyncio.create_task(_follow(server, one)) for one in followers]
    await asyncio.sleep(3)
    sent = [number for number in range(20) if await asyncio.to_thread(_log, server, number)]
    await asyncio.sleep(3)
    ended_s = time.monotonic()
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    while time.monotonic() - ended_s < 60:
        if all(one.heard_s > ended_s for one in followers):
            break
        await asyncio.sleep(0.05)
    found.back_s = max(one.heard_s for one in followers) - ended_s
    if any(one.heard_s <= ended_s for one in followers):
        found.failures.append("not all clients were back within a minute of the restart")
    sent += [number for number in range(20, 40) if await asyncio.to_thread(_log, server, number)]
    await asyncio.sleep(4)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    wanted = {f"{_WORD} {number}" for number in sent}
    found.lines = len(wanted)
    found.doubled = sum(len(one.told) - len(set(one.told)) for one in followers)
    found.missing = sum(len(wanted - set(one.told)) for one in followers)


def rows(found: Result) -> list[Row]:
    """Return the figures; nothing else is asked, since neither peer has such a feed."""
    watched, many = f"{found.clients:,} clients", f"{found.many:,} clients"
    late = sorted(found.latency_s) or [float("nan")]

    def part(share: float) -> float:
        return late[min(len(late) - 1, int(len(late) * share))] * 1e3

    figures = [
        (f"sample to client, {watched}, p50", "ms", part(0.5)),
        (f"sample to client, {watched}, p99", "ms", part(0.99)),
        (f"sample to client, {watched}, at most", "ms", late[-1] * 1e3),
        ("messages a second", "1/s", found.messages / max(found.seconds, 0.001)),
        ("on the wire, of the text", "%", 100 * found.wire_bytes / max(found.text_bytes, 1)),
        ("cores used by the server", "cores", found.cpu_cores),
        ("cores used by the clients", "cores", found.own_cores),
        (f"{many} connected, each with an update, after", "s", found.joined_s),
        (f"{many} with an update every 5 s: cores used", "cores", found.idle_cores),
        ("memory for each of them", "kB", found.client_bytes / 1e3),
        (f"readers that do not read let go, of {_SLOW}", "", float(found.slow_dropped)),
        ("memory more beside them, at most", "MB", found.slow_bytes / 1e6),
        ("longest gap of a stream of 1 s beside them", "s", found.calm_gap_s),
        (f"kill -9: the last of {watched} is back after", "s", found.back_s),
        ("lines told twice over it", "", float(found.doubled)),
        ("lines not told", "", float(found.missing)),
    ]
    return [Row(name, unit, {"Pharos": value}, compared=False) for name, unit, value in figures]
