"""How single runs ended and how long they took, for comparisons of two groups of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.access import Scope
from pharos.engine import Session
from pharos.engine.sql import select_from
from pharos.runs.asked import Asked
from pharos.runs.events import State
from pharos.runs.stored import rows_over

_JUDGED: Final = frozenset({State.SUCCEEDED, State.FAILED, State.TIMED_OUT})
"""What somebody aborts neither succeeded nor failed by itself."""


class Ended(Struct, frozen=True):
    """A run that succeeded or failed."""

    is_failed: bool
    lasted_ms: int | None
    """None where its start or its end is not known."""


def outcomes(session: Session, scope: Scope, asked: Asked, most: int) -> Sequence[Ended]:
    """Return how the newest runs that are asked about ended, in the order in which they began."""
    judged = replace(asked, states=asked.states & _JUDGED if asked.states else _JUDGED)
    rows = rows_over(scope, "placed, run, state, start_ms, end_ms", judged.conditions())
    newest = select_from(rows, "state, start_ms, end_ms", tail="ORDER BY placed DESC, run DESC", limit=most)
    found = session.query(newest, purpose="runs_outcomes").to_pylist()
    return [_ended(row["state"], row["start_ms"], row["end_ms"]) for row in reversed(found)]


def _ended(state: str, start_ms: int, end_ms: int) -> Ended:
    lasted = end_ms - start_ms if 0 < start_ms <= end_ms else None
    return Ended(state != State.SUCCEEDED.value, lasted)
