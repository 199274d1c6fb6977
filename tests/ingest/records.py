"""What is in an export request of logs, as test cases write it."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "array_value":
        return [_value(one) for one in found.values]
    if kind == "kvlist_value":
        return {one.key: _value(one.value) for one in found.values}
    return found


def _pairs(pairs: Any) -> dict[str, Any]:
    found = {pair.key: _value(pair.value) for pair in pairs}
    assert len(found) == len(pairs)
    return found


def records(body: bytes) -> list[dict[str, Any]]:
    """Return each record with its resource, line, time in ns and whatever else it has, in their order."""
    found = []
    for group in ExportLogsServiceRequest.FromString(body).resource_logs:
        resource = _pairs(group.resource.attributes)
        assert list(resource) == sorted(resource), "a stream has one resource, in whatever order it was told"
        for record in group.scope_logs[0].log_records:
            one = {"resource": resource, "line": _value(record.body), "ts": record.time_unix_nano}
            optional = {
                "attributes": _pairs(record.attributes),
                "trace": record.trace_id.hex(),
                "span": record.span_id.hex(),
                "severity": record.severity_number,
                "severity_text": record.severity_text,
            }
            found.append(one | {name: value for name, value in optional.items() if value})
    return found
