"""A PostgreSQL that is away is told at once, keeps nothing from starting, and is used when it is back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest
from tests.postgres import Postgres, postgres_at
from tests.state.test_account_tables import OPERATOR, new_user, read

from pharos.clock import SystemClock
from pharos.errors import Kind, PharosError
from pharos.state import Family, State, accounts, open_state
from pharos.state.accounts import NewUser
from pharos.telemetry import REGISTRY

pytestmark = pytest.mark.needs("postgresql")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres_at() as running:
        yield running


def until_it_answers(state: State) -> int:
    """Return how many users there are, once the database is used again."""
    for _ in range(600):
        with suppress(PharosError):
            return read(state, accounts.count_users)
        threading.Event().wait(0.05)
    raise AssertionError(state.status())


def test_what_is_asked_of_a_database_that_is_away_fails_soon_and_in_words(server: Postgres) -> None:
    with open_state(server.new_database(), SystemClock()) as state:
        new_user(state)
        failed = ("pharos_state_units_failed_total", {"kind": "read"})
        before = REGISTRY.get_sample_value(*failed) or 0
        server.stop()
        try:
            began = time.monotonic()
            for _ in range(50):
                with pytest.raises(PharosError) as found:
                    read(state, accounts.count_users)
                assert (found.value.kind, found.value.retry_after_s is not None) == (Kind.UNAVAILABLE, True)
                assert "CANARY" not in str(found.value)
                with pytest.raises(PharosError):
                    new_user(state, "Bob")
            # Nobody waits for what is known to be away.
            assert time.monotonic() - began < 20
            assert REGISTRY.get_sample_value(*failed) == before + 50
            assert "127.0.0.1" in state.status().fault
        finally:
            server.start()
        assert until_it_answers(state) == 1
        assert state.status().fault == ""
        assert new_user(state, "Bob").name == "Bob"


def test_a_start_without_the_database_is_told_and_made_good(
    server: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    address = server.new_database()
    server.stop(kill=True)
    told: list[frozenset[Family]] = []
    try:
        with open_state(address, SystemClock()) as state:
            state.watch(told.append)
            with pytest.raises(PharosError, match="cannot be used now"):
                read(state, accounts.count_users)
            server.start()
            assert until_it_answers(state) == 0
            assert new_user(state).name == "Ada"
            assert frozenset({Family.USERS}) in told
    finally:
        server.start()
    errors = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert any("starting without people's state" in line for line in errors)
    assert "CANARY" not in caplog.text


def test_who_watches_is_told_what_changed_while_the_database_was_away(server: Postgres) -> None:
    address = server.new_database()
    heard = threading.Event()
    with open_state(address, SystemClock()) as one, open_state(address, SystemClock()) as other:
        new_user(one)
        other.watch(lambda families: heard.set() if Family.USERS in families else None)
        server.stop()
        server.start()
        assert until_it_answers(one) == 1
        heard.clear()
        one.write_blocking(lambda unit: accounts.create_user(unit, NewUser("Bob")), OPERATOR)
        assert heard.wait(10)
        assert until_it_answers(other) == 2


def test_a_lock_that_somebody_holds_is_given_up_in_time(server: Postgres) -> None:
    address = server.new_database()
    with open_state(address, SystemClock()) as state:
        with psycopg.connect(address.reveal()) as other:
            other.execute("SELECT * FROM audit_head FOR UPDATE")
            with pytest.raises(PharosError, match="did not answer in time") as found:
                new_user(state)
            assert found.value.kind is Kind.UNAVAILABLE
            # Whoever reads does not wait for who writes.
            assert read(state, accounts.count_users) == 0
        assert new_user(state).name == "Ada"
