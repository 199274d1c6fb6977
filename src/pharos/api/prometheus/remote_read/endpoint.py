"""Remote read: `POST /api/v1/read`, as samples or as streamed XOR chunks (prompb/remote.proto)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import cramjam
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.api.http.packing import body_response
from pharos.api.prometheus.answers import while_connected
from pharos.api.prometheus.remote_read.kernels import crc32c, write_chunks, write_samples
from pharos.api.prometheus.remote_read.request import ReadRequest, ResponseType, parse_read_request
from pharos.errors import PharosError
from pharos.gotext.timestamps import MAX_TIME_MS, MIN_TIME_MS
from pharos.ingest.frames import unpack
from pharos.labels import Labels
from pharos.promql.source import HistogramColumns, SeriesBlock
from pharos.protobuf import message_classes, varint
from pharos.query.limits import Wanted
from pharos.query.metrics.evaluation import Metrics

_BODY_MAX_BYTES: Final = 1 << 20
"""Packed or unpacked: a thousand selectors are a tenth of it, and more would hold up the event loop."""
_FRAME_BYTES: Final = 1 << 20
_PROTOBUF: Final = "application/x-protobuf"
_STREAMED: Final = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"

# Series and what is packed of them are bytes: parts of them are written by compiled code.
_CLASSES: Final = message_classes(
    "pharos.read_response",
    {
        "Label": {"name": (1, "string"), "value": (2, "string")},
        "Span": {"offset": (1, "sint32"), "length": (2, "uint32")},
        "Histogram": {
            "count_float": (2, "?double"),
            "sum": (3, "double"),
            "schema": (4, "sint32"),
            "zero_threshold": (5, "double"),
            "zero_count_float": (7, "?double"),
            "negative_spans": (8, "*Span"),
            "negative_counts": (10, "bytes"),
            "positive_spans": (11, "*Span"),
            "positive_counts": (13, "bytes"),
            "reset_hint": (14, "int32"),
            "timestamp": (15, "int64"),
            "custom_values": (16, "bytes"),
        },
        "TimeSeries": {"labels": (1, "*Label"), "histograms": (4, "*Histogram")},
        "QueryResult": {"timeseries": (1, "*bytes")},
        "ReadResponse": {"results": (1, "*bytes")},
        "ChunkedReadResponse": {"chunked_series": (1, "*bytes"), "query_index": (2, "int64")},
    },
)


class ReadEndpoint(Struct, frozen=True):
    """Answers other Prometheus servers, Thanos and whoever speaks the protocol."""

    metrics: Metrics
    bodies: Bodies

    async def read(self, request: Request) -> Response:
        """Return the samples that the queries of a snappy-packed ReadRequest select.

        Series with native histograms come as plain samples, whatever the client likes best.
        """
        try:
            async with self.bodies.incoming(request, _BODY_MAX_BYTES) as incoming:
                asked = parse_read_request(bytes(unpack(incoming.body, _BODY_MAX_BYTES)))
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


def _series(labels: Labels, histograms: Iterable[Any] = ()) -> bytes:
    """Return a TimeSeries or a ChunkedSeries message without its samples, which may be put behind it."""
    message = _CLASSES["TimeSeries"](histograms=histograms)
    for name, value in labels:
        message.labels.add(name=name, value=value)
    return bytes(message.SerializeToString())


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
            histograms = [*_histograms(block.histograms, i)] if block.histograms is not None else []
            if at[i] < at[i + 1] or histograms:
                series.append(_series(series_labels, histograms) + view[at[i] : at[i + 1]])
        results.append(_CLASSES["QueryResult"](timeseries=series).SerializeToString())
    return bytes(_CLASSES["ReadResponse"](results=results).SerializeToString())


def _histograms(columns: HistogramColumns, series: int) -> Iterator[Any]:
    """Yield the histograms of a series: float histograms, as counts are kept."""
    for r in range(int(columns.offsets[series]), int(columns.offsets[series + 1])):
        message = _CLASSES["Histogram"](
            count_float=columns.count[r],
            sum=columns.sum[r],
            schema=int(columns.schema[r]),
            zero_threshold=columns.zero_threshold[r],
            zero_count_float=columns.zero_count[r],
            negative_counts=_doubles(columns.negative_at, columns.negative, r),
            positive_counts=_doubles(columns.positive_at, columns.positive, r),
            reset_hint=int(columns.reset_hint[r]),
            timestamp=int(columns.ts_ms[r]),
            custom_values=_doubles(columns.custom_at, columns.custom, r),
        )
        for into, ends, offsets, lengths in (
            (
                message.negative_spans,
                columns.negative_spans_at,
                columns.negative_span_offset,
                columns.negative_span_length,
            ),
            (
                message.positive_spans,
                columns.positive_spans_at,
                columns.positive_span_offset,
                columns.positive_span_length,
            ),
        ):
            for k in range(int(ends[r]), int(ends[r + 1])):
                into.add(offset=int(offsets[k]), length=int(lengths[k]))
        yield message


def _doubles(ends: NDArray[np.int64], values: NDArray[np.float64], row: int) -> bytes:
    return values[ends[row] : ends[row + 1]].astype("<f8").tobytes()


def _streamed(blocks: Sequence[SeriesBlock]) -> Iterator[bytes]:
    """Yield frames, each a ChunkedReadResponse with chunks of one series, series ordered by labels."""
    for index, block in enumerate(blocks):
        chunks, ends, series_ends = write_chunks(block.offsets, block.ts_ms, block.values)
        view = chunks.data
        for series_labels, i in _ordered(block):
            first, last = int(series_ends[i]), int(series_ends[i + 1])
            labels = _series(series_labels) if first < last else b""
            while first < last:
                # A frame holds at least one chunk, and chunks as long as they fit.
                fit = int(np.searchsorted(ends, ends[first] + _FRAME_BYTES, side="right")) - 1
                upto = min(max(fit, first + 1), last)
                part = labels + view[ends[first] : ends[upto]]
                message = _CLASSES["ChunkedReadResponse"](chunked_series=[part], query_index=index)
                yield _frame(message.SerializeToString())
                first = upto


def _frame(body: bytes) -> bytes:
    """Return a message framed as upstream's ChunkedWriter does: length, CRC-32C, message."""
    return varint(len(body)) + struct.pack(">I", crc32c(body)) + body
