"""`/api/v1/rollouts`: new versions brought out stage by stage, for people and for what moves the traffic."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Final

import orjson
from msgspec import Struct
from msgspec.structs import replace
from pydantic import BeforeValidator, ConfigDict, Field
from starlette.requests import Request

from pharos.api.alerting.answers import CONFIGURE, VIEW, author_of, read_ms, tenant_of
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.state import State, Unit, Writing, documents
from pharos.state.documents import Defined
from pharos.versions.rolling import Kept, Rollouts, drop_rollout, find_kept, keep_run, list_kept
from pharos.versions.rollout import (
    GateSeen,
    Phase,
    Rollout,
    Run,
    Seen,
    StageEnd,
    abort_run,
    begin_run,
    go_on,
    read_rollout,
    read_run,
    verdict_document,
)

_BASE: Final = "/api/v1/rollouts"
_ONE: Final = f"{_BASE}/{{rollout}}"
_PAST_MS: Final = 86_400_000
"""So long ago a run may have begun that is told of now."""
_MOST_RUNS: Final = 50
_MOST_VERSIONS: Final = 1_000


def _number(value: Any) -> Any:
    """Return a number that is written as text, as templates of Argo write it."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class RolloutBody(Body):
    """What a rollout is, and why it is so."""

    rollout: dict[str, Any] = Field(max_length=30)
    version: int | None = None
    reason: str = Field(default="", max_length=2000)


class RolloutStartBody(Body):
    """Which new version is brought out, against which; those that the rollout names without it."""

    baseline: str = Field(default="", max_length=200)
    canary: str = Field(default="", max_length=200)
    since: str = Field(default="", max_length=40)
    """When its requests began, within the last day; now without it."""
    reason: str = Field(default="", max_length=2000)


class RolloutReasonBody(Body):
    """Why."""

    reason: str = Field(default="", max_length=2000)


class RolloutJudgeBody(Body):
    """How many percent of the requests the new version gets by now."""

    weight: Annotated[int | None, BeforeValidator(_number)] = Field(default=None, ge=0, le=100)
    canary: str = Field(default="", max_length=200)
    """The version that it must be about, if one is named."""
    decided: bool = False
    """Whether only `pass` and `fail` are answers: before there is one, it is 409."""


class RolloutHookBody(Body):
    """What Flagger sends; nothing of it is needed."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    name: str = ""
    namespace: str = ""
    phase: str = ""


class RolloutPartShape(Shape):
    """Latency or errors: 1.1 is a tenth more."""

    verdict: str
    effect: float | None
    low: float | None
    high: float | None
    after_s: float | None


class RolloutVerdictShape(Shape):
    """What is known of a stage."""

    verdict: str
    after_s: float | None
    latency: RolloutPartShape
    errors: RolloutPartShape
    needs: str
    needs_requests: int | None
    needs_s: float | None
    baseline_requests: int
    canary_requests: int


class RolloutGateShape(Shape):
    """Whether a gate holds."""

    name: str
    holds: bool
    answer: str


class RolloutStageShape(Shape):
    """A stage that is over."""

    weight: int
    began: str
    ended: str
    outcome: str
    verdict: RolloutVerdictShape | None
    gates: list[RolloutGateShape]


class RolloutRunShape(Shape):
    """One new version on its way out."""

    number: int
    baseline: str
    canary: str
    phase: str
    """`running`, `waiting`, `passed`, `failed` or `aborted`."""
    weight: int
    began: str
    stage_began: str
    ended: str | None
    reason: str
    is_closed: bool
    stages: list[RolloutStageShape]


class RolloutShape(Shape):
    """A rollout, its newest run, and what is known of its stage now."""

    name: str
    version: int
    by: str
    stages: list[int]
    rollout: dict[str, Any]
    run: RolloutRunShape | None
    verdict: RolloutVerdictShape | None
    gates: list[RolloutGateShape]
    seen: str | None
    history: list[RolloutRunShape]
    """Runs before, the newest first; of one rollout alone."""


class RolloutJudgedShape(Shape):
    """What something that moves traffic needs to know."""

    rollout: str
    canary: str
    verdict: str
    """`pass` once this stage, or all, passed; `fail` once it failed or was ended; else `undecided`."""
    phase: str
    weight: int
    score: float
    """100, 0, or 50 while it is undecided."""
    needs: str
    reason: str


class RolloutsApi(Struct, frozen=True):
    """Keeps rollouts, and says how they stand."""

    native: Native
    state: State
    rollouts: Rollouts

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make(f"GET {_BASE}", VIEW, self.list_rollouts, list[RolloutShape])
        yield make(f"GET {_ONE}", VIEW, self.show_rollout, RolloutShape)
        yield make(f"PUT {_ONE}", CONFIGURE, self.put_rollout, RolloutShape, RolloutBody)
        yield make(f"DELETE {_ONE}", CONFIGURE, self.drop_rollout, RolloutShape)
        yield make(f"POST {_ONE}/start", CONFIGURE, self.start_rollout, RolloutShape, RolloutStartBody)
        yield make(f"POST {_ONE}/advance", CONFIGURE, self.advance_rollout, RolloutShape, RolloutReasonBody)
        yield make(f"POST {_ONE}/end", CONFIGURE, self.end_rollout, RolloutShape, RolloutReasonBody)
        yield make(f"GET {_ONE}/verdict", VIEW, self.rollout_verdict, RolloutJudgedShape)
        yield make(f"POST {_ONE}/judge", CONFIGURE, self.judge_rollout, RolloutJudgedShape, RolloutJudgeBody)
        yield make(f"POST {_ONE}/hooks/rollout", VIEW, self.hook_rollout, RolloutJudgedShape, RolloutHookBody)
        yield make(
            f"POST {_ONE}/hooks/rollback", VIEW, self.hook_rollback, RolloutJudgedShape, RolloutHookBody
        )
        for name in ("confirm-traffic-increase", "confirm-promotion"):
            found = make(
                f"POST {_ONE}/hooks/{name}", CONFIGURE, self.hook_confirm, RolloutJudgedShape, RolloutHookBody
            )
            yield found if name == "confirm-promotion" else _named(found, "hook_confirm_traffic_increase")

    async def list_rollouts(self, request: Request) -> list[dict[str, Any]]:
        """Return the tenant's rollouts, by name."""
        tenant = tenant_of(request)
        found = await self.state.read(lambda unit: list_kept(unit, tenant))
        return [self._shown(one) for one in found]

    async def show_rollout(self, request: Request) -> dict[str, Any]:
        """Return a rollout, with its runs before."""
        tenant, name = tenant_of(request), request.path_params["rollout"]

        def read(unit: Unit) -> tuple[Kept, list[Run]]:
            return find_kept(unit, tenant, name), _history(unit, tenant, name)

        one, runs = await self.state.read(read)
        past = [_run(one.rollout, run) for run in runs if one.run is None or run.number != one.run.number]
        return {**self._shown(one), "history": past}

    async def put_rollout(self, request: Request, body: RolloutBody) -> dict[str, Any]:
        """Define a rollout; a run begins where it names another new version than before."""
        tenant, name = tenant_of(request), request.path_params["rollout"]
        found = read_rollout(body.rollout, name)
        scope_of(request).check("traces.view" if found.spans else "metrics.view")

        def write(unit: Writing) -> Kept:
            kind = Defined.ROLLOUT
            documents.put_document(unit, tenant, kind, name, body.rollout, expected=body.version)
            return find_kept(unit, tenant, name)

        one = await self.state.write(write, author_of(request, body.reason))
        self.rollouts.changed.set()
        return self._shown(one)

    async def drop_rollout(self, request: Request) -> dict[str, Any]:
        """Take a rollout away, with its run."""
        tenant, name = tenant_of(request), request.path_params["rollout"]

        def write(unit: Writing) -> Kept:
            one = find_kept(unit, tenant, name)
            drop_rollout(unit, tenant, name)
            return one

        one = await self.state.write(write, author_of(request))
        self.rollouts.changed.set()
        return self._shown(one)

    async def start_rollout(self, request: Request, body: RolloutStartBody) -> dict[str, Any]:
        """Begin a run."""
        now_ms = self.rollouts.clock.now_ms()
        began_ms = read_ms(body.since, "since") if body.since else now_ms
        if not 0 <= now_ms - began_ms <= _PAST_MS:
            raise PharosError(Kind.INVALID, "since: a time within the last day")

        def change(one: Kept, _: Seen) -> Run:
            versions = (body.baseline.strip(), body.canary.strip())
            return begin_run(one.rollout, one.version.version, one.run, versions, began_ms)

        return self._shown(await self._change(request, change, body.reason))

    async def advance_rollout(self, request: Request, body: RolloutReasonBody) -> dict[str, Any]:
        """Begin the next stage, whether the present one passed or not."""

        def change(one: Kept, seen: Seen) -> Run:
            return go_on(one.rollout, _run_of(one), seen)

        return self._shown(await self._change(request, change, body.reason))

    async def end_rollout(self, request: Request, body: RolloutReasonBody) -> dict[str, Any]:
        """End a run; of one that failed it is said that that is dealt with, so that its alert ends."""

        def change(one: Kept, seen: Seen) -> Run:
            return abort_run(one.rollout, _run_of(one), seen.at_ms, body.reason)

        return self._shown(await self._change(request, change, body.reason))

    async def rollout_verdict(self, request: Request) -> dict[str, Any]:
        """Return whether the stage that a run is at passed."""
        return self._judged(await self._kept(request))

    async def judge_rollout(self, request: Request, body: RolloutJudgeBody) -> dict[str, Any]:
        """Say how many percent the new version gets, and return whether that stage passed.

        The stage of that weight begins, if the run is before it.
        """
        found = await self._judged_at(request, body)
        return _open(found, is_open=found["verdict"] != "undecided") if body.decided else found

    async def _judged_at(self, request: Request, body: RolloutJudgeBody) -> dict[str, Any]:
        one = await self._kept(request)
        run = _run_of(one)
        if body.canary and run.canary != body.canary:
            raise PharosError(
                Kind.CONFLICT,
                f"the run is of {run.canary!r}, not of {body.canary!r}",
                hint="begin one: POST .../start",
            )
        weight = body.weight
        if weight is None or not run.is_on or weight <= run.weight(one.rollout):
            return self._judged(one, weight)
        if weight not in one.rollout.stages:
            stages = ", ".join(map(str, one.rollout.stages))
            raise PharosError(Kind.INVALID, f"weight: {weight} is no stage, there are {stages}")

        def change(kept: Kept, seen: Seen) -> Run:
            return go_on(kept.rollout, _run_of(kept), seen, kept.rollout.stages.index(weight))

        return self._judged(await self._change(request, change, f"the traffic is at {weight} %"), weight)

    async def hook_rollout(self, request: Request, _: RolloutHookBody) -> dict[str, Any]:
        """Answer 200 unless the run failed: a hook of Flagger's type `rollout`."""
        found = self._judged(await self._kept(request))
        return _open(found, is_open=found["verdict"] != "fail")

    async def hook_rollback(self, request: Request, _: RolloutHookBody) -> dict[str, Any]:
        """Answer 200 once the run failed: a hook of Flagger's type `rollback`."""
        found = self._judged(await self._kept(request))
        return _open(found, is_open=found["verdict"] == "fail")

    async def hook_confirm(self, request: Request, _: RolloutHookBody) -> dict[str, Any]:
        """Answer 200 once the stage passed, at which the next one begins: hooks of Flagger's types
        `confirm-traffic-increase` and `confirm-promotion`."""
        found = self._judged(await self._kept(request))
        _open(found, is_open=found["verdict"] == "pass")

        def change(one: Kept, seen: Seen) -> Run:
            run = _run_of(one)
            return go_on(one.rollout, run, seen) if run.phase is Phase.WAITING else run

        if found["phase"] == Phase.WAITING:
            await self._change(request, change, "")
        return found

    # -- inside --

    async def _kept(self, request: Request) -> Kept:
        tenant, name = tenant_of(request), request.path_params["rollout"]
        return await self.state.read(lambda unit: find_kept(unit, tenant, name))

    async def _change(self, request: Request, change: Callable[[Kept, Seen], Run], reason: str) -> Kept:
        tenant, name = tenant_of(request), request.path_params["rollout"]
        seen = self.rollouts.seen.get((tenant, name)) or Seen(0, None, None)
        now_ms = self.rollouts.clock.now_ms()
        seen = Seen(now_ms, seen.verdict, seen.settled, seen.gates)

        def write(unit: Writing) -> Kept:
            one = find_kept(unit, tenant, name)
            keep_run(unit, one, change(one, seen))
            return find_kept(unit, tenant, name)

        one = await self.state.write(write, author_of(request, reason))
        self.rollouts.seen.pop((tenant, name), None)
        self.rollouts.changed.set()
        return one

    def _shown(self, one: Kept) -> dict[str, Any]:
        seen = self._seen(one)
        verdict = None if seen is None or seen.verdict is None else verdict_document(seen.verdict)
        return {
            "name": one.name,
            "version": one.version.version,
            "by": one.version.who_name,
            "stages": list(one.rollout.stages),
            "rollout": dict(one.version.document or {}),
            "run": None if one.run is None else _run(one.rollout, one.run),
            "verdict": verdict,
            "gates": [] if seen is None else [_gate(gate) for gate in seen.gates],
            "seen": None if seen is None else format_time_ms(seen.at_ms),
            "history": [],
        }

    def _seen(self, one: Kept) -> Seen | None:
        is_on = one.run is not None and one.run.is_on
        return self.rollouts.seen.get((one.tenant, one.name)) if is_on else None

    def _judged(self, one: Kept, weight: int | None = None) -> dict[str, Any]:
        run, seen = _run_of(one), self._seen(one)
        verdict = _outcome(one.rollout, run, weight)
        live = None if seen is None else seen.verdict
        return {
            "rollout": one.name,
            "canary": run.canary,
            "verdict": verdict,
            "phase": run.phase.value,
            "weight": run.weight(one.rollout),
            "score": {"pass": 100.0, "fail": 0.0}.get(verdict, 50.0),
            "needs": "" if live is None or verdict != "undecided" else verdict_document(live)["needs"],
            "reason": run.reason,
        }


def _outcome(rollout: Rollout, run: Run, weight: int | None) -> str:
    if run.phase in {Phase.FAILED, Phase.ABORTED}:
        return "fail"
    if run.phase in {Phase.PASSED, Phase.WAITING}:
        return "pass"
    is_behind = weight is not None and any(end.weight == weight and end.outcome == "pass" for end in run.ends)
    return "pass" if is_behind and weight != run.weight(rollout) else "undecided"


def _open(found: dict[str, Any], *, is_open: bool) -> dict[str, Any]:
    """Return what was found, where that is good news. Raises PharosError(CONFLICT) where it is not."""
    if not is_open:
        why = found["reason"] or found["needs"] or found["phase"]
        raise PharosError(
            Kind.CONFLICT, f"{found['rollout']}: {found['canary']} is {found['verdict']}: {why}"
        )
    return found


def _named(operation: Operation, name: str) -> Operation:
    return replace(operation, name=name, summary=name.replace("_", " ").capitalize())


def _run_of(one: Kept) -> Run:
    if one.run is None:
        raise PharosError(
            Kind.CONFLICT, f"no run of the rollout {one.name!r} has begun", hint="POST .../start begins one"
        )
    return one.run


def _history(unit: Unit, tenant: str, name: str) -> list[Run]:
    """Return how each run was at last, the newest first."""
    kind = Defined.ROLLOUT_RUN
    if documents.find_document(unit, tenant, kind, name) is None:
        return []
    found: dict[int, Run] = {}
    for version in documents.versions_of(unit, tenant, kind, name, _MOST_VERSIONS):
        if version.document is not None:
            run = read_run(version.document)
            found.setdefault(run.number, run)
    return list(found.values())[:_MOST_RUNS]


def _run(rollout: Rollout, run: Run) -> dict[str, Any]:
    return {
        "number": run.number,
        "baseline": run.baseline,
        "canary": run.canary,
        "phase": run.phase.value,
        "weight": run.weight(rollout),
        "began": format_time_ms(run.began_ms),
        "stage_began": format_time_ms(run.stage_ms),
        "ended": format_time_ms(run.ended_ms) if run.ended_ms else None,
        "reason": run.reason,
        "is_closed": run.is_closed,
        "stages": [_stage(end) for end in run.ends],
    }


def _stage(end: StageEnd) -> dict[str, Any]:
    evidence: Mapping[str, Any] = orjson.loads(end.evidence or b"{}")
    return {
        "weight": end.weight,
        "began": format_time_ms(end.began_ms),
        "ended": format_time_ms(end.ended_ms),
        "outcome": end.outcome,
        "verdict": evidence.get("verdict"),
        "gates": list(evidence.get("gates", [])),
    }


def _gate(gate: GateSeen) -> dict[str, Any]:
    return {"name": gate.name, "holds": gate.holds, "answer": gate.answer}
