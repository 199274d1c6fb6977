"""A token counts only with the part that it stands for: what a crash cut short can be stored again."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pharos.engine import native
from pharos.engine.embedded.deduplication import forget_unstored
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.engine.sql import Statement
from pharos.errors import PharosError
from pharos.ingest.metrics.values import value_columns


def _load(engine: EmbeddedEngine, token: str, ts_ms: Sequence[int]) -> None:
    rows = len(ts_ms)
    ts = np.array(ts_ms, np.int64)
    columns = [
        native.repeated_string("tenant", [("t", rows)]),
        native.numbers("b", (ts // 7_200_000).astype(np.int32)),
        native.numbers("m", np.ones(rows, np.uint64)),
        native.numbers("id", np.ones(rows, np.uint64)),
        native.numbers("ts", ts, "DateTime64(3, 'UTC')"),
        *value_columns(np.ones(rows)),
    ]
    engine.load("samples", rows, columns, token=token)


def _times(engine: EmbeddedEngine) -> list[int]:
    statement = Statement("SELECT toInt64(toUnixTimestamp64Milli(ts)) AS ts FROM samples ORDER BY ts")
    rows = engine.run_blocking(lambda session: session.query(statement, purpose="test"))
    return [int(row["ts"]) for row in rows.to_pylist()]


def _log(folder: Path) -> Path:
    """Return the one deduplication log that has records: that of the samples."""
    (found,) = (
        path for path in (folder / "store").glob("store/*/*/deduplication_logs/*.txt") if path.stat().st_size
    )
    return found


def _killed_before_the_rename(folder: Path, part: str) -> None:
    """Leave what a kill between the token's record and the rename of the new part leaves."""
    table = _log(folder).parent.parent
    shutil.move(table / part, table / "tmp_insert_19700101_9_9_0")


def test_what_a_kill_cut_short_is_stored_when_repeated(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, "first", [1])
        _load(engine, "second", [2])
    _killed_before_the_rename(tmp_path, "19700101_2_2_0")
    with open_engine(tmp_path) as engine:
        assert _times(engine) == [1]
        for token, ts_ms in (("first", 1), ("second", 2), ("second", 2)):
            _load(engine, token, [ts_ms])
        assert _times(engine) == [1, 2]


def test_of_an_insertion_into_two_days_only_what_is_missing_is_stored(tmp_path: Path) -> None:
    day = 86_400_000
    with open_engine(tmp_path) as engine:
        _load(engine, "both", [1, day])
    (part,) = (path.name for path in _log(tmp_path).parent.parent.glob("19700102_*"))
    _killed_before_the_rename(tmp_path, part)
    with open_engine(tmp_path) as engine:
        _load(engine, "both", [1, day])
        assert _times(engine) == [1, day]


def test_an_insertion_that_failed_late_is_stored_when_repeated(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, "first", [1])
        in_the_way = _log(tmp_path).parent.parent / "19700101_2_2_0"
        in_the_way.touch()
        with pytest.raises(PharosError, match="Not a directory"):
            _load(engine, "second", [2])
        in_the_way.unlink()
        for _ in range(2):
            _load(engine, "second", [2])
        assert _times(engine) == [1, 2]
    with open_engine(tmp_path) as engine:
        assert _times(engine) == [1, 2]


def test_parts_that_were_merged_keep_their_tokens(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        for number in range(3):
            _load(engine, f"token-{number}", [number])
        engine.control(lambda session: session.execute("OPTIMIZE TABLE samples FINAL"))
    table = _log(tmp_path).parent.parent
    for part in table.glob("19700101_*_0"):
        shutil.rmtree(part)  # as the engine does some minutes after a merge
    before = _log(tmp_path).read_bytes()
    with open_engine(tmp_path) as engine:
        assert _log(tmp_path).read_bytes() == before
        for number in range(3):
            _load(engine, f"token-{number}", [number])
        assert _times(engine) == [0, 1, 2]


@pytest.mark.parametrize("torn", [b"1", b"1\t19700101_2_2_0", b"1\t19700101_2_2_0\t19700101_1_2"])
def test_a_record_cut_short_is_cut_off(tmp_path: Path, torn: bytes) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, "first", [1])
    whole = _log(tmp_path).read_bytes()
    _log(tmp_path).write_bytes(whole + torn)
    assert forget_unstored(tmp_path / "store") == 0
    assert _log(tmp_path).read_bytes() == whole


def test_a_token_is_taken_back_once(tmp_path: Path) -> None:
    with open_engine(tmp_path) as engine:
        _load(engine, "only", [1])
    _killed_before_the_rename(tmp_path, "19700101_1_1_0")
    assert [forget_unstored(tmp_path / "store") for _ in range(2)] == [1, 0]


def test_a_store_that_is_not_there_yet_has_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_unstored(tmp_path / "store") == 0
