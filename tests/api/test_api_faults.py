"""Faults of Pharos itself, and clients that do not wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from pharos.api.app import answer_fault
from pharos.api.prometheus.answers import while_connected
from pharos.errors import Kind, PharosError


def request(messages: list[dict[str, Any]]) -> tuple[Request, asyncio.Event]:
    """Return a request whose connection ends once the event is set."""
    left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await left.wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "headers": []}, receive), left


async def test_work_ends_when_the_client_leaves() -> None:
    asked, left = request([{"type": "http.request", "body": b"", "more_body": False}])
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    waiting = asyncio.create_task(while_connected(asked, work()))
    await begun.wait()
    left.set()
    with pytest.raises(PharosError) as caught:
        await waiting
    assert caught.value.kind is Kind.CANCELLED
    assert ended.is_set()


async def test_work_is_answered_however_long_it_takes() -> None:
    asked, _ = request([])

    async def work() -> int:
        await asyncio.sleep(0.1)
        return 5

    assert await while_connected(asked, work()) == 5


async def test_a_fault_of_the_work_is_passed_on() -> None:
    asked, _ = request([])

    async def work() -> None:
        await asyncio.sleep(0.1)
        raise PharosError(Kind.LIMITED, "too much")

    with pytest.raises(PharosError, match="too much"):
        await while_connected(asked, work())


async def test_an_unexpected_fault_tells_the_client_nothing_but_its_kind() -> None:
    answer = await answer_fault(request([])[0], RuntimeError("secret place in memory"))
    assert answer.status_code == 500
    assert b'"errorType":"internal"' in bytes(answer.body)
    assert b"secret" not in bytes(answer.body)
