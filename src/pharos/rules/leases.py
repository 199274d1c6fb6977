"""Which groups this process evaluates, of those that several processes on one database all know.

Checks of health are shared out by the same signs of life.

Each group is one process's, whose sign of life the others watch. When it is not heard of any more, another
one goes on from what is kept of its alerts. A database that is away takes nothing from anybody: nobody else
can have taken over meanwhile, and what is written down is written only by whoever has the group.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Final, Protocol

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.state import PHAROS, State, Unit, rule_leases
from pharos.state.rule_leases import LEASE_MS, Place

_LOG = logging.getLogger(__name__)

BEAT_S: Final = 1.0
"""So often a sign of life is given."""
_SURE_S: Final = LEASE_MS / 1000 - 2.0
"""For so long after a sign of life nobody else takes what is ours."""
_AWAY_S: Final = 4 * BEAT_S
"""Who could not ask for longer than that does not know who else could not."""


class Leases(Protocol):
    """Who evaluates which groups."""

    @property
    def is_shared(self) -> bool:
        """Whether signs of life are to be given."""
        ...

    @property
    def held(self) -> Mapping[Place, int]:
        """Which are ours, as far as is known: until when another one looked after each, 0 for nobody."""
        ...

    async def want(self, places: Collection[Place]) -> None:
        """Have groups from now on, as soon as nobody else has them."""
        ...

    def leave(self, places: Collection[Place]) -> None:
        """Want groups no more: they are given up for good with the next sign of life."""
        ...

    async def share(self) -> None:
        """Give a sign of life, and learn what is ours. Raises PharosError(UNAVAILABLE)."""
        ...

    async def confirm(self, place: Place) -> bool:
        """Return whether a group is ours now, of a process that may have stood still."""
        ...

    def require(self, unit: Unit, place: Place) -> None:
        """Raise PharosError(CANCELLED) in a transaction for what another one has."""
        ...

    def ours(self, unit: Unit, places: Collection[Place]) -> Collection[Place]:
        """Return in a transaction which of some are ours."""
        ...

    async def release(self) -> None:
        """Give everything back."""
        ...


class AllOurs:
    """Of a database that no other process shares."""

    is_shared = False

    def __init__(self) -> None:
        self.held: dict[Place, int] = {}

    async def want(self, places: Collection[Place]) -> None:
        """Have groups."""
        self.held.update(dict.fromkeys(places, 0))

    def leave(self, places: Collection[Place]) -> None:
        """Have groups no more."""
        for place in places:
            self.held.pop(place, None)

    async def share(self) -> None:
        """Nobody is to be told."""

    async def confirm(self, place: Place) -> bool:  # noqa: ARG002
        """Return that a group is ours."""
        return True

    def require(self, unit: Unit, place: Place) -> None:
        """Let everything be written."""

    def ours(self, unit: Unit, places: Collection[Place]) -> Collection[Place]:  # noqa: ARG002
        """Return all."""
        return places

    async def release(self) -> None:
        """Nobody takes it."""
        self.held.clear()


class SharedLeases:
    """Of a database that others share; used on one event loop.

    Until it was asked for the first time everything is ours: nobody can know better, and what is recorded is.
    """

    is_shared = True

    def __init__(self, state: State, clock: Clock, name: str) -> None:
        self._state = state
        self._clock = clock
        self._name = name
        self._wanted: set[Place] = set()
        self._sharing = asyncio.Lock()
        self._shared_s: float | None = None
        self._careful_until_s = 0.0
        self.held: dict[Place, int] = {}

    async def want(self, places: Collection[Place]) -> None:
        """Have groups from now on, as soon as nobody else has them."""
        fresh = set(places) - self._wanted
        if not fresh:
            return
        self._wanted |= fresh
        if self._shared_s is None:
            self.held |= dict.fromkeys(fresh, 0)
            return
        try:
            await self.share()
        except PharosError as exc:
            _LOG.warning("who evaluates %d groups of rules is not known yet: %s", len(fresh), exc)

    def leave(self, places: Collection[Place]) -> None:
        """Want groups no more."""
        self._wanted.difference_update(places)

    async def share(self) -> None:
        """Give a sign of life, and learn what is ours. Raises PharosError(UNAVAILABLE)."""
        async with self._sharing:
            now_s = self._clock.monotonic_s()
            if self._shared_s is not None and now_s - self._shared_s > _AWAY_S:
                # Others may have been kept from it as we were: they have their chance to say so first.
                self._careful_until_s = now_s + LEASE_MS / 1000
            wanted, may_take = frozenset(self._wanted), now_s >= self._careful_until_s
            self.held = await self._state.write(
                lambda unit: rule_leases.share(unit, self._name, wanted, may_take=may_take), PHAROS
            )
            self._shared_s = now_s

    async def confirm(self, place: Place) -> bool:
        """Return whether a group is ours now; it stays so while the database is away."""
        if self._shared_s is None or self._clock.monotonic_s() - self._shared_s > _SURE_S:
            try:
                await self.share()
            except PharosError as exc:
                _LOG.debug("groups of rules stay where they are: %s", exc)
        return place in self.held

    def require(self, unit: Unit, place: Place) -> None:
        """Raise PharosError(CANCELLED) in a transaction for what another one has."""
        if not rule_leases.is_holder(unit, self._name, place):
            raise PharosError(Kind.CANCELLED, f"another process evaluates {place[1]} of {place[0]}")

    def ours(self, unit: Unit, places: Collection[Place]) -> Collection[Place]:
        """Return in a transaction which of some are ours."""
        return rule_leases.of_holder(unit, self._name) & set(places)

    async def release(self) -> None:
        """Give everything back; where that cannot be done, others wait for its end."""
        self._wanted.clear()
        try:
            await self._state.write(lambda unit: rule_leases.release(unit, self._name), PHAROS)
        except PharosError as exc:
            _LOG.debug("groups of rules are not given back: %s", exc)
        self.held = {}
