"""The Journal Export Format: entries of fields, ended by an empty line, values in binary where need be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.ingest.events.lines import LINE_MAX_BYTES, Lines, cut_text
from pharos.ingest.events.requests import EventRequest, Value, log_record, resource_of
from pharos.ingest.events.trace_ids import TraceIds
from pharos.ingest.syslog.parse import FACILITIES, SEVERITIES

_LENGTH_BYTES: Final = 8
_US_MAX: Final = ((1 << 63) - 1) // 1000
_FIELDS_MOST: Final = 1024
_RESOURCE: Final = {
    "_HOSTNAME": "host.name",
    "_MACHINE_ID": "host.id",
    "_SYSTEMD_UNIT": "systemd.unit",
    "_SYSTEMD_USER_UNIT": "systemd.user_unit",
    "SYSLOG_IDENTIFIER": "app_name",
    "CONTAINER_NAME": "container.name",
}
"""Fields that say where an entry comes from, and what they are called here."""
_LEFT_OUT: Final = frozenset({"MESSAGE", "PRIORITY", "__REALTIME_TIMESTAMP", "_SOURCE_REALTIME_TIMESTAMP"})


def read_journal(body: bytes) -> Lines:
    """Return the entries of a journal as log lines.

    Raises PharosError(INVALID), with the byte where the format is not kept.
    """
    made, cut = EventRequest(), 0
    for fields in _entries(body):
        resource, record, is_cut = _record(fields)
        made.add(resource, record)
        cut += is_cut
    return Lines(made.body() if made.count else b"", made.count, cut=cut)


def _entries(body: bytes) -> Iterator[dict[str, list[bytes]]]:
    fields: dict[str, list[bytes]] = {}
    at = 0
    while at < len(body):
        end = body.find(b"\n", at)
        if end < 0:
            raise _fault(at, "a line has no end")
        if end == at:
            if fields:
                yield fields
                fields = {}
            at += 1
            continue
        line = body[at:end]
        name, equals, value = line.partition(b"=")
        if equals:
            at = end + 1
        else:
            size = int.from_bytes(body[end + 1 : end + 1 + _LENGTH_BYTES], "little")
            start = end + 1 + _LENGTH_BYTES
            if start + size >= len(body) or body[start + size : start + size + 1] != b"\n":
                raise _fault(at, "a value in binary is cut off")
            value, at = body[start : start + size], start + size + 1
        if len(fields) < _FIELDS_MOST:
            fields.setdefault(name.decode("utf-8", "replace"), []).append(value)
    if fields:
        yield fields


def _fault(at: int, what: str) -> PharosError:
    return PharosError(Kind.INVALID, f"not the Journal Export Format at byte {at}: {what}", position=at)


def _record(fields: dict[str, list[bytes]]) -> tuple[bytes, bytes, bool]:
    message = fields.get("MESSAGE", [b""])[0]
    resource: dict[str, Value] = {}
    attributes: dict[str, Value] = {}
    ids = TraceIds()
    for name, values in fields.items():
        if name in _LEFT_OUT or (name.startswith("__") and name != "__CURSOR"):
            continue
        texts = [value.decode("utf-8", "replace") for value in values]
        value: Value = texts[0] if len(texts) == 1 else texts
        if name in _RESOURCE and isinstance(value, str):
            resource[_RESOURCE[name]] = value
            continue
        if name == "SYSLOG_FACILITY" and texts[0].isdecimal() and int(texts[0]) < len(FACILITIES):
            attributes["facility"] = FACILITIES[int(texts[0])]
        attributes[name] = value
        ids.look(name.lower(), value)
    service = resource.get("systemd.unit") or resource.get("app_name")
    if isinstance(service, str) and service:
        resource["service.name"] = service.removesuffix(".service")
    keyword, number = _severity(fields)
    record = log_record(
        cut_text(message, LINE_MAX_BYTES).decode("utf-8", "replace"),
        ts_ns=_time_ns(fields),
        severity=number,
        severity_text=keyword,
        attributes=attributes.items(),
        trace_id=ids.trace_id,
        span_id=ids.span_id,
    )
    return resource_of(sorted(resource.items())), record, len(message) > LINE_MAX_BYTES


def _severity(fields: dict[str, list[bytes]]) -> tuple[str, int]:
    told = fields.get("PRIORITY", [b""])[0]
    if len(told) == 1 and b"0" <= told <= b"7":
        return SEVERITIES[int(told)]
    return "", 0


def _time_ns(fields: dict[str, list[bytes]]) -> int:
    for name in ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"):
        told = fields.get(name, [b""])[0]
        if told.isdigit() and int(told) <= _US_MAX:
            return int(told) * 1000
    return 0
