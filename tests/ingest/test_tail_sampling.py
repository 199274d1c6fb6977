"""Which traces go once they are whole: by share, service, operation; not those that failed or were slow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import pyarrow as pa
import pytest
from msgspec.structs import replace
from tests.query.events.requests import NOON_NS

from pharos.access import upkeep
from pharos.engine import Controlled
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.engine.sql import Statement, fixed, select
from pharos.errors import Kind, PharosError
from pharos.ingest.events.batch import LogSignal, SpanSignal
from pharos.ingest.events.requests import EventRequest, log_record, resource_of, span
from pharos.ingest.tail_sampling import Received, drop_unsampled
from pharos.sampling import LogRule, Names, Sampling, SamplingRules, TraceRule
from pharos.telemetry import REGISTRY

NOON_S = NOON_NS // 1_000_000_000
_NUMBERS = itertools.count()
_NONE = TraceRule(0.0)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    with open_engine(tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@dataclass
class Traces:
    """A tenant's traces in a store."""

    engine: EmbeddedEngine
    tenant: str

    def send(self, *spans: tuple[str, bytes], at_s: int = 0) -> None:
        """Store spans of services, received so many seconds after noon."""
        request = EventRequest()
        for service, one in spans:
            request.add(resource_of([("service.name", service)]), one)
        signal = SpanSignal()
        batch = signal.begin()
        signal.decode(batch, self.tenant, request.body(), NOON_NS + at_s * 1_000_000_000)
        batch.insert(self.engine, f"tail-{next(_NUMBERS)}")

    def drop(self, *rules: TraceRule, slow_ms: int = 0, until_s: int = 60, first_s: int = 0) -> int:
        own = Names((self.tenant,))
        asked = tuple(rule if rule.tenants.patterns else replace(rule, tenants=own) for rule in rules)
        sampling = Sampling(traces=asked, slow_ms=slow_ms)
        received = Received(NOON_S + first_s, NOON_S + until_s)
        return self.engine.control(lambda session: drop_unsampled(session, sampling, received, str))

    def left(self, table: str = "spans") -> list[bytes]:
        """Return the trace ids of the rows that are left."""
        rows = select(upkeep(self.tenant), "hex(trace_id) AS id", table, tail="ORDER BY id")
        found = self.engine.session().query(rows, purpose="test")["id"].to_pylist()
        return [bytes.fromhex(one) for one in found]


@pytest.fixture
def traces(engine: EmbeddedEngine) -> Traces:
    return Traces(engine, f"t{next(_NUMBERS)}")


def trace(number: int) -> bytes:
    return Random(number).randbytes(16)


def made(
    trace_id: bytes,
    service: str = "shop",
    name: str = "GET /",
    *,
    took_ms: int = 5,
    status: int = 0,
    start_ms: int = 0,
) -> tuple[str, bytes]:
    """Return a span of a service."""
    start_ns = NOON_NS + start_ms * 1_000_000
    found = span(
        name,
        trace_id=trace_id,
        span_id=(1 + next(_NUMBERS)).to_bytes(8, "big"),
        start_ns=start_ns,
        end_ns=start_ns + took_ms * 1_000_000,
        status=status,
    )
    return service, found


def test_a_trace_that_no_rule_keeps_goes_whole_and_is_counted(traces: Traces) -> None:
    labels = {"signal": "spans", "tenant": traces.tenant, "reason": "sampling"}
    traces.send(made(trace(1)), made(trace(1), "db"), made(trace(2)))
    traces.send(made(trace(1), "cart"), at_s=20)
    assert traces.drop(_NONE) == 4
    assert (traces.left(), traces.left("traces")) == ([], [])
    assert REGISTRY.get_sample_value("pharos_dropped_total", labels) == 4


def test_without_a_rule_that_fits_all_stay(traces: Traces) -> None:
    traces.send(made(trace(1)))
    assert traces.drop() == 0
    assert traces.drop(TraceRule(0.0, tenants=Names(("another",)))) == 0
    assert traces.drop(TraceRule(0.0, services=Names(("other",)))) == 0
    assert traces.drop(TraceRule(0.0, operations=Names(("GET",)))) == 0
    assert traces.drop(TraceRule(1.0), _NONE) == 0
    assert traces.left() == [trace(1)]


def test_a_trace_with_an_error_stays_whole_in_whatever_requests_it_came(traces: Traces) -> None:
    traces.send(made(trace(1)), made(trace(2)), made(trace(2), "db"))
    traces.send(made(trace(2), "cart", status=2), at_s=30)
    assert traces.drop(_NONE) == 1
    assert traces.left() == [trace(2)] * 3


def test_a_slow_trace_stays_by_its_whole_time(traces: Traces) -> None:
    traces.send(made(trace(1), took_ms=1_000), made(trace(2), took_ms=600), made(trace(3), took_ms=999))
    traces.send(made(trace(2), "db", start_ms=500, took_ms=600), at_s=2)
    assert traces.drop(_NONE, slow_ms=1_000) == 1
    assert set(traces.left()) == {trace(1), trace(2)}


def test_a_span_that_ends_before_it_begins_makes_no_trace_slow(traces: Traces) -> None:
    traces.send(made(trace(1), took_ms=-5_000))
    assert traces.drop(_NONE, slow_ms=1_000) == 1


def test_the_first_rule_that_fits_any_span_counts_for_the_whole_trace(traces: Traces) -> None:
    rules = (
        TraceRule(1.0, services=Names(("pay-*",))),
        TraceRule(0.0, operations=Names(("job *",))),
        TraceRule(1.0, services=Names(("shop",))),
        _NONE,
    )
    traces.send(made(trace(1), "shop"), made(trace(1), "pay-api", "job a"))
    traces.send(made(trace(2), "shop"), made(trace(2), "cron", "job b"))
    traces.send(made(trace(3), "shop"), made(trace(4), "cart"))
    assert traces.drop(*rules) == 3
    assert sorted(traces.left()) == sorted([trace(1), trace(1), trace(3)])


def test_names_are_no_patterns_of_another_kind(traces: Traces) -> None:
    traces.send(made(trace(1), "a.b"), made(trace(2), "axb"), made(trace(3), "it's \\ (x)"))
    assert traces.drop(TraceRule(0.0, services=Names(("a.b",)))) == 1
    assert traces.drop(TraceRule(0.0, services=Names(("it's \\ (*",)))) == 1
    assert traces.left() == [trace(2)]


def test_a_share_is_about_that_share_and_the_same_each_time(traces: Traces) -> None:
    ids = [trace(number) for number in range(400)]
    traces.send(*(made(one) for one in ids))
    traces.drop(TraceRule(0.3))
    kept = set(traces.left())
    assert 80 < len(kept) < 160
    assert traces.drop(TraceRule(0.3)) == 0
    # Spans that come later, by themselves, follow what was decided.
    traces.send(*(made(one, "late") for one in ids), at_s=100)
    assert traces.drop(TraceRule(0.3), first_s=60, until_s=200) == 400 - len(kept)
    assert set(traces.left()) == kept


def test_a_late_span_of_a_trace_that_was_kept_for_an_error_stays(traces: Traces) -> None:
    traces.send(made(trace(1), status=2))
    assert traces.drop(_NONE) == 0
    traces.send(made(trace(1), "late"), at_s=100)
    assert traces.drop(_NONE, first_s=60, until_s=200) == 0
    assert traces.left() == [trace(1)] * 2


def test_a_trace_of_which_spans_still_come_is_decided_about_later(traces: Traces) -> None:
    traces.send(made(trace(1)))
    traces.send(made(trace(1), "db"), at_s=61)
    assert traces.drop(_NONE) == 0
    assert traces.drop(_NONE, first_s=60, until_s=120) == 2


def test_what_came_before_or_after_is_let_be(traces: Traces) -> None:
    traces.send(made(trace(1)), at_s=-1)
    traces.send(made(trace(2)), at_s=60)
    assert traces.drop(_NONE) == 0


def test_others_are_let_be(traces: Traces, engine: EmbeddedEngine) -> None:
    other = Traces(engine, f"o{next(_NUMBERS)}")
    for one in (traces, other):
        one.send(made(trace(1)))
    assert traces.drop(TraceRule(0.0, tenants=Names((traces.tenant,)))) == 1
    assert (traces.left(), other.left()) == ([], [trace(1)])


def test_spans_far_from_when_they_came_are_let_be(traces: Traces) -> None:
    week_ms = 7 * 86_400_000
    traces.send(made(trace(1), start_ms=-week_ms), made(trace(2), start_ms=week_ms), made(trace(3)))
    assert traces.drop(_NONE) == 1
    assert set(traces.left()) == {trace(1), trace(2)}


def test_nothing_is_left_between_and_the_same_may_be_decided_again(traces: Traces) -> None:
    for _ in range(2):
        traces.send(made(trace(1)))
        assert traces.drop(_NONE) == 1
    count = fixed("SELECT count() AS n FROM unsampled_traces")
    assert traces.engine.session().query(count, purpose="test")["n"].to_pylist() == [0]


def test_long_times_are_decided_about_in_parts() -> None:
    parts: Sequence[Received] = Received(10, 1_500).slices()
    assert parts == [Received(10, 610), Received(610, 1_210), Received(1_210, 1_500)]
    assert Received(10, 10).slices() == []


def test_lines_of_a_trace_are_kept_where_its_spans_are(traces: Traces) -> None:
    ids = [trace(number) for number in range(300)]
    traces.send(*(made(one) for one in ids))
    traces.drop(TraceRule(0.4))
    request = EventRequest()
    for one in ids:
        request.add(resource_of([]), log_record("line", ts_ns=NOON_NS, severity=9, trace_id=one))
    logs = LogSignal(SamplingRules(Sampling(logs=(LogRule((0.4,) * 7),))))
    batch = logs.begin()
    logs.decode(batch, traces.tenant, request.body(), NOON_NS)
    batch.insert(traces.engine, f"tail-{next(_NUMBERS)}")
    assert traces.left("logs") == traces.left()


@dataclass
class Interrupted:
    """A connection that ends after so many changes, as a crash ends one."""

    session: Controlled
    changes: int

    def query(self, statement: Statement, *, purpose: str) -> pa.Table:
        return self.session.query(statement, purpose=purpose)

    def execute(self, text: str) -> None:
        if not self.changes:
            raise PharosError(Kind.UNAVAILABLE, "interrupted")
        self.changes -= 1
        self.session.execute(text)


@pytest.mark.parametrize("changes", range(5))
def test_what_is_interrupted_is_done_again_with_the_same_result(traces: Traces, changes: int) -> None:
    traces.send(made(trace(1)), made(trace(2), status=2), made(trace(3)))
    traces.send(made(trace(1), "db"), made(trace(2), "db"), at_s=30)
    sampling = Sampling(traces=(TraceRule(0.0, tenants=Names((traces.tenant,))),))
    received = Received(NOON_S, NOON_S + 60)

    def interrupted(session: Controlled) -> int:
        return drop_unsampled(Interrupted(session, changes), sampling, received, str)

    with pytest.raises(PharosError, match="interrupted"):
        traces.engine.control(interrupted)
    assert traces.left().count(trace(2)) == 2
    traces.drop(_NONE)
    assert traces.left() == [trace(2)] * 2
