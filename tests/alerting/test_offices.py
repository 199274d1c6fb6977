"""Through which door a receiver is told: the server's own files may name addresses of its network."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.notify.fakes.smtp import mailing
from tests.notify.messages import message_of

from pharos.alerting.config import Integration, Receiver, parse_alerting
from pharos.alerting.deliver import Clocks
from pharos.clock import FakeClock
from pharos.notify.message import NotSentError
from pharos.notify.template import Templates
from pharos.outbound import Outbound
from pharos.paging import Configs, Offices, Policy
from pharos.state.outbox import Owed

CONFIG = """\
global: {{smtp_smarthost: '{address}', smtp_from: pharos@example.org, smtp_require_tls: false}}
route: {{receiver: ops}}
receivers: [{{name: ops, email_configs: [{{to: ops@example.org}}]}}]
"""


@asynccontextmanager
async def offices(address: str, *, is_tenants: bool) -> AsyncIterator[Offices]:
    config = parse_alerting(CONFIG.format(address=address), "alertmanager.yml", Path("/nowhere"))
    if is_tenants:
        config = replace(config, template_files={})
    clock = FakeClock()
    clocks = Clocks(clock, random.Random(1), clock.now_ms)
    public, to_all = (
        Outbound(allow_private=may, user_agent="test", random_source=random.Random(1))
        for may in (False, True)
    )
    found = Offices(Configs(Policy(config, Templates())), public, to_all, clocks, "http://pharos")

    async def person(tenant: str, name: str) -> Receiver | None:
        ops = config.receivers["ops"].integrations[0]
        return Receiver(name, (Integration("email", 0, {**ops.values, "to": "ann@example.org"}, True),))

    found.find_receiver = person
    try:
        yield found
    finally:
        for door in (public, to_all):
            await door.close()


@pytest.mark.parametrize("receiver", ["ops", "person:ann/1"])
async def test_a_mail_server_of_the_own_network_is_called_for_the_server_and_its_people(
    receiver: str,
) -> None:
    async with mailing() as mails, offices(mails.address, is_tenants=False) as found:
        channel = await found.channel(Owed("default", "g", receiver, "email[0]", {}))
        await channel.send(message_of())
    assert mails.taken[0][1] == ["ops@example.org" if receiver == "ops" else "ann@example.org"]


@pytest.mark.parametrize("receiver", ["ops", "person:ann/1"])
async def test_it_is_not_for_a_tenant_that_brings_its_own_configuration(receiver: str) -> None:
    async with mailing() as mails, offices(mails.address, is_tenants=True) as found:
        channel = await found.channel(Owed("default", "g", receiver, "email[0]", {}))
        with pytest.raises(NotSentError, match="private address"):
            await channel.send(message_of())
    assert not mails.taken


async def test_a_person_has_one_channel_so_that_what_bounds_it_holds() -> None:
    async with offices("127.0.0.1:1", is_tenants=False) as found:
        owed = Owed("default", "g", "person:ann/1", "email[0]", {})
        assert await found.channel(owed) is await found.channel(owed)
