"""The flight recorder: what happened to each alert, and why, one row a step, in the order of happening.

Whoever does something about an alert writes the step in the transaction of the act itself, so that what is
told here is what was done. Steps are kept for as long as they are told to; nothing of them is audited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct, field
from sqlalchemy import BigInteger, Column, Index, Table, delete, func, select

from pharos.state.tables import METADATA, Document, Family, Words
from pharos.state.unit import Unit, Writing

timeline: Final = Table(
    "timeline",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("tenant_id", Words, nullable=False),
    Column("fingerprint", Words, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("step", Words, nullable=False),
    Column("detail", Document, nullable=False),
    Index(None, "tenant_id", "fingerprint", "at_ms"),
    Index(None, "tenant_id", "at_ms"),
    Index(None, "at_ms"),
    Index(None, "number"),
)


_KEYS_AT_ONCE: Final = 300


class Step(StrEnum):
    """What happened."""

    PENDING = "pending"
    """Its rule's condition holds, not yet for long enough."""
    FIRING = "firing"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"
    """Its rule could not be evaluated, or found no data where there was some."""
    ROUTED = "routed"
    """It came into a group: by which route, to which receiver."""
    HELD = "held"
    """Its group was about to be told of it, and it was not: silenced, inhibited, muted, acknowledged."""
    RELEASED = "released"
    """What held it back does so no more."""
    QUEUED = "queued"
    """A notification with it is owed."""
    SENT = "sent"
    NOT_SENT = "not_sent"
    """A try failed; another one follows."""
    DEAD = "dead"
    """No try follows any more."""
    ACKNOWLEDGED = "acknowledged"
    UNACKNOWLEDGED = "unacknowledged"
    """The acknowledgement was taken back, or ran out."""
    ESCALATED = "escalated"
    """Nobody reacted in time: the next level was told."""
    VOTED = "voted"
    """An acknowledgement was counted where several people must agree."""
    ACTED = "acted"
    """An automatic response ran, or was refused."""
    NOTED = "noted"
    """Somebody wrote something down."""


class Entry(Struct, frozen=True):
    """One step of one alert."""

    tenant_id: str
    fingerprint: str
    """Of the alert; empty where it is about a whole group."""
    step: Step
    at_ms: int
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Named facts: `value`, `receiver`, `silence`, `by`; numbers that are not whole are written as text."""
    group_key: str = ""
    number: int = 0
    """Greater than that of every step before, also where the clock was set back; set when it is read."""


def append(unit: Writing, entries: Iterable[Entry]) -> None:
    """Write steps."""
    entries = tuple(entries)
    if not entries:
        return
    # Nobody else writes meanwhile: who follows the numbers misses nothing.
    first = max(unit.now_ms * 1000, newest_number(unit) + 1)
    rows = [
        {
            "id": unit.new_id(),
            "tenant_id": entry.tenant_id,
            "fingerprint": entry.fingerprint,
            "group_key": entry.group_key,
            "at_ms": entry.at_ms,
            "number": first + place,
            "step": entry.step.value,
            "detail": dict(entry.detail),
        }
        for place, entry in enumerate(entries)
    ]
    unit.insert_all(timeline, rows)
    unit.changed(Family.TIMELINE)


_SHOWN: Final = ("tenant_id", "fingerprint", "step", "at_ms", "detail", "group_key", "number")


def list_steps(
    unit: Unit,
    tenant_id: str,
    *,
    fingerprint: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    limit: int = 1000,
) -> tuple[Entry, ...]:
    """Return the newest steps of a tenant's alerts, or of one, within [since, until), oldest first."""
    where = [timeline.c.tenant_id == tenant_id]
    if fingerprint is not None:
        where.append(timeline.c.fingerprint == fingerprint)
    if since_ms is not None:
        where.append(timeline.c.at_ms >= since_ms)
    if until_ms is not None:
        where.append(timeline.c.at_ms < until_ms)
    columns = [timeline.c[name] for name in _SHOWN]
    newest = select(*columns).where(*where).order_by(timeline.c.at_ms.desc(), timeline.c.number.desc())
    return tuple(_entry(row) for row in reversed(unit.rows(newest.limit(limit))))


def since(unit: Unit, number: int, limit: int = 500) -> tuple[Entry, ...]:
    """Return the first steps of all tenants behind a number, in the order of writing."""
    columns = [timeline.c[name] for name in _SHOWN]
    statement = select(*columns).where(timeline.c.number > number).order_by(timeline.c.number).limit(limit)
    return tuple(_entry(row) for row in unit.rows(statement))


def steps_since(
    unit: Unit, tenant_id: str, number: int, last: int, steps: Sequence[Step], limit: int
) -> tuple[Entry, ...]:
    """Return a tenant's steps of some kinds within (number, last]: the newest, in the order of writing."""
    where = (
        timeline.c.tenant_id == tenant_id,
        timeline.c.number > number,
        timeline.c.number <= last,
        timeline.c.step.in_([step.value for step in steps]),
    )
    columns = [timeline.c[name] for name in _SHOWN]
    statement = select(*columns).where(*where).order_by(timeline.c.number.desc()).limit(limit)
    return tuple(_entry(row) for row in reversed(unit.rows(statement)))


def last_step(
    unit: Unit, tenant_id: str, fingerprint: str, steps: Sequence[Step], group_key: str | None = None
) -> Entry | None:
    """Return the newest step of an alert that is one of some, in a group if one is named; None without."""
    where = [
        timeline.c.tenant_id == tenant_id,
        timeline.c.fingerprint == fingerprint,
        timeline.c.step.in_([step.value for step in steps]),
    ]
    if group_key is not None:
        where.append(timeline.c.group_key == group_key)
    columns = [timeline.c[name] for name in _SHOWN]
    found = unit.row(select(*columns).where(*where).order_by(timeline.c.number.desc()).limit(1))
    return None if found is None else _entry(found)


def last_steps(
    unit: Unit, tenant_id: str, fingerprints: Sequence[str], steps: Sequence[Step]
) -> dict[str, Entry]:
    """Return the newest step of each of some alerts that is one of some, for those that have one."""
    found: dict[str, Entry] = {}
    columns = [timeline.c[name] for name in _SHOWN]
    for first in range(0, len(fingerprints), _KEYS_AT_ONCE):
        where = (
            timeline.c.tenant_id == tenant_id,
            timeline.c.fingerprint.in_(fingerprints[first : first + _KEYS_AT_ONCE]),
            timeline.c.step.in_([step.value for step in steps]),
        )
        newest = select(func.max(timeline.c.number)).where(*where).group_by(timeline.c.fingerprint)
        rows = unit.rows(select(*columns).where(timeline.c.number.in_(newest)))
        found |= {entry.fingerprint: entry for entry in map(_entry, rows)}
    return found


def labels_of_alerts(unit: Unit, tenant_id: str, fingerprints: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Return the labels of alerts by fingerprint, of those whose timeline tells them."""
    found = last_steps(unit, tenant_id, fingerprints, (Step.FIRING, Step.RESOLVED))
    return {name: step.detail["labels"] for name, step in found.items() if step.detail.get("labels")}


def sent_since(unit: Unit, tenant_id: str, receiver: str, integration: str, since_ms: int) -> dict[str, int]:
    """Return when messages went out that told an integration since a time of what fires, by their keys."""
    where = (
        timeline.c.tenant_id == tenant_id,
        timeline.c.at_ms >= since_ms,
        timeline.c.step == Step.SENT.value,
    )
    found: dict[str, int] = {}
    for at_ms, detail in unit.rows(select(timeline.c.at_ms, timeline.c.detail).where(*where)):
        is_its = (detail.get("receiver"), detail.get("integration")) == (receiver, integration)
        if is_its and detail.get("status") == "firing" and "message" in detail:
            found[detail["message"]] = at_ms
    return found


def newest_number(unit: Unit) -> int:
    """Return the number of the newest step, -1 without any."""
    found = unit.row(select(func.max(timeline.c.number)))
    return -1 if found is None or found[0] is None else int(found[0])


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(row[0], row[1], Step(row[2]), row[3], row[4], row[5], row[6])


def drop_steps(unit: Writing, *, before_ms: int | None = None, tenant_id: str | None = None) -> int:
    """Take away steps before a time, or of a tenant; return how many."""
    statement = delete(timeline)
    if before_ms is not None:
        statement = statement.where(timeline.c.at_ms < before_ms)
    if tenant_id is not None:
        statement = statement.where(timeline.c.tenant_id == tenant_id)
    return unit.execute(statement)
