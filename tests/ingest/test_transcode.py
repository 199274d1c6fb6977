"""Remote Write 2.0 becomes the 1.0 request that both definitions ask for, or is refused by name."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.ingest import rw_messages as rw

from pharos.errors import Kind, PharosError
from pharos.ingest.remote_write.measure import Fault
from pharos.ingest.remote_write.transcode import transcode_v2

SUFFIXES = {
    rw.HISTOGRAM: (b"_sum", b"_count", b"_bucket"),
    rw.GAUGE_HISTOGRAM: (b"_sum", b"_count", b"_bucket"),
    rw.SUMMARY: (b"_sum", b"_count"),
}


class RefusedError(Exception):
    """The reference does not accept the request."""


def family_of(name: bytes, kind: int, *, native: bool) -> bytes:
    for suffix in SUFFIXES.get(kind, ()):
        if not native and name.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name


def pairs_of(refs: Any, symbols: list[bytes]) -> list[tuple[bytes, bytes]]:
    if len(refs) % 2 or any(ref >= len(symbols) for ref in refs):
        raise RefusedError
    return [(symbols[refs[i]], symbols[refs[i + 1]]) for i in range(0, len(refs), 2)]


def copy_series(series: Any, symbols: list[bytes], written: Any) -> None:
    for name, value in pairs_of(series.labels_refs, symbols):
        written.labels.add(name=name, value=value)
    for sample in series.samples:
        start = sample.start_timestamp or series.created_timestamp
        written.samples.add(value=sample.value, timestamp=sample.timestamp, start=start)
    for exemplar in series.exemplars:
        added = written.exemplars.add(value=exemplar.value, timestamp=exemplar.timestamp)
        for name, value in pairs_of(exemplar.labels_refs, symbols):
            added.labels.add(name=name, value=value)
    for histogram in series.histograms:
        added = written.histograms.add()
        added.MergeFromString(histogram.SerializeToString())
        added.start_timestamp = added.start_timestamp or series.created_timestamp


def reference(body: bytes) -> Any:
    """Return the 1.0 request that `body` stands for, written with the protobuf library alone."""
    request, result = rw.V2_BYTES["Request"].FromString(body), rw.V1_BYTES["WriteRequest"]()
    symbols = list(request.symbols)
    if symbols and symbols[0]:
        raise RefusedError
    families: dict[bytes, Any] = {}
    for series in request.timeseries:
        written = result.timeseries.add()
        copy_series(series, symbols, written)
        meta = series.metadata
        if max(meta.help_ref, meta.unit_ref) >= len(symbols) and series.HasField("metadata"):
            if meta.help_ref or meta.unit_ref:
                raise RefusedError
            if not symbols:
                continue
        names = [label.value for label in written.labels if label.name == b"__name__"]
        kind = meta.type if 0 <= meta.type <= 7 else 0
        help_text, unit = (
            symbols[meta.help_ref : meta.help_ref + 1],
            symbols[meta.unit_ref : meta.unit_ref + 1],
        )
        if names and names[-1] and (kind or any(help_text) or any(unit)):
            family = family_of(names[-1], kind, native=bool(series.histograms))
            families.setdefault(family, (kind, help_text[0], unit[0]))
    for family, (kind, text, unit_text) in families.items():
        result.metadata.add(metric_family_name=family, type=kind, help=text, unit=unit_text)
    return result


INT64 = st.integers(-(2**63), 2**63 - 1)
TIMES = st.sampled_from([0, 1, -1, 1_700_000_000_000, 2**63 - 1, -(2**63)]) | INT64
VALUES = st.floats(allow_nan=True, width=64) | st.sampled_from([0.0, -0.0, float("inf")])
NAMES = st.sampled_from(
    [
        "__name__",
        "job",
        "instance",
        "le",
        "",
        "a" * 15,
        "b" * 16,
        "c" * 33,
        "d" * 130,
        "ü",
        "rpc_sum",
        "rpc_count",
    ]
)
METRICS = st.sampled_from(["rpc", "rpc_sum", "rpc_count", "rpc_bucket", "_sum", "rpc_total", "x" * 200])
LABELS = st.lists(st.tuples(NAMES, NAMES | METRICS | st.text(max_size=5)), max_size=6)


@st.composite
def histograms(draw: st.DrawFn) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "sum": draw(VALUES),
        "schema": draw(st.integers(-53, 8)),
        "timestamp": draw(TIMES),
    }
    spans = st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 9)), max_size=3)
    spec["positive_spans"], spec["negative_spans"] = draw(spans), draw(spans)
    if draw(st.booleans()):
        spec["count_int"], spec["zero_count_int"] = draw(st.integers(0, 2**64 - 1)), 1
        spec["positive_deltas"] = draw(st.lists(INT64, max_size=4))
    else:
        spec["count_float"], spec["zero_count_float"] = draw(VALUES), draw(VALUES)
        spec["negative_counts"] = draw(st.lists(VALUES, max_size=4))
        spec["custom_values"] = draw(st.lists(VALUES, max_size=4))
    spec["start_timestamp"] = draw(st.sampled_from([0, 0, 5]))
    return spec


@st.composite
def one_series(draw: st.DrawFn) -> dict[str, Any]:
    labels = draw(LABELS)
    if draw(st.booleans()):
        labels = [("__name__", draw(METRICS)), *labels]
    exemplar = st.fixed_dictionaries({"labels": LABELS, "value": VALUES, "timestamp": TIMES})
    kind = st.sampled_from([*range(8), 99, -1])
    metadata = st.fixed_dictionaries({"type": kind, "help": NAMES, "unit": NAMES})
    return {
        "labels": labels,
        "samples": draw(st.lists(st.tuples(TIMES, VALUES) | st.tuples(TIMES, VALUES, TIMES), max_size=4)),
        "exemplars": draw(st.lists(exemplar, max_size=2)),
        "histograms": draw(st.lists(histograms(), max_size=2)),
        "created": draw(st.sampled_from([0, 0, 1_600_000_000_000, -1])),
        **({"metadata": draw(metadata)} if draw(st.booleans()) else {}),
    }


BODIES = st.lists(one_series(), max_size=5).map(rw.v2_body)
FEW = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


def as_v1(body: bytes) -> bytes:
    """Return the transcoded body, read and written again by the protobuf library."""
    return bytes(rw.V1_BYTES["WriteRequest"].FromString(transcode_v2(body)).SerializeToString())


@FEW
@given(BODIES)
def test_a_request_becomes_what_the_reference_makes_of_it(body: bytes) -> None:
    assert as_v1(body) == reference(body).SerializeToString()


@FEW
@given(BODIES, st.integers(1, 2**16))
def test_the_kind_of_buffer_does_not_matter(body: bytes, padding: int) -> None:
    expected = transcode_v2(body)
    inside = np.frombuffer(b"\xff" * (padding % 16) + body + b"\xff" * 8, dtype=np.uint8)
    assert transcode_v2(inside[padding % 16 : padding % 16 + len(body)]) == expected
    assert transcode_v2(memoryview(bytearray(body))) == expected


def outcome(body: bytes) -> tuple[PharosError | None, bytes]:
    """Return (refusal, nothing) or (None, the 1.0 request)."""
    try:
        return None, transcode_v2(body)
    except PharosError as refusal:
        return refusal, b""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(BODIES))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        match draw(st.integers(0, 3)):
            case 0:
                body[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case 1:
                del body[at : at + draw(st.integers(1, 9))]
            case 2:
                body[at:at] = draw(st.binary(max_size=6))
            case _:
                body[at:at] = body[: draw(st.integers(0, 40))]
    return bytes(body)


@settings(FEW, max_examples=600)
@given(mutated())
def test_damaged_bytes_are_refused_or_mean_what_the_reference_says(body: bytes) -> None:
    refusal, written = outcome(body)
    if refusal is not None:
        assert refusal.kind is Kind.INVALID
        assert refusal.position in range(len(body) + 1)
        return
    result = rw.V1_BYTES["WriteRequest"].FromString(written)
    # What stands behind a wrong reference in the same series is not looked at.
    if not any(b"\x0a\x02\x78" in one.SerializeToString() for one in result.timeseries):
        assert result.SerializeToString() == reference(body).SerializeToString()


@settings(FEW, max_examples=40)
@given(BODIES)
def test_every_truncation_is_refused_or_a_legal_shorter_request(body: bytes) -> None:
    for cut in range(len(body)):
        try:
            expected = reference(body[:cut]).SerializeToString()
        except (DecodeError, RefusedError):
            with pytest.raises(PharosError):
                transcode_v2(body[:cut])
        else:
            assert as_v1(body[:cut]) == expected


def test_parts_may_come_in_any_order_packed_or_not() -> None:
    # Series before symbols; created_timestamp and samples before labels; references one by one.
    series = (
        b"\x30\x07"  # created_timestamp 7
        b"\x12\x0b\x09" + struct.pack("<d", 2.5) + b"\x10\x03"  # sample
        b"\x08\x01\x08\x02"  # labels_refs, unpacked
        b"\x0a\x01\x02\x0a\x01\x01"  # and packed, a pair over two fields
    )
    body = b"\x2a" + bytes([len(series)]) + series + b"\x22\x00\x22\x01a\x22\x01b"
    request = rw.V1["WriteRequest"].FromString(transcode_v2(body))
    assert [(label.name, label.value) for label in request.timeseries[0].labels] == [("a", "b"), ("b", "a")]
    assert [(s.timestamp, s.value, s.start) for s in request.timeseries[0].samples] == [(3, 2.5, 7)]


def test_a_stale_marker_keeps_its_bits() -> None:
    bits = struct.pack("<Q", rw.STALE_NAN_BITS)
    body = b"\x22\x00\x2a\x0d\x12\x0b\x09" + bits + b"\x10\x03"
    assert bits in transcode_v2(body)


def test_the_message_has_no_field_that_ordinary_decoders_do_not_skip() -> None:
    body = rw.v2_body([{"labels": [("__name__", "up")], "samples": [(3, 1.0, 2)], "created": 1}])
    plain = rw.V1["WriteRequest"].FromString(transcode_v2(body))
    assert [field.number for field, _ in plain.timeseries[0].samples[0].ListFields()] == [1, 2, 15]


NAMED = [("__name__", "up")]


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\x22\x01a", "symbols[0] must be the empty string (at byte 2)"),
        (b"\x22\x00\x2a\x00\x2a\x02\x10\x01", "timeseries 1"),
        (b"\x20\x01", "a wire type that"),
        (b"\x22\x00\x2a\x02\x10\x01", "a wire type that"),
        (b"\x22\x00\x2a\x04\x12\x02\x08\x01", "a wire type that"),
        (b"\x22\x00\x2a\x05\x1a\x03\x52\x01\x00", "a wire type that"),
        (b"\x22\x05ab", "a field is cut off or is not legal protobuf (at byte 0)"),
        (b"\x22\x00\x2a\x02\x0b\x0c", "a field is cut off"),
        (b"\x03" * 100_000, "a field is cut off"),
    ],
)
def test_a_refusal_names_the_place_and_the_reason(body: bytes, text: str) -> None:
    with pytest.raises(PharosError) as refusal:
        transcode_v2(body)
    assert text in str(refusal.value)
    assert refusal.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (b"\x0a\x01\x00", Fault.ODD_REFERENCES),
        (b"\x0a\x02\x00\x01", Fault.REFERENCE),
        (b"\x0a\x02\x00\x01\x0a\x01\x00", Fault.REFERENCE),
        (b"\x2a\x02\x18\x01", Fault.REFERENCE),
        (b"\x2a\x02\x20\x01", Fault.REFERENCE),
        (b"\x22\x03\x0a\x01\x00", Fault.ODD_REFERENCES),
    ],
)
def test_a_series_with_wrong_references_stands_there_as_refused(wrong: bytes, fault: Fault) -> None:
    good = b"\x2a\x04\x0a\x02\x00\x00"
    bad = b"\x2a" + bytes([len(wrong)]) + wrong
    for order in ((good, bad), (bad, good), (bad, good, bad)):
        found = rw.V1_BYTES["WriteRequest"].FromString(transcode_v2(b"\x22\x00" + b"".join(order)))
        said = [one.SerializeToString() for one in found.timeseries]
        assert said == [
            b"\x0a\x02\x78" + bytes([fault]) + b"\x1a\x00" if part is bad else b"\x0a\x00" for part in order
        ]


def test_references_that_would_blow_up_are_refused_before_memory_is_taken() -> None:
    request = rw.V2["Request"](symbols=["", "x" * 500_000])
    request.timeseries.add(labels_refs=[1] * 200_000)
    body = request.SerializeToString()
    with pytest.raises(PharosError) as refusal:
        transcode_v2(body)
    assert refusal.value.kind is Kind.TOO_LARGE


def test_the_limit_is_exact() -> None:
    body = rw.v2_body([{"labels": NAMED, "samples": [(3, 1.0)], "metadata": {"type": 1, "help": "h" * 99}}])
    size = len(transcode_v2(body))
    assert len(transcode_v2(body, limit_bytes=size)) == size
    with pytest.raises(PharosError) as refusal:
        transcode_v2(body, limit_bytes=size - 1)
    assert refusal.value.kind is Kind.TOO_LARGE


def test_the_family_is_described_once_by_its_first_series() -> None:
    described = [("rpc_bucket", 3, "first"), ("rpc_sum", 3, "second"), ("rpc", 2, "third"), ("up", 2, "")]
    body = rw.v2_body(
        {"labels": [("__name__", name)], "samples": [(1, 1.0)], "metadata": {"type": kind, "help": text}}
        for name, kind, text in described
    )
    request = rw.V1["WriteRequest"].FromString(transcode_v2(body))
    found = [(one.metric_family_name, one.type, one.help) for one in request.metadata]
    assert found == [("rpc", 3, "first"), ("up", 2, "")]


def test_a_name_is_of_two_families_where_types_differ() -> None:
    # "rpc_sum" of no type is a family of its own; of a histogram it is the family "rpc".
    symbols = b"\x22\x00\x22\x08__name__\x22\x07rpc_sum"
    unknown, histogram = b"\x2a\x04\x18\x01\x20\x01", b"\x2a\x06\x08\x03\x18\x01\x20\x01"
    body = symbols + b"".join(
        b"\x2a" + bytes([4 + len(metadata)]) + b"\x0a\x02\x01\x02" + metadata
        for metadata in (unknown, histogram, unknown)
    )
    assert as_v1(body) == reference(body).SerializeToString()
    names = [one.metric_family_name for one in rw.V1_BYTES["WriteRequest"].FromString(as_v1(body)).metadata]
    assert names == [b"rpc_sum", b"rpc"]


def test_a_million_empty_series_are_measured_not_multiplied() -> None:
    body = b"\x22\x00" + b"\x2a\x00" * 1_000_000
    assert len(transcode_v2(body)) == 2_000_000
