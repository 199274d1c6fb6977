"""The wheel in an empty virtual environment without Node: `pharos up` shows a page with charts at once."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright
from tests.peers import ROOT, ending_with_us
from tests.ui.conftest import CHROMIUM, FLAGS

PATIENCE_S = 900
"""A machine that others use too may take so long to build, and to install."""


def run(*command: str | Path, **more: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a virtual environment that the wheel, built by this Python, was installed into."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--quiet")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", folder / "venv")
    environment = {**os.environ, "PATH": str(folder / "venv" / "bin")}
    environment.pop("PYTHONPATH", None)
    constraints = ROOT / "constraints.txt"
    python = folder / "venv" / "bin" / "python"
    # What is never imported need not be compiled either, which is most of it and of the time.
    install = (python, "-m", "pip", "--quiet", "install", "--no-compile", "-c", constraints, wheel)
    run(*install, env=environment, cwd=folder)
    return folder / "venv"


@pytest.fixture
def started(installed: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a server that has never run, of a user who has no compiled code."""
    pharos = str(installed / "bin" / "pharos")
    command = ending_with_us([pharos, "up", "--listen", "127.0.0.1:0", "--data", str(tmp_path / "data")])
    log = tmp_path / "log"
    with log.open("w") as said:
        process = subprocess.Popen(
            [shutil.which(command[0]) or command[0], *command[1:]],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            # Nothing else that could be run, and nothing that was kept.
            env={"PATH": str(installed / "bin"), "HOME": str(tmp_path), "LANG": "C.UTF-8"},
            cwd=tmp_path,
        )
    assert process.stdout is not None
    try:
        yield next(found[1] for line in process.stdout if (found := re.search(r"Open (http://\S+)", line)))
    finally:
        process.terminate()
        process.communicate(timeout=60)


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=60) as answer:
        found: dict[str, object] = json.loads(answer.read())
        return found


def load(url: str) -> list[list[object]]:
    """Return the points of what the page's first chart asks."""
    now = int(time.time())
    asked = {"query": "node_load1", "start": now - 60, "end": now, "step": 2}
    answer = get(f"{url}/api/v1/query_range?{urllib.parse.urlencode(asked)}")
    assert answer["status"] == "success"
    data = answer["data"]
    assert isinstance(data, dict)
    return data["result"][0]["values"] if data["result"] else []


def test_the_wheel_starts_with_its_kernels_and_shows_a_chart(started: str, installed: Path) -> None:
    counts = get(f"{started}/-/kernels")
    assert counts["compiled"] == counts["total"]
    for _ in range(240):
        if len(load(started)) > 1:
            break
        time.sleep(0.5)
    assert len(load(started)) > 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = browser.new_page()
            page.goto(started)
            page.locator("canvas").first.wait_for(timeout=60_000)
            assert page.get_by_text("Preparing:").count() == 0
        finally:
            browser.close()
    # Nothing was compiled in between either.
    assert list(installed.rglob("*.nbc")) == list(installed.rglob("compiled/shipped/*.nbc"))
