"""Who takes whose shift, how people are reached, and the secret addresses of calendars.

Schedules themselves are `documents`. People are named as in the schedules: they may have an account here, by
the same name, or none. How somebody is reached is a tenant's own: no other one sees it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import BigInteger, Boolean, Column, Index, Table, delete, insert, select, update

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Document, Family, Words, name_key, require_name, tenant_reference
from pharos.state.tenants import require_open
from pharos.state.unit import Unit, Writing

overrides: Final = Table(
    "oncall_overrides",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("schedule", Words, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("people", Document, nullable=False),
    Column("reason", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index(None, "tenant_id", "schedule", "end_ms"),
)

swaps: Final = Table(
    "oncall_swaps",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("schedule", Words, nullable=False),
    Column("start_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger, nullable=False),
    Column("giver", Words, nullable=False),
    Column("taker", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("taken_ms", BigInteger),
    Index(None, "tenant_id", "schedule", "end_ms"),
)

contacts: Final = Table(
    "oncall_contacts",
    METADATA,
    Column("id", Words, primary_key=True),
    tenant_reference(),
    Column("person", Words, nullable=False),
    Column("person_key", Words, nullable=False),
    Column("kind", Words, nullable=False),
    Column("address", Words, nullable=False),
    Column("after_ms", BigInteger, nullable=False),
    Column("min_severity", Words, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index(None, "tenant_id", "person_key"),
)

feeds: Final = Table(
    "oncall_feeds",
    METADATA,
    Column("hash", Words, primary_key=True),
    tenant_reference(),
    Column("schedule", Words, nullable=False),
    Column("person", Words, nullable=False),
    Column("id", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Index(None, "tenant_id", "schedule"),
)


class ContactKind(StrEnum):
    """By what somebody is reached."""

    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"
    SLACK = "slack"
    """A member's number at Slack, such as U024BE7LH, or a channel's name."""
    TELEGRAM = "telegram"


class NewOverride(Struct, frozen=True):
    """Somebody is on call from one time to another, whatever the layers say."""

    schedule: str
    start_ms: int
    end_ms: int
    people: tuple[str, ...]
    reason: str = ""


class Override(Struct, frozen=True):
    """An override that is kept."""

    id: str
    tenant_id: str
    schedule: str
    start_ms: int
    end_ms: int
    people: tuple[str, ...]
    reason: str
    who: str
    created_ms: int


class NewSwap(Struct, frozen=True):
    """Somebody gives their shifts of a time away: to `taker`, or to whoever takes them."""

    schedule: str
    start_ms: int
    end_ms: int
    giver: str
    taker: str = ""
    reason: str = ""


class Swap(Struct, frozen=True):
    """A swap that is kept; it counts from when it is taken."""

    id: str
    tenant_id: str
    schedule: str
    start_ms: int
    end_ms: int
    giver: str
    taker: str
    reason: str
    who: str
    created_ms: int
    taken_ms: int | None


class NewContact(Struct, frozen=True):
    """How somebody is reached, and when that is used."""

    person: str
    kind: ContactKind
    address: str
    after_ms: int = 0
    """So long after a level is told, unless somebody has reacted before."""
    min_severity: str = ""
    """Only for alerts at least so severe; for all without it."""
    enabled: bool = True


class Contact(Struct, frozen=True):
    """A way that is kept by which somebody is reached."""

    id: str
    tenant_id: str
    person: str
    kind: ContactKind
    address: str
    after_ms: int
    min_severity: str
    enabled: bool
    created_ms: int


class Feed(Struct, frozen=True):
    """A secret address of a calendar: of a schedule, of one person's shifts if it names one."""

    id: str
    tenant_id: str
    schedule: str
    person: str
    who: str
    created_ms: int


def _require_span(start_ms: int, end_ms: int) -> None:
    if not 0 <= start_ms < end_ms <= start_ms + 366 * 86_400_000:
        raise PharosError(Kind.INVALID, "it must end after it starts, within a year")


# -- overrides --

_OVERRIDE: Final = tuple(overrides.c)


def _override(row: Any) -> Override:
    fields = dict(zip((column.name for column in _OVERRIDE), row, strict=True))
    return Override(**{**fields, "people": tuple(fields["people"])})


def add_override(unit: Writing, tenant_id: str, new: NewOverride) -> Override:
    """Keep an override; return it. Raises PharosError(INVALID)."""
    _require_span(new.start_ms, new.end_ms)
    people = [require_name(name, "person") for name in new.people]
    if not people:
        raise PharosError(Kind.INVALID, "an override names who is on call")
    made = Override(
        unit.new_id(),
        tenant_id,
        new.schedule,
        new.start_ms,
        new.end_ms,
        tuple(people),
        new.reason,
        unit.author.who,
        unit.now_ms,
    )
    unit.execute(insert(overrides).values({**asdict(made), "people": people}))
    append(unit, Event("override.create", f"schedule:{new.schedule}", tenant_id, after=_told(made)))
    unit.changed(Family.ONCALL)
    return made


def get_override(unit: Unit, tenant_id: str, override_id: str) -> Override:
    """Return an override. Raises PharosError(MISSING)."""
    where = (overrides.c.tenant_id == tenant_id, overrides.c.id == override_id)
    return _override(unit.the_row(select(*_OVERRIDE).where(*where), f"override {override_id!r}"))


def list_overrides(
    unit: Unit, tenant_id: str, schedule: str, start_ms: int, end_ms: int
) -> tuple[Override, ...]:
    """Return a schedule's overrides that touch [start, end), in the order in which they were made."""
    statement = (
        select(*_OVERRIDE)
        .where(
            overrides.c.tenant_id == tenant_id,
            overrides.c.schedule == schedule,
            overrides.c.end_ms > start_ms,
            overrides.c.start_ms < end_ms,
        )
        .order_by(overrides.c.created_ms, overrides.c.id)
    )
    return tuple(_override(row) for row in unit.rows(statement))


def drop_override(unit: Writing, tenant_id: str, override_id: str) -> Override:
    """Take an override away; return it. Raises PharosError(MISSING)."""
    found = get_override(unit, tenant_id, override_id)
    unit.execute(delete(overrides).where(overrides.c.id == override_id))
    append(unit, Event("override.drop", f"schedule:{found.schedule}", tenant_id, _told(found)))
    unit.changed(Family.ONCALL)
    return found


def _told(found: Override | Swap) -> dict[str, Any]:
    told = asdict(found)
    if isinstance(found, Override):
        told["people"] = list(found.people)
    return {name: value for name, value in told.items() if name not in {"tenant_id", "schedule"}}


# -- swaps --

_SWAP: Final = tuple(swaps.c)


def add_swap(unit: Writing, tenant_id: str, new: NewSwap) -> Swap:
    """Keep a swap, which waits for somebody to take it; return it. Raises PharosError(INVALID)."""
    _require_span(new.start_ms, new.end_ms)
    giver = require_name(new.giver, "person")
    taker = require_name(new.taker, "person") if new.taker else ""
    if giver == taker:
        raise PharosError(Kind.INVALID, "a swap is between two people")
    made = Swap(
        unit.new_id(),
        tenant_id,
        new.schedule,
        new.start_ms,
        new.end_ms,
        giver,
        taker,
        new.reason,
        unit.author.who,
        unit.now_ms,
        None,
    )
    unit.execute(insert(swaps).values(asdict(made)))
    append(unit, Event("swap.create", f"schedule:{new.schedule}", tenant_id, after=_told(made)))
    unit.changed(Family.ONCALL)
    return made


def get_swap(unit: Unit, tenant_id: str, swap_id: str) -> Swap:
    """Return a swap. Raises PharosError(MISSING)."""
    where = (swaps.c.tenant_id == tenant_id, swaps.c.id == swap_id)
    return Swap(*unit.the_row(select(*_SWAP).where(*where), f"swap {swap_id!r}"))


def list_swaps(unit: Unit, tenant_id: str, schedule: str, start_ms: int, end_ms: int) -> tuple[Swap, ...]:
    """Return a schedule's swaps that touch [start, end), taken or not, in the order of their making."""
    statement = (
        select(*_SWAP)
        .where(
            swaps.c.tenant_id == tenant_id,
            swaps.c.schedule == schedule,
            swaps.c.end_ms > start_ms,
            swaps.c.start_ms < end_ms,
        )
        .order_by(swaps.c.created_ms, swaps.c.id)
    )
    return tuple(Swap(*row) for row in unit.rows(statement))


def take_swap(unit: Writing, tenant_id: str, swap_id: str, taker: str) -> Swap:
    """Have somebody take a swap; return it. Raises PharosError: MISSING, INVALID when it is another's."""
    before = get_swap(unit, tenant_id, swap_id)
    if before.taken_ms is not None:
        raise PharosError(Kind.INVALID, f"{before.taker} has taken that swap already")
    if before.taker not in {"", taker} or taker == before.giver:
        raise PharosError(
            Kind.INVALID, f"that swap is for {before.taker or 'somebody else'}, not for {taker}"
        )
    unit.execute(update(swaps).where(swaps.c.id == swap_id).values(taker=taker, taken_ms=unit.now_ms))
    found = get_swap(unit, tenant_id, swap_id)
    append(unit, Event("swap.take", f"schedule:{before.schedule}", tenant_id, _told(before), _told(found)))
    unit.changed(Family.ONCALL)
    return found


def drop_swap(unit: Writing, tenant_id: str, swap_id: str) -> Swap:
    """Take a swap away; return it. Raises PharosError(MISSING)."""
    found = get_swap(unit, tenant_id, swap_id)
    unit.execute(delete(swaps).where(swaps.c.id == swap_id))
    append(unit, Event("swap.drop", f"schedule:{found.schedule}", tenant_id, _told(found)))
    unit.changed(Family.ONCALL)
    return found


# -- contacts --

_CONTACT: Final = tuple(column for column in contacts.c if column.name != "person_key")


def _contact(row: Any) -> Contact:
    identifier, tenant_id, person, kind, *rest = row
    return Contact(identifier, tenant_id, person, ContactKind(kind), *rest)


def put_contacts(
    unit: Writing, tenant_id: str, person: str, new: tuple[NewContact, ...]
) -> tuple[Contact, ...]:
    """Say by what somebody is reached, in place of what was said before; return it.

    The audit log tells kinds and times, not the addresses: they are a person's own.
    Raises PharosError(INVALID).
    """
    person = require_name(person, "person")
    before = contacts_of(unit, tenant_id, person)
    unit.execute(
        delete(contacts).where(contacts.c.tenant_id == tenant_id, contacts.c.person_key == name_key(person))
    )
    for one in new:
        made = Contact(
            unit.new_id(),
            tenant_id,
            person,
            one.kind,
            require_name(one.address, "contact", 500),
            one.after_ms,
            one.min_severity,
            one.enabled,
            unit.now_ms,
        )
        unit.execute(insert(contacts).values({**asdict(made), "person_key": name_key(person)}))
    found = contacts_of(unit, tenant_id, person)
    told = [{"contacts": [_shown(one) for one in these]} for these in (before, found)]
    append(unit, Event("contacts.set", f"person:{person}", tenant_id, *told))
    unit.changed(Family.ONCALL)
    return found


def _shown(one: Contact) -> Mapping[str, Any]:
    return {
        "kind": one.kind.value,
        "after_ms": one.after_ms,
        "min_severity": one.min_severity,
        "enabled": one.enabled,
    }


def contacts_of(unit: Unit, tenant_id: str, person: str) -> tuple[Contact, ...]:
    """Return by what somebody is reached, the soonest first; a name's case does not matter."""
    statement = (
        select(*_CONTACT)
        .where(contacts.c.tenant_id == tenant_id, contacts.c.person_key == name_key(person))
        .order_by(contacts.c.after_ms, contacts.c.id)
    )
    return tuple(_contact(row) for row in unit.rows(statement))


def find_contact(unit: Unit, tenant_id: str, contact_id: str) -> Contact | None:
    """Return a contact; None where there is none."""
    where = (contacts.c.tenant_id == tenant_id, contacts.c.id == contact_id)
    found = unit.row(select(*_CONTACT).where(*where))
    return None if found is None else _contact(found)


def person_at(unit: Unit, tenant_id: str, kind: ContactKind, address: str) -> str | None:
    """Return who is reached at an address; None where nobody is, or several are."""
    where = (
        contacts.c.tenant_id == tenant_id,
        contacts.c.kind == kind.value,
        contacts.c.address == address,
    )
    found = {row[0] for row in unit.rows(select(contacts.c.person).where(*where))}
    return found.pop() if len(found) == 1 else None


# -- feeds --

_FEED: Final = (
    feeds.c.id,
    feeds.c.tenant_id,
    feeds.c.schedule,
    feeds.c.person,
    feeds.c.who,
    feeds.c.created_ms,
)


def add_feed(unit: Writing, tenant_id: str, schedule: str, person: str, hashed: str) -> Feed:
    """Keep the hash of a calendar's secret address; return it."""
    made = Feed(unit.new_id(), tenant_id, schedule, person, unit.author.who, unit.now_ms)
    unit.execute(insert(feeds).values({**asdict(made), "hash": hashed}))
    append(
        unit, Event("feed.create", f"schedule:{schedule}", tenant_id, after={"id": made.id, "person": person})
    )
    return made


def feed_at(unit: Unit, hashed: str) -> Feed:
    """Return the feed at a secret address, by its hash.

    Raises PharosError: MISSING, or DENIED where its tenant is closed.
    """
    found = Feed(*unit.the_row(select(*_FEED).where(feeds.c.hash == hashed), "such calendar"))
    require_open(unit, found.tenant_id)
    return found


def list_feeds(unit: Unit, tenant_id: str, schedule: str) -> tuple[Feed, ...]:
    """Return a schedule's feeds, without their addresses."""
    where = (feeds.c.tenant_id == tenant_id, feeds.c.schedule == schedule)
    rows = unit.rows(select(*_FEED).where(*where).order_by(feeds.c.created_ms, feeds.c.id))
    return tuple(Feed(*row) for row in rows)


def drop_feed(unit: Writing, tenant_id: str, feed_id: str) -> None:
    """End a secret address. Raises PharosError(MISSING)."""
    where = (feeds.c.tenant_id == tenant_id, feeds.c.id == feed_id)
    found = Feed(*unit.the_row(select(*_FEED).where(*where), f"feed {feed_id!r}"))
    unit.execute(delete(feeds).where(*where))
    append(unit, Event("feed.drop", f"schedule:{found.schedule}", tenant_id, {"id": feed_id}))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away what a tenant said of shifts, people and calendars; return how many rows it was."""
    unit.changed(Family.ONCALL)
    tables = (overrides, swaps, contacts, feeds)
    return sum(unit.execute(delete(table).where(table.c.tenant_id == tenant_id)) for table in tables)


def drop_past(unit: Writing, before_ms: int) -> int:
    """Take away overrides and swaps that were over before a time; return how many."""
    return sum(unit.execute(delete(table).where(table.c.end_ms < before_ms)) for table in (overrides, swaps))
