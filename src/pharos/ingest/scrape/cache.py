"""What one target showed so far: from a line's hash to its series, and the series' encoded labels.

As Prometheus' scrape cache: the text of a series up to its value is looked up, so a known line costs a hash
and a probe. Here the cache is a handful of arrays that compiled code reads. Two texts may lead to one series
(order of labels, relabelling), so staleness is tracked by series and recognition by text. A text that was
dropped by relabelling is remembered as DROPPED.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import kernel
from pharos.ingest.remote_write.messages import STALE_BITS
from pharos.ingest.scrape.emit import changed_exemplars, put_samples, put_stale, room_for, stale_room
from pharos.ingest.scrape.exposition.scan import UNKNOWN, Fault, Page, find_slot, scan_lines
from pharos.ingest.scrape.learn import index_labels, learn_plain, room_to_learn, target_columns

_FIRST_SLOTS: Final = 64
_SLACK: Final = 64
_FAILED_SLACK: Final = 1000
_PIECE_BYTES: Final = 1 << 20


@kernel
def _insert(keys: Any, values: Any, seen: Any, key: Any, value: int, turn: int) -> bool:
    """Put one pair into the table; return whether the key is new."""
    slot = find_slot(keys, key)
    fresh = keys[slot] != key
    keys[slot] = key
    values[slot] = value
    seen[slot] = turn
    return bool(fresh)


@kernel
def _rehash(old: Any, new: Any, oldest_turn: int, renumbered: Any) -> int:
    """Move what was seen since `oldest_turn` into the empty table `new`, series renumbered; return how
    many.
    """
    old_keys, old_values, old_seen = old
    keys, values, seen = new
    moved = 0
    for slot in range(len(old_keys)):
        if old_keys[slot] == np.uint64(0) or old_seen[slot] < oldest_turn:
            continue
        value = old_values[slot]
        if value >= 0:
            value = renumbered[value]
            if value < 0:
                continue
        place = find_slot(keys, old_keys[slot])
        keys[place] = old_keys[slot]
        values[place] = value
        seen[place] = old_seen[slot]
        moved += 1
    return moved


@kernel
def _resolve(refs: Any, hashes: Any, lines: int, keys: Any, values: Any) -> None:
    """Look up again the lines that were unknown."""
    for row in range(lines):
        if refs[row] == UNKNOWN:
            slot = find_slot(keys, hashes[row])
            if keys[slot] == hashes[row]:
                refs[row] = values[slot]


@kernel
def _hash_all(blob: Any, offsets: Any, lengths: Any, count: int, seed: Any, out: Any) -> None:
    for ref in range(count):
        out[ref] = hash_bytes(blob, offsets[ref], offsets[ref] + lengths[ref], seed)


class Emitted(Struct):
    """The samples of one page as TimeSeries fields, and what was not stored of them."""

    body: bytes
    kept: int
    duplicates: int
    ahead: int


class ScrapeCache:
    """The memory of one target, used by one task at a time.

    `seed` is the process' secret for hashing; the same for all targets, so that a text has one hash
    everywhere.
    """

    __slots__ = (
        "_blob",
        "_blob_size",
        "_by_labels",
        "_exemplars",
        "_keys",
        "_last_good",
        "_lengths",
        "_live",
        "_offsets",
        "_seed",
        "_seen",
        "_tracked",
        "_used",
        "_used_when_good",
        "_values",
        "series_count",
        "turn",
    )

    def __init__(self, seed: int) -> None:
        self._seed = np.uint64(seed)
        self._keys = np.zeros(_FIRST_SLOTS, dtype=np.uint64)
        self._values = np.zeros(_FIRST_SLOTS, dtype=np.int32)
        self._seen = np.zeros(_FIRST_SLOTS, dtype=np.int32)
        self._used = 0
        self._used_when_good = 0
        self._blob = np.empty(0, dtype=np.uint8)
        self._blob_size = 0
        self._offsets = np.empty(0, dtype=np.int64)
        self._lengths = np.empty(0, dtype=np.int32)
        self._tracked = np.empty(0, dtype=np.int32)
        self._live = np.empty(0, dtype=np.uint8)
        self._exemplars = np.empty(0, dtype=np.uint64)
        self._by_labels: dict[int, int] | None = None
        self.series_count = 0
        self.turn = 1
        self._last_good = 1

    @property
    def memory_bytes(self) -> int:
        """How many bytes the arrays take."""
        arrays = (
            self._keys,
            self._values,
            self._seen,
            self._blob,
            self._offsets,
            self._lengths,
            self._tracked,
            self._live,
            self._exemplars,
        )
        return sum(array.nbytes for array in arrays)

    def scan(self, body: Any, strict: bool, page: Page) -> None:
        """Read the uint8 array `body` into `page`; the caller made sure of `page.room` (newlines plus
        one).
        """
        table = (self._keys, self._values, self._seen)
        columns = (page.spans, page.bits, page.times, page.flags, page.refs, page.hashes, page.comments)
        lines, notes, notes_hash, revived, fault, where = scan_lines(
            body, strict, self._seed, table, self.turn, self._last_good, columns
        )
        page.lines, page.notes, page.notes_hash = lines, notes, int(notes_hash)
        page.revived, page.fault, page.where = revived, Fault(fault), where

    def learn_plain(self, body: Any, page: Page, target: tuple[Any, Any]) -> int:
        """Learn what is spelled plainly among the unknown lines; return how many texts were new.

        `target` is of learn.target_columns. Right only where no rule or limit looks at the labels.
        """
        blob, spans = target
        unknown, room = room_to_learn(page.spans, page.refs, page.lines, len(blob), len(spans))
        if unknown == 0:
            return 0
        slots = len(self._keys)
        while slots < (self._used + unknown + 1) * 2:
            slots *= 2
        if slots > len(self._keys):
            self._resize(slots)
        self._reserve(self.series_count + unknown)
        if self._blob_size + room > len(self._blob):
            self._blob = np.concatenate((self._blob[: self._blob_size], np.empty(room, dtype=np.uint8)))
        slots = _FIRST_SLOTS
        while slots < (self.series_count + unknown + 1) * 2:
            slots *= 2
        by_labels = (np.zeros(slots, dtype=np.uint64), np.zeros(slots, dtype=np.int32))
        index_labels(self._blob, self._offsets, self._lengths, self.series_count, self._seed, *by_labels)
        self.series_count, self._blob_size, self._used, fresh = learn_plain(
            body,
            (page.spans, page.refs, page.hashes),
            page.lines,
            self._seed,
            target,
            (self._keys, self._values, self._seen),
            self.turn,
            by_labels,
            (self._blob, self._offsets, self._lengths),
            (self.series_count, self._blob_size, self._used),
        )
        self._trim()
        return int(fresh)

    def unknown_rows(self, page: Page) -> list[int]:
        """Return the first row of each text that is not known."""
        rows = np.flatnonzero(page.refs[: page.lines] == UNKNOWN)
        if len(rows) == 0:
            return []
        _, first = np.unique(page.hashes[rows], return_index=True)
        return [int(row) for row in rows[np.sort(first)]]

    def learn(self, text_hash: int, ref: int) -> None:
        """Remember that the text of this hash is series `ref` (or DROPPED)."""
        if (self._used + 1) * 2 > len(self._keys):
            self._resize(len(self._keys) * 2)
        if _insert(self._keys, self._values, self._seen, np.uint64(text_hash), ref, self.turn):
            self._used += 1

    def series(self, labels: bytes) -> int:
        """Return the number of the series with these encoded labels, which may be new."""
        if self._by_labels is None:
            known = np.empty(self.series_count, dtype=np.uint64)
            _hash_all(self._blob, self._offsets, self._lengths, self.series_count, self._seed, known)
            self._by_labels = {int(one): ref for ref, one in enumerate(known)}
        array = np.frombuffer(labels, dtype=np.uint8)
        key = int(hash_bytes(array, 0, len(array), self._seed))
        ref = self._by_labels.get(key)
        if ref is None:
            ref = self._append(array)
            self._by_labels[key] = ref
        return ref

    def resolve(self, page: Page) -> None:
        """Fill in the lines that were learnt since the scan; call once after the last `learn`."""
        _resolve(page.refs, page.hashes, page.lines, self._keys, self._values)
        self._by_labels = None
        self._trim()

    def count_kept(self, page: Page) -> int:
        """Return how many lines of the page are not dropped."""
        return int(np.count_nonzero(page.refs[: page.lines] >= 0))

    def emit(self, page: Page, time_ms: int, latest_ms: int, honor_times: bool, track_times: bool) -> Emitted:
        """Return the page's samples as TimeSeries fields; explicit times past `latest_ms` are left out."""
        room, kept = room_for(page.refs, page.lines, self._lengths)
        out = np.empty(room, dtype=np.uint8)
        size, duplicates, ahead = put_samples(
            (page.refs, page.bits, page.times, page.flags),
            page.lines,
            self._series(),
            self.turn,
            (time_ms, latest_ms),
            (honor_times, track_times),
            out,
        )
        return Emitted(_bytes_of(out[:size]), kept, duplicates, ahead)

    def stale(self, time_ms: int) -> bytes:
        """Return a stale marker for each live series that this turn did not show."""
        room = stale_room(self.series_count, self.turn, self._lengths, self._tracked, self._live)
        if room == 0:
            return b""
        out = np.empty(room, dtype=np.uint8)
        size = put_stale(self.series_count, self._series(), self.turn, np.uint64(STALE_BITS), time_ms, out, 0)
        return _bytes_of(out[:size])

    def new_exemplars(self, body: Any, page: Page) -> list[int]:
        """Return the rows whose exemplar is another than the series' last one."""
        if len(self._exemplars) < self.series_count:
            grown = np.zeros(len(self._offsets), dtype=np.uint64)
            grown[: len(self._exemplars)] = self._exemplars
            self._exemplars = grown
        rows = np.empty(page.lines, dtype=np.int64)
        count = changed_exemplars(
            body, page.spans, page.flags, page.refs, page.lines, self._seed, self._exemplars, rows
        )
        return [int(row) for row in rows[:count]]

    def forget_exemplars(self) -> None:
        """Take every exemplar for new at the next page."""
        self._exemplars[:] = 0

    def labels(self, ref: int) -> bytes:
        """Return the encoded labels of a series."""
        start = int(self._offsets[ref])
        return self._blob[start : start + int(self._lengths[ref])].tobytes()

    def snapshot(self) -> Any:
        """Return what `restore` needs to forget this turn's samples and markers."""
        return self._live[: self.series_count].copy()

    def restore(self, live: Any) -> None:
        """Undo the staleness marks of this turn: its request was not stored, markers must come again."""
        self._live[: len(live)] = live
        self._live[len(live) : self.series_count] = 0

    def next_turn(self, good: bool) -> None:
        """End the turn; after a good one, texts and series that it did not show are forgotten when they pile
        up.
        """
        if good:
            self._last_good = self.turn
            gone = self._used - int(np.count_nonzero(self._seen == self.turn))
            if gone > _SLACK + self._used // 4:
                self.forget_unseen()
            self._used_when_good = self._used
        elif self._used > 2 * self._used_when_good + _FAILED_SLACK:
            # Pages that fail and differ each time must not fill the memory.
            self.forget_unseen()
        self.turn += 1

    def forget_all(self) -> None:
        """Forget every text, so that all lines are read the long way again; series and their staleness
        stay.
        """
        self._keys[:] = 0
        self._used = 0

    def _series(self) -> tuple[Any, Any, Any, Any, Any]:
        return self._blob, self._offsets, self._lengths, self._tracked, self._live

    def _append(self, labels: Any) -> int:
        ref = self.series_count
        if ref == len(self._offsets):
            self._reserve(max(_SLACK, ref * 2))
        end = self._blob_size + len(labels)
        if end > len(self._blob):
            grown = np.empty(max(4096, end * 2), dtype=np.uint8)
            grown[: self._blob_size] = self._blob[: self._blob_size]
            self._blob = grown
        self._blob[self._blob_size : end] = labels
        self._offsets[ref], self._lengths[ref] = self._blob_size, len(labels)
        self._tracked[ref] = 0
        self._live[ref] = 0
        self._blob_size = end
        self.series_count += 1
        return ref

    def _reserve(self, size: int) -> None:
        count = self.series_count
        for name in ("_offsets", "_lengths", "_tracked", "_live"):
            old = getattr(self, name)
            grown = np.zeros(size, dtype=old.dtype)
            grown[:count] = old[:count]
            setattr(self, name, grown)

    def _trim(self) -> None:
        """Give back what growing by doubling left unused, a little slack excepted."""
        if len(self._offsets) > self.series_count + self.series_count // 8 + _SLACK:
            self._reserve(self.series_count + self.series_count // 16 + 1)
        if len(self._blob) > self._blob_size + self._blob_size // 8 + 4096:
            self._blob = self._blob[: self._blob_size + self._blob_size // 16].copy()

    def _resize(self, slots: int, oldest_turn: int = 0, renumbered: Any = None) -> None:
        if renumbered is None:
            renumbered = np.arange(self.series_count, dtype=np.int32)
        new = (
            np.zeros(slots, dtype=np.uint64),
            np.zeros(slots, dtype=np.int32),
            np.zeros(slots, dtype=np.int32),
        )
        self._used = _rehash((self._keys, self._values, self._seen), new, oldest_turn, renumbered)
        self._keys, self._values, self._seen = new

    def forget_unseen(self) -> None:
        """Keep only what this turn showed, and series that still owe a stale marker."""
        count = self.series_count
        used = np.zeros(count, dtype=np.bool_)
        shown = (self._keys != 0) & (self._seen == self.turn) & (self._values >= 0)
        used[self._values[shown]] = True
        used |= self._live[:count] != 0
        kept = np.flatnonzero(used)
        renumbered = np.full(count, -1, dtype=np.int32)
        renumbered[kept] = np.arange(len(kept), dtype=np.int32)
        slots = _FIRST_SLOTS
        while slots < int(np.count_nonzero(self._seen == self.turn)) * 2 + 2:
            slots *= 2
        self._resize(slots, self.turn, renumbered)
        lengths = self._lengths[kept]
        pieces = [self._blob[self._offsets[ref] : self._offsets[ref] + self._lengths[ref]] for ref in kept]
        self._blob = np.concatenate(pieces) if pieces else np.empty(0, dtype=np.uint8)
        self._blob_size = len(self._blob)
        self._lengths = lengths
        self._offsets = np.concatenate(([0], np.cumsum(lengths[:-1]))).astype(np.int64)[: len(kept)]
        self._tracked = self._tracked[kept]
        self._live = self._live[kept]
        if len(self._exemplars):
            self._exemplars = np.append(self._exemplars, np.zeros(count, dtype=np.uint64))[kept]
        self.series_count = len(kept)


def _bytes_of(array: Any) -> bytes:
    """Return the bytes of a uint8 array; what is large is copied so that other threads may run meanwhile."""
    if len(array) <= _PIECE_BYTES:
        return bytes(array.tobytes())
    pieces = [array[start : start + _PIECE_BYTES].tobytes() for start in range(0, len(array), _PIECE_BYTES)]
    return b"".join(pieces)


def warm_up() -> None:
    """Compile every kernel of scraping, or load it from disk: seconds the first time, and not on the event
    loop.
    """
    cache = ScrapeCache(1)
    body = np.frombuffer(b'x 1\na{b="c",l="\xc3\xa4"} 1 2 # {d="e"} 1\n# EOF\n', dtype=np.uint8)
    page = Page.of_size(4)
    for strict in (False, True):
        cache.scan(body, strict, page)
        cache.learn_plain(body, page, target_columns((("job", "j"),)))
        for row in cache.unknown_rows(page):
            cache.learn(int(page.hashes[row]), cache.series(b"labels"))
        cache.resolve(page)
        cache.new_exemplars(body, page)
        cache.emit(page, 1, 2, True, False)
        cache.next_turn(good=True)
        cache.stale(3)
    cache.forget_unseen()
