"""Messages for tests, made of what a case says."""

from __future__ import annotations

from typing import Any

from pharos.alert import Alert
from pharos.labels import Labels
from pharos.notify.message import Links, Message, Status
from pharos.notify.payload import common

START_MS = 1_700_000_000_000


def pairs(given: dict[str, str] | None) -> Labels:
    return tuple(sorted((given or {}).items()))


def alert_of(given: dict[str, Any]) -> tuple[Alert, Status]:
    ends_ms = given.get("ends_ms", START_MS + 300_000)
    status = Status(given.get("status", "firing"))
    alert = Alert(
        pairs(given["labels"]),
        pairs(given.get("annotations")),
        starts_ms=given.get("starts_ms", START_MS),
        ends_ms=ends_ms,
        generator_url=given.get("generator_url", ""),
    )
    return alert, status


DEFAULT: dict[str, Any] = {
    "alerts": [
        {
            "labels": {"alertname": "DiskFull", "severity": "critical", "instance": "db-1"},
            "annotations": {"summary": "Disk of db-1 is full", "runbook_url": "http://runbooks/disk"},
            "generator_url": "http://pharos:8080/graph?g0.expr=up&g0.tab=1",
        }
    ],
    "group_labels": {"alertname": "DiskFull"},
}


def message_of(given: dict[str, Any] | None = None) -> Message:
    """Return a message; what a case leaves out is as in `DEFAULT`."""
    case = {**DEFAULT, **(given or {})}
    alerts = tuple(alert_of(one) for one in case["alerts"])
    is_firing = any(status is Status.FIRING for _, status in alerts)
    links = {
        "page": "http://pharos:8080/alerts/g1",
        "acknowledge": "http://pharos:8080/api/alerting/links/tok1",
    }
    return Message(
        key=case.get("key", "m1"),
        tenant=case.get("tenant", "default"),
        receiver=case.get("receiver", "team"),
        group_key=case.get("group_key", '{}:{alertname="DiskFull"}'),
        status=Status.FIRING if is_firing else Status.RESOLVED,
        alerts=alerts,
        group_labels=pairs(case["group_labels"]),
        common_labels=common([alert.labels for alert, _ in alerts]),
        common_annotations=common([alert.annotations for alert, _ in alerts]),
        now_ms=case.get("now_ms", START_MS + 60_000),
        route_labels=pairs(case.get("route_labels")),
        truncated=case.get("truncated", 0),
        external_url=case.get("external_url", "http://pharos:8080"),
        links=Links(**case.get("links", links)),
        thread=case.get("thread", {}),
        reason=case.get("reason", "first"),
    )
