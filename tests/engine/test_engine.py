"""What only an engine in this process owes: its crashes, its files, its memory."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.engine.sql import Statement
from pharos.errors import PharosError
from pharos.ingest.metrics.values import value_columns


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    # chDB allows one store per process: the whole test session shares this folder's engine.
    with open_engine(tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@settings(max_examples=200)
@given(st.lists(st.integers(0, 2**64 - 1) | st.floats().map(lambda x: int(np.float64(x).view(np.uint64)))))
def test_a_value_is_kept_as_a_whole_number_or_as_the_rest(bits: list[int]) -> None:
    values = np.array(bits, np.uint64).view(np.float64)
    whole, rest = (b"".join(bytes(piece) for piece in c.payload) for c in value_columns(values))
    numbers, others = np.frombuffer(whole, np.int64), np.frombuffer(rest, np.float64)
    assert not np.any((numbers != 0) & (others.view(np.uint64) != 0))
    assert np.where(numbers == 0, others, numbers.astype(np.float64)).view(np.uint64).tolist() == bits
    with np.errstate(invalid="ignore"):  # a signalling NaN is compared
        exact = (np.abs(values) <= 2**53) & (values == np.trunc(values)) & (values != 0)
    assert np.array_equal(numbers != 0, exact)


@pytest.mark.parametrize(
    "source",
    [
        "file('/etc/passwd', 'LineAsString')",
        "url('http://127.0.0.1:9/', 'LineAsString')",
        "remote('127.0.0.1:9', system.one)",
        "s3('http://127.0.0.1:9/bucket/x', 'LineAsString')",
    ],
)
def test_no_statement_reaches_files_or_the_network(engine: EmbeddedEngine, source: str) -> None:
    for run in (engine.run_blocking, engine.control):
        with pytest.raises(PharosError, match="Not enough privileges"):
            run(lambda s: s.query(Statement(f"SELECT * FROM {source}"), purpose="test"))


def test_nothing_is_planned_by_statistics_of_columns(engine: EmbeddedEngine) -> None:
    asked = Statement("SELECT toUInt8(getSetting('use_statistics')) AS is_used")
    for run in (engine.run_blocking, engine.control):
        assert run(lambda s: s.query(asked, purpose="test"))["is_used"].to_pylist() == [0]


_CRASH = """
import os, signal, sys
from pathlib import Path
from pharos.engine.embedded.store import open_engine
with open_engine(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGSEGV)
"""


def test_a_crash_ends_the_process_at_once(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", _CRASH, str(tmp_path)], timeout=60, check=False)
    assert ended.returncode == -11


_NEWER = """
import sys
from pathlib import Path
from pharos.engine.embedded.store import open_engine
with open_engine(Path(sys.argv[1])) as engine:
    engine.control(lambda s: s.execute("INSERT INTO schema_migrations VALUES (9999, 'later')"))
try:
    with open_engine(Path(sys.argv[1])):
        print("opened")
except Exception as exc:
    print(exc)
"""


def test_a_store_of_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", _NEWER, str(tmp_path)], timeout=60, check=True, capture_output=True, text=True
    )
    assert "schema 9999" in ended.stdout


def test_an_answer_keeps_its_memory_while_others_come_and_go(engine: EmbeddedEngine) -> None:
    # Arrow tables point into the engine's own memory, which must stay theirs as long as they are held.
    def first_numbers(first: int) -> pa.ChunkedArray:
        statement = Statement(f"SELECT number + {first} AS n FROM numbers(2000000)")
        return engine.run_blocking(lambda session: session.query(statement, purpose="test"))["n"]

    kept = [(first, first_numbers(first)) for first in range(0, 12_000_000, 1_000_000)]
    for first, column in kept:
        assert [column[0].as_py(), column[1_999_999].as_py()] == [first, first + 1_999_999]


@pytest.mark.parametrize(
    "option",
    [
        "opt.dirty_decay_ms: 100 ",
        "opt.narenas: 2",
        "opt.tcache_max: 4096",
        "opt.tcache_nslots_small_max: 32",
        "opt.percpu_arena:",
    ],
)
def test_its_allocator_gives_pages_back_at_once_and_keeps_few_heaps(
    engine: EmbeddedEngine, option: str
) -> None:
    told = Statement("SELECT * FROM system.jemalloc_stats")
    text = engine.run_blocking(lambda session: session.query(told, purpose="test")).columns[0][0].as_py()
    assert option in (text.decode() if isinstance(text, bytes) else text)
    assert "JE_MALLOC_CONF" not in os.environ
