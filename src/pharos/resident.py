"""What a started server gives back, and what it no longer looks at.

Most of the memory that a start touches is needed by the start alone: pages of the store's library that were
read to set it up, and of a compiler that only loads what was compiled before.
"""

from __future__ import annotations

import ctypes
import gc
import re
from pathlib import Path
from typing import Final, NamedTuple

_MAPS: Final = Path("/proc/self/smaps")
_MAPPING: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+ +(/.*)")
_LEAST_KB: Final = 1024
_DONT_NEED: Final = 4
"""MADV_DONTNEED."""


class _Mapping(NamedTuple):
    """A part of a file in memory."""

    start: int
    size: int
    resident_kb: int


def settle() -> int:
    """Call once a start is over; return how many bytes of files were given back.

    Objects made so far are left out of garbage collection: they stay, and going through all half a million of
    them holds everything up for a tenth of a second.
    """
    gc.freeze()
    return sum(_give_back(mapping) for mapping in _unwritten(_read_maps()))


def _read_maps() -> str:
    try:
        return _MAPS.read_text()
    except OSError:
        # Some sandboxes have none; then nothing is given back.
        return ""


def _unwritten(maps: str) -> list[_Mapping]:
    """Return the mappings of files of which no page differs from the file, and none can be made to.

    Only these may be dropped: the next look at a page finds it in the file, as a rule still cached.
    """
    found = []
    for entry in re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", maps):
        head = _MAPPING.match(entry)
        if head is None or "w" in head[3] or not head[3].endswith("p"):
            continue
        if not _kilobytes(entry, "Anonymous") and (resident := _kilobytes(entry, "Rss")) >= _LEAST_KB:
            start = int(head[1], 16)
            found.append(_Mapping(start, int(head[2], 16) - start, resident))
    return found


def _kilobytes(entry: str, name: str) -> int:
    found = re.search(rf"^{name}: +(\d+) kB", entry, re.MULTILINE)
    return int(found[1]) if found else 0


def _give_back(mapping: _Mapping) -> int:
    advise = ctypes.CDLL(None, use_errno=True).madvise
    advise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    refused = advise(mapping.start, mapping.size, _DONT_NEED)
    # A locked mapping refuses, and stays.
    return 0 if refused else mapping.resident_kb << 10
