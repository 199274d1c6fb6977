"""Who is on call, found out minute by minute: slow, and too simple to be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pharos.alerting.oncall.schedule import DAYS, Layer, Schedule
from pharos.alerting.oncall.shifts import Override, Swap

MINUTE_MS = 60_000
_BEFORE = 3 * 24 * 60


def _shown(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).replace(tzinfo=None)


def _is_open(layer: Layer, shown: datetime) -> bool:
    for window in layer.windows:
        for back in (0, 1):
            day = shown.replace(hour=0, minute=0, second=0) - timedelta(days=back)
            opens = datetime.combine(day, window.start)
            if DAYS[day.weekday()] in window.days and opens <= shown < opens + window.length():
                return True
    return not layer.windows


def _of_layer(layer: Layer, shown: datetime) -> tuple[str, ...]:
    assert layer.starts is not None
    if shown < layer.starts or (layer.ends is not None and shown >= layer.ends):
        return ()
    turn = (shown - layer.starts) // layer.length
    return layer.people[turn % len(layer.people)] if _is_open(layer, shown) else ()


def who(
    schedule: Schedule, start_ms: int, end_ms: int, overrides: Sequence[Override], swaps: Sequence[Swap]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield (minute, who is on call) for each minute within [start, end)."""
    zones = [ZoneInfo(layer.time_zone or schedule.time_zone) for layer in schedule.layers]
    # A clock that is set back shows times again that are over.
    furthest = [datetime.min for _ in zones]  # noqa: DTZ901
    for at_ms in range(start_ms - _BEFORE * MINUTE_MS, end_ms, MINUTE_MS):
        furthest = [max(one, _shown(at_ms, zone)) for one, zone in zip(furthest, zones, strict=True)]
        if at_ms < start_ms:
            continue
        people: tuple[str, ...] = ()
        for layer, shown in zip(schedule.layers, furthest, strict=True):
            people = _of_layer(layer, shown) or people
        for override in overrides:
            if override.start_ms <= at_ms < override.end_ms:
                people = override.people
        for swap in swaps:
            if swap.start_ms <= at_ms < swap.end_ms:
                people = tuple(dict.fromkeys(swap.taker if name == swap.giver else name for name in people))
        yield at_ms, people
