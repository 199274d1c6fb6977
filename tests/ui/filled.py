"""Something on every page of the console, whose names and texts are longer than a telephone is wide."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

Send = Callable[[str, Any], object]
"""Sends a document to `METHOD /path` of a server."""

LONG = "named-longer-than-a-telephone-is-wide-and-broken-nowhere-in-it"
TRACE = "ab" * 16
TEXT = f"Of what {LONG} tells whoever is woken by it, and what is to be done first"
_MATCHERS = [f'alertname="{LONG}"', 'severity="critical"']
_ALERT = {
    "labels": {"alertname": LONG, "severity": "critical", "job": LONG, "instance": f"{LONG}:9100"},
    "annotations": {"summary": TEXT, "description": TEXT},
}
_RULES = {
    "name": LONG[:45],
    "interval": "15s",
    "rules": [
        {
            "alert": LONG,
            "expr": f'up{{job="{LONG}"}} == 0 or vector(1) > 0',
            "labels": {"severity": "critical", "team": LONG},
            "annotations": {"summary": TEXT},
        },
        {"record": f"{LONG.replace('-', '_')}:rate5m", "expr": "vector(1)"},
    ],
}
_SCHEDULE = {
    "time_zone": "Europe/Berlin",
    "layers": [{"name": LONG, "people": [LONG, "bob"], "starts": "2023-11-13T09:00"}],
}
_WINDOW = {
    "matchers": _MATCHERS,
    "reason": TEXT,
    "zone": "America/Argentina/ComodRivadavia",
    "starts": "2026-01-05T22:00",
    "ends": "2026-01-06T02:00",
    "repeats": "FREQ=WEEKLY;BYDAY=SA",
}
_ACTION = {
    "matchers": _MATCHERS,
    "webhook": {"url": f"http://127.0.0.1:9/{LONG}"},
    "approval": True,
    "description": TEXT,
}
_OBJECTIVE = {
    "service": LONG,
    "target": 99.5,
    "window": "7d",
    "indicator": {"type": "availability", "metric": f'up{{job="{LONG}"}}'},
}
_VERSION = '{ resource.service.version = "{{.group}}" }'
_PLACE = {"x": 0, "y": 0, "w": 12, "h": 7}
_PANEL = {
    "id": 1,
    "type": "table",
    "title": LONG,
    "gridPos": _PLACE,
    "targets": [{"refId": "A", "expr": "up"}],
}
_DASHBOARD = {"uid": "long", "title": LONG, "tags": [LONG], "schemaVersion": 42, "panels": [_PANEL]}


def _definitions() -> Iterator[tuple[str, Any]]:
    """What people define, by the address that it is kept at."""
    yield f"PUT /api/alerting/rules/of-a-team/{LONG[:45]}", {"group": _RULES}
    yield f"PUT /api/alerting/maintenance/{LONG}", _WINDOW
    sides = {"parent": _MATCHERS, "child": ['severity="warning"'], "equal": ["job"], "reason": TEXT}
    yield f"PUT /api/alerting/dependencies/{LONG}", sides
    yield f"PUT /api/alerting/actions/{LONG}", {"action": _ACTION, "reason": TEXT}
    yield f"PUT /api/alerting/schedules/{LONG}", {"schedule": _SCHEDULE}
    check = {"type": "tcp", "host": "127.0.0.1", "port": 1, "component": LONG, "fail_after": 1}
    yield f"PUT /api/v1/health/checks/{LONG}", {"check": check, "version": 0}
    yield f"PUT /api/slos/{LONG}", {"definition": _OBJECTIVE, "version": 0, "reason": TEXT}
    yield f"PUT /api/v1/anomaly-watches/{LONG}", {"series": f'up{{job="{LONG}"}}'}
    yield f"PUT /api/v1/rollouts/{LONG}", {"rollout": {"spans": _VERSION}}
    matchers = [{"name": "severity", "op": "=", "value": LONG}]
    yield "POST /api/alerting/silences", {"matchers": matchers, "lasts_s": 86_400, "comment": TEXT}
    kept = {"document": _DASHBOARD, "overwrite": True, "dry_run": False}
    yield "POST /api/pharos/dashboards_import", kept


def _signals() -> Iterator[tuple[str, Any]]:
    """A trace whose root failed, a line, an alert, and a run."""
    now_ns = time.time_ns()
    of = {"attributes": [{"key": "service.name", "value": {"stringValue": LONG}}]}
    times = {"startTimeUnixNano": str(now_ns - 10**9), "endTimeUnixNano": str(now_ns)}
    span = {"name": f"GET /{LONG}", "kind": 2, "traceId": TRACE, "spanId": "cd" * 8, **times}
    failed = {"status": {"code": 2, "message": TEXT}}
    yield "POST /v1/traces", {"resourceSpans": [{"resource": of, "scopeSpans": [{"spans": [span | failed]}]}]}
    line = {"timeUnixNano": str(now_ns), "severityText": "ERROR", "body": {"stringValue": TEXT}}
    yield "POST /v1/logs", {"resourceLogs": [{"resource": of, "scopeLogs": [{"logRecords": [line]}]}]}
    yield "POST /api/v2/alerts", [_ALERT]
    run = {"run_id": LONG, "time_ms": now_ns // 10**6}
    begun = {**run, "kind": "start", "workflow": LONG, "owner": LONG, "inputs": {LONG: LONG}}
    step = {**run, "kind": "start", "step": {"id": LONG}}
    ended = {**run, "kind": "end", "state": "failed", "error": TEXT}
    yield "POST /api/v1/runs", {"events": [begun, step, ended]}


def fill(send: Send) -> None:
    """Put something on every page."""
    for address, document in (*_definitions(), *_signals()):
        send(address, document)
