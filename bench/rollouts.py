"""How soon a rollout tells a slower version from a good one, and how often it errs: simulated requests."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bench.report import Row, Section
from pharos.judgement.canary import TICK_S, Alpha, Judge, Outcome, Tick
from pharos.versions.rollout import STAGES, Rollout

_SIGMA = 0.8
_SHARED = 0.04
"""Load that both versions share, as a part of the latency."""
_ERRORS = 0.001


@dataclass(frozen=True, slots=True)
class Case:
    """Requests a second of both versions, the new one's share, and how many times slower it is."""

    rps: float
    share: float
    slower: float = 1.0
    seconds: int = 120


@dataclass(frozen=True, slots=True)
class Result:
    """Of many runs: the parts that failed and passed within the time, and the median time of those."""

    failed: float
    passed: float
    median_s: float | None


def alpha() -> Alpha:
    """Return what one stage of a usual rollout may fail falsely."""
    return Rollout(spans='{ resource.service.version = "{{.group}}" }', stages=STAGES).alpha


def measure(case: Case, runs: int, seed: int) -> Result:
    """Judge a stage `runs` times over."""
    chance = np.random.default_rng(seed)
    outcomes = [_run(case, chance) for _ in range(runs)]
    decided = sorted(after_s for _, after_s in outcomes if after_s is not None)
    return Result(
        failed=sum(outcome is Outcome.FAIL for outcome, _ in outcomes) / runs,
        passed=sum(outcome is Outcome.PASS for outcome, _ in outcomes) / runs,
        median_s=decided[len(decided) // 2] if decided else None,
    )


def _run(case: Case, chance: np.random.Generator) -> tuple[Outcome, float | None]:
    judge = Judge(alpha())
    for number in range(case.seconds // TICK_S):
        shared = chance.normal(0, _SHARED)
        canary = _tick(chance, case.rps * case.share, shared + math.log(case.slower))
        judge.add(number, canary, _tick(chance, case.rps * (1 - case.share), shared))
    verdict = judge.verdict()
    return verdict.outcome, verdict.after_s


def _tick(chance: np.random.Generator, rps: float, shift: float) -> Tick:
    requests = int(chance.poisson(rps * TICK_S))
    tick = Tick(requests, int(chance.binomial(requests, _ERRORS)))
    tick.timed = requests - tick.errors
    logarithms = chance.normal(3 + shift, _SIGMA, tick.timed)
    if tick.timed:
        tick.mean = float(logarithms.mean())
        tick.squares = float(((logarithms - tick.mean) ** 2).sum())
    return tick


CASES = (
    Case(100, 0.25, 1.10),
    Case(100, 0.25, 1.25),
    Case(100, 0.10, 1.10, 300),
    Case(100, 0.25),
    Case(100, 0.25, 1.0, 1_800),
)


def section(runs: int) -> Section:
    """Return what `runs` runs of each case come to."""
    found = Section("rollouts", "Rollouts: one of four judged stages, simulated requests")
    for case in CASES:
        result = measure(case, runs, seed=101)
        title = f"latency x{case.slower:g}, {case.share:.0%} of {case.rps:g} requests/s, {case.seconds} s"
        figures = [("failed", "%", 100 * result.failed), ("passed", "%", 100 * result.passed)]
        if result.median_s is not None:
            figures.append(("decided, median", "s", result.median_s))
        found.rows += [
            Row(f"{title}: {name}", unit, {"Pharos": value}, compared=False) for name, unit, value in figures
        ]
    return found
