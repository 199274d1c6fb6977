"""Results of checks as series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pharos.health.check import AnyCheck
from pharos.health.looking import Outcome
from pharos.health.standing import Standing, State
from pharos.labels import METRIC_NAME, Labels, labels_of

PREFIX: Final = "health_check_"
UP: Final = f"{PREFIX}up"
HEALTHY: Final = f"{PREFIX}healthy"
DURATION: Final = f"{PREFIX}duration_seconds"
FAMILIES: Final = {
    UP: "Whether the last look at it succeeded.",
    HEALTHY: "Whether it is up (1) or down (0), which takes as many looks as it says; none while unknown.",
    DURATION: "How long the last look took; of a heartbeat, its job.",
    f"{PREFIX}certificate_expiry_days": "How many days its certificate lasts.",
    f"{PREFIX}http_status_code": "The status that was answered.",
    f"{PREFIX}http_body_bytes": "How long the body was, as far as it was read.",
    f"{PREFIX}dns_answers": "How many answers there were.",
    f"{PREFIX}icmp_answers": "How many pings were answered.",
    f"{PREFIX}icmp_round_trip_seconds": "How long a ping took there and back.",
    f"{PREFIX}query_series": "How many series were found.",
    f"{PREFIX}processes": "How many processes run.",
    f"{PREFIX}disk_free_ratio": "The part of the disk that is free.",
}
"""All gauges, and what is said of them."""


class Series:
    """The series of one check, whose labels are made once."""

    def __init__(self, check: AnyCheck) -> None:
        own = {"check": check.name, "type": check.type, "severity": check.severity}
        if check.component:
            own["component"] = check.component
        self._own = {**check.labels, **own}
        self._made: dict[str, Labels] = {}
        self._last: frozenset[Labels] = frozenset()

    @property
    def labels(self) -> dict[str, str]:
        """What all of them have."""
        return self._own

    def _named(self, metric: str) -> Labels:
        found = self._made.get(metric)
        if found is None:
            found = self._made[metric] = labels_of({**self._own, METRIC_NAME: metric})
        return found

    def samples(
        self, standing: Standing, outcome: Outcome
    ) -> tuple[list[tuple[Labels, float]], list[Labels]]:
        """Return what is to be written after a look: samples, and series that ended with it."""
        found = list(self._samples(standing, outcome))
        now = frozenset(labels for labels, _ in found)
        gone, self._last = list(self._last - now), now
        return found, gone

    def ended(self) -> list[Labels]:
        """Return the series that end now that it is not looked at any more."""
        gone, self._last = list(self._last), frozenset()
        return gone

    def _samples(self, standing: Standing, outcome: Outcome) -> Iterator[tuple[Labels, float]]:
        if not outcome.is_unknown:
            yield self._named(UP), float(outcome.is_good)
            yield self._named(DURATION), outcome.duration_s
        if standing.state is not State.UNKNOWN:
            yield self._named(HEALTHY), float(standing.state is State.UP)
        for name, value in outcome.facts.items():
            yield self._named(f"{PREFIX}{name}"), value
