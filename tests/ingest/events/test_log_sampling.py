"""Which log records are kept: by level, service, tenant; those of a trace together; nothing else changes."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from msgspec.structs import replace
from tests.ingest.records import records
from tests.query.events.requests import NOON_NS, log_request

from pharos.config.sampling import LEVELS as SETTINGS_LEVELS
from pharos.ingest.events.batch import EventsBatch, EventsTaken, LogSignal
from pharos.ingest.events.chunks import LogChunk, decode_logs
from pharos.ingest.events.levels import LEVELS
from pharos.ingest.events.origins import KnownOrigins
from pharos.ingest.events.requests import EventRequest, log_record, resource_of
from pharos.ingest.frames import FrameKind
from pharos.sampling import LogRule, Names, Sampling, SamplingRules
from pharos.telemetry import REGISTRY

_SEVERITIES = {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21, "unknown": 0}


def rule(services: tuple[str, ...] = (), tenants: tuple[str, ...] = (), **shares: float) -> LogRule:
    """Return a rule as the settings make it: levels that are not named are kept."""
    of_levels = tuple(shares.get(level, 1.0) for level in SETTINGS_LEVELS)
    return LogRule(of_levels, Names(services), Names(tenants))


def lines(
    level: str, count: int, service: str = "shop", trace_ids: tuple[bytes, ...] = (), start: int = 0
) -> bytes:
    """Return a request of lines that differ by their numbers."""
    request = EventRequest()
    for number in range(start, start + count):
        trace_id = trace_ids[number % len(trace_ids)] if trace_ids else b""
        record = log_record(f"line {number}", ts_ns=NOON_NS, severity=_SEVERITIES[level], trace_id=trace_id)
        request.add(resource_of([("service.name", service)]), record)
    return request.body()


def sampled(body: bytes, *rules: LogRule, tenant: str = "t") -> tuple[EventsTaken, EventsBatch[LogChunk]]:
    """Return what becomes of a request under these rules."""
    signal = LogSignal(SamplingRules(Sampling(logs=rules)))
    batch = signal.begin()
    return signal.decode(batch, tenant, body, NOON_NS), batch


def kept_lines(body: bytes, *rules: LogRule) -> set[str]:
    taken, _ = sampled(body, *rules)
    return {one["line"] for one in records(body if taken.kept is None else bytes(taken.kept[1]))}


def test_levels_have_the_same_order_in_settings_as_in_the_store() -> None:
    assert tuple(level or "unknown" for level in LEVELS) == SETTINGS_LEVELS


@pytest.mark.parametrize("level", SETTINGS_LEVELS)
def test_a_level_without_a_share_is_gone_and_the_others_are_kept(level: str) -> None:
    for other in SETTINGS_LEVELS:
        taken, batch = sampled(
            lines(other, 50), LogRule(tuple(float(one != level) for one in SETTINGS_LEVELS))
        )
        assert taken.points == (0 if other == level else 50)
        assert taken.is_empty == (other == level)
        assert taken.dropped == ({level: 50} if other == level else {})
        assert len(batch.chunks) == (0 if other == level else 1)


def test_a_share_is_about_that_share() -> None:
    taken, _ = sampled(lines("debug", 4_000), rule(debug=0.1))
    assert 330 < taken.points < 470
    assert taken.dropped == {"debug": 4_000 - taken.points}


def test_a_greater_share_keeps_what_a_smaller_one_keeps() -> None:
    body = lines("info", 500)
    shares = [kept_lines(body, rule(info=share)) for share in (0.0, 0.1, 0.3, 0.9, 1.0)]
    assert [len(one) for one in shares] == sorted(len(one) for one in shares)
    assert all(smaller < greater for smaller, greater in pairwise(shares))


def test_what_is_sent_again_in_other_requests_is_decided_the_same() -> None:
    whole = kept_lines(lines("info", 300), rule(info=0.5))
    parts = [kept_lines(lines("info", 100, start=start), rule(info=0.5)) for start in (0, 100, 200)]
    assert whole == set.union(*parts)


def test_lines_of_a_trace_are_kept_together() -> None:
    draw = Random(4)
    traces = tuple(draw.randbytes(16) for _ in range(40))
    kept = kept_lines(lines("debug", 400, trace_ids=traces), rule(debug=0.5))
    of_traces = Counter(int(line.split()[1]) % 40 for line in kept)
    assert set(of_traces.values()) == {10}
    assert 8 < len(of_traces) < 32


def test_the_first_rule_that_fits_counts() -> None:
    rules = (
        rule(services=("pay-*",)),
        rule(services=("pay-api", "shop"), info=0.0),
        rule(tenants=("x",), info=0.0),
    )
    assert sampled(lines("info", 9, "pay-api"), *rules)[0].points == 9
    assert sampled(lines("info", 9, "shop"), *rules)[0].points == 0
    assert sampled(lines("info", 9, "cart"), *rules)[0].points == 9
    assert sampled(lines("info", 9, "cart"), *rules, tenant="x")[0].points == 0


@pytest.mark.parametrize("seed", range(5))
def test_what_is_kept_is_as_it_was_sent(seed: int) -> None:
    request = log_request(seed, 20)
    body = request.SerializeToString()
    taken, batch = sampled(body, rule(unknown=0.5, debug=0.5, info=0.0, error=0.5))
    assert taken.kept is not None
    kind, plain = taken.kept
    assert kind == FrameKind.LOGS
    sent = [
        (group.resource.SerializeToString(), scoped.scope.SerializeToString(), record.SerializeToString())
        for group in request.resource_logs
        for scoped in group.scope_logs
        for record in scoped.log_records
    ]
    left = type(request).FromString(bytes(plain))
    found = [
        (group.resource.SerializeToString(), scoped.scope.SerializeToString(), record.SerializeToString())
        for group in left.resource_logs
        for scoped in group.scope_logs
        for record in scoped.log_records
    ]
    assert found
    assert len(found) == taken.points == len(sent) - sum(taken.dropped.values())
    places = [sent.index(one) for one in found]
    assert places == sorted(places)
    chunk = batch.chunks[0][1]
    assert chunk.head.rows == decode_logs(plain, NOON_NS, KnownOrigins()).head.rows == len(found)


def test_what_was_kept_is_kept_again_and_by_a_fresh_signal_anyway() -> None:
    rules = SamplingRules(Sampling(logs=(rule(info=0.5),)))
    signal = LogSignal(rules)
    taken = signal.decode(signal.begin(), "t", lines("info", 200), NOON_NS)
    assert taken.kept is not None
    again = signal.decode(signal.begin(), "t", taken.kept[1], NOON_NS)
    assert (again.points, again.kept) == (taken.points, None)
    fresh = signal.fresh()
    assert fresh.decode(fresh.begin(), "t", lines("info", 200), NOON_NS).points == 200


def test_rejected_records_are_told_of_and_mislead_no_decision() -> None:
    request = log_request(1, 0)
    logs = request.resource_logs[0].scope_logs[0].log_records
    for number in range(60):
        record = logs.add(time_unix_nano=NOON_NS, severity_number=5 if number % 2 else 17)
        record.body.string_value = f"line {number}"
        record.trace_id = b"short" if number % 3 == 0 else b""
    taken, _ = sampled(request.SerializeToString(), rule(debug=0.0))
    assert (taken.rejected, taken.reason) == (20, "a trace id has not 16 bytes")
    assert taken.kept is not None
    left = [one["line"] for one in records(bytes(taken.kept[1]))]
    assert left == [f"line {number}" for number in range(60) if number % 3 and number % 2 == 0]


def test_rules_that_change_count_from_the_next_request_on() -> None:
    rules = SamplingRules()
    signal = LogSignal(rules)
    batch = signal.begin()
    assert signal.decode(batch, "t", lines("info", 10), NOON_NS).points == 10
    rules.now = Sampling(logs=(rule(info=0.0),))
    assert signal.decode(batch, "t", lines("info", 10), NOON_NS).points == 0
    rules.now = replace(rules.now, logs=())
    assert signal.decode(batch, "t", lines("info", 10), NOON_NS).points == 10


def test_what_is_left_out_is_counted_by_tenant_and_level() -> None:
    def dropped(reason: str) -> float:
        labels = {"signal": "logs", "tenant": "counted", "reason": reason}
        return REGISTRY.get_sample_value("pharos_dropped_total", labels) or 0.0

    before = dropped("sampling_debug")
    taken, _ = sampled(lines("debug", 7), rule(debug=0.0), tenant="counted")
    assert dropped("sampling_debug") == before, "not before it is acknowledged"
    taken.count("test", {})
    assert dropped("sampling_debug") == before + 7
    assert not taken.is_cut
