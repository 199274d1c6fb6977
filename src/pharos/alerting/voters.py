"""Whose vote an acknowledgement is: a person counts once, whatever they say it by, and nobody for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pharos.errors import Kind, PharosError
from pharos.state import Unit, accounts, oncall, tokens
from pharos.state.oncall import ContactKind

_BESIDE: Final = {"token": "the token", "slack": "in Slack,", "pagerduty": "in PagerDuty,"}
"""Those whose names they, or others, give them as they like: none of these names means a person here."""


def voter_of(unit: Unit, tenant_id: str, acknowledged: Mapping[str, Any]) -> str:
    """Return whose vote it is, of what the timeline says of an acknowledgement.

    A token that belongs to somebody, such as that of `pharos login`, votes as they do, and in Slack whose
    contact it is. Others vote as themselves, and can be taken for no person.
    """
    kind, _, known = str(acknowledged.get("who") or "").partition(":")
    name = str(acknowledged.get("name") or acknowledged.get("who") or "")
    person: str | None = None
    if kind == "token":
        person = owner_of(unit, known)
    elif kind == "slack":
        person = oncall.person_at(unit, tenant_id, ContactKind.SLACK, known)
    elif kind not in _BESIDE:
        return name
    return person or f"{_BESIDE[kind]} {name}"


def owner_of(unit: Unit, token_id: str) -> str | None:
    """Return the name of the person whom a token belongs to; None for one of nobody."""
    try:
        owner_id = tokens.token(unit, token_id).owner_id
        return None if owner_id is None else accounts.user(unit, owner_id).name
    except PharosError as exc:
        if exc.kind is not Kind.MISSING:
            raise
        return None
