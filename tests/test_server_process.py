"""The server as a process: one to a folder, a clean end, nothing acknowledged lost."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.cli.running import run_apart
from tests.process import Server
from tests.servers import counted, write_samples


def test_samples_accepted_just_before_sigterm_are_there_after_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path / "store")
    write_samples(server.url, "last_words", 1_000)
    assert server.stop() == 0, server.log.read_text()
    assert not list((server.folder / "log").glob("*.wal")), "a clean end leaves no log to load"
    again = Server(tmp_path / "store")
    try:
        assert counted(again.url, "last_words") == 1_000
    finally:
        assert again.stop() == 0


def test_sigint_ends_it_as_cleanly(tmp_path: Path) -> None:
    server = Server(tmp_path / "store")
    server.process.send_signal(signal.SIGINT)
    assert server.stop() == 0, server.log.read_text()


def test_a_second_process_on_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    server = Server(tmp_path / "store")
    try:
        ended = run_apart("up", "--listen", "127.0.0.1:0", "--data", str(server.folder))
        assert ended.code == 2
        assert f"in use by another pharos (process {server.process.pid})" in ended.err
        assert "--data" in ended.err
    finally:
        assert server.stop() == 0


def test_what_a_killed_server_leaves_behind_is_no_obstacle(tmp_path: Path) -> None:
    server = Server(tmp_path / "store")
    write_samples(server.url, "kept", 10)
    server.kill()
    assert (server.folder / "lock").read_text().strip() == str(server.process.pid)
    again = Server(tmp_path / "store")
    try:
        assert counted(again.url, "kept") == 10
    finally:
        assert again.stop() == 0
