"""Apache Thrift, binary and compact: what senders of spans write, read into values by field number.

Sources: Thrift's own specifications of the two protocols (doc/specs/thrift-binary-protocol.md and
thrift-compact-protocol.md). A struct becomes a dict by field number, a list a list, text stays bytes: what a
field means is known to who reads it. Nothing is allocated by a size that is only claimed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeAlias

from pharos.errors import Kind, PharosError

Struct: TypeAlias = dict[int, Any]

_DEEPEST: Final = 24
_MOST_PARTS: Final = 500_000
"""Structs and elements of lists of one request: each takes some hundred bytes once it is read."""
_VARINT_MAX: Final = 10
_STOP, _BOOL, _BYTE, _DOUBLE, _I16, _I32, _I64, _STRING, _STRUCT, _MAP, _SET, _LIST = (
    0, 2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15,
)  # fmt: skip
# The least that one value of a type takes, so that a list's claim can be judged before it is read.
_LEAST_BYTES: Final = {
    _BOOL: 1, _BYTE: 1, _DOUBLE: 8, _I16: 1, _I32: 1, _I64: 1,
    _STRING: 1, _STRUCT: 1, _MAP: 1, _SET: 1, _LIST: 1,
}  # fmt: skip
_COMPACT_ID: Final = 0x82
_BINARY_MESSAGE: Final = 0x80
# Types of the compact protocol, as those of the binary one; 1 and 2 are a bool's own two values.
_COMPACT: Final = {1: _BOOL, 2: _BOOL, 3: _BYTE, 4: _I16, 5: _I32, 6: _I64, 7: _DOUBLE, 8: _STRING,
                   9: _LIST, 10: _SET, 11: _MAP, 12: _STRUCT}  # fmt: skip
_COMPACT_TRUE: Final = 1
_LONG_LIST: Final = 15


def _broken(what: str) -> PharosError:
    return PharosError(
        Kind.INVALID, f"the body is not thrift: {what}", hint="send a struct in binary or compact"
    )


class _Bytes:
    """The bytes that are left."""

    __slots__ = ("at", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.raw) - self.at

    def take(self, count: int) -> bytes:
        if count < 0 or count > self.left:
            raise _broken(f"{count} bytes are announced at byte {self.at}, {self.left} are there")
        self.at += count
        return self.raw[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def unpack(self, form: struct.Struct) -> Any:
        return form.unpack(self.take(form.size))[0]

    def varint(self) -> int:
        value = 0
        for index in range(_VARINT_MAX):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF
        raise _broken(f"the number at byte {self.at - _VARINT_MAX} does not end")

    def zigzag(self) -> int:
        value = self.varint()
        return (value >> 1) ^ -(value & 1)


class _Form(Protocol):
    """How one of the two protocols writes things down."""

    def field(self, before: int) -> tuple[int, int, bool | None]:
        """Return (type, field number, the value where the head holds it); type 0 ends a struct."""
        ...

    def scalar(self, kind: int) -> Any:
        """Return a value that holds no others."""
        ...

    def elements(self) -> tuple[int, int]:
        """Return (type, count) of a list's elements."""
        ...

    def pairs(self) -> tuple[int, int, int]:
        """Return (type of keys, type of values, count) of a map."""
        ...


class _Binary:
    _SCALARS: Final = {
        _BYTE: struct.Struct(">b"), _DOUBLE: struct.Struct(">d"), _I16: struct.Struct(">h"),
        _I32: struct.Struct(">i"), _I64: struct.Struct(">q"),
    }  # fmt: skip

    def __init__(self, source: _Bytes) -> None:
        self._source = source

    def field(self, before: int) -> tuple[int, int, bool | None]:  # noqa: ARG002
        kind = self._source.byte()
        return (kind, self._source.unpack(self._SCALARS[_I16]), None) if kind else (kind, 0, None)

    def scalar(self, kind: int) -> Any:
        if kind == _STRING:
            return self._source.take(self._size())
        if kind == _BOOL:
            return self._source.byte() != 0
        return self._source.unpack(self._SCALARS[kind])

    def _size(self) -> int:
        size: int = self._source.unpack(self._SCALARS[_I32])
        return size

    def elements(self) -> tuple[int, int]:
        return self._source.byte(), self._size()

    def pairs(self) -> tuple[int, int, int]:
        return self._source.byte(), self._source.byte(), self._size()


class _Compact:
    _DOUBLE: Final = struct.Struct("<d")

    def __init__(self, source: _Bytes) -> None:
        self._source = source

    def field(self, before: int) -> tuple[int, int, bool | None]:
        head = self._source.byte()
        if not head:
            return _STOP, 0, None
        number = before + (head >> 4) if head >> 4 else self._source.zigzag()
        kind = self._type(head & 0x0F)
        return kind, number, (head & 0x0F) == _COMPACT_TRUE if kind == _BOOL else None

    @staticmethod
    def _type(code: int) -> int:
        kind = _COMPACT.get(code)
        if kind is None:
            raise _broken(f"{code} is no type of the compact protocol")
        return kind

    def scalar(self, kind: int) -> Any:
        source = self._source
        match kind:
            case 11:  # _STRING
                return source.take(source.varint())
            case 2:  # _BOOL
                return source.byte() == _COMPACT_TRUE
            case 3:  # _BYTE
                return int.from_bytes(source.take(1), signed=True)
            case 4:  # _DOUBLE
                return source.unpack(self._DOUBLE)
            case _:
                return source.zigzag()

    def elements(self) -> tuple[int, int]:
        head = self._source.byte()
        count = head >> 4
        return self._type(head & 0x0F), self._source.varint() if count == _LONG_LIST else count

    def pairs(self) -> tuple[int, int, int]:
        count = self._source.varint()
        if not count:
            return _BYTE, _BYTE, 0
        kinds = self._source.byte()
        return self._type(kinds >> 4), self._type(kinds & 0x0F), count


class _Reader:
    def __init__(self, source: _Bytes, form: _Form) -> None:
        self._source = source
        self._form = form
        self._parts = 0

    def _count(self, parts: int) -> None:
        self._parts += parts
        if self._parts > _MOST_PARTS:
            raise PharosError(
                Kind.TOO_LARGE, f"the body has more than {_MOST_PARTS} parts", hint="send fewer spans in one"
            )

    def struct(self, depth: int = 0) -> Struct:
        self._count(1)
        found: Struct = {}
        number = 0
        while True:
            kind, number, value = self._form.field(number)
            if kind == _STOP:
                return found
            found[number] = self.value(kind, depth + 1) if value is None else value

    def value(self, kind: int, depth: int) -> Any:
        if depth > _DEEPEST:
            raise _broken(f"it is nested more than {_DEEPEST} deep")
        match kind:
            case 12:  # _STRUCT
                return self.struct(depth)
            case 14 | 15:  # _SET, _LIST
                return self.list(depth)
            case 13:  # _MAP
                keys, values, count = self._form.pairs()
                self._check(count, self._least(keys) + self._least(values))
                return [(self.value(keys, depth + 1), self.value(values, depth + 1)) for _ in range(count)]
            case _:
                self._least(kind)
                return self._form.scalar(kind)

    def list(self, depth: int = 0) -> list[Any]:
        kind, count = self._form.elements()
        self._check(count, self._least(kind) if count else 1)
        return [self.value(kind, depth + 1) for _ in range(count)]

    @staticmethod
    def _least(kind: int) -> int:
        least = _LEAST_BYTES.get(kind)
        if least is None:
            raise _broken(f"{kind} is no type")
        return least

    def _check(self, count: int, least: int) -> None:
        if not 0 <= count * least <= self._source.left:
            raise _broken(f"{count} elements are announced, {self._source.left} bytes are left")
        self._count(count)


def _read(source: _Bytes, form: _Form, read: Callable[[_Reader], Any]) -> Any:
    found = read(_Reader(source, form))
    if source.left:
        raise _broken(f"{source.left} bytes follow after its end")
    return found


def read_struct(body: bytes, *, is_compact: bool) -> Struct:
    """Return a struct by field number. Raises PharosError: INVALID for anything else, or TOO_LARGE."""
    source = _Bytes(body)
    found: Struct = _read(source, _Compact(source) if is_compact else _Binary(source), _Reader.struct)
    return found


def read_list(body: bytes, *, is_compact: bool) -> list[Any]:
    """Return a list that stands alone, as Zipkin's reporters send it.

    Raises PharosError: INVALID for anything else, or TOO_LARGE.
    """
    source = _Bytes(body)
    found: list[Any] = _read(source, _Compact(source) if is_compact else _Binary(source), _Reader.list)
    return found


def read_call(body: bytes) -> tuple[str, Struct]:
    """Return (name, arguments) of a message, compact or binary, as agents receive them.

    Raises PharosError(INVALID) for anything else.
    """
    source = _Bytes(body)
    first = source.byte()
    form: _Form
    if first == _COMPACT_ID:
        source.byte()
        source.varint()
        form = _Compact(source)
        name = source.take(source.varint())
    elif first == _BINARY_MESSAGE:
        source.take(3)
        form = _Binary(source)
        name = form.scalar(_STRING)
        source.take(4)
    else:
        raise _broken("it is no message")
    return name.decode("utf-8", "replace"), _read(source, form, _Reader.struct)


def text_of(value: Any) -> str:
    """Return a text field; what is no UTF-8 in it is replaced. Raises PharosError(INVALID) for no text."""
    if not isinstance(value, bytes):
        raise _broken(f"a {type(value).__name__} stands where text is due")
    return value.decode("utf-8", "replace")
