"""How long telemetry is kept: a TTL on each table, set when it differs from the settings.

A tenant that keeps less, or less of some levels of its log records, has its rows deleted beyond its own
retention, now and then; queries do not see samples by then. One that would keep more does not: parts go as a
whole, whoever has rows in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pharos.access import Scope, upkeep
from pharos.engine import Controlled
from pharos.engine.keys import BUCKET_MS, DAY_MS
from pharos.engine.sql import (
    Condition,
    alter,
    among,
    between,
    days,
    delete,
    fixed,
    received_within,
    select,
    select_everywhere,
)
from pharos.ingest.events.log_wire import DEBUG, INFO, TRACE, WARN
from pharos.limits import LimitsOf, TenantLimits

_TIMES: Final = {
    "samples": "toDateTime(ts)",
    "histograms": "toDateTime(ts)",
    "starts": "toDateTime(ts)",
    "exemplars": "toDateTime(ts)",
    "series": "toDateTime(day) + toIntervalDay(1)",
}
_EVENT_TIMES: Final = {
    "logs": {
        "logs": "received",
        # They are written when they are seen first, on a day: what came of them later outlives that.
        "log_origins": "received + toIntervalDay(2)",
        "log_fields": "received + toIntervalDay(2)",
    },
    "traces": {
        "spans": "received",
        "traces": "received",
        "span_origins": "received + toIntervalDay(2)",
        "span_fields": "received + toIntervalDay(2)",
    },
    "runs": {"run_events": "received", "runs": "received"},
}
_FIRST_BUCKET: Final = -(1 << 31)
_STEP_MS: Final = 3_600_000
_STEPS: Final = 14
_ORIGINS_LONGER_S: Final = 2 * 86_400
_LEVELS: Final = {"debug": (TRACE, DEBUG), "info": (INFO,), "warn": (WARN,)}


@dataclass(frozen=True, slots=True)
class Kept:
    """How long each signal is kept, in milliseconds; 0 is for ever."""

    metrics: int = 0
    logs: int = 0
    traces: int = 0
    runs: int = 0

    def of_tables(self) -> dict[str, tuple[str, int]]:
        """Return by table from which time on its rows are kept how long."""
        metrics = {table: (time, self.metrics) for table, time in _TIMES.items()}
        logs = {table: (time, self.logs) for table, time in _EVENT_TIMES["logs"].items()}
        traces = {table: (time, self.traces) for table, time in _EVENT_TIMES["traces"].items()}
        runs = {table: (time, self.runs) for table, time in _EVENT_TIMES["runs"].items()}
        return metrics | logs | traces | runs


def keep(session: Controlled, kept: Kept) -> None:
    """Keep each signal so long; only parts that are older as a whole go."""
    found = session.query(
        fixed(
            "SELECT name, extract(engine_full, ' TTL (.*?) SETTINGS ') AS ttl FROM system.tables"
            " WHERE database = currentDatabase()"
        ),
        purpose="retention",
    )
    current = dict(zip(found["name"].to_pylist(), found["ttl"].to_pylist(), strict=True))
    for table, (time, retention_ms) in kept.of_tables().items():
        wanted = f"{time} + toIntervalSecond({retention_ms // 1000})" if retention_ms else ""
        if current.get(table, "") == wanted:
            continue
        change = f"MODIFY TTL {wanted}" if wanted else "REMOVE TTL"
        settings = "SETTINGS materialize_ttl_after_modify=0, mutations_sync=0"
        session.execute(alter(table, f"{change} {settings}").text)


@dataclass(frozen=True, slots=True)
class Erased:
    """What was deleted of a tenant because it is not kept so long."""

    tenant: str
    signal: str
    """`samples`, `logs` or `spans`."""
    reason: str
    """`retention`, or `retention_LEVEL` where records of a level are kept shorter than the others."""
    count: int


def erase_old(session: Controlled, limits_of: LimitsOf, now_ms: int, kept: Kept) -> list[Erased]:
    """Delete what tenants do not keep as long as the store does, which is `kept`."""
    erased = []
    for tenant in _tenants_in(session, "series"):
        own_ms = _shorter(limits_of(tenant).retention_ms, kept.metrics)
        if own_ms:
            count = _erase_before(session, upkeep(tenant), now_ms - own_ms)
            erased.append(Erased(tenant, "samples", "retention", count))
    for tenant in _tenants_in(session, "log_origins"):
        erased += _erase_logs(session, upkeep(tenant), limits_of(tenant), kept.logs, now_ms)
    for tenant in _tenants_in(session, "span_origins"):
        own_ms = _shorter(limits_of(tenant).retention_traces_ms, kept.traces)
        if own_ms:
            before_s = _before_s(now_ms, own_ms)
            count = _erase_events(session, upkeep(tenant), ("spans", "traces"), before_s)
            _erase_origins(session, upkeep(tenant), ("span_origins", "span_fields"), before_s)
            erased.append(Erased(tenant, "spans", "retention", count))
    return [one for one in erased if one.count]


def _tenants_in(session: Controlled, table: str) -> list[str]:
    found: list[str] = session.query(select_everywhere("DISTINCT tenant", table), purpose="retention")[
        "tenant"
    ].to_pylist()
    return found


def _shorter(own_ms: int, of_store_ms: int) -> int:
    """Return a retention that is shorter than the store's, 0 for one that is not."""
    return own_ms if own_ms and (not of_store_ms or own_ms < of_store_ms) else 0


def _before_s(now_ms: int, own_ms: int) -> int:
    """Return before which second events came that go now.

    It moves on in steps: to delete from a part costs as much for a few rows as for many.
    """
    step_ms = max(_STEP_MS, own_ms // _STEPS)
    return (now_ms - own_ms) // step_ms * step_ms // 1000


def _erase_logs(
    session: Controlled, scope: Scope, limits: TenantLimits, of_store_ms: int, now_ms: int
) -> list[Erased]:
    erased = []
    own_ms = _shorter(limits.retention_logs_ms, of_store_ms)
    if own_ms:
        before_s = _before_s(now_ms, own_ms)
        count = _erase_events(session, scope, ("logs",), before_s)
        _erase_origins(session, scope, ("log_origins", "log_fields"), before_s)
        erased.append(Erased(scope.tenant, "logs", "retention", count))
    of_levels = (
        ("debug", limits.retention_logs_debug_ms),
        ("info", limits.retention_logs_info_ms),
        ("warn", limits.retention_logs_warn_ms),
    )
    for level, level_ms in of_levels:
        shorter_ms = _shorter(level_ms, own_ms or of_store_ms)
        if shorter_ms:
            of_level = among("level", _LEVELS[level])
            count = _erase_events(session, scope, ("logs",), _before_s(now_ms, shorter_ms), of_level)
            erased.append(Erased(scope.tenant, "logs", f"retention_{level}", count))
    return erased


def _erase_events(
    session: Controlled, scope: Scope, tables: Sequence[str], before_s: int, *which: Condition
) -> int:
    """Delete what came before a time; return how many rows of the first table that were."""
    old = received_within(0, before_s)
    counted = session.query(select(scope, "count() AS n", tables[0], old, *which), purpose="retention")
    count = int(counted["n"][0].as_py())
    for table in tables if count else ():
        session.execute(delete(scope, table, old, *which).text)
    return count


def _erase_origins(session: Controlled, scope: Scope, tables: Sequence[str], before_s: int) -> None:
    for table in tables:
        _erase_events(session, scope, (table,), before_s - _ORIGINS_LONGER_S)


def _erase_before(session: Controlled, scope: Scope, time_ms: int) -> int:
    """Delete the buckets of a tenant that end before a time; return how many samples these had."""
    old: dict[str, Condition] = {
        table: between("b", _FIRST_BUCKET, time_ms // BUCKET_MS - 1) for table in _TIMES if table != "series"
    }
    old["series"] = days(0, time_ms // DAY_MS - 1)
    samples = 0
    for table, condition in old.items():
        counted = session.query(select(scope, "count() AS n", table, condition), purpose="retention")
        count = int(counted["n"][0].as_py())
        if count:
            session.execute(delete(scope, table, condition).text)
        samples += count * (table == "samples")
    return samples
