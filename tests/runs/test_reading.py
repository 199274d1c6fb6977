"""Events are read strictly: each fault is told by the name of its field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from pharos.errors import Kind, PharosError
from pharos.gotext.times import parse_rfc3339
from pharos.runs.automatosx import workflow_events
from pharos.runs.events import EventKind, RunEvent, Schedule, State
from pharos.runs.qflow import execution_events, validation_events
from pharos.runs.reading import EVENTS_MOST, read_call, read_event, read_events
from pharos.runs.schedule import check_schedule, next_ms

_CASES = Path(__file__).parent / "cases"
_NOW = 1_796_000_000_000 * 1_000_000
_MS = 1_000_000
REFUSED: list[dict[str, Any]] = yaml.safe_load((_CASES / "refused.yaml").read_text())
CRON: dict[str, list[dict[str, Any]]] = yaml.safe_load((_CASES / "cron.yaml").read_text())


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: str(case["say"]))
def test_a_bad_field_is_named(case: dict[str, Any]) -> None:
    good = {"run_id": "r", "kind": "start", "workflow": "w"}
    assert read_event(good, _NOW) == RunEvent("r", EventKind.START, _NOW, workflow="w")
    with pytest.raises(PharosError) as raised:
        read_event({**good, **case["say"]}, _NOW)
    assert raised.value.kind is Kind.INVALID
    assert case["says"] in str(raised.value)


def test_a_body_is_one_event_a_list_or_lines() -> None:
    one, end = {"run_id": "r", "kind": "start"}, {"run_id": "r", "kind": "end"}
    wanted = [RunEvent("r", EventKind.START, _NOW), RunEvent("r", EventKind.END, _NOW, state=State.SUCCEEDED)]
    assert read_events(orjson.dumps({"events": [one, end]}), _NOW) == wanted
    assert read_events(orjson.dumps([one, end]), _NOW) == wanted
    assert read_events(orjson.dumps(one), _NOW) == wanted[:1]
    assert read_events(orjson.dumps(one) + b"\n\n" + orjson.dumps(end), _NOW, by_line=True) == wanted


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "the body is no JSON"),
        (b"5", "events: must be a list"),
        (b'{"events": [{"run_id": "r", "kind": "start"}, 7]}', "events[1]: must be an object"),
        (b'{"events": [], "more": 1}', "there is no field 'more' beside events"),
    ],
)
def test_a_bad_body_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(PharosError) as raised:
        read_events(body, _NOW)
    assert says in str(raised.value)


def test_too_many_events_are_refused() -> None:
    with pytest.raises(PharosError) as raised:
        read_events(orjson.dumps([{}] * (EVENTS_MOST + 1)), _NOW)
    assert raised.value.kind is Kind.TOO_LARGE


def test_a_clock_that_is_ahead_is_held_back() -> None:
    event = read_event({"run_id": "r", "kind": "start", "time_ms": _NOW // _MS + 86_400_000}, _NOW)
    assert event.time_ns == _NOW + 600 * 10**9


@pytest.mark.parametrize(
    ("call", "step", "kind", "state"),
    [
        ("step", {"id": "x"}, EventKind.START, None),
        ("step", {"id": "x", "state": "pending"}, EventKind.QUEUE, None),
        ("step", {"id": "x", "state": "skipped"}, EventKind.END, State.SKIPPED),
        ("end", None, EventKind.END, State.SUCCEEDED),
        ("heartbeat", None, EventKind.HEARTBEAT, None),
    ],
)
def test_a_call_says_one_thing(
    call: str, step: dict[str, Any] | None, kind: EventKind, state: State | None
) -> None:
    found = read_call({"run_id": "r", **({"step": step} if step else {})}, call, _NOW)
    assert (found.kind, found.state) == (kind, state)


def test_a_start_without_an_id_gets_one() -> None:
    assert read_call({"workflow": "w"}, "start", _NOW, "made").run_id == "made"
    with pytest.raises(PharosError, match=r"body\.run_id: is missing"):
        read_call({"workflow": "w"}, "end", _NOW)


@pytest.mark.parametrize("case", CRON["due"], ids=lambda case: f"{case['cron']} {case['after']}")
def test_cron_says_when_the_next_run_is_due(case: dict[str, Any]) -> None:
    after_ms = parse_rfc3339(case["after"]).ns // _MS
    found = next_ms(Schedule(cron=case["cron"], timezone=case.get("timezone", "")), after_ms)
    assert found == (None if case["next"] is None else parse_rfc3339(case["next"]).ns // _MS)


@pytest.mark.parametrize("case", CRON["refused"], ids=lambda case: case["cron"])
def test_bad_cron_is_refused_by_its_field(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as raised:
        check_schedule(Schedule(cron=case["cron"] or " "), "schedule")
    assert case["says"] in str(raised.value)


def test_an_execution_of_qflow_is_a_run() -> None:
    metrics = {
        "flowId": "user-onboarding",
        "executionId": "exec-123",
        "startTime": _NOW // _MS - 5000,
        "endTime": _NOW // _MS,
        "duration": 5000,
        "stepCount": 10,
        "completedSteps": 10,
        "failedSteps": 0,
        "status": "completed",
        "nodeId": "node-1",
        "resourceUsage": {"cpu": 0.3, "memory": 0.4, "network": 0.1},
    }
    begun, ended = execution_events(metrics, _NOW)
    assert (begun.kind, begun.time_ns, begun.workflow) == (
        EventKind.START,
        _NOW - 5_000 * _MS,
        "user-onboarding",
    )
    assert (ended.kind, ended.state, ended.node) == (EventKind.END, State.SUCCEEDED, "node-1")
    assert ended.resources == {"cpu": 0.3, "memory": 0.4, "network": 0.1}
    assert ended.progress == 1.0
    goes_on = execution_events({**metrics, "status": "running", "completedSteps": 4}, _NOW)[1]
    assert (goes_on.kind, goes_on.progress) == (EventKind.PROGRESS, 0.4)


def test_a_validation_of_qflow_is_a_run_or_belongs_to_one() -> None:
    metrics: dict[str, Any] = {
        "operationId": "val-456",
        "totalDuration": 150,
        "layerMetrics": {
            "qlock": {"duration": 30, "success": True, "cacheHit": True},
            "qonsent": {"duration": 50, "success": False, "cacheHit": False},
        },
        "overallSuccess": False,
        "cacheHitRate": 0.5,
    }
    begun, ended = validation_events(metrics, _NOW)
    assert (begun.time_ns, ended.time_ns) == (_NOW - 150 * _MS, _NOW)
    assert (ended.state, ended.error) == (State.FAILED, "these layers failed: qonsent")
    assert [(one.name, one.success, one.duration_ms, one.cache_hit) for one in ended.validation] == [
        ("qlock", True, 30, True),
        ("qonsent", False, 50, False),
    ]
    (note,) = validation_events({**metrics, "executionId": "exec-123"}, _NOW)
    assert (note.run_id, note.kind, len(note.validation)) == ("exec-123", EventKind.NOTE, 2)


def test_events_of_automatosx_are_events_of_a_run_and_its_steps() -> None:
    told = [
        {"type": "workflow.started", "executionId": "e1", "workflowId": "w"},
        {"type": "step.started", "executionId": "e1", "stepId": "s", "stepName": "Fetch"},
        {"type": "workflow.step.failed", "executionId": "e1", "stepId": "s", "error": {"message": "no"}},
        {"type": "workflow.progress", "executionId": "e1", "totalSteps": 4, "completedSteps": 1},
        {"type": "workflow.failed", "executionId": "e1", "error": "no", "metadata": {"team": "data"}},
    ]
    found = workflow_events({"events": told}, _NOW)
    assert [one.kind.value for one in found] == ["start", "start", "end", "progress", "end"]
    assert [one.step is not None for one in found] == [False, True, True, False, False]
    assert (found[2].error, found[3].progress, found[4].state) == ("no", 0.25, State.FAILED)
    assert found[4].attributes == {"team": "data"}


@pytest.mark.parametrize(
    ("read", "body", "says"),
    [
        (execution_events, {"status": "completed"}, "body.executionId: is missing"),
        (execution_events, [{"executionId": "e", "status": "done"}], "[0].status: must be one of completed"),
        (execution_events, {"executionId": "e", "startTime": "x"}, "body.startTime: must be a time"),
        (execution_events, {"executionId": "e", "resourceUsage": {"cpu": "x"}}, "resourceUsage.cpu"),
        (validation_events, {"operationId": "v", "layerMetrics": []}, "body.layerMetrics: must be an object"),
        (workflow_events, {"type": "workflow.began", "executionId": "e"}, "body.type: must be one of"),
        (workflow_events, {"type": "step.started", "executionId": "e"}, "body.stepId: is missing"),
        (workflow_events, 5, "the body: must be an object or a list"),
    ],
)
def test_a_bad_document_of_others_is_refused_by_its_field(read: Any, body: Any, says: str) -> None:
    with pytest.raises(PharosError) as raised:
        read(body, _NOW)
    assert raised.value.kind is Kind.INVALID
    assert says in str(raised.value)
