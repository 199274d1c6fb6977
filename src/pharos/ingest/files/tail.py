"""The loop that follows files: finds them, reads what was added, and notes how far once that is durable."""

from __future__ import annotations

import asyncio
import fnmatch
import glob
import logging
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from msgspec import Struct, field

from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.ingest.events.documents import made_of
from pharos.ingest.events.requests import Value, log_record, resource_of
from pharos.ingest.events.trace_ids import TraceIds
from pharos.ingest.files.follow import FollowedFile, Position, file_key, head_of
from pharos.ingest.files.formats import FileFormat
from pharos.ingest.files.joiners import Piece
from pharos.ingest.files.positions import Positions
from pharos.ingest.listen.gather import Gatherer, Pause

_LOG = logging.getLogger(__name__)

SOURCE: Final = "files"
_NS_IN_MS: Final = 1_000_000
_ROUND_S: Final = 0.25
_ROUNDS_TO_SCAN: Final = 4
_ROUNDS_TO_FLUSH: Final = 4
"""After so many rounds without a byte, what is held of a record is complete."""
_ROUNDS_TO_LEAVE: Final = 40
"""After so many, a file that was renamed away or deleted is let go."""
_HEAD_LEAST: Final = 64
"""So many bytes at least tell two files apart."""
_FILES_MOST: Final = 2048
_PACKED: Final = (".gz", ".bz2", ".xz", ".zst", ".zip")
_POD_PATH: Final = re.compile(r"/pods/([^/_]+)_([^/_]+)_([^/_]+)/([^/]+)/\d+\.log")
_CONTAINER_PATH: Final = re.compile(r"/containers/([^/_]+)_([^/_]+)_([^/_]+)-([0-9a-f]{64})\.log\Z")


class FileSource(Struct, frozen=True):
    """Which files are followed, and how."""

    patterns: tuple[str, ...]
    form: FileFormat
    exclude: tuple[str, ...] = ()
    attributes: dict[str, Value] = field(default_factory=dict)
    from_start: bool = True
    oldest_ns: int = 0
    """Older times of lines do not count; 0 counts them all."""


class Tail:
    """Follows the files of some sources, all of one tenant."""

    def __init__(
        self,
        sources: Iterable[FileSource],
        gatherer: Gatherer,
        positions: Positions,
        clock: Clock,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self._sources = tuple(sources)
        self._gatherer = gatherer
        self._positions = positions
        self._clock = clock
        self._pause = pause
        self._files: dict[str, tuple[FollowedFile, FileSource]] = {}
        self._is_first = positions.is_empty
        self._last_ns = 0
        self._round = 0
        self._before_cut: dict[str, Position] = {}
        """How far files that were cut had been taken: copies of them are not read again."""
        self._told: set[str] = set()

    async def run(self) -> None:
        """Follow, until it is cancelled."""
        while True:
            if not await self.step():
                await self._pause(_ROUND_S)

    async def step(self) -> bool:
        """Read what was added to each file; return whether there was anything."""
        if self._round % _ROUNDS_TO_SCAN == 0:
            await asyncio.to_thread(self.scan)
        self._round += 1
        some = False
        for followed, source in list(self._files.values()):
            pieces = await asyncio.to_thread(self._read, followed)
            resource = self._resource(followed.path, source)
            for piece in pieces:
                self._judge_time(piece, source)
                self._add(piece, resource)
            some |= followed.idle_rounds == 0
            await self._gatherer.room()
        await self._settle()
        self._leave()
        return some

    def scan(self) -> None:
        """Open the files that are new, and note new names of those that are open."""
        for source in self._sources:
            for name in self._names(source):
                try:
                    self._find(Path(name), source)
                except OSError as exc:
                    self._tell(name, f"cannot be read: {exc.strerror or exc}")
        self._is_first = False

    def _names(self, source: FileSource) -> list[str]:
        found = {name for one in source.patterns for name in glob.iglob(one, recursive=True)}  # noqa: PTH207
        left = (
            name
            for name in found
            if not name.endswith(_PACKED)
            and not any(fnmatch.fnmatch(name, pattern) for pattern in source.exclude)
        )
        return sorted(left)

    def _find(self, path: Path, source: FileSource) -> None:
        stat = path.stat()
        key = file_key(stat)
        if key in self._files:
            self._files[key][0].path = path
            return
        if not path.is_file():
            return
        if len(self._files) >= _FILES_MOST:
            self._tell(str(path), f"is not followed: {_FILES_MOST} files are")
            return
        # What appears later is read from its beginning: it was not there when we came.
        from_start = source.from_start or not self._is_first
        position = self._positions.of(key) or self._copied(path)
        self._files[key] = FollowedFile(path, source.form, position, from_start), source

    def _copied(self, path: Path) -> Position | None:
        """Return how far the file had been taken of which this one is a copy (copytruncate)."""
        known = [
            *(one.position() for one, _ in self._files.values() if one.taken),
            *self._before_cut.values(),
        ]
        with path.open("rb", buffering=0) as file:
            for one in known:
                if one.head_bytes >= _HEAD_LEAST and head_of(file, one.head_bytes) == one.head:
                    return one
        return None

    def _tell(self, name: str, what: str) -> None:
        if name not in self._told:
            self._told.add(name)
            _LOG.warning("%s %s", name, what)

    def _read(self, followed: FollowedFile) -> list[Piece]:
        try:
            known = self._positions.of(followed.key)
            if known is not None and followed.size() < followed.offset:
                self._before_cut[followed.key] = known
            pieces = followed.read_some()
            if followed.idle_rounds == _ROUNDS_TO_FLUSH:
                pieces += followed.flush_joined()
        except OSError as exc:
            self._tell(str(followed.path), f"cannot be read: {exc.strerror or exc}")
            return []
        return pieces

    def _judge_time(self, piece: Piece, source: FileSource) -> None:
        """Let a time that is too old be an attribute only: nobody would find the line by it."""
        if source.oldest_ns and 0 < piece.ts_ns < self._clock.now_ns() - source.oldest_ns:
            told = format_time_ms(piece.ts_ns // _NS_IN_MS)
            piece.ts_ns = 0
            piece.attributes["log.time"] = told

    def _add(self, piece: Piece, resource: dict[str, Value]) -> None:
        document = piece.attributes.get("")
        ts_ns = piece.ts_ns
        if not ts_ns:
            # Lines that were read together stay in their order.
            ts_ns = self._last_ns = max(self._last_ns + 1, self._clock.now_ns())
        if isinstance(document, dict):
            try:
                made = made_of(document, ts_ns=ts_ns, also=resource)
            except PharosError:
                document = None
            else:
                self._gatherer.add(
                    made.resource, made.record, len(piece.text), is_cut=piece.is_cut or made.is_cut
                )
                return
        ids = TraceIds()
        attributes = {name: value for name, value in piece.attributes.items() if name}
        for name, value in attributes.items():
            ids.look(name, value)
        record = log_record(
            piece.text, ts_ns=ts_ns, attributes=attributes.items(), trace_id=ids.trace_id, span_id=ids.span_id
        )
        self._gatherer.add(
            resource_of(sorted(resource.items())), record, len(piece.text), is_cut=piece.is_cut
        )

    @staticmethod
    def _resource(path: Path, source: FileSource) -> dict[str, Value]:
        """Return what is known of a file's lines by where it is, and by the settings."""
        name = str(path)
        found: dict[str, Value] = {"log.file.path": name}
        if (pod := _POD_PATH.search(name)) is not None:
            found |= {
                "k8s.namespace.name": pod[1],
                "k8s.pod.name": pod[2],
                "k8s.pod.uid": pod[3],
                "k8s.container.name": pod[4],
                "service.name": pod[4],
            }
        elif (container := _CONTAINER_PATH.search(name)) is not None:
            found |= {
                "k8s.pod.name": container[1],
                "k8s.namespace.name": container[2],
                "k8s.container.name": container[3],
                "container.id": container[4],
                "service.name": container[3],
            }
        return found | source.attributes

    async def _settle(self) -> None:
        """Note how far files were taken, once everything that was read is durable."""
        moved = {
            key: offset for key, (one, _) in self._files.items() if (offset := one.safe_offset()) != one.taken
        }
        if not await self._gatherer.settled() and self._gatherer.is_closing:
            return
        if not moved:
            return
        for key, offset in moved.items():
            self._files[key][0].taken = offset
        try:
            changed = {key: self._files[key][0].position() for key in moved}
            await asyncio.to_thread(self._positions.keep, changed)
        except OSError as exc:
            self._tell("positions of files", f"cannot be written: {exc.strerror or exc}")

    def _leave(self) -> None:
        """Let go of files that have no name any more, or another one's, and grow no more."""
        for key, (one, _) in list(self._files.items()):
            if one.idle_rounds < _ROUNDS_TO_LEAVE or one.idle_rounds % _ROUNDS_TO_LEAVE:
                continue
            try:
                is_there = file_key(one.path.stat()) == key
            except OSError:
                is_there = False
            if not is_there:
                one.close()
                del self._files[key]

    def close(self) -> None:
        """Let go of all files."""
        for one, _ in self._files.values():
            one.close()
        self._files.clear()
