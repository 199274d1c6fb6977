"""Thrift written down as cases have it: `[type, value]` for each field number, in both protocols."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

_BINARY = {
    "bool": 2,
    "byte": 3,
    "double": 4,
    "i16": 6,
    "i32": 8,
    "i64": 10,
    "text": 11,
    "struct": 12,
    "list": 15,
}
_COMPACT = {
    "bool": 1,
    "byte": 3,
    "i16": 4,
    "i32": 5,
    "i64": 6,
    "double": 7,
    "text": 8,
    "list": 9,
    "struct": 12,
}
_FORMS = {"byte": ">b", "i16": ">h", "i32": ">i", "i64": ">q", "double": ">d"}


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*out, value))


def _zigzag(value: int) -> bytes:
    return _varint((value << 1) ^ (value >> 63) if value < 0 else value << 1)


def _elements(value: Sequence[Any]) -> tuple[str, list[Any]]:
    """Return (type, values) of a list; a list of mappings is one of structs."""
    if value and not isinstance(value[0], Mapping):
        return str(value[0]), list(value[1])
    return "struct", list(value)


def binary(kind: str, value: Any) -> bytes:
    """Return a value in the binary protocol."""
    match kind:
        case "struct":
            parts = [
                struct.pack(">bh", _BINARY[of], number) + binary(of, one)
                for number, (of, one) in value.items()
            ]
            return b"".join(parts) + b"\0"
        case "list":
            of, values = _elements(value)
            return struct.pack(">bi", _BINARY[of], len(values)) + b"".join(binary(of, one) for one in values)
        case "text":
            raw = value if isinstance(value, bytes) else value.encode()
            return struct.pack(">i", len(raw)) + raw
        case "bool":
            return bytes((bool(value),))
        case _:
            return struct.pack(_FORMS[kind], value)


def compact(kind: str, value: Any) -> bytes:
    """Return a value in the compact protocol."""
    match kind:
        case "struct":
            return _compact_struct(value)
        case "list":
            of, values = _elements(value)
            many = 15
            size = len(values)
            head = (
                bytes((size << 4 | _COMPACT[of],))
                if size < many
                else bytes((0xF0 | _COMPACT[of],)) + _varint(size)
            )
            return head + b"".join(compact(of, one) for one in values)
        case "text":
            raw = value if isinstance(value, bytes) else value.encode()
            return _varint(len(raw)) + raw
        case "bool":
            return b"\x01" if value else b"\x02"
        case "byte":
            return struct.pack(">b", value)
        case "double":
            return struct.pack("<d", value)
        case _:
            return _zigzag(value)


def _compact_struct(fields: Mapping[int, Any]) -> bytes:
    out, before = b"", 0
    for number, (of, one) in fields.items():
        code = (1 if one else 2) if of == "bool" else _COMPACT[of]
        step = number - before
        near = 15
        out += bytes((step << 4 | code,)) if 0 < step <= near else bytes((code,)) + _zigzag(number)
        if of != "bool":
            out += compact(of, one)
        before = number
    return out + b"\0"
