"""All series that are watched of one tenant: the detector's state of each, and what is told of a tick."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.anomalies.incidents import GOES_ON, Incidents
from pharos.anomalies.verdicts import VerdictEncoder
from pharos.anomalies.watch import Watch
from pharos.judgement.anomaly import Detector, Verdicts
from pharos.labels import Labels
from pharos.state.anomalies import Found

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]

_SPREAD: Final = 4
"""The verdict of a series that is as ever is written every so many ticks, each at another one."""
_GONE_S: Final = 86_400.0
"""A series that was not there for so long is forgotten."""
_ROOM: Final = 1
"""Of a tenant of which nothing is watched yet; it doubles."""


class Seen(Struct, frozen=True):
    """The values of a watch at one time."""

    watch: Watch
    labels: Sequence[Labels]
    values: Floats


class _Group(Struct):
    """The series of a watch."""

    watch: Watch
    rows: dict[Labels, int] = field(default_factory=dict)
    last: Sequence[Labels] = ()
    last_rows: Rows = field(default_factory=lambda: np.empty(0, np.int64))


class Judged(Struct, frozen=True):
    """What came of a tick."""

    body: bytes
    """What is to be written, as a request of remote write."""
    changed: tuple[Found, ...]
    """Anomalies that began, grew worse or are over."""
    series: int


class Following:
    """The watched series of one tenant. Not for two threads at a time."""

    def __init__(self, tenant: str, max_series: int, cooldown_ms: int) -> None:
        self.tenant = tenant
        self.left_out = 0
        """How many series there are that were not followed in the last tick, there being too many."""
        self.incidents = Incidents(tenant, cooldown_ms)
        self._max_series = max_series
        self._detector = Detector(_ROOM)
        self._encoder = VerdictEncoder()
        self._groups: dict[str, _Group] = {}
        self._owners: list[tuple[Watch, Labels] | None] = []
        self._free: list[int] = []
        self._seen_s = np.zeros(_ROOM)
        self._was_unusual = np.zeros(_ROOM, np.bool_)
        self._is_used = np.zeros(_ROOM, np.bool_)
        self._counts_gaps = np.zeros(_ROOM, np.bool_)
        self._ticks = 0

    @property
    def series(self) -> int:
        """How many series are followed."""
        return len(self._owners) - len(self._free)

    def counts(self) -> dict[str, int]:
        """Return how many series each watch follows, by its name."""
        return {name: len(group.rows) for name, group in self._groups.items()}

    # -- what is watched --

    def watch(self, watches: Sequence[Watch]) -> list[Watch]:
        """Follow these from now on, and no others; return those that are new."""
        wanted = {one.name: one for one in watches}
        for name in [name for name, group in self._groups.items() if wanted.get(name) != group.watch]:
            known = self._groups[name]
            if name in wanted and wanted[name].query == known.watch.query:
                known.watch = wanted[name]
                for labels, row in known.rows.items():
                    self._own(row, known.watch, labels)
                continue
            for row in self._groups.pop(name).rows.values():
                self._release(row)
        fresh = [one for name, one in wanted.items() if name not in self._groups]
        self._groups |= {one.name: _Group(one) for one in fresh}
        return fresh

    def learn(self, watch: Watch, labels: Sequence[Labels], times_s: Floats, values: Floats) -> None:
        """Take in what series did before, oldest first: `values[n, steps]`, NaN where there is none."""
        for row, series in zip(self._rows(watch, labels).tolist(), range(len(labels)), strict=True):
            known = ~np.isnan(values[series])
            if row >= 0 and known.any():
                self._detector.score(times_s[known], values[series][known], row)
                self._seen_s[row] = times_s[known][-1]

    def relearn(
        self,
        watch: str,
        labels: Labels,
        times_s: Floats,
        values: Floats,
        spans_s: Sequence[tuple[float, float]],
    ) -> None:
        """Learn a series anew, of what it did outside of some times."""
        group = self._groups.get(watch)
        row = None if group is None else group.rows.get(labels)
        if row is None:
            return
        fresh = Detector()
        begin = -math.inf
        for start, end in [*spans_s, (math.inf, math.inf)]:
            part = (times_s > begin) & (times_s < start) & ~np.isnan(values)
            if part.any():
                fresh.skip(0, float(times_s[part][0]) - _step_s(times_s))
                fresh.score(times_s[part], values[part])
            begin = max(begin, end)
        self._detector.take(row, fresh)
        self._was_unusual[row] = False

    # -- a tick --

    def judge(self, at_ms: int, seen: Sequence[Seen]) -> Judged:
        """Return what is to be told of the values at one time."""
        values = np.full(len(self._owners), math.nan)
        self.left_out = 0
        for one in seen:
            rows = self._rows(one.watch, one.labels)
            if len(values) < len(self._owners):
                values = np.concatenate([values, np.full(len(self._owners) - len(values), math.nan)])
            is_followed = rows >= 0
            self.left_out += int((~is_followed).sum())
            values[rows[is_followed]] = one.values[is_followed]
        rows = np.flatnonzero(self._is_used[: len(self._owners)])
        values = values[rows]
        verdicts = self._detector.judge(at_ms / 1000, rows, values, self._counts_gaps[rows])
        self._seen_s[rows[~np.isnan(values)]] = at_ms / 1000
        changed, found, gone = self._incidents(at_ms, rows, values, verdicts)
        body = self._body(at_ms, rows, values, verdicts, found, gone)
        self._ticks += 1
        self._drop_gone(at_ms / 1000)
        return Judged(body, tuple(changed), len(rows))

    def _incidents(
        self, at_ms: int, rows: Rows, values: Floats, verdicts: Verdicts
    ) -> tuple[list[Found], list[tuple[Labels, float]], list[Labels]]:
        incidents = self.incidents
        is_notable = verdicts.alarms | ((verdicts.scores >= GOES_ON) & np.isin(rows, incidents.rows()))
        for place in np.flatnonzero(is_notable).tolist():
            row = int(rows[place])
            watch, labels = self._owner(row)
            incidents.note(
                row,
                at_ms,
                watch,
                labels,
                is_alarm=bool(verdicts.alarms[place]),
                numbers=(
                    float(verdicts.scores[place]),
                    float(values[place]),
                    float(verdicts.lower[place]),
                    float(verdicts.upper[place]),
                ),
                learned=self._detector.learned(row),
            )
        return incidents.take(at_ms)

    def _body(
        self,
        at_ms: int,
        rows: Rows,
        values: Floats,
        verdicts: Verdicts,
        found: list[tuple[Labels, float]],
        gone: list[Labels],
    ) -> bytes:
        is_unusual = verdicts.scores >= GOES_ON
        due = ((rows + self._ticks) % _SPREAD == 0) | is_unusual | self._was_unusual[rows]
        due &= ~np.isnan(values)
        self._was_unusual[rows] = is_unusual
        columns = [one[due] for one in (values, verdicts.scores, verdicts.lower, verdicts.upper)]
        return self._encoder.request(at_ms, rows[due], columns, found, gone)

    # -- rows --

    def _owner(self, row: int) -> tuple[Watch, Labels]:
        owner = self._owners[row]
        assert owner is not None  # noqa: S101 - only rows of series are asked for
        return owner

    def _rows(self, watch: Watch, labels: Sequence[Labels]) -> Rows:
        """Return the rows of series, new ones for those that are new; -1 where there is no room."""
        group = self._groups[watch.name]
        if len(labels) == len(group.last) and all(map(_is, labels, group.last)):
            return group.last_rows
        rows = np.asarray([self._row(group, one) for one in labels], np.int64)
        if (rows >= 0).all():
            group.last, group.last_rows = list(labels), rows
        return rows

    def _row(self, group: _Group, labels: Labels) -> int:
        row = group.rows.get(labels)
        if row is None:
            if self.series >= self._max_series:
                return -1
            row = group.rows[labels] = self._place()
            self._own(row, group.watch, labels)
            self._encoder.set(row, group.watch.name, labels)
            self.incidents.find_again(row, group.watch.name, labels)
        return row

    def _own(self, row: int, watch: Watch, labels: Labels) -> None:
        self._owners[row] = (watch, labels)
        self._is_used[row], self._counts_gaps[row] = True, watch.counts_gaps

    def _place(self) -> int:
        if self._free:
            return self._free.pop()
        self._owners.append(None)
        before = self._detector.series
        if len(self._owners) > before:
            self._detector.grow(2 * before)
            self._seen_s = np.concatenate([self._seen_s, np.zeros(before)])
            more = np.zeros(before, np.bool_)
            self._was_unusual = np.concatenate([self._was_unusual, more])
            self._is_used = np.concatenate([self._is_used, more])
            self._counts_gaps = np.concatenate([self._counts_gaps, more])
        return len(self._owners) - 1

    def _release(self, row: int) -> None:
        self._detector.forget(row)
        self._owners[row] = None
        self._free.append(row)
        self._seen_s[row], self._was_unusual[row], self._is_used[row] = 0.0, False, False
        self.incidents.leave(row)

    def _drop_gone(self, now_s: float) -> None:
        if self._ticks % 100:
            return
        for group in self._groups.values():
            gone = [one for one, row in group.rows.items() if now_s - self._seen_s[row] > _GONE_S]
            for labels in gone:
                self._release(group.rows.pop(labels))
            if gone:
                group.last = ()

    # -- across restarts --

    def state(self) -> tuple[list[tuple[str, str, Labels]], bytes]:
        """Return which series there are, by watch, query and labels, and the detector's state of them."""
        owned = [(row, owner) for row, owner in enumerate(self._owners) if owner is not None]
        kept = Detector(max(len(owned), 1))
        for place, (row, _) in enumerate(owned):
            kept.take(place, self._detector, row)
        return [(watch.name, watch.query, labels) for _, (watch, labels) in owned], kept.to_bytes()

    def restore(self, series: Sequence[tuple[str, str, Labels]], state: bytes, at_ms: int) -> None:
        """Go on where another one ended, with what is still watched. Raises PharosError(INVALID)."""
        kept = Detector.from_bytes(state)
        for place, (name, query, labels) in enumerate(series):
            group = self._groups.get(name)
            if group is None or group.watch.query != query or place >= kept.series:
                continue
            row = self._row(group, labels)
            if row >= 0:
                self._detector.take(row, kept, place)
                self._seen_s[row] = at_ms / 1000

    def knows(self, watch: Watch) -> bool:
        """Return whether any series of a watch was seen."""
        group = self._groups.get(watch.name)
        return group is not None and bool(group.rows)

    def resume(self, found: Sequence[Found], watches: Mapping[str, Watch]) -> None:
        """Go on with anomalies that were not over."""
        self.incidents.resume(found, watches)


def _is(one: Labels, other: Labels) -> bool:
    return one is other or one == other


def _step_s(times_s: Floats) -> float:
    return float(times_s[1] - times_s[0]) if len(times_s) > 1 else 15.0
