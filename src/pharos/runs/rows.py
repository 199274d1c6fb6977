"""Runs as the log and the store have them: a frame of events and of how their runs stand, rows of two tables.

What a run became is written in the same frame as the events that made it so. So both are there or neither is,
and a frame that is decoded again after a crash gives the same rows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson
from msgspec import Struct, field
from numpy.typing import NDArray

from pharos.engine import Engine, native
from pharos.engine.changes import Changes
from pharos.engine.native import Column
from pharos.errors import Kind, PharosError
from pharos.ingest import frames
from pharos.ingest.signals import Plain
from pharos.runs.events import RunEvent
from pharos.runs.reading import event_json, schedule_json
from pharos.runs.state import RunState
from pharos.runs.steps import newest_steps, step_places
from pharos.runs.view import Summary, step_state
from pharos.telemetry import INGEST_EVENTS, INGEST_EVENTS_REJECTED

_TIME: Final = "DateTime64(9, 'UTC')"
_TIME_MS: Final = "DateTime64(3, 'UTC')"
_NS_IN_S: Final = 10**9
_EVENT_COLUMNS: Final = 5
_ROW_BYTES: Final = 400
_STEPS_KEPT: Final = 1_000
"""Of so many steps of a run it is kept with it how long they took."""
_TEXTS: Final = (
    *("run", "workflow", "state", "owner", "version", "engine", "node", "service", "parent", "trace_id"),
    *("cost_unit", "reason", "message", "error", "schedule"),
)
_INTS: Final = (
    *("queued_ms", "start_ms", "end_ms", "heard_ms", "deadline_ms"),
    *("attempt", "steps_total", "steps_done", "steps_failed"),
)
_UINT32: Final = frozenset({"attempt", "steps_total", "steps_done", "steps_failed"})
_FLOATS: Final = ("input_size", "cost")
_FIELDS: Final = ("placed", "edition", "is_over", "revised", *_TEXTS, *_INTS, *_FLOATS, "step_ids", "step_ms")
_PLACED: Final = _FIELDS.index("placed")
_RUN: Final = _FIELDS.index("run")
COLUMNS: Final = ", ".join(
    ("toUnixTimestamp64Milli(placed) AS placed_ms", "edition", "is_over", *_TEXTS, *_INTS, *_FLOATS)
)
"""What is read of a run's row for a list."""


def event_row(event: RunEvent, key: int) -> list[Any]:
    """Return an event as a frame has it."""
    said = orjson.dumps(event_json(event)).decode()
    return [event.run_id, event.time_ns, key, event.kind.value, said]


def run_row(summary: Summary, state: RunState, edition: int, *, revised: bool) -> list[Any]:
    """Return how a run stands as a frame has it; `revised` where a row said before that it is over."""
    schedule = state.value("schedule")
    said: dict[str, Any] = {
        "placed": summary.placed_ms,
        "edition": edition,
        "is_over": int(summary.is_over),
        "revised": int(revised),
        "run": summary.run_id,
        "state": summary.told_state.value,
        "schedule": "" if schedule is None else orjson.dumps(schedule_json(schedule)).decode(),
        "heard_ms": summary.last_heard_ms or 0,
        "step_ids": [],
        "step_ms": [],
    }
    if summary.is_over:
        took = _steps_took(state)
        said["step_ids"], said["step_ms"] = list(took), list(took.values())
    return [said[name] if name in said else _plain(name, summary) for name in _FIELDS]


def _plain(name: str, summary: Summary) -> Any:
    value = getattr(summary, name)
    return 0 if value is None and name in _INTS else value


def _steps_took(state: RunState) -> dict[str, int]:
    """Return by step how many milliseconds its newest attempt took, where it succeeded."""
    places = step_places(state)
    found: dict[str, int] = {}
    for step, part in newest_steps(state):
        begin_ns, end_ns = part.life.begin_ns, part.life.end_ns
        if begin_ns is None or end_ns is None or step_state(state, part) != "succeeded":
            continue
        found[places[step]] = max(end_ns - begin_ns, 0) // 1_000_000
        if len(found) >= _STEPS_KEPT:
            break
    return found


def frame_of(events: Sequence[list[Any]], runs: Sequence[list[Any]]) -> bytes:
    """Return a frame in its plain form."""
    return orjson.dumps({"events": events, "runs": runs})


class RunsTaken(Struct, frozen=True):
    """What became of a frame of runs; see `Receipt`."""

    points: int
    kept: tuple[int, Plain] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing is to be stored."""
        return not self.points

    @property
    def is_cut(self) -> bool:
        """Nothing is: what limits refuse is refused whole."""
        return False

    def count(self, source: str, refused: Mapping[str, int]) -> None:
        """Count what was taken and what was refused; see `Receipt.count`."""
        INGEST_EVENTS.labels("runs", source).inc(self.points)
        for reason, count in refused.items():
            INGEST_EVENTS_REJECTED.labels("runs", reason).inc(count)


class _Frame(Struct):
    """What one frame holds."""

    tenant: str
    received_s: int
    events: list[list[Any]]
    runs: list[list[Any]]
    size: int


class RunsBatch(Struct):
    """Frames of one segment; see `Batch`."""

    frames: list[_Frame] = field(default_factory=list)
    _bytes: dict[str, int] = field(default_factory=dict)

    def add(self, frame: _Frame) -> None:
        """Add a frame."""
        self.frames.append(frame)
        self._bytes[frame.tenant] = self._bytes.get(frame.tenant, 0) + frame.size

    def undo(self) -> None:
        """Take the frame that was added last out again."""
        frame = self.frames.pop()
        self._bytes[frame.tenant] -= frame.size

    def memory_bytes(self, tenant: str | None = None) -> int:
        """Return roughly what it holds in memory, of all tenants or of one; from any thread."""
        if tenant is not None:
            return self._bytes.get(tenant, 0)
        return sum(tuple(self._bytes.values()))

    def last_span_ms(self) -> tuple[int, int] | None:
        """Return None: nobody waits for runs to be stored, what goes on is in memory."""
        return None

    def insert(self, engine: Engine, token: str) -> None:
        """Store it durably, once; events first, so that no run is listed that has none."""
        events = [(one, row) for one in self.frames for row in one.events]
        if events:
            engine.load("run_events", len(events), _event_columns(events), token=token)
        # Of a run that changed often within a segment only the last row counts.
        newest = {
            (one.tenant, row[_PLACED], row[_RUN]): (one, row) for one in self.frames for row in one.runs
        }
        rows = list(newest.values())
        if rows:
            engine.load("runs", len(rows), _run_columns(rows), token=token)

    def note(self, changes: Changes) -> None:
        """Say nothing: what is kept in memory of runs is told by who records them."""

    def give_back(self) -> None:
        """Let go of the frames."""
        self.frames.clear()


def _event_columns(rows: Sequence[tuple[_Frame, list[Any]]]) -> list[Column]:
    return [
        native.string_values("tenant", [frame.tenant for frame, _ in rows]),
        native.string_values("run", [row[0] for _, row in rows]),
        native.numbers("ts", np.array([row[1] for _, row in rows], np.int64), _TIME),
        native.numbers("event", np.array([row[2] for _, row in rows], np.uint64)),
        _received(rows),
        native.string_values("kind", [row[3] for _, row in rows]),
        native.string_values("said", [row[4] for _, row in rows]),
    ]


def _received(rows: Sequence[tuple[_Frame, list[Any]]]) -> Column:
    times = np.array([frame.received_s for frame, _ in rows], np.uint32)
    return native.numbers("received", times, "DateTime('UTC')")


def _run_columns(rows: Sequence[tuple[_Frame, list[Any]]]) -> list[Column]:
    of = {name: [row[place] for _, row in rows] for place, name in enumerate(_FIELDS)}
    ends = np.cumsum([len(one) for one in of["step_ids"]], dtype=np.uint64)
    ids = b"".join(native.text(step) for steps in of["step_ids"] for step in steps)
    took = np.array([time for times in of["step_ms"] for time in times], np.int64)
    return [
        native.string_values("tenant", [frame.tenant for frame, _ in rows]),
        native.numbers("placed", np.array(of["placed"], np.int64), _TIME_MS),
        native.numbers("edition", np.array(of["edition"], np.uint64)),
        _received(rows),
        native.numbers("is_over", np.array(of["is_over"], np.uint8)),
        native.numbers("revised", np.array(of["revised"], np.uint8)),
        *(native.string_values(name, of[name]) for name in _TEXTS),
        *(native.numbers(name, _ints(name, of[name])) for name in _INTS),
        *(native.numbers(name, _floats(of[name])) for name in _FLOATS),
        native.listed("step_ids", "String", ends, [ids]),
        native.arrays("step_ms", ends, took),
    ]


def _ints(name: str, values: Sequence[int]) -> NDArray[Any]:
    return np.array(values, np.uint32 if name in _UINT32 else np.int64)


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], np.float64)


class RunSignal:
    """Events of runs, and how their runs stand; see `Signal`."""

    def unpack(self, kind: int, payload: Plain) -> Plain:
        """Return the plain form of a frame."""
        del kind
        return frames.unpack(payload)

    def begin(self) -> RunsBatch:
        """Return an empty batch."""
        return RunsBatch()

    def decode(self, into: RunsBatch, tenant: str, plain: Plain, recv_ns: int) -> RunsTaken:
        """Add a frame in its plain form; see `Signal.decode`."""
        try:
            found = orjson.loads(plain)
            events, runs = found["events"], found["runs"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as exc:
            raise PharosError(Kind.INVALID, f"no frame of runs: {exc}") from exc
        if any(len(one) != _EVENT_COLUMNS for one in events) or any(len(one) != len(_FIELDS) for one in runs):
            raise PharosError(Kind.INVALID, "a frame of runs of another version")
        size = 2 * len(plain) + _ROW_BYTES * (len(events) + len(runs))
        into.add(_Frame(tenant, recv_ns // _NS_IN_S, events, runs, size))
        return RunsTaken(len(events))

    def undo(self, batch: RunsBatch) -> None:
        """Take the frame that was decoded last out again."""
        batch.undo()

    def forget(self) -> None:
        """Forget nothing: nothing was seen."""

    def forget_tenant(self, tenant: str) -> None:
        """Forget nothing of a tenant."""

    def active(self) -> Mapping[str, int]:
        """Return nothing: there are no series."""
        return {}

    def fresh(self) -> RunSignal:
        """Return another one."""
        return RunSignal()
