"""The steps of a run, as they are shown and compared with those of other runs.

An engine may expand a step into many, which are known as `step[0]`, `step[1]`, …: what waits for the step
waits for all of these. It may know steps by ids that are made anew for each run: runs are compared by
the names of their steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pharos.runs.events import State
from pharos.runs.state import Part, RunState

Tries = Mapping[int, Part]
_EXPANDED: Final = re.compile(r"(.+)\[[0-9]{1,9}\]\Z", re.ASCII | re.DOTALL)


def expanded_steps(state: RunState) -> dict[str, list[str]]:
    """Return the ids of the steps into which each was expanded, by its own id."""
    found: dict[str, list[str]] = {}
    for step in state.steps:
        # Looked at for each event of a run: nearly no step is one.
        if step.endswith("]") and (matched := _EXPANDED.match(step)):
            found.setdefault(matched[1], []).append(step)
    return found


def shown_steps(state: RunState) -> Mapping[str, Tries]:
    """Return steps with their attempts, without those that are known by what they were expanded into."""
    steps = state.steps
    hidden = {step for step in expanded_steps(state) if step in steps and _is_bare(steps[step])}
    return {step: tries for step, tries in steps.items() if step not in hidden} if hidden else steps


def _is_bare(tries: Tries) -> bool:
    """Return whether nothing is known of a step but that there is one, or that it was skipped."""
    lives = [part.life for part in tries.values()]
    return all(
        life.started_ns is None
        and (life.first_ns is None if life.ended is None else life.ended[2] is State.SKIPPED)
        for life in lives
    )


def newest_steps(state: RunState) -> Iterator[tuple[str, Part]]:
    """Yield each step with the newest attempt at it."""
    for step, tries in shown_steps(state).items():
        yield step, tries[max(tries)]


def newest_told(tries: Tries, name: str, default: Any) -> Any:
    """Return what was told of a step by its newest attempt that tells it."""
    for number in sorted(tries, reverse=True):
        value = tries[number].value(name)
        if value is not None:
            return value
    return default


def awaited_steps(state: RunState) -> dict[str, Sequence[str]]:
    """Return for each step the ids of those that it waits for."""
    steps, expanded = shown_steps(state), expanded_steps(state)
    found: dict[str, Sequence[str]] = {}
    for step, tries in steps.items():
        named: Sequence[str] = newest_told(tries, "depends_on", ())
        found[step] = [
            one for name in named for one in ([name] if name in steps else expanded.get(name, [name]))
        ]
    return found


def step_places(state: RunState) -> dict[str, str]:
    """Return for each step what the same one is called in other runs: its name, and, of several that are
    called so, which it is in the order in which they began."""
    order = sorted(newest_steps(state), key=lambda one: (one[1].life.begin_ns or 0, one[0]))
    found: dict[str, str] = {}
    counts: dict[str, int] = {}
    for step, part in order:
        name: str = part.value("name") or step
        counts[name] = counts.get(name, 0) + 1
        found[step] = name if counts[name] == 1 else f"{name} ({counts[name]})"
    return found
