"""`pharos audit`, over a running server and over the folder of a stopped one."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from tests.cli.running import run_apart
from tests.process import Server

from pharos.clock import SystemClock
from pharos.state import Author, accounts, open_state
from pharos.state.accounts import NewUser


def fill(folder: Path) -> None:
    with open_state(folder / "state.db", SystemClock()) as state:
        for name in ("Ada", "Bob"):
            author = Author("user:root", "Root", "new here")
            state.write_blocking(partial(accounts.create_user, new=NewUser(name)), author)


def test_the_log_of_a_stopped_folder_is_listed_exported_and_verified(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "lock").touch()
    fill(folder)
    where = ("--data", str(folder), "--json")
    listed = run_apart("audit", "list", *where)
    assert listed.code == 0, listed.err
    assert [(entry["number"], entry["action"]) for entry in json.loads(listed.out)] == [
        (2, "user.create"),
        (1, "user.create"),
    ]
    shown = run_apart("audit", "list", "--data", str(folder), "--action", "user", "--since", "1h")
    assert "Root" in shown.out
    assert "new here" in shown.out
    assert run_apart("audit", "list", *where, "--who", "user:nobody").out.strip() == "[]"
    live = json.loads(run_apart("audit", "verify", *where).out)
    path = tmp_path / "audit.jsonl"
    assert run_apart("audit", "export", str(path), *where).code == 0
    assert run_apart("audit", "export", str(path), *where).code == 2
    found = run_apart("audit", "verify", str(path), "--key", live["public_key"], "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out)["hash"] == live["hash"]
    assert run_apart("audit", "verify", str(path), "--key", "another").code == 1
    path.write_bytes(path.read_bytes().replace(b"Bob", b"Eve"))
    broken = run_apart("audit", "verify", str(path))
    assert (broken.code, "entry 2 is not what was written" in broken.err) == (1, True)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_the_log_of_a_running_server_is_asked_for(tmp_path: Path, form: str) -> None:
    folder = tmp_path / "store"
    folder.mkdir()
    (folder / "lock").touch()
    fill(folder)
    server = Server(folder)
    try:
        where = ("--data", str(folder), "--json")
        listed = run_apart("audit", "list", *where)
        assert listed.code == 0, listed.err
        assert [entry["number"] for entry in json.loads(listed.out)][-2:] == [2, 1]
        path = tmp_path / f"audit.{form}"
        done = run_apart("audit", "export", str(path), "--format", form, *where)
        assert done.code == 0, done.err
        told = json.loads(run_apart("audit", "verify", *where).out)
        assert json.loads(run_apart("audit", "verify", str(path), "--json").out)["hash"] == told["hash"]
    finally:
        assert server.stop() == 0
