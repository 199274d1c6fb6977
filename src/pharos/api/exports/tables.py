"""Tables as files, a block of rows after the other: CSV (RFC 4180) and Parquet.

Columns are made of memory: pyarrow's own constructors import pandas when it is installed.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
from msgspec import Struct
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes what begins so for a formula; it must not come from somebody's label."""


class Format(Struct, frozen=True):
    """A kind of file."""

    name: str
    media: str
    is_text: bool


CSV: Final = Format("csv", "text/csv; charset=utf-8", is_text=True)
PARQUET: Final = Format("parquet", "application/vnd.apache.parquet", is_text=False)
FORMATS: Final = {one.name: one for one in (CSV, PARQUET)}


def format_named(name: str) -> Format:
    """Return a format, CSV for no name. Raises PharosError(INVALID) for another name."""
    found = FORMATS.get(name or CSV.name)
    if found is None:
        raise PharosError(Kind.INVALID, f"format {name[:40]!r} is not one of {', '.join(FORMATS)}")
    return found


def text_column(values: Sequence[str | None], form: Format) -> pa.Array:
    """Return a column of texts, some of which may be missing."""
    guarded = [_guarded(one) for one in values] if form.is_text else values
    pieces = [b"" if one is None else one.encode("utf-8", "replace") for one in guarded]
    ends = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum([len(one) for one in pieces], out=ends[1:])
    missing = np.array([one is not None for one in values], np.bool_)
    return pa.Array.from_buffers(
        pa.large_utf8(),
        len(pieces),
        [_bits(missing), pa.py_buffer(ends.tobytes()), pa.py_buffer(b"".join(pieces))],
    )


def repeated_column(values: Sequence[str | None], rows: NDArray[np.intp], form: Format) -> pa.Array:
    """Return a column of texts in which row i has `values[rows[i]]`; each is written down once."""
    known: dict[str | None, int] = {}
    codes = np.array([known.setdefault(one, len(known)) for one in values], np.int32)
    taken = np.ascontiguousarray(codes[rows], np.int32) if len(values) else np.zeros(len(rows), np.int32)
    indices = pa.Array.from_buffers(pa.int32(), len(taken), [None, pa.py_buffer(taken.tobytes())])
    column = pa.DictionaryArray.from_arrays(indices, text_column(list(known), form))
    return column.cast(pa.large_utf8())


def number_column(values: Floats, present: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return a column of numbers; where `present` says no, there is none."""
    mask = None if present is None else _bits(present)
    memory = pa.py_buffer(np.ascontiguousarray(values, np.float64).tobytes())
    return pa.Array.from_buffers(pa.float64(), len(values), [mask, memory])


def whole_column(values: Sequence[int]) -> pa.Array:
    """Return a column of whole numbers."""
    return pa.Array.from_buffers(
        pa.int64(), len(values), [None, pa.py_buffer(np.array(values, np.int64).tobytes())]
    )


def time_column(values: Ints, unit: str) -> pa.Array:
    """Return a column of times in UTC; `unit` is that of the values, ms or ns."""
    memory = pa.py_buffer(np.ascontiguousarray(values, np.int64).tobytes())
    return pa.Array.from_buffers(pa.timestamp(unit, tz="UTC"), len(values), [None, memory])


def batch_of(columns: Sequence[tuple[str, pa.Array]]) -> pa.RecordBatch:
    """Return rows of these columns."""
    return pa.RecordBatch.from_arrays([column for _, column in columns], names=[name for name, _ in columns])


class Writer(Protocol):
    """Writes a file of blocks that have the same columns; on threads, one call at a time."""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        """Return what these rows add to the file."""
        ...

    def end(self) -> bytes:
        """Return what ends the file."""
        ...


def open_writer(form: Format, schema: pa.Schema) -> Writer:
    """Return what writes a file of a format."""
    return _Csv(schema) if form is CSV else _Parquet(schema)


class _Csv:
    def __init__(self, schema: pa.Schema) -> None:
        self._csv: Any = _module("pyarrow.csv")
        self._schema = schema
        self._is_begun = False

    def rows(self, batch: pa.RecordBatch) -> bytes:
        sink = pa.BufferOutputStream()
        options = self._csv.WriteOptions(include_header=not self._is_begun)
        self._is_begun = True
        with self._csv.CSVWriter(sink, self._schema, write_options=options) as writer:
            writer.write_batch(batch)
        return bytes(sink.getvalue().to_pybytes())

    def end(self) -> bytes:
        if self._is_begun:
            return b""
        return self.rows(
            pa.RecordBatch.from_arrays([pa.nulls(0, one.type) for one in self._schema], schema=self._schema)
        )


class _Parquet:
    def __init__(self, schema: pa.Schema) -> None:
        parquet: Any = _module("pyarrow.parquet")
        self._sink = _Sink()
        self._writer = parquet.ParquetWriter(self._sink, schema, compression="zstd")

    def rows(self, batch: pa.RecordBatch) -> bytes:
        self._writer.write_batch(batch)
        return self._sink.take()

    def end(self) -> bytes:
        self._writer.close()
        return self._sink.take()


class _Sink(io.RawIOBase):
    """A file that is only written, and of which what was written is taken away."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        """Return that it can be written."""
        return True

    def write(self, piece: Any) -> int:
        """Take bytes."""
        taken = bytes(piece)
        self._pieces.append(taken)
        self._at += len(taken)
        return len(taken)

    def tell(self) -> int:
        """Return how much was written."""
        return self._at

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


def _guarded(text: str | None) -> str | None:
    return f"'{text}" if text is not None and text.startswith(_FORMULA) else text


def _bits(present: NDArray[np.bool_]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(present, bitorder="little").tobytes())


def _module(name: str) -> Any:
    # Some 20 MB and a tenth of a second, for what few servers are asked.
    return importlib.import_module(name)  # noqa: TID251 - loaded when it is needed
