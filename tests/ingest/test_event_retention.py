"""How long logs and spans of a tenant are kept, by level too: what is deleted and what stays."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from operator import methodcaller

import pytest
from tests.query.events.requests import NOON_NS

from pharos.access import upkeep
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.engine.sql import fixed, select
from pharos.ingest.events.batch import LogSignal, SpanSignal
from pharos.ingest.events.requests import EventRequest, log_record, resource_of, span
from pharos.ingest.retention import Erased, drop_old, erase_old, leave_to_us
from pharos.limits import LimitTable, TenantLimits
from pharos.policy import Kept

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
NOW_MS = NOON_NS // 1_000_000
_NUMBERS = itertools.count()
_SEVERITIES = {"": 0, "trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    with open_engine(tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@dataclass
class Tenant:
    """What a tenant sent, some time before now."""

    engine: EmbeddedEngine
    name: str

    def log(self, age_ms: int, *levels: str) -> None:
        request = EventRequest()
        for level in levels:
            request.add(resource_of([("pod", f"{age_ms}")]), log_record(level, severity=_SEVERITIES[level]))
        signal = LogSignal()
        batch = signal.begin()
        signal.decode(batch, self.name, request.body(), (NOW_MS - age_ms) * 1_000_000)
        batch.insert(self.engine, f"kept-{next(_NUMBERS)}")

    def trace(self, age_ms: int) -> None:
        request, ids = EventRequest(), (1 + next(_NUMBERS)).to_bytes(16, "big")
        then_ns = (NOW_MS - age_ms) * 1_000_000
        request.add(
            resource_of([("pod", f"{age_ms}")]),
            span("s", trace_id=ids, span_id=ids[8:], start_ns=then_ns, end_ns=then_ns),
        )
        signal = SpanSignal()
        batch = signal.begin()
        signal.decode(batch, self.name, request.body(), then_ns)
        batch.insert(self.engine, f"kept-{next(_NUMBERS)}")

    def erase(self, kept: Kept, **limits: int) -> list[tuple[str, str, int]]:
        """Return what was deleted of it: signal, reason, number."""
        table = LimitTable(TenantLimits(), {self.name: limits})
        erased: list[Erased] = self.engine.control(lambda session: erase_old(session, table, NOW_MS, kept))
        assert {one.tenant for one in erased} <= {self.name}
        return [(one.signal, one.reason, one.count) for one in erased]

    def lines(self) -> list[str]:
        """Return what is left of the log, by level and age in days."""
        age = f"dateDiff('day', received, toDateTime({NOW_MS // 1000}, 'UTC'))"
        words = f"concat(body, ' ', toString({age})) AS w"
        rows = select(upkeep(self.name), words, "logs", tail="ORDER BY w")
        found: list[str] = self.engine.session().query(rows, purpose="test")["w"].to_pylist()
        return found

    def count(self, table: str) -> int:
        rows = select(upkeep(self.name), "count() AS n", table)
        return int(self.engine.session().query(rows, purpose="test")["n"][0].as_py())


@pytest.fixture
def tenant(engine: EmbeddedEngine) -> Tenant:
    return Tenant(engine, f"t{next(_NUMBERS)}")


def test_levels_that_are_kept_shorter_go_before_the_others(tenant: Tenant) -> None:
    for days in (1, 5, 20):
        tenant.log(days * DAY_MS, "debug", "info", "warn", "error", "")
    kept = Kept(logs=30 * DAY_MS)
    limits = {
        "retention_logs_debug_ms": 2 * DAY_MS,
        "retention_logs_info_ms": 10 * DAY_MS,
        "retention_logs_warn_ms": 40 * DAY_MS,
    }
    erased = tenant.erase(kept, **limits)
    assert erased == [("logs", "retention_debug", 2), ("logs", "retention_info", 1)]
    by_age = {"1": ["", "debug", "error", "info", "warn"], "5": ["", "error", "info", "warn"]}
    expected = [f"{level} {age}" for age, levels in by_age.items() for level in levels]
    assert tenant.lines() == sorted([*expected, *(f"{level} 20" for level in ("", "error", "warn"))])
    assert tenant.erase(kept, **limits) == []


def test_trace_goes_with_debug_and_fatal_stays(tenant: Tenant) -> None:
    tenant.log(3 * DAY_MS, "trace", "debug", "fatal")
    assert tenant.erase(Kept(), retention_logs_debug_ms=DAY_MS) == [("logs", "retention_debug", 2)]
    assert tenant.lines() == ["fatal 3"]


def test_a_tenants_own_logs_go_whole_and_so_does_what_they_came_from(tenant: Tenant) -> None:
    tenant.log(9 * DAY_MS, "info", "error")
    tenant.log(6 * HOUR_MS, "info")
    assert tenant.erase(Kept(logs=30 * DAY_MS), retention_logs_ms=2 * DAY_MS) == [("logs", "retention", 2)]
    assert tenant.lines() == ["info 0"]
    assert tenant.count("log_origins") == 1


def test_a_level_that_is_kept_longer_than_all_goes_with_all(tenant: Tenant) -> None:
    tenant.log(5 * DAY_MS, "warn")
    erased = tenant.erase(Kept(), retention_logs_ms=2 * DAY_MS, retention_logs_warn_ms=9 * DAY_MS)
    assert erased == [("logs", "retention", 1)]


def test_a_tenants_own_traces_go_by_themselves(tenant: Tenant) -> None:
    tenant.trace(9 * DAY_MS)
    tenant.trace(HOUR_MS)
    tenant.log(9 * DAY_MS, "debug")
    assert tenant.erase(Kept(traces=14 * DAY_MS), retention_traces_ms=2 * DAY_MS) == [
        ("spans", "retention", 1)
    ]
    assert [tenant.count(table) for table in ("spans", "traces", "span_origins", "logs")] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    "limits", [{}, {"retention_logs_ms": 60 * DAY_MS, "retention_traces_ms": 60 * DAY_MS}]
)
def test_nobody_keeps_longer_than_the_store_or_loses_what_it_keeps(
    tenant: Tenant, limits: dict[str, int]
) -> None:
    tenant.log(40 * DAY_MS, "debug")
    tenant.trace(40 * DAY_MS)
    assert tenant.erase(Kept(logs=30 * DAY_MS, traces=30 * DAY_MS), **limits) == []


def test_events_go_in_steps_so_that_parts_are_rewritten_seldom(tenant: Tenant) -> None:
    step_ms = 14 * DAY_MS // 14
    newest_ms = (NOW_MS - 14 * DAY_MS) // step_ms * step_ms
    tenant.log(NOW_MS - newest_ms, "info")
    tenant.log(NOW_MS - newest_ms + 1_000, "error")
    assert tenant.erase(Kept(), retention_logs_ms=14 * DAY_MS) == [("logs", "retention", 1)]
    assert [line.split()[0] for line in tenant.lines()] == ["info"]


def test_other_tenants_are_let_be(tenant: Tenant, engine: EmbeddedEngine) -> None:
    other = Tenant(engine, f"o{next(_NUMBERS)}")
    for one in (tenant, other):
        one.log(9 * DAY_MS, "info")
    assert tenant.erase(Kept(), retention_logs_info_ms=DAY_MS) == [("logs", "retention_info", 1)]
    assert (tenant.lines(), other.lines()) == ([], ["info 9"])


# -- what is kept of all tenants --


def drop(engine: EmbeddedEngine, kept: Kept) -> list[tuple[str, str, str, int]]:
    """Return what was told to be dropped: tenant, signal, reason, number."""
    told: list[Erased] = []
    engine.control(lambda session: drop_old(session, kept, NOW_MS, told.append))
    return sorted((one.tenant, one.signal, one.reason, one.count) for one in told)


def test_parts_of_which_all_is_too_old_are_dropped_and_counted_by_tenant(engine: EmbeddedEngine) -> None:
    one, other = Tenant(engine, "dropped-1"), Tenant(engine, "dropped-2")
    for tenant, levels in ((one, ("info", "error")), (other, ("warn",))):
        tenant.log(40 * DAY_MS, *levels)
        tenant.log(20 * DAY_MS, "info")
        tenant.trace(40 * DAY_MS)
    mine = [("dropped-1", "logs", "retention", 2), ("dropped-2", "logs", "retention", 1)]
    assert [row for row in drop(engine, Kept(logs=30 * DAY_MS)) if row[0].startswith("dropped")] == mine
    assert (one.lines(), other.lines()) == (["info 20"], ["info 20"])
    assert (one.count("spans"), other.count("spans")) == (1, 1)
    assert drop(engine, Kept(logs=30 * DAY_MS)) == []
    # The next time less is kept, of spans too.
    dropped = drop(engine, Kept(logs=10 * DAY_MS, traces=10 * DAY_MS))
    assert [row for row in dropped if row[0] == "dropped-1"] == [
        ("dropped-1", "logs", "retention", 1),
        ("dropped-1", "spans", "retention", 1),
    ]
    assert [one.count(table) for table in ("logs", "spans", "traces", "span_origins")] == [0, 0, 0, 0]


def test_every_table_goes_by_its_own_time(engine: EmbeddedEngine) -> None:
    tables = {
        **dict.fromkeys(("samples", "histograms", "starts", "exemplars"), "ts"),
        "series": "day",
        **dict.fromkeys(("log_origins", "log_fields", "span_origins", "span_fields", "traces"), "received"),
        **dict.fromkeys(("run_events", "runs"), "received"),
    }
    for table, column in tables.items():
        for day in ("2021-01-10", "2021-03-10"):
            added = f"INSERT INTO {table} (tenant, {column}) VALUES ('times', '{day}')"
            engine.control(methodcaller("execute", added))
    tenant = Tenant(engine, "times")
    # Beginning with February 2021.
    age_ms = NOW_MS - 1_612_137_600_000
    dropped = drop(engine, Kept(age_ms, age_ms, age_ms, age_ms))
    assert [row for row in dropped if row[0] == "times"] == [
        ("times", "run_events", "retention", 1),
        ("times", "samples", "retention", 1),
    ]
    assert {table: tenant.count(table) for table in tables} == dict.fromkeys(tables, 1)


def test_what_is_kept_for_ever_or_not_old_enough_stays(engine: EmbeddedEngine) -> None:
    tenant = Tenant(engine, "staying")
    tenant.log(40 * DAY_MS, "info")
    assert [row for row in drop(engine, Kept(traces=DAY_MS)) if row[0] == "staying"] == []
    assert [row for row in drop(engine, Kept(logs=41 * DAY_MS)) if row[0] == "staying"] == []
    assert tenant.lines() == ["info 40"]


def test_a_part_with_one_row_that_is_kept_stays_whole(engine: EmbeddedEngine) -> None:
    tenant = Tenant(engine, "mixed")
    # Sent late, so that it lies where old ones do.
    request = EventRequest()
    request.add(resource_of([]), log_record("late", ts_ns=NOON_NS - 40 * DAY_MS * 1_000_000))
    signal = LogSignal()
    batch = signal.begin()
    signal.decode(batch, tenant.name, request.body(), NOON_NS - 40 * DAY_MS * 1_000_000)
    signal.decode(batch, tenant.name, request.body(), NOON_NS - DAY_MS * 1_000_000)
    batch.insert(engine, f"kept-{next(_NUMBERS)}")
    assert [row for row in drop(engine, Kept(logs=30 * DAY_MS)) if row[0] == "mixed"] == []
    assert tenant.lines() == ["late 1", "late 40"]


def test_rows_that_were_deleted_before_are_not_counted_again(engine: EmbeddedEngine) -> None:
    tenant = Tenant(engine, "twice")
    tenant.log(40 * DAY_MS, "debug", "error")
    assert tenant.erase(Kept(), retention_logs_debug_ms=DAY_MS) == [("logs", "retention_debug", 1)]
    dropped = drop(engine, Kept(logs=30 * DAY_MS))
    assert [row for row in dropped if row[0] == "twice"] == [("twice", "logs", "retention", 1)]


def test_the_engine_drops_nothing_by_itself_any_longer(engine: EmbeddedEngine) -> None:
    def ttls() -> int:
        text = "SELECT count() AS n FROM system.tables WHERE engine_full LIKE '% TTL %'"
        return int(engine.session().query(fixed(text), purpose="test")["n"][0].as_py())

    change = (
        "ALTER TABLE logs MODIFY TTL received + toIntervalDay(36500) SETTINGS materialize_ttl_after_modify=0"
    )
    engine.control(lambda session: session.execute(change))
    assert ttls() == 1
    engine.control(leave_to_us)
    assert ttls() == 0
