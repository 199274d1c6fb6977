"""Messages as documents, as they lie in the outbox until they are sent."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field

from pharos.alert import Alert
from pharos.labels import Labels
from pharos.notify.message import Enclosed, Links, Message, Status

REPORT: Final = "report"
"""The reason of what is mailed without an alert."""
ACKNOWLEDGED: Final = "acknowledged"
"""The purpose, and the reason, of what tells those who keep incidents that somebody looks after one."""


class Told(Struct, frozen=True):
    """What a message tells, whoever it goes to."""

    status: Status
    alerts: Sequence[tuple[Alert, Status]]
    group_labels: Labels
    route_labels: Labels
    now_ms: int
    reason: str

    def document(self) -> dict[str, Any]:
        """Return it as a document of texts, whole numbers and lists."""
        return {
            "status": self.status.value,
            "alerts": [_alert_document(alert, status) for alert, status in self.alerts],
            "group_labels": self.group_labels,
            "route_labels": self.route_labels,
            "now_ms": self.now_ms,
            "reason": self.reason,
        }


def told(
    alerts: Iterable[tuple[Alert, bool]], group_labels: Labels, route_labels: Labels, now_ms: int, reason: str
) -> Told:
    """Return what is told of alerts, each with whether it is over."""
    each = [(alert, Status.RESOLVED if is_over else Status.FIRING) for alert, is_over in alerts]
    is_firing = any(status is Status.FIRING for _, status in each)
    status = Status.FIRING if is_firing else Status.RESOLVED
    return Told(status, each, group_labels, route_labels, now_ms, reason)


def common(sets: Sequence[Labels]) -> Labels:
    """Return the pairs that all sets have."""
    if not sets:
        return ()
    kept = set(sets[0]).intersection(*map(set, sets[1:]))
    return tuple(pair for pair in sets[0] if pair in kept)


class Envelope(Struct, frozen=True):
    """What a message is beside what it tells."""

    key: str
    tenant: str
    receiver: str
    group_key: str
    thread: Mapping[str, str]
    external_url: str = ""
    links: Links = field(default_factory=Links)


def message_of(document: Mapping[str, Any], envelope: Envelope) -> Message:
    """Return the message that a document of `Told` and an envelope make."""
    alerts = tuple(map(_read_alert, document["alerts"]))
    return Message(
        key=envelope.key,
        tenant=envelope.tenant,
        receiver=envelope.receiver,
        group_key=envelope.group_key,
        status=Status(document["status"]),
        alerts=alerts,
        group_labels=_pairs(document["group_labels"]),
        common_labels=common([alert.labels for alert, _ in alerts]),
        common_annotations=common([alert.annotations for alert, _ in alerts]),
        now_ms=document["now_ms"],
        route_labels=_pairs(document["route_labels"]),
        external_url=envelope.external_url,
        links=envelope.links,
        thread=envelope.thread,
        reason=document["reason"],
        page=_page(document.get("page")),
    )


def _page(found: Mapping[str, Any] | None) -> Enclosed | None:
    if found is None:
        return None
    pictures = tuple((one["id"], base64.b64decode(one["png"])) for one in found["pictures"])
    return Enclosed(found["subject"], found["html"], found["text"], pictures)


def page_document(page: Enclosed, now_ms: int) -> dict[str, Any]:
    """Return what the outbox keeps of a page that is mailed: as of alerts, of which there are none."""
    pictures = [{"id": name, "png": base64.b64encode(png).decode()} for name, png in page.pictures]
    return {
        **Told(Status.FIRING, (), (), (), now_ms, REPORT).document(),
        "page": {"subject": page.subject, "html": page.html, "text": page.text, "pictures": pictures},
    }


def fingerprints_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return (fingerprint, status) of the alerts that a document tells of."""
    return [(alert.fingerprint, status.value) for alert, status in map(_read_alert, document["alerts"])]


def _alert_document(alert: Alert, status: Status) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_ms": alert.starts_ms,
        "ends_ms": alert.ends_ms if status is Status.RESOLVED else 0,
        "updated_ms": alert.updated_ms,
        "url": alert.generator_url,
        "status": status.value,
    }


def _read_alert(found: Mapping[str, Any]) -> tuple[Alert, Status]:
    alert = Alert(
        _pairs(found["labels"]),
        _pairs(found["annotations"]),
        found["starts_ms"],
        found["ends_ms"],
        found["updated_ms"],
        found["url"],
    )
    return alert, Status(found["status"])


def _pairs(document: Iterable[Sequence[str]]) -> Labels:
    return tuple((name, value) for name, value in document)
