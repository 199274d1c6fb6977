"""Blocks of ClickHouse's Native format, built from arrays without a loop over rows.

The layout is that of ClickHouse's `NativeWriter`: column count, row count, then for each column its name,
its type and its values. The engine casts what we send to the table's own types.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.protobuf import varint

Payload: TypeAlias = "bytes | bytearray | memoryview"


def text(value: str) -> bytes:
    """Return a string value: its length in bytes, then its bytes."""
    raw = value.encode()
    return varint(len(raw)) + raw


class Column(Struct, frozen=True):
    """One column: its name, its Native type and the bytes of all its rows."""

    name: str
    type: str
    payload: Iterable[Payload]
    """In pieces; those of `gathered` are made when they are asked for."""


def _bytes_of(values: NDArray[np.generic]) -> memoryview:
    return np.ascontiguousarray(values).data.cast("B")


_TYPES = {
    np.dtype(np.uint8): "UInt8",
    np.dtype(np.int8): "Int8",
    np.dtype(np.uint16): "UInt16",
    np.dtype(np.int32): "Int32",
    np.dtype(np.uint32): "UInt32",
    np.dtype(np.int64): "Int64",
    np.dtype(np.uint64): "UInt64",
    np.dtype(np.float64): "Float64",
}


def numbers(name: str, values: NDArray[np.generic], type_name: str | None = None) -> Column:
    """Return a column of fixed-width values; `type_name` overrides the type, e.g. for times and dates."""
    return Column(name, type_name or _TYPES[values.dtype], (_bytes_of(values) if len(values) else b"",))


class _Gathered(Struct, frozen=True):
    values: NDArray[np.generic]
    order: NDArray[np.int32]

    def __iter__(self) -> Iterator[Payload]:
        if len(self.order):
            yield _bytes_of(self.values[self.order])


def gathered(
    name: str, values: NDArray[np.generic], order: NDArray[np.int32], type_name: str | None = None
) -> Column:
    """Return a column as `numbers` does, of `values` in this order; its bytes are made as it is written."""
    return Column(name, type_name or _TYPES[values.dtype], _Gathered(values, order))


def packed_strings(name: str, payload: Payload) -> Column:
    """Return a column of strings that are already length-prefixed, as kernels emit them."""
    return Column(name, "String", (payload,))


def string_values(name: str, values: Sequence[str]) -> Column:
    """Return a column of a few strings."""
    return Column(name, "String", (b"".join(map(text, values)),))


def string_map(name: str, ends: NDArray[np.uint64], keys: Payload, values: Payload) -> Column:
    """Return a `Map(String, String)` column: `ends` is the running count of entries after each row."""
    return Column(name, "Map(String, String)", (_bytes_of(ends) if len(ends) else b"", keys, values))


def arrays(name: str, ends: NDArray[np.uint64], values: NDArray[np.generic]) -> Column:
    """Return an `Array(T)` column of fixed-width values, rows ending at `ends`."""
    item = _TYPES[values.dtype]
    return Column(
        name,
        f"Array({item})",
        (_bytes_of(ends) if len(ends) else b"", _bytes_of(values) if len(values) else b""),
    )


_SHARED_DICTIONARY: Final = struct.pack("<Q", 1)
_HAS_KEYS: Final = 1 << 9
_RENEWS: Final = 1 << 10


def fixed_strings(name: str, size: int, values: NDArray[np.uint8]) -> Column:
    """Return a column of strings of `size` bytes each, one behind the other."""
    return Column(name, f"FixedString({size})", (_bytes_of(values) if len(values) else b"",))


def _words(keys: Sequence[str], places: NDArray[np.uint32]) -> list[Payload]:
    """Return strings by their places among a few, as LowCardinality columns have them."""
    if not len(places):
        return []
    width, kind = (
        (np.uint8, 0) if len(keys) <= 256 else (np.uint16, 1) if len(keys) <= 1 << 16 else (np.uint32, 2)
    )
    head = struct.pack("<QQ", kind | _HAS_KEYS | _RENEWS, len(keys))
    rows = struct.pack("<Q", len(places))
    return [head, b"".join(map(text, keys)), rows, _bytes_of(places.astype(width, copy=False))]


def words(name: str, keys: Sequence[str], places: NDArray[np.uint32]) -> Column:
    """Return a `LowCardinality(String)` column: for each row the place of its string among `keys`."""
    return Column(name, "LowCardinality(String)", (_SHARED_DICTIONARY, *_words(keys, places)))


def repeated_string(name: str, runs: Sequence[tuple[str, int]]) -> Column:
    """Return a `LowCardinality(String)` column that holds each string of `runs` so many times in a row."""
    places: dict[str, int] = {}
    each = np.array([places.setdefault(value, len(places)) for value, _ in runs], np.uint32)
    counts = np.array([count for _, count in runs], np.int64)
    return words(name, list(places), np.repeat(each, counts))


class WordMap(Struct, frozen=True):
    """Maps whose keys are a few strings: `ends` counts entries after each, `values` are packed strings."""

    ends: NDArray[np.uint64]
    keys: Sequence[str]
    places: NDArray[np.uint32]
    values: Sequence[Payload]

    def pieces(self) -> list[Payload]:
        """Return the maps behind their prefix."""
        return [
            _bytes_of(self.ends) if len(self.ends) else b"",
            *_words(self.keys, self.places),
            *self.values,
        ]


def word_map(name: str, maps: WordMap) -> Column:
    """Return a `Map(LowCardinality(String), String)` column."""
    return Column(name, "Map(LowCardinality(String), String)", (_SHARED_DICTIONARY, *maps.pieces()))


def word_maps(name: str, ends: NDArray[np.uint64], maps: WordMap) -> Column:
    """Return an `Array(Map(LowCardinality(String), String))` column, rows ending at `ends`."""
    rows = _bytes_of(ends) if len(ends) else b""
    payload = (_SHARED_DICTIONARY, rows, *maps.pieces())
    return Column(name, "Array(Map(LowCardinality(String), String))", payload)


def joined(name: str, kind: str, pieces: Sequence[Payload]) -> Column:
    """Return a column of this type whose rows lie in pieces, one after the other."""
    return Column(name, kind, tuple(pieces))


def listed(name: str, kind: str, ends: NDArray[np.uint64], pieces: Sequence[Payload]) -> Column:
    """Return an `Array` column of this type of item, rows ending at `ends`."""
    return Column(name, f"Array({kind})", (_bytes_of(ends) if len(ends) else b"", *pieces))


def block_pieces(rows: int, columns: Sequence[Column]) -> Iterator[Payload]:
    """Yield the pieces, in order, of one Native block of `rows` rows; large ones are not copied."""
    head = varint(len(columns)) + varint(rows)
    for column in columns:
        yield head + text(column.name) + text(column.type)
        head = b""
        for piece in column.payload:
            if len(piece):
                yield piece
