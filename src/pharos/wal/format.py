"""The bytes of a segment: its header, its frames, and finding the frames again in damaged bytes.

All numbers are little endian. A segment is one header and then frames without gaps:

    segment header, 40 bytes: magic "PHAROSWL", version u16, 2 bytes zero, length reserved u32, number u64,
                              mark 8 bytes, CRC-32 of the foregoing u32, 4 bytes zero
    frame header, 32 bytes:   mark 8 bytes, payload length u32, payload CRC-32 u32, receive time in ns i64,
                              tenant length u16, kind u8, zero u8, CRC-32 of the foregoing and the tenant u32
    then the tenant (UTF-8) and the payload

The mark is eight bytes that only this store can know (a keyed hash of the segment's number). Frames are found
again behind damage by it, and a client cannot smuggle in a frame inside of a payload because it cannot guess
it. CRC-32 is zlib's: it takes any buffer, lets other threads run, and costs 7 us for 40 KB, so that a faster
sum would not be felt. Later versions keep the segment header's first ten bytes and the place of its sum, so
that an old Pharos can tell a newer segment from a damaged one.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, Protocol, TypeAlias
from zlib import crc32

from msgspec import Struct

from pharos.errors import Kind, PharosError

Buffer: TypeAlias = bytes | bytearray | memoryview

VERSION: Final = 1
MAX_PAYLOAD_BYTES: Final = 64 * 1024 * 1024
MAX_TENANT_BYTES: Final = 255

_MAGIC: Final = b"PHAROSWL"
_SEGMENT_HEAD: Final = struct.Struct("<8sH2xIQ8s")
_FRAME_HEAD: Final = struct.Struct("<8sIIqHBx")
_SUM: Final = struct.Struct("<I")

SEGMENT_HEAD_BYTES: Final = 40
FRAME_HEAD_BYTES: Final = _FRAME_HEAD.size + _SUM.size


class Frame(NamedTuple):
    """One appended payload with what was said about it; the payload's memory is shared with its segment's."""

    kind: int
    tenant: str
    recv_ns: int
    payload: memoryview


class Bytes(Protocol):
    """A segment's bytes, wherever they lie."""

    size: int

    def at(self, offset: int, length: int) -> memoryview:
        """Return `length` bytes from `offset`; both lie inside of the size. Valid until the next call."""
        ...

    def find(self, mark: bytes, start: int) -> int:
        """Return where `mark` first occurs at or after `start`, -1 if nowhere."""
        ...


class Broken(Struct, frozen=True):
    """A range of a segment that holds no intact frame."""

    offset: int
    length: int
    reason: str


def mark_of(secret: bytes, number: int) -> bytes:
    """Return the eight bytes that begin every frame of segment `number` in the store with this secret."""
    return hashlib.blake2b(_pack_number(number), key=secret, digest_size=8).digest()


def _pack_number(number: int) -> bytes:
    return number.to_bytes(8, "little")


def pack_segment_head(number: int, mark: bytes, reserved: int = 0) -> bytes:
    """Return the header of a new segment, 40 bytes; `reserved` is how long its file is made ahead."""
    head = _SEGMENT_HEAD.pack(_MAGIC, VERSION, reserved, number, mark)
    return head + _SUM.pack(crc32(head)) + b"\0\0\0\0"


class SegmentHead(NamedTuple):
    """What a segment's header says."""

    mark: bytes
    reserved: int
    """How long the file was made before it had frames; 0 if it was not."""


def read_segment_head(name: str, head: Buffer) -> SegmentHead | None:
    """Return what the segment's header says, None when it is damaged.

    Raises PharosError(UNSUPPORTED) for an intact header of another version.
    """
    body = bytes(head[: _SEGMENT_HEAD.size])
    if len(head) < SEGMENT_HEAD_BYTES or crc32(body) != _SUM.unpack_from(head, _SEGMENT_HEAD.size)[0]:
        return None
    magic, version, reserved, _, mark = _SEGMENT_HEAD.unpack(body)
    if magic != _MAGIC:
        return None
    if version != VERSION:
        raise PharosError(
            Kind.UNSUPPORTED,
            f"log segment {name} has format version {version}, this Pharos reads version {VERSION}",
            hint="start the Pharos that wrote it once more, stop it cleanly, then start this one",
        )
    return SegmentHead(mark, reserved)


def pack_frame_head(
    mark: bytes, kind: int, tenant: bytes, recv_ns: int, payload_bytes: int, payload_sum: int
) -> bytes:
    """Return the header of a frame with its tenant behind it: what precedes the payload."""
    head = _FRAME_HEAD.pack(mark, payload_bytes, payload_sum, recv_ns, len(tenant), kind)
    return head + _SUM.pack(crc32(tenant, crc32(head))) + tenant


class Span(NamedTuple):
    """An intact frame's place in its segment."""

    kind: int
    tenant: str
    recv_ns: int
    payload_offset: int
    end: int


def scan(source: Bytes, mark: bytes) -> Iterator[Span | Broken]:
    """Yield the intact frames and the broken ranges behind the segment header, in order and without gaps.

    No damage raises. A frame is only believed when both of its sums agree.
    """
    offset = SEGMENT_HEAD_BYTES
    while offset < source.size:
        found = _frame_at(source, offset, mark)
        if isinstance(found, Span):
            yield found
            offset = found.end
            continue
        resumed = _resume(source, offset + 1, mark)
        yield Broken(offset, resumed - offset, found)
        offset = resumed


def _frame_at(source: Bytes, offset: int, mark: bytes) -> Span | str:
    """Return the frame that begins at `offset`, or the reason why none does."""
    left = source.size - offset
    if left < FRAME_HEAD_BYTES:
        return "zero filled" if not any(source.at(offset, left)) else "frame header cut short"
    head = source.at(offset, FRAME_HEAD_BYTES)
    if head[:8] != mark:
        return "zero filled" if not any(head) else "no frame begins here"
    _, payload_bytes, payload_sum, recv_ns, tenant_bytes, kind = _FRAME_HEAD.unpack_from(head)
    head_sum = crc32(head[: _FRAME_HEAD.size])
    expected_sum = _SUM.unpack_from(head, _FRAME_HEAD.size)[0]
    if tenant_bytes > MAX_TENANT_BYTES or payload_bytes > MAX_PAYLOAD_BYTES:
        return "frame header damaged"
    payload_offset = offset + FRAME_HEAD_BYTES + tenant_bytes
    if payload_offset > source.size:
        return "frame cut short"
    tenant = bytes(source.at(offset + FRAME_HEAD_BYTES, tenant_bytes))
    if crc32(tenant, head_sum) != expected_sum:
        return "frame header damaged"
    if payload_offset + payload_bytes > source.size:
        return "frame cut short"
    if crc32(source.at(payload_offset, payload_bytes)) != payload_sum:
        return "payload damaged"
    return Span(kind, tenant.decode(), recv_ns, payload_offset, payload_offset + payload_bytes)


def _resume(source: Bytes, start: int, mark: bytes) -> int:
    """Return where the next intact frame begins, the size if there is none."""
    offset = source.find(mark, start)
    while offset >= 0:
        if isinstance(_frame_at(source, offset, mark), Span):
            return offset
        offset = source.find(mark, offset + 1)
    return source.size
