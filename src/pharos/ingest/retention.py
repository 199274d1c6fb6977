"""How long telemetry is kept: parts of tables of which every row is too old are dropped as a whole.

A tenant that keeps less, or less of some levels of its log records, has its rows deleted beyond its own
retention, now and then; queries do not see samples by then. One that would keep more does not: parts go as a
whole, whoever has rows in them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from pharos.access import Scope, upkeep
from pharos.engine import Controlled
from pharos.engine.keys import BUCKET_MS, DAY_MS
from pharos.engine.sql import (
    Condition,
    alter,
    among,
    among_texts,
    between,
    days,
    delete,
    fixed,
    received_within,
    select,
    select_everywhere,
    string,
)
from pharos.ingest.events.levels import DEBUG, INFO, TRACE, WARN
from pharos.limits import LimitsOf, TenantLimits
from pharos.policy import Kept

_SAMPLED: Final = "intDiv(toUnixTimestamp64Milli(ts), 1000)"
_RECEIVED: Final = "toInt64(toUnixTimestamp(received))"
# They are written when they are seen first, on a day: what came of them later outlives that.
_SEEN: Final = f"{_RECEIVED} + 2 * 86400"
_TIMES: Final[dict[str, dict[str, str]]] = {
    "metrics": {
        "samples": _SAMPLED,
        "histograms": _SAMPLED,
        "starts": _SAMPLED,
        "exemplars": _SAMPLED,
        "series": "(toInt64(toInt32(day)) + 1) * 86400",
    },
    "logs": {"logs": _RECEIVED, "log_origins": _SEEN, "log_fields": _SEEN},
    "traces": {"spans": _RECEIVED, "traces": _RECEIVED, "span_origins": _SEEN, "span_fields": _SEEN},
    "runs": {"run_events": _RECEIVED, "runs": _RECEIVED},
}
"""By signal and table from which second on a row is kept so long."""
_COUNTED: Final = {"samples": "samples", "logs": "logs", "spans": "spans", "run_events": "run_events"}
"""Tables whose rows are told of when they go, by the signal that they are told as."""
_FIRST_BUCKET: Final = -(1 << 31)
_STEP_MS: Final = 3_600_000
_STEPS: Final = 14
_ORIGINS_LONGER_S: Final = 2 * 86_400
_LEVELS: Final = {"debug": (TRACE, DEBUG), "info": (INFO,), "warn": (WARN,)}


def leave_to_us(session: Controlled) -> None:
    """Take from the tables the times after which the engine drops parts, as former versions set them.

    It tells nobody what it dropped, and of a part goes by the time that was set when it was written.
    """
    found = session.query(
        fixed(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine_full LIKE '% TTL %'"
        ),
        purpose="retention",
    )
    for table in found["name"].to_pylist():
        session.execute(alter(table, "REMOVE TTL SETTINGS mutations_sync=0").text)


class Erased(Struct, frozen=True):
    """What was deleted of a tenant because it is not kept so long."""

    tenant: str
    signal: str
    """`samples`, `logs`, `spans` or `run_events`."""
    reason: str
    """`retention`, or `retention_LEVEL` where records of a level are kept shorter than the others."""
    count: int


def drop_old(session: Controlled, kept: Kept, now_ms: int, tell: Callable[[Erased], None]) -> None:
    """Drop the parts of tables of which no row is kept any longer, and tell of each what it held.

    Raises PharosError: of the rest nothing is dropped. A part that is merged meanwhile waits.
    """
    ages_ms = {"metrics": kept.metrics, "logs": kept.logs, "traces": kept.traces, "runs": kept.runs}
    for signal, tables in _TIMES.items():
        before_s = (now_ms - ages_ms[signal]) // 1000
        for table, time in tables.items() if ages_ms[signal] else ():
            for part, rows in _old_parts(session, table, time, before_s).items():
                session.execute(alter(table, f"DROP PART {string(part)}").text)
                for tenant, count in rows.items() if table in _COUNTED else ():
                    tell(Erased(tenant, _COUNTED[table], "retention", count))


def _old_parts(session: Controlled, table: str, time: str, before_s: int) -> dict[str, dict[str, int]]:
    """Return how many rows of each tenant the parts hold of which all rows are older than a time."""
    named = fixed(
        "SELECT table, name, partition_id FROM system.parts WHERE active AND database = currentDatabase()"
    )
    listed = session.query(named, purpose="retention").to_pylist()
    # Nearly nothing is received before its time: newer partitions need no look. A month is before its days.
    last = datetime.fromtimestamp(before_s, UTC).strftime("%Y%m%d")
    looked_at = [row["name"] for row in listed if row["table"] == table and row["partition_id"] <= last]
    if not looked_at:
        return {}
    # Rows that are deleted and not merged away yet lie there, too.
    statement = select_everywhere(
        f"_part AS part, tenant, toInt64(countIf(_row_exists)) AS n, max({time}) AS newest_s",
        table,
        tail=f"WHERE {among_texts('_part', looked_at).text} GROUP BY part, tenant"
        " SETTINGS apply_deleted_mask=0",
    )
    found: dict[str, dict[str, int]] = {}
    young: set[str] = set()
    for row in session.query(statement, purpose="retention").to_pylist():
        found.setdefault(row["part"], {})[row["tenant"]] = row["n"]
        if row["newest_s"] >= before_s:
            young.add(row["part"])
    return {part: rows for part, rows in found.items() if part not in young}


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
        table: between("b", _FIRST_BUCKET, time_ms // BUCKET_MS - 1)
        for table in _TIMES["metrics"]
        if table != "series"
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
