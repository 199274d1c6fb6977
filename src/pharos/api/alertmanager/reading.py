"""What is read of requests to Alertmanager's API: posted alerts and silences, filters, times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from pharos.alert import Alert
from pharos.alerting.alerts import require_fit
from pharos.alerting.matchers import Matcher, Matchers, compile_pattern, parse_matcher
from pharos.api.prometheus.parameters import Parameters
from pharos.errors import Kind, PharosError
from pharos.gotext.quoting import quote
from pharos.labels import Labels, MatchOp, labels_of
from pharos.labels import Matcher as Stored
from pharos.state.silences import Silence

_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)?", re.ASCII
)
_ZERO_YEAR: Final = "0001-01-01"
_FALSE: Final = frozenset({"false", "0", "no", "n", "off", "f", "unchecked", "disabled", ""})
_TRUE: Final = frozenset({"true", "1", "yes", "y", "ok", "on", "t", "selected", "checked", "enabled"})
_LONGEST_TEXT: Final = 64 << 10
_UUID: Final = re.compile(
    r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE
)


class CodedError(PharosError):
    """A fault that Alertmanager tells by a status and a code of its own, and its clients know by them."""

    status: int
    code: int


class LackingError(CodedError):
    """Something that must be there is not, or is not of its form."""

    status = 422

    def __init__(self, code: int, message: str) -> None:
        super().__init__(Kind.INVALID, message)
        self.code = code


class MediaError(CodedError):
    """The body is of a type that is not read."""

    status = code = 415

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(Kind.INVALID, message, hint=hint)


_WRONG_FORM: Final = 601
_REQUIRED: Final = 602
_TOO_FEW: Final = 612
"""Codes of go-openapi, by which Alertmanager's API is made."""


def require_id(text: str) -> None:
    """Raise LackingError for what is no id of a silence."""
    if not _UUID.fullmatch(text):
        raise LackingError(_WRONG_FORM, f"silenceID in path must be of type uuid: {quote(text[:100])}")


def parse_time(value: Any, name: str) -> int:
    """Return a time of RFC 3339 in milliseconds since the epoch; 0 for none, or for Go's zero time.

    Raises PharosError(INVALID) that names the field.
    """
    if value is None or value == "":
        return 0
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PharosError(
            Kind.INVALID, f"{name} must be a time such as 2026-01-31T08:00:00.000Z, not {_shown(value)}"
        )
    day, clock, fraction, zone = found.groups()
    if day == _ZERO_YEAR:
        return 0
    try:
        at = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in {None, 'Z', 'z'} else zone}")
        whole_s = int((at - datetime.fromtimestamp(0, UTC)).total_seconds())
    except (ValueError, OverflowError) as exc:
        raise PharosError(Kind.INVALID, f"{name}: {_shown(value)} is no time: {exc}") from exc
    return whole_s * 1000 + int(((fraction or ".0")[1:] + "00")[:3]) or 1


def _shown(value: Any) -> str:
    return ascii(value)[:100]


def read_json(body: bytes, what: str) -> Any:
    """Return a JSON document. Raises PharosError(INVALID), LackingError for an empty body."""
    if not body:
        raise LackingError(_REQUIRED, f"{what} in body is required")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"the body is no JSON: {exc}") from exc


def _mapping(value: Any, name: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise PharosError(Kind.INVALID, f"{name} must be an object, not {_shown(value)}")
    return value


def _texts(value: Any, name: str) -> dict[str, str]:
    found = _mapping(value, name)
    for key, one in found.items():
        if not isinstance(one, str):
            raise PharosError(Kind.INVALID, f"{name}.{key[:80]} must be a text, not {_shown(one)}")
    return dict(found)


def _text(found: Mapping[str, Any], field: str, name: str) -> str:
    value = found.get(field, "")
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise PharosError(Kind.INVALID, f"{name}.{field} must be a text")
    return value


def read_alerts(document: Any) -> tuple[list[Alert], list[str]]:
    """Return (the alerts of a post, what is wrong with others that are left out).

    Raises PharosError(INVALID) where the document is no list of alerts at all.
    """
    if not isinstance(document, list | None):
        raise PharosError(Kind.INVALID, "the body must be a list of alerts")
    posted = [_alert(one, f"{place}") for place, one in enumerate(document or ())]
    good, wrong = [], []
    for alert in posted:
        try:
            require_fit(alert)
        except PharosError as exc:
            wrong.append(str(exc))
        else:
            good.append(alert)
    return good, wrong


def _alert(value: Any, place: str) -> Alert:
    found = _mapping(value, place)
    if found.get("labels") is None:
        raise LackingError(_REQUIRED, f"{place}.labels in body is required")
    annotations = _texts(found.get("annotations") or {}, f"{place}.annotations")
    return Alert(
        labels=labels_of(_texts(found["labels"], f"{place}.labels")),
        annotations=_sorted(annotations),
        starts_ms=parse_time(found.get("startsAt"), f"{place}.startsAt"),
        ends_ms=parse_time(found.get("endsAt"), f"{place}.endsAt"),
        generator_url=_text(found, "generatorURL", place),
    )


def _sorted(pairs: Mapping[str, str]) -> Labels:
    return tuple(sorted(pairs.items()))


def read_silence(document: Any, tenant: str) -> Silence:
    """Return a posted silence; its id is empty where it is to be made. Raises PharosError(INVALID)."""
    found = _mapping({} if document is None else document, "the silence")
    for field in ("comment", "createdBy", "endsAt", "matchers", "startsAt"):
        if found.get(field) is None:
            raise LackingError(_REQUIRED, f"{field} in body is required")
    matchers = found["matchers"]
    if not isinstance(matchers, list):
        raise PharosError(Kind.INVALID, "matchers must be a list")
    if not matchers:
        raise LackingError(_TOO_FEW, "matchers in body should have at least 1 items")
    return Silence(
        id=_text(found, "id", "silence"),
        tenant_id=tenant,
        matchers=tuple(_condition(one, f"matchers.{place}") for place, one in enumerate(matchers)),
        starts_ms=parse_time(found["startsAt"], "startsAt"),
        ends_ms=parse_time(found["endsAt"], "endsAt"),
        created_by=_text(found, "createdBy", "silence"),
        comment=_text(found, "comment", "silence"),
    )


_KINDS: Final = {str: "a text", bool: "true or false"}


def _condition(value: Any, name: str) -> Stored:
    found = _mapping(value, name)
    for field, kind in (("name", str), ("value", str), ("isRegex", bool)):
        if found.get(field) is None:
            raise LackingError(_REQUIRED, f"{name}.{field} in body is required")
        if not isinstance(found[field], kind):
            raise PharosError(Kind.INVALID, f"{name}.{field} must be {_KINDS[kind]}")
    is_equal = found.get("isEqual", True)
    if not isinstance(is_equal, bool | None):
        raise PharosError(Kind.INVALID, f"{name}.isEqual must be true or false")
    is_equal = is_equal is not False
    if found["isRegex"]:
        compile_pattern(found["value"])
        op = MatchOp.REGEX if is_equal else MatchOp.NOT_REGEX
    else:
        op = MatchOp.EQUAL if is_equal else MatchOp.NOT_EQUAL
    return Stored(found["name"], op, found["value"])


def read_filters(texts: Sequence[str]) -> Matchers:
    """Return the matchers of `filter` parameters. Raises PharosError(INVALID)."""
    return tuple(_filter(text) for text in texts)


def _filter(text: str) -> Matcher:
    try:
        return parse_matcher(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"bad matcher format: {quote(text[:200])}: {exc}") from exc


def read_flag(parameters: Parameters, name: str) -> bool:
    """Return a flag that is true where it is not said. Raises PharosError(INVALID)."""
    values = parameters.all(name)
    if not values:
        return True
    text = values[-1].lower()
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise PharosError(Kind.INVALID, f"{name} must be true or false, not {_shown(values[-1])}")


def read_receiver(parameters: Parameters) -> Any:
    """Return a regular expression for receivers' names; None where none is asked for.

    Raises PharosError(INVALID).
    """
    text = parameters.first("receiver")
    if not text:
        return None
    try:
        return compile_pattern(text)
    except PharosError as exc:
        raise PharosError(
            Kind.INVALID, f"failed to parse receiver param: {quote(text[:200])}: {exc}"
        ) from exc
