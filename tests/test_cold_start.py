"""A server whose kernels are not compiled yet answers, says how far it is, and can be stopped meanwhile."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.peers import ending_with_us


@pytest.fixture
def cold(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`pharos up` with a folder for compiled code that is empty."""
    command = [sys.executable, "-m", "pharos.cli", "up", "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(
        ending_with_us([*command, "--data", str(tmp_path / "data")]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kernels")},
    )
    yield process
    process.kill()
    process.communicate()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_cold_start_answers_at_once_and_can_be_stopped(cold: subprocess.Popen[str]) -> None:
    assert cold.stdout is not None
    found = next(match for line in cold.stdout if (match := re.search(r"Open (http://\S+)", line)))
    url = found[1]
    status, text = get(f"{url}/-/ready")
    assert status == 503
    assert re.fullmatch(r"Pharos is starting: kernels \d+ of \d+\.\n", text)
    counts = json.loads(get(f"{url}/-/kernels")[1])
    assert counts["compiled"] < counts["total"]
    assert get(f"{url}/-/healthy") == (200, "Pharos is healthy.\n")
    cold.send_signal(signal.SIGTERM)
    _, told = cold.communicate(timeout=60)
    assert cold.returncode == 0, told
    assert "Traceback" not in told
