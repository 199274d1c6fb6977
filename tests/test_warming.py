"""Kernels are compiled by processes of their own, those of the first page first, and every one is counted."""

from __future__ import annotations

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


def test_what_is_on_disk_is_not_missing(small: list[Signature]) -> None:
    assert Warming(small).compiled == 0
    signature = small[small_ones(small)[0]]
    signature.find().overloads.clear()
    signature.find().compile(signature.arguments)
    assert Warming(small).compiled == 1


async def test_without_processes_the_server_goes_on(
    small: list[Signature], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    warming = Warming(small)
    assert not warming.is_first_done.is_set()
    await compile_missing(warming, gives_way=True)
    assert warming.is_first_done.is_set()
    assert "no process can do it" in caplog.text
