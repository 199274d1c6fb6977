"""What running rules stand on in tests: made answers, a real state, and somebody who remembers what came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import TypeVar

import numpy as np

from pharos.access import Scope, upkeep
from pharos.alert import Alert
from pharos.clock import FakeClock
from pharos.errors import Kind, PharosError
from pharos.labels import Labels, labels_of
from pharos.promql.grids.grid import Answer, AnswerType
from pharos.rules.doors import QueryDoor, Recorded
from pharos.rules.engine import RuleEngine
from pharos.rules.evaluate import Element, Expand
from pharos.rules.group import RuleOptions, RunningGroup, Surroundings
from pharos.rules.leases import AllOurs, Leases
from pharos.rules.schedule import Pause
from pharos.rules.spec import AlertingRule, Language, RuleGroup, read_rules
from pharos.state import State, open_state, timeline

T = TypeVar("T")

TENANT = "t"
MINUTE_MS = 60_000

Series = Mapping[str, float]
"""Values by one label, `i`."""


class Answers:
    """A door: what each expression's answer is, as long as nothing else is said."""

    def __init__(self) -> None:
        self.values: dict[str, Series | PharosError] = {}
        self.named: dict[str, tuple[str, float]] = {}
        self.without_data: set[str] = set()
        self.away: PharosError | None = None
        self.asked: list[tuple[str, int]] = []

    def was_pending(self, alert: str, written_ms: int, active_ms: int, *, asked: str = "") -> None:
        """Say what samples of a former process tell of the alert of series x."""
        series = f'ALERTS_FOR_STATE{{alertname=~"{asked or alert}"}}'
        self.named[f"last_over_time({series}[1h])"] = (alert, active_ms / 1000)
        self.named[f"max_over_time(timestamp({series})[1h:1m])"] = (alert, written_ms / 1000)

    def prepare(self, expressions: Sequence[str], interval_ms: int = 0) -> _Prepared:
        return _Prepared(self, expressions)


@dataclass
class _Prepared:
    answers: Answers
    expressions: Sequence[str]

    def reads(self, index: int) -> bool:
        return self.expressions[index] != "vector(1)"

    def round(self, scope: Scope, at_ms: int) -> _Round:
        return _Round(self, at_ms)


@dataclass
class _Round:
    prepared: _Prepared
    at_ms: int
    recorded: list[tuple[Labels, float]] = field(default_factory=list)

    async def run(self, name: str, work: Callable[[], T]) -> T:
        if self.prepared.answers.away is not None:
            raise self.prepared.answers.away
        return await asyncio.to_thread(work)

    def answer(self, index: int) -> Answer:
        return self.ask_text(self.prepared.expressions[index])

    def ask_text(self, text: str) -> Answer:
        answers = self.prepared.answers
        answers.asked.append((text, self.at_ms))
        found = answers.values.get(text, {})
        if isinstance(found, PharosError):
            raise found
        labels = [labels_of({"__name__": "m", "i": i}) for i in found]
        if text in answers.named:
            alert, value = answers.named[text]
            labels, found = [labels_of({"alertname": alert, "i": "x"})], {"x": value}
        values = np.array([[value] for value in found.values()]).reshape(len(found), 1)
        return Answer(
            AnswerType.VECTOR,
            np.array([self.at_ms], np.int64),
            labels,
            values,
            np.ones(values.shape, np.bool_),
            samples_read=0 if text in answers.without_data else max(1, len(found)),
        )

    def record(self, samples: Iterable[tuple[Labels, float]]) -> None:
        self.recorded += samples


@dataclass
class Kept:
    """A recorder and a sink that remember, and refuse when told to."""

    recorded: list[Recorded] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    refuse_samples: PharosError | None = None
    refuse_alerts: PharosError | None = None

    async def record(self, scope: Scope, recorded: Recorded) -> None:
        if self.refuse_samples is not None:
            raise self.refuse_samples
        self.recorded.append(recorded)

    async def take(self, scope: Scope, alerts: Sequence[Alert]) -> None:
        if self.refuse_alerts is not None:
            raise self.refuse_alerts
        self.alerts += alerts

    def taken(self) -> list[Alert]:
        """Return what was taken since the last call."""
        found, self.alerts = self.alerts, []
        return found

    def samples(self) -> dict[str, float]:
        """Return what was recorded last, by labels in one text; what ended has no value."""
        last = self.recorded[-1]
        found = {_text(one.labels): one.value for one in last.samples}
        return found | {_text(labels): float("inf") for labels in last.gone}


def _text(labels: Labels) -> str:
    return ",".join(f"{name}={value}" for name, value in labels)


def _expanding(one: object, rule: AlertingRule) -> Expand:
    def expanded(text: str, found: Element) -> str:
        return text.replace("{{value}}", f"{found.value:g}")

    return expanded


@dataclass
class Bench:
    """All of it together; `at` is the time of the next iteration."""

    state: State
    clock: FakeClock
    options: RuleOptions = field(default_factory=RuleOptions)
    answers: Answers = field(default_factory=Answers)
    kept: Kept = field(default_factory=Kept)
    interval_ms: int = MINUTE_MS
    leases: Leases = field(default_factory=AllOurs)
    event_doors: dict[Language, QueryDoor] = field(default_factory=dict)

    def around(self) -> Surroundings:
        return Surroundings(
            self.answers,
            self.kept,
            self.kept,
            self.state,
            self.clock,
            _expanding,
            self.options,
            leases=self.leases,
            event_doors=self.event_doors,
        )

    def group(self, text: str, name: str = "g", *, limit: int = 0) -> RunningGroup:
        """Return a running group of rules."""
        return RunningGroup(replace(group_of(text, name), limit=limit), upkeep(TENANT), self.around())

    def engine(self, pause: Pause = asyncio.sleep) -> RuleEngine:
        return RuleEngine(self.around(), self.clock, pause)

    async def go(self, group: RunningGroup, **values: Series | PharosError) -> list[Alert]:
        """Evaluate once with these answers, an interval after the last time; return what was told."""
        self.answers.values.update({name.replace("_", " "): value for name, value in values.items()})
        self.clock.advance_ms(self.interval_ms)
        await group.iterate(self.clock.now_ms())
        return self.kept.taken()

    async def steps(self) -> list[str]:
        """Return all steps that were written down, oldest first."""
        found = await self.state.read(lambda unit: timeline.list_steps(unit, TENANT))
        return [f"{one.step} {one.detail['labels'].get('i', '')}".strip() for one in found]


def group_of(text: str, name: str = "g", file: str = "rules.yml") -> RuleGroup:
    """Return a group of the rules of a YAML list."""
    lines = "\n".join(f"  {line}" for line in text.strip().splitlines())
    return read_rules(f"groups:\n- name: {name}\n  interval: 1m\n  rules:\n{lines}\n", file).groups[0]


@contextmanager
def bench(
    folder: Path, clock: FakeClock | None = None, options: RuleOptions | None = None
) -> Iterator[Bench]:
    """Open a state in a folder, and what stands on it."""
    clock = clock or FakeClock()
    folder.mkdir(parents=True, exist_ok=True)
    with open_state(folder / "state.db", clock, Random(clock.now_ns())) as state:
        yield Bench(state, clock, options or RuleOptions())


AWAY = PharosError(Kind.UNAVAILABLE, "it is away")
