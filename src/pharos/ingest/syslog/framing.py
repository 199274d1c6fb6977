"""A stream of bytes becomes syslog messages: octet counting and lines, on one connection even (RFC 6587)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_COUNT: Final = re.compile(rb"([1-9][0-9]{0,8}) <")
_MAYBE_COUNT: Final = re.compile(rb"[1-9][0-9]{0,8} ?\Z")
_NUL_TRAILER: Final = re.compile(rb"\0+(?=<[0-9]{1,3}>|\Z)")
_NUL_BETWEEN: Final = re.compile(rb"\0+(?=<[0-9]{1,3}>)")
_BETWEEN: Final = b"\n\r\0"


class Framer:
    """Finds the messages in what comes of a connection; of one that is too long the rest is left out."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._buffer = b""
        self._left = 0
        """So many bytes of a counted message are still to be left out."""
        self._is_leaving_line = False
        self._is_of_nul = False
        """Whether a message ended with a NUL, so that the next one is whole when its NUL has come."""

    def feed(self, part: bytes) -> Iterator[tuple[bytes, bool]]:
        """Yield each message that is complete, and whether its end was left out."""
        buffer = self._buffer + part if self._buffer else part
        at = 0
        while True:
            found = self._next(buffer, at)
            if found is None:
                break
            at, message, is_cut = found
            if message is not None:
                yield from self._messages(message, is_cut)
        self._buffer = buffer[self._start(buffer, at) :]

    def end(self) -> Iterator[tuple[bytes, bool]]:
        """Yield what is left of a connection that has ended: a last line may lack its end."""
        rest, self._buffer = self._buffer, b""
        if rest and not self._is_leaving_line and not self._left:
            yield from self._messages(rest, is_cut=False)

    def _start(self, buffer: bytes, at: int) -> int:
        """Return where what is kept begins: bytes that are left out are not kept."""
        if self._left:
            skipped = min(self._left, len(buffer) - at)
            self._left -= skipped
            return at + skipped
        return len(buffer) if self._is_leaving_line else at

    def _next(self, buffer: bytes, at: int) -> tuple[int, bytes | None, bool] | None:
        """Return (where the rest begins, a message or None, whether it is cut); None if more must come."""
        if self._left:
            if len(buffer) - at < self._left:
                return None
            at, self._left = at + self._left, 0
            return at, None, False
        if self._is_leaving_line:
            left_out = self._line_end(buffer, at)
            if left_out is None:
                return None
            self._is_leaving_line = False
            return left_out[1], None, False
        began = at
        while at < len(buffer) and buffer[at] in _BETWEEN:
            at += 1
        if at == len(buffer):
            return (at, None, False) if at > began else None
        counted = _COUNT.match(buffer, at)
        if counted is not None:
            return self._counted(buffer, counted.end() - 1, int(counted[1]))
        if _MAYBE_COUNT.match(buffer, at):
            return None
        ended = self._line_end(buffer, at)
        if ended is not None:
            length = ended[0] - at
            is_cut = length > self._most_bytes
            return ended[1], buffer[at : at + min(length, self._most_bytes)], is_cut
        if len(buffer) - at > self._most_bytes:
            self._is_leaving_line = True
            return len(buffer), buffer[at : at + self._most_bytes], True
        return None

    def _line_end(self, buffer: bytes, at: int) -> tuple[int, int] | None:
        """Return (where a line ends, where what follows begins): at a line break, or at a NUL that ends it.

        A NUL ends a message if another one follows it; a NUL within a text is a part of it.
        """
        end = buffer.find(b"\n", at)
        before = len(buffer) if end < 0 else end
        if buffer.find(b"\0", at, before) >= 0:
            trailer = (_NUL_TRAILER if self._is_of_nul else _NUL_BETWEEN).search(buffer, at, before)
            if trailer is not None:
                self._is_of_nul = True
                return trailer.span()
        return None if end < 0 else (end, end + 1)

    def _counted(self, buffer: bytes, start: int, length: int) -> tuple[int, bytes, bool] | None:
        if length > self._most_bytes:
            if len(buffer) - start < self._most_bytes:
                return None
            end = start + self._most_bytes
            self._left = length - self._most_bytes
            return end, buffer[start:end], True
        end = start + length
        return None if len(buffer) < end else (end, buffer[start:end], False)

    @staticmethod
    def _messages(raw: bytes, is_cut: bool) -> Iterator[tuple[bytes, bool]]:
        """Yield a message, or several that end with a NUL."""
        for one in _NUL_TRAILER.split(raw) if b"\0" in raw else (raw,):
            kept = one.rstrip(b"\r\n\0")
            if kept:
                yield kept, is_cut
