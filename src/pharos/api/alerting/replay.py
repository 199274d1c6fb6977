"""Replays: what rules would have fired over what is stored, who would have been told, what changes change."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace
from starlette.requests import Request

from pharos.access import Scope
from pharos.alert import Alert
from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.alerting.dependencies import as_inhibitions, read_dependency
from pharos.alerting.escalate import read_policy
from pharos.alerting.group import Muting
from pharos.alerting.held import Held, Why
from pharos.alerting.maintenance import Windows, read_window
from pharos.alerting.replay import Circumstances, Episode, Page, Paged, difference, paged
from pharos.alerting.silences import Silences
from pharos.api.alerting.replay_shapes import (
    DifferenceShape,
    EpisodeShape,
    EscalatedShape,
    FiringShape,
    HeldShape,
    OutcomeShape,
    PageShape,
    ReplayBody,
    ReplayShape,
    RuleShape,
    Version,
)
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.api.prometheus.answers import rfc3339
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration
from pharos.gotext.numbers import format_g
from pharos.gotext.timestamps import parse_time_ms
from pharos.labels import Labels
from pharos.promql.evaluate import EvalOptions
from pharos.promql.source import SampleSource
from pharos.query.metrics.evaluation import Metrics
from pharos.rules.replay import Events, Past, Replayed, ReplayOptions, replay
from pharos.rules.spec import Language, RuleGroup, read_rules
from pharos.state import State, Unit
from pharos.state.documents import Defined, list_documents
from pharos.state.silences import list_silences

BODY_MAX_BYTES: Final = 2 << 20
LISTED_MAX: Final = 1_000
"""How many of each are listed; all are counted."""
_DEFAULT_LAST_MS: Final = 30 * 86_400_000
_LAST_MAX_MS: Final = 400 * 86_400_000
_WITHIN_S: Final = 60.0

T = TypeVar("T")


class MetricsHistory(Struct, frozen=True):
    """What is stored of one tenant's metrics."""

    metrics: Metrics
    scope: Scope

    async def over(self, what: str, work: Callable[[SampleSource, EvalOptions], T]) -> T:
        """Return what `work` makes of the samples. Raises what it raises, and PharosError as queries do."""
        return await self.metrics.over(self.scope, f"replay of {what}", work)


class Maintenance(Struct, frozen=True):
    """Holds pages back while it is a maintenance window's time."""

    windows: Windows

    def held(self, tenant: str, alert: Alert, receiver: str, now_ms: int) -> Held | None:
        """Return which window holds an alert back; None if none does."""
        del tenant, receiver
        found = self.windows.over(dict(alert.labels), now_ms)
        return None if found is None else Held(Why.MAINTENANCE, found.name, until_ms=found.until_ms)


class Present(Struct, frozen=True):
    """What counts of a tenant now."""

    groups: Sequence[RuleGroup]
    config: AlertingConfig
    options: ReplayOptions
    """Without the time."""


class ReplayApi(Struct, frozen=True):
    """Answers replays."""

    native: Native
    metrics: Metrics
    state: State
    clock: Clock
    present: Callable[[str], Present]
    """Returns what counts of a tenant now."""
    events: Callable[[Scope], Mapping[Language, Events]]
    """Returns who answers rules over lines and spans of a scope."""
    busy: set[str] = field(default_factory=set)
    """Tenants of which one is under way."""

    def operations(self) -> list[Operation]:
        """Return what is answered here."""
        return [
            self.native.operation(
                "POST /api/alerting/replay",
                "alerts.view",
                self.replay,
                ReplayShape,
                ReplayBody,
                BODY_MAX_BYTES,
            )
        ]

    async def replay(self, request: Request, body: ReplayBody) -> ReplayShape:
        """Run rules over what is stored, and the alerts that fire through a configuration."""
        scope = scope_of(request).alone()
        if scope.tenant in self.busy:
            raise PharosError(
                Kind.LIMITED, "a replay of this tenant is under way", hint="ask again when it is over"
            )
        self.busy.add(scope.tenant)
        try:
            return await self._replayed(scope, body)
        finally:
            self.busy.discard(scope.tenant)

    async def _replayed(self, scope: Scope, body: ReplayBody) -> ReplayShape:
        present = self.present(scope.tenant)
        options = self._options(body, present.options)
        around = await self._around(scope.tenant, body, options.start_ms)
        one = await self._outcome(scope, body, present, options, around)
        if body.compare is None:
            return _answer(options, one, None)
        other_body = replace_version(body, body.compare)
        other = await self._outcome(scope, other_body, present, options, around)
        return _answer(options, one, other)

    def _options(self, body: ReplayBody, options: ReplayOptions) -> ReplayOptions:
        end_ms = self.clock.now_ms() if body.end is None else parse_time_ms(body.end)
        if body.start is not None and body.last is not None:
            raise PharosError(Kind.INVALID, "start and last exclude each other")
        last_ms = _DEFAULT_LAST_MS if body.last is None else parse_duration(body.last)
        start_ms = end_ms - last_ms if body.start is None else parse_time_ms(body.start)
        if end_ms - start_ms > _LAST_MAX_MS:
            raise PharosError(Kind.LIMITED, f"a replay goes over {format_duration(_LAST_MAX_MS)} at most")
        step_ms = 0 if body.step is None else parse_duration(body.step)
        return replace(options, start_ms=start_ms, end_ms=end_ms, step_ms=step_ms, within_s=_WITHIN_S)

    async def _around(self, tenant: str, body: ReplayBody, start_ms: int) -> Circumstances:
        after = body.acknowledged_after

        def read(unit: Unit) -> Circumstances:
            silences = Silences()
            silences.take(list_silences(unit, tenant), start_ms)

            def defined(kind: Defined, read: Callable[[Mapping[str, Any], str], T]) -> dict[str, T]:
                kept = list_documents(unit, kind, tenant)
                return {one.name: read(one.document, one.name) for one in kept if one.document}

            windows = Maintenance(Windows(defined(Defined.MAINTENANCE, read_window)))
            return Circumstances(
                Muting(silences, (windows,)),
                defined(Defined.ESCALATION, read_policy),
                None if after is None else parse_duration(after),
                as_inhibitions(defined(Defined.DEPENDENCY, read_dependency)),
            )

        return await self.state.read(read)

    async def _outcome(
        self, scope: Scope, body: ReplayBody, present: Present, options: ReplayOptions, around: Circumstances
    ) -> Outcome:
        groups, config = await asyncio.to_thread(_read, body, present)
        past = Past(MetricsHistory(self.metrics, scope), self.events(scope))
        replayed = await replay(groups, options, past, self.clock)
        episodes = tuple(
            Episode(
                _shown(firing.labels, options.external_labels),
                firing.annotations,
                firing.from_ms,
                firing.until_ms,
            )
            for one in replayed
            for firing in one.firings
        )
        found = await asyncio.to_thread(paged, config, episodes, options.end_ms, around, scope.tenant)
        return Outcome(replayed, episodes, found)


def replace_version(body: ReplayBody, version: Version) -> ReplayBody:
    """Return the replay of another version; what that leaves out stays as it is."""
    return body.model_copy(
        update={
            "rules": body.rules if version.rules is None else version.rules,
            "alertmanager": body.alertmanager if version.alertmanager is None else version.alertmanager,
        }
    )


class Outcome(Struct, frozen=True):
    """What came of one version."""

    replayed: Sequence[Replayed]
    episodes: Sequence[Episode]
    paged: Paged


def _read(body: ReplayBody, present: Present) -> tuple[list[RuleGroup], AlertingConfig]:
    groups = list(present.groups if body.rules is None else read_rules(body.rules, "rules").groups)
    if body.group is not None:
        groups = [group for group in groups if group.name == body.group]
        if not groups:
            raise PharosError(Kind.MISSING, f"there is no group of rules called {body.group!r}")
    config = present.config
    if body.alertmanager is not None:
        config = parse_alerting(body.alertmanager, "alertmanager.yml", Path())
    return groups, config


def _shown(labels: Labels, external: Labels) -> Labels:
    """Return the labels that an alert is told of under."""
    return tuple(sorted({**dict(external), **dict(labels)}.items()))


def _answer(options: ReplayOptions, one: Outcome, other: Outcome | None) -> ReplayShape:
    return ReplayShape(
        start=rfc3339(options.start_ms),
        end=rfc3339(options.end_ms),
        outcome=_outcome_shape(one),
        compared=None if other is None else _outcome_shape(other),
        difference=None if other is None else _difference_shape(one, other),
    )


def _outcome_shape(one: Outcome) -> OutcomeShape:
    found = one.paged
    left = LISTED_MAX
    rules = []
    for rule in one.replayed:
        rules.append(_rule_shape(rule, left))
        left = max(0, left - len(rule.firings))
    return OutcomeShape(
        fired=len(one.episodes),
        pages=len(found.pages),
        pages_by_receiver=dict(sorted(Counter(page.receiver for page in found.pages).items())),
        escalated=len(found.escalated),
        untold=len(found.untold),
        rules=rules,
        sent=_pages(found.pages),
        held=[
            HeldShape(
                time=rfc3339(held.from_ms),
                receiver=held.receiver,
                labels=dict(held.labels),
                reason=held.why.value,
                source=held.source,
                alert=dict(held.by),
            )
            for held in found.held[:LISTED_MAX]
        ],
        escalations=[
            EscalatedShape(
                time=rfc3339(step.at_ms), policy=step.policy, level=step.level, labels=dict(step.labels)
            )
            for step in found.escalated[:LISTED_MAX]
        ],
    )


def _rule_shape(one: Replayed, most: int) -> RuleShape:
    return RuleShape(
        alert=one.rule.name,
        group=one.group,
        file=one.file,
        interval=format_duration(one.step_ms),
        fired=len(one.firings),
        pending=one.pending,
        faults=list(one.faults),
        firings=[
            FiringShape(
                labels=dict(firing.labels),
                annotations=dict(firing.annotations),
                value=format_g(firing.value),
                active=rfc3339(firing.active_ms),
                start=rfc3339(firing.from_ms),
                end=None if firing.until_ms is None else rfc3339(firing.until_ms),
            )
            for firing in one.firings[:most]
        ],
    )


def _pages(pages: Sequence[Page]) -> list[PageShape]:
    return [
        PageShape(
            time=rfc3339(page.at_ms),
            receiver=page.receiver,
            integration=page.integration,
            group_key=page.group_key,
            reason=page.reason.value,
            firing=[dict(labels) for labels in page.firing],
            resolved=[dict(labels) for labels in page.resolved],
        )
        for page in pages[:LISTED_MAX]
    ]


def _difference_shape(one: Outcome, other: Outcome) -> DifferenceShape:
    found = difference(one.paged, other.paged, one.episodes, other.episodes)
    return DifferenceShape(
        saved=len(found.saved),
        added=len(found.added),
        lost=len(found.lost),
        gained=len(found.gained),
        saved_pages=_pages(found.saved),
        added_pages=_pages(found.added),
        lost_alerts=_episodes(found.lost),
        gained_alerts=_episodes(found.gained),
    )


def _episodes(episodes: Sequence[Episode]) -> list[EpisodeShape]:
    return [
        EpisodeShape(
            labels=dict(one.labels),
            start=rfc3339(one.from_ms),
            end=None if one.until_ms is None else rfc3339(one.until_ms),
        )
        for one in episodes[:LISTED_MAX]
    ]
