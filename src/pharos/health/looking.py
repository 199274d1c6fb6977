"""What a look at something finds, and what looks are made with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from msgspec import Struct, field

from pharos.access import Scope
from pharos.clock import Clock
from pharos.labels import Labels
from pharos.outbound import Outbound

Ask: TypeAlias = Callable[[str, Scope, str], Awaitable[Sequence[tuple[Labels, float]]]]
"""Answers a query of a language (`promql`, `logql`) with its series and values now; raises PharosError."""


_REASON_MOST: Final = 1000


class Found(Struct, frozen=True):
    """What a look found."""

    faults: Sequence[str] = ()
    """What is not as it must be; nothing where all is well."""
    facts: Mapping[str, float] = field(default_factory=dict)
    """What was measured beside it, by what series of it are called."""


class Outcome(Struct, frozen=True):
    """What came of a check at one time."""

    at_ms: int
    duration_s: float
    reason: str = ""
    """Why it failed; empty where it did not."""
    facts: Mapping[str, float] = field(default_factory=dict)
    is_unknown: bool = False
    """It could not be found out: nothing was heard yet, or what is asked is not there."""

    @property
    def is_good(self) -> bool:
        """Whether all was as it must be."""
        return not self.reason and not self.is_unknown

    def document(self) -> dict[str, Any]:
        """Return it as it is kept: people's state holds whole numbers."""
        return {
            "at_ms": self.at_ms,
            "duration_us": round(self.duration_s * 1e6),
            "reason": self.reason[:_REASON_MOST],
            "facts": {name: repr(float(value)) for name, value in self.facts.items()},
            "is_unknown": self.is_unknown,
        }

    @property
    def word(self) -> str:
        """What came of it: `up`, `down` or `unknown`."""
        return "unknown" if self.is_unknown else "down" if self.reason else "up"


def read_outcome(document: Mapping[str, Any]) -> Outcome | None:
    """Return what came of a check, of what was kept; None where that cannot be read."""
    try:
        return Outcome(
            int(document["at_ms"]),
            int(document["duration_us"]) / 1e6,
            str(document["reason"]),
            {str(name): float(value) for name, value in document["facts"].items()},
            bool(document["is_unknown"]),
        )
    except (KeyError, ValueError, TypeError, AttributeError):
        return None


class Means(Struct, frozen=True):
    """What looks are made with."""

    outbound: Outbound
    clock: Clock
    ask: Ask
    certificates: dict[tuple[str, int], tuple[float, float | None]] = field(default_factory=dict)
    """By address: when its certificate was looked at, and when that ends, in seconds since the epoch."""
