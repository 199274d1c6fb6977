"""Escalations as tables: what happens, who is told when."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.alerting import escalate
from pharos.alerting.escalate import (
    Policy,
    Reached,
    Run,
    Status,
    Tell,
    Vote,
    after_step,
    choose,
    next_step,
    read_policy,
)
from pharos.errors import PharosError

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "cases" / "escalations.yaml").read_text()
)
MINUTE_MS = 60_000
START_MS = 1_700_000_000_000
LAST = 120


class Play:
    """An escalation in a world where minutes pass."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.run: Run | None = None
        self.told: list[str] = []
        self.status = Status.TELLING
        self.ended: dict[Status, int] = {}

    def happens(self, minute: int, what: str, alert: str, who: str) -> None:
        now_ms = START_MS + minute * MINUTE_MS
        run = self.run or Run(due_ms=now_ms)
        match what:
            case "fires":
                self.run = escalate.fires(run, alert, now_ms)
            case "acknowledges":
                name, _, until = who.partition("@")
                until_ms = START_MS + int(until) * MINUTE_MS if until else 0
                vote = Vote(name, until_ms)
                self.run = escalate.acknowledged(run, self.policy, alert, vote, now_ms)
            case "unacknowledges":
                self.run = escalate.unacknowledged(run, alert, now_ms)
            case "holds":
                self.run = escalate.held(run, self.policy, alert, now_ms)
            case "releases":
                self.run = escalate.released(run, alert, now_ms)
            case "resolves":
                self.run = escalate.resolved(run, self.policy, alert, now_ms)

    def tick(self, minute: int) -> None:
        if self.run is None:
            return
        now_ms = START_MS + minute * MINUTE_MS
        while True:
            step = next_step(self.policy, self.run, now_ms)
            if isinstance(step, Tell):
                self.told.append(f"{minute} {self.policy.level_name(step.level)}")
                people = tuple(one.person for one in step.targets if one.person)
                self.run = after_step(self.run, step, Reached(people, tuple(map(str, step.targets))))
            else:
                before, self.run = self.run, after_step(self.run, step, Reached())
                if before == self.run:
                    break
        # It is kept as JSON between steps.
        self.run = escalate.read_run(self.run.document())
        if self.run.status is not self.status:
            self.ended[self.run.status] = minute
            self.status = self.run.status


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_escalation_tells_who_is_next(case: dict[str, Any]) -> None:
    play = Play(read_policy(case["policy"], "p"))
    by_minute: dict[int, list[list[str]]] = {}
    down: set[int] = set()
    for line in case["happens"]:
        minute, what, *rest = line.split()
        if what == "down":
            down.update(range(int(minute), int(rest[0])))
        by_minute.setdefault(int(minute), []).append([what, *rest, ""])
    for minute in range(LAST + 1):
        for what, alert, *who in by_minute.get(minute, []):
            play.happens(minute, what, alert, who[0] if who else "")
        if minute not in down:
            play.tick(minute)
    assert play.told == case["told"]
    status, _, at = case["ends"].partition(" at ")
    assert play.run is not None
    assert play.run.status == status
    if at:
        assert play.ended[Status(status)] == int(at)


def test_a_time_that_a_wrong_clock_has_set_is_due() -> None:
    policy = read_policy({"levels": [{"targets": [{"person": "ada"}]}]}, "p")
    run = escalate.fires(Run(due_ms=START_MS), "a", START_MS)
    far_ms = START_MS + 2 * escalate.HORIZON_MS
    assert isinstance(next_step(policy, Run(due_ms=far_ms, alerts=run.alerts), START_MS), Tell)


def test_the_policy_with_the_least_order_counts() -> None:
    def policy(order: int, **more: Any) -> Policy:
        return read_policy({"levels": [{"targets": [{"person": "ada"}]}], "order": order, **more}, "p")

    policies = {
        "all": policy(100),
        "disk": policy(10, matchers=['alertname=~"Disk.*"', "team!=ops"]),
        "severe": policy(20, severities=["critical", "high"]),
    }
    assert choose(policies, {"alertname": "DiskFull", "severity": "high"}) == "disk"
    assert choose(policies, {"alertname": "DiskFull", "severity": "high", "team": "ops"}) == "severe"
    assert choose(policies, {"alertname": "Cpu"}) == "all"
    assert choose({}, {"alertname": "Cpu"}) is None


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"levels": []}, "levels: Tuple should have at least 1 item"),
        ({"levels": [{"targets": []}]}, r"levels\[0\].targets"),
        ({"levels": [{"targets": [{"person": "a", "receiver": "b"}]}]}, "one of schedule, person, receiver"),
        ({"levels": [{"targets": [{"person": "a"}], "timeout": "x"}]}, r"levels\[0\].timeout"),
        ({"levels": [{"targets": [{"person": "a"}], "timeout": "40d"}]}, "at most 31d"),
        (
            {"levels": [{"targets": [{"person": "a"}], "quorum": 3, "members": ["a", "b"]}]},
            "a quorum of 3 among 2 members",
        ),
        ({"levels": [{"targets": [{"person": "a"}]}], "matchers": ["a=~("]}, r"matchers\[0\]"),
    ],
)
def test_what_is_no_policy_is_refused_at_its_place(document: dict[str, Any], says: str) -> None:
    with pytest.raises(PharosError, match=says):
        read_policy(document, "p")
