"""When a wall clock shows a time.

A local time is reached at the first moment at which the clock shows it or a later one. So every local time
has one moment, and later times never have an earlier one: a time that the clocks leap over in spring is
reached when they leap, one that is shown twice in autumn is reached the first time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pharos.errors import Kind, PharosError

_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return a time zone of the IANA database. Raises PharosError(INVALID)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise PharosError(
            Kind.INVALID, f"there is no time zone {name[:60]!r}", hint="one such as Europe/Berlin, or UTC"
        ) from exc


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    """Return what a wall clock shows at a time, without a zone."""
    return (_EPOCH_UTC + timedelta(milliseconds=at_ms)).astimezone(zone).replace(tzinfo=None)


@lru_cache(maxsize=65_536)
def reached_ms(wanted: datetime, zone: ZoneInfo) -> int:
    """Return the first time at which a wall clock shows a local time or a later one."""
    wanted = wanted.replace(fold=0)
    # Before the clocks changed, where that matters: too late by as much as they leapt over.
    latest = _utc_ms(wanted, zone)
    if local(latest, zone) == wanted:
        return latest
    earliest = _utc_ms(wanted.replace(fold=1), zone)
    while latest - earliest > 1:
        middle = (earliest + latest) // 2
        if local(middle, zone) >= wanted:
            latest = middle
        else:
            earliest = middle
    return latest


def _utc_ms(wanted: datetime, zone: ZoneInfo) -> int:
    return (wanted.replace(tzinfo=zone).astimezone(UTC) - _EPOCH_UTC) // _MS
