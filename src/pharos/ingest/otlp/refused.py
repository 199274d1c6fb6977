"""What of a request is refused while the rest is stored: data points, by reason."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct, field


class RefusedError(Exception):
    """A metric or a data point cannot be kept; the message says why. It takes only itself with it."""


class Reason(StrEnum):
    """Why data points are refused; the names are those of pharos_ingest_rejected_samples_total."""

    FUTURE = "future"
    OLD = "old"
    TEMPORALITY = "temporality"
    INVALID = "invalid_series"


_TEXTS: Final = {
    Reason.FUTURE: "lie more than 10 minutes in the future",
    Reason.OLD: "are older than the store keeps",
    Reason.TEMPORALITY: "have no cumulative temporality",
    Reason.INVALID: "are invalid",
}
_QUOTED_MAX: Final = 200


class Refused(Struct):
    """Data points that were refused, by reason, and what was wrong with the first of each."""

    counts: dict[Reason, int] = field(default_factory=dict)
    firsts: dict[Reason, str] = field(default_factory=dict)

    def note(self, reason: Reason, count: int, first: object) -> None:
        """Note that `count` points were refused; `first` says which metric, or what was wrong."""
        if count:
            self.counts[reason] = self.counts.get(reason, 0) + count
            self.firsts.setdefault(reason, str(first)[:_QUOTED_MAX])

    @property
    def total(self) -> int:
        """How many data points were refused."""
        return sum(self.counts.values())

    def text(self) -> str:
        """Return a sentence, empty if nothing was refused."""
        return "; ".join(
            f"{count} data points {_TEXTS[reason]}, the first: {self.firsts[reason]}"
            for reason, count in self.counts.items()
        )
