"""Silences: which alerts nobody is told of, from when until when, by whom and why.

Each is made, changed and ended in a transaction that the audit log tells of; an ended one is kept for
some days.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Index, Table, delete, select, update

from pharos.errors import Kind, PharosError
from pharos.labels import Matcher, MatchOp
from pharos.state import audit
from pharos.state.tables import METADATA, Document, Family, Words
from pharos.state.unit import Found, Unit, Writing

silences: Final = Table(
    "silences",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("tenant_id", Words, nullable=False),
    Column("matchers", Document, nullable=False),
    Column("created_by", Words, nullable=False),
    Column("comment", Words, nullable=False),
    Column("receiver", Words, nullable=False),
    Column("who", Words, nullable=False),
    Column("starts_ms", BigInteger, nullable=False),
    Column("ends_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Column("remind_ms", BigInteger, nullable=False),
    Column("reminded_ms", BigInteger, nullable=False),
    Index(None, "tenant_id", "ends_ms"),
    Index(None, "ends_ms"),
)


class Silence(Struct, frozen=True):
    """That nobody is told of the alerts that all matchers match, for a time."""

    id: str
    tenant_id: str
    matchers: tuple[Matcher, ...]
    starts_ms: int
    ends_ms: int
    updated_ms: int = 0
    created_by: str = ""
    """Who made it, as they say themselves."""
    comment: str = ""
    receiver: str = ""
    """Of which receiver alone it holds pages back; empty for all of them."""
    who: str = ""
    """Who made it, as we know them (`Author.who`)."""
    remind_ms: int = 0
    """So long before its end those who would be told are reminded of it; 0 reminds nobody."""
    reminded_ms: int = 0
    """When they were; 0 if not yet."""

    def is_active_at(self, now_ms: int) -> bool:
        """Return whether it holds pages back."""
        return self.starts_ms <= now_ms < self.ends_ms

    def is_over_at(self, now_ms: int) -> bool:
        """Return whether it is over."""
        return self.ends_ms <= now_ms

    def shown(self) -> dict[str, Any]:
        """Return it as the audit log tells of it."""
        return {
            "matchers": [f"{one.name}{one.op.value}{one.value}" for one in self.matchers],
            "starts_ms": self.starts_ms,
            "ends_ms": self.ends_ms,
            "created_by": self.created_by,
            "comment": self.comment,
            "receiver": self.receiver,
        }


_SHOWN: Final = tuple(
    silences.c[name]
    for name in (
        "id",
        "tenant_id",
        "matchers",
        "starts_ms",
        "ends_ms",
        "updated_ms",
        "created_by",
        "comment",
        "receiver",
        "who",
        "remind_ms",
        "reminded_ms",
    )
)


def put_silence(unit: Writing, silence: Silence) -> None:
    """Keep a silence, in the place of the one with its id."""
    known = find_silence(unit, silence.tenant_id, silence.id)
    unit.upsert(
        silences,
        [
            {
                "id": silence.id,
                "tenant_id": silence.tenant_id,
                "matchers": [[one.name, one.op.value, one.value] for one in silence.matchers],
                "created_by": silence.created_by,
                "comment": silence.comment,
                "receiver": silence.receiver,
                "who": silence.who,
                "starts_ms": silence.starts_ms,
                "ends_ms": silence.ends_ms,
                "updated_ms": silence.updated_ms,
                "remind_ms": silence.remind_ms,
                "reminded_ms": silence.reminded_ms,
            }
        ],
    )
    unit.changed(Family.SILENCES)
    audit.append(
        unit,
        audit.Event(
            "silence.create" if known is None else "silence.change",
            f"silence:{silence.id}",
            silence.tenant_id,
            None if known is None else known.shown(),
            silence.shown(),
        ),
    )


def find_silence(unit: Unit, tenant_id: str, silence_id: str) -> Silence | None:
    """Return a tenant's silence; None if it has none of that id."""
    row = unit.row(select(*_SHOWN).where(silences.c.tenant_id == tenant_id, silences.c.id == silence_id))
    return None if row is None else _silence(row)


def the_silence(unit: Unit, tenant_id: str, silence_id: str) -> Silence:
    """Return a tenant's silence. Raises PharosError(MISSING)."""
    found = find_silence(unit, tenant_id, silence_id)
    if found is None:
        raise PharosError(Kind.MISSING, f"there is no silence {silence_id[:80]}")
    return found


def list_silences(unit: Unit, tenant_id: str | None = None) -> tuple[Silence, ...]:
    """Return the silences of a tenant, or of all, those that are over too, in no order."""
    where = [] if tenant_id is None else [silences.c.tenant_id == tenant_id]
    return tuple(map(_silence, unit.rows(select(*_SHOWN).where(*where))))


def note_reminded(unit: Writing, ids: Iterable[str]) -> None:
    """Keep that those concerned were reminded of the end of silences."""
    changed = update(silences).where(silences.c.id.in_(list(ids))).values(reminded_ms=unit.now_ms)
    if unit.execute(changed):
        unit.changed(Family.SILENCES)


def drop_silences(unit: Writing, *, before_ms: int | None = None, tenant_id: str | None = None) -> int:
    """Take silences away that were over before a time, or all of a tenant; return how many."""
    statement = delete(silences)
    if before_ms is not None:
        statement = statement.where(silences.c.ends_ms < before_ms)
    if tenant_id is not None:
        statement = statement.where(silences.c.tenant_id == tenant_id)
    count = unit.execute(statement)
    if count:
        unit.changed(Family.SILENCES)
    return count


def _silence(row: Found) -> Silence:
    identifier, tenant_id, matchers, *rest = row
    read = tuple(Matcher(name, MatchOp(op), value) for name, op, value in matchers)
    return Silence(identifier, tenant_id, read, *rest)
