"""Rules over logs: counted, absent, recorded, restored after a restart, refused with a place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from tests.rules.running import MINUTE_MS, TENANT, Bench, bench
from tests.search.logql.memory_source import MemorySource, source_of

from pharos.access import Scope, upkeep
from pharos.alert import Alert
from pharos.document import FaultsError
from pharos.query.events.log_queries import Check, LogQueries
from pharos.query.limits import Times
from pharos.rules.compared import Limit
from pharos.rules.event_door import EventHistory
from pharos.rules.group import RunningGroup
from pharos.rules.log_door import LogDoor
from pharos.rules.spec import Language, group_of, plain_group, read_rules
from pharos.search.logql.source import Source
from pharos.search.window import Window

T = TypeVar("T")
NS_IN_MS = 1_000_000

RULES = """
groups:
- name: shop
  interval: 1m
  language: logql
  rules:
  - record: shop:errors:count1m
    expr: sum by (app) (count_over_time({app=~".+"} |= "error" [1m]))
  - alert: Many errors
    expr: sum by (app) (count_over_time({app="cart"} |= "error" [5m])) > 2
    for: 1m
    annotations: {text: "{{value}} errors"}
  - alert: Nobody logs
    expr: absent_over_time({app="quiet"} [5m])
"""


class Questions:
    """Asks of lines in memory, where a server asks its store."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[tuple[str, Hashable]] = []
        self.windows: list[Window] = []
        """Of which accepted lines are waited for."""

    def add(self, at_ms: int, app: str, line: str) -> None:
        """Add a line."""
        self.rows.append({"ts": at_ms * NS_IN_MS, "line": line, "labels": {"app": app}})

    async def ask(
        self, scope: Scope, asked: Hashable, work: Callable[[Source, Check], T], *, window: Window
    ) -> T:
        self.asked.append((scope.tenant, asked))
        self.windows.append(window)
        source: MemorySource = source_of(self.rows)
        return work(source, lambda: None)


@pytest.fixture
def questions() -> Questions:
    return Questions()


@pytest.fixture
def one(tmp_path: Path, questions: Questions) -> Iterator[Bench]:
    with bench(tmp_path) as found:
        found.event_doors[Language.LOGQL] = LogDoor(cast("LogQueries", questions))
        yield found


def running(one: Bench) -> RunningGroup:
    return RunningGroup(read_rules(RULES, "rules.yml").groups[0], upkeep(TENANT), one.around())


def told(alerts: list[Alert], name: str) -> list[str]:
    return [
        f"{dict(alert.labels).get('app', '')} {dict(alert.annotations).get('text', '')}".strip()
        for alert in alerts
        if alert.label("alertname") == name and not alert.ends_ms < alert.updated_ms
    ]


def test_lines_are_counted_recorded_and_missed(one: Bench, questions: Questions) -> None:
    async def work() -> None:
        group = running(one)
        now_ms = one.clock.now_ms() + MINUTE_MS
        for number in range(4):
            questions.add(now_ms - 1000 * number, "cart", f"error {number}")
        questions.add(now_ms - 500, "email", "error: no relay")
        questions.add(now_ms - 400, "quiet", "started")
        first = await one.go(group)
        assert told(first, "Many errors") == []
        assert told(first, "Nobody logs") == []
        assert {name: value for name, value in one.kept.samples().items() if "count1m" in name} == {
            "__name__=shop:errors:count1m,app=cart": 4,
            "__name__=shop:errors:count1m,app=email": 1,
        }
        assert told(await one.go(group), "Many errors") == ["cart 4 errors"]
        for _ in range(4):
            last = await one.go(group)
        assert told(last, "Nobody logs") == ["quiet"]
        # That no line is found any more is known: nothing happened.
        assert {str(run.unknown) for run in group.runs} == {""}
        assert set(questions.asked) == {(TENANT, ("rules", group.key))}
        # It is waited for lines of the five minutes that the rules look back alone, not for all of the past.
        assert {one.end_ns - one.start_ns for one in questions.windows} == {5 * MINUTE_MS * NS_IN_MS}
        assert questions.windows[-1].end_ns == one.clock.now_ms() * NS_IN_MS + 1

    asyncio.run(work())


def test_an_alert_over_logs_goes_on_after_a_restart(one: Bench, questions: Questions) -> None:
    async def work() -> None:
        now_ms = one.clock.now_ms() + MINUTE_MS
        for number in range(4):
            questions.add(now_ms - number, "cart", "error")
        await one.go(running(one))
        assert told(await one.go(running(one)), "Many errors") == ["cart 4 errors"]

    asyncio.run(work())


def test_a_number_alone_is_an_alert_without_labels(one: Bench) -> None:
    async def work() -> None:
        rules = RULES.replace('absent_over_time({app="quiet"} [5m])', "2")
        group = RunningGroup(read_rules(rules, "rules.yml").groups[0], upkeep(TENANT), one.around())
        assert [alert.labels for alert in await one.go(group)] == [(("alertname", "Nobody logs"),)]

    asyncio.run(work())


def test_the_language_of_a_group_is_kept_when_it_is_written_down() -> None:
    group = read_rules(RULES, "rules.yml").groups[0]
    assert group.language is Language.LOGQL
    again = group_of(plain_group(group), "rules.yml")
    assert (again.language, again.rules) == (group.language, group.rules)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("sum by (app) (count_over_time", "sum by (app) (rate_over_time"), "could not parse expression"),
        (('absent_over_time({app="quiet"} [5m])', "'{app=\"quiet\"}'"), "the expression selects lines"),
        (("language: logql", "language: sql"), "language 'sql' is not one of promql, logql, traceql"),
        (("  language: logql\n", ""), "could not parse expression"),
    ],
)
def test_what_is_no_rule_over_logs_is_refused_at_its_line(change: tuple[str, str], message: str) -> None:
    with pytest.raises(FaultsError) as refused:
        read_rules(RULES.replace(*change), "rules.yml")
    assert message in str(refused.value)
    assert "rules.yml:" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ('count_over_time({app="cart"}[1m]) >= 2', Limit(">=", 2)),
        ('2 < count_over_time({app="cart"}[1m])', Limit(">", 2)),
        ('count_over_time({app="cart"}[1m])', None),
        ('count_over_time({app="cart"}[1m]) > 1 or vector(1)', None),
    ],
)
def test_what_a_rule_over_logs_measures_is_told_without_its_limit(
    text: str, limit: Limit | None, questions: Questions
) -> None:
    for at_ms in (1000, 2000, 100_000):
        questions.add(at_ms, "cart", "error")
    history = EventHistory(LogDoor(cast("LogQueries", questions)), upkeep(TENANT))
    times = Times(MINUTE_MS, 2 * MINUTE_MS, MINUTE_MS)
    found = asyncio.run(history.measured("a rule", text, times, MINUTE_MS))
    assert found.limit == limit
    assert questions.windows == [Window(1, 2 * MINUTE_MS * NS_IN_MS + 1)]
    if "or" not in text:
        assert found.answer.values.tolist() == [[2, 1]]
        assert found.answer.present.all()
