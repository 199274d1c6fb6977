"""What is asked about runs: which ones, and from where a page goes on."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from pharos.engine.sql import (
    Condition,
    among,
    among_texts,
    before_place,
    either,
    equal,
    mentions,
    within_ms,
)
from pharos.runs.events import OVER, State
from pharos.runs.view import Summary

LIVE_STATES: Final = (State.PENDING, State.RUNNING, State.PAUSED, State.LATE, State.STUCK)
_EQUAL: Final = ("owner", "version", "node", "engine", "parent")
_SEARCHED: Final = ("run", "workflow", "owner", "error")


class Place(Struct, frozen=True):
    """Where a run stands in a list, the newest of which comes first."""

    placed_ms: int
    run_id: str


class Asked(Struct, frozen=True):
    """Which runs are asked about; what is empty asks for nothing. Times in milliseconds, the end excluded."""

    start_ms: int
    end_ms: int
    workflows: tuple[str, ...] = ()
    states: frozenset[State] = frozenset()
    owner: str = ""
    version: str = ""
    node: str = ""
    engine: str = ""
    parent: str = ""
    text: str = ""
    """That the id, workflow, owner or error holds, in small or large letters."""

    @property
    def wants_over(self) -> bool:
        """Whether runs that are over are among them."""
        return not self.states or bool(self.states & set(OVER))

    @property
    def wants_live(self) -> bool:
        """Whether runs that are not over are among them."""
        return not self.states or bool(self.states & set(LIVE_STATES))

    def has(self, one: Summary) -> bool:
        """Return whether a run is among them."""
        return (
            self.start_ms <= one.placed_ms < self.end_ms
            and (not self.workflows or one.workflow in self.workflows)
            and (not self.states or one.state in self.states)
            and all(not (wanted := getattr(self, name)) or getattr(one, name) == wanted for name in _EQUAL)
            and self._mentions(one)
        )

    def _mentions(self, one: Summary) -> bool:
        if not self.text:
            return True
        text = self.text.lower()
        return any(text in found.lower() for found in (one.run_id, one.workflow, one.owner, one.error))

    def conditions(self, after: Place | None = None) -> list[Condition]:
        """Return what stored rows of runs that are over must meet."""
        found = [within_ms("placed", self.start_ms, self.end_ms), among("is_over", [1])]
        if after is not None:
            found.append(before_place("placed", "run", after.placed_ms, after.run_id))
        if self.workflows:
            found.append(among_texts("workflow", self.workflows))
        if self.states:
            found.append(among_texts("state", [one.value for one in self.states]))
        found += [equal(column, value) for column in _EQUAL if (value := getattr(self, column))]
        if self.text:
            found.append(either(mentions(column, self.text) for column in _SEARCHED))
        return found
