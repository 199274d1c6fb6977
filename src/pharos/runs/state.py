"""What is known of a run: a join of all its events.

Every piece is either the earliest or the latest of what was told, by the time at which it happened there and,
between equal times, by the event's id. So the result is the same in whatever order events come, however often
one comes, and what is lost leaves a gap of its own alone (`tests/runs/test_state.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import orjson
from msgspec import Struct, field

from pharos.runs.events import LOST, TOLD, EventKind, Layer, RunEvent, State
from pharos.runs.reading import event_json

Stamped: TypeAlias = "tuple[int, int, Any]"
"""When it happened, what decides between equal times, and what was told."""

_TEXTS: Final = (
    *("workflow", "parent", "owner", "version", "engine", "node", "service", "trace_id", "span_id"),
    *("message", "error", "cost_unit"),
)
_VALUES: Final = ("input_size", "progress", "cost", "deadline_ns", "heartbeat_every_ms", "schedule")
_OF_PARTS: Final = frozenset(
    {
        *("node", "trace_id", "span_id", "message", "error", "cost", "cost_unit"),
        *("input_size", "progress", "deadline_ns", "heartbeat_every_ms"),
    }
)
"""What an event of a step tells of the step; all else it tells of the run."""
RESOURCE: Final = "resource."
ATTRIBUTE: Final = "attribute."
_RANKS: Final = {State.PENDING: 0, State.RUNNING: 1, State.PAUSED: 2}
_SILENT: Final = frozenset({EventKind.QUEUE, EventKind.NOTE})
_BEATS: Final = frozenset({EventKind.HEARTBEAT, EventKind.PROGRESS})
_KEYS_MOST: Final = 50_000
"""Of so many events of a run it is known whether they came before; of later ones a repetition counts as new,
and changes nothing."""


def key_of(event: RunEvent) -> int:
    """Return 64 bits that stand for an event: of its id, or of all that it says."""
    named = event.id or orjson.dumps([event_json(event), event.time_ns], option=orjson.OPT_SORT_KEYS).decode()
    return int.from_bytes(blake2b(f"{event.run_id}\0{named}".encode(), digest_size=8).digest(), "big")


class Life(Struct):
    """How far one attempt is, of a run or a step; times in nanoseconds."""

    queued_ns: int | None = None
    started_ns: int | None = None
    """When it was told to begin."""
    first_ns: int | None = None
    """The first sign of it."""
    heard_ns: int = 0
    """The last one."""
    standing: tuple[int, int, int, State] | None = None
    ended: tuple[int, int, State] | None = None

    def take(self, event: RunEvent, key: int) -> None:
        """Join what an event says of it."""
        at_ns, kind = event.time_ns, event.kind
        if kind is EventKind.QUEUE:
            self.queued_ns = at_ns if self.queued_ns is None else min(self.queued_ns, at_ns)
        if kind not in _SILENT:
            self.sign(at_ns)
        if kind is EventKind.START:
            self.started_ns = at_ns if self.started_ns is None else min(self.started_ns, at_ns)
        if kind is EventKind.END:
            ended = (at_ns, key, event.state or State.SUCCEEDED)
            self.ended = ended if self.ended is None else max(self.ended, ended)
        elif kind in TOLD:
            state = TOLD[kind]
            standing = (at_ns, _RANKS[state], key, state)
            self.standing = standing if self.standing is None else max(self.standing, standing)

    def sign(self, at_ns: int) -> None:
        """Join that it gave a sign of life."""
        self.first_ns = at_ns if self.first_ns is None else min(self.first_ns, at_ns)
        self.heard_ns = max(self.heard_ns, at_ns)

    @property
    def begin_ns(self) -> int | None:
        """When it began; the first sign of it where nobody told."""
        return self.first_ns if self.started_ns is None else self.started_ns

    @property
    def end_ns(self) -> int | None:
        """When it was over."""
        return None if self.ended is None else self.ended[0]

    def state(self) -> State:
        """Return how it stands by what was told."""
        if self.ended is not None:
            return self.ended[2]
        if self.standing is None:
            return State.PENDING if self.first_ns is None else State.RUNNING
        told = self.standing[3]
        # One that was queued anew after its last sign waits for somebody to go on with it.
        is_heard = self.first_ns is not None and self.heard_ns >= self.standing[0]
        return State.RUNNING if told is State.PENDING and is_heard else told


class Part(Struct):
    """One attempt at a step."""

    life: Life = field(default_factory=Life)
    told: dict[str, Stamped] = field(default_factory=dict)

    def value(self, name: str, default: Any = None) -> Any:
        """Return the newest that was told by a name."""
        found = self.told.get(name)
        return default if found is None else found[2]


class RunState(Struct):
    """One run."""

    run_id: str
    tries: dict[int, Life] = field(default_factory=dict)
    told: dict[str, Stamped] = field(default_factory=dict)
    steps: dict[str, dict[int, Part]] = field(default_factory=dict)
    layers: dict[str, Stamped] = field(default_factory=dict)
    keys: set[int] = field(default_factory=set)
    """Of the events that it was made of."""
    heard_ns: int = 0
    """The last sign of life, of whatever in it."""
    first_ns: int = 0
    """The time of the earliest event."""
    lost_ns: int = 0
    """Up to then Pharos waited for a sign, in vain."""
    beats: int = 0
    """How many events told only that it goes on: heartbeats and progress."""
    first_beat_ns: int = 0
    last_beat_ns: int = 0

    def take(self, event: RunEvent, key: int | None = None) -> bool:
        """Join an event; return whether it was new."""
        known = key_of(event) if key is None else key
        if known in self.keys:
            return False
        if len(self.keys) < _KEYS_MOST:
            self.keys.add(known)
        at_ns = event.time_ns
        if event.id.startswith(LOST):
            self.lost_ns = max(self.lost_ns, at_ns)
            return True
        self.first_ns = min(self.first_ns or at_ns, at_ns)
        life = self.tries.setdefault(event.attempt, Life())
        if event.kind not in _SILENT:
            self.heard_ns = max(self.heard_ns, at_ns)
        if event.kind in _BEATS:
            self.first_beat_ns = min(self.first_beat_ns or at_ns, at_ns)
            self.last_beat_ns = max(self.last_beat_ns, at_ns)
            self.beats += 1
        stamp = (at_ns, known)
        if event.step is None:
            life.take(event, known)
            _tell(self.told, event, stamp, None)
        else:
            if event.kind not in _SILENT:
                life.sign(at_ns)
            self._take_step(event, stamp)
        for layer in event.validation:
            _put(self.layers, layer.name, stamp, layer)
        return True

    def _take_step(self, event: RunEvent, stamp: tuple[int, int]) -> None:
        step = event.step
        if step is None:
            return
        part = self.steps.setdefault(step.id, {}).setdefault(step.attempt, Part())
        part.life.take(event, stamp[1])
        if step.name:
            _put(part.told, "name", stamp, step.name)
        if step.depends_on:
            _put(part.told, "depends_on", stamp, step.depends_on)
        _tell(part.told, event, stamp, of_part=True)
        _tell(self.told, event, stamp, of_part=False)

    def value(self, name: str, default: Any = None) -> Any:
        """Return the newest that was told of the run by a name."""
        found = self.told.get(name)
        return default if found is None else found[2]

    @property
    def attempt(self) -> int:
        """The newest attempt."""
        return max(self.tries, default=1)

    @property
    def life(self) -> Life:
        """How far the newest attempt is."""
        return self.tries.get(self.attempt) or Life()

    @property
    def begun(self) -> Life:
        """The attempt that the newest one goes on with.

        One that nobody told to begin is the one before it, if that is not over: Prefect counts one more when
        a run goes on after a pause.
        """
        life = self.life
        for attempt in sorted(self.tries, reverse=True)[1:]:
            before = self.tries[attempt]
            if life.started_ns is not None or before.ended is not None:
                break
            life = before
        return life

    @property
    def is_lost(self) -> bool:
        """Whether Pharos gave it up, and nothing was heard since."""
        return self.lost_ns > 0 and self.lost_ns >= self.heard_ns

    def state(self) -> State:
        """Return how it stands by what was told; a run that was given up has timed out."""
        life = self.life
        return State.TIMED_OUT if life.ended is None and self.is_lost else life.state()

    @property
    def is_over(self) -> bool:
        """Whether it is over."""
        return self.life.ended is not None or self.is_lost

    @property
    def end_ns(self) -> int | None:
        """When it was over; of one that was given up, when it was heard last."""
        ended_ns = self.life.end_ns
        return self.heard_ns if ended_ns is None and self.is_lost else ended_ns

    @property
    def begin_ns(self) -> int:
        """When it began, as far as it is known."""
        life = self.begun
        begun = life.begin_ns if life.begin_ns is not None else life.queued_ns
        return self.first_ns if begun is None else begun


def _tell(told: dict[str, Stamped], event: RunEvent, stamp: tuple[int, int], of_part: bool | None) -> None:
    """Join what an event says besides: all of it, or what is (not) of a step alone."""
    for name in _TEXTS:
        text = getattr(event, name)
        if text and (of_part is None or of_part is (name in _OF_PARTS)):
            _put(told, name, stamp, text)
    for name in _VALUES:
        value = getattr(event, name)
        if value is not None and (of_part is None or of_part is (name in _OF_PARTS)):
            _put(told, name, stamp, value)
    if of_part is False:
        return
    if event.inputs:
        _put(told, "inputs", stamp, event.inputs)
    _put_all(told, RESOURCE, stamp, event.resources)
    _put_all(told, ATTRIBUTE, stamp, event.attributes)


def _put_all(
    told: dict[str, Stamped], prefix: str, stamp: tuple[int, int], values: Mapping[str, Any]
) -> None:
    for name, value in values.items():
        _put(told, prefix + name, stamp, value)


def _put(told: dict[str, Stamped], name: str, stamp: tuple[int, int], value: Any) -> None:
    known = told.get(name)
    if known is None or stamp > known[:2]:
        told[name] = (*stamp, value)


def named(told: Mapping[str, Stamped], prefix: str) -> dict[str, Any]:
    """Return what was told under names that begin so, by the rest of the name."""
    return {name[len(prefix) :]: found[2] for name, found in told.items() if name.startswith(prefix)}


def joined(run_id: str, events: Iterable[RunEvent]) -> RunState:
    """Return what is known of a run by these events."""
    state = RunState(run_id)
    for event in events:
        state.take(event)
    return state


def layers_of(state: RunState) -> list[tuple[int, Layer]]:
    """Return what layers of validation found last, and when in nanoseconds, in that order."""
    found = [(one[0], one[2]) for one in state.layers.values()]
    return sorted(found, key=lambda one: (one[0], one[1].name))
