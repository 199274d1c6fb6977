"""Which share of log records, traces and series is kept: the rules, and how a share is decided.

A decision is one of the identity of what it is about and of nothing else: a hash of a trace's id, of a
series' labels, of a record that belongs to no trace. Who is asked again, elsewhere or after a crash, says
the same; and what a small share keeps, a greater one keeps too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import re2
from msgspec import Struct, field

SHARE_BITS: Final = 53
"""So many bits of a hash are held against a share: a double has no more."""
WHOLE: Final = 1 << SHARE_BITS


def bar_of(share: float) -> int:
    """Return below which number the highest `SHARE_BITS` bits of a hash must be, for this share of hashes."""
    return round(share * WHOLE)


class Names(Struct, frozen=True):
    """Names by patterns, in which `*` stands for anything; without a pattern all names are meant."""

    patterns: tuple[str, ...] = ()

    @property
    def expression(self) -> str:
        """The patterns as one expression of RE2 for a whole name."""
        return "|".join(".*".join(map(re2.escape, one.split("*"))) for one in self.patterns)

    def fits(self, name: str) -> bool:
        """Return whether a name is meant."""
        return not self.patterns or re2.fullmatch(f"(?s:{self.expression})", name) is not None


ALL_NAMES: Final = Names()


class LogRule(Struct, frozen=True):
    """Which share is kept of the log records of some services."""

    shares: tuple[float, ...]
    """By the number of the level, 0 for records without one."""
    services: Names = ALL_NAMES
    tenants: Names = ALL_NAMES


class TraceRule(Struct, frozen=True):
    """Which share is kept of traces that have a span of some service and operation."""

    share: float
    services: Names = ALL_NAMES
    operations: Names = ALL_NAMES
    tenants: Names = ALL_NAMES


class SeriesRule(Struct, frozen=True):
    """Which share is kept of the series of some metrics."""

    share: float
    metrics: tuple[str, ...]
    tenants: Names = ALL_NAMES


class Sampling(Struct, frozen=True):
    """All rules; of those of a signal the first that fits counts, and what none fits is kept."""

    logs: tuple[LogRule, ...] = ()
    traces: tuple[TraceRule, ...] = ()
    metrics: tuple[SeriesRule, ...] = ()
    slow_ms: int = 0
    """Traces that took so long are kept whatever rules say; 0 asks nothing of the kind."""
    decide_after_ms: int = 300_000
    """So long a trace is whole, before it is decided whether it is kept."""

    def traces_of(self, tenant: str) -> tuple[TraceRule, ...]:
        """Return the rules about a tenant's traces."""
        return tuple(rule for rule in self.traces if rule.tenants.fits(tenant))

    def shares_of_logs(self, tenant: str, service: str) -> Sequence[float] | None:
        """Return which shares of a service's records are kept, by level; None where all are."""
        for rule in self.logs:
            if rule.tenants.fits(tenant) and rule.services.fits(service):
                return rule.shares
        return None

    def shares_of_metrics(self, tenant: str) -> dict[str, float]:
        """Return of which metrics which share of the series is kept."""
        found: dict[str, float] = {}
        for rule in self.metrics:
            if rule.tenants.fits(tenant):
                found = dict.fromkeys(rule.metrics, rule.share) | found
        return found


KEEP_ALL: Final = Sampling()


class SamplingRules(Struct):
    """The rules as they are now: whoever looks does so anew, so that a change counts from then on."""

    now: Sampling = field(default=KEEP_ALL)
