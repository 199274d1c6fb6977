"""The part of a server that keeps samples, opened on folders in a bad state."""

from __future__ import annotations

import logging
from operator import methodcaller
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pharos.clock import SystemClock
from pharos.config import Settings
from pharos.engine.embedded.configuration import EmbeddedOptions
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.engine.sql import Statement
from pharos.errors import Kind, PharosError
from pharos.ingest.metrics.traits import HISTOGRAMS, STARTS, Traits
from pharos.store import open_store


def test_damage_of_the_log_is_told_once_and_readably(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "log").mkdir()
    (tmp_path / "log" / f"{1:019d}.wal").write_bytes(b"no segment at all" * 100)
    caplog.set_level(logging.WARNING)
    with open_store(Settings(data=tmp_path), SystemClock()) as store:
        assert len(store.wal.recovery.damaged) == 1
    said = [record.getMessage() for record in caplog.records if "damage" in record.getMessage()]
    assert len(said) == 1
    assert f"{1:019d}.wal: 1700 bytes at 0 are no intact frame" in said[0]
    assert "Path(" not in said[0]


def test_a_store_without_memory_says_so_in_one_line(tmp_path: Path) -> None:
    with (
        pytest.raises(PharosError, match=r"cannot open the store in .*memory") as raised,
        open_engine(tmp_path, EmbeddedOptions(memory_bytes=1)),
    ):
        pass
    assert raised.value.kind is Kind.UNAVAILABLE
    assert "\n" not in str(raised.value)
    assert "engine.memory" in raised.value.hint


def test_a_store_of_an_older_version_tells_which_metrics_have_histograms_and_start_times(
    tmp_path: Path,
) -> None:
    row = "tenant, b, m, id, ts, start_ms"
    (tmp_path / "engine").mkdir()
    with open_engine(tmp_path / "engine", last_migration=1) as engine:
        for table, metric in (("starts", 7), ("starts", 8), ("histograms", 9)):
            text = f"INSERT INTO {table} ({row}) VALUES ('one', 0, {metric}, 1, 0, 0)"
            engine.control(methodcaller("execute", text))
    for _ in range(2):
        with open_store(Settings(data=tmp_path), SystemClock()) as store:
            assert [store.changes.has_starts("one", [metric]) for metric in (7, 8, 9)] == [True, True, False]
            assert [store.changes.has_histograms("one", [metric]) for metric in (7, 9)] == [False, True]
            assert not store.changes.has_starts("two", [7])


def test_spans_of_an_older_version_are_the_same_after_their_attributes_moved(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    insert = (
        "INSERT INTO spans (tenant, ts, span_id, attributes)"
        " SELECT 'one', fromUnixTimestamp64Nano({begin}, 'UTC'), toString(number),"
        " mapFromArrays(range(12)::Array(String), arrayMap(x -> toString(x * number), range(12)))"
        " FROM numbers(500)"
    )
    asked = Statement(
        "SELECT span_id, toString(attributes) AS whole, attributes['7'] AS seven"
        " FROM spans ORDER BY ts, span_id"
    )

    def rows(engine: EmbeddedEngine) -> list[dict[str, Any]]:
        found = engine.control(lambda session: session.query(asked, purpose="test"))
        return list(found.to_pylist())

    with open_engine(tmp_path / "engine", last_migration=7) as engine:
        engine.control(methodcaller("execute", insert.format(begin=0)))
        before = rows(engine)
    places = Statement(
        "SELECT extract(create_table_query, 'max_buckets_in_map = ([0-9]+)') AS places"
        " FROM system.tables WHERE database = currentDatabase() AND name = 'spans'"
    )
    with open_engine(tmp_path / "engine") as engine:
        found = engine.control(lambda session: session.query(places, purpose="test"))
        assert found["places"].to_pylist() == ["4"]
        assert rows(engine) == before
        engine.control(methodcaller("execute", insert.format(begin=1)))
        both = rows(engine)
        assert len(both) == 1_000
        assert both[:500] == before
        engine.control(methodcaller("execute", "OPTIMIZE TABLE spans FINAL"))
        assert rows(engine) == both


class _Loads:
    """What was loaded, by table."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int]] = []

    def load(self, table: str, rows: int, columns: object, *, token: str) -> None:
        del columns, token
        self.rows.append((table, rows))


def test_traits_are_written_once() -> None:
    traits, loads = Traits(), _Loads()
    metrics = np.array([1, 2, 1], np.uint64)
    for found in ([("t", STARTS, metrics)], [("t", STARTS, metrics)], [("t", HISTOGRAMS, metrics[:1])], []):
        traits.write(loads, found, "token")  # type: ignore[arg-type]
    assert loads.rows == [("metric_traits", 2), ("metric_traits", 1)]
