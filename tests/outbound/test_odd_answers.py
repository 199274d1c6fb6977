"""Answers that the wild sends and a strict parser refuses: read as Prometheus' client reads them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.outbound import Outbound, Request
from pharos.outbound.framing import AnswerFraming

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "answers.yaml").read_text())


def wire(case: dict[str, Any]) -> bytes:
    text = re.sub(r"\{([^{}]*)\*(\d+)\}", lambda found: found[1] * int(found[2]), case["wire"])
    return text.encode("latin-1")


@contextmanager
def target(answer: bytes, *, keeps_open: bool = False, piece: int = 1 << 20) -> Iterator[URL]:
    """Yield the address of who sends these bytes to everyone, one after the other."""

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(ConnectionError):
                    received = b""
                    while b"\r\n\r\n" not in received:
                        received += connection.recv(1 << 16)
                    for at in range(0, len(answer), piece):
                        connection.sendall(answer[at : at + piece])
                    if keeps_open:
                        connection.recv(1)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve)
        thread.start()
        yield URL(f"http://127.0.0.1:{listening.getsockname()[1]}/metrics")
        listening.shutdown(socket.SHUT_RDWR)
    thread.join()


async def fetched(url: URL, times: int = 1) -> list[bytes]:
    outbound = Outbound(allow_private=True, user_agent="test", random_source=random.Random(1))
    try:
        return [(await outbound.send(Request(url, timeout_s=20))).body for _ in range(times)]
    finally:
        await outbound.close()


@pytest.mark.parametrize("piece", [1 << 20, 7], ids=["at once", "by pieces"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
async def test_an_answer_is_read_as_upstream_reads_it(case: dict[str, Any], piece: int) -> None:
    sent = wire(case)
    if piece < 100 and len(sent) > 10_000:
        piece = 997
    with target(sent, keeps_open=case.get("keeps_open", False), piece=piece) as url:
        if "body" in case:
            assert await fetched(url) == [case["body"].encode("latin-1")]
        else:
            with pytest.raises(PharosError, match=re.escape(case["refused"])) as raised:
                await fetched(url)
            assert raised.value.kind is Kind.UNAVAILABLE


async def test_a_connection_with_bytes_that_belong_to_no_answer_is_not_used_again() -> None:
    with target(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\naabb", keeps_open=True) as url:
        assert await fetched(url, 3) == [b"aa"] * 3


async def test_who_reads_a_body_already_is_told_that_it_is_none() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n")
        # Turns enough for the other side to take the head and to wait for more of the body.
        for _ in range(100):
            await asyncio.sleep(0)
        writer.write(b"no length\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/metrics")
        with pytest.raises(PharosError, match="invalid chunk length"):
            await fetched(url)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_framing_does_not_depend_on_how_bytes_arrive(size: int) -> None:
    sent = b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent += b"3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n"
    framing = AnswerFraming()
    framing.begin(has_body=True)
    plain = b"".join(framing.feed(sent[at : at + size]) for at in range(0, len(sent), size))
    head, _, body = plain.partition(b"\r\n\r\n")
    assert head == b"HTTP/1.1 200 OK\r\nA: b c\r\nTransfer-Encoding: chunked"
    assert re.sub(rb"[0-9a-f]+\r\n(.*?)\r\n", rb"\1", body, flags=re.DOTALL) == b"abcde"
    assert not framing.has_excess
