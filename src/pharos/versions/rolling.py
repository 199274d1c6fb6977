"""All tenants' rollouts, judged again and again as requests come in.

A run is kept in people's state, and changes there alone; what was seen of its stage is read out of the store
again after a start. So a process that is killed goes on where it was. That a stage passed or a run failed is
an alert like any other: it is routed, escalated, and answered by actions.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Scope, upkeep
from pharos.alert import Alert
from pharos.alerting.provision import Said, Sections, take_over
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.judgement.canary import Judge, Tick, Verdict
from pharos.labels import labels_of
from pharos.state import PHAROS, State, Unit, Writing, documents
from pharos.state.documents import Defined, Version
from pharos.versions.readings import TICK_MS, Requests
from pharos.versions.rollout import (
    Gate,
    GateSeen,
    Phase,
    Rollout,
    Run,
    Seen,
    abort_run,
    begin_run,
    is_judged,
    judge_stage,
    read_rollout,
    read_run,
    run_document,
)
from pharos.works import hear

_LOG = logging.getLogger(__name__)

SECTIONS: Final[Sections] = {"rollouts": (Defined.ROLLOUT, read_rollout)}
FAILED: Final = "RolloutFailed"
PASSED: Final = "RolloutPassed"
STAGE_PASSED: Final = "RolloutStagePassed"
_LAG_MS: Final = 1_000
"""What was accepted is found after half a second."""
_OPEN_TICKS: Final = 6
"""Of so many newest ticks requests may still come in: senders hold spans back for some seconds."""
_TICKS_AT_ONCE: Final = 2_000
_RESEND_MS: Final = 60_000
_LASTS_MS: Final = 4 * _RESEND_MS
"""An alert that is not sent again ends by itself."""
_TOLD_MS: Final = 300_000
"""So long an alert lasts that something passed."""
_FAILED_MS: Final = 86_400_000
_ANSWER_MOST: Final = 300
Key = tuple[str, str]


class Reads(Protocol):
    """Who reads what versions did."""

    async def ticks(
        self, scope: Scope, of: Requests, group: str, start_ms: int, first: int, until: int
    ) -> dict[int, Tick]:
        """Return what a version did in the ticks from `first` on, `until` not among them, by number."""
        ...

    async def holds(self, scope: Scope, query: str, group: str, at_ms: int) -> tuple[bool, str]:
        """Return whether a query gives a value, and the first ones in words."""
        ...


Take = Callable[[Scope, Sequence[Alert]], Awaitable[None]]
"""Takes alerts durably; raises PharosError(UNAVAILABLE)."""


class Kept(Struct, frozen=True):
    """A rollout with its newest run, as they are in the state."""

    tenant: str
    name: str
    rollout: Rollout
    version: Version
    run: Run | None = None
    run_version: int = 0


class _Watch(Struct):
    """What is known of a stage by requests of which none is expected to come any more."""

    stage: tuple[int, int, int]
    judge: Judge
    settled: int = 0
    """The first tick that is not among them."""


@dataclass(slots=True)
class Rollouts:
    """Judges runs, and tells what becomes of them."""

    state: State
    readings: Reads
    take: Take
    clock: Clock
    url: str = ""
    said: Said | None = None
    """What files say that the state does not know yet."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    seen: dict[Key, Seen] = field(default_factory=dict)
    """What was seen last of each run that goes on."""
    _watches: dict[Key, _Watch] = field(default_factory=dict, init=False)
    _told: dict[Key, tuple[Alert, int]] = field(default_factory=dict, init=False)
    """Alerts that last, by tenant and fingerprint, and when they were sent."""

    async def keep(self) -> None:
        """Judge until cancelled; while the state is away it waits."""
        while True:
            self.changed.clear()
            try:
                await self.round()
            except PharosError as exc:
                _LOG.warning("rollouts are looked at again in some seconds: %s", exc)
            now_ms = self.clock.now_ms()
            await hear(self.changed, (TICK_MS - (now_ms - _LAG_MS) % TICK_MS) / 1000)

    async def round(self) -> None:
        """Look at all once. Raises PharosError(UNAVAILABLE)."""
        if self.said is not None:
            said, self.said = self.said, None
            try:
                await self.state.write(lambda unit: take_over(unit, said, SECTIONS), PHAROS)
            except PharosError as exc:
                if exc.kind is Kind.UNAVAILABLE:
                    self.said = said
                raise
        known = await self.state.read(list_kept)
        places = {(one.tenant, one.name) for one in known}
        for gone in [place for place in self._watches if place not in places]:
            self._forget(gone)
        alerts: list[tuple[str, Alert]] = []
        for one in known:
            try:
                alerts += await self._look(one)
            except PharosError as exc:
                if exc.kind is Kind.UNAVAILABLE:
                    raise
                _LOG.warning("the rollout %s of the tenant %s: %s", one.name, one.tenant, exc)
        await self._tell(alerts)

    def _forget(self, place: Key) -> None:
        self._watches.pop(place, None)
        self.seen.pop(place, None)

    async def _look(self, one: Kept) -> list[tuple[str, Alert]]:
        """Judge one, keep what becomes of it, and return the alerts that there are."""
        if _is_superseded(one):
            one = await self._begin(one)
        run = one.run
        if run is None:
            return []
        if run.is_on:
            seen = await self._see(one, run)
            self.seen[one.tenant, one.name] = seen
            after = judge_stage(one.rollout, run, seen)
            if after is not run:
                one = await self._keep(one, after)
                run = after
        if not run.is_on:
            self._watches.pop((one.tenant, one.name), None)
        return [(one.tenant, alert) for alert in alerts_of(one, run, self.clock.now_ms(), self.url)]

    async def _begin(self, one: Kept) -> Kept:
        """Begin a run of the versions that the rollout names; one that goes on ends."""
        now_ms = self.clock.now_ms()
        if one.run is not None and one.run.is_on:
            ended = abort_run(one.rollout, one.run, now_ms, "another version came")
            one = await self._keep(one, ended)
        return await self._keep(one, begin_run(one.rollout, one.version.version, one.run, ("", ""), now_ms))

    async def _keep(self, one: Kept, run: Run) -> Kept:
        def write(unit: Writing) -> Version:
            return keep_run(unit, one, run)

        version = await self.state.write(write, PHAROS)
        return replace(one, run=run, run_version=version.version)

    # -- what is seen --

    async def _see(self, one: Kept, run: Run) -> Seen:
        now_ms = self.clock.now_ms()
        weight = run.weight(one.rollout)
        gates = [await self._gate(one.tenant, gate, run) for gate in one.rollout.gates_at(weight)]
        if not is_judged(weight):
            return Seen(now_ms, None, None, tuple(gates))
        verdicts = await self._verdicts(one, run, now_ms)
        return Seen(now_ms, *verdicts, tuple(gates))

    async def _verdicts(self, one: Kept, run: Run, now_ms: int) -> tuple[Verdict, Verdict]:
        """Return what is known by the newest requests, and by those that have all come in."""
        place, stage = (one.tenant, one.name), (run.number, run.stage, run.stage_ms)
        watch = self._watches.get(place)
        if watch is None or watch.stage != stage:
            watch = self._watches[place] = _Watch(stage, Judge(one.rollout.alpha))
        start_ms = -(-run.stage_ms // TICK_MS) * TICK_MS
        until = max((now_ms - _LAG_MS - start_ms) // TICK_MS, 0)
        settled = max(until - _OPEN_TICKS, watch.settled)
        while watch.settled < settled:
            piece = min(settled, watch.settled + _TICKS_AT_ONCE)
            groups = await self._ticks(one, run, start_ms, watch.settled, piece)
            await asyncio.to_thread(_add, watch.judge, groups, watch.settled, piece)
            watch.settled = piece
        groups = await self._ticks(one, run, start_ms, settled, until)
        newest = await asyncio.to_thread(_added, watch.judge, groups, settled, until)
        return newest, watch.judge.verdict()

    async def _ticks(
        self, one: Kept, run: Run, start_ms: int, first: int, until: int
    ) -> tuple[Mapping[int, Tick], Mapping[int, Tick]]:
        of, scope = one.rollout.found_by, upkeep(one.tenant)
        baseline, canary = await asyncio.gather(
            *(
                self.readings.ticks(scope, of, group, start_ms, first, until)
                for group in (run.baseline, run.canary)
            )
        )
        return baseline, canary

    async def _gate(self, tenant: str, gate: Gate, run: Run) -> GateSeen:
        try:
            holds, told = await self.readings.holds(
                upkeep(tenant), gate.query, run.canary, self.clock.now_ms()
            )
        except PharosError as exc:
            return GateSeen(gate.name, holds=False, answer=str(exc)[:_ANSWER_MOST])
        return GateSeen(gate.name, holds=holds, answer=told[:_ANSWER_MOST])

    # -- who is told --

    async def _tell(self, alerts: Sequence[tuple[str, Alert]]) -> None:
        """Send alerts that are new or have to be said again, and the ends of those that are over."""
        now_ms = self.clock.now_ms()
        here = {(tenant, alert.fingerprint): alert for tenant, alert in alerts}
        for place, alert in here.items():
            if _has_to_be_said(alert, self._told.get(place), now_ms):
                await self.take(upkeep(place[0]), [alert])
                self._told[place] = (alert, now_ms)
        for place in [place for place in self._told if place not in here]:
            alert, _ = self._told[place]
            if alert.ends_ms > now_ms:
                await self.take(
                    upkeep(place[0]), [dataclasses.replace(alert, ends_ms=now_ms, updated_ms=now_ms)]
                )
            del self._told[place]


def list_kept(unit: Unit, tenant: str | None = None) -> list[Kept]:
    """Return rollouts with their newest runs, of a tenant or of all; those that cannot be read are logged."""
    runs = {
        (one.tenant_id, one.name): one for one in documents.list_documents(unit, Defined.ROLLOUT_RUN, tenant)
    }
    found = []
    for version in documents.list_documents(unit, Defined.ROLLOUT, tenant):
        kept = runs.get((version.tenant_id, version.name))
        try:
            found.append(_kept(version, kept))
        except PharosError as exc:
            _LOG.error("the tenant %s has a rollout that cannot be read: %s", version.tenant_id, exc)
    return found


def find_kept(unit: Unit, tenant: str, name: str) -> Kept:
    """Return one rollout with its newest run. Raises PharosError(MISSING)."""
    version = documents.get_document(unit, tenant, Defined.ROLLOUT, name)
    return _kept(version, documents.find_document(unit, tenant, Defined.ROLLOUT_RUN, name))


def _kept(version: Version, kept: Version | None) -> Kept:
    rollout = read_rollout(version.document or {}, version.name)
    run = None if kept is None or kept.document is None else read_run(kept.document)
    return Kept(version.tenant_id, version.name, rollout, version, run, 0 if kept is None else kept.version)


def keep_run(unit: Writing, one: Kept, run: Run) -> Version:
    """Keep a run in the place of the one that is known. Raises PharosError where another one is there."""
    kind, expected = Defined.ROLLOUT_RUN, one.run_version
    before = documents.find_document(unit, one.tenant, kind, one.name)
    if (0 if before is None else before.version) != expected:
        raise PharosError(
            Kind.CONFLICT, f"the run of the rollout {one.name!r} changed meanwhile", hint="look again"
        )
    return documents.put_document(unit, one.tenant, kind, one.name, run_document(run))


def drop_rollout(unit: Writing, tenant: str, name: str) -> None:
    """Take a rollout away with its run; their versions stay. Raises PharosError(MISSING)."""
    documents.drop_document(unit, tenant, Defined.ROLLOUT, name)
    if documents.find_document(unit, tenant, Defined.ROLLOUT_RUN, name) is not None:
        documents.drop_document(unit, tenant, Defined.ROLLOUT_RUN, name)


def _is_superseded(one: Kept) -> bool:
    """Return whether a run begins because the rollout names another new version than before."""
    rollout, run = one.rollout, one.run
    if not rollout.canary or not rollout.baseline:
        return False
    return run is None or (one.version.version != run.version and run.canary != rollout.canary)


def _add(judge: Judge, groups: tuple[Mapping[int, Tick], Mapping[int, Tick]], first: int, until: int) -> None:
    nothing = Tick()
    baseline, canary = groups
    for number in range(first, until):
        judge.add(number, canary.get(number, nothing), baseline.get(number, nothing))


def _added(
    judge: Judge, groups: tuple[Mapping[int, Tick], Mapping[int, Tick]], first: int, until: int
) -> Verdict:
    """Return the verdict with some more ticks, which the judge itself does not take in."""
    newest = deepcopy(judge)
    _add(newest, groups, first, until)
    return newest.verdict()


# -- alerts --


def _has_to_be_said(alert: Alert, before: tuple[Alert, int] | None, now_ms: int) -> bool:
    """Return whether an alert is new, or would end by itself although it lasts."""
    if before is None:
        return True
    is_old = now_ms - before[1] >= _RESEND_MS or now_ms < before[1]
    return is_old and alert.ends_ms != before[0].ends_ms


class _News(Struct, frozen=True):
    """What there is to tell of a run."""

    name: str
    starts_ms: int
    ends_ms: int
    weight: int
    severity: str = "info"


def alerts_of(one: Kept, run: Run, now_ms: int, url: str = "") -> list[Alert]:
    """Return the alerts that there are of a run: it failed, or something of it passed lately."""
    return [_alert(one, run, news, now_ms, url) for news in _news(one.rollout, run, now_ms)]


def _news(rollout: Rollout, run: Run, now_ms: int) -> Iterator[_News]:
    last = rollout.stages[-1]
    if run.phase is Phase.FAILED and not run.is_closed and now_ms - run.ended_ms < _FAILED_MS:
        yield _News(FAILED, run.ended_ms, now_ms + _LASTS_MS, run.weight(rollout), rollout.severity)
    for end in run.ends:
        if end.outcome == "pass" and end.weight != last and now_ms - end.ended_ms < _TOLD_MS:
            yield _News(STAGE_PASSED, end.ended_ms, end.ended_ms + _TOLD_MS, end.weight)
    if run.phase is Phase.PASSED and now_ms - run.ended_ms < _TOLD_MS:
        yield _News(PASSED, run.ended_ms, run.ended_ms + _TOLD_MS, last)


def _alert(one: Kept, run: Run, news: _News, now_ms: int, url: str) -> Alert:
    rollout, weight = one.rollout, news.weight
    labels = {
        **rollout.labels,
        "alertname": news.name,
        "rollout": one.name,
        "baseline": run.baseline,
        "canary": run.canary,
        "run": str(run.number),
        "stage": str(weight),
        "severity": news.severity,
    }
    if news.name == STAGE_PASSED:
        labels["next"] = str(min((stage for stage in rollout.stages if stage > weight), default=weight))
    summaries = {
        FAILED: f"{one.name}: {run.canary} failed at {weight} %: {run.reason}.",
        STAGE_PASSED: f"{one.name}: {run.canary} passed at {weight} %.",
        PASSED: f"{one.name}: {run.canary} passed all stages.",
    }
    notes = {**rollout.annotations, "summary": summaries[news.name]}
    if news.name == FAILED and run.ends:
        notes["evidence"] = run.ends[-1].evidence
    where = f"{url}/versions?{urlencode({'rollout': one.name})}" if url else ""
    return Alert(labels_of(labels), labels_of(notes), news.starts_ms, news.ends_ms, now_ms, where)
