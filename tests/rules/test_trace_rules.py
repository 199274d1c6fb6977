"""Rules over spans: counts, absence, quantiles; recorded, replayed, restored after a restart, refused."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from random import Random
from typing import TypeVar

import pytest
from tests.rules.running import MINUTE_MS, TENANT, Bench, bench
from tests.rules.test_log_rules import told
from tests.rules.test_rules_replayed import Memory

from pharos.access import Scope, upkeep
from pharos.document import FaultsError
from pharos.engine import Session
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine, open_engine
from pharos.ingest.events.batch import SpanSignal
from pharos.ingest.events.requests import EventRequest, resource_of, span
from pharos.promql.memory import MemorySource
from pharos.query.events.spans import SpanStore
from pharos.query.events.traces import Traces
from pharos.query.limits import Times
from pharos.rules.compared import Limit, Measured
from pharos.rules.event_door import EventHistory
from pharos.rules.group import RunningGroup
from pharos.rules.replay import Past, ReplayOptions, replay
from pharos.rules.spec import Language, group_of, plain_group, read_rules
from pharos.rules.trace_door import TraceDoor
from pharos.search.window import Window

T = TypeVar("T")
_MS = 1_000_000
_NUMBERS = itertools.count()

RULES = """
groups:
- name: shop
  interval: 1m
  language: traceql
  rules:
  - record: service:errors:count
    expr: '{ status = error } | count_over_time() by (resource.service.name)'
  - record: service:duration_seconds_bucket
    expr: '{ name = "pay" } | histogram_over_time(duration) by (resource.service.name)'
  - alert: Many errors
    expr: '{ status = error } | count_over_time() by (resource.service.name, span:name) with(window=5m) > 2'
    for: 1m
    annotations: {text: "{{value}} errors"}
  - alert: Slow
    expr: '{ kind = server } | quantile_over_time(duration, .9) by (.service.name) >= 250ms'
    annotations: {text: "{{value}} s"}
  - alert: Nobody imports
    expr: '{ resource.service.name = "import" } | count_over_time() with(window=5m) = 0'
    annotations: {text: "silent"}
"""


class Sending:
    """Spans of a tenant that come into a store, at the latest when it is asked."""

    def __init__(self, engine: EmbeddedEngine) -> None:
        self.engine, self.changes = engine, Changes()
        self.store = SpanStore(self.changes)
        number = next(_NUMBERS)
        self.scope = upkeep(f"{TENANT}{number}")
        self._signal, self._request, self._sent = SpanSignal(), EventRequest(), 0

    def add(
        self, at_ms: int, service: str, name: str, *, lasts_ms: int = 10, status: int = 0, kind: int = 2
    ) -> None:
        """Send a span that begins at a time."""
        self._sent += 1
        made = span(
            name,
            trace_id=self._sent.to_bytes(16),
            span_id=bytes(7) + b"\x01",
            kind=kind,
            start_ns=at_ms * _MS,
            end_ns=(at_ms + lasts_ms) * _MS,
            status=status,
        )
        self._request.add(resource_of([("service.name", service)]), made)

    def store_all(self) -> None:
        """Store what was sent."""
        body, self._request = self._request.body(), EventRequest()
        if body:
            batch = self._signal.begin()
            self._signal.decode(batch, self.scope.tenant, body, 0)
            batch.insert(self.engine, f"{self.scope.tenant}-{self._sent}")
            batch.note(self.changes)


class DirectTraces(Traces):
    """Asks the store at once, without turns."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._store = sending.store
        self.windows: list[Window | None] = []
        """Of which accepted spans are waited for."""

    async def ask(
        self, scope: Scope, asked: Hashable, work: Callable[[Session], T], window: Window | None = None
    ) -> T:
        self._sending.store_all()
        self.windows.append(window)
        return await asyncio.to_thread(self._sending.engine.run_blocking, work)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEngine]:
    with open_engine(tmp_path_factory.mktemp("engine")) as opened:
        yield opened


@pytest.fixture
def sending(engine: EmbeddedEngine) -> Sending:
    return Sending(engine)


@pytest.fixture
def one(tmp_path: Path, sending: Sending) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        found.event_doors[Language.TRACEQL] = TraceDoor(DirectTraces(sending))
        yield found


def running(one: Bench, sending: Sending) -> RunningGroup:
    return RunningGroup(read_rules(RULES, "rules.yml").groups[0], sending.scope, one.around())


def recorded(one: Bench, name: str) -> dict[str, float]:
    return {
        labels.removeprefix(f"__name__={name},"): value
        for labels, value in one.kept.samples().items()
        if f"__name__={name}," in labels
    }


def test_spans_are_counted_recorded_and_missed(one: Bench, sending: Sending) -> None:
    async def work() -> None:
        group = running(one, sending)
        now_ms = one.clock.now_ms() + MINUTE_MS
        for number in range(3):
            sending.add(now_ms - 1000 * number - 1, "cart", "pay", status=2, lasts_ms=300)
        sending.add(now_ms - 61_000, "cart", "pay", status=2)
        sending.add(now_ms, "cart", "pay", status=2)
        sending.add(now_ms - 500, "email", "send", status=2, kind=3)
        sending.add(now_ms - 400, "import", "read", lasts_ms=40)
        first = await one.go(group)
        assert recorded(one, "service:errors:count") == {"service_name=cart": 3, "service_name=email": 1}
        assert recorded(one, "service:duration_seconds_bucket") == {
            "le=+Inf,service_name=cart": 3,
            "le=0.536870912,service_name=cart": 3,
        }
        assert told(first, "Many errors") == []
        assert [dict(one.labels)["service_name"] for one in first] == ["cart"]
        assert told(first, "Slow") == ["0.3 s"]
        second = await one.go(group)
        # The one at the very end of the first minute belongs to the second.
        assert recorded(one, "service:errors:count") == {
            "service_name=cart": 1,
            "service_name=email": float("inf"),
        }
        (alert,) = (alert for alert in second if alert.label("alertname") == "Many errors")
        assert dict(alert.labels) == {"alertname": "Many errors", "service_name": "cart", "name": "pay"}
        assert told(second, "Many errors") == ["5 errors"]
        assert told(second, "Nobody imports") == []
        for _ in range(4):
            last = await one.go(group)
        assert told(last, "Nobody imports") == ["silent"]

    asyncio.run(work())


def test_an_alert_over_spans_goes_on_after_a_restart_and_links_to_its_rule(
    one: Bench, sending: Sending
) -> None:
    async def work() -> None:
        now_ms = one.clock.now_ms() + MINUTE_MS
        for number in range(4):
            sending.add(now_ms - number - 1, "cart", "pay", status=2)
        await one.go(running(one, sending))
        again = await one.go(running(one, sending))
        assert told(again, "Many errors") == ["4 errors"]
        assert {alert.generator_url for alert in again} == {"/rules"}

    asyncio.run(work())


def test_that_nothing_is_found_is_an_answer(one: Bench, sending: Sending) -> None:
    async def work() -> None:
        group = running(one, sending)
        sending.add(one.clock.now_ms() + MINUTE_MS - 1, "cart", "pay", status=2, lasts_ms=300)
        await one.go(group)
        await one.go(group)
        assert [str(run.unknown) for run in group.runs] == [""] * 5
        assert [run.error for run in group.runs] == [""] * 5

    asyncio.run(work())


REPLAYED = """
groups:
- name: shop
  interval: 1m
  language: traceql
  rules:
  - record: service:errors:count
    expr: '{ status = error } | count_over_time() by (resource.service.name)'
  - alert: Many errors
    expr: '{ status = error } | count_over_time() by (resource.service.name) with(window=5m) > 2'
    for: 1m
    annotations: {text: "{{ $value }} of {{ $labels.service_name }}"}
  - alert: Nobody imports
    expr: '{ resource.service.name = "import" } | count_over_time() with(window=3m) = 0'
- name: of metrics
  interval: 1m
  rules:
  - {alert: Recorded, expr: 'service:errors:count >= 1'}
"""

Told = dict[tuple[str, str], list[int]]
"""By alert and service: when it fired, was over, fired again."""


async def evaluated(one: Bench, running: RunningGroup, minutes: int) -> Told:
    """Return what is told of when a group is evaluated each minute."""
    begin_ms = one.clock.now_ms()
    changes: Told = {}
    for minute in range(1, minutes + 1):
        for alert in await one.go(running):
            known = changes.setdefault((alert.label("alertname"), alert.label("service_name")), [])
            is_over = alert.ends_ms <= begin_ms + minute * MINUTE_MS
            if is_over is (len(known) % 2 == 1):
                known.append(minute)
    return changes


def test_a_replay_fires_when_the_evaluation_would_have(one: Bench, sending: Sending) -> None:
    group, of_metrics = read_rules(REPLAYED, "rules.yml").groups
    one.clock.advance_ms(MINUTE_MS - one.clock.now_ms() % MINUTE_MS)
    begin_ms, chance = one.clock.now_ms(), Random(7)
    for _ in range(60):
        at_ms = begin_ms + chance.randrange(30 * MINUTE_MS)
        sending.add(at_ms, chance.choice(["cart", "email"]), "pay", status=chance.choice([0, 0, 2]))
    sending.add(begin_ms + 8 * MINUTE_MS + 1, "import", "read")
    found = asyncio.run(evaluated(one, RunningGroup(group, sending.scope, one.around()), 30))
    history = EventHistory(TraceDoor(DirectTraces(sending)), sending.scope)
    past = Past(Memory(MemorySource()), {Language.TRACEQL: history})
    options = ReplayOptions(begin_ms + MINUTE_MS, begin_ms + 30 * MINUTE_MS)
    *of_spans, recorded_ones = asyncio.run(replay([group, of_metrics], options, past, one.clock))
    again: Told = {}
    for rule in of_spans:
        assert rule.faults == ()
        for firing in rule.firings:
            known = again.setdefault((rule.rule.name, dict(firing.labels).get("service_name", "")), [])
            ends = [] if firing.until_ms is None else [firing.until_ms]
            known += [(ms - begin_ms) // MINUTE_MS for ms in (firing.from_ms, *ends)]
    assert again == found
    assert {name for name, _ in found} == {"Many errors", "Nobody imports"}
    # What rules over spans record is there for those that read it.
    assert recorded_ones.faults == ()
    assert recorded_ones.firings


def test_the_language_of_a_group_is_kept_when_it_is_written_down() -> None:
    group = read_rules(RULES, "rules.yml").groups[0]
    again = group_of(plain_group(group), "rules.yml")
    assert (again.language, again.rules) == (Language.TRACEQL, group.rules)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("| quantile_over_time(duration, .9)", "| quantile_over_time(duration)"),
            "could not parse expression",
        ),
        (("{ status = error } | count", "{ status = error } >> { } | count"), "others of their trace"),
        (("| histogram_over_time(duration) by", "| by"), "what measures the spans is due"),
        (
            ("histogram_over_time(duration) by (resource.service.name)", "histogram_over_time(duration) > 1"),
            "compares with nothing",
        ),
        (("span:name)", "service.name)"), '"service" is no field'),
        (("span:name)", "span.service.name)"), 'two fields that would be the label "service_name"'),
        (("  language: traceql\n", "  language: logql\n"), "could not parse expression"),
    ],
)
def test_what_is_no_rule_over_spans_is_refused_at_its_line(change: tuple[str, str], message: str) -> None:
    with pytest.raises(FaultsError) as refused:
        read_rules(RULES.replace(*change), "rules.yml")
    assert message in str(refused.value)
    assert "rules.yml:" in str(refused.value)


def test_what_a_rule_over_spans_measures_is_told_without_its_limit(sending: Sending) -> None:
    traces = DirectTraces(sending)

    async def measured(text: str) -> Measured:
        history = EventHistory(TraceDoor(traces), sending.scope)
        times = Times(MINUTE_MS, 3 * MINUTE_MS, MINUTE_MS)
        return await history.measured("a rule", text, times, MINUTE_MS)

    for at_ms in (1000, 2000, 100_000):
        sending.add(at_ms, "cart", "pay", lasts_ms=300)
    slow = asyncio.run(measured("{ } | max_over_time(duration) by (.service.name) with(window=30s) > 500ms"))
    assert slow.limit == Limit(">", 0.5)
    assert [dict(labels) for labels in slow.answer.labels] == [{"service_name": "cart"}]
    assert slow.answer.present.tolist() == [[False, True, False]]
    # Of counts nothing is a number too; and without a window, a value is about the group's interval.
    counted = asyncio.run(measured("{ } | count_over_time() > 1 = 0"))
    assert counted.limit == Limit("=", 0)
    assert counted.answer.present.tolist() == [[True, False, False]]
    alone = asyncio.run(measured("{ } | count_over_time()"))
    assert (alone.limit, alone.answer.values.tolist()) == (None, [[2, 1, 0]])
    minute_ns = MINUTE_MS * 1_000_000
    looked_back, whole = Window(minute_ns // 2, 3 * minute_ns), Window(0, 3 * minute_ns)
    assert traces.windows == [looked_back, whole, whole]
