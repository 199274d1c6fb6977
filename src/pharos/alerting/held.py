"""Why somebody is not told of an alert, by name: each reason has its source, which the timeline keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol

from msgspec import Struct

from pharos.alert import Alert
from pharos.labels import Labels
from pharos.state import Unit


class Why(StrEnum):
    """What holds a page back."""

    SILENCED = "silenced"
    INHIBITED = "inhibited"
    MUTED = "muted"
    """It is a time at which the route is silent."""
    INACTIVE = "inactive"
    """It is none of the times at which the route speaks."""
    MAINTENANCE = "maintenance"
    DEPENDENCY = "dependency"
    """Something that it depends on has failed."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody looks after it: it is not repeated."""


class Held(Struct, frozen=True):
    """That a page is held back."""

    why: Why
    source: str
    """The silence's id, the fingerprint of the alert that inhibits, the name of an interval or a window."""
    by: str = ""
    """Who made it so."""
    until_ms: int = 0
    """Until when, where that is known."""
    alert: Labels = ()
    """The labels of the alert that does, where one does: its fingerprint tells people nothing."""

    def shown(self) -> dict[str, Any]:
        """Return it as the timeline tells of it."""
        found: dict[str, Any] = {"reason": self.why.value, "source": self.source}
        if self.by:
            found["by"] = self.by
        if self.until_ms:
            found["until_ms"] = self.until_ms
        if self.alert:
            found["alert"] = dict(self.alert)
        return found


class Muter(Protocol):
    """Something else that holds pages back: maintenance windows, dependencies."""

    def held(self, tenant: str, alert: Alert, receiver: str, now_ms: int) -> Held | None:
        """Return what holds an alert back from a receiver; None for nothing. It must not wait."""
        ...


class Acknowledged(Protocol):
    """Who knows which alerts somebody looks after."""

    def __call__(self, unit: Unit, tenant: str, fingerprints: Sequence[str], /) -> Mapping[str, Held]:
        """Return what holds repeats back, for those of the alerts that are acknowledged now."""
        ...


def nobody(unit: Unit, tenant: str, fingerprints: Sequence[str], /) -> Mapping[str, Held]:  # noqa: ARG001
    """Return that nobody looks after anything."""
    return {}
