"""Who keeps incidents of their own learns that somebody looks after one, and when it is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random

import pytest
from tests.alerting.conftest import CLOCK, Pager, Running, dispatching, refuse, until
from tests.notify.fakes.receiver import Receiver, receiving

from pharos.alert import fingerprint
from pharos.alerting.acknowledge import acknowledge
from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.alerting.deliver import Clocks
from pharos.labels import labels_of
from pharos.notify.template import Templates
from pharos.outbound import Outbound
from pharos.paging import Configs, Offices, Policy
from pharos.state import Author, State, outbox
from pharos.state.acknowledgements import NewAcknowledgement

CONFIG = """
route: {{receiver: ops, group_by: [job], group_wait: 50ms, group_interval: 200ms, repeat_interval: 1h}}
receivers:
- name: ops
  pagerduty_configs: [{{routing_key: rk, url: '{url}/v2/enqueue'}}]
  opsgenie_configs: [{{api_key: k, api_url: '{url}/'}}]
  webhook_configs: [{{url: '{url}/hook'}}]
"""


@asynccontextmanager
async def running(state: State, receiver: Receiver) -> AsyncIterator[Running]:
    found = parse_alerting(CONFIG.format(url=receiver.url), "alertmanager.yml", Path())
    outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1))
    configs = Configs(Policy(found, Templates()))
    offices = Offices(configs, outbound, outbound, Clocks(CLOCK, Random(1), CLOCK.now_ms), "")
    try:
        async with dispatching(state, offices, lambda _: found) as one:  # type: ignore[arg-type]
            yield one
    finally:
        await outbound.close()


async def looks_after(state: State, *names: str, by: str = "api") -> None:
    found = [fingerprint(labels_of({"alertname": name, "job": "j"})) for name in names]
    new = NewAcknowledgement("mine", None, by)
    await state.write(lambda unit: acknowledge(unit, "default", found, new), Author("user:ann", "ann"))


def said(receiver: Receiver) -> list[str]:
    """Return what each request says, in order of the receivers."""
    found = []
    for one in receiver.taken:
        if one.path == "/v2/enqueue":
            found.append(f"pagerduty {one.json()['event_action']} {one.json()['dedup_key'][:8]}")
        elif one.path == "/v2/alerts":
            found.append(f"opsgenie create {one.json()['alias'][:8]}")
        elif one.path.startswith("/v2/alerts/"):
            alias, _, what = one.path.removeprefix("/v2/alerts/").partition("/")
            found.append(f"opsgenie {what.partition('?')[0]} {alias[:8]}")
        else:
            found.append(f"webhook {one.json()['status']}")
    return sorted(found)


async def nothing_is_owed(state: State) -> bool:
    return not await state.read(outbox.list_all)


async def test_an_incident_is_acknowledged_once_all_of_it_is_looked_after_and_resolved_at_the_end(
    state: State,
) -> None:
    async with receiving() as receiver, running(state, receiver) as one:
        await one.fires("A", "B", job="j")
        await until(lambda: len(receiver.taken) >= 3)
        await until(partial(nothing_is_owed, state))
        key = next(text for text in said(receiver) if text.startswith("pagerduty"))[-8:]
        assert said(receiver) == [f"opsgenie create {key}", f"pagerduty trigger {key}", "webhook firing"]
        await looks_after(state, "A")
        assert await nothing_is_owed(state)
        await looks_after(state, "B")
        await until(lambda: len(receiver.taken) >= 5)
        await until(partial(nothing_is_owed, state))
        assert [text for text in said(receiver) if "acknowledge" in text] == [
            f"opsgenie acknowledge {key}",
            f"pagerduty acknowledge {key}",
        ]
        await one.ends("A", "B", job="j")
        await until(lambda: len(receiver.taken) >= 8)
    ends = [f"opsgenie close {key}", f"pagerduty resolve {key}", "webhook resolved"]
    assert sorted(set(said(receiver)) - {"webhook firing"})[:1] == [f"opsgenie acknowledge {key}"]
    assert set(ends) <= set(said(receiver))
    assert len(receiver.taken) == 8


async def test_where_it_was_said_it_is_not_said_again(state: State) -> None:
    async with receiving() as receiver, running(state, receiver) as one:
        await one.fires("A", job="j")
        await until(lambda: len(receiver.taken) >= 3)
        await until(partial(nothing_is_owed, state))
        await looks_after(state, "A", by="pagerduty")
        await until(lambda: len(receiver.taken) >= 4)
        await until(partial(nothing_is_owed, state))
        assert [text[:20] for text in said(receiver) if "acknowledge" in text] == ["opsgenie acknowledge"]


def only_pagerduty(url: str) -> AlertingConfig:
    text = CONFIG.format(url=url).split("  opsgenie")[0]
    return parse_alerting(text, "alertmanager.yml", Path())


@pytest.mark.parametrize("is_taken", [True, False])
async def test_it_is_said_after_the_page_that_it_is_about(state: State, *, is_taken: bool) -> None:
    found, pager = only_pagerduty("http://127.0.0.1:1"), Pager()
    if not is_taken:
        pager.answer = partial(refuse, may_retry=True)
    async with dispatching(state, pager, lambda _: found) as one:
        await one.fires("A", job="j")
        await until(lambda: pager.tries)
        await looks_after(state, "A")
        pager.answer = lambda _: None
        await pager.reaches(2)
    assert [message.reason for message in pager.messages] == ["first", "acknowledged"]
