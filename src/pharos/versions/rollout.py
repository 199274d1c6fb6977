"""What a rollout is, how far it is, and what becomes of it by what is seen: functions of values alone.

A rollout says once how two versions of something are told apart; a *run* of it brings one new version out,
stage by stage. A stage passes once the new version is shown not to be slower by a tenth, nothing failed it,
and its gates hold; the stages of 0 and 100 %, at which there is only one version, pass by their gates alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

import orjson
from msgspec import Struct, to_builtins
from msgspec.structs import asdict, replace
from pydantic import Field, model_validator

from pharos.alerting.escalate import Duration
from pharos.alerting.oncall.schedule import Name, Part, read_part
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.judgement.canary import Alpha, Outcome, Verdict
from pharos.versions.measures import QueryText, has_group, metric_query, of_group
from pharos.versions.readings import Requests

LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,99}$")]
STAGES: Final = (0, 10, 25, 50, 75, 100)
WHOLE: Final = 100
_DAY_MS: Final = 86_400_000
_ALPHA: Final = Alpha(latency=0.015, errors=0.005)
"""The most that a good release may be failed at all stages together."""


class Gate(Part):
    """A condition that has to hold for a stage to pass."""

    name: Name
    query: QueryText
    """PromQL that gives at least one value while it holds, such as `slo:error_budget:ratio > 0.2`."""
    stages: tuple[int, ...] = Field(default=(), max_length=20)
    """At which stages, in percent; at all without any."""


class Rollout(Part):
    """How versions are told apart and brought out."""

    spans: QueryText = ""
    """TraceQL's condition on the requests of a version, which `{{.group}}` stands for."""
    latency: QueryText = ""
    """A selector of the buckets of a classic histogram; with `requests` and `errors`, instead of `spans`."""
    requests: QueryText = ""
    errors: QueryText = ""
    baseline: str = Field(default="", max_length=200)
    """The version that runs; a run may say another one."""
    canary: str = Field(default="", max_length=200)
    """The new version. Where a file or a change says another one than before, its run begins."""
    stages: tuple[int, ...] = Field(default=STAGES, min_length=1, max_length=20)
    """How many percent of the requests the new version gets, one after the other."""
    advance: Literal["automatic", "manual"] = "automatic"
    """Whether a stage that passed is followed by the next one at once, or when somebody says so."""
    least_time: Duration = "1m"
    """A stage takes so long at least."""
    least_requests: int = Field(default=100, ge=0, le=1_000_000_000)
    """Of the new version, at each stage at which both run."""
    most_time: Duration = "1h"
    """A stage that is undecided for so long ends as `undecided` says."""
    undecided: Literal["wait", "pass", "fail"] = "wait"
    gates: tuple[Gate, ...] = Field(default=(), max_length=20)
    severity: Name = "critical"
    """Of the alert that it failed."""
    labels: dict[LabelName, str] = Field(default={}, max_length=20)
    """Of its alerts, such as `team: shop`."""
    annotations: dict[LabelName, str] = Field(default={}, max_length=20)
    """Of its alerts, such as `runbook`."""
    description: str = Field(default="", max_length=2000)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.spans) == bool(self.latency or self.requests or self.errors):
            raise ValueError("requests are found by either spans, or latency, requests and errors")
        if self.errors and not (self.requests or self.latency):
            raise ValueError("errors need requests, or the histogram latency, to be compared with")
        for name, text in self.found_by.texts:
            if not has_group(text):
                raise ValueError(f"{name}: {{{{.group}}}} has to stand where the version's name is")
        if (
            list(self.stages) != sorted(set(self.stages))
            or not 0 <= self.stages[0] <= self.stages[-1] <= WHOLE
        ):
            raise ValueError("stages: percentages from 0 to 100, each more than the one before")
        if self.canary and self.canary == self.baseline:
            raise ValueError("baseline and canary are the same version")
        if self.least_time_ms > _DAY_MS * 7 or self.most_time_ms < self.least_time_ms:
            raise ValueError("least_time is a week at most, and not more than most_time")
        return self

    @property
    def found_by(self) -> Requests:
        """Where requests are found."""
        return Requests(self.spans, self.latency, self.requests, self.errors)

    @property
    def least_time_ms(self) -> int:
        """How long a stage takes at least."""
        return parse_duration(self.least_time)

    @property
    def most_time_ms(self) -> int:
        """How long a stage may be undecided."""
        return parse_duration(self.most_time)

    @property
    def alpha(self) -> Alpha:
        """The most that a good release may be failed at one stage: all that are judged have equal shares."""
        judged = max(sum(is_judged(one) for one in self.stages), 1)
        return Alpha(_ALPHA.latency / judged, _ALPHA.errors / judged)

    def gates_at(self, weight: int) -> list[Gate]:
        """Return the gates of a stage."""
        return [one for one in self.gates if not one.stages or weight in one.stages]


def is_judged(weight: int) -> bool:
    """Return whether both versions run at a stage."""
    return 0 < weight < WHOLE


def read_rollout(document: Mapping[str, Any], name: str) -> Rollout:
    """Return a rollout read from JSON. Raises PharosError that names the first field at fault."""
    what = f"rollout {name!r}"
    found = read_part(Rollout, document, what)
    try:
        found.found_by.check()
        for gate in found.gates:
            metric_query(of_group(gate.query, "group"), f"gates.{gate.name}")
    except PharosError as exc:
        raise PharosError(exc.kind, f"{what}: {exc.message}", hint=exc.hint) from exc
    return found


# -- how far it is --


class Phase(StrEnum):
    """How it stands with a run."""

    RUNNING = "running"
    WAITING = "waiting"
    """The stage passed, and somebody has to say that the next one begins."""
    PASSED = "passed"
    FAILED = "failed"
    ABORTED = "aborted"


ENDED: Final = frozenset({Phase.PASSED, Phase.FAILED, Phase.ABORTED})


class StageEnd(Struct, frozen=True):
    """A stage that is over, and what was known at its end."""

    weight: int
    began_ms: int
    ended_ms: int
    outcome: str
    """`pass`, `fail`, `skipped`, `aborted`."""
    evidence: str
    """JSON: the verdict and the gates."""


class Run(Struct, frozen=True):
    """One new version on its way out."""

    number: int
    baseline: str
    canary: str
    phase: Phase
    stage: int
    """Which of the rollout's stages it is at, from 0."""
    began_ms: int
    stage_ms: int
    """When that stage began."""
    ended_ms: int = 0
    reason: str = ""
    """Why it ended, or waits."""
    ends: tuple[StageEnd, ...] = ()
    is_closed: bool = False
    """Whether somebody said that its failure is dealt with."""
    version: int = 0
    """Of the rollout, when the run began."""

    def weight(self, rollout: Rollout) -> int:
        """Return how many percent of the requests the new version gets."""
        return rollout.stages[min(self.stage, len(rollout.stages) - 1)]

    @property
    def is_on(self) -> bool:
        """Whether it goes on."""
        return self.phase not in ENDED


def run_document(run: Run) -> dict[str, Any]:
    """Return a run as it is kept."""
    return {**asdict(run), "phase": run.phase.value, "ends": [asdict(one) for one in run.ends]}


def read_run(document: Mapping[str, Any]) -> Run:
    """Return a run that was kept."""
    ends = tuple(StageEnd(**one) for one in document["ends"])
    return Run(**{**document, "phase": Phase(document["phase"]), "ends": ends})


def begin_run(
    rollout: Rollout, version: int, before: Run | None, versions: tuple[str, str], began_ms: int
) -> Run:
    """Return the beginning of a run of `versions`, baseline and canary; of empty ones the rollout says which.

    `version` is that of the rollout. Raises PharosError: INVALID for versions, CONFLICT while a run goes on.
    """
    baseline, canary = versions[0] or rollout.baseline, versions[1] or rollout.canary
    if not baseline or not canary or baseline == canary:
        raise PharosError(
            Kind.INVALID,
            f"baseline {baseline!r} and canary {canary!r} must be two versions",
            hint="name both in the rollout or when its run begins",
        )
    if before is not None and before.is_on:
        raise PharosError(
            Kind.CONFLICT,
            f"the run of {before.canary!r} goes on",
            hint="end it first",
        )
    number = 1 if before is None else before.number + 1
    return Run(number, baseline, canary, Phase.RUNNING, 0, began_ms, began_ms, version=version)


# -- what becomes of it --


class GateSeen(Struct, frozen=True):
    """Whether a gate holds, and what was answered."""

    name: str
    holds: bool
    answer: str


class Seen(Struct, frozen=True):
    """What is known of a stage at a time."""

    at_ms: int
    verdict: Verdict | None
    """With the newest requests, of which some may be missing; None where only one version runs."""
    settled: Verdict | None
    """Of requests of which none is expected to come any more: by these it passes."""
    gates: tuple[GateSeen, ...] = ()

    def evidence(self) -> str:
        """Return it as JSON."""
        verdict = self.verdict
        told = None if verdict is None else verdict_document(verdict)
        return orjson.dumps({"verdict": told, "gates": [asdict(one) for one in self.gates]}).decode()


def verdict_document(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as JSON has it, and how much more it needs in words."""
    found: dict[str, Any] = to_builtins(verdict)
    found["verdict"] = str(found.pop("outcome"))
    for part in ("latency", "errors"):
        found[part] = {"verdict": str(found[part].pop("outcome")), **found[part]}
    found["needs"] = needs_of(verdict)
    return found


def needs_of(verdict: Verdict) -> str:
    """Return how much more must be seen, in words; empty where it is decided."""
    if verdict.outcome is not Outcome.UNDECIDED:
        return ""
    if verdict.needs_requests is None or verdict.needs_s is None:
        return "requests of both versions"
    return f"{verdict.needs_requests} more requests, about {verdict.needs_s:.0f} s"


def judge_stage(rollout: Rollout, run: Run, seen: Seen) -> Run:
    """Return what becomes of a run by what is seen; the same run where nothing does."""
    if run.phase is not Phase.RUNNING:
        return _failed_while_waiting(rollout, run, seen)
    if seen.verdict is not None and seen.verdict.outcome is Outcome.FAIL:
        return _end(run, rollout, seen, Phase.FAILED, why_failed(seen.verdict))
    took_ms = seen.at_ms - run.stage_ms
    closed = [one for one in seen.gates if not one.holds]
    is_late = took_ms >= rollout.most_time_ms
    if took_ms < rollout.least_time_ms:
        return run
    if not closed and (seen.settled is None or _is_passed(rollout, seen.settled)):
        return pass_stage(rollout, run, seen)
    if not is_late or rollout.undecided == "wait":
        return run
    why = closed_reason(closed) if closed else "it stayed undecided"
    if rollout.undecided == "fail" or closed:
        return _end(run, rollout, seen, Phase.FAILED, f"{why} for {rollout.most_time}")
    return pass_stage(rollout, run, seen)


def _is_passed(rollout: Rollout, settled: Verdict) -> bool:
    # Without latencies nothing shows that it is not slower: enough requests without a failure pass.
    is_shown = settled.outcome is Outcome.PASS or not (rollout.spans or rollout.latency)
    return is_shown and settled.canary_requests >= rollout.least_requests


def _failed_while_waiting(rollout: Rollout, run: Run, seen: Seen) -> Run:
    """Return a run that waits, failed where its failure shows later."""
    is_failed = seen.verdict is not None and seen.verdict.outcome is Outcome.FAIL
    if run.phase is Phase.WAITING and is_failed and seen.verdict is not None:
        return _end(run, rollout, seen, Phase.FAILED, why_failed(seen.verdict))
    return run


def closed_reason(closed: Sequence[GateSeen]) -> str:
    """Return which gates do not hold, in words."""
    return f"closed: {', '.join(one.name for one in closed)}"


def why_failed(verdict: Verdict) -> str:
    """Return why a new version failed, in words."""
    told = []
    latency, errors = verdict.latency, verdict.errors
    if latency.outcome is Outcome.FAIL and latency.effect and latency.low and latency.high:
        ends = f"{_percent(latency.low)} to {_percent(latency.high)}"
        told.append(f"it is slower by {_percent(latency.effect)} ({ends})")
    if errors.outcome is Outcome.FAIL:
        times = "where the other has none" if errors.effect is None else f"{errors.effect:.3g} times as often"
        told.append(f"its requests fail {times}")
    return " and ".join(told)


def _percent(ratio: float) -> str:
    return f"{(ratio - 1.0) * 100.0:.1f} %"


def _end(run: Run, rollout: Rollout, seen: Seen, phase: Phase, reason: str) -> Run:
    outcome = {Phase.FAILED: "fail", Phase.PASSED: "pass"}.get(phase, "aborted")
    ended = StageEnd(run.weight(rollout), run.stage_ms, seen.at_ms, outcome, seen.evidence())
    return replace(run, phase=phase, ended_ms=seen.at_ms, reason=reason, ends=(*run.ends, ended))


def abort_run(rollout: Rollout, run: Run, at_ms: int, reason: str) -> Run:
    """Return a run that somebody ended; one that failed is closed."""
    if not run.is_on:
        return replace(run, is_closed=True)
    return _end(run, rollout, Seen(at_ms, None, None), Phase.ABORTED, reason or "somebody ended it")


def pass_stage(rollout: Rollout, run: Run, seen: Seen) -> Run:
    """Return a run whose stage passed: at the next one, waiting for it, or at its end."""
    if run.stage + 1 >= len(rollout.stages):
        return _end(run, rollout, seen, Phase.PASSED, "all stages passed")
    ended = StageEnd(run.weight(rollout), run.stage_ms, seen.at_ms, "pass", seen.evidence())
    if rollout.advance == "manual":
        return replace(run, phase=Phase.WAITING, reason="the next stage begins when somebody says so")
    return replace(run, stage=run.stage + 1, stage_ms=seen.at_ms, ends=(*run.ends, ended))


def go_on(rollout: Rollout, run: Run, seen: Seen, stage: int | None = None) -> Run:
    """Return a run at its next stage, or at a later one, whatever was seen; stages between are skipped.

    Raises PharosError(CONFLICT) for a run that ended, and for a stage that it is past.
    """
    wanted = run.stage + 1 if stage is None else stage
    if not run.is_on:
        raise PharosError(Kind.CONFLICT, f"the run of {run.canary!r} is over: {run.phase}")
    if wanted <= run.stage and stage is not None:
        raise PharosError(Kind.CONFLICT, f"the run is at the stage of {run.weight(rollout)} % already")
    passed = run.phase is Phase.WAITING
    ended = StageEnd(
        run.weight(rollout), run.stage_ms, seen.at_ms, "pass" if passed else "skipped", seen.evidence()
    )
    ends = [*run.ends, ended]
    if wanted >= len(rollout.stages):
        done = replace(run, phase=Phase.PASSED, ended_ms=seen.at_ms, reason="somebody said so")
        return replace(done, ends=tuple(ends))
    ends += [
        StageEnd(weight, seen.at_ms, seen.at_ms, "skipped", "{}")
        for weight in rollout.stages[run.stage + 1 : wanted]
    ]
    return replace(run, phase=Phase.RUNNING, stage=wanted, stage_ms=seen.at_ms, reason="", ends=tuple(ends))
