"""Messages as they leave: framed (RFC 6455) and compressed (RFC 7692) once, for all who are sent the same.

A server's frames are not masked, and without context takeover a compressed message depends on nothing that
was sent before, so the bytes on the wire are the same for every client.
"""

from __future__ import annotations

import zlib
from typing import Final

_TEXT_FRAME: Final = 0x81
"""A whole message of text; the bit beside it says that it is compressed."""
_COMPRESSED: Final = 0x40
_SHORT: Final = 126
_MEDIUM: Final = 1 << 16
_PACKED_FROM_BYTES: Final = 160
"""Shorter messages do not get shorter enough to be worth it."""
_QUICKLY_FROM_BYTES: Final = 64 << 10
_LEVEL: Final = 6
_QUICK_LEVEL: Final = 1
_MEMORY_LEVEL: Final = 8
_TAIL: Final = b"\x00\x00\xff\xff"
LEAST_WINDOW_BITS: Final = 9
MOST_WINDOW_BITS: Final = 15


class Frame:
    """One message of text."""

    __slots__ = ("_packed", "_plain", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._plain: bytes | None = None
        self._packed: dict[int, bytes] = {}

    def wire(self, window_bits: int = 0) -> bytes:
        """Return it for a client: one that compresses has a window of so many bits, 0 stands for none."""
        if window_bits and len(self.text) >= _PACKED_FROM_BYTES:
            found = self._packed.get(window_bits)
            if found is None:
                packed = compressed(self.text, window_bits)
                found = self._packed[window_bits] = framed(packed, _TEXT_FRAME | _COMPRESSED)
            return found
        if self._plain is None:
            self._plain = framed(self.text, _TEXT_FRAME)
        return self._plain


def compressed(text: bytes, window_bits: int) -> bytes:
    """Return a message's text as permessage-deflate has it, on its own (RFC 7692, section 7.2.1)."""
    level = _QUICK_LEVEL if len(text) >= _QUICKLY_FROM_BYTES else _LEVEL
    packer = zlib.compressobj(level, zlib.DEFLATED, -window_bits, _MEMORY_LEVEL)
    return (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH)).removesuffix(_TAIL)


def framed(payload: bytes, first: int) -> bytes:
    """Return a payload behind the head of its frame (RFC 6455, section 5.2)."""
    size = len(payload)
    if size < _SHORT:
        return bytes((first, size)) + payload
    if size < _MEDIUM:
        return bytes((first, _SHORT)) + size.to_bytes(2, "big") + payload
    return bytes((first, _SHORT + 1)) + size.to_bytes(8, "big") + payload
