"""The door: units of work, changes that are told, several processes, and a database of another version."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path
from random import Random

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from tests.state.test_account_tables import OPERATOR, new_user, read, write

from pharos.clock import FakeClock, SystemClock
from pharos.errors import Kind, PharosError
from pharos.secret import Secret
from pharos.state import (
    Address,
    Family,
    State,
    accounts,
    audit,
    copies,
    migrate,
    open_state,
    tables,
    tenants,
)
from pharos.state.accounts import NewUser
from pharos.state.database import NEWEST, open_database
from pharos.telemetry import REGISTRY


async def test_what_was_written_is_read_and_outlives_the_process(address: Address, clock: FakeClock) -> None:
    with open_state(address, clock) as state:
        made = await state.write(lambda unit: accounts.create_user(unit, NewUser("Ada")), OPERATOR)
        assert await state.read(lambda unit: accounts.user(unit, made.id)) == made
    with open_state(address, clock) as state:
        assert await state.read(lambda unit: accounts.user(unit, made.id)) == made


def test_a_unit_reads_one_state_of_everything(state: State) -> None:
    begun, written = threading.Event(), threading.Event()

    def slow(unit: object) -> tuple[int, int]:
        before = accounts.count_users(unit)  # type: ignore[arg-type]
        begun.set()
        assert written.wait(30)
        return before, accounts.count_users(unit)  # type: ignore[arg-type]

    found: list[tuple[int, int]] = []
    reader = threading.Thread(target=lambda: found.append(read(state, slow)))
    reader.start()
    assert begun.wait(30)
    new_user(state)
    written.set()
    reader.join()
    assert found == [(0, 0)]
    assert read(state, accounts.count_users) == 1


async def test_many_at_once_are_each_done_once(address: Address) -> None:
    async def add(state: State, name: str) -> None:
        await state.write(lambda unit: accounts.create_user(unit, NewUser(name)), OPERATOR)

    clock = SystemClock()
    with open_state(address, clock) as one, open_state(address, clock) as other:
        tries = [add(state, f"user {n // 2}") for n in range(40) for state in (one, other)]
        refused = [
            found for found in await asyncio.gather(*tries, return_exceptions=True) if found is not None
        ]
        assert [type(found) for found in refused] == [PharosError] * 60
        assert await one.read(accounts.count_users) == 20
        entries = await one.read(lambda unit: audit.read_on(unit, audit.Search()))
        last = list(audit.require_chain(entries))[-1]
        audit.require_head((last.number, last.hash), await one.read(audit.head))
        assert last.number == 20


def test_who_watches_is_told_before_whoever_asked_is_answered(state: State) -> None:
    told: list[frozenset[Family]] = []
    end = state.watch(told.append)

    def fails(_: object) -> None:
        raise ValueError

    state.watch(fails)
    ada = new_user(state)
    assert told == [{Family.USERS}]
    write(state, lambda unit: accounts.delete_user(unit, ada.id))
    assert told[1:] == [{Family.USERS, Family.TOKENS, Family.SESSIONS, Family.ROLES}]
    with pytest.raises(PharosError):
        write(state, lambda unit: accounts.delete_user(unit, ada.id))
    end()
    new_user(state)
    assert len(told) == 2


def _hear(heard: threading.Event, families: frozenset[Family]) -> None:
    if Family.USERS in families:
        heard.set()


def test_other_processes_hear_of_changes_within_a_second(address: Address) -> None:
    if isinstance(address, Path):
        pytest.skip("a file has one process")
    clock = SystemClock()
    with open_state(address, clock) as one, open_state(address, clock) as other:
        for n in range(5):
            heard = threading.Event()
            end = other.watch(partial(_hear, heard))
            new_user(one, f"user {n}")
            assert heard.wait(1)
            end()
        assert read(other, accounts.count_users) == 5


def test_a_file_is_its_owners_alone(tmp_path: Path, clock: FakeClock) -> None:
    with open_state(tmp_path / "state.db", clock) as state:
        new_user(state)
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600, "state.db-shm": 0o600}


def test_a_file_is_synced_before_anybody_is_answered(tmp_path: Path) -> None:
    database = open_database(tmp_path / "state.db")
    with database.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("synchronous", "journal_mode", "foreign_keys")
        }
    database.close()
    assert found == {"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}


# -- versions --


# Of SQLite, indexes over an expression cannot be read back.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_migrations_make_what_the_tables_are_declared_as(empty_address: Address, clock: FakeClock) -> None:
    assert migrate.shipped()[-1] == NEWEST
    # Each module registers its tables when it is loaded: those of all families.
    assert len(copies.FAMILIES) < len(tables.METADATA.tables)
    with open_state(empty_address, clock):
        database = open_database(empty_address)
        with database.reading() as connection:
            assert compare_metadata(MigrationContext.configure(connection), tables.METADATA) == []
        database.close()


def test_a_newer_versions_tables_are_left_alone(address: Address, clock: FakeClock) -> None:
    database = open_database(address)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with (
        pytest.raises(PharosError, match="written by a newer Pharos: it is at migration 9999") as found,
        open_state(address, clock),
    ):
        pass
    assert found.value.kind is Kind.UNSUPPORTED
    with database.reading() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "9999"
    database.close()


def test_several_begin_on_an_empty_database_at_once(empty_address: Address) -> None:
    if isinstance(empty_address, Path):
        pytest.skip("a file has one process")
    states, failures = [], []

    def begin() -> None:
        try:
            with open_state(empty_address, SystemClock(), Random(1)) as state:
                states.append(read(state, tenants.list_tenants)[0].id)
        except PharosError as exc:
            failures.append(exc)

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (states, failures) == (["default"] * 4, [])


# -- what cannot be used --


@pytest.mark.parametrize(
    "url", ["mysql://CANARY:CANARY@host/db", "CANARY", "postgresql://user:CANARY@host:port/db", ""]
)
def test_what_is_no_address_is_refused_and_not_shown(url: str, clock: FakeClock) -> None:
    with pytest.raises(PharosError, match="state: not a") as found, open_state(Secret(url), clock):
        pass
    assert found.value.kind is Kind.INVALID
    assert "CANARY" not in str(found.value)


def test_what_is_no_database_is_told(tmp_path: Path, clock: FakeClock) -> None:
    (tmp_path / "state.db").write_bytes(b"something else" * 1000)
    with (
        pytest.raises(PharosError, match="file is not a database") as found,
        open_state(tmp_path / "state.db", clock),
    ):
        pass
    assert found.value.kind is Kind.UNAVAILABLE
    with (
        pytest.raises(PharosError, match="cannot use") as found,
        open_state(tmp_path / "none" / "state.db", clock),
    ):
        pass
    assert found.value.kind is Kind.UNAVAILABLE


async def test_units_of_work_are_measured(state: State) -> None:
    def sample(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"pharos_state_{name}", labels) or 0.0

    seconds, failed = "unit_duration_seconds_count", "units_failed_total"
    before = [sample(seconds, kind=kind) for kind in ("read", "write")]
    faults = sample(failed, kind="write")
    new = NewUser("ada")
    await state.write(lambda unit: accounts.create_user(unit, new), OPERATOR)
    with pytest.raises(PharosError):
        # Asked wrongly, which is no failure of the database.
        await state.write(lambda unit: accounts.create_user(unit, new), OPERATOR)
    await state.measure()
    after = [sample(seconds, kind=kind) for kind in ("read", "write")]
    assert after == [before[0] + 1, before[1] + 2]
    assert sample(failed, kind="write") == faults
    assert sample("units_waiting") == 0
    assert sample("size_bytes") > 10_000
