"""JSON that is safe inside a page."""

from __future__ import annotations

from typing import Any, Final

import orjson
from msgspec import Struct
from msgspec.structs import asdict

from pharos.gotext.quoting import valid_text

_HTML: Final = ((b"<", b"\\u003c"), (b">", b"\\u003e"), (b"&", b"\\u0026"))

_LINES: Final = (("\u2028".encode(), b"\\u2028"), ("\u2029".encode(), b"\\u2029"))


def json_text(value: Any) -> bytes:
    """Return `value` as JSON that is safe inside a page, as Go's encoding/json escapes: no <, > or &.

    What is no Unicode text (a lone surrogate) becomes the replacement character.
    """
    try:
        text = orjson.dumps(value, default=asdict)
    except orjson.JSONEncodeError:
        text = orjson.dumps(_repaired(value), default=asdict)
    if b"<" in text or b">" in text or b"&" in text:
        for raw, escaped in _HTML:
            text = text.replace(raw, escaped)
    if b"\xe2\x80" in text:
        for raw, escaped in _LINES:
            text = text.replace(raw, escaped)
    return text


def _repaired(value: Any) -> Any:
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, dict):
        return {_repaired(key): _repaired(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_repaired(item) for item in value]
    return _repaired(asdict(value)) if isinstance(value, Struct) else value
