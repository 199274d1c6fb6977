"""The part of a server that evaluates rules: those of files, and those that people keep here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from random import Random
from typing import Any, Final

from msgspec import Struct, field

from pharos.access import DEFAULT, Scope
from pharos.alert import Alert
from pharos.clock import Clock
from pharos.config import Settings, external_url
from pharos.errors import PharosError
from pharos.health.files import load_checks
from pharos.health.rules import health_rules
from pharos.ingest.accept import Intake, Pause
from pharos.ingest.remote_write.points import PointEncoder
from pharos.ingest.remote_write.submission import made
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.discovery import AskedWatch, FileWatch, addresses
from pharos.ingest.scrape.job import AlertingSection, ScrapeConfig
from pharos.ingest.scrape.scraper import POLL_S
from pharos.labels import Labels, labels_of
from pharos.outbound import Outbound
from pharos.queries import Queries
from pharos.relabel import relabel
from pharos.reload import Reloadable, TakeOver
from pharos.rules.doors import AlertSink, MetricsDoor, QueryRound, Recorded, Recorder
from pharos.rules.engine import RuleEngine
from pharos.rules.evaluate import Element, Expand, elements
from pharos.rules.event_door import EventHistory
from pharos.rules.files import load_files
from pharos.rules.group import RuleOptions, Surroundings
from pharos.rules.kept import Kept, kept_groups
from pharos.rules.leases import AllOurs, Leases, SharedLeases
from pharos.rules.log_door import LogDoor
from pharos.rules.outside import Destination, Outside
from pharos.rules.run_rules import RunAlerts, is_switched_on
from pharos.rules.spec import AlertingRule, Language, RuleGroup
from pharos.rules.template import Around, expand
from pharos.rules.trace_door import TraceDoor
from pharos.slo.files import LoadedObjectives, load_objectives
from pharos.slo.kept import Known, Objectives, kept_objectives
from pharos.state import Family, State, Unit
from pharos.state.documents import Defined, list_documents
from pharos.store import Store
from pharos.works import hear

_LOG = logging.getLogger(__name__)

_AGAIN_S: Final = 2.0
_GATHERED_S: Final = 0.02
"""So long what a group recorded waits for that of others."""
_FAMILIES: Final = frozenset({Family.RULES, Family.TENANTS, Family.HEALTH})


class Unheard(Struct, frozen=True):
    """Takes alerts where nobody is told of them: they are seen in the API and the pages."""

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        """Take alerts over."""


class IntakeRecorder:
    """Keeps what rules record as any other write. For one event loop.

    Groups are due together, and of many small pieces each costs a frame of the log and a sync: what comes at
    nearly one time goes the way in one piece.
    """

    def __init__(self, intake: Intake, pause: Pause = asyncio.sleep) -> None:
        self._intake = intake
        self._pause = pause
        self._encoder = PointEncoder()
        self._gathering: dict[Scope, _Gathering] = {}
        self._keeping: set[asyncio.Task[Any]] = set()

    async def record(self, scope: Scope, recorded: Recorded) -> None:
        """Keep it durably, all or nothing. Raises PharosError as the intake does."""
        body = self._encoder.request(
            recorded.at_ms,
            ((one.labels, one.value) for one in recorded.samples if one.histogram is None),
            ((one.labels, one.histogram) for one in recorded.samples if one.histogram is not None),
            recorded.gone,
        )
        gathering = self._gathering.get(scope)
        if gathering is None:
            bodies: list[bytes] = []
            keeping = asyncio.create_task(self._gather(scope, bodies), name="recording what rules found")
            self._keeping.add(keeping)
            keeping.add_done_callback(self._keeping.discard)
            gathering = self._gathering[scope] = _Gathering(bodies, keeping)
        place = len(gathering.bodies)
        gathering.bodies.append(body)
        # A group that is ended meanwhile ends alone.
        error = (await asyncio.shield(gathering.keeping))[place]
        if error is not None:
            raise error

    async def _gather(self, scope: Scope, bodies: list[bytes]) -> list[PharosError | None]:
        """Return for each piece why it is not kept, if it is not."""
        await self._pause(_GATHERED_S)
        del self._gathering[scope]
        # Which of several is refused comes out where each goes alone.
        if len(bodies) > 1 and await self._refusal(scope, b"".join(bodies)) is None:
            return [None] * len(bodies)
        return [await self._refusal(scope, body) for body in bodies]

    async def _refusal(self, scope: Scope, body: bytes) -> PharosError | None:
        try:
            await self._intake.accept(made(scope, body, source="rules"))
        except PharosError as exc:
            return exc
        return None

    async def close(self) -> None:
        """Wait until what was handed in is kept."""
        await asyncio.gather(*self._keeping, return_exceptions=True)


class _Gathering(Struct, frozen=True):
    """What groups of a tenant recorded, as requests, and what becomes of each."""

    bodies: list[bytes]
    keeping: asyncio.Task[list[PharosError | None]]


class _Read(Struct, frozen=True):
    """What files say of rules."""

    groups: tuple[RuleGroup, ...] = ()
    slos: LoadedObjectives = field(default_factory=LoadedObjectives)
    options: RuleOptions = field(default_factory=RuleOptions)
    external_labels: Labels = ()
    alerting: AlertingSection = field(default_factory=AlertingSection)


class Ruling(Struct, frozen=True):
    """The running rules, whom they tell outside, and what reads their files again."""

    engine: RuleEngine
    outside: Outside
    reloadable: Reloadable
    objectives: Objectives
    put_more: Callable[[Mapping[str, Sequence[RuleGroup]]], Awaitable[None]]
    """Takes groups of rules that other parts of the server make, by tenant, in the place of those before."""
    leases: Leases
    """What is done here, of a state that servers share."""


class _Both(Struct, frozen=True):
    """Tells those outside, who make nobody wait, and then ours, who may refuse."""

    outside: Outside
    own: AlertSink

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        await self.outside.take(scope, alerts)
        await self.own.take(scope, alerts)


class RulingParts(Struct, frozen=True):
    """What rules stand on."""

    queries: Queries
    store: Store
    state: State
    clock: Clock
    chance: Random
    settings: Settings
    sink: AlertSink = field(default_factory=Unheard)


@asynccontextmanager
async def open_ruling(parts: RulingParts) -> AsyncIterator[Ruling]:
    """Begin to evaluate what the settings name, once all that was accepted before is there; end on exit.

    Raises PharosError that names file and line when that is not good.
    """
    outbound = Outbound(allow_private=True, user_agent="Pharos", random_source=parts.chance)
    outside = Outside(outbound, parts.clock, parts.chance)
    sink = _Both(outside, parts.sink)
    leases = _leases(parts)
    recorder = IntakeRecorder(parts.store.intake)
    surroundings = partial(_surroundings, parts, sink, leases, recorder)
    engine = RuleEngine(surroundings(_Read()), parts.clock)
    finding = _Finding(outside, outbound, parts.clock)
    shared = [_shared_by_all(_Read())]

    objectives = Objectives()
    runs = _RunRules(parts.settings.evaluation.interval, parts.settings.run_alerts)
    book = _Book(engine, parts.state, objectives, _health_rules(parts.settings), runs)

    async def take_over(read: _Read) -> None:
        engine.surround(surroundings(read))
        anew = shared[0] != _shared_by_all(read)
        shared[0] = _shared_by_all(read)
        outbound.forget_tls()
        await finding.apply(read.alerting)
        await book.apply(read.groups, anew=anew)
        objectives.current, objectives.windows = read.slos.objectives, read.slos.windows

    async def read_again() -> TakeOver:
        return partial(take_over, await asyncio.to_thread(_read, parts.settings))

    async def begin() -> None:
        await asyncio.shield(asyncio.wrap_future(parts.store.loader.recovered))
        await book.begin()
        await engine.start()

    try:
        await take_over(await asyncio.to_thread(_read, parts.settings))
        tasks = [asyncio.create_task(begin(), name="rules begin"), asyncio.create_task(finding.poll())]
        try:
            yield Ruling(engine, outside, read_again, objectives, book.put_more, leases)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await book.close()
            await engine.stop()
            await recorder.close()
    finally:
        await outside.close()
        await outbound.close()


class _Book:
    """Keeps the engine in step with the rules of files and those that people keep, of objectives too."""

    def __init__(
        self,
        engine: RuleEngine,
        state: State,
        objectives: Objectives,
        health: RuleGroup | None,
        runs: _RunRules,
    ) -> None:
        self._engine = engine
        self._runs = runs
        self._state = state
        self._objectives = objectives
        self._health = health
        self._checked: frozenset[str] = frozenset()
        """Tenants whose people keep checks of health: they have the rules that come with those."""
        self._of_files: tuple[RuleGroup, ...] = ()
        self._kept: Mapping[str, list[RuleGroup]] = {}
        self._more: Mapping[str, Sequence[RuleGroup]] = {}
        self._is_settled = False
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._unwatch = state.watch(self._look)
        self._following: asyncio.Task[None] | None = None

    def _look(self, families: frozenset[Family]) -> None:
        """Note a change, on a thread of the state's."""
        if families & _FAMILIES:
            self._loop.call_soon_threadsafe(self._changed.set)

    async def begin(self) -> None:
        """Read what people keep, now and whenever it changes; without people's state, once it is there."""
        await self._read()
        self._following = asyncio.create_task(self._follow(), name="rules kept here")

    async def apply(self, of_files: tuple[RuleGroup, ...], *, anew: bool) -> None:
        """Take over the rules of files."""
        async with self._lock:
            self._of_files = of_files
            for tenant in {DEFAULT.tenant, *self._others(), *self._engine.tenants()}:
                await self._engine.apply(tenant, self._wanted(tenant), anew=anew)

    def _wanted(self, tenant: str) -> list[RuleGroup]:
        of_files = self._of_files if tenant == DEFAULT.tenant else ()
        of_objectives = [one for known in self._objectives.kept.get(tenant, ()) for one in known.groups()]
        found = [*of_files, *self._kept.get(tenant, ()), *of_objectives, *self._more.get(tenant, ())]
        if self._health is not None and tenant in self._checked and self._health not in found:
            found.append(self._health)
        return [*found, *self._runs.of(tenant)]

    def _others(self) -> set[str]:
        """Return the tenants that have rules of their own."""
        return {*self._kept, *self._checked, *self._objectives.kept, *self._more, *self._runs.kept}

    async def put_more(self, groups: Mapping[str, Sequence[RuleGroup]]) -> None:
        """Take over what other parts of the server make, in the place of what it was before."""
        async with self._lock:
            changed = [one for one in {*groups, *self._more} if groups.get(one) != self._more.get(one)]
            self._more = groups
            if not self._is_settled:
                return
            for tenant in changed:
                await self._engine.apply(tenant, self._wanted(tenant))

    async def _follow(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await self._read():
                await asyncio.sleep(_AGAIN_S)
                self._changed.set()

    async def _read(self) -> bool:
        try:
            kept, checked, slos, alerts = await self._state.read(_kept)
        except PharosError as exc:
            _LOG.warning("rules that people keep are not known yet: %s", exc)
            self._changed.set()
            return False
        async with self._lock:
            self._kept = kept.groups
            self._checked = checked - kept.closed
            self._runs.kept = {one: found for one, found in alerts.items() if one not in kept.closed}
            self._objectives.kept = {one: found for one, found in slos.items() if one not in kept.closed}
            for tenant in {*self._others(), *self._engine.tenants()}:
                try:
                    if tenant in kept.closed and tenant != DEFAULT.tenant:
                        await self._engine.forget(tenant)
                    else:
                        await self._engine.apply(tenant, self._wanted(tenant))
                except PharosError as exc:
                    _LOG.warning("rules of %s stay as they were: %s", tenant, exc)
            try:
                if not self._is_settled:
                    await self._engine.end_forgotten(kept.closed)
                    self._is_settled = True
            except PharosError as exc:
                _LOG.warning("alerts of rules that are gone are not over yet: %s", exc)
        return True

    async def close(self) -> None:
        """Follow no more."""
        self._unwatch()
        if self._following is not None:
            self._following.cancel()
            await asyncio.gather(self._following, return_exceptions=True)


class _RunRules(Struct):
    """The rules of runs: of workflows that the settings name, and that people switch on or off."""

    interval_ms: int
    named: Sequence[str]
    """In the tenant `default`."""
    kept: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """By tenant."""

    def of(self, tenant: str) -> Iterator[RuleGroup]:
        """Yield the group of a tenant, if it has one."""
        named = self.named if tenant == DEFAULT.tenant else ()
        group = RunAlerts.of(named, self.kept.get(tenant, {})).rules(self.interval_ms)
        if group is not None:
            yield group


def _kept(
    unit: Unit,
) -> tuple[Kept, frozenset[str], dict[str, tuple[Known, ...]], dict[str, dict[str, bool]]]:
    """Return what people keep of rules, who has checks of health, objectives, and switches of runs' rules."""
    checked = frozenset(one.tenant_id for one in list_documents(unit, Defined.CHECK))
    alerts: dict[str, dict[str, bool]] = {}
    for one in list_documents(unit, Defined.RUN_ALERTS):
        alerts.setdefault(one.tenant_id, {})[one.name] = is_switched_on(one.document)
    return kept_groups(unit), checked, kept_objectives(unit), alerts


class _Finding:
    """Finds Alertmanagers: those that are written down, of files that are looked at, and of addresses."""

    def __init__(self, outside: Outside, outbound: Outbound, clock: Clock) -> None:
        self._outside = outside
        self._outbound = outbound
        self._clock = clock
        self._section = AlertingSection()
        self._watches: list[FileWatch] = []
        self._asked: list[AskedWatch] = []
        self._changing = asyncio.Lock()
        self._is_new = asyncio.Event()

    async def apply(self, section: AlertingSection) -> None:
        """Look for what a section names from now on."""
        async with self._changing:
            self._section = section
            self._watches = [FileWatch(one.file_discoveries) for one in section.alertmanagers]
            self._asked = [AskedWatch(one.http_discoveries, self._outbound) for one in section.alertmanagers]
            # Nobody waits for an address that does not answer: it is asked by `poll`.
            self._is_new.set()
            await self._look()

    async def poll(self) -> None:
        """Look at files now and then, and ask addresses."""
        while True:
            self._is_new.clear()
            section, asked = self._section, list(self._asked)
            now_s = self._clock.monotonic_s()
            changed = await asyncio.gather(*(one.refresh(now_s) for one in asked))
            if any(changed) or any(one.file_discoveries for one in section.alertmanagers):
                async with self._changing:
                    await self._look()
            await hear(self._is_new, POLL_S)

    async def _look(self) -> None:
        destinations: list[Destination] = []
        left_out: list[str] = []
        for config, watch, asked in zip(self._section.alertmanagers, self._watches, self._asked, strict=True):
            await asyncio.to_thread(watch.refresh)
            active, dropped = config.urls(
                tuple(addresses((*config.static_groups, *watch.groups, *asked.groups)))
            )
            left_out += dropped
            destinations += [
                Destination(url, config.http, config.timeout_ms, config.alert_rules) for url in active
            ]
        await self._outside.apply(destinations, left_out)


def _read(settings: Settings) -> _Read:
    """Return what the settings' files say; raises PharosError that names file and line."""
    config = ScrapeConfig()
    if settings.prometheus is not None:
        config = load_scrape_config(settings.prometheus, environment=settings.environment)
    evaluation, promql = settings.evaluation, settings.promql
    unknown = evaluation.unknown
    options = RuleOptions(
        interval_ms=evaluation.interval or config.evaluation_interval_ms,
        query_offset_ms=config.rule_query_offset_ms,
        resend_ms=evaluation.resend,
        lookback_ms=promql.lookback,
        unknown=None if unknown is None else tuple(sorted(unknown.items())),
        unknown_after_ms=evaluation.unknown_after,
        url=external_url(settings),
    )
    groups = load_files([*settings.rules, *config.rule_files])
    slos = load_objectives(settings.slos)
    own = _health_rules(settings)
    if own is not None and load_checks(settings.checks).checks:
        groups.append(own)
    return _Read((*groups, *slos.groups), slos, options, config.external_labels, config.alerting)


def _health_rules(settings: Settings) -> RuleGroup | None:
    """Return the rules that come with checks of health; None where the settings want none."""
    return health_rules(settings.evaluation.interval) if settings.health.rules else None


def _surroundings(
    parts: RulingParts, sink: AlertSink, leases: Leases, recorder: Recorder, read: _Read
) -> Surroundings:
    external, url = read.external_labels, external_url(parts.settings)
    rules = read.alerting.alert_rules

    @lru_cache(maxsize=20_000)
    def shown(labels: Labels) -> Labels | None:
        told = {**dict(external), **dict(labels)}
        kept = relabel(told, rules)
        return None if kept is None else labels_of(kept)

    def expanding(one: QueryRound, rule: AlertingRule) -> Expand:
        def ask(text: str) -> Sequence[tuple[Labels, float]]:
            return [(found.labels, found.value) for found in elements(one.ask_text(text))]

        around = Around(ask, one.at_ms, external, url)

        def expanded(text: str, found: Element) -> str:
            value = found.value if found.histogram is None else str(found.histogram)
            return expand(text, dict(found.labels), value, around, rule.name)

        return expanded

    queries = parts.queries
    return Surroundings(
        door=MetricsDoor(queries.metrics),
        recorder=recorder,
        sink=sink,
        state=parts.state,
        clock=parts.clock,
        expanding=expanding,
        options=read.options,
        shown=shown if external or rules else _as_it_is,
        external_labels=external,
        leases=leases,
        event_doors=_event_doors(queries),
    )


def past_events(queries: Queries) -> Callable[[Scope], dict[Language, EventHistory[Any, Any]]]:
    """Return what says who answers rules over lines and spans of what is stored of a scope."""

    def of(scope: Scope) -> dict[Language, EventHistory[Any, Any]]:
        return {language: EventHistory(door, scope) for language, door in _event_doors(queries).items()}

    return of


def _event_doors(queries: Queries) -> dict[Language, LogDoor | TraceDoor]:
    return {Language.LOGQL: LogDoor(queries.log_queries), Language.TRACEQL: TraceDoor(queries.traces)}


def _leases(parts: RulingParts) -> Leases:
    if parts.settings.state is None:
        return AllOurs()
    return SharedLeases(parts.state, parts.clock, f"{parts.chance.getrandbits(64):016x}")


def _shared_by_all(read: _Read) -> object:
    """Return what every group begins anew for when it changes."""
    return read.options, read.external_labels, read.alerting.alert_rules


def _as_it_is(labels: Labels) -> Labels:
    return labels
