"""Nothing that was acknowledged is lost, and nothing is half done: processes are killed, and PostgreSQL is.

`PHAROS_KILLS` says how often (50 for the long run).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from random import Random

import pytest
from tests.peers import ROOT
from tests.postgres import postgres_at
from tests.state.changing import is_whole

from pharos.clock import SystemClock
from pharos.secret import Secret
from pharos.state import Address, State, accounts, audit, exports, open_state, tenants

KILLS = int(os.environ.get("PHAROS_KILLS", "3"))


class Changing:
    """A process that changes an address's state, and the names that it acknowledged."""

    def __init__(self, address: Address, prefix: str) -> None:
        where = address.reveal() if isinstance(address, Secret) else str(address)
        self.acknowledged: list[str] = []
        self._moved = threading.Condition()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.state.changing", where, prefix],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            # What was only half written was not acknowledged.
            if line.endswith("\n"):
                with self._moved:
                    self.acknowledged.append(line.strip())
                    self._moved.notify_all()

    def wait_for(self, count: int) -> None:
        """Return once so many more lines came."""
        with self._moved:
            wanted = len(self.acknowledged) + count
            found = self._moved.wait_for(lambda: len(self.acknowledged) >= wanted, timeout=120)
        assert found, self._process.poll()

    def wait_for_change(self) -> None:
        """Return once a change was acknowledged that was not yet."""
        with self._moved:
            before = len(self.acknowledged)
            found = self._moved.wait_for(
                lambda: any(line != "away" for line in self.acknowledged[before:]), timeout=120
            )
        assert found, self._process.poll()

    def kill(self) -> None:
        """Kill it, and read what it had said."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._process.stdout.close()
        self._process.stderr.close()


def check(state: State, acknowledged: list[str]) -> int:
    """Return how many changes there are: all acknowledged ones, whole, in an unbroken log."""
    made = [one.id for one in state.read_blocking(tenants.list_tenants) if one.id != "default"]
    assert set(acknowledged) - {"away"} <= set(made)
    for name in made:
        assert is_whole(state, name)
    users = state.read_blocking(accounts.count_users)
    assert users == 2 * len(made)
    assert exports.verify_log(state).entries == 12 * len(made)
    created = audit.Search(action="tenant.create")
    told = state.read_blocking(lambda unit: audit.read_on(unit, created, limit=10**6))
    assert sorted(entry.tenant for entry in told) == sorted(made)
    return len(made)


def test_a_killed_process_loses_nothing_that_it_acknowledged(address: Address) -> None:
    chance, acknowledged = Random(5), []
    for kill in range(KILLS):
        changing = Changing(address, f"k{kill}")
        changing.wait_for(chance.randint(1, 8))
        # Somewhere within the next change, or the one behind it.
        threading.Event().wait(chance.uniform(0, 0.1))
        changing.kill()
        acknowledged += changing.acknowledged
        with open_state(address, SystemClock()) as state:
            made = check(state, acknowledged)
    assert len(acknowledged) >= KILLS
    # Of what was not acknowledged, the last change of each process may be there.
    assert made <= len(acknowledged) + KILLS


@pytest.mark.needs("postgresql")
def test_a_database_that_is_stopped_and_started_loses_nothing(tmp_path: Path) -> None:
    chance = Random(6)
    with postgres_at(durable=True) as server:
        address = server.new_database()
        changing = [Changing(address, f"s{number}") for number in range(2)]
        for _ in changing:
            _.wait_for(1)
        for stop in range(max(1, KILLS // 2)):
            threading.Event().wait(chance.uniform(0, 0.2))
            server.stop(kill=bool(stop % 2))
            server.start()
            for one in changing:
                one.wait_for_change()
        for one in changing:
            one.kill()
        with open_state(address, SystemClock()) as state:
            check(state, [name for one in changing for name in one.acknowledged])
