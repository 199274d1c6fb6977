"""The protobuf exposition: delimited io.prometheus.client.MetricFamily messages, native histograms included.

A page is spelled out as lines of text 0.0.4 without comments, so that recognition, relabelling, limits and
staleness are those of text; what such a line cannot say (types, exact times, exemplars, native histograms)
comes beside it by row number. How a family becomes series is Prometheus' way
(model/textparse/protobufparse.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError
from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.exposition.text import Exemplar, Note, canonical_bound
from pharos.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME
from pharos.protobuf import Schema, message_classes

_TYPES: Final = ("counter", "gauge", "summary", "unknown", "histogram", "gaugehistogram")
_GAUGE_HINT: Final = 3
_LENGTH_BYTES_AT_MOST: Final = 5

_SCHEMA: Final[Schema] = {
    "Stamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
    "LabelPair": {"name": (1, "string"), "value": (2, "string")},
    "Exemplar": {"label": (1, "*LabelPair"), "value": (2, "double"), "timestamp": (3, "Stamp")},
    "Gauge": {"value": (1, "double")},
    "Counter": {"value": (1, "double"), "exemplar": (2, "Exemplar")},
    "Quantile": {"quantile": (1, "double"), "value": (2, "double")},
    "Summary": {"sample_count": (1, "uint64"), "sample_sum": (2, "double"), "quantile": (3, "*Quantile")},
    "Untyped": {"value": (1, "double")},
    "Span": {"offset": (1, "sint32"), "length": (2, "uint32")},
    "Bucket": {
        "cumulative_count": (1, "uint64"),
        "upper_bound": (2, "double"),
        "exemplar": (3, "Exemplar"),
        "cumulative_count_float": (4, "double"),
    },
    "Histogram": {
        "sample_count": (1, "uint64"),
        "sample_sum": (2, "double"),
        "bucket": (3, "*Bucket"),
        "sample_count_float": (4, "double"),
        "schema": (5, "sint32"),
        "zero_threshold": (6, "double"),
        "zero_count": (7, "uint64"),
        "zero_count_float": (8, "double"),
        "negative_span": (9, "*Span"),
        "negative_delta": (10, "*sint64"),
        "negative_count": (11, "*double"),
        "positive_span": (12, "*Span"),
        "positive_delta": (13, "*sint64"),
        "positive_count": (14, "*double"),
        "exemplars": (16, "*Exemplar"),
    },
    "Metric": {
        "label": (1, "*LabelPair"),
        "gauge": (2, "Gauge"),
        "counter": (3, "Counter"),
        "summary": (4, "Summary"),
        "untyped": (5, "Untyped"),
        "timestamp_ms": (6, "int64"),
        "histogram": (7, "Histogram"),
    },
    "MetricFamily": {
        "name": (1, "string"),
        "help": (2, "string"),
        "type": (3, "int32"),
        "metric": (4, "*Metric"),
        "unit": (5, "string"),
    },
    # What is stored of a native histogram (prometheus/prompb types.proto).
    "StoredHistogram": {
        "count_int": (1, "uint64"),
        "count_float": (2, "double"),
        "sum": (3, "double"),
        "schema": (4, "sint32"),
        "zero_threshold": (5, "double"),
        "zero_count_int": (6, "uint64"),
        "zero_count_float": (7, "double"),
        "negative_spans": (8, "*Span"),
        "negative_deltas": (9, "*sint64"),
        "negative_counts": (10, "*double"),
        "positive_spans": (11, "*Span"),
        "positive_deltas": (12, "*sint64"),
        "positive_counts": (13, "*double"),
        "reset_hint": (14, "int32"),
        "timestamp": (15, "int64"),
        # Of our own dialect: when counting began (ingest.remote_write.transcode).
        "begun": (17, "int64"),
    },
}


_CLASSES: Final = message_classes("pharos.families", _SCHEMA)
MetricFamily: Final = _CLASSES["MetricFamily"]
StoredHistogram: Final = _CLASSES["StoredHistogram"]


class SpelledPage(Struct):
    """A protobuf page as text lines, and what they cannot say, by row (the number of the sample)."""

    lines: list[str] = field(default_factory=list)
    notes: list[tuple[int, Note]] = field(default_factory=list)
    times: list[tuple[int, int]] = field(default_factory=list)
    exemplars: list[tuple[int, Exemplar]] = field(default_factory=list)
    histograms: list[tuple[int, Any]] = field(default_factory=list)

    def text(self) -> bytes:
        """Return the lines as one body."""
        return "\n".join([*self.lines, ""]).encode()


def spell(body: bytes, *, native: bool, classic_too: bool) -> SpelledPage:
    """Return a delimited protobuf page spelled out.

    `native` takes native histograms as such, `classic_too` also keeps their classic buckets. Raises
    PharosError(INVALID) for bytes that are not such a page.
    """
    page = SpelledPage()
    for family in _messages(body):
        if not family.metric:
            continue
        if not family.name or not 0 <= family.type < len(_TYPES):
            raise PharosError(
                Kind.INVALID, f"protobuf: metric family {family.name[:80]!r} has no legal name or type"
            )
        row = len(page.lines)
        page.notes.append((row, Note("TYPE", family.name, _TYPES[family.type])))
        if family.help:
            page.notes.append((row, Note("HELP", family.name, family.help)))
        if family.unit:
            page.notes.append((row, Note("UNIT", family.name, family.unit)))
        for metric in family.metric:
            first = len(page.lines)
            _spell_metric(page, family, metric, native, classic_too)
            if metric.timestamp_ms:
                page.times += [(one, metric.timestamp_ms) for one in range(first, len(page.lines))]
    return page


def _messages(body: bytes) -> Iterator[Any]:
    """Yield the families of a body, each after its length as a varint."""
    pos = 0
    while pos < len(body):
        length = shift = 0
        for count in range(_LENGTH_BYTES_AT_MOST + 1):
            if pos >= len(body) or count == _LENGTH_BYTES_AT_MOST:
                raise PharosError(Kind.INVALID, "protobuf: the page ends inside a length")
            byte = body[pos]
            pos += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        if pos + length > len(body):
            raise PharosError(Kind.INVALID, "protobuf: the page ends inside a metric family")
        try:
            yield MetricFamily.FromString(body[pos : pos + length])
        except DecodeError as exc:
            raise PharosError(Kind.INVALID, "protobuf: a metric family cannot be decoded") from exc
        pos += length


def _escape(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def _series(name: str, pairs: list[str]) -> str:
    if LEGACY_METRIC_NAME.fullmatch(name):
        return f"{name}{{{','.join(pairs)}}}" if pairs else name
    return "{" + ",".join([f'"{_escape(name)}"', *pairs]) + "}"


def _spell_metric(page: SpelledPage, family: Any, metric: Any, native: bool, classic_too: bool) -> None:
    """Add the lines of one metric."""
    pairs = []
    for one in metric.label:
        label = one.name if LEGACY_LABEL_NAME.fullmatch(one.name) else f'"{_escape(one.name)}"'
        pairs.append(f'{label}="{_escape(one.value)}"')
    name, kind = family.name, _TYPES[family.type]
    if kind == "summary":
        summary = metric.summary
        page.lines.append(f"{_series(name + '_count', pairs)} {summary.sample_count}")
        page.lines.append(f"{_series(name + '_sum', pairs)} {summary.sample_sum!r}")
        for one in summary.quantile:
            bound = canonical_bound(repr(one.quantile))
            page.lines.append(f"{_series(name, [*pairs, _pair('quantile', bound)])} {one.value!r}")
    elif kind in {"histogram", "gaugehistogram"}:
        histogram = metric.histogram
        is_native = native and _is_native(histogram)
        if is_native:
            stored = _stored(histogram, gauge=kind == "gaugehistogram")
            page.histograms.append((len(page.lines), stored))
            _add_exemplars(page, histogram.exemplars)
            page.lines.append(f"{_series(name, pairs)} 0")
        if not is_native or (classic_too and histogram.bucket):
            _spell_buckets(page, name, pairs, histogram)
    else:
        field_name = "untyped" if kind == "unknown" else kind
        if kind == "counter" and metric.counter.HasField("exemplar"):
            _add_exemplars(page, [metric.counter.exemplar])
        page.lines.append(f"{_series(name, pairs)} {getattr(metric, field_name).value!r}")


def _pair(name: str, value: str) -> str:
    return f'{name}="{value}"'


def _spell_buckets(page: SpelledPage, name: str, pairs: list[str], histogram: Any) -> None:
    """Add the lines of a classic histogram; the bucket of everything is added if it is not there."""
    count = histogram.sample_count_float or float(histogram.sample_count)
    page.lines.append(f"{_series(name + '_count', pairs)} {count!r}")
    page.lines.append(f"{_series(name + '_sum', pairs)} {histogram.sample_sum!r}")
    bound = ""
    for bucket in histogram.bucket:
        bound = canonical_bound(repr(bucket.upper_bound))
        if bucket.HasField("exemplar"):
            _add_exemplars(page, [bucket.exemplar])
        value = bucket.cumulative_count_float or float(bucket.cumulative_count)
        page.lines.append(f"{_series(name + '_bucket', [*pairs, _pair('le', bound)])} {value!r}")
    if bound != "+Inf":
        page.lines.append(f"{_series(name + '_bucket', [*pairs, _pair('le', '+Inf')])} {count!r}")


def _add_exemplars(page: SpelledPage, exemplars: Any) -> None:
    """Note exemplars for the line that comes next."""
    for one in exemplars:
        labels = tuple(sorted((pair.name, pair.value) for pair in one.label))
        time_ms = None
        if one.HasField("timestamp"):
            time_ms = one.timestamp.seconds * 1000 + one.timestamp.nanos // 1_000_000
        page.exemplars.append((len(page.lines), Exemplar(labels, one.value, time_ms)))


def _is_native(histogram: Any) -> bool:
    """Return whether native buckets are there, if only the zero bucket or an empty span that says so."""
    return bool(
        histogram.positive_span
        or histogram.negative_span
        or histogram.zero_threshold > 0
        or histogram.zero_count > 0
        or histogram.zero_count_float > 0
    )


def _stored(histogram: Any, *, gauge: bool) -> Any:
    """Return a native histogram as it is stored, without its time."""
    stored = StoredHistogram(
        sum=histogram.sample_sum,
        schema=histogram.schema,
        zero_threshold=histogram.zero_threshold,
        reset_hint=_GAUGE_HINT if gauge else 0,
    )
    if histogram.sample_count_float > 0 or histogram.zero_count_float > 0:
        stored.count_float, stored.zero_count_float = histogram.sample_count_float, histogram.zero_count_float
        stored.negative_counts.extend(histogram.negative_count)
        stored.positive_counts.extend(histogram.positive_count)
    else:
        stored.count_int, stored.zero_count_int = histogram.sample_count, histogram.zero_count
        stored.negative_deltas.extend(histogram.negative_delta)
        stored.positive_deltas.extend(histogram.positive_delta)
    stored.negative_spans.extend(histogram.negative_span)
    stored.positive_spans.extend(histogram.positive_span)
    return stored
