"""Anomalies with a begin and an end: what is told of rows that are unusual one after another."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.anomalies.verdicts import found_labels
from pharos.anomalies.watch import Watch
from pharos.gotext.numbers import format_g
from pharos.judgement.tails import ALARM
from pharos.labels import Labels, labels_of
from pharos.state.anomalies import Found

GOES_ON: Final = 0.26
"""An anomaly goes on while rows have such a score, just below that of what only goes on."""
MOST_OPEN: Final = 1_000
"""Of a tenant at a time; where everything is unusual, more of them say nothing more."""
SEVERITIES: Final = ("info", "warning", "critical")
_WARNING, _CRITICAL = 7.0, 10.0
"""From which -log10 of the probability on."""


def severity_of(score: float) -> str:
    """Return how bad an anomaly is by its score."""
    rare = rarity_of(score)
    return SEVERITIES[0 if rare < _WARNING else 1 if rare < _CRITICAL else 2]


def rarity_of(score: float) -> float:
    """Return -log10 of the probability of what has a score."""
    return ALARM * score / (1.0 - score) if score < 1.0 else math.inf


def confidence_of(score: float, learned: float) -> float:
    """Return how sure it is, 0 to 1: by how far the alarm was exceeded, and by how much was known before."""
    beyond = 1.0 - 0.5 * 10.0 ** -max(rarity_of(score) - ALARM, 0.0)
    return float(beyond * (0.5 + 0.5 * learned))


class _Open(Struct):
    found: Found
    watch: Watch | None
    labels: Labels
    last_ms: int
    """When it was unusual last."""
    score: float
    is_changed: bool = True


class Incidents:
    """The anomalies of one tenant that go on."""

    def __init__(self, tenant: str, cooldown_ms: int) -> None:
        self._tenant = tenant
        self._cooldown_ms = cooldown_ms
        self._open: dict[int, _Open] = {}
        self._waiting: dict[tuple[str, Labels], _Open] = {}
        """Of a former process, whose series were not seen again yet."""
        self._ended: list[Found] = []
        self._gone: list[Labels] = []
        self._told: set[Labels] = set()

    def rows(self) -> NDArray[np.int64]:
        """Return the rows of which an anomaly goes on."""
        return np.fromiter(self._open, np.int64, len(self._open))

    @property
    def count(self) -> int:
        """How many go on."""
        return len(self._open) + len(self._waiting)

    def note(
        self,
        row: int,
        at_ms: int,
        watch: Watch,
        labels: Labels,
        *,
        is_alarm: bool,
        numbers: tuple[float, float, float, float],
        learned: float,
    ) -> None:
        """Note that a series is unusual; `numbers` are score, value, and the limits it was to lie between."""
        known = self._open.get(row)
        score, value, lower, upper = numbers
        if known is None:
            if not is_alarm or len(self._open) >= MOST_OPEN:
                return
            found = Found(
                tenant_id=self._tenant,
                id=_id(self._tenant, watch.name, labels, at_ms),
                watch=watch.name,
                labels=dict(labels),
                severity="",
                start_ms=at_ms,
                end_ms=0,
                score="0",
                confidence="0",
                value="",
                lower="",
                upper="",
            )
            known = self._open[row] = _Open(found, watch, labels, at_ms, -1.0)
        known.last_ms = at_ms
        if score <= known.score:
            return
        severity = severity_of(score)
        known.is_changed |= severity != known.found.severity or is_alarm
        known.score = score
        known.found = replace(
            known.found,
            severity=severity,
            score=f"{score:.4f}",
            confidence=f"{confidence_of(score, learned):.3f}",
            value=_written(value),
            lower=_written(lower),
            upper=_written(upper),
        )

    def take(self, at_ms: int) -> tuple[list[Found], list[tuple[Labels, float]], list[Labels]]:
        """Return what changed, the series of all that go on, and those that are over since the last time."""
        for row, one in [*self._open.items()]:
            if at_ms - one.last_ms >= self._cooldown_ms:
                self._end(one, one.last_ms)
                del self._open[row]
        for key, one in [*self._waiting.items()]:
            if at_ms - one.last_ms >= self._cooldown_ms:
                self._end(one, one.last_ms)
                del self._waiting[key]
        changed = self._ended
        self._ended = []
        series: list[tuple[Labels, float]] = []
        for one in self._open.values():
            if one.is_changed:
                changed.append(one.found)
                one.is_changed = False
            if one.watch is not None and one.watch.alerts:
                series.append((found_labels(one.found.watch, one.labels, one.found.severity), one.score))
        now = {labels for labels, _ in series}
        gone = sorted(self._told - now)
        self._told = now
        return changed, series, gone

    def _end(self, one: _Open, end_ms: int) -> None:
        self._ended.append(_ended(one, end_ms))

    def end(self, name: str, at_ms: int) -> Found | None:
        """Call an anomaly over; return it as it is then, None where it does not go on."""
        for row, one in [*self._open.items()]:
            if one.found.id == name:
                del self._open[row]
                return _ended(one, at_ms)
        return None

    def leave(self, row: int) -> None:
        """Call that of a series over that is watched no more."""
        one = self._open.pop(row, None)
        if one is not None:
            self._end(one, one.last_ms)

    def resume(self, found: Sequence[Found], watches: Mapping[str, Watch]) -> None:
        """Go on with what a former process left, as soon as its series are seen."""
        for one in found:
            labels = labels_of(one.labels)
            kept = _Open(
                one, watches.get(one.watch), labels, one.start_ms, float(one.score), is_changed=False
            )
            self._waiting[one.watch, labels] = kept

    def wait_from(self, at_ms: int) -> None:
        """Count the time after which what was resumed is over from now on."""
        for one in self._waiting.values():
            one.last_ms = max(one.last_ms, at_ms)

    def find_again(self, row: int, watch: str, labels: Labels) -> None:
        """Go on with the anomaly of a series that is followed again."""
        known = self._waiting.pop((watch, labels), None)
        if known is not None:
            self._open[row] = known


def _ended(one: _Open, end_ms: int) -> Found:
    return replace(one.found, end_ms=max(end_ms, one.found.start_ms + 1))


def _id(tenant: str, watch: str, labels: Labels, at_ms: int) -> str:
    text = "\0".join((tenant, watch, *(f"{name}\0{value}" for name, value in labels)))
    return f"{at_ms // 1000:x}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


def _written(number: float) -> str:
    return format_g(number) if math.isfinite(number) else ""
