"""Burn-rate windows: over which times a budget's burning is looked at, and how fast is too fast.

The table is that of the SRE workbook, whose windows Sloth has too: shares of the budget that a period of 30
days loses in a long window. A period below 28 days has the same shares and burn rates over windows that
shrink with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from pharos.document import Fields, Value, load_document
from pharos.errors import PharosError
from pharos.named_file import read_named
from pharos.slo.objective import DAY_MS

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 3_600_000
_FULL_MS: Final = 28 * DAY_MS
_BASE_MS: Final = 30 * DAY_MS
VERSION: Final = "sloth.slok.dev/v1"
KIND: Final = "AlertWindows"


class Design(StrEnum):
    """Which alerts watch a budget."""

    WORKBOOK = "workbook"
    """The SRE workbook's, which are Sloth's."""
    GATED = "gated"
    """The same, and 5 minutes have to burn too: an alert clears in 330 s instead of 30 minutes."""
    FAST = "fast"
    """1 % in 30 minutes and 2 % in 3 hours, with a gate of 3 minutes and a guard for few events."""


class BurnWindow(Struct, frozen=True):
    """A share of the budget, in percent, that may not be lost within the long window."""

    percent: float
    long_ms: int
    short_ms: int

    def factor(self, period_ms: int) -> float:
        """Return the burn rate at which the long window loses that share of a period's budget."""
        # In hours and in this order: the digits are Sloth's, which stand in its rules.
        return self.percent * (period_ms / _HOUR_MS) / 100 / (self.long_ms / _HOUR_MS)


class BurnWindows(Struct, frozen=True):
    """The four windows of an objective, and the period that their shares are of."""

    period_ms: int
    page: tuple[BurnWindow, BurnWindow]
    ticket: tuple[BurnWindow, BurnWindow]
    scaled_from_ms: int = 0
    """The period that burn rates are computed for, where windows shrank; 0 for the period itself."""

    def factor(self, window: BurnWindow) -> float:
        """Return the burn rate that is too fast over a window of these."""
        if not self.scaled_from_ms:
            return window.factor(self.period_ms)
        place = (*self.page, *self.ticket).index(window)
        base = (*_WORKBOOK.page, *_WORKBOOK.ticket)[place]
        return base.factor(self.scaled_from_ms)

    @property
    def shortest_ms(self) -> int:
        """The shortest window of a quick page."""
        return self.page[0].short_ms

    def durations_ms(self) -> list[int]:
        """Return every window once, from the shortest."""
        return sorted({ms for one in (*self.page, *self.ticket) for ms in (one.short_ms, one.long_ms)})


_WORKBOOK: Final = BurnWindows(
    _BASE_MS,
    (
        BurnWindow(2, _HOUR_MS, 5 * _MINUTE_MS),
        BurnWindow(5, 6 * _HOUR_MS, 30 * _MINUTE_MS),
    ),
    (BurnWindow(10, DAY_MS, 2 * _HOUR_MS), BurnWindow(10, 3 * DAY_MS, 6 * _HOUR_MS)),
)
_NONE: Final[Mapping[int, BurnWindows]] = MappingProxyType({})


def windows_of(period_ms: int, own: Mapping[int, BurnWindows] = _NONE) -> BurnWindows:
    """Return the windows of a period: those that somebody gave for it, or the workbook's."""
    if period_ms in own:
        return own[period_ms]
    if period_ms >= _FULL_MS:
        return BurnWindows(period_ms, _WORKBOOK.page, _WORKBOOK.ticket)
    shrunk = [_shrunk(one, period_ms) for one in (*_WORKBOOK.page, *_WORKBOOK.ticket)]
    return BurnWindows(period_ms, (shrunk[0], shrunk[1]), (shrunk[2], shrunk[3]), _BASE_MS)


def _shrunk(window: BurnWindow, period_ms: int) -> BurnWindow:
    def scaled(ms: int) -> int:
        return max(round(ms * period_ms / _BASE_MS / _MINUTE_MS), 1) * _MINUTE_MS

    short_ms = scaled(window.short_ms)
    return BurnWindow(window.percent, max(scaled(window.long_ms), 2 * short_ms), short_ms)


def load_windows(path: Path) -> BurnWindows:
    """Return the windows of a file as Sloth reads it (`kind: AlertWindows`).

    Raises FaultsError with all that is wrong, and what `named_file` and `document` raise.
    """
    root = load_document(read_named(path), str(path))
    found = root.source.attempt(lambda: _read(root), None)
    root.source.raise_faults()
    assert found is not None  # noqa: S101 - what fails is noted, and was raised
    return found


def _read(root: Value) -> BurnWindows:
    fields = Fields(root, "alert windows")
    version, kind = fields.read("apiVersion", Value.text, ""), fields.read("kind", Value.text, "")
    if (version, kind) != (VERSION, KIND):
        raise root.fault(f"no alert windows: expected apiVersion {VERSION} and kind {KIND}")
    spec = fields.take("spec")
    if spec is None:
        raise root.fault("spec must be set")
    fields.done()
    inner = Fields(spec, "spec")
    period_ms = inner.read("sloPeriod", Value.duration_ms, 0)
    if not period_ms:
        raise spec.fault("spec.sloPeriod must be set, such as 30d")
    page, ticket = _pair(inner, "page"), _pair(inner, "ticket")
    inner.done()
    return BurnWindows(period_ms, page, ticket)


def _pair(fields: Fields, name: str) -> tuple[BurnWindow, BurnWindow]:
    value = fields.take(name)
    if value is None:
        raise fields.value.fault(f"spec.{name} must be set")
    inner = Fields(value, name)
    pair = _window(inner, "quick"), _window(inner, "slow")
    inner.done()
    return pair


def _window(fields: Fields, name: str) -> BurnWindow:
    value = fields.take(name)
    if value is None:
        raise fields.value.fault(f"{fields.value.path}.{name} must be set")
    inner = Fields(value, name)
    found = BurnWindow(
        inner.read("errorBudgetPercent", Value.number, 0.0),
        inner.read("longWindow", Value.duration_ms, 0),
        inner.read("shortWindow", Value.duration_ms, 0),
    )
    inner.done()
    if found.percent <= 0 or not found.short_ms or found.long_ms <= found.short_ms:
        raise _unfit(value)
    return found


def _unfit(value: Value) -> PharosError:
    return value.fault(
        f"{value.path}: errorBudgetPercent has to be above 0, and longWindow longer than shortWindow"
    )
