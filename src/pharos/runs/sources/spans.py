"""Spans that say of which run they are: attributes `workflow.*`, OpenTelemetry's own of CI/CD pipelines, or
`executionId` and `flowId`, as Qflow and AutomatosX have them.

A span with a step is that step of the run; the run's own span is the one that names the workflow, or begins
its trace. Where `executionId` names the run, every other span that has it is a step. Spans come when they are
over, so each says when it began and how it ended; what comes twice is known by the span's id.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import DecodeError
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from pharos.protobuf import message_classes
from pharos.runs.events import EventKind, RunEvent, State, StepRef
from pharos.runs.sources.fields import ERROR_MOST, NAME_MOST, cleaned, cut, edges_of, fit, run_id_of

BODY_MOST_BYTES: Final = 8 << 20
"""Of a larger body of spans nothing is read of runs."""
_MARKS: Final = (b"workflow.run", b"cicd.pipeline.run.id", b"xecution")
"""What the names hold by which a span says its run: those parts of them that are looked for quickest."""
_RUN_ID: Final = ("workflow.run_id", "workflow.run.id", "cicd.pipeline.run.id")
_NAME: Final = ("workflow.name", "cicd.pipeline.name")
_EXECUTION: Final = (
    *("executionId", "execution_id", "execution.id", "flow.execution_id", "workflow.execution_id"),
)
_FLOW: Final = ("flowId", "flow_id", "flow.id", "workflowId", "workflow_id", "workflow.id")
_STEP_ID: Final = ("workflow.step.id", "workflow.step", "workflow.step.name", "cicd.pipeline.task.run.id")
_STEP_NAME: Final = ("workflow.step.name", "workflow.step", "cicd.pipeline.task.name")
_ATTEMPT: Final = ("workflow.step.attempt", "workflow.attempt")
_RESULT: Final = (
    *("workflow.state", "cicd.pipeline.task.run.result", "cicd.pipeline.result"),
    *("workflow.status", "flow.status"),
)
_STATES: Final[Mapping[str, State]] = {
    **{
        one.value: one
        for one in (State.SUCCEEDED, State.FAILED, State.ABORTED, State.TIMED_OUT, State.SKIPPED)
    },
    # OpenTelemetry's semantic conventions, CI/CD: cicd.pipeline.result.
    "success": State.SUCCEEDED,
    "failure": State.FAILED,
    "error": State.FAILED,
    "timeout": State.TIMED_OUT,
    "cancellation": State.ABORTED,
    "skip": State.SKIPPED,
    # Qflow, FlowExecutionMetrics.
    "completed": State.SUCCEEDED,
    "cancelled": State.ABORTED,
}
_ERROR: Final = 2
_NS_MAX: Final = (1 << 63) - 1
# Spans stay the bytes that they are: most of them say nothing of a run, and are not read.
_Request: Final = message_classes(
    "pharos.runs.spans",
    {
        "Scope": {"spans": (2, "*bytes")},
        "Resource": {"resource": (1, "bytes"), "scopes": (2, "*Scope")},
        "Request": {"resources": (1, "*Resource")},
    },
)["Request"]


def bears_runs(body: bytes) -> bool:
    """Return whether an OTLP request of spans may say something of runs; quick, and never wrongly no."""
    return len(body) <= BODY_MOST_BYTES and any(mark in body for mark in _MARKS)


def read_spans(body: bytes) -> list[RunEvent]:
    """Return the events of an OTLP request of spans, in protobuf.

    A body that is none says nothing, nor does a span whose words on runs are no good: spans are taken
    whatever they say.
    """
    if not bears_runs(body):
        return []
    try:
        request = _Request.FromString(body)
        return [event for one in request.resources for event in _of_resource(one)]
    except DecodeError:
        return []


def _of_resource(found: Any) -> Iterator[RunEvent]:
    resource = _values(resource_pb2.Resource.FromString(found.resource).attributes)
    is_run = bool(_text(resource, (*_RUN_ID, *_EXECUTION)))
    spans = []
    for scope in found.scopes:
        for raw in scope.spans:
            if is_run or any(mark in raw for mark in _MARKS):
                span = trace_pb2.Span.FromString(raw)
                spans.append(_Told(span, _values(span.attributes), resource))
    ids = {(one.run_id, one.span.span_id) for one in spans}
    for one in spans:
        # What a run's own span calls may carry the same attributes, and is not the run.
        is_within = one.step is None and (one.run_id, one.span.parent_span_id) in ids
        if one.run_id and not is_within:
            yield from one.events()


@dataclass(slots=True)
class _Told:
    """A span, and what it says of a run."""

    span: Any
    own: Mapping[str, Any]
    resource: Mapping[str, Any]
    run_id: str = field(init=False)
    step: StepRef | None = field(init=False)
    workflow: str = field(init=False)

    def __post_init__(self) -> None:
        self.run_id, self.step, self.workflow = "", None, ""
        if run_id := self._text(_RUN_ID):
            self.run_id, self.workflow = run_id_of(run_id), fit(self._text(_NAME), NAME_MOST)
            self._find_step()
        elif run_id := _text(self.own, _EXECUTION) or (
            "" if self.span.parent_span_id else self._text(_EXECUTION)
        ):
            self.run_id, self.workflow = run_id_of(run_id), fit(self._text(_FLOW), NAME_MOST)
            name = fit(cleaned(self.span.name), NAME_MOST)
            if self.span.parent_span_id:
                self.step = StepRef(self.span.span_id.hex() or name, name)
            else:
                self.workflow = self.workflow or name

    def _find_step(self) -> None:
        step_id = _text(self.own, _STEP_ID)
        if step_id:
            name = _text(self.own, _STEP_NAME) or step_id
            attempt = _number(self.own, _ATTEMPT)
            self.step = StepRef(
                fit(step_id, NAME_MOST),
                fit(name, NAME_MOST),
                int(min(max(attempt or 1.0, 1.0), 1000.0)),
                _names(self.own.get("workflow.step.depends_on")),
            )
        elif self.span.parent_span_id and not _text(self.own, _NAME):
            # Something within the run that is no step of it.
            self.run_id = ""

    def _text(self, names: Sequence[str]) -> str:
        return _text(self.own, names) or _text(self.resource, names)

    def events(self) -> Iterator[RunEvent]:
        """Yield that it began, and how it ended."""
        span = self.span
        known = f"{span.trace_id.hex()}:{span.span_id.hex()}"
        if not 0 < span.start_time_unix_nano <= _NS_MAX:
            return
        common: dict[str, Any] = {
            "run_id": self.run_id,
            "workflow": self.workflow,
            "step": self.step,
            "parent": run_id_of(self._text(("workflow.parent_run_id",))),
            "owner": cut(self._text(("workflow.owner",)), NAME_MOST),
            "version": cut(self._text(("workflow.version", "service.version")), NAME_MOST),
            "engine": "otlp",
            "node": cut(_text(self.resource, ("host.name", "k8s.pod.name")), NAME_MOST),
            # Each step may be another service's: the run's own is where its logs are looked for.
            "service": "" if self.step else cut(_text(self.resource, ("service.name",)), NAME_MOST),
            "trace_id": span.trace_id.hex() if len(span.trace_id) == 16 else "",
            "span_id": span.span_id.hex() if len(span.span_id) == 8 else "",
            "input_size": _number(self.own, ("workflow.input_size",)),
            "cost": _number(self.own, ("workflow.cost",)),
            "cost_unit": cut(_text(self.own, ("workflow.cost_unit",)), 20),
        }
        yield RunEvent(kind=EventKind.START, time_ns=span.start_time_unix_nano, id=f"{known}:start", **common)
        if span.start_time_unix_nano <= span.end_time_unix_nano <= _NS_MAX:
            state = self._state()
            yield RunEvent(
                kind=EventKind.END,
                time_ns=span.end_time_unix_nano,
                id=f"{known}:end",
                state=state,
                error=_error(span) if state in {State.FAILED, State.TIMED_OUT} else "",
                **common,
            )

    def _state(self) -> State:
        said = _STATES.get(_text(self.own, _RESULT).lower())
        if said is State.SKIPPED and self.step is None:
            said = State.ABORTED
        if said is not None:
            return said
        return State.FAILED if self.span.status.code == _ERROR else State.SUCCEEDED


def _error(span: Any) -> str:
    """Return why a span failed: what its status says, or the last exception that it tells of."""
    said = cleaned(span.status.message)
    for event in span.events:
        if event.name == "exception":
            told = _values(event.attributes)
            parts = [_text(told, (f"exception.{name}",)) for name in ("type", "message")]
            said = said or ": ".join(filter(None, parts))
    return cut(said, ERROR_MOST)


def _values(pairs: Any) -> dict[str, Any]:
    """Return attributes: texts, numbers, and lists of texts."""
    found: dict[str, Any] = {}
    for pair in pairs:
        value: common_pb2.AnyValue = pair.value
        kind = value.WhichOneof("value")
        if kind == "array_value":
            found[pair.key] = [one.string_value for one in value.array_value.values]
        elif kind in {"string_value", "int_value", "double_value", "bool_value"}:
            found[pair.key] = getattr(value, kind)
    return found


def _text(values: Mapping[str, Any], names: Sequence[str]) -> str:
    for name in names:
        found = values.get(name)
        if isinstance(found, str) and found:
            return cleaned(found)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return str(found)
    return ""


def _number(values: Mapping[str, Any], names: Sequence[str]) -> float | None:
    for name in names:
        found = values.get(name)
        if isinstance(found, str):
            try:
                found = float(found)
            except ValueError:
                continue
        if isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < math.inf:
            return float(found)
    return None


def _names(value: Any) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    return edges_of(cleaned(part.strip()) for part in parts)
