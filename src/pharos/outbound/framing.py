"""HTTP/1.1 answers as the wild sends them, made plain for a strict parser.

What counts is what Go's client takes, since exporters are tried against Prometheus (net/http readTransfer,
net/textproto): lines may end with LF alone, headers may be folded, long and many, a reason may be missing,
`Transfer-Encoding: chunked` overrides a length, lengths that agree may be said twice, interim answers are
passed over, and what follows the end is nobody's answer. What Go refuses is refused here, in words.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

HEAD_MAX_BYTES: Final = 1 << 20
"""Of status line and headers together; Go takes ten times as much, and nobody sends it."""
_LINE_MAX_BYTES: Final = 4096
"""Of the line before a chunk."""
_INTERIM_AT_MOST: Final = 16
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS_LINE: Final = re.compile(rb"HTTP/(\d)\.(\d) +(\d{3})(?: (.*))?\Z", re.DOTALL)
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z ]+\Z")
_TOKEN: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_UNPRINTABLE: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_HEX: Final = re.compile(rb"[0-9a-fA-F]{1,16}\Z")
_FRAMING: Final = frozenset(
    {b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"upgrade", b"trailer"}
)
_NO_BODY: Final = frozenset({101, 204, 304})


class FramingError(Exception):
    """The answer is none that can be read; the text says why."""


class _At(Enum):
    """What comes next."""

    HEAD = auto()
    LENGTH = auto()
    CHUNK_LINE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    UNTIL_CLOSED = auto()
    END = auto()


class AnswerFraming:
    """One answer after the other of a connection; `begin` before each."""

    def __init__(self) -> None:
        self._at = _At.END
        self._pending = bytearray()
        self._searched = 0
        """So far no end of a line or head was found in what is pending."""
        self._left = 0
        self._interim = 0
        self._has_body = True
        self.has_excess = False
        """Whether bytes came that belong to no answer: the connection serves no more."""

    def begin(self, *, has_body: bool) -> None:
        """Await an answer, without a body to a HEAD."""
        self._at = _At.HEAD
        self._has_body = has_body
        self._interim = 0

    def feed(self, received: bytes) -> bytes:
        """Return what the bytes are for a strict parser; may be nothing yet.

        Raises FramingError.
        """
        if self._at is _At.LENGTH and len(received) <= self._left:
            self._left -= len(received)
            if not self._left:
                self._at = _At.END
            return received
        if self._at is _At.UNTIL_CLOSED:
            return received
        self._pending += received
        out: list[bytes] = []
        while self._pending and self._at is not _At.END:
            piece = self._next()
            if piece is None:
                return b"".join(out)
            out.append(piece)
        if self._pending:
            self.has_excess = True
            self._pending.clear()
        return b"".join(out)

    def _next(self) -> bytes | None:
        """Return the next part, made plain; None when more must come first."""
        match self._at:
            case _At.HEAD:
                return self._head()
            case _At.LENGTH:
                part = self._take(min(self._left, len(self._pending)))
                self._left -= len(part)
                if not self._left:
                    self._at = _At.END
                return part
            case _At.CHUNK:
                part = self._take(min(self._left, len(self._pending)))
                self._left -= len(part)
                if not self._left:
                    self._at = _At.CHUNK_END
                return b"%x\r\n%b\r\n" % (len(part), part)
            case _At.UNTIL_CLOSED:
                return self._take(len(self._pending))
            case _:
                return self._line_of_chunks()

    def _take(self, size: int) -> bytes:
        part = bytes(memoryview(self._pending)[:size])
        self._searched = 0
        del self._pending[:size]
        return part

    def _line_of_chunks(self) -> bytes | None:
        """Take the line before or after a chunk, or of the trailer."""
        most = HEAD_MAX_BYTES if self._at is _At.TRAILER else _LINE_MAX_BYTES
        end = self._pending.find(b"\n", self._searched, most)
        if end < 0:
            if len(self._pending) >= most:
                raise FramingError("malformed chunked encoding: a line is too long")
            self._searched = len(self._pending)
            return None
        line = self._take(end + 1).rstrip(b" \t\r\n")
        match self._at:
            case _At.CHUNK_END:
                if line:
                    raise FramingError("malformed chunked encoding")
                self._at = _At.CHUNK_LINE
            case _At.TRAILER:
                if not line:
                    self._at = _At.END
                    return b"0\r\n\r\n"
            case _:
                size = line.partition(b";")[0].rstrip(b" \t")
                if not _HEX.match(size):
                    raise FramingError(f"invalid chunk length {size[:20]!r}")
                self._left = int(size, 16)
                self._at = _At.CHUNK if self._left else _At.TRAILER
        return b""

    def _head(self) -> bytes | None:
        found = _HEAD_END.search(self._pending, self._searched, HEAD_MAX_BYTES)
        if found is None:
            if len(self._pending) >= HEAD_MAX_BYTES:
                raise FramingError(f"the headers are larger than {HEAD_MAX_BYTES} bytes")
            self._searched = max(len(self._pending) - len(b"\r\n\r\n"), 0)
            return None
        lines = [line.removesuffix(b"\r") for line in self._take(found.end())[: found.start()].split(b"\n")]
        status = _STATUS_LINE.match(lines[0])
        if status is None:
            raise FramingError(f"malformed HTTP status line {lines[0][:40]!r}")
        major, minor, code, reason = int(status[1]), int(status[2]), int(status[3]), status[4] or b""
        if 100 <= code < 200 and code != 101:
            self._interim += 1
            if self._interim > _INTERIM_AT_MOST:
                raise FramingError("too many 1xx informational responses")
            return b""
        headers = _headers(lines[1:])
        framing = self._frame(headers, code, is_1_1=(major, minor) >= (1, 1))
        head = [b"HTTP/1.1 %d %b\r\n" % (code, _UNPRINTABLE.sub(b" ", reason).strip())]
        head += [b"%b: %b\r\n" % one for one in headers if one[0].lower() not in _FRAMING]
        if _is_closing(headers, major, minor) or self._at is _At.UNTIL_CLOSED:
            head.append(b"Connection: close\r\n")
        return b"".join([*head, framing, b"\r\n"])

    def _frame(self, headers: list[tuple[bytes, bytes]], code: int, *, is_1_1: bool) -> bytes:
        """Decide where the body ends; return the header that says so."""
        coding = [value for name, value in headers if name.lower() == b"transfer-encoding"]
        # An answer of HTTP/1.0 knows of no chunks, whatever it says.
        if is_1_1 and coding:
            if len(coding) > 1 or coding[0].lower() != b"chunked":
                raise FramingError(f"unsupported transfer encoding: {b', '.join(coding)[:40]!r}")
            if self._has_body and code not in _NO_BODY:
                self._at = _At.CHUNK_LINE
                return b"Transfer-Encoding: chunked\r\n"
        if not self._has_body or code in _NO_BODY:
            self._at = _At.END
            return b"Content-Length: 0\r\n" if self._has_body and code != 304 else b""
        lengths = {value.strip() for name, value in headers if name.lower() == b"content-length"}
        if len(lengths) > 1:
            raise FramingError("the answer says several Content-Length that differ")
        if not lengths:
            self._at = _At.UNTIL_CLOSED
            return b""
        text = lengths.pop()
        if not text.isdigit() or int(text) >> 63:
            raise FramingError(f"bad Content-Length {text[:40]!r}")
        self._left = int(text)
        self._at = _At.LENGTH if self._left else _At.END
        return b"Content-Length: %d\r\n" % self._left


def _headers(lines: list[bytes]) -> list[tuple[bytes, bytes]]:
    """Return names and values, folded lines joined; what no parser could carry on is left out."""
    joined: list[bytes] = []
    for line in lines:
        if line[:1] in {b" ", b"\t"}:
            if not joined:
                raise FramingError("malformed MIME header: the first line is folded")
            joined[-1] += b" " + line.strip(b" \t")
        elif line:
            joined.append(line.rstrip(b" \t"))
    found: list[tuple[bytes, bytes]] = []
    for line in joined:
        name, colon, value = line.partition(b":")
        if not colon or not (_NAME.match(name) or not name):
            raise FramingError(f"malformed MIME header line {line[:40]!r}")
        if _TOKEN.match(name):
            found.append((name, _UNPRINTABLE.sub(b" ", value).strip(b" \t")))
    return found


def _is_closing(headers: list[tuple[bytes, bytes]], major: int, minor: int) -> bool:
    """Return whether the connection ends with this answer (RFC 9112, section 9.3)."""
    tokens = {
        token.strip().lower()
        for name, value in headers
        if name.lower() == b"connection"
        for token in value.split(b",")
    }
    return b"close" in tokens or ((major, minor) < (1, 1) and b"keep-alive" not in tokens)
