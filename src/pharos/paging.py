"""The part of a server that pages: alerts are taken, grouped, muted, and told to whom it may concern."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from random import Random
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Scope
from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig, Integration, Receiver, load_alerting
from pharos.alerting.deliver import Clocks, Deliveries
from pharos.alerting.dispatch import Dispatcher, Others
from pharos.alerting.flush import integration_name
from pharos.alerting.held import Held, Why
from pharos.alerting.intervals import containing
from pharos.alerting.maintenance import Windows
from pharos.alerting.route import Route
from pharos.alerting.tenants_own import Maintenance, TenantsOwn, list_own, read_tenants_own
from pharos.clock import Clock
from pharos.config import Settings, external_url
from pharos.errors import Kind, PharosError
from pharos.notify.channels import open_channel
from pharos.notify.channels.calling import json_request
from pharos.notify.message import Channel, Links, Message
from pharos.notify.template import Templates
from pharos.outbound import Outbound
from pharos.reload import Reloadable, TakeOver
from pharos.state import Family, State, Unit
from pharos.state.acknowledgements import acknowledged, end_resolved
from pharos.state.outbox import Owed
from pharos.state.timeline import sent_since
from pharos.telemetry import ALERTMANAGER
from pharos.works import at_work

_LOG = logging.getLogger(__name__)

_NOBODY: Final = "nobody"
NO_CONFIG: Final = AlertingConfig(
    route=Route(_NOBODY),
    receivers={_NOBODY: Receiver(_NOBODY)},
    global_={"resolve_timeout": 300_000},
    shown=f"route:\n  receiver: {_NOBODY}\nreceivers:\n- name: {_NOBODY}\n",
)
"""Of a server without an alertmanager.yml: alerts are seen on its pages, and nobody is told."""
_USER_AGENT: Final = f"Alertmanager/{ALERTMANAGER} (Pharos)"
_CLOSE_S: Final = 1.0
_AGAIN_S: Final = 1.0


class Paging(Struct, frozen=True):
    """The running parts, and what reads the configuration again."""

    dispatcher: Dispatcher
    sink: RuleSink
    deliveries: Deliveries
    configs: Configs
    offices: Offices
    reloadable: Reloadable
    refresh: Callable[[], Awaitable[None]]
    """Has what tenants define now be followed; raises PharosError(UNAVAILABLE)."""
    forget: Callable[[str], None]
    """Lets go of what is known of a tenant; on any thread."""

    def windows_of(self, tenant: str) -> Windows | None:
        """Return the maintenance windows of a tenant; None where it has none."""
        return self.configs.own().windows.get(tenant)


class Policy(Struct, frozen=True):
    """A configuration, with the templates that it names."""

    config: AlertingConfig
    templates: Templates


class Configs:
    """Which tenant goes by which configuration."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._own = TenantsOwn()
        self._policies: dict[str, Policy] = {}

    def of(self, tenant: str) -> AlertingConfig:
        """Return a tenant's configuration: the server's, where it has none of its own."""
        return self.policy_of(tenant).config

    def policy_of(self, tenant: str) -> Policy:
        """Return a tenant's configuration with its templates."""
        return self._policies.get(tenant, self._policy)

    def take(self, policy: Policy) -> None:
        """Go by another file from now on."""
        self._policy = policy
        self.take_own(self._own)

    def own(self) -> TenantsOwn:
        """Return what tenants define."""
        return self._own

    def take_own(self, own: TenantsOwn) -> None:
        """Go by what tenants define from now on."""
        self._own = own
        self._policies = {tenant: self._made(tenant) for tenant in {*own.configs, *own.dependencies}}

    def _made(self, tenant: str) -> Policy:
        config = self._own.config(tenant, self._policy.config)
        if config.template_files is None:
            return Policy(config, self._policy.templates)
        return Policy(config, Templates.of(config.template_files))


class Offices:
    """Channels to all receivers, opened when the first message goes there."""

    def __init__(
        self,
        configs: Configs,
        outbound: Outbound,
        to_all: Outbound,
        clocks: Clocks,
        external_url: str,
    ) -> None:
        self._configs = configs
        self._outbound = outbound
        self._to_all = to_all
        self._clocks = clocks
        self._external_url = external_url
        self._open: dict[tuple[str, str, str], tuple[Integration, Templates, Channel]] = {}
        self.find_receiver: Callable[[str, str], Awaitable[Receiver | None]] = _none
        self.find_recent: Callable[[str, str, str, int], Awaitable[Mapping[str, int]]] = _nothing_went
        self.find_links: Callable[[Owed, str], Links] = _page_alone

    @property
    def external_url(self) -> str:
        """How people reach this server."""
        return self._external_url

    def take(self, policy: Policy) -> None:
        """Go by another file from now on, and look at certificates anew."""
        self._configs.take(policy)
        for outbound in (self._outbound, self._to_all):
            outbound.forget_tls()

    async def channel(self, owed: Owed) -> Channel:
        """Return the channel to what is owed to. Raises PharosError(MISSING) where it is not configured."""
        policy = self._configs.policy_of(owed.tenant_id)
        receiver = policy.config.receivers.get(owed.receiver)
        # What a tenant says over the API may not reach into the network of the server. A person's contact
        # says whom to tell; by which server, and as whom, stands in the configuration.
        is_servers = policy.config.template_files is None
        if receiver is None and ":" in owed.receiver:
            receiver = await self.find_receiver(owed.tenant_id, owed.receiver)
        integrations = receiver.integrations if receiver else ()
        integration = next((one for one in integrations if integration_name(one) == owed.integration), None)
        if integration is None:
            raise PharosError(
                Kind.MISSING,
                f"the configuration has no {owed.integration} of receiver {owed.receiver} any more",
            )
        key = (owed.tenant_id, owed.receiver, owed.integration)
        known = self._open.get(key)
        # A person's contact is made anew each time, and is the same all the same: what bounds it is kept.
        if known is not None and known[0] == integration and known[1] is policy.templates:
            return known[2]
        channel = open_channel(
            integration.kind,
            integration.values,
            self._to_all if is_servers else self._outbound,
            policy.templates,
            self._clocks.clock,
            self._clocks.chance,
            partial(containing, policy.config.intervals),
            partial(self.find_recent, *key),
        )
        self._open[key] = (integration, policy.templates, channel)
        return channel

    async def say(self, url: str, content: Mapping[str, Any]) -> None:
        """Post something to an address that a chat gave with a click; a failure is told in the log alone."""
        try:
            request = json_request(url, content)
            reply = await self._to_all.send(request)
        except PharosError as exc:
            _LOG.warning("a click in a chat was not answered: %s", exc)
            return
        if not 200 <= reply.status < 300:
            _LOG.warning("a click in a chat was not answered: its address answered %s", reply.status)

    def links(self, owed: Owed) -> Links:
        """Return the addresses that a message shows."""
        return self.find_links(owed, self._external_url)

    def finished(self, message: Message, labels: Mapping[str, str]) -> Message:
        """Return a message with what its route says of the group, of templates."""
        templates = self._configs.policy_of(message.tenant).templates
        said = []
        for name, source in sorted(labels.items()):
            try:
                text = templates.text(source, replace(message, route_labels=())) if "{{" in source else source
            except PharosError as exc:
                text = str(exc)
            said.append((name, text))
        return replace(message, route_labels=tuple(said))


def _page_alone(owed: Owed, external_url: str) -> Links:
    del owed
    return Links(page=f"{external_url}/alerts" if external_url else "")


async def _none(tenant: str, name: str) -> Receiver | None:
    del tenant, name
    return None


async def _nothing_went(tenant: str, receiver: str, integration: str, since_ms: int) -> Mapping[str, int]:
    del tenant, receiver, integration, since_ms
    return {}


def recent_of(state: State) -> Callable[[str, str, str, int], Awaitable[Mapping[str, int]]]:
    """Return what finds in the state which messages an integration sent since a time, and when."""

    async def find(tenant: str, receiver: str, integration: str, since_ms: int) -> Mapping[str, int]:
        return await state.read(lambda unit: sent_since(unit, tenant, receiver, integration, since_ms))

    return find


class RuleSink(Struct, frozen=True):
    """Takes alerts of our own rules, which write by themselves into timelines that they fire or are over."""

    dispatcher: Dispatcher

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        """Take alerts; they are durable when it returns. Raises PharosError(UNAVAILABLE)."""
        await self.dispatcher.take(scope, alerts, is_told=True)


def _looked_after(unit: Unit, tenant: str, fingerprints: Sequence[str], /) -> Mapping[str, Held]:
    """Return what holds repeats back: that somebody acknowledged the alert."""
    return {
        fingerprint: Held(Why.ACKNOWLEDGED, one.id, one.name, one.expires_ms or 0)
        for fingerprint, one in acknowledged(unit, tenant, fingerprints).items()
    }


@asynccontextmanager
async def open_paging(
    state: State, clock: Clock, chance: Random, settings: Settings, others: Others | None = None
) -> AsyncIterator[Paging]:
    """Know the alerts of the state, and tell of them by the settings' alertmanager.yml until the exit.

    Raises PharosError that names file and line when that is not good.
    """
    configs = Configs(_policy(settings))
    to_all, outbound = (
        Outbound(
            allow_private=may, user_agent=_USER_AGENT, random_source=chance, private_by="private_receivers"
        )
        for may in (True, settings.private_receivers)
    )
    is_shared = settings.state is not None
    began_ms, began_s = clock.now_ms(), clock.monotonic_s()
    clocks = Clocks(clock, chance, lambda: began_ms + int((clock.monotonic_s() - began_s) * 1000))
    offices = Offices(configs, outbound, to_all, clocks, external_url(settings))
    offices.find_recent = recent_of(state)
    deliveries = Deliveries(state, offices, clocks, is_shared=is_shared)
    dispatcher = Dispatcher(
        state,
        clock,
        configs.of,
        deliveries,
        others or Others((Maintenance(configs.own),), _looked_after, end_resolved),
        is_shared=is_shared,
    )
    loop = asyncio.get_running_loop()
    following = _Following(state, clock, configs, dispatcher)
    unwatch = state.watch(lambda changed: _tell(loop, dispatcher, following, changed))

    def forget(tenant: str) -> None:
        loop.call_soon_threadsafe(lambda: dispatcher.forget(tenant))

    try:
        await following.read()
        await dispatcher.load()
    except PharosError as exc:
        _LOG.warning("alerts are known as soon as the state can be read: %s", exc)
    try:
        if settings.alertmanager is not None:
            # There is somebody to be told: the first page after a start is not the one that waits.
            await to_all.open()
        async with at_work(dispatcher.run(), deliveries.run(), following.run()):
            yield Paging(
                dispatcher,
                RuleSink(dispatcher),
                deliveries,
                configs,
                offices,
                partial(_read_again, settings, offices, dispatcher),
                following.read,
                forget,
            )
    finally:
        await deliveries.close(_CLOSE_S)
        unwatch()
        await outbound.close()
        await to_all.close()


async def _read_again(settings: Settings, offices: Offices, dispatcher: Dispatcher) -> TakeOver:
    """Read alertmanager.yml, and return what has it be followed."""
    policy = await asyncio.to_thread(_policy, settings)

    async def take_over() -> None:
        offices.take(policy)
        dispatcher.reconfigure()

    return take_over


class _Following:
    """Reads what tenants define, at once and whenever it changes."""

    def __init__(self, state: State, clock: Clock, configs: Configs, dispatcher: Dispatcher) -> None:
        self._state = state
        self._clock = clock
        self._configs = configs
        self._dispatcher = dispatcher
        self._is_read = False
        self._reading = asyncio.Lock()
        self.changed = asyncio.Event()

    async def read(self) -> None:
        """Go by what tenants define now. Raises PharosError(UNAVAILABLE)."""
        async with self._reading:
            versions = await self._state.read(list_own)
            self._configs.take_own(await asyncio.to_thread(read_tenants_own, versions, self._clock.now_ms()))
            self._dispatcher.reconfigure()
            self._is_read = True

    async def run(self) -> None:
        """Read what changes until cancelled."""
        while True:
            try:
                if self.changed.is_set() or not self._is_read:
                    self.changed.clear()
                    await self.read()
                await self.changed.wait()
            except PharosError as exc:
                self.changed.set()
                _LOG.debug("what tenants define is read again: %s", exc)
                await asyncio.sleep(_AGAIN_S)


def _tell(
    loop: asyncio.AbstractEventLoop,
    dispatcher: Dispatcher,
    following: _Following,
    changed: frozenset[Family],
) -> None:
    """Hand on to the event loop what the state says on a thread of its own."""
    with suppress(RuntimeError):
        # A loop that is closing has nobody left to tell.
        loop.call_soon_threadsafe(dispatcher.changed, changed)
        if Family.ROUTING in changed:
            loop.call_soon_threadsafe(following.changed.set)


def _policy(settings: Settings) -> Policy:
    """Return what alertmanager.yml says; raises PharosError that names file and line."""
    if settings.alertmanager is None:
        return Policy(NO_CONFIG, Templates())
    config = load_alerting(settings.alertmanager)
    for notice in config.notices:
        _LOG.warning("%s", notice)
    return Policy(config, Templates.load(config.templates))
