"""The numbers that segments are named by: they only grow, whatever is deleted and wherever a crash hits."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path
from typing import Final
from zlib import crc32

from pharos.clock import Clock
from pharos.wal.files import Files, read_range, write_whole

_LOG = logging.getLogger(__name__)

FILE: Final = "sequence"
SECRET_BYTES: Final = 32

_LINE = re.compile(r"(1 (\d{1,19}) ([0-9a-f]{64})) ([0-9a-f]{8})\n\Z")


class SegmentNumbers:
    """The source of segment numbers, and the store's secret that segments' marks are made from.

    The file `sequence` holds an upper bound of all numbers given so far; it is moved ahead of them, a block
    at a time. Should it be lost, the wall clock in milliseconds takes its place: segments are begun at most
    a few times a second, so the clock runs ahead of the numbers too.
    """

    def __init__(
        self, files: Files, folder: Path, clock: Clock, *, found: int, entropy: bytes, at_once: int
    ) -> None:
        """Continue behind the stored bound and behind `found`, the highest number seen in the folder.

        `entropy`, 32 random bytes, becomes the secret of a store that has none yet; `at_once`: so many
        numbers are recorded as given at a time. Raises OSError.
        """
        self._lock = threading.Lock()
        self._files = files
        self._path = folder / FILE
        self._at_once = at_once
        stored = _load(files, folder)
        bound, self.secret = stored if stored is not None else (0, entropy)
        self._next = max(bound, found + 1) if stored is not None else max(clock.now_ms(), found + 1)
        self._bound = 0

    def take(self) -> int:
        """Return a number that no segment of this store has had; raises OSError if it cannot be recorded."""
        with self._lock:
            self._reserve()
            number = self._next
            self._next += 1
            return number

    def reserve_early(self) -> None:
        """Record the first block of numbers now, so that no append waits for it; a full medium may refuse."""
        with self._lock:
            try:
                self._reserve()
            except OSError as exc:
                _LOG.warning("no segment numbers could be reserved yet: %s", exc)

    def _reserve(self) -> None:
        """See to it that the next number lies below the recorded bound; the lock is held."""
        if self._next >= self._bound:
            bound = self._next + self._at_once
            line = f"1 {bound} {self.secret.hex()}"
            write_whole(self._files, self._path, [f"{line} {crc32(line.encode()):08x}\n".encode()])
            self._bound = bound


def _load(files: Files, folder: Path) -> tuple[int, bytes] | None:
    """Return the stored bound and secret, None when there are none or they are damaged."""
    if FILE not in files.names(folder):
        return None
    fd = files.open(folder / FILE)
    try:
        text = read_range(files, fd, 0, min(files.size(fd), 200)).decode("latin-1")
    finally:
        files.close(fd)
    found = _LINE.match(text)
    if found is None or crc32(found[1].encode()) != int(found[4], 16):
        return None
    return int(found[2]), bytes.fromhex(found[3])
