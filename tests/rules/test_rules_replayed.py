"""Replays of rules: what would have fired is what the evaluation, step by step, makes fire."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import pytest
from msgspec.structs import replace

from pharos.clock import FakeClock
from pharos.errors import PharosError
from pharos.labels import Labels, labels_of
from pharos.promql.answer import evaluate_text
from pharos.promql.evaluate import EvalOptions
from pharos.promql.memory import MemorySource
from pharos.promql.series_notation import Values, read_values
from pharos.promql.source import SampleSource
from pharos.rules.evaluate import AlertState, Element, RuleState, elements, next_state
from pharos.rules.replay import Firing, Past, Replayed, ReplayOptions, replay
from pharos.rules.spec import AlertingRule, RecordingRule, RuleGroup, read_rules
from pharos.rules.template import Around, expand

T = TypeVar("T")
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


class Memory:
    """History in memory."""

    def __init__(self, source: MemorySource, options: EvalOptions | None = None) -> None:
        self.source = source
        self.options = options or EvalOptions()
        self.asked = 0

    async def over(self, what: str, work: Callable[[SampleSource, EvalOptions], T]) -> T:
        assert what
        self.asked += 1
        return work(self.source, self.options)


def source_of(series: dict[str, str], step_ms: int = MINUTE_MS) -> MemorySource:
    source = MemorySource()
    for index, text in series.items():
        source.load((("__name__", "x"), ("i", index)), 0, step_ms, read_values(text))
    return source


def run(
    groups: Sequence[RuleGroup], history: Memory, start_ms: int, end_ms: int, step_ms: int = 0
) -> list[Replayed]:
    options = ReplayOptions(start_ms, end_ms, step_ms=step_ms)
    return asyncio.run(replay(groups, options, Past(history), FakeClock()))


def rules_of(text: str) -> tuple[RuleGroup, ...]:
    return read_rules(text, "r.yml").groups


def spans(one: Replayed) -> list[tuple[int, int | None]]:
    return [
        (firing.from_ms // MINUTE_MS, None if firing.until_ms is None else firing.until_ms // MINUTE_MS)
        for firing in one.firings
    ]


def test_an_alert_is_told_with_its_times_labels_and_value() -> None:
    rules = rules_of("""
groups:
- name: g
  rules:
  - alert: A
    expr: x > 1
    for: 5m
    labels: {severity: page}
    annotations: {text: 'is {{ $value }} at {{ $labels.i }}'}
""")
    history = Memory(source_of({"1": "0x9 5x20 0x29 3x2 0x9 7x100"}))
    (found,) = run(rules, history, 0, 100 * MINUTE_MS)
    labels = labels_of({"alertname": "A", "i": "1", "severity": "page"})
    assert found.firings == (
        Firing(labels, (("text", "is 5 at 1"),), 5.0, 10 * MINUTE_MS, 15 * MINUTE_MS, 31 * MINUTE_MS),
        Firing(labels, (("text", "is 7 at 1"),), 7.0, 74 * MINUTE_MS, 79 * MINUTE_MS, None),
    )
    assert (found.group, found.file, found.step_ms, found.pending) == ("g", "r.yml", MINUTE_MS, 1)


def test_what_was_active_before_the_window_fires_in_it() -> None:
    rules = rules_of("groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 10m}]}]")
    history = Memory(source_of({"1": "5x40 0x100", "2": "5x4 0x100"}))
    (found,) = run(rules, history, 30 * MINUTE_MS, 100 * MINUTE_MS)
    assert spans(found) == [(30, 41)]


def test_rules_read_what_others_of_the_replay_record_in_any_order() -> None:
    rules = rules_of("""
groups:
- name: readers
  rules:
  - {alert: Many, expr: 'count(ALERTS{alertname="High", alertstate="firing"}) >= 2'}
  - {alert: High, expr: 'twice > 6', for: 2m}
- name: makers
  rules:
  - {record: twice, expr: x * 2}
""")
    history = Memory(source_of({"1": "1x9 5x20 1x100", "2": "1x19 5x20 1x100"}))
    many, high = run(rules, history, 0, 60 * MINUTE_MS)
    assert spans(high) == [(12, 31), (22, 41)]
    assert spans(many) == [(22, 31)]
    # What is stored under that name is from before these rules.
    history.source.load((("__name__", "twice"), ("i", "3")), 0, MINUTE_MS, read_values("9x100"))
    assert run(rules, history, 0, 60 * MINUTE_MS)[1].firings == high.firings


def test_a_rule_that_cannot_be_evaluated_is_told_and_others_go_on() -> None:
    rules = rules_of("""
groups:
- name: g
  limit: 1
  rules:
  - {alert: Text, expr: '"text"'}
  - {alert: Two, expr: x > 1}
  - {alert: Join, expr: x * on () x}
  - {alert: One, expr: 'x{i="1"} > 1'}
""")
    text, two, join, one = run(rules, Memory(source_of({"1": "5x9", "2": "5x9"})), 0, 9 * MINUTE_MS)
    assert 'invalid expression type "string"' in text.faults[0]
    assert two.faults[0] == "Two, 0s after the start: exceeded limit of 1 with 2 alerts"
    assert (two.firings, len(join.faults)) == ((), 1)
    assert (spans(one), one.faults) == ([(0, None)], ())


def test_what_is_too_much_at_once_is_asked_for_in_parts() -> None:
    rules = rules_of("groups: [{name: g, rules: [{alert: A, expr: x > 1, for: 5m}]}]")
    source = source_of({"1": "0x200 5x400 0x1000"})
    whole = Memory(source)
    parts = Memory(source, EvalOptions(max_samples=300))
    assert run(rules, whole, 0, 24 * HOUR_MS)[0].firings == run(rules, parts, 0, 24 * HOUR_MS)[0].firings
    assert parts.asked > whole.asked
    (none,) = run(rules, Memory(source, EvalOptions(max_samples=2)), 0, 24 * HOUR_MS)
    assert "too many samples" in none.faults[0]


def test_a_replay_is_bounded() -> None:
    rules = rules_of("groups: [{name: g, interval: 1s, rules: [{alert: A, expr: x}]}]")
    with pytest.raises(PharosError, match="evaluations, more than"):
        run(rules, Memory(MemorySource()), 0, 24_000 * HOUR_MS)
    with pytest.raises(PharosError, match="ends after it begins"):
        run(rules, Memory(MemorySource()), 5, 5)
    assert run(rules, Memory(MemorySource()), 0, 24_000 * HOUR_MS, step_ms=HOUR_MS)[0].firings == ()

    class Slow(Memory):
        async def over(self, what: str, work: Callable[[SampleSource, EvalOptions], T]) -> T:
            clock.advance_ms(50_000)
            return await super().over(what, work)

    clock = FakeClock()
    options = ReplayOptions(0, 10 * HOUR_MS)
    with pytest.raises(PharosError, match="took more than 60 s"):
        asyncio.run(replay(rules, options, Past(Slow(MemorySource())), clock))


def stepwise(rule: AlertingRule, source: MemorySource, end_ms: int, step_ms: int) -> list[Firing]:
    """Return what fires when the rule is evaluated at every step."""
    state, firings, fires = RuleState(), list[Firing](), dict[Labels, Firing]()
    for at_ms in range(0, end_ms + 1, step_ms):
        around = Around(lambda _: (), at_ms)

        def expanded(text: str, one: Element, around: Around = around) -> str:
            return expand(text, dict(one.labels), one.value, around)

        found = elements(evaluate_text(rule.expr, source, at_ms, at_ms, 0))
        outcome = next_state(rule, state, found, at_ms, expanded)
        for change in outcome.transitions:
            alert = change.alert
            if alert.state is AlertState.FIRING:
                fires[alert.labels] = Firing(
                    alert.labels, alert.annotations, alert.value, alert.active_ms, alert.fired_ms, None
                )
            elif change.before is AlertState.FIRING:
                firings.append(replace(fires.pop(alert.labels), until_ms=at_ms))
        state = outcome.state
    return sorted([*firings, *fires.values()], key=lambda one: (one.from_ms, one.labels))


@pytest.mark.parametrize("seed", range(30))
def test_steps_that_are_left_out_change_nothing(seed: int) -> None:
    chance = random.Random(seed)
    source = MemorySource()
    count = chance.randint(1, 3)
    for index in range(count):
        present = np.array([chance.random() < 0.9 for _ in range(300)])
        level, values = 0.0, []
        for _ in range(300):
            level = chance.choice([0.0, 1.0, 2.0]) if chance.random() < 0.2 else level
            values.append(level)
        source.load((("__name__", "x"), ("i", str(index))), 0, 20_000, Values(np.array(values), present))
    rule = AlertingRule(
        "A",
        chance.choice(["x > 0", "x == 1", "sum(x) > 1", "absent(x)", "max_over_time(x[2m]) > 1"]),
        for_ms=chance.choice([0, 30_000, 130_000, 600_000]),
        keep_firing_for_ms=chance.choice([0, 45_000, 300_000]),
        labels=chance.choice([(), (("v", "{{ $value }}"),), (("i", ""),) if count == 1 else ()]),
        annotations=(("a", "{{ $value }}"),),
    )
    step_ms = chance.choice([15_000, 60_000])
    end_ms = 6_000_000
    group = RuleGroup("g", (RecordingRule("y", "x"), rule), interval_ms=step_ms)
    start_ms = rule.for_ms + rule.keep_firing_for_ms  # it is begun so much before
    expected = stepwise(rule, source, end_ms, step_ms)
    (found,) = run([group], Memory(source), start_ms, end_ms)
    assert list(found.firings) == [one for one in expected if one.until_ms is None or one.until_ms > start_ms]


def test_rules_in_a_language_that_nobody_answers_are_refused_by_name_and_the_others_are_replayed() -> None:
    rules = rules_of("""
groups:
- name: metrics
  rules:
  - {alert: A, expr: x > 1}
- name: spans
  language: traceql
  rules:
  - {alert: B, expr: '{} | rate() > 1'}
  - {record: c, expr: '{} | rate()'}
""")
    found = run(rules, Memory(source_of({"1": "2x10"})), 0, 5 * MINUTE_MS)
    assert [one.rule.name for one in found] == ["A", "B"]
    assert len(found[0].firings) == 1
    assert [one.faults for one in found] == [(), ("B: rules in traceql are not replayed here",)]
