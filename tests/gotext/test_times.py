"""Times are read and shown as Go does, and durations as Go prints them."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_go_duration
from pharos.gotext.times import (
    DEFAULT_LAYOUT,
    ZERO,
    Moment,
    format_rfc3339,
    format_time,
    load_zone,
    parse_rfc3339,
    parse_time,
)

CASES: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("times.yaml").read_text("utf-8"))[
    "cases"
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['text']} by {case['layout']}")
def test_a_text_is_read_by_a_layout_as_go_reads_it(case: dict[str, Any]) -> None:
    if "fails" in case:
        with pytest.raises(PharosError, match="time"):
            parse_time(case["layout"], case["text"])
    else:
        assert format_time(DEFAULT_LAYOUT, parse_time(case["layout"], case["text"])) == case["shown"]


def test_a_time_is_shown_in_its_zone() -> None:
    moment = Moment(1_704_096_930_000_000_000, load_zone("Europe/Paris"))
    assert format_time(DEFAULT_LAYOUT, moment) == "2024-01-01 09:15:30 +0100 CET"
    assert format_time("Z07:00 Z0700 -07 -07:00:00", moment) == "+01:00 +0100 +01 +01:00:00"
    assert format_time("MST", Moment(0, load_zone("America/Sao_Paulo"))) == "-03"


@pytest.mark.parametrize("name", ["Invalid/Timezone", "../../etc/passwd", "/etc/passwd", "a\0b", "x" * 5000])
def test_a_zone_that_there_is_not_is_told(name: str) -> None:
    with pytest.raises(PharosError, match="unknown time zone"):
        load_zone(name)


def test_zones_without_a_name_are_utc() -> None:
    assert load_zone("") is load_zone("UTC") is load_zone("Local") is UTC


def test_rfc3339_keeps_what_it_needs_of_a_fraction() -> None:
    for text in ("2026-03-01T10:05:30.25Z", "2026-03-01T10:05:30Z", "2026-03-01T09:00:00+02:00"):
        assert format_rfc3339(parse_rfc3339(text)) == text
    assert format_rfc3339(ZERO) == "0001-01-01T00:00:00Z"


def test_years_that_cannot_be_written_are_told() -> None:
    with pytest.raises(PharosError) as raised:
        format_time("2006", Moment(10**21))
    assert raised.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (-2_000_000, "-2ms"),
        (1_000_000_000, "1s"),
        (90_500_000_000, "1m30.5s"),
        (3_600_000_000_000, "1h0m0s"),
        (-9_223_372_036_854_775_808, "-2562047h47m16.854775808s"),
    ],
)
def test_a_duration_is_shown_as_go_shows_it(ns: int, text: str) -> None:
    assert format_go_duration(ns) == text
