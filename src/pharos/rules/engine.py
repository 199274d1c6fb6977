"""The running rules of all tenants, kept in step with what is configured."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import upkeep
from pharos.alert import fingerprint
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.labels import Labels
from pharos.rules.evaluate import AlertState
from pharos.rules.group import RunningGroup, Surroundings
from pharos.rules.leases import BEAT_S, Leases
from pharos.rules.ledger import alert_of
from pharos.rules.running import RunningRule, Unknown, group_key, unknown_labels
from pharos.rules.schedule import GroupLoop, Pause
from pharos.rules.spec import AlertingRule, Rule, RuleGroup
from pharos.state import Unit, rule_alerts, timeline
from pharos.state.rule_alerts import Key, Row
from pharos.state.rule_leases import Place

_LOG = logging.getLogger(__name__)


class RuleAlert(Struct, frozen=True):
    """An alert of a rule that is pending, fires, or is not known any more."""

    labels: Labels
    """Under which it is told of."""
    annotations: Labels
    state: AlertState
    unknown: Unknown
    active_ms: int
    value: float
    rule: str
    rule_group: str
    rule_file: str
    expr: str

    @property
    def fingerprint(self) -> str:
        """What it is called."""
        return fingerprint(self.labels)


class _Running(Struct):
    loop: GroupLoop
    group: RuleGroup

    @property
    def running(self) -> RunningGroup:
        return self.loop.running


def _same(one: RuleGroup, other: RuleGroup) -> bool:
    return _without_lines(one) == _without_lines(other)


def _without_lines(group: RuleGroup) -> RuleGroup:
    rules: tuple[Rule, ...] = tuple(dataclasses.replace(rule, line=0) for rule in group.rules)
    return dataclasses.replace(group, line=0, rules=rules)


class RuleEngine:
    """Evaluates groups of rules, each tenant's its own. Make, start and use it inside one event loop."""

    def __init__(self, around: Surroundings, clock: Clock, pause: Pause = asyncio.sleep) -> None:
        self._around = around
        self._clock = clock
        self._pause = pause
        self._groups: dict[str, dict[str, _Running]] = {}
        self._changing = asyncio.Lock()
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_started = False
        self._sharing: asyncio.Task[None] | None = None
        self._mirrored = -1

    @property
    def _leases(self) -> Leases:
        return self._around.leases

    @property
    def around(self) -> Surroundings:
        """What the groups that begin from now on stand on."""
        return self._around

    def surround(self, around: Surroundings) -> bool:
        """Have groups that begin from now on stand on something else; return whether it is other."""
        changed = around.options != self._around.options
        self._around = around
        return changed

    async def start(self) -> None:
        """Begin to evaluate what was configured, and end what was begun for rules that are gone."""
        self._is_started = True
        await self._share()
        await self._begin_and_end()
        if self._leases.is_shared:
            self._sharing = asyncio.create_task(self._keep_sharing(), name="sharing rules")

    async def _keep_sharing(self) -> None:
        """Evaluate what is ours, and show what is not, until cancelled."""
        while True:
            await self._pause(BEAT_S)
            await self._share()
            # A change may wait for evaluations, and signs of life do not wait for it.
            if not self._changing.locked():
                await self._begin_and_end()

    async def _share(self) -> None:
        try:
            await self._leases.share()
            await self._mirror()
        except PharosError as exc:
            _LOG.debug("who evaluates which rules is asked again: %s", exc)

    async def _begin_and_end(self) -> None:
        async with self._changing:
            for groups in self._groups.values():
                for one in groups.values():
                    await self._begin_or_end(one)

    async def _begin_or_end(self, one: _Running) -> None:
        held, place = self._leases.held, one.running.place
        if place in held and not one.loop.is_started:
            one.running.take_over(held[place])
            one.loop.start(held[place])
        elif place not in held and one.loop.is_started:
            await one.loop.stop(cancel=True)
            one.running.stand_by()

    async def _mirror(self) -> None:
        """Show how alerts stand of which others know."""
        others = [
            one.running
            for groups in self._groups.values()
            for one in groups.values()
            if one.running.place not in self._leases.held
        ]
        if not others:
            self._mirrored = -1
            return
        mirrored = self._mirrored

        def read(unit: Unit) -> tuple[int, Sequence[tuple[Key, Row]]]:
            newest = timeline.newest_number(unit)
            return newest, () if newest == mirrored else rule_alerts.of_all(unit)

        newest, rows = await self._around.state.read(read)
        if newest == mirrored:
            return
        self._mirrored = newest
        kept: dict[Place, list[tuple[Key, Row]]] = {}
        for key, row in rows:
            kept.setdefault((key.tenant_id, key.rule_group), []).append((key, row))
        for running in others:
            running.mirror(kept.get(running.place, ()))

    async def stop(self) -> None:
        """End at once. Nothing is taken for over: whoever starts next goes on where this one ended."""
        self._is_started = False
        ending = [*self._leaving, *((self._sharing,) if self._sharing is not None else ())]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        loops = [one.loop for groups in self._groups.values() for one in groups.values()]
        await asyncio.gather(*(loop.stop(cancel=True) for loop in loops))
        for loop in loops:
            loop.close()
        self._groups.clear()
        await self._leases.release()

    async def apply(self, tenant: str, groups: Iterable[RuleGroup], *, anew: bool = False) -> None:
        """Take over a tenant's groups: one that did not change goes on, rules that stay keep their alerts.

        With `anew` every group begins anew, with its alerts. Raises PharosError(INVALID) for an expression
        that is none, and changes nothing then.
        """
        async with self._changing:
            scope = upkeep(tenant)
            wanted = {group_key(group): group for group in groups}
            known = self._groups.get(tenant, {})
            changed = [
                key
                for key, group in wanted.items()
                if anew or key not in known or not _same(known[key].group, group)
            ]
            fresh = {key: RunningGroup(wanted[key], scope, self._around) for key in changed}
            gone = [key for key in known if key not in wanted or key in fresh]
            await asyncio.gather(*(known[key].loop.stop() for key in gone))
            before = {key: known.pop(key) for key in gone}
            running = self._groups.setdefault(tenant, {})
            await self._leases.want([group.place for group in fresh.values()])
            held = self._leases.held
            for group in fresh.values():
                group.take_over(held.get(group.place, 0))
            # What others evaluate is theirs to end, or to go on with.
            self._hand_over({key: one for key, one in before.items() if one.running.place in held}, fresh)
            for key, group in fresh.items():
                running[key] = _Running(GroupLoop(group, self._clock, self._leases, self._pause), wanted[key])
                if self._is_started and group.place in held:
                    running[key].loop.start()
            await self._retire(before, fresh)
            self._leases.leave([one.running.place for key, one in before.items() if key not in fresh])
            self._mirrored = -1
            if not running:
                self._groups.pop(tenant, None)

    async def forget(self, tenant: str) -> None:
        """Evaluate nothing more of a tenant that is closed. Nothing is taken for over, and nobody is told."""
        async with self._changing:
            loops = [one.loop for one in self._groups.pop(tenant, {}).values()]
            await asyncio.gather(*(loop.stop(cancel=True) for loop in loops))
            for loop in loops:
                loop.close()
            self._leases.leave([loop.running.place for loop in loops])

    def _hand_over(self, before: Mapping[str, _Running], fresh: Mapping[str, RunningGroup]) -> None:
        """Give what rules remember to those that stand in their place, in their group or in another one."""
        left = {key: {run.key: run for run in one.running.runs} for key, one in before.items()}
        for key, group in fresh.items():
            found: list[RunningRule] = []
            for run in group.runs:
                for other in (key, *left):
                    if run.key in left.get(other, {}):
                        found.append(left[other].pop(run.key))
                        if other != key:
                            before[other].running.ledger.move(found[-1], group.ledger, self._clock.now_ms())
                        if group.place not in self._leases.held:
                            before[other].running.ledger.take_over(group.ledger)
                        break
            group.adopt(found, remembers=key in before)
            if key in before:
                group.ledger.take_over(before[key].running.ledger)
        for key, runs in left.items():
            if key in fresh:
                fresh[key].leave({labels for run in runs.values() for labels in run.state.written})
            before[key].running.runs = list(runs.values())

    async def _retire(self, before: Mapping[str, _Running], fresh: Mapping[str, RunningGroup]) -> None:
        for key, one in before.items():
            if key not in fresh:
                one.loop.close()
            if one.running.place not in self._leases.held:
                continue
            runs = one.running.runs
            await one.running.retire(runs, self._clock.now_ms())
            written = {labels for run in runs for labels in run.state.written}
            if written and key not in fresh:
                task = asyncio.create_task(self._end_series(one.running, written), name=f"end {key}")
                self._leaving.add(task)
                task.add_done_callback(self._leaving.discard)

    async def _end_series(self, group: RunningGroup, written: set[Labels]) -> None:
        """Mark the series of a group that is gone as ended, in two intervals: others may write them now."""
        await self._pause(2 * group.interval_ms / 1000)
        running = self._groups.get(group.scope.tenant, {}).values()
        now = {labels for one in running for run in one.running.runs for labels in run.state.written}
        await group.end_series(written - now)

    async def end_forgotten(self, closed: frozenset[str] = frozenset()) -> None:
        """Take alerts for over whose rules went while nothing ran, and tell so; not of closed tenants.

        Raises PharosError(UNAVAILABLE) when it cannot be known which those are.
        """
        rows = await self._around.state.read(rule_alerts.of_all)
        forgotten: dict[tuple[str, str], list[Any]] = {}
        for key, row in rows:
            is_gone = key.rule_group not in self._groups.get(key.tenant_id, {})
            if is_gone and key.tenant_id not in closed:
                forgotten.setdefault((key.tenant_id, key.rule_group), []).append((key, row))
        await self._leases.want(forgotten)
        await self._leases.share()
        for (tenant, name), found in forgotten.items():
            if (tenant, name) not in self._leases.held:
                continue
            file, _, group = name.rpartition(";")
            running = RunningGroup(RuleGroup(group, file=file), upkeep(tenant), self._around)
            run = RunningRule(AlertingRule("", ""), "")
            alerts = [alert_of(row) for _, row in found]
            run.state = replace(run.state, alerts={alert.labels: alert for alert in alerts})
            await running.retire([run], self._clock.now_ms())
            running.ledger.forget_keys(key for key, _ in found)
            await running.write_down()
            running.close()
        self._leases.leave(forgotten)

    # -- what runs --

    def groups(self, tenant: str) -> list[RunningGroup]:
        """Return a tenant's groups, by file and name."""
        found = [one.running for one in self._groups.get(tenant, {}).values()]
        return sorted(found, key=lambda one: (one.group.file, one.group.name))

    def tenants(self) -> list[str]:
        """Return the tenants that have rules."""
        return sorted(self._groups)

    def alerts(self, tenant: str) -> list[RuleAlert]:
        """Return a tenant's alerts that are pending, fire, or are not known any more; and unknown rules."""
        shown = self._around.shown
        found: list[RuleAlert] = []
        for group in self.groups(tenant):
            for run in group.runs:
                found += _alerts(group.group, run, shown)
        return found


def _alerts(
    group: RuleGroup, run: RunningRule, shown: Callable[[Labels], Labels | None]
) -> Sequence[RuleAlert]:
    place = (run.rule.name, group.name, group.file, run.rule.expr)
    found = [
        RuleAlert(
            shown(alert.labels) or alert.labels,
            alert.annotations,
            alert.state,
            run.unknown,
            alert.active_ms,
            alert.value,
            *place,
        )
        for alert in (*run.state.alerts.values(), *run.told.alerts.values())
        if alert.state is not AlertState.INACTIVE
    ]
    if run.unknown is not Unknown.NOT and not run.told.alerts:
        labels = tuple(sorted(unknown_labels(group, run).items()))
        state = AlertState.PENDING
        found.append(RuleAlert(labels, (), state, run.unknown, run.last_ms, 1.0, *place))
    return found
