"""Requests that are written byte by byte are what the official messages read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    Value,
    log_record,
    resource_of,
    scope_of,
    span,
    span_id_bytes,
    trace_id_bytes,
)

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.binary(),
    _TEXTS,
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def plain(value: object) -> Value:
    """Return an AnyValue as the value that it stands for."""
    kind = value.WhichOneof("value")  # type: ignore[attr-defined]
    match kind:
        case None:
            return None
        case "array_value":
            return [plain(one) for one in value.array_value.values]  # type: ignore[attr-defined]
        case "kvlist_value":
            return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}  # type: ignore[attr-defined]
        case _:
            found: Value = getattr(value, kind)
            return found


@given(_VALUES, st.lists(st.tuples(_TEXTS, _VALUES), max_size=4), st.integers(0, 2**63))
def test_a_log_record_is_read_as_it_was_made(
    body: Value, attributes: list[tuple[str, Value]], ts_ns: int
) -> None:
    request = EventRequest()
    record = log_record(body, ts_ns=ts_ns, severity=17, severity_text="Fehler", attributes=attributes)
    request.add(resource_of([("service.name", "shop")]), record, scope_of("lib", "1.2"))
    read = ExportLogsServiceRequest.FromString(request.body())
    logs = read.resource_logs[0].scope_logs[0]
    found = logs.log_records[0]
    assert (logs.scope.name, logs.scope.version) == ("lib", "1.2")
    assert read.resource_logs[0].resource.attributes[0].value.string_value == "shop"
    assert (found.time_unix_nano, found.severity_number, found.severity_text) == (ts_ns, 17, "Fehler")
    assert plain(found.body) == body
    assert [(pair.key, plain(pair.value)) for pair in found.attributes] == attributes


def test_what_is_no_character_and_what_no_number_holds_is_taken_all_the_same() -> None:
    request = EventRequest()
    request.add(b"", log_record("half \ud83d", attributes=[("big", 2**64)]))
    found = ExportLogsServiceRequest.FromString(request.body()).resource_logs[0].scope_logs[0].log_records[0]
    assert found.body.string_value == "half ?"
    assert found.attributes[0].value.string_value == str(2**64)


def test_a_span_is_read_as_it_was_made() -> None:
    trace, one, parent = trace_id_bytes("5b8efff798038103d269b633813fc60c"), b"12345678", b"87654321"
    request = EventRequest()
    request.add(
        resource_of([("service.name", "shop")]),
        span(
            "GET /",
            trace_id=trace,
            span_id=one,
            parent_id=parent,
            kind=2,
            start_ns=5,
            end_ns=9,
            attributes=[("n", 1)],
            events=[SpanEventValues(6, "retry", (("attempt", 2),))],
            links=[SpanLinkValues(trace, parent, "a=b", (("why", "batch"),))],
            status=2,
            status_message="broken",
            trace_state="x=y",
            flags=257,
        ),
    )
    found = ExportTraceServiceRequest.FromString(request.body()).resource_spans[0].scope_spans[0].spans[0]
    assert (found.trace_id, found.span_id, found.parent_span_id) == (trace, one, parent)
    assert (found.name, found.kind, found.start_time_unix_nano, found.end_time_unix_nano) == (
        "GET /",
        2,
        5,
        9,
    )
    assert (found.status.code, found.status.message, found.trace_state, found.flags) == (
        2,
        "broken",
        "x=y",
        257,
    )
    assert (found.events[0].name, found.events[0].attributes[0].value.int_value) == ("retry", 2)
    assert (found.links[0].span_id, found.links[0].trace_state) == (parent, "a=b")


def test_identifiers_are_hexadecimal_of_the_right_length_and_not_zero() -> None:
    assert trace_id_bytes("5B8EFFF798038103D269B633813FC60C").hex() == "5b8efff798038103d269b633813fc60c"
    assert [trace_id_bytes(text) for text in ("", "0" * 32, "g" * 32, "12")] == [b""] * 4
    assert span_id_bytes("eee19b7ec3c1b174").hex() == "eee19b7ec3c1b174"
