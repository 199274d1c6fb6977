"""The runs of one tenant that are in memory: those that go on, and those that were over a short while ago."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.runs.events import EventKind, RunEvent, State
from pharos.runs.history import History
from pharos.runs.state import RunState
from pharos.runs.stored import StoredRun
from pharos.runs.tally import Tally
from pharos.runs.view import Summary, judged, past_of, summarize

_NS_IN_MS: Final = 1_000_000
_KEPT_S: Final = 600.0
"""So long after its last event a run that is over stays: what was stored last can be read by then."""
_KEPT_MOST: Final = 2_000
LIVE_MOST: Final = 20_000
"""So many runs of a tenant may go on at once."""
_WORKFLOWS_MOST: Final = 5_000
_STEPS_MOST: Final = 5_000
_TOLD_MOST: Final = 2_000
_PLACED_BACK_MS: Final = 180 * 86_400_000
"""No run lies further back than this from when it was first heard of."""
_LISTED: Final = (
    *("told_state", "is_over", "attempt", "queued_ms", "start_ms", "end_ms", "workflow", "owner", "version"),
    *("engine", "node", "service", "parent", "trace_id", "input_size", "error", "deadline_ms"),
)
"""What of a run that goes on is stored whenever it changes; the rest once it is over."""
_AT_END: Final = ("steps_total", "steps_done", "steps_failed", "cost", "cost_unit", "message", "reason")


class Held(Struct):
    """A run in memory."""

    state: RunState
    placed_ms: int = 0
    """Where it stands in lists."""
    edition: int = 0
    """Of the row that was written last."""
    written: tuple[Any, ...] = ()
    """What that row said of what lists show."""
    written_brief: tuple[Any, ...] | None = None
    """How it stood and when it began, by that row."""
    was_over: bool = False
    """Whether a row was written that says that it is over."""
    is_revised: bool = False
    """Whether the row that was written last came after such a one."""
    touched_s: float = 0.0
    change: int = 0
    """Counts up over the tenant: which change of it was the last of this run."""
    counted: State | None = None
    """How it was counted among those that are over."""
    judged: State | None = None
    """How it stood when it was looked at last."""

    _summary: Summary | None = None

    @property
    def summary(self) -> Summary:
        """How it stands, nothing judged."""
        if self._summary is None:
            self._summary = summarize(self.state, self.placed_ms)
        return self._summary

    def stale(self) -> None:
        """Say that it stands otherwise than was known."""
        self._summary = None

    def brief(self) -> tuple[Any, ...]:
        """Return how it stands and when it began: what events of steps may change of it, too."""
        return self.state.state(), self.state.begin_ns

    def listed(self) -> tuple[Any, ...]:
        """Return what lists show of it."""
        one = self.summary
        found = [getattr(one, name) for name in _LISTED]
        if one.is_over:
            found += [getattr(one, name) for name in _AT_END]
        return (*found, self.state.value("schedule"))


class Book(Struct):
    """The runs of one tenant that are in memory, and what its workflows' past teaches."""

    held: dict[str, Held] = field(default_factory=dict)
    live: dict[str, None] = field(default_factory=dict)
    """Those of them that are not over, as a set in the order in which they came."""
    dormant: dict[str, None] = field(default_factory=dict)
    """Those that are not over and whose events are not read yet, after a start."""
    histories: dict[str, History] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    change: int = 0
    sampled_ms: int = 0
    """Up to when there are series of it."""

    def history(self, workflow: str) -> History:
        """Return what is known of a workflow's past."""
        found = self.histories.get(workflow)
        if found is None:
            if len(self.histories) >= _WORKFLOWS_MOST:
                del self.histories[next(iter(self.histories))]
            found = self.histories[workflow] = History()
        return found

    def put(self, run_id: str, stored: StoredRun, now_s: float) -> Held:
        """Take a run from the store into memory, unless it is there."""
        if run_id in self.held:
            return self.held[run_id]
        held = Held(stored.state, stored.placed_ms, stored.edition, touched_s=now_s)
        held.written = held.listed() if stored.edition else ()
        held.written_brief = held.brief() if stored.edition else None
        held.was_over = stored.was_over
        held.counted = held.summary.told_state if held.summary.is_over else None
        self.held[run_id] = held
        self.dormant.pop(run_id, None)
        self._file(held)
        return held

    def open(self, run_id: str) -> Held:
        """Return a run in memory; a new one where there is none."""
        found = self.held.get(run_id)
        if found is None:
            found = self.held[run_id] = Held(RunState(run_id))
        return found

    def check_room(self, events: Iterable[RunEvent]) -> None:
        """Raise PharosError(LIMITED) where these events would make too much of one run, or too many runs."""
        steps: dict[str, set[tuple[str, int]]] = {}
        told: dict[str, int] = {}
        new: set[str] = set()
        for event in events:
            if event.run_id not in self.held:
                new.add(event.run_id)
            if event.step is not None:
                steps.setdefault(event.run_id, set()).add((event.step.id, event.step.attempt))
            pairs = len(event.attributes) + len(event.resources) + len(event.validation)
            if pairs:
                told[event.run_id] = told.get(event.run_id, 0) + pairs
        if new and len(self.live) + len(self.dormant) + len(new) > LIVE_MOST:
            raise _limited(f"{LIVE_MOST} runs are not over", "end some, or send fewer at once")
        for run_id, named in steps.items():
            held = self.held.get(run_id)
            known = 0 if held is None else sum(map(len, held.state.steps.values()))
            if known + len(named) > _STEPS_MOST and (held is None or _new_steps(held, named)):
                raise _limited(
                    f"the run {run_id[:100]!r} would have more than {_STEPS_MOST} attempts at steps",
                    "make several runs of it, with a parent",
                )
        for run_id, count in told.items():
            held = self.held.get(run_id)
            known = 0 if held is None else len(held.state.told)
            if known > _TOLD_MOST and count:
                raise _limited(
                    f"the run {run_id[:100]!r} has more than {_TOLD_MOST} attributes", "name fewer of them"
                )

    def settle(self, held: Held, now_ms: int, now_s: float, *, quiet: bool) -> bool:
        """Look anew how a run stands after events; return whether a row is to be written.

        Events are `quiet` that only tell that a run goes on, see `is_quiet`.
        """
        quiet = quiet and held.state.run_id in self.live and held.written_brief == held.brief()
        held.stale()
        if not held.placed_ms:
            held.placed_ms = max(held.state.begin_ns // _NS_IN_MS, now_ms - _PLACED_BACK_MS)
        held.touched_s = now_s
        self.change += 1
        held.change = self.change
        if quiet:
            return False
        self._file(held)
        listed = held.listed()
        if listed == held.written:
            return False
        held.written = listed
        held.written_brief = held.brief()
        held.edition += 1
        held.is_revised = held.was_over
        held.was_over = held.was_over or held.summary.is_over
        return True

    def _file(self, held: Held) -> None:
        run_id = held.state.run_id
        if held.summary.is_over:
            self.live.pop(run_id, None)
        else:
            self.live[run_id] = None

    def learn(self, held: Held) -> None:
        """Have the past and the counters know how a run stands, once that is durable."""
        summary = held.summary
        history = self.history(summary.workflow)
        schedule = held.state.value("schedule")
        if schedule is not None:
            history.schedule = schedule
        if summary.start_ms is not None:
            history.begin(held.state.run_id, summary.start_ms)
        past = past_of(summary)
        if past is not None:
            history.add(past)
        elif held.counted is not None:
            history.drop(held.state.run_id)
        ended = summary.told_state if summary.is_over else None
        if ended is not held.counted:
            if ended is not None:
                self.tally.end(summary)
            held.counted = ended

    def forget_old(self, now_s: float) -> None:
        """Let go of runs that have been over for long, and of the oldest where there are many."""
        over = [(held.touched_s, run_id) for run_id, held in self.held.items() if held.summary.is_over]
        over.sort()
        many = len(over) - _KEPT_MOST
        for place, (touched_s, run_id) in enumerate(over):
            if touched_s > now_s - _KEPT_S and place >= many:
                break
            # Never what was stored this moment: the store does not show it yet.
            if touched_s < now_s - _KEPT_S / 20:
                del self.held[run_id]

    def shown(self, held: Held, now_ms: int) -> Summary:
        """Return a run with all that is judged of it by now."""
        return judged(held.summary, self.history(held.summary.workflow), now_ms)

    def live_now(self, now_ms: int) -> Iterator[Summary]:
        """Yield the runs that are not over."""
        for run_id in tuple(self.live):
            yield self.shown(self.held[run_id], now_ms)

    def look(self, run_id: str, now_ms: int) -> Summary | None:
        """Look how a run stands, and return it; it has changed if that is otherwise. None if it is over."""
        held = self.held.get(run_id)
        if held is None or run_id not in self.live:
            return None
        shown = self.shown(held, now_ms)
        if held.judged is not None and held.judged is not shown.state:
            self.change += 1
            held.change = self.change
        held.judged = shown.state
        return shown

    def changed(self, since: int) -> list[Held]:
        """Return the runs that changed after a change, the first of them first."""
        found = [held for held in self.held.values() if held.change > since]
        return sorted(found, key=lambda one: one.change)


def is_quiet(event: RunEvent) -> bool:
    """Return whether an event may tell only how far a run is: of a step, or a sign of life.

    What is more is in it only where the run began or goes on by it, see `Book.settle`.
    """
    if any((event.workflow, event.owner, event.version, event.engine, event.service, event.parent)):
        return False
    if event.schedule is not None:
        return False
    if event.step is not None:
        return True
    if event.kind not in {EventKind.HEARTBEAT, EventKind.PROGRESS}:
        return False
    told = (event.node, event.trace_id, event.error, event.input_size, event.deadline_ns)
    return not any(told)


def _new_steps(held: Held, named: set[tuple[str, int]]) -> bool:
    steps: Mapping[str, Mapping[int, Any]] = held.state.steps
    new = sum(1 for step, attempt in named if attempt not in steps.get(step, {}))
    return sum(map(len, steps.values())) + new > _STEPS_MOST


def _limited(what: str, hint: str) -> PharosError:
    return PharosError(Kind.LIMITED, what, hint=hint, retry_after_s=60.0)
