"""What 1,000 checks of health every 15 seconds cost: HTTP, a new connection each."""

from __future__ import annotations

import multiprocessing
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from bench.client import Client
from bench.report import Row
from bench.servers import Pharos

CHECKS: Final = 1000
INTERVAL_S: Final = 15
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
_LOOKS: Final = re.compile(
    r'^pharos_health_looks_total\{result="(\w+)",type="http"\} ([\d.e+]+)$', re.MULTILINE
)
_MISSED: Final = re.compile(r"^pharos_health_missed_looks_total ([\d.e+]+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Result:
    """What checks cost, and whether all were made."""

    cores: float
    """With checks, less a server without them."""
    without: float
    looks: int
    failed: int
    missed: int


def _serve(sock: socket.socket) -> None:
    while True:
        connection, _ = sock.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(_ANSWER)


@contextmanager
def _target() -> Iterator[int]:
    """Yield the port of something that answers, in a process of its own."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as sock:
        process = multiprocessing.get_context("fork").Process(target=_serve, args=(sock,), daemon=True)
        process.start()
        try:
            yield sock.getsockname()[1]
        finally:
            process.kill()
            process.join()


class CheckingPharos(Pharos):
    """Pharos with checks of a file."""

    settings = "checks: [checks.yml]\n"


def measure(count: int, duration_s: float) -> Result:
    """Return what so many checks cost."""
    without, _ = _cores(0, duration_s)
    cores, (good, failed, missed) = _cores(count, duration_s)
    return Result(cores - without, without, good + failed, failed, missed)


def _cores(count: int, duration_s: float) -> tuple[float, tuple[int, int, int]]:
    server = CheckingPharos()
    with _target() as port:
        lines = ["checks:"] if count else ["checks: []"]
        for number in range(count):
            url = f"http://127.0.0.1:{port}/{number}"
            labels = f"{{team: t{number % 20}}}"
            lines.append(
                f"- {{name: check-{number}, type: http, url: '{url}', interval: {INTERVAL_S}s,"
                f" component: part-{number % 50}, labels: {labels}}}"
            )
        (server.folder / "checks.yml").write_text("\n".join(lines) + "\n")
        try:
            server.start()
            # Every check was made, and what is compiled or learnt at first is.
            time.sleep(2 * INTERVAL_S + 5)
            before, counted, begun = server.cpu_s(), _counted(server), time.monotonic()
            time.sleep(duration_s)
            used, took_s = server.cpu_s() - before, time.monotonic() - begun
            after = _counted(server)
        finally:
            server.stop()
    good, failed, missed = (now - then for now, then in zip(after, counted, strict=True))
    return used / took_s, (good, failed, missed)


def _counted(server: Pharos) -> tuple[int, int, int]:
    """Return how many looks found all well, how many did not, and how many were not made in time."""
    text = Client(server.port).get("/metrics").decode()
    looks = {result: int(float(value)) for result, value in _LOOKS.findall(text)}
    missed = _MISSED.search(text)
    up = looks.get("up", 0)
    return up, sum(looks.values()) - up, int(float(missed[1])) if missed else 0


def rows(found: Result) -> list[Row]:
    """Return the figures."""
    return [
        Row(f"{CHECKS:,} checks every {INTERVAL_S} s: CPU", "%", {"Pharos": 100 * found.cores}),
        Row("checks made", "", {"Pharos": float(found.looks)}, compared=False),
        Row("checks that failed", "", {"Pharos": float(found.failed)}, compared=False),
        Row("checks not made in time", "", {"Pharos": float(found.missed)}, compared=False),
        Row("CPU without checks", "%", {"Pharos": 100 * found.without}),
    ]
