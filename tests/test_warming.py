"""Kernels are compiled by processes of their own, those of the first page first, and every one is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import config

from pharos.warm.signatures import Signature, read_signatures
from pharos.warm.warming import Warming, compile_missing

SMALL = "pharos.promql.kernels.samples:has_stale"


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Signature]:
    """All signatures, of which two small ones are not on disk; a worker knows them by their numbers."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    return read_signatures()


def only(signatures: list[Signature], *numbers: int) -> Warming:
    """Return the state in which just these are missing, the first of them for the first page."""
    warming = Warming([])
    warming.total = len(signatures)
    warming.compiled = warming.total - len(numbers)
    warming.first.append(numbers[0])
    warming.rest.extend(numbers[1:])
    return warming


def small_ones(signatures: list[Signature]) -> list[int]:
    names = [signature.kernel for signature in signatures]
    return [names.index(SMALL), names.index("pharos.promql.kernels.rate:is_start_reset")]


async def test_a_process_compiles_and_counts(small: list[Signature]) -> None:
    numbers = small_ones(small)
    warming, told = only(small, *numbers), []
    await compile_missing(warming, gives_way=True, tell=lambda: told.append(dict(warming.counts())))
    assert [one["compiled"] for one in told] == [len(small) - 1, len(small)]
    assert warming.is_complete
    assert all(small[number].find().is_kept(small[number].arguments) for number in numbers)


_COMPILED = """
import os, sys
from pathlib import Path
from pharos.compiled.kernel import Kernel
from pharos.warm.signatures import read_signatures
from pharos.warm.warming import Warming
signatures = read_signatures()
print(Warming(signatures).compiled)
found = next(one for one in signatures if one.kernel == "pharos.promql.kernels.samples:has_stale")
found.find().compile(found.arguments)
print(Warming(signatures).compiled)
for file in Path(os.environ["NUMBA_CACHE_DIR"]).rglob("*.nbc"):
    file.write_bytes(file.read_bytes()[: int(sys.argv[1])])
found.find().overloads.clear()
found.find().compile(found.arguments)
print(Kernel.compiled_total)
"""


@pytest.mark.parametrize("left_bytes", [0, 100])
def test_what_is_on_disk_is_not_missing_and_what_lost_its_end_is_made_anew(
    tmp_path: Path, left_bytes: int
) -> None:
    # In a process of its own: a kernel's place on disk is settled when its module is loaded.
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    said = subprocess.check_output(
        [sys.executable, "-c", _COMPILED, str(left_bytes)], text=True, env=environment
    )
    assert said.split() == ["0", "1", "2"]


async def test_without_processes_the_server_goes_on(
    small: list[Signature], caplog: pytest.LogCaptureFixture
) -> None:
    warming = Warming(small)
    assert not warming.is_first_done.is_set()
    await compile_missing(warming, gives_way=True, python="/nowhere/python")
    assert warming.is_first_done.is_set()
    assert "no process can do it" in caplog.text
