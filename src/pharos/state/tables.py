"""What all tables of people's state share: their register, and types that both databases read alike."""

from __future__ import annotations

import unicodedata
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import BigInteger, Column, ForeignKey, MetaData, Table, Text, types

from pharos.errors import Kind, PharosError

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Every table; what a migration makes is compared with it by a test."""

TEXT: Final = Text().with_variant(Text(collation="C"), "postgresql")
"""Compared and sorted by bytes, whatever language a PostgreSQL was made for."""


class Words(types.TypeDecorator[str]):
    """Text that both databases keep as it is."""

    impl = TEXT
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Any) -> str | None:
        """Return the text. Raises PharosError(INVALID) for what PostgreSQL cannot hold."""
        if value is not None:
            require_storable(value)
        return value


class Document(types.TypeDecorator[Any]):
    """A JSON document in its canonical form; numbers are whole."""

    impl = TEXT
    cache_ok = True

    def process_bind_param(self, value: Any, _: Any) -> str | None:
        """Return the document's text."""
        return None if value is None else canonical_json(value).decode()

    def process_result_value(self, value: str | None, _: Any) -> Any:
        """Return the document."""
        return None if value is None else orjson.loads(value)


def require_storable(text: str) -> None:
    """Raise PharosError(INVALID) for a text with a NUL or half a character in it."""
    try:
        text.encode()
    except UnicodeEncodeError as exc:
        raise PharosError(Kind.INVALID, f"not a text: {text[:40]!r} holds half a character") from exc
    if "\0" in text:
        raise PharosError(Kind.INVALID, f"not a text: {text[:40]!r} holds a NUL")


def canonical_json(value: Any) -> bytes:
    """Return JSON as RFC 8785 writes it, of a document whose keys are ASCII and whose numbers are whole.

    Raises PharosError(BUG) for another one: a fraction has no one form.
    """
    _require_whole(value)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise PharosError(Kind.INVALID, f"cannot be kept as JSON: {exc}") from exc


def _require_whole(value: Any) -> None:
    match value:
        case float():
            raise PharosError(Kind.BUG, f"people's state holds whole numbers only, not {value!r}")
        case dict():
            for inner in value.values():
                _require_whole(inner)
        case list() | tuple():
            for inner in value:
                _require_whole(inner)


def name_key(name: str) -> str:
    """Return what two names have in common that people take for one: width, composition and case aside."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def require_name(name: str, what: str, longest: int = 100) -> str:
    """Return the name without spaces around it.

    Raises PharosError(INVALID) when nothing is left, it is too long, or it cannot be seen whole.
    """
    name = name.strip()
    require_storable(name)
    if not name or len(name) > longest or not name.isprintable():
        raise PharosError(
            Kind.INVALID,
            f"not a name of a {what}: {name[:longest]!r}",
            hint=f"1 to {longest} printable characters",
        )
    return name


class Family(StrEnum):
    """What changes together, and is told of together to those who watch."""

    USERS = "users"
    """Users, the names by which identity providers know them, links."""
    TOKENS = "tokens"
    SESSIONS = "sessions"
    ROLES = "roles"
    """Roles and who has them where."""
    TENANTS = "tenants"
    LIMITS = "limits"
    POLICIES = "policies"
    PROPOSALS = "proposals"
    ALERTS = "alerts"
    SILENCES = "silences"
    RULES = "rules"
    OUTBOX = "outbox"
    """What is owed, and what was told."""
    ONCALL = "oncall"
    """Schedules and who takes whose shift, contacts, escalation policies, actions."""
    TIMELINE = "timeline"
    """What happened to alerts, and the responses that wait to be carried out."""
    ROUTING = "routing"
    """Tenants' own configurations of alerting, maintenance windows, dependencies."""
    FLOWS = "flows"
    """What was asked of flows, and how engines are reached."""
    ROLLOUTS = "rollouts"
    """Rollouts, and how far their runs are."""
    DASHBOARDS = "dashboards"
    """Dashboards, their folders, links to them."""
    HEALTH = "health"
    """Checks of health, components, status pages and what is announced there; where heartbeats come in."""


revisions: Final = Table(
    "revisions",
    METADATA,
    Column("family", Words, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""How often each family changed: counted in the transaction of the change."""


def tenant_reference(*, nullable: bool = False, primary_key: bool = False) -> Column[str]:
    """Return a column that names a tenant; a row of it keeps the tenant's row from being taken away."""
    return Column("tenant_id", Words, ForeignKey("tenants.id"), nullable=nullable, primary_key=primary_key)


def user_reference(name: str = "user_id", *, nullable: bool = False) -> Column[str]:
    """Return a column that names a user; the row goes with the user."""
    return Column(name, Words, ForeignKey("users.id", ondelete="CASCADE"), nullable=nullable)
