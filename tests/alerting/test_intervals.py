"""What lies within a time interval."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.alerting.intervals import TimeInterval, containing, read_interval, zone_of
from pharos.document import load_document
from pharos.errors import PharosError

CASES = yaml.safe_load((Path(__file__).parent / "cases/intervals.yml").read_text())


def interval_of(plain: dict[str, Any]) -> TimeInterval:
    root = load_document(yaml.safe_dump(plain), "i.yml")
    interval = read_interval(root)
    root.source.raise_faults()
    return interval


def ms(moment: datetime) -> int:
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_times_lie_within_or_outside(case: dict[str, Any]) -> None:
    interval = interval_of(case["interval"])
    for moment in case["within"]:
        assert interval.contains(ms(moment)), moment
    for moment in case["outside"]:
        assert not interval.contains(ms(moment)), moment


def test_names_are_told_that_contain_a_time() -> None:
    always, never = interval_of({}), interval_of({"times": []})
    intervals = {"a": (never, always), "b": (never,), "c": (always,)}
    assert containing(intervals, ("c", "b", "a"), 0) == ("c", "a")


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "../etc/passwd", "/etc/passwd", "America", "\0", "x" * 5000]
)
def test_a_zone_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(PharosError, match="unknown time zone"):
        zone_of(name)
