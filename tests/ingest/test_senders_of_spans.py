"""Zipkin's and Jaeger's spans become the OTLP request that stands in the cases."""

from __future__ import annotations

import base64
import json
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.ingest.thrift_writer import binary, compact
from tests.jaeger_messages import V2, message
from tests.span_rows import described, rows_of

from pharos.errors import Kind, PharosError
from pharos.ingest.jaeger.batches import read_agent_packet, read_batch
from pharos.ingest.jaeger.protobuf import MOST_BYTES, read_post_spans
from pharos.ingest.zipkin.json_v2 import read_json
from pharos.ingest.zipkin.protobuf import read_protobuf
from pharos.ingest.zipkin.spans import ZipkinSpan, request_of
from pharos.ingest.zipkin.version_1 import read_json_v1, read_thrift
from pharos.protobuf import varint

_CASES = Path(__file__).parent / "cases"
_NOW_NS = 1_700_000_000_000_000_000
_FORMS: dict[str, Callable[[bytes], list[ZipkinSpan]]] = {"v2": read_json, "v1": read_json_v1}


def _cases(name: str) -> list[Any]:
    found = yaml.safe_load((_CASES / f"{name}.yaml").read_text())
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.mark.parametrize("case", _cases("zipkin_spans"))
def test_zipkin_json_becomes_spans(case: dict[str, Any]) -> None:
    body = json.dumps(case["body"]).encode()
    if "error" in case:
        with pytest.raises(PharosError) as caught:
            _FORMS[case["form"]](body)
        assert caught.value.kind is Kind.INVALID
        assert case["error"] in str(caught.value)
        return
    request = request_of(_FORMS[case["form"]](body), _NOW_NS)
    assert [described(span) for span in rows_of(request.body())] == case["spans"]


@pytest.mark.parametrize("is_compact", [False, True], ids=["binary", "compact"])
@pytest.mark.parametrize("case", _cases("jaeger_batches"))
def test_jaeger_batches_become_spans(case: dict[str, Any], is_compact: bool) -> None:
    body = (compact if is_compact else binary)("struct", case["batch"])
    if "error" in case:
        with pytest.raises(PharosError) as caught:
            read_batch(body, is_compact=is_compact)
        assert caught.value.kind is Kind.INVALID
        assert case["error"] in str(caught.value)
        return
    request = read_batch(body, is_compact=is_compact)
    assert [described(span) for span in rows_of(request.body())] == case["spans"]


_ONE = {
    1: ["struct", {1: ["text", "front"]}],
    2: ["list", [{1: ["i64", 10], 3: ["i64", 2], 5: ["text", "x"], 8: ["i64", 5]}]],
}
_ONE_SPAN = {"trace": "a", "span": "2", "service": "front", "name": "x", "start_us": 5}


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b"\x82\x81\x05\x09emitBatch", compact),
        (b"\x80\x01\x00\x01\x00\x00\x00\x09emitBatch\x00\x00\x00\x01", binary),
    ],
    ids=["compact", "binary"],
)
def test_an_agents_packet_holds_a_batch(head: bytes, form: Callable[[str, Any], bytes]) -> None:
    packet = head + form("struct", {1: ["struct", _ONE]})
    assert [described(span) for span in rows_of(read_agent_packet(packet).body())] == [_ONE_SPAN]


def test_a_call_of_another_name_is_refused() -> None:
    with pytest.raises(PharosError, match="not emitBatch"):
        read_agent_packet(b"\x82\x81\x05\x04stop" + compact("struct", {}))


@pytest.mark.parametrize("is_compact", [False, True], ids=["binary", "compact"])
def test_no_part_of_a_batch_is_taken_for_one(is_compact: bool) -> None:
    body = (compact if is_compact else binary)("struct", _ONE)
    assert read_batch(body, is_compact=is_compact).count == 1
    for size in range(len(body)):
        with pytest.raises(PharosError) as caught:
            read_batch(body[:size], is_compact=is_compact)
        assert caught.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x0f\x00\x02\x0c\x7f\xff\xff\xff", "2147483647 elements are announced"),
        (b"\x0f\x00\x02\x0c\xff\xff\xff\xff", "-1 elements are announced"),
        (b"\x0b\x00\x01\x7f\xff\xff\xff", "2147483647 bytes are announced"),
        (b"\x7e\x00\x01\x00\x00", "126 is no type"),
        (b"\x0c\x00\x63" * 1000, "nested more than"),
        (b"\x00\x00", "1 bytes follow after its end"),
    ],
)
def test_claims_of_a_broken_body_cost_nothing(body: bytes, said: str) -> None:
    with pytest.raises(PharosError, match=said):
        read_batch(body)


@pytest.mark.parametrize("case", _cases("jaeger_post_spans"))
def test_jaeger_batches_in_protobuf_become_spans(case: dict[str, Any]) -> None:
    recorded = base64.b64decode(case.get("recorded", ""))
    body = recorded or message(V2, "PostSpansRequest", {"batch": case["batch"]})
    if "error" in case:
        with pytest.raises(PharosError) as caught:
            read_post_spans(body)
        assert caught.value.kind is Kind.INVALID
        assert case["error"] in str(caught.value)
        return
    request = read_post_spans(body)
    assert [described(span) for span in rows_of(request.body())] == case["spans"]


@pytest.mark.parametrize(
    "body", [b"\xff", b"\x0a\x05\x0a", b"\x0a\x02\x0a\x7f", b"{}", b"\x0a\x02\x08\x01\xff"]
)
def test_what_is_no_protobuf_of_jaeger_is_refused(body: bytes) -> None:
    with pytest.raises(PharosError, match="no protobuf of a batch") as caught:
        read_post_spans(body)
    assert caught.value.kind is Kind.INVALID


def test_no_batch_is_refused_for_a_text_that_is_no_text() -> None:
    tag = b"\x0a\x01k\x1a\x02\xffx"
    span = b"\x0a\x10" + bytes(15) + b"\x01\x12\x08" + bytes(7) + b"\x02\x1a\x02\xfen"
    span += bytes((0x42, len(tag))) + tag
    batch = bytes((0x0A, len(span))) + span
    (row,) = rows_of(read_post_spans(bytes((0x0A, len(batch))) + batch).body())
    assert (row.name, row.attributes[0][:2]) == ("\ufffdn", ("k", "\ufffdx"))


def test_a_batch_beyond_what_memory_is_for_is_refused_before_it_is_read() -> None:
    with pytest.raises(PharosError, match="unpacked") as caught:
        read_post_spans(b"\x0a\x00" * (MOST_BYTES // 2 + 1))
    assert caught.value.kind is Kind.TOO_LARGE


def test_zipkins_thrift_is_read() -> None:
    endpoint = {1: ["i32", 0x7F000001], 2: ["i16", 80], 3: ["text", "back"]}
    span = {
        1: ["i64", 10],
        3: ["text", "get"],
        4: ["i64", 11],
        5: ["i64", 12],
        6: ["list", [{1: ["i64", 100], 2: ["text", "sr"], 3: ["struct", endpoint]}]],
        8: [
            "list",
            [
                {1: ["text", "path"], 2: ["text", "/x"], 3: ["i32", 6]},
                {1: ["text", "size"], 2: ["text", struct.pack(">q", -3)], 3: ["i32", 4]},
                {1: ["text", "warm"], 2: ["text", b"\x01"], 3: ["i32", 0]},
            ],
        ],
        10: ["i64", 99],
        11: ["i64", 7],
        12: ["i64", 1],
    }
    request = request_of(read_thrift(binary("list", [span])), _NOW_NS)
    assert [described(one) for one in rows_of(request.body())] == [
        {
            "trace": "1000000000000000a",
            "span": "b",
            "parent": "c",
            "service": "back",
            "name": "get",
            "kind": "server",
            "start_us": 99,
            "duration_us": 7,
            "attributes": {
                "path": "/x",
                "size": -3,
                "warm": True,
                "network.local.address": "127.0.0.1",
                "network.local.port": 80,
            },
        }
    ]


_TWO_LOCAL = {"network.local.address": "127.0.0.1", "net.host.ip": "2001:db8::1"}
_TWO_REMOTE = {"network.peer.address": "127.0.0.2", "net.peer.ip": "2001:db8::2"}
_IPV6 = bytes.fromhex("20010db8") + bytes(11)


def test_zipkins_thrift_keeps_both_addresses_of_an_end() -> None:
    local, remote = ({1: ["i32", 0x7F000000 + host], 4: ["text", _IPV6 + bytes((host,))]} for host in (1, 2))
    span = {
        1: ["i64", 10],
        4: ["i64", 11],
        6: ["list", [{1: ["i64", 100], 2: ["text", "cs"], 3: ["struct", local]}]],
        8: [
            "list",
            [{1: ["text", "sa"], 2: ["text", b"\x01"], 3: ["i32", 0], 4: ["struct", remote]}],
        ],
    }
    (found,) = rows_of(request_of(read_thrift(binary("list", [span])), _NOW_NS).body())
    assert described(found)["attributes"] == _TWO_LOCAL | _TWO_REMOTE


def test_zipkins_protobuf_keeps_both_addresses_of_an_end() -> None:
    ends = b"".join(
        _field(tag, _field(0x12, b"\x7f\0\0" + bytes((host,))) + _field(0x1A, _IPV6 + bytes((host,))))
        for tag, host in ((0x42, 1), (0x4A, 2))
    )
    (found,) = rows_of(request_of(read_protobuf(_field(0x0A, _ZIPKIN_IDS + ends)), _NOW_NS).body())
    assert described(found)["attributes"] == _TWO_LOCAL | _TWO_REMOTE


def _protobuf(*, trace: bytes = b"\x0a" * 8) -> bytes:
    def field(tag: int, payload: bytes) -> bytes:
        return bytes((tag, len(payload))) + payload

    endpoint = field(0x0A, b"back") + field(0x12, b"\x7f\0\0\1") + b"\x20\x50"
    span = (
        field(0x0A, trace)
        + field(0x1A, b"\0" * 7 + b"\x0b")
        + b"\x20\x02"
        + field(0x2A, b"get")
        + b"\x31"
        + struct.pack("<Q", 99)
        + b"\x38\x07"
        + field(0x42, endpoint)
        + field(0x52, b"\x09" + struct.pack("<Q", 100) + field(0x12, b"half"))
        + field(0x5A, field(0x0A, b"k") + field(0x12, b"v"))
    )
    return field(0x0A, span)


def test_zipkins_protobuf_is_read() -> None:
    request = request_of(read_protobuf(_protobuf()), _NOW_NS)
    assert [described(one) for one in rows_of(request.body())] == [
        {
            "trace": "a0a0a0a0a0a0a0a",
            "span": "b",
            "service": "back",
            "name": "get",
            "kind": "server",
            "start_us": 99,
            "duration_us": 7,
            "attributes": {"k": "v", "network.local.address": "127.0.0.1", "network.local.port": 80},
            "events": [{"at_us": 100, "name": "half"}],
        }
    ]


@pytest.mark.parametrize("body", [b"\xff", _protobuf(trace=b"\0" * 8), _protobuf(trace=b"\1" * 5)])
def test_what_is_no_protobuf_of_zipkin_is_refused(body: bytes) -> None:
    with pytest.raises(PharosError) as caught:
        read_protobuf(body)
    assert caught.value.kind is Kind.INVALID


def _field(tag: int, payload: bytes) -> bytes:
    return bytes((tag,)) + varint(len(payload)) + payload


_IDS = _field(0x0A, b"\x01" * 16)
_JAEGER_IDS = _IDS + _field(0x12, b"\x01" * 8)
_ZIPKIN_IDS = _IDS + _field(0x1A, b"\x01" * 8)
_EMPTY_STRUCTS = struct.pack(">bhbi", 15, 2, 12, 1_000_000) + bytes(1_000_001)


@pytest.mark.parametrize(
    ("read", "body"),
    [
        pytest.param(read_batch, _EMPTY_STRUCTS, id="structs of thrift"),
        pytest.param(read_thrift, _EMPTY_STRUCTS[3:-1], id="a list of thrift"),
        pytest.param(
            read_post_spans,
            _field(0x0A, _field(0x0A, _JAEGER_IDS + b"\x42\x00" * 300_000)),
            id="tags of Jaeger",
        ),
        pytest.param(
            read_post_spans,
            _field(0x0A, _field(0x0A, _JAEGER_IDS + _field(0x4A, b"\x12\x00" * 300_000))),
            id="fields of a log of Jaeger",
        ),
        pytest.param(read_protobuf, _field(0x0A, _ZIPKIN_IDS + b"\x5a\x00" * 600_000), id="tags of Zipkin"),
        pytest.param(read_protobuf, _field(0x0A, _ZIPKIN_IDS + bytes(5 << 20)), id="a long span of Zipkin"),
    ],
)
def test_parts_without_number_are_refused(read: Callable[[bytes], Any], body: bytes) -> None:
    with pytest.raises(PharosError, match="send fewer spans") as caught:
        read(body)
    assert caught.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    "body", [b"\x0a", b"\x0a\x02\x00", b"\x0a\xff\xff\xff\xff\xff\x01", b"\x12\x00", b"\x0a\x00"]
)
def test_what_is_no_list_of_zipkins_spans_is_refused(body: bytes) -> None:
    with pytest.raises(PharosError) as caught:
        read_protobuf(body)
    assert caught.value.kind is Kind.INVALID


_TAGGED = b'[{"traceId":"a","id":"b","tags":{"k":"%s"}}]'


@pytest.mark.parametrize("read", _FORMS.values(), ids=_FORMS.keys())
@pytest.mark.parametrize(
    "body",
    [
        b"[" + b'{"traceId":"a","id":"b"},' * 500_000 + b"{}]",
        b"[" * 1_000_001,
        b'[{"tags":{' + b'"k":1,' * 1_000_000 + b'"k":1}}]',
        _TAGGED % (b"x" * (16 << 20)),
    ],
    ids=["spans", "brackets", "tags", "bytes"],
)
def test_json_beyond_what_memory_is_for_is_refused_before_it_is_read(
    read: Callable[[bytes], list[ZipkinSpan]], body: bytes
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(PharosError, match="16 MiB and 1000000 values") as caught:
            read(body)
        assert caught.value.kind is Kind.TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_json_of_a_long_text_is_read() -> None:
    (span,) = read_json(_TAGGED % (b"x" * (15 << 20)))
    assert len(str(span.tags[0][1])) == 15 << 20
