"""Sessions: browsers that are signed in. Only a hash is kept of what each cookie holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct
from sqlalchemy import BigInteger, Column, Index, Table, delete, insert, or_, select, update

from pharos.state import accounts
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Family, Words, user_reference
from pharos.state.unit import Unit, Writing

sessions: Final = Table(
    "sessions",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("hash", Words, nullable=False, unique=True),
    user_reference(),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("user_agent", Words, nullable=False),
    Column("address", Words, nullable=False),
    Column("revoked_ms", BigInteger),
    Index(None, "user_id"),
    Index(None, "expires_ms"),
)


class Session(Struct, frozen=True):
    """A browser that signed in."""

    id: str
    """What it is called in lists; it opens nothing."""
    user_id: str
    created_ms: int
    seen_ms: int
    expires_ms: int
    user_agent: str
    address: str
    revoked_ms: int | None

    def is_live(self, now_ms: int) -> bool:
        """Return whether it opens anything at a time."""
        return self.revoked_ms is None and now_ms < self.expires_ms


class NewSession(Struct, frozen=True):
    """What a session begins with; `hash` is of what the cookie holds."""

    hash: str
    user_id: str
    expires_ms: int
    user_agent: str = ""
    address: str = ""


_SESSION: Final = tuple(column for column in sessions.c if column.name != "hash")


def create_session(unit: Writing, new: NewSession) -> Session:
    """Keep a session and return it. Raises PharosError(MISSING) for an unknown user."""
    accounts.user(unit, new.user_id)
    identifier = unit.new_id()
    unit.execute(
        insert(sessions).values(
            id=identifier,
            hash=new.hash,
            user_id=new.user_id,
            created_ms=unit.now_ms,
            seen_ms=unit.now_ms,
            expires_ms=new.expires_ms,
            user_agent=new.user_agent,
            address=new.address,
        )
    )
    after = {"user_id": new.user_id, "address": new.address, "user_agent": new.user_agent}
    append(unit, Event("session.create", f"session:{identifier}", after=after))
    unit.changed(Family.SESSIONS)
    return session(unit, identifier)


def session(unit: Unit, session_id: str) -> Session:
    """Return a session. Raises PharosError(MISSING)."""
    statement = select(*_SESSION).where(sessions.c.id == session_id)
    return Session(*unit.the_row(statement, f"session {session_id!r}"))


def session_of_hash(unit: Unit, hashed: str) -> Session:
    """Return the session whose cookie has the hash, whether it lives or not. Raises PharosError(MISSING)."""
    return Session(*unit.the_row(select(*_SESSION).where(sessions.c.hash == hashed), "such session"))


def list_sessions(unit: Unit, user_id: str) -> tuple[Session, ...]:
    """Return the sessions of a user that live now, the one that was seen last first."""
    living = (sessions.c.revoked_ms.is_(None), sessions.c.expires_ms > unit.now_ms)
    statement = select(*_SESSION).where(sessions.c.user_id == user_id, *living)
    return tuple(
        Session(*row) for row in unit.rows(statement.order_by(sessions.c.seen_ms.desc(), sessions.c.id))
    )


def live_sessions(unit: Unit) -> dict[str, Session]:
    """Return all sessions that live now, by their hash: what a server keeps in memory."""
    living = (sessions.c.revoked_ms.is_(None), sessions.c.expires_ms > unit.now_ms)
    found = unit.rows(select(sessions.c.hash, *_SESSION).where(*living))
    return {row[0]: Session(*row[1:]) for row in found}


def revoke_session(unit: Writing, session_id: str) -> None:
    """End a session. Raises PharosError(MISSING)."""
    found = session(unit, session_id)
    if found.revoked_ms is None:
        _revoke(unit, found)


def revoke_sessions(unit: Writing, user_id: str, *, but: str = "") -> int:
    """End all sessions of a user, except the one of the id `but`; return how many lived."""
    found = [one for one in list_sessions(unit, user_id) if one.id != but]
    for one in found:
        _revoke(unit, one)
    return len(found)


def _revoke(unit: Writing, one: Session) -> None:
    unit.execute(update(sessions).where(sessions.c.id == one.id).values(revoked_ms=unit.now_ms))
    append(unit, Event("session.revoke", f"session:{one.id}", before={"user_id": one.user_id}))
    unit.changed(Family.SESSIONS)


def note_seen(
    unit: Writing, seen_ms: Mapping[str, int], *, expires_ms: Mapping[str, int] | None = None
) -> None:
    """Keep when sessions were last seen, by id, and until when they last; nothing is audited or told."""
    for session_id, at_ms in sorted(seen_ms.items()):
        values = {"seen_ms": at_ms}
        if expires_ms is not None and session_id in expires_ms:
            values["expires_ms"] = expires_ms[session_id]
        where = (sessions.c.id == session_id, sessions.c.seen_ms < at_ms)
        unit.execute(update(sessions).where(*where).values(values))


def drop_ended(unit: Writing, before_ms: int) -> int:
    """Take away sessions that ended before a time; return how many. The audit log keeps that they were."""
    ended = or_(sessions.c.expires_ms < before_ms, sessions.c.revoked_ms < before_ms)
    return unit.execute(delete(sessions).where(ended))
