"""What a door has made of what it was sent: log lines as an OTLP request, and what is not in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

LINE_MAX_BYTES: Final = 1 << 20
"""A longer line is cut, unless its protocol has a way to say that it is refused."""


class Lines(Struct, frozen=True):
    """Log lines on their way in."""

    body: bytes
    """An ExportLogsServiceRequest; empty where there is nothing to take."""
    count: int
    refused: Mapping[str, int] = field(default_factory=dict)
    """How many lines are not in it, by reason."""
    message: str = ""
    """What is wrong with the first of those."""
    cut: int = 0
    """How many are in it but for their ends."""


def cut_text(raw: bytes, most_bytes: int) -> bytes:
    """Return the beginning of a text in UTF-8 without a broken character at its end."""
    if len(raw) <= most_bytes:
        return raw
    end = most_bytes
    while end > 0 and raw[end] & 0xC0 == 0x80:
        end -= 1
    return raw[:end]
