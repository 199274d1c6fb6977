"""Targets as they are written, kept to the digit."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Final

from pharos.document import Value

_DIGITS: Final = 40


def exact_ratio(value: Value) -> tuple[float, str]:
    """Return a target in percent, and as a ratio in exact digits: 99.9 and `0.999`.

    Raises PharosError(INVALID) unless it is above 0 and at most 100.
    """
    percent = _decimal(value)
    if not 0 < percent <= 100:
        hint = ": it is in percent, write 99.9 for 99.9 %"
        raise value.fault(f"{value.path}: a target is above 0 and at most 100, got {value.text()!r}{hint}")
    return float(percent), _digits(percent / 100)


def exact_percent(value: Value, *, is_percent: bool) -> tuple[float, str]:
    """Return a target that is a ratio (or a percentage) in percent, and as a ratio in exact digits.

    Raises PharosError(INVALID) unless it is at least 0 and below 1 (or 100).
    """
    number = _decimal(value)
    most = 100 if is_percent else 1
    if not 0 <= number < most:
        hint = "" if is_percent else ": it is a ratio, write 0.999 for 99.9 %"
        raise value.fault(
            f"{value.path}: a target is at least 0 and below {most}, got {value.text()!r}{hint}"
        )
    ratio = number / 100 if is_percent else number
    # As a product of doubles, whose digits others print: 0.999 is 99.9 %.
    return (float(number) if is_percent else float(number) * 100), _digits(ratio)


def _decimal(value: Value) -> Decimal:
    text = value.text()
    try:
        found = Decimal(text) if len(text) <= _DIGITS else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found.adjusted()) > _DIGITS:
        raise value.fault(f"{value.path}: expected a number, got {text!r}")
    return found


def _digits(ratio: Decimal) -> str:
    text = f"{ratio.normalize():f}"
    return text if text != "-0" else "0"
