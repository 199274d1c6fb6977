"""The request of remote read (prometheus.ReadRequest, prompb/remote.proto), taken apart."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp, compile_regex

_OPS: Final = (MatchOp.EQUAL, MatchOp.NOT_EQUAL, MatchOp.REGEX, MatchOp.NOT_REGEX)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WORD: Final = (1 << 64) - 1
_QUERIES_MAX: Final = 1_000


class ResponseType(IntEnum):
    """How samples are sent back."""

    SAMPLES = 0
    STREAMED_XOR_CHUNKS = 1


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """One selector and its range of times, both ends included."""

    start_ms: int
    end_ms: int
    matchers: tuple[Matcher, ...]


@dataclass(frozen=True, slots=True)
class ReadRequest:
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


def _broken() -> PharosError:
    return PharosError(Kind.INVALID, "the body is not a prometheus.ReadRequest message")


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(raw) and shift < 70:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & _WORD, at
        shift += 7
    raise _broken()


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield (field number, value) of a message; fixed-width values are passed over."""
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
        elif wire == _BYTES:
            length, at = _varint(raw, at)
            if length > len(raw) - at:
                raise _broken()
            yield number, raw[at : at + length]
            at += length
        elif wire in {_FIXED64, _FIXED32}:
            at += 8 if wire == _FIXED64 else 4
            if at > len(raw):
                raise _broken()
        else:
            raise _broken()


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _matcher(raw: bytes) -> Matcher:
    kind, texts = 0, {2: "", 3: ""}
    for number, value in _fields(raw):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number in texts and isinstance(value, bytes):
            texts[number] = value.decode("utf-8", "surrogateescape")
    if kind >= len(_OPS):
        raise PharosError(Kind.INVALID, f"invalid matcher type {kind}")
    matcher = Matcher(texts[2], _OPS[kind], texts[3])
    if matcher.op in {MatchOp.REGEX, MatchOp.NOT_REGEX}:
        compile_regex(matcher.value)
    return matcher


def _query(raw: bytes) -> ReadQuery:
    times = {1: 0, 2: 0}
    matchers: list[Matcher] = []
    for number, value in _fields(raw):
        if number in times and isinstance(value, int):
            times[number] = _signed(value)
        elif number == 3 and isinstance(value, bytes):
            matchers.append(_matcher(value))
    return ReadQuery(times[1], times[2], tuple(matchers))


def parse_read_request(raw: bytes) -> ReadRequest:
    """Return the request of a message. Raises PharosError(INVALID)."""
    queries: list[ReadQuery] = []
    accepted: list[int] = []
    for number, value in _fields(raw):
        if number == 1 and isinstance(value, bytes):
            queries.append(_query(value))
        elif number == 2 and isinstance(value, int):
            accepted.append(value)
        elif number == 2 and isinstance(value, bytes):
            at = 0
            while at < len(value):
                kind, at = _varint(value, at)
                accepted.append(kind)
    if len(queries) > _QUERIES_MAX:
        raise PharosError(Kind.INVALID, f"a request may hold {_QUERIES_MAX} queries, not {len(queries)}")
    return ReadRequest(tuple(queries), tuple(accepted))
