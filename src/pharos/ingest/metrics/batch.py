"""What the metrics in one segment of the log decode to, ready to be stored as one block a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from pharos.engine import Engine
from pharos.engine.changes import Changes
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics.columns import TenantColumns
from pharos.ingest.metrics.insert import insert_metrics
from pharos.ingest.metrics.known import KnownArrays
from pharos.ingest.metrics.parts import Parts
from pharos.ingest.metrics.touched import touched_buckets
from pharos.ingest.metrics.traits import Traits
from pharos.ingest.signals import Plain
from pharos.telemetry import DROPPED, INGEST_REJECTED, INGEST_SAMPLES

_SPARE_COLUMNS: Final = 2


class Accepted(Struct, frozen=True):
    """What became of one request."""

    samples: int = 0
    histograms: int = 0
    exemplars: int = 0
    metadata: int = 0
    future: int = 0
    old: int = 0
    invalid_series: int = 0
    refused_exemplars: int = 0
    """Exemplars with labels that are refused, or at times outside of the bounds."""
    fault: str = ""
    """Why the first refused series was refused; empty if none was."""
    beyond_series: int = 0
    """New series that would have been more than the tenant may have."""
    beyond_samples: int = 0
    """What these had of samples."""
    max_series: int = 0
    """How many it may have."""
    kept: tuple[int, Plain] | None = None
    """What was taken, as a kind of frame in its plain form; None if that is all that came."""
    is_cut: bool = False
    """Whether a limit refused some of it; see `Receipt.is_cut`."""
    sampled_out: int = 0
    """Samples of series that sampling leaves out."""
    tenant: str = ""
    """What the tenant is called in the server's metrics, where something was left out."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the request was refused."""
        refused = self.future or self.old or self.invalid_series or self.refused_exemplars
        return not (refused or self.beyond_series)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the request is to be stored."""
        return not (self.samples or self.histograms or self.exemplars or self.metadata)

    @property
    def points(self) -> int:
        """How many samples, and native histograms, are to be stored."""
        return self.samples + self.histograms

    def count(self, source: str, refused: Mapping[str, int]) -> None:
        """Count in the server's metrics what was taken and what was refused; see `Receipt.count`."""
        INGEST_SAMPLES.labels(source).inc(self.points)
        if self.sampled_out:
            DROPPED.labels("samples", self.tenant, "sampling").inc(self.sampled_out)
        own = {
            "future": self.future,
            "old": self.old,
            "invalid_series": self.invalid_series,
            "series_limit": self.beyond_samples,
        }
        for counts in (own, refused):
            for reason, count in counts.items():
                if count:
                    INGEST_REJECTED.labels(reason).inc(count)

    def refusal(self) -> str:
        """Return a sentence on what was refused, empty if nothing was."""
        parts = []
        if self.future:
            parts.append(f"{self.future} samples lie more than 10 minutes in the future")
        if self.old:
            parts.append(f"{self.old} samples are older than the store keeps")
        if self.invalid_series:
            parts.append(f"{self.invalid_series} series are invalid, the first because {self.fault}")
        if self.beyond_series:
            parts.append(
                f"{self.beyond_series} new series would be more than the {self.max_series} active series"
                " that the tenant may have: those that it has go on, new ones are refused"
            )
        if self.refused_exemplars:
            parts.append(f"{self.refused_exemplars} exemplars have invalid labels or times")
        return "; ".join(parts)


class Undo(Struct, frozen=True):
    """How to take the frame that was decoded last out of its batch."""

    tenant: str
    mark: NDArray[np.int64]
    known: KnownArrays
    parts: int
    tenant_bytes: int


class MetricsBatch:
    """Samples, histograms, exemplars and metadata of the frames of a segment, by tenant.

    `spare` holds columns of batches that are done: their memory is warm, so they are taken first. `traits`
    are those that earlier batches have written.
    """

    def __init__(self, spare: list[TenantColumns], traits: Traits) -> None:
        self.tenants: dict[str, TenantColumns] = {}
        self.parts: list[tuple[str, Parts]] = []
        self.undo: Undo | None = None
        self.seen_ms = 0
        """When the first frame was received."""
        self._spare = spare
        self._traits = traits
        self._bytes: dict[str, int] = {}
        self._all_bytes = 0

    def columns(self, tenant: str) -> TenantColumns:
        """Return the tenant's columns, made if need be."""
        found = self.tenants.get(tenant)
        if found is None:
            found = self.tenants[tenant] = self._spare.pop() if self._spare else TenantColumns()
        return found

    def set_bytes(self, tenant: str, held: int) -> None:
        """Say how much the tenant's share holds now."""
        self._all_bytes += held - self._bytes.get(tenant, 0)
        self._bytes[tenant] = held

    def memory_bytes(self, tenant: str | None = None) -> int:
        """Return roughly what the batch holds in memory, of all tenants or of one."""
        return self._all_bytes if tenant is None else self._bytes.get(tenant, 0)

    def give_back(self) -> None:
        """Put the columns among the spare ones, of which few are kept; the batch is done."""
        for columns in self.tenants.values():
            if len(self._spare) < _SPARE_COLUMNS:
                columns.clear()
                self._spare.append(columns)

    def last_span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last time of the samples of the frame that was decoded last."""
        undo = self.undo
        if undo is None:
            return None
        columns = self.tenants[undo.tenant]
        first, rows = int(undo.mark[places.SAMPLES]), int(columns.counts[places.SAMPLES])
        times = [columns.samples.ts_ms[first:rows]] if rows > first else []
        times += [
            parts.histograms.integers[:, 0]
            for _, parts in self.parts[undo.parts :]
            if parts.histograms is not None
        ]
        if not times:
            return None
        return min(int(part.min()) for part in times), max(int(part.max()) for part in times)

    def insert(self, engine: Engine, token: str) -> None:
        """Store the batch durably, once; see `Batch.insert`."""
        insert_metrics(engine, self.tenants, self.parts, self.seen_ms, self._traits, token)

    def note(self, changes: Changes) -> None:
        """Tell the caches above what the store holds now."""
        for tenant, columns in self.tenants.items():
            if rows := int(columns.counts[places.SERIES]):
                changes.note_series(tenant, np.unique(columns.series.metric[:rows]).tolist())
            if rows := int(columns.counts[places.SAMPLES]):
                samples = columns.samples
                changes.note_samples(tenant, touched_buckets(samples.metric[:rows], samples.ts_ms[:rows]))
            if rows := int(columns.counts[places.STARTS]):
                changes.note_starts(tenant, np.unique(columns.starts.metric[:rows]).tolist())
        for tenant, parts in self.parts:
            if parts.histograms is not None:
                times = np.ascontiguousarray(parts.histograms.integers[:, 0])
                changes.note_histograms(tenant, np.unique(parts.histograms.metric).tolist())
                changes.note_samples(tenant, touched_buckets(parts.histograms.metric, times))
