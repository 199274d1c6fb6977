"""From an alert that was taken to what is owed: all tenants' alerts and groups, in memory as in the state.

An alert is known here once it is committed, never before; what is owed about it is decided and kept in one
transaction when its group is due. So a process that is killed at any moment goes on where it was.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

from msgspec import Struct, field

from pharos.access import Scope
from pharos.alert import Alert
from pharos.alerting.alerts import Known, completed, merged, until_s
from pharos.alerting.config import AlertingConfig
from pharos.alerting.deliver import Deliveries
from pharos.alerting.flush import Flush, Flushed, flush_all, some_at_a_time
from pharos.alerting.group import Desk, Group, Moment, Muting
from pharos.alerting.held import Acknowledged, Muter, nobody
from pharos.alerting.reminders import owed_reminders
from pharos.alerting.silences import KEPT_MS, Silences
from pharos.alerting.steps import Began, Ends, ended_entries, taken_entries
from pharos.alerting.views import AlertView, views
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.state import PHAROS, Family, State, Unit, Writing, alerts, outbox
from pharos.state.alerts import Kept
from pharos.state.outbox import Told
from pharos.state.silences import Silence, drop_silences, list_silences, note_reminded
from pharos.state.timeline import append
from pharos.telemetry import ALERT_GROUPS, ALERTS_KNOWN, ALERTS_RECEIVED, MESSAGES_OWED
from pharos.works import hear, keep_going

_LOG = logging.getLogger(__name__)

_AT_ONCE: Final = 2_000
"""So many alerts are decided about in one transaction."""
_AGAIN_S: Final = 1.0
"""After it, what the state did not take is tried again."""
_BEHIND_S: Final = 0.1
"""After it, groups are looked at again of which another process knows more."""
_LOOK_S: Final = 1.0
_TIDY_S: Final = 600.0
_DEAD_KEPT_MS: Final = 30 * 86_400_000


def _nothing_ends(unit: Writing, tenant: str, fingerprints: Sequence[str], /) -> None:
    del unit, tenant, fingerprints


class Others(Struct, frozen=True):
    """What else decides: who holds pages back, who looks after alerts, who is told that they are over."""

    muters: tuple[Muter, ...] = ()
    acknowledged: Acknowledged = nobody
    ends: Ends = _nothing_ends


_NO_OTHERS: Final = Others()


class _Post(Struct):
    """Alerts that somebody waits to be taken."""

    tenant: str
    alerts: Sequence[Alert]
    is_told: bool
    taken: asyncio.Future[None]


class _Taken(Struct):
    """What a transaction of posts makes of them."""

    known: dict[tuple[str, str], Known] = field(default_factory=dict)
    begun: list[Began] = field(default_factory=list)
    ended: list[Began] = field(default_factory=list)


class Dispatcher:
    """All tenants' alerts; used on the event loop only."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        config_of: Callable[[str], AlertingConfig],
        deliveries: Deliveries,
        others: Others = _NO_OTHERS,
        *,
        is_shared: bool = False,
    ) -> None:
        self._state = state
        self._clock = clock
        self._config_of = config_of
        self._deliveries = deliveries
        self._others = others
        self._is_shared = is_shared
        self.silences = Silences()
        self._muting = Muting(self.silences, others.muters)
        self._desks: dict[str, Desk] = {}
        self._posts: list[_Post] = []
        self._due: list[tuple[float, int, Group]] = []
        self._count = 0
        self._revision = -1
        self._is_loaded = False
        self._loading = asyncio.Lock()
        self._began = (clock.now_ms(), clock.monotonic_s())
        self._posted, self._woken = asyncio.Event(), asyncio.Event()
        self._read_again: set[Family] = set()
        self._change = asyncio.Event()

    # -- time --

    def moment(self) -> Moment:
        """Return what time it is."""
        began_ms, began_s = self._began
        now_s = self._clock.monotonic_s()
        return Moment(self._clock.now_ms(), now_s, began_ms + int((now_s - began_s) * 1000))

    # -- taking alerts --

    async def take(self, scope: Scope, posted: Sequence[Alert], *, is_told: bool = False) -> None:
        """Take alerts, of which those without an end are given one; they are durable when it returns.

        `is_told` says that whoever sends them writes itself into their timelines that they fire or are over.
        Raises PharosError(UNAVAILABLE) when they cannot be kept now.
        """
        if not posted:
            return
        post = _Post(scope.alone().tenant, posted, is_told, asyncio.get_running_loop().create_future())
        self._posts.append(post)
        self._posted.set()
        await post.taken

    async def _take_posts(self) -> None:
        while True:
            await self._posted.wait()
            self._posted.clear()
            posts, self._posts = self._posts, []
            if not posts:
                continue
            try:
                await self._require_loaded()
                await self._take_together(posts)
            except PharosError as exc:
                _count(posts, "refused")
                self._refuse(posts, exc)
            except Exception:  # noqa: BLE001 - one bad post is no reason to take no more
                self._refuse(posts, PharosError(Kind.BUG, "a fault of Pharos: it is in its log"))
                _LOG.exception("alerts were not taken")
            else:
                _count(posts, "kept")
                for post in posts:
                    if not post.taken.done():
                        post.taken.set_result(None)

    def _refuse(self, posts: Sequence[_Post], error: PharosError) -> None:
        for post in posts:
            if not post.taken.done():
                post.taken.set_exception(PharosError(error.kind, error.message, retry_after_s=1.0))

    async def _take_together(self, posts: Sequence[_Post]) -> None:
        moment = self.moment()
        taken = _Taken()
        for post in posts:
            for alert in post.alerts:
                self._merge(taken, post, alert, moment)
        rows = [Kept(tenant, known.alert, known.received_ms) for (tenant, _), known in taken.known.items()]
        entries = [
            *taken_entries(taken.begun, self.desk, moment.now_ms),
            *ended_entries(taken.ended, moment.now_ms),
        ]

        def keep(unit: Writing) -> None:
            alerts.put(unit, rows)
            append(unit, entries)
            self._end(unit, taken.ended)

        await self._state.write(keep, PHAROS)
        for (tenant, _), known in taken.known.items():
            self._know(tenant, known, moment)

    def _merge(self, taken: _Taken, post: _Post, alert: Alert, moment: Moment) -> None:
        desk = self.desk(post.tenant)
        key = (post.tenant, alert.fingerprint)
        before = taken.known.get(key) or desk.alerts.get(alert.fingerprint)
        alert = completed(alert, moment.now_ms, desk.config.resolve_timeout_ms)
        if before is not None:
            alert = merged(before.alert, alert, moment.now_ms)
        was_over = before is None or before.is_over_at(moment.now_s)
        received_ms = moment.now_ms if before is None or was_over else before.received_ms
        known = Known(alert, until_s(alert, moment.now_ms, moment.now_s), received_ms)
        taken.known[key] = known
        is_over = known.is_over_at(moment.now_s)
        known.is_over_told = is_over
        if not is_over and was_over:
            taken.begun.append((post.tenant, known, post.is_told))
        if is_over and before is not None and not before.is_over_told:
            taken.ended.append((post.tenant, known, post.is_told))

    def _end(self, unit: Writing, ended: Sequence[Began]) -> None:
        by_tenant: dict[str, list[str]] = {}
        for tenant, known, _ in ended:
            by_tenant.setdefault(tenant, []).append(known.alert.fingerprint)
        for tenant, fingerprints in by_tenant.items():
            self._others.ends(unit, tenant, fingerprints)

    def _know(self, tenant: str, known: Known, moment: Moment) -> None:
        for group in self.desk(tenant).put(known, moment):
            self._schedule(group)

    def desk(self, tenant: str) -> Desk:
        """Return a tenant's alerts and groups, none at first."""
        found = self._desks.get(tenant)
        if found is None:
            found = self._desks[tenant] = Desk(tenant, self._config_of(tenant), self._muting)
        return found

    # -- groups --

    def _schedule(self, group: Group) -> None:
        self._count += 1
        heapq.heappush(self._due, (group.due_s, self._count, group))
        if self._due[0][2] is group:
            self._woken.set()

    def _pop_due(self, moment: Moment) -> list[Group]:
        found: dict[int, Group] = {}
        while self._due and self._due[0][0] <= moment.now_s:
            _, _, group = heapq.heappop(self._due)
            desk = self._desks.get(group.tenant)
            is_there = desk is not None and desk.groups.get(group.place) is group
            if is_there and group.due_s <= moment.now_s:
                found[id(group)] = group
        return list(found.values())

    async def _flush_due(self) -> None:
        while True:
            self._woken.clear()
            moment = self.moment()
            due = self._pop_due(moment)
            if due:
                await self._flush(due, moment)
            wait_s = self._due[0][0] - self._clock.monotonic_s() if self._due else 60.0
            if wait_s > 0:
                await hear(self._woken, wait_s)
            else:
                # Others are to be answered also while many groups are due.
                await asyncio.sleep(0)

    async def _flush(self, groups: Sequence[Group], moment: Moment) -> None:
        flushes = []
        for group in groups:
            group.flushed(moment)
            if group.alerts:
                flushes.append(self._see(group, moment))
        for some in some_at_a_time(flushes, _AT_ONCE):
            try:
                await self._flush_some(some)
            except PharosError as exc:
                _LOG.warning("%d groups are told of as soon as the state can be written: %s", len(some), exc)
                for flush in some:
                    flush.group.due_s = min(flush.group.due_s, moment.now_s + _AGAIN_S)
        for group in groups:
            self._schedule(group)

    def _see(self, group: Group, moment: Moment) -> Flush:
        desk = self.desk(group.tenant)
        known, seen = desk.see(group, moment)
        return Flush(group, desk.receiver_of(group), known, seen, moment, dict(group.held))

    async def _flush_some(self, flushes: Sequence[Flush]) -> None:
        acknowledged, name = self._others.acknowledged, self._deliveries.name
        flushed = await self._state.write(
            lambda unit: flush_all(unit, flushes, acknowledged, name, is_shared=self._is_shared), PHAROS
        )
        self._catch_up(flushed)
        self._deliveries.cancel(flushed.cancelled)
        self._deliveries.add(flushed.owed)
        stale = {id(flush) for flush, _ in flushed.stale}
        for flush in (one for one in flushes if id(one) not in stale):
            held = {one.fingerprint: one.held for one in flush.seen if one.held is not None}
            flush.group.held = held
        await self._let_go(flushed.settled)

    def _catch_up(self, flushed: Flushed) -> None:
        """Read what another process knows of groups, and look at them again."""
        for flush, gone in flushed.stale:
            flush.group.due_s = min(flush.group.due_s, flush.moment.now_s + _BEHIND_S)
            for known in flush.known:
                if known.alert.fingerprint in gone:
                    known.until_s, known.is_over_told = min(known.until_s, flush.moment.now_s), True
        if flushed.stale:
            self._read_again.add(Family.ALERTS)
            self._change.set()

    async def _let_go(self, settled: Sequence[tuple[Flush, frozenset[str]]]) -> None:
        """Forget alerts that are over and told, and what was told of groups that have none any more."""
        gone: dict[str, list[Alert]] = {}
        empty: list[tuple[str, str]] = []
        for flush, fingerprints in settled:
            over = [known for known in flush.known if known.alert.fingerprint in fingerprints]
            if not over:
                continue
            desk = self.desk(flush.group.tenant)
            for known in flush.group.settle(over, flush.moment):
                if desk.let_go(known):
                    gone.setdefault(desk.tenant, []).append(known.alert)
            if not flush.group.alerts:
                empty.append(flush.name)
        if not gone and not empty:
            return

        def forget(unit: Writing) -> None:
            for tenant, some in gone.items():
                alerts.drop(unit, tenant, some)
            outbox.forget_groups(unit, empty)

        # What is left in the state because it was away is let go of after the next start.
        with suppress(PharosError):
            await self._state.write(forget, PHAROS)

    # -- as the state has it --

    async def load(self) -> None:
        """Know what the state knows. Raises PharosError(UNAVAILABLE)."""

        def read(unit: Unit) -> tuple[tuple[Kept, ...], tuple[Silence, ...], tuple[Told, ...], int]:
            found = alerts.list_since(unit, -1)
            return found, list_silences(unit), outbox.list_groups_told(unit), alerts.newest_revision(unit)

        kept, silences, told, revision = await self._state.read(read)
        moment = self.moment()
        self.silences.take(silences, moment.now_ms)
        told_ms = {(one.tenant_id, one.group_key): one.at_ms for one in told}
        for one in kept:
            self._know(one.tenant_id, self._known(one, moment), moment)
        for desk in self._desks.values():
            for group in desk.groups.values():
                self._resume(group, told_ms.get((group.tenant, group.key)), moment)
        self._revision, self._is_loaded = revision, True

    def _known(self, one: Kept, moment: Moment) -> Known:
        known = Known(one.alert, until_s(one.alert, moment.now_ms, moment.now_s), one.received_ms)
        # One that its sender ended was told as over when that came.
        known.is_over_told = 0 < one.alert.ends_ms <= one.alert.updated_ms
        return known

    def _resume(self, group: Group, told_ms: int | None, moment: Moment) -> None:
        """Have a group go on where it was when a former process knew it."""
        route = group.route
        if told_ms is not None:
            group.has_flushed = True
            at_ms, longest_ms = told_ms + route.group_interval_ms, route.group_interval_ms
        else:
            first_ms = min((known.received_ms for known in group.alerts.values()), default=moment.now_ms)
            at_ms, longest_ms = first_ms + route.group_wait_ms, route.group_wait_ms
        wait_s = min(max(at_ms - moment.now_ms, 0), longest_ms) / 1000
        group.due_s = (
            moment.now_s + wait_s if told_ms is not None else min(group.due_s, moment.now_s + wait_s)
        )
        self._schedule(group)

    async def _require_loaded(self) -> None:
        # One loads: another one would put what it read before in the place of what came since.
        async with self._loading:
            if not self._is_loaded:
                await self.load()

    def changed(self, families: frozenset[Family]) -> None:
        """Take over what others changed: what the state calls, on the event loop."""
        wanted = families & ({Family.ALERTS, Family.SILENCES} if self._is_shared else {Family.SILENCES})
        if wanted:
            self._read_again |= wanted
            self._change.set()
        self._deliveries.changed(families)

    async def read_silences(self) -> None:
        """Know the silences that there are now. Raises PharosError(UNAVAILABLE)."""
        found = await self._state.read(list_silences)
        self.silences.take(found, self._clock.now_ms())

    async def _read_alerts(self) -> None:
        revision = self._revision

        def read(unit: Unit) -> tuple[tuple[Kept, ...], int]:
            # Of one moment: what is kept between two would be passed over.
            return alerts.list_since(unit, revision), alerts.newest_revision(unit)

        kept, newest = await self._state.read(read)
        moment = self.moment()
        for one in kept:
            before = self.desk(one.tenant_id).alerts.get(one.alert.fingerprint)
            if before is None or before.alert.updated_ms < one.alert.updated_ms:
                self._know(one.tenant_id, self._known(one, moment), moment)
        self._revision = newest

    async def _follow(self) -> None:
        """Read until cancelled what others changed, and load what the state did not have at the start."""
        while True:
            wanted, self._read_again = self._read_again, set()
            try:
                await self._require_loaded()
                if Family.SILENCES in wanted:
                    await self.read_silences()
                if Family.ALERTS in wanted:
                    await self._read_alerts()
            except PharosError as exc:
                self._read_again |= wanted
                _LOG.debug("alerts and silences are read again: %s", exc)
                await asyncio.sleep(_AGAIN_S)
                continue
            await hear(self._change, 60.0)
            self._change.clear()

    # -- what goes on by itself --

    async def run(self) -> None:
        """Take, tell and tidy until cancelled."""
        works = {
            "taking alerts": self._take_posts,
            "telling of groups": self._flush_due,
            "following the state": self._follow,
            "looking for ended alerts": self._watch_ends,
            "tidying up": self._tidy,
        }
        async with asyncio.TaskGroup() as group:
            for what, work in works.items():
                group.create_task(keep_going(what, work))

    async def _watch_ends(self) -> None:
        """Note until cancelled which alerts are over because nobody sent them any more."""
        while True:
            await asyncio.sleep(_LOOK_S)
            moment = self.moment()
            ended = [
                (desk.tenant, known, False)
                for desk in self._desks.values()
                for known in desk.alerts
                if known.until_s <= moment.now_s and not known.is_over_told
            ]
            for desk in self._desks.values():
                desk.clear_empty(moment)
            ALERTS_KNOWN.set(sum(len(desk.alerts) for desk in self._desks.values()))
            ALERT_GROUPS.set(sum(len(desk.groups) for desk in self._desks.values()))
            MESSAGES_OWED.set(self._deliveries.waiting)
            if ended:
                await self._note_ended(ended, moment)
            await self._remind(moment)

    async def _note_ended(self, ended: Sequence[Began], moment: Moment) -> None:
        def note(unit: Writing) -> None:
            append(unit, ended_entries(ended, moment.now_ms))
            self._end(unit, ended)

        # Where the state is away it is tried again with the next look.
        with suppress(PharosError):
            await self._state.write(note, PHAROS)
            for _, known, _ in ended:
                known.is_over_told = True

    async def _remind(self, moment: Moment) -> None:
        """Have those concerned reminded of silences that end soon."""
        ending = list(self.silences.ending(moment.now_ms))
        if not ending:
            return
        rows = owed_reminders(ending, self.desk, moment)

        def remind(unit: Writing) -> None:
            note_reminded(unit, [silence.id for silence in ending])
            outbox.add(unit, rows)

        with suppress(PharosError):
            await self._state.write(remind, PHAROS)
            await self.read_silences()

    def views(self, tenant: str) -> list[AlertView]:
        """Return a tenant's alerts as people see them."""
        return views(self.desk(tenant), self.moment())

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_S)

            def drop(unit: Writing) -> None:
                drop_silences(unit, before_ms=unit.now_ms - KEPT_MS)
                outbox.drop_dead(unit, unit.now_ms - _DEAD_KEPT_MS)

            with suppress(PharosError):
                await self._state.write(drop, PHAROS)

    def reconfigure(self) -> None:
        """Go by the configurations that there are now."""
        moment = self.moment()
        for desk in self._desks.values():
            desk.reconfigure(self._config_of(desk.tenant), moment)
            for group in desk.groups.values():
                self._schedule(group)

    def forget(self, tenant: str) -> None:
        """Know nothing of a tenant any more."""
        self._desks.pop(tenant, None)


def _count(posts: Sequence[_Post], outcome: str) -> None:
    ALERTS_RECEIVED.labels(outcome).inc(sum(len(post.alerts) for post in posts))
