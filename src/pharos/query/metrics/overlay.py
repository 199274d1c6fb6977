"""Samples of one time that are not in the store yet, laid over what it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from pharos.labels import METRIC_NAME, Labels, Matcher
from pharos.promql.source import SampleSource, SeriesBlock


class Overlay:
    """Floats of one time by their series; the newest of a series counts."""

    def __init__(self, time_ms: int) -> None:
        self.time_ms = time_ms
        self.names: set[str] = set()
        """The metrics that have any."""
        self._samples: dict[str, dict[Labels, float]] = {}

    def add(self, samples: Iterable[tuple[Labels, float]]) -> None:
        """Lay samples over what there is."""
        for labels, value in samples:
            name = next((value for key, value in labels if key == METRIC_NAME), "")
            self.names.add(name)
            self._samples.setdefault(name, {})[labels] = value

    def over(self, source: SampleSource) -> SampleSource:
        """Return a source of what another one has, with these samples."""
        return _Overlaid(source, self) if self.names else source

    def matching(self, matchers: Sequence[Matcher]) -> dict[Labels, float]:
        """Return the samples of the series that match."""
        found: dict[Labels, float] = {}
        of_name = [one for one in matchers if one.name == METRIC_NAME]
        others = [one for one in matchers if one.name != METRIC_NAME]
        for name, samples in self._samples.items():
            if not all(one.matches(name) for one in of_name):
                continue
            for labels, value in samples.items():
                values = dict(labels)
                if all(one.matches(values.get(one.name, "")) for one in others):
                    found[labels] = value
        return found


class _Overlaid(Struct, frozen=True):
    """A source with an overlay; it gives everything at once, since what rules record is small."""

    source: SampleSource
    overlay: Overlay

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the samples of the series that match; see `SampleSource.select`."""
        block = self.source.select(matchers, start_ms, end_ms)
        if not start_ms <= self.overlay.time_ms <= end_ms:
            return block
        found = self.overlay.matching(matchers)
        return _merged(block, found, self.overlay.time_ms) if found else block


def _merged(block: SeriesBlock, found: dict[Labels, float], time_ms: int) -> SeriesBlock:
    """Return the block with one more sample in each of some series, in place of one of the same time."""
    labels = list(block.labels)
    rows = {one: row for row, one in enumerate(labels)}
    new = [one for one in found if one not in rows]
    times, values, offsets = [], [], [0]
    starts: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for row, one in enumerate(labels):
        part = slice(int(block.offsets[row]), int(block.offsets[row + 1]))
        ts, vs = block.ts_ms[part], block.values[part]
        st = None if block.start_ms is None else block.start_ms[part]
        if one in found:
            low, high = np.searchsorted(ts, time_ms, "left"), np.searchsorted(ts, time_ms, "right")
            ts = np.concatenate([ts[:low], [time_ms], ts[high:]])
            vs = np.concatenate([vs[:low], [found[one]], vs[high:]])
            st = None if st is None else np.concatenate([st[:low], [0], st[high:]])
        times.append(ts)
        values.append(vs)
        if st is not None:
            starts.append(st)
        offsets.append(offsets[-1] + len(ts))
    for one in new:
        times.append(np.array([time_ms], np.int64))
        values.append(np.array([found[one]]))
        starts.append(np.zeros(1, np.int64))
        offsets.append(offsets[-1] + 1)
    histograms = block.histograms
    if histograms is not None:
        more = np.full(len(new), histograms.offsets[-1], np.int64)
        histograms = replace(histograms, offsets=np.concatenate([histograms.offsets, more]))
    return SeriesBlock(
        [*labels, *new],
        np.array(offsets, np.int64),
        np.concatenate(times).astype(np.int64),
        np.concatenate(values).astype(np.float64),
        np.concatenate(starts).astype(np.int64) if block.start_ms is not None else None,
        histograms,
    )
