"""Runs of two groups as ticks that the tests of requests take: portions of both, in the order of their begin.

Runs of two versions hardly ever begin together, and often the one follows the other: by the clock nothing
could be paired, and load that both share is none. So each look takes an equal part of both groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pharos.judgement.canary import Tick
from pharos.runs.outcomes import Ended

_MOST_LOOKS: Final = 60
_LEAST_RUNS: Final = 5
"""Of the smaller group at each look."""


def ticks_of(baseline: Sequence[Ended], canary: Sequence[Ended]) -> tuple[dict[int, Tick], dict[int, Tick]]:
    """Return the ticks of both groups, numbered alike."""
    fewer = min(len(baseline), len(canary))
    looks = min(max(fewer // _LEAST_RUNS, 1), _MOST_LOOKS)
    return _portions(baseline, looks), _portions(canary, looks)


def _portions(runs: Sequence[Ended], looks: int) -> dict[int, Tick]:
    found: dict[int, Tick] = {}
    for place, one in enumerate(runs):
        tick = found.setdefault(place * looks // len(runs), Tick())
        if one.is_failed or one.lasted_ms is not None:
            # What ended in the millisecond in which it began took a part of one.
            tick.add(max(one.lasted_ms or 0, 0.5), is_error=one.is_failed)
        else:
            tick.requests += 1
    return found
