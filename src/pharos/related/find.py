"""Every signal asked at once for what else happened where something did, each within its bounds.

A signal that fails, takes too long or may not be seen by who asks leaves the others as they are, and says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from pharos.access import Scope
from pharos.alert import ALERT_NAME, Alert
from pharos.alerting.why import labels_of, sentence
from pharos.errors import PharosError
from pharos.labels import METRIC_NAME, Labels
from pharos.query.events.ids import short_trace_id
from pharos.query.events.rows import LogLine
from pharos.query.events.trace_summaries import Summary
from pharos.query.limits import Times
from pharos.query.metrics.catalog import Window as SeriesWindow
from pharos.related.checks import RelatedCheck, checks_in
from pharos.related.metrics import Metric, metrics_of
from pharos.related.resource import BONDS, Reason, bonded, resource_of
from pharos.related.starts import VERSION_FIELD, Start, start_times_of, starts_in, versions_in
from pharos.related.subject import (
    TRACE_LABELS,
    Asked,
    Sources,
    Subject,
    SubjectKind,
    find_subject,
    trace_id_of,
)
from pharos.search.tree import And, Field, Op, Or, Origins, Place, Tree
from pharos.search.window import Window
from pharos.state import Unit, audit, timeline
from pharos.state.health import list_changes
from pharos.state.timeline import Entry, Step

T = TypeVar("T")

_MS: Final = 1_000_000
_HOUR_MS: Final = 3_600_000
_MOST_STEPS: Final = 2_000
_MOST_METRICS: Final = 1_000
_MOST_ENTRIES: Final = 200
_MOST_CHECKED: Final = 1_000
_STEPS: Final = 120
"""Versions are told apart by so many steps of the window."""
_STRETCHES: Final = 10
"""The slowest traces are those of so many parts of the window."""
_SERIOUS: Final = Or(tuple(Field("level", Op.EQUAL, one, Place.OWN) for one in ("warn", "error", "fatal")))
_FAILED: Final = Field("status", Op.EQUAL, "error", Place.OWN)
_OF_SERVICE: Final = frozenset({Reason.POD, Reason.INSTANCE, Reason.SERVICE})
_CHANGED: Final = frozenset({Step.PENDING, Step.FIRING, Step.RESOLVED, Step.UNKNOWN})
_COMINGS: Final = frozenset({"session", "token", "user", "contacts", "feed", "link", "alert"})
"""What is done to these changes nothing of how a system runs."""


class RelatedLine(Struct, frozen=True):
    """A log line, and why it is told."""

    line: LogLine
    reason: Reason


class RelatedTrace(Struct, frozen=True):
    """A trace, and why it is told."""

    trace: Summary
    reasons: tuple[Reason, ...]


class RelatedSeries(Struct, frozen=True):
    """A metric, or a series of it whose exemplar names a trace."""

    metric: Metric
    reason: Reason
    at_ms: int = 0
    """Of the exemplar; 0 without one."""
    value: float = 0.0
    trace_id: str = ""


class RelatedAlert(Struct, frozen=True):
    """An alert that changed then, or fired all the time."""

    fingerprint: str
    labels: Mapping[str, str]
    step: Step
    at_ms: int
    text: str
    reason: Reason

    @property
    def name(self) -> str:
        """What kind of alert it is."""
        return self.labels.get(ALERT_NAME, self.fingerprint)


class Part(Struct, Generic[T], frozen=True):
    """What one signal has."""

    items: tuple[T, ...] = ()
    has_more: bool = False
    failure: str = ""
    """Why it could not be read, or not all of it."""
    lacks: str = ""
    """The permission that who asks would need to see it."""


class Related(Struct, frozen=True):
    """What else happened."""

    subject: Subject
    logs: Part[RelatedLine]
    traces: Part[RelatedTrace]
    series: Part[RelatedSeries]
    alerts: Part[RelatedAlert]
    health: Part[RelatedCheck]
    starts: Part[Start]
    changes: Part[audit.Entry]


class Bounds(Struct, frozen=True):
    """How much is looked at."""

    around_ns: int = 300 * 10**9
    """So long before and behind what is asked about."""
    limit: int = 20
    """The most things of each signal."""
    time_s: float = 10.0
    """The longest that a signal may take."""


class Finder(Struct, frozen=True):
    """Finds what else happened. For one event loop."""

    sources: Sources

    async def find(self, scope: Scope, asked: Asked, bounds: Bounds) -> Related:
        """Return what else happened there, of one tenant. Raises PharosError as `find_subject`."""
        scope.alone()
        subject = await find_subject(self.sources, scope, asked, bounds.around_ns)
        search = _Search(self.sources, scope, subject, bounds.limit)
        (logs, traces, series), (alerts, health), (starts, changes) = await asyncio.gather(
            asyncio.gather(
                _part(scope, "logs.view", search.logs(), bounds.time_s),
                _part(scope, "traces.view", search.traces(), bounds.time_s),
                _part(scope, "metrics.view", search.series(), bounds.time_s),
            ),
            asyncio.gather(
                _part(scope, "alerts.view", search.alerts(), bounds.time_s),
                _part(scope, "alerts.view", search.health(), bounds.time_s),
            ),
            asyncio.gather(
                _part(scope, "metrics.view", search.starts(), bounds.time_s),
                _part(scope, "audit.view", search.changes(), bounds.time_s),
            ),
        )
        return Related(subject, logs, traces, series, alerts, health, starts, changes)


async def _part(scope: Scope, permission: str, found: Coroutine[Any, Any, Part[T]], time_s: float) -> Part[T]:
    """Return what a signal has; why not, where it fails; nothing for who may not see it."""
    if permission not in scope.permissions:
        found.close()
        return Part(lacks=permission)
    try:
        async with asyncio.timeout(time_s):
            return await found
    except PharosError as exc:
        return Part(failure=str(exc))
    except TimeoutError:
        return Part(failure=f"it took longer than {time_s:g}s")


class _Search(Struct, frozen=True):
    """The questions to each signal about one subject."""

    sources: Sources
    scope: Scope
    subject: Subject
    limit: int

    # -- logs --

    async def logs(self) -> Part[RelatedLine]:
        """Return lines of the same traces, then of the same resource, those nearest in time."""
        found: dict[tuple[int, int, str], RelatedLine] = {}
        has_more = False
        for tree, reason in await self._log_conditions():
            if len(found) >= self.limit:
                has_more = True
                break
            # One more: the line that is asked about is the nearest to itself.
            lines, more = await self.sources.logs.nearest(
                self.scope, self.subject.window, self.subject.at_ns, tree, self.limit + 1
            )
            has_more |= more
            for line in lines:
                if (line.origin.id, line.ts_ns) != (self.subject.origin, self.subject.at_ns):
                    found.setdefault((line.ts_ns, line.origin.id, line.body), RelatedLine(line, reason))
        kept = [*found.values()][: self.limit]
        return Part(tuple(kept), has_more or len(found) > self.limit)

    async def _log_conditions(self) -> list[tuple[Tree, Reason]]:
        """Return what is looked for, the closest first: of what is farther away only what is serious."""
        subject = self.subject
        ids = tuple(Field("trace_id", Op.EQUAL, one, Place.OWN) for one in subject.trace_ids)
        named: list[tuple[Tree, Reason]] = [(Or(ids), subject.by)] if ids else []
        groups: list[tuple[Tree, Reason]] = []
        if subject.resource:
            origins = await self.sources.logs.origins(self.scope, subject.window)
            groups = [(Origins(some), bond) for bond, some in bonded(subject.resource, origins)]
        serious = [(And((tree, _SERIOUS)), bond) for tree, bond in groups]
        if subject.by is Reason.EXEMPLAR:
            # Of one trace all is told; of many that exemplars name, what is serious before the rest.
            worst = [(And((tree, _SERIOUS)), reason) for tree, reason in named]
            return [*worst, *serious, *named, *groups[:1]]
        return [*named, *serious, *groups[:1]]

    # -- traces --

    async def traces(self) -> Part[RelatedTrace]:
        """Return the traces that are named, then failed and slow ones of the same resource."""
        subject, traces = self.subject, self.sources.traces
        own = () if subject.kind is SubjectKind.SPAN else subject.trace_ids
        named = {**dict.fromkeys(own, subject.by), **dict.fromkeys(subject.linked, Reason.LINK)}
        known = await traces.summaries(self.scope, [*named]) if named else {}
        found = {one: RelatedTrace(known[one], (why,)) for one, why in named.items() if one in known}
        if subject.by is Reason.EXEMPLAR:
            # They are near in time all of them: what is worth a look comes first.
            worst = sorted(found.values(), key=lambda one: (not one.trace.errors, -one.trace.duration_ns))
            found = {one.trace.trace_id: one for one in worst}
        is_full = len(found) >= self.limit
        if subject.resource and not is_full:
            origins = await traces.origins(self.scope, subject.window)
            for bond, ids in bonded(subject.resource, origins):
                notable = await self._notable(Origins(ids), bond)
                for one in notable:
                    if one.trace.trace_id not in subject.trace_ids:
                        found.setdefault(one.trace.trace_id, one)
                if notable:
                    break
        kept = [*found.values()]
        return Part(tuple(kept[: self.limit]), is_full or len(kept) > self.limit, failure=subject.unread)

    async def _notable(self, tree: Tree, bond: Reason) -> list[RelatedTrace]:
        """Return traces of which spans failed, or took longest in their part of the window; failed first."""
        scope, window, traces = self.scope, self.subject.window, self.sources.traces
        failed, _ = await traces.listed(scope, window, And((tree, _FAILED)), self.limit)
        step_ns = max((window.end_ns - window.start_ns) // _STRETCHES, 1)
        rates = await traces.rates(scope, window, tree, step_ns, ["service"])
        slowest = [*dict.fromkeys(one.slowest_trace for one in rates)]
        slow = await traces.summaries(scope, slowest) if slowest else {}
        bad = {one.trace_id for one in failed}
        every = {**slow, **{one.trace_id: one for one in failed}}

        def reasons(one: Summary) -> tuple[Reason, ...]:
            marks = ((Reason.FAILED, one.trace_id in bad), (Reason.SLOW, one.trace_id in slow))
            return (bond, *(reason for reason, is_so in marks if is_so))

        ranked = sorted(every.values(), key=lambda one: (one.trace_id not in bad, -one.duration_ns))
        return [RelatedTrace(one, reasons(one)) for one in ranked]

    # -- series --

    async def series(self) -> Part[RelatedSeries]:
        """Return series whose exemplars name the same trace, then the metrics of the same resource."""
        subject = self.subject
        found = await self._exemplars() if subject.trace_ids else []
        has_more = False
        seen = {one.metric.name for one in found} | self._own_metrics()
        for bond in BONDS:
            if len(found) >= self.limit:
                has_more = True
                break
            matchers = subject.resource.matchers(bond)
            if not matchers:
                continue
            rows = await self.sources.catalog.metrics_meeting(self._series_window(), matchers, _MOST_METRICS)
            metrics = [one for one in metrics_of(rows) if one.name not in seen]
            found += [RelatedSeries(one, bond) for one in metrics]
            seen.update(one.name for one in metrics)
            has_more |= len(rows) == _MOST_METRICS
        return Part(tuple(found[: self.limit]), has_more or len(found) > self.limit)

    def _series_window(self, limit: int = 0) -> SeriesWindow:
        window = self.subject.window
        return SeriesWindow(self.scope, window.start_ns // _MS, window.end_ns // _MS, limit=limit)

    def _own_metrics(self) -> set[str]:
        return {Metric.of_series(((METRIC_NAME, one),)).name for one in self.subject.metrics}

    async def _exemplars(self) -> list[RelatedSeries]:
        ids = self.subject.trace_ids
        spelled = [*dict.fromkeys(text for one in ids for text in (one, short_trace_id(one)))]
        rows = await self.sources.catalog.exemplars_naming(
            self._series_window(self.limit * 10), TRACE_LABELS, spelled
        )
        found: dict[Labels, RelatedSeries] = {}
        own = self._own_metrics()
        for labels, exemplar in rows:
            metric = Metric.of_series(labels)
            if metric.name in own:
                continue
            one = RelatedSeries(metric, Reason.TRACE, exemplar.ts_ms, exemplar.value, trace_id_of(exemplar))
            found.setdefault(metric.without_bucket(labels), one)
        return [*found.values()][: self.limit]

    # -- alerts --

    async def alerts(self) -> Part[RelatedAlert]:
        """Return alerts that changed in that time or fired throughout, about the same or about everything."""
        start_ms, end_ms = self.subject.window.start_ns // _MS, self.subject.window.end_ns // _MS

        def read(unit: Unit) -> tuple[Entry, ...]:
            return timeline.list_steps(
                unit, self.scope.tenant, since_ms=start_ms, until_ms=end_ms, limit=_MOST_STEPS
            )

        by_alert: dict[str, list[Entry]] = {}
        for entry in await self.sources.state.read(read):
            if entry.step in _CHANGED:
                by_alert.setdefault(entry.fingerprint, []).append(entry)
        alive = {one.fingerprint: one for one in self.sources.living(self.scope.tenant)}
        changed = [
            _changed(name, steps, labels_of(steps) or dict(alive[name].labels if name in alive else ()))
            for name, steps in by_alert.items()
        ]
        firing = [
            _firing(one)
            for name, one in alive.items()
            if name not in by_alert and one.starts_ms < end_ms and one.ends_ms > start_ms
        ]
        found = [*filter(None, map(self._told, (*changed, *firing)))]
        found.sort(
            key=lambda one: (BONDS.index(one.reason) if one.reason in BONDS else len(BONDS), one.at_ms)
        )
        return Part(tuple(found[: self.limit]), len(found) > self.limit)

    def _told(self, one: RelatedAlert) -> RelatedAlert | None:
        """Return an alert with its reason; None for one that is about something else, and for itself."""
        if one.fingerprint == self.subject.fingerprint:
            return None
        about = resource_of(one.labels.items())
        bond = self.subject.resource.bond(about)
        if bond is None and about and self.subject.resource:
            return None
        return RelatedAlert(one.fingerprint, one.labels, one.step, one.at_ms, one.text, bond or Reason.TIME)

    # -- health --

    async def health(self) -> Part[RelatedCheck]:
        """Return checks of health that changed in that time, or were down throughout."""
        subject, tenant = self.subject, self.scope.tenant
        start_ms, end_ms = subject.window.start_ns // _MS, subject.window.end_ns // _MS
        changes = await self.sources.state.read(
            lambda unit: list_changes(unit, tenant, before_ms=end_ms, limit=_MOST_CHECKED)
        )
        found = checks_in(changes, self.sources.checks(tenant), subject.resource, start_ms, end_ms)
        return Part(tuple(found[: self.limit]), len(found) > self.limit)

    # -- starts --

    async def starts(self) -> Part[Start]:
        """Return what of the same resource began in that time and the hour before, the closest first."""
        subject = self.subject
        first_ms, last_ms = self._before_ms(), subject.window.end_ns // _MS
        found: list[Start] = []
        for bond in BONDS:
            matchers = subject.resource.matchers(bond)
            if not matchers:
                continue
            query = start_times_of(matchers, last_ms - first_ms)
            told = partial(starts_in, first_ms=first_ms, last_ms=last_ms, reason=bond)
            found += await self.sources.metrics.evaluate(self.scope, query, Times(last_ms, last_ms), told)
        if "traces.view" in self.scope.permissions:
            found += await self._versions(first_ms, last_ms)
        closest: dict[tuple[object, ...], Start] = {}
        for one in sorted(found, key=lambda one: (BONDS.index(one.reason), -one.at_ms)):
            closest.setdefault((one.what, one.at_ms, one.version, *one.labels.items()), one)
        return Part(tuple(closest.values())[: self.limit], len(closest) > self.limit)

    async def _versions(self, first_ms: int, last_ms: int) -> list[Start]:
        """Return the versions of the same service that began to have spans."""
        window = Window(first_ms * _MS, last_ms * _MS)
        origins = await self.sources.traces.origins(self.scope, window)
        ids = [
            one
            for bond, some in bonded(self.subject.resource, origins)
            if bond in _OF_SERVICE
            for one in some
        ]
        if not ids:
            return []
        step_ms = max((last_ms - first_ms) // _STEPS, 1)
        rates = await self.sources.traces.rates(
            self.scope, window, Origins(tuple(ids)), step_ms * _MS, [VERSION_FIELD]
        )
        return versions_in(rates, first_ms, step_ms, self.subject.resource)

    # -- changes --

    def _before_ms(self) -> int:
        """Return from when on changes are looked for: the hour before is part of it."""
        return min(self.subject.window.start_ns // _MS, self.subject.at_ns // _MS - _HOUR_MS)

    async def changes(self) -> Part[audit.Entry]:
        """Return what people changed in that time and in the hour before, the newest first."""
        until_ms = self.subject.window.end_ns // _MS
        wanted = audit.Search(frozenset({self.scope.tenant}), since_ms=self._before_ms(), until_ms=until_ms)
        entries = await self.sources.state.read(lambda unit: audit.search(unit, wanted, limit=_MOST_ENTRIES))
        found = [one for one in entries if one.action.partition(".")[0] not in _COMINGS]
        has_more = len(found) > self.limit or len(entries) == _MOST_ENTRIES
        return Part(tuple(found[: self.limit]), has_more)


def _changed(name: str, steps: Sequence[Entry], labels: Mapping[str, str]) -> RelatedAlert:
    last = steps[-1]
    return RelatedAlert(name, labels, last.step, last.at_ms, sentence(last), Reason.TIME)


def _firing(alert: Alert) -> RelatedAlert:
    return RelatedAlert(
        alert.fingerprint, dict(alert.labels), Step.FIRING, alert.starts_ms, "it fires", Reason.TIME
    )
