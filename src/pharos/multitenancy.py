"""The part of a server that knows its tenants: who is let in, within which limits, and what each uses."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from msgspec import Struct

from pharos.access import Scope
from pharos.backup import wait_until_stored
from pharos.clock import Clock
from pharos.config import Settings, limit_table, sampling_of
from pharos.errors import PharosError
from pharos.ingest.retention import Erased, erase_old
from pharos.policy import Kept, Retention, TenantPolicy
from pharos.queries import Queries
from pharos.sampling import SamplingRules
from pharos.state import State
from pharos.store import Store
from pharos.telemetry import DROPPED
from pharos.tenants.directory import Directory
from pharos.tenants.erasure import Eraser
from pharos.tenants.tenancy import Tenancy
from pharos.works import at_work

_LOG = logging.getLogger(__name__)

_STORED_WAIT_S: Final = 600.0


class Doors(Struct, frozen=True):
    """Who is let in, for the layers that let in, and for what keeps it up to date."""

    directory: Directory
    policy: TenantPolicy
    forgets: list[Callable[[str], None]]
    """Who lets go of what is kept of a deleted tenant in memory; on threads."""


def kept_by(settings: Settings) -> Kept:
    """Return how long the settings keep each signal."""
    kept = settings.retention
    return Kept(kept.metrics, kept.logs, kept.traces, kept.runs)


def tell_erased(policy: TenantPolicy, one: Erased) -> None:
    """Count what was deleted of a tenant, and say so."""
    DROPPED.labels(one.signal, policy.usage.label(one.tenant), one.reason).inc(one.count)
    _LOG.info(
        "%d %s of the tenant %s that are not kept so long were deleted (%s)",
        one.count,
        one.signal,
        one.tenant,
        one.reason,
    )


def make_doors(settings: Settings) -> Doors:
    """Return doors that let everybody in until it is known which tenants there are."""
    directory = Directory(limit_table(settings), partial(_may_create, settings))
    rules = SamplingRules(sampling_of(settings.sampling))
    policy = TenantPolicy(
        directory.limits,
        directory.admit_write,
        directory.admit_read,
        sampling=rules,
        retention=Retention(kept_by(settings)),
    )
    return Doors(directory, policy, [])


def _may_create(settings: Settings, scope: Scope) -> bool:
    """Return whether who writes to a tenant that does not exist makes it so."""
    if settings.create_tenants is not None:
        return settings.create_tenants
    return scope.is_local


@asynccontextmanager
async def open_tenancy(
    doors: Doors, state: State, store: Store, queries: Queries, clock: Clock, settings: Settings
) -> AsyncIterator[Tenancy]:
    """Know the tenants of the state and of the settings, and look after them until the exit.

    Of a state that is away everybody is let in until it is there.
    """
    eraser = Eraser(
        store.engine,
        store.wal,
        store.intake,
        store.changes,
        partial(wait_until_stored, store.loader, store.intake, clock, _STORED_WAIT_S),
        doors.forgets,
    )
    doors.forgets.append(queries.metrics.forget)
    tenancy = Tenancy(state, doors.directory, eraser, doors.policy.usage, clock)
    named = {tenant: one.name for tenant, one in settings.tenants.items()}
    unwatch = state.watch(tenancy.changed)
    try:
        await tenancy.begin(named)
    except PharosError as exc:
        _LOG.warning("everybody is let in until it is known which tenants there are: %s", exc)

    def erase() -> None:
        limits, kept = doors.directory.limits, doors.policy.retention.now
        for one in store.engine.control(lambda session: erase_old(session, limits, clock.now_ms(), kept)):
            tell_erased(doors.policy, one)

    try:
        keeping = tenancy.keep(named, store.intake.active_series, erase)
        async with at_work(keeping, tenancy.keep_usage()):
            yield tenancy
    finally:
        unwatch()
        with suppress(PharosError):
            await tenancy.flush()
