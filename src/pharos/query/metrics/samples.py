"""The samples of a selection, read from kept buckets and the store: what PromQL's source is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from pharos.access import Scope
from pharos.compiled.kernel import kernel
from pharos.engine import Limits, Session
from pharos.engine.changes import Changes
from pharos.engine.columns import frozen, numbers
from pharos.engine.keys import BUCKET_MS
from pharos.engine.sql import Condition, Statement, among, between, equal, select, since, times
from pharos.errors import Kind, PharosError
from pharos.labels import Labels, Matcher
from pharos.promql.source import Blocks, HistogramColumns, SeriesBlock, empty_block
from pharos.query.admission import SampleShare
from pharos.query.metrics.buckets import SERIES_ROWS, BucketCache, Cover, MetricRange
from pharos.query.metrics.histograms import read_histograms
from pharos.query.metrics.pieces import Piece, Rows, find, piece_of
from pharos.query.metrics.regroup import regroup
from pharos.query.metrics.series import Selection, SeriesCache, Use

_FEW_SERIES: Final = 64
"""Up to here rows outside of the range are cheaper to read than to filter in the store."""
_MOST_BUCKETS: Final = 4_400
"""A year; longer ranges are read without looking for kept buckets."""
_HISTOGRAM_SAMPLES: Final = 10
"""For how many samples of 16 bytes a histogram counts besides its buckets."""
_COVERED_METRICS: Final = 32
"""Selections of more metrics are read from the store."""
_LISTED_SERIES: Final = 5_000
"""Up to here the ids of a selection are worth listing in the statement."""


class SampleRange(Struct, frozen=True):
    """The samples of a selection in a range of times, both ends included."""

    selection: Selection
    start_ms: int
    end_ms: int
    whole: bool
    """Whether the selection holds every series of its metrics, so that ids need no look."""

    @property
    def buckets(self) -> range:
        """The two-hour buckets that the times lie in."""
        return range(self.start_ms // BUCKET_MS, self.end_ms // BUCKET_MS + 1)

    def within(self, low_ms: int, high_ms: int) -> SampleRange:
        """Return those of them that lie between the times, both included."""
        return replace(self, start_ms=max(self.start_ms, low_ms), end_ms=min(self.end_ms, high_ms))

    def key_conditions(self) -> list[Condition]:
        """Return the conditions over bucket, metric and id that find their rows."""
        selection, buckets = self.selection, self.buckets
        found = [between("b", buckets[0], buckets[-1]), among("m", selection.metrics)]
        if selection.is_part:
            found.append(between("id", selection.id[0], selection.id[-1]))
        if not self.whole and len(selection) <= _LISTED_SERIES:
            found.append(among("id", selection.id))
        return found


class BlockSizes(Struct, frozen=True):
    """How much is evaluated at a time."""

    samples: int = 4_000_000
    """Selections that may be larger are evaluated in blocks of series of about this size."""
    bucket_samples: int = 1_000_000
    """So many samples of a bucket at most are read at a time, where there are few buckets: the next ones then
    come into memory that is warm, and hardly a row is read twice for it."""
    kept_samples: int = 400_000
    """Blocks out of kept buckets are so small that they fit the processor's own memory."""
    cells: int = 1_000_000
    """So many values at most are made of a block."""


class Caches(Struct, frozen=True):
    """What is remembered of a store between queries; nothing is kept of samples without `buckets`."""

    changes: Changes
    series: SeriesCache
    buckets: BucketCache | None = None


class SampleBounds(Struct, frozen=True):
    """What one query may take of the store; no series at all is no bound of them."""

    samples: int
    time_s: float
    series: int = 0
    oldest_ms: int | None = None
    """Samples before this time are not seen; None sees all."""


def row_chunks(
    table: pa.Table, value: str
) -> list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]]:
    """Return the (id, time ms, value) arrays of each batch of a result, without a copy."""
    return [
        (
            numbers(batch.column("id")),
            numbers(batch.column("ts")),
            numbers(batch.column(value)),
        )
        for batch in table.to_batches()
    ]


def _no_check() -> None:
    return


class MetricSource:
    """A tenant's samples within one query; counts what it loads against the query's budget.

    `share` is the query's part of what all queries may hold; `check` raises when the query is to end.
    """

    def __init__(
        self,
        session: Session,
        scope: Scope,
        caches: Caches,
        bounds: SampleBounds,
        *,
        share: SampleShare | None = None,
        check: Callable[[], None] = _no_check,
        sizes: BlockSizes | None = None,
    ) -> None:
        self._session = session
        self.scope = scope.alone()
        self.tenant = scope.tenant
        self._caches = caches
        self._changes = caches.changes
        self._share = share
        self._is_over = check
        self._sizes = sizes or BlockSizes()
        self._left = bounds.samples
        self._bounds = bounds
        self.samples_read = 0
        self.series_selected = 0
        self._found: tuple[tuple[tuple[Matcher, ...], int, int], Selection] | None = None
        """What was selected last: whether there are blocks is asked before all at once is read."""

    def check(self) -> None:
        """Raise PharosError when the query is to end: its time is up, or nobody waits for it."""
        if self._session.cancelled:
            raise PharosError(Kind.CANCELLED, "query was canceled in expression evaluation")
        self._is_over()

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the samples of the series that match; see `SampleSource.select`."""
        start_ms = self._seen_from(start_ms)
        if start_ms > end_ms:
            return empty_block()
        selection = self._selection(matchers, start_ms, end_ms)
        self.series_selected += len(selection)
        if not len(selection):
            return empty_block()
        asked = SampleRange(selection, start_ms, end_ms, _is_whole(matchers))
        return self._block(asked, self._cover(asked))

    def kept(
        self, asked: Sequence[tuple[Sequence[Matcher], int, int]], most: int
    ) -> list[SeriesBlock | None]:
        """Return what `select` returns for each of several selectors, as far as it is quick to be had.

        That is floats of one metric out of kept buckets. What is asked of a metric for the same times is
        read together. None where it is to be asked for by itself, and for all of them when they have `most`
        samples or more, or so many samples or series that one query may not have. Nothing is counted.
        """
        selections = [self._known(*one) for one in asked]
        most, series = min(most, self._left), self._bounds.series
        if 0 < series < sum(len(one) for one in selections if one is not None):
            return [None] * len(asked)
        alike: dict[tuple[int, int, int], list[int]] = {}
        for place, selection in enumerate(selections):
            if selection is not None:
                start_ms, end_ms = self._seen_from(asked[place][1]), asked[place][2]
                alike.setdefault((selection.metrics[0], start_ms, end_ms), []).append(place)
        blocks: list[SeriesBlock | None] = [None] * len(asked)
        for (metric, start_ms, end_ms), places in alike.items():
            chosen = [(place, selections[place]) for place in places]
            parts = [selection for _, selection in chosen if selection is not None]
            pieces = self._kept_pieces(metric, max(len(one) for one in parts), start_ms, end_ms)
            if pieces is None:
                continue
            ids, rows = np.unique(np.concatenate([one.id for one in parts]), return_inverse=True)
            found = find(pieces, ids, start_ms, end_ms)
            most -= found.count
            if most <= 0:
                return [None] * len(asked)
            columns = found.read()
            first = 0
            for place, selection in zip(places, parts, strict=True):
                own = rows[first : first + len(selection)]
                blocks[place] = _taken(selection.labels, own, *columns)
                first += len(selection)
        return blocks

    def _known(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection | None:
        """Return some series of one metric that has floats only; None for what is to be asked for alone."""
        if self._caches.buckets is None or self._seen_from(start_ms) > end_ms:
            return None
        found = self._caches.series.known(self.scope, matchers, start_ms, end_ms)
        if found is None or len(found.metrics) != 1 or not len(found):
            return None
        if self._changes.has_histograms(self.tenant, found.metrics):
            return None
        return None if self._changes.has_starts(self.tenant, found.metrics) else found

    def _kept_pieces(self, metric: int, series: int, start_ms: int, end_ms: int) -> list[Piece] | None:
        """Return the pieces of a metric in these times, None if some are to be read from the store."""
        kept_buckets = self._caches.buckets
        if kept_buckets is None or end_ms // BUCKET_MS - start_ms // BUCKET_MS >= _MOST_BUCKETS:
            return None
        cover = kept_buckets.cover(self, MetricRange(metric, series, start_ms, end_ms, whole=False))
        if cover.missing:
            return None
        return [piece for bucket in sorted(cover.pieces) for piece in cover.pieces[bucket]]

    def blocks(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, steps: int) -> Blocks | None:
        """Return the samples a few series at a time if there are many; see `BlockSource.blocks`.

        The budget then bounds each block; how many there are is bounded by the query's time.
        """
        start_ms = self._seen_from(start_ms)
        if start_ms > end_ms:
            return None
        selection = self._selection(matchers, start_ms, end_ms)
        most = len(selection) * (end_ms - start_ms) * SERIES_ROWS // BUCKET_MS
        sizes, cells = self._sizes, len(selection) * steps
        many = most > min(sizes.kept_samples * 2, sizes.samples) or cells > 4 * sizes.cells
        if not many or self._changes.has_histograms(self.tenant, selection.metrics):
            return None
        self.series_selected += len(selection)
        asked = SampleRange(selection, start_ms, end_ms, _is_whole(matchers))
        # What may well be refused must not fill the cache first.
        cover = self._cover(asked, load=cells <= self._bounds.samples)
        return Blocks(selection.labels, self._blocks(asked, cover, max(1, sizes.cells // steps)))

    def _seen_from(self, start_ms: int) -> int:
        """Return where a range of times begins for this query."""
        oldest_ms = self._bounds.oldest_ms
        return start_ms if oldest_ms is None else max(start_ms, oldest_ms)

    def _selection(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        """Return the series that match; raises PharosError(LIMITED) when the query has selected too many."""
        asked = (tuple(matchers), start_ms, end_ms)
        if self._found is None or self._found[0] != asked:
            self._found = asked, self._select(matchers, start_ms, end_ms)
        return self._found[1]

    def _select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Selection:
        too_many = PharosError(
            Kind.LIMITED,
            f"query would select more than {self._bounds.series} series",
            hint="narrow the selectors",
        )
        bound = self._bounds.series
        most = bound - self.series_selected if bound else 0
        if most < 0 or (bound and not most):
            raise too_many
        limits = Limits(time_s=self._bounds.time_s, result_rows=most)
        try:
            return self._caches.series.select(
                self._session, self.scope, matchers, start_ms, end_ms, limits, Use.SAMPLES
            )
        except PharosError as exc:
            if exc.kind is Kind.LIMITED:
                raise too_many from exc
            raise

    def _blocks(self, asked: SampleRange, cover: Cover | None, most: int) -> Iterator[SeriesBlock]:
        """Yield the samples, `most` series at most at a time."""
        selection, sizes = asked.selection, self._sizes
        in_memory = cover is not None and not cover.missing
        in_memory &= not self._changes.has_starts(self.tenant, selection.metrics)
        read = min(sizes.samples, sizes.bucket_samples * len(asked.buckets))
        size = min(sizes.kept_samples, sizes.samples) if in_memory else read
        budget, at = self._left, 0
        count = max(1, size * BUCKET_MS // (4 * SERIES_ROWS * max(1, asked.end_ms - asked.start_ms)))
        count = min(count, most)
        while at < len(selection):
            block = self._block(replace(asked, selection=selection.part(at, at + count)), cover)
            at += count
            # The next block holds about as many samples as wanted, but is not much larger than this one.
            count = max(1, min(4 * count, count * size // max(1, block.values.size)))
            if in_memory:
                count = min(count, most)
            for first in range(0, len(block.labels), most):
                yield _part_of(block, first, first + most)
            self._left = budget
            if self._share is not None:
                self._share.empty()

    def _block(self, asked: SampleRange, cover: Cover | None) -> SeriesBlock:
        selection = asked.selection
        offsets, ts, values = self._floats(asked, cover)
        starts = None
        if self._changes.has_starts(self.tenant, selection.metrics):
            starts = self._start_times(asked, offsets, ts)
        histograms: HistogramColumns | None = None
        if self._changes.has_histograms(self.tenant, selection.metrics):
            found = [*asked.key_conditions(), times(asked.start_ms, asked.end_ms)]
            histograms = read_histograms(self._session, self.scope, found, selection, self._limits())
            if histograms is not None:
                self._spend(_samples_of(histograms))
        return SeriesBlock(selection.labels, offsets, ts, values, starts, histograms)

    def _limits(self) -> Limits:
        return Limits(time_s=self._bounds.time_s, result_rows=self._left)

    def _cover(self, asked: SampleRange, *, load: bool = True) -> Cover | None:
        """Return what is kept of the selection's metrics, None where nothing of it helps."""
        kept_buckets, selection, buckets = self._caches.buckets, asked.selection, asked.buckets
        if (
            kept_buckets is None
            or not 0 < len(selection.metrics) <= _COVERED_METRICS
            or len(buckets) > _MOST_BUCKETS
        ):
            return None
        pieces: dict[int, tuple[Piece, ...]] = dict.fromkeys(buckets, ())
        missing: set[int] = set()
        for metric, series in zip(selection.metrics, selection.counts, strict=True):
            of_metric = MetricRange(metric, series, asked.start_ms, asked.end_ms, asked.whole)
            cover = kept_buckets.cover(self, of_metric, load=load)
            missing.update(cover.missing)
            for bucket, found in cover.pieces.items():
                pieces[bucket] += found
        # What is read of a bucket is read of all metrics.
        kept = {bucket: found for bucket, found in pieces.items() if bucket not in missing}
        return Cover(kept, sorted(missing)) if kept else None

    def _floats(
        self, asked: SampleRange, cover: Cover | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Return (offsets, times, values), from kept buckets where there are any."""
        if cover is None:
            return self._read("samples", "v", asked)
        pieces = dict(cover.pieces)
        for run_first, run_last in cover.missing_runs():
            base = run_first * BUCKET_MS
            part = asked.within(base, (run_last + 1) * BUCKET_MS - 1)
            rows = self._rows("samples", "v", part)
            piece = piece_of(rows, base, part.start_ms, part.end_ms)
            pieces[run_first] = () if piece is None else (piece,)
        ordered = [piece for bucket in sorted(pieces) for piece in pieces[bucket]]
        found = find(ordered, asked.selection.id, asked.start_ms, asked.end_ms)
        self._spend(found.count)
        return found.read()

    def rows(
        self,
        metric: int,
        first: int,
        last: int,
        low_ms: int | None = None,
        ids: tuple[int, int] | None = None,
    ) -> Rows:
        """Return all rows of a metric in buckets first to last, from `low_ms` on, with ids in that range.

        They are for the cache, whose size bounds them, and not of the query's budget.
        """
        key = [between("b", first, last), equal("m", metric)]
        if ids is not None:
            key.append(between("id", *ids))
        later = [] if low_ms is None else [since(low_ms)]
        statement = select(self.scope, "id, ts, v", "samples", *later, key=key)
        found = self._session.query(statement, purpose="samples", limits=Limits(time_s=self._bounds.time_s))
        return row_chunks(found, "v")

    def rows_since(self, metrics: Sequence[int], bucket: int, low_ms: int) -> Mapping[int, Rows]:
        """Return the rows of several metrics in one bucket from `low_ms` on; a metric without any is absent.

        As with `rows`, they are not of the query's budget.
        """
        key = [between("b", bucket, bucket), among("m", metrics)]
        statement = select(self.scope, "m, id, ts, v", "samples", since(low_ms), key=key)
        found = self._session.query(statement, purpose="samples", limits=Limits(time_s=self._bounds.time_s))
        rows: dict[int, list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]]] = {}
        for batch, (ids, ts, values) in zip(found.to_batches(), row_chunks(found, "v"), strict=True):
            of: NDArray[np.uint64] = numbers(batch.column("m"))
            order = np.argsort(of, kind="stable")
            ends = np.flatnonzero(of[order][1:] != of[order][:-1]) + 1
            for part in np.split(order, ends):
                if len(part):
                    own = frozen(ids[part]), frozen(ts[part]), frozen(values[part])
                    rows.setdefault(int(of[part[0]]), []).append(own)
        return rows

    def count(self, metric: int, first: int, last: int) -> int:
        """Return how many rows a metric has in buckets first to last."""
        key = between("b", first, last), equal("m", metric)
        counted = self._query("count", select(self.scope, "count() AS n", "samples", *key))
        return int(counted["n"][0].as_py())

    def _query(self, purpose: str, statement: Statement) -> pa.Table:
        try:
            return self._session.query(statement, purpose=purpose, limits=self._limits())
        except PharosError as exc:
            if exc.kind is Kind.LIMITED:
                raise self._too_many() from exc
            raise

    def _spend(self, samples: int) -> None:
        """Count samples against the budget; raises PharosError(LIMITED) when it is used up."""
        self.samples_read += samples
        self._left -= samples
        if self._left <= 0:
            raise self._too_many()
        if self._share is not None:
            self._share.take(samples, self.check)

    def _rows(self, table: str, value: str, asked: SampleRange) -> Rows:
        few = len(asked.selection) <= _FEW_SERIES
        inside = [] if few else [times(asked.start_ms, asked.end_ms)]
        key = asked.key_conditions()
        rows = select(self.scope, f"id, ts, {value} AS number", table, *inside, key=key)
        return row_chunks(self._query(table, rows), "number")

    def _read(
        self, table: str, value: str, asked: SampleRange
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        rows, selection = self._rows(table, value, asked), asked.selection
        self._spend(sum(len(ids) for ids, _, _ in rows))
        return regroup(rows, selection.id, asked.start_ms, asked.end_ms)

    def _too_many(self) -> PharosError:
        return PharosError(
            Kind.LIMITED,
            "query processing would load too many samples into memory in query execution",
            hint=f"the limit is {self._bounds.samples}; ask for fewer series or less time",
        )

    def _start_times(
        self, asked: SampleRange, offsets: NDArray[np.int64], ts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the start timestamp of each sample, 0 where none is known."""
        st_offsets, st_ts, st = self._read("starts", "toFloat64(start_ms)", asked)
        found: NDArray[np.int64] = np.zeros(len(ts), np.int64)
        _match_starts(offsets, ts, st_offsets, st_ts, st, found)
        return found


def _samples_of(columns: HistogramColumns) -> int:
    """Return for how many samples histograms count: by the memory that they take (totalHPointSize)."""
    buckets = columns.positive.size + columns.negative.size + columns.custom.size
    return len(columns.ts_ms) * _HISTOGRAM_SAMPLES + buckets // 2


def _taken(
    labels: Sequence[Labels],
    rows: NDArray[np.int64],
    offsets: NDArray[np.int64],
    ts: NDArray[np.int64],
    values: NDArray[np.float64],
) -> SeriesBlock:
    """Return the block of these rows of columns, in that order."""
    lengths = offsets[rows + 1] - offsets[rows]
    own = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(lengths, out=own[1:])
    places = np.arange(own[-1]) + np.repeat(offsets[rows] - own[:-1], lengths)
    return SeriesBlock(labels, own, ts[places], values[places])


def _part_of(block: SeriesBlock, first: int, last: int) -> SeriesBlock:
    """Return series first to last - 1 of a block without histograms."""
    if first == 0 and last >= len(block.labels):
        return block
    offsets = block.offsets[first : last + 1]
    rows = slice(int(offsets[0]), int(offsets[-1]))
    starts = None if block.start_ms is None else block.start_ms[rows]
    return SeriesBlock(
        block.labels[first:last], offsets - offsets[0], block.ts_ms[rows], block.values[rows], starts
    )


@kernel
def _match_starts(offsets: Any, ts: Any, start_offsets: Any, start_ts: Any, starts: Any, found: Any) -> None:
    """Write each start to the sample of its series that has its time, if there is one."""
    for s in range(len(offsets) - 1):
        i = offsets[s]
        for j in range(start_offsets[s], start_offsets[s + 1]):
            while i < offsets[s + 1] and ts[i] < start_ts[j]:
                i += 1
            if i < offsets[s + 1] and ts[i] == start_ts[j]:
                found[i] = np.int64(starts[j])


def _is_whole(matchers: Sequence[Matcher]) -> bool:
    """Return whether nothing but the metric's name is asked for."""
    return len(matchers) == 1 and matchers[0].name == "__name__"
