"""API tokens: what programs carry. Only a hash is kept of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, to_builtins
from msgspec.structs import replace
from sqlalchemy import BigInteger, Column, Index, Table, insert, or_, select, update

from pharos.errors import Kind, PharosError
from pharos.state import accounts, tenants
from pharos.state.audit import Event, append
from pharos.state.tables import (
    METADATA,
    Document,
    Family,
    Words,
    require_name,
    tenant_reference,
    user_reference,
)
from pharos.state.unit import Unit, Writing

tokens: Final = Table(
    "tokens",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("prefix", Words, nullable=False),
    Column("hash", Words, nullable=False, unique=True),
    user_reference("owner_id", nullable=True),
    tenant_reference(nullable=True),
    Column("roles", Document, nullable=False),
    Column("permissions", Document),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger),
    Column("used_ms", BigInteger),
    Column("revoked_ms", BigInteger),
    Column("rotated_from", Words),
    Index(None, "owner_id"),
    Index(None, "tenant_id"),
)


class Token(Struct, frozen=True):
    """A token, without its secret."""

    id: str
    name: str
    prefix: str
    """How it begins, by which people tell it from others."""
    owner_id: str | None
    """A user, whose rights bound the token's; None for one that belongs to nobody."""
    tenant_id: str | None
    """Where it may be used; None for everywhere that its roles reach."""
    roles: tuple[str, ...]
    permissions: tuple[str, ...] | None
    """All that it may do of what its roles allow; None for all of that."""
    created_ms: int
    expires_ms: int | None
    used_ms: int | None
    revoked_ms: int | None
    rotated_from: str | None
    """The token that it came in place of."""

    def is_live(self, now_ms: int) -> bool:
        """Return whether it opens anything at a time."""
        return self.revoked_ms is None and (self.expires_ms is None or now_ms < self.expires_ms)


class NewToken(Struct, frozen=True):
    """What a token begins with; `hash` is of all of it, its prefix included."""

    name: str
    prefix: str
    hash: str
    owner_id: str | None = None
    tenant_id: str | None = None
    roles: tuple[str, ...] = ()
    permissions: tuple[str, ...] | None = None
    expires_ms: int | None = None


_TOKEN: Final = tuple(column for column in tokens.c if column.name != "hash")


def _token(row: Sequence[Any]) -> Token:
    identifier, name, prefix, owner, tenant, roles, permissions, *rest = row
    narrowed = None if permissions is None else tuple(permissions)
    return Token(identifier, name, prefix, owner, tenant, tuple(roles), narrowed, *rest)


def create_token(unit: Writing, new: NewToken) -> Token:
    """Keep a token and return it. Raises PharosError: MISSING for an unknown owner or tenant, INVALID."""
    return _create(unit, new, None)


def _create(unit: Writing, new: NewToken, rotated_from: str | None) -> Token:
    if new.owner_id is not None:
        accounts.user(unit, new.owner_id)
    if new.tenant_id is not None:
        tenants.require_living(unit, new.tenant_id)
    identifier = unit.new_id()
    unit.execute(
        insert(tokens).values(
            id=identifier,
            name=require_name(new.name, "token"),
            prefix=new.prefix,
            hash=new.hash,
            owner_id=new.owner_id,
            tenant_id=new.tenant_id,
            roles=list(new.roles),
            permissions=None if new.permissions is None else list(new.permissions),
            created_ms=unit.now_ms,
            expires_ms=new.expires_ms,
            rotated_from=rotated_from,
        )
    )
    found = token(unit, identifier)
    append(
        unit, Event("token.create", f"token:{identifier}", found.tenant_id or "", after=to_builtins(found))
    )
    unit.changed(Family.TOKENS)
    return found


def token(unit: Unit, token_id: str) -> Token:
    """Return a token. Raises PharosError(MISSING)."""
    return _token(unit.the_row(select(*_TOKEN).where(tokens.c.id == token_id), f"token {token_id!r}"))


def list_tokens(
    unit: Unit, *, owner_id: str | None = None, tenant_id: str | None = None
) -> tuple[Token, ...]:
    """Return the tokens, revoked ones too, of an owner, of a tenant, or all, the newest first."""
    statement = select(*_TOKEN).order_by(tokens.c.created_ms.desc(), tokens.c.id)
    if owner_id is not None:
        statement = statement.where(tokens.c.owner_id == owner_id)
    if tenant_id is not None:
        statement = statement.where(tokens.c.tenant_id == tenant_id)
    return tuple(map(_token, unit.rows(statement)))


def live_tokens(unit: Unit) -> dict[str, Token]:
    """Return all tokens that open something now, by their hash: what a server keeps in memory."""
    living = or_(tokens.c.expires_ms.is_(None), tokens.c.expires_ms > unit.now_ms)
    statement = select(tokens.c.hash, *_TOKEN).where(tokens.c.revoked_ms.is_(None), living)
    return {row[0]: _token(row[1:]) for row in unit.rows(statement)}


def revoke_token(unit: Writing, token_id: str) -> Token:
    """End a token for good and return it. Raises PharosError(MISSING)."""
    before = token(unit, token_id)
    if before.revoked_ms is not None:
        return before
    unit.execute(update(tokens).where(tokens.c.id == token_id).values(revoked_ms=unit.now_ms))
    after = replace(before, revoked_ms=unit.now_ms)
    changed = {"revoked_ms": unit.now_ms}
    append(
        unit, Event("token.revoke", f"token:{token_id}", after.tenant_id or "", {"name": after.name}, changed)
    )
    unit.changed(Family.TOKENS)
    return after


def rotate_token(unit: Writing, token_id: str, prefix: str, hashed: str, *, grace_ms: int) -> Token:
    """Put a new token in the place of one that lives on for `grace_ms` at most; return the new one.

    The new one expires as far from now as the old one did from when it was made. Raises PharosError: MISSING,
    or INVALID when the old one is revoked or expired already.
    """
    old = token(unit, token_id)
    if not old.is_live(unit.now_ms):
        raise PharosError(
            Kind.INVALID, f"the token {old.name!r} is revoked or expired", hint="make a new one instead"
        )
    lasts_ms = None if old.expires_ms is None else old.expires_ms - old.created_ms
    expires_ms = None if lasts_ms is None else unit.now_ms + lasts_ms
    new = NewToken(
        old.name, prefix, hashed, old.owner_id, old.tenant_id, old.roles, old.permissions, expires_ms
    )
    found = _create(unit, new, token_id)
    ends_ms = (
        unit.now_ms + grace_ms if old.expires_ms is None else min(old.expires_ms, unit.now_ms + grace_ms)
    )
    unit.execute(update(tokens).where(tokens.c.id == token_id).values(expires_ms=ends_ms))
    event = Event(
        "token.rotate",
        f"token:{token_id}",
        old.tenant_id or "",
        {"expires_ms": old.expires_ms},
        {"expires_ms": ends_ms, "rotated_to": found.id},
    )
    append(unit, event)
    return found


def note_used(unit: Writing, used_ms: Mapping[str, int]) -> None:
    """Keep when tokens were last used, by id; nothing is audited, and nobody is told."""
    for token_id, at_ms in sorted(used_ms.items()):
        older = or_(tokens.c.used_ms.is_(None), tokens.c.used_ms < at_ms)
        unit.execute(update(tokens).where(tokens.c.id == token_id, older).values(used_ms=at_ms))
