"""Requests of lines and spans that are patched for each send are what they say, each time anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
import pytest
from bench.events.records import DOORS, Door
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_BEGIN_NS = 1_764_000_000_000_000_000
_LENGTH_NS = 60_000_000_000


def _logs(body: bytes) -> Iterable[tuple[int, str]]:
    for resource in ExportLogsServiceRequest.FromString(body).resource_logs:
        for scope in resource.scope_logs:
            for record in scope.log_records:
                yield record.time_unix_nano, record.body.string_value


def _spans(body: bytes) -> Iterable[tuple[int, str]]:
    known, parents = set(), set()
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        for scope in resource.scope_spans:
            for span in scope.spans:
                assert span.end_time_unix_nano >= span.start_time_unix_nano
                known.add((span.trace_id, span.span_id))
                parents.add((span.trace_id, span.parent_span_id))
                yield span.start_time_unix_nano, span.span_id.hex()
    assert {one for one in parents if one[1]} <= known


def _bulk(body: bytes) -> Iterable[tuple[int, str]]:
    lines = body.splitlines()
    for action, document in zip(lines[::2], lines[1::2], strict=True):
        assert "create" in json.loads(action)
        read = json.loads(document)
        at_us = int(np.datetime64(read["@timestamp"].rstrip("Z"), "us").astype(np.int64))
        yield at_us * 1000, read["message"]


def _loki(body: bytes) -> Iterable[tuple[int, str]]:
    for stream in json.loads(body)["streams"]:
        for at, line, _ in stream["values"]:
            yield int(at), line


_READ: dict[str, Callable[[bytes], Iterable[tuple[int, str]]]] = {
    "lines by OTLP": _logs,
    "lines by Elasticsearch bulk": _bulk,
    "lines by Loki push, JSON": _loki,
    "spans by OTLP": _spans,
}


@pytest.mark.parametrize("door", [one for one in DOORS if one.name in _READ], ids=lambda one: one.name)
def test_a_request_holds_records_of_its_time_that_differ_with_each_send(door: Door) -> None:
    request = door.requests(1)[0]
    chance = np.random.default_rng(1)
    first = list(_READ[door.name](request.fill(chance, _BEGIN_NS, _LENGTH_NS)))
    second = list(_READ[door.name](request.fill(chance, _BEGIN_NS + _LENGTH_NS, _LENGTH_NS)))
    assert len(first) == len(second) == request.records
    slack_ns = _LENGTH_NS // 1000
    assert all(_BEGIN_NS - 1000 <= at < _BEGIN_NS + _LENGTH_NS + slack_ns for at, _ in first)
    assert all(at >= _BEGIN_NS + _LENGTH_NS - 1000 for at, _ in second)
    assert not {text for _, text in first} & {text for _, text in second}
