"""Targets that records of names say, of a DNS server that answers by UDP and by TCP."""

from __future__ import annotations

import asyncio
import ipaddress
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from tests.scrape.written import Collected

from pharos.clock import SystemClock
from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import AskedWatch
from pharos.ingest.scrape.scraper import Scraper
from pharos.outbound import Outbound
from pharos.outbound.dns import RECORD_TYPES
from pharos.outbound.resolver import Resolver, ResolverOptions, read_options

_TYPES = {number: name for name, number in RECORD_TYPES.items()}
_HEAD = struct.Struct(">HHHHHH")


def wire(name: str) -> bytes:
    """Return a name as it is on the wire."""
    return b"".join(bytes([len(one)]) + one.encode() for one in name.split(".") if one) + b"\0"


def address(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


class FakeDns(asyncio.DatagramProtocol):
    """Answers of a server, which a test changes."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], list[bytes]] = {}
        self.codes: dict[str, int] = {}
        self.is_short = False
        """Whether answers by UDP are cut off."""
        self.asked: list[tuple[str, str, str]] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert self._transport is not None
        # What answers another question is not heard.
        self._transport.sendto(b"\0" * 12, addr)
        self._transport.sendto(self.answer(data, "UDP"), addr)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one question by TCP."""
        asked = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
        answer = self.answer(asked, "TCP")
        writer.write(len(answer).to_bytes(2) + answer)
        await writer.drain()
        writer.close()

    def answer(self, asked: bytes, by: str) -> bytes:
        """Return the answer to a question."""
        labels, at = [], _HEAD.size
        while size := asked[at]:
            labels.append(asked[at + 1 : at + 1 + size].decode())
            at += 1 + size
        name, kind = ".".join(labels), int.from_bytes(asked[at + 1 : at + 3])
        self.asked.append((name, _TYPES[kind], by))
        found = self.records.get((name, _TYPES[kind]), [])
        is_known = any(known == name for known, _ in self.records)
        code = self.codes.get(name, 0 if is_known else 3)
        is_cut = self.is_short and by == "UDP"
        flags = 0x8180 | code | (0x0200 if is_cut else 0)
        body = b"".join(
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(content)) + content
            for content in ([] if is_cut else found)
        )
        count = 0 if is_cut else len(found)
        return _HEAD.pack(int.from_bytes(asked[:2]), flags, 1, count, 0, 0) + asked[12 : at + 5] + body


@asynccontextmanager
async def naming() -> AsyncIterator[tuple[FakeDns, int]]:
    """Serve names on a free port of this host."""
    found, loop = FakeDns(), asyncio.get_running_loop()
    server = await asyncio.start_server(found.talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport, _ = await loop.create_datagram_endpoint(lambda: found, local_addr=("127.0.0.1", port))
    try:
        yield found, port
    finally:
        transport.close()
        server.close()
        await server.wait_closed()


def _resolver(folder: Path, port: int, text: str = "nameserver 127.0.0.1\n") -> Resolver:
    (folder / "resolv.conf").write_text(text)
    return Resolver(random.Random(1), configuration=folder / "resolv.conf", port=port)


def _watch(folder: Path, port: int, *discoveries: str) -> AskedWatch:
    text = "".join(f"  - {one}\n" for one in discoveries)
    (job,) = load_scrape_config(f"scrape_configs:\n- job_name: j\n  dns_sd_configs:\n{text}").jobs
    outbound = Outbound(allow_private=True, user_agent="test", random_source=random.Random(1))
    return AskedWatch(job.dns_discoveries, outbound, _resolver(folder, port))


async def test_records_of_all_types_say_targets(tmp_path: Path) -> None:
    async with naming() as (dns, port):
        dns.records = {
            ("_http._tcp.shop.example", "SRV"): [
                struct.pack(">HHH", 0, 5, 9100) + wire("a.shop.example"),
                struct.pack(">HHH", 0, 5, 9101) + b"\x01b\xc0\x17",
            ],
            ("web.example", "A"): [address("10.0.0.1"), address("10.0.0.2")],
            ("web.example", "AAAA"): [address("fd00::1")],
            ("example", "MX"): [struct.pack(">H", 10) + wire("mail.example")],
            ("example", "NS"): [wire("ns.example")],
        }
        watch = _watch(
            tmp_path,
            port,
            "{names: [_http._tcp.shop.example]}",
            "{names: [web.example], type: A, port: 80}",
            "{names: [web.example], type: aaaa, port: 80}",
            "{names: [example], type: MX, port: 25}",
            "{names: [example], type: NS, port: 53}",
        )
        assert await watch.refresh(0.0)
        assert [(*group.targets, dict(group.labels)) for group in watch.groups] == [
            (
                "a.shop.example:9100",
                {
                    "__meta_dns_name": "_http._tcp.shop.example",
                    "__meta_dns_srv_record_target": "a.shop.example.",
                    "__meta_dns_srv_record_port": "9100",
                },
            ),
            (
                "b.shop.example:9101",
                {
                    "__meta_dns_name": "_http._tcp.shop.example",
                    "__meta_dns_srv_record_target": "b.shop.example.",
                    "__meta_dns_srv_record_port": "9101",
                },
            ),
            ("10.0.0.1:80", {"__meta_dns_name": "web.example"}),
            ("10.0.0.2:80", {"__meta_dns_name": "web.example"}),
            ("[fd00::1]:80", {"__meta_dns_name": "web.example"}),
            (
                "mail.example:25",
                {"__meta_dns_name": "example", "__meta_dns_mx_record_target": "mail.example."},
            ),
            ("ns.example:53", {"__meta_dns_name": "example", "__meta_dns_ns_record_target": "ns.example."}),
        ]


async def test_targets_stay_while_nobody_answers_and_go_with_their_name(tmp_path: Path) -> None:
    async with naming() as (dns, port):
        dns.records = {
            ("web.example", "A"): [address("10.0.0.1")],
            ("db.example", "A"): [address("10.0.0.2")],
        }
        watch = _watch(
            tmp_path, port, "{names: [web.example, db.example], type: A, port: 80, refresh_interval: 10s}"
        )
        assert await watch.refresh(0.0)
        assert not await watch.refresh(9.0)
        dns.codes = {"web.example": 2}
        dns.records["db.example", "A"] = [address("10.0.0.3")]
        assert await watch.refresh(10.0)
        assert [group.targets for group in watch.groups] == [("10.0.0.1:80",), ("10.0.0.3:80",)]
        assert [*watch.errors] == [
            "no DNS server answers for web.example (127.0.0.1: server failure)",
        ]
        dns.codes = {"web.example": 3}
        assert await watch.refresh(20.0)
        assert [group.targets for group in watch.groups] == [("10.0.0.3:80",)]
        assert [*watch.errors] == []


async def test_what_does_not_fit_is_asked_for_by_tcp(tmp_path: Path) -> None:
    async with naming() as (dns, port):
        many = [address(f"10.0.{number >> 8}.{number & 255}") for number in range(1000)]
        dns.records = {("web.example", "A"): many}
        dns.is_short = True
        found = await _resolver(tmp_path, port).records("web.example", "A")
        assert len(found) == 1000
        assert dns.asked == [("web.example", "A", "UDP"), ("web.example", "A", "TCP")]


async def test_names_are_looked_for_as_the_system_does(tmp_path: Path) -> None:
    async with naming() as (dns, port):
        dns.records = {("web.shop.svc", "A"): [address("10.0.0.1")]}
        # Nobody listens at the first.
        text = (
            "# pod\nnameserver 127.0.0.9\nnameserver 127.0.0.1\nsearch shop.svc svc.\noptions ndots:2 edns0\n"
        )
        resolver = _resolver(tmp_path, port, text)
        assert [one.text for one in await resolver.records("web", "A")] == ["10.0.0.1"]
        assert await resolver.records("gone", "A") == ()
        assert [name for name, _, _ in dns.asked] == ["web.shop.svc", "gone.shop.svc", "gone.svc", "gone"]
        dns.codes = {"gone.svc": 5}
        with pytest.raises(PharosError, match="answers for gone") as failed:
            await resolver.records("gone", "A")
        assert failed.value.kind is Kind.UNAVAILABLE
        for wrong in ("a..b", "x" * 64):
            with pytest.raises(PharosError) as failed:
                await resolver.records(wrong, "A")
            assert failed.value.kind is Kind.INVALID


def test_a_configuration_of_the_system_is_read() -> None:
    assert read_options("") == ResolverOptions()
    found = read_options("nameserver ::1\ndomain a.b\noptions rotate ndots:99\nnameserver\n; x\n")
    assert found == ResolverOptions(("::1",), ("a.b",), 15)
    assert found.names("x.") == ("x.",)
    assert ResolverOptions(search=("s",)).names("a.b") == ("a.b", "a.b.s")


async def test_answers_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    async with naming() as (dns, port):
        dns.records = {("web.example", "NS"): [b"\xc0\xff"], ("a.example", "A"): [b"\1\2"]}
        resolver = _resolver(tmp_path, port)
        for name, record in dns.records:
            with pytest.raises(PharosError, match="answers what cannot be read"):
                await resolver.records(name, record)


async def test_a_job_has_the_targets_that_its_names_say(tmp_path: Path) -> None:
    async with naming() as (dns, port):
        dns.records = {("web.example", "A"): [address("127.0.0.1")]}
        resolver = _resolver(tmp_path, port)
        scraper = Scraper(Collected(), SystemClock(), random.Random(1), resolver=resolver)
        text = (
            "scrape_configs:\n- job_name: j\n  scrape_interval: 1h\n"
            "  dns_sd_configs: [{names: [web.example], type: A, port: 81, refresh_interval: 100ms}]\n"
        )
        await scraper.apply(load_scrape_config(text))
        await scraper.start()
        try:
            async with asyncio.timeout(60):
                while True:
                    if [loop.spec.url for loop in scraper.loops()] == ["http://127.0.0.1:81/metrics"]:
                        break
                    await asyncio.sleep(0.02)
        finally:
            await scraper.stop()
