"""Metrics made of spans: counters that begin at 0, go on after a restart, and count each span once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

import numpy as np
import pytest
from tests.rules.running import TENANT

from pharos.access import Scope, upkeep
from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.labels import METRIC_NAME, Labels
from pharos.promql.grids.grid import Answer
from pharos.query.events.span_arrivals import Arrived, ArrivedCalls, ArrivedSpans
from pharos.query.limits import Times
from pharos.rules.event_door import vector
from pharos.rules.span_metrics import (
    BOUNDS_NS,
    COUNTED,
    OVERFLOW,
    SETS_MAX,
    SpanExample,
    SpanMetrics,
    SpanSamples,
    SpanTally,
)

T = TypeVar("T")
_MS = 1_000_000
_FROM_S = 1_000_000


def _spans(name: str, count: int = 1, *, status: int = 0, bucket: int = 3) -> ArrivedSpans:
    found = Arrived(bucket, count, count * 12 * _MS, "a" * 32, "b" * 16, _FROM_S * 1000 * _MS, 12 * _MS)
    return ArrivedSpans("cart", name, 2, status, found)


def _called(labels: Labels) -> str:
    known = dict(labels)
    known.pop("service", None)
    name = known.pop(METRIC_NAME)
    return name + "{" + ",".join(f"{key}={value}" for key, value in sorted(known.items())) + "}"


def _samples(made: SpanSamples) -> dict[str, float]:
    return {_called(labels): value for labels, value in made.samples}


_GET = "span_kind=SPAN_KIND_SERVER,span_name=get,status_code=STATUS_CODE_UNSET"


def test_spans_become_calls_errors_and_a_histogram_with_an_example() -> None:
    made = SpanTally(_FROM_S, {}).add([_spans("get", 3), _spans("get", status=2)], [], _FROM_S + 15)
    found = _samples(made)
    assert found[f"traces_spanmetrics_calls_total{{{_GET}}}"] == 3
    assert found[f"traces_spanmetrics_calls_total{{{_GET.replace('UNSET', 'ERROR')}}}"] == 1
    buckets = [value for name, value in found.items() if f"le={'0.008'}" in name or "le=0.016" in name]
    assert buckets == [0, 3, 0, 1]
    assert found[f"traces_spanmetrics_latency_bucket{{le=+Inf,{_GET}}}"] == 3
    assert found[f"traces_spanmetrics_latency_count{{{_GET}}}"] == 3
    assert found[f"traces_spanmetrics_latency_sum{{{_GET}}}"] == pytest.approx(0.036)
    assert found[f"{COUNTED}{{}}"] == _FROM_S + 15
    assert (made.at_ms, made.begun_ms) == ((_FROM_S + 15) * 1000, _FROM_S * 1000 + 1)
    assert {_called(labels) for labels in made.begun} == set(found) - {f"{COUNTED}{{}}"}
    example = made.examples[0]
    assert _called(example.labels) == f"traces_spanmetrics_latency_bucket{{le=0.016,{_GET}}}"
    assert example == SpanExample(example.labels, "a" * 32, "b" * 16, _FROM_S * 1000, 0.012)


def test_calls_between_services_are_counted_with_those_that_failed() -> None:
    found = Arrived(len(BOUNDS_NS), 4, 80 * 10**9, "a", "b", 0, 20 * 10**9)
    made = SpanTally(_FROM_S, {}).add([], [ArrivedCalls("front", "cart", 1, found)], _FROM_S + 15)
    values = _samples(made)
    assert values["traces_service_graph_request_total{client=front,server=cart}"] == 4
    assert values["traces_service_graph_request_failed_total{client=front,server=cart}"] == 1
    assert values["traces_service_graph_request_server_seconds_sum{client=front,server=cart}"] == 80
    last = "traces_service_graph_request_server_seconds_bucket{client=front,le=%s,server=cart}"
    assert (values[last % "16.384"], values[last % "+Inf"]) == (0, 4)


def test_what_is_idle_for_an_hour_ends_and_begins_at_0_again() -> None:
    tally = SpanTally(_FROM_S, {})
    begun = tally.add([_spans("get")], [], _FROM_S + 15)
    later = tally.add([], [], _FROM_S + 15 + 3_600)
    assert (len(later.samples), later.gone) == (len(begun.samples), [])
    ended = tally.add([], [], _FROM_S + 16 + 3_600)
    assert (len(ended.samples), len(ended.gone)) == (1, len(begun.begun))
    again = tally.add([_spans("get")], [], _FROM_S + 30 + 3_600)
    assert len(again.begun) == len(begun.begun)
    assert again.begun_ms > ended.at_ms
    assert _samples(again)[f"traces_spanmetrics_calls_total{{{_GET}}}"] == 1


def test_more_sets_of_labels_than_are_told_apart_count_as_one() -> None:
    made = SpanTally(_FROM_S, {}).add(
        [_spans(f"get {number}") for number in range(SETS_MAX + 3)], [], _FROM_S + 15
    )
    values = dict(made.samples)
    (name,) = (
        labels
        for labels in values
        if dict(labels)[METRIC_NAME].endswith("calls_total") and OVERFLOW[0] in labels
    )
    assert values[name] == 3


@dataclass
class Stored:
    """Spans that came, and the series made of them: both outlive a process."""

    chance: Random
    came: list[tuple[int, str]] = field(default_factory=list)
    samples: dict[Labels, list[tuple[int, float]]] = field(default_factory=dict)
    waiting: list[SpanSamples] = field(default_factory=list)
    """What is kept, and not stored yet."""
    is_whole: bool = True
    """Whether nothing fails."""

    async def arrived(
        self, scope: Scope, from_s: int, until_s: int
    ) -> tuple[Sequence[ArrivedSpans], Sequence[ArrivedCalls]]:
        self._may_fail()
        names = [name for at_s, name in self.came if from_s <= at_s < until_s]
        return [_spans(name, names.count(name)) for name in dict.fromkeys(names)], []

    async def take(self, scope: Scope, made: SpanSamples) -> None:
        self._may_fail()
        self.waiting.append(made)
        self._may_fail()

    def store(self) -> None:
        """Store what waits."""
        for made in self.waiting:
            for labels in made.begun:
                self.samples.setdefault(labels, []).append((made.begun_ms, 0.0))
            for labels, value in made.samples:
                self.samples.setdefault(labels, []).append((made.at_ms, value))
        self.waiting.clear()

    def _may_fail(self) -> None:
        if not self.is_whole and self.chance.random() < 0.3:
            raise PharosError(Kind.UNAVAILABLE, "not now")

    def prepare(self, expressions: Sequence[str], interval_ms: int) -> Stored:
        self.asked = expressions[0]
        return self

    def reads(self, index: int) -> bool:
        return True

    def round(self, scope: Scope, at_ms: int) -> Stored:
        self.at_ms = at_ms
        return self

    async def run(self, name: str, work: Callable[[], T]) -> T:
        return work()

    def answer(self, index: int) -> Answer:
        is_last = self.asked.startswith("last_over_time")
        found = []
        for labels, points in self.samples.items():
            is_counted = dict(labels)[METRIC_NAME] == COUNTED
            wanted = [value for at_ms, value in points if at_ms == self.at_ms or is_last]
            if is_counted is is_last and wanted:
                found.append((labels, np.array(wanted[-1:]), np.ones(1, np.bool_)))
        return vector(Times(self.at_ms, self.at_ms), found)

    def ask_text(self, text: str) -> Answer:
        raise NotImplementedError

    def record(self, samples: Iterable[tuple[Labels, float]]) -> None:
        raise NotImplementedError


@pytest.mark.parametrize("seed", range(20))
def test_faults_and_restarts_neither_lose_nor_double_a_span(seed: int) -> None:
    chance = Random(seed)
    stored, clock = Stored(chance), FakeClock()

    def fresh() -> SpanMetrics:
        return SpanMetrics(upkeep(TENANT), stored, stored, stored, clock, since_s)

    since_s = clock.now_ms() // 1000

    async def work() -> None:
        one = fresh()
        stored.is_whole = False
        sent = 0
        for _ in range(60):
            for _ in range(chance.randrange(3)):
                stored.came.append((clock.now_ms() // 1000, chance.choice(["get", "put"])))
                sent += 1
            clock.advance_ms(5_000)
            is_stored = chance.random() < 0.7
            stored_ns = clock.now_ns() if is_stored else clock.now_ns() - 20 * 10**9
            if is_stored:
                stored.store()
            if chance.random() < 0.1:
                stored.store()
                one = fresh()
            with suppress(PharosError):
                await one.step(stored_ns // 10**9, stored_ns)
        stored.is_whole = True
        stored.store()
        for _ in range(2):
            clock.advance_ms(5_000)
            await one.step(clock.now_ms() // 1000, clock.now_ns())
            stored.store()
        calls = [
            points
            for labels, points in stored.samples.items()
            if dict(labels)[METRIC_NAME].endswith("calls_total")
        ]
        assert sum(points[-1][1] for points in calls) == sent
        for points in calls:
            values = [value for _, value in sorted(points)]
            assert values == sorted(values)
            assert values[0] == 0

    asyncio.run(work())
