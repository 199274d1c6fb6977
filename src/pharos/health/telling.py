"""How a tenant's checks stand, as the live feed tells it: components with reasons, checks that are not up."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from pharos.health.components import SYSTEM
from pharos.health.monitor import Monitor
from pharos.health.standing import State
from pharos.health.watched import Watched

_MOST: Final = 200
_WORST_FIRST: Final = {State.DOWN: 0, State.UNKNOWN: 1, State.UP: 2}


def told_health(monitor: Monitor, tenant: str) -> dict[str, Any]:
    """Return the health of the system and its components, how many checks are how, and those to look at."""
    components = monitor.components(tenant)
    watched = monitor.watched(tenant)
    counts: Counter[str] = Counter()
    notable: list[dict[str, Any]] = []
    for one in sorted(watched, key=lambda one: (_WORST_FIRST[one.standing.state], one.key)):
        over = monitor.maintenance(one)
        counts["maintenance" if over else one.standing.state.value] += 1
        if one.standing.state is not State.UP and len(notable) < _MOST:
            notable.append(_told(one, over.reason if over else ""))
    return {
        "status": components[SYSTEM].health.value,
        "counts": {name: counts[name] for name in ("up", "down", "unknown", "maintenance")},
        "components": [
            {
                "name": one.name,
                "status": one.health.value,
                "since": one.since_ms,
                "reasons": [
                    {"check": why.check, "status": why.health.value, "text": why.text} for why in one.reasons
                ],
            }
            for name, one in sorted(components.items())
            if name != SYSTEM
        ],
        "checks": notable,
    }


def _told(one: Watched, maintenance: str) -> dict[str, Any]:
    standing = one.standing
    return {
        "name": one.check.name,
        "state": standing.state.value,
        "since": standing.since_ms,
        "reason": standing.reason,
        "because": standing.because,
        "component": one.check.component,
        "severity": one.check.severity,
        "maintenance": maintenance,
    }
