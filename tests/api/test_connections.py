"""Clients that send too much, too slowly, or not to the end: each is answered, counted and let go of."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.process import Server
from tests.servers import counted, write_samples
from uvicorn.protocols.http.flow_control import FlowControl

from pharos.api.http.connection import Connection

SETTINGS = "ingest: {max_body: 2MB, max_receiving: 4MB, receive_timeout: 4s}\n"
WRITE = "Content-Type: application/x-protobuf\r\nContent-Encoding: snappy\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
ROUTES = [
    ("/api/v1/write", WRITE),
    ("/v1/metrics", "Content-Type: application/x-protobuf\r\n"),
    ("/v1/metrics", "Content-Type: application/json\r\n"),
    ("/api/v1/read", WRITE),
    ("/api/v1/query", FORM),
    ("/api/v1/series", "Content-Type: multipart/form-data; boundary=b\r\n"),
]
HEAD_MAX_BYTES = 64 << 10


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has little patience and little room."""
    folder = tmp_path_factory.mktemp("strict")
    (folder / "pharos.yml").write_text(SETTINGS)
    running = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text()


@contextlib.contextmanager
def connected(server: Server) -> Iterator[socket.socket]:
    """Yield a connection."""
    parts = urllib.parse.urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as sock:
        yield sock


def head(path: str, headers: str, length: int | None = None, method: str = "POST") -> bytes:
    declared = "" if length is None else f"Content-Length: {length}\r\n"
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}{declared}\r\n".encode()


def send(sock: socket.socket, content: bytes) -> None:
    """Send as much as the server takes."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        sock.sendall(content)


def answers(sock: socket.socket) -> bytes:
    """Return everything until the server closes."""
    received = bytearray()
    while part := sock.recv(1 << 16):
        received += part
    return bytes(received)


def first_answer(sock: socket.socket) -> bytes:
    """Return the next answer."""
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    answer.read()
    return f"HTTP/1.1 {answer.status}\r\n{answer.headers}".encode()


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:200]
    return int(answer[9:12])


def eventually(found: Callable[[], bool]) -> bool:
    """Return whether it became true within some seconds."""
    deadline = time.monotonic() + 10
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def metric(server: Server, name: str) -> float:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as answer:
        found = re.search(rf"^{re.escape(name)} (\S+)$", answer.read().decode(), re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.parametrize(("path", "headers"), ROUTES)
def test_a_body_that_stops_coming_is_answered_and_the_connection_closed(
    path: str, headers: str, strict: Server
) -> None:
    with connected(strict) as sock:
        sock.sendall(head(path, headers, 1000) + b"x" * 10)
        answer = answers(sock)
    assert status(answer) == 408
    assert b"connection: close" in answer.lower()


def test_a_stalled_write_is_counted(strict: Server) -> None:
    name = 'pharos_ingest_requests_total{protocol="remote_write",status="408"}'
    before = metric(strict, name)
    with connected(strict) as sock:
        sock.sendall(head("/api/v1/write", WRITE, 1000))
        assert status(answers(sock)) == 408
    assert metric(strict, name) == before + 1


@pytest.mark.parametrize(("path", "headers"), ROUTES)
def test_a_sender_that_breaks_off_is_counted_and_no_fault(path: str, headers: str, strict: Server) -> None:
    name = 'pharos_http_bodies_failed_total{kind="cancelled"}'
    protocol = {"/api/v1/write": "remote_write", "/v1/metrics": "otlp"}.get(path)
    written = f'pharos_ingest_requests_total{{protocol="{protocol}",status="499"}}'
    before, written_before = metric(strict, name), metric(strict, written)
    with connected(strict) as sock:
        sock.sendall(head(path, headers, 1000) + b"x" * 10)
    assert eventually(lambda: metric(strict, name) == before + 1)
    assert metric(strict, written) == written_before + (protocol is not None)
    assert "Exception in ASGI application" not in strict.log.read_text()


def test_stalled_bodies_take_no_more_than_their_share_and_small_ones_pass(strict: Server) -> None:
    before = counted(strict.url, "beside_stalled")
    assert before == 0
    size = 2 << 20
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(12) as pool:
        socks = [stack.enter_context(connected(strict)) for _ in range(12)]
        content = head("/api/v1/write", WRITE, size) + bytes(size - 100_000)
        list(pool.map(lambda sock: send(sock, content), socks))
        write_samples(strict.url, "beside_stalled", 10)
        received = list(pool.map(first_answer, socks))
    found = Counter(map(status, received))
    # Two of them fit, and are waited for; the others are to be repeated.
    assert set(found) == {408, 503}
    assert found[503] >= 10
    assert all(b"retry-after:" in answer.lower() for answer in received if status(answer) == 503)
    assert eventually(lambda: counted(strict.url, "beside_stalled") == 10)


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([b"X-A: " + b"a" * 300_000 + b"\r\n"], id="one long line"),
        pytest.param([b"X-A: " + b"a" * 1000 + b"\r\n"] * 300, id="many lines"),
        pytest.param([b"X-A: " + b"a" * (1 << 20)] * 20, id="a line without an end"),
        pytest.param([b"a:\r\n"] * 20_000, id="empty lines"),
    ],
)
def test_headers_beyond_the_limit_are_refused(lines: list[bytes], strict: Server) -> None:
    with connected(strict) as sock:
        send(sock, b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n" + b"".join(lines) + b"\r\n")
        assert status(answers(sock)) == 431


def test_a_long_address_is_refused_as_well(strict: Server) -> None:
    with connected(strict) as sock:
        send(sock, head("/-/healthy?" + "a" * HEAD_MAX_BYTES, "", method="GET"))
        assert status(answers(sock)) == 431


def test_headers_below_the_limit_are_read_again_and_again(strict: Server) -> None:
    headers = f"X-A: {'a' * 60_000}\r\n"
    with connected(strict) as sock:
        for _ in range(3):
            sock.sendall(head("/-/healthy", headers, method="GET"))
            assert status(first_answer(sock)) == 200
        sock.sendall(head("/-/healthy", headers + "Connection: close\r\n", method="GET"))
        assert status(answers(sock)) == 200


def test_trailers_have_the_same_limit(strict: Server) -> None:
    before = metric(strict, 'pharos_http_bodies_failed_total{kind="cancelled"}')
    with connected(strict) as sock:
        sock.sendall(head("/api/v1/write", WRITE + "Transfer-Encoding: chunked\r\n") + b"1\r\nx\r\n0\r\n")
        send(sock, b"X-A: " + b"a" * (1 << 20))
        assert status(answers(sock)) == 431
    name = 'pharos_http_bodies_failed_total{kind="cancelled"}'
    assert eventually(lambda: metric(strict, name) == before + 1)


def test_a_body_in_tiny_chunks_is_no_trailer(strict: Server) -> None:
    content = b"1\r\nx\r\n" * 50_000 + b"0\r\n\r\n"
    with connected(strict) as sock:
        sock.sendall(
            head("/api/v1/query", FORM + "Transfer-Encoding: chunked\r\nConnection: close\r\n") + content
        )
        assert status(answers(sock)) == 400


def test_requests_sent_at_once_are_all_answered(strict: Server) -> None:
    once = head("/-/healthy", f"X-A: {'a' * 20_000}\r\n", method="GET")
    last = head("/-/healthy", "Connection: close\r\n", method="GET")
    with connected(strict) as sock:
        sock.sendall(once * 20 + last)
        assert answers(sock).count(b"HTTP/1.1 200 OK") == 21


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("Transfer-Encoding: gzip\r\n\r\nxxxx", id="a coding without chunks"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\nzz\r\nxxxx\r\n", id="a chunk without a size"),
        pytest.param("Transfer-Encoding: chunked\r\n\r\n4\r\nxxxxyy", id="a chunk longer than told"),
        pytest.param("Content-Length: 4\r\nContent-Length: 5\r\n\r\nxxxx", id="two lengths"),
        pytest.param("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nxxxx", id="length and chunks"),
        pytest.param("Host: b\r\nContent-Length: 0\r\n\r\n", id="two hosts"),
        pytest.param("no header\r\n\r\n", id="a line that is no header"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/write", "/api/v1/query"])
def test_what_is_no_http_is_answered(path: str, wrong: str, strict: Server) -> None:
    with connected(strict) as sock:
        send(sock, head(path, WRITE)[:-2] + wrong.encode())
        answer = answers(sock)
    assert status(answer) == 400
    assert answer.count(b"HTTP/1.1") == 1
    assert b"connection: close" in answer.lower()


def test_what_came_before_is_answered_first(strict: Server) -> None:
    with connected(strict) as sock:
        send(sock, head("/-/healthy", "", method="GET") * 2 + b"no request at all\r\n\r\n")
        answer = answers(sock)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"200", b"400"]


def test_a_broken_body_behind_an_answer_that_is_under_way_is_answered_after_it(strict: Server) -> None:
    broken = head("/api/v1/write", WRITE + "Transfer-Encoding: chunked\r\n") + b"zz\r\n"
    with connected(strict) as sock:
        send(sock, head("/api/v1/query?query=vector(1)", "", method="GET") + broken)
        answer = answers(sock)
    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400"]


def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "pharos.yml").write_text("max_connections: 4\n")
    server = Server(tmp_path / "store", "--config", str(tmp_path / "pharos.yml"))
    healthy = head("/-/healthy", "", method="GET")
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(connected(server)) for _ in range(4)]
        for sock in held:
            sock.sendall(healthy)
            assert status(first_answer(sock)) == 200
        with connected(server) as sock:
            answer = answers(sock)
        assert status(answer) == 503
        assert b"retry-after: 5" in answer
        # Those that were there go on.
        held[0].sendall(healthy)
        assert status(first_answer(held[0])) == 200
        # More than are told so are hung up on.
        crowd = [stack.enter_context(connected(server)) for _ in range(100)]
        assert sum(_is_hung_up_on(sock) for sock in crowd) >= 100 - 64
        for sock in (*crowd, *held[1:]):
            sock.close()
        assert eventually(lambda: _is_served(server, healthy))
        held[0].sendall(head("/metrics", "Connection: close\r\n", method="GET"))
        assert b"\npharos_http_connections_refused_total 10" in answers(held[0])
    assert server.stop() == 0


def _is_hung_up_on(sock: socket.socket) -> bool:
    try:
        return not answers(sock)
    except ConnectionResetError:
        return True


def _is_served(server: Server, asked: bytes) -> bool:
    with connected(server) as sock:
        send(sock, asked)
        return status(first_answer(sock)) == 200


def test_a_head_that_does_not_come_is_given_up(strict: Server) -> None:
    with connected(strict) as sock:
        sock.sendall(b"GET /-/healthy HTTP/1.1\r\nX-A: ")
        assert status(answers(sock)) == 408


def test_so_is_the_next_one_of_a_connection(strict: Server) -> None:
    with connected(strict) as sock:
        sock.sendall(head("/-/healthy", "", method="GET"))
        assert status(first_answer(sock)) == 200
        sock.sendall(b"GET /")
        assert status(answers(sock)) == 408


def test_a_connection_on_which_nothing_comes_is_closed(strict: Server) -> None:
    with connected(strict) as sock:
        assert answers(sock) == b""


def test_the_rest_of_a_body_that_nobody_reads_is_not_waited_for(strict: Server) -> None:
    with connected(strict) as sock:
        sock.sendall(head("/api/v1/write", WRITE, 3 << 20) + b"x")
        assert status(first_answer(sock)) == 413
        sock.sendall(b"x")
        assert answers(sock) == b""


class _Timer:
    def __init__(self, after_s: float, call: Callable[[], object]) -> None:
        self.after_s, self.call, self.is_cancelled = after_s, call, False

    def cancel(self) -> None:
        self.is_cancelled = True


class _Unread(Connection):
    """A connection whose timers and transport are looked at."""

    def __init__(self) -> None:
        self.timers: list[_Timer] = []
        self.loop = self  # type: ignore[assignment]
        self.transport = self  # type: ignore[assignment]
        self.flow = FlowControl(self.transport)
        self.is_aborted = False

    def call_later(self, after_s: float, call: Callable[[], object]) -> _Timer:
        self.timers.append(_Timer(after_s, call))
        return self.timers[-1]

    def abort(self) -> None:
        self.is_aborted = True


def test_an_answer_that_nobody_reads_is_not_kept_for_ever() -> None:
    connection = _Unread()
    connection.pause_writing()
    connection.resume_writing()
    connection.pause_writing()
    first, second = connection.timers
    assert (first.is_cancelled, second.is_cancelled) == (True, False)
    assert second.after_s == connection.limits.unread_s == 60
    second.call()
    assert connection.is_aborted


def test_an_upgrade_that_is_not_offered_is_ignored(strict: Server) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    with connected(strict) as sock:
        sock.sendall(head("/-/healthy", upgrade + key, method="GET"))
        assert status(first_answer(sock)) == 200
