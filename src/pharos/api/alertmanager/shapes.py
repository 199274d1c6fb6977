"""What answers of Alertmanager's API look like, as objects and in the OpenAPI document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from pharos.alerting.alerts import Known
from pharos.alerting.silences import state_of
from pharos.gotext.timestamps import format_time_ms
from pharos.labels import Matcher, MatchOp
from pharos.state.silences import Silence


def alert_object(
    known: Known,
    receivers: Sequence[str],
    silenced_by: Sequence[str],
    inhibited_by: Sequence[str],
    muted_by: Sequence[str],
) -> dict[str, Any]:
    """Return an alert (`gettableAlert`)."""
    alert = known.alert
    is_held = bool(silenced_by or inhibited_by or muted_by)
    return {
        "annotations": dict(alert.annotations),
        "endsAt": format_time_ms(alert.ends_ms),
        "fingerprint": alert.fingerprint,
        "receivers": [{"name": name} for name in receivers],
        "startsAt": format_time_ms(alert.starts_ms),
        "status": {
            "inhibitedBy": list(inhibited_by),
            "mutedBy": list(muted_by),
            "silencedBy": list(silenced_by),
            "state": "suppressed" if is_held else "active",
        },
        "updatedAt": format_time_ms(alert.updated_ms),
        "generatorURL": alert.generator_url,
        "labels": dict(alert.labels),
    }


def matcher_objects(matchers: Iterable[Matcher]) -> list[dict[str, Any]]:
    """Return matchers as objects."""
    return [
        {
            "isEqual": one.op in {MatchOp.EQUAL, MatchOp.REGEX},
            "isRegex": one.op in {MatchOp.REGEX, MatchOp.NOT_REGEX},
            "name": one.name,
            "value": one.value,
        }
        for one in matchers
    ]


def silence_object(silence: Silence, now_ms: int) -> dict[str, Any]:
    """Return a silence (`gettableSilence`)."""
    return {
        "id": silence.id,
        "status": {"state": state_of(silence, now_ms).value},
        "updatedAt": format_time_ms(silence.updated_ms),
        "comment": silence.comment,
        "createdBy": silence.created_by,
        "endsAt": format_time_ms(silence.ends_ms),
        "matchers": matcher_objects(silence.matchers),
        "startsAt": format_time_ms(silence.starts_ms),
    }


# -- schemas --

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_TIME: Final[dict[str, Any]] = {"type": "string", "format": "date-time"}
_TEXTS: Final[dict[str, Any]] = {"type": "object", "additionalProperties": _TEXT}
_FLAG: Final[dict[str, Any]] = {"type": "boolean"}


def _object(properties: dict[str, Any], optional: Sequence[str] = ()) -> dict[str, Any]:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required}


def _list(of: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, **more}


_RECEIVER: Final = _object({"name": _TEXT})
_MATCHER: Final = _object(
    {"name": _TEXT, "value": _TEXT, "isRegex": _FLAG, "isEqual": {"type": "boolean", "default": True}},
    ("isEqual",),
)
_STATUS_OF_ALERT: Final = _object(
    {
        "state": {"type": "string", "enum": ["unprocessed", "active", "suppressed"]},
        "silencedBy": _list(_TEXT),
        "inhibitedBy": _list(_TEXT),
        "mutedBy": _list(_TEXT),
    }
)
ALERT: Final = _object(
    {
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "receivers": _list(_RECEIVER),
        "fingerprint": _TEXT,
        "startsAt": _TIME,
        "updatedAt": _TIME,
        "endsAt": _TIME,
        "status": _STATUS_OF_ALERT,
        "generatorURL": _TEXT,
    }
)
ALERTS: Final = _list(ALERT)
POSTED_ALERTS: Final = _list(
    _object(
        {
            "labels": _TEXTS,
            "annotations": _TEXTS,
            "startsAt": _TIME,
            "endsAt": _TIME,
            "generatorURL": _TEXT,
        },
        ("annotations", "startsAt", "endsAt", "generatorURL"),
    )
)
GROUPS: Final = _list(_object({"labels": _TEXTS, "receiver": _RECEIVER, "alerts": ALERTS}))
RECEIVERS: Final = _list(_RECEIVER)
_STATE: Final = _object({"state": {"type": "string", "enum": ["active", "pending", "expired"]}})
SILENCE: Final = _object(
    {
        "id": _TEXT,
        "status": _STATE,
        "updatedAt": _TIME,
        "matchers": _list(_MATCHER),
        "startsAt": _TIME,
        "endsAt": _TIME,
        "createdBy": _TEXT,
        "comment": _TEXT,
    }
)
SILENCES: Final = _list(SILENCE)
POSTED_SILENCE: Final = _object(
    {
        "id": _TEXT,
        "matchers": _list(_MATCHER, minItems=1),
        "startsAt": _TIME,
        "endsAt": _TIME,
        "createdBy": _TEXT,
        "comment": _TEXT,
    },
    ("id",),
)
SILENCE_ID: Final = _object({"silenceID": _TEXT})
STATUS: Final = _object(
    {
        "cluster": _object({"status": _TEXT, "peers": _list({"type": "object"})}),
        "versionInfo": _object(
            dict.fromkeys(("version", "revision", "branch", "buildUser", "buildDate", "goVersion"), _TEXT)
        ),
        "config": _object({"original": _TEXT}),
        "uptime": _TIME,
    }
)
FAULT: Final[dict[str, Any]] = {
    "anyOf": [
        _TEXT,
        _object({"code": {"type": "integer"}, "message": _TEXT}),
        _object({"status": _TEXT, "errorType": _TEXT, "error": _TEXT}),
    ],
}
"""A sentence, with a code for 415 and 422, or an object where the request did not get as far as to an address
of this API."""
