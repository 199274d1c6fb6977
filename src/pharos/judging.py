"""The part of a server that looks for anomalies: every few seconds in all watched series of every tenant."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from pharos.access import DEFAULT, upkeep
from pharos.anomalies.following import Following, Judged, Seen
from pharos.anomalies.golden import automatic_watches, present
from pharos.anomalies.kept import drop_state, read_state, state_path, write_state
from pharos.anomalies.past import RELEARNED_MS, learn_past, past_of
from pharos.anomalies.verdicts import FOUND
from pharos.anomalies.watch import Watch, Watching, line_watch, read_watch
from pharos.clock import Clock
from pharos.config import Settings
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.remote_write.submission import made
from pharos.labels import METRIC_NAME, labels_of
from pharos.promql.grids.grid import Answer
from pharos.query.limits import Times
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.query.metrics.rounds import PreparedQueries, Round
from pharos.rules.spec import AlertingRule, RuleGroup
from pharos.state import PHAROS, Family, State, Unit
from pharos.state.anomalies import (
    Found,
    Mark,
    drop_ended,
    get_anomaly,
    mark_anomaly,
    marked_abnormal,
    open_anomalies,
    put_anomalies,
)
from pharos.state.documents import Defined, list_documents
from pharos.state.tenants import list_tenants
from pharos.state.unit import Author
from pharos.telemetry import ANOMALIES_FOUND, ANOMALIES_SECONDS, ANOMALIES_WATCHED
from pharos.works import at_work, keep_going

_LOG = logging.getLogger(__name__)

_BEHIND_MS: Final = 1_000
"""What is of a time is there so long after it."""
_LOOK_MS: Final = 300_000
"""So often it is looked which automatic watches have any series."""
_LOOKS: Final = 50
"""In so many tenants of one tick, at most."""
_KEEP_MS: Final = 1_800_000
"""So often the state is written: what came since is read again from the store."""
_PAST_MS: Final = 90 * 86_400_000
_RULES_MS: Final = 5_000
_SUMMARY: Final = "{{ $labels.anomaly_metric }} is not as it was before ({{ $labels.anomaly_watch }})"


class JudgingParts(Struct, frozen=True):
    """What it stands on."""

    metrics: Metrics
    intake: Intake
    state: State
    clock: Clock
    settings: Settings
    put_rules: Callable[[Mapping[str, Sequence[RuleGroup]]], Awaitable[None]]
    """Takes the groups of rules that make alerts of what is found, by tenant."""


class _Tenant(Struct):
    """What is done for one tenant."""

    following: Following
    watches: dict[str, Watch] = field(default_factory=dict)
    active: list[Watch] = field(default_factory=list)
    prepared: PreparedQueries | None = None
    looked_ms: int = 0
    kept_ms: int = 0
    has_rules: bool = False
    owed: list[Found] = field(default_factory=list)
    """What the state does not know yet."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Judging:
    """Looks for anomalies. For one event loop."""

    def __init__(self, parts: JudgingParts) -> None:
        self._parts = parts
        settings = parts.settings.anomalies
        self._every_ms = settings.interval
        self._folder = Path(parts.settings.data) / "anomalies"
        self._of_file = tuple(line_watch(one) for one in settings.watch)
        self._automatic = tuple(automatic_watches()) if settings.automatic else ()
        self._tenants: dict[str, _Tenant] = {}
        self._kept: dict[str, list[Watch]] = {}
        self._is_stale = True
        self._looks = _LOOKS
        self._resumed: dict[str, list[Found]] | None = None

    # -- what is asked of it --

    def watching(self, tenant: str) -> list[Watching]:
        """Return what is watched of a tenant."""
        known = self._tenants.get(tenant)
        counts = {} if known is None else known.following.counts()
        return [Watching(one, counts.get(one.name, 0)) for one in self._wanted(tenant)]

    async def mark(self, tenant: str, name: str, mark: Mark, author: Author) -> Found:
        """Say what an anomaly is, and learn by it. Raises PharosError(MISSING)."""
        found = await self._parts.state.write(lambda unit: mark_anomaly(unit, tenant, name, mark), author)
        known = self._tenants.get(tenant)
        if known is None:
            return found
        async with known.lock:
            if not found.end_ms and mark is not Mark.NONE:
                ended = known.following.incidents.end(name, self._parts.clock.now_ms())
                if ended is not None:
                    await self._parts.state.write(lambda unit: put_anomalies(unit, [ended]), PHAROS)
            if mark is Mark.ABNORMAL:
                await self._relearn(known, found)
        return await self._parts.state.read(lambda unit: get_anomaly(unit, tenant, name))

    # -- the loop --

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            now_ms = self._parts.clock.now_ms() - _BEHIND_MS
            at_ms = now_ms // self._every_ms * self._every_ms + self._every_ms
            await asyncio.sleep((at_ms - now_ms) / 1000)
            await self.tick(at_ms)

    async def tick(self, at_ms: int) -> None:
        """Judge what all series are at a time."""
        if self._is_stale or self._resumed is None:
            try:
                await self._read()
            except PharosError as exc:
                _LOG.debug("what is watched for anomalies is not known yet: %s", exc)
                return
        began_s = self._parts.clock.monotonic_s()
        self._looks = _LOOKS
        for tenant, known in [*self._tenants.items()]:
            try:
                async with known.lock:
                    await self._tick_of(tenant, known, at_ms)
            except PharosError as exc:
                level = logging.DEBUG if exc.kind is Kind.UNAVAILABLE else logging.WARNING
                _LOG.log(level, "anomalies of %s are not looked for now: %s", tenant, exc)
        ANOMALIES_SECONDS.observe(self._parts.clock.monotonic_s() - began_s)
        ANOMALIES_WATCHED.set(sum(one.following.series for one in self._tenants.values()))

    def _wanted(self, tenant: str) -> list[Watch]:
        of_file = self._of_file if tenant == DEFAULT.tenant else ()
        found = {one.name: one for one in (*self._automatic, *of_file, *self._kept.get(tenant, ()))}
        return [*found.values()]

    async def _read(self) -> None:
        """Read which tenants there are, and what is watched there."""
        self._is_stale = False

        def read(unit: Unit) -> tuple[list[str], dict[str, list[Watch]], tuple[Found, ...]]:
            living = [
                one.id for one in list_tenants(unit) if one.suspended_ms is None and one.deleting_ms is None
            ]
            return living, _kept_watches(unit), open_anomalies(unit)

        try:
            living, self._kept, found = await self._parts.state.read(read)
        except PharosError:
            self._is_stale = True
            raise
        if self._resumed is None:
            self._resumed = {}
            for one in found:
                self._resumed.setdefault(one.tenant_id, []).append(one)
        for tenant in [one for one in self._tenants if one not in living]:
            del self._tenants[tenant]
        for tenant in living:
            known = self._tenants.get(tenant)
            if known is None:
                settings = self._parts.settings.anomalies
                following = Following(tenant, settings.max_series, settings.cooldown)
                known = self._tenants[tenant] = _Tenant(following)
            watches = {one.name: one for one in self._wanted(tenant)}
            if watches != known.watches:
                known.watches, known.looked_ms = watches, 0
        await self._put_rules()

    async def _put_rules(self) -> None:
        cooldown = self._parts.settings.anomalies.cooldown
        groups = {tenant: [_rules(cooldown)] for tenant, one in self._tenants.items() if one.has_rules}
        await self._parts.put_rules(groups)

    def look_again(self, families: frozenset[Family]) -> None:
        """Have definitions read again; for any thread."""
        if Family.RULES in families or Family.TENANTS in families:
            self._is_stale = True

    # -- one tenant --

    async def _tick_of(self, tenant: str, known: _Tenant, at_ms: int) -> None:
        if self._looks and at_ms - known.looked_ms >= _LOOK_MS:
            self._looks -= 1
            await self._look(tenant, known, at_ms)
        if not known.active or known.prepared is None:
            if known.owed:
                await self._note(tenant, known)
            return
        round_ = self._parts.metrics.round(upkeep(tenant), known.prepared, at_ms)
        judged = await round_.run("anomalies", partial(_judge, round_, known.following, known.active, at_ms))
        known.owed += judged.changed
        if known.owed:
            await self._note(tenant, known)
        if judged.body:
            scope = upkeep(tenant)
            await self._parts.intake.accept(made(scope, judged.body, source="anomalies"))
        if at_ms - known.kept_ms >= _KEEP_MS:
            known.kept_ms = at_ms
            await asyncio.to_thread(write_state, state_path(self._folder, tenant), known.following, at_ms)
            await self._parts.state.write(lambda unit: drop_ended(unit, tenant, at_ms - _PAST_MS), PHAROS)

    async def _note(self, tenant: str, known: _Tenant) -> None:
        changed = [*known.owed]
        await self._parts.state.write(lambda unit: put_anomalies(unit, changed), PHAROS)
        known.owed.clear()
        ANOMALIES_FOUND.inc(sum(not one.end_ms for one in changed))
        if not known.has_rules:
            known.has_rules = True
            await self._put_rules()
        for one in changed:
            if one.end_ms:
                kept = await self._parts.state.read(partial(get_anomaly, tenant_id=tenant, name=one.id))
                if kept.mark is Mark.ABNORMAL:
                    await self._relearn(known, kept)

    async def _look(self, tenant: str, known: _Tenant, at_ms: int) -> None:
        """Find out which watches have any series, and go on with what was learned of them."""
        is_first = not known.active
        watches = [*known.watches.values()]
        there: set[str] = set()
        if text := present(watches):
            now = Times(at_ms, at_ms)
            there = await self._parts.metrics.evaluate(upkeep(tenant), parse_query(text), now, _names)
        known.looked_ms = at_ms
        following = known.following
        active = [one for one in watches if not one.needs or one.needs in there or following.knows(one)]
        if not active:
            # Nothing of what went on before is watched any more.
            left = (self._resumed or {}).pop(tenant, [])
            known.owed += [replace(one, end_ms=at_ms) for one in left]
        if active == known.active:
            return
        fresh = known.following.watch(active)
        known.active = active
        known.prepared = self._parts.metrics.prepare([parse_query(one.query) for one in active])
        since_ms = 0
        if is_first:
            path = state_path(self._folder, tenant)
            since_ms = await asyncio.to_thread(read_state, path, known.following)
            found = (self._resumed or {}).pop(tenant, [])
            known.following.resume(found, known.watches)
            known.following.incidents.wait_from(at_ms)
            known.has_rules |= bool(found)
            known.kept_ms = at_ms
            await self._put_rules()
        for one in fresh:
            begin = since_ms if known.following.knows(one) else 0
            await learn_past(
                self._parts.metrics, upkeep(tenant), known.following, one, begin, at_ms, self._every_ms
            )

    async def _relearn(self, known: _Tenant, found: Found) -> None:
        """Learn a series anew without what somebody says was not as it should be."""
        watch = known.watches.get(found.watch)
        if watch is None:
            return
        parts, tenant, every = self._parts, found.tenant_id, self._every_ms
        labels = labels_of(found.labels)
        end = parts.clock.now_ms() // every * every
        marked = await parts.state.read(lambda unit: marked_abnormal(unit, tenant, end - RELEARNED_MS))
        spans = [
            ((one.start_ms - every) / 1000, (one.end_ms + every) / 1000)
            for one in marked
            if one.watch == found.watch and labels_of(one.labels) == labels
        ]
        times, values = await past_of(parts.metrics, upkeep(tenant), watch, labels, end, every)
        await asyncio.to_thread(known.following.relearn, watch.name, labels, times, values, sorted(spans))

    def close(self) -> None:
        """Keep what was learned."""
        at_ms = self._parts.clock.now_ms() // self._every_ms * self._every_ms
        for tenant, known in self._tenants.items():
            if known.active:
                try:
                    write_state(state_path(self._folder, tenant), known.following, at_ms)
                except PharosError as exc:
                    _LOG.warning("what was learned of anomalies is not kept: %s", exc)

    def forget(self, tenant: str) -> None:
        """Let nothing be known of a tenant that is deleted."""
        self._tenants.pop(tenant, None)
        drop_state(state_path(self._folder, tenant))


def _judge(round_: Round, following: Following, watches: Sequence[Watch], at_ms: int) -> Judged:
    """Return what is to be told of all watched series; on a thread, in the turn of a round."""
    seen = []
    for place, watch in enumerate(watches):
        try:
            answer = round_.answer(place)
        except PharosError as exc:
            _LOG.debug("%r cannot be asked for anomalies: %s", watch.query, exc)
            continue
        if answer.raw is None and len(answer.values):
            values = np.where(answer.present[:, 0], answer.values[:, 0], np.nan)
            if answer.cells is not None:
                values[[cell is not None for cell in answer.cells[:, 0]]] = np.nan
            seen.append(Seen(watch, answer.labels, values))
    return following.judge(at_ms, seen)


def _names(answer: Answer) -> set[str]:
    return {dict(labels).get(METRIC_NAME, "") for labels in answer.labels}


def _kept_watches(unit: Unit) -> dict[str, list[Watch]]:
    found: dict[str, list[Watch]] = {}
    for version in list_documents(unit, Defined.WATCH):
        try:
            watch = read_watch(version.document or {}, version.name)
        except PharosError as exc:
            _LOG.warning("watch %r of %s is left out: %s", version.name, version.tenant_id, exc)
            continue
        found.setdefault(version.tenant_id, []).append(watch)
    return found


def _rules(cooldown_ms: int) -> RuleGroup:
    """Return the group that makes alerts of anomalies."""
    rule = AlertingRule(
        "Anomaly", FOUND, keep_firing_for_ms=cooldown_ms, annotations=(("summary", _SUMMARY),)
    )
    return RuleGroup("anomalies", (rule,), file="anomalies", interval_ms=_RULES_MS)


@asynccontextmanager
async def open_judging(parts: JudgingParts) -> AsyncIterator[Judging]:
    """Look for anomalies until the exit, which keeps what was learned.

    Raises PharosError(INVALID) for series in the settings that are none.
    """
    judging = Judging(parts)
    if not parts.settings.anomalies.enabled:
        yield judging
        return
    unwatch = parts.state.watch(judging.look_again)
    try:
        async with at_work(keep_going("looking for anomalies", judging.run)):
            yield judging
    finally:
        unwatch()
        await asyncio.to_thread(judging.close)
