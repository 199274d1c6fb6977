"""Messages of remote write 1.0, encoded one by one."""

from __future__ import annotations

import struct
from typing import Final

from pharos.labels import Labels

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


def varint(value: int) -> bytes:
    """Return the protobuf varint of `value`; a negative one takes its 64-bit two's complement."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value >= 0x80:
        out.append((value & 0x7F) | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(tag: int, content: bytes) -> bytes:
    """Return a length-delimited field; `tag` is the whole tag byte."""
    return bytes((tag,)) + varint(len(content)) + content


def encode_labels(labels: Labels, tag: int = 0x0A) -> bytes:
    """Return the repeated Label fields of a label set."""
    out = bytearray()
    for name, value in labels:
        name_bytes, value_bytes = name.encode(), value.encode()
        pair = field(0x0A, name_bytes) + field(0x12, value_bytes)
        out += field(tag, pair)
    return bytes(out)


def encode_sample(labels: bytes, bits: int, time_ms: int) -> bytes:
    """Return a TimeSeries field with one sample; `labels` is of encode_labels, `bits` the value's IEEE
    bits.
    """
    sample = b"\x09" + struct.pack("<Q", bits) + b"\x10" + varint(time_ms)
    return field(0x0A, labels + field(0x12, sample))


def encode_exemplar(labels: bytes, exemplar_labels: Labels, value: float, time_ms: int) -> bytes:
    """Return a TimeSeries field that carries one exemplar and no sample, as Prometheus sends them."""
    content = encode_labels(exemplar_labels) + b"\x11" + struct.pack("<d", value) + b"\x18" + varint(time_ms)
    return field(0x0A, labels + field(0x1A, content))


def encode_histogram(labels: bytes, histogram: bytes) -> bytes:
    """Return a TimeSeries field with one native histogram, its message encoded already."""
    return field(0x0A, labels + field(0x22, histogram))


def encode_metadata(family: str, kind: str, help_text: str, unit: str) -> bytes:
    """Return a MetricMetadata field of a WriteRequest; `kind` is a type word of the exposition formats."""
    content = b"\x08" + varint(METADATA_TYPES[kind]) + field(0x12, family.encode())
    if help_text:
        content += field(0x22, help_text.encode())
    if unit:
        content += field(0x2A, unit.encode())
    return field(0x1A, content)
