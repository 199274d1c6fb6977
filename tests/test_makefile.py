"""What `make up` does in a fresh clone, by a dry run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture
def dry_run(tmp_path: Path) -> str:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    done = subprocess.run(
        ["make", "--dry-run", "up", "ARGS=--listen 127.0.0.1:0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_only_what_runs_is_installed(dry_run: str) -> None:
    assert " -e ." in dry_run
    assert "[dev]" not in dry_run


def test_packages_and_pages_are_worked_on_side_by_side(dry_run: str) -> None:
    assert "--jobs=2" in dry_run
    assert "hatch_build.py" in dry_run


def test_every_phase_says_how_long_it_took(dry_run: str) -> None:
    for phase in ("virtualenv", "packages", "pages"):
        assert f'echo "{phase}: $(($(date +%s) - began)) s"' in dry_run


def test_a_failed_start_tells_how_options_are_given(dry_run: str) -> None:
    assert "pharos up --listen 127.0.0.1:0 ||" in dry_run
    assert 'make up ARGS="--listen' in dry_run
