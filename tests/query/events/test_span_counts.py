"""Spans counted by the store: who calls whom, rates, values of fields, differences; nobody else's count."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pytest

from pharos.access import Scope, upkeep
from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.ingest.events.batch import SpanSignal
from pharos.ingest.events.requests import (
    EventRequest,
    SpanEventValues,
    SpanLinkValues,
    resource_of,
    scope_of,
    span,
)
from pharos.query.events.comparison import compare_sets
from pharos.query.events.rows import ValueKind
from pharos.query.events.span_counts import Edge, SpanCounts
from pharos.query.events.spans import SpanStore
from pharos.query.events.traces import Traces
from pharos.search.traceql.parse import parse_traceql
from pharos.search.tree import All, Field, Not, Op, Place, Tree
from pharos.search.window import Window

T = TypeVar("T")
_MS = 1_000_000
_NOON_NS = 1_768_478_400 * 10**9
_MINUTE_NS = 60 * 10**9
_WINDOW = Window(_NOON_NS, _NOON_NS + 10 * _MINUTE_NS)
_TOKENS = itertools.count()
_FAILED = Field("status", Op.EQUAL, "error", Place.OWN)


def _request(calls: int) -> bytes:
    """Return calls of `cart` by `front`, one a minute; the even ones fail, and last a second."""
    request = EventRequest()
    for number in range(calls):
        trace_id, is_bad = (number + 1).to_bytes(16), number % 2 == 0
        start = _NOON_NS + number * _MINUTE_NS
        length = 1_000 * _MS if is_bad else 10 * _MS
        front = span(
            "GET /cart",
            trace_id=trace_id,
            span_id=bytes(7) + b"\x01",
            kind=2,
            start_ns=start,
            end_ns=start + length,
            attributes=[("code", 500 if is_bad else 200)],
            status=2 if is_bad else 0,
        )
        cart = span(
            "GetCart",
            trace_id=trace_id,
            span_id=bytes(7) + b"\x02",
            parent_id=bytes(7) + b"\x01",
            kind=3,
            start_ns=start,
            end_ns=start + length // 2,
            attributes=[("code", "x"), ("hot", True)],
            events=[SpanEventValues(start, "miss", (("key", f"k{number}"),))],
            links=[SpanLinkValues(trace_id, bytes(7) + b"\x09", attributes=(("why", "retry"),))],
        )
        lone = span(
            "work",
            trace_id=trace_id,
            span_id=bytes(7) + b"\x03",
            parent_id=bytes(7) + b"\x02",
            start_ns=start,
            end_ns=start + _MS,
        )
        request.add(resource_of([("service.name", "front"), ("zone", "a")]), front)
        of_cart = resource_of([("service.name", "cart"), ("zone", "b" if is_bad else "c")])
        request.add(of_cart, cart, scope_of("lib", "1", [("team", "shop")]))
        request.add(of_cart, lone)
    return request.body()


@dataclass
class Sent:
    """A tenant's spans in a store."""

    engine: EmbeddedEngine
    spans: SpanStore
    counts: SpanCounts
    scope: Scope

    def ask(self, work: Callable[[Session], T]) -> T:
        """Return what a question answers."""
        return self.engine.run_blocking(work)


@pytest.fixture
def sent(engine: EmbeddedEngine) -> Sent:
    """Four calls of a tenant, beside those of another one."""
    number, changes = next(_TOKENS), Changes()
    signal = SpanSignal()
    batch = signal.begin()
    for tenant, calls in ((f"counted{number}", 4), (f"elsewhere{number}", 7)):
        signal.decode(batch, tenant, _request(calls), _NOON_NS)
    batch.insert(engine, f"counts-{number}")
    batch.note(changes)
    store = SpanStore(changes)
    return Sent(engine, store, SpanCounts(store), upkeep(f"counted{number}"))


def test_calls_are_counted_with_their_errors_and_durations(sent: Sent) -> None:
    found = sent.ask(lambda session: sent.counts.calls(session, sent.scope, _WINDOW))
    assert found.one_in == 1
    calls = {(one.caller, one.callee): one for one in found.edges}
    assert set(calls) == {("front", "cart"), ("cart", "cart")}
    assert calls["front", "cart"] == Edge(
        "front", "cart", 4, 0, 1_010 * _MS, calls["front", "cart"].quantiles_ns
    )
    assert calls["front", "cart"].quantiles_ns[3] <= 500 * _MS


def test_a_client_and_a_server_that_share_an_id_call_each_other_once(engine: EmbeddedEngine) -> None:
    """Zipkin's senders give both halves of a call one id: what the server does is done by the server."""
    request, tenant, changes = EventRequest(), f"shared{next(_TOKENS)}", Changes()
    halves = [
        ("front", 3, 1, 0),
        ("cart", 2, 1, 0),
        ("cart", 3, 2, 1),
        ("stock", 2, 2, 1),
        ("stock", 1, 3, 2),
    ]
    for service, kind, number, parent in halves:
        made = span(
            "work",
            trace_id=bytes(15) + b"\x01",
            span_id=number.to_bytes(8),
            parent_id=parent.to_bytes(8) if parent else b"",
            kind=kind,
            start_ns=_NOON_NS,
            end_ns=_NOON_NS + _MS,
        )
        request.add(resource_of([("service.name", service)]), made)
    batch = (signal := SpanSignal()).begin()
    signal.decode(batch, tenant, request.body(), _NOON_NS)
    batch.insert(engine, tenant)
    batch.note(changes)
    counts, scope = SpanCounts(SpanStore(changes)), upkeep(tenant)
    found = engine.run_blocking(lambda session: counts.calls(session, scope, _WINDOW))
    assert [(one.caller, one.callee, one.calls) for one in found.edges] == [
        ("cart", "cart", 1),
        ("cart", "stock", 1),
        ("front", "cart", 1),
        ("stock", "stock", 1),
    ]


def test_calls_outside_of_the_time_do_not_count(sent: Sent) -> None:
    window = Window(_NOON_NS, _NOON_NS + _MINUTE_NS)
    found = sent.ask(lambda session: sent.counts.calls(session, sent.scope, window))
    assert [(one.caller, one.callee, one.calls) for one in found.edges] == [
        ("cart", "cart", 1),
        ("front", "cart", 1),
    ]


def test_calls_of_very_many_spans_are_told_by_a_share_of_the_traces(engine: EmbeddedEngine) -> None:
    tenant, sent_calls, changes = f"many{next(_TOKENS)}", 400, Changes()
    signal = SpanSignal()
    batch = signal.begin()
    signal.decode(batch, tenant, _request(sent_calls), _NOON_NS)
    batch.insert(engine, tenant)
    batch.note(changes)
    store = SpanStore(changes)
    counts, scope = SpanCounts(store, most_joined=300), upkeep(tenant)
    window = Window(_NOON_NS, _NOON_NS + sent_calls * _MINUTE_NS)
    found = engine.run_blocking(lambda session: counts.calls(session, scope, window))
    assert found.one_in == 4
    (edge,) = [one for one in found.edges if one.caller != one.callee]
    assert edge.calls % 4 == 0
    assert sent_calls / 2 < edge.calls < sent_calls * 2


def test_rates_are_told_by_step_and_fields(sent: Sent) -> None:
    tree = Field("service", Op.EQUAL, "front", Place.OWN)
    found = sent.ask(
        lambda session: sent.counts.rates(
            session, sent.scope, _WINDOW, tree, step_ns=2 * _MINUTE_NS, by=["name", "code", "kind"]
        )
    )
    assert [(one.step, one.values, one.spans, one.errors, one.total_ns // _MS) for one in found] == [
        (0, ("GET /cart", "200", "server"), 1, 0, 10),
        (0, ("GET /cart", "500", "server"), 1, 1, 1_000),
        (1, ("GET /cart", "200", "server"), 1, 0, 10),
        (1, ("GET /cart", "500", "server"), 1, 1, 1_000),
    ]
    assert found[1].slowest_trace == "1".rjust(32, "0")


def test_rates_are_told_by_attributes_of_resources(sent: Sent) -> None:
    found = sent.ask(
        lambda session: sent.counts.rates(
            session, sent.scope, _WINDOW, All(), step_ns=0, by=["resource.zone", "resource.none"]
        )
    )
    assert [(one.values, one.spans) for one in found] == [(("a", ""), 4), (("b", ""), 4), (("c", ""), 4)]


def test_without_a_step_and_fields_there_is_one_rate(sent: Sent) -> None:
    (one,) = sent.ask(
        lambda session: sent.counts.rates(session, sent.scope, _WINDOW, All(), step_ns=0, by=[])
    )
    assert (one.step, one.values, one.spans, one.errors) == (0, (), 12, 2)


@pytest.mark.parametrize(
    ("name", "place", "tree", "values"),
    [
        ("code", Place.RECORD, All(), {("x", "s", 4), ("200", "i", 2), ("500", "i", 2)}),
        ("code", Place.RECORD, _FAILED, {("500", "i", 2)}),
        ("hot", Place.RECORD, All(), {("true", "b", 4)}),
        ("zone", Place.RESOURCE, All(), {("a", "s", 4), ("b", "s", 4), ("c", "s", 4)}),
        ("team", Place.SCOPE, All(), {("shop", "s", 4)}),
        ("name", Place.OWN, All(), {("GET /cart", "s", 4), ("GetCart", "s", 4), ("work", "s", 4)}),
        ("kind", Place.OWN, All(), {("server", "s", 4), ("client", "s", 4), ("unspecified", "s", 4)}),
        ("name", Place.EVENT, All(), {("miss", "s", 4)}),
        ("key", Place.EVENT, All(), {(f"k{number}", "s", 1) for number in range(4)}),
        ("why", Place.LINK, All(), {("retry", "s", 4)}),
        ("nothing", Place.RECORD, All(), set()),
    ],
)
def test_values_of_a_field_are_counted_with_their_kinds(
    sent: Sent, name: str, place: Place, tree: Tree, values: set[tuple[str, str, int]]
) -> None:
    found = sent.ask(
        lambda session: sent.counts.values(session, sent.scope, _WINDOW, tree, name, place, limit=100)
    )
    assert {(one.value, one.kind.value, one.spans) for one in found} == values
    assert all(isinstance(one.kind, ValueKind) for one in found)


def test_the_attributes_of_what_failed_differ_from_the_rest(sent: Sent) -> None:
    failed = sent.ask(lambda session: sent.counts.attributes(session, sent.scope, _WINDOW, _FAILED))
    rest = sent.ask(lambda session: sent.counts.attributes(session, sent.scope, _WINDOW, Not(_FAILED)))
    assert (failed.spans, rest.spans) == (2, 10)
    assert failed.values["code"] == {"500": 2}
    assert failed.values["resource.zone"] == {"a": 2}
    found = {one.key: one for one in compare_sets(failed.values, failed.spans, rest.values, rest.spans)}
    assert found["code"].distance == 1.0
    assert found["code"].values[0].value == "500"


@pytest.mark.parametrize(
    ("query", "limit", "traces"),
    [
        ("{ status = error }", 10, [3, 1]),
        ("{ status = error }", 1, [3]),
        ("{ kind = server && duration < 50ms } >> { .hot }", 10, [4, 2]),
        ("{ } | count() > 2", 10, [4, 3, 2, 1]),
        ("{ } | count() > 3", 10, []),
        ("{ nestedSetParent < 0 && .code = 500 }", 10, [3, 1]),
        ('{ resource.zone = "c" } && { resource.zone = "a" }', 10, [4, 2]),
        ('{ event:name = "miss" && event.key = "k2" }', 10, [3]),
        ('{ .zone != "b" && link.why = "retry" }', 10, [4, 2]),
    ],
)
def test_traceql_finds_the_newest_traces_of_the_store(
    sent: Sent, query: str, limit: int, traces: list[int]
) -> None:
    nobody: object = None
    asked = Traces(sent.spans, sent.counts, nobody)  # type: ignore[arg-type]
    found = sent.ask(
        lambda session: asked.find_traceql(session, sent.scope, _WINDOW, parse_traceql(query), limit)
    )
    assert [int(one.tree.nodes[0].span.trace_id, 16) for one in found.matches] == traces
    assert found.is_complete
