"""One embedded store for all tests of this folder: a process can open only one at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pharos.engine.embedded.store import EmbeddedEngine, open_engine


@pytest.fixture(scope="package")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    with open_engine(tmp_path_factory.mktemp("engine")) as opened:
        yield opened
