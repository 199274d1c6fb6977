"""Dispatch over a real state, with channels that write down what they are given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pharos.access import upkeep
from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.alerting.deliver import Clocks, Deliveries
from pharos.alerting.dispatch import Dispatcher, Others
from pharos.clock import SystemClock
from pharos.errors import PharosError
from pharos.labels import labels_of
from pharos.notify.message import Links, Message, NotSentError, Sent
from pharos.state import Address, Family, State, open_state
from pharos.state.outbox import Owed

CONFIG = """
route: {receiver: pager, group_by: [alertname], group_wait: 50ms, group_interval: 200ms, repeat_interval: 1h}
receivers:
- {name: pager, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}
inhibit_rules:
- {source_matchers: [alertname="Root"], target_matchers: [alertname="Leaf"]}
"""


CLOCK = SystemClock()


class SetClock(SystemClock):
    """The system's clock, which somebody set."""

    ahead_ms = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.ahead_ms * 1_000_000


def config(text: str = CONFIG) -> AlertingConfig:
    return parse_alerting(text, "alertmanager.yml", Path())


@dataclass
class Pager:
    """Channels that write down what they are given, and answer as they are told to."""

    messages: list[Message] = field(default_factory=list)
    tries: int = 0
    answer: Callable[[Message], None] = lambda _: None
    """Raises NotSentError for what is not taken."""
    external_url = ""

    async def channel(self, owed: Owed) -> Pager:
        del owed
        return self

    async def send(self, message: Message) -> Sent:
        self.tries += 1
        self.answer(message)
        self.messages.append(message)
        return Sent("ok", {"first": message.thread.get("first", message.key)})

    def links(self, owed: Owed) -> Links:
        del owed
        return Links()

    def finished(self, message: Message, labels: Mapping[str, str]) -> Message:
        del labels
        return message

    def told(self) -> list[tuple[str, list[str]]]:
        """Return the status and the alerts of each message."""
        return [
            (one.status.value, [f"{alert.name} {status.value}" for alert, status in one.alerts])
            for one in self.messages
        ]

    async def reaches(self, count: int) -> None:
        """Wait until so many messages were taken."""
        await until(lambda: len(self.messages) >= count)


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(60):
        while True:
            found = holds()
            if await found if isinstance(found, Awaitable) else found:
                return
            await asyncio.sleep(0.01)


def refuse(message: Message, *, may_retry: bool) -> None:
    """Answer that a message is not taken."""
    del message
    raise NotSentError("refused", may_retry=may_retry)


@dataclass
class Running:
    """A running dispatch."""

    dispatcher: Dispatcher
    deliveries: Deliveries
    state: State
    pager: Pager

    async def fires(self, *names: str, tenant: str = "default", **labels: str) -> None:
        """Post alerts that fire."""
        await self.dispatcher.take(
            upkeep(tenant), [Alert(labels_of({"alertname": name, **labels})) for name in names]
        )

    async def ends(self, *names: str, tenant: str = "default", **labels: str) -> None:
        """Post that alerts are over."""
        now_ms = SystemClock().now_ms()
        over = [
            Alert(labels_of({"alertname": name, **labels}), starts_ms=now_ms - 1, ends_ms=now_ms)
            for name in names
        ]
        await self.dispatcher.take(upkeep(tenant), over)


@asynccontextmanager
async def dispatching(
    state: State,
    pager: Pager,
    config_of: Callable[[str], AlertingConfig],
    others: Others | None = None,
    *,
    is_shared: bool = False,
    clock: SystemClock = CLOCK,
) -> AsyncIterator[Running]:
    """Dispatch over a state until the exit."""
    deliveries = Deliveries(state, pager, Clocks(clock, Random(), clock.now_ms), is_shared=is_shared)
    dispatcher = Dispatcher(state, clock, config_of, deliveries, others or Others(), is_shared=is_shared)
    loop = asyncio.get_running_loop()

    def tell(changed: frozenset[Family]) -> None:
        loop.call_soon_threadsafe(dispatcher.changed, changed)

    unwatch = state.watch(tell)
    with suppress(PharosError):
        # Of a state that is away it is known later.
        await dispatcher.load()
    works = [asyncio.create_task(dispatcher.run()), asyncio.create_task(deliveries.run())]
    try:
        yield Running(dispatcher, deliveries, state, pager)
    finally:
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        await deliveries.close(1)
        unwatch()


Dispatching = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def address(tmp_path: Path) -> Address:
    return tmp_path / "state.db"


@pytest.fixture
def state(address: Address) -> Iterator[State]:
    with open_state(address, SystemClock(), Random()) as opened:
        yield opened


@pytest.fixture
def pager() -> Pager:
    return Pager()
