"""The shop of the demo: the same again for the same seed, what its story says, and within its rate."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pharos.demo.content import RULES, dashboard
from pharos.demo.samples import write_request
from pharos.demo.shop import MOST_PER_S, SERVICES, VISITS, Call, Shop, Told
from pharos.demo.story import BROKEN_FROM_S, CYCLE_S, MENDED_FROM_S, moment_at
from pharos.rules.kept import checked_group

BEGAN_S = 1_800_000_000 // CYCLE_S * CYCLE_S
STORY = [
    (0, "1.1.1", False),
    (BROKEN_FROM_S - 1, "1.1.1", False),
    (BROKEN_FROM_S, "1.2.0", True),
    (MENDED_FROM_S - 1, "1.2.0", True),
    (MENDED_FROM_S, "1.2.1", False),
    (CYCLE_S, "1.2.1", False),
    (CYCLE_S + BROKEN_FROM_S, "1.3.0", True),
]


def _lived(seconds: range, seed: int = 1) -> tuple[Shop, Told]:
    shop, told = Shop(Random(seed), BEGAN_S), Told()
    for second in seconds:
        shop.live(second, told)
    return shop, told


def _spans(told: Told) -> list[tuple[str, Any]]:
    request = ExportTraceServiceRequest.FromString(told.spans.body())
    return [
        (next(one.value.string_value for one in group.resource.attributes if one.key == "service.name"), span)
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize(("into_s", "version", "is_broken"), STORY)
def test_each_cycle_has_a_release_that_breaks_and_one_that_mends(
    into_s: int, version: str, is_broken: bool
) -> None:
    found = moment_at(BEGAN_S + into_s, BEGAN_S)
    assert (found.version, found.is_broken) == (version, is_broken)
    assert found.released_s <= BEGAN_S + into_s


def test_the_same_seed_makes_the_same_shop() -> None:
    seconds = range(BEGAN_S, BEGAN_S + 20)
    first, told = _lived(seconds)
    second, again = _lived(seconds)
    assert told.spans.body() == again.spans.body()
    assert told.logs.body() == again.logs.body()
    assert write_request(first, seconds[-1]) == write_request(second, seconds[-1])
    assert told.spans.body() != _lived(seconds, seed=2)[1].spans.body()


def test_spans_are_whole_traces_and_lines_name_spans_that_are_there() -> None:
    _, told = _lived(range(BEGAN_S, BEGAN_S + 30))
    spans = [span for _, span in _spans(told)]
    known = {(span.trace_id, span.span_id) for span in spans}
    assert {service for service, _ in _spans(told)} == set(SERVICES)
    assert all(not span.parent_span_id or (span.trace_id, span.parent_span_id) in known for span in spans)
    assert all(span.end_time_unix_nano > span.start_time_unix_nano for span in spans)
    logs = ExportLogsServiceRequest.FromString(told.logs.body())
    records = [one for group in logs.resource_logs for scope in group.scope_logs for one in scope.log_records]
    assert records
    assert all((one.trace_id, one.span_id) in known for one in records)


def test_a_broken_release_fails_payments_and_makes_them_wait() -> None:
    calm, _ = _lived(range(BEGAN_S, BEGAN_S + 100))
    shop, _ = _lived(range(BEGAN_S + BROKEN_FROM_S, BEGAN_S + MENDED_FROM_S))

    def failed(one: Shop) -> float:
        requests = one.totals.requests
        bad, good = (requests["checkout", "POST /orders", status] for status in ("500", "200"))
        return bad / (bad + good)

    assert failed(calm) < 0.02
    assert failed(shop) > 0.2
    assert shop.totals.waiting > 10 > calm.totals.waiting


def test_no_second_has_more_than_its_bound() -> None:
    def spans_of(call: Call) -> int:
        return 1 + sum(spans_of(one) + (one.service != call.service) for one in call.calls)

    most = max(spans_of(call) for call, _ in VISITS) * MOST_PER_S
    for second in range(BEGAN_S, BEGAN_S + 600, 7):
        _, told = _lived(range(second, second + 1))
        assert 0 < told.spans.count <= most


def test_its_rules_and_its_dashboard_can_be_read() -> None:
    group = checked_group("demo", "shop", RULES)
    assert [rule.name for rule in group.rules][1:] == ["CheckoutErrors", "PaymentsPoolExhausted"]
    assert dashboard().title == "Shop"
