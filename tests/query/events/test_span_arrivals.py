"""Spans by when they came in: late ones count when they come, calls with the later of their halves."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from pharos.access import Scope, upkeep
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.ingest.events.batch import SpanSignal
from pharos.ingest.events.requests import EventRequest, resource_of, span
from pharos.query.events.span_arrivals import (
    Arrivals,
    ArrivedCalls,
    ArrivedSpans,
    arrived_calls,
    arrived_spans,
)
from pharos.store import tenants_of_spans

_S = 10**9
_NOON_S = 1_768_478_400
_TOKENS = itertools.count()
_BOUNDS_NS = (10_000_000, 100_000_000)
_HOUR_NS = 3_600 * _S


@dataclass
class Coming:
    """A tenant whose spans come in."""

    engine: EmbeddedEngine
    scope: Scope
    signal: SpanSignal = field(default_factory=SpanSignal)
    kind: int = 2
    """Of the spans that come."""

    def come(
        self,
        at_s: float,
        service: str,
        number: int,
        *,
        parent: int = 0,
        began_s: float | None = None,
        lasts_ms: int = 5,
        status: int = 0,
    ) -> None:
        """Take a span in at a time from noon; it began then, or at another time."""
        start_ns = int((_NOON_S + (at_s if began_s is None else began_s)) * _S)
        request = EventRequest()
        made = span(
            "work",
            trace_id=bytes(15) + b"\x01",
            span_id=number.to_bytes(8),
            parent_id=parent.to_bytes(8) if parent else b"",
            kind=self.kind,
            start_ns=start_ns,
            end_ns=start_ns + lasts_ms * 1_000_000,
            status=status,
        )
        request.add(resource_of([("service.name", service)]), made)
        batch = self.signal.begin()
        self.signal.decode(batch, self.scope.tenant, request.body(), int((_NOON_S + at_s) * _S))
        batch.insert(self.engine, f"coming-{next(_TOKENS)}")
        batch.note(Changes())

    def spans(self, from_s: int, until_s: int, late_ns: int = _HOUR_NS) -> list[ArrivedSpans]:
        """Return what came from one second after noon up to another."""
        arrivals = Arrivals(_NOON_S + from_s, _NOON_S + until_s, late_ns)
        return self.engine.run_blocking(lambda one: arrived_spans(one, self.scope, arrivals, _BOUNDS_NS))

    def calls(self, from_s: int, until_s: int) -> list[ArrivedCalls]:
        """Return the calls of which the second half came then."""
        arrivals = Arrivals(_NOON_S + from_s, _NOON_S + until_s, _HOUR_NS)
        return self.engine.run_blocking(lambda one: arrived_calls(one, self.scope, arrivals, _BOUNDS_NS))


@pytest.fixture
def coming(engine: EmbeddedEngine) -> Coming:
    """A tenant of its own."""
    return Coming(engine, upkeep(f"arrived{next(_TOKENS)}"))


def test_a_span_counts_in_the_second_in_which_it_came(coming: Coming) -> None:
    coming.come(0.0, "cart", 1)
    coming.come(14.999, "cart", 2, began_s=-3_000)
    coming.come(15.0, "cart", 3)
    counts = [[one.found.count for one in coming.spans(*part)] for part in ((0, 15), (15, 30), (30, 45))]
    assert counts == [[2], [1], []]


def test_a_span_that_is_later_than_is_asked_for_does_not_count(coming: Coming) -> None:
    coming.come(1, "cart", 1, began_s=-59)
    coming.come(1, "cart", 2, began_s=-61)
    assert [one.found.count for one in coming.spans(0, 15, 60 * _S)] == [1]


def test_spans_are_told_apart_by_status_and_duration_and_the_newest_is_the_example(coming: Coming) -> None:
    for number, (lasts_ms, status) in enumerate([(10, 0), (7, 0), (11, 0), (101, 0), (5, 2)], 1):
        coming.come(number, "cart", number, lasts_ms=lasts_ms, status=status)
    found = coming.spans(0, 15)
    assert [
        (one.status, one.found.bucket, one.found.count, one.found.total_ns // 10**6) for one in found
    ] == [
        (0, 0, 2, 17),
        (0, 1, 1, 11),
        (0, 2, 1, 101),
        (2, 0, 1, 5),
    ]
    newest = found[0].found
    assert (newest.span_id, newest.duration_ns, newest.at_ns) == (
        "2".rjust(16, "0"),
        7_000_000,
        (_NOON_S + 2) * _S,
    )


@pytest.mark.parametrize(("caller_s", "callee_s"), [(1, 2), (20, 2), (2, 20)])
def test_a_call_counts_once_with_its_later_half(caller_s: int, callee_s: int, coming: Coming) -> None:
    coming.come(callee_s, "cart", 2, parent=1, began_s=1, status=2)
    coming.come(caller_s, "front", 1, began_s=1, lasts_ms=50)
    parts = [coming.calls(*part) for part in ((0, 15), (15, 30), (30, 45))]
    place = max(caller_s, callee_s) // 15
    assert [len(part) for part in parts] == [int(number == place) for number in range(3)]
    (call,) = parts[place]
    assert (call.caller, call.callee, call.errors, call.found.count) == ("front", "cart", 1, 1)
    assert call.found.duration_ns == 5_000_000


def test_halves_of_a_call_that_share_an_id_are_one_call(coming: Coming) -> None:
    coming.kind = 3
    coming.come(1, "front", 1)
    coming.come(1, "cart", 2, parent=1)
    coming.kind = 2
    coming.come(1, "cart", 1)
    coming.come(16, "stock", 2, parent=1)
    parts = [coming.calls(*part) for part in ((0, 15), (15, 30))]
    assert [[(one.caller, one.callee, one.found.count) for one in part] for part in parts] == [
        [("front", "cart", 1)],
        [("cart", "stock", 1)],
    ]


def test_a_service_that_calls_itself_is_no_edge(coming: Coming) -> None:
    coming.come(1, "cart", 1)
    coming.come(1, "cart", 2, parent=1)
    assert coming.calls(0, 15) == []


def test_tenants_that_have_spans_are_known(coming: Coming) -> None:
    assert coming.scope.tenant not in coming.engine.run_blocking(tenants_of_spans)
    coming.come(1, "cart", 1)
    assert coming.scope.tenant in coming.engine.run_blocking(tenants_of_spans)
