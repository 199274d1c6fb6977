"""The supervisor starts the server again after a crash, and never against anybody's will."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.process import Server
from tests.servers import counted, write_samples

from pharos.supervisor import pause_after

_RUN = "import sys; from pharos.supervisor import run; sys.exit(run([sys.executable, '-c', sys.argv[1]]))"

_LIVES = """
import os, sys
from pathlib import Path
lives = Path({lives!r})
with lives.open("a") as file:
    file.write("x")
number = len(lives.read_text())
"""


def _supervised(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _RUN, code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = process.communicate(timeout=30)
    return process.returncode, said


def test_a_crash_is_followed_by_a_start_within_a_second(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    code = _LIVES.format(lives=str(lives)) + "os.abort() if number == 1 else sys.exit(0)"
    ended, said = _ended(_supervised(code))
    assert (ended, lives.read_text()) == (0, "xx")
    assert f"ended with code {-signal.SIGABRT}" in said
    assert pause_after(0.0, 0.0) < 1.0


@pytest.mark.parametrize("code", [0, 1, 2])
def test_an_end_on_purpose_is_final(tmp_path: Path, code: int) -> None:
    lives = tmp_path / "lives"
    ended, _ = _ended(_supervised(_LIVES.format(lives=str(lives)) + f"sys.exit({code})"))
    assert (ended, lives.read_text()) == (code, "x")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_server(number: signal.Signals) -> None:
    code = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(0))\n"
        "print('ready', flush=True)\n"
        "signal.pause()"
    )
    process = _supervised(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert _ended(process) == (0, "")


def test_a_server_that_dies_of_the_signal_to_stop_is_not_started_again(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    code = _LIVES.format(lives=str(lives)) + "import signal; print('ready', flush=True); signal.pause()"
    process = _supervised(code)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert _ended(process)[0] == 128 + signal.SIGTERM
    assert lives.read_text() == "x"


def test_pauses_double_for_quick_crashes_and_end_with_a_long_life() -> None:
    pauses, last = [], 0.0
    for _ in range(8):
        last = pause_after(0.1, last)
        pauses.append(last)
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert pause_after(60.0, last) == 0.0


def test_a_supervised_server_comes_back_with_all_it_acknowledged(tmp_path: Path) -> None:
    server = Server(tmp_path / "store", "--supervise")
    try:
        write_samples(server.url, "survivor", 50)
        victim = int((server.folder / "lock").read_text())
        assert victim != server.process.pid
        os.kill(victim, signal.SIGSEGV)
        url = _next_address(server, victim)
        assert counted(url, "survivor") == 50
    finally:
        code = server.stop()
    assert code == 0, server.log.read_text()


def _next_address(server: Server, victim: int) -> str:
    """Return the address of the server that comes after `victim`, once it is ready."""
    for _ in range(300):
        owner = (server.folder / "lock").read_text().strip()
        if owner and int(owner) != victim and (server.folder / "address").read_text() != f"{server.url}\n":
            server.url = (server.folder / "address").read_text().strip()
            server.wait_ready()
            return server.url
        time.sleep(0.1)
    raise AssertionError(f"no server came back:\n{server.log.read_text()}")
