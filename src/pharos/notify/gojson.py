"""JSON as Go writes it, which is what those who read our payloads have been tested with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pharos.gotext.quoting import valid_text

ZERO_TIME: Final = "0001-01-01T00:00:00Z"
"""How Go writes a time that is none."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, beyond which there is no text of a time."""
_ESCAPED: Final = (
    ("<", "\\u003c"),
    (">", "\\u003e"),
    ("&", "\\u0026"),
    ("\u2028", "\\u2028"),
    ("\u2029", "\\u2029"),
)


def go_json(value: Any) -> bytes:
    """Return what Go's encoder writes for a value of which all maps are in order: a line of UTF-8.

    `<`, `>` and `&` are escaped, so that it can stand in a page.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Much faster than a table of translations, since most texts have none of them.
    for char, written in _ESCAPED:
        text = text.replace(char, written)
    return valid_text(text).encode() + b"\n"


def go_time(ms: int) -> str:
    """Return a time in milliseconds as Go writes it (RFC 3339, no trailing zeros); 0 is no time."""
    if ms == 0:
        return ZERO_TIME
    at = _EPOCH + timedelta(milliseconds=max(0, min(ms, _MOST_MS)))
    fraction = f".{at.microsecond // 1000:03d}".rstrip("0").rstrip(".")
    return f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z"
