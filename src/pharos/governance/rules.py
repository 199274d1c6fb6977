"""When a change needs a proposal, who votes, and when a vote decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from pharos.access import ROLES, Identity, IdentityKind, grant
from pharos.access import Role as Allows
from pharos.errors import Kind, PharosError
from pharos.governance.changes import Change, Protect, document_of, read_change
from pharos.state import PHAROS, State, Unit, Writing, accounts, proposals, roles
from pharos.state.proposals import NewProposal, Proposal, Status
from pharos.state.protections import Protection, protection, require_unprotected

APPROVE: Final = "governance.approve"
Approvers = Callable[[Unit, str | None], frozenset[str]]
"""Returns who may approve a change in a tenant, or of the whole server (None), as `user:ID`."""


def people_who_may_approve(unit: Unit, tenant: str | None) -> frozenset[str]:
    """Return the users, without disabled ones, whose roles let them approve in a tenant, or everywhere."""
    made = roles.list_roles(unit)
    enabled = {one.id for one in accounts.list_users(unit, limit=1_000_000) if one.disabled_ms is None}
    held: dict[str, list[tuple[str | None, Allows]]] = {}
    for one in roles.all_memberships(unit):
        if one.user_id in enabled:
            role = _role(made, one.role, one.tenant_id)
            if role is not None:
                held.setdefault(one.user_id, []).append((one.tenant_id, role))
    found = set()
    for user_id, given in held.items():
        may = grant(Identity(IdentityKind.USER, user_id, user_id), given)
        if APPROVE in (may.everywhere if tenant is None else may.permissions(tenant)):
            found.add(f"user:{user_id}")
    return frozenset(found)


def _role(made: tuple[roles.Role, ...], name: str, tenant: str | None) -> Allows | None:
    """Return the role of a name in a tenant: one that is shipped, one of the tenant, or one of all."""
    if name in ROLES:
        return ROLES[name]
    fits = [one for one in made if one.name == name and one.tenant_id in {tenant, None}]
    own = sorted(fits, key=lambda one: one.tenant_id is None)
    return Allows(name, frozenset(own[0].permissions)) if own else None


class Governance:
    """The door: changes that need nobody else, and proposals."""

    def __init__(self, state: State, approvers: Approvers = people_who_may_approve) -> None:
        self._state = state
        self._approvers = approvers

    # -- within a unit of work --

    def change(self, unit: Writing, change: Change) -> None:
        """Make a change of a policy that is not protected.

        Raises what its check raises, and PharosError(DENIED) that says how to propose it when it is.
        """
        self._check(unit, change)
        require_unprotected(unit, change.policy, change.tenant)
        change.apply(unit)

    def propose(self, unit: Writing, change: Change) -> Proposal:
        """Keep a change as a proposal of the unit's author, whose reason says why; return it.

        Raises what its check raises, and PharosError(INVALID) when there is no reason, when the policy is not
        protected, or when there are not enough people to approve it.
        """
        self._check(unit, change)
        rule = protection(unit, change.policy, change.tenant)
        if rule is None:
            raise PharosError(
                Kind.INVALID, f"the policy {change.policy!r} is not protected", hint="change it directly"
            )
        if not unit.author.reason.strip():
            raise PharosError(Kind.INVALID, "a proposal needs a reason", hint="say why, for those who vote")
        may = self._electorate(unit, change.tenant, unit.author.who)
        if len(may) < rule.needed(len(may)):
            raise PharosError(
                Kind.INVALID,
                f"this needs {rule.words}, and besides you {len(may)} may",
                hint=f"give more people a role with {APPROVE}",
            )
        new = NewProposal(
            change.action,
            change.policy,
            change.tenant,
            document_of(change),
            change.current(unit),
            unit.now_ms + rule.lasts_ms,
        )
        return proposals.create_proposal(unit, new)

    def approve(self, unit: Writing, proposal_id: str) -> Proposal:
        """Vote for a proposal as the unit's author; what that decides is applied in the same transaction."""
        return self._vote(unit, proposal_id, approves=True)

    def reject(self, unit: Writing, proposal_id: str) -> Proposal:
        """Vote against a proposal as the unit's author; it ends when it cannot reach its quorum any more."""
        return self._vote(unit, proposal_id, approves=False)

    def withdraw(self, unit: Writing, proposal_id: str) -> Proposal:
        """End a proposal of the unit's author. Raises PharosError: MISSING, INVALID, DENIED for another's."""
        found = _open(unit, proposal_id)
        if found.who != unit.author.who:
            raise PharosError(
                Kind.DENIED, "only who made a proposal may withdraw it", hint="reject it instead"
            )
        return proposals.end_proposal(unit, proposal_id, Status.WITHDRAWN, unit.author.reason)

    def _check(self, unit: Unit, change: Change) -> None:
        change.check(unit)
        if isinstance(change, Protect):
            rule = Protection(
                change.policy,
                change.tenant,
                change.approvals,
                change.percent,
                change.lasts_ms,
                change.reasons,
            )
            may = len(self._approvers(unit, change.tenant))
            if may < rule.needed(may):
                raise PharosError(
                    Kind.INVALID,
                    f"nothing could change any more: it would need {rule.words}, and {may} may give it",
                    hint=f"give people a role with {APPROVE} first",
                )

    def _electorate(self, unit: Unit, tenant: str | None, proposer: str) -> frozenset[str]:
        return self._approvers(unit, tenant) - {proposer}

    def _vote(self, unit: Writing, proposal_id: str, *, approves: bool) -> Proposal:
        found = _open(unit, proposal_id)
        rule = protection(unit, found.policy, found.tenant_id)
        may = self._electorate(unit, found.tenant_id, found.who)
        if unit.author.who == found.who:
            raise PharosError(Kind.DENIED, "who made a proposal has no vote on it", hint="others decide")
        if unit.author.who not in may:
            raise PharosError(Kind.DENIED, f"only people with the permission {APPROVE} there may vote")
        if rule is not None and rule.reasons and not unit.author.reason.strip():
            raise PharosError(Kind.INVALID, "a vote on this proposal needs a reason")
        return self._decide(unit, proposals.put_vote(unit, proposal_id, approves=approves), rule, may)

    def _decide(
        self, unit: Writing, found: Proposal, rule: Protection | None, may: frozenset[str]
    ) -> Proposal:
        """Return the proposal, ended if the votes of those who may vote now decide it."""
        needed = 1 if rule is None else rule.needed(len(may))
        for_it = sum(vote.approves for vote in found.votes if vote.who in may)
        against = sum(not vote.approves for vote in found.votes if vote.who in may)
        if for_it >= needed:
            return _apply(unit, found, for_it)
        if len(may) - against < needed:
            return proposals.end_proposal(
                unit, found.id, Status.REJECTED, f"{against} of {len(may)} who may vote are against it"
            )
        return found

    # -- by the clock --

    async def expire(self) -> None:
        """End the proposals whose time is over. Raises PharosError(UNAVAILABLE)."""
        if await self._state.read(proposals.overdue_proposals):
            await self._state.write(_expire, PHAROS)


def _expire(unit: Writing) -> None:
    for proposal_id in proposals.overdue_proposals(unit):
        proposals.end_proposal(unit, proposal_id, Status.EXPIRED, "its time was over before enough had voted")


def _open(unit: Unit, proposal_id: str) -> Proposal:
    """Return a proposal that can be decided. Raises PharosError: MISSING, or INVALID when it is over."""
    found = proposals.proposal(unit, proposal_id)
    status = found.status
    if status is Status.OPEN and found.expires_ms <= unit.now_ms:
        status = Status.EXPIRED
    if status is not Status.OPEN:
        raise PharosError(Kind.INVALID, f"the proposal is {status} already", hint="make a new one")
    return found


def _apply(unit: Writing, found: Proposal, for_it: int) -> Proposal:
    """Make the change of an approved proposal, unless things are not any more as they were."""
    author = unit.author
    try:
        change = read_change(found.action, found.tenant_id, found.change)
        change.check(unit)
        if change.current(unit) != found.before:
            words = "what it was to change was changed meanwhile"
            return proposals.end_proposal(unit, found.id, Status.OUTDATED, words)
        unit.author = replace(author, reason=f"proposal {found.id}: {found.reason}")
        unit.is_decided = True
        unit.attempt(change.apply)
    except PharosError as exc:
        if exc.kind in {Kind.BUG, Kind.UNAVAILABLE}:
            raise
        return proposals.end_proposal(unit, found.id, Status.FAILED, str(exc))
    finally:
        unit.author, unit.is_decided = author, False
    return proposals.end_proposal(unit, found.id, Status.APPLIED, f"{for_it} approved it")
