"""Users: people who sign in, the names by which identity providers know them, and links that work once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct, to_builtins
from sqlalchemy import BigInteger, Boolean, Column, Index, Table, delete, func, insert, select, update

from pharos.errors import Kind, PharosError
from pharos.secret import Secret
from pharos.state.audit import Event, append, append_change
from pharos.state.oncall import contacts
from pharos.state.tables import (
    METADATA,
    Document,
    Family,
    Words,
    canonical_json,
    name_key,
    require_name,
    user_reference,
)
from pharos.state.unit import Found, Unit, Writing

users: Final = Table(
    "users",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("name_key", Words, nullable=False, unique=True),
    Column("display_name", Words, nullable=False),
    Column("email", Words, nullable=False),
    Column("password_hash", Words),
    Column("must_change", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("disabled_ms", BigInteger),
)

identities: Final = Table(
    "identities",
    METADATA,
    Column("issuer", Words, primary_key=True),
    Column("subject", Words, primary_key=True),
    user_reference(),
    Column("linked_ms", BigInteger, nullable=False),
    Index(None, "user_id"),
)

links: Final = Table(
    "links",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("hash", Words, nullable=False, unique=True),
    Column("purpose", Words, nullable=False),
    user_reference(nullable=True),
    Column("content", Document, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("used_ms", BigInteger),
    Index(None, "user_id"),
)


class User(Struct, frozen=True):
    """A person who may sign in. The hash of the password is no part of it: see `password_hash`."""

    id: str
    name: str
    display_name: str
    email: str
    has_password: bool
    must_change: bool
    """Whether a new password is asked for at the next sign-in."""
    created_ms: int
    disabled_ms: int | None


class NewUser(Struct, frozen=True):
    """What a user begins with."""

    name: str
    display_name: str = ""
    email: str = ""
    password_hash: Secret | None = None
    must_change: bool = False


_USER: Final = (
    users.c.id,
    users.c.name,
    users.c.display_name,
    users.c.email,
    users.c.password_hash.is_not(None),
    users.c.must_change,
    users.c.created_ms,
    users.c.disabled_ms,
)


def _user(row: Found) -> User:
    identifier, name, display_name, email, has_password, *rest = row
    return User(identifier, name, display_name, email, bool(has_password), *rest)


def create_user(unit: Writing, new: NewUser) -> User:
    """Add a user and return them. Raises PharosError(INVALID) when the name is taken, or is none."""
    identifier, name = unit.new_id(), require_name(new.name, "user")
    _require_free(unit, name)
    unit.execute(
        insert(users).values(
            id=identifier,
            name=name,
            name_key=name_key(name),
            display_name=new.display_name,
            email=new.email,
            password_hash=None if new.password_hash is None else new.password_hash.reveal(),
            must_change=new.must_change,
            created_ms=unit.now_ms,
        )
    )
    found = user(unit, identifier)
    append(unit, Event("user.create", f"user:{identifier}", after=to_builtins(found)))
    unit.changed(Family.USERS)
    return found


def _require_free(unit: Unit, name: str) -> None:
    taken = unit.row(select(users.c.name).where(users.c.name_key == name_key(name)))
    if taken is not None:
        raise PharosError(Kind.INVALID, f"there is a user {taken[0]!r} already", hint="choose another name")


def user(unit: Unit, user_id: str) -> User:
    """Return a user. Raises PharosError(MISSING)."""
    return _user(unit.the_row(select(*_USER).where(users.c.id == user_id), f"user {user_id!r}"))


def user_meant(unit: Unit, named: str) -> User:
    """Return the user of an id, or of a name, however it is cased. Raises PharosError(MISSING)."""
    row = unit.row(select(*_USER).where(users.c.id == named))
    if row is None:
        by_name = users.c.name_key == name_key(named.strip())
        row = unit.the_row(select(*_USER).where(by_name), f"user {named[:100]!r}")
    return _user(row)


def list_users(unit: Unit, *, after: str = "", limit: int = 1000) -> tuple[User, ...]:
    """Return users by name, those that come after the name `after`, at most `limit`."""
    statement = (
        select(*_USER).where(users.c.name_key > name_key(after)).order_by(users.c.name_key).limit(limit)
    )
    return tuple(map(_user, unit.rows(statement)))


def count_users(unit: Unit) -> int:
    """Return how many users there are, disabled ones too."""
    return int(unit.rows(select(func.count()).select_from(users))[0][0])


def password_hash(unit: Unit, user_id: str) -> Secret | None:
    """Return the hash of a user's password; None when they have none. Raises PharosError(MISSING)."""
    found = unit.the_row(select(users.c.password_hash).where(users.c.id == user_id), f"user {user_id!r}")[0]
    return None if found is None else Secret(found)


def set_password_hash(
    unit: Writing, user_id: str, hashed: Secret | None, *, must_change: bool = False
) -> User:
    """Set the hash of a user's password; None takes it away. Raises PharosError(MISSING)."""
    before = user(unit, user_id)
    values = {"password_hash": None if hashed is None else hashed.reveal(), "must_change": must_change}
    unit.execute(update(users).where(users.c.id == user_id).values(values))
    after = user(unit, user_id)
    append(
        unit,
        Event("user.password", f"user:{user_id}", before=_of_password(before), after=_of_password(after)),
    )
    unit.changed(Family.USERS)
    return after


def replace_password_hash(unit: Writing, user_id: str, hashed: Secret) -> None:
    """Keep the same password under another hash, as better parameters make it; nothing is audited."""
    unit.execute(update(users).where(users.c.id == user_id).values(password_hash=hashed.reveal()))


def _of_password(one: User) -> dict[str, bool]:
    return {"has_password": one.has_password, "must_change": one.must_change}


def change_user(
    unit: Writing,
    user_id: str,
    *,
    name: str | None = None,
    display_name: str | None = None,
    email: str | None = None,
) -> User:
    """Change what is given of a user; return them. Raises PharosError: MISSING, INVALID for the name."""
    before = user(unit, user_id)
    given = {"display_name": display_name, "email": email}
    values = {key: value for key, value in given.items() if value is not None}
    if name is not None:
        name = require_name(name, "user")
        if name_key(name) != name_key(before.name):
            _require_free(unit, name)
        values |= {"name": name, "name_key": name_key(name)}
    return _change(unit, before, "user.change", values)


def disable_user(unit: Writing, user_id: str) -> User:
    """Keep a user from everything; what they have stays. Raises PharosError(MISSING)."""
    before = user(unit, user_id)
    return (
        before if before.disabled_ms else _change(unit, before, "user.disable", {"disabled_ms": unit.now_ms})
    )


def enable_user(unit: Writing, user_id: str) -> User:
    """Let a user in again. Raises PharosError(MISSING)."""
    return _change(unit, user(unit, user_id), "user.enable", {"disabled_ms": None})


def _change(unit: Writing, before: User, action: str, values: Mapping[str, Any]) -> User:
    if values:
        unit.execute(update(users).where(users.c.id == before.id).values(dict(values)))
    after = user(unit, before.id)
    if append_change(
        unit, Event(action, f"user:{before.id}", before=to_builtins(before), after=to_builtins(after))
    ):
        unit.changed(Family.USERS)
    return after


def delete_user(unit: Writing, user_id: str) -> dict[str, int]:
    """Take a user away with all that is theirs; return how many rows of each table that were.

    That none is left is looked at, and kept in the audit log, which goes on to say what they did and by which
    name. Raises PharosError: MISSING; BUG when something is left, and then nothing was done.
    """
    before = user(unit, user_id)
    removed = _rows_of(unit, user_id)
    unit.execute(delete(users).where(users.c.id == user_id))
    left = {table: rows for table, rows in _rows_of(unit, user_id).items() if rows}
    if left:
        raise PharosError(Kind.BUG, f"something of user {user_id!r} is left: {left}")
    # Whose contacts they are is told by their name: others may be on call without an account.
    theirs = unit.execute(delete(contacts).where(contacts.c.person_key == name_key(before.name)))
    removed |= {contacts.name: theirs} if theirs else {}
    proof = {"rows_removed": removed, "rows_left": 0}
    append(unit, Event("user.delete", f"user:{user_id}", before={"name": before.name}, after=proof))
    for family in (Family.USERS, Family.TOKENS, Family.SESSIONS, Family.ROLES):
        unit.changed(family)
    return removed


def _rows_of(unit: Unit, user_id: str) -> dict[str, int]:
    """Return how many rows every table has of a user, theirs among the users included."""
    keys = [key for table in METADATA.sorted_tables for key in table.foreign_keys]
    found: dict[str, int] = {}
    for column in (users.c.id, *(key.parent for key in keys if key.column is users.c.id)):
        name = str(column.table.name)
        statement = select(func.count()).select_from(column.table).where(column == user_id)
        found[name] = found.get(name, 0) + int(unit.rows(statement)[0][0])
    return found


# -- identity providers --


class Identity(Struct, frozen=True):
    """By what name an identity provider knows a user."""

    issuer: str
    subject: str
    user_id: str
    linked_ms: int


def link_identity(unit: Writing, user_id: str, issuer: str, subject: str) -> Identity:
    """Let whom the issuer calls `subject` in as the user; return the link.

    Raises PharosError: MISSING for the user, INVALID when it is another user's already.
    """
    user(unit, user_id)
    statement = select(identities).where(identities.c.issuer == issuer, identities.c.subject == subject)
    known = unit.row(statement)
    if known is not None and known.user_id != user_id:
        raise PharosError(Kind.INVALID, f"{subject!r} of {issuer} is linked to another user already")
    if known is None:
        values = {"issuer": issuer, "subject": subject, "user_id": user_id, "linked_ms": unit.now_ms}
        unit.execute(insert(identities).values(values))
        after = {"issuer": issuer, "subject": subject}
        append(unit, Event("user.link_identity", f"user:{user_id}", after=after))
        unit.changed(Family.USERS)
    return Identity(*unit.the_row(statement, "identity"))


def unlink_identity(unit: Writing, user_id: str, issuer: str, subject: str) -> None:
    """End such a link. Raises PharosError(MISSING)."""
    where = (identities.c.issuer == issuer, identities.c.subject == subject, identities.c.user_id == user_id)
    if not unit.execute(delete(identities).where(*where)):
        raise PharosError(Kind.MISSING, f"{subject!r} of {issuer} is not linked to user {user_id!r}")
    before = {"issuer": issuer, "subject": subject}
    append(unit, Event("user.unlink_identity", f"user:{user_id}", before=before))
    unit.changed(Family.USERS)


def user_of_identity(unit: Unit, issuer: str, subject: str) -> User:
    """Return the user whom an issuer calls `subject`. Raises PharosError(MISSING)."""
    statement = select(*_USER).join(identities, identities.c.user_id == users.c.id)
    found = statement.where(identities.c.issuer == issuer, identities.c.subject == subject)
    return _user(unit.the_row(found, f"user whom {issuer} calls {subject!r}"))


def issuers_by_user(unit: Unit) -> dict[str, tuple[str, ...]]:
    """Return who vouches for each user for whom anybody does."""
    statement = select(identities.c.user_id, identities.c.issuer).distinct().order_by(identities.c.issuer)
    found: dict[str, tuple[str, ...]] = {}
    for user_id, issuer in unit.rows(statement):
        found[user_id] = (*found.get(user_id, ()), issuer)
    return found


# -- links that work once --


class Link(Struct, frozen=True):
    """A link that was given to somebody; only the hash of its secret is kept."""

    id: str
    purpose: str
    """`first-user`, `invite`, `password`."""
    user_id: str | None
    content: Mapping[str, Any]
    """What is to happen when it is used, such as the memberships of an invitation."""
    created_ms: int
    expires_ms: int
    used_ms: int | None


class NewLink(Struct, frozen=True):
    """What a link begins with; `hash` is of the secret in it."""

    hash: str
    purpose: str
    expires_ms: int
    user_id: str | None = None
    content: Mapping[str, Any] | None = None


_LINK: Final = tuple(column for column in links.c if column.name != "hash")


def create_link(unit: Writing, new: NewLink) -> Link:
    """Keep a link and return it. Raises PharosError(MISSING) for an unknown user."""
    if new.user_id is not None:
        user(unit, new.user_id)
    identifier, content = unit.new_id(), dict(new.content or {})
    canonical_json(content)
    unit.execute(
        insert(links).values(
            id=identifier,
            hash=new.hash,
            purpose=new.purpose,
            user_id=new.user_id,
            content=content,
            created_ms=unit.now_ms,
            expires_ms=new.expires_ms,
        )
    )
    found = Link(*unit.the_row(select(*_LINK).where(links.c.id == identifier), "link"))
    append(unit, Event("link.create", f"link:{identifier}", after=to_builtins(found)))
    return found


def find_link(unit: Unit, hashed: str) -> Link:
    """Return a link that still works. Raises PharosError(MISSING) when it does not."""
    row = unit.row(
        select(*_LINK).where(
            links.c.hash == hashed, links.c.used_ms.is_(None), links.c.expires_ms > unit.now_ms
        )
    )
    if row is None:
        raise PharosError(
            Kind.MISSING, "this link does not work: it was used, or it is too old", hint="ask for a new one"
        )
    return Link(*row)


def use_link(unit: Writing, hashed: str) -> Link:
    """Return a link, which never works again. Raises PharosError(MISSING) when it did not work any more."""
    found = find_link(unit, hashed)
    unit.execute(update(links).where(links.c.id == found.id).values(used_ms=unit.now_ms))
    append(unit, Event("link.use", f"link:{found.id}", after={"purpose": found.purpose}))
    return Link(*unit.the_row(select(*_LINK).where(links.c.id == found.id), "link"))


def drop_links(unit: Writing, purpose: str, user_id: str | None = None) -> int:
    """Take away the unused links of a purpose, all or a user's; return how many there were."""
    where = [links.c.purpose == purpose, links.c.used_ms.is_(None)]
    if user_id is not None:
        where.append(links.c.user_id == user_id)
    found = [row[0] for row in unit.rows(select(links.c.id).where(*where).order_by(links.c.id))]
    for identifier in found:
        unit.execute(delete(links).where(links.c.id == identifier))
        append(unit, Event("link.drop", f"link:{identifier}", before={"purpose": purpose}))
    return len(found)
