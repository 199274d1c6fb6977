"""Remote Write messages for tests: both versions' protobuf classes, and builders of request bodies.

The classes are made from descriptors written here after the published definitions (prompb/types.proto,
prompb/remote.proto and prompb/io/prometheus/write/v2/types.proto of Prometheus), so tests depend on nothing
that the product reads. `Sample.start` (15) and `Histogram.start_timestamp` (17) of 1.0 are the dialect of
pharos.ingest.remote_write.transcode.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cramjam
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_TYPES = {
    "double": descriptor_pb2.FieldDescriptorProto.TYPE_DOUBLE,
    "int64": descriptor_pb2.FieldDescriptorProto.TYPE_INT64,
    "uint64": descriptor_pb2.FieldDescriptorProto.TYPE_UINT64,
    "int32": descriptor_pb2.FieldDescriptorProto.TYPE_INT32,
    "uint32": descriptor_pb2.FieldDescriptorProto.TYPE_UINT32,
    "sint32": descriptor_pb2.FieldDescriptorProto.TYPE_SINT32,
    "sint64": descriptor_pb2.FieldDescriptorProto.TYPE_SINT64,
    "string": descriptor_pb2.FieldDescriptorProto.TYPE_STRING,
    "bytes": descriptor_pb2.FieldDescriptorProto.TYPE_BYTES,
}

# A line is: number, type (* before it: repeated; a capital: a message), name, and the oneof it belongs to.
# Enumerations stand as int32, which is the same on the wire and keeps unknown numbers.
_HISTOGRAM = """
1 uint64 count_int count
2 double count_float count
3 double sum
4 sint32 schema
5 double zero_threshold
6 uint64 zero_count_int zero_count
7 double zero_count_float zero_count
8 *BucketSpan negative_spans
9 *sint64 negative_deltas
10 *double negative_counts
11 *BucketSpan positive_spans
12 *sint64 positive_deltas
13 *double positive_counts
14 int32 reset_hint
15 int64 timestamp
16 *double custom_values
17 int64 start_timestamp
"""
_SPAN = "1 sint32 offset\n2 uint32 length"

_V1 = {
    "WriteRequest": "1 *TimeSeries timeseries\n3 *MetricMetadata metadata",
    "TimeSeries": "1 *Label labels\n2 *Sample samples\n3 *Exemplar exemplars\n4 *Histogram histograms",
    "Label": "1 string name\n2 string value",
    "Sample": "1 double value\n2 int64 timestamp\n15 int64 start",
    "Exemplar": "1 *Label labels\n2 double value\n3 int64 timestamp",
    "MetricMetadata": "1 int32 type\n2 string metric_family_name\n4 string help\n5 string unit",
    "Histogram": _HISTOGRAM,
    "BucketSpan": _SPAN,
}
_V2 = {
    "Request": "4 *string symbols\n5 *TimeSeries timeseries",
    "TimeSeries": (
        "1 *uint32 labels_refs\n2 *Sample samples\n3 *Histogram histograms\n4 *Exemplar exemplars\n"
        "5 Metadata metadata\n6 int64 created_timestamp"
    ),
    "Sample": "1 double value\n2 int64 timestamp\n3 int64 start_timestamp",
    "Exemplar": "1 *uint32 labels_refs\n2 double value\n3 int64 timestamp",
    "Metadata": "1 int32 type\n3 uint32 help_ref\n4 uint32 unit_ref",
    "Histogram": _HISTOGRAM,
    "BucketSpan": _SPAN,
}


def _file(package: str, messages: Mapping[str, str], *, strings_are_bytes: bool) -> Any:
    """Return the descriptor of a .proto file with these messages."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{package}.proto", package=package, syntax="proto3")
    for message_name, lines in messages.items():
        message = file.message_type.add(name=message_name)
        oneofs: list[str] = []
        for line in lines.strip().splitlines():
            number, kind, name, *oneof = line.split()
            repeated = kind.startswith("*")
            kind = kind.removeprefix("*")
            field = message.field.add(name=name, number=int(number))
            field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
            if kind in _TYPES:
                field.type = _TYPES["bytes" if kind == "string" and strings_are_bytes else kind]
            else:
                field.type, field.type_name = field.TYPE_MESSAGE, f".{package}.{kind}"
            if oneof:
                if oneof[0] not in oneofs:
                    oneofs.append(oneof[0])
                    message.oneof_decl.add(name=oneof[0])
                field.oneof_index = oneofs.index(oneof[0])
    return file


def _classes(package: str, messages: Mapping[str, str], *, strings_are_bytes: bool = False) -> dict[str, Any]:
    """Return the message classes of the package, by name."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file(package, messages, strings_are_bytes=strings_are_bytes))
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}"))
        for name in messages
    }


V1 = _classes("prometheus", _V1)
V2 = _classes("io.prometheus.write.v2", _V2)
V1_BYTES = _classes("prometheus", _V1, strings_are_bytes=True)
"""As V1, but names and values may be any bytes, as they may on the wire."""
V2_BYTES = _classes("io.prometheus.write.v2", _V2, strings_are_bytes=True)

V1_TYPE = "application/x-protobuf"
V1_NAMED_TYPE = "application/x-protobuf;proto=prometheus.WriteRequest"
V2_TYPE = "application/x-protobuf;proto=io.prometheus.write.v2.Request"

COUNTER, GAUGE, HISTOGRAM, GAUGE_HISTOGRAM, SUMMARY, INFO, STATE_SET = range(1, 8)

STALE_NAN_BITS = 0x7FF0000000000002


class Symbols:
    """The symbols table of a 2.0 request under construction; index 0 is the empty string."""

    def __init__(self) -> None:
        self._index: dict[str, int] = {"": 0}

    def ref(self, text: str) -> int:
        """Return the reference of `text`, adding it if it is new."""
        return self._index.setdefault(text, len(self._index))

    def refs(self, labels: Iterable[tuple[str, str]]) -> list[int]:
        """Return the references of names and values, alternating."""
        return [self.ref(part) for pair in labels for part in pair]

    def table(self) -> list[str]:
        """Return the table in the order of its references."""
        return list(self._index)


def histogram(spec: Mapping[str, Any], message: Any) -> Any:
    """Fill a Histogram of either version from `spec`: its field names, spans as [offset, length] pairs."""
    for name, value in spec.items():
        if name.endswith("_spans"):
            for offset, length in value:
                getattr(message, name).add(offset=offset, length=length)
        elif isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            setattr(message, name, value)
    return message


def v1_body(series: Iterable[Mapping[str, Any]], metadata: Iterable[Mapping[str, Any]] = ()) -> bytes:
    """Return the uncompressed prometheus.WriteRequest of series in the form of `v2_body`.

    The metadata of a series is left out; `metadata` holds family, type, help and unit of its own.
    """
    request = V1["WriteRequest"]()
    for one in series:
        written = request.timeseries.add()
        for name, value in one.get("labels", ()):
            written.labels.add(name=name, value=value)
        for timestamp, value, *_ in one.get("samples", ()):
            written.samples.add(timestamp=timestamp, value=value)
        for exemplar in one.get("exemplars", ()):
            added = written.exemplars.add(timestamp=exemplar["timestamp"], value=exemplar["value"])
            for name, value in exemplar.get("labels", ()):
                added.labels.add(name=name, value=value)
        for spec in one.get("histograms", ()):
            histogram(spec, written.histograms.add())
    for entry in metadata:
        request.metadata.add(
            metric_family_name=entry["family"],
            type=entry.get("type", 0),
            help=entry.get("help", ""),
            unit=entry.get("unit", ""),
        )
    return bytes(request.SerializeToString())


def v2_body(series: Iterable[Mapping[str, Any]]) -> bytes:
    """Return the uncompressed io.prometheus.write.v2.Request of series.

    Keys of a series: labels [(name, value)], samples [(timestamp, value) or (timestamp, value, start)],
    exemplars [{labels, value, timestamp}], histograms [fields], metadata {type, help, unit}, created.
    """
    request, symbols = V2["Request"](), Symbols()
    for one in series:
        written = request.timeseries.add(labels_refs=symbols.refs(one.get("labels", ())))
        for timestamp, value, *start in one.get("samples", ()):
            written.samples.add(timestamp=timestamp, value=value, start_timestamp=start[0] if start else 0)
        for exemplar in one.get("exemplars", ()):
            written.exemplars.add(
                labels_refs=symbols.refs(exemplar.get("labels", ())),
                timestamp=exemplar["timestamp"],
                value=exemplar["value"],
            )
        for spec in one.get("histograms", ()):
            histogram(spec, written.histograms.add())
        if "metadata" in one:
            entry = one["metadata"]
            written.metadata.type = entry.get("type", 0)
            written.metadata.help_ref = symbols.ref(entry.get("help", ""))
            written.metadata.unit_ref = symbols.ref(entry.get("unit", ""))
        written.created_timestamp = one.get("created", 0)
    request.symbols.extend(symbols.table())
    return bytes(request.SerializeToString())


def compress(body: bytes) -> bytes:
    """Return `body` in Snappy's block format, as Remote Write sends it."""
    return bytes(cramjam.snappy.compress_raw(body))
