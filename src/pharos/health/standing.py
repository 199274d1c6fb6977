"""How a check stands, and what a look makes of that: one failure is none yet, and who depends on what is down
is not blamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.health.check import AnyCheck
from pharos.health.looking import Outcome

_REASON_MOST: Final = 1000
NOT_YET: Final = "not looked at yet"


class State(StrEnum):
    """How something is."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Standing(Struct, frozen=True):
    """How a check stands."""

    state: State = State.UNKNOWN
    since_ms: int = 0
    reason: str = NOT_YET
    """Why it is not up; of one that is up, why the last looks failed that do not count yet."""
    because: str = ""
    """Of one that is unknown: the check that it depends on, and that fails."""
    failures: int = 0
    """In a row, up to now."""
    successes: int = 0
    last_ms: int = 0
    """When it was looked at; 0 for never."""

    @property
    def is_failing(self) -> bool:
        """Whether it is down, or seems to be."""
        return self.state is State.DOWN or self.failures > 0

    def document(self) -> dict[str, Any]:
        """Return it as it is kept."""
        return {
            "state": self.state.value,
            "since_ms": self.since_ms,
            "reason": self.reason,
            "because": self.because,
            "failures": self.failures,
            "successes": self.successes,
            "last_ms": self.last_ms,
        }


def read_standing(document: Mapping[str, Any]) -> Standing:
    """Return how a check stood, of what was kept; as if never looked at where that cannot be read."""
    try:
        return Standing(
            State(document["state"]),
            int(document["since_ms"]),
            str(document["reason"]),
            str(document["because"]),
            int(document["failures"]),
            int(document["successes"]),
            int(document["last_ms"]),
        )
    except (KeyError, ValueError, TypeError):
        return Standing()


def after(before: Standing, outcome: Outcome, check: AnyCheck, parent: str) -> Standing:
    """Return how a check stands after a look; `parent` is one that it depends on and that fails, if any."""
    looked = replace(before, last_ms=outcome.at_ms)
    if outcome.is_unknown:
        return _in(looked, State.UNKNOWN, outcome, failures=0, successes=0)
    if outcome.is_good:
        successes = before.successes + 1
        # What was never down has nothing to recover from.
        is_up = before.state is not State.DOWN or successes >= check.recover_after
        if is_up:
            return _in(looked, State.UP, outcome, failures=0, successes=successes)
        return replace(looked, failures=0, successes=successes)
    if parent:
        told = replace(outcome, reason=f"unknown because of {parent}: {outcome.reason}")
        return _in(looked, State.UNKNOWN, told, failures=0, successes=0, because=parent)
    failures = before.failures + 1
    if before.state is State.DOWN or failures >= check.fail_after:
        return _in(looked, State.DOWN, outcome, failures=failures, successes=0)
    return replace(looked, failures=failures, successes=0, reason=outcome.reason[:_REASON_MOST])


def _in(
    before: Standing, state: State, outcome: Outcome, *, failures: int, successes: int, because: str = ""
) -> Standing:
    since_ms = before.since_ms if state is before.state else outcome.at_ms
    reason = outcome.reason[:_REASON_MOST]
    return Standing(state, since_ms, reason, because, failures, successes, before.last_ms)
