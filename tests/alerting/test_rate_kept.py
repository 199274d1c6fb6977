"""How much a receiver was told lately is known after a restart too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

from tests.alerting.conftest import CLOCK, Running, dispatching, until
from tests.notify.fakes.receiver import Receiver, receiving

from pharos.alerting.config import parse_alerting
from pharos.alerting.deliver import Clocks
from pharos.notify.template import Templates
from pharos.outbound import Outbound
from pharos.paging import Configs, Offices, Policy, recent_of
from pharos.pulse import late
from pharos.state import State, outbox, timeline
from pharos.state.timeline import Step

CONFIG = """
route: {{receiver: ops, group_by: [alertname], group_wait: 50ms, group_interval: 200ms, repeat_interval: 1h}}
receivers:
- name: ops
  webhook_configs: [{{url: '{url}', pharos: {{rate_limit: {{messages: 1, per: 1h}}}}}}]
"""


@asynccontextmanager
async def running(state: State, receiver: Receiver) -> AsyncIterator[Running]:
    """Run a process that tells a receiver."""
    found = parse_alerting(CONFIG.format(url=receiver.url), "alertmanager.yml", Path())
    outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1))
    clocks = Clocks(CLOCK, Random(), CLOCK.now_ms)
    offices = Offices(Configs(Policy(found, Templates())), outbound, outbound, clocks, "")
    offices.find_recent = recent_of(state)
    try:
        async with dispatching(state, offices, lambda _: found) as one:  # type: ignore[arg-type]
            yield one
    finally:
        await outbound.close()


async def not_sent(state: State) -> bool:
    steps = await state.read(lambda unit: timeline.list_steps(unit, "default"))
    return any(one.step is Step.NOT_SENT and "rate_limit" in one.detail["error"] for one in steps)


async def is_kept(state: State) -> bool:
    return not await state.read(outbox.list_all)


async def test_a_restart_lets_no_more_out_than_may(state: State) -> None:
    async with receiving() as receiver:
        async with running(state, receiver) as one:
            await one.fires("A")
            await until(lambda: receiver.taken)
            await until(lambda: is_kept(state))
        async with running(state, receiver) as one:
            await one.fires("B")
            await until(lambda: not_sent(state))
        assert len(receiver.taken) == 1
    # What the settings hold back is owed, and is not late.
    assert not await is_kept(state)
    assert await state.read(lambda unit: late(unit, -1)) == ""


async def test_what_nobody_takes_is_late(state: State) -> None:
    async with receiving() as receiver:
        url = receiver.url
    gone = Receiver()
    gone.url = url
    async with running(state, gone) as one:
        await one.fires("A")
        await until(lambda: is_late(state))
        assert await state.read(lambda unit: late(unit, 3_600_000)) == ""
        assert await state.read(lambda unit: late(unit, 0)) == ""


async def is_late(state: State) -> bool:
    return "a message is owed for" in await state.read(lambda unit: late(unit, 1))
