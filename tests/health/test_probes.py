"""Looks at real servers: what is as it must be is up, and what is not says what."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import aio
from tests.health.things import answering, certified, looking, naming, serving
from websockets.asyncio.server import ServerConnection, serve

JSON = b'{"status": "ok", "parts": [{"name": "db", "up": true, "lag": 3}]}'
PATHS = [
    ({"path": "$.status", "equals": "ok"}, ""),
    ({"path": "parts[0].up", "equals": True}, ""),
    ({"path": "$['parts'][0][\"lag\"]", "equals": 3}, ""),
    ({"path": "$.parts[-1].name", "matches": "^d"}, ""),
    ({"path": "$.status", "equals": "down"}, "$.status is ok, not down"),
    ({"path": "$.parts[1].up"}, "there is no $.parts[1].up in the body"),
    ({"path": "$.status.inner"}, "there is no $.status.inner in the body"),
    ({"path": "$.parts[0].lag", "matches": "^4"}, "$.parts[0].lag is 3, which does not match '^4'"),
]
ASSERTIONS: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"status": [500, "4xx"]}, "answered 200, not 500 or 4xx"),
    ({"body_contains": ["ok", "fine"]}, "the body does not contain 'fine'"),
    ({"body_lacks": ["ok"]}, "the body contains 'ok'"),
    ({"body_matches": "lag.: [0-9]"}, ""),
    ({"body_matches": "^nothing$"}, "the body does not match '^nothing$'"),
    ({"header_matches": {"x-kind": "^te"}}, ""),
    ({"header_matches": {"x-other": "."}}, "there is no header x-other"),
    ({"max_latency": "1ms"}, "took "),
    *(({"json": [one]}, told) for one, told in PATHS),
]


@pytest.mark.parametrize(("fields", "told"), ASSERTIONS)
async def test_an_answer_is_as_it_must_be_or_not(fields: dict[str, Any], told: str) -> None:
    served = answering("200 OK", JSON, "X-Kind: test", after_s=0.01 if "max_latency" in fields else 0.0)
    async with serving(served) as port, looking() as look:
        found = await look(type="http", url=f"http://127.0.0.1:{port}/health", **fields)
    assert found.reason.startswith(told) if told else found.is_good, found.reason
    assert found.facts["http_status_code"] == 200


async def test_redirects_are_followed_unless_they_are_what_is_expected() -> None:
    async with serving(answering("200 OK", b"there")) as target, looking() as look:
        moved = answering("302 Found", b"", f"Location: http://127.0.0.1:{target}/")
        async with serving(moved) as port:
            url = f"http://127.0.0.1:{port}/"
            assert (await look(type="http", url=url, body_contains=["there"])).is_good
            found = await look(type="http", url=url, follow_redirects=False)
            assert found.reason == "answered 302, not 2xx"
            assert (await look(type="http", url=url, follow_redirects=False, status=302)).is_good


async def test_what_does_not_answer_in_time_or_at_all_is_down_and_no_secret_is_told() -> None:
    async with serving(answering("200 OK", b"", after_s=30)) as port, looking() as look:
        url = f"http://127.0.0.1:{port}/?token=sesame"
        found = await look(type="http", url=url, timeout="1s", headers={"X-Key": "sesame"})
        assert "no answer within 1s" in found.reason
        assert "sesame" not in found.reason
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    async with looking() as look:
        found = await look(type="http", url=f"http://127.0.0.1:{port}/?token=sesame", retries=1)
        assert "sesame" not in found.reason
        assert "127.0.0.1" in found.reason
        found = await look(type="tcp", host="127.0.0.1", port=port)
        assert found.reason == f"cannot reach 127.0.0.1:{port}: connection refused"


async def test_secrets_are_sent() -> None:
    seen: list[bytes] = []

    async def serve_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(serve_once) as port, looking() as look:
        url = f"http://127.0.0.1:{port}/"
        await look(type="http", url=url, method="POST", headers={"X-Key": "a"}, bearer_token="b", body="c")
        await look(type="http", url=url, basic_auth={"username": "me", "password": "word"})
    assert seen[0].startswith(b"POST / HTTP/1.1\r\n")
    assert b"X-Key: a\r\n" in seen[0]
    assert b"Authorization: Bearer b\r\n" in seen[0]
    assert b"Authorization: Basic bWU6d29yZA==\r\n" in seen[1]


async def test_a_port_says_what_is_expected() -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 ready\r\n")
        said = await reader.read(100)
        writer.write(b"you said " + said)

    async with serving(greet) as port, looking() as look:
        of = {"type": "tcp", "host": "127.0.0.1", "port": port}
        assert (await look(**of)).is_good
        assert (await look(**of, expect="220")).is_good
        assert (await look(**of, send="ping", expect="said ping")).is_good
        assert (await look(**of, send="ping", expect="pong")).reason == "'pong' did not come"


async def test_a_certificate_is_judged_by_who_signed_it_and_its_days(tmp_path: Path) -> None:
    async def nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)

    for days in (30.5, -1.0):
        async with serving(nothing, certified(tmp_path, days)) as port, looking() as look:
            found = await look(type="tls", host="127.0.0.1", port=port)
            assert found.reason.startswith("the certificate is not good: ")
            assert found.facts["certificate_expiry_days"] == pytest.approx(days, abs=0.01)
    async with serving(nothing) as port, looking() as look:
        found = await look(type="tls", host="127.0.0.1", port=port, timeout="1s")
        assert not found.is_good


async def test_https_says_how_long_its_certificate_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = certified(tmp_path, 10.0)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "both.pem"))
    async with serving(answering("200 OK", b""), context) as port, looking() as look:
        url = f"https://127.0.0.1:{port}/"
        found = await look(type="http", url=url, certificate_days=5)
        assert found.is_good, found.reason
        assert found.facts["certificate_expiry_days"] == pytest.approx(10.0, abs=0.01)
        found = await look(type="http", url=url, certificate_days=20)
        assert found.reason == "the certificate lasts 10 days, not 20"
        assert (await look(type="tls", host="127.0.0.1", port=port, days_left=5)).is_good
        found = await look(type="tls", host="127.0.0.1", port=port, server_name="other.example.com")
        assert "Hostname mismatch" in found.reason


async def test_names_are_found_or_not() -> None:
    async with naming((1, bytes([192, 0, 2, 7])), (1, bytes([192, 0, 2, 8]))) as port, looking() as look:
        of = {"type": "dns", "server": "127.0.0.1", "port": port, "query": "shop.example.com"}
        assert (await look(**of, expect=["192.0.2.8"])).is_good
        found = await look(**of, expect=["192.0.2.9"])
        assert "lacks 192.0.2.9" in found.reason
        assert (await look(**of, record="MX")).reason == "shop.example.com has no MX record"
    mail = b"\x00\x0a\x04mail\xc0\x0c"
    async with naming((15, mail)) as port, looking() as look:
        of = {"type": "dns", "server": "127.0.0.1", "port": port, "query": "example.com", "record": "MX"}
        assert (await look(**of, expect=["10 mail.example.com"])).is_good
    async with naming(code=2) as port, looking() as look:
        found = await look(type="dns", server="127.0.0.1", port=port, query="example.com")
        assert "server failure" in found.reason
    async with naming((15, b"\x00\x0a\xc0\xff")) as port, looking() as look:
        found = await look(type="dns", server="127.0.0.1", port=port, query="example.com", record="MX")
        assert "cannot be read" in found.reason


async def test_a_ping_is_answered_or_the_system_says_why_not() -> None:
    async with looking() as look:
        found = await look(type="icmp", host="127.0.0.1", count=2)
    if found.is_good:
        assert found.facts["icmp_answers"] == 2
    else:
        assert "net.ipv4.ping_group_range" in found.reason


async def test_a_grpc_server_tells_its_health() -> None:
    async def check(request: bytes, context: object) -> bytes:
        del context
        return b"\x08\x02" if request == b"\x0a\x04cart" else b"\x08\x01"

    handlers = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server = aio.server()
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("grpc.health.v1.Health", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with looking() as look:
            assert (await look(type="grpc", host="127.0.0.1", port=port)).is_good
            found = await look(type="grpc", host="127.0.0.1", port=port, service="cart")
            assert found.reason == "cart is NOT_SERVING"
    finally:
        await server.stop(0)


async def test_a_websocket_is_opened_and_answers() -> None:
    async def echo(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(f"you said {message!r}")

    async with serve(echo, "127.0.0.1", 0) as server, looking() as look:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/feed"
        assert (await look(type="websocket", url=url)).is_good
        assert (await look(type="websocket", url=url, send="ping", expect="said 'ping'")).is_good
        found = await look(type="websocket", url=url, send="ping", expect="pong", timeout="1s")
        assert "no answer within 1s" in found.reason
    async with serving(answering("404 Not Found", b"")) as port, looking() as look:
        found = await look(type="websocket", url=f"ws://127.0.0.1:{port}/")
        assert "opens no WebSocket" in found.reason


async def test_a_query_tells_what_it_found() -> None:
    async with looking(answers=[((("job", "shop"),), 3.0)]) as look:
        assert (await look(type="promql", query="errors > 1")).reason == "{job=shop} is 3"
        assert (await look(type="promql", query="up", up_when="found")).is_good
    async with looking() as look:
        assert (await look(type="logql", query="x")).is_good
        assert (await look(type="promql", query="up", up_when="found")).reason == "nothing was found"


async def test_the_host_has_processes_and_space() -> None:
    async with looking() as look:
        assert (await look(type="process", command_matches="python")).is_good
        found = await look(type="process", command_matches="no such thing [0-9]{9}")
        assert found.reason == "0 processes run, 1 at least are expected"
        assert (await look(type="disk", path="/", min_free_percent=0)).is_good
        assert "are free" in (await look(type="disk", path="/", min_free_percent=100)).reason
        assert "cannot look at /no/such" in (await look(type="disk", path="/no/such")).reason


METADATA = ("169.254.169.254", "[::ffff:169.254.169.254]", "100.100.100.200", "[fd00:ec2::254]")


@pytest.mark.parametrize("host", METADATA)
async def test_a_clouds_metadata_is_never_called(host: str) -> None:
    async with looking(allow_private=True) as look:
        found = await look(type="http", url=f"http://{host}/latest/meta-data/")
        assert "metadata" in found.reason
        plain = host.strip("[]")
        if ":" not in plain:
            for fields in (
                {"type": "tcp", "port": 80},
                {"type": "tls"},
                {"type": "icmp"},
                {"type": "grpc", "port": 80},
            ):
                assert "metadata" in (await look(host=plain, **fields)).reason
            assert "metadata" in (await look(type="websocket", url=f"ws://{plain}/")).reason
            assert "metadata" in (await look(type="dns", query="a.example.com", server=plain)).reason


async def test_a_redirect_to_metadata_is_not_followed() -> None:
    moved = answering("302 Found", b"", "Location: http://169.254.169.254/latest/")
    async with serving(moved) as port, looking() as look:
        assert "metadata" in (await look(type="http", url=f"http://127.0.0.1:{port}/")).reason


async def test_private_addresses_are_looked_at_where_that_is_allowed_alone() -> None:
    async with serving(answering("200 OK", b"inside")) as port, looking(allow_private=False) as look:
        for fields in (
            {"type": "http", "url": f"http://127.0.0.1:{port}/"},
            {"type": "http", "url": f"http://localhost:{port}/"},
            {"type": "tcp", "host": "127.0.0.1", "port": port},
            {"type": "tls", "host": "localhost", "port": port},
            {"type": "grpc", "host": "127.0.0.1", "port": port},
            {"type": "websocket", "url": f"ws://127.0.0.1:{port}/"},
            {"type": "icmp", "host": "127.0.0.1"},
            {"type": "dns", "query": "a.example.com", "server": "127.0.0.1"},
        ):
            assert "private address" in (await look(**fields)).reason, fields
