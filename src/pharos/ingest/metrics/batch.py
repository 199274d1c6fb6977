"""What the frames of one segment of the log decode to, ready to be stored as one block a table."""

from __future__ import annotations

from dataclasses import dataclass

from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics.columns import TenantColumns
from pharos.ingest.metrics.parts import Parts


@dataclass(frozen=True, slots=True)
class Accepted:
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

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the request was refused."""
        return not (self.future or self.old or self.invalid_series or self.refused_exemplars)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the request is to be stored."""
        return not (self.samples or self.histograms or self.exemplars or self.metadata)

    def refusal(self) -> str:
        """Return a sentence on what was refused, empty if nothing was."""
        parts = []
        if self.future:
            parts.append(f"{self.future} samples lie more than 10 minutes in the future")
        if self.old:
            parts.append(f"{self.old} samples are older than the store keeps")
        if self.invalid_series:
            parts.append(f"{self.invalid_series} series are invalid, the first because {self.fault}")
        if self.refused_exemplars:
            parts.append(f"{self.refused_exemplars} exemplars have invalid labels or times")
        return "; ".join(parts)


class Batch:
    """What the frames of one log segment decode to.

    `spare` holds columns of batches that are done: their memory is warm, so they are taken first.
    """

    def __init__(self, spare: list[TenantColumns] | None = None) -> None:
        self.segment = ""
        self.frames = 0
        self.is_torn = False
        """Whether some frame of it was not acknowledged after all."""
        self.oldest_recv_ns = 0
        self.tenants: dict[str, TenantColumns] = {}
        self._spare = spare if spare is not None else []
        self.parts: list[tuple[str, Parts]] = []
        self.parts_bytes = 0

    def columns(self, tenant: str) -> TenantColumns:
        """Return the tenant's columns, made if need be."""
        found = self.tenants.get(tenant)
        if found is None:
            found = self.tenants[tenant] = self._spare.pop() if self._spare else TenantColumns()
        return found

    def give_back(self, most: int) -> None:
        """Put the columns among the spare ones, of which `most` are kept; the batch is done."""
        for columns in self.tenants.values():
            if len(self._spare) < most:
                columns.counts[:] = 0
                self._spare.append(columns)

    def last_span(self, tenant: str, accepted: Accepted) -> tuple[int, int]:
        """Return the first and the last time, in ms, of the samples of the frame that was decoded last.

        The first is later than the last if it has none.
        """
        columns = self.tenants[tenant]
        rows = int(columns.counts[places.SAMPLES])
        times = [columns.samples.ts_ms[rows - accepted.samples : rows]] if accepted.samples else []
        if accepted.histograms and self.parts[-1][1].histograms is not None:
            times.append(self.parts[-1][1].histograms.integers[:, 0])
        if not times:
            return 1 << 62, -(1 << 62)
        return min(int(part.min()) for part in times), max(int(part.max()) for part in times)

    def memory_bytes(self) -> int:
        """Return roughly what the batch holds in memory."""
        return sum(columns.memory_bytes() for columns in self.tenants.values()) + self.parts_bytes
