"""The memory of the C library, which keeps what was freed in as many heaps as there were threads at work at
once, each with holes of its own: after some hours of queries and insertions a third of the memory would be
free and not given back.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

_ARENAS: Final = 2
_M_ARENA_MAX: Final = -8
"""mallopt(3), as are the next two."""
_M_MMAP_THRESHOLD: Final = -3
_M_TRIM_THRESHOLD: Final = -1
_MAPPED_BYTES: Final = 32 << 20
"""What is as large or larger has pages of its own, which go back the moment it is freed.

The most that the library takes. With less, the arrays of every large query would be pages that are new to the
processor: a sum over 10,000 series and a day took a third longer with 4 MiB.
"""
_TRIMMED_BYTES: Final = 256 << 20
"""So much may be free at the end of a heap until it is given back at once; `give_back` does the rest."""


def limit_heaps() -> None:
    """Have all threads allocate from few heaps; to be called before there are many threads.

    Large arrays, of which most of the memory is, are made and dropped by few threads at a time.
    """
    change = _of_library("mallopt")
    if change is not None:
        change(_M_ARENA_MAX, _ARENAS)
        change(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        change(_M_TRIM_THRESHOLD, _TRIMMED_BYTES)


def give_back() -> None:
    """Give pages that are free back to the system; takes some milliseconds."""
    trim = _of_library("malloc_trim")
    if trim is not None:
        trim(0)


def _of_library(name: str) -> Any:
    """Return a function of the C library; None where it has no such (musl, macOS)."""
    return getattr(ctypes.CDLL(None), name, None)
