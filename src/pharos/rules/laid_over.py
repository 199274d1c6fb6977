"""What rules make in a replay, laid over what is stored: from its start on their metrics are only theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels, Matcher
from pharos.promql.grids.grid import Answer
from pharos.promql.kernels.samples import Floats, Ints
from pharos.promql.series_notation import STALE
from pharos.promql.source import SampleSource, SeriesBlock

_BYTES_MAX: Final = 512 << 20
_SAMPLE_BYTES: Final = 16


class _Made(Struct):
    """One series, in pieces that follow one another."""

    times: list[Ints] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)

    def between(self, start_ms: int, end_ms: int) -> tuple[Ints, Floats]:
        if len(self.times) > 1:
            times, values = np.concatenate(self.times), np.concatenate(self.values)
            order = np.argsort(times, kind="stable")
            self.times, self.values = [times[order]], [values[order]]
        times, values = self.times[0], self.values[0]
        first, last = np.searchsorted(times, [start_ms, end_ms + 1]).tolist()
        return times[first:last], values[first:last]


class LaidOver:
    """Samples that rules made."""

    def __init__(self) -> None:
        self._made: dict[str, dict[Labels, _Made]] = {}
        self._from_ms: dict[str, int] = {}
        self._live: dict[str, set[Labels]] = {}
        """The series of each metric that the last answer ended with."""
        self._bytes = 0

    def add(self, labels: Sequence[Labels], answer: Answer) -> None:
        """Keep an answer's series under these labels, and a stale marker where one ends.

        Raises PharosError: TOO_LARGE when there are too many samples, UNSUPPORTED for native histograms.
        """
        if answer.cells is not None and any(cell is not None for cell in answer.cells.flat):
            raise PharosError(Kind.UNSUPPORTED, "a replay does not keep native histograms that rules record")
        times_ms = answer.times_ms
        name = dict(labels[0]).get(METRIC_NAME, "") if labels else ""
        before = self._live.pop(name, set())
        for row, one in enumerate(labels):
            present = answer.present[row]
            values = np.where(present, answer.values[row], STALE)
            kept = present.copy()
            kept[1:] |= present[:-1]
            kept[0] |= one in before
            self._put(one, times_ms[kept], values[kept])
            if present[-1]:
                self._live.setdefault(name, set()).add(one)
        for one in before - set(labels):
            self._put(one, times_ms[:1], np.array([STALE]))

    def add_constant(self, labels: Labels, from_ms: int, until_ms: int, step_ms: int, value: float) -> None:
        """Keep a series that has one value from a time until before another, and ends there."""
        times_ms = np.arange(from_ms, until_ms + 1, step_ms, dtype=np.int64)
        values = np.full(len(times_ms), value)
        values[-1] = STALE
        self._put(labels, times_ms, values)

    def _put(self, labels: Labels, times_ms: Ints, values: Floats) -> None:
        if not len(times_ms):
            return
        self._bytes += _SAMPLE_BYTES * len(times_ms)
        if self._bytes > _BYTES_MAX:
            raise PharosError(
                Kind.TOO_LARGE, "the rules record too much for a replay", hint="take a shorter window"
            )
        name = dict(labels).get(METRIC_NAME, "")
        made = self._made.setdefault(name, {}).setdefault(labels, _Made())
        made.times.append(times_ms)
        made.values.append(values)
        self._from_ms[name] = min(self._from_ms.get(name, int(times_ms[0])), int(times_ms[0]))

    def over(self, source: SampleSource, names: frozenset[str]) -> SampleSource:
        """Return a source of what is stored with what was made; only what is stored if none is asked for."""
        return source if names.isdisjoint(self._made) else _Laid(source, self)

    def matching(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int
    ) -> tuple[dict[str, int], dict[Labels, tuple[Ints, Floats]]]:
        """Return from when on which metrics are made here, and the samples of the series that match."""
        found: dict[Labels, tuple[Ints, Floats]] = {}
        since: dict[str, int] = {}
        of_name = [one for one in matchers if one.name == METRIC_NAME]
        others = [one for one in matchers if one.name != METRIC_NAME]
        for name, series in self._made.items():
            if not all(one.matches(name) for one in of_name):
                continue
            since[name] = self._from_ms[name]
            for labels, made in series.items():
                values = dict(labels)
                if all(one.matches(values.get(one.name, "")) for one in others):
                    found[labels] = made.between(start_ms, end_ms)
        return since, found


class _Laid(Struct, frozen=True):
    source: SampleSource
    made: LaidOver

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the samples of the series that match; see `SampleSource.select`."""
        since, made = self.made.matching(matchers, start_ms, end_ms)
        block = self.source.select(matchers, start_ms, end_ms)
        if not since:
            return block
        parts: dict[Labels, tuple[Ints, Floats]] = {}
        for row, labels in enumerate(block.labels):
            part = slice(int(block.offsets[row]), int(block.offsets[row + 1]))
            times, values = block.ts_ms[part], block.values[part]
            from_ms = since.get(dict(labels).get(METRIC_NAME, ""))
            if from_ms is not None:
                count = int(np.searchsorted(times, from_ms))
                times, values = times[:count], values[:count]
            parts[labels] = (times, values)
        for labels, (times, values) in made.items():
            before = parts.get(labels)
            if before is not None:
                times, values = np.concatenate([before[0], times]), np.concatenate([before[1], values])
            parts[labels] = (times, values)
        chosen = [(labels, part) for labels, part in parts.items() if len(part[0])]
        counts = [len(part[0]) for _, part in chosen]
        none = np.empty(0, np.int64)
        return SeriesBlock(
            [labels for labels, _ in chosen],
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([none, *(part[0] for _, part in chosen)]).astype(np.int64),
            np.concatenate([none, *(part[1] for _, part in chosen)]).astype(np.float64),
        )
