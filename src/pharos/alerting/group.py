"""One tenant's alerts in their groups: by which routes, when each is told of, what holds alerts back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from pharos.alerting.alerts import Alerts, Known, in_order
from pharos.alerting.config import AlertingConfig, Receiver
from pharos.alerting.held import Held, Muter, Why
from pharos.alerting.inhibit import Inhibitor
from pharos.alerting.intervals import TimeIntervals, silenced_by
from pharos.alerting.pipeline import Seen
from pharos.alerting.route import Route
from pharos.alerting.silences import Silences
from pharos.labels import Labels
from pharos.state.silences import Silence

_EMPTY_S = 30.0
"""So long a group without alerts keeps its rhythm."""

Place = tuple[str, Labels]
"""The id of a route, and the labels that a group has in common."""


class Moment(Struct, frozen=True):
    """One time, read once, so that all that is decided at it agrees."""

    now_ms: int
    """On the wall."""
    now_s: float
    """On the monotonic clock."""
    steady_ms: int
    """As on the wall, but that nobody set it since the start: what lengths of time are counted by."""


class Group(Struct, eq=False):
    """Alerts that are told of together."""

    tenant: str
    route: Route
    labels: Labels
    key: str
    due_s: float
    """When it is told of next, on the monotonic clock."""
    alerts: dict[str, Known] = field(default_factory=dict)
    has_flushed: bool = False
    emptied_s: float = 0.0
    held: dict[str, Held] = field(default_factory=dict)
    """What held back which alerts when it was told of last."""

    @property
    def receiver(self) -> str:
        """Who is told."""
        return self.route.receiver

    @property
    def place(self) -> Place:
        """What it is called in its tenant."""
        return self.route.id, self.labels

    def put(self, known: Known, moment: Moment) -> None:
        """Take an alert in; one that began longer ago than the group waits at first is told at once."""
        self.alerts[known.alert.fingerprint] = known
        waits_until_ms = known.alert.starts_ms + self.route.group_wait_ms
        if not self.has_flushed and waits_until_ms < moment.now_ms:
            self.due_s = min(self.due_s, moment.now_s)

    def flushed(self, moment: Moment) -> None:
        """Note that it is being told of."""
        self.has_flushed = True
        self.due_s = moment.now_s + self.route.group_interval_ms / 1000

    def settle(self, over: Iterable[Known], moment: Moment) -> list[Known]:
        """Let go of alerts that are over and told, and return those that were not posted again meanwhile."""
        gone = [known for known in over if self.alerts.get(known.alert.fingerprint) is known]
        for known in gone:
            del self.alerts[known.alert.fingerprint]
            self.held.pop(known.alert.fingerprint, None)
        if not self.alerts:
            self.emptied_s = moment.now_s
        return gone


class Muting(Struct, frozen=True):
    """What holds pages back beside a tenant's own configuration."""

    silences: Silences
    others: tuple[Muter, ...] = ()


class Desk:
    """One tenant's alerts, groups and inhibitions, under its configuration."""

    def __init__(self, tenant: str, config: AlertingConfig, muting: Muting) -> None:
        self.tenant = tenant
        self.config = config
        self.alerts = Alerts()
        self.groups: dict[Place, Group] = {}
        self._muting = muting
        self._inhibitors = _inhibitors(config, ())

    def receiver_of(self, group: Group) -> Receiver:
        """Return who is told of a group."""
        return self.config.receivers[group.receiver]

    # -- taking in --

    def put(self, known: Known, moment: Moment) -> list[Group]:
        """Know an alert, and return the groups that it is in."""
        self.alerts.put(known)
        for inhibitor in self._inhibitors:
            inhibitor.put(known)
        return [self._enter(route, known, moment) for route in self.config.route.match(known.mapping)]

    def _enter(self, route: Route, known: Known, moment: Moment) -> Group:
        labels = route.group_labels(known.mapping)
        group = self.groups.get((route.id, labels))
        if group is None:
            due_s = moment.now_s + route.group_wait_ms / 1000
            group = Group(self.tenant, route, labels, route.group_key(labels), due_s)
            self.groups[group.place] = group
        group.put(known, moment)
        return group

    def places(self, labels: Mapping[str, str]) -> list[tuple[Route, Labels, str]]:
        """Return the groups, with their routes and keys, that an alert with these labels belongs to."""
        found = []
        for route in self.config.route.match(labels):
            shared = route.group_labels(labels)
            found.append((route, shared, route.group_key(shared)))
        return found

    def let_go(self, known: Known) -> bool:
        """Know an alert no more if no group has it; return whether that is so."""
        fingerprint = known.alert.fingerprint
        for route, labels, _ in self.places(known.mapping):
            group = self.groups.get((route.id, labels))
            if group is not None and fingerprint in group.alerts:
                return False
        if not self.alerts.drop(known):
            return False
        for inhibitor in self._inhibitors:
            inhibitor.drop(known)
        self._muting.silences.forget(self.tenant, fingerprint)
        return True

    def reconfigure(self, config: AlertingConfig, moment: Moment) -> None:
        """Go by another configuration from now on; groups that there are in both keep their rhythm."""
        before = self.groups
        self.config = config
        self.groups = {}
        self._inhibitors = _inhibitors(config, self.alerts)
        for known in self.alerts:
            for group in self.put(known, moment):
                old = before.get(group.place)
                if old is not None and old.key == group.key and old.receiver == group.receiver:
                    longest_s = moment.now_s + group.route.group_interval_ms / 1000
                    group.has_flushed, group.due_s = old.has_flushed, min(old.due_s, longest_s)
                    group.held = dict(old.held)

    def clear_empty(self, moment: Moment) -> None:
        """Forget groups that had no alert for a while."""
        for place, group in list(self.groups.items()):
            if not group.alerts and moment.now_s - group.emptied_s >= _EMPTY_S:
                del self.groups[place]

    # -- looking --

    def held(self, known: Known, route: Route, moment: Moment) -> Held | None:
        """Return what holds an alert back from a route's receiver; None for nothing."""
        return (
            self.inhibited(known, moment)
            or self._held_by_time(route, moment)
            or self._held_by_others(known, route.receiver, moment)
            or self._muting.silences.held(self.tenant, known, route.receiver, moment.now_ms)
        )

    def silences_of(self, known: Known) -> tuple[Silence, ...]:
        """Return the silences that match an alert, those to come too."""
        return self._muting.silences.matching(self.tenant, known)

    def inhibited(self, known: Known, moment: Moment) -> Held | None:
        """Return which alert inhibits an alert, or tells that what it depends on fails; None if none does."""
        for inhibitor in self._inhibitors:
            found = inhibitor.held(known, moment.now_s)
            if found is not None:
                return found
        return None

    def _held_by_time(self, route: Route, moment: Moment) -> Held | None:
        return time_held(route, self.config.intervals, moment.now_ms)

    def _held_by_others(self, known: Known, receiver: str, moment: Moment) -> Held | None:
        for muter in self._muting.others:
            found = muter.held(self.tenant, known.alert, receiver, moment.now_ms)
            if found is not None:
                return found
        return None

    def see(self, group: Group, moment: Moment) -> tuple[list[Known], list[Seen]]:
        """Return a group's alerts in the order of telling, and what is so of each."""
        known = in_order(group.alerts.values())
        by_time = self._held_by_time(group.route, moment)
        seen = []
        for one in known:
            is_over = one.is_over_at(moment.now_s)
            held = (
                self.inhibited(one, moment)
                or by_time
                or self._held_by_others(one, group.receiver, moment)
                or self._muting.silences.held(self.tenant, one, group.receiver, moment.now_ms)
            )
            seen.append(Seen(one.alert, is_over, held))
        return known, seen


def _inhibitors(config: AlertingConfig, alerts: Iterable[Known]) -> tuple[Inhibitor, Inhibitor]:
    known = tuple(alerts)
    return Inhibitor(config.inhibitions, known), Inhibitor(config.dependencies, known, Why.DEPENDENCY)


def time_held(route: Route, intervals: TimeIntervals, now_ms: int) -> Held | None:
    """Return by which of its times a route is silent now; None if it speaks."""
    found = silenced_by(intervals, route.active_intervals, route.mute_intervals, now_ms)
    return None if found is None else Held(Why(found[0]), found[1])


def ended(alerts: Sequence[Known], moment: Moment) -> list[Known]:
    """Return those of some alerts that are over."""
    return [known for known in alerts if known.is_over_at(moment.now_s)]
