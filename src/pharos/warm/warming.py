"""Compile what is missing: what the first page needs first, on all cores, the rest behind the server.

The compiling is done by processes of their own (`worker.py`), which leave the code on disk.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

from pharos.warm.signatures import Signature, read_signatures
from pharos.warm.worker import NICE

_LOG = logging.getLogger(__name__)
_WORKERS_AT_MOST: Final = 4


class Warming:
    """What is compiled and what is not: how many kernels there are, and how many of them are on disk."""

    def __init__(
        self, signatures: list[Signature], is_kept: Callable[[Signature], bool] = Signature.is_kept
    ) -> None:
        missing = [number for number, one in enumerate(signatures) if not is_kept(one)]
        self.total = len(signatures)
        self.compiled = self.total - len(missing)
        self.first = deque(number for number in missing if signatures[number].first)
        self.rest = deque(number for number in missing if not signatures[number].first)
        self.is_first_done = asyncio.Event()
        """Set once all is compiled that the first page needs."""
        self._first_left = len(self.first)
        self._tell_if_done()

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to compile."""
        return self.compiled >= self.total

    def counts(self) -> dict[str, int]:
        """Return how many are compiled, and how many there are, as the API says it."""
        return {"compiled": self.compiled, "total": self.total}

    def note(self, *, first: bool) -> None:
        """Count one more."""
        self.compiled += 1
        self._first_left -= first
        self._tell_if_done()

    def give_up(self) -> None:
        """Let the server compile what it needs when it needs it."""
        self._first_left = 0
        self._tell_if_done()

    def _tell_if_done(self) -> None:
        if self._first_left <= 0:
            self.is_first_done.set()


def find_missing() -> Warming:
    """Return what is to compile."""
    return Warming(read_signatures())


async def compile_missing(
    warming: Warming,
    *,
    gives_way: bool,
    tell: Callable[[], None] = lambda: None,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> None:
    """Compile what is missing in processes of their own, and call `tell` after each kernel.

    With `gives_way` all processes but one end when the first page has its kernels, and that one yields to all
    others. A process that cannot be started, or ends, costs time later and nothing else. `environment` takes
    the place of this process's own.
    """
    run = partial(
        asyncio.create_subprocess_exec,
        *(python, "-m", "pharos.warm.worker"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    workers = min(os.cpu_count() or 1, _WORKERS_AT_MOST, len(warming.first) + len(warming.rest))
    try:
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(_drive(run, warming, tell, stays=number == 0, gives_way=gives_way))
    except* OSError as error:
        _LOG.warning("kernels are compiled when they are needed, since no process can do it: %s", error)
    if not warming.is_complete:
        warming.give_up()
        tell()


async def _drive(
    run: Callable[[], Awaitable[asyncio.subprocess.Process]],
    warming: Warming,
    tell: Callable[[], None],
    *,
    stays: bool,
    gives_way: bool,
) -> None:
    """Start a process and hand it kernels for as long as there are some."""
    process = await run()
    assert process.stdin is not None  # noqa: S101 - both are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        is_nice = not gives_way
        while warming.first or (warming.rest and (stays or not gives_way)):
            first = bool(warming.first)
            if not first and not is_nice:
                is_nice = True
                process.stdin.write(f"{NICE}\n".encode())
            number = (warming.first or warming.rest).popleft()
            process.stdin.write(f"{number}\n".encode())
            if not await process.stdout.readline():
                _LOG.warning("a process that compiles kernels ended; they are compiled when they are needed")
                return
            warming.note(first=first)
            tell()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
