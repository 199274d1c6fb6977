"""Private files of the engine are read as the tested version writes them: another one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharos.engine.embedded.configuration import EmbeddedOptions
from pharos.engine.embedded.driver import TESTED_VERSION
from pharos.engine.embedded.store import open_engine


def test_the_tested_version_is_not_worth_a_word(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_engine(tmp_path) as engine:
        assert engine.version.startswith(f"{TESTED_VERSION}.")
    assert "version" not in caplog.text


def test_another_version_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with open_engine(tmp_path, EmbeddedOptions(tested_version="1.2")) as engine:
        assert f"the store's engine is version {engine.version}, tested is 1.2" in caplog.text
