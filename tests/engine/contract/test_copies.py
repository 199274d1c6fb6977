"""Copies of a store: what was in it at the time, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.engine.contract.conftest import Opening

from pharos.engine import Engine, native
from pharos.engine.sql import Statement
from pharos.errors import PharosError


def _load(engine: Engine, number: int) -> None:
    columns = [
        native.string_values("tenant", ["t"]),
        native.string_values("metric", ["m"]),
        native.numbers("m", np.ones(1, np.uint64)),
        native.numbers("id", np.array([number], np.uint64)),
        native.numbers("day", np.array([20_000], np.int32), "Date32"),
        native.string_map("labels", np.array([1], np.uint64), b"\x01a", b"\x01b"),
    ]
    engine.load("series", 1, columns, token=f"token-{number}")


def _ids(engine: Engine) -> list[int]:
    statement = Statement("SELECT id FROM series WHERE labels['a'] = 'b' ORDER BY id")
    ids: list[int] = engine.run_blocking(lambda s: s.query(statement, purpose="test"))["id"].to_pylist()
    return ids


def _parts(copy: Path) -> dict[str, list[str]]:
    return {table.name: [part.name for part in table.iterdir()] for table in copy.iterdir()}


def test_a_copy_is_of_its_time_and_makes_the_same_store_elsewhere(opening: Opening, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with opening(tmp_path / "one") as engine:
        for number in range(3):
            _load(engine, number)
        taken = engine.snapshot(copy)
        _load(engine, 3)
    assert taken.rows["series"] == 3
    assert taken.rows["samples"] == 0
    assert taken.schema > 0
    with opening(tmp_path / "two") as engine:
        assert engine.restore(copy, _parts(copy))["series"] == 3
        assert _ids(engine) == [0, 1, 2]
    with opening(tmp_path / "two") as engine:
        assert _ids(engine) == [0, 1, 2]


def test_a_part_whose_file_is_cut_short_is_refused(opening: Opening, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    with opening(tmp_path / "one") as engine:
        _load(engine, 0)
        engine.snapshot(copy)
    (data,) = (copy / "series").glob("*/data.bin")
    damaged = data.read_bytes()[:-1]
    data.unlink()
    data.write_bytes(damaged)
    with opening(tmp_path / "two") as engine, pytest.raises(PharosError):
        engine.restore(copy, _parts(copy))
