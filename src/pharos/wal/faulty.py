"""A medium that fails when told to, and that can be cut from power: the fake of `Files`, for tests.

It works on real files through `OsFiles` and remembers beside them what has been synced.
"""

from __future__ import annotations

import errno
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field

from pharos.wal.files import OsFiles
from pharos.wal.format import Buffer


class Fault(Struct):
    """One operation that fails: its name in `Files`, the error number, on files whose name ends so."""

    operation: str
    error: int
    suffix: str = ""
    times: int = 1


class FaultyFiles(Struct, eq=False):
    """Files on a medium with limited space, planned faults, and a power switch."""

    space: int | None = None
    """Bytes that writes may still take before they fail half-way with ENOSPC; None is no limit."""
    faults: list[Fault] = field(default_factory=list)
    """What fails, in this order; a fault is gone when it has happened `times` times."""
    before: Callable[[str, Path], None] | None = None
    """Called with an operation and its path before it is done; may block it."""
    _real: OsFiles = field(default_factory=OsFiles)
    _paths: dict[int, Path] = field(default_factory=dict)
    _synced: dict[Path, bytes] = field(default_factory=dict)
    _entries: dict[Path, dict[str, Path]] = field(default_factory=dict)
    _covered: dict[Path, int] = field(default_factory=dict)
    """Which sync of a folder its entries are those of."""
    _beginnings: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def power_cut_into(self, folder: Path, target: Path) -> None:
        """Copy into `target` what a power cut at this moment would leave of `folder`, at the least.

        That is: only entries that a sync of the folder covered, only bytes that a sync of the file covered.
        """
        target.mkdir(parents=True)
        with self._lock:
            for name, source in self._entries.get(folder, {}).items():
                (target / name).write_bytes(self._synced.get(source, b""))

    def make_folder(self, path: Path) -> None:
        """Make `path` and its parents where they are missing."""
        self._check("make_folder", path)
        self._real.make_folder(path)

    def names(self, folder: Path) -> list[str]:
        """Return the names in `folder`, sorted."""
        self._check("names", folder)
        return self._real.names(folder)

    def create(self, path: Path) -> int:
        """Return a descriptor that writes the new file `path`."""
        self._check("create", path)
        fd = self._real.create(path)
        with self._lock:
            self._paths[fd] = path
            self._synced.pop(path, None)
        return fd

    def open(self, path: Path) -> int:
        """Return a descriptor that reads the file `path`."""
        self._check("open", path)
        fd = self._real.open(path)
        with self._lock:
            self._paths[fd] = path
        return fd

    def size(self, fd: int) -> int:
        """Return the file's length in bytes."""
        self._check("size", self._paths[fd])
        return self._real.size(fd)

    def reserve(self, fd: int, length: int) -> None:
        """Make the file so long, on the medium; where space is limited none of it is given away ahead."""
        path = self._paths[fd]
        self._check("reserve", path)
        with self._lock:
            if self.space is not None:
                raise _error(errno.ENOSPC, path)
            self._real.reserve(fd, length)
            self._synced[path] = self._real.read(fd, length, 0)

    def write(self, fd: int, buffers: Sequence[Buffer], offset: int) -> int:
        """Write `buffers`, or the part of them for which there is space."""
        self._check("write", self._paths[fd])
        with self._lock:
            content = b"".join(buffers)
            if self.space is None:
                return self._real.write(fd, (content,), offset)
            fitting = content[: self.space]
            if content and not fitting:
                raise _error(errno.ENOSPC, self._paths[fd])
            self.space -= len(fitting)
            return self._real.write(fd, (fitting,), offset)

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Return up to `length` bytes from `offset`."""
        self._check("read", self._paths[fd])
        return self._real.read(fd, length, offset)

    def sync(self, fd: int) -> None:
        """Remember the file's bytes as being on the medium."""
        path = self._paths[fd]
        with self._lock:
            content = self._real.read(fd, self._real.size(fd), 0)
        self._check("sync", path)
        with self._lock:
            self._synced[path] = content

    def sync_folder(self, path: Path) -> None:
        """Remember the folder's entries as being on the medium."""
        with self._lock:
            began = next(self._beginnings)
            entries = {name: path / name for name in self._real.names(path) if (path / name).is_file()}
        self._check("sync_folder", path)
        with self._lock:
            # What a sync covered that began later and is done already stays covered.
            if began > self._covered.get(path, -1):
                self._covered[path], self._entries[path] = began, entries

    def truncate(self, fd: int, length: int) -> None:
        """Cut the file to `length` bytes."""
        self._check("truncate", self._paths[fd])
        if self.space is not None:
            self.space += self._real.size(fd) - length
        self._real.truncate(fd, length)

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        with self._lock:
            del self._paths[fd]
        self._real.close(fd)

    def unlink(self, path: Path) -> None:
        """Remove the file `path`."""
        self._check("unlink", path)
        self._real.unlink(path)

    def rename(self, path: Path, target: Path) -> None:
        """Move the file `path` to `target`; its bytes go with it."""
        self._check("rename", path)
        self._real.rename(path, target)
        with self._lock:
            self._synced[target] = self._synced.pop(path, b"")

    def _check(self, operation: str, path: Path) -> None:
        if self.before is not None:
            self.before(operation, path)
        with self._lock:
            for fault in self.faults:
                if fault.operation == operation and path.name.endswith(fault.suffix):
                    fault.times -= 1
                    if fault.times == 0:
                        self.faults.remove(fault)
                    raise _error(fault.error, path)


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
