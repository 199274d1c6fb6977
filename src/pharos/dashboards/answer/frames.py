"""What a target is answered with: series that share their times, tables, lines of logs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias

import numpy as np
import orjson
from msgspec import Struct, field
from msgspec.structs import replace
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
_AS_JSON: Final = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS


class Ticks(Struct, frozen=True):
    """Times, in milliseconds: as many as `count`, a step apart; or as `listed`."""

    start_ms: int
    step_ms: int
    count: int
    listed: tuple[int, ...] = ()

    def shown(self) -> Any:
        """Return them as JSON has it."""
        if self.listed:
            return list(self.listed)
        return {"start": self.start_ms, "step": self.step_ms, "count": self.count}

    def all_ms(self) -> list[int]:
        """Return all of them."""
        if self.listed:
            return list(self.listed)
        return [self.start_ms + place * self.step_ms for place in range(self.count)]


class SeriesFrame(Struct, frozen=True):
    """Series: `values[n, times]`, where `present[n, times]`."""

    ref: str
    ticks: Ticks
    names: Sequence[str]
    labels: Sequence[Mapping[str, str]]
    values: Floats
    present: Bools
    is_heatmap: bool = False
    histograms: Mapping[int, list[Any]] = field(default_factory=dict)
    """Of a series by its place: at each time the buckets of a native histogram, or None."""

    def shown(self) -> dict[str, Any]:
        """Return it for `written`."""
        series: list[dict[str, Any]] = []
        plain = np.where(self.present, self.values, np.nan)
        hard = self.present & ~np.isfinite(self.values)
        is_hard = set(np.flatnonzero(hard.any(axis=1)).tolist())
        for row, (name, labels) in enumerate(zip(self.names, self.labels, strict=True)):
            one: dict[str, Any] = {"name": name, "labels": labels}
            if row in self.histograms:
                one["histograms"] = self.histograms[row]
            elif row in is_hard:
                one["values"] = _spelled(self.values[row], self.present[row])
            else:
                one["values"] = plain[row]
            series.append(one)
        return {
            "shape": "series",
            "ref": self.ref,
            "metric_format": "heatmap" if self.is_heatmap else "time_series",
            "times": self.ticks.shown(),
            "series": series,
        }

    def named(self, ref: str) -> SeriesFrame:
        """Return the same as the answer of another target."""
        return replace(self, ref=ref)


def spelled(value: float) -> Any:
    """Return a number as frames have it: what JSON has no number for as text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"


def _spelled(values: Floats, present: Bools) -> list[Any]:
    return [
        spelled(value) if there else None
        for value, there in zip(values.tolist(), present.tolist(), strict=True)
    ]


class Column(Struct, frozen=True):
    """A column of a table; `type` is time, number, string or boolean."""

    name: str
    type: str
    values: Any
    labels: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Return it for `written`."""
        return {"name": self.name, "type": self.type, "values": self.values, "labels": self.labels}


class TableFrame(Struct, frozen=True):
    """A table, or what is told of traces."""

    ref: str
    columns: Sequence[Column]
    shape: str = "table"

    def shown(self) -> dict[str, Any]:
        """Return it for `written`."""
        return {"shape": self.shape, "ref": self.ref, "columns": [one.shown() for one in self.columns]}


class OtherFrame(Struct, frozen=True):
    """Any other answer, as JSON has it."""

    ref: str
    shape: str
    body: Mapping[str, Any]

    def shown(self) -> dict[str, Any]:
        """Return it for `written`."""
        return {"shape": self.shape, "ref": self.ref, **self.body}


Frame: TypeAlias = SeriesFrame | TableFrame | OtherFrame


def written(line: Mapping[str, Any]) -> bytes:
    """Return a line of the stream."""
    return orjson.dumps(line, option=_AS_JSON) + b"\n"
