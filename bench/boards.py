"""A dashboard of 30 panels, two queries each: opened, and refreshed while samples come in."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.client import Client, QueryError
from bench.dashboards import background
from bench.query import Timing
from bench.report import Row
from bench.servers import Pharos, started

PANELS = 30
_RATE = 20_000
_SERIES = 10_000
_MINUTE_MS = 60_000


@dataclass(slots=True)
class Result:
    """What was seen."""

    first: Timing = field(default_factory=Timing)
    """A dashboard that nobody asked for before: variables, layout, all panels."""
    refreshed: Timing = field(default_factory=Timing)
    """The same panels, five seconds on."""
    server_ms: list[float] = field(default_factory=list)
    """Of a refresh, as the server itself says."""
    bytes: int = 0
    queries: int = 0


def dashboard() -> dict[str, Any]:
    """Return the dashboard: rates and the greatest of many series, of a variable with all its values."""
    variable = {
        "name": "job",
        "type": "query",
        "query": "label_values(requests_total, job)",
        "multi": True,
        "includeAll": True,
        "current": {"value": ["$__all"]},
    }
    panels = []
    for place in range(PANELS):
        code = ("200", "404", "500")[place % 3]
        targets = [
            {"refId": "A", "expr": f'sum by (job) (rate(requests_total{{job=~"$job"}}[{place + 1}m]))'},
            {"refId": "B", "expr": f'topk(5, requests_total{{job=~"$job",code!="{code}"}}) + {place}'},
        ]
        grid = {"x": place % 4 * 6, "y": place // 4 * 8, "w": 6, "h": 8}
        panels.append({"id": place + 1, "type": "timeseries", "gridPos": grid, "targets": targets})
    return {"uid": "bench", "title": "Bench", "panels": panels, "templating": {"list": [variable]}}


def measure(seconds: float, say: Callable[[str], None]) -> Result:
    """Open and refresh the dashboard for a time, while 20,000 samples a second come in."""
    found = Result()
    with started(Pharos) as server:
        sending = background(server, _SERIES, _RATE)
        try:
            sending.begin(int(time.time() * 1000))
            client = Client(server.port)
            _save(client)
            say(f"dashboards: {PANELS} panels, for {seconds:.0f} s")
            time.sleep(min(20.0, seconds))
            _ask(client, found.first, found, is_refresh=False)
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                _ask(client, found.refreshed, found, is_refresh=True)
                time.sleep(1.0)
            sending.stop()
        finally:
            sending.kill()
    return found


def _save(client: Client) -> None:
    body = json.dumps({"document": dashboard(), "overwrite": True}).encode()
    status, said = client.request(
        "POST", "/api/pharos/dashboards_import", body, {"Content-Type": "application/json"}
    )
    if status != 200:
        raise QueryError(f"the dashboard was not imported: {status} {said[:300]!r}")


def _ask(client: Client, timing: Timing, found: Result, *, is_refresh: bool) -> None:
    now_ms = int(time.time() * 1000)
    asked: dict[str, Any] = {"uid": "bench", "from": now_ms - 15 * _MINUTE_MS, "to": now_ms, "width_px": 1400}
    if is_refresh:
        asked.update({"include": ["panels"], "refresh_variables": False, "variables": {"job": ["$__all"]}})
    status, said = client.request(
        "POST",
        "/api/pharos/dashboard_query",
        json.dumps(asked).encode(),
        {"Content-Type": "application/json"},
    )
    lines = said.splitlines()
    end = json.loads(lines[-1]) if status == 200 and lines else {}
    if end.get("kind") != "end" or end["failed"]:
        timing.failure = f"{status} {said[:300]!r}"
        return
    timing.runs.append(client.last_s)
    found.bytes, found.queries = len(said), end["queries"]
    if is_refresh:
        found.server_ms.append(float(end["took_ms"]))


def rows(found: Result) -> list[Row]:
    """Return the figures; neither peer answers dashboards."""
    own = sorted(found.server_ms) or [float("nan")]
    figures = [
        (f"opened, {PANELS} panels", "ms", found.first.percentile(50) * 1e3),
        ("refreshed, p50", "ms", found.refreshed.percentile(50) * 1e3),
        ("refreshed, p99", "ms", found.refreshed.percentile(99) * 1e3),
        ("refreshed, of the server alone, p50", "ms", own[len(own) // 2]),
        ("queries in it", "", float(found.queries)),
        ("answer", "kB", found.bytes / 1e3),
    ]
    return [Row(name, unit, {"Pharos": value}, compared=False) for name, unit, value in figures]
