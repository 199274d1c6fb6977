"""Alerts as the feed tells them: of each, how it stands by the last steps of the timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.alerting.acknowledge import acknowledge
from pharos.errors import Kind, PharosError
from pharos.live.happenings import is_said_over, shown_alert
from pharos.state import Author, State, Unit
from pharos.state.acknowledgements import SAID_OVER, NewAcknowledgement
from pharos.state.timeline import Entry, Step, newest_number, steps_since

_STEPS: Final = (Step.FIRING, Step.RESOLVED, Step.ACKNOWLEDGED, Step.UNACKNOWLEDGED)
_MOST_STEPS: Final = 5_000
_MOST_TENANTS: Final = 1_000
ACTIVE: Final = "active"
ACKNOWLEDGED: Final = "acknowledged"
RESOLVED: Final = "resolved"
STATES: Final = (ACTIVE, ACKNOWLEDGED, RESOLVED)


class ConflictError(PharosError):
    """What is asked cannot be done as things stand."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(Kind.INVALID, message, hint=hint)


class Record(Struct, frozen=True):
    """One alert."""

    fingerprint: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    state: str
    triggered_ms: int
    acknowledged_ms: int | None = None
    acknowledged_by: str = ""
    comment: str = ""
    resolved_ms: int | None = None
    value: str = ""
    is_said_over: bool = False
    """Whether it is over only because somebody says so."""

    def shown(self) -> dict[str, Any]:
        """Return it as lists have it; times in milliseconds."""
        found = shown_alert(self.fingerprint, self.labels, self.annotations, self.state)
        found |= {"value": self.value, "triggeredAt": self.triggered_ms}
        if self.acknowledged_ms is not None:
            found |= {"acknowledgedAt": self.acknowledged_ms, "acknowledgedBy": self.acknowledged_by}
            found["comment"] = self.comment
        if self.resolved_ms is not None:
            found["resolvedAt"] = self.resolved_ms
        return found


def records_of(entries: Iterable[Entry]) -> dict[str, Record]:
    """Return each alert that fires or fired, by what its steps say in their order."""
    found: dict[str, Record] = {}
    for entry in entries:
        before = found.get(entry.fingerprint)
        after = _after(before, entry)
        if after is not None:
            found[entry.fingerprint] = after
    return found


def _after(before: Record | None, entry: Entry) -> Record | None:
    """Return how an alert stands after one more step; None while nothing is known but that."""
    detail = entry.detail
    if entry.step is Step.FIRING:
        return Record(
            entry.fingerprint,
            _texts(detail.get("labels")),
            _texts(detail.get("annotations")),
            ACTIVE,
            entry.at_ms,
            value=str(detail.get("value", "")),
        )
    if before is None:
        return None
    match entry.step:
        case Step.RESOLVED:
            if before.state == RESOLVED:
                return replace(before, is_said_over=False)
            return replace(before, state=RESOLVED, resolved_ms=entry.at_ms)
        case Step.ACKNOWLEDGED:
            return replace(
                _again(before, RESOLVED if is_said_over(entry) else ACKNOWLEDGED, entry.at_ms),
                is_said_over=is_said_over(entry) and _is_open(before),
                acknowledged_ms=entry.at_ms,
                acknowledged_by=str(detail.get("name") or detail.get("who") or ""),
                comment=str(detail.get("comment", "")),
            )
        case _:
            found = _again(before, ACTIVE, entry.at_ms)
            return replace(found, is_said_over=False, acknowledged_ms=None, acknowledged_by="", comment="")


def _is_open(record: Record) -> bool:
    return record.state != RESOLVED or record.is_said_over


def _again(record: Record, state: str, at_ms: int) -> Record:
    """Return an alert in another state, unless its rule has ended it."""
    if not _is_open(record):
        return record
    return replace(record, state=state, resolved_ms=at_ms if state == RESOLVED else None)


def _texts(found: Any) -> dict[str, str]:
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


class AlertBook(Struct, frozen=True):
    """Reads alerts of tenants, anew when something has happened."""

    state: State
    newest: Callable[[], int | None]
    """The number of the newest step that is known of; None where that is not known."""
    _kept: dict[str, tuple[int, Mapping[str, Record]]] = field(default_factory=dict)

    async def records(self, tenant: str) -> Mapping[str, Record]:
        """Return a tenant's alerts by fingerprint, the latest steps last. Raises PharosError(UNAVAILABLE)."""
        newest, kept = self.newest(), self._kept.get(tenant)
        if newest is not None and kept is not None and kept[0] >= newest:
            return kept[1]

        def read(unit: Unit) -> tuple[int, tuple[Entry, ...]]:
            last = newest_number(unit)
            return last, steps_since(unit, tenant, -1, last, _STEPS, _MOST_STEPS)

        last, entries = await self.state.read(read)
        found = records_of(entries)
        if len(self._kept) >= _MOST_TENANTS:
            self._kept.clear()
        self._kept[tenant] = last, found
        return found

    async def open_alerts(self, tenant: str) -> list[dict[str, Any]]:
        """Return those that are not over, the latest first. Raises PharosError(UNAVAILABLE)."""
        records = (await self.records(tenant)).values()
        found = [one.shown() for one in records if one.state != RESOLVED]
        return sorted(found, key=lambda one: -one["triggeredAt"])

    async def record(self, tenant: str, fingerprint: str) -> Record:
        """Return one alert. Raises PharosError(MISSING), UNAVAILABLE."""
        found = (await self.records(tenant)).get(fingerprint)
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no alert {fingerprint[:80]!r}")
        return found

    async def acknowledge(self, tenant: str, fingerprint: str, author: Author, comment: str) -> Record:
        """Have somebody look after an alert. Raises ConflictError for one that is over, MISSING."""
        return await self._react(tenant, fingerprint, author, NewAcknowledgement(comment))

    async def resolve(self, tenant: str, fingerprint: str, author: Author, comment: str) -> Record:
        """Say that an alert is over, whatever its rule finds: it is looked after until that ends.

        Its rule alone ends it: its receivers, its escalation and who asks later why they were not told go by
        that. Raises ConflictError for one that is over, MISSING.
        """
        return await self._react(tenant, fingerprint, author, NewAcknowledgement(comment, by=SAID_OVER))

    async def _react(self, tenant: str, fingerprint: str, author: Author, new: NewAcknowledgement) -> Record:
        _require_open(await self.record(tenant, fingerprint))
        await self.state.write(lambda unit: acknowledge(unit, tenant, [fingerprint], new), author)
        return await self._anew(tenant, fingerprint)

    async def _anew(self, tenant: str, fingerprint: str) -> Record:
        self._kept.pop(tenant, None)
        return await self.record(tenant, fingerprint)


def _require_open(record: Record) -> None:
    if record.state == RESOLVED:
        raise ConflictError(f"the alert {record.fingerprint} is over already")
