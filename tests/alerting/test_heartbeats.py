"""Dead men's switches: who is not heard of is told of, and we are silent when we are not well."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import pytest_asyncio
from tests.notify.fakes.receiver import Answer, Receiver, receiving

from pharos.access import Scope
from pharos.alert import Alert
from pharos.alerting.heartbeats import Missed, Pulse, alert_of, beat, listen
from pharos.clock import FakeClock
from pharos.outbound import Outbound
from pharos.state import PHAROS, State, heartbeats, open_state
from pharos.state.heartbeats import Heartbeat

MINUTE_MS = 60_000
T = 1_700_000_000_000


def one(beaten_ms: int = T, within_ms: int = 5 * MINUTE_MS, name: str = "backup") -> Heartbeat:
    return Heartbeat("default", name, "critical", within_ms, beaten_ms)


def kinds(found: Sequence[tuple[str, Alert]], now_ms: int) -> list[bool]:
    """Return for each alert whether it is over."""
    return [alert.is_resolved_at(now_ms) for _, alert in found]


def test_who_is_not_heard_of_is_told_of_every_minute_until_it_is() -> None:
    missed = Missed(T - 60 * MINUTE_MS)
    assert missed.look([one()], T + 5 * MINUTE_MS) == []
    (found,) = missed.look([one()], T + 5 * MINUTE_MS + 1)
    assert found[0] == "default"
    assert dict(found[1].labels) == {
        "alertname": "HeartbeatMissing", "heartbeat": "backup", "severity": "critical"
    }  # fmt: skip
    assert found[1].starts_ms == T + 5 * MINUTE_MS
    assert missed.look([one()], T + 5 * MINUTE_MS + 30_000) == []
    now_ms = T + 6 * MINUTE_MS + 1
    assert kinds(missed.look([one()], now_ms), now_ms) == [False]
    assert kinds(missed.look([one(now_ms)], now_ms + 1), now_ms + 1) == [True]
    assert missed.look([one(now_ms)], now_ms + 2) == []


def test_what_is_expected_no_more_ends() -> None:
    missed = Missed(T - 60 * MINUTE_MS)
    now_ms = T + 10 * MINUTE_MS
    assert kinds(missed.look([one()], now_ms), now_ms) == [False]
    assert kinds(missed.look([], now_ms), now_ms) == [True]


def test_nobody_is_missed_while_we_did_not_listen() -> None:
    missed = Missed(T + 60 * MINUTE_MS)
    assert missed.look([one()], T + 64 * MINUTE_MS) == []
    assert len(missed.look([one()], T + 66 * MINUTE_MS)) == 1


def test_an_alert_is_the_same_each_time() -> None:
    early, late = (
        alert_of(one(), T + 6 * MINUTE_MS, is_over=False),
        alert_of(one(), T + 9 * MINUTE_MS, is_over=True),
    )
    assert early.fingerprint == late.fingerprint
    assert early.starts_ms == late.starts_ms
    assert early.ends_ms == T + 10 * MINUTE_MS


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with open_state(tmp_path / "state.db", FakeClock(T)) as found:
        yield found


async def test_a_missed_heartbeat_of_the_state_becomes_an_alert(state: State) -> None:
    taken: asyncio.Queue[tuple[Scope, Sequence[Alert]]] = asyncio.Queue()

    async def take(scope: Scope, alerts: Sequence[Alert]) -> None:
        await taken.put((scope, alerts))

    await state.write(lambda unit: heartbeats.beat(unit, one(T - MINUTE_MS, 10_000)), PHAROS)
    clock = FakeClock(T)
    task = asyncio.create_task(listen(state, take, clock, 0.01))
    try:
        await asyncio.sleep(0)
        clock.advance_ms(11_000)
        scope, (alert,) = await asyncio.wait_for(taken.get(), 20)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert scope.tenant == "default"
    assert alert.label("heartbeat") == "backup"


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(allow_private=True, user_agent="test", random_source=random.Random(1))
    yield found
    await found.close()


async def test_we_call_while_all_is_well_and_not_otherwise(
    outbound: Outbound, caplog: pytest.LogCaptureFixture
) -> None:
    turns: asyncio.Queue[str] = asyncio.Queue()
    for reason in ("", "the state is away", "", ""):
        turns.put_nowait(reason)
    done = asyncio.Event()

    async def unwell() -> str:
        if turns.empty():
            done.set()
            await asyncio.Event().wait()
        return turns.get_nowait()

    async with receiving() as receiver:
        receiver.will(Answer(200), Answer(200), Answer(500))
        await _beats(receiver, outbound, unwell, done)
        assert [one.json()["status"] for one in receiver.taken] == ["ok"] * 3
    told = [record.getMessage() for record in caplog.records if "heartbeat" in record.getMessage()]
    assert "no heartbeat: the state is away" in told
    assert told[-1] == "no heartbeat: answered 500"


async def _beats(receiver: Receiver, outbound: Outbound, unwell: object, done: asyncio.Event) -> None:
    pulse = Pulse(f"{receiver.url}/ping/canary-path", 1)
    task = asyncio.create_task(beat(pulse, outbound, FakeClock(T), unwell))  # type: ignore[arg-type]
    try:
        await asyncio.wait_for(done.wait(), 20)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
