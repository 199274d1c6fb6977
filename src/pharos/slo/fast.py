"""The guard of fast alerts: enough bad events, and more than chance makes of half the rate."""

from __future__ import annotations

import re
from typing import Final

from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_g
from pharos.slo.objective import BoolGauge, ErrorRatio, Objective, Threshold
from pharos.slo.ratios import bad_and_total

_RATE: Final = re.compile(r"\bi?rate\(")
LEAST_EVENTS: Final = 5
_QUANTILE: Final = "1.645"
"""Of the normal distribution at 95 %."""


def evidence(objective: Objective, window_ms: int, burn_rate: float) -> str:
    """Return the condition that so many bad events are more than chance, one without labels.

    The lower bound, at 5 %, of the mean of a Poisson count, by Wilson and Hilferty's approximation, is held
    against what `burn_rate` would give. It is empty for indicators that do not count events.
    """
    if isinstance(objective.indicator, ErrorRatio | Threshold | BoolGauge):
        return ""
    bad, total = bad_and_total(objective.indicator, format_duration(window_ms))
    seconds = f" * {window_ms // 1000}" if _RATE.search(total) else ""
    count, events = f"sum(({bad}){seconds})", f"sum(({total}){seconds})"
    bound = f"{count} * (1 - 1 / (9 * {count}) - {_QUANTILE} / (3 * sqrt({count}))) ^ 3"
    least = f"{format_g(burn_rate * objective.budget)} * {events}"
    return f"({count} >= {LEAST_EVENTS} and {bound} > {least})"
