"""Push requests in JSON: `streams` of labels and values, or of label texts and entries as in version 0."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson

from pharos.errors import Kind, PharosError
from pharos.ingest.events.lines import LINE_MAX_BYTES, Lines, cut_text
from pharos.ingest.events.requests import EventRequest, log_record
from pharos.ingest.events.text_records import Groups, TextRecords, pairs_of
from pharos.ingest.events.times import time_ns_of_text
from pharos.ingest.events.trace_ids import ID_NAMES, TraceIds
from pharos.ingest.loki.labels import stream_resource, text_resource

_TIME_DIGITS: Final = 19
_TIME_MAX_NS: Final = (1 << 63) - 1
_LINE_CHARACTERS: Final = LINE_MAX_BYTES // 4
_VALUE_PARTS: Final = (2, 3)


def read_push_json(body: bytes) -> Lines:
    """Return the lines of a push request; streams whose labels are no good are refused, the rest is taken.

    Raises PharosError(INVALID) that names the place of what has another shape.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"the body is not JSON: {exc}") from exc
    streams = document.get("streams") if isinstance(document, dict) else None
    if not isinstance(streams, list):
        raise _fault("streams", "a list is expected")
    return _quickly(streams) or _Reader().read(streams)


def _quickly(streams: list[Any]) -> Lines | None:
    """Return the lines of streams that are as they should be; None if any is not, or is rare."""
    gathered, groups = TextRecords(), Groups()
    texts, counts, times = gathered.texts, gathered.counts, gathered.times
    parts: list[tuple[bytes, int]] = []
    try:
        for stream in streams:
            labels, values = stream["stream"], stream["values"]
            if type(values) is not list:
                return None
            # Raises for what is no text.
            "".join(labels.values())
            parts.append((stream_resource(labels) if values else b"", len(values)))
            for value in values:
                ts, line, *metadata = value
                if (
                    type(value) is not list  # a text of two characters and an object of two names unpack too
                    or not (ts.isdecimal() and ts.isascii())
                    or len(ts) > _TIME_DIGITS
                    or len(line) > _LINE_CHARACTERS
                ):
                    return None
                times.append(int(ts))
                texts.append(line)
                if metadata:
                    (pairs,) = metadata
                    texts.extend(pairs_of(pairs))
                    counts.append(len(pairs))
                else:
                    counts.append(0)
        records, ends = gathered.written()
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError, PharosError):
        # Whatever is wrong is found, and told, by who reads value by value.
        return None
    at = row = 0
    for resource, count in parts:
        row += count
        if count:
            groups.add(resource, records[at : ends[row - 1]])
            at = ends[row - 1]
    return Lines(groups.body(), row)


def _fault(where: str, what: str) -> PharosError:
    return PharosError(Kind.INVALID, f"{where}: {what}", hint="see Loki's HTTP API, push")


def _check(where: str, is_good: bool, what: str) -> None:
    if not is_good:
        raise _fault(where, what)


class _Reader:
    """Reads one request."""

    def __init__(self) -> None:
        self._made = EventRequest()
        self._refused = 0
        self._cut = 0
        self._message = ""

    def read(self, streams: list[Any]) -> Lines:
        for number, stream in enumerate(streams):
            where = f"streams[{number}]"
            if not isinstance(stream, dict):
                raise _fault(where, "an object is expected")
            if "labels" in stream or "entries" in stream:
                labels, records = stream.get("labels"), self._entries(where, stream.get("entries"))
                _check(f"{where}.labels", isinstance(labels, str), "text is expected")
            else:
                labels, records = stream.get("stream"), self._values(where, stream.get("values"))
                is_text = isinstance(labels, dict) and all(isinstance(one, str) for one in labels.values())
                _check(f"{where}.stream", is_text, "an object of texts is expected")
            self._take(where, labels, list(records))
        refused = {"labels": self._refused} if self._refused else {}
        made = self._made
        return Lines(made.body() if made.count else b"", made.count, refused, self._message, self._cut)

    def _take(self, where: str, labels: Any, records: list[bytes]) -> None:
        try:
            resource = _resource(labels)
        except PharosError as exc:
            if records:
                self._refused += len(records)
                self._message = self._message or f"{where}: {exc}"
            return
        for record in records:
            self._made.add(resource, record)

    def _values(self, where: str, values: Any) -> Iterator[bytes]:
        """Yield the records of `[["<ns>", "<line>", {metadata}], ...]`."""
        if not isinstance(values, list):
            raise _fault(f"{where}.values", "a list is expected")
        for number, value in enumerate(values):
            if not isinstance(value, list) or len(value) not in _VALUE_PARTS:
                raise _fault(f"{where}.values[{number}]", "a list of time, line and metadata is expected")
            try:
                yield self._record(_time_ns(value[0]), value[1], value[2] if len(value) > 2 else None)
            except ValueError as exc:
                raise _fault(f"{where}.values[{number}]", str(exc)) from None

    def _entries(self, where: str, entries: Any) -> Iterator[bytes]:
        """Yield the records of `[{"ts": "<RFC 3339>", "line": "<line>"}, ...]`."""
        if not isinstance(entries, list):
            raise _fault(f"{where}.entries", "a list is expected")
        for number, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise _fault(f"{where}.entries[{number}]", "an object is expected")
            ts = time_ns_of_text(entry["ts"]) if isinstance(entry.get("ts"), str) else None
            if ts is None:
                raise _fault(f"{where}.entries[{number}].ts", "a time as RFC 3339 has it is expected")
            try:
                yield self._record(ts, entry.get("line"), entry.get("structuredMetadata"))
            except ValueError as exc:
                raise _fault(f"{where}.entries[{number}]", str(exc)) from None

    def _record(self, ts_ns: int, line: Any, metadata: Any) -> bytes:
        if not isinstance(line, str):
            raise ValueError("the line is not text")  # noqa: TRY004 - a fault of the sender
        if len(line) * 4 > LINE_MAX_BYTES and len(raw := line.encode()) > LINE_MAX_BYTES:
            line = cut_text(raw, LINE_MAX_BYTES).decode()
            self._cut += 1
        if not metadata:
            if metadata is not None and metadata != {}:
                raise ValueError("the metadata is no object")
            return log_record(line, ts_ns=ts_ns)
        if not isinstance(metadata, dict):
            raise ValueError("the metadata is no object")  # noqa: TRY004 - a fault of the sender
        for name, value in metadata.items():
            if not isinstance(value, str):
                raise ValueError(f"the metadata {name[:80]!r} is not text")  # noqa: TRY004 - as above
        ids = TraceIds()
        if not ID_NAMES.isdisjoint(metadata):
            for name, value in metadata.items():
                ids.look(name, value)
        return log_record(
            line, ts_ns=ts_ns, attributes=metadata.items(), trace_id=ids.trace_id, span_id=ids.span_id
        )


def _resource(labels: Any) -> bytes:
    return text_resource(labels) if isinstance(labels, str) else stream_resource(labels)


def _time_ns(value: Any) -> int:
    if isinstance(value, str):
        if not (value.isascii() and value.isdecimal() and len(value) <= _TIME_DIGITS):
            raise ValueError("the time is not nanoseconds since the epoch, as text")
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _TIME_MAX_NS:
        raise ValueError("the time is not nanoseconds since the epoch, as text")
    return value
