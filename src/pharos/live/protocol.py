"""What clients say, read strictly, and what the server says, as JSON. Pure: no clock, no socket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from msgspec import Struct, field

from pharos.live.refusal import Code, RefusedError
from pharos.live.streams import BOARDS, CHANNELS, STREAMS, Language, Place, Stream

Message = Mapping[str, Any]
Id = str | int | float | None

_TYPES: Final = ("subscribe", "unsubscribe", "set_filters", "heartbeat", "get_dashboard_data")
_ID_LONGEST: Final = 200
_NAME_LONGEST: Final = 100
_QUERY_LONGEST: Final = 10_000
_AT_ONCE: Final = 200
"""Streams that one message may name."""
_SHOWN: Final = 100
_MOST_INTERVAL_MS: Final = 86_400_000


class Intervals(Struct, frozen=True):
    """How often what nobody says is sent, and the least that anybody may say; milliseconds."""

    usual_ms: int = 5_000
    least_ms: int = 100


class Subscribe(Struct, frozen=True):
    """Wants to see streams."""

    wanted: Mapping[Place, Stream]
    resume_from: Mapping[str, int] = field(default_factory=dict)
    """By name, the sequence of the last that was seen of it."""


class Unsubscribe(Struct, frozen=True):
    """Wants to see them no more."""

    places: tuple[Place, ...]


class SetFilters(Struct, frozen=True):
    """Wants to see other parts of them."""

    filters: Any


class Heartbeat(Struct, frozen=True):
    """Is there."""


class GetDashboardData(Struct, frozen=True):
    """Wants to know how everything stands now."""


Request = Subscribe | Unsubscribe | SetFilters | Heartbeat | GetDashboardData


def read_message(text: str | bytes) -> dict[str, Any]:
    """Return a message as it was sent. Raises RefusedError: bad_json, bad_message for what is no object."""
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise RefusedError(Code.BAD_JSON, f"the message is no JSON: {exc.msg[:_SHOWN]}") from exc
    if not isinstance(found, dict):
        raise RefusedError(
            Code.BAD_MESSAGE, "a message must be a JSON object", hint='as {"type": "heartbeat"}'
        )
    return found


def id_of(message: Message) -> Id:
    """Return what the answer repeats; None where the client gave nothing that can be."""
    found = message.get("id")
    if isinstance(found, str):
        return found if len(found) <= _ID_LONGEST else None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def read_request(message: Message, intervals: Intervals) -> Request:
    """Return what a message asks for. Raises RefusedError."""
    kind = message.get("type")
    if not isinstance(kind, str):
        raise RefusedError(Code.BAD_MESSAGE, "type is missing or no text", hint=f"one of {', '.join(_TYPES)}")
    match kind:
        case "heartbeat":
            return Heartbeat()
        case "get_dashboard_data":
            return GetDashboardData()
        case "subscribe":
            return _subscribe(_data(message), intervals)
        case "unsubscribe":
            data = _data(message)
            places = [Place(_name(one)) for one in _listed(data, "streams")]
            places += [Place(_name(one), is_channel=True) for one in _listed(data, "channels")]
            return Unsubscribe(tuple(places))
        case "set_filters":
            data = _data(message)
            if "filters" not in data:
                raise RefusedError(Code.BAD_FILTER, "data.filters is missing", hint="{} lifts all filters")
            return SetFilters(data["filters"])
        case _:
            hint = f"one of {', '.join(_TYPES)}"
            raise RefusedError(Code.UNKNOWN_TYPE, f"there is no type {kind[:_SHOWN]!r}", hint=hint)


def _data(message: Message) -> Message:
    found = message.get("data")
    if not isinstance(found, dict):
        raise RefusedError(
            Code.BAD_MESSAGE, "data must be an object", hint='as {"streams": ["alert_events"]}'
        )
    return found


def _listed(data: Message, key: str) -> Sequence[Any]:
    found = data.get(key)
    if found is None:
        return ()
    if not isinstance(found, list):
        raise RefusedError(Code.BAD_MESSAGE, f"data.{key} must be a list of names")
    if len(found) > _AT_ONCE:
        raise RefusedError(Code.LIMIT_EXCEEDED, f"data.{key} names more than {_AT_ONCE}")
    return found


def _name(value: Any) -> str:
    """Return a name, of an object too: who unsubscribes may send what they subscribed with."""
    found = value.get("name") if isinstance(value, dict) else value
    if not isinstance(found, str):
        raise RefusedError(Code.BAD_MESSAGE, f"{_told(value)} is no name of a stream")
    return found


def _told(value: Any) -> str:
    return orjson.dumps(value).decode()[:_SHOWN]


def _subscribe(data: Message, intervals: Intervals) -> Subscribe:
    streams, channels = _listed(data, "streams"), _listed(data, "channels")
    if not streams and not channels:
        raise RefusedError(
            Code.BAD_MESSAGE, "neither data.streams nor data.channels names anything", hint=_known()
        )
    wanted: dict[Place, Stream] = {}
    for one in streams:
        name = _name(one)
        wanted[Place(name)] = (
            _custom(name, one, intervals) if isinstance(one, dict) else _board(name, intervals)
        )
    for one in channels:
        if not isinstance(one, str):
            raise RefusedError(Code.BAD_MESSAGE, f"{_told(one)} is no name of a channel")
        if one not in CHANNELS:
            hint = f"one of {', '.join(CHANNELS)}"
            raise RefusedError(Code.UNKNOWN_STREAM, f"there is no channel {one[:_SHOWN]!r}", hint=hint)
        stream = Stream(CHANNELS[one].name, interval_ms=intervals.usual_ms)
        wanted[Place(one, is_channel=True)] = stream
    return Subscribe(wanted, _resume_from(data.get("resumeFrom")))


def _known() -> str:
    return f"streams: {', '.join(STREAMS)}; channels: {', '.join(CHANNELS)}"


def _board(name: str, intervals: Intervals, interval_ms: int | None = None) -> Stream:
    if name not in STREAMS:
        hint = f"one of {', '.join(STREAMS)}, or an object with name and query"
        raise RefusedError(Code.UNKNOWN_STREAM, f"there is no stream {name[:_SHOWN]!r}", hint=hint)
    return Stream(name, interval_ms=interval_ms or intervals.usual_ms)


def _custom(name: str, one: Message, intervals: Intervals) -> Stream:
    interval_ms = _interval_ms(one.get("interval"), intervals)
    if "query" not in one and name in BOARDS:
        return _board(name, intervals, interval_ms)
    if not name or len(name) > _NAME_LONGEST or not name.isprintable():
        raise RefusedError(
            Code.BAD_MESSAGE,
            f"{name[:_SHOWN]!r} is no name",
            hint=f"1 to {_NAME_LONGEST} printable characters",
        )
    if name in BOARDS:
        raise RefusedError(
            Code.BAD_MESSAGE, f"{name} is a stream already", hint="choose another name for your query"
        )
    query, word = one.get("query"), one.get("language", Language.PROMQL.value)
    if not isinstance(query, str):
        raise RefusedError(Code.BAD_MESSAGE, f"the stream {name!r} has no query that is text")
    if len(query) > _QUERY_LONGEST:
        raise RefusedError(
            Code.BAD_QUERY, f"the query of {name!r} is longer than {_QUERY_LONGEST} characters"
        )
    if word not in list(Language):
        hint = f"one of {', '.join(Language)}"
        raise RefusedError(Code.BAD_MESSAGE, f"there is no language {_told(word)}", hint=hint)
    return Stream("", Language(word), query, interval_ms)


def _interval_ms(value: Any, intervals: Intervals) -> int:
    if value is None:
        return intervals.usual_ms
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= _MOST_INTERVAL_MS:
        raise RefusedError(
            Code.BAD_MESSAGE,
            f"interval {_told(value)} is none",
            hint="milliseconds, more than 0 and up to a day",
        )
    return max(int(value), intervals.least_ms)


def _resume_from(value: Any) -> dict[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise RefusedError(Code.BAD_MESSAGE, "resumeFrom must be an object: a stream, and its last sequence")
    for name, sequence in value.items():
        if not isinstance(sequence, int) or isinstance(sequence, bool) or sequence < 0:
            raise RefusedError(
                Code.BAD_MESSAGE,
                f"resumeFrom.{name[:_SHOWN]} must be a sequence, not {_told(sequence)}",
                hint="the number that stood in the last message of the stream",
            )
    return value


# -- what the server says --


def message_text(
    kind: str, at_ms: int, data: Mapping[str, Any], identity: Id = None, subnet: str = ""
) -> bytes:
    """Return a message."""
    found: dict[str, Any] = {"type": kind, "timestamp": at_ms, "data": data}
    if identity is not None:
        found["id"] = identity
    if subnet:
        found["daoSubnet"] = subnet
    return orjson.dumps(found)


def answer_text(kind: str, at_ms: int, members: bytes, identity: Id) -> bytes:
    """Return a message whose data is there as the members of a JSON object."""
    tail = b"" if identity is None else b',"id":' + orjson.dumps(identity)
    return b'{"type":"%b","timestamp":%d,"data":{%b}%b}' % (kind.encode(), at_ms, members, tail)


def update_text(place: Place, at_ms: int, sequence: int, members: bytes, subnet: str) -> bytes:
    """Return an update of a stream; `members` are those of its payload, as JSON without the braces."""
    return b'{"type":"stream_update","timestamp":%d,"data":{"%b":%b,"sequence":%d%b%b},"daoSubnet":%b}' % (
        at_ms,
        place.key.encode(),
        orjson.dumps(place.name),
        sequence,
        b"," if members else b"",
        members,
        orjson.dumps(subnet),
    )


def members_of(payload: Mapping[str, Any]) -> bytes:
    """Return an object's members as JSON, without the braces."""
    return orjson.dumps(payload)[1:-1]
