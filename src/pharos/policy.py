"""What is asked about a tenant before anything is done for it, and told afterwards: one record for all."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, field

from pharos.access import Scope
from pharos.limits import LimitsOf, no_limits
from pharos.sampling import SamplingRules
from pharos.usage import Usage


def _everybody(_scope: Scope) -> None:
    return


class Kept(Struct, frozen=True):
    """How long each signal is kept of all tenants, in milliseconds; 0 is for ever."""

    metrics: int = 0
    logs: int = 0
    traces: int = 0
    runs: int = 0


class Retention(Struct):
    """What is kept now: it may be another after a reload."""

    now: Kept = Kept()


class TenantPolicy(Struct, frozen=True):
    """Without anything said: everybody is let in, within no limits."""

    limits_of: LimitsOf = no_limits
    admit_write: Callable[[Scope], None] = _everybody
    """Raises PharosError(DENIED) for who may not write to the tenant: it is closed, or does not exist."""
    admit_read: Callable[[Scope], None] = _everybody
    """Raises PharosError(DENIED) for who may not read from the tenants."""
    usage: Usage = field(default_factory=Usage)
    sampling: SamplingRules = field(default_factory=SamplingRules)
    retention: Retention = field(default_factory=Retention)
