"""The part of a server that follows what happens to alerts: it escalates, responds, and forgets in time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random
from typing import Final

from msgspec import Struct

from pharos import __version__
from pharos.access import upkeep
from pharos.alerting.acknowledge import make_key
from pharos.alerting.config import AlertingConfig, Receiver
from pharos.alerting.escalations import Escalations
from pharos.alerting.hands import Allowed, Cluster, OwnHands
from pharos.alerting.links import LASTS_MS, PATH, Link, sign
from pharos.alerting.oncall import reach
from pharos.alerting.pages import alerts_page, silence_page
from pharos.alerting.picture_links import picture_of
from pharos.alerting.provision import Said, read_files, take_over
from pharos.alerting.responses import WAITS_MS, Responses
from pharos.api.prometheus.encode import encode_answer
from pharos.clock import Clock
from pharos.config import ActionSettings, Settings
from pharos.errors import Kind, PharosError
from pharos.http_options import SecretText
from pharos.notify.message import Links
from pharos.outbound import Outbound
from pharos.pictures.raster import makes_png
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.reload import TakeOver
from pharos.rules.files import files_of
from pharos.state import (
    PHAROS,
    Family,
    State,
    Unit,
    Writing,
    acknowledgements,
    actions,
    escalations,
    oncall,
    timeline,
)
from pharos.state.outbox import Owed
from pharos.works import at_work, hear

_LOG = logging.getLogger(__name__)

_GATHER_S: Final = 0.1
"""What happens within that time is followed together."""
_LOOK_S: Final = 30.0
"""So often all is looked at, should nothing happen and nothing be due: clocks may be set."""
_AGAIN_S: Final = 2.0
_TIDY_MS: Final = 3_600_000
_PAST_KEPT_MS: Final = 400 * 86_400_000
_EVIDENCE_MOST: Final = 4_000


class Stands(Struct, frozen=True):
    """What responding stands on."""

    state: State
    clock: Clock
    chance: Random
    settings: Settings
    metrics: Metrics
    configs: Callable[[str], AlertingConfig]
    """The configuration of a tenant's alerting."""


class Responding:
    """The running part."""

    def __init__(self, stands: Stands, responses: Responses, said: Said) -> None:
        self._stands = stands
        self._escalations = Escalations(stands.state, stands.configs)
        self._responses = responses
        self._key: bytes | None = None
        self._tidied_ms = 0
        self._said: Said | None = said
        """What files say that the state does not know yet."""
        self._happened = asyncio.Event()

    # -- what paging asks --

    def links(self, owed: Owed, external_url: str) -> Links:
        """Return the addresses that a message shows."""
        if not external_url:
            return Links()
        labels = owed.content.get("group_labels", ())
        page = alerts_page(external_url, owed.tenant_id, labels)
        silence = silence_page(external_url, owed.tenant_id, labels)
        if self._key is None:
            return Links(page=page, silence=silence)
        expires_ms = owed.created_ms + LASTS_MS
        link = Link(owed.tenant_id, owed.group_key, owed.receiver, expires_ms, owed.id)
        acknowledge = f"{external_url}{PATH}{sign(link, self._key)}"
        picture = ""
        if makes_png():
            alerts = owed.content.get("alerts", ())
            picture = picture_of(owed.tenant_id, alerts, owed.created_ms, external_url, self._key)
        return Links(page=page, acknowledge=acknowledge, silence=silence, picture=picture)

    async def find_receiver(self, tenant: str, name: str) -> Receiver | None:
        """Return the receiver that a person's contact is; None for another one, or one that is gone."""

        def find(unit: Unit) -> Receiver | None:
            contact = reach.find_contact(unit, tenant, name)
            return None if contact is None else reach.receiver_of(contact, self._stands.configs(tenant))

        return await self._stands.state.read(find)

    async def reloadable(self) -> TakeOver:
        """Read the files of schedules, policies and actions again. Raises FaultsError where one is bad."""
        said = await asyncio.to_thread(_read_files, self._stands.settings)

        async def take() -> None:
            self._said = said
            self._happened.set()

        return take

    # -- what goes on by itself --

    async def keep(self) -> None:
        """Escalate, respond and forget until cancelled; while the state is away it waits."""
        loop = asyncio.get_running_loop()

        def look(families: frozenset[Family]) -> None:
            if Family.TIMELINE in families:
                with suppress(RuntimeError):
                    # A loop that is closing has nobody left to tell.
                    loop.call_soon_threadsafe(self._happened.set)

        unwatch = self._stands.state.watch(look)
        try:
            await self._follow()
        finally:
            unwatch()

    async def _follow(self) -> None:
        while True:
            self._happened.clear()
            try:
                is_more = await self._round()
                wait_s = 0.0 if is_more else await self._wait_s()
            except PharosError as exc:
                level = logging.DEBUG if exc.kind is Kind.UNAVAILABLE else logging.ERROR
                _LOG.log(level, "alerts are followed again in some seconds: %s", exc)
                await asyncio.sleep(_AGAIN_S)
                continue
            if wait_s:
                await hear(self._happened, wait_s)
                await asyncio.sleep(_GATHER_S)

    async def _wait_s(self) -> float:
        """Return in how many seconds something is due, should nothing happen before."""
        next_ms = await self._stands.state.read(_next_ms)
        if next_ms is None:
            return _LOOK_S
        return min(max((next_ms - self._stands.clock.now_ms()) / 1000, _GATHER_S), _LOOK_S)

    async def _round(self) -> bool:
        state = self._stands.state
        if self._key is None:
            self._key = await state.write(lambda unit: make_key(unit, self._stands.chance), PHAROS)
        if self._said is not None:
            said, self._said = self._said, None
            try:
                await state.write(lambda unit: take_over(unit, said), PHAROS)
            except PharosError as exc:
                if exc.kind is Kind.UNAVAILABLE:
                    self._said = said
                raise
        if await state.read(acknowledgements.has_overdue):
            await state.write(acknowledgements.expire, PHAROS)
        is_more = await self._escalations.round()
        is_more = await self._responses.round() or is_more
        now_ms = self._stands.clock.now_ms()
        if abs(now_ms - self._tidied_ms) >= _TIDY_MS:
            await state.write(self._tidy, PHAROS)
            self._tidied_ms = now_ms
        return is_more

    def _tidy(self, unit: Writing) -> None:
        """Forget what is older than it is kept."""
        keep_ms = self._stands.settings.oncall.timeline_keep
        if keep_ms:
            before_ms = unit.now_ms - keep_ms
            timeline.drop_steps(unit, before_ms=before_ms)
            acknowledgements.drop_ended(unit, before_ms)
            escalations.drop_ended(unit, before_ms)
            actions.drop_ended(unit, before_ms)
        oncall.drop_past(unit, unit.now_ms - _PAST_KEPT_MS)


@asynccontextmanager
async def open_responding(stands: Stands) -> AsyncIterator[Responding]:
    """Follow what happens to alerts until the exit.

    Raises PharosError that names file and line when a file of schedules, policies or actions is not good.
    """
    said = _read_files(stands.settings)
    settings = stands.settings.actions
    agent = f"pharos/{__version__}"
    abroad = Outbound(
        allow_private=settings.private_addresses,
        user_agent=agent,
        random_source=stands.chance,
        private_by="actions.private_addresses",
    )
    within = Outbound(allow_private=True, user_agent=agent, random_source=stands.chance)
    hands = OwnHands(abroad, within, _allowed(settings), _asks(stands.metrics, stands.clock))
    responses = Responses(stands.state, hands)
    responding = Responding(stands, responses, said)
    try:
        async with at_work(responding.keep()):
            yield responding
    finally:
        await responses.close()
        await abroad.close()
        await within.close()


def _next_ms(unit: Unit) -> int | None:
    due = (
        acknowledgements.next_expiry_ms(unit),
        escalations.next_due_ms(unit),
        actions.next_overdue_ms(unit, WAITS_MS),
    )
    return min((one for one in due if one is not None), default=None)


def _read_files(settings: Settings) -> Said:
    return read_files(files_of(settings.oncall.files))


def _allowed(settings: ActionSettings) -> Allowed:
    clusters = {
        name: Cluster(
            one.server,
            SecretText(path=str(one.token_file)) if one.token_file else SecretText(),
            str(one.ca_file or ""),
        )
        for name, one in settings.clusters.items()
    }
    return Allowed(settings.commands, clusters)


def _asks(metrics: Metrics, clock: Clock) -> Callable[[str, str], Awaitable[str]]:
    """Return what answers queries of a tenant as Prometheus' JSON."""

    async def ask(tenant: str, query: str) -> str:
        now_ms = clock.now_ms()
        pieces = await metrics.evaluate(
            upkeep(tenant),
            parse_query(query),
            Times(now_ms, now_ms),
            lambda answer: list(encode_answer(answer)),
        )
        return b"".join(pieces)[:_EVIDENCE_MOST].decode(errors="replace")

    return ask
