"""What the log asks of a file system, and the operating system's answer."""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from pharos.wal.format import Buffer

_BLOCK_BYTES: Final = 4096


class Files(Protocol):
    """The file operations of the log; each may raise OSError as the system call of its name does."""

    def make_folder(self, path: Path) -> None:
        """Make `path` and its parents where they are missing, so that they stay after a power cut."""
        ...

    def names(self, folder: Path) -> list[str]:
        """Return the names in `folder`, sorted."""
        ...

    def create(self, path: Path) -> int:
        """Return a descriptor that writes the new, empty file `path`; it must not exist yet."""
        ...

    def open(self, path: Path) -> int:
        """Return a descriptor that reads the file `path`."""
        ...

    def size(self, fd: int) -> int:
        """Return the file's length in bytes."""
        ...

    def reserve(self, fd: int, length: int) -> None:
        """Return when the file is `length` bytes long on the medium, zeros behind what it had."""
        ...

    def write(self, fd: int, buffers: Sequence[Buffer], offset: int) -> int:
        """Write `buffers` from `offset` on by one call; return how many bytes were taken, maybe fewer."""
        ...

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Return up to `length` bytes from `offset`, empty at the end of the file."""
        ...

    def sync(self, fd: int) -> None:
        """Return when the file's bytes and length are on the medium."""
        ...

    def sync_folder(self, path: Path) -> None:
        """Return when the folder's entries are on the medium."""
        ...

    def truncate(self, fd: int, length: int) -> None:
        """Cut the file to `length` bytes."""
        ...

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        ...

    def unlink(self, path: Path) -> None:
        """Remove the file `path`."""
        ...

    def rename(self, path: Path, target: Path) -> None:
        """Move the file `path` to `target`, in place of what is there."""
        ...


class OsFiles:
    """The operating system's files."""

    def make_folder(self, path: Path) -> None:
        """Make `path` and its parents where they are missing, for this user only, and sync what was made."""
        if path.is_dir():
            return
        self.make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
        self.sync_folder(path.parent)

    def names(self, folder: Path) -> list[str]:
        """Return the names in `folder`, sorted."""
        return sorted(entry.name for entry in folder.iterdir())

    def create(self, path: Path) -> int:
        """Return a descriptor that writes the new file `path`, readable by this user only."""
        return os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)

    def open(self, path: Path) -> int:
        """Return a descriptor that reads the file `path`."""
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def size(self, fd: int) -> int:
        """Return the file's length in bytes."""
        return os.fstat(fd).st_size

    def reserve(self, fd: int, length: int) -> None:
        """Return when the file is `length` bytes long on the medium; with blocks of its own where that works.

        A write that makes no file longer is synced without the file's own entry: one wait instead of two.
        """
        if sys.platform == "darwin":
            os.ftruncate(fd, length)
        else:
            os.posix_fallocate(fd, 0, length)
        self.sync(fd)

    def write(self, fd: int, buffers: Sequence[Buffer], offset: int) -> int:
        """Write `buffers` from `offset` on by one call; return how many bytes were taken."""
        return os.pwritev(fd, buffers, offset)

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Return up to `length` bytes from `offset`."""
        return os.pread(fd, length, offset)

    def sync(self, fd: int) -> None:
        """Return when the file's bytes and length are on the medium.

        On macOS only F_FULLFSYNC empties the drive's own cache (fsync(2) there).
        """
        if sys.platform == "darwin":
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
        else:
            os.fdatasync(fd)

    def sync_folder(self, path: Path) -> None:
        """Return when the folder's entries are on the medium."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, length: int) -> None:
        """Cut the file to `length` bytes."""
        os.ftruncate(fd, length)

    def close(self, fd: int) -> None:
        """Give the descriptor back."""
        os.close(fd)

    def unlink(self, path: Path) -> None:
        """Remove the file `path`."""
        path.unlink()

    def rename(self, path: Path, target: Path) -> None:
        """Move the file `path` to `target`."""
        path.replace(target)


def write_all(files: Files, fd: int, buffers: Sequence[Buffer], offset: int) -> int:
    """Write every byte of `buffers` from `offset` on, over as many calls as the system needs.

    Returns how many they are; raises OSError.
    """
    length = sum(map(len, buffers))
    written = files.write(fd, buffers, offset)
    if written < length:
        whole = memoryview(b"".join(buffers))
        while written < length:
            written += files.write(fd, (whole[written:],), offset + written)
    return length


def write_whole(files: Files, path: Path, chunks: Iterable[Buffer]) -> None:
    """Write the file `path` so that after a crash it is there whole or as it was before; raises OSError."""
    draft = path.with_name(path.name + ".draft")
    if draft.name in files.names(path.parent):
        files.unlink(draft)
    fd = files.create(draft)
    try:
        end = 0
        for chunk in chunks:
            end += write_all(files, fd, (chunk,), end)
        files.sync(fd)
    finally:
        files.close(fd)
    files.rename(draft, path)
    files.sync_folder(path.parent)


def read_range(files: Files, fd: int, offset: int, length: int) -> bytes:
    """Return `length` bytes from `offset`, zeros for blocks that the medium refuses or the file lacks.

    A bad sector must not hide the good ones around it; what is zero here fails its frame's sum later.
    """
    try:
        found = _read_fully(files, fd, offset, length)
    except OSError:
        found = b"".join(
            _read_block(files, fd, at, min(_BLOCK_BYTES, offset + length - at))
            for at in range(offset, offset + length, _BLOCK_BYTES)
        )
    return found if len(found) == length else found.ljust(length, b"\0")


def _read_block(files: Files, fd: int, offset: int, length: int) -> bytes:
    try:
        return _read_fully(files, fd, offset, length).ljust(length, b"\0")
    except OSError:
        return bytes(length)


def _read_fully(files: Files, fd: int, offset: int, length: int) -> bytes:
    """Return `length` bytes, fewer only at the end of the file; one call without copying as a rule."""
    found = files.read(fd, length, offset)
    while len(found) < length:
        more = files.read(fd, length - len(found), offset + len(found))
        if not more:
            break
        found += more
    return found
