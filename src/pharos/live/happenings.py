"""What happens to alerts, told at once: the timeline followed, by whoever writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec import Struct

from pharos.alert import ALERT_NAME, SEVERITY
from pharos.errors import PharosError
from pharos.state import Family, State
from pharos.state.acknowledgements import SAID_OVER
from pharos.state.timeline import Entry, Step, last_steps, newest_number, since, steps_since

_BATCH: Final = 500
_AGAIN_S: Final = 1.0
_MOST_TOLD_AGAIN: Final = 1_000
_TYPES: Final[Mapping[Step, str]] = {
    Step.FIRING: "alert_triggered",
    Step.RESOLVED: "alert_resolved",
    Step.ACKNOWLEDGED: "alert_acknowledged",
    Step.UNACKNOWLEDGED: "alert_unacknowledged",
}
_STATES: Final[Mapping[Step, str]] = {
    Step.FIRING: "firing",
    Step.RESOLVED: "resolved",
    Step.ACKNOWLEDGED: "acknowledged",
    Step.UNACKNOWLEDGED: "firing",
}
TOLD_STEPS: Final = tuple(_TYPES)
"""The steps of an alert that are told as messages of their own."""
NO_SEVERITY: Final = "none"
"""Of alerts whose labels name none."""


class Happening(Struct, frozen=True):
    """A step of an alert as it is told."""

    type: str
    """Of the message."""
    alert: Mapping[str, Any]
    severity: str
    labels: Mapping[str, str]


def is_said_over(entry: Entry) -> bool:
    """Return whether somebody says by a step that an alert is over, whatever its rule finds."""
    return entry.step is Step.ACKNOWLEDGED and entry.detail.get("by") == SAID_OVER


def happening_of(entry: Entry, known: Mapping[str, Any] | None = None) -> Happening | None:
    """Return how a step is told, None for one that is not; `known` is the alert's own first step, of one that
    does not hold its labels."""
    step = Step.RESOLVED if is_said_over(entry) else entry.step
    kind = _TYPES.get(step)
    if kind is None:
        return None
    detail: Mapping[str, Any] = (
        entry.detail if "labels" in entry.detail else {**(known or {}), **entry.detail}
    )
    labels = _texts(detail.get("labels"))
    alert = shown_alert(entry.fingerprint, labels, _texts(detail.get("annotations")), _STATES[step])
    alert |= {"value": str(detail.get("value", "")), "at": entry.at_ms}
    if entry.step in {Step.ACKNOWLEDGED, Step.UNACKNOWLEDGED} or "by" in entry.detail:
        alert["by"] = str(entry.detail.get("name") or entry.detail.get("by") or "")
    return Happening(kind, alert, alert["severity"], labels)


def shown_alert(
    fingerprint: str, labels: Mapping[str, str], annotations: Mapping[str, str], state: str
) -> dict[str, Any]:
    """Return an alert as it is told: with the rule that it is of, and what people read of it."""
    name = labels.get(ALERT_NAME, "")
    text = next(
        (annotations[key] for key in ("description", "message", "summary") if annotations.get(key)), ""
    )
    return {
        "id": fingerprint,
        "ruleId": labels.get("condition") or name,
        "name": name,
        "severity": labels.get(SEVERITY) or NO_SEVERITY,
        "message": text or name,
        "state": state,
        "labels": dict(labels),
    }


def step_shown(entry: Entry) -> dict[str, Any]:
    """Return any step as streams of events tell it."""
    return {
        "step": entry.step.value,
        "at": entry.at_ms,
        "alertId": entry.fingerprint,
        "groupKey": entry.group_key,
        "detail": dict(entry.detail),
    }


def _texts(found: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


Tell = Callable[[Sequence[Entry]], Awaitable[None]]


class Timeline:
    """Follows the timeline of all tenants, and hands on each step once."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._changed = asyncio.Event()
        self.place: int | None = None
        """The number of the last step that was handed on."""

    def note(self, families: frozenset[Family], loop: asyncio.AbstractEventLoop) -> None:
        """Hear what changed, on a thread of the state's."""
        if Family.TIMELINE in families and not loop.is_closed():
            loop.call_soon_threadsafe(self._changed.set)

    async def begin(self) -> int:
        """Begin behind what there is, and return its number. Raises PharosError(UNAVAILABLE)."""
        self.place = await self._state.read(newest_number)
        return self.place

    async def run(self, tell: Tell, begun: Callable[[int], None]) -> None:
        """Follow until cancelled; `begun` hears where it began, once the state can be read."""
        while True:
            try:
                if self.place is None:
                    begun(await self.begin())
                await self._changed.wait()
                self._changed.clear()
                await self._follow(self.place or 0, tell)
            except PharosError:
                self._changed.set()
                await asyncio.sleep(_AGAIN_S)

    async def _follow(self, place: int, tell: Tell) -> None:
        while True:
            entries = await self._state.read(partial(since, number=place, limit=_BATCH))
            if entries:
                place = self.place = entries[-1].number
                await tell(entries)
            if len(entries) < _BATCH:
                return

    async def told_since(self, tenant: str, number: int, steps: Sequence[Step]) -> tuple[Entry, ...]:
        """Return a tenant's steps behind a number that were handed on: the newest of them, in order.

        Raises PharosError(UNAVAILABLE).
        """
        last = self.place
        if last is None or number >= last:
            return ()
        return await self._state.read(
            lambda unit: steps_since(unit, tenant, number, last, steps, _MOST_TOLD_AGAIN)
        )

    async def first_details(self, tenant: str, fingerprints: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """Return what the newest firing of each alert holds. Raises PharosError(UNAVAILABLE)."""
        found = await self._state.read(
            lambda unit: last_steps(unit, tenant, fingerprints, (Step.FIRING, Step.RESOLVED))
        )
        return {name: entry.detail for name, entry in found.items()}
