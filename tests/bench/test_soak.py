"""What a soak makes of its looks at memory."""

from __future__ import annotations

import os

import pytest
from bench.soak import Result, private_bytes


def test_growth_is_that_of_the_time_after_memory_has_settled() -> None:
    # 100 MB a minute for ten minutes, then one for twenty.
    at_s = [60.0 * minute for minute in range(31)]
    sizes = [100 * min(minute, 10) + max(0, minute - 10) for minute in range(31)]
    found = Result(at_s, [size * 1_000_000 for size in sizes])
    assert found.settled_s == 600
    assert found.growth_bytes_a_minute() == pytest.approx(1e6)
    assert found.around(600) == 1e9
    assert found.around(1800) == 1.0195e9


def test_private_memory_is_what_this_process_alone_has() -> None:
    before = private_bytes(os.getpid())
    mine = bytearray(os.urandom(64 << 20))
    assert private_bytes(os.getpid()) - before > 32 << 20
    assert len(mine) == 64 << 20
