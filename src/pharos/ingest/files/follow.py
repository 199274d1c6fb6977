"""One file that is followed: what was added to it is read, and where reading may go on after a crash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct

from pharos.ingest.files.formats import FileFormat, LineReader
from pharos.ingest.files.joiners import Piece

HEAD_BYTES: Final = 256
_READ_BYTES: Final = 256 << 10


class Position(Struct, frozen=True):
    """How far a file was taken: everything before `offset` is durable."""

    path: str
    offset: int
    head: str
    """The digest of its first bytes: another file may get the number of one that was deleted."""
    head_bytes: int


def file_key(stat: os.stat_result) -> str:
    """Return by what a file is known, whatever it is called."""
    return f"{stat.st_dev}:{stat.st_ino}"


def head_of(file: BinaryIO, size: int) -> str:
    """Return the digest of a file's first bytes."""
    return hashlib.sha256(os.pread(file.fileno(), min(size, HEAD_BYTES), 0)).hexdigest()[:32]


class FollowedFile:
    """A file that is open and read as it grows."""

    def __init__(self, path: Path, form: FileFormat, position: Position | None, from_start: bool) -> None:
        self.path = path
        self._form = form
        self._file = path.open("rb", buffering=0)
        stat = os.fstat(self._file.fileno())
        self.key = file_key(stat)
        self._reader = LineReader(form)
        self._rest = b""
        self._is_leaving = False
        """Whether the rest of a line that is too long is left out."""
        self.offset = 0
        """Where `_rest` ends: up to there the file was read."""
        self.taken = 0
        """Everything before is durable."""
        if position is not None and self._is_same(position, stat.st_size):
            self.offset = self.taken = position.offset
        elif not from_start:
            self.offset = self.taken = stat.st_size
        self.idle_rounds = 0

    def _is_same(self, position: Position, size: int) -> bool:
        return size >= position.offset and head_of(self._file, position.head_bytes) == position.head

    def close(self) -> None:
        """Follow it no more."""
        self._file.close()

    def position(self) -> Position:
        """Return how far it was taken."""
        head_bytes = min(HEAD_BYTES, self.taken)
        return Position(str(self.path), self.taken, head_of(self._file, head_bytes), head_bytes)

    def size(self) -> int:
        """Return how large the file is now."""
        return os.fstat(self._file.fileno()).st_size

    def read_some(self) -> list[Piece]:
        """Return the records that are complete in what was added, up to some hundred kilobytes of it.

        Raises OSError.
        """
        found: list[Piece] = []
        if self.size() < self.offset:
            # It was cut to be written anew: what is held of it is complete.
            found += self.flush()
            self._rest, self._is_leaving = b"", False
            self.offset = self.taken = 0
        part = os.pread(self._file.fileno(), _READ_BYTES, self.offset)
        if not part:
            self.idle_rounds += 1
            return found
        self.idle_rounds = 0
        begins = self.offset - len(self._rest)
        self.offset += len(part)
        buffer = self._rest + part
        lines = buffer.split(b"\n")
        self._rest = lines.pop()
        for raw in lines:
            found += self._line(raw, begins)
            begins += len(raw) + 1
        if len(self._rest) > self._form.most_characters:
            if not self._is_leaving:
                found += self._cut(self._rest[: self._form.most_characters], begins)
                self._is_leaving = True
            self._rest = b""
        return found

    def _line(self, raw: bytes, begins: int) -> Iterator[Piece]:
        if self._is_leaving:
            self._is_leaving = False
            return
        text = raw.removesuffix(b"\r").decode("utf-8", "replace")
        if len(text) > self._form.most_characters:
            yield from self._cut(raw[: self._form.most_characters], begins)
        elif text or self._form.languages or self._form.start is not None:
            # Where traces are joined, a blank line may be inside of one.
            yield from self._kept(self._reader.feed(text, begins))

    def _cut(self, raw: bytes, begins: int) -> Iterator[Piece]:
        for piece in self._reader.feed(raw.decode("utf-8", "ignore"), begins):
            piece.is_cut = True
            yield piece

    @staticmethod
    def _kept(pieces: Iterator[Piece]) -> Iterator[Piece]:
        """Yield records but for blank lines of plain text."""
        for piece in pieces:
            if piece.text or piece.attributes:
                yield piece

    def flush(self) -> list[Piece]:
        """Return what is held, without waiting for more; a last line without its end is not waited for."""
        found: list[Piece] = []
        if self._rest and not self._is_leaving:
            begins = self.offset - len(self._rest)
            found += self._line(self._rest, begins)
        self._rest, self._is_leaving = b"", False
        return found + list(self._kept(self._reader.flush()))

    def flush_joined(self) -> list[Piece]:
        """Return what was joined so far, but for a line that has no end yet."""
        return list(self._kept(self._reader.flush()))

    def safe_offset(self) -> int:
        """Return up to where everything was handed on: what is held begins there."""
        held = self._reader.start()
        unread = self.offset - len(self._rest)
        return unread if held is None else min(held, unread)
