"""The request of remote read (prometheus.ReadRequest, prompb/remote.proto), taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final

from google.protobuf.message import DecodeError
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp, compile_regex
from pharos.protobuf import message_classes

_OPS: Final = (MatchOp.EQUAL, MatchOp.NOT_EQUAL, MatchOp.REGEX, MatchOp.NOT_REGEX)
_QUERIES_MAX: Final = 1_000
_MATCHERS_MAX: Final = 1_000
"""Of all queries of a request."""
_TYPES_MAX: Final = 100

# Queries and matchers are taken as bytes, so that they are counted before anything is made of them; names
# and values too, since upstream takes them whether they are UTF-8 or not.
_CLASSES: Final = message_classes(
    "pharos.read",
    {
        "LabelMatcher": {"type": (1, "int32"), "name": (2, "bytes"), "value": (3, "bytes")},
        "Query": {"start_ms": (1, "int64"), "end_ms": (2, "int64"), "matchers": (3, "*bytes")},
        "ReadRequest": {"queries": (1, "*bytes"), "accepted_response_types": (2, "*int32")},
    },
)


class ResponseType(IntEnum):
    """How samples are sent back."""

    SAMPLES = 0
    STREAMED_XOR_CHUNKS = 1


class ReadQuery(Struct, frozen=True):
    """One selector and its range of times, both ends included."""

    start_ms: int
    end_ms: int
    matchers: tuple[Matcher, ...]


class ReadRequest(Struct, frozen=True):
    """What is asked for, and the response types that the client takes, liked best first."""

    queries: tuple[ReadQuery, ...]
    accepted: tuple[int, ...]

    def response_type(self) -> ResponseType:
        """Return the first accepted type that is spoken here; plain samples for a client that says nothing.

        Raises PharosError(INVALID) when there is none.
        """
        for kind in self.accepted or (ResponseType.SAMPLES,):
            if kind in {ResponseType.SAMPLES, ResponseType.STREAMED_XOR_CHUNKS}:
                return ResponseType(kind)
        raise PharosError(
            Kind.INVALID,
            f"server does not support any of the requested response types: {list(self.accepted)};"
            " supported: SAMPLES, STREAMED_XOR_CHUNKS",
        )


def _message(name: str, raw: bytes) -> Any:
    try:
        return _CLASSES[name].FromString(raw)
    except DecodeError as exc:
        raise PharosError(Kind.INVALID, "the body is not a prometheus.ReadRequest message") from exc


def _matcher(raw: bytes) -> Matcher:
    message = _message("LabelMatcher", raw)
    if not 0 <= message.type < len(_OPS):
        raise PharosError(Kind.INVALID, f"invalid matcher type {message.type}")
    name, value = (part.decode("utf-8", "surrogateescape") for part in (message.name, message.value))
    matcher = Matcher(name, _OPS[message.type], value)
    if matcher.op in {MatchOp.REGEX, MatchOp.NOT_REGEX}:
        compile_regex(matcher.value)
    return matcher


def _queries(raw: list[bytes]) -> Iterator[ReadQuery]:
    matchers = 0
    for one in raw:
        query = _message("Query", one)
        matchers += len(query.matchers)
        _check_count("matchers", matchers, _MATCHERS_MAX)
        yield ReadQuery(query.start_ms, query.end_ms, tuple(map(_matcher, query.matchers)))


def parse_read_request(raw: bytes) -> ReadRequest:
    """Return the request of a message.

    Raises PharosError(INVALID) for what is none, and for more queries, matchers or types than are taken.
    """
    request = _message("ReadRequest", raw)
    _check_count("queries", len(request.queries), _QUERIES_MAX)
    _check_count("response types", len(request.accepted_response_types), _TYPES_MAX)
    return ReadRequest(tuple(_queries(request.queries)), tuple(request.accepted_response_types))


def _check_count(what: str, count: int, most: int) -> None:
    if count > most:
        raise PharosError(Kind.INVALID, f"a request may hold {most} {what}, not {count}")
