"""Many log records at once: Python gathers their texts, compiled code writes the protobuf.

For each record the line comes first, then name and value of each attribute. A value that is no text stands as
an empty one, and is told of beside.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import pointer, store_u8, store_u64
from pharos.compiled.protobuf import varint_size, write_varint
from pharos.ingest.events.record_kernels import (
    SPAN_DIGITS,
    TRACE_DIGITS,
    is_id,
    is_id_name,
    put_bytes,
    put_head,
    put_id,
    text_size,
)
from pharos.protobuf import varint

TEXT: Final = 0
INT: Final = 1
BOOL: Final = 2
DOUBLE: Final = 3
_TEXT_ROOM: Final = 40
_RECORD_ROOM: Final = 96
"""So much more than its texts a record takes at most, for each text and for itself."""


@inlined_kernel
def _value_size(kind: Any, length: Any, bits: Any) -> Any:
    """Return the bytes of an AnyValue."""
    if kind == TEXT:
        return text_size(length)
    if kind == INT:
        return 1 + varint_size(bits)
    return 2 if kind == BOOL else 9


@inlined_kernel
def _put_value(out: Any, pos: Any, kind: Any, raw: Any, start: Any, length: Any, bits: Any) -> Any:
    """Write an AnyValue; return the offset after it."""
    if kind == TEXT:
        return put_bytes(out, pos, 0x0A, raw, start, length)
    if kind == INT:
        store_u8(out, pos, 0x18)
        return write_varint(out, pos + 1, bits)
    if kind == BOOL:
        store_u8(out, pos, 0x10)
        store_u8(out, pos + 1, np.uint8(bits))
        return pos + 2
    store_u8(out, pos, 0x21)
    store_u64(out, pos + 1, bits)
    return pos + 9


@kernel
def write_records(
    body: Any, lengths: Any, kinds: Any, numbers: Any, counts: Any, times: Any, room: Any, ends: Any
) -> None:
    """Write each record as a field of ScopeLogs, and where it ends; `room` holds them all."""
    raw, out = pointer(body), pointer(room)
    item, at, pos = 0, 0, 0
    for row in range(len(counts)):
        size, trace, span = np.int64(0), np.int64(-1), np.int64(-1)
        line, line_at = item, at
        size += text_size(_value_size(kinds[line], lengths[line], numbers[line]))
        at += lengths[line]
        item += 1
        for _ in range(counts[row]):
            name_bytes, value_bytes = lengths[item], lengths[item + 1]
            value_at = at + name_bytes
            kind = is_id_name(raw, at, value_at)
            if kind == 1 and value_bytes == TRACE_DIGITS and trace < 0 and is_id(raw, value_at, TRACE_DIGITS):
                trace = value_at
            elif kind == 2 and value_bytes == SPAN_DIGITS and span < 0 and is_id(raw, value_at, SPAN_DIGITS):
                span = value_at
            value = _value_size(kinds[item + 1], value_bytes, numbers[item + 1])
            size += text_size(text_size(name_bytes) + text_size(value))
            at = value_at + value_bytes
            item += 2
        size += 9 if times[row] > 0 else 0
        size += 18 if trace >= 0 else 0
        size += 10 if span >= 0 else 0
        pos = put_head(out, pos, 0x12, size)
        if times[row] > 0:
            store_u8(out, pos, 0x09)
            store_u64(out, pos + 1, np.uint64(times[row]))
            pos += 9
        item, at = line, line_at
        pos = put_head(out, pos, 0x2A, _value_size(kinds[item], lengths[item], numbers[item]))
        pos = _put_value(out, pos, kinds[item], raw, at, lengths[item], numbers[item])
        at += lengths[item]
        item += 1
        for _ in range(counts[row]):
            name_bytes, value_bytes = lengths[item], lengths[item + 1]
            value = _value_size(kinds[item + 1], value_bytes, numbers[item + 1])
            pos = put_head(out, pos, 0x32, text_size(name_bytes) + text_size(value))
            pos = put_bytes(out, pos, 0x0A, raw, at, name_bytes)
            pos = put_head(out, pos, 0x12, value)
            at += name_bytes
            pos = _put_value(out, pos, kinds[item + 1], raw, at, value_bytes, numbers[item + 1])
            at += value_bytes
            item += 2
        if trace >= 0:
            pos = put_id(out, pos, 0x4A, raw, trace, TRACE_DIGITS // 2)
        if span >= 0:
            pos = put_id(out, pos, 0x52, raw, span, SPAN_DIGITS // 2)
        ends[row] = pos


class TextRecords:
    """Records as they are gathered."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        """Line, names and values of all records, one after the other."""
        self.counts: list[int] = []
        """How many attributes each record has."""
        self.times: list[int] = []
        """In nanoseconds; 0 is none."""
        self._ints: list[tuple[int, int, int]] = []
        self._doubles: list[tuple[int, float]] = []

    def put(self, value: object) -> bool:
        """Add a line or a value of any type; return whether it can be held here."""
        match value:
            case str():
                self.texts.append(value)
                return True
            case bool():
                self._ints.append((len(self.texts), BOOL, int(value)))
            case int():
                if not -(1 << 63) <= value < 1 << 63:
                    return False
                self._ints.append((len(self.texts), INT, value & 0xFFFFFFFFFFFFFFFF))
            case float():
                self._doubles.append((len(self.texts), value))
            case _:
                return False
        self.texts.append("")
        return True

    def mark(self) -> tuple[int, int, int]:
        """Return how much there is, for `forget`."""
        return len(self.texts), len(self._ints), len(self._doubles)

    def forget(self, mark: tuple[int, int, int]) -> None:
        """Take texts and values out that came after a mark."""
        texts, ints, doubles = mark
        del self.texts[texts:], self._ints[ints:], self._doubles[doubles:]

    def written(self) -> tuple[memoryview, list[int]]:
        """Return (all records as fields of ScopeLogs, where each ends).

        Raises TypeError where a text is none.
        """
        joined = "".join(self.texts)
        raw = joined.encode()
        count = len(self.texts)
        # Characters are bytes where all are ASCII.
        sizes = map(len, self.texts if len(raw) == len(joined) else map(str.encode, self.texts))
        lengths = np.fromiter(sizes, np.int64, count)
        kinds, numbers = np.zeros(count, np.uint8), np.zeros(count, np.uint64)
        for at, kind, bits in self._ints:
            kinds[at], numbers[at] = kind, bits
        if self._doubles:
            places = [at for at, _ in self._doubles]
            kinds[places] = DOUBLE
            numbers[places] = np.array([value for _, value in self._doubles]).view(np.uint64)
        room = np.empty(len(raw) + _TEXT_ROOM * count + _RECORD_ROOM * len(self.counts), np.uint8)
        ends = np.zeros(len(self.counts), np.int64)
        write_records(
            np.frombuffer(raw, np.uint8),
            lengths,
            kinds,
            numbers,
            np.array(self.counts, np.int64),
            np.array(self.times, np.int64),
            room,
            ends,
        )
        return room.data, ends.tolist()


def pairs_of(mapping: dict[str, str]) -> chain[str]:
    """Return names and values one after the other."""
    return chain.from_iterable(mapping.items())


class Groups:
    """Records by their resources, as a request of them."""

    def __init__(self) -> None:
        self._groups: dict[bytes, list[bytes | memoryview]] = {}

    def add(self, resource: bytes, records: bytes | memoryview) -> None:
        """Add records, as fields of ScopeLogs, below a resource."""
        self._groups.setdefault(resource, []).append(records)

    def body(self) -> bytes:
        """Return the request."""
        parts: list[bytes | memoryview] = []
        for resource, records in self._groups.items():
            size = sum(map(len, records))
            head = b"\x0a" + varint(len(resource)) + resource + b"\x12" + varint(size)
            parts.append(b"\x0a" + varint(len(head) + size) + head)
            parts += records
        return b"".join(parts)
