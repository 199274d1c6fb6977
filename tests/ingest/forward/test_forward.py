"""Fluent Forward: requests in every mode, acknowledgements, heartbeats, the handshake."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import cramjam
import msgpack
import pytest
import yaml
from tests.ingest.listen.taker import FakeTaker, gathering
from tests.ingest.records import records

from pharos.errors import Kind, PharosError
from pharos.ingest.events.requests import EventRequest
from pharos.ingest.forward.handshake import digest
from pharos.ingest.forward.listener import ForwardListener, ForwardOptions
from pharos.ingest.forward.messages import read_request, unpacker

CASES: Final = yaml.safe_load((Path(__file__).parent / "forward_cases.yaml").read_text())["requests"]


def _time(value: Any) -> Any:
    if isinstance(value, list):
        return msgpack.ExtType(0, value[0].to_bytes(4, "big") + value[1].to_bytes(4, "big"))
    return value


def _packed(value: Any, *, as_bytes: bool = False) -> bytes:
    found: bytes = msgpack.packb(_bytes(value) if as_bytes else value)
    return found


def _bytes(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, dict):
        return {_bytes(key): _bytes(one) for key, one in value.items()}
    return [_bytes(one) for one in value] if isinstance(value, list) else value


def requests(case: dict[str, Any], mode: str, option: dict[str, Any]) -> bytes:
    """Return a case's entries as requests of a mode."""
    entries = [[_time(one["time"]), one["record"]] for one in case["entries"]]
    tail = [option] if option else []
    stream = b"".join(map(_packed, entries))
    match mode:
        case "message":
            return b"".join(_packed([case["tag"], *entry, *tail]) for entry in entries)
        case "forward":
            return _packed([case["tag"], entries, *tail])
        case "bytes":
            return _packed([case["tag"], entries, *tail], as_bytes=True)
        case "metadata":
            return _packed([case["tag"], [[[time, {}], record] for time, record in entries], *tail])
        case "packed":
            return _packed([case["tag"], stream, *tail])
        case "packed as text":
            head = b"\xda" + len(stream).to_bytes(2, "big")
            return (
                bytes([0x92 + len(tail)])
                + _packed(case["tag"])
                + head
                + stream
                + b"".join(map(_packed, tail))
            )
        case "compressed by zstd":
            cut = len(_packed(entries[0])) if entries else 0
            frames = b"".join(bytes(cramjam.zstd.compress(one)) for one in (stream[:cut], stream[cut:]))
            return _packed([case["tag"], frames, {**option, "compressed": "zstd"}])
        case _:
            cut = len(stream) // 2
            members = gzip.compress(stream[:cut], mtime=0) + gzip.compress(stream[cut:])
            return _packed([case["tag"], members, {**option, "compressed": "gzip"}])


MODES: Final = (
    "message",
    "forward",
    "bytes",
    "metadata",
    "packed",
    "packed as text",
    "compressed",
    "compressed by zstd",
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_entries_become_records_in_every_mode(case: dict[str, Any], mode: str) -> None:
    made, source = EventRequest(), unpacker()
    source.feed(requests(case, mode, {"chunk": "c"}))
    for request in source:
        forwarded = read_request(request)
        assert forwarded.chunk in {"c", b"c"}
        for one in forwarded.records:
            made.add(one.resource, one.record)
    assert sorted(records(made.body()), key=lambda one: int(one["ts"])) == case["expect"]


@pytest.mark.parametrize(
    "request_",
    [
        5, [], ["t"], ["t", 1], ["t", 1, {}, {}, {}], [5, []], ["t", [5]], ["t", [[1]]], ["t", [], 5],
        ["t", b"\xc1"], ["t", b"\x92\x01"], ["t", b"x", {"compressed": "gzip"}],
        ["t", gzip.compress(b"\x92\x01\x80", mtime=0)[:-5], {"compressed": "gzip"}],
        ["t", b"\x92\x01\x81\x90\x01"], ["t", b"\x92\x01\x80", {"compressed": "zstd"}],
        ["t", b"\x92\x01\x80", {"compressed": "brotli"}],
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_request_is_refused(request_: Any) -> None:
    with pytest.raises(PharosError) as caught:
        read_request(request_)
    assert caught.value.kind is Kind.INVALID


def test_entries_that_unpack_to_too_much_are_refused() -> None:
    bomb = gzip.compress(b"\0" * (20 << 20), mtime=0)
    with pytest.raises(PharosError) as caught:
        read_request(["t", bomb, {"compressed": "gzip"}])
    assert caught.value.kind is Kind.TOO_LARGE


@asynccontextmanager
async def served(
    taker: FakeTaker | None = None, shared_key: str = ""
) -> AsyncIterator[tuple[FakeTaker, asyncio.StreamReader, asyncio.StreamWriter, int]]:
    """Serve a listener, and connect to it."""
    async with gathering("forward", taker) as (found, gatherer):
        options = ForwardOptions(shared_key, "server")
        listener = ForwardListener(gatherer, options, lambda count: b"n" * count)
        tcp = await listener.listen_tcp("127.0.0.1", 0)
        udp = await listener.listen_udp("127.0.0.1", tcp.port)
        reader, writer = await asyncio.open_connection("127.0.0.1", tcp.port)
        try:
            yield found, reader, writer, tcp.port
        finally:
            writer.close()
            udp.close()
            await tcp.close()


async def _answers(reader: asyncio.StreamReader, count: int) -> list[Any]:
    source = msgpack.Unpacker()
    found: list[Any] = []
    while len(found) < count:
        source.feed(await reader.read(1000))
        found += list(source)
    return found


async def test_chunks_are_acknowledged_in_order_once_they_are_durable() -> None:
    taker = FakeTaker(PharosError(Kind.UNAVAILABLE, "not now", retry_after_s=3.0))
    async with served(taker) as (_, reader, writer, _):
        body = (
            b"\xc0"
            + requests(CASES[0], "forward", {"chunk": "one"})
            + requests(CASES[0], "packed", {"chunk": "two"})
        )
        for at in range(len(body)):
            writer.write(body[at : at + 1])
        assert await _answers(reader, 2) == [{"ack": "one"}, {"ack": "two"}]
        assert taker.lines() == ["hello", "hello"]
        assert 3.0 in taker.paused


async def test_what_can_never_be_stored_is_not_acknowledged() -> None:
    async with served(FakeTaker(PharosError(Kind.DENIED, "no"))) as (taker, reader, writer, _):
        writer.write(requests(CASES[0], "forward", {"chunk": "lost"}))
        writer.write_eof()
        assert await reader.read() == b""
        assert taker.lines() == []


async def test_a_connection_with_what_is_no_request_is_closed_and_others_go_on() -> None:
    async with served() as (taker, reader, writer, port):
        writer.write(requests(CASES[0], "forward", {}) + b"\xc1garbage")
        assert await reader.read() == b""
        second = await asyncio.open_connection("127.0.0.1", port)
        second[1].write(requests(CASES[0], "forward", {"chunk": "c"}))
        assert await _answers(second[0], 1) == [{"ack": "c"}]
        second[1].close()
        assert taker.lines() == ["hello", "hello"]


async def test_heartbeats_over_udp_are_answered() -> None:
    async with served() as (_, _, _, port):
        answered = asyncio.get_running_loop().create_future()

        class Sender(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: Any) -> None:
                answered.set_result(data)

        loop = asyncio.get_running_loop()
        sender, _ = await loop.create_datagram_endpoint(Sender, remote_addr=("127.0.0.1", port))
        sender.sendto(b"\0")
        assert await answered == b"\0"
        sender.close()


async def test_who_knows_the_key_is_let_in() -> None:
    async with served(shared_key="secret") as (taker, reader, writer, _):
        ((kind, hello),) = await _answers(reader, 1)
        assert (kind, hello["nonce"], hello["keepalive"]) == ("HELO", b"n" * 16, True)
        proof = digest(b"salt", b"client", hello["nonce"], b"secret")
        writer.write(_packed(["PING", "client", "salt", proof, "", ""]))
        ((kind, good, reason, name, own),) = await _answers(reader, 1)
        assert (kind, good, reason, name) == ("PONG", True, "", "server")
        assert own == digest(b"salt", b"server", hello["nonce"], b"secret")
        writer.write(requests(CASES[0], "forward", {"chunk": "c"}))
        assert await _answers(reader, 1) == [{"ack": "c"}]
        assert taker.lines() == ["hello"]


@pytest.mark.parametrize("ping", [["PING", "client", "salt", "wrong", "", ""], ["t", []], 5])
async def test_who_does_not_know_the_key_is_not_listened_to(ping: Any) -> None:
    async with served(shared_key="secret") as (taker, reader, writer, _):
        await _answers(reader, 1)
        writer.write(_packed(ping) + requests(CASES[0], "forward", {}))
        ((kind, good, reason, *_),) = await _answers(reader, 1)
        assert (kind, good) == ("PONG", False)
        assert reason
        assert await reader.read() == b""
        assert taker.lines() == []
