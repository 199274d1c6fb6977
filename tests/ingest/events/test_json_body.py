"""JSON of logs and spans by OTLP: what is not what a request has in its place is refused by its name."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pharos.errors import Kind, PharosError
from pharos.ingest.events.json_body import from_json
from pharos.ingest.frames import FrameKind

_ID = "0af7651916cd43dd8448eb211c80319c"


def _logs(record: Any, scope: Any = None) -> bytes:
    scoped = {"logRecords": [record], **({} if scope is None else {"scope": scope})}
    return orjson.dumps({"resourceLogs": [{"scopeLogs": [scoped]}]})


def _spans(span: Any) -> bytes:
    return orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


@pytest.mark.parametrize(
    ("body", "kind", "told"),
    [
        (_logs({}, []), FrameKind.LOGS, "scope is [], which is no object"),
        (_logs({"body": "text"}), FrameKind.LOGS, "body is 'text', which is no object"),
        (_logs({"body": {"kvlistValue": []}}), FrameKind.LOGS, "kvlistValue is [], which is no object"),
        (_logs({"body": {"arrayValue": "a"}}), FrameKind.LOGS, "arrayValue is 'a', which is no object"),
        (_logs({"attributes": {}}), FrameKind.LOGS, "attributes is {}, which is no list"),
        (_logs({"body": {"bytesValue": "§§"}}), FrameKind.LOGS, "bytesValue is '§§', which is not base64"),
        (_logs("text"), FrameKind.LOGS, "logRecords has 'text', which is no object"),
        (_logs({"attributes": [[]]}), FrameKind.LOGS, "attributes has [], which is no object"),
        (_spans([]), FrameKind.SPANS, "spans has [], which is no object"),
        (_spans({"links": [{}, "x"]}), FrameKind.SPANS, "links has 'x', which is no object"),
        (_spans({"status": 2}), FrameKind.SPANS, "status is 2, which is no object"),
        (_spans({"events": {"name": "x"}}), FrameKind.SPANS, "events is {'name': 'x'}, which is no list"),
        (
            _spans({"attributes": [{"key": "k", "value": {"bytesValue": 5}}]}),
            FrameKind.SPANS,
            "bytesValue is 5, which is not base64",
        ),
    ],
)
def test_what_does_not_belong_there_is_named(body: bytes, kind: FrameKind, told: str) -> None:
    with pytest.raises(PharosError, match=re.escape(told)) as caught:
        from_json(body, kind)
    assert caught.value.kind is Kind.INVALID


def test_ids_are_hexadecimal_and_bytes_are_base64() -> None:
    body = {"bytesValue": "AP8="}
    logs = ExportLogsServiceRequest.FromString(
        from_json(_logs({"traceId": _ID, "body": body, "attributes": None}), FrameKind.LOGS)
    )
    (record,) = logs.resource_logs[0].scope_logs[0].log_records
    assert (record.trace_id.hex(), record.body.bytes_value) == (_ID, b"\x00\xff")
    spans = ExportTraceServiceRequest.FromString(from_json(_spans({"traceId": _ID}), FrameKind.SPANS))
    assert spans.resource_spans[0].scope_spans[0].spans[0].trace_id.hex() == _ID
