"""Reads remote-write 1.0 bodies back by the official protobuf runtime, so that tests judge the bytes
themselves.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.signals import Submission

STALE_BITS = 0x7FF0000000000002
_FIELD = descriptor_pb2.FieldDescriptorProto

_MESSAGES: dict[str, list[tuple[str, int, Any, bool, str]]] = {
    "Label": [("name", 1, _FIELD.TYPE_STRING, False, ""), ("value", 2, _FIELD.TYPE_STRING, False, "")],
    "Sample": [("value", 1, _FIELD.TYPE_DOUBLE, False, ""), ("timestamp", 2, _FIELD.TYPE_INT64, False, "")],
    "Exemplar": [
        ("labels", 1, _FIELD.TYPE_MESSAGE, True, "Label"),
        ("value", 2, _FIELD.TYPE_DOUBLE, False, ""),
        ("timestamp", 3, _FIELD.TYPE_INT64, False, ""),
    ],
    "BucketSpan": [
        ("offset", 1, _FIELD.TYPE_SINT32, False, ""),
        ("length", 2, _FIELD.TYPE_UINT32, False, ""),
    ],
    "Histogram": [
        ("count_int", 1, _FIELD.TYPE_UINT64, False, ""),
        ("count_float", 2, _FIELD.TYPE_DOUBLE, False, ""),
        ("sum", 3, _FIELD.TYPE_DOUBLE, False, ""),
        ("schema", 4, _FIELD.TYPE_SINT32, False, ""),
        ("zero_threshold", 5, _FIELD.TYPE_DOUBLE, False, ""),
        ("zero_count_int", 6, _FIELD.TYPE_UINT64, False, ""),
        ("zero_count_float", 7, _FIELD.TYPE_DOUBLE, False, ""),
        ("negative_spans", 8, _FIELD.TYPE_MESSAGE, True, "BucketSpan"),
        ("negative_deltas", 9, _FIELD.TYPE_SINT64, True, ""),
        ("negative_counts", 10, _FIELD.TYPE_DOUBLE, True, ""),
        ("positive_spans", 11, _FIELD.TYPE_MESSAGE, True, "BucketSpan"),
        ("positive_deltas", 12, _FIELD.TYPE_SINT64, True, ""),
        ("positive_counts", 13, _FIELD.TYPE_DOUBLE, True, ""),
        ("reset_hint", 14, _FIELD.TYPE_INT32, False, ""),
        ("timestamp", 15, _FIELD.TYPE_INT64, False, ""),
    ],
    "TimeSeries": [
        ("labels", 1, _FIELD.TYPE_MESSAGE, True, "Label"),
        ("samples", 2, _FIELD.TYPE_MESSAGE, True, "Sample"),
        ("exemplars", 3, _FIELD.TYPE_MESSAGE, True, "Exemplar"),
        ("histograms", 4, _FIELD.TYPE_MESSAGE, True, "Histogram"),
    ],
    "MetricMetadata": [
        ("type", 1, _FIELD.TYPE_INT32, False, ""),
        ("metric_family_name", 2, _FIELD.TYPE_STRING, False, ""),
        ("help", 4, _FIELD.TYPE_STRING, False, ""),
        ("unit", 5, _FIELD.TYPE_STRING, False, ""),
    ],
    "WriteRequest": [
        ("timeseries", 1, _FIELD.TYPE_MESSAGE, True, "TimeSeries"),
        ("metadata", 3, _FIELD.TYPE_MESSAGE, True, "MetricMetadata"),
    ],
}


def _write_request() -> Any:
    file = descriptor_pb2.FileDescriptorProto(name="written.proto", package="written", syntax="proto3")
    for message_name, fields in _MESSAGES.items():
        message = file.message_type.add(name=message_name)
        for name, number, kind, repeated, inner in fields:
            one = message.field.add(name=name, number=number, type=kind)
            one.label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
            if inner:
                one.type_name = f".written.{inner}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("written.WriteRequest"))


WriteRequest = _write_request()
Labels = tuple[tuple[str, str], ...]


def bits(value: float) -> int:
    """Return the IEEE bits of a float."""
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


@dataclass
class Written:
    """One decoded body: samples as (labels, time, bits), in order."""

    samples: list[tuple[Labels, int, int]] = field(default_factory=list)
    exemplars: list[tuple[Labels, Labels, float, int]] = field(default_factory=list)
    histograms: list[tuple[Labels, Any]] = field(default_factory=list)
    metadata: dict[str, tuple[int, str, str]] = field(default_factory=dict)

    def value(self, name: str, **labels: str) -> float:
        """Return the one sample of this name that has these labels."""
        found = [
            value
            for series, _, value in self.samples
            if dict(series)["__name__"] == name and labels.items() <= dict(series).items()
        ]
        assert len(found) == 1, (name, labels, found)
        return float(struct.unpack("<d", struct.pack("<Q", found[0]))[0])

    def stale(self) -> set[str]:
        """Return the names of the series that are marked stale."""
        return {dict(series)["__name__"] for series, _, value in self.samples if value == STALE_BITS}

    def by_series(self) -> dict[Labels, list[tuple[int, int]]]:
        """Return (time, bits) of each series' samples."""
        found: dict[Labels, list[tuple[int, int]]] = {}
        for series, time_ms, value in self.samples:
            found.setdefault(series, []).append((time_ms, value))
        return found


def read(body: bytes) -> Written:
    """Return a body decoded; fails if labels are not sorted or a name is empty, as receivers require."""
    request = WriteRequest.FromString(body)
    found = Written()
    for series in request.timeseries:
        labels = tuple((one.name, one.value) for one in series.labels)
        assert list(labels) == sorted(labels)
        assert all(name and value for name, value in labels)
        for sample in series.samples:
            found.samples.append((labels, sample.timestamp, bits(sample.value)))
        for one in series.exemplars:
            exemplar_labels = tuple((label.name, label.value) for label in one.labels)
            found.exemplars.append((labels, exemplar_labels, one.value, one.timestamp))
        found.histograms += [(labels, one) for one in series.histograms]
    for one in request.metadata:
        found.metadata[one.metric_family_name] = (one.type, one.help, one.unit)
    return found


class Collected:
    """A sink that keeps what it gets, and refuses while told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.sources: list[str] = []
        self.sent_bytes: list[int] = []
        self.refusal: Exception | None = None
        self.receipt = Accepted()

    async def accept(self, sent: Submission[Accepted]) -> Accepted:
        assert sent.scope.tenant
        assert sent.plain is not None
        if self.refusal is not None:
            raise self.refusal
        self.bodies.append(bytes(sent.plain))
        self.sources.append(sent.source)
        self.sent_bytes.append(sent.sent_bytes)
        return self.receipt

    def last(self) -> Written:
        return read(self.bodies[-1])

    def all(self) -> Written:
        return read(b"".join(self.bodies))
