"""Silences in memory: which of them hold an alert back now; and how they may be changed, as upstream."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from pharos.alerting.alerts import Known
from pharos.alerting.held import Held, Why
from pharos.alerting.matchers import Matcher, Matchers, matches_all, says_nothing
from pharos.errors import Kind, PharosError
from pharos.labels import Matcher as Stored
from pharos.state import Writing
from pharos.state.silences import Silence, put_silence, the_silence

KEPT_MS = 5 * 86_400_000
"""So long an ended silence can be seen."""


class State(StrEnum):
    """Where in its life a silence is."""

    ACTIVE = "active"
    PENDING = "pending"
    EXPIRED = "expired"


def state_of(silence: Silence, now_ms: int) -> State:
    """Return where in its life a silence is."""
    if silence.is_over_at(now_ms):
        return State.EXPIRED
    return State.ACTIVE if silence.starts_ms <= now_ms else State.PENDING


_ORDER = (State.ACTIVE, State.PENDING, State.EXPIRED)


def in_order(silences: Iterable[Silence], now_ms: int) -> list[Silence]:
    """Return active ones, next to end first; then those to come, next first; then the ended, last first."""

    def order(silence: Silence) -> tuple[int, int, str]:
        state = state_of(silence, now_ms)
        times = {
            State.ACTIVE: silence.ends_ms,
            State.PENDING: silence.starts_ms,
            State.EXPIRED: -silence.ends_ms,
        }
        return _ORDER.index(state), times[state], silence.id

    return sorted(silences, key=order)


def compiled(conditions: Iterable[Stored]) -> Matchers:
    """Return matchers ready to match. Raises PharosError(INVALID) for a bad regular expression."""
    return tuple(Matcher(one.name, one.op, one.value) for one in conditions)


def require_fit(silence: Silence, now_ms: int) -> None:
    """Raise PharosError(INVALID) for a silence that may not be made."""
    if silence.ends_ms <= silence.starts_ms:
        raise PharosError(Kind.INVALID, "start time must be before end time")
    if silence.ends_ms < now_ms:
        raise PharosError(Kind.INVALID, "end time can't be in the past")
    if not silence.matchers:
        raise PharosError(Kind.INVALID, "invalid silence: at least one matcher required")
    for one in silence.matchers:
        if not one.name or "\0" in one.name:
            raise PharosError(Kind.INVALID, f"invalid label matcher: invalid label name {one.name[:80]!r}")
        if "\0" in one.value:
            raise PharosError(
                Kind.INVALID,
                f"invalid label matcher: invalid value {one.value[:80]!r} of {one.name[:80]}: it holds a NUL",
            )
    if says_nothing(compiled(silence.matchers)):
        raise PharosError(
            Kind.INVALID, "invalid silence: at least one matcher must not match the empty string"
        )


def _keeps_id(old: Silence, new: Silence, now_ms: int) -> bool:
    """Return whether a changed silence is still the same one, and not another in its place."""
    if old.matchers != new.matchers or old.receiver != new.receiver:
        return False
    match state_of(old, now_ms):
        case State.ACTIVE:
            return new.starts_ms // 1000 == old.starts_ms // 1000 and new.ends_ms >= now_ms
        case State.PENDING:
            return new.starts_ms >= now_ms
        case State.EXPIRED:
            return False


def set_silence(unit: Writing, silence: Silence, chance: Random) -> Silence:
    """Make a silence, or change the one whose id it has, and return it as it is now.

    Where more is changed than may be, the old one ends, and a new one takes its place. Raises PharosError:
    MISSING for an id that is none of the tenant's, INVALID.
    """
    now_ms = unit.now_ms
    require_fit(silence, now_ms)
    silence = replace(silence, updated_ms=now_ms, who=unit.author.who)
    if silence.id:
        old = the_silence(unit, silence.tenant_id, silence.id)
        if _keeps_id(old, silence, now_ms):
            if state_of(old, now_ms) is State.ACTIVE:
                silence = replace(silence, starts_ms=old.starts_ms)
            put_silence(unit, silence)
            return silence
        if state_of(old, now_ms) is not State.EXPIRED:
            put_silence(unit, _ended(old, now_ms))
    made = replace(silence, id=_new_id(chance), starts_ms=max(silence.starts_ms, now_ms), reminded_ms=0)
    put_silence(unit, made)
    return made


def expire_silence(unit: Writing, tenant: str, silence_id: str) -> None:
    """End a silence now; one that is over stays as it is. Raises PharosError(MISSING)."""
    old = the_silence(unit, tenant, silence_id)
    if state_of(old, unit.now_ms) is not State.EXPIRED:
        put_silence(unit, _ended(old, unit.now_ms))


def _ended(silence: Silence, now_ms: int) -> Silence:
    starts_ms = min(silence.starts_ms, now_ms)
    return replace(silence, starts_ms=starts_ms, ends_ms=now_ms, updated_ms=now_ms)


def _new_id(chance: Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


class _Compiled(Struct, frozen=True):
    silence: Silence
    matchers: Matchers


class Silences:
    """The silences of all tenants, those that are over left out."""

    def __init__(self) -> None:
        self._by_tenant: dict[str, tuple[_Compiled, ...]] = {}
        self._matched: dict[tuple[str, str], tuple[Silence, ...]] = {}
        """By tenant and fingerprint of an alert: those whose matchers match it, now or later."""

    def take(self, silences: Sequence[Silence], now_ms: int) -> None:
        """Know these silences from now on, and no others."""
        found: dict[str, list[_Compiled]] = {}
        for silence in in_order(silences, now_ms):
            if not silence.is_over_at(now_ms):
                one = _Compiled(silence, compiled(silence.matchers))
                found.setdefault(silence.tenant_id, []).append(one)
        self._by_tenant = {tenant: tuple(some) for tenant, some in found.items()}
        self._matched = {}

    def forget(self, tenant: str, fingerprint: str) -> None:
        """Keep nothing in memory about an alert."""
        self._matched.pop((tenant, fingerprint), None)

    def matching(self, tenant: str, known: Known) -> tuple[Silence, ...]:
        """Return the silences whose matchers match an alert, those to come too."""
        mine = self._by_tenant.get(tenant)
        if not mine:
            return ()
        key = (tenant, known.alert.fingerprint)
        found = self._matched.get(key)
        if found is None:
            found = tuple(one.silence for one in mine if matches_all(one.matchers, known.mapping))
            self._matched[key] = found
        return found

    def active(self, tenant: str, known: Known, now_ms: int, receiver: str | None = None) -> list[Silence]:
        """Return the silences that hold an alert back, from a receiver, or (None) from anybody."""
        return [
            one
            for one in self.matching(tenant, known)
            if one.is_active_at(now_ms) and (not one.receiver or receiver is None or one.receiver == receiver)
        ]

    def held(self, tenant: str, known: Known, receiver: str, now_ms: int) -> Held | None:
        """Return which silence holds an alert back from a receiver; None if none does."""
        found = self.active(tenant, known, now_ms, receiver)
        return Held(Why.SILENCED, found[0].id, found[0].created_by, found[0].ends_ms) if found else None

    def ending(self, now_ms: int) -> Iterator[Silence]:
        """Yield those whose end those concerned are to be reminded of now."""
        for some in self._by_tenant.values():
            for one in some:
                silence = one.silence
                if (
                    silence.remind_ms
                    and not silence.reminded_ms
                    and silence.is_active_at(now_ms)
                    and silence.ends_ms - now_ms <= silence.remind_ms
                ):
                    yield silence


def hidden_by(conditions: Iterable[Stored], alerts: Iterable[Known]) -> list[Known]:
    """Return which alerts a silence with these matchers would hold back. Raises PharosError(INVALID)."""
    matchers = compiled(conditions)
    return [known for known in alerts if matches_all(matchers, known.mapping)]


def has_matchers(silence: Silence, wanted: Iterable[Matcher]) -> bool:
    """Return whether a silence has each of the matchers that a filter names, letter by letter."""
    have = {(one.name, one.op, one.value) for one in silence.matchers}
    return all((one.name, one.op, one.value) in have for one in wanted)
