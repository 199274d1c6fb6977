"""Columns in the engine's answers: numbers as numpy arrays, texts as lists.

pyarrow's own `to_numpy` and `pyarrow.array` import pandas when it is installed, and chDB has it installed:
half a second in the first query and 50 MB for good.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_NAMES: Final = {"double": "float64", "float": "float32"}


def numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return a column of numbers or times, none of them null; times as integers in the column's unit.

    A view of the answer's memory, which it keeps alive; a copy when the column has several chunks.
    """
    if isinstance(column, pa.ChunkedArray):
        chunks = [numbers(chunk) for chunk in column.chunks]
        return chunks[0] if len(chunks) == 1 else np.concatenate(chunks or [np.empty(0, _dtype(column.type))])
    kind = _dtype(column.type)
    memory = column.buffers()[1]
    if memory is None or not len(column):
        return np.empty(0, kind)
    return np.frombuffer(memory, kind, len(column), column.offset * kind.itemsize)


def texts(column: pa.Array | pa.ChunkedArray) -> list[str]:
    """Return a column of texts, none of them null, also where it holds each once and numbers of them."""
    if isinstance(column, pa.ChunkedArray):
        return [text for chunk in column.chunks for text in texts(chunk)]
    if not pa.types.is_dictionary(column.type):
        found: list[str] = column.to_pylist()
        return found
    different = column.dictionary.to_pylist()
    return [different[number] for number in numbers(column.indices).tolist()]


def mask(chosen: NDArray[np.bool_]) -> pa.Array:
    """Return `chosen` as what `Table.filter` takes."""
    bits = pa.py_buffer(np.packbits(chosen, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(chosen), [None, bits])


def frozen(column: NDArray[Any]) -> NDArray[Any]:
    """Return the column read-only, as the store's are: kernels are compiled for one kind."""
    column.flags.writeable = False
    return column


def _dtype(kind: pa.DataType) -> np.dtype[Any]:
    if pa.types.is_timestamp(kind):
        return np.dtype(np.int64)
    name = str(kind)
    return np.dtype(_NAMES.get(name, name))
