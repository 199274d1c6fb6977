"""What the tests of the log share: opening logs that are closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.wal.walcases import OpenWal

from pharos.clock import FakeClock
from pharos.wal import Files, Wal, WalOptions


@pytest.fixture
def open_wal(tmp_path: Path) -> Iterator[OpenWal]:
    opened: list[Wal] = []

    def opening(
        folder: Path | None = None,
        *,
        files: Files | None = None,
        clock: FakeClock | None = None,
        segment_bytes: int = 1_000_000,
        retry_after_s: float = 5.0,
        aside_bytes: int = 1_000_000,
        numbers_at_once: int = 4096,
    ) -> Wal:
        options = WalOptions(segment_bytes, retry_after_s, aside_bytes, numbers_at_once)
        wal = Wal.open(folder or tmp_path / "wal", clock=clock or FakeClock(), files=files, options=options)
        opened.append(wal)
        return wal

    yield opening
    for wal in opened:
        wal.close()
