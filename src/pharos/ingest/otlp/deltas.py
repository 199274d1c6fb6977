"""Points of delta temporality become cumulative ones: what each stream has counted so far is remembered.

The rules are those of the Collector's deltatocumulative processor, which Prometheus embeds: a stream begins
with its first point; a point that is older than the last one, or began before the first one, is refused. What
is remembered dies with the process: a stream begins again then, with a start of its own, which queries see as
a counter's reset. The last point, come again because its answer was lost, leads to the same sum as before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from pharos.ingest.otlp.refused import RefusedError

_IDLE_MS: Final = 300_000
"""A stream without a point for so long makes room for another one; the Collector's `max_stale`."""
_BUCKETS_MOST: Final = 160
"""An exponential histogram with a wider range is merged to a smaller scale, as SDKs do."""

Stream: TypeAlias = tuple[object, ...]
"""What is a stream's own: its tenant, its series, and what else makes its points comparable."""


class _Buckets(Struct):
    """What an exponential histogram has counted: `scale`, and the counts by index."""

    scale: int
    positive: dict[int, int] = field(default_factory=dict)
    negative: dict[int, int] = field(default_factory=dict)

    def add(self, point: Any) -> None:
        """Add a point's buckets, both at the smaller of the scales."""
        self._merge(self.scale - point.scale)
        down = max(0, point.scale - self.scale)
        for mine, other in ((self.positive, point.positive), (self.negative, point.negative)):
            for place, count in enumerate(other.bucket_counts, other.offset):
                if count:
                    mine[place >> down] = mine.get(place >> down, 0) + count
        while any(one and max(one) - min(one) >= _BUCKETS_MOST for one in (self.positive, self.negative)):
            self._merge(1)

    def _merge(self, down: int) -> None:
        if down <= 0:
            return
        self.scale -= down
        for name in ("positive", "negative"):
            merged: dict[int, int] = {}
            for place, count in getattr(self, name).items():
                merged[place >> down] = merged.get(place >> down, 0) + count
            setattr(self, name, merged)


class _Sum(Struct):
    """A stream so far; times in nanoseconds."""

    begun_ns: int
    last_ns: int
    values: list[float]
    buckets: _Buckets | None
    seen_ms: int


class Deltas:
    """The streams of delta temporality, at most so many of all tenants."""

    def __init__(self, streams_most: int = 100_000) -> None:
        self._most = streams_most
        self._streams: OrderedDict[Stream, _Sum] = OrderedDict()

    def __len__(self) -> int:
        """Return how many streams are remembered."""
        return len(self._streams)

    def add(
        self, stream: Stream, values: Sequence[float], begun_ns: int, time_ns: int, now_ms: int
    ) -> tuple[list[float], int]:
        """Return the sums with a point's values, and since when they count.

        Raises RefusedError for a point out of order, and for a new stream where there are too many.
        """
        found, is_new = self._find(stream, len(values), begun_ns, time_ns, now_ms)
        if is_new:
            found.values = [one + other for one, other in zip(found.values, values, strict=True)]
        return found.values, found.begun_ns

    def add_exponential(self, stream: Stream, point: Any, now_ms: int) -> None:
        """Make an ExponentialHistogramDataPoint cumulative, in place. Raises RefusedError as `add` does."""
        values = [float(point.count), float(point.zero_count), point.sum]
        found, is_new = self._find(
            stream, len(values), point.start_time_unix_nano, point.time_unix_nano, now_ms
        )
        if found.buckets is None:
            found.buckets = _Buckets(point.scale)
        if is_new:
            found.values = [one + other for one, other in zip(found.values, values, strict=True)]
            found.buckets.add(point)
        point.count, point.zero_count = int(found.values[0]), int(found.values[1])
        point.sum, point.scale = found.values[2], found.buckets.scale
        point.start_time_unix_nano = found.begun_ns
        for counts, into in (
            (found.buckets.positive, point.positive),
            (found.buckets.negative, point.negative),
        ):
            del into.bucket_counts[:]
            into.offset = min(counts, default=0)
            if counts:
                into.bucket_counts.extend(counts.get(at, 0) for at in range(min(counts), max(counts) + 1))

    def _find(
        self, stream: Stream, width: int, begun_ns: int, time_ns: int, now_ms: int
    ) -> tuple[_Sum, bool]:
        """Return a stream, and whether the point at this time is to be added to it."""
        found = self._streams.get(stream)
        if found is None:
            self._make_room(now_ms)
            found = _Sum(begun_ns or time_ns, time_ns, [0.0] * width, None, now_ms)
            self._streams[stream] = found
            return found, True
        if time_ns < found.last_ns:
            raise RefusedError("a point of delta temporality is older than the one before it")
        if begun_ns and begun_ns < found.begun_ns:
            raise RefusedError("a point of delta temporality began before the first one of its stream")
        self._streams.move_to_end(stream)
        is_new = time_ns > found.last_ns
        found.last_ns, found.seen_ms = time_ns, now_ms
        return found, is_new

    def _make_room(self, now_ms: int) -> None:
        if len(self._streams) < self._most:
            return
        oldest = next(iter(self._streams))
        if now_ms - self._streams[oldest].seen_ms < _IDLE_MS:
            raise RefusedError(f"there are more than {self._most} streams of delta temporality")
        del self._streams[oldest]
