"""The contract of the engine's door, on the embedded store."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pharos.engine import Limits, Session, native
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.engine.sql import Statement, regex, string
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.values import value_columns


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    # chDB allows one store per process: the whole test session shares this folder's engine.
    with open_engine(tmp_path_factory.mktemp("engine")) as opened:
        yield opened


def _samples(
    ts: list[int], values: list[float] | NDArray[np.float64], tenant: str = "t"
) -> list[native.Column]:
    n = len(ts)
    return [
        native.repeated_string("tenant", [(tenant, n)]),
        native.numbers("b", np.array([t // 7_200_000 for t in ts], np.int32)),
        native.numbers("m", np.ones(n, np.uint64)),
        native.numbers("id", np.ones(n, np.uint64)),
        native.numbers("ts", np.array(ts, np.int64), "DateTime64(3, 'UTC')"),
        *value_columns(np.asarray(values, np.float64)),
    ]


def _count(engine: EmbeddedEngine, tenant: str) -> int:
    statement = Statement(f"SELECT count() AS n FROM samples WHERE tenant = {string(tenant)}")
    return int(engine.run_blocking(lambda s: s.query(statement, purpose="test"))["n"][0].as_py())


def test_a_block_loaded_again_with_its_token_is_stored_once(engine: EmbeddedEngine) -> None:
    for _ in range(3):
        engine.load("samples", 2, _samples([1, 2], [1.0, 2.0], "once"), token="segment-1")
    assert _count(engine, "once") == 2


def test_blocks_with_other_tokens_are_both_stored(engine: EmbeddedEngine) -> None:
    engine.load("samples", 1, _samples([1], [1.0], "both"), token="a")
    engine.load("samples", 1, _samples([1], [1.0], "both"), token="b")
    assert _count(engine, "both") == 2


def test_a_block_over_a_thousand_days_is_stored_whole_and_once(engine: EmbeddedEngine) -> None:
    days = [day * 86_400_000 for day in range(1000)]
    for _ in range(2):
        engine.load("samples", 1000, _samples(days, [0.0] * 1000, "days"), token="late")
    assert _count(engine, "days") == 1000


_SPECIAL_BITS: Final = (
    0x7FF0000000000002,  # the stale marker, a signalling NaN
    0x7FF8000000000001,
    0xFFF8000000000000,
    0xFFFFFFFFFFFFFFFF,
    0x7FF0000000000000,
    0xFFF0000000000000,
    0x8000000000000000,
    0x0000000000000000,
    0x0000000000000001,
    0x800FFFFFFFFFFFFF,
    0x0010000000000000,
    0x7FEFFFFFFFFFFFFF,
)
_EDGES: Final = (2.0**53 - 1, 2.0**53, 2.0**53 + 2, 2.0**63, -(2.0**63), 1e300, 0.5, -0.1, 1 / 3, 1e-300)


def _columns_of_numbers() -> Iterator[NDArray[np.float64]]:
    """Yield values of each kind that the codecs of `samples` tell apart, several blocks of each."""
    rng = np.random.default_rng(20)
    size = 20_000
    kinds = [
        np.cumsum(rng.integers(0, 2_000, size)).astype(np.float64),
        -np.cumsum(rng.integers(0, 1 << 40, size)).astype(np.float64),
        np.round(50 + np.cumsum(rng.normal(0, 0.3, size)), 2),
        np.cumsum(rng.integers(0, 1500, size)) / 1000.0,
        50 + 20 * np.sin(np.arange(size) / 300) + rng.random(size),
        rng.integers(0, 1 << 64, size, np.uint64).view(np.float64),
        np.full(size, 1.0),
        np.full(size, 0.0),
    ]
    special = np.concatenate([np.array(_SPECIAL_BITS, np.uint64).view(np.float64), np.array(_EDGES)])
    for values in kinds:
        yield values
        some = values.copy()
        places = rng.choice(size, 500, replace=False)
        some[places] = rng.choice(special, 500)
        yield some
    yield np.concatenate(kinds)[rng.permutation(size * len(kinds))][: 2 * size]
    yield special


def test_values_come_back_bit_for_bit_before_and_after_a_merge(engine: EmbeddedEngine) -> None:
    values = np.concatenate(list(_columns_of_numbers()))
    ts = np.arange(len(values), dtype=np.int64) * 100 + 1_700_006_400_000
    part = len(ts) // 3 + 1
    for low in range(0, len(ts), part):
        rows = slice(low, low + part)
        block = _samples(ts[rows].tolist(), values[rows], "bits")
        engine.load("samples", len(ts[rows]), block, token=f"bits-{low}")
    statement = Statement("SELECT v FROM samples WHERE tenant = 'bits' ORDER BY ts")
    for _ in range(2):
        table = engine.run_blocking(lambda s: s.query(statement, purpose="test"))
        assert np.array_equal(table["v"].to_numpy().view(np.uint64), values.view(np.uint64))
        engine.control(lambda s: s.execute("OPTIMIZE TABLE samples PARTITION '2023-11-15' FINAL"))


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


def test_a_query_that_takes_too_long_ends_with_timeout(engine: EmbeddedEngine) -> None:
    statement = Statement("SELECT count() AS n FROM numbers(1000000000000)")
    with pytest.raises(PharosError) as caught:
        engine.run_blocking(lambda s: s.query(statement, purpose="test", limits=Limits(time_s=0.3)))
    assert caught.value.kind is Kind.TIMEOUT


def test_a_result_beyond_its_limit_is_refused_not_cut(engine: EmbeddedEngine) -> None:
    statement = Statement("SELECT number FROM numbers(100000)")
    with pytest.raises(PharosError) as caught:
        engine.run_blocking(lambda s: s.query(statement, purpose="test", limits=Limits(result_rows=10)))
    assert caught.value.kind is Kind.LIMITED


def test_query_connections_cannot_write(engine: EmbeddedEngine) -> None:
    with pytest.raises(PharosError):
        engine.run_blocking(lambda s: s.query(Statement("TRUNCATE TABLE samples"), purpose="test"))


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


async def test_cancelling_a_session_ends_its_statement(engine: EmbeddedEngine) -> None:
    statement = Statement("SELECT count() AS n FROM numbers(100000000000)")
    running = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(session: object) -> object:
        loop.call_soon_threadsafe(running.set)
        return session.query(statement, purpose="test", limits=Limits(time_s=600))  # type: ignore[attr-defined]

    sessions = [engine.session() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        running_ones = [threads.submit(work, session) for session in sessions]
        await running.wait()
        for session in sessions:
            session.cancel()
        # All four connections were lent: an answer means that the statements ended long before their limit.
        asked = partial(engine.run_blocking, lambda s: s.query(Statement("SELECT 1 AS x"), purpose="test"))
        answer = await asyncio.wait_for(asyncio.to_thread(asked), timeout=60)
        assert answer["x"].to_pylist() == [1]
        for one in running_ones:
            with pytest.raises(PharosError, match="cancelled"):
                one.result(60)
    with pytest.raises(PharosError, match="cancelled"):
        sessions[0].query(Statement("SELECT 1 AS x"), purpose="test")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_as_a_literal(engine: EmbeddedEngine, text: str) -> None:
    statement = Statement(f"SELECT {string(text)} AS value")
    table = engine.run_blocking(lambda s: s.query(statement, purpose="test"))
    assert table["value"].to_pylist() == [text]


@pytest.mark.parametrize(("pattern", "value", "matches"), [("a.c", "a\nc", True), ("a|b", "ab", False)])
def test_patterns_are_anchored_and_dots_take_newlines(
    engine: EmbeddedEngine, pattern: str, value: str, matches: bool
) -> None:
    statement = Statement(f"SELECT match({string(value)}, {regex(pattern)}) AS found")
    table = engine.run_blocking(lambda s: s.query(statement, purpose="test"))
    assert table["found"].to_pylist() == [int(matches)]


def test_strings_maps_and_arrays_arrive_as_sent(engine: EmbeddedEngine) -> None:
    engine.load(
        "series",
        2,
        [
            native.string_values("tenant", ["shapes", "shapes"]),
            native.string_values("metric", ["a", "ü" * 100]),
            native.numbers("m", np.array([1, 2], np.uint64)),
            native.numbers("id", np.array([1, 2], np.uint64)),
            native.numbers("day", np.array([0, 20_000], np.int32), "Date32"),
            native.string_map(
                "labels",
                np.array([1, 1], np.uint64),
                native.text("job"),
                native.text("x" * 300),
            ),
        ],
        token="shapes",
    )
    statement = Statement("SELECT metric, labels FROM series WHERE tenant = 'shapes' ORDER BY id")
    table = engine.run_blocking(lambda s: s.query(statement, purpose="test"))
    assert table["metric"].to_pylist() == ["a", "ü" * 100]
    assert table["labels"].to_pylist() == [[("job", "x" * 300)], []]


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


def test_nothing_of_a_failed_answer_is_found_in_the_next(engine: EmbeddedEngine) -> None:
    # A statement that fails half-way has already written some of its rows.
    failing = Statement("SELECT throwIf(number = 3000000) AS n FROM numbers(5000000)")
    asked = Statement("SELECT 'own' AS value")

    def work(session: Session) -> pa.Table:
        with pytest.raises(PharosError):
            session.query(failing, purpose="test")
        return session.query(asked, purpose="test")

    assert engine.run_blocking(work).to_pydict() == {"value": ["own"]}
