"""What clients send is read where it makes nobody else wait."""

from __future__ import annotations

import threading

import pytest

from pharos.api.http.off_loop import off_loop
from pharos.api.prometheus import parameters
from pharos.errors import PharosError


@pytest.mark.parametrize(("size", "on_loop"), [(0, True), (4096, True), (4097, False), (10 << 20, False)])
async def test_large_inputs_are_read_on_a_thread(size: int, on_loop: bool) -> None:
    assert (await off_loop(size, threading.get_ident) == threading.get_ident()) is on_loop


@pytest.mark.parametrize("count", [1, 1000])
async def test_many_selectors_are_read_like_one(count: int) -> None:
    pairs = tuple(("match[]", f"up{number}") for number in range(count))
    found = await parameters.read_selectors(parameters.Parameters(pairs))
    assert [one[0].value for one in found] == [f"up{number}" for number in range(count)]
    with pytest.raises(PharosError):
        await parameters.read_selectors(parameters.Parameters((*pairs, ("match[]", "{"))))
