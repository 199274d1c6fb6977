"""What was accepted of the past is awaited before a question about it is answered, whatever it asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pharos.access import Scope
from pharos.engine.changes import Changes

ARRIVAL_WAIT_S: Final = 5.0
"""The longest that a question waits for what was accepted of the past to be stored."""
LACKING: Final = (
    "samples, lines or spans of this time were accepted and are not stored yet: the answer may lack them"
)
"""What an answer warns of when that was not long enough."""


async def arrived(
    changes: Changes, scope: Scope, spans: Sequence[tuple[int, int]], wait_s: float = ARRIVAL_WAIT_S
) -> bool:
    """Wait for what was accepted of the past in these times, so that who loads history finds it.

    Times are in milliseconds, both ends included. Return whether all of it is stored by now: a store that is
    that slow is not waited for.
    """
    if not spans:
        return True
    least, most = min(first for first, _ in spans), max(last for _, last in spans)
    return await changes.arrivals.until_stored(scope.tenants, least, most, wait_s)
