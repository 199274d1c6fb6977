"""Frames to columns: what intake does before it acknowledges, and recovery does again after a crash.

The same frame decodes to the same rows at any time: bounds on sample times count from the time of receipt
that the frame carries.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pharos.compiled.protobuf import read_length, read_tag
from pharos.engine.changes import Recent
from pharos.engine.keys import metric_hash
from pharos.errors import Kind, PharosError
from pharos.ingest import frames
from pharos.ingest.frames import FrameKind
from pharos.ingest.metrics import columns as places
from pharos.ingest.metrics import histogram_check, wire, wire_labels
from pharos.ingest.metrics.batch import Accepted, MetricsBatch, Undo
from pharos.ingest.metrics.columns import TenantColumns
from pharos.ingest.metrics.known import (
    HOUR,
    MAX_LABELS,
    MAX_NAME_BYTES,
    MAX_SERIES,
    MAX_VALUE_BYTES,
    MOST_SLOTS,
    KnownSeries,
)
from pharos.ingest.metrics.parts import Parts, SeenMetadata, decode_parts
from pharos.ingest.metrics.scatter import gather_labels
from pharos.ingest.metrics.taken import keep_taken
from pharos.ingest.metrics.traits import Traits
from pharos.ingest.remote_write.measure import Fault
from pharos.ingest.remote_write.transcode import transcode_v2
from pharos.ingest.signals import Plain
from pharos.limits import TenantLimits
from pharos.policy import TenantPolicy
from pharos.sampling import Sampling, bar_of

FUTURE_TOLERANCE_MS: Final = 600_000

# A body of 64 MiB makes half of this if its samples are of usual size; what makes more is built to.
_DECODED_MAX_BYTES: Final = 512 << 20
_YEAR_2299_MS: Final = 10_382_000_000_000
_YEAR_1900_MS: Final = -2_208_900_000_000

_FAULTS: Final = {
    wire_labels.TOO_MANY_LABELS: f"a series has more than {wire_labels.LABELS_MAX} labels",
    wire_labels.EMPTY_LABEL_NAME: "a label has an empty name",
    wire_labels.DUPLICATE_LABEL: "a label name occurs twice in one series",
    wire_labels.NOT_UTF8: "a label is not valid UTF-8",
    wire_labels.NO_METRIC_NAME: "a series has no metric name (label __name__)",
    wire_labels.LABEL_NAME_TOO_LONG: f"a label name is longer than {wire_labels.LABEL_NAME_MAX_BYTES} bytes",
    wire_labels.LABEL_VALUE_TOO_LONG: (
        f"a label value is longer than {wire_labels.LABEL_VALUE_MAX_BYTES} bytes"
    ),
    wire_labels.BAD_LABEL: "a label message is malformed",
    wire_labels.REFUSED + Fault.REFERENCE: "a reference points outside the symbols table",
    wire_labels.REFUSED + Fault.ODD_REFERENCES: (
        "labels_refs has an odd number of references, so a label name has no value"
    ),
    **histogram_check.FAULTS,
}


_PARTS_MAX: Final = 1_000_000
_PARTS: Final = f"{_PARTS_MAX} exemplars, native histograms and metadata entries"
"""Each takes up to a microsecond, and only one request is decoded at a time."""
_SCATTERED_MAX_BYTES: Final = 4 << 20
_SCATTERED: Final = f"{_SCATTERED_MAX_BYTES >> 20} MiB, and labels that stand apart in a series"
"""Such requests, which no known sender makes, are put in order in Python."""


class Decoder:
    """The signal of metrics: turns frames into columns, knowing the series it has seen; see `Signal`.

    `max_age_ms` 0 accepts samples however old they are. What goes beyond a tenant's limits of series and
    labels is refused, series by series, and what its sampling leaves out is left out; a fresh one knows
    neither: what was accepted was within them.
    """

    def __init__(
        self,
        *,
        seed: int,
        today: int,
        max_age_ms: int,
        policy: TenantPolicy | None = None,
        most_slots: int = MOST_SLOTS,
    ) -> None:
        policy = policy or TenantPolicy()
        self._limits_of = policy.limits_of
        self._rules = policy.sampling
        self._label_of = policy.usage.label
        self._sampled: dict[str, Sampling] = {}
        """By tenant the rules that the table of known series goes by."""
        self.known = KnownSeries(seed, today, most_slots)
        self._seed = seed
        self._most_slots = most_slots
        self._seen_metadata = SeenMetadata()
        self._scratch: NDArray[np.int64] = np.empty((wire_labels.LABELS_MAX, 4), np.int64)
        self._saved: NDArray[np.int64] = np.zeros(places.COUNTS, np.int64)
        self._max_age_ms = max_age_ms
        self._decoded_max = _DECODED_MAX_BYTES
        self._is_patient = False
        """Whether nobody waits for what is decoded, however long it takes."""
        self._spare: list[TenantColumns] = []
        self._traits = Traits()

    def unpack(self, kind: int, payload: bytes | memoryview) -> bytes | memoryview:
        """Return the version 1.0 request that a frame's payload stands for; see `Signal.unpack`."""
        plain = frames.unpack(payload)
        return transcode_v2(plain) if kind == FrameKind.REMOTE_WRITE_2 else plain

    def begin(self) -> MetricsBatch:
        """Return an empty batch."""
        self.known.tell()
        return MetricsBatch(self._spare, self._traits)

    def fresh(self) -> Decoder:
        """Return a decoder of the same settings that has seen nothing, for what was accepted before."""
        decoder = Decoder(
            seed=self._seed,
            today=self.known.base_day,
            max_age_ms=self._max_age_ms,
            most_slots=self._most_slots,
        )
        # Room doubles from another base than when the frame was accepted: never refuse it now.
        decoder._decoded_max = 4 * self._decoded_max
        decoder._seen_metadata.most = 1 << 62
        decoder._is_patient = True
        return decoder

    def forget(self) -> None:
        """Forget every series: for when a batch that registered some was not stored."""
        self.known.clear()
        self._seen_metadata.clear()

    def forget_tenant(self, tenant: str) -> None:
        """Forget the series and metadata of a tenant."""
        self.known.forget_tenant(tenant)
        self._seen_metadata.clear()

    def active(self) -> dict[str, int]:
        """Return by tenant how many series had a sample in the last one to two hours."""
        return self.known.active()

    @property
    def recent_from_ms(self) -> int | None:
        """From which time on only series that are known have samples; None where that is not known."""
        return self.known.recent_from_ms(FUTURE_TOLERANCE_MS)

    def recent(self) -> Recent | None:
        """Return that time and these series; not to be called while something is decoded."""
        from_ms = self.recent_from_ms
        return None if from_ms is None else Recent(from_ms, self.known.ids())

    def decode(self, into: MetricsBatch, tenant: str, plain: bytes | memoryview, recv_ns: int) -> Accepted:
        """Add a version 1.0 request to the batch.

        Raises PharosError(INVALID) for a body that is not a WriteRequest; the batch is then as before.
        """
        recv_ms = recv_ns // 1_000_000
        self.known.turn_to(recv_ms)
        limits = self._limits_of(tenant)
        rules = self._rules.now
        if rules.metrics or self._sampled:
            self._sample(tenant, rules)
        _bound(self.known.census_of(tenant), limits)
        columns = into.columns(tenant)
        undo = Undo(tenant, columns.mark(), self.known.arrays, len(into.parts), into.memory_bytes(tenant))
        into.undo = undo
        buf = np.frombuffer(plain, np.uint8)
        seed = self.known.seed_of(tenant)
        bounds = self.bounds(recv_ms)
        before = columns.memory_bytes()
        try:
            ended, at = self._pass_over(buf, columns, tenant, bounds)
            if ended == wire.SCATTERED:
                self._check_size(len(plain) > _SCATTERED_MAX_BYTES, _SCATTERED)
                self._roll_back(columns, undo)
                buf = np.frombuffer(gather_labels(bytes(plain)), np.uint8)
                ended, at = self._pass_over(buf, columns, tenant, bounds)
            _check_end(ended, at)
            self._check_size(int(columns.counts[places.PARTS]) > _PARTS_MAX, _PARTS)
            parts = decode_parts(
                buf, columns.parts, int(columns.counts[places.PARTS]), bounds, seed, self._seen_metadata
            )
        except PharosError:
            self.undo(into)
            raise
        kept = None
        if columns.counts[places.BEYOND_SERIES :].any():
            kept = self._kept(buf, tenant)
        accepted = _accepted(columns.counts, undo.mark, parts, limits, kept, self._label(columns, tenant))
        columns.counts[places.PARTS] = 0
        columns.counts[places.FUTURE :] = 0
        held = columns.memory_bytes() - before
        if parts.histograms or parts.exemplars or parts.metadata:
            into.parts.append((tenant, parts))
            held += 2 * len(plain)
        into.set_bytes(tenant, undo.tenant_bytes + held)
        into.seen_ms = into.seen_ms or recv_ms
        span = into.last_span_ms()
        if span is not None:
            self.known.note_ahead(span[1] - recv_ms)
        return accepted

    def _kept(self, buf: NDArray[np.uint8], tenant: str) -> Plain:
        """Return what was taken of a request that was just decoded, as a request.

        What a limit refused, or sampling left out, must not be in the log: it would be taken when that is
        read again.
        """
        census, out = self.known.census_of(tenant), np.empty_like(buf)
        hour = census[HOUR].astype(np.uint64)
        size = keep_taken(buf, self.known.arrays, hour, self.known.seed_of(tenant), out)
        return out[:size].tobytes()

    def _label(self, columns: TenantColumns, tenant: str) -> str:
        """Return what a tenant is called in the server's metrics, where something is told of it there."""
        return self._label_of(tenant) if columns.counts[places.SAMPLED_OUT] else ""

    def _sample(self, tenant: str, rules: Sampling) -> None:
        """Go by these rules from now on, for this tenant."""
        if self._sampled.get(tenant) is not rules:
            shares = rules.shares_of_metrics(tenant)
            self.known.sample(tenant, {metric_hash(name): bar_of(one) for name, one in shares.items()})
            self._sampled[tenant] = rules

    def _check_size(self, is_large: bool, what: str) -> None:
        """Raise PharosError(TOO_LARGE) for a request that would keep all other writers waiting."""
        if is_large and not self._is_patient:
            raise PharosError(
                Kind.TOO_LARGE, f"the request has more than {what}", hint="send less in a request"
            )

    def bounds(self, recv_ms: int) -> tuple[int, int]:
        """Return the oldest and the newest time, in ms, that a frame received at `recv_ms` may hold."""
        least = recv_ms - self._max_age_ms if self._max_age_ms else _YEAR_1900_MS
        return least, min(recv_ms + FUTURE_TOLERANCE_MS, _YEAR_2299_MS)

    def _pass_over(
        self, buf: NDArray[np.uint8], columns: TenantColumns, tenant: str, bounds: tuple[int, int]
    ) -> tuple[int, int]:
        """Run the kernel to the end of the body, growing what it asks for."""
        seed, census = self.known.seed_of(tenant), self.known.census_of(tenant)
        pos, room_max = 0, columns.room_bytes() + self._decoded_max
        while True:
            ended, pos = wire.decode_request(
                buf,
                pos,
                self.known.arrays,
                self.known.used,
                census,
                seed,
                self.known.base_day,
                (columns.samples, columns.starts, columns.series, columns.parts),
                self._scratch,
                columns.counts,
                self._saved,
                *bounds,
            )
            if ended == wire.NEED_ROOM:
                if columns.room_bytes() > room_max:
                    raise PharosError(
                        Kind.TOO_LARGE,
                        f"the request decodes to more than {self._decoded_max >> 20} MiB",
                        hint="send fewer samples in a request",
                    )
                _, _, content = read_tag(buf, pos, len(buf))
                first, stop = read_length(buf, content, len(buf))
                columns.grow(int(stop) - int(first))
            elif ended == wire.NEED_SLOTS:
                self._grow_known(columns)
            else:
                return ended, pos

    def _grow_known(self, columns: TenantColumns) -> None:
        """Grow the table; slots move, so registrations of this request can no longer be undone one by one."""
        self.known.grow()
        columns.series.slot[: int(columns.counts[places.SERIES])] = -1

    def undo(self, batch: MetricsBatch) -> None:
        """Take the last decoded frame out of the batch again."""
        undo, batch.undo = batch.undo, None
        if undo is None:
            return
        self._roll_back(batch.columns(undo.tenant), undo)
        del batch.parts[undo.parts :]
        batch.set_bytes(undo.tenant, undo.tenant_bytes)
        self._seen_metadata.clear()

    def _roll_back(self, columns: TenantColumns, undo: Undo) -> None:
        census = self.known.census_of(undo.tenant)
        columns.rollback(undo.mark, lambda slot, before: self.known.take_back(slot, before, census))
        if self.known.arrays is not undo.known:
            # The table was replaced meanwhile, and what the frame registered can no longer be told apart.
            self.known.clear()


def _check_end(ended: int, at: int) -> None:
    if ended != wire.DONE:
        raise PharosError(Kind.INVALID, f"malformed WriteRequest at byte {at}", position=at)


def _bound(census: NDArray[np.int64], limits: TenantLimits) -> None:
    """Have kernels look at a tenant's limits as they are now."""
    census[MAX_SERIES] = limits.max_series
    census[MAX_LABELS] = limits.max_label_names
    census[MAX_NAME_BYTES] = limits.max_label_name_length
    census[MAX_VALUE_BYTES] = limits.max_label_value_length


def _fault(code: int, limits: TenantLimits) -> str:
    """Return why a series was refused; empty if none was."""
    beyond = {
        wire_labels.BEYOND_LABELS: f"a series has more than {limits.max_label_names} labels",
        wire_labels.BEYOND_NAME: f"a label name is longer than {limits.max_label_name_length} bytes",
        wire_labels.BEYOND_VALUE: f"a label value is longer than {limits.max_label_value_length} bytes",
    }
    return f"{beyond[code]}, the tenant's limit" if code in beyond else _FAULTS.get(code, "")


def _accepted(
    counts: NDArray[np.int64],
    before: NDArray[np.int64],
    parts: Parts,
    limits: TenantLimits,
    kept: Plain | None,
    label: str,
) -> Accepted:
    return Accepted(
        samples=int(counts[places.SAMPLES] - before[places.SAMPLES]),
        histograms=len(parts.histograms.id) if parts.histograms else 0,
        exemplars=len(parts.exemplars.id) if parts.exemplars else 0,
        metadata=len(parts.metadata),
        refused_exemplars=parts.refused_exemplars,
        future=int(counts[places.FUTURE]),
        old=int(counts[places.OLD]),
        invalid_series=int(counts[places.INVALID]),
        fault=_fault(int(counts[places.FAULT]), limits),
        beyond_series=int(counts[places.BEYOND_SERIES]),
        beyond_samples=int(counts[places.BEYOND_SAMPLES]),
        sampled_out=int(counts[places.SAMPLED_OUT]),
        tenant=label,
        is_cut=bool(counts[places.BEYOND_SERIES] or counts[places.BEYOND_LABELS]),
        max_series=limits.max_series,
        kept=None if kept is None else (FrameKind.REMOTE_WRITE_1, kept),
    )
