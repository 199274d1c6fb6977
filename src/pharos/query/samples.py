"""The samples of a selection, read from the store: what PromQL's source is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pharos.engine import Limits, Session
from pharos.engine.changes import Changes
from pharos.engine.sql import Statement, integers, string
from pharos.errors import Kind, PharosError
from pharos.ingest.load import BUCKET_MS
from pharos.labels import Matcher
from pharos.promql.source import HistogramColumns, SeriesBlock
from pharos.query.histograms import read_histograms
from pharos.query.regroup import regroup
from pharos.query.series import Selection, SeriesCache

_FEW_SERIES: Final = 64
"""Up to here rows outside of the range are cheaper to read than to filter in the store."""
_LISTED_SERIES: Final = 5_000
"""Up to here the ids of a selection are worth listing in the statement."""


def key_condition(tenant: str, selection: Selection, start_ms: int, end_ms: int, *, whole: bool) -> str:
    """Return the condition over tenant, bucket, metric and id that finds a selection's rows in the range.

    `whole` says that the selection holds every series of its metrics, so that ids need no look.
    """
    first, last = start_ms // BUCKET_MS, end_ms // BUCKET_MS
    parts = [
        f"tenant = {string(tenant)}",
        f"b = {first}" if first == last else f"b BETWEEN {first} AND {last}",
        f"m = {selection.metrics[0]}"
        if len(selection.metrics) == 1
        else f"m IN {integers(selection.metrics)}",
    ]
    if not whole and len(selection) <= _LISTED_SERIES:
        parts.append(f"id IN {integers(selection.id)}" if len(selection) > 1 else f"id = {selection.id[0]}")
    return " AND ".join(parts)


def time_condition(start_ms: int, end_ms: int) -> str:
    """Return the condition that keeps rows of the range."""
    return f"ts BETWEEN fromUnixTimestamp64Milli({start_ms}) AND fromUnixTimestamp64Milli({end_ms})"


def row_chunks(
    table: pa.Table, value: str
) -> list[tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]]:
    """Return the (id, time ms, value) arrays of each batch of a result, without a copy."""
    return [
        (
            batch.column("id").to_numpy(zero_copy_only=True),
            batch.column("ts").view(pa.int64()).to_numpy(zero_copy_only=True),
            batch.column(value).to_numpy(zero_copy_only=True),
        )
        for batch in table.to_batches()
    ]


class MetricSource:
    """A tenant's samples within one query; counts what it loads against the query's budget."""

    def __init__(
        self,
        session: Session,
        tenant: str,
        cache: SeriesCache,
        changes: Changes,
        *,
        max_samples: int,
        time_s: float,
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._cache = cache
        self._changes = changes
        self._left = max_samples
        self._max_samples = max_samples
        self._time_s = time_s
        self.samples_read = 0
        self.series_selected = 0

    def select(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> SeriesBlock:
        """Return the samples of the series that match; see `SampleSource.select`."""
        selection = self._cache.select(self._session, self._tenant, matchers, start_ms, end_ms)
        self.series_selected += len(selection)
        if not len(selection):
            return SeriesBlock((), np.zeros(1, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))
        whole = _is_whole(matchers)
        offsets, ts, values = self._read("samples", "v", selection, start_ms, end_ms, whole=whole)
        starts = None
        if self._changes.has_starts(self._tenant, selection.metrics):
            starts = self._start_times(selection, start_ms, end_ms, offsets, ts, whole=whole)
        histograms: HistogramColumns | None = None
        if self._changes.has_histograms(self._tenant, selection.metrics):
            condition = key_condition(self._tenant, selection, start_ms, end_ms, whole=whole)
            histograms = read_histograms(
                self._session,
                f"{condition} AND {time_condition(start_ms, end_ms)}",
                selection,
                self._limits(),
            )
        return SeriesBlock(selection.labels, offsets, ts, values, starts, histograms)

    def _limits(self) -> Limits:
        return Limits(time_s=self._time_s, result_rows=self._left)

    def _read(
        self, table: str, value: str, selection: Selection, start_ms: int, end_ms: int, *, whole: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        condition = key_condition(self._tenant, selection, start_ms, end_ms, whole=whole)
        where = "" if len(selection) <= _FEW_SERIES else f" WHERE {time_condition(start_ms, end_ms)}"
        try:
            rows = self._session.query(
                Statement(f"SELECT id, ts, {value} AS number FROM {table} PREWHERE {condition}{where}"),
                purpose=table,
                limits=self._limits(),
            )
        except PharosError as exc:
            if exc.kind is Kind.LIMITED:
                raise self._too_many() from exc
            raise
        self.samples_read += rows.num_rows
        self._left -= rows.num_rows
        if self._left <= 0:
            raise self._too_many()
        return regroup(row_chunks(rows, "number"), selection.ids, len(selection), start_ms, end_ms)

    def _too_many(self) -> PharosError:
        return PharosError(
            Kind.LIMITED,
            "query processing would load too many samples into memory in query execution",
            hint=f"the limit is {self._max_samples}; ask for fewer series or less time",
        )

    def _start_times(
        self,
        selection: Selection,
        start_ms: int,
        end_ms: int,
        offsets: NDArray[np.int64],
        ts: NDArray[np.int64],
        *,
        whole: bool,
    ) -> NDArray[np.int64]:
        """Return the start timestamp of each sample, 0 where none is known."""
        st_offsets, st_ts, st = self._read(
            "starts", "toFloat64(start_ms)", selection, start_ms, end_ms, whole=whole
        )
        found: NDArray[np.int64] = np.zeros(len(ts), np.int64)
        for i in range(len(selection)):
            low, high = st_offsets[i], st_offsets[i + 1]
            if low == high:
                continue
            mine = ts[offsets[i] : offsets[i + 1]]
            places = np.searchsorted(mine, st_ts[low:high])
            good = (places < len(mine)) & (mine[np.minimum(places, len(mine) - 1)] == st_ts[low:high])
            found[offsets[i] + places[good]] = st[low:high][good].astype(np.int64)
        return found


def _is_whole(matchers: Sequence[Matcher]) -> bool:
    """Return whether nothing but the metric's name is asked for."""
    return len(matchers) == 1 and matchers[0].name == "__name__"
