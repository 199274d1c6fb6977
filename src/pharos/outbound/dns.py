"""Questions and answers of the DNS as they are on the wire (RFC 1035, RFC 2782)."""

from __future__ import annotations

import ipaddress
import struct
from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError

RECORD_TYPES: Final = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
}
NO_SUCH_NAME: Final = 3
CODES: Final = {1: "format error", 2: "server failure", NO_SUCH_NAME: "there is no such name", 5: "refused"}
_RECORD: Final = struct.Struct(">HHIH")
_HEAD: Final = struct.Struct(">HHHHHH")
_TRUNCATED: Final = 0x0200
_EDNS: Final = 41


class DnsRecord(Struct, frozen=True):
    """What a record says: an address, a name (with its last dot), or a text; what it lacks is 0."""

    text: str
    port: int = 0
    preference: int = 0


class DnsAnswer(Struct, frozen=True):
    """What a server answers."""

    code: int
    is_truncated: bool
    """Whether it did not fit, and is to be asked for by TCP."""
    records: tuple[DnsRecord, ...]
    """Those of the type that was asked for."""


def question(name: str, record: str, number: int, *, takes_bytes: int = 0) -> bytes:
    """Return a question whose recursion is desired; `takes_bytes` is how large an answer may be if not 512.

    Raises PharosError(INVALID) for what is no name.
    """
    try:
        labels = [part.encode("idna") for part in name.removesuffix(".").split(".")]
    except UnicodeError as exc:
        raise PharosError(Kind.INVALID, f"{name[:80]!r} is no name") from exc
    if not all(labels):
        raise PharosError(Kind.INVALID, f"{name[:80]!r} is no name")
    written = b"".join(bytes([len(one)]) + one for one in labels) + b"\0"
    asked = written + struct.pack(">HH", RECORD_TYPES[record], 1)
    more = b"\0" + _RECORD.pack(_EDNS, takes_bytes, 0, 0) if takes_bytes else b""
    return _HEAD.pack(number, 0x0100, 1, 0, 0, 1 if more else 0) + asked + more


def is_answer_to(answer: bytes, asked: bytes) -> bool:
    """Return whether an answer has the number of a question."""
    return len(answer) >= _HEAD.size and answer[:2] == asked[:2]


def read_answer(answer: bytes, record: str) -> DnsAnswer:
    """Return what an answer says of a type of records. Raises PharosError(UNAVAILABLE) for what is none."""
    try:
        return _answer(answer, RECORD_TYPES[record])
    except (struct.error, IndexError, ValueError) as exc:
        raise PharosError(Kind.UNAVAILABLE, "answers what cannot be read") from exc


def _answer(answer: bytes, kind: int) -> DnsAnswer:
    _, flags, questions, count, _, _ = _HEAD.unpack_from(answer)
    is_truncated = bool(flags & _TRUNCATED)
    at = _HEAD.size
    for _ in range(questions):
        at = _name(answer, at)[1] + 4
    found = []
    for _ in range(0 if is_truncated else count):
        at = _name(answer, at)[1]
        of, _, _, size = _RECORD.unpack_from(answer, at)
        at += _RECORD.size
        if of == kind:
            found.append(_record(answer, at, size, kind))
        at += size
    return DnsAnswer(flags & 15, is_truncated, tuple(found))


def _record(answer: bytes, at: int, size: int, kind: int) -> DnsRecord:
    content = answer[at : at + size]
    match kind:
        case 1 | 28:
            return DnsRecord(str(ipaddress.ip_address(content)))
        case 15:
            return DnsRecord(_name(answer, at + 2)[0], preference=int.from_bytes(content[:2]))
        case 16:
            texts, place = [], 0
            while place < size:
                texts.append(content[place + 1 : place + 1 + content[place]])
                place += 1 + content[place]
            return DnsRecord(b"".join(texts).decode("utf-8", "replace"))
        case 33:
            return DnsRecord(_name(answer, at + 6)[0], port=int.from_bytes(content[4:6]))
        case _:
            return DnsRecord(_name(answer, at)[0])


def _name(answer: bytes, at: int) -> tuple[str, int]:
    """Return a name and where it ends; what is compressed is followed, backwards alone."""
    labels, end, before = [], 0, len(answer)
    while size := answer[at]:
        if size & 0xC0:
            end = end or at + 2
            target = int.from_bytes(answer[at : at + 2]) & 0x3FFF
            if target >= min(at, before):
                raise IndexError("a name that leads to itself")
            at = before = target
            continue
        labels.append(answer[at + 1 : at + 1 + size].decode("ascii"))
        at += 1 + size
    return ".".join(labels) + ".", end or at + 1
