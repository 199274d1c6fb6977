"""Many small tenants beside one large, and a tenant far beyond its limits beside one that is not."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import multiprocessing
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cramjam

from bench.bodies import prefixed, varint
from bench.client import Client, QueryError
from bench.servers import Pharos
from bench.soak import private_bytes

_LARGE: Final = "large"
_PARTS: Final = 5_000
"""Series of a request."""
_ASKED: Final = 50
"""So many of the small tenants are asked."""
_PAUSE_S: Final = 0.05
_JSON: Final = {"Content-Type": "application/json"}


@dataclass(slots=True)
class Many:
    """What was measured of many tenants beside a large one."""

    load_s: float = 0.0
    ready_s: float = 0.0
    ready_cpu_s: float = 0.0
    private_bytes: int = 0
    """After the start, before anything is asked."""
    peak_bytes: int = 0
    small_first_s: list[float] = field(default_factory=list)
    small_again_s: list[float] = field(default_factory=list)
    large_first_s: float = 0.0
    large_again_s: list[float] = field(default_factory=list)
    small_beside_s: list[float] = field(default_factory=list)
    """Of the small ones, while the large one is asked on and on."""


def _series(tenant: str, number: int, time_ms: int, value: float) -> bytes:
    labels = (
        ("__name__", "tenant_metric"),
        ("instance", f"10.0.{number % 1000 // 250}.{number % 250}:9100"),
        ("job", "bench"),
        ("pod", f"{tenant}-{number:07d}"),
    )
    packed = b"".join(
        prefixed(b"\x0a", prefixed(b"\x0a", name.encode()) + prefixed(b"\x12", text.encode()))
        for name, text in labels
    )
    sample = prefixed(b"\x12", b"\x09" + struct.pack("<d", value) + b"\x10" + varint(time_ms))
    return prefixed(b"\x0a", packed + sample)


def _body(tenant: str, numbers: range, time_ms: int) -> bytes:
    plain = b"".join(_series(tenant, number, time_ms, float(number % 97)) for number in numbers)
    return bytes(cramjam.snappy.compress_raw(plain))


def _write(client: Client, tenant: str, body: bytes) -> tuple[int, bytes]:
    headers = {"X-Scope-OrgID": tenant, "Content-Encoding": "snappy", "User-Agent": "bench"}
    return client.request("POST", "/api/v1/write", body, headers)


def _ask(client: Client, tenant: str, expression: str, time_s: float) -> float:
    """Return what a query took, and raise QueryError when it was not answered."""
    path = f"/api/v1/query?query={expression}&time={time_s:.3f}&nocache=1"
    status, content = client.request("GET", path, headers={"X-Scope-OrgID": tenant})
    if status != 200:
        raise QueryError(f"{tenant}: {status} {content[:200]!r}")
    return client.last_s


def many(tenants: int, series: int, large: int, say: Callable[[str], None]) -> Many:
    """Write, start anew, and ask. Raises RuntimeError or QueryError when something is refused or missing."""
    found, now_ms = Many(), time.time_ns() // 1_000_000
    with tempfile.TemporaryDirectory(prefix="bench-tenants-") as folder:
        server = Pharos(Path(folder))
        server.start(180)
        try:
            begun = time.monotonic()
            client = Client(server.port)
            small = [f"small-{number:04d}" for number in range(tenants)]
            parts = [(_LARGE, range(at, min(at + _PARTS, large))) for at in range(0, large, _PARTS)]
            for tenant, numbers in itertools.chain(((name, range(series)) for name in small), parts):
                _taken(client, tenant, _body(tenant, numbers, now_ms))
            _until_counted(client, _LARGE, large, now_ms / 1000)
            _until_counted(client, small[-1], series, now_ms / 1000)
            found.load_s = time.monotonic() - begun
            words = f"{tenants:,} tenants of {series:,} series and one of {large:,}"
            say(f"{words}: loaded in {found.load_s:.0f} s")
            server.settle(60)
            server.stop(120)
            server.start(300)
            found.ready_s, found.ready_cpu_s = server.ready_s, server.cpu_s()
            found.private_bytes = private_bytes(server.pid)
            _asked(server, small, series, large, now_ms / 1000, found)
            found.peak_bytes = server.peak()[1]
        finally:
            server.stop()
    return found


def _taken(client: Client, tenant: str, body: bytes) -> None:
    for _ in range(600):
        status, words = _write(client, tenant, body)
        if status == 204:
            return
        if status not in {429, 503}:
            raise RuntimeError(f"a write of {tenant} was refused: {status} {words[:200]!r}")
        time.sleep(_PAUSE_S)
    raise RuntimeError(f"a write of {tenant} was never taken")


def _until_counted(client: Client, tenant: str, series: int, time_s: float) -> None:
    path = f"/api/v1/query?query=count(tenant_metric)&time={time_s:.3f}&nocache=1"
    for _ in range(1_200):
        _, content = client.request("GET", path, headers={"X-Scope-OrgID": tenant})
        result = json.loads(content).get("data", {}).get("result", ())
        if result and int(result[0]["value"][1]) == series:
            return
        time.sleep(_PAUSE_S)
    raise RuntimeError(f"{series:,} series of {tenant} were never seen: {content[:200]!r}")


def _asked(server: Pharos, small: list[str], series: int, large: int, time_s: float, found: Many) -> None:
    client = Client(server.port)
    chosen = small[:: max(1, len(small) // _ASKED)][:_ASKED]
    question = "sum%20by%20(instance)(tenant_metric)"
    for tenant in chosen:
        found.small_first_s.append(_ask(client, tenant, question, time_s))
    for tenant in chosen:
        found.small_again_s.append(_ask(client, tenant, question, time_s))
    found.large_first_s = _ask(client, _LARGE, question, time_s)
    found.large_again_s = [_ask(client, _LARGE, question, time_s) for _ in range(5)]
    _until_counted(client, _LARGE, large, time_s)
    _until_counted(client, chosen[0], series, time_s)

    def ask_large(own: Client) -> None:
        _ask(own, _LARGE, question, time_s)

    with _going_on(server, [ask_large]):
        for tenant in chosen:
            found.small_beside_s.append(_ask(client, tenant, question, time_s))
            time.sleep(_PAUSE_S)


@dataclass(slots=True)
class Beside:
    """How one tenant fares alone, beside another within its limits, and beside it at ten times these."""

    alone_s: list[float] = field(default_factory=list)
    within_s: list[float] = field(default_factory=list)
    beyond_s: list[float] = field(default_factory=list)
    writes_alone_s: list[float] = field(default_factory=list)
    writes_within_s: list[float] = field(default_factory=list)
    writes_beyond_s: list[float] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)
    """Answers to the one beyond its limits, by status."""


RATE: Final = 20_000
"""Samples a second that the loud tenant may send."""
MAX_SERIES: Final = 10_000
_BATCH: Final = 1_000
_SETTLE_S: Final = 6.0
"""What the loud tenant does lasts so long before it is looked at: it is slowed down after five seconds."""


def beside(seconds: float, say: Callable[[str], None]) -> Beside:
    """Measure a tenant's queries and writes, and those of another one in three degrees of loudness."""
    found = Beside()
    server = Pharos()
    server.start(180)
    try:
        client = Client(server.port)
        for tenant, limits in (
            ("quiet", {}),
            ("loud", {"ingest_rate": RATE, "max_series": MAX_SERIES, "max_queries": 1}),
        ):
            client.request("POST", "/api/tenants", json.dumps({"id": tenant}).encode(), _JSON)
            if limits:
                path = f"/api/tenants/{tenant}/limits"
                status, words = client.request("PATCH", path, json.dumps(limits).encode(), _JSON)
                if status != 200:
                    raise RuntimeError(f"limits were not taken: {status} {words[:200]!r}")
        now_ms = time.time_ns() // 1_000_000
        for tenant in ("quiet", "loud"):
            for step in range(20, 0, -1):
                _taken(client, tenant, _body(tenant, range(_BATCH), now_ms - 15_000 * step))
        _until_counted(client, "quiet", _BATCH, now_ms / 1000)
        say("a tenant alone")
        observe(server.port, 2.0)
        found.alone_s, found.writes_alone_s = _observed(server, seconds)
        say("beside one within its limits")
        with _going_on(server, _loud(1, {})):
            found.within_s, found.writes_within_s = _observed(server, seconds)
        say("beside one at 10 times its limits")
        with _going_on(server, _loud(10, found.taken)):
            found.beyond_s, found.writes_beyond_s = _observed(server, seconds)
    finally:
        server.stop()
    return found


def _observed(server: Pharos, seconds: float) -> tuple[list[float], list[float]]:
    """Return what `observe` saw in a process of its own, where the loud tenant's threads hold up nothing."""
    time.sleep(_SETTLE_S)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(observe, server.port, seconds).result()


def observe(port: int, seconds: float) -> tuple[list[float], list[float]]:
    """Ask and write as the quiet tenant does, ten times a second; return what queries and writes took."""
    queries: list[float] = []
    writes: list[float] = []
    client, ends = Client(port), time.monotonic() + seconds
    for turn in itertools.count():
        if time.monotonic() >= ends:
            return queries, writes
        now_s = time.time()
        body = _body("quiet", range(200), int(now_s * 1000))
        if _write(client, "quiet", body)[0] == 204:
            writes.append(client.last_s)
        question = ("sum(rate(tenant_metric[2m]))", "topk(5,tenant_metric)")[turn % 2]
        queries.append(_ask(client, "quiet", question, now_s))
        time.sleep(0.1)
    raise AssertionError("counting never ends")


def _loud(times: int, taken: dict[int, int]) -> list[Callable[[Client], None]]:
    """Return what the loud tenant does in threads of its own: write, begin series, ask, list its series."""
    numbers = itertools.count()
    lock = threading.Lock()
    pause_s = _BATCH / RATE / times
    bodies: list[tuple[float, bytes]] = [(0.0, b"")]

    def note(status: int) -> None:
        with lock:
            taken[status] = taken.get(status, 0) + 1

    def write(client: Client) -> None:
        begun = time.monotonic()
        if begun - bodies[0][0] > 1.0:
            bodies[0] = begun, _body("loud", range(_BATCH), int(time.time() * 1000))
        note(_write(client, "loud", bodies[0][1])[0])
        time.sleep(max(0.0, 2 * pause_s - (time.monotonic() - begun)))

    def begin(client: Client) -> None:
        first = next(numbers) * 100
        fresh = range(_BATCH + first, _BATCH + first + 100)
        note(_write(client, "loud", _body("loud", fresh, int(time.time() * 1000)))[0])
        time.sleep(1.0 / times)

    def ask(client: Client) -> None:
        with contextlib.suppress(QueryError):
            _ask(client, "loud", "sum%20by%20(pod)(rate(tenant_metric[2m]))", time.time())
        time.sleep(0.1 if times == 1 else 0.0)

    def listing(client: Client) -> None:
        path = "/api/v1/series?match[]=tenant_metric"
        note(client.request("GET", path, headers={"X-Scope-OrgID": "loud"})[0])
        time.sleep(1.0 if times == 1 else 0.0)

    return [write, write, begin, *[ask] * times, *[listing] * (1 if times == 1 else 3)]


@contextlib.contextmanager
def _going_on(server: Pharos, works: list[Callable[[Client], None]]) -> Iterator[None]:
    """Do each again and again on a thread of its own while inside."""
    stopping = threading.Event()

    def work(one: Callable[[Client], None]) -> None:
        client = Client(server.port)
        while not stopping.is_set():
            with contextlib.suppress(OSError, QueryError, http.client.HTTPException):
                one(client)

    threads = [threading.Thread(target=work, args=(one,), daemon=True) for one in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(60)


def percentile(values: list[float], part: float) -> float:
    """Return a percentile; NaN of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part / 100))] if ordered else float("nan")
