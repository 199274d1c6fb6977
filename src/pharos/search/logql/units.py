"""Durations and sizes as LogQL reads them, in queries and in labels."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration, parse_go_duration
from pharos.gotext.quoting import quote

_SIZES: Final = {
    "": 1,
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgtpe", 1)},
    **{letter: 1000**power for power, letter in enumerate("kmgtpe", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgtpe", 1)},
    **{f"{letter}i": 1024**power for power, letter in enumerate("kmgtpe", 1)},
}
"""By unit in small letters (github.com/dustin/go-humanize, ParseBytes): KB is 1000, KiB 1024."""
_SIZE: Final = re.compile(r"([0-9][0-9.,]*|\.[0-9]+)[ ]*([A-Za-z]*)[ ]*")
_MAX_BYTES: Final = 2**64


def parse_bytes(text: str) -> int:
    """Return the bytes of a size such as `1.5MB` or `42 KiB`. Raises PharosError(INVALID)."""
    found = _SIZE.fullmatch(text)
    size = _SIZES.get(found[2].lower()) if found else None
    if found is None or size is None:
        raise PharosError(Kind.INVALID, f"{quote(text[:100])} is no size", hint="write it as 42KB or 1.5MiB")
    try:
        number = float(found[1].replace(",", ""))
    except ValueError:
        raise PharosError(Kind.INVALID, f"{quote(text[:100])} is no size") from None
    if number * size >= _MAX_BYTES:
        raise PharosError(Kind.INVALID, f"{quote(text[:100])} is too large a size")
    return int(number * size)


def parse_query_duration(text: str) -> int:
    """Return the nanoseconds of a duration in a query: Go's own form, or Prometheus' with d, w and y.

    Raises PharosError(INVALID).
    """
    try:
        return parse_go_duration(text)
    except PharosError:
        return parse_duration(text) * 1_000_000
