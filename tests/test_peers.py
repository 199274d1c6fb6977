"""What tests start ends with them, and what they lack is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.peers import ROOT, ending_with_us, is_required, missing

_RUNNER = """\
import subprocess, sys
from tests.peers import ending_with_us
command = [sys.executable, "-c", "import time; print(flush=True); time.sleep(600)"]
program = subprocess.Popen(ending_with_us(command), stdout=subprocess.PIPE)
program.stdout.readline()
print(program.pid, flush=True)
program.wait()
"""


def test_a_program_ends_with_a_runner_that_is_killed() -> None:
    if ending_with_us([]) == []:
        pytest.skip("setpriv is not installed")
    command = [sys.executable, "-c", _RUNNER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as runner:
        assert runner.stdout is not None
        program = int(runner.stdout.readline())
        os.kill(runner.pid, signal.SIGKILL)
    for _ in range(600):
        if not _is_running(program):
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"process {program} outlived its runner")


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_is_missing_is_told_and_may_be_required(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert missing("conformance", conformance=nowhere) == f"the conformance suite is not at {nowhere}"
    assert missing("prometheus", {"prometheus": None}) == "prometheus is not installed"
    monkeypatch.setenv("PHAROS_REQUIRE", "peers")
    assert (is_required("prometheus"), is_required("conformance")) == (True, False)
    monkeypatch.setenv("PHAROS_REQUIRE", "peers,conformance")
    assert is_required("conformance")
