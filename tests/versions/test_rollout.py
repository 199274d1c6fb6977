"""Rollouts: what is refused, and what becomes of a run by what is seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.judgement.canary import Alpha, Outcome, Verdict
from pharos.judgement.canary import Part as JudgedPart
from pharos.versions.rollout import (
    GateSeen,
    Phase,
    Rollout,
    Run,
    Seen,
    abort_run,
    begin_run,
    go_on,
    judge_stage,
    read_rollout,
    read_run,
    run_document,
)

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "rollouts_refused.yaml").read_text())
SPANS = '{ resource.service.name = "shop" && resource.service.version = "{{.group}}" }'
MINUTE_MS = 60_000
NOTHING = JudgedPart(Outcome.UNDECIDED, None, None, None, None)


def rollout(**more: Any) -> Rollout:
    return read_rollout({"spans": SPANS, "baseline": "1.0", "canary": "1.1", **more}, "shop")


def begun(of: Rollout) -> Run:
    return begin_run(of, 1, None, ("", ""), 0)


def verdict(outcome: Outcome, requests: int = 1_000) -> Verdict:
    latency = NOTHING
    if outcome is not Outcome.UNDECIDED:
        latency = JudgedPart(outcome, 1.25, 1.2, 1.3, 5.0)
    return Verdict(outcome, None, latency, NOTHING, 500, 20.0, requests, requests)


def seen(at_ms: int, outcome: Outcome = Outcome.UNDECIDED, gates: tuple[GateSeen, ...] = ()) -> Seen:
    return Seen(at_ms, verdict(outcome), verdict(outcome), gates)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_bad_rollout_is_refused_by_the_name_of_its_fault(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as caught:
        read_rollout(case["rollout"], "r")
    assert caught.value.kind is Kind.INVALID
    assert case["refused"] in str(caught.value)


def test_a_run_goes_through_its_stages_and_ends() -> None:
    of = rollout(stages=[0, 25, 100])
    run = begun(of)
    weights = []
    for minute in range(1, 4):
        weights.append(run.weight(of))
        settled = Outcome.PASS if 0 < run.weight(of) < 100 else Outcome.UNDECIDED
        look = seen(minute * MINUTE_MS, settled)
        if run.weight(of) in {0, 100}:
            look = replace(look, verdict=None, settled=None)
        run = judge_stage(of, run, look)
    assert weights == [0, 25, 100]
    assert (run.phase, [end.outcome for end in run.ends]) == (Phase.PASSED, ["pass"] * 3)
    assert judge_stage(of, run, seen(9 * MINUTE_MS, Outcome.FAIL)) is run


def test_a_failure_ends_a_run_at_once_with_its_evidence() -> None:
    of = rollout(stages=[25, 100])
    run = judge_stage(of, begun(of), seen(5_000, Outcome.FAIL))
    assert (run.phase, run.ended_ms) == (Phase.FAILED, 5_000)
    assert run.reason == "it is slower by 25.0 % (20.0 % to 30.0 %)"
    assert '"effect":1.25' in run.ends[-1].evidence


@pytest.mark.parametrize(
    ("more", "look"),
    [
        ({}, seen(MINUTE_MS - 1, Outcome.PASS)),
        ({}, seen(MINUTE_MS)),
        ({"least_requests": 1_001}, seen(MINUTE_MS, Outcome.PASS)),
        ({}, seen(MINUTE_MS, Outcome.PASS, (GateSeen("budget", holds=False, answer="no value"),))),
        # What may still come in counts for a failure, not for a pass.
        ({}, Seen(MINUTE_MS, verdict(Outcome.PASS), verdict(Outcome.UNDECIDED))),
    ],
    ids=["too soon", "undecided", "too few requests", "a gate is closed", "not all requests are in"],
)
def test_a_stage_waits_until_all_is_there(more: dict[str, Any], look: Seen) -> None:
    of = rollout(stages=[25, 100], **more)
    run = begun(of)
    assert judge_stage(of, run, look) is run


@pytest.mark.parametrize(
    ("undecided", "phase", "stage"),
    [("wait", Phase.RUNNING, 0), ("pass", Phase.RUNNING, 1), ("fail", Phase.FAILED, 0)],
)
def test_what_stays_undecided_ends_as_the_rollout_says(undecided: str, phase: Phase, stage: int) -> None:
    of = rollout(stages=[25, 100], most_time="10m", undecided=undecided)
    run = judge_stage(of, begun(of), seen(10 * MINUTE_MS))
    assert (run.phase, run.stage) == (phase, stage)


def test_a_stage_that_waits_for_somebody_may_still_fail() -> None:
    of = rollout(stages=[25, 50, 100], advance="manual")
    waiting = judge_stage(of, begun(of), seen(MINUTE_MS, Outcome.PASS))
    assert (waiting.phase, waiting.stage) == (Phase.WAITING, 0)
    assert judge_stage(of, waiting, seen(2 * MINUTE_MS, Outcome.FAIL)).phase is Phase.FAILED
    further = go_on(of, waiting, seen(2 * MINUTE_MS))
    assert (further.phase, further.stage, further.ends[-1].outcome) == (Phase.RUNNING, 1, "pass")


def test_stages_can_be_left_out_and_not_gone_back_to() -> None:
    of = rollout()
    run = go_on(of, begun(of), seen(1_000), of.stages.index(50))
    assert [(end.weight, end.outcome) for end in run.ends] == [
        (0, "skipped"),
        (10, "skipped"),
        (25, "skipped"),
    ]
    with pytest.raises(PharosError, match="at the stage of 50 % already"):
        go_on(of, run, seen(2_000), 1)
    ended = abort_run(of, run, 3_000, "enough")
    assert (ended.phase, ended.reason) == (Phase.ABORTED, "enough")
    with pytest.raises(PharosError, match="is over: aborted"):
        go_on(of, ended, seen(4_000))


def test_a_run_needs_two_versions_and_the_end_of_the_one_before() -> None:
    of = rollout(canary="")
    with pytest.raises(PharosError, match="must be two versions"):
        begin_run(of, 1, None, ("", ""), 0)
    run = begin_run(of, 1, None, ("", "1.2"), 0)
    with pytest.raises(PharosError, match=r"the run of '1\.2' goes on"):
        begin_run(of, 1, run, ("", "1.3"), 0)
    assert begin_run(of, 1, abort_run(of, run, 1, ""), ("1.2", "1.3"), 5).number == 2


def test_all_judged_stages_share_what_may_fail_falsely() -> None:
    assert rollout().alpha == Alpha(0.015 / 4, 0.005 / 4)
    assert rollout(stages=[0, 100]).alpha == Alpha(0.015, 0.005)


def test_a_run_is_kept_and_read_again_as_it_was() -> None:
    of = rollout()
    run = judge_stage(of, go_on(of, begun(of), seen(1_000)), seen(5_000, Outcome.FAIL))
    assert read_run(run_document(run)) == run
