"""The part of a server that keeps samples, opened on folders in a bad state."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from pharos.clock import SystemClock
from pharos.config import Settings
from pharos.engine.embedded.configuration import EmbeddedOptions
from pharos.engine.embedded.store import open_engine
from pharos.errors import Kind, PharosError
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
