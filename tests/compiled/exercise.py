"""Call every kernel with the types that a server calls it with: a small store is filled and asked everything.

`python -m tests.compiled.exercise` writes the list of signatures anew. What is `first` and the order stay as
they are; new ones come to the end of `first`, from where they are moved by hand.
"""

from __future__ import annotations

import asyncio
import json
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import SystemRandom
from typing import Any, Final

import numpy as np
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from pharos.access import DEFAULT
from pharos.api.prometheus.encode import encode_answer, encode_label_sets
from pharos.api.prometheus.remote_read import kernels as read_kernels
from pharos.clock import Clock, SystemClock
from pharos.compiled.kernel import KERNELS
from pharos.config import Settings
from pharos.engine.changes import Changes
from pharos.engine.keys import metric_hash
from pharos.errors import PharosError
from pharos.ingest.events.chunks import decode_placed_logs, decode_spans
from pharos.ingest.events.levels import LEVELS
from pharos.ingest.events.log_sampling import sample_logs
from pharos.ingest.events.origins import KnownOrigins
from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    Value,
    log_record,
    resource_of,
    span,
    span_id_bytes,
    trace_id_bytes,
)
from pharos.ingest.events.text_records import TextRecords
from pharos.ingest.frames import FrameKind, pack
from pharos.ingest.loki.transcode import read_push
from pharos.ingest.metrics.decoder import Decoder
from pharos.ingest.metrics.touched import touched_buckets
from pharos.ingest.otlp.translate import Translator
from pharos.ingest.scrape.cache import warm_up
from pharos.judgement.anomaly import Detector
from pharos.judgement.changes import find_changes
from pharos.limits import TenantLimits
from pharos.policy import TenantPolicy
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.promql.language.ast import ValueType
from pharos.promql.language.functions import AGGREGATORS, FUNCTIONS, Function
from pharos.protobuf import varint
from pharos.queries import open_queries
from pharos.query.limits import Times
from pharos.query.metrics import label_counts, label_table, pieces, step_samples
from pharos.query.metrics.evaluation import Metrics
from pharos.query.metrics.query import parse_query
from pharos.store import open_engine_alone
from pharos.warm.signatures import FILE, signature_text

_STEP_MS: Final = 15_000
_END_MS: Final = 36_000_000
_TENANT: Final = DEFAULT.tenant
_ARGUMENTS: Final = {
    ValueType.SCALAR: "0.5",
    ValueType.VECTOR: "m",
    ValueType.MATRIX: "m[5m]",
    ValueType.STRING: '"x"',
}
_OTHERS: Final = (
    "m + on (i) group_left m",
    "m * 2 > bool 1",
    "m and m",
    "m or m",
    "m unless m",
    "-m",
    "max_over_time(rate(m[5m])[10m:1m])",
    "m[5m]",
    "rate(m[5m] anchored)",
    "rate(m[5m] smoothed)",
    'label_replace(m, "a", "$1", "i", "(.*)")',
    'label_join(m, "a", "-", "i")',
    "histogram_quantile(0.9, sum by (le) (rate(m[5m])))",
    "histogram_quantile(0.9, sum(rate(h[5m])))",
    "histogram_count(h) + histogram_sum(h)",
    "h + h",
    "h[5m]",
)


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def _labels(name: str, number: int) -> bytes:
    pairs = (("__name__", name), ("i", str(number)), ("le", "+Inf" if number == 3 else str(number)))
    return b"".join(_field(1, _field(1, k.encode()) + _field(2, v.encode())) for k, v in pairs)


def _requests() -> Iterator[tuple[FrameKind, bytes]]:
    """Yield an hour of four series of floats and two of histograms, then a request of version 2.0."""
    times = range(_END_MS - 3_600_000, _END_MS, _STEP_MS)
    series = []
    for i in range(4):
        samples = b"".join(
            _field(2, b"\x09" + struct.pack("<d", t / 1000) + b"\x10" + varint(t) + b"\x78" + varint(1))
            for t in times
        )
        exemplar = _field(3, _labels("x", 0) + b"\x11" + bytes(8) + b"\x18" + varint(_END_MS - _STEP_MS))
        series.append(_field(1, _labels("m", i) + samples + exemplar))
    for i in range(2):
        buckets = b"\x5a\x02\x10\x02" + b"\x62\x02\x02\x00"
        points = b"".join(
            _field(4, b"\x08\x02\x19" + struct.pack("<d", 3.0) + buckets + b"\x78" + varint(t)) for t in times
        )
        series.append(_field(1, _labels("h", i) + points))
    metadata = _field(3, b"\x08\x01" + _field(2, b"m") + _field(4, b"help"))
    yield FrameKind.REMOTE_WRITE_1, b"".join(series) + metadata
    symbols = b"".join(_field(4, text) for text in (b"", b"__name__", b"v2"))
    sample = _field(2, b"\x09" + bytes(8) + b"\x10" + varint(_END_MS - _STEP_MS))
    yield FrameKind.REMOTE_WRITE_2, symbols + _field(5, _field(1, b"\x01\x02") + sample)


def _otlp_request() -> bytes:
    """Return a gauge with more series than the translator has room for at first."""
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for number in range(1000):
        attribute = metric.gauge.data_points.add(as_int=number).attributes.add(key="i")
        attribute.value.string_value = str(number)
    return request.SerializeToString()


def _decode_events() -> None:
    """Decode a log record and a span that have everything."""
    attributes: list[tuple[str, Value]] = [("a", "b"), ("c", [1, 2.5, True]), ("d", b"x"), ("level", "info")]
    logs, spans, resource = EventRequest(), EventRequest(), resource_of([("service.name", "s")])
    ids = trace_id_bytes("1" * 32), span_id_bytes("1" * 16)
    logs.add(resource, log_record("line", ts_ns=1, attributes=attributes, trace_id=ids[0], span_id=ids[1]))
    event, link = SpanEventValues(1, "e", (("a", 1),)), SpanLinkValues(*ids, "", (("a", 1),))
    made = span("n", trace_id=ids[0], span_id=ids[1], start_ns=1, end_ns=2, events=[event], links=[link])
    spans.add(resource, made)
    sample_logs(
        *decode_placed_logs(logs.body(), 1, KnownOrigins()), lambda _: np.zeros(len(LEVELS), np.int64)
    )
    decode_spans(spans.body(), 1, KnownOrigins())


def _expressions() -> Iterator[str]:
    for function in FUNCTIONS.values():
        yield f"{function.name}({', '.join(_arguments(function))})"
    for aggregator in AGGREGATORS.values():
        parameter = {None: "", ValueType.SCALAR: "0.5, ", ValueType.STRING: '"x", '}.get(
            aggregator.param, "1, "
        )
        yield f"{aggregator.name} by (i) ({parameter}m)"
    yield from _OTHERS


def _arguments(function: Function) -> list[str]:
    return [_ARGUMENTS[kind] for kind in function.args]


async def _ask_everything(metrics: Metrics) -> int:
    ran = 0
    for text in _expressions():
        for times in (Times(_END_MS - 3_600_000, _END_MS, _STEP_MS), Times(_END_MS, _END_MS)):
            try:
                query = parse_query(text)
                await metrics.evaluate(DEFAULT, query, times, lambda answer: list(encode_answer(answer)))
            except PharosError:
                # Some functions refuse such arguments; their kernels are compiled by then or need none.
                continue
            ran += 1
    return ran


def _read_only(*columns: Any) -> tuple[Any, ...]:
    for column in columns:
        column.flags.writeable = False
    return columns


def _call_the_rest() -> None:
    """Call what no query of ours reaches: rows as a large store returns them, remote read, counted steps."""
    rows = _read_only(np.ones(2, np.uint64), np.arange(2, dtype=np.int64), np.ones(2))
    piece = pieces.piece_of([rows], 0, 0, 10)
    assert piece is not None
    pieces.find([piece], piece.ids, 1, 2).read()
    ends, times, values = np.array([0, 1], np.int64), np.zeros(1, np.int64), np.zeros(1)
    read_kernels.write_samples(ends, times, values)
    read_kernels.write_chunks(ends, times, values)
    read_kernels.crc32c(b"")
    for newest in (True, False):
        step_samples.count_samples(ends, times, times, times, 1, newest, times.copy())


def _call_line_doors() -> None:
    """Call what reads log lines."""
    read_push(b"")
    TextRecords().written()


def _judge() -> None:
    """Call what numbers are judged by."""
    rows, times = np.arange(2), np.arange(4.0)
    Detector().score(times, times)
    detector = Detector(2)
    detector.score_all(0.0, np.zeros(2))
    detector.judge(15.0, rows, np.zeros(2), np.ones(2, np.bool_))
    find_changes(np.zeros((2, 4)), 2, 15.0, 1, np.zeros(2, np.bool_), times)


def exercise(clock: Clock) -> int:
    """Call all; return how many queries ran."""
    warm_up()
    _call_line_doors()
    _judge()
    columns = label_table.warm_up()
    label_counts.LabelCounts(columns)
    list(encode_label_sets(columns.ordered()))
    grid = np.zeros((len(columns), 1)), np.ones((len(columns), 1), np.bool_)
    list(encode_answer(Answer(AnswerType.VECTOR, np.zeros(1, np.int64), columns, *grid)))
    _call_the_rest()
    _decode_events()
    Translator(seed=1, lookback_ms=1).translate(_otlp_request(), 0, 1)
    touched_buckets(np.ones(1, np.uint64), np.ones(1, np.int64))
    changes = Changes()
    changes.note_histograms(_TENANT, [metric_hash("h")])
    changes.note_starts(_TENANT, [metric_hash("m")])
    decoder = Decoder(seed=1, today=0, max_age_ms=0)
    with tempfile.TemporaryDirectory() as folder, open_engine_alone(Path(folder)) as engine:
        for number, (kind, request) in enumerate(_requests()):
            batch = decoder.begin()
            plain = decoder.unpack(kind, pack(request))
            decoder.decode(batch, _TENANT, plain, _END_MS * 1_000_000)
            batch.insert(engine, f"warm-{number}")
            strict = TenantPolicy(lambda _: TenantLimits(max_label_names=1))
            few = Decoder(seed=1, today=0, max_age_ms=0, policy=strict)
            few.decode(few.begin(), _TENANT, plain, _END_MS * 1_000_000)
        with open_queries(engine, changes, clock, SystemRandom(), Settings()) as queries:
            return asyncio.run(_ask_everything(queries.metrics))


def called() -> list[list[Any]]:
    """Return the signatures with which this process called kernels."""
    return [
        signature_text(kernel, one)
        for kernel in KERNELS
        for one in kernel.overloads
        if kernel.path.startswith("pharos.")
    ]


def main() -> None:
    """Write the list anew."""
    exercise(SystemClock())
    listed = json.loads(FILE.read_text())
    found = called()
    first = [line for line in listed["first"] if line in found]
    rest = [line for line in listed["rest"] if line in found]
    first += [line for line in found if line not in first and line not in rest]
    groups = (
        f'  "{name}": [\n' + ",\n".join(f"    {json.dumps(line)}" for line in lines) + "\n  ]"
        for name, lines in (("first", first), ("rest", rest))
    )
    FILE.write_text("{\n" + ",\n".join(groups) + "\n}\n")


if __name__ == "__main__":
    main()
