"""Inhibition: alerts that hold others back as long as they fire (Alertmanager's inhibit/inhibit.go).

Sources are found by the values of the labels that must be equal, so that thousands of them cost no more than
a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pharos.alerting.alerts import Known
from pharos.alerting.config import Inhibition, InhibitionSource
from pharos.alerting.held import Held, Why
from pharos.alerting.matchers import matches_all


class _Sources:
    """The alerts that are sources of one side of a rule, by the values of the labels that must be equal."""

    def __init__(self, source: InhibitionSource) -> None:
        self._source = source
        self._found: dict[tuple[str, ...], dict[str, Known]] = {}

    def _key(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(labels.get(name, "") for name in self._source.equal)

    def is_one(self, labels: Mapping[str, str]) -> bool:
        return matches_all(self._source.matchers, labels)

    def put(self, known: Known) -> None:
        if self.is_one(known.mapping):
            self._found.setdefault(self._key(known.mapping), {})[known.alert.fingerprint] = known

    def drop(self, known: Known) -> None:
        key = self._key(known.mapping)
        same = self._found.get(key)
        if same is not None and same.get(known.alert.fingerprint) is known:
            del same[known.alert.fingerprint]
            if not same:
                del self._found[key]

    def firing(self, target: Known, now_s: float, rule: Inhibition) -> Known | None:
        """Return a source that fires and shares the labels of a target."""
        same = self._found.get(self._key(target.mapping))
        if not same:
            return None
        # Who is both is held back by none that is both: not by itself, nor by its like.
        is_both = self.is_one(target.mapping)
        for source in same.values():
            if source.is_over_at(now_s) or (is_both and matches_all(rule.target, source.mapping)):
                continue
            return source
        return None


class Inhibitor:
    """The inhibitions of one tenant, and the alerts that are sources of one."""

    def __init__(
        self, rules: Iterable[Inhibition], alerts: Iterable[Known], why: Why = Why.INHIBITED
    ) -> None:
        self._why = why
        # A rule that names no source is inert.
        self._rules = [(rule, [_Sources(one) for one in rule.sources]) for rule in rules if rule.sources]
        for known in alerts:
            self.put(known)

    def put(self, known: Known) -> None:
        """Know an alert, in the place of an older post of it."""
        for _, sides in self._rules:
            for side in sides:
                side.put(known)

    def drop(self, known: Known) -> None:
        """Know an alert no more."""
        for _, sides in self._rules:
            for side in sides:
                side.drop(known)

    def held(self, known: Known, now_s: float) -> Held | None:
        """Return which alert holds another one back; None if none does."""
        for rule, sides in self._rules:
            if not matches_all(rule.target, known.mapping):
                continue
            found = [side.firing(known, now_s, rule) for side in sides]
            if found and all(found):
                first = found[0]
                assert first is not None  # noqa: S101 - all of them are
                alert = first.alert
                return Held(self._why, alert.fingerprint, rule.name, alert=alert.labels)
        return None
