"""Push requests of Loki become OTLP: as JSON, as protobuf by compiled code, and record by record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from pharos.errors import PharosError
from pharos.ingest.events.lines import LINE_MAX_BYTES, Lines
from pharos.ingest.loki.labels import parse_labels
from pharos.ingest.loki.push_json import read_push_json
from pharos.ingest.loki.transcode import read_push, slowly
from pharos.protobuf import message_classes

CASES: Final = yaml.safe_load((Path(__file__).parent / "push_cases.yaml").read_text())
_CLASSES: Final = message_classes(
    "tests.logproto",
    {
        "PushRequest": {"streams": (1, "*Stream"), "more": (9, "bytes")},
        "Stream": {"labels": (1, "bytes"), "entries": (2, "*Entry"), "hash": (3, "uint64")},
        "Entry": {"timestamp": (1, "Timestamp"), "line": (2, "bytes"), "metadata": (3, "*Pair")},
        "Timestamp": {"seconds": (1, "int64"), "nanos": (2, "int32")},
        "Pair": {"name": (1, "bytes"), "value": (2, "bytes")},
    },
)


def label_text(labels: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in labels.items()) + "}"


def as_protobuf(streams: list[dict[str, Any]]) -> bytes:
    request = _CLASSES["PushRequest"](more=b"x")
    for stream in streams:
        made = request.streams.add(labels=label_text(stream["stream"]).encode(), hash=7)
        for ts, line, *metadata in stream["values"]:
            entry = made.entries.add(line=line.encode())
            entry.timestamp.seconds, entry.timestamp.nanos = divmod(int(ts), 1_000_000_000)
            for name, value in (metadata[0] if metadata else {}).items():
                entry.metadata.add(name=name.encode(), value=value.encode())
    return bytes(request.SerializeToString())


def as_json(streams: list[dict[str, Any]]) -> bytes:
    return orjson.dumps({"streams": streams, "more": 1})


def as_old_json(streams: list[dict[str, Any]]) -> bytes:
    return orjson.dumps(
        {
            "streams": [
                {
                    "labels": label_text(stream["stream"]),
                    "entries": [
                        {"ts": "2026-01-15T12:00:00.000000001Z", "line": v[1]} for v in stream["values"]
                    ],
                }
                for stream in streams
            ]
        }
    )


WAYS: Final[dict[str, Callable[[list[dict[str, Any]]], Lines]]] = {
    "json": lambda streams: read_push_json(as_json(streams)),
    "protobuf": lambda streams: read_push(as_protobuf(streams)),
    "record by record": lambda streams: slowly(as_protobuf(streams)),
}


def shown(lines: Lines) -> list[dict[str, Any]]:
    """Return the lines as the cases write them."""
    found = []
    for group in ExportLogsServiceRequest.FromString(lines.body).resource_logs:
        resource = {pair.key: pair.value.string_value for pair in group.resource.attributes}
        assert list(resource) == sorted(resource)
        for record in group.scope_logs[0].log_records:
            one: dict[str, Any] = {"resource": resource, "ts": record.time_unix_nano}
            one["line"] = record.body.string_value
            if record.attributes:
                one["attributes"] = {pair.key: pair.value.string_value for pair in record.attributes}
            if record.trace_id:
                one["trace"] = record.trace_id.hex()
            if record.span_id:
                one["span"] = record.span_id.hex()
            found.append(one)
    assert len(found) == lines.count
    return found


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES["taken"], ids=lambda case: case["name"])
def test_what_is_pushed_is_taken_field_by_field(case: dict[str, Any], way: str) -> None:
    lines = WAYS[way](case["streams"])
    assert shown(lines) == case["expect"]
    assert (lines.refused, lines.message, lines.cut) == ({}, "", 0)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", CASES["refused_streams"], ids=lambda case: case["name"])
def test_a_stream_with_bad_labels_is_refused_alone(case: dict[str, Any], way: str) -> None:
    bad = {"stream": case["labels"], "values": [["1", "x"], ["2", "y"]]}
    lines = WAYS[way]([bad, {"stream": {"app": "good"}, "values": [["3", "z"]]}])
    assert [one["line"] for one in shown(lines)] == ["z"]
    assert lines.refused == {"labels": 2}
    assert case["says"] in lines.message


@pytest.mark.parametrize("case", CASES["refused_json"], ids=lambda case: case["body"])
def test_json_of_another_shape_is_refused_and_told_where(case: dict[str, str]) -> None:
    with pytest.raises(PharosError) as caught:
        read_push_json(case["body"].encode())
    assert case["says"] in str(caught.value)


def test_the_form_before_version_1_is_read_too() -> None:
    lines = read_push_json(as_old_json([{"stream": {"app": "a"}, "values": [["", "old"]]}]))
    assert shown(lines) == [{"resource": {"app": "a"}, "ts": 1_768_478_400_000_000_001, "line": "old"}]


@pytest.mark.parametrize("case", CASES["labels"], ids=lambda case: case["text"])
def test_labels_are_read_as_go_writes_them(case: dict[str, Any]) -> None:
    if "is" in case:
        assert parse_labels(case["text"]) == case["is"]
    else:
        with pytest.raises(PharosError):
            parse_labels(case["text"])


@pytest.mark.parametrize("way", WAYS)
def test_a_line_beyond_the_limit_is_cut_between_characters_and_counted(way: str) -> None:
    line = "x" + "é" * LINE_MAX_BYTES
    lines = WAYS[way]([{"stream": {"app": "a"}, "values": [["1", line], ["2", "short"]]}])
    whole = "x" + "é" * ((LINE_MAX_BYTES - 1) // 2)
    assert [one["line"] for one in shown(lines)] == [whole, "short"]
    assert lines.cut == 1


def test_text_that_is_not_utf8_is_mended() -> None:
    request = _CLASSES["PushRequest"]()
    entry = request.streams.add(labels=b'{app="a"}').entries.add(line=b"\xff\xfebad\xff")
    entry.timestamp.seconds = 1
    entry.metadata.add(name=b"k", value=b"\xc3")
    lines = read_push(request.SerializeToString())
    assert [(one["line"], one["attributes"]) for one in shown(lines)] == [
        ("\ufffd\ufffdbad\ufffd", {"k": "\ufffd"})
    ]


_NAMES: Final = st.sampled_from(
    [
        "trace_id",
        "traceid",
        "traceID",
        "TraceId",
        "trace.id",
        "trace_Id",
        "Trace_id",
        "TRACEID",
        "span_id",
        "spanid",
        "SpanID",
        "spanId",
        "span.id",
        "Span.id",
        "spam_id",
        "tracexid",
        "",
        "a",
    ]
)
_VALUES: Final = st.one_of(
    st.binary(max_size=40),
    st.text("0123456789abcdefABCDEFg", min_size=16, max_size=16).map(str.encode),
    st.text("0123456789abcdefABCDEFg", min_size=32, max_size=32).map(str.encode),
    st.sampled_from([b"0" * 32, b"0" * 16, b"0" * 31 + b"1", b"x" * 300]),
)
_ENTRIES: Final = st.tuples(
    st.integers(-1, 9_223_372_036),
    st.sampled_from([0, 1, 999_999_999, 1_000_000_000, -1]),
    st.one_of(st.binary(max_size=300), st.text(max_size=100).map(str.encode)),
    st.lists(st.tuples(_NAMES.map(str.encode), _VALUES), max_size=4),
)
_STREAMS: Final = st.lists(
    st.tuples(st.sampled_from([b'{app="a"}', b"{}", b"no", b'{b="\xff"}']), st.lists(_ENTRIES, max_size=4)),
    max_size=4,
)


def _outcome(read: Callable[[bytes], Lines], body: bytes) -> Any:
    try:
        lines = read(body)
    except PharosError:
        return "refused"
    request = ExportLogsServiceRequest.FromString(lines.body)
    return request, lines.count, lines.refused, lines.message


@given(_STREAMS)
def test_compiled_code_does_what_is_done_record_by_record(streams: list[Any]) -> None:
    request = _CLASSES["PushRequest"]()
    for labels, entries in streams:
        stream = request.streams.add(labels=labels)
        for seconds, nanos, line, pairs in entries:
            entry = stream.entries.add(line=line)
            entry.timestamp.seconds, entry.timestamp.nanos = seconds, nanos
            for name, value in pairs:
                entry.metadata.add(name=name, value=value)
    body = request.SerializeToString()
    assert _outcome(read_push, body) == _outcome(slowly, body)


_GOOD: Final = as_protobuf(CASES["taken"][3]["streams"] + CASES["taken"][4]["streams"])


@given(st.integers(0, len(_GOOD) - 1), st.integers(0, 255), st.booleans())
def test_broken_bytes_are_refused_or_read_never_more(at: int, byte: int, is_cut: bool) -> None:
    body = _GOOD[:at] if is_cut else _GOOD[:at] + bytes((byte,)) + _GOOD[at + 1 :]
    found = _outcome(read_push, body)
    assert found == "refused" or found[1] + sum(found[2].values()) <= 3
