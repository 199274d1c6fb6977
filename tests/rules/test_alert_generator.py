"""What others expect of whoever makes alerts (prometheus/compliance, alert_generator), over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest
import yaml
from tests.notify.fakes.receiver import Receiver, receiving

from pharos.access import DEFAULT, Scope
from pharos.clock import FakeClock, SystemClock
from pharos.gotext.durations import parse_duration
from pharos.labels import Labels
from pharos.outbound import Outbound
from pharos.promql.answer import evaluate_text
from pharos.promql.grids.grid import Answer
from pharos.promql.memory import MemorySource
from pharos.promql.series_notation import STALE, read_labels, read_values
from pharos.query.metrics.overlay import Overlay
from pharos.rules.doors import QueryRound, Recorded
from pharos.rules.evaluate import Element, Expand, elements
from pharos.rules.group import RunningGroup, Surroundings
from pharos.rules.outside import Destination, Outside
from pharos.rules.spec import AlertingRule, rules_of
from pharos.rules.template import Around, expand
from pharos.state import open_state

T = TypeVar("T")

_CASES = yaml.safe_load((Path(__file__).parent / "cases/alert_generator.yml").read_text())
_BEGIN_MS = 1_700_000_000_000


@dataclass
class _Memory:
    """A door and a recorder over series in memory."""

    source: MemorySource = field(default_factory=MemorySource)
    recorded: list[Recorded] = field(default_factory=list)

    def prepare(self, expressions: Sequence[str], interval_ms: int = 0) -> _Prepared:
        return _Prepared(self, expressions)

    async def record(self, scope: Scope, recorded: Recorded) -> None:
        self.recorded.append(recorded)
        for one in recorded.samples:
            self.source.append(one.labels, recorded.at_ms, one.value)
        for labels in recorded.gone:
            self.source.append(labels, recorded.at_ms, STALE)


@dataclass
class _Prepared:
    memory: _Memory
    expressions: Sequence[str]

    def reads(self, index: int) -> bool:
        return True

    def round(self, scope: Scope, at_ms: int) -> _Round:
        self.memory.source.until_ms = at_ms
        return _Round(self, at_ms, Overlay(at_ms))


@dataclass
class _Round:
    prepared: _Prepared
    at_ms: int
    overlay: Overlay

    async def run(self, name: str, work: Callable[[], T]) -> T:
        return work()

    def answer(self, index: int) -> Answer:
        return self.ask_text(self.prepared.expressions[index])

    def ask_text(self, text: str) -> Answer:
        source = self.overlay.over(self.prepared.memory.source)
        return evaluate_text(text, source, self.at_ms, self.at_ms, 0)

    def record(self, samples: Iterable[tuple[Labels, float]]) -> None:
        self.overlay.add(samples)


def _expanding(one: QueryRound, rule: AlertingRule) -> Expand:
    around = Around(lambda text: [(e.labels, e.value) for e in elements(one.ask_text(text))], one.at_ms)

    def expanded(text: str, found: Element) -> str:
        return expand(text, dict(found.labels), found.value, around, rule.name)

    return expanded


def _since_begin(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round(at.timestamp() * 1000) - _BEGIN_MS


def _times(texts: dict[str, str] | None) -> dict[str, list[int]]:
    return {name: [parse_duration(time) for time in times.split()] for name, times in (texts or {}).items()}


class _Sent:
    """What arrived, by alert: the times at which it fired, and was over."""

    def __init__(self) -> None:
        self.fires: dict[str, list[int]] = {}
        self.over: dict[str, list[int]] = {}
        self.annotations: dict[str, str] = {}
        self._began: dict[str, int] = {}

    def note(self, posts: Iterable[Any], at_ms: int) -> None:
        for alert in (alert for post in posts for alert in post):
            labels = alert["labels"]
            name = f"{labels['alertname']} {labels.get('variant', '')}"
            starts, ends = _since_begin(alert["startsAt"]), _since_begin(alert["endsAt"])
            assert alert["generatorURL"].startswith("/graph?g0.expr=")
            if ends > at_ms:
                # Four times the resend delay, which is longer than the interval.
                assert ends == at_ms + 240_000
                self.fires.setdefault(name, []).append(at_ms)
                began = self._began.setdefault(name, at_ms)
                self.annotations.update(alert["annotations"])
            else:
                # The end is that of the first time that it was sent as over, and stays so.
                began = self._began.pop(name, starts)
                self.over.setdefault(name, []).append(at_ms)
                assert ends <= at_ms
            assert starts == began


def _in_alerts(memory: _Memory, state: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for recorded in memory.recorded:
        for one in recorded.samples:
            labels = dict(one.labels)
            if labels["__name__"] == "ALERTS" and labels["alertstate"] == state:
                times = found.setdefault(labels["alertname"], [])
                if recorded.at_ms - _BEGIN_MS not in times:
                    times.append(recorded.at_ms - _BEGIN_MS)
                assert one.value == 1
    return found


@pytest.mark.parametrize("case", _CASES, ids=lambda case: case["name"])
def test_alerts_arrive_as_specified(case: dict[str, Any], tmp_path: Path) -> None:
    async def run(memory: _Memory, sent: _Sent, receiver: Receiver, outside: Outside) -> None:
        clock = FakeClock(_BEGIN_MS)
        with open_state(tmp_path / "state.db", clock, Random(1)) as state:
            around = Surroundings(memory, memory, outside, state, clock, _expanding)
            (group,) = rules_of({"groups": case["groups"]}, "rules.yml").groups
            running = RunningGroup(group, DEFAULT, around)
            for at_ms in range(0, parse_duration(case["until"]) + 1, running.interval_ms):
                await running.iterate(_BEGIN_MS + at_ms)
                clock.advance_ms(running.interval_ms)
                await outside.flushed()
                posts, receiver.taken = receiver.taken, []
                sent.note([post.json() for post in posts], at_ms)
                assert {(post.method, post.path) for post in posts} <= {("POST", "/api/v2/alerts")}

    async def main() -> tuple[_Memory, _Sent]:
        memory, sent = _Memory(), _Sent()
        for series, values in case["series"].items():
            labels, rest = read_labels(f"{series} {values}")
            memory.source.load(labels, _BEGIN_MS, 30_000, read_values(rest))
        outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1))
        outside = Outside(outbound, SystemClock(), Random(1))
        async with receiving() as receiver:
            await outside.apply([Destination(f"{receiver.url}/api/v2/alerts")])
            await run(memory, sent, receiver, outside)
            await outside.close()
        await outbound.close()
        return memory, sent

    memory, sent = asyncio.run(main())
    assert sent.fires == _times(case.get("sent"))
    assert sent.over == _times(case.get("over"))
    assert _in_alerts(memory, "pending") == _times(case.get("pending"))
    assert _in_alerts(memory, "firing") == _times(case.get("firing"))
    assert sent.annotations == case.get("annotations", {})
