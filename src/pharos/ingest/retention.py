"""How long telemetry is kept: a TTL on each table, set when it differs from the settings.

A tenant that keeps less has its rows deleted beyond its own retention, now and then; queries do not see them
by then. One that would keep more does not: parts go as a whole, whoever has rows in them.
"""

from __future__ import annotations

from typing import Final

from pharos.access import Scope, upkeep
from pharos.engine import Controlled
from pharos.engine.keys import BUCKET_MS, DAY_MS
from pharos.engine.sql import Condition, alter, between, days, delete, fixed, select, select_everywhere
from pharos.limits import LimitsOf

_TIMES: Final = {
    "samples": "toDateTime(ts)",
    "histograms": "toDateTime(ts)",
    "starts": "toDateTime(ts)",
    "exemplars": "toDateTime(ts)",
    "series": "toDateTime(day) + toIntervalDay(1)",
}
_FIRST_BUCKET: Final = -(1 << 31)


def keep_metrics(session: Controlled, retention_ms: int) -> None:
    """Keep metrics for `retention_ms`, for ever if it is 0; only parts that are older as a whole go."""
    found = session.query(
        fixed(
            "SELECT name, extract(engine_full, ' TTL (.*?) SETTINGS ') AS ttl FROM system.tables"
            " WHERE database = currentDatabase()"
        ),
        purpose="retention",
    )
    current = dict(zip(found["name"].to_pylist(), found["ttl"].to_pylist(), strict=True))
    for table, time in _TIMES.items():
        wanted = f"{time} + toIntervalSecond({retention_ms // 1000})" if retention_ms else ""
        if current.get(table, "") == wanted:
            continue
        change = f"MODIFY TTL {wanted}" if wanted else "REMOVE TTL"
        settings = "SETTINGS materialize_ttl_after_modify=0, mutations_sync=0"
        session.execute(alter(table, f"{change} {settings}").text)


def erase_old(session: Controlled, limits_of: LimitsOf, now_ms: int, retention_ms: int) -> dict[str, int]:
    """Delete what tenants do not keep as long as the store does, `retention_ms` (0: for ever).

    Returns the number of samples by tenant.
    """
    found = session.query(select_everywhere("DISTINCT tenant", "series"), purpose="retention")
    erased: dict[str, int] = {}
    for tenant in found["tenant"].to_pylist():
        own_ms = limits_of(tenant).retention_ms
        if own_ms and (not retention_ms or own_ms < retention_ms):
            count = _erase_before(session, upkeep(tenant), now_ms - own_ms)
            if count:
                erased[tenant] = count
    return erased


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
