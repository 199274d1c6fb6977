"""Who would have been told of alerts that fired, by a configuration: its groups and decisions in quick time.

Alerts come as what a replay of rules found: since when and until when they fired. Groups wait and repeat,
times, inhibitions, silences and windows hold back, exactly as `dispatch` has it; each receiver takes its
messages at once, and nobody acknowledges, or everybody after a while.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alert import Alert, fingerprint
from pharos.alerting.alerts import Known
from pharos.alerting.config import AlertingConfig, Inhibition, Integration
from pharos.alerting.escalate import Policy
from pharos.alerting.flush import integration_name
from pharos.alerting.group import Desk, Group, Moment, Muting
from pharos.alerting.held import Held, Why
from pharos.alerting.pipeline import Act, Before, Reason, Seen, Terms, decide
from pharos.alerting.replay_escalations import Escalated, Event, What, escalated
from pharos.alerting.silences import Silences
from pharos.errors import Kind, PharosError
from pharos.labels import Labels

FLUSHES_MAX: Final = 100_000
"""How often groups may be looked at in one replay."""
TOLERANCE_MS: Final = 3_600_000
"""Pages of two configurations are one page if no more lies between them."""


class Episode(Struct, frozen=True):
    """An alert that fired."""

    labels: Labels
    annotations: Labels
    from_ms: int
    until_ms: int | None
    """None for what fires still at the end."""


class Page(Struct, frozen=True):
    """A message that would have been sent."""

    at_ms: int
    receiver: str
    integration: str
    group_key: str
    reason: Reason
    firing: tuple[Labels, ...]
    """The alerts that it tells of."""
    resolved: tuple[Labels, ...]


class HeldBack(Struct, frozen=True):
    """An alert of which a receiver would not have been told for a while."""

    receiver: str
    labels: Labels
    why: Why
    source: str
    from_ms: int
    """When it was held back first."""
    by: Labels = ()
    """The labels of the alert that holds it back, where one does."""


class Paged(Struct, frozen=True):
    """What a configuration would have done."""

    pages: tuple[Page, ...] = ()
    held: tuple[HeldBack, ...] = ()
    escalated: tuple[Escalated, ...] = ()
    untold: tuple[Episode, ...] = ()
    """Alerts that nobody would have been told of."""


class Circumstances(Struct, frozen=True):
    """What counts beside the configuration."""

    muting: Muting = field(default_factory=lambda: Muting(Silences()))
    policies: Mapping[str, Policy] = field(default_factory=dict)
    """Of escalation, by name."""
    acknowledged_after_ms: int | None = None
    """When somebody reacts to an alert's first page; None: nobody does."""
    inhibitions: tuple[Inhibition, ...] = ()
    """Beside those of the configuration: dependencies."""
    flushes_max: int = FLUSHES_MAX


def paged(
    config: AlertingConfig,
    episodes: Sequence[Episode],
    end_ms: int,
    around: Circumstances | None = None,
    tenant: str = "",
) -> Paged:
    """Return who would have been told of these alerts until the end.

    Raises PharosError(LIMITED) when there are too many groups for so long a time.
    """
    run = _Run(config, around or Circumstances(), end_ms, tenant)
    run.play(episodes)
    first = run.first_told(episodes)
    return Paged(
        tuple(run.pages),
        tuple(run.held.values()),
        tuple(escalated(run.around.policies, run.events_with(first), end_ms)),
        tuple(one for one, told_ms in first if told_ms is None),
    )


class _Run:
    def __init__(self, config: AlertingConfig, around: Circumstances, end_ms: int, tenant: str) -> None:
        self.around = around
        self.end_ms = end_ms
        config = replace(config, inhibitions=(*config.inhibitions, *around.inhibitions))
        self.desk = Desk(tenant, config, around.muting)
        self.pages: list[Page] = []
        self.held: dict[tuple[str, str, Why, str], HeldBack] = {}
        self._told: dict[tuple[str, str], Before] = {}
        self._first: dict[tuple[str, str], list[int]] = {}
        self._flushes = 0
        self._events: dict[str, list[Event]] = {}
        """What escalations answer, by group."""

    def play(self, episodes: Sequence[Episode]) -> None:
        """Let time pass from one event to the next."""
        number = count()
        due: list[tuple[float, int, Episode | Group]] = [
            (one.from_ms / 1000, next(number), one) for one in episodes
        ]
        heapq.heapify(due)
        while due and due[0][0] * 1000 <= self.end_ms:
            at_s, _, event = heapq.heappop(due)
            moment = Moment(round(at_s * 1000), at_s, round(at_s * 1000))
            if isinstance(event, Group):
                if event.due_s == at_s and self.desk.groups.get(event.place) is event:
                    self._flush(event, moment)
                    heapq.heappush(due, (event.due_s, next(number), event))
                continue
            self.desk.clear_empty(moment)
            for group in self.desk.put(_known(event), moment):
                heapq.heappush(due, (group.due_s, next(number), group))

    def _flush(self, group: Group, moment: Moment) -> None:
        self._flushes += 1
        if self._flushes > self.around.flushes_max:
            raise PharosError(
                Kind.LIMITED,
                f"groups would be looked at more than {self.around.flushes_max:,} times",
                hint="take a shorter window or fewer rules",
            )
        group.flushed(moment)
        if not group.alerts:
            self.desk.clear_empty(moment)
            return
        known, seen = self.desk.see(group, moment)
        for one in seen:
            self._note(group, one, What.RELEASED if one.held is None else What.HELD, moment)
            if one.held is not None:
                key = (group.receiver, one.fingerprint, one.held.why, one.held.source)
                self.held.setdefault(key, _held_back(group, one.alert, one.held, moment))
        for integration in self.desk.receiver_of(group).integrations:
            self._tell(group, integration, seen, moment)
        over = [one for one, what in zip(known, seen, strict=True) if what.is_resolved]
        for gone in group.settle(over, moment):
            self.desk.let_go(gone)
        if not group.alerts:
            self._told = {key: told for key, told in self._told.items() if key[0] != group.key}

    def _tell(self, group: Group, integration: Integration, seen: Sequence[Seen], moment: Moment) -> None:
        name = integration_name(integration)
        key = (group.key, f"{group.receiver}/{name}")
        # A running server is late by a little at each flush: so many intervals are longer than the repeat's.
        repeat_ms = group.route.repeat_interval_ms - 1
        terms = Terms(integration.send_resolved, repeat_ms, 0)
        acknowledged = self._acknowledged(seen, moment)
        verdict = decide(seen, self._told.get(key, Before()), terms, moment.now_ms, acknowledged)
        if verdict.act not in {Act.TELL, Act.NOTE}:
            return
        self._told[key] = Before(verdict.marks, moment.now_ms)
        if verdict.act is Act.NOTE or verdict.reason is None:
            return
        firing = tuple(one.alert.labels for one in verdict.told if not one.is_resolved)
        for one in verdict.told:
            if not one.is_resolved:
                self._note(group, one, What.TOLD, moment)
                times = self._first.setdefault((group.receiver, one.fingerprint), [])
                times.append(moment.now_ms)
        resolved = tuple(one.alert.labels for one in verdict.told if one.is_resolved)
        self.pages.append(
            Page(moment.now_ms, group.receiver, name, group.key, verdict.reason, firing, resolved)
        )

    def _acknowledged(self, seen: Sequence[Seen], moment: Moment) -> dict[str, Held]:
        after_ms = self.around.acknowledged_after_ms
        if after_ms is None:
            return {}
        found = {}
        for one in seen:
            times = [
                at_ms
                for (_, name), some in self._first.items()
                if name == one.fingerprint
                for at_ms in some
                if at_ms >= one.alert.starts_ms
            ]
            if times and moment.now_ms >= min(times) + after_ms:
                found[one.fingerprint] = Held(Why.ACKNOWLEDGED, "")
        return found

    def _note(self, group: Group, one: Seen, what: What, moment: Moment) -> None:
        if self.around.policies:
            event = Event(moment.now_ms, what, one.fingerprint, one.alert.labels)
            self._events.setdefault(group.key, []).append(event)

    def events_with(self, first: Iterable[tuple[Episode, int | None]]) -> dict[str, list[Event]]:
        """Return what escalations answer, by group, with the ends and acknowledgements of alerts."""
        beside: dict[str, list[Event]] = {}
        for one, told_ms in first if self._events else ():
            name, after_ms = fingerprint(one.labels), self.around.acknowledged_after_ms
            ends_ms = math.inf if one.until_ms is None else one.until_ms
            if one.until_ms is not None:
                beside.setdefault(name, []).append(Event(one.until_ms, What.RESOLVED, name))
            if told_ms is not None and after_ms is not None and told_ms + after_ms <= ends_ms:
                beside.setdefault(name, []).append(Event(told_ms + after_ms, What.ACKNOWLEDGED, name))
        return {
            key: [
                *some,
                *(more for name in {one.fingerprint for one in some} for more in beside.get(name, ())),
            ]
            for key, some in self._events.items()
        }

    def first_told(self, episodes: Iterable[Episode]) -> list[tuple[Episode, int | None]]:
        """Return when somebody was told of each alert first; None where nobody was."""
        by_alert: dict[str, list[int]] = {}
        for (_, name), times in self._first.items():
            by_alert.setdefault(name, []).extend(times)
        found: list[tuple[Episode, int | None]] = []
        for one in episodes:
            until_ms = self.end_ms if one.until_ms is None else one.until_ms
            times = by_alert.get(fingerprint(one.labels), [])
            found.append((one, min((at for at in times if one.from_ms <= at <= until_ms), default=None)))
        return found


def _known(episode: Episode) -> Known:
    until_ms = episode.until_ms
    alert = Alert(
        episode.labels, episode.annotations, episode.from_ms, until_ms or 0, updated_ms=episode.from_ms
    )
    return Known(alert, math.inf if until_ms is None else until_ms / 1000, episode.from_ms)


def _held_back(group: Group, alert: Alert, held: Held, moment: Moment) -> HeldBack:
    return HeldBack(group.receiver, alert.labels, held.why, held.source, moment.now_ms, held.alert)


# -- two configurations --


class Difference(Struct, frozen=True):
    """What another configuration would have changed."""

    saved: tuple[Page, ...]
    """Pages that would not have been sent any more."""
    added: tuple[Page, ...]
    """Pages that would have been sent besides."""
    lost: tuple[Episode, ...]
    """Alerts of which somebody was told, and now nobody is."""
    gained: tuple[Episode, ...]
    """Alerts of which nobody was told, and now somebody is."""


def difference(before: Paged, after: Paged, fired: Sequence[Episode], fires: Sequence[Episode]) -> Difference:
    """Return what changes from `before`, where `fired` fired, to `after`, where `fires` fire."""
    saved, added = _unpaired(before.pages, after.pages)
    return Difference(
        tuple(saved),
        tuple(added),
        tuple(_told_only_here(before, fired, after, fires)),
        tuple(_told_only_here(after, fires, before, fired)),
    )


def _unpaired(before: Iterable[Page], after: Iterable[Page]) -> tuple[list[Page], list[Page]]:
    """Return the pages of each that the other has none for: to the same receiver, of the same alerts."""
    left: dict[tuple[object, ...], list[Page]] = {}
    for page in after:
        left.setdefault(_about(page), []).append(page)
    saved = []
    for page in before:
        same = left.get(_about(page), [])
        near = [one for one in same if abs(one.at_ms - page.at_ms) <= TOLERANCE_MS]
        if near:
            same.remove(min(near, key=lambda one: abs(one.at_ms - page.at_ms)))
        else:
            saved.append(page)
    added = [page for pages in left.values() for page in pages]
    return saved, sorted(added, key=lambda page: page.at_ms)


def _about(page: Page) -> tuple[object, ...]:
    return page.receiver, page.integration, frozenset(page.firing), frozenset(page.resolved)


def _told_only_here(
    here: Paged, fired: Sequence[Episode], there: Paged, fires: Sequence[Episode]
) -> Iterator[Episode]:
    untold_here, untold_there = set(here.untold), set(there.untold)
    told_there: dict[Labels, list[Episode]] = {}
    for one in fires:
        if one not in untold_there:
            told_there.setdefault(one.labels, []).append(one)
    for one in fired:
        if one not in untold_here and not any(
            _overlap(one, other) for other in told_there.get(one.labels, ())
        ):
            yield one


def _overlap(one: Episode, other: Episode) -> bool:
    ends = [math.inf if each.until_ms is None else each.until_ms for each in (one, other)]
    return one.from_ms <= ends[1] and other.from_ms <= ends[0]
