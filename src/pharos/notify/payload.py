"""A message as Alertmanager's webhook tells it, version 4: names, order, escapes of its JSON are a contract.

Whoever reads it was written against Alertmanager, so nothing is added but what newer versions of it have.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pharos.alert import Alert
from pharos.labels import Labels
from pharos.notify.gojson import go_json, go_time
from pharos.notify.message import Message, Status
from pharos.notify.wording import cut

VERSION: Final = "4"
MOST_BYTES: Final = 8 * 1024 * 1024
"""What is larger has its long values cut, and then its last alerts left out."""
_CUT_VALUE: Final = 2048
_MARGIN: Final = 0.9
_SPECIAL: Final = re.compile(r"[\\.+*?()|\[\]{}^$]")

REASONS: Final = {
    "first": "first notification",
    "added": "new alerts added",
    "some_resolved": "some alerts resolved",
    "all_resolved": "all alerts resolved",
    "repeat": "repeat interval elapsed",
}
"""What Alertmanager calls why a group is told of now; our own reasons have their own names."""


def quoted_receiver(name: str) -> str:
    """Return a receiver's name as it is told: as a regular expression that means it."""
    return _SPECIAL.sub(r"\\\g<0>", name)


def common(pairs: Sequence[Labels]) -> Labels:
    """Return the pairs that all have."""
    if not pairs:
        return ()
    others = [set(one) for one in pairs[1:]]
    return tuple(pair for pair in pairs[0] if all(pair in other for other in others))


def told_end_ms(alert: Alert, status: Status) -> int:
    """Return when an alert ended; 0 while it fires: an end to come is only when it would be given up."""
    return alert.ends_ms if status is Status.RESOLVED else 0


def webhook_body(
    message: Message,
    max_alerts: int = 0,
    *,
    version: str = VERSION,
    most_bytes: int = MOST_BYTES,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the body of a webhook with at most `max_alerts` alerts (0: all), in `most_bytes` if possible.

    `more` are fields beside Alertmanager's.
    """
    kept = message.alerts[:max_alerts] if max_alerts else message.alerts
    body = b""
    for most in (None, _CUT_VALUE, _CUT_VALUE // 16):
        if _least_bytes(kept, most) > most_bytes and most != _CUT_VALUE // 16:
            continue
        body = go_json({**payload_of(message, kept, most, version), **(more or {})})
        if len(body) <= most_bytes:
            return body
    # So many alerts that they are too much even so: the first ones are told.
    kept = kept[: max(1, int(len(kept) * _MARGIN * most_bytes / len(body)))]
    return go_json({**payload_of(message, kept, _CUT_VALUE // 16, version), **(more or {})})


def _least_bytes(kept: Sequence[tuple[Alert, Status]], most: int | None) -> int:
    """Return how many bytes the values of alerts take at the least."""
    return sum(
        len(value) if most is None else min(len(value), most)
        for alert, _ in kept
        for _, value in (*alert.labels, *alert.annotations)
    )


def payload_of(
    message: Message, kept: Sequence[tuple[Alert, Status]], most: int | None = None, version: str = VERSION
) -> dict[str, Any]:
    """Return what is told of some of a message's alerts, values cut to `most` characters."""
    is_whole = len(kept) == len(message.alerts)
    labels = message.common_labels if is_whole else common([alert.labels for alert, _ in kept])
    notes = message.common_annotations if is_whole else common([alert.annotations for alert, _ in kept])
    is_firing = any(status is Status.FIRING for _, status in kept)
    return {
        "receiver": quoted_receiver(message.receiver),
        "status": (Status.FIRING if is_firing else Status.RESOLVED).value,
        "alerts": [_alert(alert, status, most) for alert, status in kept],
        "notification_reason": REASONS.get(message.reason, message.reason),
        "groupLabels": _mapping(message.group_labels, most),
        "commonLabels": _mapping(labels, most),
        "commonAnnotations": _mapping(notes, most),
        "routeLabels": _mapping(message.route_labels, most),
        "externalURL": message.external_url,
        "version": version,
        "groupKey": message.group_key,
        "truncatedAlerts": message.truncated + len(message.alerts) - len(kept),
    }


def _mapping(pairs: Labels, most: int | None) -> dict[str, str]:
    return {name: value if most is None else cut(value, most) for name, value in sorted(pairs)}


def _alert(alert: Alert, status: Status, most: int | None) -> dict[str, Any]:
    return {
        "status": status.value,
        "labels": _mapping(alert.labels, most),
        "annotations": _mapping(alert.annotations, most),
        "startsAt": go_time(alert.starts_ms),
        "endsAt": go_time(told_end_ms(alert, status)),
        "generatorURL": alert.generator_url,
        "fingerprint": alert.fingerprint,
    }
