"""Which tenants there are, in memory: who is let in, and within which limits.

It is asked for every request, and made anew whenever the state says that tenants or limits changed. As long
as the state could not be read it knows nobody and lets everybody in: telemetry must not be lost because what
people say is away.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.limits import LimitTable
from pharos.state.tenants import Tenant


class Condition(StrEnum):
    """How it stands with a tenant."""

    OPEN = "open"
    SUSPENDED = "suspended"
    """Nobody writes or reads; what it holds stays."""
    DELETING = "deleting"
    DELETED = "deleted"


def condition_of(tenant: Tenant) -> Condition:
    """Return how it stands with a tenant."""
    if tenant.deleted_ms is not None:
        return Condition.DELETED
    if tenant.deleting_ms is not None:
        return Condition.DELETING
    return Condition.OPEN if tenant.suspended_ms is None else Condition.SUSPENDED


_WORDS = {
    Condition.SUSPENDED: ("is suspended", "it is opened again by: pharos tenant resume {}"),
    Condition.DELETING: ("is being deleted", "a tenant of another id takes its place"),
    Condition.DELETED: ("was deleted", "a tenant of another id takes its place"),
}


class Directory:
    """Who is let in; thread-safe, without a lock: what is known takes the place of what was as a whole.

    `may_create` says whether who writes to a tenant that does not exist makes it so; `wanted` is told then.
    """

    def __init__(self, limits: LimitTable, may_create: Callable[[Scope], bool]) -> None:
        self.limits = limits
        self._may_create = may_create
        self._known: dict[str, Condition] | None = None
        self.wanted: dict[str, None] = {}
        """Tenants that were written to and are not in the state yet, in order."""

    def take(self, tenants: Iterable[Tenant], limits: Mapping[str, Mapping[str, int]]) -> None:
        """Know these tenants and their limits from now on."""
        known = {one.id: condition_of(one) for one in tenants}
        self.limits.say(limits)
        self._known = known
        for tenant in [tenant for tenant in self.wanted if tenant in known]:
            self.wanted.pop(tenant, None)

    def condition(self, tenant: str) -> Condition | None:
        """Return how it stands with a tenant, None for one that is not known."""
        return None if self._known is None else self._known.get(tenant)

    def deleting(self) -> list[str]:
        """Return the tenants of which all is to be deleted."""
        known = self._known or {}
        return [tenant for tenant, found in known.items() if found is Condition.DELETING]

    def admit_write(self, scope: Scope) -> None:
        """Let in who writes. Raises PharosError(DENIED) for a tenant that is closed, or does not exist."""
        known = self._known
        if known is None:
            return
        found = known.get(scope.tenant)
        if found is Condition.OPEN:
            return
        if found is not None:
            raise _closed(scope.tenant, found)
        if not self._may_create(scope):
            raise PharosError(
                Kind.DENIED,
                f"there is no tenant {scope.tenant}",
                hint=f"make it: pharos tenant create {scope.tenant}; or set create_tenants: true",
            )
        self.wanted.setdefault(scope.tenant)

    def admit_read(self, scope: Scope) -> None:
        """Let in who reads. Raises PharosError(DENIED) for a tenant that is closed.

        Of one that does not exist there is nothing to see.
        """
        known = self._known
        if known is None:
            return
        for tenant in scope.tenants:
            found = known.get(tenant, Condition.OPEN)
            if found is not Condition.OPEN:
                raise _closed(tenant, found)


def _closed(tenant: str, condition: Condition) -> PharosError:
    words, hint = _WORDS[condition]
    return PharosError(Kind.DENIED, f"the tenant {tenant} {words}", hint=hint.format(tenant))
