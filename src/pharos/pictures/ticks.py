"""Where the lines of a grid are, and what is written at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

_TIMES_S: Final = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 2_592_000, 7_776_000, 31_536_000),
)
_DAY_MS: Final = 86_400_000
_DECIMAL: Final = ("", "k", "M", "G", "T", "P")
_BINARY: Final = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
_SUFFIXES: Final = {"reqps": " req/s", "ops": " ops/s", "ms": " ms", "percent": " %", "currencyEUR": " €"}


class Axis(Struct, frozen=True):
    """The range of values that is drawn, and where its lines are."""

    low: float
    high: float
    ticks: tuple[float, ...]


def value_axis(values: Sequence[float], most: int = 5) -> Axis:
    """Return the axis of some values: from 0 where that is near, with round numbers at its lines."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if low > 0 and low < (high - low) * 2 + 1e-300:
        low = 0.0
    if high < 0 and -high < (high - low) * 2:
        high = 0.0
    if high == low:
        spread = abs(high) * 0.1 or 1.0
        low, high = low - (spread if low else 0.0), high + spread
    step = _round_step((high - low) / most)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(number * step for number in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def _round_step(rough: float) -> float:
    magnitude = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    return next(
        (magnitude * factor for factor in (1, 2, 2.5, 5) if magnitude * factor >= rough), magnitude * 10
    )


def time_ticks(start_ms: int, end_ms: int, most: int = 7) -> list[tuple[int, str]]:
    """Return times on round moments (UTC) in a range, with what is written at each."""
    length_s = max((end_ms - start_ms) / 1000, 1e-3)
    step_s = next((one for one in _TIMES_S if length_s / one <= most), _TIMES_S[-1])
    step_ms = step_s * 1000
    first = -(-start_ms // step_ms)
    return [(at * step_ms, _time_text(at * step_ms, step_s)) for at in range(first, end_ms // step_ms + 1)]


def _time_text(time_ms: int, step_s: int) -> str:
    at = datetime.fromtimestamp(time_ms / 1000, UTC)
    if step_s >= 86_400 or time_ms % _DAY_MS == 0:
        return at.strftime("%Y-%m" if step_s >= 2_592_000 else "%m-%d")
    return at.strftime("%H:%M:%S" if step_s < 60 else "%H:%M")


def value_text(value: float, unit: str = "") -> str:
    """Return a value in a unit (by the names that Grafana has for them), with three digits that count."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")
    if unit == "percentunit":
        return f"{_short(value * 100)} %"
    if unit in {"bytes", "decbytes", "Bps"}:
        return _scaled(value, 1024.0, _BINARY) + ("/s" if unit == "Bps" else "")
    if unit == "s":
        return _seconds(value)
    return _scaled(value, 1000.0, _DECIMAL) + _SUFFIXES.get(unit, "")


def _scaled(value: float, base: float, names: Sequence[str]) -> str:
    place = 0
    while abs(value) >= base and place < len(names) - 1:
        value, place = value / base, place + 1
    gap = " " if names[place] and base == 1024.0 else ""
    return f"{_short(value)}{gap}{names[place]}"


def _seconds(value: float) -> str:
    size = abs(value)
    if size >= 3600:
        return f"{_short(value / 3600)} h"
    if size >= 60:
        return f"{_short(value / 60)} min"
    for limit, factor, name in ((1, 1.0, "s"), (1e-3, 1e3, "ms"), (1e-6, 1e6, "µs")):
        if size >= limit:
            return f"{_short(value * factor)} {name}"
    return "0 s" if value == 0 else f"{_short(value * 1e9)} ns"


def _short(value: float) -> str:
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        return f"{value:.2g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
