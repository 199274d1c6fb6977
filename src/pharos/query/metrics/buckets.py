"""Two-hour buckets of metrics kept decoded in memory, so that a query reads from the store only what is new.

A kept bucket holds all series of one metric and is complete as of a stamp of `Changes`. What was added since
is read from the smallest time of the additions on, and takes the place of what the bucket held from there:
late samples only make that read wider. What other metrics gained meanwhile is read by the same statement if
they were asked for since they were read last: a page that refreshes asks the same again, and a statement
costs more than its rows. Pieces never change, so readers need no lock.

The present bucket grows with every series that comes and goes, and those who look at the last minutes need
none of what is over. So the beginning of a large bucket that nobody asked for in the last minutes is let go
of, and the bucket is complete from a later time on; who asks for an earlier one has it loaded again.
"""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from itertools import islice
from typing import Final, Protocol

from msgspec import Struct

from pharos.clock import Clock
from pharos.engine.changes import BucketKey, Changes
from pharos.engine.keys import BUCKET_MS
from pharos.policy import Retention
from pharos.promql.overlap import overlapped
from pharos.query.metrics.pieces import Piece, Rows, joined, piece_of, side_by_side, since, until
from pharos.query.shares import Shares
from pharos.telemetry import BUCKETS_BYTES, BUCKETS_READ

SERIES_ROWS: Final = 480
"""How many samples a series is taken to have in a bucket: one every 15 seconds."""
_SAMPLE_BYTES: Final = 4
"""What a sample is taken to need in memory until a bucket of its metric is known."""
_BRIEF: Final = 8
"""A range of less than this part of a bucket is brief: to read it costs about such a part of all."""
_READING: Final = 0.4
"""To read rows costs such a part of loading them, which packs them too."""
_LOCKS: Final = 64
_WAIT_S: Final = 0.1
_REMEMBERED: Final = 10_000
_MOST_BESIDE: Final = 64
"""So many other metrics at most, those asked for last, are extended with the one that is asked for."""
_CUT_PART: Final = 4
"""The beginning of a bucket goes when it is this part of all, so that the rest is seldom copied."""
_BESIDE_MS: Final = 60_000
"""What another metric gained counts as new at the same time when it begins within this of the one's."""


class BucketSizes(Struct, frozen=True):
    """What decides whether buckets are loaded, and how much of them is read at a time."""

    small_rows: int = 130_000
    """A bucket of so few rows is read whole, whatever is asked of it."""
    group_rows: int = 1_000_000
    """Neighbouring buckets are read by one statement up to here."""
    read_rows: int = 1_200_000
    """Buckets with more rows are read in parts, by ids: little lies in memory before it is packed."""
    granule_rows: int = 8_192
    """Rows that the store reads for one series of a bucket."""
    granule_series: int = 16
    """A series of a bucket is scattered over as many others as a granule of the store holds: reading one of
    sixteen reads nearly all."""
    statement_rows: int = 100_000
    """Rows that could be read in the time that any statement takes."""
    series_rows: int = SERIES_ROWS
    cut_bytes: int = 1 << 20
    """Of buckets that take less in memory nothing is let go of: together they are little."""


class MetricRange(Struct, frozen=True):
    """Some series of one metric in a range of times, both ends included."""

    metric: int
    series: int
    """How many series are wanted."""
    start_ms: int
    end_ms: int
    whole: bool
    """Whether these are all of the metric."""


class Reader(Protocol):
    """What the cache reads the store with, within the limits of one query."""

    tenant: str

    def check(self) -> None:
        """Raise when the query is to end."""
        ...

    def rows(
        self,
        metric: int,
        first: int,
        last: int,
        low_ms: int | None = None,
        ids: tuple[int, int] | None = None,
    ) -> Rows:
        """Return all rows of the metric in buckets first to last, from `low_ms` on and of `ids` if given."""
        ...

    def rows_since(self, metrics: Sequence[int], bucket: int, low_ms: int) -> Mapping[int, Rows]:
        """Return the rows of several metrics in a bucket from `low_ms` on; one without any is absent."""
        ...

    def count(self, metric: int, first: int, last: int) -> int:
        """Return how many rows the metric has in buckets first to last."""
        ...


class _Kept(Struct, frozen=True):
    stamp: int
    pieces: tuple[Piece, ...]
    from_ms: int = 0
    """From this time on all samples of the bucket are there."""

    @property
    def nbytes(self) -> int:
        return 256 + _nbytes(self.pieces)

    @property
    def rows(self) -> int:
        """Return how many rows it holds."""
        return sum(piece.samples for piece in self.pieces)

    def rows_from(self, low_ms: int) -> int:
        """Return about how many of the rows lie at or after `low_ms`."""
        rows = self.rows
        if not rows:
            return 0
        first, last = self.pieces[0].first_ms, self.pieces[-1].last_ms
        return rows * max(0, last - max(low_ms, first)) // max(1, last - first)

    def can_lose(self, low_ms: int) -> bool:
        """Return whether it is worth while to let go of what lies before `low_ms`."""
        return _CUT_PART * self.rows_from(low_ms) <= (_CUT_PART - 1) * self.rows


class _Growth(Struct, frozen=True):
    """What a kept bucket lacks: what was added from `low_ms` on until `stamp`."""

    key: BucketKey
    kept: _Kept
    stamp: int
    low_ms: int


class Cover(Struct):
    """What the cache has of a range: pieces by bucket, and the buckets that are to be read directly."""

    pieces: dict[int, tuple[Piece, ...]]
    missing: list[int]

    def missing_runs(self) -> Iterator[tuple[int, int]]:
        """Yield (first, last) of neighbouring missing buckets."""
        yield from _runs(self.missing)


class _Held(Struct, frozen=True):
    """Places whose buckets one query alone loads until the stack is closed."""

    stack: contextlib.ExitStack
    places: set[int]


def _place(key: BucketKey) -> int:
    return hash(key) % _LOCKS


def _nbytes(pieces: Sequence[Piece]) -> int:
    return sum(piece.nbytes for piece in pieces)


def _runs(buckets: Sequence[int], longest: int = 288) -> Iterator[tuple[int, int]]:
    begin = 0
    for i in range(1, len(buckets) + 1):
        if i == len(buckets) or buckets[i] != buckets[i - 1] + 1 or i - begin >= longest:
            yield buckets[begin], buckets[i - 1]
            begin = i


def _pieces_of(rows: Rows, buckets: range) -> dict[int, Piece]:
    """Return the piece of each bucket that has any of the rows."""
    pieces = {
        bucket: piece_of(rows, bucket * BUCKET_MS, bucket * BUCKET_MS, (bucket + 1) * BUCKET_MS - 1)
        for bucket in buckets
    }
    return {bucket: piece for bucket, piece in pieces.items() if piece is not None}


class BucketCache:
    """Decoded buckets by tenant, metric and bucket; bounded in bytes, of which each tenant has a share."""

    def __init__(
        self,
        changes: Changes,
        clock: Clock,
        limit_bytes: int,
        retention: Retention | None = None,
        workers: Executor | None = None,
        sizes: BucketSizes | None = None,
    ) -> None:
        self._changes = changes
        self._clock = clock
        self._limit = limit_bytes
        self._retention = retention or Retention()
        self._workers = workers
        self._sizes = sizes or BucketSizes()
        self._lock = threading.Lock()
        self._kept: Shares[tuple[int, int], _Kept] = Shares(limit_bytes, clock, self._dropped)
        self._rows: OrderedDict[BucketKey, tuple[int, int]] = OrderedDict()
        self._weights: OrderedDict[tuple[str, int], float] = OrderedDict()
        self._spent: OrderedDict[BucketKey, int] = OrderedDict()
        self._loading = [threading.Lock() for _ in range(_LOCKS)]
        self._asked: dict[tuple[str, int], dict[int, None]] = {}
        """By tenant and newest bucket: the metrics asked for since they were extended beside another."""
        self._begins: dict[BucketKey, int] = {}
        """The earliest time asked for of buckets since `age` was called last."""
        self._begins_before: dict[BucketKey, int] = {}
        """The same of the time between the two calls before."""

    @property
    def nbytes(self) -> int:
        """Return the memory that the kept buckets take."""
        return self._kept.nbytes

    def forget(self, tenant: str) -> None:
        """Keep nothing more of a tenant."""
        with self._lock:
            self._kept.forget(tenant)
            for key in [key for key in self._asked if key[0] == tenant]:
                del self._asked[key]
            BUCKETS_BYTES.set(self._kept.nbytes)

    def cover(self, reader: Reader, asked: MetricRange, *, load: bool = True) -> Cover:
        """Return the pieces of the metric's buckets in a range, up to date.

        Loads buckets where that pays and there is room, unless told not to; the others are left to be read
        directly. Raises what the reader raises.
        """
        metric, sizes = asked.metric, self._sizes
        buckets = range(asked.start_ms // BUCKET_MS, asked.end_ms // BUCKET_MS + 1)
        cover = Cover({}, [])
        absent = []
        for bucket in buckets:
            kept = self._usable(reader.tenant, metric, bucket, asked.start_ms)
            if kept is None:
                absent.append(bucket)
                continue
            low = self._changes.added_since(reader.tenant, metric, bucket, kept.stamp)
            if low is None:
                BUCKETS_READ.labels("kept").inc()
                cover.pieces[bucket] = kept.pieces
            elif asked.whole or self._is_paid(
                (reader.tenant, metric, bucket),
                max(sizes.small_rows, sizes.granule_rows * asked.series),
                kept.rows_from(low),
            ):
                cover.pieces[bucket] = self._extended(reader, metric, bucket, asked.start_ms)
            else:
                cover.missing.append(bucket)
        if not load:
            cover.missing.extend(absent)
        elif absent:
            self._load_absent(reader, asked, absent, cover)
        BUCKETS_READ.labels("direct").inc(len(cover.missing))
        cover.missing.sort()
        with self._lock:
            for bucket in cover.pieces:
                key = (reader.tenant, metric, bucket)
                self._begins[key] = min(asked.start_ms, self._begins.get(key, asked.start_ms))
            if buckets[-1] in cover.pieces:
                # The newest bucket of a range is the one that grows.
                metrics = self._asked.setdefault((reader.tenant, buckets[-1]), {})
                metrics.pop(metric, None)
                metrics[metric] = None
        return cover

    def _usable(self, tenant: str, metric: int, bucket: int, start_ms: int | None = None) -> _Kept | None:
        """Return the kept bucket if it has all samples from `start_ms` on, where that is given."""
        with self._lock:
            kept = self._kept.get(tenant, (metric, bucket))
        if kept is None or (start_ms is not None and kept.from_ms > start_ms):
            return None
        return kept if self._is_retained(bucket) else None

    def age(self) -> None:
        """Let go of the beginnings of large buckets that nobody asked for since the call before the last one.

        To be called every few minutes. What nobody asked for at all stays, until there is no room.
        """
        with self._lock:
            begins = self._begins_before
            self._begins_before, self._begins = self._begins, {}
            for key, begin in self._begins_before.items():
                begins[key] = min(begin, begins.get(key, begin))
        for key, begin in begins.items():
            tenant, metric, bucket = key
            with self._lock:
                kept = self._kept.peek(tenant, (metric, bucket))
            if kept is None or begin <= max(kept.from_ms, bucket * BUCKET_MS):
                continue
            if kept.nbytes < self._sizes.cut_bytes or not kept.can_lose(begin):
                continue
            cut = _Kept(kept.stamp, since(kept.pieces, begin), begin)
            with self._lock:
                # Where it was extended or dropped meanwhile, that counts, and the next call does it.
                if self._kept.peek(tenant, (metric, bucket)) is kept:
                    self._kept.replace(tenant, (metric, bucket), cut, cut.nbytes)
                    BUCKETS_BYTES.set(self._kept.nbytes)

    def _is_retained(self, bucket: int) -> bool:
        """Return whether the bucket is young enough that the store will not drop it behind our back."""
        kept_ms = self._retention.now.metrics
        return not kept_ms or (bucket + 1) * BUCKET_MS > self._clock.now_ms() - kept_ms + BUCKET_MS

    def _load_absent(self, reader: Reader, asked: MetricRange, absent: list[int], cover: Cover) -> None:
        metric, series, sizes = asked.metric, asked.series, self._sizes
        brief = asked.end_ms - asked.start_ms < BUCKET_MS // _BRIEF
        size = self._size(reader, metric, absent[-1])
        most = asked.whole or series * sizes.granule_series * sizes.series_rows >= size
        if most:
            # A look at the last minutes leaves out values and most of the work, if not the times: unless the
            # bucket holds hardly more than these minutes, as when it has just begun.
            in_range = series * (1 + (asked.end_ms - asked.start_ms) * sizes.series_rows // BUCKET_MS)
            cost = max(size // _BRIEF, int(min(size, in_range) * _READING))
        else:
            cost = sizes.statement_rows // len(absent) + series * sizes.granule_rows
        pays = size <= sizes.small_rows or (most and (not brief or size <= sizes.group_rows))
        loads: list[int] = []
        for bucket in absent:
            if self._is_retained(bucket) and (
                pays or self._is_paid((reader.tenant, metric, bucket), cost, size)
            ):
                loads.append(bucket)
            else:
                cover.missing.append(bucket)
        room = 3 * self._limit // 4 - sum(map(_nbytes, cover.pieces.values()))
        # The newest first. What the first ones weigh tells how many of the others there is room for.
        for first, last in reversed(list(_runs(loads, max(1, sizes.group_rows // max(1, size))))):
            buckets = range(first, last + 1)
            if room < size * len(buckets) * self._weights.get((reader.tenant, metric), _SAMPLE_BYTES):
                cover.missing.extend(buckets)
                continue
            loaded = self._loaded(reader, metric, buckets, size)
            cover.pieces.update(loaded)
            room -= sum(map(_nbytes, loaded.values()))

    def _is_paid(self, key: BucketKey, cost: int, size: int) -> bool:
        """Count what reading a few series directly costs; return whether reading all is no dearer by now."""
        with self._lock:
            spent = self._spent.pop(key, 0) + cost
            if spent >= size:
                return True
            self._spent[key] = spent
            while len(self._spent) > _REMEMBERED:
                self._spent.popitem(last=False)
            return False

    def _size(self, reader: Reader, metric: int, newest: int) -> int:
        """Return how many rows the newest full bucket of the metric has, or the newest if it is the first."""
        key = (reader.tenant, metric, newest)
        stamp = self._changes.stamp(reader.tenant, metric)
        with self._lock:
            known = self._rows.get(key)
        if known is not None and known[0] == stamp:
            return known[1]
        size = reader.count(metric, newest - 1, newest - 1) or reader.count(metric, newest, newest)
        with self._lock:
            self._rows[key] = (stamp, size)
            self._rows.move_to_end(key)
            while len(self._rows) > _REMEMBERED:
                self._rows.popitem(last=False)
        return size

    @contextlib.contextmanager
    def _alone(self, reader: Reader, metric: int, buckets: Sequence[int]) -> Iterator[_Held]:
        """Hold the right to load these buckets, so that two queries do not read the same rows."""
        places = sorted({_place((reader.tenant, metric, bucket)) for bucket in buckets})
        with contextlib.ExitStack() as stack:
            for place in places:  # in order, so that no two wait for each other
                lock = self._loading[place]
                while not lock.acquire(timeout=_WAIT_S):
                    reader.check()
                stack.callback(lock.release)
            yield _Held(stack, set(places))

    def _is_free(self, key: BucketKey, held: _Held) -> bool:
        """Return whether nobody loads the bucket; it is then held too. Never waits."""
        place = _place(key)
        if place in held.places:
            return True
        if not self._loading[place].acquire(blocking=False):
            return False
        held.stack.callback(self._loading[place].release)
        held.places.add(place)
        return True

    def _loaded(self, reader: Reader, metric: int, buckets: range, size: int) -> dict[int, tuple[Piece, ...]]:
        """Read whole buckets of about `size` rows each from the store and keep them."""
        pieces: dict[int, tuple[Piece, ...]] = {}
        with self._alone(reader, metric, buckets):
            # Another query may have loaded them meanwhile.
            wanted = []
            for bucket in buckets:
                kept = self._usable(reader.tenant, metric, bucket, bucket * BUCKET_MS)
                if kept and self._changes.added_since(reader.tenant, metric, bucket, kept.stamp) is None:
                    pieces[bucket] = kept.pieces
                else:
                    wanted.append(bucket)
            if not wanted:
                return pieces
            stamp = self._changes.watch(reader.tenant, metric, wanted)
            read = self._read(reader, metric, range(wanted[0], wanted[-1] + 1), size)
            for bucket in wanted:
                pieces[bucket] = read[bucket]
                self._keep((reader.tenant, metric, bucket), _Kept(stamp, pieces[bucket]))
            self._weigh((reader.tenant, metric), [piece for bucket in wanted for piece in read[bucket]])
            BUCKETS_READ.labels("loaded").inc(len(wanted))
        return pieces

    def _read(self, reader: Reader, metric: int, buckets: range, size: int) -> dict[int, tuple[Piece, ...]]:
        """Return what the store has of the buckets; large ones are read in parts, ids being hashes.

        One part is packed while the next is read.
        """
        parts = max(1, -(-size // self._sizes.read_rows))

        def reads() -> Iterator[Callable[[], dict[int, Piece]]]:
            for part in range(parts):
                reader.check()
                ids = ((part << 64) // parts, ((part + 1 << 64) // parts) - 1) if parts > 1 else None
                rows = reader.rows(metric, buckets[0], buckets[-1], ids=ids)
                yield partial(_pieces_of, rows, buckets)

        found: dict[int, list[Piece]] = {bucket: [] for bucket in buckets}
        for pieces in overlapped(reads(), self._workers if parts > 1 else None, ahead=1):
            for bucket, piece in pieces.items():
                found[bucket].append(piece)
        return {bucket: (side_by_side(parts),) if parts else () for bucket, parts in found.items()}

    def _weigh(self, key: tuple[str, int], pieces: Sequence[Piece]) -> None:
        """Remember how many bytes a sample of a metric takes."""
        samples = sum(piece.samples for piece in pieces)
        if samples:
            with self._lock:
                self._weights[key] = _nbytes(pieces) / samples
                self._weights.move_to_end(key)
                while len(self._weights) > _REMEMBERED:
                    self._weights.popitem(last=False)

    def _extended(self, reader: Reader, metric: int, bucket: int, start_ms: int) -> tuple[Piece, ...]:
        """Read what was added to a kept bucket, which is asked for from `start_ms` on, and keep it so."""
        begin = bucket * BUCKET_MS
        with self._alone(reader, metric, (bucket,)) as held:
            growth = self._growth((reader.tenant, metric, bucket), start_ms)
            if isinstance(growth, _Kept):
                return growth.pieces
            beside = self._beside(growth, held)
            if not beside:
                low = growth.low_ms if growth.low_ms > begin else None
                return self._grown(growth, reader.rows(metric, bucket, bucket, low))
            grown = [growth, *beside]
            metrics = [one.key[1] for one in grown]
            rows = reader.rows_since(metrics, bucket, min(one.low_ms for one in grown))
            pieces = [self._grown(one, rows.get(one.key[1], ())) for one in grown]
            return pieces[0]

    def _growth(self, key: BucketKey, start_ms: int | None = None) -> _Growth | _Kept:
        """Return what is to be added to a bucket, or the bucket itself when that is nothing.

        All of it where what is kept begins after `start_ms`.
        """
        kept = self._usable(*key, start_ms) or _Kept(-1, ())
        # The stamp first: what is noted in between is then read now and once more.
        stamp = self._changes.watch(key[0], key[1], (key[2],))
        low = self._changes.added_since(*key, kept.stamp)
        return kept if low is None else _Growth(key, kept, stamp, low)

    def _beside(self, growth: _Growth, held: _Held) -> list[_Growth]:
        """Return what small buckets of other metrics gained, if asked for since they were returned here."""
        tenant, metric, bucket = growth.key
        begin = bucket * BUCKET_MS
        if growth.low_ms <= begin:
            return []
        with self._lock:
            asked = list(islice(reversed(self._asked.get((tenant, bucket), {})), _MOST_BESIDE))
        found: list[_Growth] = []
        room, most = self._sizes.group_rows, self._sizes.small_rows
        for other in asked:
            key = (tenant, other, bucket)
            if other == metric or not self._is_free(key, held):
                continue
            one = self._growth(key)
            if isinstance(one, _Kept) or one.low_ms <= begin or one.kept.rows > min(room, most):
                continue
            if abs(one.low_ms - growth.low_ms) <= _BESIDE_MS:
                found.append(one)
                room -= one.kept.rows
                with self._lock:
                    self._forget_asked(tenant, other, bucket)
        return found

    def _grown(self, growth: _Growth, rows: Rows) -> tuple[Piece, ...]:
        """Keep a bucket with the rows that were added to it; return its pieces."""
        begin = growth.key[2] * BUCKET_MS
        low = max(growth.low_ms, begin)
        fresh = piece_of(rows, begin, low, begin + BUCKET_MS - 1)
        pieces = [cut for piece in growth.kept.pieces if (cut := until(piece, low)) is not None]
        if fresh is not None:
            pieces.append(fresh)
        # As in a binary counter: every sample is copied a logarithmic number of times.
        while len(pieces) > 1 and pieces[-2].samples <= 2 * pieces[-1].samples:
            pieces[-2:] = [joined(pieces[-2:])]
        extended = _Kept(growth.stamp, tuple(pieces), growth.kept.from_ms)
        self._keep(growth.key, extended)
        BUCKETS_READ.labels("extended").inc()
        return extended.pieces

    def _keep(self, key: BucketKey, kept: _Kept) -> None:
        tenant, metric, bucket = key
        with self._lock:
            self._kept.put(tenant, (metric, bucket), kept, kept.nbytes)
            BUCKETS_BYTES.set(self._kept.nbytes)

    def _dropped(self, tenant: str, key: tuple[int, int]) -> None:
        self._forget_asked(tenant, *key)

    def _forget_asked(self, tenant: str, metric: int, bucket: int) -> None:
        asked = self._asked.get((tenant, bucket))
        if asked is not None:
            asked.pop(metric, None)
            if not asked:
                del self._asked[tenant, bucket]
