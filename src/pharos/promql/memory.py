"""Series in memory as a source of samples: what tests of rules load, and what rules record there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, Matcher, MatchOp
from pharos.promql.histograms.encode import encode_columns, read_back
from pharos.promql.histograms.value import FloatHistogram
from pharos.promql.kernels.samples import Floats, Ints
from pharos.promql.series_notation import Values
from pharos.promql.source import SeriesBlock, empty_block

_FIRST_ROOM: Final = 16
_FOREVER_MS: Final = 1 << 62


class _Column:
    """Floats that are appended in order of time."""

    def __init__(self, times_ms: Ints, values: Floats) -> None:
        self._times, self._values = times_ms, values
        self._count = len(times_ms)

    @property
    def times_ms(self) -> Ints:
        return self._times[: self._count]

    @property
    def values(self) -> Floats:
        return self._values[: self._count]

    def append(self, time_ms: int, value: float) -> None:
        if self._count == len(self._times):
            room = max(_FIRST_ROOM, 2 * self._count)
            self._times, self._values = np.resize(self._times, room), np.resize(self._values, room)
        self._times[self._count], self._values[self._count] = time_ms, value
        self._count += 1

    def between(self, start_ms: int, end_ms: int) -> tuple[Ints, Floats]:
        first, last = np.searchsorted(self.times_ms, [start_ms, end_ms + 1]).tolist()
        return self._times[first:last], self._values[first:last]


class _Series:
    """The samples of one series: those that were loaded, and those that came since."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.values = dict(labels)
        self.loaded = _Column(np.empty(0, np.int64), np.empty(0))
        self.added = _Column(np.empty(0, np.int64), np.empty(0))
        self.histograms: dict[int, FloatHistogram] = {}

    def load(self, times_ms: Ints, values: Values) -> None:
        is_float = values.present.copy()
        is_float[list(values.histograms)] = False
        self.loaded = _Column(times_ms[is_float], values.floats[is_float])
        self.added = _Column(np.empty(0, np.int64), np.empty(0))
        previous: FloatHistogram | None = None
        self.histograms = {}
        for step in np.flatnonzero(values.present).tolist():
            found = values.histograms.get(step)
            if found is not None:
                self.histograms[int(times_ms[step])] = read_back(previous, found)
            previous = found

    def last(self, until_ms: int) -> tuple[int, float | FloatHistogram] | None:
        """Return time and value of the newest sample that is not later."""
        found: list[tuple[int, float | FloatHistogram]] = []
        for column in (self.loaded, self.added):
            times, values = column.between(-_FOREVER_MS, until_ms)
            if len(times):
                found.append((int(times[-1]), float(values[-1])))
        found += [(time_ms, one) for time_ms, one in self.histograms.items() if time_ms <= until_ms]
        return max(found, key=lambda one: one[0], default=None)

    def floats(self, start_ms: int, end_ms: int) -> tuple[Ints, Floats]:
        times, values = self.loaded.between(start_ms, end_ms)
        more_times, more_values = self.added.between(start_ms, end_ms)
        if not len(more_times):
            return times, values
        if not len(times):
            return more_times, more_values
        times, values = np.concatenate([times, more_times]), np.concatenate([values, more_values])
        order = np.argsort(times, kind="stable")
        return times[order], values[order]


class MemorySource:
    """Series in memory. Nothing later than `until_ms` is seen."""

    def __init__(self) -> None:
        self.until_ms = _FOREVER_MS
        self._series: dict[Labels, _Series] = {}
        self._of_name: dict[str, list[_Series]] = {}
        self._found: dict[tuple[Matcher, ...], list[_Series]] = {}

    def load(self, labels: Labels, first_ms: int, step_ms: int, values: Values) -> None:
        """Have a series with values from a time on, a step apart, in place of what it had."""
        times_ms = first_ms + step_ms * np.arange(len(values.present), dtype=np.int64)
        self._of(labels).load(times_ms, values)

    def append(self, labels: Labels, time_ms: int, value: float | FloatHistogram) -> None:
        """Add a sample; the same one again is nothing new.

        Raises PharosError(INVALID) for a time before the newest one's, or another value at its time.
        """
        series = self._of(labels)
        last = series.last(self.until_ms)
        if last is not None and last[0] >= time_ms:
            if last[0] > time_ms:
                raise PharosError(Kind.INVALID, "out of order sample")
            if not _is_same(last[1], value):
                raise PharosError(Kind.INVALID, "duplicate sample for timestamp")
            return
        if isinstance(value, FloatHistogram):
            before = None if last is None or isinstance(last[1], float) else last[1]
            series.histograms[time_ms] = read_back(before, value)
        else:
            series.added.append(time_ms, value)

    def _of(self, labels: Labels) -> _Series:
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = _Series(labels)
            self._of_name.setdefault(series.values.get(METRIC_NAME, ""), []).append(series)
            self._found.clear()
        return series

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the samples of the series that match, in order of their labels."""
        end_ms = min(end_ms, self.until_ms)
        chosen: list[_Series] = []
        times: list[Ints] = []
        values: list[Floats] = []
        held: list[list[tuple[int, int, FloatHistogram | None]]] = []
        for series in self._matching(tuple(matchers)):
            found = series.floats(start_ms, end_ms)
            rows: list[tuple[int, int, FloatHistogram | None]] = []
            if series.histograms:
                rows = [
                    (at_ms, 0, series.histograms[at_ms])
                    for at_ms in sorted(series.histograms)
                    if start_ms <= at_ms <= end_ms
                ]
            if len(found[0]) or rows:
                chosen.append(series)
                times.append(found[0])
                values.append(found[1])
                held.append(rows)
        if not chosen:
            return empty_block()
        histograms = [row for rows in held for row in rows]
        return SeriesBlock(
            labels=[series.labels for series in chosen],
            offsets=_offsets([len(part) for part in times]),
            ts_ms=np.concatenate(times),
            values=np.concatenate(values),
            histograms=encode_columns(_offsets([len(rows) for rows in held]), histograms)
            if histograms
            else None,
        )

    def has(self, matchers: tuple[Matcher, ...]) -> bool:
        """Return whether there are series that match, whenever they have samples."""
        return bool(self._matching(matchers))

    def _matching(self, matchers: tuple[Matcher, ...]) -> list[_Series]:
        found = self._found.get(matchers)
        if found is None:
            name = next(
                (one.value for one in matchers if one.name == METRIC_NAME and one.op is MatchOp.EQUAL), None
            )
            asked = self._series.values() if name is None else self._of_name.get(name, ())
            found = [
                series
                for series in asked
                if all(one.matches(series.values.get(one.name, "")) for one in matchers)
            ]
            found.sort(key=lambda series: series.labels)
            self._found[matchers] = found
        return found


def _offsets(counts: Sequence[int]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


def _is_same(one: float | FloatHistogram, other: float | FloatHistogram) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return np.float64(one).tobytes() == np.float64(other).tobytes()
    return repr(one) == repr(other)
