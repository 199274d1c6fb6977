"""Runs of flows and workflows. Nothing keeps runs yet: the shapes are there, and the lists are empty.

Whoever keeps runs takes this module's place: all that the feed and its REST addresses know of them is asked
of `Flows`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pharos.access import Scope
from pharos.errors import Kind, PharosError

STATUSES: Final = ("running", "paused", "completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Flows:
    """What runs, and what ran."""

    async def executions(self, scope: Scope) -> Sequence[dict[str, Any]]:
        """Return the runs of flows that are under way: FlowExecutionMetrics of the Qflow document each."""
        del scope
        return ()

    async def workflows(
        self, scope: Scope, status: str = "", limit: int = 100
    ) -> tuple[Sequence[dict[str, Any]], int]:
        """Return (the newest runs of workflows, of a status if one is named, how many there are)."""
        del scope, status, limit
        return (), 0

    async def workflow(self, scope: Scope, execution_id: str) -> dict[str, Any]:
        """Return one run with its steps under `steps`. Raises PharosError(MISSING)."""
        del scope
        raise PharosError(Kind.MISSING, f"there is no run {execution_id[:100]!r}")

    async def statistics(self, scope: Scope) -> dict[str, Any]:
        """Return how many runs there are, and how they ended."""
        del scope
        counts = dict.fromkeys(("total", "running", "completed", "failed"), 0)
        return {**counts, "successRate": None, "averageDuration": None}
