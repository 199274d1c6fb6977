"""The outgoing client: private addresses, redirects, bounds, retries, TLS, and that no secret is printed."""

from __future__ import annotations

import asyncio
import gzip
import random
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from msgspec.structs import replace
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.outbound import (
    HttpOptions,
    Outbound,
    Reply,
    Request,
    Retry,
    SecretText,
    TlsOptions,
    is_public_address,
    shown_url,
)
from pharos.outbound.request import OnThread
from pharos.secret import Secret

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    def __init__(self) -> None:
        self.answers: dict[str, Handler] = {}
        self.seen: list[web.Request] = []
        self.url = URL()

    async def dispatch(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        return await self.answers[request.path](request)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.dispatch)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield found
    await runner.cleanup()


def client(*, allow_private: bool = True, on_thread: OnThread = asyncio.to_thread) -> Outbound:
    return Outbound(
        allow_private=allow_private,
        private_by="private_receivers",
        user_agent="test",
        random_source=random.Random(1),
        on_thread=on_thread,
    )


@asynccontextmanager
async def opened(found: Outbound) -> AsyncIterator[Outbound]:
    try:
        yield found
    finally:
        await found.close()


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    async with opened(client()) as found:
        yield found


def says(body: bytes, status: int = 200, **headers: str) -> Handler:
    async def handler(_: web.Request) -> web.StreamResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=given)

    return handler


async def refused(sending: Awaitable[Reply]) -> PharosError:
    with pytest.raises(PharosError) as raised:
        await sending
    return raised.value


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2001:4860:4860::8888", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public_address(address) is public


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "localhost", "169.254.169.254", "127.1", "0x7f000001"]
)
async def test_private_addresses_are_refused_before_any_byte_is_sent(server: Server, host: str) -> None:
    strict = client(allow_private=False)
    url = URL(f"http://{host}:{server.url.port}/x")
    assert (await refused(strict.send(Request(url)))).kind in {Kind.DENIED, Kind.UNAVAILABLE, Kind.INVALID}
    await strict.close()
    assert server.seen == []


async def test_answer_and_headers(server: Server, outbound: Outbound) -> None:
    server.answers["/x"] = says(b"hello", 418, Content_Type="text/plain", X_A="b")
    answer = await outbound.send(Request(server.url / "x", "POST", {"X-Own": "1"}, b"body"))
    assert (answer.status, answer.body, answer.content_type, answer.wire_bytes) == (
        418,
        b"hello",
        "text/plain",
        5,
    )
    assert answer.headers["X-A"] == "b"
    request = server.seen[0]
    assert (request.method, request.headers["X-Own"], request.headers["User-Agent"]) == ("POST", "1", "test")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_packed_body_is_unpacked(
    server: Server, outbound: Outbound, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    server.answers["/x"] = says(pack(b"z" * 100_000), Content_Encoding=encoding)
    answer = await outbound.send(Request(server.url / "x", body_limit=100_000))
    assert answer.body == b"z" * 100_000
    assert answer.wire_bytes < 1000
    limited = outbound.send(Request(server.url / "x", body_limit=99_999))
    assert (await refused(limited)).kind is Kind.TOO_LARGE


class Pieces:
    """In the place of a thread: notes how many bytes each call was to unpack at most, and hangs at one."""

    def __init__(self, hangs_at: int = 0) -> None:
        self.most: list[int] = []
        self._hangs_at = hangs_at

    async def __call__(self, take: Callable[[bytes, int], bytes], chunk: bytes, most: int) -> bytes:
        self.most.append(most)
        if len(self.most) == self._hangs_at:
            await asyncio.Event().wait()
        return take(chunk, most)


async def test_a_bomb_is_unpacked_by_pieces_on_a_thread_up_to_its_limit(server: Server) -> None:
    server.answers["/x"] = says(gzip.compress(bytes(64 << 20)), Content_Encoding="gzip")
    pieces = Pieces()
    async with opened(client(on_thread=pieces)) as outbound:
        limited = outbound.send(Request(server.url / "x", body_limit=8 << 20))
        assert (await refused(limited)).kind is Kind.TOO_LARGE
    assert len(pieces.most) >= 8
    assert max(pieces.most) <= 1 << 20
    assert sum(pieces.most) < 10 << 20


async def test_a_timeout_ends_a_bomb_between_two_pieces(server: Server) -> None:
    pieces = Pieces(hangs_at=3)
    server.answers["/x"] = says(gzip.compress(bytes(64 << 20)), Content_Encoding="gzip")
    async with opened(client(on_thread=pieces)) as outbound:
        late = outbound.send(Request(server.url / "x", timeout_s=1.0, body_limit=64 << 20))
        assert (await refused(late)).kind is Kind.TIMEOUT
    assert len(pieces.most) == 3


@pytest.mark.parametrize("body", [b"z" * 250_000, random.Random(1).randbytes(50_000)])
async def test_a_small_body_needs_no_thread(server: Server, body: bytes) -> None:
    server.answers["/x"] = says(gzip.compress(body), Content_Encoding="gzip")
    pieces = Pieces()
    async with opened(client(on_thread=pieces)) as outbound:
        assert (await outbound.send(Request(server.url / "x"))).body == body
    assert pieces.most == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_a_large_body_comes_whole(server: Server, outbound: Outbound, encoding: str) -> None:
    body = random.Random(1).randbytes(1 << 20) + b"z" * (3 << 20)
    packed = {"gzip": gzip.compress(body), "deflate": zlib.compress(body), "identity": body}[encoding]
    server.answers["/x"] = says(packed, Content_Encoding=encoding)
    answer = await outbound.send(Request(server.url / "x", body_limit=len(body)))
    assert answer.body == body
    assert answer.wire_bytes == len(packed)


async def test_gzip_of_several_members_is_read_whole(server: Server, outbound: Outbound) -> None:
    server.answers["/x"] = says(gzip.compress(b"one ") + gzip.compress(b"two"), Content_Encoding="gzip")
    assert (await outbound.send(Request(server.url / "x"))).body == b"one two"


async def test_endless_empty_members_end_at_the_limit(server: Server, outbound: Outbound) -> None:
    server.answers["/x"] = says(gzip.compress(b"") * 20_000, Content_Encoding="gzip")
    assert (await refused(outbound.send(Request(server.url / "x", body_limit=1000)))).kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("gzip", b"not gzip"), ("gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]), ("br", b"x")],
)
async def test_broken_packing_is_unavailable(
    server: Server, outbound: Outbound, encoding: str, body: bytes
) -> None:
    server.answers["/x"] = says(body, Content_Encoding=encoding)
    assert (await refused(outbound.send(Request(server.url / "x")))).kind is Kind.UNAVAILABLE


async def test_plain_body_is_bounded(server: Server, outbound: Outbound) -> None:
    server.answers["/x"] = says(b"x" * 1001)
    assert (await refused(outbound.send(Request(server.url / "x", body_limit=1000)))).kind is Kind.TOO_LARGE
    assert len((await outbound.send(Request(server.url / "x", body_limit=1001))).body) == 1001


async def test_timeout_covers_the_whole_answer(server: Server, outbound: Outbound) -> None:
    async def trickle(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"a")
        await asyncio.Event().wait()
        return response

    server.answers["/x"] = trickle
    assert (await refused(outbound.send(Request(server.url / "x", timeout_s=0.1)))).kind is Kind.TIMEOUT


async def test_redirects_follow_the_method_rules_and_end(server: Server, outbound: Outbound) -> None:
    server.answers["/303"] = says(b"", 303, Location="/get")
    server.answers["/307"] = says(b"", 307, Location="/get")
    server.answers["/get"] = says(b"there")
    server.answers["/loop"] = says(b"", 302, Location="/loop")
    for path, method in (("303", "GET"), ("307", "POST")):
        assert (await outbound.send(Request(server.url / path, "POST", body=b"x"))).body == b"there"
        assert server.seen[-1].method == method
    assert "redirects more than 10 times" in str(await refused(outbound.send(Request(server.url / "loop"))))
    kept = await outbound.send(Request(server.url / "loop"), HttpOptions(follow_redirects=False))
    assert kept.status == 302


async def test_redirect_to_another_scheme_is_refused(server: Server, outbound: Outbound) -> None:
    server.answers["/x"] = says(b"", 302, Location="file:///etc/passwd")
    assert (await refused(outbound.send(Request(server.url / "x")))).kind is Kind.INVALID


async def test_retry_waits_and_gives_the_last_answer(server: Server, outbound: Outbound) -> None:
    statuses = iter([503, 429, 200])

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response(status=next(statuses), headers={"Retry-After": "0"})

    server.answers["/x"] = handler
    retry = Retry(attempts=3, first_wait_s=0.001, most_wait_s=0.002)
    assert (await outbound.send(Request(server.url / "x"), retry=retry)).status == 200
    assert len(server.seen) == 3
    server.answers["/y"] = says(b"", 503)
    assert (await outbound.send(Request(server.url / "y"), retry=retry)).status == 503
    assert len(server.seen) == 6
    server.answers["/z"] = says(b"", 400)
    assert (await outbound.send(Request(server.url / "z"), retry=retry)).status == 400
    assert len(server.seen) == 7


async def test_no_connection_names_the_address_without_secrets(outbound: Outbound) -> None:
    options = HttpOptions(username=SecretText(Secret("u")), password=SecretText(Secret("hunter2")))
    error = await refused(outbound.send(Request(URL("http://me:hunter2@127.0.0.1:1/x?key=hunter2")), options))
    assert error.kind is Kind.UNAVAILABLE
    assert "http://127.0.0.1:1/x" in str(error)
    assert "hunter2" not in str(error) + repr(options) + repr(error)


async def test_a_name_that_nobody_has_is_told_in_words(outbound: Outbound) -> None:
    error = await refused(outbound.send(Request(URL("http://nobody.invalid/x"))))
    assert error.kind is Kind.UNAVAILABLE
    assert "name" in str(error)
    assert "unknown error" not in str(error)


def test_shown_url_has_no_secrets() -> None:
    assert shown_url(URL("https://a:b@h:1/p?q=r")) == "https://h:1/p"
    assert shown_url(URL("https://h/p?q=r")) == "https://h/p"


async def test_secret_files_are_read_at_each_use(server: Server, outbound: Outbound, tmp_path: Path) -> None:
    server.answers["/x"] = says(b"")
    path = tmp_path / "token"
    options = HttpOptions(authorization_type="Bearer", credentials=SecretText(path=str(path)))
    missing = await refused(outbound.send(Request(server.url / "x"), options))
    assert str(path) in str(missing)
    for token in ("one", "two"):
        path.write_text(token + "\n")
        await outbound.send(Request(server.url / "x"), options)
        assert server.seen[-1].headers["Authorization"] == f"Bearer {token}"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=pharos.test", "-addext", "subjectAltName=DNS:pharos.test"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", "-x509", *curve, *name, *files], check=True, capture_output=True)
    return cert, key


@pytest_asyncio.fixture
async def tls_server(certificate: tuple[Path, Path]) -> AsyncIterator[tuple[URL, Path]]:
    cert, key = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    app = web.Application()
    app.router.add_get("/x", says(b"safe"))
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield URL(f"https://127.0.0.1:{runner.addresses[0][1]}/x"), cert
    await runner.cleanup()


async def test_tls_is_verified_unless_told_otherwise(
    tls_server: tuple[URL, Path], outbound: Outbound
) -> None:
    url, cert = tls_server
    unknown = await refused(outbound.send(Request(url)))
    assert unknown.kind is Kind.UNAVAILABLE
    assert "its certificate is not trusted: self-signed certificate" in str(unknown)
    named = HttpOptions(tls=TlsOptions(ca_path=str(cert), server_name="pharos.test", min_version="TLS12"))
    assert (await outbound.send(Request(url), named)).body == b"safe"
    inline = HttpOptions(tls=TlsOptions(ca=cert.read_text(), server_name="pharos.test"))
    assert (await outbound.send(Request(url), inline)).body == b"safe"
    wrong_name = HttpOptions(tls=TlsOptions(ca_path=str(cert), server_name="other.test"))
    assert (await refused(outbound.send(Request(url), wrong_name))).kind is Kind.UNAVAILABLE
    careless = HttpOptions(tls=TlsOptions(insecure_skip_verify=True))
    assert (await outbound.send(Request(url), careless)).body == b"safe"
    absent = HttpOptions(tls=TlsOptions(ca_path="/no/such/file"))
    assert "/no/such/file" in str(await refused(outbound.send(Request(url), absent)))


async def test_who_we_are_is_said_by_a_certificate_of_files_or_of_the_configuration(
    certificate: tuple[Path, Path], outbound: Outbound
) -> None:
    cert, key = certificate
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(cert))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(cert, key)
    app = web.Application()
    app.router.add_get("/x", says(b"safe"))
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    url = URL(f"https://127.0.0.1:{runner.addresses[0][1]}/x")
    trusted = TlsOptions(ca_path=str(cert), server_name="pharos.test")
    try:
        unknown = await refused(outbound.send(Request(url), HttpOptions(tls=trusted)))
        assert unknown.kind is Kind.UNAVAILABLE
        for ours in (
            replace(trusted, cert_path=str(cert), key_path=str(key)),
            replace(trusted, cert=cert.read_text(), key=Secret(key.read_text())),
            replace(trusted, cert=cert.read_text(), key_path=str(key)),
        ):
            assert (await outbound.send(Request(url), HttpOptions(tls=ours))).body == b"safe"
        rubbish = replace(trusted, cert="no PEM", key=Secret("CANARY-key"))
        error = await refused(outbound.send(Request(url), HttpOptions(tls=rubbish)))
        assert "cannot use the TLS files cert and key" in str(error)
        assert "CANARY" not in str(error)
    finally:
        await runner.cleanup()


async def test_a_status_is_enough_for_who_says_so(server: Server) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(status=202)
        response.content_length = 1 << 40
        await response.prepare(request)
        await response.write(b"x" * 5000)
        await asyncio.Event().wait()
        return response

    async def broken(_: web.Request) -> web.StreamResponse:
        return web.Response(status=201, body=b"no gzip", headers={"Content-Encoding": "gzip"})

    server.answers = {"/endless": endless, "/broken": broken}
    async with opened(client()) as outbound:
        for path, status, body in (("/endless", 202, b"x" * 1000), ("/broken", 201, b"")):
            asked = Request(server.url / path[1:], body_limit=1000, is_status_enough=True)
            answer = await outbound.send(asked)
            assert (answer.status, answer.body) == (status, body)


async def test_a_secret_path_stands_in_no_error(server: Server) -> None:
    async def away(_: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "ftp://127.0.0.1/secret-place"})

    server.answers = {"/secret-hook": away}
    async with opened(client()) as outbound:
        with pytest.raises(PharosError) as caught:
            await outbound.send(Request(server.url / "secret-hook", is_path_secret=True))
    assert "secret" not in str(caught.value)
    async with opened(client(allow_private=False)) as outbound:
        with pytest.raises(
            PharosError,
            match=r"127.0.0.1:\d+ is a private address, .* the setting `private_receivers` says so",
        ):
            await outbound.send(Request(server.url / "secret-hook", is_path_secret=True))
