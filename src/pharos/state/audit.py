"""The audit log: every change, by whom and why, each entry bound to the one before by a hash.

An entry is written in the transaction of the change that it tells of. Its hash is the SHA-256 of its fields
and of the hash before it, in canonical JSON (RFC 8785): who changes an entry, or takes one out, must change
all that follow, and what was exported before no longer agrees. The database refuses to change or delete rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Select,
    Table,
    and_,
    func,
    insert,
    or_,
    select,
    update,
)

from pharos.errors import Kind, PharosError
from pharos.state.tables import METADATA, Document, Words, canonical_json
from pharos.state.unit import Unit, Writing

ORIGIN: Final = "0" * 64
"""What the first entry names as the hash before it."""

_FIELDS: Final = (
    "number",
    "time_ms",
    "who",
    "name",
    "tenant",
    "action",
    "object",
    "before",
    "after",
    "reason",
    "request_id",
    "previous",
)

audit: Final = Table(
    "audit",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("who", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("tenant", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("object", Words, nullable=False),
    Column("before", Document),
    Column("after", Document),
    Column("reason", Words, nullable=False),
    Column("request_id", Words, nullable=False),
    Column("previous", Words, nullable=False),
    Column("hash", Words, nullable=False),
    Index(None, "time_ms"),
    Index(None, "tenant", "number"),
    Index(None, "who", "number"),
    Index(None, "object", "number"),
)

audit_head: Final = Table(
    "audit_head",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Words, nullable=False),
)
"""One row: the end of the chain, and the lock by which one transaction after the other changes anything."""


class Event(Struct, frozen=True):
    """What happened, to be written into the log by `append`."""

    action: str
    """`noun.verb`, such as `user.create`."""
    object: str
    """`noun:ID`, such as `user:5f…`."""
    tenant: str = ""
    """Whose it is; empty for the whole server."""
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


class Entry(Struct, frozen=True):
    """An entry of the log."""

    number: int
    time_ms: int
    who: str
    name: str
    tenant: str
    action: str
    object: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str
    request_id: str
    previous: str
    hash: str

    def document(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        return {**{name: getattr(self, name) for name in _FIELDS}, "hash": self.hash}

    def computed_hash(self) -> str:
        """Return the hash that the other fields make."""
        return _hash_of({name: getattr(self, name) for name in _FIELDS})


def _hash_of(fields: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(dict(fields))).hexdigest()


def append(unit: Writing, event: Event) -> None:
    """Write an entry: what happened, by the unit's author."""
    number, previous = unit.head
    author = unit.author
    fields: dict[str, Any] = {
        "number": number + 1,
        "time_ms": unit.now_ms,
        "who": author.who,
        "name": author.name,
        "tenant": event.tenant,
        "action": event.action,
        "object": event.object,
        "before": None if event.before is None else dict(event.before),
        "after": None if event.after is None else dict(event.after),
        "reason": author.reason,
        "request_id": author.request_id,
        "previous": previous,
    }
    found = _hash_of(fields)
    unit.execute(insert(audit).values(**fields, hash=found))
    unit.execute(update(audit_head).where(audit_head.c.id == 1).values(number=number + 1, hash=found))
    unit.head = (number + 1, found)


def append_change(unit: Writing, event: Event) -> bool:
    """Write an entry of the fields alone that differ; return whether any does."""
    before, after = dict(event.before or {}), dict(event.after or {})
    differ = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    if not differ:
        return False
    changed = Event(
        event.action,
        event.object,
        event.tenant,
        {name: before.get(name) for name in differ},
        {name: after.get(name) for name in differ},
    )
    append(unit, changed)
    return True


# -- looking things up --


class Search(Struct, frozen=True):
    """What to look for; what is empty is not asked about."""

    tenants: frozenset[str] | None = None
    """Whose entries may be seen; None for all, those of the whole server too."""
    who: str = ""
    """`noun:ID`, or what somebody was called then, in part and in any case."""
    action: str = ""
    """An action, or the noun before its dot."""
    object: str = ""
    """`noun:ID`, or `user:NAME` of somebody who is in the log."""
    since_ms: int | None = None
    until_ms: int | None = None
    """Entries before this time."""


def search(unit: Unit, wanted: Search, *, before: int | None = None, limit: int = 100) -> tuple[Entry, ...]:
    """Return the newest entries first, at most `limit`; the next page is `before` the last."""
    statement = _where(wanted).order_by(audit.c.number.desc()).limit(limit)
    if before is not None:
        statement = statement.where(audit.c.number < before)
    return tuple(Entry(*row) for row in unit.rows(statement))


def read_on(unit: Unit, wanted: Search, *, after: int = 0, limit: int = 1000) -> tuple[Entry, ...]:
    """Return the oldest entries first that come after number `after`, at most `limit`."""
    statement = _where(wanted).where(audit.c.number > after).order_by(audit.c.number).limit(limit)
    return tuple(Entry(*row) for row in unit.rows(statement))


def _where(wanted: Search) -> Select[Any]:
    columns = audit.c
    statement = select(audit)
    if wanted.tenants is not None:
        statement = statement.where(columns.tenant.in_(sorted(wanted.tenants)))
    if wanted.who:
        called = columns.name.icontains(wanted.who, autoescape=True)
        statement = statement.where(or_(columns.who == wanted.who, called))
    if wanted.object:
        statement = statement.where(or_(columns.object == wanted.object, columns.object.in_(_ids(wanted))))
    if wanted.action:
        begins = columns.action.startswith(f"{wanted.action}.", autoescape=True)
        statement = statement.where(or_(columns.action == wanted.action, begins))
    if wanted.since_ms is not None:
        statement = statement.where(columns.time_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        statement = statement.where(columns.time_ms < wanted.until_ms)
    return statement


def _ids(wanted: Search) -> Select[Any]:
    """Return who was called what is looked for as an object, by what they did themselves."""
    noun, _, name = wanted.object.partition(":")
    named = audit.alias("named")
    # In any case as `who` is: what capitals are differs between databases, and collations of columns.
    begins = named.c.name.istartswith(name, autoescape=True)
    called = and_(named.c.name != "", begins, func.length(named.c.name) == len(name))
    found = select(named.c.who).where(called, named.c.who.startswith(f"{noun}:", autoescape=True))
    # What people of other tenants are called is not to be tried out here.
    return found if wanted.tenants is None else found.where(named.c.tenant.in_(sorted(wanted.tenants)))


# -- checking the chain --


def head(unit: Unit) -> tuple[int, str]:
    """Return number and hash of the newest entry, as the end of the chain is kept apart from the rows."""
    number, found = unit.the_row(select(audit_head.c.number, audit_head.c.hash), "head of the audit log")
    return number, found


def require_chain(entries: Iterable[Entry], previous: tuple[int, str] = (0, ORIGIN)) -> Iterator[Entry]:
    """Yield the entries of an unbroken chain that goes on from `previous`, a number and a hash.

    Raises PharosError(INVALID) that names the first entry which is missing or is not what it was.
    """
    number, before = previous
    for entry in entries:
        number += 1
        if entry.number != number:
            raise _broken(number, f"it is missing, {entry.number} follows")
        if entry.previous != before:
            raise _broken(number, "it does not follow from the entry before it")
        if entry.computed_hash() != entry.hash:
            raise _broken(number, "it is not what was written: its hash does not agree")
        before = entry.hash
        yield entry


def require_head(checked: tuple[int, str], kept: tuple[int, str]) -> None:
    """Raise PharosError(INVALID) where the chain that was checked does not end as it is kept."""
    if checked != kept:
        raise _broken(min(checked[0], kept[0]) + 1, f"the log ends at {checked[0]}, and ended at {kept[0]}")


def _broken(number: int, what: str) -> PharosError:
    return PharosError(Kind.INVALID, f"the audit log is broken at entry {number}: {what}")
