"""Remote read: bodies, response types, and a real Prometheus that reads through us."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

import cramjam
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.api.peers import STEP_MS, Answer, Peer, running_prometheus, samples
from tests.api.xor_reader import decode_chunk, read_varint
from tests.ingest import rw_messages as rw

from pharos.api.prometheus.remote_read.kernels import crc32c, write_chunks
from pharos.api.prometheus.remote_read.request import ReadQuery, parse_read_request
from pharos.errors import PharosError
from pharos.labels import Matcher, MatchOp
from pharos.protobuf import varint


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def request_body(name: str, start_ms: int, end_ms: int, *accepted: int) -> bytes:
    matcher = field(3, field(2, b"__name__") + field(3, name.encode()))
    query = b"\x08" + varint(start_ms) + b"\x10" + varint(end_ms) + matcher
    return field(1, query) + b"".join(b"\x10" + varint(kind) for kind in accepted)


def packed(body: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(body))


def read(peer: Peer, body: bytes) -> Answer:
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf"}
    return peer.ask("POST", "/api/v1/read", packed(body), headers)


def frames(body: bytes) -> Iterator[bytes]:
    """Yield the messages of a stream, their checksums checked."""
    while body:
        size, at = read_varint(body, 0)
        (checksum,) = struct.unpack(">I", body[at : at + 4])
        message = body[at + 4 : at + 4 + size]
        assert crc32c(message) == checksum
        yield message
        body = body[at + 4 + size :]


def streamed(answer: Answer) -> dict[bytes, list[tuple[int, int]]]:
    """Return the samples of a stream by the bytes of their labels."""
    assert answer.headers["content-type"] == (
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
    )
    found: dict[bytes, list[tuple[int, int]]] = {}
    for message in frames(answer.body):
        assert message[0] == 0x0A
        size, at = read_varint(message, 1)
        series, labels = message[at : at + size], b""
        while series:
            length, begin = read_varint(series, 1)
            if series[0] == 0x0A:
                labels += series[: begin + length]
            else:
                found.setdefault(labels, []).extend(decode_chunk(series[: begin + length]))
            series = series[begin + length :]
    return found


def test_a_request_is_taken_apart() -> None:
    found = parse_read_request(request_body("up", 1, 2) + field(2, b"\x01\x00") + b"\x7d\0\0\0\0")
    assert found.queries == (ReadQuery(1, 2, (Matcher("__name__", MatchOp.EQUAL, "up"),)),)
    assert found.accepted == (1, 0)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\x0a\x00" * 1_001, "a request may hold 1000 queries, not 1001"),
        (field(1, b"\x1a\x00" * 600) * 2, "a request may hold 1000 matchers, not 1200"),
        (field(2, b"\x00" * 101), "a request may hold 100 response types, not 101"),
    ],
)
def test_a_request_is_bounded_before_it_is_taken_apart(raw: bytes, text: str) -> None:
    with pytest.raises(PharosError, match=text):
        parse_read_request(raw)


@given(st.binary(max_size=60))
def test_rubbish_is_refused_by_a_sentence(raw: bytes) -> None:
    with contextlib.suppress(PharosError):
        parse_read_request(raw)


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        (b"\xff\xff", 400, "snappy"),
        (bytes(cramjam.snappy.compress_raw(b"\x0a\xff")), 400, "not a prometheus.ReadRequest"),
        (bytes(cramjam.snappy.compress_raw(b"a" * (1 << 20 | 1))), 413, "the limit is 1048576"),
        (
            bytes(cramjam.snappy.compress_raw(request_body("a", 1, 2, 7))),
            400,
            "requested response types: [7]",
        ),
        (bytes(cramjam.snappy.compress_raw(field(1, field(3, b"\x08\x02\x1a\x01(")))), 400, "regexp"),
        (bytes(cramjam.snappy.compress_raw(field(1, field(3, b"\x08\x09")))), 400, "invalid matcher type 9"),
    ],
)
def test_faulty_requests(pharos: Peer, body: bytes, status: int, text: str) -> None:
    answer = pharos.ask("POST", "/api/v1/read", body)
    assert answer.status == status
    assert text in answer.body.decode()


def test_samples_come_packed(pharos: Peer, end_ms: int) -> None:
    answer = read(pharos, request_body("gone", end_ms - 200 * STEP_MS, end_ms))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert answer.headers["content-encoding"] == "snappy"
    plain = bytes(cramjam.snappy.decompress_raw(answer.body))
    first = struct.pack("<d", 0.0) + b"\x10" + varint(end_ms - 119 * STEP_MS)
    assert (
        field(1, field(1, b"__name__") + field(2, b"gone")) + field(1, field(1, b"job") + field(2, b"a"))
        in plain
    )
    assert b"\x09" + first in plain
    assert struct.pack("<Q", 0x7FF0000000000002) in plain  # the stale marker, bit by bit


def test_native_histograms_come_as_float_histograms(pharos: Peer, end_ms: int) -> None:
    written = {
        "count_int": 12, "sum": 18.5, "schema": 1, "zero_threshold": 0.001, "zero_count_int": 2,
        "positive_spans": [[0, 2], [1, 2]], "positive_deltas": [1, 1, -1, 2], "reset_hint": 3,
        "negative_spans": [[-2, 2]], "negative_deltas": [2, -1], "timestamp": end_ms,
    }  # fmt: skip
    pharos.write([{"labels": [("__name__", "native")], "histograms": [written]}])
    pharos.wait_for("histogram_count(native)", end_ms / 1000, 12)
    # Chunks are asked for first: samples are the answer all the same.
    answer = read(pharos, request_body("native", end_ms - 1000, end_ms, 1, 0))
    assert answer.headers["content-type"] == "application/x-protobuf"
    message = bytes(cramjam.snappy.decompress_raw(answer.body))
    for _ in range(2):  # results, timeseries
        size, at = read_varint(message, 1)
        assert (message[0], size) == (0x0A, len(message) - at)
        message = message[at:]
    series = rw.V1["TimeSeries"].FromString(message)
    (found,) = series.histograms
    assert [(one.name, one.value) for one in series.labels] == [("__name__", "native")]
    assert (found.count_float, found.sum, found.schema, found.timestamp) == (12.0, 18.5, 1, end_ms)
    assert (found.zero_threshold, found.zero_count_float, found.reset_hint) == (0.001, 2.0, 3)
    assert [(one.offset, one.length) for one in found.positive_spans] == [(0, 2), (1, 2)]
    assert [(one.offset, one.length) for one in found.negative_spans] == [(-2, 2)]
    assert list(found.positive_counts) == [1.0, 2.0, 1.0, 3.0]
    assert list(found.negative_counts) == [2.0, 1.0]


def test_nothing_found_is_an_empty_result_for_each_query(pharos: Peer) -> None:
    answer = read(pharos, request_body("none", 1, 2) * 2)
    assert bytes(cramjam.snappy.decompress_raw(answer.body)) == b"\x0a\x00\x0a\x00"
    streamed = read(pharos, request_body("none", 1, 2, 1))
    assert (streamed.body, streamed.headers["content-type"]) == (
        b"",
        "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
    )


def test_a_stream_holds_each_series_in_order(pharos: Peer, end_ms: int) -> None:
    answer = read(pharos, request_body("requests_total", end_ms - 200 * STEP_MS, end_ms, 1))
    found = streamed(answer)
    assert len(found) == 12
    assert list(found) == sorted(found)
    assert {len(samples) for samples in found.values()} == {120}


def test_the_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, appendix B.4


def arrays(samples: list[tuple[int, float]]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    return np.array([at for at, _ in samples], np.int64), np.array(
        [value for _, value in samples], np.float64
    )


@settings(max_examples=200)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.one_of(st.integers(1, 3), st.integers(1, 200_000), st.integers(1, 1 << 40)),
                st.one_of(st.floats(width=64), st.sampled_from([0.0, 1.0, 2.0, 1e300])),
            ),
            max_size=260,
        ),
        max_size=4,
    ),
    st.integers(-(1 << 45), 1 << 45),
)
def test_chunks_hold_every_bit(series: list[list[tuple[int, float]]], begin_ms: int) -> None:
    deltas, values = arrays([sample for one in series for sample in one])
    offsets = np.cumsum([0, *(len(one) for one in series)]).astype(np.int64)
    times = begin_ms + np.cumsum(deltas)
    raw, ends, series_ends = write_chunks(offsets, times, values)
    found: list[tuple[int, int]] = []
    for at, until in zip(ends.tolist(), ends[1:].tolist(), strict=False):
        found += decode_chunk(bytes(raw[at:until]))
    assert found == list(zip(times.tolist(), values.view(np.uint64).tolist(), strict=True))
    assert [int(n) for n in np.diff(series_ends)] == [-(-len(one) // 120) for one in series]


@pytest.mark.needs("prometheus")
def test_prometheus_reads_through_us(pharos: Peer, end_ms: int, folder: Path) -> None:
    # Debian's Prometheus sends no headers of its own: it reads the tenant that needs none.
    pharos = Peer(pharos.url, "default")
    pharos.write(samples(end_ms))
    pharos.wait_for("count(requests_total)", end_ms / 1000, 12)
    configuration = f"remote_read:\n- url: {pharos.url}/api/v1/read\n  read_recent: true\n"
    with running_prometheus(folder, configuration) as prometheus:
        for query in (
            "requests_total", "rate(requests_total[290s])", "odd", "gone", 'shown{kind!~"k[0-3]"}',
            'requests_total{code="200",job=~"a|b",instance!="1"}', "count_over_time(gone[1h])",
        ):  # fmt: skip
            for path, when in (
                ("/api/v1/query", {"time": end_ms / 1000}),
                (
                    "/api/v1/query_range",
                    {"start": end_ms / 1000 - 1500, "end": end_ms / 1000, "step": 60},
                ),
            ):
                mine = pharos.data(path, query=query, **when)
                theirs = prometheus.data(path, query=query, **when)
                assert mine["result"] or "gone" in query
                for one in (mine, theirs):
                    one["result"].sort(key=lambda item: sorted(item["metric"].items()))
                assert mine == theirs, query


@pytest.mark.needs("prometheus")
def test_a_stream_holds_what_prometheus_streams(pharos: Peer, end_ms: int, folder: Path) -> None:
    with running_prometheus(folder) as prometheus:
        prometheus.write(samples(end_ms))
        for name in ("requests_total", "odd", "gone", "shown"):
            body = request_body(name, end_ms - 200 * STEP_MS, end_ms, 1)
            mine, theirs = streamed(read(pharos, body)), streamed(read(prometheus, body))
            assert mine == theirs
            assert list(mine) == list(theirs)
