"""Memory that is free is not kept in many heaps; what holds up the event loop is seen."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import re
import subprocess
import sys

import pytest

from pharos.clock import FakeClock
from pharos.heaps import give_back
from pharos.telemetry import REGISTRY
from pharos.upkeep import watch_loop

_THREADS = """
import ctypes, sys, threading
from pharos.heaps import limit_heaps

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "limited":
    limit_heaps()
together = threading.Barrier(8)

def allocate():
    together.wait()
    for _ in range(100):
        library.malloc(1000)
    together.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


def _heaps(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", _THREADS, how], check=True, capture_output=True, text=True, timeout=60
    )
    return ran.stdout.count("<heap nr=")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library than GNU's")
def test_threads_share_few_heaps() -> None:
    assert _heaps("unlimited") > 2
    assert _heaps("limited") <= 2


_LARGE = """
import ctypes, sys
from pharos.heaps import limit_heaps

library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
if sys.argv[1] == "limited":
    limit_heaps()
library.malloc(24 << 20)
library.malloc_info(0, ctypes.c_void_p.in_dll(library, "stdout"))
library.fflush(None)
"""


def _mapped_bytes(how: str) -> int:
    ran = subprocess.run(
        [sys.executable, "-c", _LARGE, how], check=True, capture_output=True, text=True, timeout=60
    )
    return int(re.findall(r'<total type="mmap" count="\d+" size="(\d+)"/>', ran.stdout)[-1])


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_info"), reason="another C library than GNU's")
def test_arrays_of_large_queries_are_of_pages_that_were_there_before() -> None:
    assert _mapped_bytes("unlimited") >= 24 << 20
    assert _mapped_bytes("limited") < 24 << 20


def test_giving_back_leaves_what_is_used() -> None:
    kept = [bytes(1000) + str(number).encode() for number in range(1000)]
    give_back()
    assert [int(one[1000:]) for one in kept] == list(range(1000))


async def test_what_holds_up_the_loop_is_measured() -> None:
    def beyond() -> float:
        count = REGISTRY.get_sample_value("pharos_loop_lag_seconds_count") or 0.0
        return count - (REGISTRY.get_sample_value("pharos_loop_lag_seconds_bucket", {"le": "1.0"}) or 0.0)

    clock, before = FakeClock(), beyond()
    watching = asyncio.create_task(watch_loop(clock))
    await asyncio.sleep(0)
    clock.advance_ms(5_000)  # as if something had held the loop so long
    await asyncio.sleep(1)  # longer than between two looks
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    assert beyond() == before + 1
