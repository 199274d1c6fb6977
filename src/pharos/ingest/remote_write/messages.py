"""Messages of remote write 1.0, encoded one by one."""

from __future__ import annotations

from typing import Any, Final

from pharos.labels import Labels
from pharos.protobuf import message_classes

STALE_BITS: Final = 0x7FF0000000000002
"""The bits of the NaN that marks a series as gone (prometheus/model/value)."""

METADATA_TYPES: Final = {
    "unknown": 0,
    "untyped": 0,
    "counter": 1,
    "gauge": 2,
    "histogram": 3,
    "gaugehistogram": 4,
    "summary": 5,
    "info": 6,
    "stateset": 7,
}


# A series is bytes, since its labels are encoded once and put before each sample.
_CLASSES: Final = message_classes(
    "pharos.write",
    {
        "Label": {"name": (1, "string"), "value": (2, "string")},
        "Sample": {"value_bits": (1, "fixed64"), "timestamp": (2, "int64")},
        "Exemplar": {"labels": (1, "*Label"), "value": (2, "?double"), "timestamp": (3, "int64")},
        "Series": {
            "labels": (1, "*Label"),
            "samples": (2, "*Sample"),
            "exemplars": (3, "*Exemplar"),
            "histograms": (4, "*bytes"),
        },
        "Metadata": {
            "type": (1, "int32"),
            "family": (2, "string"),
            "help": (4, "string"),
            "unit": (5, "string"),
        },
        "Request": {"timeseries": (1, "*bytes"), "metadata": (3, "*Metadata")},
    },
)
_SERIES: Final = _CLASSES["Series"]
_REQUEST: Final = _CLASSES["Request"]


def _with_labels(message: Any, labels: Labels) -> Any:
    for name, value in labels:
        message.labels.add(name=name, value=value)
    return message


def _series(labels: bytes, **parts: Any) -> bytes:
    """Return a TimeSeries field; `labels` is of encode_labels."""
    return bytes(_REQUEST(timeseries=[labels + _SERIES(**parts).SerializeToString()]).SerializeToString())


def encode_labels(labels: Labels) -> bytes:
    """Return the repeated Label fields of a label set."""
    return bytes(_with_labels(_SERIES(), labels).SerializeToString())


def encode_sample(labels: bytes, bits: int, time_ms: int) -> bytes:
    """Return a TimeSeries field with one sample; `bits` are the value's IEEE bits."""
    return _series(labels, samples=[_CLASSES["Sample"](value_bits=bits, timestamp=time_ms)])


def encode_exemplar(labels: bytes, exemplar_labels: Labels, value: float, time_ms: int) -> bytes:
    """Return a TimeSeries field that carries one exemplar and no sample, as Prometheus sends them."""
    exemplar = _CLASSES["Exemplar"](value=value, timestamp=time_ms)
    return _series(labels, exemplars=[_with_labels(exemplar, exemplar_labels)])


def encode_histogram(labels: bytes, histogram: bytes) -> bytes:
    """Return a TimeSeries field with one native histogram, its message encoded already."""
    return _series(labels, histograms=[histogram])


def encode_metadata(family: str, kind: str, help_text: str, unit: str) -> bytes:
    """Return a MetricMetadata field of a WriteRequest; `kind` is a type word of the exposition formats."""
    metadata = _CLASSES["Metadata"](type=METADATA_TYPES[kind], family=family, help=help_text, unit=unit)
    return bytes(_REQUEST(metadata=[metadata]).SerializeToString())
