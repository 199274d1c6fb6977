"""The list of what is read again: all of it is taken over or nothing is."""

from __future__ import annotations

import pytest
from tests.query.store import StillClock

from pharos.errors import Kind, PharosError
from pharos.reload import Reloadable, Reloads, TakeOver


def _file(name: str, taken: list[str], *, good: bool = True) -> Reloadable:
    async def read() -> TakeOver:
        if not good:
            raise PharosError(Kind.INVALID, f"{name}:1: not good")

        async def take_over() -> None:
            taken.append(name)

        return take_over

    return read


async def test_everything_is_taken_over_in_order() -> None:
    taken: list[str] = []
    clock = StillClock(1_000)
    reloads = Reloads(clock, [_file("a", taken), _file("b", taken)])
    clock.ms = 2_000
    await reloads.reload()
    assert taken == ["a", "b"]
    assert (reloads.state.good, reloads.state.at_ms) == (True, 2_000)


async def test_one_fault_keeps_everything_as_it_was() -> None:
    taken: list[str] = []
    clock = StillClock(1_000)
    reloads = Reloads(clock, [_file("a", taken), _file("b", taken, good=False)])
    clock.ms = 2_000
    with pytest.raises(PharosError, match="b:1: not good"):
        await reloads.reload()
    assert taken == []
    assert (reloads.state.good, reloads.state.at_ms) == (False, 1_000)
