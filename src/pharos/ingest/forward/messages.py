"""Requests of the Forward protocol: entries of a tag in one of four forms become log records."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Final

import msgpack
import orjson
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.ingest.events.documents import Made, made_of
from pharos.ingest.events.requests import Value
from pharos.ingest.unpacking import gunzip, unzstd

MESSAGE_MAX_BYTES: Final = 16 << 20
"""So large a request may be, packed or unpacked."""
_BODY_FIELDS: Final = ("log", "message", "msg", "body", "MESSAGE")
_EVENT_TIME: Final = 0
_EVENT_TIME_BYTES: Final = 8
_SECOND_NS: Final = 1_000_000_000
_TIME_MAX_S: Final = 9_223_372_036
_DEEP: Final = 64
_TIME: Final = struct.Struct(">II")
UNREADABLE: Final = (ValueError, msgpack.UnpackException, RecursionError, TypeError)
"""What reading MessagePack raises; the last for maps whose keys are lists or maps."""


class Forwarded(Struct, frozen=True):
    """A request that was read."""

    records: list[Made]
    chunk: str | bytes | None
    """What is to be acknowledged; None if nobody waits for that."""


def _extension(code: int, raw: bytes) -> object:
    if code == _EVENT_TIME and len(raw) == _EVENT_TIME_BYTES:
        seconds, nanos = _TIME.unpack(raw)
        return EventTime(seconds * _SECOND_NS + nanos)
    return bytes(raw)


class EventTime(Struct, frozen=True):
    """A time with nanoseconds."""

    ns: int


def unpacker() -> msgpack.Unpacker:
    """Return what finds the requests in a stream, within bounds."""
    return msgpack.Unpacker(
        raw=False,
        # So that entries that are packed as text are the same bytes again.
        unicode_errors="surrogateescape",
        strict_map_key=False,
        ext_hook=_extension,
        max_buffer_size=MESSAGE_MAX_BYTES + (1 << 20),
        max_bin_len=MESSAGE_MAX_BYTES,
        max_str_len=MESSAGE_MAX_BYTES,
    )


def read_request(request: Any) -> Forwarded:
    """Return what a request holds; what is no log record of its entries is kept as its own text.

    Raises PharosError: INVALID for what is no request, TOO_LARGE for one that is more than it may be.
    """
    if not isinstance(request, list) or not 2 <= len(request) <= 4:
        raise _fault("a list of tag, entries and options is expected")
    tag = _text(request[0])
    if tag is None:
        raise _fault("the tag is not text")
    entries = request[1]
    if isinstance(entries, list):
        option, pairs = _option(request[2:]), _pairs(entries)
    elif isinstance(entries, str | bytes):
        option = _option(request[2:])
        packed = entries if isinstance(entries, bytes) else entries.encode("utf-8", "surrogateescape")
        pairs = _packed_pairs(_unpacked(packed, option.get("compressed")))
    else:
        if len(request) < 3:
            raise _fault("a message without a record")
        option, pairs = _option(request[3:]), iter([(request[1], request[2])])
    also: dict[str, Value] = {"tag": tag}
    records = [_made(time, record, also) for time, record in pairs]
    chunk = option.get("chunk")
    return Forwarded(records, chunk if isinstance(chunk, str | bytes) else None)


def _fault(what: str) -> PharosError:
    return PharosError(Kind.INVALID, f"not a request of the Forward protocol: {what}")


def _text(value: Any) -> str | None:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    if value.isascii():
        return value
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _option(rest: list[Any]) -> dict[str, Any]:
    option = rest[0] if rest else None
    if option is None:
        return {}
    if not isinstance(option, dict):
        raise _fault("the options are no map")
    return {_text(key) or "": _text(value) if key != "chunk" else value for key, value in option.items()}


def _pairs(entries: list[Any]) -> Iterator[tuple[Any, Any]]:
    for entry in entries:
        if not isinstance(entry, list) or len(entry) < 2:
            raise _fault("an entry is no list of time and record")
        yield entry[0], entry[1]


def _unpacked(packed: bytes, compression: Any) -> bytes:
    """Return entries as they were; Fluentd takes several that are packed each by itself together."""
    match compression:
        case None | "" | "text":
            return packed
        case "gzip":
            return gunzip(packed, MESSAGE_MAX_BYTES)
        case "zstd":
            return unzstd(packed, MESSAGE_MAX_BYTES)
        case other:
            raise _fault(f"compressed by {str(other)[:40]!r}, which is not gzip or zstd")


def _packed_pairs(packed: bytes) -> Iterator[tuple[Any, Any]]:
    inner = unpacker()
    inner.feed(packed)
    read = 0
    try:
        for entry in inner:
            yield from _pairs([entry])
            read = inner.tell()
    except UNREADABLE as exc:
        raise _fault(f"packed entries cannot be read: {exc}") from exc
    if read != len(packed):
        raise _fault("packed entries are cut off")


def _time_ns(time: Any) -> int:
    """Return the nanoseconds of an entry's time; 0 for what is none."""
    if isinstance(time, list) and time:
        # Fluent Bit has [time, metadata] there since 2.1.
        time = time[0]
    if isinstance(time, EventTime):
        return time.ns
    if isinstance(time, bool) or not isinstance(time, int | float) or not 0 <= time <= _TIME_MAX_S:
        return 0
    return int(time) * _SECOND_NS + (0 if isinstance(time, int) else round(time % 1 * 1_000_000) * 1000)


def _made(time: Any, record: Any, also: dict[str, Value]) -> Made:
    ts_ns = _time_ns(time)
    if not isinstance(record, dict):
        return made_of({}, ts_ns=ts_ns, body=_shown(record), also=also)
    return made_of(_document(record), ts_ns=ts_ns, body_fields=_BODY_FIELDS, also=also)


def _shown(record: Any) -> str:
    text = _text(record)
    return text if text is not None else orjson.dumps(_plain(record, 0), default=str).decode()


def _document(record: dict[Any, Any]) -> dict[str, Any]:
    """Return a record whose names and texts are text: some senders write them as bytes."""
    found = _plain(record, 0)
    assert isinstance(found, dict)  # noqa: S101 - as it came
    return found


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str | bytes):
        return _text(value)
    if depth > _DEEP:
        raise _fault(f"a record is nested more than {_DEEP} deep")
    if isinstance(value, dict):
        return {_key(key): _plain(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one, depth + 1) for one in value]
    return value.ns / _SECOND_NS if isinstance(value, EventTime) else value


def _key(key: Any) -> str:
    text = _text(key)
    return text if text is not None else str(key)
