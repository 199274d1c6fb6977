"""What timelines say of alerts that are taken: that they fire or are over, and in which groups they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pharos.alert import Alert
from pharos.alerting.alerts import Known
from pharos.alerting.group import Desk
from pharos.state import Writing
from pharos.state.timeline import Entry, Step

Began = tuple[str, Known, bool]
"""The tenant of an alert, what is known of it, and whether whoever sent it tells of it by itself."""


class Ends(Protocol):
    """Who wants to know that alerts are over."""

    def __call__(self, unit: Writing, tenant: str, fingerprints: Sequence[str], /) -> None:
        """Take note, in the transaction that keeps it."""
        ...


def taken_entries(begun: Sequence[Began], desk_of: Callable[[str], Desk], now_ms: int) -> list[Entry]:
    """Return the steps of alerts that began to fire."""
    entries = []
    for tenant, known, is_told in begun:
        fingerprint = known.alert.fingerprint
        if not is_told:
            entries.append(Entry(tenant, fingerprint, Step.FIRING, now_ms, _shown(known.alert)))
        for route, labels, key in desk_of(tenant).places(known.mapping):
            detail = {
                "receiver": route.receiver,
                "route": route.key,
                "group_labels": dict(labels),
                "labels": dict(known.alert.labels),
            }
            entries.append(Entry(tenant, fingerprint, Step.ROUTED, now_ms, detail, key))
    return entries


def ended_entries(ended: Sequence[Began], now_ms: int) -> list[Entry]:
    """Return the steps of alerts that are over."""
    return [
        Entry(tenant, known.alert.fingerprint, Step.RESOLVED, now_ms, _shown(known.alert))
        for tenant, known, is_told in ended
        if not is_told
    ]


def _shown(alert: Alert) -> dict[str, Any]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "starts_ms": alert.starts_ms,
        "ends_ms": alert.ends_ms,
    }
