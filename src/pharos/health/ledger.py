"""What checks found, until it is kept: series in the tenant's metrics, changes and days in people's state."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct, field

from pharos.access import DEFAULT, Scope, upkeep
from pharos.errors import Kind, PharosError
from pharos.health.days import CELLS, DAY_MS
from pharos.health.series import FAMILIES
from pharos.health.watched import Watched
from pharos.ingest.remote_write.messages import encode_metadata
from pharos.ingest.remote_write.points import PointEncoder
from pharos.labels import Labels
from pharos.state import PHAROS, State, Writing
from pharos.state.health import (
    ChangeRow,
    DayRow,
    StateRow,
    append_changes,
    forget_before,
    put_days,
    put_states,
)
from pharos.telemetry import HEALTH_NOT_KEPT

_LOG = logging.getLogger(__name__)

_MOST_CHANGES: Final = 10_000
"""So many wait for a state that is away."""
CHANGES_KEPT_MS: Final = 400 * DAY_MS
_WAITS: Final = frozenset({Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.CANCELLED})

Write = Callable[[Scope, bytes], Awaitable[None]]
"""Keeps a WriteRequest durably; raises PharosError."""


def scope_of_tenant(tenant: str) -> Scope:
    """Return as whom checks of a tenant ask and write: Pharos itself."""
    return DEFAULT if tenant == DEFAULT.tenant else upkeep(tenant)


class Ledger(Struct):
    """Takes what was found and keeps it together."""

    state: State
    write: Write
    encoder: PointEncoder = field(default_factory=PointEncoder)
    _samples: dict[str, list[bytes]] = field(default_factory=dict)
    _changes: list[ChangeRow] = field(default_factory=list)
    _urgent: dict[tuple[str, str], Watched] = field(default_factory=dict)
    _described: set[str] = field(default_factory=set)

    def sample(
        self, tenant: str, at_ms: int, samples: Sequence[tuple[Labels, float]], gone: Sequence[Labels]
    ) -> None:
        """Take samples of one time; series that are gone end."""
        if not samples and not gone:
            return
        parts = self._samples.setdefault(tenant, [])
        if tenant not in self._described:
            self._described.add(tenant)
            parts += [encode_metadata(name, "gauge", told, "") for name, told in FAMILIES.items()]
        parts.append(self.encoder.request(at_ms, samples, gone=gone))

    def change(self, row: ChangeRow) -> None:
        """Take a change."""
        if len(self._changes) < _MOST_CHANGES:
            self._changes.append(row)
        else:
            HEALTH_NOT_KEPT.labels("changes").inc()

    def urgent(self, watched: Watched) -> None:
        """Have how a check stands be kept soon."""
        self._urgent[watched.key] = watched

    async def flush(self) -> None:
        """Keep what was taken. What cannot be kept now is tried again, but for samples."""
        samples, self._samples = self._samples, {}
        for tenant, parts in samples.items():
            try:
                await self.write(scope_of_tenant(tenant), b"".join(parts))
            except PharosError as exc:
                HEALTH_NOT_KEPT.labels("samples").inc(len(parts))
                _LOG.warning("samples of checks of %s are not kept: %s", tenant, exc)
        if self._changes or self._urgent:
            await self._keep_changes()

    async def _keep_changes(self) -> None:
        changes, self._changes = self._changes, []
        urgent, self._urgent = self._urgent, {}
        states = [_state_row(one) for one in urgent.values()]

        def keep(unit: Writing) -> None:
            append_changes(unit, changes)
            put_states(unit, states)

        try:
            await self.state.write(keep, PHAROS)
        except PharosError as exc:
            if exc.kind not in _WAITS:
                raise
            _LOG.warning("changes of checks are kept as soon as the state can be used: %s", exc)
            self._changes = [*changes, *self._changes][:_MOST_CHANGES]
            self._urgent = {**urgent, **self._urgent}

    async def keep_all(self, watched: Iterable[Watched], now_ms: int) -> None:
        """Keep how checks stand, and their days, as far as that changed; forget what is too old."""
        changed = [one for one in watched if one.is_changed]
        states = [_state_row(one) for one in changed]
        days = [row for one in changed for row in _day_rows(one)]
        first = now_ms // DAY_MS - CELLS

        def keep(unit: Writing) -> None:
            put_states(unit, states)
            put_days(unit, days)
            forget_before(unit, now_ms - CHANGES_KEPT_MS, first)

        for one in changed:
            one.is_changed = False
            one.days.changed.clear()
            one.days.forget_before(first)
        try:
            await self.state.write(keep, PHAROS)
        except PharosError as exc:
            if exc.kind not in _WAITS:
                raise
            _LOG.warning("how checks stand is kept as soon as the state can be used: %s", exc)
            today = now_ms // DAY_MS
            for one in changed:
                one.is_changed = True
                one.days.changed.update(day for day in (today - 1, today) if day in one.days.known)


def _state_row(one: Watched) -> StateRow:
    return StateRow(one.tenant, one.check.name, one.document())


def _day_rows(one: Watched) -> Iterable[DayRow]:
    for day in sorted(one.days.changed):
        found = one.days.known[day]
        yield DayRow(one.tenant, one.check.name, day, found.up_ms, found.down_ms)
