"""What happens to runs, as values: an event tells of one run, or of one attempt at a step of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

Attribute: TypeAlias = "str | int | float | bool"


class EventKind(StrEnum):
    """What happened."""

    QUEUE = "queue"
    """It waits to be started."""
    START = "start"
    PROGRESS = "progress"
    """How far it is; a sign of life, too."""
    HEARTBEAT = "heartbeat"
    """A sign of life."""
    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    """It is over, as `state` says."""
    NOTE = "note"
    """Only what it says besides; no state changes."""


class State(StrEnum):
    """How a run or a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    ABORTED = "aborted"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    """Of a step alone."""
    LATE = "late"
    """Judged: it takes longer than its history or its deadline lets expect."""
    STUCK = "stuck"
    """Judged: it gave no sign of life for too long."""
    UNKNOWN = "unknown"
    """Of a step alone: its run is over, and nobody told of its end."""


OVER: Final = (State.SUCCEEDED, State.FAILED, State.ABORTED, State.TIMED_OUT)
"""How a run ends."""
STEP_OVER: Final = (*OVER, State.SKIPPED)
"""How a step ends."""
TOLD: Final = {
    EventKind.QUEUE: State.PENDING,
    EventKind.START: State.RUNNING,
    EventKind.PAUSE: State.PAUSED,
    EventKind.RESUME: State.RUNNING,
}
"""The state that an event begins, where it is not over then."""
OURS: Final = "pharos:"
"""What ids of events begin with that Pharos makes by itself."""
LOST: Final = f"{OURS}lost:"
"""What the id of an event begins with that says: nothing was heard of the run up to then."""


class StepRef(Struct, frozen=True):
    """One attempt at a step of a run."""

    id: str
    name: str = ""
    """How it is shown; empty for its id."""
    attempt: int = 1
    depends_on: tuple[str, ...] = ()
    """Ids of the steps that it waits for."""


class Layer(Struct, frozen=True):
    """What one layer of a validation pipeline found."""

    name: str
    success: bool
    duration_ms: float | None = None
    cache_hit: bool | None = None


class Schedule(Struct, frozen=True):
    """When a workflow's runs begin: every so often, or by five fields of cron."""

    every_ms: int = 0
    cron: str = ""
    timezone: str = ""
    """Of `cron`, by its IANA name; UTC where it is empty."""


class RunEvent(Struct, frozen=True):
    """One event. Of what it says beside what happened, the newest that is given counts.

    Times are in nanoseconds since 1970.
    """

    run_id: str
    kind: EventKind
    time_ns: int
    id: str = ""
    """Of the event, by which a repetition is known; empty for one that is made of its contents."""
    workflow: str = ""
    state: State | None = None
    """With `END`: how."""
    attempt: int = 1
    """Of the run: a higher one opens a run again that was over."""
    step: StepRef | None = None
    parent: str = ""
    """The run that started this one."""
    owner: str = ""
    version: str = ""
    engine: str = ""
    """Which workflow engine told it, in small letters."""
    node: str = ""
    service: str = ""
    """The `service.name` of its spans and logs."""
    trace_id: str = ""
    span_id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    input_size: float | None = None
    """Of what its duration depends on, in a unit of the sender's."""
    progress: float | None = None
    """A ratio."""
    message: str = ""
    error: str = ""
    cost: float | None = None
    """So far, all in all."""
    cost_unit: str = ""
    resources: Mapping[str, float] = field(default_factory=dict)
    validation: tuple[Layer, ...] = ()
    deadline_ns: int | None = None
    heartbeat_every_ms: int | None = None
    schedule: Schedule | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
