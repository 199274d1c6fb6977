"""What checks found, until it is kept: series in the tenant's metrics, changes and days in people's state."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct, field

from pharos.access import DEFAULT, Scope, upkeep
from pharos.errors import Kind, PharosError
from pharos.health.days import CELLS, DAY_MS
from pharos.health.heartbeat import Beats, Told, heard, read_beats
from pharos.health.series import FAMILIES
from pharos.health.watched import Key, Watched
from pharos.ingest.remote_write.messages import encode_metadata
from pharos.ingest.remote_write.points import PointEncoder
from pharos.labels import Labels
from pharos.rules.leases import AllOurs, Leases
from pharos.state import PHAROS, State, Unit, Writing
from pharos.state.health import (
    ChangeRow,
    DayRow,
    StateRow,
    append_changes,
    forget_before,
    put_days,
    put_states,
    states_of,
)
from pharos.state.rule_leases import Place
from pharos.telemetry import HEALTH_NOT_KEPT

_LOG = logging.getLogger(__name__)

_MOST_CHANGES: Final = 10_000
"""So many changes, and signs of life, wait for a state that is away."""
CHANGES_KEPT_MS: Final = 400 * DAY_MS
_WAITS: Final = frozenset({Kind.UNAVAILABLE, Kind.TIMEOUT, Kind.CANCELLED})

Write = Callable[[Scope, bytes], Awaitable[None]]
"""Keeps a WriteRequest durably; raises PharosError."""


def place_of(key: Key) -> Place:
    """Return what the lease of a check is called."""
    return key[0], f"check {key[1]}"


def scope_of_tenant(tenant: str) -> Scope:
    """Return as whom checks of a tenant ask and write: Pharos itself."""
    return DEFAULT if tenant == DEFAULT.tenant else upkeep(tenant)


class Ledger(Struct):
    """Takes what was found and keeps it together: of a shared state, what is said of checks that are ours."""

    state: State
    write: Write
    leases: Leases = field(default_factory=AllOurs)
    encoder: PointEncoder = field(default_factory=PointEncoder)
    _samples: dict[str, list[bytes]] = field(default_factory=dict)
    _changes: list[ChangeRow] = field(default_factory=list)
    _urgent: dict[Key, Watched] = field(default_factory=dict)
    _told: list[tuple[Key, Told]] = field(default_factory=list)
    _telling: asyncio.Lock = field(default_factory=asyncio.Lock)
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

    # -- signs of life --

    async def hear(self, key: Key, told: Told) -> None:
        """Keep a sign of life: it is kept on return, or, of a state that is away, as soon as it is back."""
        self._told.append((key, told))
        await self._keep_told()

    def awaits(self, key: Key) -> bool:
        """Return whether signs of life of a check are not kept yet."""
        return any(of == key for of, _ in self._told)

    async def _keep_told(self) -> None:
        async with self._telling:
            # Those that came while others were being written are written together.
            told = list(self._told)
            if not told:
                return

            def keep(unit: Writing) -> None:
                kept = states_of(unit, [key for key, _ in told])
                beats = {key: read_beats(one.get("beats", {})) for key, one in kept.items()}
                for key, one in told:
                    beats[key] = heard(beats.get(key, Beats()), one)
                put_states(unit, [StateRow(*key, {"beats": one.document()}) for key, one in beats.items()])

            if await self._written("signs of life", keep):
                del self._told[: len(told)]
            else:
                del self._told[:-_MOST_CHANGES]

    # -- what was found --

    async def flush(self) -> None:
        """Keep what was taken. What cannot be kept now is tried again, but for samples."""
        await self._keep_told()
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
        said = {(one.tenant_id, one.name) for one in changes} | urgent.keys()

        def keep(unit: Writing) -> None:
            ours = self._ours(unit, said)
            append_changes(unit, [one for one in changes if (one.tenant_id, one.name) in ours])
            put_states(unit, [one for one in states if (one.tenant_id, one.name) in ours])

        if not await self._written("changes of checks", keep):
            self._changes = [*changes, *self._changes][:_MOST_CHANGES]
            self._urgent = {**urgent, **self._urgent}

    async def _written(self, what: str, keep: Callable[[Writing], None]) -> bool:
        """Write it; return False where it has to wait for a state that is away. Raises PharosError else."""
        try:
            await self.state.write(keep, PHAROS)
        except PharosError as exc:
            if exc.kind not in _WAITS:
                raise
            _LOG.warning("%s are kept as soon as the state can be used: %s", what, exc)
            return False
        return True

    def _ours(self, unit: Unit, keys: Iterable[Key]) -> set[Key]:
        """Return which of some checks are ours: who stood still may not know that another one has them."""
        by_place = {place_of(key): key for key in keys}
        return {by_place[place] for place in self.leases.ours(unit, by_place.keys())}

    async def keep_all(self, watched: Iterable[Watched], now_ms: int) -> None:
        """Keep how checks stand, and their days, as far as that changed; forget what is too old."""
        changed = [one for one in watched if one.is_changed]
        states = [_state_row(one) for one in changed]
        days = [row for one in changed for row in _day_rows(one)]
        first = now_ms // DAY_MS - CELLS

        def keep(unit: Writing) -> None:
            ours = self._ours(unit, [one.key for one in changed])
            put_states(unit, [one for one in states if (one.tenant_id, one.name) in ours])
            put_days(unit, [one for one in days if (one.tenant_id, one.name) in ours])
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
