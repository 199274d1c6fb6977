"""Reading segments, and what is found in a folder at start: intact frames stay, damaged ranges are set aside.

Memory is bounded by the largest frame: a segment is read through a window.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.telemetry import WAL_DAMAGED_BYTES
from pharos.wal.aside import Aside
from pharos.wal.files import Files, read_range
from pharos.wal.format import (
    SEGMENT_HEAD_BYTES,
    Broken,
    Frame,
    Span,
    mark_of,
    read_segment_head,
    scan,
)

_LOG = logging.getLogger(__name__)

_WINDOW_BYTES: Final = 4 * 1024 * 1024
_FILE = re.compile(r"(\d{19})\.wal\Z")


class Damage(Struct, frozen=True):
    """A range of a segment without an intact frame, and where its bytes were kept (None: nowhere)."""

    file: str
    offset: int
    length: int
    reason: str
    kept: Path | None


class Recovery(Struct, frozen=True):
    """What was found in the folder when the log was opened; `bytes` counts whole segment files."""

    segments: int = 0
    frames: int = 0
    bytes: int = 0
    damaged: tuple[Damage, ...] = ()


def file_of(segment: str) -> str:
    """Return the file name of a segment."""
    return f"{segment}.wal"


def segment_named(number: int) -> str:
    """Return the name of segment `number`; names sort as their numbers do."""
    return f"{number:019d}"


def segments_in(files: Files, folder: Path) -> list[str]:
    """Return the names of the segments in `folder`, oldest first; other files are nobody's business."""
    return [found[1] for name in files.names(folder) if (found := _FILE.match(name))]


class _Window:
    """A file's bytes, of which a few megabytes, or the largest frame, are in memory at a time."""

    def __init__(self, files: Files, fd: int, size: int) -> None:
        self.size = size
        self._files = files
        self._fd = fd
        self._start = 0
        self._held = memoryview(b"")

    def at(self, offset: int, length: int) -> memoryview:
        """Return `length` bytes from `offset`."""
        if offset < self._start or offset + length > self._start + len(self._held):
            wanted = min(max(length, _WINDOW_BYTES), self.size - offset)
            self._held = memoryview(b"")
            self._held = memoryview(read_range(self._files, self._fd, offset, wanted))
            self._start = offset
        return self._held[offset - self._start : offset - self._start + length]

    def find(self, mark: bytes, start: int) -> int:
        """Return where `mark` first occurs at or after `start`, -1 if nowhere."""
        while start + len(mark) <= self.size:
            length = min(_WINDOW_BYTES, self.size - start)
            found = bytes(self.at(start, length)).find(mark)
            if found >= 0:
                return start + found
            start += length - len(mark) + 1
        return -1


class _Whole:
    """A segment's bytes, all in memory, so that views into them stay valid."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self._content = content
        self._view = memoryview(content)

    def at(self, offset: int, length: int) -> memoryview:
        """Return `length` bytes from `offset`."""
        return self._view[offset : offset + length]

    def find(self, mark: bytes, start: int) -> int:
        """Return where `mark` first occurs at or after `start`, -1 if nowhere."""
        return self._content.find(mark, start)


def read_segment(
    files: Files, folder: Path, segment: str, secret: bytes, limit: int
) -> tuple[list[Frame], list[Broken]]:
    """Return the intact frames of a segment's first `limit` bytes in order, and the ranges between them.

    Raises OSError when the file cannot be opened, PharosError(UNSUPPORTED) for another version's segment.
    """
    fd = files.open(folder / file_of(segment))
    try:
        source = _Whole(read_range(files, fd, 0, min(files.size(fd), limit)))
    finally:
        files.close(fd)
    frames: list[Frame] = []
    broken: list[Broken] = []
    for part in _parts(source, segment, secret):
        if isinstance(part, Broken):
            broken.append(part)
        else:
            payload = source.at(part.payload_offset, part.end - part.payload_offset)
            frames.append(Frame(part.kind, part.tenant, part.recv_ns, payload))
    return frames, broken


def _parts(source: _Whole | _Window, segment: str, secret: bytes) -> Iterator[Span | Broken]:
    if source.size < SEGMENT_HEAD_BYTES:
        return
    head = read_segment_head(segment, source.at(0, SEGMENT_HEAD_BYTES))
    if head is None:
        yield Broken(0, SEGMENT_HEAD_BYTES, "segment header damaged")
    yield from scan(source, mark_of(secret, int(segment)) if head is None else head.mark)


def recover(files: Files, folder: Path, secret: bytes, aside: Aside) -> tuple[Recovery, dict[str, int]]:
    """Look through every segment of `folder`; return what was found and the sizes of the segments to load.

    Intact frames stay where they are. Damaged ranges are copied into `aside`; a segment without a
    single intact frame is moved there whole, and one that never got a frame is removed. Raises
    PharosError(UNSUPPORTED) before anything is touched when a segment is of another version, OSError when
    the folder cannot be read.
    """
    names = segments_in(files, folder)
    for name in names:
        _check_version(files, folder, name)
    sizes: dict[str, int] = {}
    damaged: list[Damage] = []
    frames = 0
    for name in names:
        size, intact, broken = _survey(files, folder, name, secret)
        frames += intact
        if intact:
            sizes[name] = size
            damaged += [set_aside(files, folder, name, part, aside) for part in broken]
        elif size <= SEGMENT_HEAD_BYTES:
            files.unlink(folder / file_of(name))
        else:
            damaged.append(_move_aside(folder, name, size, broken, aside))
    if len(sizes) < len(names):
        files.sync_folder(folder)
    return Recovery(len(sizes), frames, sum(sizes.values()), tuple(damaged)), sizes


def _check_version(files: Files, folder: Path, segment: str) -> None:
    fd = files.open(folder / file_of(segment))
    try:
        read_segment_head(segment, read_range(files, fd, 0, min(files.size(fd), SEGMENT_HEAD_BYTES)))
    finally:
        files.close(fd)


def _survey(files: Files, folder: Path, segment: str, secret: bytes) -> tuple[int, int, list[Broken]]:
    """Return where a segment ends, how many intact frames it has, and its broken ranges."""
    fd = files.open(folder / file_of(segment))
    try:
        window = _Window(files, fd, files.size(fd))
        parts = list(_parts(window, segment, secret))
        end = window.size
        last = parts[-1] if parts else None
        if isinstance(last, Broken) and _is_reserved(window, segment):
            end = _written_until(window, last.offset)
            parts[-1:] = [replace(last, length=end - last.offset)] if end > last.offset else []
    finally:
        files.close(fd)
    broken = [part for part in parts if isinstance(part, Broken)]
    return end, len(parts) - len(broken), broken


def _is_reserved(window: _Window, segment: str) -> bool:
    """Return whether a segment is as long as it was made before it had frames: it was not sealed."""
    head = read_segment_head(segment, window.at(0, SEGMENT_HEAD_BYTES))
    return head is not None and head.reserved == window.size


def _written_until(window: _Window, least: int) -> int:
    """Return the end of what is not zero, `least` if all is from there on."""
    end = window.size
    while end > least:
        length = min(_WINDOW_BYTES, end - least)
        written = len(bytes(window.at(end - length, length)).rstrip(b"\0"))
        end -= length - written
        if written:
            break
    return end


def set_aside(files: Files, folder: Path, segment: str, part: Broken, aside: Aside) -> Damage:
    """Copy a broken range into `aside`, count it, and return what is to be said about it."""
    kept: Path | None = None
    try:
        fd = files.open(folder / file_of(segment))
        try:
            chunks = (
                read_range(files, fd, at, min(_WINDOW_BYTES, part.offset + part.length - at))
                for at in range(part.offset, part.offset + part.length, _WINDOW_BYTES)
            )
            kept = aside.write(f"{segment}-{part.offset}-{part.length}", chunks, part.length)
        finally:
            files.close(fd)
    except OSError as exc:
        _LOG.warning("damaged bytes of log segment %s were not kept: %s", segment, exc)
    return _tell(Damage(file_of(segment), part.offset, part.length, part.reason, kept))


def _move_aside(folder: Path, segment: str, size: int, broken: list[Broken], aside: Aside) -> Damage:
    kept: Path | None = None
    try:
        kept = aside.take_in(folder / file_of(segment), size)
    except OSError as exc:
        _LOG.warning("damaged log segment %s could not be moved: %s", segment, exc)
    return _tell(Damage(file_of(segment), 0, size, broken[-1].reason, kept))


def _tell(damage: Damage) -> Damage:
    WAL_DAMAGED_BYTES.inc(damage.length)
    _LOG.warning(
        "log segment %s: %d bytes at %d are no intact frame (%s), %s",
        damage.file,
        damage.length,
        damage.offset,
        damage.reason,
        f"kept as {damage.kept}" if damage.kept else "not kept",
    )
    return damage
