"""What every engine owes to who uses it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pharos.engine import Engine, Limits, Session, Writers, native
from pharos.engine.changes import Changes
from pharos.engine.sql import Statement, regex, string
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.values import value_columns


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


def _count(engine: Engine, tenant: str) -> int:
    statement = Statement(f"SELECT count() AS n FROM samples WHERE tenant = {string(tenant)}")
    return int(engine.run_blocking(lambda s: s.query(statement, purpose="test"))["n"][0].as_py())


def test_a_block_loaded_again_with_its_token_is_stored_once(engine: Engine) -> None:
    for _ in range(3):
        engine.load("samples", 2, _samples([1, 2], [1.0, 2.0], "once"), token="segment-1")
    assert _count(engine, "once") == 2


def test_blocks_with_other_tokens_are_both_stored(engine: Engine) -> None:
    engine.load("samples", 1, _samples([1], [1.0], "both"), token="a")
    engine.load("samples", 1, _samples([1], [1.0], "both"), token="b")
    assert _count(engine, "both") == 2


def test_a_block_over_a_thousand_days_is_stored_whole_and_once(engine: Engine) -> None:
    days = [day * 86_400_000 for day in range(1000)]
    for _ in range(2):
        engine.load("samples", 1000, _samples(days, [0.0] * 1000, "days"), token="late")
    assert _count(engine, "days") == 1000
    # A part for each day, every one of which a later deletion would link anew.
    engine.control(lambda session: session.execute("TRUNCATE TABLE samples"))
    assert _count(engine, "days") == 0


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


def test_values_come_back_bit_for_bit_before_and_after_a_merge(engine: Engine) -> None:
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


def test_a_query_that_takes_too_long_ends_with_timeout(engine: Engine) -> None:
    statement = Statement("SELECT count() AS n FROM numbers(1000000000000)")
    with pytest.raises(PharosError) as caught:
        engine.run_blocking(lambda s: s.query(statement, purpose="test", limits=Limits(time_s=0.3)))
    assert caught.value.kind is Kind.TIMEOUT


def test_a_result_beyond_its_limit_is_refused_not_cut(engine: Engine) -> None:
    statement = Statement("SELECT number FROM numbers(100000)")
    with pytest.raises(PharosError) as caught:
        engine.run_blocking(lambda s: s.query(statement, purpose="test", limits=Limits(result_rows=10)))
    assert caught.value.kind is Kind.LIMITED


def test_query_connections_cannot_write(engine: Engine) -> None:
    with pytest.raises(PharosError):
        engine.run_blocking(lambda s: s.query(Statement("TRUNCATE TABLE samples"), purpose="test"))


async def test_cancelling_a_session_ends_its_statement(engine: Engine) -> None:
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


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_as_a_literal(engine: Engine, text: str) -> None:
    statement = Statement(f"SELECT {string(text)} AS value")
    table = engine.run_blocking(lambda s: s.query(statement, purpose="test"))
    assert table["value"].to_pylist() == [text]


@pytest.mark.parametrize(("pattern", "value", "matches"), [("a.c", "a\nc", True), ("a|b", "ab", False)])
def test_patterns_are_anchored_and_dots_take_newlines(
    engine: Engine, pattern: str, value: str, matches: bool
) -> None:
    statement = Statement(f"SELECT match({string(value)}, {regex(pattern)}) AS found")
    table = engine.run_blocking(lambda s: s.query(statement, purpose="test"))
    assert table["found"].to_pylist() == [int(matches)]


def test_strings_maps_and_arrays_arrive_as_sent(engine: Engine) -> None:
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


def test_nothing_of_a_failed_answer_is_found_in_the_next(engine: Engine) -> None:
    # A statement that fails half-way has already written some of its rows.
    failing = Statement("SELECT throwIf(number = 3000000) AS n FROM numbers(5000000)")
    asked = Statement("SELECT 'own' AS value")

    def work(session: Session) -> pa.Table:
        with pytest.raises(PharosError):
            session.query(failing, purpose="test")
        return session.query(asked, purpose="test")

    assert engine.run_blocking(work).to_pydict() == {"value": ["own"]}


def test_a_stream_hands_over_all_rows_some_at_a_time(engine: Engine) -> None:
    statement = Statement("SELECT number AS n FROM numbers(1000000)")
    parts: list[pa.RecordBatch] = []
    engine.run_blocking(lambda session: session.stream(statement, parts.append, purpose="test"))
    assert sorted(n for part in parts for n in part["n"].to_pylist()) == list(range(1_000_000))


def test_a_stream_without_rows_hands_over_none(engine: Engine) -> None:
    statement = Statement("SELECT number AS n FROM numbers(10) WHERE number > 10")
    parts: list[pa.RecordBatch] = []
    engine.run_blocking(lambda session: session.stream(statement, parts.append, purpose="test"))
    assert not sum(len(part) for part in parts)


@pytest.mark.parametrize(
    ("text", "limits", "kind"),
    [
        ("SELECT nosuch", Limits(), Kind.BUG),
        ("SELECT throwIf(number = 3000000) AS n FROM numbers(5000000)", Limits(), Kind.BUG),
        ("SELECT number AS n FROM numbers(5000000)", Limits(result_rows=2_000_000), Kind.LIMITED),
        ("SELECT max(number) AS n FROM numbers(1000000000000)", Limits(time_s=0.3), Kind.TIMEOUT),
    ],
)
def test_a_stream_that_fails_says_why_and_leaves_nothing(
    engine: Engine, text: str, limits: Limits, kind: Kind
) -> None:
    def work(session: Session) -> pa.Table:
        with pytest.raises(PharosError) as caught:
            session.stream(Statement(text), lambda _: None, purpose="test", limits=limits)
        assert caught.value.kind is kind
        return session.query(Statement("SELECT 'own' AS value"), purpose="test")

    assert engine.run_blocking(work).to_pydict() == {"value": ["own"]}


def test_a_stream_ends_when_its_rows_are_refused(engine: Engine) -> None:
    def refuse(_: pa.RecordBatch) -> None:
        raise ValueError("not wanted")

    def work(session: Session) -> pa.Table:
        with pytest.raises(ValueError, match="not wanted"):
            session.stream(Statement("SELECT number FROM numbers(3000000)"), refuse, purpose="test")
        return session.query(Statement("SELECT 'own' AS value"), purpose="test")

    before = _running(engine)
    assert engine.run_blocking(work).to_pydict() == {"value": ["own"]}
    assert _running(engine) == before


def test_a_cancelled_stream_ends(engine: Engine) -> None:
    session = engine.session()
    statement = Statement("SELECT number FROM numbers(1000000)")
    with pytest.raises(PharosError) as caught:
        session.stream(statement, lambda _: session.cancel(), purpose="test")
    assert caught.value.kind is Kind.CANCELLED


def test_what_control_changes_is_seen_by_the_next_question(engine: Engine) -> None:
    engine.load("samples", 2, _samples([1, 2], [1.0, 2.0], "gone"), token="gone")
    assert _count(engine, "gone") == 2
    text = "DELETE FROM samples WHERE tenant = 'gone' SETTINGS lightweight_deletes_sync=2"
    engine.control(lambda session: session.execute(text))
    assert _count(engine, "gone") == 0


def test_what_control_is_refused_is_raised(engine: Engine) -> None:
    with pytest.raises(PharosError) as caught:
        engine.control(lambda session: session.execute("DROP TABLE nowhere"))
    assert caught.value.kind in {Kind.UNAVAILABLE, Kind.BUG}


def test_a_query_is_cancelled_while_the_store_is_being_changed(engine: Engine) -> None:
    endless = Statement("SELECT count() AS n FROM numbers(100000000000)")
    changing, end = threading.Event(), threading.Event()

    def change(_session: Any) -> None:
        changing.set()
        assert end.wait(120)

    with ThreadPoolExecutor(2) as threads:
        control = threads.submit(engine.control, change)
        assert changing.wait(60)
        session = engine.session()
        asked = threads.submit(session.query, endless, purpose="test", limits=Limits(time_s=600))
        while _running(engine) == 0:
            threading.Event().wait(0.01)
        session.cancel()
        with pytest.raises(PharosError) as caught:
            asked.result(60)
        assert not control.done()
        end.set()
        control.result(60)
    assert caught.value.kind is Kind.CANCELLED


def _running(engine: Engine) -> int:
    statement = Statement(
        "SELECT count() AS n FROM system.processes WHERE query LIKE '%numbers(100000000000)%'"
        " AND query NOT LIKE '%system.processes%'"
    )
    return int(engine.run_blocking(lambda s: s.query(statement, purpose="test"))["n"][0].as_py())


def test_the_status_tells_what_the_store_holds(engine: Engine) -> None:
    engine.load("samples", 1, _samples([1], [1.0], "status"), token="status")
    found = engine.status()
    assert found.is_tested, f"the code knows the files of another version than {found.version}"
    assert found.name
    assert min(found.rows, found.bytes, found.parts) > 0


def test_what_may_be_remembered_is_decided_by_who_writes(engine: Engine) -> None:
    changes = Changes(engine.writers)
    is_remembered = changes.stamp("t") == changes.stamp("t")
    assert is_remembered is (engine.writers is Writers.THIS_PROCESS)
