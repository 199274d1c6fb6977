"""Frames to columns: what intake does before it acknowledges, and recovery does again after a crash.

The same frame decodes to the same rows at any time: bounds on sample times count from the time of receipt
that the frame carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import cramjam
import numpy as np
from numpy.typing import NDArray

from pharos.errors import Kind, PharosError
from pharos.ingest import decode, histogram_check, run, wire_labels
from pharos.ingest.known import DAY_MS, KnownArrays, KnownSeries
from pharos.ingest.parts import Parts, SeenMetadata, decode_parts
from pharos.ingest.protobuf_kernels import read_length, read_tag
from pharos.ingest.run import TenantColumns
from pharos.ingest.scatter import gather_labels
from pharos.ingest.transcode import transcode_v2


class FrameKind(IntEnum):
    """What a frame's payload is. The numbers are on disk: never reuse one."""

    REMOTE_WRITE_1 = 1
    """A remote write 1.0 WriteRequest, snappy block."""
    REMOTE_WRITE_2 = 2
    """A remote write 2.0 Request, snappy block."""


FUTURE_TOLERANCE_MS: Final = 600_000
BODY_MAX_BYTES: Final = 64 << 20
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
    **histogram_check.FAULTS,
}


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


class Run:
    """What the frames of one log segment decode to.

    `spare` holds columns of runs that are done: their memory is warm, so they are taken first.
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
        """Put the columns among the spare ones, of which `most` are kept; the run is done."""
        for columns in self.tenants.values():
            if len(self._spare) < most:
                columns.counts[:] = 0
                self._spare.append(columns)

    def last_span(self, tenant: str, accepted: Accepted) -> tuple[int, int]:
        """Return the first and the last time, in ms, of the samples of the frame that was decoded last.

        The first is later than the last if it has none.
        """
        columns = self.tenants[tenant]
        rows = int(columns.counts[run.SAMPLES])
        times = [columns.samples.ts_ms[rows - accepted.samples : rows]] if accepted.samples else []
        if accepted.histograms and self.parts[-1][1].histograms is not None:
            times.append(self.parts[-1][1].histograms.integers[:, 0])
        if not times:
            return 1 << 62, -(1 << 62)
        return min(int(part.min()) for part in times), max(int(part.max()) for part in times)

    def memory_bytes(self) -> int:
        """Return roughly what the run holds in memory."""
        return sum(columns.memory_bytes() for columns in self.tenants.values()) + self.parts_bytes


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take the last decoded frame out of its run."""

    tenant: str
    mark: NDArray[np.int64]
    known: KnownArrays
    parts: int


class Decoder:
    """Turns frames into columns, knowing the series it has seen; its owner serialises the calls.

    `max_age_ms` 0 accepts samples however old they are.
    """

    def __init__(self, *, seed: int, today: int, max_age_ms: int) -> None:
        self.known = KnownSeries(seed, today)
        self._seed = seed
        self._seen_metadata = SeenMetadata()
        self._scratch: NDArray[np.int64] = np.empty((wire_labels.LABELS_MAX, 4), np.int64)
        self._saved: NDArray[np.int64] = np.zeros(run.COUNTS, np.int64)
        self._max_age_ms = max_age_ms
        self._decoded_max = _DECODED_MAX_BYTES

    def fresh(self) -> Decoder:
        """Return a decoder of the same settings that has seen nothing, for what was accepted before."""
        decoder = Decoder(seed=self._seed, today=self.known.base_day, max_age_ms=self._max_age_ms)
        # Room doubles from another base than when the frame was accepted: never refuse it now.
        decoder._decoded_max = 4 * self._decoded_max
        return decoder

    def forget(self) -> None:
        """Forget every series: for when a run that registered some was not stored."""
        self.known.clear()
        self._seen_metadata.clear()

    def decode(self, into: Run, tenant: str, body: bytes | memoryview, recv_ns: int) -> tuple[Accepted, Undo]:
        """Add a plain (unpacked, version 1.0) request to the run.

        Raises PharosError(INVALID) for a body that is not a WriteRequest; the run is then as before.
        """
        self.known.turn_to(recv_ns // 1_000_000 // DAY_MS)
        columns = into.columns(tenant)
        undo = Undo(tenant, columns.mark(), self.known.arrays, len(into.parts))
        buf = np.frombuffer(body, np.uint8)
        seed = self.known.seed_of(tenant)
        bounds = self.bounds(recv_ns // 1_000_000)
        try:
            ended, at = self._pass_over(buf, columns, seed, bounds)
            if ended == decode.SCATTERED:
                self._roll_back(columns, undo)
                buf = np.frombuffer(gather_labels(bytes(body)), np.uint8)
                ended, at = self._pass_over(buf, columns, seed, bounds)
            _check_end(ended, at)
            parts = decode_parts(
                buf, columns.parts, int(columns.counts[run.PARTS]), bounds, seed, self._seen_metadata
            )
        except PharosError:
            self.undo(into, undo)
            raise
        accepted = _accepted(columns.counts, undo.mark, parts)
        columns.counts[run.PARTS] = 0
        columns.counts[run.FUTURE :] = 0
        if parts.histograms or parts.exemplars or parts.metadata:
            into.parts.append((tenant, parts))
            into.parts_bytes += 2 * len(body)
        return accepted, undo

    def bounds(self, recv_ms: int) -> tuple[int, int]:
        """Return the oldest and the newest time, in ms, that a frame received at `recv_ms` may hold."""
        least = recv_ms - self._max_age_ms if self._max_age_ms else _YEAR_1900_MS
        return least, min(recv_ms + FUTURE_TOLERANCE_MS, _YEAR_2299_MS)

    def _pass_over(
        self, buf: NDArray[np.uint8], columns: TenantColumns, seed: np.uint64, bounds: tuple[int, int]
    ) -> tuple[int, int]:
        """Run the kernel to the end of the body, growing what it asks for."""
        pos, room_max = 0, columns.room_bytes() + self._decoded_max
        while True:
            ended, pos = decode.decode_request(
                buf,
                pos,
                self.known.arrays,
                self.known.used,
                seed,
                self.known.base_day,
                (columns.samples, columns.starts, columns.series, columns.parts),
                self._scratch,
                columns.counts,
                self._saved,
                *bounds,
            )
            if ended == decode.NEED_ROOM:
                if columns.room_bytes() > room_max:
                    raise PharosError(
                        Kind.TOO_LARGE,
                        f"the request decodes to more than {self._decoded_max >> 20} MiB",
                        hint="send fewer samples in a request",
                    )
                _, _, content = read_tag(buf, pos, len(buf))
                first, stop = read_length(buf, content, len(buf))
                columns.grow(int(stop) - int(first))
            elif ended == decode.NEED_SLOTS:
                self._grow_known(columns)
            else:
                return ended, pos

    def _grow_known(self, columns: TenantColumns) -> None:
        """Grow the table; slots move, so registrations of this request can no longer be undone one by one."""
        self.known.grow()
        columns.series.slot[: int(columns.counts[run.SERIES])] = -1

    def undo(self, from_run: Run, undo: Undo) -> None:
        """Take the last decoded frame out of the run again."""
        self._roll_back(from_run.columns(undo.tenant), undo)
        del from_run.parts[undo.parts :]
        self._seen_metadata.clear()

    def _roll_back(self, columns: TenantColumns, undo: Undo) -> None:
        columns.rollback(undo.mark, self.known.arrays.days)
        if self.known.arrays is not undo.known:
            # The table was replaced meanwhile, and what the frame registered can no longer be told apart.
            self.known.clear()

    def decode_frame(
        self, into: Run, kind: int, tenant: str, payload: memoryview | bytes, recv_ns: int
    ) -> Accepted:
        """Add a frame of the log to the run. Raises PharosError(INVALID) if it cannot be decoded."""
        accepted, _ = self.decode(into, tenant, plain_body(kind, payload), recv_ns)
        into.frames += 1
        if not into.oldest_recv_ns:
            into.oldest_recv_ns = recv_ns
        return accepted


def _check_end(ended: int, at: int) -> None:
    if ended != decode.DONE:
        raise PharosError(Kind.INVALID, f"malformed WriteRequest at byte {at}", position=at)


def declared_bytes(body: bytes | memoryview) -> int:
    """Return the unpacked size that a snappy block declares (its leading varint); -1 if there is none."""
    value = 0
    for index, byte in enumerate(bytes(body[:5])):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value
    return -1


def unpack(body: bytes | memoryview) -> bytes | memoryview:
    """Return a snappy block unpacked, its declared size checked before anything is allocated.

    Raises PharosError: TOO_LARGE, or INVALID for what is no snappy block.
    """
    declared = declared_bytes(body)
    if declared > BODY_MAX_BYTES:
        raise PharosError(
            Kind.TOO_LARGE,
            f"the body declares {declared} bytes unpacked, the limit is {BODY_MAX_BYTES}",
            hint="send fewer samples in a request",
        )
    # A snappy block expands at most 64 bytes for 3: a larger claim is a lie that only costs memory.
    if declared < 0 or declared > 22 * len(body) + 64:
        raise PharosError(Kind.INVALID, "the body is not a snappy block: its declared size is impossible")
    if declared == 0:
        return b""
    try:
        return memoryview(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as exc:
        raise PharosError(
            Kind.INVALID,
            f"the body is not a snappy block: {exc}",
            hint="compress it with snappy, block format",
        ) from exc


def plain_body(kind: int, payload: bytes | memoryview) -> bytes | memoryview:
    """Return the version 1.0 request that a frame's payload stands for.

    Raises PharosError: INVALID, TOO_LARGE.
    """
    plain = unpack(payload)
    if kind == FrameKind.REMOTE_WRITE_2:
        return transcode_v2(plain)
    if kind == FrameKind.REMOTE_WRITE_1:
        return plain
    raise PharosError(Kind.INVALID, f"frame of unknown kind {kind}", hint="it was written by a newer version")


def _accepted(counts: NDArray[np.int64], before: NDArray[np.int64], parts: Parts) -> Accepted:
    fault = int(counts[run.FAULT])
    return Accepted(
        samples=int(counts[run.SAMPLES] - before[run.SAMPLES]),
        histograms=len(parts.histograms.id) if parts.histograms else 0,
        exemplars=len(parts.exemplars.id) if parts.exemplars else 0,
        metadata=len(parts.metadata),
        refused_exemplars=parts.refused_exemplars,
        future=int(counts[run.FUTURE]),
        old=int(counts[run.OLD]),
        invalid_series=int(counts[run.INVALID]),
        fault=_FAULTS.get(fault, ""),
    )
