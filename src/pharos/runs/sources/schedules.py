"""Schedules as schedulers write them."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import PharosError
from pharos.runs.events import Schedule
from pharos.runs.schedule import check_schedule

_UNITS_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_EVERY: Final = re.compile(r"@every ((?:\d{1,6}[smhd])+)\Z", re.ASCII)
_PART: Final = re.compile(r"(\d+)([smhd])", re.ASCII)
_DELTA: Final = re.compile(r"(?:(\d{1,4}) days?, )?(\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?\Z", re.ASCII)


def schedule_of(text: str) -> Schedule | None:
    """Return the schedule of a cron expression, a preset such as @daily, `@every 5m`, or Python's text of a
    timedelta; None for what is none of these, or no schedule at all."""
    plain = " ".join(text.split())
    if found := _EVERY.match(plain):
        every_ms = sum(int(count) * _UNITS_MS[unit] for count, unit in _PART.findall(found[1]))
    elif found := _DELTA.match(plain):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        every_ms = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000
    else:
        schedule = Schedule(cron=plain.lower())
        try:
            check_schedule(schedule, "schedule")
        except PharosError:
            return None
        return schedule
    return Schedule(every_ms=every_ms) if every_ms else None
