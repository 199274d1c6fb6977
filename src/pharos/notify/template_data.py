"""The data of a notification, as Alertmanager gives it to templates: names, methods and JSON are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pharos.alert import ALERT_NAME, Alert
from pharos.errors import Kind, PharosError
from pharos.gotemplate.moments import Time
from pharos.gotemplate.values import TEXTS, Function, Items, Record, Table, Value
from pharos.gotext.times import ZERO, Moment, parse_rfc3339
from pharos.notify.message import Links, Message, Status
from pharos.notify.payload import REASONS, quoted_receiver, told_end_ms


class Pairs(Items):
    """Names and values in order."""

    __slots__ = ()
    type_name = "template.Pairs"

    def texts(self, field: str) -> list[str]:
        """Return the names, or the values."""
        return [str(pair.fields[field]) for pair in self.items if isinstance(pair, Record)]


class Pairing(Table):
    """Labels or annotations."""

    __slots__ = ()
    type_name = "template.KV"

    def __init__(self, entries: Mapping[str, Value], *, is_nil: bool = False) -> None:
        super().__init__(entries, "string", is_nil=is_nil)

    def sorted_pairs(self) -> Pairs:
        """Return the pairs by name, the alert's name first."""
        names = sorted(self.entries, key=lambda name: (name != ALERT_NAME, name))
        pairs = tuple(Record("template.Pair", {"Name": name, "Value": self.entries[name]}) for name in names)
        return Pairs(pairs, "template.Pair")


class AlertItems(Items):
    """The alerts of a notification."""

    __slots__ = ()
    type_name = "template.Alerts"

    def with_status(self, status: str) -> Items:
        """Return those that have a status."""
        found = (one for one in self.items if isinstance(one, Record) and one.fields["Status"] == status)
        return Items(tuple(found), "template.Alert")


class AlertRecord(Record):
    """One alert."""

    __slots__ = ()
    json_names: ClassVar[Mapping[str, str]] = {
        "Status": "status",
        "Labels": "labels",
        "Annotations": "annotations",
        "StartsAt": "startsAt",
        "EndsAt": "endsAt",
        "GeneratorURL": "generatorURL",
        "Fingerprint": "fingerprint",
    }


class Data(Record):
    """All that a template is told."""

    __slots__ = ()
    json_names: ClassVar[Mapping[str, str]] = {
        "Receiver": "receiver",
        "Status": "status",
        "Alerts": "alerts",
        "NotificationReason": "notification_reason",
        "GroupLabels": "groupLabels",
        "CommonLabels": "commonLabels",
        "CommonAnnotations": "commonAnnotations",
        "RouteLabels": "routeLabels",
        "ExternalURL": "externalURL",
        "Links": "",
        "Truncated": "",
    }


def _texts(found: Sequence[str]) -> Items:
    return Items(tuple(found), "string")


def _listed(pairs: Pairs) -> str:
    return ", ".join(
        f"{name}={value}" for name, value in zip(pairs.texts("Name"), pairs.texts("Value"), strict=True)
    )


def _without(pairing: Pairing, names: Items | None) -> Pairing:
    gone = set(names.items) if names else set()
    return Pairing({name: value for name, value in pairing.entries.items() if name not in gone})


Pairs.methods = {
    "Names": Function(lambda pairs: _texts(pairs.texts("Name"))),
    "Values": Function(lambda pairs: _texts(pairs.texts("Value"))),
    "String": Function(_listed),
}
Pairing.methods = {
    "SortedPairs": Function(Pairing.sorted_pairs),
    "Remove": Function(_without, (TEXTS,)),
    "Names": Function(lambda pairing: _texts(pairing.sorted_pairs().texts("Name"))),
    "Values": Function(lambda pairing: _texts(pairing.sorted_pairs().texts("Value"))),
    "String": Function(lambda pairing: _listed(pairing.sorted_pairs())),
}
AlertItems.methods = {
    "Firing": Function(lambda alerts: alerts.with_status("firing")),
    "Resolved": Function(lambda alerts: alerts.with_status("resolved")),
}


def data_of(message: Message) -> Record:
    """Return what templates are told of a message."""
    return _data(
        receiver=quoted_receiver(message.receiver),
        status=message.status.value,
        alerts=tuple(_alert(alert, status) for alert, status in message.alerts),
        reason=REASONS.get(message.reason, message.reason),
        labels=tuple(
            Pairing(dict(pairs))
            for pairs in (
                message.group_labels,
                message.common_labels,
                message.common_annotations,
                message.route_labels,
            )
        ),
        external_url=message.external_url,
        ours=_ours(message.links, message.truncated),
    )


def _data(
    *,
    receiver: str,
    status: str,
    alerts: tuple[Record, ...],
    reason: str,
    labels: Sequence[Pairing],
    external_url: str,
    ours: Mapping[str, Value],
) -> Record:
    group, common, notes, route = labels
    fields: dict[str, Value] = {
        "Receiver": receiver,
        "Status": status,
        "Alerts": AlertItems(alerts, "template.Alert"),
        "NotificationReason": reason,
        "GroupLabels": group,
        "CommonLabels": common,
        "CommonAnnotations": notes,
        "RouteLabels": route,
        "ExternalURL": external_url,
        **ours,
    }
    return Data("template.Data", fields)


def _ours(links: Links, truncated: int) -> dict[str, Value]:
    """Return what Alertmanager does not have."""
    pages: dict[str, Value] = {
        "Page": links.page,
        "Acknowledge": links.acknowledge,
        "Silence": links.silence,
    }
    return {"Links": Record("template.Links", pages), "Truncated": truncated}


def _alert(alert: Alert, status: Status) -> Record:
    return AlertRecord(
        "template.Alert",
        {
            "Status": status.value,
            "Labels": Pairing(dict(alert.labels)),
            "Annotations": Pairing(dict(alert.annotations)),
            "StartsAt": _time(alert.starts_ms),
            "EndsAt": _time(told_end_ms(alert, status)),
            "GeneratorURL": alert.generator_url,
            "Fingerprint": alert.fingerprint,
        },
    )


def _time(ms: int) -> Time:
    return Time(Moment(ms * 1_000_000) if ms else ZERO)


# --- from JSON

_TEXT_FIELDS: Final = ("receiver", "status", "externalURL")


def read_data(document: Any) -> Record:
    """Return the data that a JSON document has, as `amtool template render` takes it.

    Raises PharosError(INVALID) that names the field.
    """
    fields = _fields(document, "the document")
    receiver, status, external_url = (_text(fields, name) for name in _TEXT_FIELDS)
    alerts = fields.get("alerts") or []
    if not isinstance(alerts, list):
        raise PharosError(Kind.INVALID, "alerts: a list is wanted")
    names = ("groupLabels", "commonLabels", "commonAnnotations", "routeLabels")
    return _data(
        receiver=receiver,
        status=status,
        alerts=tuple(_read_alert(one, f"alerts[{place}]") for place, one in enumerate(alerts)),
        reason=_text(fields, "notification_reason"),
        labels=[_read_pairs(fields, name) for name in names],
        external_url=external_url,
        ours=_ours(Links(), 0),
    )


def _read_alert(document: Any, where: str) -> Record:
    fields = _fields(document, where)
    return AlertRecord(
        "template.Alert",
        {
            "Status": _text(fields, "status"),
            "Labels": _read_pairs(fields, "labels"),
            "Annotations": _read_pairs(fields, "annotations"),
            "StartsAt": _read_time(fields, "startsAt"),
            "EndsAt": _read_time(fields, "endsAt"),
            "GeneratorURL": _text(fields, "generatorURL"),
            "Fingerprint": _text(fields, "fingerprint"),
        },
    )


def _fields(document: Any, where: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise PharosError(Kind.INVALID, f"{where}: an object is wanted")
    return document


def _text(fields: Mapping[str, Any], name: str) -> str:
    found = fields.get(name)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise PharosError(Kind.INVALID, f"{name}: a text is wanted")
    return found


def _read_pairs(fields: Mapping[str, Any], name: str) -> Pairing:
    found = fields.get(name)
    if found is None:
        return Pairing({}, is_nil=True)
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise PharosError(Kind.INVALID, f"{name}: an object of texts is wanted")
    return Pairing(found)


def _read_time(fields: Mapping[str, Any], name: str) -> Time:
    text = _text(fields, name)
    return Time(parse_rfc3339(text) if text else ZERO)
