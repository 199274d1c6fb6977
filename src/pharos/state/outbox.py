"""What is owed: one row a notification, until its receiver took it; and what each receiver was told last.

A row is made in the transaction that decides to tell, and goes in the one that keeps that it was told. While
somebody tries, the row is leased to them, so that of several processes on one database one sends. A row that
no try can help any more is dead: it stays, with the reason, until it is told after all or taken away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Table,
    delete,
    func,
    not_,
    or_,
    select,
    update,
)

from pharos.errors import Kind, PharosError
from pharos.state.tables import METADATA, Document, Family, Words
from pharos.state.unit import Found, Unit, Writing

outbox: Final = Table(
    "outbox",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("tenant_id", Words, nullable=False),
    Column("group_key", Words, nullable=False),
    Column("receiver", Words, nullable=False),
    Column("integration", Words, nullable=False),
    Column("purpose", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("content", Document, nullable=False),
    Column("marks", Document, nullable=False),
    Column("error", Words, nullable=False),
    Column("lease_by", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("due_ms", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("tried_ms", BigInteger, nullable=False),
    Column("lease_ms", BigInteger, nullable=False),
    Index(
        "uq_outbox_tenant_id_group_key_receiver_integration_purpose",
        *("tenant_id", "group_key", "receiver", "integration", "purpose"),
        unique=True,
    ),
    Index(None, "status", "due_ms"),
)

told: Final = Table(
    "told",
    METADATA,
    Column("tenant_id", Words, primary_key=True),
    Column("group_key", Words, primary_key=True),
    Column("receiver", Words, primary_key=True),
    Column("integration", Words, primary_key=True),
    Column("firing", Document, nullable=False),
    Column("resolved", Document, nullable=False),
    Column("open", Document, nullable=False),
    Column("thread", Document, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)

OWED: Final = "owed"
DEAD: Final = "dead"
LEASE_MS: Final = 20_000
_KEYS_AT_ONCE: Final = 300
_LEASE_AT_MOST_MS: Final = 10 * LEASE_MS
"""A lease that ends later was made by a clock that is wrong."""
_DUE_AT_MOST_MS: Final = 600_000
"""And so was what is due later than that: nobody waits so long for another try."""

Place = tuple[str, str, str, str]
"""Tenant, key of the group, receiver, integration: what is told of once at a time."""


class Marks(Struct, frozen=True):
    """Which alerts, by fingerprints, a notification tells of, in the terms of later decisions."""

    firing: tuple[str, ...] = ()
    resolved: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    """Told as firing, by it or before, and not yet as resolved."""


class Owed(Struct, frozen=True):
    """A notification that is owed."""

    tenant_id: str
    group_key: str
    receiver: str
    integration: str
    """`kind[number]` among those of the receiver: `webhook[0]`."""
    content: Mapping[str, Any]
    """The message as a document of whole numbers, texts and lists."""
    marks: Marks = Marks()
    purpose: str = ""
    """Empty for what a group tells; anything else is owed beside that: `escalation:…`, `reminder:…`,
    `acknowledged`."""
    due_ms: int = 0
    id: str = ""
    created_ms: int = 0
    status: str = OWED
    tries: int = 0
    tried_ms: int = 0
    error: str = ""

    @property
    def place(self) -> Place:
        """What it is about, and to whom."""
        return self.tenant_id, self.group_key, self.receiver, self.integration


class Told(Struct, frozen=True):
    """What a receiver's integration was told of a group last."""

    tenant_id: str
    group_key: str
    receiver: str
    integration: str
    marks: Marks
    at_ms: int
    thread: Mapping[str, str] = field(default_factory=dict)
    """What the channel needs to go on there."""

    @property
    def place(self) -> Place:
        """What it is about, and to whom."""
        return self.tenant_id, self.group_key, self.receiver, self.integration


class Result(Struct, frozen=True):
    """How a try ended."""

    owed: Owed
    thread: Mapping[str, str] = field(default_factory=dict)
    """What a channel returned that took it."""
    error: str = ""
    """Why it was not taken; empty if it was."""
    retry_ms: int | None = None
    """In how long another try follows; None if none does."""
    at_ms: int = 0


_OWED: Final = tuple(
    outbox.c[name]
    for name in (
        "tenant_id",
        "group_key",
        "receiver",
        "integration",
        "content",
        "marks",
        "purpose",
        "due_ms",
        "id",
        "created_ms",
        "status",
        "tries",
        "tried_ms",
        "error",
    )
)
_TOLD: Final = tuple(
    told.c[name]
    for name in (
        "tenant_id",
        "group_key",
        "receiver",
        "integration",
        "firing",
        "resolved",
        "open",
        "at_ms",
        "thread",
    )
)


def add(unit: Writing, rows: Iterable[Owed], lease_by: str = "") -> tuple[Owed, ...]:
    """Keep that notifications are owed, each in the place of an older one of the same group and purpose.

    Return them with their ids. With `lease_by` they are leased to whoever is called so; others try them when
    that lease is over.
    """
    made = tuple(
        Owed(
            tenant_id=row.tenant_id,
            group_key=row.group_key,
            receiver=row.receiver,
            integration=row.integration,
            content=row.content,
            marks=row.marks,
            purpose=row.purpose,
            due_ms=row.due_ms or unit.now_ms,
            id=row.id or unit.new_id(),
            created_ms=row.created_ms or unit.now_ms,
        )
        for row in rows
    )
    wanted = {(row.place, row.purpose) for row in made}
    groups = {row.place[:2] for row in made}
    older = [row for row in _list_of_groups(unit, groups) if (row.place, row.purpose) in wanted]
    _delete(unit, [row.id for row in older])
    # What somebody waits for is owed since it was first.
    since = {(row.place, row.purpose): row.created_ms for row in older if row.status == OWED}
    made = tuple(
        replace(row, created_ms=min(row.created_ms, since.get((row.place, row.purpose), row.created_ms)))
        for row in made
    )
    unit.insert_all(outbox, [_row(row, lease_by, unit.now_ms) for row in made])
    if made:
        unit.changed(Family.OUTBOX)
    return made


def _row(row: Owed, lease_by: str, now_ms: int) -> dict[str, Any]:
    return {
        "id": row.id,
        "tenant_id": row.tenant_id,
        "group_key": row.group_key,
        "receiver": row.receiver,
        "integration": row.integration,
        "purpose": row.purpose,
        "status": OWED,
        "content": dict(row.content),
        "marks": _marks(row.marks),
        "error": "",
        "lease_by": lease_by,
        "created_ms": row.created_ms,
        "due_ms": row.due_ms,
        "tries": 0,
        "tried_ms": 0,
        "lease_ms": now_ms + LEASE_MS if lease_by else 0,
    }


def due(unit: Writing, now_ms: int, limit: int, lease_by: str) -> tuple[Owed, ...]:
    """Lease up to `limit` rows that are due and leased to nobody, and return them, oldest first."""
    where = _is_free(now_ms, lease_by)
    found = unit.rows(select(*_OWED).where(*where).order_by(outbox.c.due_ms).limit(limit))
    rows = tuple(map(_owed, found))
    _lease(unit, [row.id for row in rows], now_ms, lease_by)
    return rows


def adopt(unit: Writing, lease_by: str) -> tuple[Owed, ...]:
    """Lease all that is owed and not ours, due or not: for a database that no other process shares.

    What is leased to us already is in our memory, or was sent a moment ago.
    """
    others = (outbox.c.status == OWED, outbox.c.lease_by != lease_by)
    rows = tuple(map(_owed, unit.rows(select(*_OWED).where(*others).order_by(outbox.c.created_ms))))
    leased = {"lease_by": lease_by, "lease_ms": unit.now_ms + LEASE_MS}
    unit.execute(update(outbox).where(*others).values(**leased))
    return rows


def has_due(unit: Unit, now_ms: int, lease_by: str) -> bool:
    """Return whether `due` would find anything for somebody called so."""
    where = _is_free(now_ms, lease_by)
    return unit.row(select(outbox.c.id).where(*where).limit(1)) is not None


def _is_free(now_ms: int, lease_by: str) -> tuple[ColumnElement[bool], ...]:
    free = or_(
        outbox.c.lease_by == "",
        outbox.c.lease_ms <= now_ms,
        outbox.c.lease_ms > now_ms + _LEASE_AT_MOST_MS,
    )
    is_due = or_(outbox.c.due_ms <= now_ms, outbox.c.due_ms > now_ms + _DUE_AT_MOST_MS)
    return outbox.c.status == OWED, outbox.c.lease_by != lease_by, is_due, free


def renew(unit: Writing, ids: Sequence[str], now_ms: int, lease_by: str) -> frozenset[str]:
    """Go on with the leases of whoever is called so; return which of the rows are theirs still."""
    ours: set[str] = set()
    for first in range(0, len(ids), _KEYS_AT_ONCE):
        where = (outbox.c.id.in_(ids[first : first + _KEYS_AT_ONCE]), outbox.c.lease_by == lease_by)
        unit.execute(update(outbox).where(*where).values(lease_ms=now_ms + LEASE_MS))
        ours |= {row[0] for row in unit.rows(select(outbox.c.id).where(*where))}
    return frozenset(ours)


def release(unit: Writing, lease_by: str) -> None:
    """End the leases of whoever is called so: others send what is left."""
    unit.execute(update(outbox).where(outbox.c.lease_by == lease_by).values(lease_by="", lease_ms=0))
    unit.changed(Family.OUTBOX)


def _lease(unit: Writing, ids: Sequence[str], now_ms: int, lease_by: str) -> None:
    for first in range(0, len(ids), _KEYS_AT_ONCE):
        some = ids[first : first + _KEYS_AT_ONCE]
        leased = {"lease_by": lease_by, "lease_ms": now_ms + LEASE_MS}
        unit.execute(update(outbox).where(outbox.c.id.in_(some)).values(**leased))


def cancel(unit: Writing, ids: Sequence[str]) -> None:
    """Take away what is not owed any more."""
    _delete(unit, ids)


def sent(unit: Writing, results: Iterable[Result]) -> None:
    """Keep that notifications were taken: nothing is owed any more, and what was told is known."""
    done = list(results)
    _delete(unit, [result.owed.id for result in done])
    note_told(
        unit,
        [
            Told(*result.owed.place, result.owed.marks, result.at_ms, result.thread)
            for result in done
            if result.owed.purpose == ""
        ],
    )


def failed(unit: Writing, results: Iterable[Result], lease_by: str = "") -> None:
    """Keep that tries failed: when the next one is due, or that none follows."""
    for result in results:
        values: dict[str, Any] = {
            "tries": outbox.c.tries + 1,
            "tried_ms": result.at_ms,
            "error": result.error,
        }
        if result.retry_ms is None:
            values |= {"status": DEAD, "lease_by": "", "lease_ms": 0}
            unit.changed(Family.OUTBOX)
        else:
            # Whoever tried goes on to; another process waits a little longer than they do.
            due_ms = unit.now_ms + result.retry_ms
            lease_ms = due_ms + LEASE_MS if lease_by else 0
            values |= {"due_ms": due_ms, "lease_by": lease_by, "lease_ms": lease_ms}
        unit.execute(update(outbox).where(outbox.c.id == result.owed.id).values(**values))


def note_told(unit: Writing, rows: Sequence[Told]) -> None:
    """Keep what receivers were told."""
    unit.upsert(
        told,
        [
            {
                "tenant_id": row.tenant_id,
                "group_key": row.group_key,
                "receiver": row.receiver,
                "integration": row.integration,
                **_marks(row.marks),
                "thread": dict(row.thread),
                "at_ms": row.at_ms,
            }
            for row in rows
        ],
    )


def list_told(unit: Unit, groups: Iterable[tuple[str, str]]) -> dict[Place, Told]:
    """Return what was told of groups, each a tenant and a key."""
    found = [
        _told(row) for where in _of_groups(told, groups) for row in unit.rows(select(*_TOLD).where(where))
    ]
    return {one.place: one for one in found}


def list_owed(unit: Unit, groups: Iterable[tuple[str, str]], purpose: str | None = "") -> dict[Place, Owed]:
    """Return what is owed of groups, each a tenant and a key, dead rows too."""
    return {row.place: row for row in _list_of_groups(unit, groups) if row.purpose == purpose}


def list_all(unit: Unit, tenant_id: str | None = None, status: str | None = None) -> tuple[Owed, ...]:
    """Return what is owed by a tenant or by all, oldest first; with `status`, only what is so."""
    where = []
    if tenant_id is not None:
        where.append(outbox.c.tenant_id == tenant_id)
    if status is not None:
        where.append(outbox.c.status == status)
    found = unit.rows(select(*_OWED).where(*where).order_by(outbox.c.created_ms, outbox.c.id))
    return tuple(map(_owed, found))


def list_groups_told(unit: Unit, tenant_id: str | None = None) -> tuple[Told, ...]:
    """Return all that was told to anybody, by a tenant or by all."""
    where = [] if tenant_id is None else [told.c.tenant_id == tenant_id]
    return tuple(map(_told, unit.rows(select(*_TOLD).where(*where))))


def oldest_owed_ms(unit: Unit, but: str) -> int | None:
    """Return since when the longest owed message is, but for those whose error begins so; None for none."""
    where = (outbox.c.status == OWED, not_(outbox.c.error.startswith(but, autoescape=True)))
    found = unit.row(select(func.min(outbox.c.created_ms)).where(*where))
    return None if found is None else found[0]


def replay(unit: Writing, tenant_id: str, owed_id: str) -> Owed:
    """Have a dead row tried again at once, and return it. Raises PharosError(MISSING) if it is not dead."""
    where = (outbox.c.id == owed_id, outbox.c.tenant_id == tenant_id, outbox.c.status == DEAD)
    row = unit.row(select(*_OWED).where(*where))
    if row is None:
        raise PharosError(Kind.MISSING, f"there is no dead letter {owed_id[:80]}")
    unit.execute(
        update(outbox).where(outbox.c.id == owed_id).values(status=OWED, due_ms=unit.now_ms, lease_by="")
    )
    unit.changed(Family.OUTBOX)
    return _owed(row)


def discard(unit: Writing, tenant_id: str, owed_id: str) -> None:
    """Take a dead row away. Raises PharosError(MISSING) if it is not dead."""
    where = (outbox.c.id == owed_id, outbox.c.tenant_id == tenant_id, outbox.c.status == DEAD)
    if not unit.execute(delete(outbox).where(*where)):
        raise PharosError(Kind.MISSING, f"there is no dead letter {owed_id[:80]}")


def forget_groups(unit: Writing, groups: Iterable[tuple[str, str]]) -> int:
    """Forget what was told of groups that are over, each a tenant and a key; return how many rows went."""
    return sum(unit.execute(delete(told).where(where)) for where in _of_groups(told, groups))


def drop_dead(unit: Writing, before_ms: int) -> int:
    """Take dead rows away whose last try was before a time; return how many."""
    return unit.execute(delete(outbox).where(outbox.c.status == DEAD, outbox.c.tried_ms < before_ms))


def drop_tenant(unit: Writing, tenant_id: str) -> int:
    """Take away all that is owed by a tenant, and what it told; return how many rows went."""
    owed = unit.execute(delete(outbox).where(outbox.c.tenant_id == tenant_id))
    return owed + unit.execute(delete(told).where(told.c.tenant_id == tenant_id))


def _of_groups(table: Table, groups: Iterable[tuple[str, str]]) -> Iterable[ColumnElement[bool]]:
    """Yield conditions that together find the rows of groups, some hundred of them at a time."""
    by_tenant: dict[str, list[str]] = {}
    for tenant_id, key in groups:
        by_tenant.setdefault(tenant_id, []).append(key)
    for tenant_id, keys in by_tenant.items():
        for first in range(0, len(keys), _KEYS_AT_ONCE):
            some = keys[first : first + _KEYS_AT_ONCE]
            yield (table.c.tenant_id == tenant_id) & table.c.group_key.in_(some)


def _list_of_groups(unit: Unit, groups: Iterable[tuple[str, str]]) -> list[Owed]:
    found = (unit.rows(select(*_OWED).where(where)) for where in _of_groups(outbox, groups))
    return [_owed(row) for rows in found for row in rows]


def _delete(unit: Writing, ids: Sequence[str]) -> None:
    for first in range(0, len(ids), _KEYS_AT_ONCE):
        unit.execute(delete(outbox).where(outbox.c.id.in_(ids[first : first + _KEYS_AT_ONCE])))


def _marks(marks: Marks) -> dict[str, list[str]]:
    return {"firing": list(marks.firing), "resolved": list(marks.resolved), "open": list(marks.open)}


def _owed(row: Found) -> Owed:
    tenant_id, group_key, receiver, integration, content, marks, *rest = row
    read = Marks(*(tuple(marks[name]) for name in ("firing", "resolved", "open")))
    return Owed(tenant_id, group_key, receiver, integration, content, read, *rest)


def _told(row: Found) -> Told:
    tenant_id, group_key, receiver, integration, firing, resolved, still_open, at_ms, thread = row
    marks = Marks(tuple(firing), tuple(resolved), tuple(still_open))
    return Told(tenant_id, group_key, receiver, integration, marks, at_ms, thread)
