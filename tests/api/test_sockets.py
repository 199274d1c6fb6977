"""WebSockets through the server as it runs: they outlive the watch over requests, and pass the layers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect
from tests.api.hollow import hollow_edge
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pharos.api.app import SOCKET_PATHS, create_app
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import SocketOperation
from pharos.api.live.socket import SOCKET_PATH
from pharos.api.loki.routes import LokiApi
from pharos.serve import server_of

_PATIENCE_S = 0.4
_HEAD_S = _PATIENCE_S / 4
"""What a request may take; a connection that waits for one is closed after it."""
_LARGE = b"x" * (1 << 20)


async def _late(live: WebSocket) -> None:
    """Greet long after a request would have been given up; then send back what comes."""
    await live.accept()
    await asyncio.sleep(10 * _HEAD_S)
    await live.send_text(scope_of(live).tenant)
    try:
        while True:
            await live.send_text(await live.receive_text())
    except WebSocketDisconnect:
        return


async def _flooding(live: WebSocket) -> None:
    """Send until nobody takes it any more."""
    await live.accept()
    try:
        while True:
            await live.send_bytes(_LARGE)
    except WebSocketDisconnect:
        _ENDED.set()


_ENDED = asyncio.Event()
_ANSWERS = {"/late": _late, "/flooding": _flooding}


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """Where an application with two WebSockets is served."""
    app = create_app(
        hollow_edge(), [SocketOperation(path, answer, "metrics.view") for path, answer in _ANSWERS.items()]
    )
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = server_of(app, _PATIENCE_S)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def test_a_websocket_outlives_the_watch_over_requests(address: str) -> None:
    async with connect(f"ws://{address}/late", additional_headers={"X-Scope-OrgID": "one"}) as live:
        assert await live.recv() == "one"
        await live.send("still there")
        assert await live.recv() == "still there"
        assert live.response is not None
        assert live.response.headers["X-Content-Type-Options"] == "nosniff"


async def test_who_has_no_scope_opens_no_websocket(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/late", additional_headers={"X-Scope-OrgID": "a|b/c"})
    assert refused.value.response.status_code == 400
    assert "Content-Security-Policy" in refused.value.response.headers


async def test_a_page_of_another_origin_opens_no_websocket(address: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{address}/late", origin="http://evil.example")  # type: ignore[arg-type]
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(("path", "status"), [("/-/healthy", 200), ("/late/", 404), ("/nowhere", 404)])
async def test_where_there_is_none_the_request_is_answered_as_any_other(
    address: str, path: str, status: int
) -> None:
    with pytest.raises(InvalidStatus) as answered:
        await connect(f"ws://{address}{path}")
    assert answered.value.response.status_code == status


async def test_a_client_that_does_not_read_is_let_go_of(address: str) -> None:
    _ENDED.clear()
    live = await connect(f"ws://{address}/flooding", compression=None, max_queue=1, ping_interval=None)
    await asyncio.wait_for(_ENDED.wait(), 60)
    live.transport.abort()
    await live.wait_closed()


async def test_what_is_too_large_ends_a_websocket(address: str) -> None:
    async with connect(f"ws://{address}/late") as live:
        await live.recv()
        await live.send("x" * ((1 << 20) + 1))
        with pytest.raises(ConnectionClosed) as closed:
            await live.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


async def test_ordinary_requests_are_answered_beside_them(address: str) -> None:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_websockets_are_offered_from_the_start_where_the_server_takes_them() -> None:
    parts: Any = None
    assert {one.path for one in LokiApi(parts, parts, parts).sockets()} | {SOCKET_PATH} == SOCKET_PATHS
