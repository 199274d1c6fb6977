"""Folders for what could not be loaded: someone may want to look at it, but it must not fill the disk."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from pharos.telemetry import WAL_ASIDE_BYTES, WAL_ASIDE_REMOVED
from pharos.wal.files import Files, write_whole
from pharos.wal.format import Buffer

_LOG = logging.getLogger(__name__)

DAMAGED_FOLDER: Final = "damaged"
DEAD_LETTER_FOLDER: Final = "dead-letter"
_NAME: Final = re.compile(r"\d{19}[-.]")


class Aside:
    """One such folder, whose names begin with a segment's, so that their order is that of age.

    What would make the folder larger than `limit_bytes` takes the place of the oldest; what is larger by
    itself is kept alone. Files that differ only behind the dot go together; others are nobody's business.
    """

    def __init__(self, files: Files, folder: Path, limit_bytes: int) -> None:
        self._files = files
        self._folder = folder
        self._limit_bytes = limit_bytes

    def trim(self) -> None:
        """Bring what earlier processes left below the limit, as far as it can be removed."""
        try:
            if self._folder.name in self._files.names(self._folder.parent):
                self._make_room("", 0)
        except OSError as exc:
            _LOG.warning("%s could not be looked through: %s", self._folder, exc)

    def write(self, name: str, chunks: Iterable[Buffer], length: int) -> Path:
        """Keep `length` bytes, durably, in place of what has that name; raises OSError."""
        self._files.make_folder(self._folder)
        self._make_room(name, length)
        path = self._folder / name
        write_whole(self._files, path, chunks)
        return path

    def take_in(self, path: Path, length: int) -> Path:
        """Move the file `path`, which has `length` bytes, into the folder; raises OSError."""
        self._files.make_folder(self._folder)
        self._make_room(path.name, length)
        self._files.rename(path, self._folder / path.name)
        self._files.sync_folder(self._folder)
        return self._folder / path.name

    def held_bytes(self) -> int:
        """Return how much is kept; raises OSError."""
        if self._folder.name not in self._files.names(self._folder.parent):
            return 0
        return sum(map(self._size, filter(_NAME.match, self._files.names(self._folder))))

    def drop(self, is_unwanted: Callable[[bytes], bool]) -> int:
        """Remove the groups of whose JSON file `is_unwanted` says so; return how many; raises OSError."""
        if self._folder.name not in self._files.names(self._folder.parent):
            return 0
        names = [*filter(_NAME.match, self._files.names(self._folder))]
        going = {
            _group(name)
            for name in names
            if name.endswith(".json") and is_unwanted((self._folder / name).read_bytes())
        }
        # What tells of a payload goes last: a removal that is interrupted is repeated.
        for name in sorted((name for name in names if _group(name) in going), key=_is_about):
            self._files.unlink(self._folder / name)
        if going:
            self._files.sync_folder(self._folder)
        return len(going)

    def _make_room(self, name: str, length: int) -> None:
        """Remove the oldest until `length` bytes more, named `name`, fit below the limit.

        Its own group stays, or the newest if there is no name.
        """
        names = [found for found in self._files.names(self._folder) if _NAME.match(found) and found != name]
        sizes = {found: self._size(found) for found in names}
        total, going = sum(sizes.values()) + length, ""
        staying = _group(name or max(names, default=""))
        for found, size in sizes.items():
            group = _group(found)
            if group == staying or (total <= self._limit_bytes and group != going):
                continue
            going = group
            if self._remove(found, size):
                total -= size
        WAL_ASIDE_BYTES.labels(self._folder.name).set(total)

    def _remove(self, name: str, size: int) -> bool:
        try:
            self._files.unlink(self._folder / name)
        except OSError as exc:
            _LOG.warning("%s could not be removed: %s", self._folder / name, exc)
            return False
        WAL_ASIDE_REMOVED.labels(self._folder.name).inc(size)
        _LOG.warning("%s was removed to make room for what was set aside later", self._folder / name)
        return True

    def _size(self, name: str) -> int:
        fd = self._files.open(self._folder / name)
        try:
            return self._files.size(fd)
        finally:
            self._files.close(fd)


def _is_about(name: str) -> bool:
    return name.endswith(".json")


def _group(name: str) -> str:
    return name.partition(".")[0]
