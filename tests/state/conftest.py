"""People's state over each of its databases: the same tests hold for both."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from tests.postgres import Postgres, postgres_at

from pharos.clock import FakeClock
from pharos.state import Address, State, open_state

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_at() as server:
        yield server


def _migrated(address: Address) -> None:
    with open_state(address, FakeClock()):
        pass


@pytest.fixture(scope="session", params=BOTH)
def new_address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[], Address]:
    """Return what makes a database with the tables of this version, and nothing in them."""
    if request.param == "sqlite":
        made = tmp_path_factory.mktemp("migrated") / "state.db"
        _migrated(made)
        return lambda: Path(shutil.copy(made, tmp_path_factory.mktemp("state") / "state.db"))
    server: Postgres = request.getfixturevalue("postgres")
    like = server.new_database()
    _migrated(like)
    return lambda: server.new_database(like.reveal().rpartition("/")[2])


@pytest.fixture
def address(new_address: Callable[[], Address]) -> Address:
    return new_address()


@pytest.fixture(params=BOTH)
def empty_address(request: pytest.FixtureRequest, tmp_path: Path) -> Address:
    """Return where a database without any table is."""
    if request.param == "sqlite":
        return tmp_path / "state.db"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def state(address: Address, clock: FakeClock) -> Iterator[State]:
    with open_state(address, clock, Random(7)) as opened:
        yield opened
