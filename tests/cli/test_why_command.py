"""Times as `pharos why` takes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pharos.commands.why import read_at
from pharos.errors import PharosError


def _here(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone()


def test_a_time_of_day_is_the_last_one_that_the_clock_here_showed() -> None:
    now = _here("2026-01-05T12:00:00")
    now_ms = int(now.timestamp()) * 1000
    assert datetime.fromisoformat(read_at("02:14", now_ms)) == now.replace(hour=2, minute=14)
    later = now.replace(hour=23, minute=59) - timedelta(days=1)
    assert datetime.fromisoformat(read_at("23:59", now_ms)) == later


def test_a_time_with_a_zone_is_that_time() -> None:
    assert datetime.fromisoformat(read_at("2026-01-05T02:14:00+02:00")) == datetime(
        2026, 1, 5, 0, 14, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["25:00", "yesterday", "02:60"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(PharosError, match="not a time"):
        read_at(text)
