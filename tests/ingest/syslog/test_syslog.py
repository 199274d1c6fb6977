"""Syslog messages: what they become, how they are found in a stream, and the listeners."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.ingest.listen.taker import FakeTaker, gathering
from tests.ingest.records import records

from pharos.clock import FakeClock
from pharos.ingest.events.requests import EventRequest
from pharos.ingest.events.times import time_ns_of_text
from pharos.ingest.syslog.framing import Framer
from pharos.ingest.syslog.listener import SyslogListener, SyslogOptions
from pharos.ingest.syslog.parse import Parser

CASES: Final = yaml.safe_load((Path(__file__).parent / "syslog_cases.yaml").read_text())
NOW_NS: Final = time_ns_of_text(CASES["now"]) or 0


def read(raw: bytes) -> dict[str, Any]:
    made = EventRequest()
    made.add(*Parser(most_bytes=100).read(raw, NOW_NS))
    return records(made.body())[0]


@pytest.mark.parametrize("case", CASES["messages"], ids=lambda case: case["text"])
def test_a_message_becomes_a_record(case: dict[str, Any]) -> None:
    made = EventRequest()
    made.add(*Parser().read(case["text"].encode(), NOW_NS))
    assert records(made.body()) == [case["expect"]]


def test_bytes_that_are_no_text_and_a_message_beyond_the_limit_are_kept_as_far_as_they_go() -> None:
    assert read(b"<14>1 - h a - - - \xff\xfebad")["line"] == "\ufffd\ufffdbad"
    assert read(b"<14>" + "é".encode() * 100)["line"] == "é" * 48


def _frames(framer: Framer, parts: list[bytes]) -> list[bytes]:
    found = [one for part in parts for one, _ in framer.feed(part)]
    return found + [one for one, _ in framer.end()]


@pytest.mark.parametrize("case", CASES["framing"], ids=lambda case: case["name"])
def test_messages_are_found_in_a_stream_however_it_is_cut(case: dict[str, Any]) -> None:
    stream = case["bytes"].encode()
    expected = [one.encode() for one in case["messages"]]
    assert _frames(Framer(1000), [stream]) == expected
    assert _frames(Framer(1000), [stream[at : at + 1] for at in range(len(stream))]) == expected


@pytest.mark.parametrize("step", [1, 7, 100_000])
def test_what_is_beyond_the_limit_is_left_out_and_the_next_message_found(step: int) -> None:
    stream = b"50 <1>" + b"x" * 47 + b"<1>" + b"y" * 60 + b"\n<1>good\n"
    framer = Framer(20)
    found = [one for at in range(0, len(stream), step) for one in framer.feed(stream[at : at + step])]
    assert found == [
        (b"<1>" + b"x" * 17, True),
        (b"<1>" + b"y" * 17, True),
        (b"<1>good", False),
    ]


def test_messages_that_end_with_a_nul_do_not_wait_for_the_end_of_the_connection() -> None:
    framer = Framer(20)
    parts = [b"<1>a\0", b"<1>b\0", b"<1>c\0", b"<1>" + b"x" * 40, b"x\0", b"<1>d\0<1>e", b"\0\0"]
    assert [list(framer.feed(part)) for part in parts] == [
        [],
        [(b"<1>a", False), (b"<1>b", False)],
        [(b"<1>c", False)],
        [(b"<1>" + b"x" * 17, True)],
        [],
        [(b"<1>d", False)],
        [(b"<1>e", False)],
    ]


async def test_what_comes_over_tcp_and_udp_is_stored() -> None:
    async with gathering("syslog") as (taker, gatherer):
        listener = SyslogListener(gatherer, FakeClock(NOW_NS // 1_000_000), SyslogOptions())
        tcp = await listener.listen_tcp("127.0.0.1", 0)
        udp = await listener.listen_udp("127.0.0.1", 0)
        reader, writer = await asyncio.open_connection("127.0.0.1", tcp.port)
        writer.write(b"<14>1 - h a - - - first\n13 <14>a: second<14>a: last")
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        loop = asyncio.get_running_loop()
        sender, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=udp.get_extra_info("sockname")
        )
        sender.sendto(b"<14>a: datagram\n")
        await taker.until(4)
        sender.close()
        udp.close()
        await tcp.close()
    assert sorted(taker.lines()) == ["datagram", "first", "last", "second"]


async def test_more_connections_than_allowed_are_closed() -> None:
    async with gathering("syslog") as (_, gatherer):
        listener = SyslogListener(gatherer, FakeClock(0), SyslogOptions(most_connections=1))
        tcp = await listener.listen_tcp("127.0.0.1", 0)
        first = await asyncio.open_connection("127.0.0.1", tcp.port)
        first[1].write(b"<14>x")
        second = await asyncio.open_connection("127.0.0.1", tcp.port)
        assert await second[0].read() == b""
        first[1].close()
        second[1].close()
        await tcp.close()


async def test_datagrams_are_lost_and_counted_where_the_intake_does_not_follow() -> None:
    taker = FakeTaker()
    async with gathering("syslog", taker, batch_bytes=10) as (_, gatherer):
        listener = SyslogListener(gatherer, FakeClock(0), SyslogOptions())
        listener.receive(b"<14>first message")
        assert not gatherer.has_room
        listener.receive(b"<14>second message")
        await gatherer.settled()
    assert taker.lines() == ["first message"]
