"""The rules that come with checks: who has checks is told when one is down, or a certificate ends."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from pharos.gotext.durations import format_duration
from pharos.health.series import HEALTHY, PREFIX
from pharos.rules.spec import RuleGroup, group_of

GROUP: Final = "health checks"
_INTERVAL_MS: Final = 15_000
_DAYS: Final = f"{PREFIX}certificate_expiry_days"


def _alert(name: str, expression: str, severity: str, lasting: str, **notes: str) -> dict[str, Any]:
    labels = {"severity": severity} if severity else {}
    return {"alert": name, "expr": expression, "for": lasting, "labels": labels, "annotations": notes}


@lru_cache(4)
def health_rules(interval_ms: int = 0) -> RuleGroup:
    """Return the group that every tenant with checks has; without an interval it is evaluated every 15 s."""
    rules = [
        # Its severity is the check's own label.
        _alert(
            "HealthCheckDown",
            f"{HEALTHY} == 0",
            "",
            "0s",
            summary="{{ $labels.check }} is down",
            description="The {{ $labels.type }} check {{ $labels.check }} fails. Its page tells why.",
        ),
        _alert(
            "HealthCheckCertificateEnds",
            f"{_DAYS} < 14 and {_DAYS} >= 3",
            "warning",
            "5m",
            summary='The certificate of {{ $labels.check }} ends in {{ $value | printf "%.0f" }} days',
        ),
        _alert(
            "HealthCheckCertificateEndsSoon",
            f"{_DAYS} < 3",
            "critical",
            "5m",
            summary='The certificate of {{ $labels.check }} ends in {{ $value | printf "%.1f" }} days',
        ),
    ]
    interval = format_duration(interval_ms or _INTERVAL_MS)
    return group_of({"name": GROUP, "interval": interval, "rules": rules}, GROUP)
