"""The outermost layer: spellings of addresses, methods, pages of other origins, headers of every answer."""

from __future__ import annotations

import http.client
import socket
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.process import Server

from pharos.api.http.headers import SECURITY
from pharos.api.http.unread import Unread, UnreadLimits
from pharos.errors import Kind, PharosError

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "edge.yaml").read_text())
H2C = (
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n"
)


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a name, whose admin API is open."""
    folder = tmp_path_factory.mktemp("edge")
    (folder / "prometheus.yml").write_text("global: {}\n")
    (folder / "pharos.yml").write_text(
        "admin_api: true\nhosts: [metrics.example.com]\nprometheus: prometheus.yml\n"
    )
    running = Server(folder / "store", "--config", str(folder / "pharos.yml"))
    yield running
    assert running.stop() == 0, running.log.read_text()
    assert "Traceback" not in running.log.read_text()


def port_of(server: Server) -> int:
    port = urllib.parse.urlsplit(server.url).port
    assert port is not None
    return port


def answers(server: Server, sent: bytes, count: int, method: str = "GET") -> list[http.client.HTTPResponse]:
    """Return the next answers to these bytes, read to their ends."""
    found = []
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=30) as sock:
        sock.sendall(sent)
        reader = sock.makefile("rb")
        for _ in range(count):
            answer = http.client.HTTPResponse(sock, method=method)
            answer.fp.close()
            answer.fp = reader
            answer.begin()
            answer.text = answer.fp.read(answer.length or 0)  # type: ignore[attr-defined]
            found.append(answer)
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_request_is_answered(case: dict[str, Any], edge: Server) -> None:
    sent = case["send"].replace("PORT", str(port_of(edge)))
    host = "" if "Host:" in sent else f"\r\nHost: 127.0.0.1:{port_of(edge)}"
    length = "" if sent.startswith(("GET", "HEAD")) else "\r\nContent-Length: 0"
    (answer,) = answers(edge, f"{sent}{host}{length}\r\n\r\n".encode(), 1, method=sent.split()[0])
    assert answer.status == case["status"], answer.text  # type: ignore[attr-defined]
    assert case.get("body", "") in answer.text.decode()  # type: ignore[attr-defined]
    for name, value in case.get("headers", {}).items():
        found = answer.headers.get(name)
        assert (found is not None) if value == "" else found == value, name
    for name, value in SECURITY:
        assert answer.headers.get_all(name.decode()) == [value.decode()], name


def test_what_was_sent_ahead_is_answered_in_its_order(edge: Server) -> None:
    one = "GET /api/v1/query?query={}&time=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sent = "".join(one.format(number) for number in range(500))
    form = "POST /api/v1/query HTTP/1.1\r\nHost: localhost\r\n"
    form += "Content-Type: application/x-www-form-urlencoded\r\n"
    sent += f"{form}Content-Length: 16\r\n\r\nquery=500&time=1{form}Transfer-Encoding: chunked\r\n\r\n"
    sent += "8\r\nquery=50\r\n8\r\n1&time=1\r\n0\r\n\r\n" + one.format(502)
    found = answers(edge, sent.encode(), 503)
    assert [answer.text.partition(b'"result":')[2] for answer in found] == [  # type: ignore[attr-defined]
        f'[1,"{number}"]}}}}'.encode() for number in range(503)
    ]


@pytest.mark.parametrize("chunked", [False, True])
def test_an_offer_of_another_protocol_is_ignored_and_the_body_read(chunked: bool, edge: Server) -> None:
    body = "query=1%2B1&time=5"
    size = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
    body = f"{len(body):x}\r\n{body}\r\n0\r\n\r\n" if chunked else body
    head = "POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    first, second = answers(
        edge, f"{head}{H2C}{size}\r\n\r\n{body}GET /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 2
    )
    assert first.text.endswith(b'"result":[5,"2"]}}')  # type: ignore[attr-defined]
    assert second.text == b"Pharos is healthy.\n"  # type: ignore[attr-defined]


def test_answers_that_nobody_reads_are_given_up_when_others_need_the_room() -> None:
    unread = Unread(UnreadLimits(held_bytes=100, small_bytes=10, reserve_bytes=20, stuck_s=2))
    gone: list[str] = []
    first = unread.hold(60, 0.0, lambda: gone.append("first"))
    second = unread.hold(40, 1.0, lambda: gone.append("second"))
    with pytest.raises(PharosError) as raised:
        unread.hold(11, 1.5, None)
    assert raised.value.kind is Kind.UNAVAILABLE
    assert raised.value.retry_after_s
    small = unread.hold(10, 1.5, None)
    second.taken_s = 2.0
    third = unread.hold(40, 2.5, None)
    assert gone == ["first"]
    for held in (first, second, small, third, third):
        held.release()
    assert unread.held_bytes == 0


def test_a_single_answer_may_be_larger_than_all_others_may_be_together() -> None:
    unread = Unread(UnreadLimits(held_bytes=100))
    unread.hold(1000, 0.0, None).release()
    assert unread.held_bytes == 0
