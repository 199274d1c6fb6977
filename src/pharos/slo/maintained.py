"""Times of maintenance that an objective's budget is spared: those of windows that hold back its alerts.

A window may mean all of an objective, or, by the labels that it keeps budgets apart by, a part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec import Struct

from pharos.alerting.maintenance import Occurrence, Window, read_conditions
from pharos.alerting.matchers import Matchers, matches_all
from pharos.gotext.durations import format_duration
from pharos.gotext.quoting import quote
from pharos.labels import Labels
from pharos.slo.coverage import selector_of
from pharos.slo.objective import Alert, Objective, grouping_of, merged

_MOST: Final = 60
"""So many times of maintenance count, the latest; what is longer ago is a small part of a window."""


class OfSome(Struct, frozen=True):
    """A time that a part of an objective is spared: the series that any of these matchers mean."""

    span: Occurrence
    only: tuple[Matchers, ...]

    def has(self, labels: Labels) -> bool:
        """Return whether it is one of those that are spared."""
        known = dict(labels)
        return any(matches_all(one, known) for one in self.only)


class Spared(Struct, frozen=True):
    """Times that count neither way, in order; no two of them overlap."""

    whole: tuple[Occurrence, ...] = ()
    some: tuple[OfSome, ...] = ()

    def within(self, start_ms: int, end_ms: int) -> Iterator[tuple[Occurrence, tuple[Matchers, ...]]]:
        """Yield what of it is between two times, and of which series; of all where nothing says which."""
        both = [*((one, ()) for one in self.whole), *((one.span, one.only) for one in self.some)]
        for one, only in both:
            clipped = Occurrence(max(one.start_ms, start_ms), min(one.end_ms, end_ms))
            if clipped.start_ms < clipped.end_ms:
                yield clipped, only

    def of(self, labels: Labels) -> list[Occurrence]:
        """Return when a part of it is spared."""
        return _apart([*self.whole, *(one.span for one in self.some if one.has(labels))])


NOTHING_SPARED: Final = Spared()


def spared_times(objective: Objective, windows: Mapping[str, Window], start_ms: int, end_ms: int) -> Spared:
    """Return when windows were open that an objective's alerts are held back by."""
    alerting, by = objective.alerting, frozenset(grouping_of(objective))
    whole: list[Occurrence] = []
    some: list[tuple[Occurrence, Matchers]] = []
    for window in windows.values():
        matchers = read_conditions(window.matchers)
        for alert in (alerting.page, alerting.ticket):
            known = _labels(objective, alert)
            of_all = tuple(one for one in matchers if one.name not in by or one.name in known)
            only = tuple(one for one in matchers if one not in of_all)
            if not matches_all(of_all, known):
                continue
            times = window.occurrences(start_ms, end_ms)
            if only:
                some += [(one, only) for one in times]
            else:
                whole += times
    apart = _apart(whole)[-_MOST:]
    return Spared(tuple(apart), tuple(_pieces(some, apart))[-_MOST:])


def counted_in(name: str, objective: Objective, range_: str, only: tuple[Matchers, ...]) -> str:
    """Return PromQL of what series of a name counted in a range: each series once, whoever means it."""
    selector = selector_of(objective)
    selectors = [f"{selector[:-1]},{written(one)}}}" for one in only] or [selector]
    return " or ".join(f"sum_over_time({name}{one}{range_})" for one in selectors)


def range_of(span: Occurrence) -> str:
    """Return a time as PromQL writes it behind a selector."""
    return f"[{format_duration(span.end_ms - span.start_ms)}] @ {span.end_ms / 1000:.3f}"


def written(matchers: Matchers) -> str:
    """Return matchers as a selector has them between its braces."""
    return ",".join(f"{one.name}{one.op}{quote(one.value)}" for one in matchers)


def _labels(objective: Objective, alert: Alert | None) -> dict[str, str]:
    """Return the labels that an alert of the objective has, as far as they are known."""
    ids = {"slo": objective.name, "slo_id": objective.id}
    if objective.service:
        ids |= {"service": objective.service, "sloth_service": objective.service}
    ids |= {"sloth_slo": objective.name, "sloth_id": objective.id}
    named = {} if alert is None else {"alertname": alert.name}
    return {**ids, **merged(objective.labels, () if alert is None else alert.labels), **named}


def _apart(spans: Sequence[Occurrence]) -> list[Occurrence]:
    found: list[Occurrence] = []
    for one in sorted(spans, key=lambda one: one.start_ms):
        if found and one.start_ms <= found[-1].end_ms:
            found[-1] = Occurrence(found[-1].start_ms, max(found[-1].end_ms, one.end_ms))
        else:
            found.append(one)
    return found


def _pieces(some: Sequence[tuple[Occurrence, Matchers]], whole: Iterable[Occurrence]) -> Iterator[OfSome]:
    """Yield times in which the same parts are spared, without those in which all is."""
    spans = [*(one for one, _ in some), *whole]
    edges = sorted({edge for one in spans for edge in (one.start_ms, one.end_ms)})
    for start_ms, end_ms in pairwise(edges):
        if any(one.start_ms <= start_ms < one.end_ms for one in whole):
            continue
        only = {matchers for one, matchers in some if one.start_ms <= start_ms < one.end_ms}
        if only:
            yield OfSome(Occurrence(start_ms, end_ms), tuple(sorted(only, key=written)))
