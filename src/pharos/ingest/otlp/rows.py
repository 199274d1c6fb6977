"""Samples on their way into a body."""

from __future__ import annotations

import struct
from typing import Any, Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.ingest.otlp.limits import OtlpLimits
from pharos.ingest.otlp.points import SAMPLE_ROOM, put_points
from pharos.ingest.otlp.series import Series
from pharos.ingest.remote_write.messages import STALE_BITS

STALE: Final[float] = struct.unpack("<d", struct.pack("<Q", STALE_BITS))[0]
NS_IN_MS: Final = 1_000_000


class Rows(Struct):
    """Samples by the ref of their series; times in nanoseconds, a start of 0 is none."""

    refs: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    times_ns: list[int] = field(default_factory=list)
    begun_ns: list[int] = field(default_factory=list)

    def add(self, ref: int, value: float, time_ns: int, begun_ns: int) -> None:
        """Add one sample."""
        self.refs.append(ref)
        self.values.append(value)
        self.times_ns.append(time_ns)
        self.begun_ns.append(begun_ns)

    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64]]:
        """Return refs, bits of the values, times and starts as columns."""
        return (
            np.array(self.refs, np.int64),
            np.array(self.values, np.float64).view(np.uint64),
            np.array(self.times_ns, np.uint64),
            np.array(self.begun_ns, np.uint64),
        )


def samples_body(series: Series, columns: tuple[Any, Any, Any, Any], limits: OtlpLimits) -> bytes:
    """Return the TimeSeries fields of samples, as `Rows.columns` has them; a ref below 0 leaves one out.

    Raises PharosError(TOO_LARGE).
    """
    refs, bits, times_ns, begun_ns = columns
    if not len(refs):
        return b""
    room = int(series.lengths[refs[refs >= 0]].sum()) + SAMPLE_ROOM * len(refs)
    if room > limits.body_bytes:
        raise limits.too_long()
    out = np.empty(room, np.uint8)
    per_ms = np.uint64(NS_IN_MS)
    size = put_points(
        (series.blob, series.offsets, series.lengths), refs, bits, times_ns // per_ms, begun_ns // per_ms, out
    )
    return out[:size].tobytes()
