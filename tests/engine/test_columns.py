"""Columns of numbers, taken out of Arrow."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import DTypeLike

from pharos.engine.columns import mask, numbers


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.uint64(), np.uint64),
        (pa.int8(), np.int8),
        (pa.uint32(), np.uint32),
        (pa.float64(), np.float64),
        (pa.float32(), np.float32),
        (pa.timestamp("ms", "UTC"), np.int64),
    ],
)
def test_numbers_keep_their_type_and_times_are_integers(kind: pa.DataType, expected: DTypeLike) -> None:
    found = numbers(pa.array([1, 2, 3], kind))
    assert found.dtype == expected
    assert found.tolist() == [1, 2, 3]


def test_a_slice_gives_its_own_numbers() -> None:
    assert numbers(pa.array([1, 2, 3, 4], pa.int64()).slice(1, 2)).tolist() == [2, 3]


def test_chunks_become_one_array() -> None:
    chunked = pa.chunked_array([[1.5], [], [2.5, 3.5]], pa.float64())
    assert numbers(chunked).tolist() == [1.5, 2.5, 3.5]
    assert numbers(pa.chunked_array([], pa.uint64())).dtype == np.uint64


def test_one_chunk_is_not_copied() -> None:
    array = pa.array([1, 2], pa.int64())
    found = numbers(pa.chunked_array([array]))
    assert found.ctypes.data == array.buffers()[1].address


def test_a_mask_keeps_the_chosen_rows() -> None:
    chosen = np.array([True, False, True, True, False, False, False, False, True])
    table = pa.table({"a": pa.array(range(9), pa.int64())})
    assert numbers(table.filter(mask(chosen))["a"]).tolist() == [0, 2, 3, 8]


_ASK = """
import asyncio, sys, tempfile
from random import Random
from pathlib import Path
from pharos.access import DEFAULT
from pharos.clock import SystemClock
from pharos.engine.changes import Changes
from pharos.engine.columns import numbers
from pharos.engine.embedded.store import open_engine
from pharos.engine.sql import Statement
from pharos.config import Settings
from pharos.queries import open_queries
from pharos.query.limits import Times
from pharos.query.metrics.query import parse_query
with tempfile.TemporaryDirectory() as folder, open_engine(Path(folder)) as engine:
    table = engine.run_blocking(
        lambda session: session.query(Statement("SELECT number AS n FROM numbers(3)"), purpose="t")
    )
    assert numbers(table["n"]).tolist() == [0, 1, 2]
    times, query = Times(0, 60_000, 15_000), parse_query("sum(rate(up[1m])) or up")
    with open_queries(engine, Changes(), SystemClock(), Random(1), Settings()) as queries:
        asyncio.run(queries.metrics.evaluate(DEFAULT, query, times, lambda _: None))
print(sorted(name for name in ("pandas", "chdb.session", "chdb.dbapi") if name in sys.modules))
"""


def test_queries_import_neither_pandas_nor_the_rest_of_the_engines_package() -> None:
    done = subprocess.run([sys.executable, "-c", _ASK], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
