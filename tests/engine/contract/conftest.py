"""The engines that the contract is tested with; a new one adds a way to open it here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from tests.engine.contract import over_http

from pharos.engine import Engine
from pharos.engine.embedded.store import open_engine

Opening: TypeAlias = Callable[[Path], AbstractContextManager[Engine]]

_OPENINGS: Final[dict[str, Opening]] = {"embedded": open_engine, "over HTTP": over_http.opened}


@pytest.fixture(scope="module", params=list(_OPENINGS))
def opening(request: pytest.FixtureRequest) -> Opening:
    """A way to open a store in a folder; of one kind there may be only one open in a process."""
    return _OPENINGS[request.param]


@pytest.fixture(scope="module")
def engine(opening: Opening, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One store that the tests of a module share; they keep apart by tenants."""
    with opening(tmp_path_factory.mktemp("engine")) as opened:
        yield opened
