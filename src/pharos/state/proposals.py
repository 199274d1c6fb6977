"""Proposals to change protected policies, and who voted how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Table,
    delete,
    insert,
    select,
    update,
)

from pharos.errors import Kind, PharosError
from pharos.state.audit import Event, append
from pharos.state.tables import METADATA, Document, Family, Words, tenant_reference
from pharos.state.unit import Unit, Writing

proposals: Final = Table(
    "proposals",
    METADATA,
    Column("id", Words, primary_key=True),
    Column("action", Words, nullable=False),
    Column("policy", Words, nullable=False),
    tenant_reference(nullable=True),
    Column("change", Document, nullable=False),
    Column("before", Document),
    Column("who", Words, nullable=False),
    Column("name", Words, nullable=False),
    Column("reason", Words, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("status", Words, nullable=False),
    Column("decided_ms", BigInteger),
    Column("outcome", Words, nullable=False),
    Index(None, "status", "expires_ms"),
    Index(None, "tenant_id", "created_ms"),
)

votes: Final = Table(
    "votes",
    METADATA,
    Column("proposal_id", Words, ForeignKey("proposals.id"), primary_key=True),
    Column("who", Words, primary_key=True),
    Column("name", Words, nullable=False),
    Column("approves", Boolean, nullable=False),
    Column("reason", Words, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


class Status(StrEnum):
    """How it stands with a proposal."""

    OPEN = "open"
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    OUTDATED = "outdated"
    """What it was to change was changed meanwhile."""
    FAILED = "failed"
    """It was approved, and what it asks for is not possible any more."""


class Vote(Struct, frozen=True):
    """How somebody voted."""

    who: str
    name: str
    approves: bool
    reason: str
    at_ms: int


class Proposal(Struct, frozen=True):
    """A change that waits for those who may approve it, or did."""

    id: str
    action: str
    """What is to be done, such as `limits.set`."""
    policy: str
    tenant_id: str | None
    change: Mapping[str, Any]
    """With what."""
    before: Any
    """What it was to change, as it was when it was proposed."""
    who: str
    name: str
    reason: str
    created_ms: int
    expires_ms: int
    status: Status
    decided_ms: int | None
    outcome: str
    """Why it ended as it did, in words."""
    votes: tuple[Vote, ...] = ()


class NewProposal(Struct, frozen=True):
    """What a proposal begins with."""

    action: str
    policy: str
    tenant_id: str | None
    change: Mapping[str, Any]
    before: Any
    expires_ms: int


def create_proposal(unit: Writing, new: NewProposal) -> Proposal:
    """Keep a proposal of the unit's author, with the author's reason; return it."""
    identifier, author = unit.new_id(), unit.author
    unit.execute(
        insert(proposals).values(
            **asdict(new),
            id=identifier,
            who=author.who,
            name=author.name,
            reason=author.reason,
            created_ms=unit.now_ms,
            status=Status.OPEN,
            outcome="",
        )
    )
    told = {"action": new.action, "change": dict(new.change), "expires_ms": new.expires_ms}
    append(unit, Event("proposal.create", f"proposal:{identifier}", new.tenant_id or "", after=told))
    unit.changed(Family.PROPOSALS)
    return proposal(unit, identifier)


def proposal(unit: Unit, proposal_id: str) -> Proposal:
    """Return a proposal with its votes. Raises PharosError(MISSING)."""
    statement = select(proposals).where(proposals.c.id == proposal_id)
    found = _proposal(unit.the_row(statement, f"proposal {proposal_id!r}"))
    return replace(found, votes=_votes(unit, [proposal_id]).get(proposal_id, ()))


def _proposal(row: Any) -> Proposal:
    fields = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's name of what is public
    return Proposal(**{**fields, "status": Status(fields["status"])})


def list_proposals(
    unit: Unit,
    *,
    tenants: frozenset[str] | None = None,
    status: Status | None = None,
    before: str = "",
    limit: int = 200,
) -> tuple[Proposal, ...]:
    """Return proposals with their votes, the newest first, those after the one of the id `before`.

    `tenants` are those whose proposals may be seen; None for all, those of the whole server too. Raises
    PharosError(INVALID) when there is no proposal `before`.
    """
    order = (proposals.c.created_ms.desc(), proposals.c.id)
    statement = select(proposals).order_by(*order).limit(limit)
    if tenants is not None:
        statement = statement.where(proposals.c.tenant_id.in_(sorted(tenants)))
    if status is not None:
        statement = statement.where(proposals.c.status == status)
    if before:
        last = unit.row(select(proposals.c.created_ms).where(proposals.c.id == before))
        if last is None:
            raise PharosError(Kind.INVALID, f"no page ended with the proposal {before[:100]!r}")
        at_once = (proposals.c.created_ms == last[0]) & (proposals.c.id > before)
        statement = statement.where((proposals.c.created_ms < last[0]) | at_once)
    found = tuple(map(_proposal, unit.rows(statement)))
    given = _votes(unit, [one.id for one in found])
    return tuple(replace(one, votes=given.get(one.id, ())) for one in found)


def _votes(unit: Unit, ids: Sequence[str]) -> dict[str, tuple[Vote, ...]]:
    """Return the votes on some proposals, by their ids, the first one first."""
    columns = (votes.c.who, votes.c.name, votes.c.approves, votes.c.reason, votes.c.at_ms)
    statement = (
        select(votes.c.proposal_id, *columns)
        .where(votes.c.proposal_id.in_(ids))
        .order_by(votes.c.at_ms, votes.c.who)
    )
    found: dict[str, tuple[Vote, ...]] = {}
    for proposal_id, *rest in unit.rows(statement):
        found[proposal_id] = (*found.get(proposal_id, ()), Vote(*rest))
    return found


def put_vote(unit: Writing, proposal_id: str, *, approves: bool) -> Proposal:
    """Keep the vote of the unit's author, in place of an earlier one; return the proposal."""
    found, author = proposal(unit, proposal_id), unit.author
    unit.execute(delete(votes).where(votes.c.proposal_id == proposal_id, votes.c.who == author.who))
    unit.execute(
        insert(votes).values(
            proposal_id=proposal_id,
            who=author.who,
            name=author.name,
            approves=approves,
            reason=author.reason,
            at_ms=unit.now_ms,
        )
    )
    action = "proposal.approve" if approves else "proposal.reject"
    append(unit, Event(action, f"proposal:{proposal_id}", found.tenant_id or ""))
    unit.changed(Family.PROPOSALS)
    return proposal(unit, proposal_id)


def end_proposal(unit: Writing, proposal_id: str, status: Status, outcome: str) -> Proposal:
    """Note how a proposal ended, and why; return it."""
    before = proposal(unit, proposal_id)
    values = {"status": status, "decided_ms": unit.now_ms, "outcome": outcome}
    unit.execute(update(proposals).where(proposals.c.id == proposal_id).values(values))
    told = {"status": status, "outcome": outcome}
    append(unit, Event("proposal.end", f"proposal:{proposal_id}", before.tenant_id or "", after=told))
    unit.changed(Family.PROPOSALS)
    return proposal(unit, proposal_id)


def overdue_proposals(unit: Unit) -> tuple[str, ...]:
    """Return the ids of proposals that are open and whose time is over."""
    where = (proposals.c.status == Status.OPEN, proposals.c.expires_ms <= unit.now_ms)
    return tuple(row[0] for row in unit.rows(select(proposals.c.id).where(*where).order_by(proposals.c.id)))
