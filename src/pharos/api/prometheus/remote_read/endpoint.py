"""Remote read: `POST /api/v1/read`, as samples or as streamed XOR chunks (prompb/remote.proto)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cramjam
import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.api.http.packing import body_response
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.parameters import MAX_TIME_MS, MIN_TIME_MS
from pharos.api.prometheus.remote_read.kernels import crc32c, write_chunks, write_samples
from pharos.api.prometheus.remote_read.request import ReadRequest, ResponseType, parse_read_request
from pharos.engine.native import varint
from pharos.errors import PharosError
from pharos.ingest.frames import unpack
from pharos.labels import Labels
from pharos.promql.source import HistogramColumns, SeriesBlock
from pharos.query.limits import Wanted
from pharos.query.metrics.evaluation import Metrics

_BODY_MAX_BYTES: Final = 8 << 20
_FRAME_BYTES: Final = 1 << 20
_PROTOBUF: Final = "application/x-protobuf"
_STREAMED: Final = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"
_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class ReadEndpoint:
    """Answers other Prometheus servers, Thanos and whoever speaks the protocol."""

    metrics: Metrics
    bodies: Bodies

    async def read(self, request: Request) -> Response:
        """Return the samples that the queries of a snappy-packed ReadRequest select.

        Series with native histograms come as plain samples, whatever the client likes best.
        """
        try:
            async with self.bodies.incoming(request, _BODY_MAX_BYTES) as incoming:
                asked = parse_read_request(bytes(unpack(incoming.body)))
                kind = asked.response_type()
                return await while_connected(
                    request,
                    self.metrics.read(
                        scope_of(request), _wanted(asked), lambda blocks: _response(blocks, kind)
                    ),
                )
        except PharosError as exc:
            return plain_error(exc)


def _wanted(asked: ReadRequest) -> list[Wanted]:
    return [
        Wanted(
            query.matchers,
            max(query.start_ms, MIN_TIME_MS),
            min(query.end_ms, MAX_TIME_MS),
        )
        for query in asked.queries
    ]


def _response(blocks: Sequence[SeriesBlock], kind: ResponseType) -> Response:
    plain = kind is ResponseType.SAMPLES or any(block.histograms is not None for block in blocks)
    if not plain:
        return body_response(([*_streamed(blocks)], False), _STREAMED)
    packed = cramjam.snappy.compress_raw(sampled_response(blocks))
    return Response(bytes(packed), media_type=_PROTOBUF, headers={"Content-Encoding": "snappy"})


def _message(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def _labels(labels: Labels) -> bytes:
    return b"".join(
        _message(1, _message(1, name.encode()) + _message(2, value.encode())) for name, value in labels
    )


def _ordered(block: SeriesBlock) -> list[tuple[Labels, int]]:
    """Return the labels and the number of every series, in the order of the labels."""
    return sorted((labels, i) for i, labels in enumerate(block.labels))


def sampled_response(blocks: Sequence[SeriesBlock]) -> bytes:
    """Return the ReadResponse message: a result for each block, series in the order of their labels."""
    results: list[bytes] = []
    for block in blocks:
        samples, ends = write_samples(block.offsets, block.ts_ms, block.values)
        view, at = samples.data, ends.tolist()
        series: list[bytes] = []
        for series_labels, i in _ordered(block):
            histograms = b"".join(_histograms(block.histograms, i)) if block.histograms is not None else b""
            if at[i] < at[i + 1] or histograms:
                body = b"".join((_labels(series_labels), view[at[i] : at[i + 1]], histograms))
                series.append(_message(1, body))
        results.append(_message(1, b"".join(series)))
    return b"".join(results)


def _histograms(columns: HistogramColumns, series: int) -> Iterator[bytes]:
    """Yield the `histograms` fields of a series: float histograms, as counts are kept."""
    for r in range(int(columns.offsets[series]), int(columns.offsets[series + 1])):
        parts = [
            b"\x11" + struct.pack("<d", columns.count[r]),
            b"\x19" + struct.pack("<d", columns.sum[r]),
            b"\x20" + varint(_zigzag(int(columns.schema[r]))),
            b"\x29" + struct.pack("<d", columns.zero_threshold[r]),
            b"\x39" + struct.pack("<d", columns.zero_count[r]),
            *_spans(
                8, columns.negative_spans_at, columns.negative_span_offset, columns.negative_span_length, r
            ),
            _doubles(10, columns.negative_at, columns.negative, r),
            *_spans(
                11, columns.positive_spans_at, columns.positive_span_offset, columns.positive_span_length, r
            ),
            _doubles(13, columns.positive_at, columns.positive, r),
            b"\x70" + varint(int(columns.reset_hint[r])),
            b"\x78" + varint(int(columns.ts_ms[r]) & _WORD),
            _doubles(16, columns.custom_at, columns.custom, r),
        ]
        yield _message(4, b"".join(parts))


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _spans(
    number: int, ends: NDArray[np.int64], offsets: NDArray[Any], lengths: NDArray[Any], row: int
) -> Iterator[bytes]:
    for k in range(int(ends[row]), int(ends[row + 1])):
        yield _message(number, b"\x08" + varint(_zigzag(int(offsets[k]))) + b"\x10" + varint(int(lengths[k])))


def _doubles(number: int, ends: NDArray[np.int64], values: NDArray[np.float64], row: int) -> bytes:
    chosen = values[ends[row] : ends[row + 1]]
    return _message(number, chosen.astype("<f8").tobytes()) if len(chosen) else b""


def _streamed(blocks: Sequence[SeriesBlock]) -> Iterator[bytes]:
    """Yield frames, each a ChunkedReadResponse with chunks of one series, series ordered by labels."""
    for index, block in enumerate(blocks):
        chunks, ends, series_ends = write_chunks(block.offsets, block.ts_ms, block.values)
        view = chunks.data
        tail = b"\x10" + varint(index) if index else b""
        for series_labels, i in _ordered(block):
            first, last = int(series_ends[i]), int(series_ends[i + 1])
            labels = _labels(series_labels) if first < last else b""
            while first < last:
                # A frame holds at least one chunk, and chunks as long as they fit.
                fit = int(np.searchsorted(ends, ends[first] + _FRAME_BYTES, side="right")) - 1
                upto = min(max(fit, first + 1), last)
                yield _frame(_message(1, labels + view[ends[first] : ends[upto]]) + tail)
                first = upto


def _frame(body: bytes) -> bytes:
    """Return a message framed as upstream's ChunkedWriter does: length, CRC-32C, message."""
    return varint(len(body)) + struct.pack(">I", crc32c(body)) + body
