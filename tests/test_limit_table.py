"""Limits of tenants: whose word counts, how they are written, and the least of several."""

from __future__ import annotations

import pytest

from pharos.config import Limits, Settings, Tenant, limit_table
from pharos.errors import Kind, PharosError
from pharos.limits import (
    LIMIT_NAMES,
    LimitTable,
    TenantLimits,
    least,
    read_limits,
    shown_limits,
    shown_overrides,
)


def test_what_people_say_wins_over_the_settings_and_these_over_what_is_for_everybody() -> None:
    table = LimitTable(TenantLimits(ingest_rate=1, max_series=2, max_queries=3), {"a": {"max_series": 20}})
    assert table("a") == TenantLimits(ingest_rate=1, max_series=20, max_queries=3)
    assert table("b") is table.everybody
    table.say({"a": {"max_series": 0}, "b": {"ingest_rate": 10}})
    assert table("a") == TenantLimits(ingest_rate=1, max_series=0, max_queries=3)
    assert table("b") == TenantLimits(ingest_rate=10, max_series=2, max_queries=3)
    assert table.overrides("a") == {"max_series": 0}
    table.say({})
    assert table("a").max_series == 20
    assert table("b") is table.everybody


def test_a_limit_that_only_a_newer_version_knows_is_left_out() -> None:
    table = LimitTable()
    table.say({"a": {"max_colours": 3, "max_series": 2}})
    assert table("a") == TenantLimits(max_series=2)


def test_limits_are_read_as_they_are_shown() -> None:
    limits = TenantLimits(1, 2, 3, 4, 5, 6, 7, 8, 9, 3_600_000, 90_000, 86_400_000)
    shown = shown_limits(limits)
    assert shown["max_query_range"] == "1h"
    assert tuple(shown) == LIMIT_NAMES
    assert TenantLimits(**read_limits(shown)) == limits
    assert shown_overrides({"retention_ms": 0, "max_series": 5}) == {"max_series": 5, "retention": 0}
    assert read_limits({"max_series": None, "retention": "0", "ingest_rate": "7"}) == {
        "retention_ms": 0,
        "ingest_rate": 7,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_serie", 1),
        ("max_series", -1),
        ("max_series", True),
        ("max_series", 1.5),
        ("max_series", 1 << 60),
        ("max_series", "٣"),
        ("max_series", []),
        ("retention", "1"),
        ("retention", 60),
        ("retention", "soon"),
        ("retention", {}),
    ],
)
def test_what_is_no_limit_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(PharosError) as raised:
        read_limits({name: value})
    assert raised.value.kind is Kind.INVALID
    assert name in raised.value.message


def test_the_least_of_those_that_are_set_counts_for_several_tenants() -> None:
    one, two = TenantLimits(max_queries=4, retention_ms=5), TenantLimits(max_queries=3, max_series=9)
    assert least([one, two]) == TenantLimits(max_queries=3, max_series=9, retention_ms=5)
    assert least([]) == TenantLimits()


def test_the_burst_is_ten_seconds_of_the_rate_unless_it_is_said() -> None:
    assert TenantLimits(ingest_rate=10).burst == 100
    assert TenantLimits(ingest_rate=10, ingest_burst=5).burst == 5
    assert TenantLimits(max_query_lookback_ms=5, retention_ms=7).oldest_ms == 5


def test_settings_name_every_limit() -> None:
    assert tuple(Limits.model_fields) == LIMIT_NAMES
    settings = Settings(
        limits=Limits.model_validate({"ingest_rate": 5, "max_query_range": "1m"}),
        tenants={"a": Tenant(limits=Limits(ingest_rate=7)), "b": Tenant(limits=Limits(ingest_rate=0))},
    )
    table = limit_table(settings)
    assert table("a") == TenantLimits(ingest_rate=7, max_query_range_ms=60_000)
    assert table("b").ingest_rate == 0
    assert table("c") == TenantLimits(ingest_rate=5, max_query_range_ms=60_000)
