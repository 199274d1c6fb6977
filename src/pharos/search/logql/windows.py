"""A number for the samples of each window: what `sum_over_time` and its like make of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.search.logql.grid import Column, Steps

Times = NDArray[np.int64]
Values = NDArray[np.float64]
_NS: Final = 1e9


class Windows:
    """Where the samples of each step's window lie; a window is open at its start and closed at its end."""

    def __init__(self, times: Times, values: Values, steps: Steps, range_ns: int, offset_ns: int) -> None:
        self.times = times
        self.values = values
        ends = steps.times() - offset_ns
        self.first = np.searchsorted(times, ends - range_ns, side="right")
        self.end = np.searchsorted(times, ends, side="right")
        self.ends_ns = ends
        self.range_ns = range_ns
        self.present = self.end > self.first

    def reduce(self, ufunc: np.ufunc) -> Values:
        """Return what a ufunc makes of each window that has samples."""
        result = np.zeros(len(self.present))
        if self.present.any():
            bounds = np.stack([self.first[self.present], self.end[self.present]], axis=1).ravel()
            result[self.present] = ufunc.reduceat(np.append(self.values, 0.0), bounds)[::2]
        return result

    def each(self, of: Callable[[Values], float]) -> Values:
        """Return what a function makes of each window that has samples."""
        result = np.zeros(len(self.present))
        for place in np.flatnonzero(self.present).tolist():
            result[place] = of(self.values[self.first[place] : self.end[place]])
        return result


def _counts(windows: Windows) -> Values:
    return (windows.end - windows.first).astype(np.float64)


def _sum(windows: Windows) -> Values:
    return windows.reduce(np.add)


def _rate(windows: Windows) -> Values:
    return _sum(windows) / (windows.range_ns / _NS)


def _average(windows: Windows) -> Values:
    return _sum(windows) / np.maximum(_counts(windows), 1)


def _first(windows: Windows) -> Values:
    return np.append(windows.values, 0.0)[windows.first]


def _last(windows: Windows) -> Values:
    return np.append(0.0, windows.values)[windows.end]


def _rate_counter(windows: Windows) -> Values:
    result = np.zeros(len(windows.present))
    for place in np.flatnonzero(windows.end - windows.first > 1).tolist():
        within = slice(windows.first[place], windows.end[place])
        result[place] = _extrapolated(
            windows.times[within], windows.values[within], int(windows.ends_ns[place]), windows.range_ns
        )
    return result


def _extrapolated(times: Times, values: Values, end_ns: int, range_ns: int) -> float:
    """Return the rate of a counter as Prometheus has it: resets made good, drawn out to the window's ends."""
    drops = np.diff(values) < 0
    increase = float(values[-1] - values[0] + values[:-1][drops].sum())
    sampled = float(times[-1] - times[0]) / _NS
    if sampled == 0:
        return 0.0
    spacing = sampled / (len(values) - 1)
    to_start = float(times[0] - (end_ns - range_ns)) / _NS
    to_end = float(end_ns - times[-1]) / _NS
    if increase > 0 and values[0] >= 0:
        to_start = min(to_start, sampled * float(values[0]) / increase)
    drawn = sampled
    for gap in (to_start, to_end):
        drawn += gap if gap < spacing * 1.1 else spacing / 2
    return increase * (drawn / sampled) / (range_ns / _NS)


def quantile(values: Values, q: float) -> float:
    """Return a quantile, between the nearest two values; infinite for what is below 0 or above 1."""
    if np.isnan(q):
        return np.nan
    if q < 0:
        return -np.inf
    if q > 1:
        return np.inf
    return float(np.quantile(values, q))


_AGGREGATIONS: Final[dict[str, Callable[[Windows], Values]]] = {
    "count_over_time": _counts,
    "bytes_over_time": _sum,
    "sum_over_time": _sum,
    "rate": _rate,
    "bytes_rate": _rate,
    "rate_counter": _rate_counter,
    "avg_over_time": _average,
    "max_over_time": lambda windows: windows.reduce(np.maximum),
    "min_over_time": lambda windows: windows.reduce(np.minimum),
    "first_over_time": _first,
    "last_over_time": _last,
    "stddev_over_time": lambda windows: windows.each(lambda values: float(np.std(values))),
    "stdvar_over_time": lambda windows: windows.each(lambda values: float(np.var(values))),
}


def aggregate(name: str, windows: Windows, parameter: float | None) -> Column:
    """Return a series of what an aggregation makes of each window."""
    with np.errstate(all="ignore"):
        if name == "quantile_over_time":
            q = 0.0 if parameter is None else parameter
            return Column(windows.each(lambda values: quantile(values, q)), windows.present)
        present = windows.present
        if name == "rate_counter":
            present = windows.end - windows.first > 1
        return Column(_AGGREGATIONS[name](windows), present)
