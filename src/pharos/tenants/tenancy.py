"""What can be done with tenants: every change is a row of the state first, and then so in the whole server.

A deletion is asked for and goes on by itself, also after a restart, until nothing is left; the proof of it
is kept in the audit log.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from msgspec import Struct

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.limits import TenantLimits
from pharos.state import (
    PHAROS,
    Author,
    Family,
    State,
    Unit,
    Writing,
    acknowledgements,
    actions,
    alerts,
    anomalies,
    dashboard_folders,
    dashboard_shares,
    dashboards,
    documents,
    escalations,
    flow_controls,
    health,
    heartbeats,
    oncall,
    outbox,
    rule_alerts,
    rule_leases,
)
from pharos.state.audit import Search, search
from pharos.state.roles import delete_role, list_roles, members_of, withdraw
from pharos.state.silences import drop_silences
from pharos.state.tenants import (
    DEFAULT_ID,
    Tenant,
    all_limits,
    begin_deletion,
    change_limits,
    change_tenant,
    create_tenant,
    end_deletion,
    list_tenants,
    resume_tenant,
    suspend_tenant,
    tenant,
)
from pharos.state.timeline import drop_steps
from pharos.state.tokens import list_tokens, revoke_token
from pharos.state.usage import HOUR_MS, Used, add_usage, drop_usage, list_usage
from pharos.telemetry import TENANT_SERIES
from pharos.tenants.directory import Directory
from pharos.tenants.erasure import Eraser
from pharos.usage import Counts, Measure, Usage

_LOG = logging.getLogger(__name__)

_FLUSH_S: Final = 3.0
"""Of so many seconds a crash may lose what was counted;"""
_FLUSH_MOST_S: Final = 10.0
"""or of so many, where to keep it for thousands of tenants takes long:"""
_FLUSH_SHARE: Final = 0.02
"""of the time so much goes into it at most."""
_RETRY_S: Final = 5.0
_LOOK_S: Final = 1.0
_USAGE_KEPT_MS: Final = 400 * 24 * HOUR_MS
"""A year, and then some days to compare with."""


class UsageRow(Struct, frozen=True):
    """What was used in an hour."""

    hour_ms: int
    measure: str
    token: str
    amount: int


class Tenancy:
    """Tenants, their limits and what they use, over the state."""

    def __init__(
        self, state: State, directory: Directory, eraser: Eraser, usage: Usage, clock: Clock
    ) -> None:
        self._state = state
        self.directory = directory
        self._eraser = eraser
        self._usage = usage
        self._clock = clock
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._counting = asyncio.Lock()
        self._is_stale = True
        self._told: set[str] = set()

    # -- what is known --

    def refresh(self) -> None:
        """Have the directory know what the state says now; on a thread that may wait.

        Raises PharosError(UNAVAILABLE) when the state cannot be read.
        """

        def read(unit: Unit) -> tuple[tuple[Tenant, ...], dict[str, Mapping[str, int]]]:
            limits = {name: one.bounds for name, one in all_limits(unit).items()}
            return list_tenants(unit, deleted=True), limits

        self.directory.take(*self._state.read_blocking(read))
        self._is_stale = False

    def changed(self, families: frozenset[Family]) -> None:
        """Take over what changed: what the state calls when anything did."""
        if not families & {Family.TENANTS, Family.LIMITS}:
            return
        try:
            self.refresh()
        except PharosError as exc:
            self._is_stale = True
            _LOG.warning("tenants are as they were a moment ago: %s", exc)
        self._loop.call_soon_threadsafe(self._wake.set)

    # -- what people do --

    async def living(self) -> Sequence[Tenant]:
        """Return all tenants that are not deleted."""
        return await self._state.read(list_tenants)

    async def get(self, tenant_id: str) -> Tenant:
        """Return a tenant, also a deleted one. Raises PharosError(MISSING)."""
        return await self._state.read(lambda unit: tenant(unit, tenant_id))

    async def create(self, tenant_id: str, name: str, author: Author) -> Tenant:
        """Make a tenant. Raises PharosError(INVALID) for an id that is none, or is taken."""
        return await self._state.write(lambda unit: create_tenant(unit, tenant_id, name), author)

    async def rename(self, tenant_id: str, name: str, author: Author) -> Tenant:
        """Call a tenant otherwise; its id stays. Raises PharosError: MISSING, INVALID."""
        return await self._state.write(lambda unit: change_tenant(unit, tenant_id, name=name), author)

    async def suspend(self, tenant_id: str, author: Author) -> Tenant:
        """Let nobody write to or read from a tenant, whose data stay. Raises PharosError(MISSING)."""
        return await self._state.write(lambda unit: suspend_tenant(unit, tenant_id), author)

    async def resume(self, tenant_id: str, author: Author) -> Tenant:
        """Open a suspended tenant again. Raises PharosError(MISSING)."""
        return await self._state.write(lambda unit: resume_tenant(unit, tenant_id), author)

    async def delete(self, tenant_id: str, author: Author) -> Tenant:
        """Close a tenant for good and begin to delete all that it holds.

        Raises PharosError: MISSING, INVALID for the tenant of who names none.
        """
        if tenant_id == DEFAULT_ID:
            raise PharosError(
                Kind.INVALID, "the tenant default cannot be deleted: it is whose who names none"
            )
        found = await self._state.write(lambda unit: begin_deletion(unit, tenant_id), author)
        self._wake.set()
        return found

    def limits(self, tenant_id: str) -> tuple[TenantLimits, dict[str, int]]:
        """Return the limits of a tenant, and which of them are its own."""
        table = self.directory.limits
        return table(tenant_id), table.overrides(tenant_id)

    async def proof(self, tenant_id: str) -> Mapping[str, Any]:
        """Return what was found of a deleted tenant, and that nothing is left of it; empty for another."""
        wanted = Search(action="tenant.deleted", object=f"tenant:{tenant_id}")
        found = await self._state.read(lambda unit: search(unit, wanted, limit=1))
        return dict((found[0].after or {}).get("proof", {})) if found else {}

    async def set_limits(
        self, tenant_id: str, changes: Mapping[str, int | None], author: Author
    ) -> TenantLimits:
        """Change limits of a tenant, by the names of `TenantLimits`; None is as for everybody.

        Raises PharosError(MISSING).
        """
        await self._state.write(lambda unit: change_limits(unit, tenant_id, changes), author)
        return self.directory.limits(tenant_id)

    async def used(self, tenant_id: str, since_ms: int, until_ms: int) -> list[UsageRow]:
        """Return what a tenant used in the hours that began in a range of times, up to this moment."""
        stored = await self._state.read(lambda unit: list_usage(unit, tenant_id, since_ms, until_ms))
        rows = {(row.hour_ms, row.measure, row.token_id): row.amount for row in stored}
        hour_ms = self._clock.now_ms() // HOUR_MS * HOUR_MS
        if since_ms <= hour_ms < until_ms:
            for (_, token, measure), amount in self._usage.of(tenant_id).items():
                key = (hour_ms, measure.value, token)
                rows[key] = rows.get(key, 0) + amount
        return [UsageRow(*key, amount) for key, amount in sorted(rows.items())]

    # -- what goes on by itself --

    async def begin(self, named: Mapping[str, str]) -> None:
        """Know which tenants there are; those that are `named`, by id, are made if they are not there.

        Raises PharosError(UNAVAILABLE) when the state cannot be used.
        """

        def make(unit: Writing) -> None:
            known = {one.id for one in list_tenants(unit, deleted=True)}
            for tenant_id, name in named.items():
                if tenant_id not in known:
                    create_tenant(unit, tenant_id, name)

        if named:
            await self._state.write(make, PHAROS)
        await asyncio.to_thread(self.refresh)

    async def keep(
        self,
        named: Mapping[str, str],
        active: Callable[[], Mapping[str, int]],
        erase_old: Callable[[], object],
    ) -> None:
        """Do until cancelled what tenants ask for: make them, delete them, delete what is too old.

        `named` are those of the settings, for a state that was away before; `active` returns how many series
        each tenant has; `erase_old` deletes what tenants do not keep as long as others, and blocks.
        """
        hour = self._clock.now_ms() // HOUR_MS
        while True:
            try:
                if self._is_stale:
                    await self.begin(named)
                await self._round()
                self._tell(active())
                if self._clock.now_ms() // HOUR_MS != hour:
                    hour = self._clock.now_ms() // HOUR_MS
                    await self._end_hour(active(), erase_old)
            except PharosError as exc:
                _LOG.warning("tenants are looked after again in some seconds: %s", exc)
                await asyncio.sleep(_RETRY_S)
            self._wake.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), _LOOK_S)

    def _tell(self, active: Mapping[str, int]) -> None:
        """Say in the server's metrics how many series tenants have."""
        labels = Counter[str]()
        for tenant_id, count in active.items():
            labels[self._usage.label(tenant_id)] += count
        for label in self._told - set(labels):
            TENANT_SERIES.remove(label)
        for label, count in labels.items():
            TENANT_SERIES.labels(label).set(count)
        self._told = set(labels)

    async def _round(self) -> None:
        for tenant_id in list(self.directory.wanted):
            await self._make(tenant_id)
        for one in await self._asked_to_delete():
            await self._erase(one.id)

    async def _make(self, tenant_id: str) -> None:
        """Make a tenant to which somebody wrote."""

        def make(unit: Writing) -> None:
            if tenant_id not in {one.id for one in list_tenants(unit, deleted=True)}:
                create_tenant(unit, tenant_id)

        await self._state.write(make, PHAROS)
        self.directory.wanted.pop(tenant_id, None)

    async def _asked_to_delete(self) -> list[Tenant]:
        from_memory = self.directory.deleting()
        if not from_memory:
            return []
        return [one for one in await self._state.read(list_tenants) if one.deleting_ms is not None]

    async def _erase(self, tenant_id: str) -> None:
        _LOG.info("deleting all that the tenant %s holds", tenant_id)
        erased = await asyncio.to_thread(self._eraser.erase, tenant_id)

        def end(unit: Writing) -> None:
            end_deletion(unit, tenant_id, {**erased.shown(), **forget_in_state(unit, tenant_id)})

        # Counts that are being kept meanwhile would be left over.
        async with self._counting:
            self._usage.forget(tenant_id)
            await self._state.write(end, PHAROS)
        _LOG.info("the tenant %s is deleted, nothing of it is left: %s", tenant_id, erased.shown())

    async def _end_hour(self, active: Mapping[str, int], erase_old: Callable[[], object]) -> None:
        counts: Counts = {(name, "", Measure.SERIES_HOURS): count for name, count in active.items()}
        self._usage.give_back(counts)
        await self.flush()
        before_ms = self._clock.now_ms() - _USAGE_KEPT_MS
        await self._state.write(lambda unit: drop_usage(unit, before_ms=before_ms), PHAROS)
        await asyncio.to_thread(erase_old)

    async def keep_usage(self) -> None:
        """Keep until cancelled what was counted, every few seconds, whatever else goes on."""
        pause_s = _FLUSH_S
        while True:
            await asyncio.sleep(pause_s)
            began_s = self._clock.monotonic_s()
            try:
                await self.flush()
            except PharosError as exc:
                _LOG.debug("what tenants use is kept later: %s", exc)
            pause_s = (self._clock.monotonic_s() - began_s) / _FLUSH_SHARE
            pause_s = min(_FLUSH_MOST_S, max(_FLUSH_S, pause_s))

    async def flush(self) -> None:
        """Keep what was counted since. Raises PharosError(UNAVAILABLE), and counts it again the next time."""
        async with self._counting:
            counts = self._usage.take()
            if not counts:
                return
            hour_ms = self._clock.now_ms() // HOUR_MS * HOUR_MS
            rows = [
                Used(name, hour_ms, measure.value, token, "", amount)
                for (name, token, measure), amount in counts.items()
            ]
            try:
                await self._state.write(lambda unit: add_usage(unit, rows), PHAROS)
            except PharosError:
                self._usage.give_back(counts)
                raise


def forget_in_state(unit: Writing, tenant_id: str) -> dict[str, int]:
    """Take what the state holds of a tenant away, and return how much it was.

    Its row stays, so that its id never means another, and so do its limits, which are nobody's secret.
    """
    members = members_of(unit, tenant_id)
    for one in members:
        withdraw(unit, one.user_id, tenant_id, one.role)
    living = [one for one in list_tokens(unit, tenant_id=tenant_id) if one.revoked_ms is None]
    for token in living:
        revoke_token(unit, token.id)
    own = [one for one in list_roles(unit, tenant_id) if one.tenant_id == tenant_id]
    for role in own:
        delete_role(unit, role.id)
    return {
        "usage_rows": drop_usage(unit, tenant_id=tenant_id),
        "members": len(members),
        "tokens": len(living),
        "roles": len(own),
        "anomalies": anomalies.drop_tenant(unit, tenant_id),
        "alerts": alerts.drop_tenant(unit, tenant_id) + rule_alerts.drop_tenant(unit, tenant_id),
        "rule_groups": rule_leases.drop_tenant(unit, tenant_id),
        "silences": drop_silences(unit, tenant_id=tenant_id),
        "notifications": outbox.drop_tenant(unit, tenant_id),
        "heartbeats": heartbeats.drop_tenant(unit, tenant_id),
        "health": health.drop_tenant(unit, tenant_id),
        "timeline": drop_steps(unit, tenant_id=tenant_id),
        "acknowledgements": acknowledgements.drop_tenant(unit, tenant_id),
        "dashboards": dashboards.drop_tenant(unit, tenant_id),
        "folders": dashboard_folders.drop_tenant(unit, tenant_id),
        "shares": dashboard_shares.drop_tenant(unit, tenant_id),
        "definitions": documents.drop_tenant(unit, tenant_id),
        "escalations": escalations.drop_tenant(unit, tenant_id),
        "oncall": oncall.drop_tenant(unit, tenant_id),
        "responses": actions.drop_tenant(unit, tenant_id),
        "flow_controls": flow_controls.drop_tenant(unit, tenant_id),
    }
