"""One syslog message becomes a log record.

RFC 5424 is read as it is written, RFC 3164 as it is spoken: most senders differ from it. What is no header
is text: it is never dropped, and an attribute `syslog.note` says what was not understood.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from pharos.ingest.events.lines import LINE_MAX_BYTES, cut_text
from pharos.ingest.events.requests import Value, log_record, resource_of
from pharos.ingest.events.times import time_ns_of_text

FACILITIES: Final = (
    *("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp"),
    *("ntp", "audit", "alert", "clock", *(f"local{number}" for number in range(8))),
)
SEVERITIES: Final = (
    *(("emerg", 21), ("alert", 19), ("crit", 18), ("err", 17)),
    *(("warning", 13), ("notice", 10), ("info", 9), ("debug", 5)),
)
"""By syslog's number: its keyword, and OpenTelemetry's number (Logs Data Model, appendix B)."""
_PRIORITY: Final = re.compile(r"<([0-9]{1,3})>")
_PRIORITIES: Final = 192
_HEADER_5424: Final = re.compile(
    r"([1-9][0-9]{0,2}) (\S+)(?: (\S+))?(?: (\S+))?(?: (\S+))?(?: (\S+))?(?: |\Z)"
)
_ELEMENT: Final = re.compile(
    r'\[([^\s\]"]+)((?:[ ]+[^\s=\]"]+=(?:"(?:[^"\\]|\\.)*"|[^\s"\]]*))*)[ ]*\]', re.DOTALL
)
_PARAMETER: Final = re.compile(r'[ ]+([^\s=\]"]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"\]]*))', re.DOTALL)
_ESCAPED: Final = re.compile(r'\\(["\\\]])')
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME_3164: Final = re.compile(
    r"[*.:]?(" + "|".join(_MONTHS) + r") +([0-9]{1,2})(?: +([0-9]{4}))? +([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?:?(?= |\Z)"
)
_TIME_ISO: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.,]{5,20}(?:Z|[+-][0-9]{2}:?[0-9]{2})?):?(?= |\Z)"
)
_TAG: Final = re.compile(r"([^\s\[\]:]{1,256})(?:\[([^\]\s]{0,128})\](?::|(?=\s|\Z))|:(?=\s|\Z))[ ]?")
_HOST: Final = re.compile(r"(\S{1,255})(?: +|\Z)")
_SECOND_NS: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=2)
_NIL: Final = "-"


class Parser:
    """Reads messages; times without an offset are of `zone`, those without a year of the nearest one."""

    def __init__(self, zone: tzinfo = UTC, most_bytes: int = LINE_MAX_BYTES) -> None:
        self._zone = zone
        self._most_bytes = most_bytes

    def read(self, raw: bytes, now_ns: int) -> tuple[bytes, bytes]:
        """Return (resource, record) of a message that was received at `now_ns`."""
        text = cut_text(raw, self._most_bytes).decode("utf-8", "replace").rstrip("\r\n\0")
        message = _Message(text)
        at = message.take_priority()
        header = _HEADER_5424.match(text, at)
        if header is not None and _is_time(header[2]):
            message.take_5424(header)
        else:
            self._take_3164(message, at, now_ns)
        return message.made()

    def _take_3164(self, message: _Message, at: int, now_ns: int) -> None:
        text = message.text
        found = _TIME_3164.match(text, at)
        iso = None if found is not None else _TIME_ISO.match(text, at)
        if found is not None:
            message.ts_ns = self._time_ns(found, now_ns)
        elif iso is not None:
            message.ts_ns = time_ns_of_text(iso[1]) or 0
        head = found or iso
        if head is None:
            # Some write a tag and no time; without a priority it is any text.
            tag = _TAG.match(text, at) if at else None
            if tag is not None:
                message.take_tag(tag)
                message.line = text[tag.end() :]
            else:
                message.line = text[at:]
            message.note = "" if at else "no syslog header"
            return
        if not message.ts_ns:
            message.note = f"not a time: {head[0]}"
        after = head.end()
        while after < len(text) and text[after] == " ":
            after += 1
        message.take_sender(after)

    def _time_ns(self, found: re.Match[str], now_ns: int) -> int:
        """Return the nanoseconds of a time of RFC 3164; 0 for a day that does not exist."""
        month, day, year, hour, minute, second, fraction = found.groups()
        now = (_EPOCH + timedelta(seconds=now_ns // _SECOND_NS)).astimezone(self._zone)
        years = (int(year),) if year else (now.year + 1, now.year, now.year - 1)
        for one in years:
            try:
                at = datetime(
                    *(one, _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second)),
                    tzinfo=self._zone,
                )
            except ValueError:
                continue
            if year or at <= now + _AHEAD:
                whole = at - _EPOCH
                ns = (whole.days * 86_400 + whole.seconds) * _SECOND_NS + int((fraction or "").ljust(9, "0"))
                return max(ns, 0)
        return 0


def _is_time(text: str) -> bool:
    return text == _NIL or (text[:4].isdecimal() and "T" in text)


class _Message:
    """What is known of a message while it is read."""

    __slots__ = ("_attributes", "_resource", "line", "note", "severity", "text", "ts_ns")

    def __init__(self, text: str) -> None:
        self.text = text
        self.line = ""
        self.note = ""
        self.ts_ns = 0
        self.severity: tuple[str, int] | None = None
        self._resource: dict[str, Value] = {}
        self._attributes: dict[str, Value] = {}

    def take_priority(self) -> int:
        """Read `<PRI>`; return the offset after it."""
        found = _PRIORITY.match(self.text)
        if found is None or int(found[1]) >= _PRIORITIES:
            return 0
        priority = int(found[1])
        self.severity = SEVERITIES[priority & 7]
        self._attributes["facility"] = FACILITIES[priority >> 3]
        return found.end()

    def take_5424(self, header: re.Match[str]) -> None:
        """Read what follows the priority; fields that are missing at the end are none."""
        _, time, host, app, process, kind = header.groups()
        if time != _NIL:
            self.ts_ns = time_ns_of_text(time) or 0
            if not self.ts_ns:
                self.note = f"not a time: {time[:80]}"
        self._take_names(host, app)
        for name, value in (("proc_id", process), ("msg_id", kind)):
            if value not in {None, _NIL}:
                self._attributes[name] = value
        rest = self.text[header.end() :]
        line = rest[2:] if rest == _NIL or rest.startswith("- ") else self._take_elements(rest)
        self.line = line.removeprefix("\ufeff")

    def _take_elements(self, rest: str) -> str:
        """Read structured data; return the message after it."""
        at = 0
        while (element := _ELEMENT.match(rest, at)) is not None:
            for name, quoted, bare in _PARAMETER.findall(element[2]):
                value = _ESCAPED.sub(r"\1", quoted) or bare
                self._add(f"{element[1]}.{name}", value)
            at = element.end()
        if at == 0 or (at < len(rest) and rest[at] != " "):
            self.note = self.note or "no structured data where it belongs"
            return rest
        return rest[at + 1 :]

    def _add(self, name: str, value: str) -> None:
        """Keep a parameter; one that is there several times becomes a list."""
        known = self._attributes.get(name)
        if known is None:
            self._attributes[name] = value
        elif isinstance(known, list):
            known.append(value)
        else:
            self._attributes[name] = [known, value]

    def take_sender(self, at: int) -> None:
        """Read host and tag of RFC 3164; the tag may come without a host."""
        text = self.text
        tag = _TAG.match(text, at)
        if tag is None:
            host = _HOST.match(text, at)
            if host is not None:
                self._take_names(host[1], None)
                at = host.end()
                tag = _TAG.match(text, at)
                if tag is None and text.startswith("- ", at):
                    at += 2
        if tag is not None:
            self.take_tag(tag)
            at = tag.end()
        self.line = text[at:]

    def take_tag(self, tag: re.Match[str]) -> None:
        """Take program and process over."""
        self._take_names(None, tag[1])
        if tag[2]:
            self._attributes["proc_id"] = tag[2]

    def _take_names(self, host: str | None, app: str | None) -> None:
        if host not in {None, _NIL}:
            self._resource["hostname"] = host
        if app not in {None, _NIL}:
            self._resource["app_name"] = app
            self._resource["service.name"] = app

    def made(self) -> tuple[bytes, bytes]:
        """Return (resource, record)."""
        if self.note:
            self._attributes["syslog.note"] = self.note
        keyword, number = self.severity or ("", 0)
        record = log_record(
            self.line,
            ts_ns=self.ts_ns,
            severity=number,
            severity_text=keyword,
            attributes=self._attributes.items(),
        )
        return resource_of(sorted(self._resource.items())), record
