"""Work on what clients send that may take longer than others should wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

_INLINE_CHARACTERS: Final = 4096
"""So much of a query or form is read in a few milliseconds, which a thread would not make better."""


async def off_loop(size: int, work: Callable[[], T]) -> T:
    """Return what `work` returns; with an input of more than some thousand characters it runs on a thread."""
    if size <= _INLINE_CHARACTERS:
        return work()
    return await asyncio.to_thread(work)
