"""The part of a server that knows its tenants: who is let in, within which limits, and what each uses."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from pharos.access import Scope
from pharos.backup import wait_until_stored
from pharos.clock import Clock
from pharos.config import Settings, limit_table
from pharos.errors import PharosError
from pharos.ingest.retention import erase_old
from pharos.policy import TenantPolicy
from pharos.queries import Queries
from pharos.state import State
from pharos.store import Store
from pharos.tenants.directory import Directory
from pharos.tenants.erasure import Eraser
from pharos.tenants.tenancy import Tenancy

_LOG = logging.getLogger(__name__)

_STORED_WAIT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class Doors:
    """Who is let in, for the layers that let in, and for what keeps it up to date."""

    directory: Directory
    policy: TenantPolicy


def make_doors(settings: Settings) -> Doors:
    """Return doors that let everybody in until it is known which tenants there are."""
    directory = Directory(limit_table(settings), partial(_may_create, settings))
    return Doors(directory, TenantPolicy(directory.limits, directory.admit_write, directory.admit_read))


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
        [queries.metrics.forget],
    )
    tenancy = Tenancy(state, doors.directory, eraser, doors.policy.usage, clock)
    named = {tenant: one.name for tenant, one in settings.tenants.items()}
    unwatch = state.watch(tenancy.changed)
    try:
        await tenancy.begin(named)
    except PharosError as exc:
        _LOG.warning("everybody is let in until it is known which tenants there are: %s", exc)

    def erase() -> None:
        retention_ms = settings.retention.metrics
        limits = doors.directory.limits
        erased = store.engine.control(
            lambda session: erase_old(session, limits, clock.now_ms(), retention_ms)
        )
        for tenant, samples in erased.items():
            _LOG.info("%d samples that the tenant %s does not keep so long were deleted", samples, tenant)

    keeping = asyncio.create_task(tenancy.keep(named, store.intake.active_series, erase))
    try:
        yield tenancy
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        unwatch()
        with suppress(PharosError):
            await tenancy.flush()
