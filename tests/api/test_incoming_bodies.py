"""Bodies that come in: what all of them together may take, and how long each may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.requests import Request

from pharos.api.http.bodies import Bodies, BodyLimits, Incoming
from pharos.errors import Kind, PharosError

LIMITS = BodyLimits(held_bytes=1000, small_bytes=100, reserve_bytes=200, idle_s=60.0, total_s=240.0)
MOST = 800


def request(*parts: bytes, declared: int | None = None, end: str = "") -> Request:
    """Return a request of these parts; `end` names what follows instead of its end: `stall`, `leave`."""

    async def each() -> AsyncIterator[dict[str, Any]]:
        for number, part in enumerate(parts, 1):
            yield {"type": "http.request", "body": part, "more_body": bool(end) or number < len(parts)}
        if end == "stall":
            await asyncio.Event().wait()
        yield {"type": "http.disconnect"}

    messages = each()
    headers = [] if declared is None else [(b"content-length", b"%d" % declared)]
    return Request({"type": "http", "headers": headers}, lambda: anext(messages))


async def refused(incoming: Incoming) -> PharosError:
    """Enter it and return what that raises."""
    with pytest.raises(PharosError) as caught:
        async with incoming:
            pass
    return caught.value


@pytest.mark.parametrize("parts", [(b"abcdef",), (b"ab", b"", b"cdef"), (b"", b"abcdef"), (b"",)])
async def test_a_body_is_there_in_whole_and_counted_until_it_is_left(parts: tuple[bytes, ...]) -> None:
    bodies = Bodies(LIMITS)
    async with bodies.incoming(request(*parts), MOST) as incoming:
        assert incoming.body == b"".join(parts)
        assert bodies.held_bytes == len(incoming.body)
        incoming.hold(50)
        assert bodies.held_bytes == len(incoming.body) + 50
    assert bodies.held_bytes == 0


async def test_a_body_that_does_not_fit_beside_the_others_is_to_be_repeated() -> None:
    bodies = Bodies(LIMITS)
    async with bodies.incoming(request(bytes(700)), MOST):
        exc = await refused(bodies.incoming(request(bytes(301)), MOST))
        assert exc.kind is Kind.UNAVAILABLE
        assert exc.retry_after_s is not None
        assert bodies.held_bytes == 700
        async with bodies.incoming(request(bytes(300)), MOST):
            assert bodies.held_bytes == 1000
    assert bodies.held_bytes == 0


async def test_a_declared_body_that_cannot_fit_is_not_read_at_all() -> None:
    bodies = Bodies(LIMITS)
    async with bodies.incoming(request(bytes(800)), MOST), bodies.incoming(request(bytes(100)), MOST) as held:
        held.hold(0)
        bodies.held_bytes += 101
        exc = await refused(bodies.incoming(request(declared=101, end="stall"), MOST))
        assert exc.kind is Kind.UNAVAILABLE
        bodies.held_bytes -= 101


async def test_small_bodies_pass_beside_large_ones_that_take_everything() -> None:
    bodies = Bodies(LIMITS)
    async with bodies.incoming(request(bytes(800)), MOST), bodies.incoming(request(bytes(200)), MOST):
        async with bodies.incoming(request(bytes(100)), MOST), bodies.incoming(request(bytes(100)), MOST):
            assert bodies.held_bytes == 1200
            exc = await refused(bodies.incoming(request(bytes(1)), MOST))
            assert exc.kind is Kind.UNAVAILABLE
        assert (await refused(bodies.incoming(request(bytes(101)), MOST))).kind is Kind.UNAVAILABLE


async def test_what_is_made_of_a_body_is_counted_too() -> None:
    bodies = Bodies(LIMITS)
    async with bodies.incoming(request(bytes(300)), MOST) as incoming:
        with pytest.raises(PharosError) as caught:
            incoming.hold(701)
    assert caught.value.kind is Kind.UNAVAILABLE
    assert bodies.held_bytes == 0


@pytest.mark.parametrize(
    "sent", [request(declared=801, end="stall"), request(bytes(400), bytes(401), end="stall")]
)
async def test_no_more_is_read_than_a_body_may_have(sent: Request) -> None:
    bodies = Bodies(LIMITS)
    assert (await refused(bodies.incoming(sent, MOST))).kind is Kind.TOO_LARGE
    assert bodies.held_bytes == 0


async def test_a_sender_that_breaks_off_is_told_apart() -> None:
    bodies = Bodies(LIMITS)
    assert (await refused(bodies.incoming(request(b"abc", end="leave"), MOST))).kind is Kind.CANCELLED
    assert bodies.held_bytes == 0


@pytest.mark.parametrize("parts", [(), (b"abc",)])
async def test_a_body_that_stops_coming_is_given_up(parts: tuple[bytes, ...]) -> None:
    bodies = Bodies(BodyLimits(idle_s=0.01))
    assert (await refused(bodies.incoming(request(*parts, end="stall"), MOST))).kind is Kind.STALLED
    assert bodies.held_bytes == 0


async def test_a_body_that_trickles_in_is_given_up() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b"", "more_body": True}

    bodies = Bodies(BodyLimits(total_s=0.01))
    trickling = Request({"type": "http", "headers": []}, receive)
    assert (await refused(bodies.incoming(trickling, MOST))).kind is Kind.STALLED
