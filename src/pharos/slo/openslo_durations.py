"""Durations as OpenSLO writes them: one number, one unit, months and quarters too."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from pharos.document import Value
from pharos.slo.objective import DAY_MS

UNITS_MS: Final = MappingProxyType(
    {
        "m": 60_000,
        "h": 3_600_000,
        "d": DAY_MS,
        "w": 7 * DAY_MS,
        "M": 30 * DAY_MS,
        "Q": 90 * DAY_MS,
        "Y": 365 * DAY_MS,
    }
)
_MOST_DIGITS: Final = 6


def duration_ms(value: Value) -> int:
    """Return a duration such as 5m or 1M; raises PharosError(INVALID) for anything else."""
    text = value.text()
    digits, unit = text[:-1], text[-1:]
    is_count = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS and int(digits) > 0
    if not is_count or unit not in UNITS_MS:
        units = ", ".join(UNITS_MS)
        raise value.fault(f"{value.path}: expected a duration such as 30d, in one of {units}; got {text!r}")
    return int(digits) * UNITS_MS[unit]
