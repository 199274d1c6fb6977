"""How long telemetry is kept: a TTL on each table, set when it differs from the settings."""

from __future__ import annotations

from typing import Final

from pharos.engine import Controlled
from pharos.engine.sql import alter, fixed

_TIMES: Final = {
    "samples": "toDateTime(ts)",
    "histograms": "toDateTime(ts)",
    "starts": "toDateTime(ts)",
    "exemplars": "toDateTime(ts)",
    "series": "toDateTime(day) + toIntervalDay(1)",
}


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
