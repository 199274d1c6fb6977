"""Every kind of receiver that a configuration may name has a channel, and Pharos' own settings are read."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.notify.fakes.receiver import Answer, receiving
from tests.notify.fakes.templates import FakeTemplates
from tests.notify.messages import message_of

from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.alerting.receivers import RECEIVERS
from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.notify.channels import CHANNELS, open_channel
from pharos.notify.message import NotSentError
from pharos.notify.restraint import Restrained
from pharos.notify.template import Templates
from pharos.outbound import Outbound
from pharos.telemetry import REGISTRY

ALL = Path(__file__).with_name("all-kinds.yml")


@pytest_asyncio.fixture
async def outbound() -> AsyncIterator[Outbound]:
    found = Outbound(allow_private=True, user_agent="test", random_source=random.Random(1))
    yield found
    await found.close()


def read(text: str) -> AlertingConfig:
    return parse_alerting(text, "alertmanager.yml", Path("/nowhere"))


def test_there_is_a_channel_for_each_kind() -> None:
    assert set(RECEIVERS) == set(CHANNELS)


async def test_each_kind_is_opened_with_the_settings_as_they_are_read(outbound: Outbound) -> None:
    config = read(ALL.read_text())
    found = config.receivers["all"].integrations
    assert {one.kind for one in found} == set(CHANNELS)
    for one in found:
        channel = open_channel(one.kind, one.values, outbound, FakeTemplates(), FakeClock(), random.Random(1))
        is_bounded = isinstance(channel, Restrained)
        assert is_bounded is (one.kind in {"slack", "twilio"}), one.kind


@pytest.mark.parametrize(
    ("extra", "fault"),
    [
        ("{min_severity: loud}", "is none of"),
        ("{quiet_hours: {times: [night]}}", "undefined time interval 'night' used in quiet_hours"),
        ("{rate_limit: {per: 1m}}", "messages is missing"),
        ("{rate_limit: {messages: 5, per: 0s}}", "rate_limit: per: expected a time of more than 0s"),
        ("{colour: red}", "colour"),
    ],
)
def test_our_own_settings_are_checked(extra: str, fault: str) -> None:
    text = f"""
route: {{receiver: a}}
receivers:
- name: a
  webhook_configs:
  - url: http://localhost/
    pharos: {extra}
"""
    with pytest.raises(PharosError, match=fault):
        read(text)


def _sources(found: Any) -> Iterator[str]:
    match found:
        case str():
            yield found
        case dict():
            for one in found.values():
                yield from _sources(one)
        case tuple() | list():
            for one in found:
                yield from _sources(one)


@pytest.mark.parametrize("status", ["firing", "resolved"])
def test_the_wording_of_who_leaves_it_to_us_can_be_run(status: str) -> None:
    hostile = {"alertname": "A<script>", "severity": "critical", "l": "{{ . }}\u2028<!channel>&\"'"}
    message = message_of({"alerts": [{"labels": hostile, "status": status}] * 3, "receiver": "all"})
    templates = Templates()
    for one in read(ALL.read_text()).receivers["all"].integrations:
        for source in _sources(one.values):
            if "{{" in source:
                assert "{{ template" not in templates.text(source, message), one.kind
    found = templates.html('{{ template "email.default.html" . }}', message)
    assert "<script>" not in found
    assert "width=device-width" in found


async def test_tries_are_counted_by_how_they_end(outbound: Outbound) -> None:
    def counted(outcome: str) -> float:
        return (
            REGISTRY.get_sample_value("pharos_messages_total", {"integration": "discord", "outcome": outcome})
            or 0.0
        )

    async with receiving() as receiver:
        receiver.will(Answer(204), Answer(503), Answer(400))
        values = {"webhook_url": f"{receiver.url}/hook", "title": "t", "message": "m"}
        channel = open_channel("discord", values, outbound, FakeTemplates(), FakeClock(), random.Random(1))
        before = {outcome: counted(outcome) for outcome in ("sent", "later", "refused")}
        for _ in range(3):
            with suppress(NotSentError):
                await channel.send(message_of())
    assert {outcome: counted(outcome) - before[outcome] for outcome in before} == dict.fromkeys(before, 1.0)
