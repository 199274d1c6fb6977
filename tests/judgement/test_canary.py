"""Canaries: what is decided when, and that looking often costs no false alarms."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from pharos.judgement.canary import Outcome, Tick, judge
from pharos.judgement.sequential import PlannedTest, limit_of_evidence, log_evidence, variance_that_decides

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "canary.yaml").read_text())


def made(
    chance: np.random.Generator,
    rps: float,
    share: float,
    slower: float = 1.0,
    erring: float = 1.0,
    ticks: int = 24,
) -> tuple[dict[int, Tick], dict[int, Tick]]:
    """Return the ticks of a baseline and a canary with log-normal latencies and one error in a thousand."""
    groups: list[dict[int, Tick]] = []
    for part, factor, errs in ((1 - share, 1.0, 1.0), (share, slower, erring)):
        group: dict[int, Tick] = {}
        for number in range(ticks):
            requests = int(chance.poisson(rps * part * 5))
            tick = Tick(requests=requests, errors=int(chance.binomial(requests, 0.001 * errs)))
            tick.timed = requests - tick.errors
            logarithms = chance.normal(3 + math.log(factor), 0.8, tick.timed)
            if tick.timed:
                tick.mean = float(logarithms.mean())
                tick.squares = float(((logarithms - tick.mean) ** 2).sum())
            group[number] = tick
        groups.append(group)
    return groups[0], groups[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_is_shown_is_told_and_no_more(case: dict[str, Any]) -> None:
    chance = np.random.default_rng(7)
    verdict = judge(
        *made(chance, case["rps"], case["share"], case.get("slower", 1.0), case.get("erring", 1.0))
    )
    assert verdict.outcome == case["verdict"]
    if "within_s" in case:
        assert verdict.after_s is not None
        assert verdict.after_s <= case["within_s"]
        assert verdict.needs_requests is None
    else:
        assert verdict.after_s is None


def test_more_requests_are_asked_for_by_their_number_and_how_long_they_take() -> None:
    verdict = judge(*made(np.random.default_rng(1), 20, 0.05, 1.06))
    assert verdict.outcome is Outcome.UNDECIDED
    assert verdict.needs_requests is not None
    assert verdict.needs_s == pytest.approx(verdict.needs_requests, rel=0.5)  # one a second


def test_a_canary_without_requests_is_not_judged() -> None:
    verdict = judge({0: Tick(requests=9, timed=9)}, {0: Tick(requests=1, errors=1)})
    assert (verdict.outcome, verdict.needs_requests) == (Outcome.UNDECIDED, None)
    assert judge({}, {}).outcome is Outcome.UNDECIDED


def test_ticks_count_what_requests_are() -> None:
    tick = Tick()
    for latency_ms in (10.0, 20.0, 40.0):
        tick.add(latency_ms, is_error=False)
    tick.add(1.0, is_error=True)
    assert (tick.requests, tick.errors, tick.timed) == (4, 1, 3)
    assert math.exp(tick.mean) == pytest.approx(20)
    assert tick.squares == pytest.approx(2 * math.log(2) ** 2)


def test_a_verdict_is_the_same_each_time() -> None:
    groups = made(np.random.default_rng(2), 50, 0.2)
    assert judge(*groups) == judge(*groups)


def test_a_failure_that_shows_after_a_pass_counts() -> None:
    good = made(np.random.default_rng(3), 200, 0.5)
    bad = made(np.random.default_rng(4), 200, 0.5, 1.5)
    joined = [
        {**first, **{number + 24: tick for number, tick in then.items()}}
        for first, then in zip(good, bad, strict=True)
    ]
    assert judge(*good).outcome is Outcome.PASS
    verdict = judge(joined[0], joined[1])
    assert verdict.outcome is Outcome.FAIL
    assert verdict.after_s is not None
    assert verdict.after_s > 120


def test_the_variance_that_decides_is_where_the_evidence_suffices() -> None:
    for distance in (0.02, 0.08, 0.5):
        variance = variance_that_decides(distance, 0.01)
        assert (
            log_evidence(distance, variance * 0.99) > math.log(100) > log_evidence(distance, variance * 1.01)
        )


def test_planned_looks_and_those_after_them_spend_what_they_may_and_no_more() -> None:
    chance = np.random.default_rng(5)
    crossed = 0
    for _ in range(200):
        test, score = PlannedTest(0.2, 800.0), 0.0
        for information in range(100, 1_700, 100):
            score += chance.normal(0.0, 10.0)
            if test.is_crossed(score / information, 1 / information):
                crossed += 1
                break
    assert 24 <= crossed <= 56  # 40 at most are expected


def test_planned_looks_tell_what_evidence_alone_does_not_tell_yet() -> None:
    test, information, distance = PlannedTest(0.01, 3_000.0), 3_000.0, 0.055
    assert distance < limit_of_evidence(1 / information, 0.01)
    looks = [test.is_crossed(distance, 24 / (information * look)) for look in range(1, 25)]
    assert looks[-1]
    assert not any(looks[:12])
    assert PlannedTest(0.01, information).variance_that_decides(distance) == 1 / information
