"""The log itself: append from many threads, one thread that syncs in groups, segments handed to the loader.

Rules that hold at every moment:

- A frame is acknowledged only after a sync that began when the frame was already written, and after the
  folder's entry of its segment was synced.
- Only acknowledged frames are ever read while the process lives: a segment becomes visible to `sealed` after
  its last sync, and what a failed sync left behind is cut off. After a crash, everything intact is read.
- After a failed sync nothing is known about the pages written before it, so that descriptor is never synced
  again.
- All syncs of frames, and all closing of segments, happen on the one sync thread; appenders only write.
- The segment after the active one is begun ahead by a thread of its own: the folder's sync, which that needs,
  would hold up who waits for a frame's. It is made about as long as those before it became, so that a frame's
  sync has only the frame's bytes to write and nothing about the file.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Final, Self
from zlib import crc32

import orjson
from msgspec import Struct, field

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.telemetry import WAL_BYTES, WAL_SYNC_SECONDS
from pharos.wal.aside import DAMAGED_FOLDER, DEAD_LETTER_FOLDER, Aside
from pharos.wal.files import Files, OsFiles, write_all
from pharos.wal.format import (
    MAX_PAYLOAD_BYTES,
    MAX_TENANT_BYTES,
    SEGMENT_HEAD_BYTES,
    Buffer,
    Frame,
    mark_of,
    pack_frame_head,
    pack_segment_head,
)
from pharos.wal.numbers import SECRET_BYTES, SegmentNumbers
from pharos.wal.recovery import (
    Recovery,
    file_of,
    read_segment,
    recover,
    segment_named,
    segments_in,
    set_aside,
)
from pharos.wal.waiting import OnSynced, Via, Waiter, tell_all

_LOG = logging.getLogger(__name__)

_LEAST_RESERVED: Final = 64 * 1024
_MOST_RESERVED: Final = 16 * 1024 * 1024


class WalOptions(Struct, frozen=True):
    """Bounds of the log."""

    segment_bytes: int = 20 * 1024 * 1024
    """A frame that would make its segment longer begins the next; a larger one is alone in its segment."""
    retry_after_s: float = 5.0
    """What senders are told to wait when the medium takes nothing."""
    aside_bytes: int = 256 * 1024 * 1024
    """What is kept of damaged bytes, and of frames that were set aside; the oldest go first."""
    numbers_at_once: int = 4096
    """So many segments are begun before the file of their numbers is written again."""


class _Segment(Struct, eq=False):
    """A segment that can still be written or synced."""

    name: str
    path: Path
    fd: int
    mark: bytes
    written: int = SEGMENT_HEAD_BYTES
    synced: int = SEGMENT_HEAD_BYTES
    waiters: list[Waiter] = field(default_factory=list)
    entry_synced: bool = False
    reserved: int = 0
    """How long the file was made ahead."""
    finished: Future[str | None] = field(default_factory=Future)

    @property
    def is_empty(self) -> bool:
        return self.written == SEGMENT_HEAD_BYTES


class Wal:
    """A write-ahead log in one folder, which no other process may use at the same time."""

    def __init__(
        self,
        folder: Path,
        numbers: SegmentNumbers,
        recovered: tuple[Recovery, dict[str, int]],
        aside: tuple[Aside, Aside],
        clock: Clock,
        files: Files,
        options: WalOptions,
    ) -> None:
        self.recovery, self._sealed = recovered
        self._damaged, self._dead_letters = aside
        self._known_damage = {(damage.file, damage.offset) for damage in self.recovery.damaged}
        self._folder = folder
        self._numbers = numbers
        self._clock = clock
        self._files = files
        self._options = options
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._taken = threading.Condition(self._lock)
        """Told when the segment that was begun ahead is taken."""
        self._idle = False
        self._active: _Segment | None = None
        self._spare: _Segment | None = None
        self._spare_wanted = True
        self._usual_bytes = _LEAST_RESERVED
        """About how long segments become."""
        self._last_active = ""
        self._retired: list[_Segment] = []
        self._closing = False
        self._dead: BaseException | None = None
        WAL_BYTES.set(self.unloaded_bytes)
        self._thread = threading.Thread(target=self._sync_until_closed, name="pharos-wal-sync", daemon=True)
        self._thread.start()
        self._spare_thread = threading.Thread(
            target=self._begin_ahead_until_closed, name="pharos-wal-spare", daemon=True
        )
        self._spare_thread.start()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        clock: Clock,
        files: Files | None = None,
        options: WalOptions | None = None,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Return the log in `folder` (made if missing) after recovery; every segment found there is sealed.

        Raises PharosError(UNSUPPORTED) for a segment of another format version, UNAVAILABLE when the folder
        cannot be used. Damage never raises: it is in `recovery`.
        """
        files, options = files or OsFiles(), options or WalOptions()
        try:
            files.make_folder(folder)
            found = max(map(int, segments_in(files, folder)), default=0)
            numbers = SegmentNumbers(
                files,
                folder,
                clock,
                found=found,
                entropy=entropy(SECRET_BYTES),
                at_once=options.numbers_at_once,
            )
            damaged = Aside(files, folder / DAMAGED_FOLDER, options.aside_bytes)
            dead_letters = Aside(files, folder / DEAD_LETTER_FOLDER, options.aside_bytes)
            recovered = recover(files, folder, numbers.secret, damaged)
            damaged.trim()
            dead_letters.trim()
            numbers.reserve_early()
        except OSError as exc:
            raise PharosError(
                Kind.UNAVAILABLE,
                f"the log folder {folder} cannot be used: {exc}",
                hint="it must be a folder that this user may read and write",
            ) from exc
        return cls(folder, numbers, recovered, (damaged, dead_letters), clock, files, options)

    @property
    def unloaded_bytes(self) -> int:
        """How many bytes of segments are not yet committed, the active one's included."""
        with self._lock:
            return self._unloaded_bytes()

    def append(
        self, kind: int, tenant: str, recv_ns: int, payload: Buffer, on_synced: OnSynced, via: Via
    ) -> str:
        """Write one frame, return its segment; `on_synced` is called with None or the error after the sync.

        `kind` is 0 to 255 and the caller's own; the payload is not kept and must not change during the call.
        All callbacks of a group that name the same `via` are called by one call of it
        (`loop.call_soon_threadsafe`: one wake-up of the loop per group). They must not raise. Raises
        PharosError: INVALID or TOO_LARGE for what no frame can hold, UNAVAILABLE (retry_after_s set) when the
        medium takes nothing or the log is closed; then nothing was appended.
        """
        body = payload if type(payload) is bytes else memoryview(payload).cast("B")
        tenant_bytes = _checked(kind, tenant, recv_ns, len(body))
        payload_sum = crc32(body)
        with self._lock:
            segment = self._room_for(len(body))
            head = pack_frame_head(segment.mark, kind, tenant_bytes, recv_ns, len(body), payload_sum)
            try:
                written = write_all(self._files, segment.fd, (head, body), segment.written)
            except OSError as exc:
                self._undo(segment)
                raise self._unavailable(f"the log cannot be written: {exc}") from exc
            segment.written += written
            segment.waiters.append((on_synced, via))
            if self._idle:
                self._idle = False
                self._work.notify()
        return segment.name

    def begin_seal(self) -> Future[str | None]:
        """Let the next append begin another segment, at once; the future ends when the active one is sealed.

        It gives the segment's name, None if that has no acknowledged frame. Nothing waits for the medium, so
        callers may hold a lock of their own around this and `append`.
        """
        with self._work:
            segment = self._active
            if segment is not None and not segment.is_empty:
                self._retire(segment)
                return segment.finished
        nothing: Future[str | None] = Future()
        nothing.set_result(None)
        return nothing

    def sealed(self) -> list[str]:
        """Return the names of the segments that wait to be loaded, oldest first."""
        with self._lock:
            return sorted(self._sealed)

    def read(self, segment: str) -> list[Frame]:
        """Return the frames of a sealed segment in the order of their appends; they share one copy of
        the file.

        Damage that recovery has not seen yet is set aside as at recovery. Raises PharosError: MISSING for a
        segment that is not sealed, UNAVAILABLE when its file cannot be opened.
        """
        limit = self._size_of(segment)
        try:
            frames, broken = read_segment(self._files, self._folder, segment, self._numbers.secret, limit)
        except OSError as exc:
            raise self._unavailable(f"log segment {segment} cannot be read: {exc}") from exc
        for part in broken:
            if (file_of(segment), part.offset) not in self._known_damage:
                self._known_damage.add((file_of(segment), part.offset))
                set_aside(self._files, self._folder, segment, part, self._damaged)
        return frames

    def commit(self, segment: str) -> None:
        """Delete a sealed segment whose frames are safe elsewhere.

        Raises PharosError: MISSING for a segment that is not sealed, UNAVAILABLE when it cannot be deleted;
        then it stays sealed and this can be repeated.
        """
        self._size_of(segment)
        try:
            if file_of(segment) in self._files.names(self._folder):  # not when a repetition only has to sync
                self._files.unlink(self._folder / file_of(segment))
            self._files.sync_folder(self._folder)
        except OSError as exc:
            raise self._unavailable(f"log segment {segment} cannot be deleted: {exc}") from exc
        with self._lock:
            self._sealed.pop(segment, None)
            WAL_BYTES.set(self._unloaded_bytes())

    def set_aside(self, segment: str, frame_index: int, reason: str) -> Path:
        """Copy a frame of a sealed segment into the folder `dead-letter`, and return the path of its payload.

        A JSON file of the same name beside it says where the frame came from and why it is there. Both are
        on the medium on return; a repetition replaces them. Raises PharosError: MISSING for a frame that is
        not there, UNAVAILABLE when it cannot be written.
        """
        frames = self.read(segment)
        if not 0 <= frame_index < len(frames):
            raise PharosError(
                Kind.MISSING, f"log segment {segment} has {len(frames)} frames, no {frame_index}"
            )
        frame = frames[frame_index]
        facts = {
            "segment": segment,
            "frame": frame_index,
            "kind": frame.kind,
            "tenant": frame.tenant,
            "recv_ns": frame.recv_ns,
            "bytes": len(frame.payload),
            "reason": reason,
        }
        about = orjson.dumps(facts, option=orjson.OPT_INDENT_2)
        name = f"{segment}-{frame_index}"
        try:
            path = self._dead_letters.write(f"{name}.payload", [frame.payload], len(frame.payload))
            self._dead_letters.write(f"{name}.json", [about], len(about))
        except OSError as exc:
            raise self._unavailable(f"a frame of log segment {segment} cannot be set aside: {exc}") from exc
        return path

    def drop_set_aside(self, tenant: str) -> int:
        """Remove what `set_aside` kept of a tenant's frames, and return how many these were.

        Raises PharosError(UNAVAILABLE) when it cannot be removed.
        """

        def is_of_tenant(about: bytes) -> bool:
            try:
                return bool(orjson.loads(about).get("tenant") == tenant)
            except orjson.JSONDecodeError:
                return False

        try:
            return self._dead_letters.drop(is_of_tenant)
        except OSError as exc:
            raise self._unavailable(f"frames that were set aside cannot be removed: {exc}") from exc

    def damaged_bytes(self) -> int:
        """Return how much is kept of damaged segments, of which nobody knows whose it was.

        Raises PharosError(UNAVAILABLE) when that cannot be read.
        """
        try:
            return self._damaged.held_bytes()
        except OSError as exc:
            raise self._unavailable(f"what is kept of damaged segments cannot be read: {exc}") from exc

    def close(self) -> None:
        """Sync what is written, tell who waits, and end; later appends raise UNAVAILABLE. Repeatable."""
        with self._work:
            self._closing = True
            if self._active is not None:
                self._retired.append(self._active)
                self._active = None
            self._work.notify()
            self._taken.notify()
        self._thread.join()
        self._spare_thread.join()
        if self._spare is not None:
            self._discard(self._spare)
            self._spare = None

    # -- appending: any thread --

    def _room_for(self, body_bytes: int) -> _Segment:
        """Return the segment to write to, the next one if the active is full; the lock is held."""
        if self._closing or self._dead is not None:
            raise self._unavailable(
                "the log is closed" if self._dead is None else f"the log failed: {self._dead}"
            )
        segment = self._active
        if segment is not None:
            if segment.is_empty or segment.written + body_bytes <= self._options.segment_bytes:
                return segment
            self._retire(segment)
        if self._spare is not None:
            self._active, self._spare = self._spare, None
        else:
            try:
                self._active = self._begin()
            except OSError as exc:
                raise self._unavailable(f"no log segment can be begun: {exc}") from exc
        self._last_active = self._active.name
        self._spare_wanted = True
        self._taken.notify()
        return self._active

    def _begin(self, reserved: int = 0) -> _Segment:
        """Return a new segment with its header written, made so long ahead; raises OSError."""
        number = self._numbers.take()
        mark = mark_of(self._numbers.secret, number)
        name = segment_named(number)
        path = self._folder / file_of(name)
        segment = _Segment(name, path, self._files.create(path), mark, reserved=reserved)
        try:
            write_all(self._files, segment.fd, (pack_segment_head(number, mark, reserved),), 0)
        except OSError:
            self._discard(segment)
            raise
        return segment

    def _undo(self, segment: _Segment) -> None:
        """Take back a frame that was written half; the lock is held."""
        try:
            self._cut(segment, segment.written)
        except OSError as exc:
            _LOG.warning("log segment %s is given up after a failed write: %s", segment.name, exc)
            self._retire(segment)

    def _cut(self, segment: _Segment, length: int) -> None:
        """Cut a segment's file to this length; raises OSError."""
        segment.reserved = 0
        self._files.truncate(segment.fd, length)

    def _retire(self, segment: _Segment) -> None:
        """Hand the active segment to the sync thread; the next append begins another. The lock is held."""
        self._active = None
        self._usual_bytes = max(segment.written, self._usual_bytes * 3 // 4)
        self._retired.append(segment)
        self._work.notify()

    def _discard(self, segment: _Segment) -> None:
        """Remove a segment that has no frame; one that stays for now is removed by the next recovery."""
        self._files.close(segment.fd)
        try:
            self._files.unlink(segment.path)
        except OSError as exc:
            _LOG.warning("the empty log segment %s could not be removed: %s", segment.name, exc)

    # -- syncing: the one thread --

    def _sync_until_closed(self) -> None:
        try:
            while self._sync_round():
                pass
        except BaseException as exc:
            self._die(exc)
            raise

    def _sync_round(self) -> bool:
        """Wait for something to do and do it once; return False when the log is closed and all is done."""
        with self._work:
            while not self._has_work():
                self._idle = True
                self._work.wait()
            self._idle = False
            retired = list(self._retired)
            active = self._active
            is_last = self._closing and active is None
        for segment in retired:
            self._finish(segment)
        if active is not None:
            self._sync(active)
        return not is_last

    def _has_work(self) -> bool:
        active = self._active
        return bool(self._retired or (active is not None and active.waiters) or self._closing)

    def _sync(self, segment: _Segment) -> None:
        """Sync what is written of a segment and tell who waits for it."""
        with self._lock:
            covered = len(segment.waiters)
            written = segment.written
        if written == segment.synced:  # nothing new, or given up: such a segment is never synced again
            return
        started_s = self._clock.monotonic_s()
        try:
            self._files.sync(segment.fd)
            if not segment.entry_synced:
                self._files.sync_folder(self._folder)
                segment.entry_synced = True
        except OSError as exc:
            self._give_up(segment, exc)
            return
        WAL_SYNC_SECONDS.observe(self._clock.monotonic_s() - started_s)
        with self._lock:
            waiters = segment.waiters[:covered]
            del segment.waiters[:covered]
        segment.synced = written
        tell_all(waiters, None)

    def _give_up(self, segment: _Segment, exc: OSError) -> None:
        """Fail every frame of a segment that no sync has covered, and go on with another segment."""
        with self._lock:
            waiters, segment.waiters = segment.waiters, []
            segment.written = segment.synced
            if self._active is segment:
                self._retire(segment)
        try:
            self._cut(segment, segment.synced)
        except OSError as cut:
            _LOG.warning("frames of log segment %s that failed may come back: %s", segment.name, cut)
        tell_all(waiters, self._unavailable(f"the log cannot be synced: {exc}"))

    def _finish(self, segment: _Segment) -> None:
        """Sync and close a retired segment and make it visible to the loader."""
        self._sync(segment)
        if segment.is_empty:
            self._discard(segment)
        else:
            if segment.reserved > segment.written:
                try:
                    self._cut(segment, segment.written)
                except OSError as exc:
                    _LOG.warning("log segment %s stays longer than its frames: %s", segment.name, exc)
            self._files.close(segment.fd)
        with self._lock:
            self._retired.remove(segment)
            if not segment.is_empty:
                self._sealed[segment.name] = segment.written
            WAL_BYTES.set(self._unloaded_bytes())
        segment.finished.set_result(None if segment.is_empty else segment.name)

    def _begin_ahead_until_closed(self) -> None:
        while True:
            with self._taken:
                while not (self._spare_wanted or self._closing):
                    self._taken.wait()
                if self._closing:
                    return
                self._spare_wanted = False
            self._prepare_spare()

    def _prepare_spare(self) -> None:
        """Begin the segment after the active one, so that no append waits for the folder's sync."""
        usual = self._usual_bytes + self._usual_bytes // 4
        reserved = min(max(usual, _LEAST_RESERVED), _MOST_RESERVED)
        try:
            segment = self._begin(reserved)
            try:
                self._files.reserve(segment.fd, reserved)
            except OSError as exc:  # not every file system can, and a full one has nothing to give
                _LOG.debug("log segment %s is not made longer ahead: %s", segment.name, exc)
                segment.reserved = 0
            self._files.sync_folder(self._folder)
        except OSError as exc:
            _LOG.warning("the next log segment could not be begun ahead of time: %s", exc)
            return
        segment.entry_synced = True
        with self._lock:
            is_next = segment.name > self._last_active
            if is_next:
                self._spare = segment
        if not is_next:  # an append that could not wait has begun a later one meanwhile
            self._discard(segment)

    def _die(self, exc: BaseException) -> None:
        """Fail everyone who waits: the sync thread is ending by a defect, so nobody else would."""
        with self._lock:
            self._dead = exc
            segments = [*self._retired, *([] if self._active is None else [self._active])]
            self._retired = []
            self._active = None
        error = PharosError(Kind.BUG, f"the log's sync thread failed: {exc!r}")
        for segment in segments:
            tell_all(segment.waiters, error)
            segment.finished.set_result(None)

    # -- small things --

    def _unloaded_bytes(self) -> int:
        open_segments = [*self._retired, *([] if self._active is None else [self._active])]
        return sum(self._sealed.values()) + sum(segment.written for segment in open_segments)

    def _size_of(self, segment: str) -> int:
        with self._lock:
            size = self._sealed.get(segment)
        if size is None:
            raise PharosError(Kind.MISSING, f"no sealed log segment is named {segment!r}")
        return size

    def _unavailable(self, message: str) -> PharosError:
        return PharosError(
            Kind.UNAVAILABLE,
            message,
            hint="nothing was stored; free disk space or repair the medium, then send again",
            retry_after_s=self._options.retry_after_s,
        )


def _checked(kind: int, tenant: str, recv_ns: int, payload_bytes: int) -> bytes:
    """Return the tenant's bytes; raises PharosError for what a frame's header cannot hold."""
    try:
        tenant_bytes = tenant.encode()
    except UnicodeEncodeError as exc:
        raise PharosError(Kind.INVALID, f"the tenant {tenant!r} is not valid Unicode: {exc}") from exc
    if not 0 <= kind <= 255:
        raise PharosError(Kind.INVALID, f"a frame's kind is 0 to 255, not {kind}")
    if len(tenant_bytes) > MAX_TENANT_BYTES:
        raise PharosError(
            Kind.INVALID, f"the tenant has {len(tenant_bytes)} bytes, {MAX_TENANT_BYTES} are the limit"
        )
    if not -(2**63) <= recv_ns < 2**63:
        raise PharosError(Kind.INVALID, f"the receive time {recv_ns} ns does not fit into 64 bits")
    if payload_bytes > MAX_PAYLOAD_BYTES:
        raise PharosError(
            Kind.TOO_LARGE,
            f"a payload of {payload_bytes} bytes, {MAX_PAYLOAD_BYTES} are the limit",
            hint="send smaller batches",
        )
    return tenant_bytes
