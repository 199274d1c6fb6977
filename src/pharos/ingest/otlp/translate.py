"""A request of OTLP metrics becomes a remote write 1.0 request, in the dialect of ingest.transcode.

What becomes of a metric is what Prometheus 3 makes of it by default (storage/remote/otlptranslator). Gauges
and sums are read by compiled passes (points.py); histograms and summaries, of which each point is many
samples, by loops over points whose series are remembered.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import accumulate
from typing import Any, Final

import numpy as np
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.gotext.numbers import format_f
from pharos.ingest.otlp.attributes import (
    TARGET_INFO,
    Origin,
    attribute_labels,
    exemplar_labels,
    origin_of,
    parse_attributes,
)
from pharos.ingest.otlp.deltas import Deltas
from pharos.ingest.otlp.limits import OtlpLimits
from pharos.ingest.otlp.messages import NumberDataPoint, parse_message, read_request
from pharos.ingest.otlp.names import MetricKind, metric_name, unit_name
from pharos.ingest.otlp.native import check_scale, native_histogram
from pharos.ingest.otlp.points import HAS_EXEMPLARS, NO_VALUE, Points, read_headers, scan_points
from pharos.ingest.otlp.promotion import Promotion
from pharos.ingest.otlp.refused import Reason, Refused, RefusedError
from pharos.ingest.otlp.rows import NS_IN_MS, STALE, Rows, samples_body
from pharos.ingest.otlp.series import Series
from pharos.ingest.remote_write.messages import STALE_BITS, encode_exemplar, encode_histogram, encode_metadata
from pharos.labels import METRIC_NAME, labels_of

_DELTA: Final = 1
_CUMULATIVE: Final = 2
_NO_RECORDED_VALUE: Final = 1
_ODD: Final = 0x9E3779B97F4A7C15
_WORD: Final = (1 << 64) - 1
_TARGET_INFO_MOST: Final = 4096
"""So many samples of `target_info` a resource may get, the newest: a week of them."""
_TYPES: Final = {
    MetricKind.GAUGE: "gauge",
    MetricKind.COUNTER: "counter",
    MetricKind.SUM: "gauge",
    MetricKind.HISTOGRAM: "histogram",
    MetricKind.NATIVE_HISTOGRAM: "histogram",
    MetricKind.SUMMARY: "summary",
}


class Translated(Struct, frozen=True):
    """The remote write request, and what of the OTLP request is not in it."""

    body: bytes
    refused: Refused


class _Family(Struct, frozen=True):
    """A metric of a resource: `number` is its own for ever, `metadata` its field of a WriteRequest."""

    number: int
    name: str
    origin: Origin
    metadata: bytes


class _Numbers(Struct):
    """The gauges and sums of a request, which are read together."""

    raw: list[bytes] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    resources: list[int] = field(default_factory=list)
    """The number of each metric's resource in the request."""


class _Request(Struct):
    """One request on its way: what was found so far."""

    oldest_ms: int
    newest_ms: int
    limits: OtlpLimits
    tenant: str
    resources: list[bytes] = field(default_factory=list)
    numbers: _Numbers = field(default_factory=_Numbers)
    rows: Rows = field(default_factory=Rows)
    refused: Refused = field(default_factory=Refused)
    beside: list[bytes] = field(default_factory=list)
    """Native histograms and exemplars, encoded."""
    beside_bytes: int = 0
    metadata: dict[bytes, None] = field(default_factory=dict)
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The first and the last time, in nanoseconds, of each resource's points, by its number."""

    def put(self, series: bytes) -> None:
        """Add a native histogram or exemplar. Raises PharosError(TOO_LARGE) when all of them are too long."""
        self.beside.append(series)
        self.beside_bytes += len(series)
        if self.beside_bytes > self.limits.body_bytes:
            raise self.limits.too_long()

    def widen(self, resource: int, first_ns: int, last_ns: int) -> None:
        """Note that a resource has points from the one time to the other."""
        least, most = self.spans.get(resource, (first_ns, last_ns))
        self.spans[resource] = min(least, first_ns), max(most, last_ns)

    def is_timely(self, time_ns: int, metric: str) -> bool:
        """Return whether a point's time is within the bounds; note its refusal if it is not."""
        if time_ns // NS_IN_MS < self.oldest_ms:
            self.refused.note(Reason.OLD, 1, metric)
        elif time_ns // NS_IN_MS > self.newest_ms:
            self.refused.note(Reason.FUTURE, 1, metric)
        else:
            return True
        return False


class Translator:
    """Translates requests and remembers their series; its owner serialises the calls.

    `seed` is random, so that nobody can make series that are taken for one another; `lookback_ms` is that of
    queries: `target_info` gets samples so close that none is missed; `promotion` says which attributes of
    resources are labels of all their series now.
    """

    def __init__(
        self,
        *,
        seed: int,
        lookback_ms: int,
        limits: OtlpLimits | None = None,
        promotion: Callable[[], Promotion] = Promotion,
    ) -> None:
        self._promotion_now = promotion
        self._promotion = promotion()
        self._seed = seed
        self._lookback_ms = lookback_ms
        self._limits = limits or OtlpLimits()
        self._series = Series(self._limits)
        self._families: dict[tuple[bytes, str, str, str, str], _Family] = {}
        self._numbered = 0
        self._deltas = Deltas()
        self._origins: dict[bytes, Origin] = {}
        self._target_refs: dict[bytes, int] = {}
        self._groups: dict[tuple[Any, ...], tuple[int, ...]] = {}
        """Refs of the series that a point of a histogram or summary becomes."""

    @property
    def nbytes(self) -> int:
        """Return about what is remembered of senders takes in memory."""
        return self._series.nbytes

    def translate(self, body: bytes, oldest_ms: int, newest_ms: int, tenant: str = "") -> Translated:
        """Return what a protobuf request of a tenant becomes; points outside of the times are refused.

        Raises PharosError: INVALID if the body is none, TOO_LARGE if it would take too much memory.
        """
        promotion = self._promotion_now()
        if promotion != self._promotion:
            # The same attributes make other labels now.
            self._promotion = promotion
            self._series.forget()
            is_new = True
        else:
            is_new = self._series.begin()
        if is_new:
            for memory in (self._families, self._origins, self._target_refs, self._groups):
                memory.clear()
        limits = self._limits
        request = _Request(oldest_ms, newest_ms, limits, tenant)
        for number, resource_metrics in enumerate(read_request(body, limits.messages).resource_metrics):
            request.resources.append(resource_metrics.resource)
            for scope_metrics in resource_metrics.scope_metrics:
                for metric in scope_metrics.metrics:
                    self._take(request, number, metric)
        number_columns = self._take_numbers(request)
        self._tell_of_targets(request)
        if len(request.rows.refs) > limits.messages:
            raise limits.too_many()
        columns = request.rows.columns()
        joined = tuple(np.concatenate(both) for both in zip(columns, number_columns, strict=True))
        samples = samples_body(self._series, (joined[0], joined[1], joined[2], joined[3]), limits)
        made = b"".join([samples, *request.beside, *request.metadata])
        if len(made) > limits.body_bytes:
            raise limits.too_long()
        return Translated(made, request.refused)

    def _take(self, request: _Request, resource: int, metric: Any) -> None:
        """Add a metric to the request; those of numbers are only put down, to be read together."""
        match metric.WhichOneof("data"):
            case "gauge" | "sum" as kind:
                request.numbers.raw.append(getattr(metric, kind))
                request.numbers.metrics.append(metric)
                request.numbers.resources.append(resource)
            case "summary":
                self._take_points(
                    request, resource, metric, metric.summary, MetricKind.SUMMARY, self._summary
                )
            case "histogram":
                self._take_points(
                    request, resource, metric, metric.histogram, MetricKind.HISTOGRAM, self._histogram
                )
            case "exponential_histogram":
                self._take_points(
                    request,
                    resource,
                    metric,
                    metric.exponential_histogram,
                    MetricKind.NATIVE_HISTOGRAM,
                    self._native,
                )

    # What is remembered.

    def _origin(self, resource: bytes) -> Origin:
        found = self._origins.get(resource)
        if found is None:
            found = self._origins[resource] = origin_of(resource, self._promotion)
            self._series.charge(2 * len(resource))
        return found

    def _family(self, resource: bytes, metric: Any, kind: MetricKind) -> _Family:
        """Return the metric's family. Raises RefusedError for a name of which nothing is left."""
        key = (resource, metric.name, metric.unit, kind.value, metric.description)
        found = self._families.get(key)
        if found is None:
            name = metric_name(metric.name, metric.unit, kind)
            metadata = encode_metadata(name, _TYPES[kind], metric.description, unit_name(metric.unit))
            self._series.charge(2 * len(metadata))
            self._numbered += 1
            found = _Family(self._numbered, name, self._origin(resource), metadata)
            self._families[key] = found
        return found

    def _labels(self, family: _Family, attributes: Any) -> dict[str, str]:
        """Return the labels of a point without its metric's name. Raises RefusedError."""
        origin = family.origin
        labels = attribute_labels(parse_attributes(attributes), origin.identity)
        return {**origin.promoted, **labels} if origin.promoted else labels

    # Gauges and sums.

    def _take_numbers(self, request: _Request) -> tuple[NDArray[Any], ...]:
        """Return the samples of all gauges and sums as columns: refs, bits, times, starts."""
        numbers = request.numbers
        ends = np.cumsum([len(raw) for raw in numbers.raw], dtype=np.int64)
        spans = (
            np.column_stack((np.concatenate((np.zeros(1, np.int64), ends[:-1])), ends))
            if len(ends)
            else (np.empty((0, 2), np.int64))
        )
        buf = np.frombuffer(b"".join(numbers.raw) or b"\0", np.uint8)
        headers = read_headers(buf, spans, self._limits.messages)
        families = [self._number_family(request, row, *header) for row, header in enumerate(headers.tolist())]
        seeds = np.array(
            [(self._seed + one.number * _ODD if one else 0) & _WORD for one in families], np.uint64
        )
        points = scan_points(buf, spans, seeds, int(headers[:, 0].sum()))
        kept = self._kept(request, points, np.array([one is not None for one in families], np.bool_))
        refs = np.where(kept, self._series.find(points), -1)
        self._learn_points(request, points, buf, families, refs, np.flatnonzero(kept & (refs < 0)))
        self._add_up(request, points, headers, refs)
        taken = refs >= 0
        self._note_taken(request, points, taken, families)
        if np.any(points.flags & HAS_EXEMPLARS):
            self._take_number_exemplars(request, points, buf, refs)
        points.bits[(points.flags & NO_VALUE) != 0] = STALE_BITS
        return refs, points.bits, points.times_ns, points.begun_ns

    def _add_up(
        self, request: _Request, points: Points, headers: NDArray[np.int64], refs: NDArray[np.int64]
    ) -> None:
        """Make the points of sums of delta temporality cumulative; note those that are refused."""
        of_deltas = headers[:, 1] == _DELTA
        if not of_deltas.any():
            return
        values = points.bits.view(np.float64)
        rows = np.flatnonzero(of_deltas[points.metric] & (refs >= 0) & (points.flags & NO_VALUE == 0))
        for row in rows[np.argsort(points.times_ns[rows], kind="stable")].tolist():
            metric = request.numbers.metrics[int(points.metric[row])]
            if metric.WhichOneof("data") != "sum":
                continue
            stream = request.tenant, self._series.encoded(int(refs[row]))
            times_ns = int(points.begun_ns[row]), int(points.times_ns[row])
            try:
                added, begun_ns = self._deltas.add(stream, [float(values[row])], *times_ns, request.newest_ms)
            except RefusedError as exc:
                request.refused.note(Reason.INVALID, 1, f"{metric.name}: {exc}")
                refs[row] = -1
                continue
            values[row], points.begun_ns[row] = added[0], begun_ns

    def _number_family(
        self, request: _Request, row: int, points: int, temporality: int, monotonic: int
    ) -> _Family | None:
        """Return the family of a gauge or sum; None, and its points noted, if it is refused."""
        metric = request.numbers.metrics[row]
        kind = MetricKind.GAUGE
        if metric.WhichOneof("data") == "sum":
            kind = MetricKind.COUNTER if monotonic else MetricKind.SUM
            if temporality not in {_DELTA, _CUMULATIVE}:
                request.refused.note(Reason.TEMPORALITY, points, metric.name)
                return None
        if not points:
            return None
        try:
            return self._family(request.resources[request.numbers.resources[row]], metric, kind)
        except RefusedError as exc:
            request.refused.note(Reason.INVALID, points, exc)
            return None

    def _kept(self, request: _Request, points: Points, has_family: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which points are of a family and within the bounds of time; note those that are not."""
        times_ms = points.times_ns // np.uint64(NS_IN_MS)
        of_family = has_family[points.metric] if len(points.metric) else np.empty(0, np.bool_)
        old = of_family & (times_ms < np.uint64(max(0, request.oldest_ms)))
        ahead = of_family & (times_ms > np.uint64(request.newest_ms))
        for reason, rows in ((Reason.OLD, np.flatnonzero(old)), (Reason.FUTURE, np.flatnonzero(ahead))):
            if len(rows):
                first = request.numbers.metrics[int(points.metric[rows[0]])].name
                request.refused.note(reason, len(rows), first)
        kept: NDArray[np.bool_] = of_family & ~old & ~ahead
        return kept

    def _learn_points(
        self,
        request: _Request,
        points: Points,
        buf: NDArray[np.uint8],
        families: list[_Family | None],
        refs: NDArray[np.int64],
        unknown: NDArray[np.int64],
    ) -> None:
        """Fill in the refs of points whose series are new; note those whose labels are refused."""
        learned: dict[tuple[int, int], int] = {}
        for row in unknown.tolist():
            key = int(points.low[row]), int(points.high[row])
            ref = learned.get(key)
            if ref is None:
                family = families[int(points.metric[row])]
                point = _point_at(buf, points, row)
                try:
                    ref = self._learn(family, point.attributes) if family else -1
                except RefusedError as exc:
                    request.refused.note(Reason.INVALID, 1, exc)
                    continue
                learned[key] = ref
                self._series.remember(points.low[row], points.high[row], ref)
            refs[row] = ref

    def _learn(self, family: _Family, attributes: Any) -> int:
        labels = self._labels(family, attributes)
        return self._series.add(labels_of({**labels, METRIC_NAME: family.name}))

    def _note_taken(
        self, request: _Request, points: Points, taken: NDArray[np.bool_], families: list[_Family | None]
    ) -> None:
        """Note metadata and times of the points that are taken."""
        if not taken.any():
            return
        for row in np.unique(points.metric[taken]).tolist():
            family = families[row]
            if family is not None:
                request.metadata[family.metadata] = None
        resources = np.array(request.numbers.resources, np.int64)[points.metric[taken]]
        times = points.times_ns[taken]
        # Points come resource by resource.
        begins = np.flatnonzero(np.diff(resources, prepend=-1))
        firsts, lasts = np.minimum.reduceat(times, begins), np.maximum.reduceat(times, begins)
        for resource, first, last in zip(
            resources[begins].tolist(), firsts.tolist(), lasts.tolist(), strict=True
        ):
            request.widen(resource, first, last)

    def _take_number_exemplars(
        self, request: _Request, points: Points, buf: NDArray[np.uint8], refs: NDArray[np.int64]
    ) -> None:
        """Add the exemplars of sums; those of gauges are left out, as upstream."""
        for row in np.flatnonzero(((points.flags & HAS_EXEMPLARS) != 0) & (refs >= 0)).tolist():
            if request.numbers.metrics[int(points.metric[row])].WhichOneof("data") == "sum":
                labels = self._series.encoded(int(refs[row]))
                for exemplar in _point_at(buf, points, row).exemplars:
                    _add_exemplar(request, labels, exemplar)

    # Histograms and summaries.

    def _take_points(
        self,
        request: _Request,
        resource: int,
        metric: Any,
        content: Any,
        kind: MetricKind,
        take: Callable[..., None],
    ) -> None:
        """Add the points of a metric that are not refused, each by `take`."""
        points = content.data_points
        if not len(points):
            return
        temporality = _CUMULATIVE if kind is MetricKind.SUMMARY else content.aggregation_temporality
        if temporality not in {_DELTA, _CUMULATIVE}:
            request.refused.note(Reason.TEMPORALITY, len(points), metric.name)
            return
        try:
            family = self._family(request.resources[resource], metric, kind)
        except RefusedError as exc:
            request.refused.note(Reason.INVALID, len(points), exc)
            return
        for point in points:
            time_ns = point.time_unix_nano
            if not request.is_timely(time_ns, metric.name):
                continue
            try:
                take(request, family, point, is_delta=temporality == _DELTA)
            except RefusedError as exc:
                request.refused.note(Reason.INVALID, 1, exc)
                continue
            request.widen(resource, time_ns, time_ns)
            request.metadata[family.metadata] = None

    def _group(
        self,
        family: _Family,
        attributes: Any,
        label: str,
        bounds: tuple[float, ...],
        suffixes: tuple[str, ...],
    ) -> tuple[int, ...]:
        """Return the refs of the series `name + suffix` for each bound and suffix, then of _sum and _count.

        The first suffix is that of the series with `label`, which holds the bound.
        """
        key = (family.number, tuple(attributes), bounds)
        found = self._groups.get(key)
        if found is None:
            labels = self._labels(family, attributes)
            self._series.charge(sum(map(len, attributes)) + 8 * len(bounds))
            of_bounds = [
                self._series.add(
                    labels_of({**labels, label: format_f(bound), METRIC_NAME: family.name + suffixes[0]})
                )
                for bound in bounds
            ]
            others = [
                self._series.add(labels_of({**labels, METRIC_NAME: family.name + suffix}))
                for suffix in suffixes[1:]
            ]
            found = self._groups[key] = (*of_bounds, *others)
        return found

    def _summary(self, request: _Request, family: _Family, point: Any, *, is_delta: bool) -> None:  # noqa: ARG002
        quantiles = tuple(one.quantile for one in point.quantile_values)
        refs = self._group(family, point.attributes, "quantile", quantiles, ("", "_sum", "_count"))
        values = [*(one.value for one in point.quantile_values), point.sum, float(point.count)]
        self._add_group(request, refs, values, point)

    def _histogram(self, request: _Request, family: _Family, point: Any, *, is_delta: bool) -> None:
        bounds = tuple(
            bound
            for bound, _ in zip(point.explicit_bounds, point.bucket_counts, strict=False)
            if bound != math.inf
        )
        suffixes = ("_bucket", "_count", "_sum") if point.HasField("sum") else ("_bucket", "_count")
        refs = self._group(family, point.attributes, "le", (*bounds, math.inf), suffixes)
        below = accumulate(point.bucket_counts)
        values = [
            *(float(count) for _, count in zip(bounds, below, strict=False)),
            float(point.count),
            float(point.count),
            point.sum,
        ]
        values = values[: len(refs)]
        if is_delta and not point.flags & _NO_RECORDED_VALUE:
            stream = (request.tenant, self._series.encoded(refs[len(bounds) + 1]), bounds, len(refs))
            times_ns = point.start_time_unix_nano, point.time_unix_nano
            values, begun_ns = self._deltas.add(stream, values, *times_ns, request.newest_ms)
            point.start_time_unix_nano = begun_ns
        self._add_group(request, refs, values, point)
        if len(point.exemplars):
            self._take_bucket_exemplars(request, (*bounds, math.inf), refs, point)

    def _take_bucket_exemplars(
        self, request: _Request, bounds: tuple[float, ...], refs: tuple[int, ...], point: Any
    ) -> None:
        """Add a histogram's exemplars, each to the series of the first bucket that holds its value."""
        order = sorted(range(len(bounds)), key=bounds.__getitem__)
        for exemplar in point.exemplars:
            value = _exemplar_value(exemplar)
            place = next((one for one in order if value <= bounds[one]), None)
            if place is not None:
                _add_exemplar(request, self._series.encoded(refs[place]), exemplar)

    def _add_group(self, request: _Request, refs: tuple[int, ...], values: list[float], point: Any) -> None:
        if point.flags & _NO_RECORDED_VALUE:
            values = [STALE] * len(values)
        time_ns, begun_ns = point.time_unix_nano, point.start_time_unix_nano
        for ref, value in zip(refs, values, strict=True):
            request.rows.add(ref, value, time_ns, begun_ns)

    def _native(self, request: _Request, family: _Family, point: Any, *, is_delta: bool) -> None:
        (ref,) = self._group(family, point.attributes, "", (), ("", ""))
        labels = self._series.encoded(ref)
        stale = bool(point.flags & _NO_RECORDED_VALUE)
        check_scale(point.scale)
        if is_delta and not stale:
            self._deltas.add_exponential((request.tenant, labels), point, request.newest_ms)
        histogram = native_histogram(
            point,
            point.time_unix_nano // NS_IN_MS,
            point.start_time_unix_nano // NS_IN_MS,
            stale=stale,
        )
        request.put(encode_histogram(labels, histogram))
        for exemplar in point.exemplars:
            _add_exemplar(request, labels, exemplar)

    # target_info.

    def _tell_of_targets(self, request: _Request) -> None:
        """Add `target_info` of each resource from its first point to its last, at half the lookback."""
        step_ns = max(1, self._lookback_ms * NS_IN_MS // 2)
        added: set[tuple[int, int]] = set()
        for resource, (first, last) in request.spans.items():
            ref = self._target_ref(request.resources[resource])
            if ref < 0:
                continue
            request.metadata[_TARGET_METADATA] = None
            first = max(first, last - _TARGET_INFO_MOST * step_ns)
            for time_ns in (*range(first, last, step_ns), last):
                key = ref, time_ns // NS_IN_MS
                if key not in added:
                    added.add(key)
                    request.rows.add(ref, 1.0, time_ns, 0)
            if len(request.rows.refs) > self._limits.messages:
                raise self._limits.too_many()

    def _target_ref(self, resource: bytes) -> int:
        found = self._target_refs.get(resource)
        if found is None:
            labels = self._origin(resource).target_info
            try:
                found = self._series.add(labels) if labels else -1
            except RefusedError:
                found = -1
            self._target_refs[resource] = found
        return found


_TARGET_METADATA: Final = encode_metadata(TARGET_INFO, "gauge", "Target metadata", "")


def _point_at(buf: NDArray[np.uint8], points: Points, row: int) -> Any:
    """Return the message of a point that the compiled passes have walked over."""
    raw = buf[int(points.starts[row]) : int(points.stops[row])].tobytes()
    return parse_message(NumberDataPoint, raw)


def _exemplar_value(exemplar: Any) -> float:
    """Return an exemplar's value; NaN if it has none."""
    match exemplar.WhichOneof("value"):
        case "as_double":
            return float(exemplar.as_double)
        case "as_int":
            return float(exemplar.as_int)
        case _:
            return math.nan


def _add_exemplar(request: _Request, labels: bytes, exemplar: Any) -> None:
    """Add an exemplar to the series with these encoded labels; one without a value is left out."""
    value = _exemplar_value(exemplar)
    if not math.isnan(value):
        time_ms = exemplar.time_unix_nano // NS_IN_MS
        request.put(encode_exemplar(labels, exemplar_labels(exemplar), value, time_ms))
