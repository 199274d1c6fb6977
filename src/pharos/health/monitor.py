"""Makes all checks on time, on the one loop, and knows how they stand."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from random import Random
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.alerting.maintenance import Maintained, Windows
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.health.check import Component, HeartbeatCheck
from pharos.health.components import ComponentHealth, Looked, component_health
from pharos.health.days import Day
from pharos.health.heartbeat import Ping, Told, heard, read_beats, verdict
from pharos.health.ledger import Ledger, place_of, scope_of_tenant
from pharos.health.looking import Outcome, read_outcome
from pharos.health.looks import Looks
from pharos.health.schedule import Schedule
from pharos.health.series import Series
from pharos.health.standing import Standing, State, after, read_standing
from pharos.health.watched import Declaration, Key, Wanted, Watched
from pharos.state.health import ChangeRow, DayRow, StateRow, states_after
from pharos.telemetry import HEALTH_CHECKS, HEALTH_LOOKS, HEALTH_MISSED
from pharos.works import hear

_LOG = logging.getLogger(__name__)

_FLUSH_S: Final = 1.0
_KEEP_S: Final = 60.0
_IDLE_S: Final = 60.0
_SOON_S: Final = 0.5
_AGAIN_S: Final = 1.0
_DOUBT_MS: Final = 60_000
"""So long it is awaited that what a check depends on is looked at."""
_AWAY_S: Final = 5.0
"""Who did not read for longer than that what others heard does not know it."""
_SETTLED_S: Final = 5.0
"""So long after a state was away others have had time to write down what they heard meanwhile."""
AT_ONCE: Final = 100
"""So many looks are under way at most."""
ALERT: Final = "HealthCheckDown"


class Around(Struct, frozen=True):
    """What a monitor stands on."""

    looks: Looks
    ledger: Ledger
    clock: Clock
    chance: Random
    windows: Callable[[str], Windows | None]
    """Returns the maintenance windows of a tenant."""


class Monitor:
    """All checks of all tenants. Use it inside one running loop."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._schedule: Schedule[Key] = Schedule(around.chance)
        self._room = asyncio.Semaphore(AT_ONCE)
        self._woken = asyncio.Event()
        self._looking: set[asyncio.Task[None]] = set()
        self._watched: dict[Key, Watched] = {}
        self._components: Mapping[str, Mapping[str, Component]] = {}
        self._states: dict[Key, StateRow] = {}
        self._claimed: set[Key] = set()
        self._number = -1
        self._read_s = -math.inf
        self._settled_s = math.inf
        self._days: dict[Key, list[DayRow]] = {}
        self._began_ms = around.clock.now_ms()

    # -- what is watched --

    def restore(self, states: Iterable[StateRow], days: Iterable[DayRow]) -> None:
        """Know how checks stood when a process ended; called before any is watched."""
        self._states = {(one.tenant_id, one.name): one for one in states}
        for row in days:
            self._days.setdefault((row.tenant_id, row.name), []).append(row)

    def apply(self, wanted: Wanted) -> None:
        """Watch what is declared, and nothing else. What did not change goes on as it was."""
        living = {key: one for key, one in wanted.checks.items() if one.check.enabled}
        for key in [key for key in self._watched if key not in living]:
            self._leave(self._watched.pop(key))
        for key, declared in living.items():
            known = self._watched.get(key)
            if known is not None and known.declared.check == declared.check:
                known.declared = declared
                continue
            self._begin(key, declared, known)
        self._components = wanted.components
        HEALTH_CHECKS.set(len(self._watched))
        self._woken.set()

    def _begin(self, key: Key, declared: Declaration, known: Watched | None) -> None:
        watched = Watched(key[0], declared, Series(declared.check))
        if known is not None:
            self._end_series(known)
            watched.standing, watched.days, watched.beats = known.standing, known.days, known.beats
            watched.began_ms = known.began_ms
        else:
            self._recall(watched)
        self._watched[key] = watched
        now_s = self._around.clock.monotonic_s()
        self._schedule.add(key, declared.check.interval_ms / 1000, now_s)
        if known is not None or key not in self._states:
            # Whoever makes or changes a check waits to see what it says.
            self._schedule.hasten(key, now_s + self._around.chance.uniform(0, _SOON_S))

    def _recall(self, watched: Watched) -> None:
        """Let a check stand as it did when it was watched before."""
        row = self._states.get(watched.key)
        watched.began_ms = self._began_ms
        if row is not None:
            if self._is_shared:
                watched.began_ms = int(row.document.get("began_ms", 0))
            watched.standing = read_standing(row.document.get("standing", {}))
            watched.beats = read_beats(row.document.get("beats", {}))
            watched.last = read_outcome(row.document.get("last", {}))
        for day in self._days.pop(watched.key, ()):
            watched.days.known[day.day] = Day(day.up_ms, day.down_ms)

    def _leave(self, watched: Watched) -> None:
        self._schedule.remove(watched.key)
        self._end_series(watched)

    def _end_series(self, watched: Watched) -> None:
        gone = watched.series.ended()
        self._around.ledger.sample(watched.tenant, self._around.clock.now_ms(), [], gone)

    # -- what is known --

    def watched(self, tenant: str) -> list[Watched]:
        """Return the checks of a tenant, by name."""
        return sorted(
            (one for key, one in self._watched.items() if key[0] == tenant), key=lambda one: one.key
        )

    def find(self, tenant: str, name: str) -> Watched | None:
        """Return a check; None where none is watched."""
        return self._watched.get((tenant, name))

    def maintenance(self, watched: Watched) -> Maintained | None:
        """Return the maintenance window that a check is in; None for none."""
        windows = self._around.windows(watched.tenant)
        if windows is None:
            return None
        return windows.over({"alertname": ALERT, **watched.series.labels}, self._around.clock.now_ms())

    def components(self, tenant: str) -> dict[str, ComponentHealth]:
        """Return how a tenant's components are; under the empty name, how all are together."""
        looked = [self._looked(one) for one in self.watched(tenant)]
        return component_health(self._components.get(tenant, {}), looked)

    def _looked(self, watched: Watched) -> Looked:
        over = self.maintenance(watched)
        return Looked(watched.check, watched.standing, over.reason if over else "")

    def tenants(self) -> set[str]:
        """Return the tenants that have checks."""
        return {tenant for tenant, _ in self._watched}

    # -- looks --

    async def run(self) -> None:
        """Look at what is due, until cancelled; then looks under way are given up."""
        clock = self._around.clock
        try:
            while True:
                self._woken.clear()
                await self.begin_due()
                next_s = self._schedule.next_s()
                wait_s = _IDLE_S if next_s is None else max(0.0, next_s - clock.monotonic_s())
                await hear(self._woken, min(wait_s, _IDLE_S))
        finally:
            for task in self._looking:
                task.cancel()
            await asyncio.gather(*self._looking, return_exceptions=True)

    async def begin_due(self) -> None:
        """Begin the looks that are due here now."""
        await self._claim()
        for key in self._schedule.due(self._around.clock.monotonic_s()):
            self._start(key)

    def _start(self, key: Key) -> None:
        watched = self._watched.get(key)
        if watched is None or not self._is_ours(key):
            return
        if watched.is_looking:
            HEALTH_MISSED.inc()
            return
        if isinstance(watched.check, HeartbeatCheck):
            self.judge(watched)
            return
        watched.is_looking = True
        task = asyncio.create_task(self._look(watched))
        self._looking.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._looking.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            _LOG.error("a check could not be made", exc_info=fault)

    async def _look(self, watched: Watched) -> None:
        try:
            async with self._room:
                if not await self._around.ledger.leases.confirm(place_of(watched.key)):
                    return
                scope = scope_of_tenant(watched.tenant)
                is_trusted = bool(watched.declared.file)
                outcome = await self._around.looks.look(watched.check, scope, is_trusted=is_trusted)
        finally:
            watched.is_looking = False
        if self._watched.get(watched.key) is watched:
            self.take(watched, outcome)

    def judge(self, watched: Watched) -> None:
        """Look whether a heartbeat is late."""
        check = watched.check
        if not isinstance(check, HeartbeatCheck) or not self._is_ours(watched.key):
            return
        was_down = watched.standing.state is State.DOWN
        now_ms = self._around.clock.now_ms()
        found = verdict(check, watched.beats, now_ms, watched.began_ms, was_down=was_down)
        if not found.reason or found.is_unknown or self._knows_all():
            self.take(watched, found)

    async def hear(self, key: Key, ping: Ping, exit_code: int) -> None:
        """Take a heartbeat; return when it is kept. Raises PharosError(MISSING) where none is expected."""
        watched = self._watched.get(key)
        if watched is None or not isinstance(watched.check, HeartbeatCheck):
            raise PharosError(Kind.MISSING, "there is no such address")
        told = Told(ping, exit_code, self._around.clock.now_ms())
        watched.beats = heard(watched.beats, told)
        self.judge(watched)
        await self._around.ledger.hear(key, told)

    def take(self, watched: Watched, outcome: Outcome) -> None:
        """Take what a look found: how the check stands from now on, its series, its day."""
        check, before = watched.check, watched.standing
        parent = self._failing_parent(watched) if not outcome.is_good else ""
        now = self._doubted(watched, after(before, outcome, check, parent), outcome)
        over = self.maintenance(watched)
        self._count(watched, before.last_ms, outcome.at_ms, now.state, is_counted=over is None)
        watched.is_changed = True
        self._show(watched, now, outcome)
        HEALTH_LOOKS.labels(check.type, outcome.word).inc()
        if self._is_shared:
            # Others follow it.
            self._around.ledger.urgent(watched)
        if now.state is not before.state:
            reason = f"{now.reason} (maintenance: {over.reason})" if over else now.reason
            self._around.ledger.change(
                ChangeRow(
                    watched.tenant, check.name, outcome.at_ms, before.state.value, now.state.value, reason
                )
            )
            self._around.ledger.urgent(watched)

    def _show(self, watched: Watched, now: Standing, outcome: Outcome) -> None:
        """Have what was found be seen here: by who asks, and in the series."""
        watched.standing, watched.last = now, outcome
        watched.recent.append(outcome)
        samples, gone = watched.series.samples(now, outcome)
        self._around.ledger.sample(watched.tenant, outcome.at_ms, samples, gone)

    def _failing_parent(self, watched: Watched) -> str:
        """Return a check that it depends on, by way of others too, and that fails; empty for none."""
        seen, waiting = {watched.check.name}, list(watched.check.depends_on)
        while waiting:
            name = waiting.pop(0)
            parent = self._watched.get((watched.tenant, name))
            if name in seen or parent is None:
                continue
            seen.add(name)
            if parent.standing.is_failing:
                return name
            waiting += parent.check.depends_on
        return ""

    def _doubted(self, watched: Watched, now: Standing, outcome: Outcome) -> Standing:
        """Return how a check stands: not down before what it depends on was looked at since it failed."""
        before = watched.standing
        if now.state is not State.DOWN or before.state is State.DOWN:
            watched.doubted_ms = 0
            return now
        since_ms = watched.doubted_ms = watched.doubted_ms or outcome.at_ms
        names = [(watched.tenant, name) for name in watched.check.depends_on if name != watched.check.name]
        old = [
            key for key in names if key in self._watched and self._watched[key].standing.last_ms < since_ms
        ]
        if not old or outcome.at_ms - since_ms > _DOUBT_MS:
            watched.doubted_ms = 0
            return now
        now_s = self._around.clock.monotonic_s()
        for key in old:
            self._schedule.hasten(key, now_s)
        self._schedule.hasten(watched.key, now_s + _AGAIN_S)
        self._woken.set()
        return replace(now, state=before.state, since_ms=before.since_ms, because=before.because)

    def _count(self, watched: Watched, from_ms: int, to_ms: int, state: State, *, is_counted: bool) -> None:
        """Count the time since the last look as what it is now; what nobody looked at is nothing."""
        check = watched.check
        longest_ms = 2 * check.interval_ms + check.timeout_ms * (1 + check.retries)
        is_known = from_ms and 0 < to_ms - from_ms <= longest_ms and state is not State.UNKNOWN
        if is_known and is_counted:
            watched.days.add(from_ms, to_ms, is_up=state is State.UP)

    # -- what other servers that share the state find --

    @property
    def _is_shared(self) -> bool:
        return self._around.ledger.leases.is_shared

    def _is_ours(self, key: Key) -> bool:
        """Return whether a check is to be made here."""
        return not self._is_shared or place_of(key) in self._around.ledger.leases.held

    def _knows_all(self) -> bool:
        """Return whether all is known that was heard anywhere: without that nothing is late, or failed."""
        now_s = self._around.clock.monotonic_s()
        return not self._is_shared or (now_s - self._read_s < _AWAY_S and now_s >= self._settled_s)

    async def _claim(self) -> None:
        """Have checks that are new here, as soon as nobody else has them, and leave those that are gone."""
        leases = self._around.ledger.leases
        if not self._is_shared or self._claimed == self._watched.keys():
            return
        wanted = set(self._watched)
        leases.leave([place_of(key) for key in self._claimed - wanted])
        await leases.want([place_of(key) for key in wanted - self._claimed])
        self._claimed = wanted

    async def follow(self) -> None:
        """Learn what others found and heard since, and make what became ours.

        Raises PharosError(UNAVAILABLE).
        """
        if not self._is_shared:
            return
        state, number, clock = self._around.ledger.state, self._number, self._around.clock
        try:
            self._number, rows = await state.read(lambda unit: states_after(unit, number))
        except PharosError:
            self._settled_s = math.inf
            raise
        now_s = self._read_s = clock.monotonic_s()
        if self._settled_s == math.inf:
            self._settled_s = now_s + _SETTLED_S
        for row in rows:
            self._learn(row)
        self._take_over(now_s)

    def _learn(self, row: StateRow) -> None:
        key = row.tenant_id, row.name
        self._states[key] = row
        watched = self._watched.get(key)
        if watched is None:
            return
        if not self._around.ledger.awaits(key):
            beats, watched.beats = watched.beats, read_beats(row.document.get("beats", {}))
            if beats != watched.beats:
                self.judge(watched)
        now, outcome = (
            read_standing(row.document.get("standing", {})),
            read_outcome(row.document.get("last", {})),
        )
        is_older = now.last_ms < watched.standing.last_ms or now == watched.standing
        if self._is_ours(key) or outcome is None or is_older:
            return
        is_counted = self.maintenance(watched) is None
        self._count(watched, watched.standing.last_ms, outcome.at_ms, now.state, is_counted=is_counted)
        watched.began_ms = int(row.document.get("began_ms", 0))
        self._show(watched, now, outcome)

    def _take_over(self, now_s: float) -> None:
        """Make checks at once that became ours, and were not made meanwhile."""
        held, now_ms = self._around.ledger.leases.held, self._around.clock.now_ms()
        for key, watched in self._watched.items():
            is_ours, was_ours = place_of(key) in held, watched.is_ours
            watched.is_ours = is_ours
            if not is_ours or was_ours:
                continue
            if held[place_of(key)] < self._began_ms or not watched.began_ms:
                # Nobody could be heard from the end of the one before us to our own beginning.
                watched.began_ms = self._began_ms
            if watched.standing.last_ms + watched.check.interval_ms <= now_ms:
                self._schedule.hasten(key, now_s)
                self._woken.set()

    # -- what is kept --

    async def keep(self) -> None:
        """Keep what was found, until cancelled."""
        passed_s = 0.0
        while True:
            await asyncio.sleep(_FLUSH_S)
            await self._follow()
            await self._around.ledger.flush()
            passed_s += _FLUSH_S
            if passed_s >= _KEEP_S:
                passed_s = 0.0
                await self.keep_all()

    async def _follow(self) -> None:
        try:
            await self.follow()
        except PharosError as exc:
            _LOG.debug("what other servers found is not known yet: %s", exc)

    async def keep_all(self) -> None:
        """Keep everything now."""
        await self._around.ledger.flush()
        await self._around.ledger.keep_all(self._watched.values(), self._around.clock.now_ms())
